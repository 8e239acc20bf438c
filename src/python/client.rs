//! `InsightsClient`: the core's client, in the hands of Python.

use std::{path::PathBuf, sync::Arc};

use pyo3::{
    exceptions::PyKeyboardInterrupt,
    prelude::*,
    types::{PyDict, PyTuple},
};

use super::{
    asked::{self, Asked, bound},
    config,
    listener::listener,
    log::log_to_python,
    lookup::{in_order, looking_up_identifiers, looking_up_uris},
    process::PerProcess,
    receipt::Receipt,
    runtime::{run, wait},
    sessions,
    stream::Stream,
    table::Table,
};
use crate::{
    clock::{Clock, SystemClock, VirtualClock},
    credentials::{Given, resolve},
    error::{Error, Result},
    export::{self, Export, Start},
    handoff,
    http::Proxy,
    ids::ReportName,
    insights::{Insights, Options},
    origin::Origin,
    progress::{Call, Ending, Progress},
    secret::{Credentials, Secret},
};

#[doc = stub!("InsightsClient")]
#[pyclass(frozen, module = "insightframe")]
pub(super) struct InsightsClient {
    options: Options,
    pub(super) origin: Origin,
    clock: Arc<dyn Clock>,
    /// A forked child logs in by itself: the sockets, the threads and the session that it finds are its parent's.
    core: PerProcess<Insights>,
    /// Who is told of exports that don't say it themselves.
    progress: Option<Py<PyAny>>,
    /// The arguments to make the same client elsewhere; `None` when the password was given by hand.
    arguments: Option<Py<PyDict>>,
}

#[pymethods]
impl InsightsClient {
    #[new]
    #[pyo3(signature = (
        username=None, password=None, *, workspace=None, base_url=None, auth="header", retry=None, polling=None,
        limits=None, tls=None, proxy=None, max_concurrency=4, progress=None, _clock=None
    ))]
    #[expect(clippy::too_many_arguments, reason = "they are Python's keyword arguments")]
    fn new(
        py: Python<'_>,
        username: Option<String>,
        password: Option<String>,
        workspace: Option<String>,
        base_url: Option<String>,
        auth: &str,
        retry: Option<Bound<'_, PyAny>>,
        polling: Option<Bound<'_, PyAny>>,
        limits: Option<Bound<'_, PyAny>>,
        tls: Option<Bound<'_, PyAny>>,
        proxy: Option<String>,
        #[pyo3(from_py_with = super::service::places)] max_concurrency: usize,
        progress: Option<Bound<'_, PyAny>>,
        _clock: Option<PyRef<'_, SharedClock>>,
    ) -> PyResult<Self> {
        if let Some(progress) = &progress {
            py.import("insightframe.progress")?.call_method1("_check", (progress,))?;
        }
        let arguments = PyDict::new(py);
        for (name, value) in [("username", &username), ("workspace", &workspace), ("base_url", &base_url)] {
            if let Some(value) = value {
                arguments.set_item(name, value)?;
            }
        }
        let given = Given { username, password: password.map(Secret::new), workspace, base_url };
        let found = resolve(given, |name| std::env::var(name).ok())?;
        let travels = !found.password_was_given && _clock.is_none();
        let mut options = Options::new(Credentials { username: found.username, password: found.password });
        options.workspace = asked::workspace(found.workspace.as_deref())?;
        if let Some(base_url) = found.base_url {
            options.base_url = base_url;
        }
        options.auth = config::auth(auth)?;
        options.retry = config::retry(retry.as_ref())?;
        options.polling = config::polling(polling.as_ref())?;
        options.limits = config::limits(limits.as_ref())?;
        options.tls = config::tls(tls.as_ref())?;
        options.max_concurrency = max_concurrency;
        if let Some(proxy) = &proxy {
            options.proxy = Proxy::parse(proxy)?;
            arguments.set_item("proxy", proxy)?;
        }
        for (name, value) in [("retry", retry), ("polling", polling), ("limits", limits), ("tls", tls)] {
            if let Some(value) = value {
                arguments.set_item(name, value)?;
            }
        }
        arguments.set_item("auth", auth)?;
        arguments.set_item("max_concurrency", max_concurrency)?;
        let client = Self {
            origin: Origin::parse(&options.base_url, "/gdc/")?,
            options,
            clock: match _clock {
                Some(clock) => Arc::new(clock.0.clone()),
                None => Arc::new(SystemClock::new()),
            },
            core: PerProcess::new(),
            progress: progress.map(Bound::unbind),
            arguments: travels.then(|| arguments.unbind()),
        };
        // Made now rather than with the first call, so that what can't be used is said here.
        client.core(py)?;
        Ok(client)
    }

    #[doc = stub!("InsightsClient.username")]
    #[getter]
    fn username(&self) -> &str {
        &self.options.credentials.username
    }

    #[doc = stub!("InsightsClient.workspace")]
    #[getter]
    fn workspace(&self) -> Option<String> {
        self.options.workspace.as_ref().map(ToString::to_string)
    }

    #[doc = stub!("InsightsClient.base_url")]
    #[getter]
    fn base_url(&self) -> String {
        self.origin.to_string()
    }

    #[doc = stub!("InsightsClient.profile_id")]
    #[getter]
    fn profile_id(&self, py: Python<'_>) -> PyResult<Option<String>> {
        Ok(self.core(py)?.connection.profile())
    }

    #[doc = stub!("InsightsClient.login")]
    fn login(&self, py: Python<'_>) -> PyResult<()> {
        wait(py, self.logging_in(py)?)
    }

    #[doc = stub!("InsightsClient.login_async")]
    async fn login_async(&self) -> PyResult<()> {
        run(Python::attach(|py| self.logging_in(py))?).await
    }

    #[doc = stub!("InsightsClient.logout")]
    fn logout(&self, py: Python<'_>) -> PyResult<()> {
        wait(py, self.logging_out(py)?)
    }

    #[doc = stub!("InsightsClient.logout_async")]
    async fn logout_async(&self) -> PyResult<()> {
        run(Python::attach(|py| self.logging_out(py))?).await
    }

    #[doc = stub!("InsightsClient.close")]
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        wait(py, self.closing(py)?)
    }

    #[doc = stub!("InsightsClient.close_async")]
    async fn close_async(&self) -> PyResult<()> {
        run(Python::attach(|py| self.closing(py))?).await
    }

    #[doc = stub!("InsightsClient.identifiers")]
    #[pyo3(signature = (identifiers, *, workspace=None))]
    fn identifiers(
        &self,
        py: Python<'_>,
        identifiers: &Bound<'_, PyAny>,
        workspace: Option<String>,
    ) -> PyResult<Py<PyDict>> {
        let (asked, looking) = looking_up_identifiers(self, identifiers, workspace.as_deref())?;
        in_order(asked, wait(py, looking)?)
    }

    #[doc = stub!("InsightsClient.identifiers_async")]
    #[pyo3(signature = (identifiers, *, workspace=None))]
    async fn identifiers_async(&self, identifiers: Py<PyAny>, workspace: Option<String>) -> PyResult<Py<PyDict>> {
        let (asked, looking) =
            Python::attach(|py| looking_up_identifiers(self, identifiers.bind(py), workspace.as_deref()))?;
        in_order(asked, run(looking).await?)
    }

    #[doc = stub!("InsightsClient.uris")]
    #[pyo3(signature = (uris, *, workspace=None))]
    fn uris(&self, py: Python<'_>, uris: &Bound<'_, PyAny>, workspace: Option<String>) -> PyResult<Py<PyDict>> {
        let (asked, looking) = looking_up_uris(self, uris, workspace.as_deref())?;
        in_order(asked, wait(py, looking)?)
    }

    #[doc = stub!("InsightsClient.uris_async")]
    #[pyo3(signature = (uris, *, workspace=None))]
    async fn uris_async(&self, uris: Py<PyAny>, workspace: Option<String>) -> PyResult<Py<PyDict>> {
        let (asked, looking) = Python::attach(|py| looking_up_uris(self, uris.bind(py), workspace.as_deref()))?;
        in_order(asked, run(looking).await?)
    }

    #[doc = stub!("InsightsClient.export")]
    #[pyo3(signature = (
        report, *, start=None, end=None, date=None, r#where=None, every=None, schema=None, workspace=None, timeout=None,
        progress=None
    ), text_signature = "($self, report, *, start=None, end=None, date='date.date.mmddyyyy', where=None, \
                         every=None, schema='report', workspace=None, timeout=None, progress=None)")]
    #[expect(clippy::too_many_arguments, reason = "they are Python's keyword arguments")]
    fn export(
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
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Table> {
        let asked = Asked { report, start, end, date, filters: r#where, every, schema, workspace, timeout, progress };
        self.prepare(py, &asked)?.wait_for_table(py)
    }

    #[doc = stub!("InsightsClient.export_async")]
    #[pyo3(signature = (
        report, *, start=None, end=None, date=None, r#where=None, every=None, schema=None, workspace=None, timeout=None,
        progress=None
    ), text_signature = "($self, report, *, start=None, end=None, date='date.date.mmddyyyy', where=None, \
                         every=None, schema='report', workspace=None, timeout=None, progress=None)")]
    #[expect(clippy::too_many_arguments, reason = "they are Python's keyword arguments")]
    async fn export_async(
        &self,
        report: Py<PyAny>,
        start: Option<Py<PyAny>>,
        end: Option<Py<PyAny>>,
        date: Option<String>,
        r#where: Option<Py<PyAny>>,
        every: Option<String>,
        schema: Option<Py<PyAny>>,
        workspace: Option<String>,
        timeout: Option<f64>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Table> {
        let asked = Asked { report, start, end, date, filters: r#where, every, schema, workspace, timeout, progress };
        Ok(run(Python::attach(|py| self.prepare(py, &asked))?.table()).await?.into())
    }

    #[doc = stub!("InsightsClient.stream")]
    #[pyo3(signature = (
        report, *, start=None, end=None, date=None, r#where=None, every=None, schema=None, workspace=None, timeout=None,
        progress=None
    ), text_signature = "($self, report, *, start=None, end=None, date='date.date.mmddyyyy', where=None, \
                         every=None, schema='report', workspace=None, timeout=None, progress=None)")]
    #[expect(clippy::too_many_arguments, reason = "they are Python's keyword arguments")]
    fn stream(
        slf: Py<Self>,
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
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Stream> {
        let asked = Asked { report, start, end, date, filters: r#where, every, schema, workspace, timeout, progress };
        let prepared = slf.get().prepare(py, &asked)?;
        let progress = prepared.call.progress.clone();
        let opened = resumable(py, wait(py, prepared.stream()), &progress)?;
        Ok(Stream::of(slf, opened))
    }

    #[doc = stub!("InsightsClient.stream_async")]
    #[pyo3(signature = (
        report, *, start=None, end=None, date=None, r#where=None, every=None, schema=None, workspace=None, timeout=None,
        progress=None
    ), text_signature = "($self, report, *, start=None, end=None, date='date.date.mmddyyyy', where=None, \
                         every=None, schema='report', workspace=None, timeout=None, progress=None)")]
    #[expect(clippy::too_many_arguments, reason = "they are Python's keyword arguments")]
    async fn stream_async(
        slf: Py<Self>,
        report: Py<PyAny>,
        start: Option<Py<PyAny>>,
        end: Option<Py<PyAny>>,
        date: Option<String>,
        r#where: Option<Py<PyAny>>,
        every: Option<String>,
        schema: Option<Py<PyAny>>,
        workspace: Option<String>,
        timeout: Option<f64>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Stream> {
        let asked = Asked { report, start, end, date, filters: r#where, every, schema, workspace, timeout, progress };
        let opened = run(Python::attach(|py| slf.get().prepare(py, &asked))?.stream()).await?;
        Ok(Stream::of(slf, opened))
    }

    #[doc = stub!("InsightsClient.download")]
    #[pyo3(signature = (
        report, path, *, start=None, end=None, date=None, r#where=None, every=None, workspace=None, timeout=None,
        progress=None
    ), text_signature = "($self, report, path, *, start=None, end=None, date='date.date.mmddyyyy', where=None, \
                         every=None, workspace=None, timeout=None, progress=None)")]
    #[expect(clippy::too_many_arguments, reason = "they are Python's keyword arguments")]
    fn download(
        &self,
        py: Python<'_>,
        report: Py<PyAny>,
        path: PathBuf,
        start: Option<Py<PyAny>>,
        end: Option<Py<PyAny>>,
        date: Option<String>,
        r#where: Option<Py<PyAny>>,
        every: Option<String>,
        workspace: Option<String>,
        timeout: Option<f64>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Receipt> {
        let asked =
            Asked { report, start, end, date, filters: r#where, every, schema: None, workspace, timeout, progress };
        let mut prepared = self.prepare(py, &asked)?;
        prepared.start.take_no_types();
        let progress = prepared.call.progress.clone();
        resumable(py, wait(py, prepared.download(path)), &progress).map(Receipt)
    }

    #[doc = stub!("InsightsClient.download_async")]
    #[pyo3(signature = (
        report, path, *, start=None, end=None, date=None, r#where=None, every=None, workspace=None, timeout=None,
        progress=None
    ), text_signature = "($self, report, path, *, start=None, end=None, date='date.date.mmddyyyy', where=None, \
                         every=None, workspace=None, timeout=None, progress=None)")]
    #[expect(clippy::too_many_arguments, reason = "they are Python's keyword arguments")]
    async fn download_async(
        &self,
        report: Py<PyAny>,
        path: PathBuf,
        start: Option<Py<PyAny>>,
        end: Option<Py<PyAny>>,
        date: Option<String>,
        r#where: Option<Py<PyAny>>,
        every: Option<String>,
        workspace: Option<String>,
        timeout: Option<f64>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Receipt> {
        let asked =
            Asked { report, start, end, date, filters: r#where, every, schema: None, workspace, timeout, progress };
        let mut prepared = Python::attach(|py| self.prepare(py, &asked))?;
        prepared.start.take_no_types();
        run(prepared.download(path)).await.map(Receipt)
    }

    #[doc = stub!("InsightsClient.resume")]
    #[pyo3(signature = (handle, *, schema=None, timeout=None, progress=None))]
    fn resume(
        &self,
        py: Python<'_>,
        handle: &str,
        schema: Option<&Bound<'_, PyAny>>,
        timeout: Option<f64>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Table> {
        self.resuming(py, handle, schema, timeout, progress)?.wait_for_table(py)
    }

    #[doc = stub!("InsightsClient.resume_async")]
    #[pyo3(signature = (handle, *, schema=None, timeout=None, progress=None))]
    async fn resume_async(
        &self,
        handle: String,
        schema: Option<Py<PyAny>>,
        timeout: Option<f64>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Table> {
        let prepared = Python::attach(|py| {
            let (schema, progress) = (bound(py, schema.as_ref()), bound(py, progress.as_ref()));
            self.resuming(py, &handle, schema, timeout, progress)
        })?;
        Ok(run(prepared.table()).await?.into())
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
    ) -> PyResult<()> {
        self.close(py)
    }

    async fn __aenter__(slf: Py<Self>) -> PyResult<Py<Self>> {
        Ok(slf)
    }

    async fn __aexit__(&self, _kind: Py<PyAny>, _error: Py<PyAny>, _traceback: Py<PyAny>) -> PyResult<()> {
        run(Python::attach(|py| self.closing(py))?).await
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let py = slf.py();
        let Some(arguments) = &slf.get().arguments else {
            let error =
                Error::config("a client with a password of its own can't be pickled: the password would travel").hint(
                    "let it come from FLEX_INSIGHTS_PASSWORD or a profile on both sides, or make the client where it \
                     is used",
                );
            return Err(error.into());
        };
        if matches!(slf.get().options.proxy, Proxy::Through(ref url) if url.password().is_some()) {
            let error =
                Error::config("a client whose proxy has a password can't be pickled: the password would travel")
                    .hint("let the proxy come from HTTPS_PROXY on both sides");
            return Err(error.into());
        }
        let partial = py.import("functools")?.getattr("partial")?;
        let rebuild = partial.call((slf.get_type(),), Some(arguments.bind(py)))?;
        Ok((rebuild, PyTuple::empty(py)))
    }

    /// A client is shared, not copied: its copies would each log in, and change nothing in each other.
    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    fn __repr__(&self) -> String {
        let workspace = self.options.workspace.as_ref().map_or("None".into(), |id| format!("'{id}'"));
        format!("InsightsClient('{}', workspace={workspace}, base_url='{}')", self.username(), self.origin)
    }
}

impl InsightsClient {
    /// The core's client of this process.
    pub(super) fn core(&self, py: Python<'_>) -> PyResult<&Insights> {
        self.core.get(|| {
            let client = Insights::new(self.options.clone(), Arc::clone(&self.clock))?;
            sessions::remember(py, &client.connection)?;
            Ok(client)
        })
    }

    /// A call without a deadline of its own, which nobody is told about.
    pub(super) fn call(&self, py: Python<'_>) -> Call {
        log_to_python(py);
        Call::new(Arc::clone(&self.clock), None, None)
    }

    fn logging_in(&self, py: Python<'_>) -> PyResult<impl Future<Output = Result<()>> + Send + use<>> {
        let (client, call) = (self.core(py)?.clone(), self.call(py));
        Ok(async move { client.login(&call).await })
    }

    fn logging_out(&self, py: Python<'_>) -> PyResult<impl Future<Output = Result<()>> + Send + use<>> {
        let (client, call) = (self.core(py)?.clone(), self.call(py));
        Ok(async move { client.logout(&call).await })
    }

    fn closing(&self, py: Python<'_>) -> PyResult<impl Future<Output = Result<()>> + Send + use<>> {
        let client = self.core(py)?.clone();
        Ok(async move {
            client.connection.close().await;
            Ok(())
        })
    }

    /// What is asked for, checked before anything is sent, with the workspace that it is about.
    pub(super) fn asked(&self, py: Python<'_>, asked: &Asked) -> PyResult<Export> {
        let mut export = asked.export(py, &self.origin)?;
        if !matches!(export.report, ReportName::Uri(_)) {
            export.workspace = Some(self.core(py)?.workspace(export.workspace.as_ref())?);
        }
        Ok(export)
    }

    /// Everything that an export needs.
    fn prepare(&self, py: Python<'_>, asked: &Asked) -> PyResult<Prepared> {
        self.begin(py, Start::New(self.asked(py, asked)?), bound(py, asked.progress.as_ref()))
    }

    pub(super) fn resuming(
        &self,
        py: Python<'_>,
        handle: &str,
        schema: Option<&Bound<'_, PyAny>>,
        timeout: Option<f64>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Prepared> {
        self.begin(py, asked::resume(handle, schema, timeout, &self.origin)?, progress)
    }

    pub(super) fn begin(
        &self,
        py: Python<'_>,
        start: Start,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Prepared> {
        log_to_python(py);
        let timeout = start.timeout().unwrap_or(self.options.polling.timeout);
        let listener = match (progress, &self.progress) {
            (Some(progress), _) => listener(progress)?,
            (None, Some(progress)) => listener(progress.bind(py))?,
            (None, None) => listener(&"auto".into_pyobject(py)?.into_any())?,
        };
        let call = Call::new(Arc::clone(&self.clock), Some(timeout), listener);
        Ok(Prepared { client: self.core(py)?.clone(), call, start })
    }
}

impl Drop for InsightsClient {
    fn drop(&mut self) {
        if let Some(core) = self.core.made() {
            // Without an interpreter there is nobody left to wait; the hook of its end has logged out already.
            Python::try_attach(|py| sessions::close(py, vec![Arc::clone(&core.connection)]));
        }
    }
}

/// An export that has only to be run.
pub(super) struct Prepared {
    client: Insights,
    pub(super) call: Call,
    start: Start,
}

impl Prepared {
    /// What runs it, for an export of another kind, and the end that whoever listens is promised.
    pub(super) fn parts(self) -> (Insights, Call, Ending) {
        let ending = self.call.progress.ending();
        (self.client, self.call, ending)
    }

    pub(super) fn wait_for_table(self, py: Python<'_>) -> PyResult<Table> {
        let progress = self.call.progress.clone();
        Ok(resumable(py, wait(py, self.table()), &progress)?.into())
    }

    pub(super) async fn table(self) -> Result<handoff::Table> {
        let ending = self.call.progress.ending();
        export::table(&self.client, &self.call, &self.start).await.inspect(|_| ending.done())
    }

    pub(super) async fn stream(self) -> Result<(handoff::Stream, export::StreamReceipt, Ending)> {
        let ending = self.call.progress.ending();
        let (stream, receipt) = export::stream(&self.client, &self.call, self.start).await?;
        Ok((stream, receipt, ending))
    }

    async fn download(self, path: PathBuf) -> Result<handoff::Receipt> {
        let ending = self.call.progress.ending();
        export::download(&self.client, &self.call, &self.start, &path).await.inspect(|_| ending.done())
    }
}

/// The same result, with the handle of what Ctrl-C interrupted as an attribute of the `KeyboardInterrupt`.
pub(super) fn resumable<T>(py: Python<'_>, result: PyResult<T>, progress: &Progress) -> PyResult<T> {
    if let Err(error) = &result
        && error.is_instance_of::<PyKeyboardInterrupt>(py)
        && let Some(handle) = progress.handle()
    {
        let error = error.value(py);
        error.setattr("handle", handle)?;
        error.call_method1("add_note", ("`client.resume(error.handle)` goes on where this was interrupted",))?;
    }
    result
}

/// A virtual clock on its way from a sandbox to a client.
#[pyclass(frozen, module = "insightframe._core")]
pub(super) struct SharedClock(pub(super) VirtualClock);
