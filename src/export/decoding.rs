//! A result while it is decoded: bytes as they arrive, from one execution or from those of all windows.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use tokio::sync::OwnedSemaphorePermit;

use super::{
    Types,
    run::Run,
    windows::{Arrived, Joined},
};
use crate::{
    csv::{self, Reader},
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
    reader: Reader,
    /// Whether the rows of a window are given as soon as they are there.
    gives_windows: bool,
    /// Whether a byte came.
    has_begun: bool,
    schema: SchemaRef,
}

impl Decoding {
    /// Columns that neither the caller nor the report has a type for follow `rest`.
    pub(super) fn new(run: &Arc<Run>, call: &Call, source: Source, types: &Types, rest: csv::Schema) -> Self {
        let schema = types.schema(run.described.as_deref(), rest.clone());
        let empty = csv::empty(&schema);
        let record_bytes = run.client.limits().record_bytes;
        let reader = Reader::new(csv::Options { schema, record_bytes, ..csv::Options::default() });
        Self {
            run: Arc::clone(run),
            call: call.clone(),
            types: types.clone(),
            rest,
            source: Some(source),
            reader,
            gives_windows: false,
            has_begun: false,
            schema: empty,
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
            if let Some(batch) = self.reader.take() {
                self.call.progress.add(Count::Rows, batch.num_rows() as u64);
                return Ok(Some(batch));
            }
            let Some(source) = &mut self.source else { return Ok(None) };
            match source.next().await? {
                Some(Arrived::Bytes(bytes)) => {
                    self.has_begun = true;
                    self.reader.push(bytes)?;
                }
                Some(Arrived::End) if self.gives_windows => self.reader.end_batch()?,
                Some(Arrived::End) => {}
                None => {
                    self.end().await?;
                    self.source = None;
                }
            }
        }
    }

    async fn end(&mut self) -> Result<()> {
        if !self.has_begun {
            let described = self.run.describe(&self.call).await?;
            self.schema = csv::empty(&self.types.schema(described.as_deref(), self.rest.clone()));
            return Ok(());
        }
        self.reader.finish()?;
        for warning in self.reader.warnings() {
            self.call.progress.warn(warning);
        }
        Ok(())
    }

    /// The schema; that of the definition when nothing came.
    pub(super) fn schema(&self) -> SchemaRef {
        self.reader.schema().unwrap_or_else(|| Arc::clone(&self.schema))
    }
}
