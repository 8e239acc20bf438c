//! Parquet files, compressed with snappy.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::{arrow::ArrowWriter, basic::Compression, file::properties::WriterProperties};

use super::{Output, Sink, encoder_fault};
use crate::Result;

/// What the open row group may take in memory: the one thing here that would grow with a stream.
const OPEN_GROUP: usize = 32 << 20;
/// What the encoder is given between two looks at the open row group.
const STRIDE: usize = 4 << 20;

/// A Parquet file under way.
///
/// Row groups are closed at about 32 MiB of memory, so a stream of any length is written in that much. Text of every
/// layout, dictionaries too, is written as strings; the Arrow schema is kept in the file, so that readers who know
/// Arrow get the same types back.
pub struct ParquetSink {
    shown: String,
    writer: ArrowWriter<Output>,
}

impl ParquetSink {
    /// Begins with batches of `schema`.
    ///
    /// # Errors
    /// A configuration error when Parquet has no such type.
    pub fn new(output: Output, schema: &SchemaRef) -> Result<Self> {
        let shown = output.shown();
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(concat!("insightframe ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let writer = ArrowWriter::try_new(output, schema.clone(), Some(properties))
            .map_err(|error| encoder_fault(&shown, &error))?;
        Ok(Self { shown, writer })
    }
}

impl Sink for ParquetSink {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let rows = batch.num_rows();
        let strides = batch.get_array_memory_size().div_ceil(STRIDE).max(1);
        let stride = rows.div_ceil(strides).max(1);
        for start in (0..rows).step_by(stride) {
            self.writer
                .write(&batch.slice(start, stride.min(rows - start)))
                .map_err(|error| encoder_fault(&self.shown, &error))?;
            if self.writer.memory_size() >= OPEN_GROUP {
                self.writer.flush().map_err(|error| encoder_fault(&self.shown, &error))?;
            }
        }
        Ok(())
    }

    fn output(&mut self) -> &mut Output {
        self.writer.inner_mut()
    }

    fn close(self: Box<Self>) -> Result<Output> {
        let Self { shown, mut writer } = *self;
        writer.flush().map_err(|error| encoder_fault(&shown, &error))?;
        // Giving the output back tells no more than the words of its error; this tells the error.
        writer.sync().map_err(|error| encoder_fault(&shown, &error))?;
        writer.into_inner().map_err(|error| encoder_fault(&shown, &error))
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::File, sync::Arc};

    use arrow_array::{ArrayRef, Int64Array, StringViewArray};
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    use super::*;
    use crate::handoff::store::Place;

    /// Text that neither repeats nor compresses, so that memory is the only reason to close a row group.
    fn noise(rows: usize) -> RecordBatch {
        let mut random = fastrand::Rng::with_seed(7);
        let text: ArrayRef = Arc::new(StringViewArray::from_iter_values(
            (0..rows).map(|_| (0..100).map(|_| random.alphanumeric()).collect::<String>()),
        ));
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows as i64));
        RecordBatch::try_from_iter([("text", text), ("n", numbers)]).unwrap()
    }

    #[test]
    fn memory_is_bounded_however_long_the_stream_and_however_large_a_batch() {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("noise.parquet");
        // About 80 MiB of text: in batches, then in one.
        let batch = noise(100_000);
        let whole = noise(700_000);
        let mut sink = ParquetSink::new(Place::local(&path).begin().unwrap(), &batch.schema()).unwrap();
        for _ in 0..7 {
            sink.write(&batch).unwrap();
            assert!(sink.writer.memory_size() < OPEN_GROUP);
        }
        sink.write(&whole).unwrap();
        assert!(sink.writer.memory_size() < OPEN_GROUP);
        Box::new(sink).finish().unwrap();

        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap();
        let groups = reader.metadata().row_groups();
        assert!(groups.len() >= 4, "{}", groups.len());
        for group in groups {
            assert!(group.total_byte_size() <= (OPEN_GROUP + 2 * STRIDE) as i64, "{}", group.total_byte_size());
        }
        assert_eq!(groups.iter().map(|group| group.num_rows()).sum::<i64>(), 1_400_000);
    }
}
