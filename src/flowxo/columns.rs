//! Rows as columns.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringViewArray, TimestampMillisecondArray};
use arrow_schema::{DataType, Field, Schema};
use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// A table of named columns, all of which may hold nulls.
pub(super) fn table<'a>(columns: impl IntoIterator<Item = (&'a str, ArrayRef)>) -> Result<RecordBatch> {
    let (fields, columns): (Vec<_>, Vec<_>) =
        columns.into_iter().map(|(name, column)| (Field::new(name, column.data_type().clone(), true), column)).unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(|error| unjoinable(&error))
}

/// What Arrow refuses; the columns are made here, so that it never happens.
pub(super) fn unjoinable(error: &arrow_schema::ArrowError) -> Error {
    Error::config(format!("the columns don't fit together: {error}"))
}

pub(super) fn texts<'a>(values: impl Iterator<Item = Option<&'a String>>) -> ArrayRef {
    Arc::new(values.collect::<StringViewArray>())
}

/// A column `extra` of the fields that aren't known, as JSON objects in text; none where no row has any.
pub(super) fn extras<'a>(rows: impl Iterator<Item = &'a Map<String, Value>>) -> Option<(&'static str, ArrayRef)> {
    let texts: Vec<_> = rows.map(|row| serde_json::to_string(row).ok().filter(|_| !row.is_empty())).collect();
    let some = texts.iter().any(Option::is_some);
    some.then(|| ("extra", Arc::new(texts.into_iter().collect::<StringViewArray>()) as ArrayRef))
}

pub(super) fn integers(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(values.collect::<Int64Array>())
}

pub(super) fn booleans(values: impl Iterator<Item = Option<bool>>) -> ArrayRef {
    Arc::new(values.collect::<BooleanArray>())
}

/// Points in time with milliseconds, in UTC.
pub(super) fn timestamps(values: impl Iterator<Item = jiff::Timestamp>) -> ArrayRef {
    let values = TimestampMillisecondArray::from_iter_values(values.map(|at| at.as_millisecond()));
    Arc::new(values.with_timezone("UTC"))
}

/// The same table with a text column before the others.
pub(super) fn prefixed(name: &str, value: &str, batch: &RecordBatch) -> RecordBatch {
    let column: ArrayRef = Arc::new(std::iter::repeat_n(Some(value), batch.num_rows()).collect::<StringViewArray>());
    let mut fields = vec![Arc::new(Field::new(name, DataType::Utf8View, true))];
    fields.extend(batch.schema().fields().iter().cloned());
    let columns = std::iter::once(column).chain(batch.columns().iter().cloned()).collect();
    // As many rows in each, and one field for each: that can't fail.
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap_or_else(|_| batch.clone())
}
