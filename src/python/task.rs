//! `plan()` and its `ExportTask`s: exports that are run elsewhere, or later.

use std::hash::{DefaultHasher, Hash, Hasher};

use pyo3::{
    prelude::*,
    types::{PyDict, PyTuple, PyType},
};

use super::{asked::Asked, client::InsightsClient, runtime::run, table::Table};
use crate::{
    export::{Export, Start, types::name_of},
    insights::filter::Constraint,
};

#[doc = stub!("ExportTask")]
#[pyclass(frozen, module = "insightframe")]
pub(super) struct ExportTask {
    export: Export,
    /// What it is compared, hashed and pickled by.
    json: String,
}

impl From<Export> for ExportTask {
    fn from(export: Export) -> Self {
        Self { json: export.to_json(), export }
    }
}

#[pymethods]
impl InsightsClient {
    #[doc = stub!("InsightsClient.plan")]
    #[pyo3(signature = (
        report, *, start=None, end=None, date=None, r#where=None, every=Some("1d".to_owned()), schema=None, workspace=None,
        timeout=None
    ), text_signature = "($self, report, *, start=None, end=None, date='date.date.mmddyyyy', where=None, every='1d', schema='report', \
                         workspace=None, timeout=None)")]
    #[expect(clippy::too_many_arguments, reason = "they are Python's keyword arguments")]
    fn plan(
        &self,
        py: Python<'_>,
        report: Py<PyAny>,
        start: Option<Py<PyAny>>,
        end: Option<Py<PyAny>>,
        date: Option<String>,
        r#where: Option<Py<PyAny>>,
        every: Option<String>,
        schema: Option<Py<PyAny>>,
        workspace: Option<String>,
        timeout: Option<f64>,
    ) -> PyResult<Vec<ExportTask>> {
        let asked =
            Asked { report, start, end, date, filters: r#where, every, schema, workspace, timeout, progress: None };
        Ok(self.asked(py, &asked)?.plan()?.into_iter().map(ExportTask::from).collect())
    }
}

#[pymethods]
impl ExportTask {
    #[doc = stub!("ExportTask.report")]
    #[getter]
    fn report(&self) -> String {
        self.export.report.to_string()
    }

    #[doc = stub!("ExportTask.workspace")]
    #[getter]
    fn workspace(&self) -> Option<String> {
        self.export.workspace.as_ref().map(ToString::to_string)
    }

    #[doc = stub!("ExportTask.start")]
    #[getter]
    fn start(&self) -> Option<jiff::civil::Date> {
        self.export.interval.as_ref().map(|days| days.start)
    }

    #[doc = stub!("ExportTask.end")]
    #[getter]
    fn end(&self) -> Option<jiff::civil::Date> {
        self.export.interval.as_ref().map(|days| days.end)
    }

    #[doc = stub!("ExportTask.date")]
    #[getter]
    fn date(&self) -> Option<&str> {
        self.export.interval.as_ref().map(|days| days.label.as_str())
    }

    #[doc = stub!("ExportTask.where")]
    #[getter]
    fn r#where<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let all = PyDict::new(py);
        for filter in &self.export.filters {
            let value = match &filter.constraint {
                Constraint::Among(titles) => titles.into_pyobject(py)?.into_any(),
                Constraint::Raw(raw) => from_json(py, &serde_json::Value::from(raw.clone()).to_string())?,
                Constraint::Last(last) => {
                    let arguments = PyDict::new(py);
                    arguments.set_item(format!("{}s", last.unit()), last.count())?;
                    arguments.set_item("current", last.current())?;
                    py.import("insightframe.filters")?.getattr("Last")?.call((), Some(&arguments))?
                }
            };
            all.set_item(filter.label.to_string(), value)?;
        }
        Ok(all)
    }

    #[doc = stub!("ExportTask.every")]
    #[getter]
    fn every(&self) -> Option<&str> {
        self.export.every.map(|every| every.as_str())
    }

    #[doc = stub!("ExportTask.schema")]
    #[getter]
    fn schema<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let types = &self.export.types;
        if types.given.is_empty() {
            return Ok(types.base.as_str().into_pyobject(py)?.into_any());
        }
        let columns = PyDict::new(py);
        for (column, kind) in &types.given {
            columns.set_item(column, name_of(*kind))?;
        }
        Ok(columns.into_any())
    }

    #[doc = stub!("ExportTask.timeout")]
    #[getter]
    fn timeout(&self) -> Option<f64> {
        self.export.timeout.map(|timeout| timeout.as_secs_f64())
    }

    #[doc = stub!("ExportTask.run")]
    #[pyo3(signature = (client, *, progress=None))]
    fn run(
        &self,
        py: Python<'_>,
        client: &Bound<'_, InsightsClient>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Table> {
        client.get().begin(py, Start::New(self.export.clone()), progress)?.wait_for_table(py)
    }

    #[doc = stub!("ExportTask.run_async")]
    #[pyo3(signature = (client, *, progress=None))]
    async fn run_async(&self, client: Py<InsightsClient>, progress: Option<Py<PyAny>>) -> PyResult<Table> {
        let prepared = Python::attach(|py| {
            let progress = super::asked::bound(py, progress.as_ref());
            client.get().begin(py, Start::New(self.export.clone()), progress)
        })?;
        Ok(run(prepared.table()).await?.into())
    }

    #[doc = stub!("ExportTask.to_json")]
    fn to_json(&self) -> &str {
        &self.json
    }

    #[doc = stub!("ExportTask.from_json")]
    #[classmethod]
    fn from_json(_class: &Bound<'_, PyType>, text: &str) -> PyResult<Self> {
        Ok(Export::from_json(text)?.into())
    }

    #[doc = stub!("ExportTask.to_dict")]
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        from_json(py, &self.json)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let made = slf.get_type().getattr("from_json")?;
        Ok((made, PyTuple::new(slf.py(), [&slf.get().json])?))
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| other.get().json == self.json)
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.json.hash(&mut hasher);
        hasher.finish()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let mut shown = vec![format!("'{}'", self.report())];
        let days = self.export.interval.as_ref();
        shown.extend(days.map(|days| format!("start='{}', end='{}'", days.start, days.end)));
        if !self.export.filters.is_empty() {
            shown.push(format!("where={}", self.r#where(py)?.repr()?));
        }
        shown.extend(self.workspace().map(|workspace| format!("workspace='{workspace}'")));
        Ok(format!("ExportTask({})", shown.join(", ")))
    }
}

/// A value of Python's from JSON.
fn from_json<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    py.import("json")?.call_method1("loads", (text,))
}
