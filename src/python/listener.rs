//! Progress as Python hears it: a callable that gets an event now and then.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use pyo3::prelude::*;

use super::{gate::through, runtime::is_ending};
use crate::progress::{Event, Listener, Phase};

/// Within one phase nobody is told more often.
const PACE: Duration = Duration::from_millis(100);

/// Calls that were listened to in this process.
static CALLS: AtomicU64 = AtomicU64::new(0);

/// Who is told about a call that begins now, as `insightframe.progress` reads `progress=`: nobody, or a callable that is
/// called with an `Event` at every new phase and within one at most ten times a second. What it raises is logged and does
/// no harm to the export.
pub(super) fn listener(progress: &Bound<'_, PyAny>) -> PyResult<Option<Listener>> {
    let callable = progress.py().import("insightframe.progress")?.call_method1("_listener", (progress,))?;
    if callable.is_none() {
        return Ok(None);
    }
    let (callable, number) = (callable.unbind(), CALLS.fetch_add(1, Ordering::Relaxed) + 1);
    let last: Mutex<Option<(Phase, Instant)>> = Mutex::new(None);
    Ok(Some(Arc::new(move |event: Event| {
        {
            let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
            // How often a person is told is no matter of the injected clock.
            let now = Instant::now();
            match *last {
                Some((phase, told)) if phase == event.phase && now.duration_since(told) < PACE => return,
                _ => *last = Some((event.phase, now)),
            }
        }
        if is_ending() {
            return;
        }
        let told = through(|| Python::try_attach(|py| tell(py, &callable, event, number)));
        if let Some(Err(error)) = told {
            tracing::warn!("the progress callable raised: {error}");
        }
    })))
}

fn tell(py: Python<'_>, callable: &Py<PyAny>, event: Event, call: u64) -> PyResult<()> {
    let class = py.import("insightframe.progress")?.getattr("Event")?;
    let elapsed = event.elapsed.as_secs_f64();
    let event = class.call1((event.phase.as_str(), elapsed, event.polls, event.bytes, event.rows, call))?;
    callable.call1(py, (event,)).map(drop)
}
