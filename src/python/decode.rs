//! `decode_csv` and `stream_csv`: the decoder alone, for bytes that are at hand.

use std::{fs::File, io::Read, path::PathBuf};

use bytes::Bytes;
use pyo3::{buffer::PyBuffer, exceptions::PyTypeError, prelude::*, types::PyBytes};

use super::{errors::raise, runtime::runtime, stream::Stream, table::Table};
use crate::{
    csv::{self, Reader, Schema},
    error::{Error, Result},
    export::{Base, Types},
    handoff,
};

/// How much is read from a file at a time.
const READ: usize = 1 << 20;

/// How much of a stream is looked at before its types are settled.
const SAMPLE: u64 = 1 << 20;

/// Bytes, a path, or a file opened for reading bytes.
enum Source {
    Bytes(Bytes),
    Path(PathBuf),
    Object(Py<PyAny>),
}

impl Source {
    fn new(source: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(bytes) = source.cast::<PyBytes>() {
            return Ok(Self::Bytes(Bytes::from_owner(Held(bytes.clone().unbind(), Python::attach(|_| ())).0.into_owner())));
        }
        if let Ok(buffer) = PyBuffer::<u8>::get(source) {
            return Ok(Self::Bytes(Bytes::from(buffer.to_vec(source.py())?)));
        }
        if source.hasattr("read")? {
            return Ok(Self::Object(source.clone().unbind()));
        }
        source.extract::<PathBuf>().map(Self::Path).map_err(|_| {
            PyTypeError::new_err("`source` must be bytes, a path, or a file opened for reading bytes")
        })
    }
}
