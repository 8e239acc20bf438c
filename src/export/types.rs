//! Where the types of an export's columns come from.

use crate::csv::{ColumnType, DateFormat, TimestampFormat};

/// Where the types of the columns come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Types {
    /// The rule for columns that aren't named.
    pub base: Base,
    /// Columns by name whose type the caller knows better.
    pub given: Vec<(String, GivenType)>,
}

/// What the caller says of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GivenType {
    /// All of it.
    Whole(ColumnType),
    /// A date, and not how it is written: as the report says, or ISO where it doesn't, which alone can't be mistaken.
    Date,
}

impl From<ColumnType> for GivenType {
    fn from(kind: ColumnType) -> Self {
        Self::Whole(kind)
    }
}

impl GivenType {
    /// The type of a column that is `described` so.
    pub fn over(self, described: Option<ColumnType>) -> ColumnType {
        match (self, described) {
            (Self::Whole(kind), _) => kind,
            (Self::Date, Some(kind @ ColumnType::Date(_))) => kind,
            (Self::Date, _) => ColumnType::Date(DateFormat::YyyyMmDd),
        }
    }
}

/// A rule for the types of columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Base {
    /// The report's own definition; inference where that can't be read, with a warning in the receipt.
    #[default]
    Report,
    /// The data.
    Infer,
    /// Text, all of it.
    Text,
}

impl Base {
    /// The word for it: `report`, `infer` or `text`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Infer => "infer",
            Self::Text => "text",
        }
    }

    /// The rule that [`Base::as_str`] calls so.
    pub fn named(word: &str) -> Option<Self> {
        [Self::Report, Self::Infer, Self::Text].into_iter().find(|base| base.as_str() == word)
    }
}

/// The name of a type, the first that [`type_named`] reads as it.
pub fn name_of(kind: GivenType) -> &'static str {
    let GivenType::Whole(kind) = kind else { return "date" };
    match kind {
        ColumnType::Int64 => "int64",
        ColumnType::Float64 => "float64",
        ColumnType::Bool => "bool",
        ColumnType::Utf8 => "utf8",
        ColumnType::Dictionary => "dictionary",
        ColumnType::Timestamp(TimestampFormat::Civil) => "timestamp",
        ColumnType::Timestamp(TimestampFormat::Utc) => "timestamp[UTC]",
        ColumnType::Date(DateFormat::MmDdYyyy) => "date[mm/dd/yyyy]",
        ColumnType::Date(DateFormat::YyyyMmDd) => "date[yyyy-mm-dd]",
        ColumnType::Date(DateFormat::MDYy) => "date[m/d/yy]",
        ColumnType::Date(DateFormat::Long) => "date[Mon, Jan 1, 2010]",
        ColumnType::Date(DateFormat::DdMmYyyySlash) => "date[dd/mm/yyyy]",
        ColumnType::Date(DateFormat::DdMmYyyyDash) => "date[dd-mm-yyyy]",
    }
}

/// The type of a name, in any case; other libraries' names for the same are understood.
pub fn type_named(name: &str) -> Option<GivenType> {
    let lower = name.trim().to_ascii_lowercase();
    if let Some(format) = lower.strip_prefix("date[").and_then(|rest| rest.strip_suffix(']')) {
        return Some(GivenType::Whole(ColumnType::Date(match format {
            "mm/dd/yyyy" => DateFormat::MmDdYyyy,
            "yyyy-mm-dd" => DateFormat::YyyyMmDd,
            "m/d/yy" => DateFormat::MDYy,
            "mon, jan 1, 2010" => DateFormat::Long,
            "dd/mm/yyyy" => DateFormat::DdMmYyyySlash,
            "dd-mm-yyyy" => DateFormat::DdMmYyyyDash,
            _ => return None,
        })));
    }
    Some(GivenType::Whole(match lower.as_str() {
        "utf8" | "text" | "str" | "string" | "large_string" | "string_view" | "utf8view" | "largeutf8" => {
            ColumnType::Utf8
        }
        "dictionary" | "categorical" | "category" => ColumnType::Dictionary,
        "int64" | "int" | "integer" => ColumnType::Int64,
        "float64" | "float" | "double" => ColumnType::Float64,
        "bool" | "boolean" => ColumnType::Bool,
        "date" | "date32" => return Some(GivenType::Date),
        "timestamp" | "datetime" => ColumnType::Timestamp(TimestampFormat::Civil),
        "timestamp[utc]" => ColumnType::Timestamp(TimestampFormat::Utc),
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_read_as_the_report_writes_it() {
        let (us, iso) = (ColumnType::Date(DateFormat::MmDdYyyy), ColumnType::Date(DateFormat::YyyyMmDd));
        let table = [
            (GivenType::Date, Some(us), us),
            (GivenType::Date, Some(ColumnType::Utf8), iso),
            (GivenType::Date, None, iso),
            (GivenType::Whole(iso), Some(us), iso),
            (GivenType::Whole(ColumnType::Utf8), Some(us), ColumnType::Utf8),
        ];
        for (given, described, expected) in table {
            assert_eq!(given.over(described), expected, "{given:?} over {described:?}");
        }
    }

    #[test]
    fn a_type_has_a_name_that_is_read_as_it() {
        use DateFormat::{DdMmYyyyDash, DdMmYyyySlash, Long, MDYy, MmDdYyyy, YyyyMmDd};
        let dates = [MmDdYyyy, YyyyMmDd, MDYy, Long, DdMmYyyySlash, DdMmYyyyDash].map(ColumnType::Date);
        let timestamps = [TimestampFormat::Civil, TimestampFormat::Utc].map(ColumnType::Timestamp);
        let others =
            [ColumnType::Int64, ColumnType::Float64, ColumnType::Bool, ColumnType::Utf8, ColumnType::Dictionary];
        let whole = dates.into_iter().chain(timestamps).chain(others).map(GivenType::Whole);
        for kind in whole.chain([GivenType::Date]) {
            assert_eq!(type_named(name_of(kind)), Some(kind), "{}", name_of(kind));
        }
        assert_eq!(type_named(" DATE[MM/DD/YYYY] "), Some(GivenType::Whole(ColumnType::Date(MmDdYyyy))));
        assert_eq!(type_named("date[yyyy]"), None);
        assert_eq!(type_named("varchar"), None);
        for base in [Base::Report, Base::Infer, Base::Text] {
            assert_eq!(Base::named(base.as_str()), Some(base));
        }
    }
}
