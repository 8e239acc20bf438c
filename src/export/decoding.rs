//! A result while it is decoded: bytes as they arrive, from one execution or from those of all windows.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use tokio::sync::OwnedSemaphorePermit;

use super::{
    Types,
    reading::{self, Instructions, Reading},
    run::Run,
    windows::{Arrived, Joined},
};
use crate::{
    csv,
    error::Result,
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
}

/// A result while it is decoded.
pub(super) struct Decoding {
    run: Arc<Run>,
    call: Call,
    types: Types,
    rest: csv::Schema,
    /// None once it has ended.
    source: Option<Source>,
    /// Whether the rows of a window are given as soon as they are there.
    gives_windows: bool,
    /// None before the first byte.
    reading: Option<Reading>,
    schema: SchemaRef,
}

impl Decoding {
    /// Columns that neither the caller nor the report has a type for follow `rest`.
    pub(super) fn new(run: &Arc<Run>, call: &Call, source: Source, types: &Types, rest: csv::Schema) -> Self {
        Self {
            run: Arc::clone(run),
            call: call.clone(),
            types: types.clone(),
            rest,
            source: Some(source),
            gives_windows: false,
            reading: None,
            schema: csv::empty(&csv::Schema::Text),
        }
    }

    /// The same, with the rows of each window as soon as they are there, however few.
    pub(super) fn by_window(mut self) -> Self {
        self.gives_windows = true;
        self
    }

    /// The next batch; `None` at the proven end.
    pub(super) async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(batch) = self.reading.as_mut().and_then(Reading::take) {
                self.call.progress.add(Count::Rows, batch.num_rows() as u64);
                return Ok(Some(batch));
            }
            let Some(source) = &mut self.source else { return Ok(None) };
            match (source.next().await?, &mut self.reading) {
                (Some(Arrived::Bytes(bytes)), Some(reading)) => reading.push(&self.call, bytes).await?,
                (Some(Arrived::Bytes(bytes)), none) => {
                    let instructions = instructions(&self.run, &self.types, &self.rest);
                    let reading = none.insert(Reading::new(&self.run.client, instructions));
                    reading.push(&self.call, bytes).await?;
                }
                (Some(Arrived::End), Some(reading)) if self.gives_windows => reading.end_batch(&self.call).await?,
                (Some(Arrived::End), _) => {}
                (None, Some(reading)) => {
                    reading.finish(&self.call).await?;
                    self.source = None;
                }
                (None, None) => {
                    if let Some(execution) = self.run.execution() {
                        let instructions = instructions(&self.run, &self.types, &self.rest);
                        self.schema = reading::nothing(&self.run.client, &self.call, &execution, instructions).await?;
                    }
                    self.source = None;
                }
            }
        }
    }

    /// The schema; when nothing came, what would have.
    pub(super) fn schema(&self) -> SchemaRef {
        self.reading.as_ref().and_then(Reading::schema).unwrap_or_else(|| Arc::clone(&self.schema))
    }
}

/// How the columns are read; every window's result announces the same ones.
fn instructions(run: &Run, types: &Types, rest: &csv::Schema) -> Instructions {
    Instructions {
        described: run.described.clone(),
        announced: run.execution().and_then(|execution| execution.announced()),
        types: types.clone(),
        rest: rest.clone(),
    }
}
