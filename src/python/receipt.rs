//! `Receipt`: the account of an export.

use pyo3::{prelude::*, types::PyDict};

use crate::handoff;

#[doc = stub!("Receipt")]
#[pyclass(frozen, module = "insightframe")]
pub(super) struct Receipt(pub(super) handoff::Receipt);

#[pymethods]
impl Receipt {
    #[doc = stub!("Receipt.report")]
    #[getter]
    fn report(&self) -> &str {
        &self.0.report
    }

    #[doc = stub!("Receipt.workspace")]
    #[getter]
    fn workspace(&self) -> Option<&str> {
        self.0.workspace.as_deref()
    }

    #[doc = stub!("Receipt.windows")]
    #[getter]
    fn windows(&self) -> Vec<(String, String)> {
        self.0.windows.clone()
    }

    #[doc = stub!("Receipt.skipped")]
    #[getter]
    fn skipped(&self) -> Vec<(String, String)> {
        self.0.skipped.clone()
    }

    #[doc = stub!("Receipt.rows")]
    #[getter]
    fn rows(&self) -> u64 {
        self.0.rows
    }

    #[doc = stub!("Receipt.bytes")]
    #[getter]
    fn bytes(&self) -> u64 {
        self.0.bytes
    }

    #[doc = stub!("Receipt.polls")]
    #[getter]
    fn polls(&self) -> u64 {
        self.0.polls
    }

    #[doc = stub!("Receipt.retries")]
    #[getter]
    fn retries(&self) -> u64 {
        self.0.retries
    }

    #[doc = stub!("Receipt.token_refreshes")]
    #[getter]
    fn token_refreshes(&self) -> u64 {
        self.0.token_refreshes
    }

    #[doc = stub!("Receipt.seconds")]
    #[getter]
    fn seconds<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let seconds = PyDict::new(py);
        for (phase, time) in &self.0.seconds {
            seconds.set_item(phase, time)?;
        }
        Ok(seconds)
    }

    #[doc = stub!("Receipt.schema_fingerprint")]
    #[getter]
    fn schema_fingerprint(&self) -> Option<&str> {
        self.0.schema_fingerprint.as_deref()
    }

    #[doc = stub!("Receipt.warnings")]
    #[getter]
    fn warnings(&self) -> Vec<String> {
        self.0.warnings.clone()
    }

    #[doc = stub!("Receipt.to_dict")]
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
