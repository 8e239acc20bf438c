//! The configuration dataclasses of `insightframe.config`, read once into the core's own.

use std::{path::PathBuf, time::Duration};

use pyo3::{exceptions::PyTypeError, prelude::*};

use crate::{
    error::{Error, Result},
    http::Tls,
    insights::AuthMode,
    limits::{Limits, Polling, Retry},
};

/// A time that is neither negative nor endless.
pub(super) fn seconds(name: &str, value: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(value)
        .map_err(|_| Error::config(format!("`{name}` must be a number of seconds from 0, not `{value}`")))
}

fn time(object: &Bound<'_, PyAny>, name: &str) -> PyResult<Duration> {
    Ok(seconds(name, object.getattr(name)?.extract()?)?)
}

/// An argument that must be an instance of a class of `insightframe.config`, when it is given.
fn given<'a, 'py>(object: Option<&'a Bound<'py, PyAny>>, class: &str) -> PyResult<Option<&'a Bound<'py, PyAny>>> {
    let Some(object) = object else { return Ok(None) };
    if object.is_instance(&object.py().import("insightframe.config")?.getattr(class)?)? {
        return Ok(Some(object));
    }
    let (name, found) = (class.to_lowercase(), object.get_type().name()?);
    Err(PyTypeError::new_err(format!("`{name}` must be a `{class}`, not a `{found}`")))
}

pub(super) fn auth(word: &str) -> Result<AuthMode> {
    match word {
        "header" => Ok(AuthMode::Header),
        "cookie" => Ok(AuthMode::Cookie),
        other => Err(Error::config(format!("`auth` is `{other}`, which is neither `header` nor `cookie`"))),
    }
}

pub(super) fn retry(object: Option<&Bound<'_, PyAny>>) -> PyResult<Retry> {
    let Some(object) = given(object, "Retry")? else { return Ok(Retry::default()) };
    let attempts = object.getattr("attempts")?.extract()?;
    let seconds = |name| time(object, name);
    Ok(Retry { attempts, base: seconds("base")?, cap: seconds("cap")?, patience: seconds("patience")? })
}

pub(super) fn polling(object: Option<&Bound<'_, PyAny>>) -> PyResult<Polling> {
    let Some(object) = given(object, "Polling")? else { return Ok(Polling::default()) };
    Ok(Polling {
        initial: time(object, "initial")?,
        factor: object.getattr("factor")?.extract()?,
        max: time(object, "max")?,
        timeout: time(object, "timeout")?,
    })
}

pub(super) fn limits(object: Option<&Bound<'_, PyAny>>) -> PyResult<Limits> {
    let Some(object) = given(object, "Limits")? else { return Ok(Limits::default()) };
    let bytes = |name: &str| -> PyResult<u64> { object.getattr(name)?.extract() };
    Ok(Limits {
        json_bytes: bytes("json_bytes")?,
        error_bytes: bytes("error_bytes")?,
        csv_bytes: bytes("csv_bytes")?,
        record_bytes: bytes("record_bytes")?,
        connect: time(object, "connect")?,
        idle: time(object, "idle")?,
        slow_window: time(object, "slow_window")?,
        slow_bytes: bytes("slow_bytes")?,
    })
}

pub(super) fn tls(object: Option<&Bound<'_, PyAny>>) -> PyResult<Tls> {
    let Some(object) = given(object, "Tls")? else { return Ok(Tls::default()) };
    Ok(Tls { ca_file: object.getattr("ca_file")?.extract::<Option<PathBuf>>()? })
}
