//! `InsightsClient`: the core's client, with Python's idea of a session's end, of forks and of pickles.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use arc_swap::ArcSwap;
use pyo3::{
    exceptions::PyTypeError,
    prelude::*,
    types::{PyDict, PyTuple},
};

use super::{
    config,
    errors::raise,
    listener::listener,
    log_to_python,
    receipt::Receipt,
    runtime::{generation, run, runtime, wait},
    stream::Stream,
    table::Table,
    types::types,
};
use crate::{
    clock::{Clock, SystemClock, VirtualClock},
    credentials::{Given, resolve},
    error::{Error, Result},
    export::{self, Base, Export, Start, Types},
    http::Proxy,
    ids::{Identifier, ObjectUri, ReportName, WorkspaceId},
    insights::{AuthMode, Connection, Execution, Insights, Options, filter::Interval},
    origin::Origin,
    progress::{Call, Listener},
    secret::{Credentials, Secret},
};

/// A session with Flex Insights.
#[pyclass(frozen, module = "insightframe")]
pub(super) struct InsightsClient {
    options: Options,
    origin: Origin,
    clock: Arc<dyn Clock>,
    core: ArcSwap<Core>,
    listener: Option<Listener>,
    /// The arguments to make the same client elsewhere; `None` when the password was given by hand.
    arguments: Option<Py<PyDict>>,
}

/// The client of one process: a forked child makes one of its own, because the sockets, the threads and the session
/// it inherits are its parent's.
struct Core {
    generation: u64,
    client: Insights,
}

/// Every connection that may have to be logged out when the interpreter ends.
static OPEN: Mutex<Vec<(u64, Weak<Connection>)>> = Mutex::new(Vec::new());

/// How long the end of the interpreter may wait for logouts, all at once.
const GOODBYE: Duration = Duration::from_secs(2);

impl Core {
    fn new(options: &Options, clock: &Arc<dyn Clock>) -> Result<Self> {
        let client = Insights::new(options.clone(), Arc::clone(clock))?;
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|(_, connection)| connection.strong_count() > 0);
        open.push((generation(), Arc::downgrade(&client.connection)));
        Ok(Self { generation: generation(), client })
    }
}

/// Logs out every session of this process that is still open; runs when the interpreter ends.
#[pyfunction]
pub(super) fn close_all(py: Python<'_>) {
    let here = generation();
    let open: Vec<_> = {
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *open)
    };
    let open: Vec<_> = open
        .into_iter()
        .filter(|(generation, _)| *generation == here)
        .filter_map(|(_, connection)| connection.upgrade())
        .filter(|connection| connection.is_open())
        .collect();
    py.detach(|| close(open));
}

/// Logs out at once from all of them, bounded; failures are logged by the connection.
fn close(connections: Vec<Arc<Connection>>) {
    if connections.is_empty() {
        return;
    }
    let Ok(runtime) = runtime() else { return };
    let (sender, done) = std::sync::mpsc::channel();
    for connection in connections {
        let sender = sender.clone();
        runtime.spawn(async move {
            connection.close().await;
            drop(sender);
        });
    }
    drop(sender);
    // Nothing is ever sent: the channel closes when the last of them is done.
    let _: std::result::Result<(), _> = done.recv_timeout(GOODBYE);
}

impl InsightsClient {
    /// The core of this process, made anew after a fork.
    fn core(&self) -> Result<Arc<Core>> {
        let core = self.core.load_full();
        if core.generation == generation() {
            return Ok(core);
        }
        let fresh = Arc::new(Core::new(&self.options, &self.clock)?);
        let inherited = self.core.swap(Arc::clone(&fresh));
        // What it holds belongs to the parent's threads: even dropping it could wait for one of them for ever.
        #[expect(clippy::mem_forget, reason = "the parent's runtime and sockets must not be touched in a child")]
        std::mem::forget((inherited, core));
        Ok(fresh)
    }

    fn client(&self, py: Python<'_>) -> PyResult<Insights> {
        self.core().map(|core| core.client.clone()).map_err(|error| raise(py, &error))
    }

    fn call(&self, timeout: Option<Duration>, listener: Option<Listener>) -> Call {
        Call::new(Arc::clone(&self.clock), timeout, listener)
    }

    /// Everything that an export needs, checked before anything is sent.
    fn prepare(&self, py: Python<'_>, asked: Asked<'_, '_>) -> PyResult<Prepared> {
        let checked = |result| result_of(py, result);
        let report = match asked.report.extract::<u64>() {
            Ok(number) => number.to_string(),
            Err(_) => asked
                .report
                .extract::<String>()
                .map_err(|_| PyTypeError::new_err("`report` must be an object id, an identifier or a uri"))?,
        };
        let label = asked.date.map(|label| Identifier::parse(&label)).transpose();
        let interval = Interval::new(day("start", asked.start)?, day("end", asked.end)?, result_of(py, label)?);
        let export = Export {
            report: result_of(py, ReportName::parse(&report, &self.origin))?,
            workspace: result_of(py, asked.workspace.map(|id| WorkspaceId::parse(&id)).transpose())?,
            interval: result_of(py, interval)?,
            types: types(asked.schema, Base::Report)?,
            timeout: asked.timeout.map(config::seconds).transpose()?,
        };
        let by_number = matches!(export.report, ReportName::Number(_) | ReportName::Identifier(_));
        if by_number {
            checked(self.core()).and_then(|core| result_of(py, core.client.workspace(export.workspace.as_ref())))?;
        }
        self.begin(py, Start::New(export), asked.progress)
    }

    fn begin(&self, py: Python<'_>, start: Start, progress: Option<&Bound<'_, PyAny>>) -> PyResult<Prepared> {
        let timeout = start.timeout().unwrap_or(self.options.polling.timeout);
        let listener = match progress {
            None => self.listener.clone(),
            Some(progress) => progress_listener(progress)?,
        };
        Ok(Prepared { client: self.client(py)?, call: self.call(Some(timeout), listener), start })
    }
}

impl Drop for InsightsClient {
    fn drop(&mut self) {
        let core = self.core.load_full();
        if core.generation != generation() {
            #[expect(clippy::mem_forget, reason = "the parent's runtime and sockets must not be touched in a child")]
            std::mem::forget((Arc::clone(&core), core));
        } else if core.client.connection.is_open() {
            let connection = Arc::clone(&core.client.connection);
            // Without an interpreter there is nobody left to wait; the hook of its end has logged out already.
            Python::try_attach(|py| py.detach(|| close(vec![connection])));
        }
    }
}

/// The arguments that the exporting methods have in common.
struct Asked<'a, 'py> {
    report: &'a Bound<'py, PyAny>,
    start: Option<&'a Bound<'py, PyAny>>,
    end: Option<&'a Bound<'py, PyAny>>,
    date: Option<String>,
    schema: Option<&'a Bound<'py, PyAny>>,
    workspace: Option<String>,
    timeout: Option<f64>,
    progress: Option<&'a Bound<'py, PyAny>>,
}

struct Prepared {
    client: Insights,
    call: Call,
    start: Start,
}

impl Prepared {
    async fn table(self) -> Result<crate::handoff::Table> {
        export::table(&self.client, &self.call, &self.start).await
    }

    async fn stream(self) -> Result<(crate::handoff::Stream, export::StreamReceipt)> {
        export::stream(&self.client, &self.call, self.start).await
    }

    async fn download(self, path: PathBuf) -> Result<crate::handoff::Receipt> {
        export::download(&self.client, &self.call, &self.start, &path).await
    }
}

fn result_of<T>(py: Python<'_>, result: Result<T>) -> PyResult<T> {
    result.map_err(|error| raise(py, &error))
}

/// A day as `datetime.date` or ISO text. A datetime is refused: its time would be lost, and its zone is not the report's.
fn day(name: &str, value: Option<&Bound<'_, PyAny>>) -> PyResult<Option<jiff::civil::Date>> {
    let Some(value) = value else { return Ok(None) };
    let wrong = |what: String| {
        let error = Error::config(format!("`{name}` {what}"))
            .hint("give a `datetime.date` or an ISO day such as \"2023-12-01\"; both `start` and `end` are included");
        Err(raise(value.py(), &error))
    };
    if let Ok(text) = value.extract::<String>() {
        let iso = text.len() == 10 && text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-';
        return match text.parse() {
            Ok(day) if iso => Ok(Some(day)),
            _ => wrong(format!("is `{}`, which is no day", crate::ids::shown(&text))),
        };
    }
    if value.hasattr("hour")? {
        return wrong("is a date with a time; whole days are meant".into());
    }
    match value.extract() {
        Ok(day) => Ok(Some(day)),
        Err(_) => wrong(format!("is a `{}`, not a day", value.get_type().name()?)),
    }
}

fn progress_listener(progress: &Bound<'_, PyAny>) -> PyResult<Option<Listener>> {
    if progress.is_callable() {
        return Ok(Some(listener(progress.clone().unbind())));
    }
    match progress.extract::<bool>() {
        Ok(_) => Ok(None),
        Err(_) if progress.extract::<String>().is_ok_and(|word| word == "auto") => Ok(None),
        Err(_) => Err(PyTypeError::new_err("`progress` must be \"auto\", a bool or a callable")),
    }
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
        max_concurrency: usize,
        progress: Option<Bound<'_, PyAny>>,
        _clock: Option<PyRef<'_, SharedClock>>,
    ) -> PyResult<Self> {
        log_to_python(py);
        let arguments = PyDict::new(py);
        if let Some(username) = &username {
            arguments.set_item("username", username)?;
        }
        for (name, value) in [("workspace", &workspace), ("base_url", &base_url), ("proxy", &proxy)] {
            if let Some(value) = value {
                arguments.set_item(name, value)?;
            }
        }
        for (name, value) in [("retry", &retry), ("polling", &polling), ("limits", &limits), ("tls", &tls)] {
            if let Some(value) = value {
                arguments.set_item(name, value)?;
            }
        }
        arguments.set_item("auth", auth)?;
        arguments.set_item("max_concurrency", max_concurrency)?;
        let given = Given { username, password: password.map(Secret::new), workspace, base_url };
        let found = result_of(py, resolve(given, |name| std::env::var(name).ok()))?;
        let travels = !found.password_was_given && _clock.is_none();
        let mut options = Options::new(Credentials { username: found.username, password: found.password });
        options.workspace = result_of(py, found.workspace.map(|id| WorkspaceId::parse(&id)).transpose())?;
        if let Some(base_url) = found.base_url {
            options.base_url = base_url;
        }
        options.auth = match auth {
            "header" => AuthMode::Header,
            "cookie" => AuthMode::Cookie,
            other => {
                let error = Error::config(format!("`auth` is `{other}`, which is neither `header` nor `cookie`"));
                return Err(raise(py, &error));
            }
        };
        options.retry = config::retry(retry.as_ref())?;
        options.polling = config::polling(polling.as_ref())?;
        options.limits = config::limits(limits.as_ref())?;
        options.tls = config::tls(tls.as_ref())?;
        options.max_concurrency = max_concurrency;
        if let Some(proxy) = &proxy {
            options.proxy = result_of(py, Proxy::parse(proxy))?;
        }
        let clock: Arc<dyn Clock> = match _clock {
            Some(clock) => Arc::new(clock.0.clone()),
            None => Arc::new(SystemClock::new()),
        };
        let origin = result_of(py, Origin::parse(&options.base_url, "/gdc/"))?;
        let core = result_of(py, Core::new(&options, &clock))?;
        Ok(Self {
            options,
            origin,
            clock,
            core: ArcSwap::from_pointee(core),
            listener: progress.as_ref().map(progress_listener).transpose()?.flatten(),
            arguments: travels.then(|| arguments.unbind()),
        })
    }

    #[getter]
    fn username(&self) -> &str {
        &self.options.credentials.username
    }

    #[getter]
    fn workspace(&self) -> Option<String> {
        self.options.workspace.as_ref().map(ToString::to_string)
    }

    #[getter]
    fn base_url(&self) -> String {
        self.origin.to_string()
    }

    #[getter]
    fn profile_id(&self, py: Python<'_>) -> PyResult<Option<String>> {
        Ok(self.client(py)?.connection.profile())
    }

    fn login(&self, py: Python<'_>) -> PyResult<()> {
        wait(py, self.logging_in(py)?)
    }

    async fn login_async(&self) -> PyResult<()> {
        run(Python::attach(|py| self.logging_in(py))?).await
    }

    fn logout(&self, py: Python<'_>) -> PyResult<()> {
        wait(py, self.logging_out(py)?)
    }

    async fn logout_async(&self) -> PyResult<()> {
        run(Python::attach(|py| self.logging_out(py))?).await
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        wait(py, self.closing(py)?)
    }

    async fn close_async(&self) -> PyResult<()> {
        run(Python::attach(|py| self.closing(py))?).await
    }

    #[pyo3(signature = (identifiers, *, workspace=None))]
    fn identifiers(
        &self,
        py: Python<'_>,
        identifiers: &Bound<'_, PyAny>,
        workspace: Option<String>,
    ) -> PyResult<Py<PyDict>> {
        let (asked, looking) = self.looking_up_identifiers(identifiers, workspace)?;
        in_order(asked, wait(py, looking)?)
    }

    #[pyo3(signature = (identifiers, *, workspace=None))]
    async fn identifiers_async(&self, identifiers: Py<PyAny>, workspace: Option<String>) -> PyResult<Py<PyDict>> {
        let (asked, looking) = Python::attach(|py| self.looking_up_identifiers(identifiers.bind(py), workspace))?;
        in_order(asked, run(looking).await?)
    }

    #[pyo3(signature = (uris, *, workspace=None))]
    fn uris(&self, py: Python<'_>, uris: &Bound<'_, PyAny>, workspace: Option<String>) -> PyResult<Py<PyDict>> {
        let (asked, looking) = self.looking_up_uris(uris, workspace)?;
        in_order(asked, wait(py, looking)?)
    }

    #[pyo3(signature = (uris, *, workspace=None))]
    async fn uris_async(&self, uris: Py<PyAny>, workspace: Option<String>) -> PyResult<Py<PyDict>> {
        let (asked, looking) = Python::attach(|py| self.looking_up_uris(uris.bind(py), workspace))?;
        in_order(asked, run(looking).await?)
    }

    #[pyo3(signature = (
        report, *, start=None, end=None, date=None, schema=None, workspace=None, timeout=None, progress=None
    ))]
    #[expect(clippy::too_many_arguments, reason = "they are Python's keyword arguments")]
    fn export(
        &self,
        py: Python<'_>,
        report: &Bound<'_, PyAny>,
        start: Option<&Bound<'_, PyAny>>,
        end: Option<&Bound<'_, PyAny>>,
        date: Option<String>,
        schema: Option<&Bound<'_, PyAny>>,
        workspace: Option<String>,
        timeout: Option<f64>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Table> {
        let asked = Asked { report, start, end, date, schema, workspace, timeout, progress };
        Ok(wait(py, self.prepare(py, asked)?.table())?.into())
    }

    #[pyo3(signature = (
        report, *, start=None, end=None, date=None, schema=None, workspace=None, timeout=None, progress=None
    ))]
    #[expect(clippy::too_many_arguments, reason = "they are Python's keyword arguments")]
    async fn export_async(
        &self,
        report: Py<PyAny>,
        start: Option<Py<PyAny>>,
        end: Option<Py<PyAny>>,
        date: Option<String>,
        schema: Option<Py<PyAny>>,
        workspace: Option<String>,
        timeout: Option<f64>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Table> {
        let owned = Owned { report, start, end, date, schema, workspace, timeout, progress };
        Ok(run(Python::attach(|py| owned.prepare(py, self))?.table()).await?.into())
    }

    #[pyo3(signature = (
        report, *, start=None, end=None, date=None, schema=None, workspace=None, timeout=None, progress=None
    ))]
    #[expect(clippy::too_many_arguments, reason = "they are Python's keyword arguments")]
    fn stream(
        &self,
        py: Python<'_>,
        report: &Bound<'_, PyAny>,
        start: Option<&Bound<'_, PyAny>>,
        end: Option<&Bound<'_, PyAny>>,
        date: Option<String>,
        schema: Option<&Bound<'_, PyAny>>,
        workspace: Option<String>,
        timeout: Option<f64>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Stream> {
        let asked = Asked { report, start, end, date, schema, workspace, timeout, progress };
        let (stream, receipt) = wait(py, self.prepare(py, asked)?.stream())?;
        Ok(Stream::new(stream, Some(receipt)))
    }

    #[pyo3(signature = (
        report, *, start=None, end=None, date=None, schema=None, workspace=None, timeout=None, progress=None
    ))]
    #[expect(clippy::too_many_arguments, reason = "they are Python's keyword arguments")]
    async fn stream_async(
        &self,
        report: Py<PyAny>,
        start: Option<Py<PyAny>>,
        end: Option<Py<PyAny>>,
        date: Option<String>,
        schema: Option<Py<PyAny>>,
        workspace: Option<String>,
        timeout: Option<f64>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Stream> {
        let owned = Owned { report, start, end, date, schema, workspace, timeout, progress };
        let (stream, receipt) = run(Python::attach(|py| owned.prepare(py, self))?.stream()).await?;
        Ok(Stream::new(stream, Some(receipt)))
    }

    #[pyo3(signature = (
        report, path, *, start=None, end=None, date=None, workspace=None, timeout=None, progress=None
    ))]
    #[expect(clippy::too_many_arguments, reason = "they are Python's keyword arguments")]
    fn download(
        &self,
        py: Python<'_>,
        report: &Bound<'_, PyAny>,
        path: PathBuf,
        start: Option<&Bound<'_, PyAny>>,
        end: Option<&Bound<'_, PyAny>>,
        date: Option<String>,
        workspace: Option<String>,
        timeout: Option<f64>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Receipt> {
        let mut prepared =
            self.prepare(py, Asked { report, start, end, date, schema: None, workspace, timeout, progress })?;
        prepared.start.take_no_types();
        wait(py, prepared.download(path)).map(Receipt)
    }

    #[pyo3(signature = (
        report, path, *, start=None, end=None, date=None, workspace=None, timeout=None, progress=None
    ))]
    #[expect(clippy::too_many_arguments, reason = "they are Python's keyword arguments")]
    async fn download_async(
        &self,
        report: Py<PyAny>,
        path: PathBuf,
        start: Option<Py<PyAny>>,
        end: Option<Py<PyAny>>,
        date: Option<String>,
        workspace: Option<String>,
        timeout: Option<f64>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Receipt> {
        let owned = Owned { report, start, end, date, schema: None, workspace, timeout, progress };
        let mut prepared = Python::attach(|py| owned.prepare(py, self))?;
        prepared.start.take_no_types();
        run(prepared.download(path)).await.map(Receipt)
    }

    #[pyo3(signature = (handle, *, schema=None, timeout=None, progress=None))]
    fn resume(
        &self,
        py: Python<'_>,
        handle: &str,
        schema: Option<&Bound<'_, PyAny>>,
        timeout: Option<f64>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Table> {
        Ok(wait(py, self.resuming(py, handle, schema, timeout, progress)?.table())?.into())
    }

    #[pyo3(signature = (handle, *, schema=None, timeout=None, progress=None))]
    async fn resume_async(
        &self,
        handle: String,
        schema: Option<Py<PyAny>>,
        timeout: Option<f64>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Table> {
        let prepared = Python::attach(|py| {
            let (schema, progress) = (schema.as_ref().map(|it| it.bind(py)), progress.as_ref().map(|it| it.bind(py)));
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
            return Err(raise(py, &error));
        };
        if matches!(slf.get().options.proxy, Proxy::Through(ref url) if url.password().is_some()) {
            let error =
                Error::config("a client whose proxy has a password can't be pickled: the password would travel")
                    .hint("let the proxy come from HTTPS_PROXY on both sides");
            return Err(raise(py, &error));
        }
        let partial = py.import("functools")?.getattr("partial")?;
        let rebuild = partial.call((slf.get_type(),), Some(arguments.bind(py)))?;
        Ok((rebuild, PyTuple::empty(py)))
    }

    fn __repr__(&self) -> String {
        let workspace = self.options.workspace.as_ref().map_or("None".into(), |id| format!("'{id}'"));
        format!("InsightsClient('{}', workspace={workspace}, base_url='{}')", self.username(), self.origin)
    }
}

impl InsightsClient {
    fn logging_in(&self, py: Python<'_>) -> PyResult<impl Future<Output = Result<()>> + Send + use<>> {
        let client = self.client(py)?;
        let call = self.call(None, None);
        Ok(async move { client.login(&call).await })
    }

    fn logging_out(&self, py: Python<'_>) -> PyResult<impl Future<Output = Result<()>> + Send + use<>> {
        let client = self.client(py)?;
        let call = self.call(None, None);
        Ok(async move { client.logout(&call).await })
    }

    fn closing(&self, py: Python<'_>) -> PyResult<impl Future<Output = Result<()>> + Send + use<>> {
        let client = self.client(py)?;
        Ok(async move {
            client.connection.close().await;
            Ok(())
        })
    }

    #[expect(clippy::type_complexity, reason = "a future has no name")]
    fn looking_up_identifiers(
        &self,
        identifiers: &Bound<'_, PyAny>,
        workspace: Option<String>,
    ) -> PyResult<(Vec<String>, impl Future<Output = Result<Vec<(String, String)>>> + Send + use<>)> {
        let py = identifiers.py();
        let asked = strings("identifiers", identifiers)?;
        let names: Result<Vec<_>> = asked.iter().map(|name| Identifier::parse(name)).collect();
        let names = result_of(py, names)?;
        let client = self.client(py)?;
        let named = result_of(py, workspace.map(|id| WorkspaceId::parse(&id)).transpose())?;
        let workspace = result_of(py, client.workspace(named.as_ref()))?;
        let call = self.call(None, None);
        Ok((asked, async move {
            let found = client.identifiers(&call, &workspace, &names).await?;
            Ok(found.into_iter().map(|(name, uri)| (name.to_string(), uri.to_string())).collect())
        }))
    }

    #[expect(clippy::type_complexity, reason = "a future has no name")]
    fn looking_up_uris(
        &self,
        uris: &Bound<'_, PyAny>,
        workspace: Option<String>,
    ) -> PyResult<(Vec<String>, impl Future<Output = Result<Vec<(String, String)>>> + Send + use<>)> {
        let py = uris.py();
        let named = result_of(py, workspace.map(|id| WorkspaceId::parse(&id)).transpose())?;
        let mut asked = Vec::new();
        let mut objects = Vec::new();
        for uri in strings("uris", uris)? {
            let object = result_of(py, ObjectUri::parse(&uri, &self.origin))?;
            if named.as_ref().is_some_and(|named| *named != object.workspace) {
                let error = Error::config(format!("`{object}` is not in the workspace that was named"));
                return Err(raise(py, &error));
            }
            asked.push(object.to_string());
            objects.push(object);
        }
        let client = self.client(py)?;
        let call = self.call(None, None);
        Ok((asked, async move {
            let found = client.uris(&call, &objects).await?;
            Ok(found.into_iter().map(|(uri, name)| (uri, name.to_string())).collect())
        }))
    }

    fn resuming(
        &self,
        py: Python<'_>,
        handle: &str,
        schema: Option<&Bound<'_, PyAny>>,
        timeout: Option<f64>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Prepared> {
        let execution = result_of(py, Execution::parse(handle, &self.origin))?;
        let types: Types = types(schema, Base::Report)?;
        let start = Start::Resume { execution, types, timeout: timeout.map(config::seconds).transpose()? };
        self.begin(py, start, progress)
    }
}

/// The arguments of an asynchronous export, which outlive the call that made them.
struct Owned {
    report: Py<PyAny>,
    start: Option<Py<PyAny>>,
    end: Option<Py<PyAny>>,
    date: Option<String>,
    schema: Option<Py<PyAny>>,
    workspace: Option<String>,
    timeout: Option<f64>,
    progress: Option<Py<PyAny>>,
}

impl Owned {
    fn prepare(self, py: Python<'_>, client: &InsightsClient) -> PyResult<Prepared> {
        let bound = |object: &'_ Option<Py<PyAny>>| object.as_ref().map(|object| object.bind(py).clone());
        let (start, end) = (bound(&self.start), bound(&self.end));
        let (schema, progress) = (bound(&self.schema), bound(&self.progress));
        client.prepare(
            py,
            Asked {
                report: self.report.bind(py),
                start: start.as_ref(),
                end: end.as_ref(),
                date: self.date,
                schema: schema.as_ref(),
                workspace: self.workspace,
                timeout: self.timeout,
                progress: progress.as_ref(),
            },
        )
    }
}

/// The strings of an iterable; one string by itself would be read letter by letter and is refused.
fn strings(name: &str, iterable: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    if iterable.extract::<String>().is_ok() {
        return Err(PyTypeError::new_err(format!("`{name}` must be a list of strings, not one string")));
    }
    iterable.try_iter()?.map(|item| item?.extract()).collect()
}

/// A dictionary in the order that was asked for.
fn in_order(asked: Vec<String>, found: Vec<(String, String)>) -> PyResult<Py<PyDict>> {
    Python::attach(|py| {
        let ordered = PyDict::new(py);
        for name in asked {
            if let Some((_, value)) = found.iter().find(|(key, _)| *key == name) {
                ordered.set_item(name, value)?;
            }
        }
        Ok(ordered.unbind())
    })
}

/// A virtual clock on its way from a sandbox to a client.
#[pyclass(frozen, module = "insightframe._core")]
pub(super) struct SharedClock(pub(super) VirtualClock);
