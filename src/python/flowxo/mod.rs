//! `FlowXoClient`: the core's client of one account, or of several.

mod answers;
mod asked;

use std::sync::Arc;

use arrow_array::RecordBatch;
use pyo3::{
    prelude::*,
    types::{PyDict, PyTuple},
};

use self::{
    answers::{Answers, Core, both, stats, table},
    asked::{Asked, Owned, limit, mapping, offset},
};
use super::{
    client::SharedClock,
    errors::raise,
    log::log_to_python,
    remade::Remade,
    runtime::{run, wait},
    service::{Way, call, places, reduce, result_of},
};
use crate::{
    clock::Clock,
    error::{Error, Result},
    flowxo::{self, Accounts, FlowXo, Metrics, Options, Range, Stats, Unit},
    handoff,
    http::Proxy,
    progress::Call,
    secret::Secret,
};

#[doc = stub!("FlowXoClient")]
#[pyclass(frozen, module = "insightframe")]
pub(super) struct FlowXoClient {
    core: Remade<Core>,
    clock: Arc<dyn Clock>,
    base_url: String,
    proxy: Proxy,
    names: Option<Vec<String>>,
    arguments: Option<Py<PyDict>>,
}

/// What a call with a range needs.
struct Ready {
    core: Core,
    call: Call,
    range: Range,
}

impl Ready {
    async fn stats(self) -> Result<Answers<Option<Stats>>> {
        let (call, range) = (&self.call, &self.range);
        self.core.ask(|client| async move { client.stats(call, range).await }).await
    }

    async fn metrics(self, unit: Unit, fill: bool) -> Result<(handoff::Table, Option<Error>)> {
        let (call, range) = (&self.call, &self.range);
        let table = |metrics: Metrics| metrics.table();
        self.core
            .ask(|client| async move { client.metrics(call, range, unit, fill).await.and_then(table) })
            .await?
            .table()
    }

    async fn insights(self, unit: Unit, fill: bool) -> Result<Answers<(Option<Stats>, RecordBatch)>> {
        let (call, range) = (&self.call, &self.range);
        self.core
            .ask(|client| async move {
                let found = client.insights(call, range, unit, fill).await?;
                Ok((found.stats, found.metrics.table()?))
            })
            .await
    }

    async fn top_messages(self, limit: Option<u32>) -> Result<(handoff::Table, Option<Error>)> {
        let (call, range) = (&self.call, &self.range);
        self.core.ask(|client| async move { client.top_messages(call, range, limit).await }).await?.table()
    }

    async fn top_flows(self, limit: Option<u32>) -> Result<(handoff::Table, Option<Error>)> {
        let (call, range) = (&self.call, &self.range);
        self.core.ask(|client| async move { client.top_flows(call, range, limit).await }).await?.table()
    }
}

async fn workflows(core: Core, call: Call) -> Result<(handoff::Table, Option<Error>)> {
    let call = &call;
    core.ask(|client| async move { client.workflows(call).await }).await?.table()
}

impl FlowXoClient {
    fn ready(&self, py: Python<'_>, asked: &Asked<'_, '_>, timeout: Option<f64>) -> PyResult<Ready> {
        let range = asked.range(py)?;
        Ok(Ready { core: result_of(py, self.core.get())?, call: call(&self.clock, timeout)?, range })
    }

    /// The same with arguments that outlive the call.
    fn ready_async(&self, owned: &Owned, timeout: Option<f64>) -> PyResult<Ready> {
        Python::attach(|py| {
            let bound = |object: &Option<Py<PyAny>>| object.as_ref().map(|object| object.bind(py).clone());
            let (start, end, tz) = (bound(&owned.start), bound(&owned.end), bound(&owned.tz));
            let (start, end, tz) = (start.as_ref(), end.as_ref(), tz.as_ref());
            self.ready(py, &Asked { start, end, offset: owned.offset, tz }, timeout)
        })
    }
}

#[pymethods]
impl FlowXoClient {
    #[new]
    #[pyo3(signature = (
        api_key=None, *, base_url=None, retry=None, limits=None, tls=None, proxy=None, max_concurrency=4, _clock=None
    ))]
    #[expect(clippy::too_many_arguments, reason = "they are Python's keyword arguments")]
    fn new(
        py: Python<'_>,
        api_key: Option<Bound<'_, PyAny>>,
        base_url: Option<String>,
        retry: Option<Bound<'_, PyAny>>,
        limits: Option<Bound<'_, PyAny>>,
        tls: Option<Bound<'_, PyAny>>,
        proxy: Option<String>,
        #[pyo3(from_py_with = places)] max_concurrency: usize,
        _clock: Option<PyRef<'_, SharedClock>>,
    ) -> PyResult<Self> {
        log_to_python(py);
        let arguments = PyDict::new(py);
        if let Some(base_url) = &base_url {
            arguments.set_item("base_url", base_url)?;
        }
        arguments.set_item("max_concurrency", max_concurrency)?;
        let way =
            Way::read(&arguments, retry.as_ref(), limits.as_ref(), tls.as_ref(), proxy.as_deref(), _clock.as_ref())?;
        let travels = api_key.is_none() && _clock.is_none();
        let several = mapping(api_key.as_ref())?;
        let key = match &several {
            Some(several) => {
                let first = several.first().map(|(_, key)| key.clone());
                first.ok_or_else(|| {
                    raise(py, &Error::config("there is no account in the mapping of names to API keys"))
                })?
            }
            None => {
                let given = api_key.map(|key| key.extract::<String>()).transpose()?;
                result_of(py, flowxo::api_key(given.map(Secret::new), |name| std::env::var(name).ok()))?
            }
        };
        let mut options = Options::new(key);
        options.base_url = flowxo::base_url(base_url, |name| std::env::var(name).ok());
        (options.retry, options.limits, options.tls) = (way.retry, way.limits, way.tls);
        (options.proxy, options.max_concurrency) = (way.proxy.clone(), max_concurrency);
        let base_url = format!("{}/api", result_of(py, options.origin())?);
        let (clock, names) =
            (Arc::clone(&way.clock), several.as_ref().map(|keys| keys.iter().map(|(name, _)| name.clone()).collect()));
        let core = Remade::new(move || {
            let client = FlowXo::new(options.clone(), Arc::clone(&way.clock))?;
            Ok(match &several {
                None => Core::One(Box::new(client)),
                Some(keys) => Core::Several(Accounts::new(&client, keys.iter().cloned())?),
            })
        });
        let arguments = travels.then(|| arguments.unbind());
        Ok(Self { core: result_of(py, core)?, clock, base_url, proxy: way.proxy, names, arguments })
    }

    #[doc = stub!("FlowXoClient.base_url")]
    #[getter]
    fn base_url(&self) -> &str {
        &self.base_url
    }

    #[doc = stub!("FlowXoClient.accounts")]
    #[getter]
    fn accounts(&self) -> Option<Vec<String>> {
        self.names.clone()
    }

    #[doc = stub!("FlowXoClient.stats")]
    #[pyo3(name = "stats", signature = (start=None, end=None, offset=None, *, tz=None, timeout=None))]
    fn stats_sync(
        &self,
        py: Python<'_>,
        start: Option<&Bound<'_, PyAny>>,
        end: Option<&Bound<'_, PyAny>>,
        #[pyo3(from_py_with = offset)] offset: Option<i64>,
        tz: Option<&Bound<'_, PyAny>>,
        timeout: Option<f64>,
    ) -> PyResult<Py<PyAny>> {
        let found = wait(py, self.ready(py, &Asked { start, end, offset, tz }, timeout)?.stats())?;
        stats(py, found)
    }

    #[doc = stub!("FlowXoClient.stats_async")]
    #[pyo3(signature = (start=None, end=None, offset=None, *, tz=None, timeout=None))]
    async fn stats_async(
        &self,
        start: Option<Py<PyAny>>,
        end: Option<Py<PyAny>>,
        #[pyo3(from_py_with = offset)] offset: Option<i64>,
        tz: Option<Py<PyAny>>,
        timeout: Option<f64>,
    ) -> PyResult<Py<PyAny>> {
        let found = run(self.ready_async(&Owned { start, end, offset, tz }, timeout)?.stats()).await?;
        Python::attach(|py| stats(py, found))
    }

    #[doc = stub!("FlowXoClient.metrics")]
    #[pyo3(signature = (start=None, end=None, unit="day", offset=None, *, tz=None, fill=false, timeout=None))]
    #[expect(clippy::too_many_arguments, reason = "they are Python's keyword arguments")]
    fn metrics(
        &self,
        py: Python<'_>,
        start: Option<&Bound<'_, PyAny>>,
        end: Option<&Bound<'_, PyAny>>,
        unit: &str,
        #[pyo3(from_py_with = offset)] offset: Option<i64>,
        tz: Option<&Bound<'_, PyAny>>,
        fill: bool,
        timeout: Option<f64>,
    ) -> PyResult<Py<PyAny>> {
        let unit = result_of(py, Unit::parse(unit))?;
        let ready = self.ready(py, &Asked { start, end, offset, tz }, timeout)?;
        table(py, wait(py, ready.metrics(unit, fill))?)
    }

    #[doc = stub!("FlowXoClient.metrics_async")]
    #[pyo3(
        signature = (start=None, end=None, unit="day".into(), offset=None, *, tz=None, fill=false, timeout=None),
        text_signature = "($self, start=None, end=None, unit='day', offset=None, *, tz=None, fill=False, timeout=None)"
    )]
    #[expect(clippy::too_many_arguments, reason = "they are Python's keyword arguments")]
    async fn metrics_async(
        &self,
        start: Option<Py<PyAny>>,
        end: Option<Py<PyAny>>,
        unit: String,
        #[pyo3(from_py_with = offset)] offset: Option<i64>,
        tz: Option<Py<PyAny>>,
        fill: bool,
        timeout: Option<f64>,
    ) -> PyResult<Py<PyAny>> {
        let unit = Python::attach(|py| result_of(py, Unit::parse(&unit)))?;
        let found = run(self.ready_async(&Owned { start, end, offset, tz }, timeout)?.metrics(unit, fill)).await?;
        Python::attach(|py| table(py, found))
    }

    #[doc = stub!("FlowXoClient.insights")]
    #[pyo3(signature = (start=None, end=None, unit="day", offset=None, *, tz=None, fill=false, timeout=None))]
    #[expect(clippy::too_many_arguments, reason = "they are Python's keyword arguments")]
    fn insights(
        &self,
        py: Python<'_>,
        start: Option<&Bound<'_, PyAny>>,
        end: Option<&Bound<'_, PyAny>>,
        unit: &str,
        #[pyo3(from_py_with = offset)] offset: Option<i64>,
        tz: Option<&Bound<'_, PyAny>>,
        fill: bool,
        timeout: Option<f64>,
    ) -> PyResult<Py<PyAny>> {
        let unit = result_of(py, Unit::parse(unit))?;
        let ready = self.ready(py, &Asked { start, end, offset, tz }, timeout)?;
        both(py, wait(py, ready.insights(unit, fill))?)
    }

    #[doc = stub!("FlowXoClient.insights_async")]
    #[pyo3(
        signature = (start=None, end=None, unit="day".into(), offset=None, *, tz=None, fill=false, timeout=None),
        text_signature = "($self, start=None, end=None, unit='day', offset=None, *, tz=None, fill=False, timeout=None)"
    )]
    #[expect(clippy::too_many_arguments, reason = "they are Python's keyword arguments")]
    async fn insights_async(
        &self,
        start: Option<Py<PyAny>>,
        end: Option<Py<PyAny>>,
        unit: String,
        #[pyo3(from_py_with = offset)] offset: Option<i64>,
        tz: Option<Py<PyAny>>,
        fill: bool,
        timeout: Option<f64>,
    ) -> PyResult<Py<PyAny>> {
        let unit = Python::attach(|py| result_of(py, Unit::parse(&unit)))?;
        let found = run(self.ready_async(&Owned { start, end, offset, tz }, timeout)?.insights(unit, fill)).await?;
        Python::attach(|py| both(py, found))
    }

    #[doc = stub!("FlowXoClient.top_messages")]
    #[pyo3(signature = (start=None, end=None, limit=None, *, offset=None, tz=None, timeout=None))]
    #[expect(clippy::too_many_arguments, reason = "they are Python's keyword arguments")]
    fn top_messages(
        &self,
        py: Python<'_>,
        start: Option<&Bound<'_, PyAny>>,
        end: Option<&Bound<'_, PyAny>>,
        #[pyo3(from_py_with = limit)] limit: Option<u32>,
        #[pyo3(from_py_with = offset)] offset: Option<i64>,
        tz: Option<&Bound<'_, PyAny>>,
        timeout: Option<f64>,
    ) -> PyResult<Py<PyAny>> {
        let ready = self.ready(py, &Asked { start, end, offset, tz }, timeout)?;
        table(py, wait(py, ready.top_messages(limit))?)
    }

    #[doc = stub!("FlowXoClient.top_messages_async")]
    #[pyo3(signature = (start=None, end=None, limit=None, *, offset=None, tz=None, timeout=None))]
    async fn top_messages_async(
        &self,
        start: Option<Py<PyAny>>,
        end: Option<Py<PyAny>>,
        #[pyo3(from_py_with = limit)] limit: Option<u32>,
        #[pyo3(from_py_with = offset)] offset: Option<i64>,
        tz: Option<Py<PyAny>>,
        timeout: Option<f64>,
    ) -> PyResult<Py<PyAny>> {
        let found = run(self.ready_async(&Owned { start, end, offset, tz }, timeout)?.top_messages(limit)).await?;
        Python::attach(|py| table(py, found))
    }

    #[doc = stub!("FlowXoClient.top_flows")]
    #[pyo3(signature = (start=None, end=None, limit=None, *, offset=None, tz=None, timeout=None))]
    #[expect(clippy::too_many_arguments, reason = "they are Python's keyword arguments")]
    fn top_flows(
        &self,
        py: Python<'_>,
        start: Option<&Bound<'_, PyAny>>,
        end: Option<&Bound<'_, PyAny>>,
        #[pyo3(from_py_with = limit)] limit: Option<u32>,
        #[pyo3(from_py_with = offset)] offset: Option<i64>,
        tz: Option<&Bound<'_, PyAny>>,
        timeout: Option<f64>,
    ) -> PyResult<Py<PyAny>> {
        let ready = self.ready(py, &Asked { start, end, offset, tz }, timeout)?;
        table(py, wait(py, ready.top_flows(limit))?)
    }

    #[doc = stub!("FlowXoClient.top_flows_async")]
    #[pyo3(signature = (start=None, end=None, limit=None, *, offset=None, tz=None, timeout=None))]
    async fn top_flows_async(
        &self,
        start: Option<Py<PyAny>>,
        end: Option<Py<PyAny>>,
        #[pyo3(from_py_with = limit)] limit: Option<u32>,
        #[pyo3(from_py_with = offset)] offset: Option<i64>,
        tz: Option<Py<PyAny>>,
        timeout: Option<f64>,
    ) -> PyResult<Py<PyAny>> {
        let found = run(self.ready_async(&Owned { start, end, offset, tz }, timeout)?.top_flows(limit)).await?;
        Python::attach(|py| table(py, found))
    }

    #[doc = stub!("FlowXoClient.workflows")]
    #[pyo3(name = "workflows", signature = (*, timeout=None))]
    fn workflows_sync(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Py<PyAny>> {
        let (core, call) = (result_of(py, self.core.get())?, call(&self.clock, timeout)?);
        table(py, wait(py, workflows(core, call))?)
    }

    #[doc = stub!("FlowXoClient.workflows_async")]
    #[pyo3(signature = (*, timeout=None))]
    async fn workflows_async(&self, timeout: Option<f64>) -> PyResult<Py<PyAny>> {
        let core = Python::attach(|py| result_of(py, self.core.get()))?;
        let found = run(workflows(core, call(&self.clock, timeout)?)).await?;
        Python::attach(|py| table(py, found))
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        reduce(slf.as_any(), slf.get().arguments.as_ref(), &slf.get().proxy, flowxo::API_KEY)
    }

    fn __repr__(&self) -> String {
        match &self.names {
            Some(names) => format!("FlowXoClient({} accounts, base_url='{}')", names.len(), self.base_url),
            None => format!("FlowXoClient(base_url='{}')", self.base_url),
        }
    }
}
