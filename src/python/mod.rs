//! The native module `insightframe._core`: thin classes over the core. What it does itself is what only Python asks
//! for: running the core's futures under its rules (`runtime`), its exceptions, its configuration objects, pickling.

/// The documentation of a class or function of Python, as the stubs have it.
macro_rules! stub {
    ($($name:expr),+) => {
        include_str!(concat!(env!("OUT_DIR"), "/stubs/", $($name),+))
    };
}

mod arrow;
mod asked;
mod catalog;
mod client;
mod command;
mod config;
mod dataset;
mod decode;
mod errors;
mod flowxo;
mod gate;
mod instances;
mod listener;
mod log;
mod lookup;
mod place;
mod process;
mod receipt;
mod remade;
mod rows;
mod runtime;
mod sandbox;
mod scan;
mod service;
mod sessions;
mod stream;
mod submit;
mod table;
mod task;
mod types;

use pyo3::prelude::*;

/// For what the core allocates; Python's own objects stay with Python's allocator. The C library's gives large buffers
/// back to the kernel after every batch and gets them again with 4 KiB pages, each cleared anew.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The native part of insightframe.
#[pymodule(gil_used = false)]
mod _core {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::{
        catalog::{Report, ReportColumn},
        client::InsightsClient,
        command::run_command,
        decode::{decode_csv, stream_csv},
        flowxo::FlowXoClient,
        instances::{Configuration, FlexInstancesClient, InsightsWorkspace, Instance},
        receipt::Receipt,
        sandbox::{LedgerEntry, Sandbox},
        stream::Stream,
        table::Table,
        task::ExportTask,
    };

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        super::process::notice_forks();
        let end = pyo3::wrap_pyfunction!(super::end, module)?;
        module.py().import("atexit")?.call_method1("register", (end,))?;
        Ok(())
    }
}

/// What is done when the interpreter ends, while there still is one.
#[pyfunction]
fn end(py: Python<'_>) {
    sessions::close_all(py);
    runtime::end(py);
}
