//! The decoder as a whole.

mod inference;
mod lenient;
mod polluter;
mod positions;
mod properties;
mod types;
mod vectors;

use arrow_array::{Array, RecordBatch, cast::AsArray, types::*};
use arrow_schema::{DataType, TimeUnit};

use super::{Decoded, Options, Reader, Schema};
use crate::error::{CsvFault, Kind, Result};

/// Options with every column text.
fn text() -> Options {
    Options { schema: Schema::Text, ..Options::default() }
}

/// Decodes bytes pushed in pieces of the given sizes, the rest at once.
fn pushed(bytes: &[u8], sizes: &[usize], options: &Options) -> Result<Decoded> {
    let mut reader = Reader::new(options.clone());
    let mut rest = bytes;
    for size in sizes {
        let (piece, later) = rest.split_at((*size).min(rest.len()));
        reader.push(bytes::Bytes::copy_from_slice(piece))?;
        rest = later;
    }
    reader.push(bytes::Bytes::copy_from_slice(rest))?;
    reader.finish()?;
    let batches = std::iter::from_fn(|| reader.take()).collect();
    Ok(Decoded {
        schema: reader.schema().unwrap(),
        batches,
        warnings: reader.warnings().to_vec(),
        records: reader.records(),
        rejects: reader.rejects(),
    })
}

fn decoded(bytes: impl AsRef<[u8]>, options: &Options) -> Result<Decoded> {
    super::decode(bytes::Bytes::copy_from_slice(bytes.as_ref()), options.clone())
}

/// Every cell of one column as text; `None` is null.
fn column(decoded: &Decoded, index: usize) -> Vec<Option<String>> {
    decoded.batches.iter().flat_map(|batch| cells(batch, index)).collect()
}

/// Every row as text.
fn rows(decoded: &Decoded) -> Vec<Vec<Option<String>>> {
    let mut rows = Vec::new();
    for batch in &decoded.batches {
        let columns: Vec<_> = (0..batch.num_columns()).map(|index| cells(batch, index)).collect();
        rows.extend((0..batch.num_rows()).map(|row| columns.iter().map(|column| column[row].clone()).collect()));
    }
    rows
}

fn cells(batch: &RecordBatch, index: usize) -> Vec<Option<String>> {
    let array = batch.column(index);
    let show = |row: usize| match array.data_type() {
        DataType::Utf8View => array.as_string_view().value(row).to_owned(),
        DataType::Utf8 => array.as_string::<i32>().value(row).to_owned(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::UInt64 => array.as_primitive::<UInt64Type>().value(row).to_string(),
        DataType::Float64 => format!("{:?}", array.as_primitive::<Float64Type>().value(row)),
        DataType::Boolean => array.as_boolean().value(row).to_string(),
        DataType::Date32 => array.as_primitive::<Date32Type>().value(row).to_string(),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            array.as_primitive::<TimestampMicrosecondType>().value(row).to_string()
        }
        DataType::Dictionary(..) => {
            let dictionary = array.as_dictionary::<Int32Type>();
            dictionary.values().as_string::<i32>().value(dictionary.keys().value(row) as usize).to_owned()
        }
        other => panic!("{other}"),
    };
    (0..array.len()).map(|row| array.is_valid(row).then(|| show(row))).collect()
}

fn fault(result: Result<Decoded>) -> CsvFault {
    match result.unwrap_err().kind() {
        Kind::Csv(fault) => (**fault).clone(),
        other => panic!("{other:?}"),
    }
}

fn types(decoded: &Decoded) -> Vec<String> {
    decoded.schema.fields().iter().map(|field| field.data_type().to_string()).collect()
}
