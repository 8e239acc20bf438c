//! The bytes of an answer as they are made: the service's own, or those of a format, a piece at a time.
//!
//! Nothing is fetched before somebody asks for it, so the client sets the pace and memory stays bounded.

use std::collections::VecDeque;

use arrow_array::RecordBatch;
use bytes::Bytes;

use super::{
    asked::{Asked, Format},
    encode::Encoder,
};
use crate::{
    error::Result,
    export::{self, Arriving},
    handoff::Stream,
    insights::Insights,
    progress::Call,
};

/// Where the bytes of a body come from.
pub(super) enum Source {
    /// The service's CSV, as it comes.
    Raw(Box<Arriving>),
    /// Rows, decoded and written anew.
    Written(Box<Written>),
}

/// Rows on their way into a format.
pub(super) struct Written {
    rows: Stream,
    /// `None` when the end has been written.
    encoder: Option<Encoder>,
    stretches: VecDeque<RecordBatch>,
}

impl Source {
    /// Executes the report and waits until its first bytes are there.
    ///
    /// # Errors
    /// As of an export.
    pub(super) async fn open(client: &Insights, call: &Call, asked: &Asked) -> Result<Self> {
        let start = asked.start();
        if asked.format == Format::Csv {
            return Ok(Self::Raw(Box::new(export::bytes(client, call, &start).await?)));
        }
        let (rows, _) = export::stream(client, call, start).await?;
        let encoder = Some(Encoder::new(asked.format, rows.schema())?);
        Ok(Self::Written(Box::new(Written { rows, encoder, stretches: VecDeque::new() })))
    }

    /// The next bytes, never empty; `None` at the proven end.
    ///
    /// # Errors
    /// As of an export.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>> {
        match self {
            Self::Raw(arriving) => arriving.chunk().await,
            Self::Written(written) => written.chunk().await,
        }
    }
}

impl Written {
    async fn chunk(&mut self) -> Result<Option<Bytes>> {
        loop {
            let Some(encoder) = &mut self.encoder else { return Ok(None) };
            let piece = match self.stretches.pop_front() {
                Some(stretch) => encoder.write(&stretch)?,
                None => match self.rows.next().await? {
                    Some(batch) => {
                        self.stretches.extend(Encoder::stretches(&batch));
                        continue;
                    }
                    None => match self.encoder.take() {
                        Some(encoder) => encoder.finish()?,
                        None => return Ok(None),
                    },
                },
            };
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
    }
}
