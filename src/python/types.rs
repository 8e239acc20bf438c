//! The argument `schema=`: a rule, or types by column.

use pyo3::{exceptions::PyTypeError, prelude::*, types::PyMapping};
use pyo3_arrow::PyField;

use crate::{
    csv::{ColumnType, DateFormat, TimestampFormat},
    error::Error,
    export::{Base, Types},
};

/// `"report"`, `"infer"`, `"text"`, or a mapping of column to type over `default`.
pub(super) fn types(schema: Option<&Bound<'_, PyAny>>, default: Base) -> PyResult<Types> {
    let Some(schema) = schema else { return Ok(Types { base: default, given: Vec::new() }) };
    if let Ok(rule) = schema.extract::<String>() {
        let base = match rule.as_str() {
            "report" if default == Base::Report => Base::Report,
            "infer" => Base::Infer,
            "text" => Base::Text,
            _ => {
                let rules = if default == Base::Report { "`report`, `infer`, `text`" } else { "`infer`, `text`" };
                let error = Error::config(format!("`schema` is `{rule}`, which is none of {rules}"))
                    .hint("or give the types by column: `schema={\"Agent ID\": \"text\"}`");
                return Err(error.into());
            }
        };
        return Ok(Types { base, given: Vec::new() });
    }
    let mapping = schema
        .cast::<PyMapping>()
        .map_err(|_| PyTypeError::new_err("`schema` must be a rule's name or a mapping of column to type"))?;
    let mut given = Vec::new();
    for item in mapping.items()? {
        let (column, kind): (String, Bound<'_, PyAny>) = item.extract()?;
        given.push((column.clone(), column_type(&column, &kind)?));
    }
    Ok(Types { base: default, given })
}

/// A type by name, or as a type of pyarrow, polars or Python.
fn column_type(column: &str, kind: &Bound<'_, PyAny>) -> PyResult<ColumnType> {
    let name = match kind.extract::<String>() {
        Ok(name) => name,
        Err(_) if kind.hasattr("__arrow_c_schema__")? => {
            kind.extract::<PyField>()?.into_inner().data_type().to_string()
        }
        // `str`, `int` and other classes by their name, polars' types by their text.
        Err(_) => match kind.getattr("__name__").and_then(|name| name.extract()) {
            Ok(name) => name,
            Err(_) => kind.str()?.extract()?,
        },
    };
    named(&name).ok_or_else(|| {
        let error = Error::config(format!("column `{column}`: `{name}` is not a type that cells can be read as")).hint(
            "utf8, dictionary, int64, float64, bool, timestamp, timestamp[UTC], or date[…] with the way days are \
             written: date[mm/dd/yyyy], date[yyyy-mm-dd], date[m/d/yy], date[dd/mm/yyyy], date[dd-mm-yyyy], \
             date[Mon, Jan 1, 2010]",
        );
        error.into()
    })
}

fn named(name: &str) -> Option<ColumnType> {
    let lower = name.trim().to_ascii_lowercase();
    if let Some(format) = lower.strip_prefix("date[").and_then(|rest| rest.strip_suffix(']')) {
        return Some(ColumnType::Date(match format {
            "mm/dd/yyyy" => DateFormat::MmDdYyyy,
            "yyyy-mm-dd" => DateFormat::YyyyMmDd,
            "m/d/yy" => DateFormat::MDYy,
            "mon, jan 1, 2010" => DateFormat::Long,
            "dd/mm/yyyy" => DateFormat::DdMmYyyySlash,
            "dd-mm-yyyy" => DateFormat::DdMmYyyyDash,
            _ => return None,
        }));
    }
    Some(match lower.as_str() {
        "utf8" | "text" | "str" | "string" | "large_string" | "string_view" | "utf8view" | "largeutf8" => {
            ColumnType::Utf8
        }
        "dictionary" | "categorical" | "category" => ColumnType::Dictionary,
        "int64" | "int" | "integer" => ColumnType::Int64,
        "float64" | "float" | "double" => ColumnType::Float64,
        "bool" | "boolean" => ColumnType::Bool,
        // Without a form the ISO one is meant, since it alone can't be mistaken.
        "date" | "date32" => ColumnType::Date(DateFormat::YyyyMmDd),
        "timestamp" | "datetime" => ColumnType::Timestamp(TimestampFormat::Civil),
        "timestamp[utc]" => ColumnType::Timestamp(TimestampFormat::Utc),
        _ => return None,
    })
}
