//! Progress as Python hears it: a callable that gets an event now and then.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use pyo3::prelude::*;

use super::gate::through;
use crate::progress::{Event, Listener, Phase};

/// Within one phase nobody is told more often.
const PACE: Duration = Duration::from_millis(100);

/// A listener that calls `callable(event)` with an `insightframe.progress.Event`: at every new phase, and within one at
/// most ten times a second. What the callable raises is logged and does no harm to the export.
pub(super) fn listener(callable: Py<PyAny>) -> Listener {
    let last: Mutex<Option<(Phase, Instant)>> = Mutex::new(None);
    Arc::new(move |event: Event| {
        {
            let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
            // How often a person is told is no matter of the injected clock.
            let now = Instant::now();
            match *last {
                Some((phase, told)) if phase == event.phase && now.duration_since(told) < PACE => return,
                _ => *last = Some((event.phase, now)),
            }
        }
        let told = through(|| Python::try_attach(|py| tell(py, &callable, event)));
        if let Some(Err(error)) = told {
            tracing::warn!("the progress callable raised: {error}");
        }
    })
}

fn tell(py: Python<'_>, callable: &Py<PyAny>, event: Event) -> PyResult<()> {
    let class = py.import("insightframe.progress")?.getattr("Event")?;
    let elapsed = event.elapsed.as_secs_f64();
    let event = class.call1((event.phase.as_str(), elapsed, event.polls, event.bytes, event.rows))?;
    callable.call1(py, (event,)).map(drop)
}
