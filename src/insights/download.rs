//! The body of a result: proved to be CSV, proved to be complete, and continued after a broken connection.
//!
//! The service doesn't do ranges, but gives the same result again. So a download that breaks is begun anew, and what
//! was delivered before is compared with what comes now: pieces of different results are never put together.

use std::hash::Hasher;

use bytes::Bytes;
use http::header;
use twox_hash::XxHash3_64;

use super::{Insights, execute::Execution};
use crate::{
    error::{Error, ExportFault, Kind, Result, TransportFault},
    http::{Body, Head, Reply},
    progress::{Call, Count, Phase},
};

/// How often a download is begun anew before its failure is the caller's.
const RESTARTS: u32 = 3;

/// A result on its way.
pub struct Download {
    client: Insights,
    execution: Execution,
    call: Call,
    head: Head,
    body: Body,
    delivered: u64,
    last: Option<u8>,
    prefix: XxHash3_64,
    restarts: u32,
}

impl Insights {
    /// Begins with the answer that polling ended with.
    ///
    /// # Errors
    /// `UnexpectedReply` for anything that isn't CSV, `ResultIncomplete` when its end couldn't be told from a cut.
    pub(super) async fn download(&self, call: &Call, execution: &Execution, reply: Reply) -> Result<Download> {
        call.progress.enter(Phase::Downloading);
        let (head, body) = self.csv(reply).await?;
        Ok(Download {
            head,
            body,
            client: self.clone(),
            execution: execution.clone(),
            call: call.clone(),
            delivered: 0,
            last: None,
            prefix: XxHash3_64::new(),
            restarts: 0,
        })
    }

    async fn csv(&self, reply: Reply) -> Result<(Head, Body)> {
        let Reply { head, body } = reply;
        let kind =
            head.headers.get(header::CONTENT_TYPE).map(|kind| String::from_utf8_lossy(kind.as_bytes()).to_lowercase());
        if !kind.as_deref().is_none_or(|kind| kind.starts_with("text/csv")) {
            let found = body.head().await;
            return Err(self.connection.unexpected(&head, &found, "`text/csv`"));
        }
        if !body.proves_its_end() {
            let message = "the answer has neither a length nor chunks: its end couldn't be told from a cut".to_owned();
            return Err(Error::new(Kind::Export { fault: ExportFault::Incomplete, message, handle: None })
                .hint("does an old proxy stand between? the service itself sends chunks"));
        }
        Ok((head, body.capped("csv_bytes", self.connection.http().limits().csv_bytes)))
    }
}

impl Download {
    /// The same without a deadline, for a reader that takes its time; a peer that stops sending is noticed all the same.
    #[must_use]
    pub fn unhurried(mut self) -> Self {
        self.call = self.call.given(None);
        self
    }

    /// The next bytes; `None` at the proven end.
    ///
    /// # Errors
    /// `ResultIncomplete` when the connection broke more often than it was repaired, `ResultChanged` when the result
    /// is not the one that the download began with, and the body's own.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        loop {
            match self.body.chunk().await {
                Ok(Some(chunk)) => {
                    self.check_beginning(&chunk)?;
                    self.deliver(&chunk);
                    return Ok(Some(chunk));
                }
                // The service ends every line, the last one included: what ends otherwise was shortened on its way.
                Ok(None) if self.last == Some(b'\n') => return Ok(None),
                Ok(None) => {
                    let message = "the answer ended in good order, but not at the end of a line";
                    Box::pin(self.restart(Error::transport(TransportFault::Interrupted, message))).await?;
                }
                // Boxed: seldom taken, and large beside the path that is.
                Err(error) => Box::pin(self.restart(error)).await?,
            }
        }
    }

    /// Every cell of the service is quoted, so that a page or an object under another name is noticed.
    fn check_beginning(&self, chunk: &Bytes) -> Result<()> {
        match chunk.first() {
            Some(b'<' | b'{' | b'[') if self.delivered == 0 => {
                Err(self.client.connection.unexpected(&self.head, chunk, "CSV"))
            }
            _ => Ok(()),
        }
    }

    fn deliver(&mut self, chunk: &Bytes) {
        self.delivered += chunk.len() as u64;
        self.last = chunk.last().copied();
        self.prefix.write(chunk);
        self.call.progress.add(Count::Bytes, chunk.len() as u64);
    }

    /// Asks for the result again and reads up to where the broken one ended.
    async fn restart(&mut self, mut broken: Error) -> Result<()> {
        loop {
            let mendable =
                matches!(broken.kind(), Kind::Transport(TransportFault::Interrupted | TransportFault::Stalled, _));
            if !mendable {
                return Err(broken);
            }
            if self.restarts == RESTARTS {
                let message = format!("the result broke off after {} bytes: {broken}", self.delivered);
                return Err(self.failed(ExportFault::Incomplete, message));
            }
            self.restarts += 1;
            self.call.progress.add(Count::Retries, 1);
            self.call.progress.warn(format!("the download broke after {} bytes and was begun anew", self.delivered));
            match self.skip_delivered().await {
                Ok(()) => return Ok(()),
                Err(error) => broken = error,
            }
        }
    }

    async fn skip_delivered(&mut self) -> Result<()> {
        let reply = self.client.look(&self.call, &self.execution).await?;
        if reply.head.status != http::StatusCode::OK {
            let message = format!("the result was there, and now the service answers {}", reply.head.status.as_u16());
            return Err(self.failed(ExportFault::Changed, message));
        }
        let (head, mut body) = self.client.csv(reply).await?;
        let mut again = XxHash3_64::new();
        let mut left = self.delivered;
        while left > 0 {
            let Some(mut chunk) = body.chunk().await? else {
                let message = format!("fetched again, the result ends {left} bytes earlier than before");
                return Err(self.failed(ExportFault::Changed, message));
            };
            let skipped = chunk.split_to(chunk.len().min(usize::try_from(left).unwrap_or(usize::MAX)));
            again.write(&skipped);
            left -= skipped.len() as u64;
            if !chunk.is_empty() {
                body.give_back(chunk);
            }
        }
        if again.finish() != self.prefix.finish() {
            let message = format!("fetched again, the first {} bytes of the result differ", self.delivered);
            return Err(self.failed(ExportFault::Changed, message));
        }
        (self.head, self.body) = (head, body);
        Ok(())
    }

    fn failed(&self, fault: ExportFault, message: String) -> Error {
        let error = Error::new(Kind::Export { fault, message, handle: None })
            .after(self.restarts + 1, self.call.progress.elapsed());
        match fault {
            ExportFault::Changed => error.hint("export the report again; nothing of the two results was mixed"),
            _ => error,
        }
    }
}
