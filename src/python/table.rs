//! `Table`: a whole result, as often as it is wanted.

use std::{path::PathBuf, sync::Arc};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use futures_util::stream;
use pyo3::{
    prelude::*,
    types::{PyCapsule, PyDict, PyList},
};

use super::{
    arrow,
    place::{StoreSettings, begin},
    receipt::Receipt,
    rows,
    runtime::wait,
};
use crate::handoff::{self, Format, table::type_name};

#[doc = stub!("Table")]
#[pyclass(frozen, module = "insightframe")]
pub(super) struct Table {
    table: handoff::Table,
    rejects: Option<RecordBatch>,
}

impl From<handoff::Table> for Table {
    fn from(table: handoff::Table) -> Self {
        Self { table, rejects: None }
    }
}

impl Table {
    pub(super) fn with_rejects(table: handoff::Table, rejects: Option<RecordBatch>) -> Self {
        Self { table, rejects }
    }

    fn write(&self, py: Python<'_>, path: PathBuf, settings: Option<StoreSettings>, format: Format) -> PyResult<u64> {
        let output = begin(path, settings)?;
        let batches = self.table.batches().to_vec().into_iter().map(Ok);
        wait(py, format.write(stream::iter(batches), output, self.table.schema().clone()))
    }
}

/// Names and types, as `schema` shows them.
pub(super) fn schema_dict<'py>(py: Python<'py>, schema: &SchemaRef) -> PyResult<Bound<'py, PyDict>> {
    let types = PyDict::new(py);
    for field in schema.fields() {
        types.set_item(field.name(), type_name(field.data_type()))?;
    }
    Ok(types)
}

/// What a notebook is shown: text and HTML, of which it may want only some.
pub(super) fn mimebundle<'py>(
    py: Python<'py>,
    text: String,
    html: String,
    include: Option<&Bound<'py, PyAny>>,
    exclude: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let bundle = PyDict::new(py);
    for (kind, content) in [("text/plain", text), ("text/html", html)] {
        let is_wanted = include.map_or(Ok(true), |include| include.contains(kind))?;
        if is_wanted && !exclude.map_or(Ok(false), |exclude| exclude.contains(kind))? {
            bundle.set_item(kind, content)?;
        }
    }
    Ok(bundle)
}

#[pymethods]
impl Table {
    #[doc = stub!("Table.num_rows")]
    #[getter]
    fn num_rows(&self) -> usize {
        self.table.num_rows()
    }

    #[doc = stub!("Table.column_names")]
    #[getter]
    fn column_names(&self) -> Vec<&str> {
        self.table.column_names()
    }

    #[doc = stub!("Table.schema")]
    #[getter]
    fn schema<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        schema_dict(py, self.table.schema())
    }

    #[doc = stub!("Table.receipt")]
    #[getter]
    fn receipt(&self) -> Option<Receipt> {
        self.table.receipt().cloned().map(Receipt)
    }

    #[doc = stub!("Table.rejects")]
    #[getter]
    fn rejects(&self) -> Option<Self> {
        let rejects = self.rejects.clone()?;
        Some(handoff::Table::new(rejects.schema(), vec![rejects]).into())
    }

    #[doc = stub!("Table.to_polars")]
    fn to_polars<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("insightframe._frames")?.call_method1("to_polars", (slf,))
    }

    #[doc = stub!("Table.to_pandas")]
    #[pyo3(signature = (dtype_backend="numpy"))]
    fn to_pandas<'py>(slf: &Bound<'py, Self>, dtype_backend: &str) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("insightframe._frames")?.call_method1("to_pandas", (slf, dtype_backend))
    }

    #[doc = stub!("Table.to_arrow")]
    fn to_arrow<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("insightframe._frames")?.call_method1("to_arrow", (slf,))
    }

    #[doc = stub!("Table.to_dicts")]
    fn to_dicts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        rows::to_dicts(py, self.table.batches())
    }

    #[doc = stub!("Table.write_parquet")]
    #[pyo3(signature = (path, *, storage_options=None))]
    fn write_parquet(&self, py: Python<'_>, path: PathBuf, storage_options: Option<StoreSettings>) -> PyResult<u64> {
        self.write(py, path, storage_options, Format::Parquet)
    }

    #[doc = stub!("Table.write_csv")]
    #[pyo3(signature = (path, *, storage_options=None))]
    fn write_csv(&self, py: Python<'_>, path: PathBuf, storage_options: Option<StoreSettings>) -> PyResult<u64> {
        self.write(py, path, storage_options, Format::Csv)
    }

    #[doc = stub!("Table.write_ipc")]
    #[pyo3(signature = (path, *, storage_options=None))]
    fn write_ipc(&self, py: Python<'_>, path: PathBuf, storage_options: Option<StoreSettings>) -> PyResult<u64> {
        self.write(py, path, storage_options, Format::Ipc)
    }

    fn __len__(&self) -> usize {
        self.table.num_rows()
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        arrow::schema_capsule(py, self.table.schema())
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let mut representation = arrow::representation(self.table.schema(), requested_schema.as_ref())?;
        let (schema, table) = (Arc::clone(representation.schema()), self.table.clone());
        let batches = (0..table.batches().len()).map(move |index| {
            let batch = table.batches()[index].clone();
            representation.apply(batch).map_err(|error| arrow::told(error.code(), error))
        });
        arrow::stream_capsule(py, &schema, batches)
    }

    /// A table never changes, so that a copy would only cost memory.
    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    fn __repr__(&self) -> String {
        self.table.to_string()
    }

    fn _repr_html_(&self) -> String {
        self.table.html()
    }

    #[pyo3(signature = (include=None, exclude=None))]
    fn _repr_mimebundle_<'py>(
        &self,
        py: Python<'py>,
        include: Option<&Bound<'py, PyAny>>,
        exclude: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        mimebundle(py, self.__repr__(), self._repr_html_(), include, exclude)
    }
}
