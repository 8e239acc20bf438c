//! A result while it is decoded: bytes as they arrive, from one execution or from those of all windows.

use std::{future::pending, sync::Arc};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use tokio::sync::OwnedSemaphorePermit;

use super::{
    Types,
    reading::{self, Instructions, Reading},
    run::Run,
    windows::{Arrived, Joined},
};
use crate::{
    csv,
    error::{Error, Result},
    handoff::decoder::threads,
    insights::Download,
    progress::{Call, Count},
};

/// Where the bytes come from.
pub(super) enum Source {
    /// One result, which may be known to be empty. Its place is held while it arrives, so that a client never has more
    /// exports under way than it was allowed.
    One {
        /// The result.
        download: Option<Box<Download>>,
        /// The place.
        _place: OwnedSemaphorePermit,
    },
    /// Those of all windows.
    Windows(Box<Joined>),
}

impl Source {
    /// The next bytes, or the end of a window; `None` at the proven end.
    pub(super) async fn next(&mut self) -> Result<Option<Arrived>> {
        match self {
            Self::One { download: None, .. } => Ok(None),
            Self::One { download: Some(download), .. } => Ok(download.chunk().await?.map(Arrived::Bytes)),
            Self::Windows(joined) => joined.next().await,
        }
    }

    /// The same as a stream, of which waiting for the next can be given up and taken up again.
    fn arriving(self) -> BoxStream<'static, Result<Arrived>> {
        stream::try_unfold(self, async |mut source| Ok(source.next().await?.map(|arrived| (arrived, source)))).boxed()
    }
}

/// A result while it is decoded.
pub(super) struct Decoding {
    run: Arc<Run>,
    call: Call,
    types: Types,
    rest: csv::Options,
    /// None once it has ended.
    source: Option<BoxStream<'static, Result<Arrived>>>,
    /// What it ended with instead of its proven end.
    broken: Option<Error>,
    /// Whether the rows of a window are given as soon as they are there.
    gives_windows: bool,
    /// None before the first byte.
    reading: Option<Reading>,
    schema: SchemaRef,
}

impl Decoding {
    /// Columns that neither the caller nor the report has a type for follow the schema of `rest`.
    pub(super) fn new(run: &Arc<Run>, call: &Call, source: Source, types: &Types, rest: csv::Options) -> Self {
        Self {
            run: Arc::clone(run),
            call: call.clone(),
            types: types.clone(),
            rest: csv::Options { threads: threads(), ..rest },
            source: Some(source.arriving()),
            broken: None,
            gives_windows: false,
            reading: None,
            schema: csv::empty(&csv::Schema::Text),
        }
    }

    /// The same, with the rows of each window as soon as they are there, however few.
    pub(super) fn by_window(mut self) -> Self {
        self.gives_windows = true;
        if self.run.is_cut {
            // A batch that ends with its window, and not where so many bytes do, can't be cut out as a block.
            self.rest.threads = 1;
        }
        self
    }

    /// The next batch, as soon as it is decoded; `None` at the proven end.
    ///
    /// # Errors
    /// Behind every batch that came whole before.
    pub(super) async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(reading) = &mut self.reading
                && let Some(batch) = reading.take().await?
            {
                self.call.progress.add(Count::Rows, batch.num_rows() as u64);
                return Ok(Some(batch));
            }
            let Some(source) = &mut self.source else { return self.broken.clone().map_or(Ok(None), Err) };
            let arrived = tokio::select! {
                biased;
                // What is decoded doesn't wait for the network.
                () = decoded(&mut self.reading) => continue,
                arrived = source.next() => arrived.transpose(),
            };
            match (arrived, &mut self.reading) {
                (Ok(Some(Arrived::Bytes(bytes))), Some(reading)) => reading.push(&self.call, bytes).await?,
                (Ok(Some(Arrived::Bytes(bytes))), none) => {
                    let instructions = instructions(&self.run, &self.types, &self.rest);
                    let reading = none.insert(Reading::new(&self.run.client, instructions));
                    reading.push(&self.call, bytes).await?;
                }
                (Ok(Some(Arrived::End)), Some(reading)) if self.gives_windows => reading.end_batch(&self.call).await?,
                (Ok(Some(Arrived::End)), _) => {}
                (Ok(None), Some(reading)) => {
                    reading.finish(&self.call).await?;
                    self.source = None;
                }
                (Ok(None), None) => {
                    if let Some(execution) = self.run.execution() {
                        let instructions = instructions(&self.run, &self.types, &self.rest);
                        self.schema = reading::nothing(&self.run.client, &self.call, &execution, instructions).await?;
                    }
                    self.source = None;
                }
                (Err(error), reading) => {
                    if let Some(reading) = reading {
                        reading.settle().await;
                    }
                    (self.source, self.broken) = (None, Some(error));
                }
            }
        }
    }

    /// The schema; when nothing came, what would have.
    pub(super) fn schema(&self) -> SchemaRef {
        self.reading.as_ref().and_then(Reading::schema).unwrap_or_else(|| Arc::clone(&self.schema))
    }
}

/// Waits until more is decoded, if anything is being decoded.
async fn decoded(reading: &mut Option<Reading>) {
    match reading {
        Some(reading) => reading.decoded().await,
        None => pending().await,
    }
}

/// How the columns are read; every window's result announces the same ones.
fn instructions(run: &Run, types: &Types, rest: &csv::Options) -> Instructions {
    Instructions {
        described: run.described.clone(),
        announced: run.execution().and_then(|execution| execution.announced()),
        types: types.clone(),
        rest: rest.clone(),
    }
}
