//! The native module `insightframe._core`: thin classes over the core. What it does itself is what only Python asks
//! for: running the core's futures under its rules (`runtime`), its exceptions, its configuration objects, pickling.

mod arrow;
mod client;
mod command;
mod config;
mod decode;
mod errors;
mod flowxo;
mod instances;
mod listener;
mod per_process;
mod receipt;
mod rows;
mod runtime;
mod sandbox;
mod service;
mod stream;
mod table;
mod types;

use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::prelude::*;

/// The native part of insightframe.
#[pymodule(gil_used = false)]
mod _core {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::{
        client::InsightsClient,
        command::run_command,
        decode::{decode_csv, stream_csv},
        flowxo::FlowXoClient,
        instances::{Configuration, FlexInstancesClient, InsightsWorkspace, Instance},
        receipt::Receipt,
        sandbox::{LedgerEntry, Sandbox},
        stream::Stream,
        table::Table,
    };

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        super::runtime::survive_forks();
        let close = pyo3::wrap_pyfunction!(super::client::close_all, module)?;
        module.py().import("atexit")?.call_method1("register", (close,))?;
        Ok(())
    }
}

/// Sends our own log records, and nobody else's (an HTTP library's may hold headers), to the logger `insightframe`.
///
/// Done by whatever first has something to log, not by the import: Python's `logging` takes longer to import than all
/// the rest.
fn log_to_python(py: Python<'_>) {
    static DONE: AtomicBool = AtomicBool::new(false);
    if DONE.swap(true, Ordering::Relaxed) {
        return;
    }
    let logger = pyo3_log::Logger::new(py, pyo3_log::Caching::LoggersAndLevels);
    let ours = logger.map(|logger| {
        logger.filter(log::LevelFilter::Off).filter_target("insightframe".into(), log::LevelFilter::Trace)
    });
    // A second import in the same process finds the logger installed, which is as good.
    if let Ok(logger) = ours {
        let _ = logger.install();
    }
}
