//! Bytes in, batches out, decoded on other threads while more bytes arrive.

use std::collections::VecDeque;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use bytes::Bytes;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::{
    Error, Result,
    csv::{Blocks, DecodedBlock, Options, Reader},
};

/// What an export uses at most: its bytes come from a network, and every thread holds a block and a batch.
const THREADS: usize = 4;

/// Bytes of CSV that become one batch of a stream: enough for a consumer, little enough to hold one for each thread.
pub const STREAM_BATCH: usize = 2 << 20;

/// A decoder whose blocks are spread over threads of the runtime, with the same batches and errors as the
/// [`Reader`]'s. There are never more blocks under way than threads: [`push`](Self::push) waits instead, and so does
/// whoever sends the bytes.
#[derive(Debug)]
pub struct Decoder {
    blocks: Blocks,
    out: VecDeque<JoinHandle<DecodedBlock>>,
    threads: usize,
}

/// The threads that an export may use on this machine.
pub fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(THREADS)
}

impl Decoder {
    /// A decoder with as many threads as the options say.
    pub fn new(options: Options) -> Self {
        let threads = options.threads;
        Self { blocks: Blocks::new(options), out: VecDeque::new(), threads }
    }

    /// Reads more bytes; a piece may end anywhere.
    ///
    /// # Errors
    /// Those of [`Reader::push`], also for bytes of earlier pieces.
    pub async fn push(&mut self, bytes: Bytes) -> Result<()> {
        if self.threads < 2 {
            return self.blocks.reader().push(bytes);
        }
        self.blocks.push(bytes)?;
        self.hand_out().await
    }

    /// Ends the batch with the last whole record that came, as [`Reader::end_batch`] does. For a decoder with one thread.
    ///
    /// # Errors
    /// Those of [`Reader::push`].
    pub fn end_batch(&mut self) -> Result<()> {
        debug_assert!(self.threads < 2);
        self.blocks.reader().end_batch()
    }

    /// Ends the input and proves that it ends cleanly. Afterwards every batch can be taken.
    ///
    /// # Errors
    /// Those of [`Reader::push`].
    pub async fn finish(&mut self) -> Result<()> {
        if !self.out.is_empty() {
            // What is left after that many bytes is worth a thread, too.
            self.blocks.end();
            self.hand_out().await?;
        }
        while !self.out.is_empty() {
            self.join().await?;
        }
        self.blocks.finish()
    }

    /// The next batch that is ready, in order.
    ///
    /// # Errors
    /// Those of [`Reader::push`].
    pub async fn take(&mut self) -> Result<Option<RecordBatch>> {
        while self.out.front().is_some_and(JoinHandle::is_finished) {
            self.join().await?;
        }
        Ok(self.blocks.reader().take())
    }

    /// The columns, once they are known.
    pub fn schema(&self) -> Option<SchemaRef> {
        self.blocks.schema()
    }

    /// The reader behind it, to ask what else it found.
    pub fn reader(&mut self) -> &mut Reader {
        self.blocks.reader()
    }

    async fn hand_out(&mut self) -> Result<()> {
        while let Some(block) = self.blocks.block() {
            if self.out.len() == self.threads {
                self.join().await?;
            }
            self.out.push_back(spawn_blocking(move || block.decode()));
        }
        Ok(())
    }

    /// Waits for the block that was handed out first.
    async fn join(&mut self) -> Result<()> {
        let Some(first) = self.out.front_mut() else { return Ok(()) };
        let decoded = match first.await {
            Ok(decoded) => decoded,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => return Err(Error::config("the runtime whose threads decode was shut down")),
            },
        };
        self.out.pop_front();
        self.blocks.join(decoded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::csv::{Schema, decode};

    fn report(rows: usize) -> String {
        let rows = (0..rows).map(|row| format!("\"Queue {}\",\"{row}\",\"{}.25\"\r\n", row % 7, row % 60));
        format!("\"Queue\",\"Contacts\",\"Average\"\r\n{}", rows.collect::<String>())
    }

    async fn decoded(csv: &str, piece: usize, options: Options) -> Result<Vec<RecordBatch>> {
        let mut decoder = Decoder::new(options);
        let mut batches = Vec::new();
        for piece in csv.as_bytes().chunks(piece) {
            decoder.push(Bytes::copy_from_slice(piece)).await?;
            assert!(decoder.out.len() <= decoder.threads);
            while let Some(batch) = decoder.take().await? {
                batches.push(batch);
            }
        }
        decoder.finish().await?;
        while let Some(batch) = decoder.take().await? {
            batches.push(batch);
        }
        Ok(batches)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn any_number_of_threads_gives_the_same_batches_and_errors() {
        let clean = report(3000);
        let mut broken = clean.clone();
        broken.replace_range(60_000..60_001, "\"");
        for csv in [&clean, &broken, &clean[..70_001].to_owned()] {
            for schema in [Schema::Text, Schema::Infer, Schema::InferSample { bytes: 9000 }] {
                let options =
                    |threads| Options { schema: schema.clone(), batch_bytes: 4000, threads, ..Options::default() };
                let expected = decode(csv.clone().into(), options(1));
                for (threads, piece) in [(1, 700), (2, 700), (3, 33), (3, 50_000), (2, usize::MAX)] {
                    match (&expected, decoded(csv, piece, options(threads)).await) {
                        (Ok(expected), Ok(found)) => assert_eq!(found, expected.batches),
                        (Err(expected), Err(found)) => assert_eq!(found.to_string(), expected.to_string()),
                        (expected, found) => panic!("{expected:?} but {found:?}"),
                    }
                }
            }
        }
    }
}
