//! The formats beside the service's own CSV: batches in, the bytes of a body out, a stretch of rows at a time.

use std::mem;

use arrow_array::RecordBatch;
use arrow_cast::cast;
use arrow_ipc::writer::StreamWriter;
use arrow_json::{ArrayWriter, WriterBuilder};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use bytes::Bytes;
use parquet::{arrow::ArrowWriter, basic::Compression, file::properties::WriterProperties};

use super::asked::Format;
use crate::error::{Error, Result};

/// Rows that are encoded at a time.
const STRIDE: usize = 8192;

/// What the open row group of a Parquet file may take in memory. Smaller than in a file of one's own, because many are
/// written at once.
const OPEN_GROUP: usize = 8 << 20;

/// An encoder of one body.
pub(super) struct Encoder {
    schema: SchemaRef,
    form: Form,
}

enum Form {
    Arrow(StreamWriter<Vec<u8>>),
    Parquet(Box<ArrowWriter<Vec<u8>>>),
    Json(ArrayWriter<Vec<u8>>),
}

impl Encoder {
    /// Begins a body for batches of this schema.
    ///
    /// # Errors
    /// `Config` when the format has no such type.
    pub(super) fn new(format: Format, schema: &SchemaRef) -> Result<Self> {
        let schema = plain(schema);
        let form = match format {
            Format::Parquet => {
                let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
                let writer = ArrowWriter::try_new(Vec::new(), SchemaRef::clone(&schema), Some(properties));
                Form::Parquet(Box::new(writer.map_err(|error| unwritable(&error))?))
            }
            Format::Json => Form::Json(WriterBuilder::new().with_explicit_nulls(true).build(Vec::new())),
            // CSV never gets here: it isn't decoded.
            Format::Arrow | Format::Csv => {
                Form::Arrow(StreamWriter::try_new(Vec::new(), &schema).map_err(|error| unwritable(&error))?)
            }
        };
        Ok(Self { schema, form })
    }

    /// The stretches that a batch is encoded in.
    pub(super) fn stretches(batch: &RecordBatch) -> impl Iterator<Item = RecordBatch> + use<> {
        let batch = batch.clone();
        (0..batch.num_rows()).step_by(STRIDE).map(move |start| batch.slice(start, STRIDE.min(batch.num_rows() - start)))
    }

    /// The bytes of a stretch; there may be none yet.
    ///
    /// # Errors
    /// `Config` when the values don't go into the format.
    pub(super) fn write(&mut self, stretch: &RecordBatch) -> Result<Bytes> {
        self.encode(stretch).map(Bytes::from).map_err(|error| unwritable(&error))
    }

    fn encode(&mut self, stretch: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
        let columns = stretch.columns().iter().zip(self.schema.fields());
        let columns = columns.map(|(column, field)| cast(column, field.data_type())).collect::<Result<_, _>>()?;
        let stretch = RecordBatch::try_new(SchemaRef::clone(&self.schema), columns)?;
        Ok(match &mut self.form {
            Form::Arrow(writer) => {
                writer.write(&stretch)?;
                mem::take(writer.get_mut())
            }
            Form::Parquet(writer) => {
                writer.write(&stretch)?;
                if writer.memory_size() >= OPEN_GROUP {
                    writer.flush()?;
                }
                // Taken from behind the writer's own buffer and count, which go on as if it were a file.
                mem::take(writer.inner_mut())
            }
            Form::Json(writer) => {
                writer.write(&stretch)?;
                mem::take(writer.get_mut())
            }
        })
    }

    /// The end of the body. Without it no reader takes a Parquet file or a JSON array for complete.
    ///
    /// # Errors
    /// `Config` when the last values don't go into the format.
    pub(super) fn finish(self) -> Result<Bytes> {
        let end = match self.form {
            Form::Arrow(writer) => writer.into_inner(),
            Form::Parquet(writer) => writer.into_inner().map_err(Into::into),
            Form::Json(mut writer) => writer.finish().map(|()| writer.into_inner()),
        };
        end.map(Bytes::from).map_err(|error| unwritable(&error))
    }
}

fn unwritable(error: &dyn std::fmt::Display) -> Error {
    Error::config(format!("the report can't be written in this format: {error}"))
}

/// Text in the one layout that every reader knows, whatever it is in memory: neither views nor dictionaries.
fn plain(schema: &Schema) -> SchemaRef {
    let is_text = |kind: &DataType| matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    let plain = |field: &Field| match field.data_type() {
        DataType::Dictionary(_, values) if is_text(values) => field.clone().with_data_type(DataType::Utf8),
        DataType::Dictionary(_, values) => field.clone().with_data_type(values.as_ref().clone()),
        kind if is_text(kind) => field.clone().with_data_type(DataType::Utf8),
        _ => field.clone(),
    };
    let fields: Vec<_> = schema.fields().iter().map(|field| plain(field)).collect();
    Schema::new_with_metadata(fields, schema.metadata().clone()).into()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{
        ArrayRef, Date32Array, DictionaryArray, Float64Array, Int64Array, StringViewArray, types::Int32Type,
    };
    use arrow_ipc::reader::StreamReader;
    use arrow_select::concat::concat_batches;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    use super::*;

    fn batch(rows: i64) -> RecordBatch {
        let text: ArrayRef =
            Arc::new(StringViewArray::from_iter((0..rows).map(|n| (n % 3 > 0).then(|| format!("\"{n}\"\né")))));
        let queue: ArrayRef =
            Arc::new((0..rows).map(|n| Some(["a", "b"][n as usize % 2])).collect::<DictionaryArray<Int32Type>>());
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows));
        let shares: ArrayRef = Arc::new(Float64Array::from_iter((0..rows).map(|n| (n > 0).then_some(n as f64 / 4.0))));
        let days: ArrayRef = Arc::new(Date32Array::from_iter_values((0..rows).map(|n| 19_700 + n as i32)));
        RecordBatch::try_from_iter_with_nullable([
            ("text", text, true),
            ("queue", queue, true),
            ("n", numbers, true),
            ("share", shares, true),
            ("day", days, true),
        ])
        .unwrap()
    }

    fn encoded(format: Format, batch: &RecordBatch) -> Vec<u8> {
        let mut encoder = Encoder::new(format, &batch.schema()).unwrap();
        let mut pieces = Vec::new();
        for stretch in Encoder::stretches(batch) {
            pieces.push(encoder.write(&stretch).unwrap());
        }
        pieces.push(encoder.finish().unwrap());
        pieces.concat()
    }

    fn expected(batch: &RecordBatch) -> RecordBatch {
        let schema = plain(&batch.schema());
        let columns = batch.columns().iter().zip(schema.fields());
        let columns = columns.map(|(column, field)| cast(column, field.data_type()).unwrap()).collect();
        RecordBatch::try_new(schema, columns).unwrap()
    }

    #[test]
    fn every_format_gives_the_same_rows_back() {
        for rows in [0, 1, 3, 3 * STRIDE as i64 + 7] {
            let batch = batch(rows);
            let expected = expected(&batch);
            let stream = encoded(Format::Arrow, &batch);
            let reader = StreamReader::try_new(&stream[..], None).unwrap();
            let found: Vec<_> = reader.map(Result::unwrap).collect();
            assert_eq!(concat_batches(&expected.schema(), &found).unwrap(), expected);

            let file = Bytes::from(encoded(Format::Parquet, &batch));
            let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
            let found: Vec<_> = reader.map(Result::unwrap).collect();
            assert_eq!(concat_batches(&expected.schema(), &found).unwrap(), expected);

            let json: Vec<serde_json::Value> = serde_json::from_slice(&encoded(Format::Json, &batch)).unwrap();
            assert_eq!(json.len() as i64, rows);
        }
        insta::assert_snapshot!(String::from_utf8(encoded(Format::Json, &batch(2))).unwrap(), @r#"[{"text":null,"queue":"a","n":0,"share":null,"day":"2023-12-09"},{"text":"\"1\"\né","queue":"b","n":1,"share":0.25,"day":"2023-12-10"}]"#);
    }

    #[test]
    fn a_long_parquet_file_is_given_out_as_it_grows() {
        let batch = batch(1 << 20);
        let mut encoder = Encoder::new(Format::Parquet, &batch.schema()).unwrap();
        let mut given = 0;
        for stretch in Encoder::stretches(&batch) {
            given += encoder.write(&stretch).unwrap().len();
            let Form::Parquet(writer) = &encoder.form else { unreachable!() };
            assert!(writer.memory_size() < OPEN_GROUP && writer.inner().capacity() == 0);
        }
        assert!(given > 1 << 20, "{given} bytes before the end");
    }
}
