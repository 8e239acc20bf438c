//! `Stream`: a result that is read once, while it still arrives.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, SchemaRef};
use pyo3::{
    exceptions::{PyStopAsyncIteration, PyStopIteration},
    prelude::*,
    types::{PyCapsule, PyDict},
};

use super::{
    arrow,
    errors::raise,
    receipt::Receipt,
    runtime::{run, wait},
    table::{Table, schema_dict},
};
use crate::{
    error::{Error, Result},
    export::StreamReceipt,
    handoff::{self, Sink, csv::CsvSink, ipc::IpcSink, parquet::ParquetSink},
};

/// A result that is read once, piece by piece, while it still arrives.
#[pyclass(frozen, module = "insightframe")]
pub(super) struct Stream {
    schema: SchemaRef,
    shared: Arc<Shared>,
    receipt: Option<StreamReceipt>,
}

/// What an Arrow consumer's reader and the Python object have in common.
struct Shared {
    state: Mutex<State>,
    error: Mutex<Option<PyErr>>,
}

enum State {
    Open(handoff::Stream),
    /// Somebody is reading at this moment, or was when Ctrl-C came.
    Away,
    Ended,
    Closed,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the stream out to read from it; `None` at its end.
    fn take(&self) -> Result<Option<handoff::Stream>> {
        let mut state = self.state();
        match std::mem::replace(&mut *state, State::Away) {
            State::Open(stream) => Ok(Some(stream)),
            State::Ended => {
                *state = State::Ended;
                Ok(None)
            }
            State::Away => Err(Error::config("the stream is being read elsewhere, or its reading was interrupted")),
            State::Closed => {
                *state = State::Closed;
                Err(Error::config("the stream is closed")
                    .hint("a stream is read once; ask for another one, or for a `Table` with `export`"))
            }
        }
    }

    /// One batch, with the stream put back for the next.
    async fn next(self: Arc<Self>) -> Result<Option<RecordBatch>> {
        let Some(mut stream) = self.take()? else { return Ok(None) };
        let batch = stream.next().await;
        let mut state = self.state();
        if matches!(*state, State::Away) {
            *state = if matches!(batch, Ok(Some(_))) { State::Open(stream) } else { State::Ended };
        }
        batch
    }
}

impl Stream {
    pub(super) fn new(stream: handoff::Stream, receipt: Option<StreamReceipt>) -> Self {
        let schema = Arc::clone(stream.schema());
        let shared = Shared { state: Mutex::new(State::Open(stream)), error: Mutex::new(None) };
        Self { schema, shared: Arc::new(shared), receipt }
    }

    fn piece(&self, batch: RecordBatch) -> Table {
        handoff::Table::new(Arc::clone(&self.schema), vec![batch]).into()
    }

    fn write(&self, py: Python<'_>, sink: Result<Box<dyn Sink>>) -> PyResult<u64> {
        let mut sink = sink.map_err(|error| raise(py, &error))?;
        let shared = Arc::clone(&self.shared);
        wait(py, async move {
            while let Some(batch) = Arc::clone(&shared).next().await? {
                // Encoding takes a while: the other tasks of this thread go to another.
                tokio::task::block_in_place(|| sink.write(&batch))?;
            }
            tokio::task::block_in_place(|| sink.finish())
        })
    }

    fn remember(&self, py: Python<'_>, error: PyErr) -> PyErr {
        self.shared.remember(py, &error);
        error
    }
}

impl Shared {
    fn remember(&self, py: Python<'_>, error: &PyErr) {
        *self.error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.clone_ref(py));
    }
}

#[pymethods]
impl Stream {
    #[getter]
    fn schema<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        schema_dict(py, &self.schema)
    }

    #[getter]
    fn receipt(&self) -> Option<Receipt> {
        let ended = matches!(*self.shared.state(), State::Ended);
        self.receipt.as_ref().filter(|_| ended).map(|receipt| Receipt(receipt.read()))
    }

    #[getter]
    fn error<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        let error = self.shared.error.lock().unwrap_or_else(PoisonError::into_inner);
        error.as_ref().map(|error| error.value(py).clone().into_any())
    }

    fn write_parquet(&self, py: Python<'_>, path: PathBuf) -> PyResult<u64> {
        self.write(py, ParquetSink::create(path, &self.schema).map(|sink| Box::new(sink) as _))
    }

    fn write_csv(&self, py: Python<'_>, path: PathBuf) -> PyResult<u64> {
        self.write(py, CsvSink::create(path, &self.schema).map(|sink| Box::new(sink) as _))
    }

    fn write_ipc(&self, py: Python<'_>, path: PathBuf) -> PyResult<u64> {
        self.write(py, IpcSink::create(path, &self.schema).map(|sink| Box::new(sink) as _))
    }

    fn close(&self) {
        let mut state = self.shared.state();
        if !matches!(*state, State::Ended) {
            *state = State::Closed;
        }
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Table> {
        match wait(py, Arc::clone(&self.shared).next()) {
            Ok(Some(batch)) => Ok(self.piece(batch)),
            Ok(None) => Err(PyStopIteration::new_err(())),
            Err(error) => Err(self.remember(py, error)),
        }
    }

    fn __aiter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    /// The coroutine of `_next_async`: a slot of the type can't be `async` itself.
    fn __anext__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.call_method0("_next_async")
    }

    async fn _next_async(&self) -> PyResult<Table> {
        match run(Arc::clone(&self.shared).next()).await {
            Ok(Some(batch)) => Ok(self.piece(batch)),
            Ok(None) => Err(PyStopAsyncIteration::new_err(())),
            Err(error) => Err(Python::attach(|py| self.remember(py, error))),
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
        let stream = self.shared.take().map_err(|error| raise(py, &error))?;
        let Some(stream) = stream else {
            let error = Error::config("the stream has been read to its end").hint("a stream is read once");
            return Err(raise(py, &error));
        };
        // From here on it is the consumer's: nobody else reads beside it.
        *self.shared.state() = State::Open(stream);
        let handed = Handed { shared: Arc::clone(&self.shared) };
        arrow::stream_capsule(py, &self.schema, handed, requested_schema)
    }
}

/// The stream in the hands of an Arrow consumer, which may or may not hold the GIL when it asks.
struct Handed {
    shared: Arc<Shared>,
}

impl Iterator for Handed {
    type Item = std::result::Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        Python::attach(|py| match wait(py, Arc::clone(&self.shared).next()) {
            Ok(batch) => batch.map(Ok),
            Err(error) => {
                self.shared.remember(py, &error);
                let code = error.get_type(py).name().map_or_else(|_| "error".into(), |name| name.to_string());
                Some(Err(ArrowError::ExternalError(format!("{code}: {}", error.value(py)).into())))
            }
        })
    }
}
