//! `scan()`: a report as a lazy frame, whose making is Python's (`insightframe.polars`).

use pyo3::{prelude::*, types::PyDict};

use super::client::InsightsClient;

#[pymethods]
impl InsightsClient {
    #[doc = stub!("InsightsClient.scan")]
    #[pyo3(signature = (
        report, *, start=None, end=None, date=None, r#where=None, every=None, schema=None, workspace=None, timeout=None,
        progress=None
    ), text_signature = "($self, report, *, start=None, end=None, date='date.date.mmddyyyy', where=None, \
                         every=None, schema='report', workspace=None, timeout=None, progress=None)")]
    #[expect(clippy::too_many_arguments, reason = "they are Python's keyword arguments")]
    fn scan<'py>(
        slf: &Bound<'py, Self>,
        report: Bound<'py, PyAny>,
        start: Option<Bound<'py, PyAny>>,
        end: Option<Bound<'py, PyAny>>,
        date: Option<Bound<'py, PyAny>>,
        r#where: Option<Bound<'py, PyAny>>,
        every: Option<Bound<'py, PyAny>>,
        schema: Option<Bound<'py, PyAny>>,
        workspace: Option<Bound<'py, PyAny>>,
        timeout: Option<Bound<'py, PyAny>>,
        progress: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let given = [start, end, date, r#where, every, schema, workspace, timeout, progress];
        lazily("scan", slf, report, given)
    }

    // The coroutine of a function of Python's.
    #[doc = stub!("InsightsClient.scan_async")]
    #[pyo3(signature = (
        report, *, start=None, end=None, date=None, r#where=None, every=None, schema=None, workspace=None, timeout=None,
        progress=None
    ), text_signature = "($self, report, *, start=None, end=None, date='date.date.mmddyyyy', where=None, \
                         every=None, schema='report', workspace=None, timeout=None, progress=None)")]
    #[expect(clippy::too_many_arguments, reason = "they are Python's keyword arguments")]
    fn scan_async<'py>(
        slf: &Bound<'py, Self>,
        report: Bound<'py, PyAny>,
        start: Option<Bound<'py, PyAny>>,
        end: Option<Bound<'py, PyAny>>,
        date: Option<Bound<'py, PyAny>>,
        r#where: Option<Bound<'py, PyAny>>,
        every: Option<Bound<'py, PyAny>>,
        schema: Option<Bound<'py, PyAny>>,
        workspace: Option<Bound<'py, PyAny>>,
        timeout: Option<Bound<'py, PyAny>>,
        progress: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let given = [start, end, date, r#where, every, schema, workspace, timeout, progress];
        lazily("scan_async", slf, report, given)
    }
}

fn lazily<'py>(
    function: &str,
    client: &Bound<'py, InsightsClient>,
    report: Bound<'py, PyAny>,
    given: [Option<Bound<'py, PyAny>>; 9],
) -> PyResult<Bound<'py, PyAny>> {
    const NAMES: [&str; 9] = ["start", "end", "date", "where", "every", "schema", "workspace", "timeout", "progress"];
    let py = client.py();
    let asked = PyDict::new(py);
    for (name, value) in NAMES.into_iter().zip(given) {
        asked.set_item(name, value)?;
    }
    py.import("insightframe.polars")?.getattr(function)?.call((client, report), Some(&asked))
}
