//! Parquet files, compressed with snappy, their columns encoded side by side.

use std::{
    sync::{Mutex, PoisonError},
    thread,
};

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{Field, SchemaRef};
use parquet::{
    arrow::{
        ArrowWriter,
        arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves},
    },
    basic::Compression,
    errors::Result as ParquetResult,
    file::{properties::WriterProperties, writer::SerializedFileWriter},
};

use super::{Output, Sink, decoder::threads, encoder_fault};
use crate::Result;

/// What the open row group may take in memory: the one thing here that would grow with a stream.
const OPEN_GROUP: usize = 16 << 20;
/// The rows of a row group at most: some for every thread of a reader, and enough for each of them.
const GROUP_ROWS: usize = 1 << 19;
/// What the encoders are given between two looks at the open row group.
const STRIDE: usize = 4 << 20;
/// Less than this isn't worth another thread.
const SMALLEST: usize = 256 << 10;

/// A Parquet file under way.
///
/// Row groups are closed at about 16 MiB of memory or 524,288 rows, so a stream of any length is written in that much.
/// Text of every layout, dictionaries too, is written as strings; the Arrow schema is kept in the file, so that readers
/// who know Arrow get the same types back.
pub struct ParquetSink {
    shown: String,
    file: SerializedFileWriter<Output>,
    groups: ArrowRowGroupWriterFactory,
    schema: SchemaRef,
    /// The open row group, if there is one: for each column a writer, or several where it is nested.
    open: Vec<Vec<ArrowColumnWriter>>,
    rows: usize,
    threads: usize,
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
        let (file, groups) = ArrowWriter::try_new(output, schema.clone(), Some(properties))
            .and_then(ArrowWriter::into_serialized_writer)
            .map_err(|error| encoder_fault(&shown, &error))?;
        Ok(Self { shown, file, groups, schema: schema.clone(), open: Vec::new(), rows: 0, threads: threads() })
    }

    /// Bytes of memory that the open row group takes.
    fn memory(&self) -> usize {
        self.open.iter().flatten().map(ArrowColumnWriter::memory_size).sum()
    }

    /// Adds rows to the open row group.
    fn encode(&mut self, batch: &RecordBatch) -> ParquetResult<()> {
        if self.open.is_empty() {
            self.open = self.columns()?;
        }
        let threads = self.threads.min(1 + batch.get_array_memory_size() / SMALLEST);
        let columns = self.open.iter_mut().zip(self.schema.fields()).zip(batch.columns());
        spread(threads, columns.collect(), |((writers, field), values)| write(writers, field, values))?;
        self.rows += batch.num_rows();
        Ok(())
    }

    /// The writers of a new row group, by column.
    fn columns(&self) -> ParquetResult<Vec<Vec<ArrowColumnWriter>>> {
        let writers = self.groups.create_column_writers(self.file.flushed_row_groups().len())?;
        let mut columns: Vec<_> = self.schema.fields().iter().map(|_| Vec::new()).collect();
        for (leaf, writer) in writers.into_iter().enumerate() {
            columns[self.file.schema_descr().get_column_root_idx(leaf)].push(writer);
        }
        Ok(columns)
    }

    /// Writes the open row group to the file.
    fn flush(&mut self) -> ParquetResult<()> {
        if self.open.is_empty() {
            return Ok(());
        }
        self.rows = 0;
        let columns = std::mem::take(&mut self.open);
        let chunks: Vec<ArrowColumnChunk> =
            spread(self.threads, columns.into_iter().flatten().collect(), ArrowColumnWriter::close)?;
        let mut group = self.file.next_row_group()?;
        for chunk in chunks {
            chunk.append_to_row_group(&mut group)?;
        }
        group.close().map(drop)
    }
}

impl Sink for ParquetSink {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let all = batch.num_rows();
        let strides = batch.get_array_memory_size().div_ceil(STRIDE).max(1);
        let stride = all.div_ceil(strides).max(1);
        let mut start = 0;
        while start < all {
            let rows = stride.min(all - start).min(GROUP_ROWS - self.rows);
            self.encode(&batch.slice(start, rows)).map_err(|error| encoder_fault(&self.shown, &error))?;
            if self.memory() >= OPEN_GROUP || self.rows == GROUP_ROWS {
                self.flush().map_err(|error| encoder_fault(&self.shown, &error))?;
            }
            start += rows;
        }
        Ok(())
    }

    fn output(&mut self) -> &mut Output {
        self.file.inner_mut()
    }

    fn close(mut self: Box<Self>) -> Result<Output> {
        self.flush().map_err(|error| encoder_fault(&self.shown, &error))?;
        let Self { shown, mut file, .. } = *self;
        // Giving the output back tells no more than the words of its error; this tells the error.
        file.flush().map_err(|error| encoder_fault(&shown, &error))?;
        file.into_inner().map_err(|error| encoder_fault(&shown, &error))
    }
}

/// Encodes the values of one column.
fn write(writers: &mut [ArrowColumnWriter], field: &Field, values: &ArrayRef) -> ParquetResult<()> {
    writers.iter_mut().zip(compute_leaves(field, values)?).try_for_each(|(writer, leaf)| writer.write(&leaf))
}

/// Does the work on each item, on so many threads; gives the results in the order of the items, or the first error.
///
/// The threads live no longer than that: a pool would be lost in a process that forks.
fn spread<T: Send, R: Send>(
    threads: usize,
    items: Vec<T>,
    work: impl Fn(T) -> ParquetResult<R> + Sync,
) -> ParquetResult<Vec<R>> {
    let mut results: Vec<_> = items.iter().map(|_| None).collect();
    let threads = threads.min(items.len());
    let queue = Mutex::new(items.into_iter().zip(&mut results));
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || {
        while let Some((item, result)) = next() {
            *result = Some(work(item));
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    results.into_iter().flatten().collect()
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
            assert!(sink.memory() < OPEN_GROUP);
        }
        sink.write(&whole).unwrap();
        assert!(sink.memory() < OPEN_GROUP);
        Box::new(sink).finish().unwrap();

        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap();
        let groups = reader.metadata().row_groups();
        assert!(groups.len() >= 4, "{}", groups.len());
        for group in groups {
            assert!(group.total_byte_size() <= (OPEN_GROUP + 2 * STRIDE) as i64, "{}", group.total_byte_size());
        }
        assert_eq!(groups.iter().map(|group| group.num_rows()).sum::<i64>(), 1_400_000);
    }

    #[test]
    fn a_row_group_has_no_more_rows_than_readers_share_well() {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("rows.parquet");
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values((0..600_000).map(|row| row % 7)));
        let batch = RecordBatch::try_from_iter([("n", numbers)]).unwrap();
        let mut sink = ParquetSink::new(Place::local(&path).begin().unwrap(), &batch.schema()).unwrap();
        sink.write(&batch).unwrap();
        Box::new(sink).finish().unwrap();

        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap();
        let rows: Vec<_> = reader.metadata().row_groups().iter().map(|group| group.num_rows()).collect();
        assert_eq!(rows, [GROUP_ROWS as i64, 600_000 - GROUP_ROWS as i64]);
    }
}
