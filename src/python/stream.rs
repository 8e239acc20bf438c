//! `Stream`: a result that is read once, while it still arrives.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, SchemaRef};
use futures_util::stream;
use pyo3::{
    exceptions::{PyStopAsyncIteration, PyStopIteration},
    prelude::*,
    types::{PyCapsule, PyDict},
};

use super::{
    arrow,
    client::InsightsClient,
    place::{StoreSettings, begin},
    process::Local,
    receipt::Receipt,
    runtime::{run, wait},
    table::{Table, schema_dict},
};
use crate::{
    error::{Error, Result},
    export::StreamReceipt,
    handoff::{self, Format, Representation},
    progress::Ending,
};

#[doc = stub!("Stream")]
#[pyclass(frozen, module = "insightframe")]
pub(super) struct Stream {
    schema: SchemaRef,
    shared: Arc<Shared>,
    receipt: Option<StreamReceipt>,
    /// Kept, because a client that nobody holds any more logs out.
    _client: Option<Py<InsightsClient>>,
}

/// What the Python object and its readers have in common.
struct Shared {
    state: Mutex<State>,
    error: Mutex<Option<PyErr>>,
    /// Whoever listens to the progress is told of the end, however it comes.
    ending: Mutex<Option<Ending>>,
}

enum State {
    Open(Local<handoff::Stream>),
    /// Somebody is reading at this moment, or was when he was cancelled.
    Away,
    /// An Arrow consumer has it.
    Handed,
    Ended,
    Broken,
    Closed,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the stream out to read from it.
    fn take(&self) -> Result<Local<handoff::Stream>> {
        let mut state = self.state();
        let why = match &*state {
            State::Open(stream) if stream.get().is_none() => "belongs to the process that asked for it",
            State::Open(_) => {
                let State::Open(stream) = std::mem::replace(&mut *state, State::Away) else { unreachable!() };
                return Ok(stream);
            }
            State::Away => "is being read elsewhere, or its reading was interrupted",
            State::Handed => "has been handed to an Arrow reader",
            State::Ended => "has been read to its end",
            State::Broken => "broke off; its `error` says why",
            State::Closed => "is closed",
        };
        Err(Error::config(format!("the stream {why}"))
            .hint("a stream is read once; ask for another one, or for a `Table` with `export`"))
    }

    /// Refuses a second reading, which would find nothing and say nothing.
    fn begin(&self) -> Result<()> {
        let stream = self.take()?;
        *self.state() = State::Open(stream);
        Ok(())
    }

    fn has_ended(&self) -> bool {
        matches!(*self.state(), State::Ended | State::Broken)
    }

    /// One batch, with the stream put back for the next.
    async fn next(self: Arc<Self>, mut stream: Local<handoff::Stream>) -> Result<Option<RecordBatch>> {
        let batch = next(&mut stream).await?;
        let mut state = self.state();
        // Whoever closed it meanwhile is right.
        if matches!(*state, State::Away) {
            *state = if batch.is_some() { State::Open(stream) } else { State::Ended };
        }
        drop(state);
        if batch.is_none() && self.has_ended() {
            self.end(State::Ended);
        }
        Ok(batch)
    }

    /// Enters a state in which nothing more is read.
    fn end(&self, state: State) {
        let is_done = matches!(state, State::Ended);
        *self.state() = state;
        let ending = self.ending.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(ending) = ending.filter(|_| is_done) {
            ending.done();
        }
    }

    /// What reading came to: the end is an end, and a failure is remembered.
    fn settle<T>(&self, py: Python<'_>, read: PyResult<T>) -> PyResult<T> {
        if let Err(error) = &read {
            *self.error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.clone_ref(py));
            self.end(State::Broken);
        }
        read
    }
}

async fn next(stream: &mut Local<handoff::Stream>) -> Result<Option<RecordBatch>> {
    match stream.get_mut() {
        Some(stream) => stream.next().await,
        None => Ok(None),
    }
}

impl Stream {
    /// A stream that comes from nowhere but itself.
    pub(super) fn new(stream: handoff::Stream) -> Self {
        let schema = Arc::clone(stream.schema());
        let state = Mutex::new(State::Open(Local::new(stream)));
        let shared = Shared { state, error: Mutex::default(), ending: Mutex::default() };
        Self { schema, shared: Arc::new(shared), receipt: None, _client: None }
    }

    /// A stream of a client's.
    pub(super) fn of(
        client: Py<InsightsClient>,
        (stream, receipt, ending): (handoff::Stream, StreamReceipt, Ending),
    ) -> Self {
        let new = Self::new(stream);
        *new.shared.ending.lock().unwrap_or_else(PoisonError::into_inner) = Some(ending);
        Self { receipt: Some(receipt), _client: Some(client), ..new }
    }

    fn piece(&self, batch: RecordBatch) -> Table {
        handoff::Table::new(Arc::clone(&self.schema), vec![batch]).into()
    }

    fn write(&self, py: Python<'_>, path: PathBuf, settings: Option<StoreSettings>, format: Format) -> PyResult<u64> {
        self.shared.begin()?;
        let output = begin(path, settings)?;
        let batches = stream::unfold(self.shared.take()?, async |mut stream| {
            let batch = next(&mut stream).await.transpose()?;
            Some((batch, stream))
        });
        let written = self.shared.settle(py, wait(py, format.write(batches, output, self.schema.clone())))?;
        self.shared.end(State::Ended);
        Ok(written)
    }
}

#[pymethods]
impl Stream {
    #[doc = stub!("Stream.schema")]
    #[getter]
    fn schema<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        schema_dict(py, &self.schema)
    }

    #[doc = stub!("Stream.receipt")]
    #[getter]
    fn receipt(&self) -> Option<Receipt> {
        let ended = matches!(*self.shared.state(), State::Ended);
        self.receipt.as_ref().filter(|_| ended).map(|receipt| Receipt(receipt.read()))
    }

    #[doc = stub!("Stream.error")]
    #[getter]
    fn error<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        let error = self.shared.error.lock().unwrap_or_else(PoisonError::into_inner);
        error.as_ref().map(|error| error.value(py).clone().into_any())
    }

    #[doc = stub!("Stream.to_arrow")]
    fn to_arrow<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("insightframe._frames")?.call_method1("to_reader", (slf,))
    }

    #[doc = stub!("Stream.write_parquet")]
    #[pyo3(signature = (path, *, storage_options=None))]
    fn write_parquet(&self, py: Python<'_>, path: PathBuf, storage_options: Option<StoreSettings>) -> PyResult<u64> {
        self.write(py, path, storage_options, Format::Parquet)
    }

    #[doc = stub!("Stream.write_csv")]
    #[pyo3(signature = (path, *, storage_options=None))]
    fn write_csv(&self, py: Python<'_>, path: PathBuf, storage_options: Option<StoreSettings>) -> PyResult<u64> {
        self.write(py, path, storage_options, Format::Csv)
    }

    #[doc = stub!("Stream.write_ipc")]
    #[pyo3(signature = (path, *, storage_options=None))]
    fn write_ipc(&self, py: Python<'_>, path: PathBuf, storage_options: Option<StoreSettings>) -> PyResult<u64> {
        self.write(py, path, storage_options, Format::Ipc)
    }

    #[doc = stub!("Stream.close")]
    fn close(&self) {
        if !self.shared.has_ended() {
            self.shared.end(State::Closed);
        }
    }

    fn __iter__(slf: Py<Self>) -> PyResult<Py<Self>> {
        slf.get().shared.begin()?;
        Ok(slf)
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Table> {
        if self.shared.has_ended() {
            return Err(PyStopIteration::new_err(()));
        }
        let stream = self.shared.take()?;
        match self.shared.settle(py, wait(py, Arc::clone(&self.shared).next(stream)))? {
            Some(batch) => Ok(self.piece(batch)),
            None => Err(PyStopIteration::new_err(())),
        }
    }

    fn __aiter__(slf: Py<Self>) -> PyResult<Py<Self>> {
        Self::__iter__(slf)
    }

    /// The coroutine of `_next_async`: a slot of the type can't be `async` itself.
    fn __anext__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.call_method0("_next_async")
    }

    async fn _next_async(&self) -> PyResult<Table> {
        if self.shared.has_ended() {
            return Err(PyStopAsyncIteration::new_err(()));
        }
        let stream = self.shared.take()?;
        let read = run(Arc::clone(&self.shared).next(stream)).await;
        match Python::attach(|py| self.shared.settle(py, read))? {
            Some(batch) => Ok(self.piece(batch)),
            None => Err(PyStopAsyncIteration::new_err(())),
        }
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __exit__(&self, _kind: Py<PyAny>, _error: Py<PyAny>, _traceback: Py<PyAny>) {
        self.close();
    }

    async fn __aenter__(slf: Py<Self>) -> PyResult<Py<Self>> {
        Ok(slf)
    }

    async fn __aexit__(&self, _kind: Py<PyAny>, _error: Py<PyAny>, _traceback: Py<PyAny>) -> PyResult<()> {
        self.close();
        Ok(())
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        arrow::schema_capsule(py, &self.schema)
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let representation = arrow::representation(&self.schema, requested_schema.as_ref())?;
        let schema = Arc::clone(representation.schema());
        let stream = self.shared.take()?;
        // From here on it is the consumer's: nobody else reads beside it.
        *self.shared.state() = State::Handed;
        let handed = Handed { stream: Some(stream), representation, shared: Arc::clone(&self.shared) };
        arrow::stream_capsule(py, &schema, handed)
    }
}

/// The stream in the hands of an Arrow consumer, which may or may not hold the GIL when it asks.
struct Handed {
    stream: Option<Local<handoff::Stream>>,
    representation: Representation,
    shared: Arc<Shared>,
}

impl Iterator for Handed {
    type Item = std::result::Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut stream = self.stream.take()?;
        let read = async move {
            let batch = next(&mut stream).await?;
            Ok::<_, Error>((batch, stream))
        };
        Python::attach(|py| {
            let read = wait(py, read).and_then(|(batch, stream)| {
                let batch = batch.map(|batch| py.detach(|| self.representation.apply(batch)));
                Ok((batch.transpose()?, stream))
            });
            self.told(py, read)
        })
    }
}

impl Handed {
    /// What reading a batch came to, as the consumer is told it.
    fn told(
        &mut self,
        py: Python<'_>,
        read: PyResult<(Option<RecordBatch>, Local<handoff::Stream>)>,
    ) -> Option<std::result::Result<RecordBatch, ArrowError>> {
        match self.shared.settle(py, read) {
            Ok((Some(batch), stream)) => {
                self.stream = Some(stream);
                Some(Ok(batch))
            }
            Ok((None, _)) => {
                self.shared.end(State::Ended);
                None
            }
            // Ctrl-C too becomes an error of the consumer's. To tell Python of it once more, by a signal, would reach
            // a consumer that is just making that error; polars breaks then.
            Err(error) => {
                let code = error.get_type(py).name().map_or_else(|_| "error".into(), |name| name.to_string());
                Some(Err(arrow::told(&code, error.value(py))))
            }
        }
    }
}
