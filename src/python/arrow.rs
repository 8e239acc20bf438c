//! Batches as Arrow's C stream, which every frame library reads: the capsules of Arrow's interface for Python.

use std::{ffi::CStr, sync::Arc};

use arrow_array::{RecordBatch, RecordBatchIterator, ffi::FFI_ArrowSchema, ffi_stream::FFI_ArrowArrayStream};
use arrow_schema::{ArrowError, DataType, Schema, SchemaRef};
use pyo3::{exceptions::PyTypeError, prelude::*, types::PyCapsule};

use crate::handoff::Representation;

/// The name of a capsule with a schema.
const SCHEMA: &CStr = c"arrow_schema";

/// A capsule `arrow_schema`.
pub(super) fn schema_capsule<'py>(py: Python<'py>, schema: &SchemaRef) -> PyResult<Bound<'py, PyCapsule>> {
    let schema = FFI_ArrowSchema::try_from(schema.as_ref()).map_err(unlike)?;
    PyCapsule::new_with_value(py, schema, SCHEMA)
}

/// What the consumer asks for by its `requested_schema`; the batches as they are when it asks for nothing.
pub(super) fn representation(schema: &SchemaRef, requested: Option<&Bound<'_, PyCapsule>>) -> PyResult<Representation> {
    let Some(requested) = requested else { return Ok(Representation::own(schema)) };
    let asked: Schema = read_schema(requested)?;
    Ok(Representation::asked(schema, &asked)?)
}

/// A capsule `arrow_array_stream` of `batches`.
pub(super) fn stream_capsule<'py>(
    py: Python<'py>,
    schema: &SchemaRef,
    batches: impl Iterator<Item = Result<RecordBatch, ArrowError>> + Send + 'static,
) -> PyResult<Bound<'py, PyCapsule>> {
    let reader = RecordBatchIterator::new(batches, Arc::clone(schema));
    // Whoever takes the stream out leaves a released one behind; else the capsule releases it at its own end.
    PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(Box::new(reader)), c"arrow_array_stream")
}

/// The type that an object of another library stands for, by its `__arrow_c_schema__`.
pub(super) fn type_of(object: &Bound<'_, PyAny>) -> PyResult<DataType> {
    read_schema(object.call_method0("__arrow_c_schema__")?.cast::<PyCapsule>()?)
}

/// What a capsule `arrow_schema` says, which stays whose it is.
fn read_schema<T>(capsule: &Bound<'_, PyCapsule>) -> PyResult<T>
where
    T: for<'a> TryFrom<&'a FFI_ArrowSchema, Error = ArrowError>,
{
    let schema = capsule.pointer_checked(Some(SCHEMA))?.cast::<FFI_ArrowSchema>();
    // SAFETY: by Arrow's interface for Python a capsule of this name holds such a struct for as long as it lives itself;
    // a released one has no format.
    let schema = unsafe { schema.as_ref() };
    if schema.release.is_none() {
        return Err(PyTypeError::new_err("the schema in the capsule `arrow_schema` was released already"));
    }
    T::try_from(schema).map_err(unlike)
}

fn unlike(error: ArrowError) -> PyErr {
    PyTypeError::new_err(error.to_string())
}

/// A failure as the C stream interface can tell it: by text alone, which begins with the name of the error's class.
pub(super) fn told(code: &str, message: impl std::fmt::Display) -> ArrowError {
    // In C a text ends with its first NUL.
    ArrowError::ExternalError(format!("{code}: {message}").replace('\0', "\\0").into())
}
