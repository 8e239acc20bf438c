//! Batches into a file, so that Ctrl-C ends it between two of them.

use std::path::PathBuf;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use futures_util::{Stream, TryStreamExt, pin_mut};
use tokio::task::{block_in_place, yield_now};

use crate::{
    error::Result,
    handoff::{Sink, csv::CsvSink, ipc::IpcSink, parquet::ParquetSink},
};

/// A kind of file.
#[derive(Clone, Copy)]
pub(super) enum Format {
    Parquet,
    Csv,
    Ipc,
}

impl Format {
    /// Begins a file that stands at `path` once it is complete.
    pub(super) fn create(self, path: PathBuf, schema: &SchemaRef) -> Result<Box<dyn Sink>> {
        Ok(match self {
            Self::Parquet => Box::new(ParquetSink::create(path, schema)?),
            Self::Csv => Box::new(CsvSink::create(path, schema)?),
            Self::Ipc => Box::new(IpcSink::create(path, schema)?),
        })
    }
}

/// Writes all batches; gives the size of the file.
pub(super) async fn write(batches: impl Stream<Item = Result<RecordBatch>>, mut sink: Box<dyn Sink>) -> Result<u64> {
    pin_mut!(batches);
    while let Some(batch) = batches.try_next().await? {
        // Encoding takes a while: the other tasks of this thread go to another.
        block_in_place(|| sink.write(&batch))?;
        yield_now().await;
    }
    block_in_place(|| sink.finish())
}
