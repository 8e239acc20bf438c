//! Rows as dictionaries, a column at a time.

use arrow_array::{
    Array, ArrayRef, RecordBatch,
    cast::AsArray,
    types::{Date32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType},
};
use arrow_schema::{DataType, TimeUnit};
use pyo3::{
    IntoPyObjectExt,
    exceptions::PyTypeError,
    prelude::*,
    types::{PyDict, PyList, PyString},
};

/// One dictionary a row: `str`, `int`, `float`, `bool`, `date`, `datetime` or `None`.
pub(super) fn to_dicts<'py>(py: Python<'py>, batches: &[RecordBatch]) -> PyResult<Bound<'py, PyList>> {
    let rows = PyList::empty(py);
    for batch in batches {
        let schema = batch.schema();
        let names: Vec<_> = schema.fields().iter().map(|field| PyString::new(py, field.name())).collect();
        let columns: Vec<_> = batch.columns().iter().map(|column| values(py, column)).collect::<PyResult<Vec<_>>>()?;
        let mut columns: Vec<_> = columns.into_iter().map(Vec::into_iter).collect();
        for _ in 0..batch.num_rows() {
            let row = PyDict::new(py);
            for (name, column) in names.iter().zip(&mut columns) {
                row.set_item(name, column.next().flatten())?;
            }
            rows.append(row)?;
        }
    }
    Ok(rows)
}

type Values<'py> = Vec<Option<Bound<'py, PyAny>>>;

fn values<'py>(py: Python<'py>, column: &ArrayRef) -> PyResult<Values<'py>> {
    fn all<'py, T: IntoPyObject<'py>>(
        py: Python<'py>,
        values: impl Iterator<Item = Option<T>>,
    ) -> PyResult<Values<'py>> {
        values.map(|value| value.map(|value| value.into_bound_py_any(py)).transpose()).collect()
    }
    match column.data_type() {
        DataType::Int64 => all(py, column.as_primitive::<Int64Type>().iter()),
        DataType::Float64 => all(py, column.as_primitive::<Float64Type>().iter()),
        DataType::Boolean => all(py, column.as_boolean().iter()),
        DataType::Utf8View => all(py, column.as_string_view().iter()),
        DataType::Utf8 => all(py, column.as_string::<i32>().iter()),
        DataType::LargeUtf8 => all(py, column.as_string::<i64>().iter()),
        DataType::UInt64 => all(py, column.as_primitive::<arrow_array::types::UInt64Type>().iter()),
        DataType::Dictionary(..) => {
            let column = column.as_dictionary::<Int32Type>();
            let texts = values(py, column.values())?;
            Ok(column.keys().iter().map(|key| texts.get(usize::try_from(key?).ok()?).cloned().flatten()).collect())
        }
        DataType::Date32 => {
            let epoch = jiff::civil::date(1970, 1, 1);
            let days = column.as_primitive::<Date32Type>().iter();
            all(py, days.map(|days| epoch.checked_add(jiff::Span::new().try_days(days?).ok()?).ok()))
        }
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let stamps = column.as_primitive::<TimestampMicrosecondType>().iter();
            let stamps = stamps.map(|stamp| jiff::Timestamp::from_microsecond(stamp?).ok());
            match zone {
                Some(_) => all(py, stamps),
                None => all(py, stamps.map(|stamp| Some(stamp?.to_zoned(jiff::tz::TimeZone::UTC).datetime()))),
            }
        }
        DataType::Timestamp(TimeUnit::Millisecond, Some(_)) => {
            let stamps = column.as_primitive::<TimestampMillisecondType>().iter();
            all(py, stamps.map(|stamp| jiff::Timestamp::from_millisecond(stamp?).ok()))
        }
        other => Err(PyTypeError::new_err(format!("a column of type {other} can't be turned into Python values"))),
    }
}
