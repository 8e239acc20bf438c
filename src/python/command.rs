//! `run_command`: the command `insightframe`, as the Python entry point calls it.

use pyo3::prelude::*;

#[doc = stub!("run_command")]
#[pyfunction]
pub(super) fn run_command(py: Python<'_>, argv: Vec<std::ffi::OsString>) -> u8 {
    // The command has a runtime and a Ctrl-C of its own. Python noticed the signal too, and would raise it afterwards.
    let code = py.detach(|| crate::cli::run(argv));
    let _ = py.check_signals();
    code
}
