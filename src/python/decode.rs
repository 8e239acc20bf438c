//! `decode_csv` and `stream_csv`: the decoder alone, for bytes that are at hand.

use std::{fs::File, io::Read, path::PathBuf, sync::Arc};

use arrow_array::RecordBatch;
use bytes::Bytes;
use encoding_rs::Encoding;
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use pyo3::{buffer::PyBuffer, exceptions::PyTypeError, prelude::*, pybacked::PyBackedBytes, types::PyBytes};
use tokio::{
    runtime::Handle,
    task::{block_in_place, spawn_blocking},
};

use super::{
    gate::through,
    log::log_to_python,
    runtime::{is_ending, wait},
    stream::Stream,
    table::Table,
    types::types,
};
use crate::{
    csv::{self, Decoded, Options, Schema},
    error::{Error, Result},
    export::{Base, Types},
    handoff::{
        self, Receipt,
        decoder::{Decoder, STREAM_BATCH, joined},
    },
};

/// How much is read at a time.
const READ: usize = 1 << 20;

/// How much of a stream is looked at before its types are settled.
const SAMPLE: u64 = 1 << 20;

/// Bytes that are decoded before anybody could press Ctrl-C, and sooner than by a task that somebody waits for.
const MOMENT: usize = 4 << 20;

/// The bytes of a source, piece by piece.
type BoxedPieces = Box<dyn Iterator<Item = PyResult<Bytes>> + Send>;

/// Bytes, a path, or a file opened for reading bytes.
enum Source {
    Bytes(Bytes),
    Path(PathBuf),
    Object(Py<PyAny>),
}

impl Source {
    fn new(source: &Bound<'_, PyAny>) -> PyResult<Self> {
        if source.is_instance_of::<PyBytes>() {
            // Python's bytes never change, so they are read where they are.
            return Ok(Self::Bytes(Bytes::from_owner(source.extract::<PyBackedBytes>()?)));
        }
        if let Ok(buffer) = PyBuffer::<u8>::get(source) {
            return Ok(Self::Bytes(Bytes::from(buffer.to_vec(source.py())?)));
        }
        if source.hasattr("read")? {
            return Ok(Self::Object(source.clone().unbind()));
        }
        source
            .extract::<PathBuf>()
            .map(Self::Path)
            .map_err(|_| PyTypeError::new_err("`source` must be bytes, a path, or a file opened for reading bytes"))
    }

    /// The bytes piece by piece; whoever calls must not hold the GIL.
    fn pieces(self) -> PyResult<BoxedPieces> {
        Ok(match self {
            // In pieces all the same: what is pushed at once is decoded at once, and would all have to be kept.
            Self::Bytes(bytes) => {
                let beginnings = (0..bytes.len()).step_by(READ);
                Box::new(beginnings.map(move |at| Ok(bytes.slice(at..bytes.len().min(at + READ)))))
            }
            Self::Path(path) => {
                let shown = path.display().to_string();
                let file = move |error| PyErr::from(Error::file(&shown, &error));
                let mut open = File::open(&path).map_err(&file)?;
                Box::new(std::iter::from_fn(move || {
                    let mut piece = Vec::with_capacity(READ);
                    match open.by_ref().take(READ as u64).read_to_end(&mut piece) {
                        Ok(0) => None,
                        Ok(_) => Some(Ok(Bytes::from(piece))),
                        Err(error) => Some(Err(file(error))),
                    }
                }))
            }
            Self::Object(object) => Box::new(std::iter::from_fn(move || {
                if is_ending() {
                    return None;
                }
                let read = |py: Python<'_>| -> PyResult<PyBackedBytes> {
                    object.bind(py).call_method1("read", (READ,))?.extract().map_err(|_| {
                        PyTypeError::new_err(
                            "`source.read()` gave no bytes; open the file in binary mode, `open(…, \"rb\")`",
                        )
                    })
                };
                let piece = through(|| Python::attach(read));
                match piece {
                    Ok(piece) if piece.is_empty() => None,
                    Ok(piece) => Some(Ok(Bytes::from_owner(piece))),
                    Err(error) => Some(Err(error)),
                }
            })),
        })
    }

    /// Everything that is in it, and how many bytes it had.
    fn decode(self, options: Options) -> PyResult<(Decoded, u64)> {
        if let Self::Bytes(bytes) = self {
            let size = bytes.len() as u64;
            return Ok((csv::decode(bytes, options)?, size));
        }
        let runtime = Handle::current();
        let mut decoder = Decoder::new(options);
        let mut size = 0;
        for piece in self.pieces()? {
            let piece = piece?;
            size += piece.len() as u64;
            runtime.block_on(decoder.push(piece));
            decoder.check()?;
        }
        runtime.block_on(decoder.finish());
        decoder.check()?;
        Ok((Decoded::of(decoder.reader()), size))
    }
}

fn options(
    schema: Option<&Bound<'_, PyAny>>,
    strict: bool,
    encoding: &str,
    threads: Option<usize>,
    rest: Schema,
) -> PyResult<Options> {
    let Types { base, given } = types(schema, Base::Infer)?;
    let given: Vec<_> = given.into_iter().map(|(column, kind)| (column, kind.over(None))).collect();
    let rest = if base == Base::Text { Schema::Text } else { rest };
    let encoding = Encoding::for_label(encoding.as_bytes()).ok_or_else(|| {
        Error::config(format!("`{encoding}` is no encoding"))
            .hint("names are those of the WHATWG Encoding Standard, such as utf-8, utf-16le, windows-1252")
    })?;
    if threads == Some(0) {
        return Err(Error::config("`threads` must be at least 1").into());
    }
    let all = || std::thread::available_parallelism().map_or(1, usize::from);
    Ok(Options {
        schema: if given.is_empty() { rest } else { Schema::Given(given, Box::new(rest)) },
        lenient: !strict,
        encoding: (encoding != encoding_rs::UTF_8).then_some(encoding),
        threads: threads.unwrap_or_else(all),
        ..Options::default()
    })
}

#[doc = stub!("decode_csv")]
#[pyfunction]
#[pyo3(signature = (source, *, schema=None, strict=true, encoding="utf-8", threads=None))]
pub(super) fn decode_csv(
    py: Python<'_>,
    source: &Bound<'_, PyAny>,
    schema: Option<&Bound<'_, PyAny>>,
    strict: bool,
    encoding: &str,
    threads: Option<usize>,
) -> PyResult<Table> {
    let options = options(schema, strict, encoding, threads, Schema::Infer)?;
    let source = Source::new(source)?;
    log_to_python(py);
    let (decoded, bytes) = match source {
        Source::Bytes(source) if source.len() <= MOMENT => {
            let size = source.len() as u64;
            (py.detach(|| csv::decode(source, options))?, size)
        }
        // Ctrl-C is answered at once; a decoder that is under way then works on for nobody.
        source => wait(py, async { block_in_place(|| source.decode(options)) })?,
    };
    for warning in &decoded.warnings {
        tracing::warn!("{warning}");
    }
    let receipt = Receipt {
        rows: decoded.records,
        bytes,
        schema_fingerprint: Some(handoff::table::fingerprint(&decoded.schema)),
        warnings: decoded.warnings,
        ..Receipt::default()
    };
    let table = handoff::Table::new(decoded.schema, decoded.batches).with_receipt(receipt);
    Ok(Table::with_rejects(table, decoded.rejects))
}

#[doc = stub!("stream_csv")]
#[pyfunction]
#[pyo3(signature = (source, *, schema=None, strict=true, encoding="utf-8", threads=None))]
pub(super) fn stream_csv(
    py: Python<'_>,
    source: &Bound<'_, PyAny>,
    schema: Option<&Bound<'_, PyAny>>,
    strict: bool,
    encoding: &str,
    threads: Option<usize>,
) -> PyResult<Stream> {
    if !strict {
        let error = Error::config("a stream has no place for rejects: `strict=False` is for `decode_csv`");
        return Err(error.into());
    }
    let options = options(schema, strict, encoding, threads, Schema::InferSample { bytes: SAMPLE })?;
    let options = Options { batch_bytes: STREAM_BATCH, ..options };
    let source = Source::new(source)?;
    log_to_python(py);
    let stream = wait(py, async {
        let source = Some(arriving(source.pieces()?));
        let mut pieces = Pieces { source, decoder: Decoder::new(options), broken: None };
        let first = block_in_place(|| pieces.next())?;
        let schema = pieces.decoder.schema().unwrap_or_else(|| csv::empty(&Schema::Text));
        PyResult::Ok(handoff::Stream::spawn(Arc::clone(&schema), async move |batches| {
            let read = spawn_blocking(move || {
                let mut next = Ok(first);
                while let Some(batch) = next.transpose() {
                    let ended = batch.is_err();
                    if batches.blocking_send(batch.map_err(Broken::into_error)).is_err() || ended {
                        return;
                    }
                    next = pieces.next();
                }
            });
            // A panic in there ends the stream; there is nothing else to tell here.
            let _ = read.await;
        }))
    })?;
    Ok(Stream::new(stream))
}

/// A source while it is decoded.
struct Pieces {
    /// None once it has ended.
    source: Option<BoxStream<'static, Result<Bytes, Broken>>>,
    decoder: Decoder,
    /// What it ended with, until that was said.
    broken: Option<Broken>,
}

/// The pieces of a source, each read on a thread that may wait for it. Waiting for the next one can be given up and taken
/// up again.
fn arriving(pieces: BoxedPieces) -> BoxStream<'static, Result<Bytes, Broken>> {
    let next = async |mut pieces: BoxedPieces| {
        let read = spawn_blocking(move || (pieces.next(), pieces)).await;
        let (piece, pieces) = joined(read)?;
        piece.transpose().map(|piece| piece.map(|piece| (piece, pieces))).map_err(Broken::Source)
    };
    stream::try_unfold(pieces, next).boxed()
}

/// Why there is no next batch: Python's source failed, or what it gave is damaged.
enum Broken {
    Source(PyErr),
    Data(Error),
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self::Data(error)
    }
}

impl From<Broken> for PyErr {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Source(error) => error,
            Broken::Data(error) => error.into(),
        }
    }
}

impl Broken {
    /// The same for a stream, which has no place for Python's own.
    fn into_error(self) -> Error {
        match self {
            Self::Source(error) => Error::config(format!("the source can't be read: {error}")),
            Self::Data(error) => error,
        }
    }
}

impl Pieces {
    /// The next batch, as soon as it is decoded; `None` at the end. An error comes behind every batch that was whole before.
    /// For a thread that may wait and compute.
    fn next(&mut self) -> Result<Option<RecordBatch>, Broken> {
        Handle::current().block_on(self.read())
    }

    async fn read(&mut self) -> Result<Option<RecordBatch>, Broken> {
        loop {
            if let Some(batch) = self.decoder.take().await? {
                return Ok(Some(batch));
            }
            let Some(source) = &mut self.source else { return self.broken.take().map_or(Ok(None), Err) };
            let piece = tokio::select! {
                biased;
                () = self.decoder.decoded() => continue,
                piece = source.next() => piece,
            };
            match piece {
                Some(Ok(piece)) => self.decoder.push(piece).await,
                Some(Err(broken)) => {
                    self.decoder.settle().await;
                    (self.source, self.broken) = (None, Some(broken));
                }
                None => {
                    self.decoder.finish().await;
                    self.source = None;
                }
            }
        }
    }
}
