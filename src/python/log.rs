//! Our log records, on their way to Python's `logging`.

use std::sync::OnceLock;

use log::{LevelFilter, Log, Metadata, Record};
use pyo3::prelude::*;
use pyo3_log::{Caching, Logger, ResetHandle};

use super::gate::{close_while_forking, through};

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
    let Ok(logger) = Logger::new(py, Caching::LoggersAndLevels) else { return };
    let ours = logger.filter(LevelFilter::Off).filter_target("insightframe".into(), LevelFilter::Trace);
    let cache = ours.reset_handle();
    // Where another thread was faster, its logger is as good.
    if log::set_boxed_logger(Box::new(Gated(ours))).is_ok() {
        log::set_max_level(LevelFilter::Trace);
        let _ = CACHE.set(cache);
        // Only from here on are there threads of ours that enter Python.
        if let Err(error) = close_while_forking(py) {
            error.write_unraisable(py, None);
        }
    }
}

/// A logger that enters Python only when nobody forks.
struct Gated(Logger);

impl Log for Gated {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        through(|| self.0.enabled(metadata))
    }

    fn log(&self, record: &Record<'_>) {
        through(|| self.0.log(record));
    }

    fn flush(&self) {}
}
