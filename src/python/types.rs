//! The argument `schema=`: a rule, or types by column.

use pyo3::{exceptions::PyTypeError, prelude::*, types::PyMapping};

use super::arrow::type_of;
use crate::{
    error::Error,
    export::{
        Base, Types,
        types::{GivenType, type_named},
    },
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
fn column_type(column: &str, kind: &Bound<'_, PyAny>) -> PyResult<GivenType> {
    let name = match kind.extract::<String>() {
        Ok(name) => name,
        Err(_) if kind.hasattr("__arrow_c_schema__")? => type_of(kind)?.to_string(),
        // `str`, `int` and other classes by their name, polars' types by their text.
        Err(_) => match kind.getattr("__name__").and_then(|name| name.extract()) {
            Ok(name) => name,
            Err(_) => kind.str()?.extract()?,
        },
    };
    type_named(&name).ok_or_else(|| {
        let error = Error::config(format!("column `{column}`: `{name}` is not a type that cells can be read as")).hint(
            "utf8, dictionary, int64, float64, bool, timestamp, timestamp[UTC], or date[…] with the way days are \
             written: date[mm/dd/yyyy], date[yyyy-mm-dd], date[m/d/yy], date[dd/mm/yyyy], date[dd-mm-yyyy], \
             date[Mon, Jan 1, 2010]",
        );
        error.into()
    })
}
