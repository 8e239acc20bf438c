//! Our log records, on their way to Python's `logging`.

use std::sync::OnceLock;

use pyo3::prelude::*;
use pyo3_log::{Caching, Logger, ResetHandle};

static CACHE: OnceLock<ResetHandle> = OnceLock::new();

/// Sends our own log records, and nobody else's (an HTTP library's may hold headers), to the logger `insightframe`.
///
/// Done by each call, not by the import: Python's `logging` takes longer to import than all the rest. Which levels are
/// wanted is remembered, so that a record that nobody wants costs no GIL, and looked at anew by each call, so that
/// `logging.basicConfig` is heard also when it comes late.
pub(super) fn log_to_python(py: Python<'_>) {
    if let Some(cache) = CACHE.get() {
        return cache.reset();
    }
    let logger = Logger::new(py, Caching::LoggersAndLevels);
    let ours = logger.map(|logger| {
        logger.filter(log::LevelFilter::Off).filter_target("insightframe".into(), log::LevelFilter::Trace)
    });
    // Where another thread was faster, its logger is as good.
    if let Ok(logger) = ours
        && let Ok(handle) = logger.install()
    {
        let _ = CACHE.set(handle);
    }
}
