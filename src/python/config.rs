//! The configuration dataclasses of `insightframe.config`, read once into the core's own.

use std::{path::PathBuf, time::Duration};

use pyo3::{exceptions::PyOverflowError, prelude::*};

use crate::{
    http::Tls,
    limits::{Limits, Polling, Retry},
};

/// Seconds as a float, checked by the dataclass already; a negative or endless time is refused here once more.
pub(super) fn seconds(value: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(value)
        .map_err(|_| PyOverflowError::new_err(format!("`{value}` is not a number of seconds")))
}

fn time(object: &Bound<'_, PyAny>, name: &str) -> PyResult<Duration> {
    seconds(object.getattr(name)?.extract()?)
}

pub(super) fn retry(object: Option<&Bound<'_, PyAny>>) -> PyResult<Retry> {
    let Some(object) = object else { return Ok(Retry::default()) };
    let attempts = object.getattr("attempts")?.extract()?;
    Ok(Retry { attempts, base: time(object, "base")?, cap: time(object, "cap")? })
}

pub(super) fn polling(object: Option<&Bound<'_, PyAny>>) -> PyResult<Polling> {
    let Some(object) = object else { return Ok(Polling::default()) };
    Ok(Polling {
        initial: time(object, "initial")?,
        factor: object.getattr("factor")?.extract()?,
        max: time(object, "max")?,
        timeout: time(object, "timeout")?,
    })
}

pub(super) fn limits(object: Option<&Bound<'_, PyAny>>) -> PyResult<Limits> {
    let Some(object) = object else { return Ok(Limits::default()) };
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
    let Some(object) = object else { return Ok(Tls::default()) };
    Ok(Tls { ca_file: object.getattr("ca_file")?.extract::<Option<PathBuf>>()? })
}
