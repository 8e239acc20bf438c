//! `Receipt`: the account of an export.

use pyo3::{prelude::*, types::PyDict};

use crate::handoff;

/// The account of one export.
#[pyclass(frozen, module = "insightframe")]
pub(super) struct Receipt(pub(super) handoff::Receipt);

#[pymethods]
impl Receipt {
    #[getter]
    fn report(&self) -> &str {
        &self.0.report
    }

    #[getter]
    fn workspace(&self) -> Option<&str> {
        self.0.workspace.as_deref()
    }

    #[getter]
    fn windows(&self) -> Vec<(String, String)> {
        self.0.windows.clone()
    }

    #[getter]
    fn skipped(&self) -> Vec<(String, String)> {
        self.0.skipped.clone()
    }

    #[getter]
    fn rows(&self) -> u64 {
        self.0.rows
    }

    #[getter]
    fn bytes(&self) -> u64 {
        self.0.bytes
    }

    #[getter]
    fn polls(&self) -> u64 {
        self.0.polls
    }

    #[getter]
    fn retries(&self) -> u64 {
        self.0.retries
    }

    #[getter]
    fn token_refreshes(&self) -> u64 {
        self.0.token_refreshes
    }

    #[getter]
    fn seconds<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let seconds = PyDict::new(py);
        for (phase, time) in &self.0.seconds {
            seconds.set_item(phase, time)?;
        }
        Ok(seconds)
    }

    #[getter]
    fn schema_fingerprint(&self) -> Option<&str> {
        self.0.schema_fingerprint.as_deref()
    }

    #[getter]
    fn warnings(&self) -> Vec<String> {
        self.0.warnings.clone()
    }

    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let all = PyDict::new(py);
        all.set_item("report", self.report())?;
        all.set_item("workspace", self.workspace())?;
        all.set_item("windows", self.windows())?;
        all.set_item("skipped", self.skipped())?;
        all.set_item("rows", self.rows())?;
        all.set_item("bytes", self.bytes())?;
        all.set_item("polls", self.polls())?;
        all.set_item("retries", self.retries())?;
        all.set_item("token_refreshes", self.token_refreshes())?;
        all.set_item("seconds", self.seconds(py)?)?;
        all.set_item("schema_fingerprint", self.schema_fingerprint())?;
        all.set_item("warnings", self.warnings())?;
        Ok(all)
    }

    fn __repr__(&self) -> String {
        self.0.to_string()
    }
}
