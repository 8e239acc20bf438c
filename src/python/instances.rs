//! `FlexInstancesClient` and what it gives.

use std::sync::Arc;

use pyo3::{
    prelude::*,
    types::{PyDict, PyTuple},
};

use super::{
    client::SharedClock,
    config,
    log::log_to_python,
    remade::Remade,
    runtime::{run, wait},
    service::{Way, call, reduce, result_of},
};
use crate::{
    clock::Clock,
    error::Result,
    http::Proxy,
    instances::{self, Given, InstanceSid, Instances, Options, resolve},
    progress::Call,
    secret::Secret,
};

#[doc = stub!("FlexInstancesClient")]
#[pyclass(frozen, module = "insightframe")]
pub(super) struct FlexInstancesClient {
    core: Remade<Instances>,
    clock: Arc<dyn Clock>,
    base_url: String,
    username: String,
    account_sid: String,
    proxy: Proxy,
    timeout: f64,
    arguments: Option<Py<PyDict>>,
}

impl FlexInstancesClient {
    fn ready(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<(Instances, Call)> {
        Ok((result_of(py, self.core.get())?, call(&self.clock, timeout)?))
    }

    fn creating(
        &self,
        py: Python<'_>,
        conversations_default: bool,
        waits: bool,
        timeout: Option<f64>,
    ) -> PyResult<impl Future<Output = Result<instances::Instance>> + Send + use<>> {
        let timeout = timeout.or(waits.then_some(self.timeout));
        let (client, call) = self.ready(py, timeout)?;
        Ok(async move {
            match waits {
                true => client.create_and_wait(&call, conversations_default).await,
                false => client.create(&call, conversations_default).await,
            }
        })
    }

    fn fetching(
        &self,
        py: Python<'_>,
        sid: &str,
        timeout: Option<f64>,
    ) -> PyResult<impl Future<Output = Result<instances::Instance>> + Send + use<>> {
        let sid = result_of(py, InstanceSid::parse(sid))?;
        let (client, call) = self.ready(py, timeout)?;
        Ok(async move { client.fetch(&call, &sid).await })
    }

    fn waiting(
        &self,
        py: Python<'_>,
        sid: &str,
        timeout: Option<f64>,
    ) -> PyResult<impl Future<Output = Result<instances::Instance>> + Send + use<>> {
        let sid = result_of(py, InstanceSid::parse(sid))?;
        let (client, call) = self.ready(py, timeout.or(Some(self.timeout)))?;
        Ok(async move { client.wait(&call, &sid).await })
    }

    fn configuring(
        &self,
        py: Python<'_>,
        timeout: Option<f64>,
    ) -> PyResult<impl Future<Output = Result<instances::Configuration>> + Send + use<>> {
        let (client, call) = self.ready(py, timeout)?;
        Ok(async move { client.configuration(&call).await })
    }
}

#[pymethods]
impl FlexInstancesClient {
    #[new]
    #[pyo3(signature = (
        username=None, password=None, *, account_sid=None, base_url=None, retry=None, polling=None, limits=None,
        tls=None, proxy=None, _clock=None
    ))]
    #[expect(clippy::too_many_arguments, reason = "they are Python's keyword arguments")]
    fn new(
        py: Python<'_>,
        username: Option<String>,
        password: Option<String>,
        account_sid: Option<String>,
        base_url: Option<String>,
        retry: Option<Bound<'_, PyAny>>,
        polling: Option<Bound<'_, PyAny>>,
        limits: Option<Bound<'_, PyAny>>,
        tls: Option<Bound<'_, PyAny>>,
        proxy: Option<String>,
        _clock: Option<PyRef<'_, SharedClock>>,
    ) -> PyResult<Self> {
        log_to_python(py);
        let arguments = PyDict::new(py);
        for (name, value) in [("account_sid", &account_sid), ("base_url", &base_url)] {
            if let Some(value) = value {
                arguments.set_item(name, value)?;
            }
        }
        if let Some(polling) = &polling {
            arguments.set_item("polling", polling)?;
        }
        let way =
            Way::read(&arguments, retry.as_ref(), limits.as_ref(), tls.as_ref(), proxy.as_deref(), _clock.as_ref())?;
        let given = Given { username, password: password.map(Secret::new), account_sid };
        let found = result_of(py, resolve(given, |name| std::env::var(name).ok()))?;
        let travels = found.from_environment && _clock.is_none();
        let (username, account_sid) = (found.credentials.username.clone(), found.account_sid.to_string());
        let mut options = Options::new(found.credentials, found.account_sid);
        options.base_url = instances::base_url(base_url, |name| std::env::var(name).ok());
        options.polling = config::polling(polling.as_ref())?;
        (options.retry, options.limits, options.tls) = (way.retry, way.limits, way.tls);
        options.proxy = way.proxy.clone();
        let timeout = options.polling.timeout.as_secs_f64();
        let base_url = result_of(py, options.origin())?.to_string();
        let clock = Arc::clone(&way.clock);
        let core = Remade::new(move || Instances::new(options.clone(), Arc::clone(&way.clock)));
        let arguments = travels.then(|| arguments.unbind());
        let (core, proxy) = (result_of(py, core)?, way.proxy);
        Ok(Self { core, clock, base_url, username, account_sid, proxy, timeout, arguments })
    }

    #[doc = stub!("FlexInstancesClient.base_url")]
    #[getter]
    fn base_url(&self) -> &str {
        &self.base_url
    }

    #[doc = stub!("FlexInstancesClient.username")]
    #[getter]
    fn username(&self) -> &str {
        &self.username
    }

    #[doc = stub!("FlexInstancesClient.account_sid")]
    #[getter]
    fn account_sid(&self) -> &str {
        &self.account_sid
    }

    #[doc = stub!("FlexInstancesClient.create")]
    #[pyo3(signature = (*, conversations_default=true, wait=false, timeout=None))]
    fn create(
        &self,
        py: Python<'_>,
        conversations_default: bool,
        wait: bool,
        timeout: Option<f64>,
    ) -> PyResult<Instance> {
        super::runtime::wait(py, self.creating(py, conversations_default, wait, timeout)?).map(Instance)
    }

    #[doc = stub!("FlexInstancesClient.create_async")]
    #[pyo3(signature = (*, conversations_default=true, wait=false, timeout=None))]
    async fn create_async(&self, conversations_default: bool, wait: bool, timeout: Option<f64>) -> PyResult<Instance> {
        run(Python::attach(|py| self.creating(py, conversations_default, wait, timeout))?).await.map(Instance)
    }

    #[doc = stub!("FlexInstancesClient.fetch")]
    #[pyo3(signature = (sid, *, timeout=None))]
    fn fetch(&self, py: Python<'_>, sid: &str, timeout: Option<f64>) -> PyResult<Instance> {
        wait(py, self.fetching(py, sid, timeout)?).map(Instance)
    }

    #[doc = stub!("FlexInstancesClient.fetch_async")]
    #[pyo3(signature = (sid, *, timeout=None))]
    async fn fetch_async(&self, sid: String, timeout: Option<f64>) -> PyResult<Instance> {
        run(Python::attach(|py| self.fetching(py, &sid, timeout))?).await.map(Instance)
    }

    #[doc = stub!("FlexInstancesClient.wait")]
    #[pyo3(name = "wait", signature = (sid, timeout=None))]
    fn wait_sync(&self, py: Python<'_>, sid: &str, timeout: Option<f64>) -> PyResult<Instance> {
        wait(py, self.waiting(py, sid, timeout)?).map(Instance)
    }

    #[doc = stub!("FlexInstancesClient.wait_async")]
    #[pyo3(signature = (sid, timeout=None))]
    async fn wait_async(&self, sid: String, timeout: Option<f64>) -> PyResult<Instance> {
        run(Python::attach(|py| self.waiting(py, &sid, timeout))?).await.map(Instance)
    }

    #[doc = stub!("FlexInstancesClient.configuration")]
    #[pyo3(signature = (*, timeout=None))]
    fn configuration(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Configuration> {
        wait(py, self.configuring(py, timeout)?).map(Configuration)
    }

    #[doc = stub!("FlexInstancesClient.configuration_async")]
    #[pyo3(signature = (*, timeout=None))]
    async fn configuration_async(&self, timeout: Option<f64>) -> PyResult<Configuration> {
        run(Python::attach(|py| self.configuring(py, timeout))?).await.map(Configuration)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let variables = "TWILIO_API_KEY and TWILIO_API_SECRET";
        reduce(slf.as_any(), slf.get().arguments.as_ref(), &slf.get().proxy, variables)
    }

    fn __repr__(&self) -> String {
        format!(
            "FlexInstancesClient('{}', account_sid='{}', base_url='{}')",
            self.username, self.account_sid, self.base_url
        )
    }
}

#[doc = stub!("Instance")]
#[pyclass(frozen, module = "insightframe")]
pub(super) struct Instance(instances::Instance);

#[pymethods]
impl Instance {
    #[doc = stub!("Instance.sid")]
    #[getter]
    fn sid(&self) -> &str {
        &self.0.sid
    }

    #[doc = stub!("Instance.account_sid")]
    #[getter]
    fn account_sid(&self) -> &str {
        &self.0.account_sid
    }

    #[doc = stub!("Instance.status")]
    #[getter]
    fn status(&self) -> &str {
        self.0.status.as_str()
    }

    #[doc = stub!("Instance.date_created")]
    #[getter]
    fn date_created(&self) -> Option<jiff::Timestamp> {
        self.0.date_created
    }

    #[doc = stub!("Instance.date_updated")]
    #[getter]
    fn date_updated(&self) -> Option<jiff::Timestamp> {
        self.0.date_updated
    }

    fn __repr__(&self) -> String {
        format!("<Instance {}: {}>", self.0.sid, self.0.status)
    }
}

#[doc = stub!("Configuration")]
#[pyclass(frozen, module = "insightframe")]
pub(super) struct Configuration(instances::Configuration);

#[pymethods]
impl Configuration {
    #[doc = stub!("Configuration.flex_instance_sid")]
    #[getter]
    fn flex_instance_sid(&self) -> Option<&str> {
        self.0.flex_instance_sid.as_deref()
    }

    #[doc = stub!("Configuration.status")]
    #[getter]
    fn status(&self) -> Option<&str> {
        self.0.status.as_deref()
    }

    #[doc = stub!("Configuration.insights_workspaces")]
    #[getter]
    fn insights_workspaces(&self) -> Vec<InsightsWorkspace> {
        self.0.insights_workspaces.iter().cloned().map(InsightsWorkspace).collect()
    }

    #[doc = stub!("Configuration.raw")]
    #[getter]
    fn raw<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        py.import("json")?.call_method1("loads", (self.0.raw.to_string(),))
    }

    fn __repr__(&self) -> String {
        let word = |text: &Option<String>| text.clone().unwrap_or_else(|| "unknown".into());
        format!("<Configuration {}: {}>", word(&self.0.flex_instance_sid), word(&self.0.status))
    }
}

#[doc = stub!("InsightsWorkspace")]
#[pyclass(frozen, module = "insightframe")]
pub(super) struct InsightsWorkspace(instances::InsightsWorkspace);

#[pymethods]
impl InsightsWorkspace {
    #[doc = stub!("InsightsWorkspace.id")]
    #[getter]
    fn id(&self) -> &str {
        &self.0.id
    }

    #[doc = stub!("InsightsWorkspace.timezone")]
    #[getter]
    fn timezone(&self) -> Option<&str> {
        self.0.timezone.as_deref()
    }

    fn __repr__(&self) -> String {
        format!("<InsightsWorkspace {} in {}>", self.0.id, self.0.timezone.as_deref().unwrap_or("an unknown time zone"))
    }
}
