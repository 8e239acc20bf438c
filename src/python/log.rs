//! Our log records, on their way to Python's `logging`.

use std::sync::{
    OnceLock,
    atomic::{AtomicBool, Ordering},
};

use pyo3::prelude::*;
use pyo3_log::{Caching, Logger, ResetHandle};

static CACHE: OnceLock<ResetHandle> = OnceLock::new();

/// Sends our own log records, and nobody else's (an HTTP library's may hold headers), to the logger `insightframe`.
///
/// Done by the first client or sandbox, not by the import: Python's `logging` takes longer to import than all the rest.
pub(super) fn log_to_python(py: Python<'_>) {
    static DONE: AtomicBool = AtomicBool::new(false);
    if DONE.swap(true, Ordering::Relaxed) {
        return;
    }
    let logger = Logger::new(py, Caching::LoggersAndLevels);
    let ours = logger.map(|logger| {
        logger.filter(log::LevelFilter::Off).filter_target("insightframe".into(), log::LevelFilter::Trace)
    });
    // A second import in the same process finds the logger installed, which is as good.
    if let Ok(logger) = ours
        && let Ok(handle) = logger.install()
    {
        let _ = CACHE.set(handle);
    }
}

/// Looks anew which levels are wanted. They are remembered, so that a record that nobody wants costs no GIL; each call
/// begins with this, so that `logging.basicConfig` is heard also when it comes late.
pub(super) fn reread_levels() {
    if let Some(cache) = CACHE.get() {
        cache.reset();
    }
}
