//! The kinds of files, and how batches become one of them while they arrive.

use std::pin::pin;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use futures_util::{Stream, StreamExt};
use tokio::{sync::mpsc, task::JoinError};

use super::{Output, Sink, csv::CsvSink, ipc::IpcSink, json::JsonSink, parquet::ParquetSink};
use crate::error::{Error, Result};

/// A kind of file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Parquet, compressed with snappy.
    #[default]
    Parquet,
    /// Arrow IPC, also known as Feather version 2.
    Ipc,
    /// CSV after RFC 4180.
    Csv,
    /// A JSON array of objects.
    Json,
    /// A JSON object a line.
    Ndjson,
    /// Arrow IPC for a reader that can't go back, such as a pipe.
    IpcStream,
}

impl Format {
    /// Reads `parquet`, `ipc` or `csv`.
    ///
    /// # Errors
    /// `Config` for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        [Self::Parquet, Self::Ipc, Self::Csv].into_iter().find(|format| format.as_str() == text).ok_or_else(|| {
            Error::config(format!("`format` is `{}`, which is no kind of file", crate::ids::shown(text)))
                .hint("it is \"parquet\", \"ipc\" or \"csv\"")
        })
    }

    /// The word that [`Format::parse`] reads.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Ipc => "ipc",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::IpcStream => "ipc stream",
        }
    }

    /// How names of such files end.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Ipc => "arrow",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::IpcStream => "arrows",
        }
    }

    /// Begins such a file for batches of `schema`.
    ///
    /// # Errors
    /// A configuration error when the format has no such type.
    pub fn sink(self, output: Output, schema: &SchemaRef) -> Result<Box<dyn Sink>> {
        Ok(match self {
            Self::Parquet => Box::new(ParquetSink::new(output, schema)?),
            Self::Ipc => Box::new(IpcSink::new(output, schema)?),
            Self::IpcStream => Box::new(IpcSink::stream(output, schema)?),
            Self::Csv => Box::new(CsvSink::new(output, schema)?),
            Self::Json => Box::new(JsonSink::array(output)),
            Self::Ndjson => Box::new(JsonSink::lines(output)),
        })
    }

    /// Makes a file of all batches: encoded on a thread of its own while the next ones arrive, complete but not yet to
    /// be seen. When `batches` fail, or nobody waits any more, nothing stays of it, in a store neither.
    ///
    /// # Errors
    /// The error of `batches`, or of the file.
    pub async fn encode(
        self,
        batches: impl Stream<Item = Result<RecordBatch>>,
        output: Output,
        schema: SchemaRef,
    ) -> Result<Output> {
        let (sender, receiver) = mpsc::channel(1);
        let encoding = tokio::task::spawn_blocking(move || encode(self.sink(output, &schema)?, receiver));
        let mut batches = pin!(batches);
        let mut failed = Ok(());
        loop {
            let next = match batches.next().await {
                Some(Ok(batch)) => Some(batch),
                None => None,
                Some(Err(error)) => {
                    failed = Err(error);
                    break;
                }
            };
            let is_last = next.is_none();
            // An encoder that takes no more has an error to tell.
            if sender.send(next).await.is_err() || is_last {
                break;
            }
        }
        drop(sender);
        let encoded = finished(encoding.await).await;
        failed.and(encoded)
    }

    /// Makes a file of all batches and puts it in its place; gives its size in bytes.
    ///
    /// # Errors
    /// As [`encode`](Self::encode); what was there before is then untouched.
    pub async fn write(
        self,
        batches: impl Stream<Item = Result<RecordBatch>>,
        output: Output,
        schema: SchemaRef,
    ) -> Result<u64> {
        let output = self.encode(batches, output, schema).await?;
        blocking(|| output.commit()).await
    }
}

/// The thread of [`Format::encode`]: until the last batch is announced, or the sender gone.
fn encode(mut sink: Box<dyn Sink>, mut batches: mpsc::Receiver<Option<RecordBatch>>) -> Result<Output> {
    let failed = loop {
        match batches.blocking_recv() {
            Some(Some(batch)) => {
                if let Err(error) = sink.write(&batch) {
                    break error;
                }
            }
            Some(None) => return sink.close(),
            // Nobody is there to be told this.
            None => break Error::config("the batches broke off"),
        }
    };
    sink.output().abort();
    Err(failed)
}

/// What a thread came to. One that panicked panics here; one that the end of the runtime took never ends.
async fn finished<T>(joined: std::result::Result<T, JoinError>) -> T {
    match joined.map_err(JoinError::try_into_panic) {
        Ok(done) => done,
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        Err(Err(_)) => std::future::pending().await,
    }
}

/// Runs what waits for a disk or a store on a thread that may.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    finished(tokio::task::spawn_blocking(work).await).await
}
