//! What the caller says about the columns, and what Arrow makes of it.

use std::{fmt, sync::Arc};

use arrow_schema::{DataType, Field, SchemaRef, TimeUnit};
use encoding_rs::Encoding;

use super::header;

/// How CSV is read.
#[derive(Clone, Debug)]
pub struct Options {
    /// The types of the columns; default [`Schema::Infer`].
    pub schema: Schema,
    /// Whether damaged records, and cells that don't fit their type, are set aside as rejects instead of ending the
    /// reading with an error; default no. A damaged header is always an error.
    pub lenient: bool,
    /// The encoding of the bytes; default UTF-8. A byte order mark of that encoding is skipped.
    pub encoding: Option<&'static Encoding>,
    /// Input bytes that make up one batch; default 8 MiB. A batch holds the records that end within so many bytes from
    /// its beginning, and at least one record.
    pub batch_bytes: usize,
    /// The longest record in bytes, its line end included; default 128 MiB, at most 1 GiB.
    pub record_bytes: u64,
    /// Threads that decode side by side in [`decode`](super::decode); default 1. The result is the same for any number.
    pub threads: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            schema: Schema::Infer,
            lenient: false,
            encoding: None,
            batch_bytes: 8 << 20,
            record_bytes: 128 << 20,
            threads: 1,
        }
    }
}

/// Where the types of the columns come from.
#[derive(Clone, Debug)]
pub enum Schema {
    /// Every column is text.
    Text,
    /// From all of the data, so that batches come after the last byte: int64 when every value is a whole number in its
    /// only canonical form, else float64 when every value is a plain decimal that float64 can write again with all its
    /// digits (always up to 15 significant ones, and what programs write of their own float64), else text. `007`,
    /// `+44…`, numbers beyond int64, `1e5`, `NaN` and ` 7` are text, so that no value ever loses a character. A column
    /// of empty cells is text; days and truth values are never guessed.
    Infer,
    /// From the batches that begin within the first `bytes` of the records, at least one. What later contradicts them is a
    /// [`SchemaMismatch`](crate::error::Kind::SchemaMismatch).
    InferSample {
        /// How much of the input, in bytes.
        bytes: u64,
    },
    /// By column name; columns that aren't named follow `rest`. A name that the header doesn't have is a
    /// [`SchemaMismatch`](crate::error::Kind::SchemaMismatch) with record 0.
    Given(Vec<(String, ColumnType)>, Box<Schema>),
    /// Columns as somebody else describes them, by title, in the order of the input. Unlike with [`Schema::Given`] a
    /// column that isn't there is no error: a description may be older than the data. Other columns follow `rest`.
    Described(Vec<(String, ColumnType)>, Box<Schema>),
}

/// The type of one column. An empty cell is null in each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// A whole number: digits with an optional sign.
    Int64,
    /// A number as `str::parse::<f64>` reads it: `11.00`, `-3`, `1e5`, `NaN`, `inf`.
    Float64,
    /// `true`, `yes`, `1` or `false`, `no`, `0`, in any case.
    Bool,
    /// A calendar day.
    Date(DateFormat),
    /// A day and a time of day.
    Timestamp(TimestampFormat),
    /// Text.
    Utf8,
    /// Text in which few values repeat: each batch holds every value once.
    Dictionary,
}

/// How a day is written: the six labels of the service's `date` attributes (protocol §5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateFormat {
    /// `05/13/2024`, label type `GDC.time.day_us`: the service's default.
    MmDdYyyy,
    /// `2024-05-13`, label type `GDC.time.day`.
    YyyyMmDd,
    /// `5/13/24`, label type `GDC.time.day_us_noleading`. Years 50–99 are 1950–1999, 00–49 are 2000–2049: the service's
    /// dates end with 2049.
    MDYy,
    /// `Mon, May 13, 2024`, label type `GDC.time.day_us_long`. The weekday must be that of the date.
    Long,
    /// `13/05/2024`, label type `GDC.time.day_eu`.
    DdMmYyyySlash,
    /// `13-05-2024`, label type `GDC.time.day_iso`.
    DdMmYyyyDash,
}

/// How a timestamp is written; both keep microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampFormat {
    /// `2024-05-13 08:15:00`, `T` instead of the space and up to six digits of a fraction allowed; no time zone.
    Civil,
    /// The same with `Z` or an offset like `+02:00` behind it; becomes UTC.
    Utc,
}

impl ColumnType {
    /// The Arrow type of the column.
    ///
    /// Text is `Utf8View`: polars and DuckDB work on views inside, and a copy into them costs as much as a tenth of the
    /// decoding; pyarrow takes either layout as it is. The values of a dictionary are plain `Utf8` with 32-bit keys,
    /// which every reader of Arrow understands, and there are few of them.
    pub fn arrow(&self) -> DataType {
        match self {
            Self::Int64 => DataType::Int64,
            Self::Float64 => DataType::Float64,
            Self::Bool => DataType::Boolean,
            Self::Date(_) => DataType::Date32,
            Self::Timestamp(TimestampFormat::Civil) => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self::Timestamp(TimestampFormat::Utc) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Utf8 => DataType::Utf8View,
            Self::Dictionary => DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
        }
    }
}

/// The type as a person would say it; stands in errors after "is not a valid".
impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int64 => f.write_str("int64"),
            Self::Float64 => f.write_str("float64"),
            Self::Bool => f.write_str("bool (`true`, `yes`, `1`, `false`, `no` or `0`)"),
            Self::Date(format) => write!(f, "date in the form `{format}`"),
            Self::Timestamp(TimestampFormat::Civil) => f.write_str("timestamp in the form `yyyy-mm-dd hh:mm:ss`"),
            Self::Timestamp(TimestampFormat::Utc) => f.write_str("timestamp in the form `yyyy-mm-ddThh:mm:ssZ`"),
            Self::Utf8 | Self::Dictionary => f.write_str("text"),
        }
    }
}

impl fmt::Display for DateFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MmDdYyyy => "mm/dd/yyyy",
            Self::YyyyMmDd => "yyyy-mm-dd",
            Self::MDYy => "m/d/yy",
            Self::Long => "Mon, Jan 1, 2010",
            Self::DdMmYyyySlash => "dd/mm/yyyy",
            Self::DdMmYyyyDash => "dd-mm-yyyy",
        })
    }
}

/// The schema of an answer without any bytes: the columns that are described or given, in their order. No others are
/// known.
pub fn empty(schema: &Schema) -> SchemaRef {
    let mut columns: Vec<(String, ColumnType)> = Vec::new();
    let mut given = Vec::new();
    let mut rest = schema;
    loop {
        rest = match rest {
            Schema::Given(more, next) => {
                given.extend(more.iter().cloned());
                next
            }
            Schema::Described(more, next) => {
                columns.extend(header::described(more));
                next
            }
            Schema::Text | Schema::Infer | Schema::InferSample { .. } => break,
        };
    }
    // The first type given for a name counts, so it is set last.
    for (name, kind) in given.into_iter().rev() {
        match columns.iter_mut().find(|(other, _)| *other == name) {
            Some(column) => column.1 = kind,
            None => columns.push((name, kind)),
        }
    }
    Arc::new(arrow_schema::Schema::new(
        columns.iter().map(|(name, kind)| field(name, kind.arrow())).collect::<Vec<_>>(),
    ))
}

/// A column of the schema; every column can hold nulls.
pub(super) fn field(name: &str, kind: DataType) -> Field {
    Field::new(name, kind, true)
}
