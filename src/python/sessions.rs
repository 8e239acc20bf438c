//! The end of sessions: what was logged in is logged out, however the program ends.

use std::{
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use pyo3::{
    prelude::*,
    types::{IntoPyDict, PyDict},
};

use super::{process::PerProcess, runtime::runtime};
use crate::insights::Connection;

/// How long the end of the interpreter may wait for logouts, all at once.
const GOODBYE: Duration = Duration::from_secs(2);

/// Every connection of this process that may have to be logged out when it ends.
static OPEN: PerProcess<Mutex<Vec<Weak<Connection>>>> = PerProcess::new();

/// Remembers a connection until it is dropped.
pub(super) fn remember(py: Python<'_>, connection: &Arc<Connection>) -> PyResult<()> {
    let open = OPEN.get(|| {
        log_out_at_the_end_of_workers(py)?;
        PyResult::Ok(Mutex::default())
    })?;
    let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
    open.retain(|connection| connection.strong_count() > 0);
    open.push(Arc::downgrade(connection));
    Ok(())
}

/// Has [`close_all`] called when a worker of `multiprocessing` ends: a forked one doesn't end its interpreter.
fn log_out_at_the_end_of_workers(py: Python<'_>) -> PyResult<()> {
    let modules = py.import("sys")?.getattr("modules")?.cast_into::<PyDict>()?;
    if let Some(util) = modules.get_item("multiprocessing.util")? {
        let close = pyo3::wrap_pyfunction!(close_all, py)?;
        let priority = [("exitpriority", 0)].into_py_dict(py)?;
        util.call_method("Finalize", (py.None(), close), Some(&priority))?;
    }
    Ok(())
}

/// Logs out every session of this process that is still open.
#[pyfunction]
pub(super) fn close_all(py: Python<'_>) {
    let Some(open) = OPEN.made() else { return };
    let open = open.lock().unwrap_or_else(PoisonError::into_inner).iter().filter_map(Weak::upgrade).collect();
    close(py, open);
}

/// Logs out from all of them at once, bounded; failures are logged by the connection.
pub(super) fn close(py: Python<'_>, connections: Vec<Arc<Connection>>) {
    let open: Vec<_> = connections.into_iter().filter(|connection| connection.is_open()).collect();
    if open.is_empty() {
        return;
    }
    let Ok(runtime) = runtime() else { return };
    let (sender, done) = std::sync::mpsc::channel::<()>();
    for connection in open {
        let sender = sender.clone();
        runtime.spawn(async move {
            connection.close().await;
            drop(sender);
        });
    }
    drop(sender);
    // Nothing is ever sent: the channel closes when the last of them is done.
    py.detach(move || {
        let _ = done.recv_timeout(GOODBYE);
    });
}
