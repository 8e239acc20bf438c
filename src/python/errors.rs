//! Our errors as the classes of `insightframe.errors`.

use pyo3::{
    exceptions::{PyOSError, PyRuntimeError},
    prelude::*,
    types::PyDict,
};

use crate::error::{Error, Kind};

impl From<Error> for PyErr {
    fn from(error: Error) -> Self {
        Python::attach(|py| raise(py, &error))
    }
}

/// The exception of an error.
pub(super) fn raise(py: Python<'_>, error: &Error) -> PyErr {
    if let Kind::File { path, errno, message } = error.kind() {
        return match errno {
            // With an errno Python picks the right subclass by itself.
            Some(errno) => PyOSError::new_err((*errno, without_errno(message), path.clone())),
            None => PyOSError::new_err(error.to_string()),
        };
    }
    build(py, error).unwrap_or_else(|broken| {
        let fallback = PyRuntimeError::new_err(error.to_string());
        fallback.set_cause(py, Some(broken));
        fallback
    })
}

/// What the operating system says without the number that Python shows itself.
fn without_errno(message: &str) -> String {
    message.split(" (os error ").next().unwrap_or(message).to_owned()
}

fn build(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    let class = py.import("insightframe.errors")?.getattr(error.code())?;
    let attributes = PyDict::new(py);
    attributes.set_item("attempts", error.attempts())?;
    attributes.set_item("elapsed", error.elapsed().as_secs_f64())?;
    attributes.set_item("retryable", error.is_retryable())?;
    attributes.set_item("handle", error.handle())?;
    let seconds = |wait: &Option<std::time::Duration>| wait.map(|wait| wait.as_secs_f64());
    match error.kind() {
        Kind::InvalidCredentials(_) => {
            attributes.set_item("code", error.service_code())?;
            attributes.set_item("more_info", error.more_info())?;
        }
        Kind::PartialResult { failures, .. } => {
            let errors = PyDict::new(py);
            for (name, error) in failures {
                errors.set_item(name, raise(py, error).into_value(py))?;
            }
            attributes.set_item("failures", errors)?;
        }
        Kind::LoginThrottled { retry_after } => attributes.set_item("retry_after", seconds(retry_after))?,
        Kind::DeadlineExceeded { phase, allowed, .. } => {
            attributes.set_item("phase", phase)?;
            attributes.set_item("allowed", allowed.as_secs_f64())?;
        }
        Kind::Api(reply) => {
            attributes.set_item("status", reply.status)?;
            attributes.set_item("method", &reply.method)?;
            attributes.set_item("path", &reply.path)?;
            attributes.set_item("request_id", &reply.request_id)?;
            attributes.set_item("code", error.service_code())?;
            attributes.set_item("more_info", error.more_info())?;
            attributes.set_item("excerpt", &reply.excerpt)?;
            attributes.set_item("retry_after", seconds(&reply.retry_after))?;
        }
        Kind::UntrustedUri { uri, reason } => {
            attributes.set_item("uri", uri)?;
            attributes.set_item("reason", reason)?;
        }
        Kind::LimitExceeded { limit, allowed, observed } => {
            attributes.set_item("limit", limit)?;
            attributes.set_item("allowed", allowed)?;
            attributes.set_item("observed", observed)?;
        }
        Kind::SchemaMismatch { column, record, value, expected } => {
            attributes.set_item("column", column)?;
            attributes.set_item("record", record)?;
            attributes.set_item("value", value)?;
            attributes.set_item("expected", expected)?;
        }
        Kind::Csv(fault) => {
            attributes.set_item("record", fault.record)?;
            attributes.set_item("line", fault.line)?;
            attributes.set_item("byte", fault.byte)?;
            attributes.set_item("column", &fault.column)?;
            attributes.set_item("reason", fault.reason.as_ref())?;
            attributes.set_item("snippet", &fault.snippet)?;
        }
        Kind::Config(_) | Kind::Export { .. } | Kind::SessionLost(_) | Kind::Transport(..) | Kind::File { .. } => {}
    }
    Ok(PyErr::from_value(class.call((error.to_string(),), Some(&attributes))?))
}
