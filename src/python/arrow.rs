//! Batches as Arrow's C stream, which every frame library reads.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StructArray};
use arrow_schema::{ArrowError, Field, SchemaRef};
use pyo3::{prelude::*, types::PyCapsule};
use pyo3_arrow::{
    PySchema,
    ffi::{ArrayIterator, to_schema_pycapsule, to_stream_pycapsule},
};

use crate::handoff::Representation;

/// A capsule `arrow_schema`.
pub(super) fn schema_capsule<'py>(py: Python<'py>, schema: &SchemaRef) -> PyResult<Bound<'py, PyCapsule>> {
    Ok(to_schema_pycapsule(py, schema.as_ref())?)
}

/// What the consumer asks for by its `requested_schema`; the batches as they are when it asks for nothing.
pub(super) fn representation(schema: &SchemaRef, requested: Option<&Bound<'_, PyCapsule>>) -> PyResult<Representation> {
    let Some(requested) = requested else { return Ok(Representation::own(schema)) };
    let asked = PySchema::from_arrow_pycapsule(requested)?.into_inner();
    Ok(Representation::asked(schema, &asked)?)
}

/// A capsule `arrow_array_stream` of `batches`.
pub(super) fn stream_capsule<'py>(
    py: Python<'py>,
    schema: &SchemaRef,
    batches: impl Iterator<Item = Result<RecordBatch, ArrowError>> + Send + 'static,
) -> PyResult<Bound<'py, PyCapsule>> {
    // In the C stream interface a batch is a struct whose fields are the columns.
    let field = Field::new_struct("", schema.fields().clone(), false).with_metadata(schema.metadata().clone());
    let arrays = batches.map(|batch| batch.map(|batch| Arc::new(StructArray::from(batch)) as ArrayRef));
    Ok(to_stream_pycapsule(py, Box::new(ArrayIterator::new(arrays, Arc::new(field))), None)?)
}

/// A failure as the C stream interface can tell it: by text alone, which begins with the name of the error's class.
pub(super) fn told(code: &str, message: impl std::fmt::Display) -> ArrowError {
    ArrowError::ExternalError(format!("{code}: {message}").into())
}
