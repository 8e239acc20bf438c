//! What the clients without a session have in common: their arguments, and how they are pickled.

use std::{ops::RangeInclusive, sync::Arc, time::Duration};

use pyo3::{
    exceptions::PyOverflowError,
    prelude::*,
    types::{PyDict, PyTuple},
};
use tokio::sync::Semaphore;

use super::{client::SharedClock, config, errors::raise};
use crate::{
    clock::{Clock, SystemClock},
    error::{Error, Result},
    http::{Proxy, Tls},
    ids::shown,
    limits::{Limits, Retry},
    progress::Call,
};

/// The arguments about the way to a service.
pub(super) struct Way {
    pub(super) retry: Retry,
    pub(super) limits: Limits,
    pub(super) tls: Tls,
    pub(super) proxy: Proxy,
    pub(super) clock: Arc<dyn Clock>,
}

impl Way {
    /// Reads them, and keeps what was given for a twin elsewhere.
    pub(super) fn read(
        kept: &Bound<'_, PyDict>,
        retry: Option<&Bound<'_, PyAny>>,
        limits: Option<&Bound<'_, PyAny>>,
        tls: Option<&Bound<'_, PyAny>>,
        proxy: Option<&str>,
        clock: Option<&PyRef<'_, SharedClock>>,
    ) -> PyResult<Self> {
        let py = kept.py();
        for (name, value) in [("retry", retry), ("limits", limits), ("tls", tls)] {
            if let Some(value) = value {
                kept.set_item(name, value)?;
            }
        }
        if let Some(proxy) = proxy {
            kept.set_item("proxy", proxy)?;
        }
        Ok(Self {
            retry: config::retry(retry)?,
            limits: config::limits(limits)?,
            tls: config::tls(tls)?,
            proxy: match proxy {
                Some(proxy) => result_of(py, Proxy::parse(proxy))?,
                None => Proxy::default(),
            },
            clock: match clock {
                Some(clock) => Arc::new(clock.0.clone()),
                None => Arc::new(SystemClock::new()),
            },
        })
    }
}

/// A core's result as Python's.
pub(super) fn result_of<T>(py: Python<'_>, result: Result<T>) -> PyResult<T> {
    result.map_err(|error| raise(py, &error))
}

/// A whole number within bounds; Python's know none.
pub(super) fn whole(name: &str, value: &Bound<'_, PyAny>, allowed: RangeInclusive<i64>) -> PyResult<i64> {
    match value.extract::<i64>() {
        Ok(number) if allowed.contains(&number) => return Ok(number),
        Err(error) if !error.is_instance_of::<PyOverflowError>(value.py()) => return Err(error),
        _ => {}
    }
    let (found, least, most) = (value.str()?.to_string(), allowed.start(), allowed.end());
    let found = shown(&found);
    result_of(
        value.py(),
        Err(Error::config(format!("`{name}` is {found}; it must be a whole number from {least} to {most}"))),
    )
}

/// The argument `max_concurrency`.
pub(super) fn places(value: &Bound<'_, PyAny>) -> PyResult<usize> {
    let most = i64::try_from(Semaphore::MAX_PERMITS).unwrap_or(i64::MAX);
    Ok(usize::try_from(whole("max_concurrency", value, 1..=most)?).unwrap_or(Semaphore::MAX_PERMITS))
}

/// A call that begins now.
pub(super) fn call(clock: &Arc<dyn Clock>, timeout: Option<f64>) -> PyResult<Call> {
    let timeout: Option<Duration> = timeout.map(|timeout| config::seconds("timeout", timeout)).transpose()?;
    Ok(Call::new(Arc::clone(clock), timeout, None))
}

/// A callable that makes the same client elsewhere; refused when a secret would have to travel.
pub(super) fn reduce<'py>(
    client: &Bound<'py, PyAny>,
    arguments: Option<&Py<PyDict>>,
    proxy: &Proxy,
    variables: &str,
) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
    let py = client.py();
    let Some(arguments) = arguments else {
        let error = Error::config("a client with a secret of its own can't be pickled: the secret would travel")
            .hint(format!("let it come from {variables} on both sides, or make the client where it is used"));
        return Err(raise(py, &error));
    };
    if matches!(proxy, Proxy::Through(url) if url.password().is_some()) {
        let error = Error::config("a client whose proxy has a password can't be pickled: the password would travel")
            .hint("let the proxy come from HTTPS_PROXY on both sides");
        return Err(raise(py, &error));
    }
    let partial = py.import("functools")?.getattr("partial")?;
    let rebuild = partial.call((client.get_type(),), Some(arguments.bind(py)))?;
    Ok((rebuild, PyTuple::empty(py)))
}
