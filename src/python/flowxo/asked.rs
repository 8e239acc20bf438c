//! A range, and the keys of several accounts, in whichever form Python has them.

use pyo3::{exceptions::PyTypeError, prelude::*, types::PyMapping};

use super::super::service::{result_of, whole};
use crate::{
    error::{Error, Result},
    flowxo::{Edge, Range, Zone},
    secret::Secret,
};

/// The arguments of a range, in whichever form Python has them.
pub(super) struct Asked<'a, 'py> {
    pub(super) start: Option<&'a Bound<'py, PyAny>>,
    pub(super) end: Option<&'a Bound<'py, PyAny>>,
    pub(super) offset: Option<i64>,
    pub(super) tz: Option<&'a Bound<'py, PyAny>>,
}

impl Asked<'_, '_> {
    pub(super) fn range(&self, py: Python<'_>) -> PyResult<Range> {
        let zone = match (self.offset, self.tz) {
            (Some(_), Some(_)) => Err(Error::config("`offset` and `tz` say the same thing; give one of them")),
            (offset, None) => Zone::offset(offset.unwrap_or(0)),
            (None, Some(tz)) => zone(tz)?,
        };
        let (start, end) = (edge("start", self.start)?, edge("end", self.end)?);
        result_of(py, zone.and_then(|zone| Range::new(start, end, zone)))
    }
}

/// A day, an aware time, or ISO text of either: Python's own know how to write themselves.
fn edge(name: &str, value: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Edge>> {
    let Some(value) = value else { return Ok(None) };
    let text = match value.extract::<String>() {
        Ok(text) => text,
        Err(_) if value.hasattr("isoformat")? => value.call_method0("isoformat")?.extract()?,
        Err(_) => {
            let kind = value.get_type().name()?;
            return Err(PyTypeError::new_err(format!(
                "`{name}` must be a date, an aware datetime or text, not `{kind}`"
            )));
        }
    };
    result_of(value.py(), Edge::parse(name, &text)).map(Some)
}

/// The argument `offset`, in minutes; the zone checks what is a number at all.
pub(super) fn offset(value: &Bound<'_, PyAny>) -> PyResult<Option<i64>> {
    if value.is_none() {
        return Ok(None);
    }
    value.extract().or_else(|_| whole("offset", value, -840..=840)).map(Some)
}

/// The argument `limit`, a number of rows.
pub(super) fn limit(value: &Bound<'_, PyAny>) -> PyResult<Option<u32>> {
    if value.is_none() {
        return Ok(None);
    }
    Ok(u32::try_from(whole("limit", value, 1..=u32::MAX.into())?).ok())
}

/// The argument `tz`: a name, a `zoneinfo.ZoneInfo`, which knows its own, or a `datetime.timezone`, which has one offset.
fn zone(tz: &Bound<'_, PyAny>) -> PyResult<Result<Zone>> {
    if let Ok(name) = tz.extract::<String>().or_else(|_| tz.getattr("key").and_then(|key| key.extract())) {
        return Ok(Zone::named(&name));
    }
    let py = tz.py();
    if !tz.is_instance(&py.import("datetime")?.getattr("timezone")?)? {
        return Err(PyTypeError::new_err(
            "`tz` must be the name of a time zone, a `zoneinfo.ZoneInfo` or a `datetime.timezone`",
        ));
    }
    let seconds: f64 = tz.call_method1("utcoffset", (py.None(),))?.call_method0("total_seconds")?.extract()?;
    let minutes = seconds / 60.0;
    Ok(if minutes.fract() == 0.0 {
        Zone::offset(minutes as i64)
    } else {
        Err(Error::config(format!("`tz` is {tz}, which is no whole number of minutes and can't be expressed")))
    })
}

pub(super) struct Owned {
    pub(super) start: Option<Py<PyAny>>,
    pub(super) end: Option<Py<PyAny>>,
    pub(super) offset: Option<i64>,
    pub(super) tz: Option<Py<PyAny>>,
}

/// Names and keys of several accounts; none when it is one key, or nothing.
pub(super) fn mapping(api_key: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Vec<(String, Secret)>>> {
    let Some(api_key) = api_key else { return Ok(None) };
    if api_key.extract::<String>().is_ok() {
        return Ok(None);
    }
    let wrong = || PyTypeError::new_err("`api_key` must be a text, or a mapping of names to texts");
    let mapping = api_key.cast::<PyMapping>().map_err(|_| wrong())?;
    let pairs = mapping.items()?.iter().map(|pair| {
        let (name, key) = pair.extract::<(String, String)>().map_err(|_| wrong())?;
        Ok((name, Secret::new(key)))
    });
    pairs.collect::<PyResult<Vec<_>>>().map(Some)
}
