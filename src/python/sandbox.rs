//! `Sandbox` and its ledger.

use std::sync::{Mutex, PoisonError};

use pyo3::{
    prelude::*,
    types::{IntoPyDict, PyDict},
};

use super::{client::SharedClock, config};
use crate::{
    error::{Error, Result},
    sandbox::{self, Entry, Options, Rule},
};

#[doc = stub!("Sandbox")]
#[pyclass(frozen, module = "insightframe.sandbox")]
pub(super) struct Sandbox {
    sandbox: Mutex<Option<sandbox::Sandbox>>,
    known: Known,
}

/// What stays true after the sandbox has stopped.
struct Known {
    url: String,
    username: String,
    password: String,
    workspaces: Vec<String>,
    reports: Vec<(String, String)>,
    ca_file: Option<std::path::PathBuf>,
    /// The credentials of the other services, among their options.
    services: Options,
}

impl Sandbox {
    fn with<T>(&self, action: impl FnOnce(&sandbox::Sandbox) -> T) -> PyResult<T> {
        let sandbox = self.sandbox.lock().unwrap_or_else(PoisonError::into_inner);
        match &*sandbox {
            Some(sandbox) => Ok(action(sandbox)),
            None => Err(Error::config("the sandbox is closed").into()),
        }
    }

    /// A client of this sandbox: with its authority, its clock if that is wanted, and the caller's own arguments.
    fn connected<'py>(
        &self,
        arguments: &Bound<'py, PyDict>,
        class: &str,
        virtual_time: bool,
        overrides: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = arguments.py();
        let package = py.import("insightframe")?;
        if let Some(ca_file) = self.ca_file() {
            let tls = package.getattr("Tls")?.call((), Some(&[("ca_file", ca_file)].into_py_dict(py)?))?;
            arguments.set_item("tls", tls)?;
        }
        if virtual_time {
            arguments.set_item("_clock", Bound::new(py, SharedClock(self.with(sandbox::Sandbox::clock)?))?)?;
        }
        if let Some(overrides) = overrides {
            arguments.update(overrides.as_mapping())?;
        }
        package.getattr(class)?.call((), Some(arguments))
    }

    fn stop(&self, py: Python<'_>) {
        let sandbox = self.sandbox.lock().unwrap_or_else(PoisonError::into_inner).take();
        py.detach(|| drop(sandbox));
    }
}

/// Keyword arguments as JSON; dates and paths as their text.
fn json(arguments: Option<&Bound<'_, PyDict>>) -> PyResult<serde_json::Value> {
    let Some(arguments) = arguments else { return Ok(serde_json::json!({})) };
    let py = arguments.py();
    let text = py.import("builtins")?.getattr("str")?;
    let options = [("default", text)].into_py_dict(py)?;
    let json: String = py.import("json")?.call_method("dumps", (arguments,), Some(&options))?.extract()?;
    let read = serde_json::from_str(&json);
    Ok(read.map_err(|error| Error::config(format!("the options can't be read: {error}")))?)
}

#[pymethods]
impl Sandbox {
    #[new]
    #[pyo3(signature = (**options))]
    fn new(py: Python<'_>, options: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        super::log::log_to_python(py);
        let options = json(options)?;
        let started: Result<_> = py.detach(|| sandbox::Sandbox::start(Options::from_json(options)?));
        let sandbox = started?;
        let known = Known {
            url: sandbox.url().to_owned(),
            username: sandbox.username().to_owned(),
            password: sandbox.password().to_owned(),
            workspaces: sandbox.workspaces().to_vec(),
            reports: sandbox.reports().to_vec(),
            ca_file: sandbox.ca_file().map(Into::into),
            services: sandbox.options().clone(),
        };
        Ok(Self { sandbox: Mutex::new(Some(sandbox)), known })
    }

    #[doc = stub!("Sandbox.url")]
    #[getter]
    fn url(&self) -> &str {
        &self.known.url
    }

    #[doc = stub!("Sandbox.username")]
    #[getter]
    fn username(&self) -> &str {
        &self.known.username
    }

    #[doc = stub!("Sandbox.password")]
    #[getter]
    fn password(&self) -> &str {
        &self.known.password
    }

    #[doc = stub!("Sandbox.workspace")]
    #[getter]
    fn workspace(&self) -> Option<&str> {
        self.known.workspaces.first().map(String::as_str)
    }

    #[doc = stub!("Sandbox.workspaces")]
    #[getter]
    fn workspaces(&self) -> Vec<String> {
        self.known.workspaces.clone()
    }

    #[doc = stub!("Sandbox.reports")]
    #[getter]
    fn reports<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.known.reports.iter().map(|(id, title)| (id.as_str(), title.as_str())).into_py_dict(py)
    }

    #[doc = stub!("Sandbox.ca_file")]
    #[getter]
    fn ca_file(&self) -> Option<String> {
        self.known.ca_file.as_ref().map(|path| path.display().to_string())
    }

    #[doc = stub!("Sandbox.ledger")]
    #[getter]
    fn ledger(&self) -> PyResult<Vec<LedgerEntry>> {
        self.with(|sandbox| sandbox.ledger().into_iter().map(LedgerEntry).collect())
    }

    #[doc = stub!("Sandbox.executions")]
    #[getter]
    fn executions(&self) -> PyResult<u64> {
        self.with(sandbox::Sandbox::executions)
    }

    #[doc = stub!("Sandbox.advance")]
    #[pyo3(signature = (*, seconds=0.0, minutes=0.0, hours=0.0, days=0.0))]
    fn advance(&self, seconds: f64, minutes: f64, hours: f64, days: f64) -> PyResult<()> {
        let all = config::seconds("advance", seconds + 60.0 * (minutes + 60.0 * (hours + 24.0 * days)))?;
        self.with(|sandbox| sandbox.advance(all))
    }

    #[doc = stub!("Sandbox.fault")]
    #[pyo3(signature = (fault, *, path="*", method=None, skip=0, times=Some(1), **arguments))]
    fn fault(
        &self,
        fault: &str,
        path: &str,
        method: Option<&str>,
        skip: u32,
        times: Option<u32>,
        arguments: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<()> {
        let mut rule = json(arguments)?;
        for (name, value) in [
            ("fault", serde_json::json!(fault)),
            ("path", serde_json::json!(path)),
            ("method", serde_json::json!(method)),
            ("skip", serde_json::json!(skip)),
            ("times", serde_json::json!(times)),
        ] {
            rule[name] = value;
        }
        let rule = Rule::from_json(rule)?;
        self.with(|sandbox| sandbox.fault(rule))
    }

    #[doc = stub!("Sandbox.clear_faults")]
    fn clear_faults(&self) -> PyResult<()> {
        self.with(sandbox::Sandbox::clear_faults)
    }

    #[doc = stub!("Sandbox.clear_ledger")]
    fn clear_ledger(&self) -> PyResult<()> {
        self.with(sandbox::Sandbox::clear_ledger)
    }

    #[doc = stub!("Sandbox.close")]
    fn close(&self, py: Python<'_>) {
        self.stop(py);
    }

    #[doc = stub!("Sandbox.insights_client")]
    #[pyo3(signature = (*, virtual_time=false, **overrides))]
    fn insights_client<'py>(
        &self,
        py: Python<'py>,
        virtual_time: bool,
        overrides: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let arguments = PyDict::new(py);
        arguments.set_item("username", self.username())?;
        arguments.set_item("password", self.password())?;
        arguments.set_item("workspace", self.workspace())?;
        arguments.set_item("base_url", self.url())?;
        self.connected(&arguments, "InsightsClient", virtual_time, overrides)
    }

    #[doc = stub!("Sandbox.flowxo_client")]
    #[pyo3(signature = (*, virtual_time=false, **overrides))]
    fn flowxo_client<'py>(
        &self,
        py: Python<'py>,
        virtual_time: bool,
        overrides: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let arguments = PyDict::new(py);
        arguments.set_item("api_key", self.flowxo_api_key())?;
        arguments.set_item("base_url", format!("{}/api", self.url()))?;
        self.connected(&arguments, "FlowXoClient", virtual_time, overrides)
    }

    #[doc = stub!("Sandbox.instances_client")]
    #[pyo3(signature = (*, virtual_time=false, **overrides))]
    fn instances_client<'py>(
        &self,
        py: Python<'py>,
        virtual_time: bool,
        overrides: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let arguments = PyDict::new(py);
        arguments.set_item("username", self.api_key())?;
        arguments.set_item("password", self.api_secret())?;
        arguments.set_item("account_sid", self.account_sid())?;
        arguments.set_item("base_url", self.url())?;
        self.connected(&arguments, "FlexInstancesClient", virtual_time, overrides)
    }

    #[doc = stub!("Sandbox.flowxo_api_key")]
    #[getter]
    fn flowxo_api_key(&self) -> &str {
        &self.known.services.flowxo.api_key
    }

    #[doc = stub!("Sandbox.flowxo_api_keys")]
    #[getter]
    fn flowxo_api_keys<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.known.services.flowxo.keys().into_py_dict(py)
    }

    #[doc = stub!("Sandbox.account_sid")]
    #[getter]
    fn account_sid(&self) -> &str {
        &self.known.services.instances.account_sid
    }

    #[doc = stub!("Sandbox.auth_token")]
    #[getter]
    fn auth_token(&self) -> &str {
        &self.known.services.instances.auth_token
    }

    #[doc = stub!("Sandbox.api_key")]
    #[getter]
    fn api_key(&self) -> &str {
        &self.known.services.instances.api_key
    }

    #[doc = stub!("Sandbox.api_secret")]
    #[getter]
    fn api_secret(&self) -> &str {
        &self.known.services.instances.api_secret
    }

    #[doc = stub!("Sandbox.instances_created")]
    #[getter]
    fn instances_created(&self) -> PyResult<u32> {
        self.with(sandbox::Sandbox::instances_created)
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __exit__(
        &self,
        py: Python<'_>,
        _kind: &Bound<'_, PyAny>,
        _error: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) {
        self.stop(py);
    }

    fn __repr__(&self) -> String {
        format!("Sandbox('{}')", self.known.url)
    }
}

#[doc = stub!("LedgerEntry")]
#[pyclass(frozen, module = "insightframe.sandbox")]
pub(super) struct LedgerEntry(Entry);

#[pymethods]
impl LedgerEntry {
    #[doc = stub!("LedgerEntry.number")]
    #[getter]
    fn number(&self) -> u64 {
        self.0.number
    }

    #[doc = stub!("LedgerEntry.method")]
    #[getter]
    fn method(&self) -> &str {
        &self.0.method
    }

    #[doc = stub!("LedgerEntry.path")]
    #[getter]
    fn path(&self) -> &str {
        &self.0.path
    }

    #[doc = stub!("LedgerEntry.query")]
    #[getter]
    fn query(&self) -> &str {
        &self.0.query
    }

    #[doc = stub!("LedgerEntry.status")]
    #[getter]
    fn status(&self) -> Option<u16> {
        self.0.status
    }

    #[doc = stub!("LedgerEntry.received")]
    #[getter]
    fn received(&self) -> jiff::Timestamp {
        self.0.received
    }

    #[doc = stub!("LedgerEntry.request_bytes")]
    #[getter]
    fn request_bytes(&self) -> u64 {
        self.0.request_bytes
    }

    #[doc = stub!("LedgerEntry.response_bytes")]
    #[getter]
    fn response_bytes(&self) -> u64 {
        self.0.response_bytes
    }

    #[doc = stub!("LedgerEntry.headers")]
    #[getter]
    fn headers(&self) -> Vec<(String, String)> {
        self.0.headers.clone()
    }

    #[doc = stub!("LedgerEntry.fault")]
    #[getter]
    fn fault(&self) -> Option<&str> {
        self.0.fault.as_deref()
    }

    #[doc = stub!("LedgerEntry.connection")]
    #[getter]
    fn connection(&self) -> u64 {
        self.0.connection
    }

    #[doc = stub!("LedgerEntry.aborted")]
    #[getter]
    fn aborted(&self) -> bool {
        self.0.aborted
    }

    fn __repr__(&self) -> String {
        let status = self.0.status.map_or("no answer".into(), |status| status.to_string());
        format!("<LedgerEntry {} {} {}: {status}>", self.0.number, self.0.method, self.0.path)
    }
}
