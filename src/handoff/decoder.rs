//! Bytes in, batches out, decoded on other threads while more bytes arrive.

use std::collections::VecDeque;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use bytes::Bytes;
use tokio::task::{JoinError, JoinHandle, spawn_blocking};

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
///
/// What is wrong with the bytes is said by [`take`](Self::take), behind the batches that were whole before it. Where one
/// ends may depend on the damage behind it; a single thread goes by blocks too, so that as much comes before an error for any
/// number of threads. Nothing more is read then.
#[derive(Debug)]
pub struct Decoder {
    blocks: Blocks,
    out: VecDeque<JoinHandle<DecodedBlock>>,
    threads: usize,
    failed: Option<Error>,
}

/// The threads that an export may use on this machine.
pub fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(THREADS)
}

impl Decoder {
    /// A decoder with as many threads as the options say.
    pub fn new(options: Options) -> Self {
        let threads = options.threads;
        Self { blocks: Blocks::new(options), out: VecDeque::new(), threads, failed: None }
    }

    /// Reads more bytes; a piece may end anywhere.
    pub async fn push(&mut self, bytes: Bytes) {
        let read = self.read(bytes).await;
        self.note(read);
    }

    /// Ends the batch with the last whole record that came, as [`Reader::end_batch`] does. For a decoder with one thread.
    pub fn end_batch(&mut self) {
        debug_assert!(self.threads < 2);
        let read = self.blocks.reader().end_batch();
        self.note(read);
    }

    /// Ends the input and proves that it ends cleanly. Afterwards every batch can be taken.
    pub async fn finish(&mut self) {
        let read = self.prove().await;
        self.note(read);
    }

    /// Ends nothing, but waits for every block under way: for input that broke off. Afterwards every batch that came whole
    /// can be taken.
    pub async fn settle(&mut self) {
        while !self.out.is_empty() {
            self.decoded().await;
        }
    }

    /// Waits until a block under way is decoded, and for ever when none is: a race of this with the next bytes lets nothing
    /// that is finished wait for them. Whichever is given up loses nothing.
    pub async fn decoded(&mut self) {
        if self.out.is_empty() {
            return std::future::pending().await;
        }
        let read = self.join().await;
        self.note(read);
    }

    /// The next batch that is ready, in order.
    ///
    /// # Errors
    /// Those of [`Reader::push`], once every batch was taken that was whole before.
    pub async fn take(&mut self) -> Result<Option<RecordBatch>> {
        while self.out.front().is_some_and(JoinHandle::is_finished) {
            self.decoded().await;
        }
        match self.blocks.reader().take() {
            Some(batch) => Ok(Some(batch)),
            None => self.check().map(|()| None),
        }
    }

    /// Whether nothing was wrong so far, with the batches that may still be taken left aside.
    ///
    /// # Errors
    /// Those of [`Reader::push`].
    pub fn check(&self) -> Result<()> {
        self.failed.clone().map_or(Ok(()), Err)
    }

    /// The columns, once they are known.
    pub fn schema(&self) -> Option<SchemaRef> {
        self.blocks.schema()
    }

    /// The reader behind it, to ask what else it found.
    pub fn reader(&mut self) -> &mut Reader {
        self.blocks.reader()
    }

    /// Keeps what was wrong first. What stands behind it is of no use.
    fn note(&mut self, read: Result<()>) {
        if let Err(error) = read {
            self.out.clear();
            self.failed.get_or_insert(error);
        }
    }

    async fn read(&mut self, bytes: Bytes) -> Result<()> {
        self.check()?;
        self.blocks.push(bytes)?;
        self.hand_out().await
    }

    async fn prove(&mut self) -> Result<()> {
        self.check()?;
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

    async fn hand_out(&mut self) -> Result<()> {
        while let Some(block) = self.blocks.block() {
            if self.threads < 2 {
                self.blocks.join(block.decode())?;
                continue;
            }
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
        let decoded = joined(first.await)?;
        self.out.pop_front();
        self.blocks.join(decoded)
    }
}

/// What was worked out on another thread; a panic goes on here.
///
/// # Errors
/// `ConfigError` when the runtime is ending.
pub fn joined<T>(done: std::result::Result<T, JoinError>) -> Result<T> {
    match done.map_err(JoinError::try_into_panic) {
        Ok(done) => Ok(done),
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        Err(Err(_)) => Err(Error::config("the runtime whose threads decode was shut down")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::csv::Schema;

    fn report(rows: usize) -> String {
        let rows = (0..rows).map(|row| format!("\"Queue {}\",\"{row}\",\"{}.25\"\r\n", row % 7, row % 60));
        format!("\"Queue\",\"Contacts\",\"Average\"\r\n{}", rows.collect::<String>())
    }

    /// The batches that come, and what comes behind them.
    async fn decoded(csv: &str, piece: usize, options: Options) -> (Vec<RecordBatch>, Result<()>) {
        let mut decoder = Decoder::new(options);
        let mut batches = Vec::new();
        for piece in csv.as_bytes().chunks(piece) {
            decoder.push(Bytes::copy_from_slice(piece)).await;
            assert!(decoder.out.len() <= decoder.threads);
            loop {
                match decoder.take().await {
                    Ok(Some(batch)) => batches.push(batch),
                    Ok(None) => break,
                    Err(error) => return (batches, Err(error)),
                }
            }
        }
        decoder.finish().await;
        loop {
            match decoder.take().await {
                Ok(Some(batch)) => batches.push(batch),
                Ok(None) => return (batches, decoder.check()),
                Err(error) => return (batches, Err(error)),
            }
        }
    }

    /// The same of the reader, in one piece.
    fn read(csv: &str, options: Options) -> (Vec<RecordBatch>, Result<()>) {
        let mut reader = Reader::new(options);
        let read = reader.push(Bytes::copy_from_slice(csv.as_bytes())).and_then(|()| reader.finish());
        (std::iter::from_fn(|| reader.take()).collect(), read)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn any_number_of_threads_gives_the_same_batches_and_errors() {
        let clean = report(3000);
        let hurt = |at: usize, with: &str| {
            let mut broken = clean.clone();
            broken.replace_range(at..=at, with);
            broken
        };
        let cases = [
            (clean.clone(), true),
            (clean[..70_001].to_owned(), false),
            // In the first batch, in a later one, and in the last; a cell that doesn't fit what the sample said.
            (hurt(1_000, "\""), false),
            (hurt(60_000, "\""), false),
            (hurt(clean.len() - 20, "\""), false),
            (clean.replace("\"2500\"", "\"many\""), true),
        ];
        for (case, (csv, is_clean)) in cases.into_iter().enumerate() {
            for schema in [Schema::Text, Schema::Infer, Schema::InferSample { bytes: 9000 }] {
                let options =
                    |threads| Options { schema: schema.clone(), batch_bytes: 4000, threads, ..Options::default() };
                let told = |end: &Result<()>| end.as_ref().map_err(ToString::to_string).copied();
                let (expected, end) = decoded(&csv, usize::MAX, options(1)).await;
                let (of_reader, end_of_reader) = read(&csv, options(1));
                assert_eq!(told(&end), told(&end_of_reader), "{case}: {schema:?}");
                assert!(end.is_err() || expected == of_reader, "{case}: {schema:?}");
                assert!(end.is_ok() == is_clean || matches!(schema, Schema::InferSample { .. }), "{end:?}");
                for (threads, piece) in [(1, 700), (2, 700), (3, 33), (3, 50_000), (2, usize::MAX)] {
                    let (found, ended) = decoded(&csv, piece, options(threads)).await;
                    let rows = |batches: &[RecordBatch]| batches.iter().map(RecordBatch::num_rows).collect::<Vec<_>>();
                    let way = format!("{case}: {schema:?}, {threads} threads, pieces of {piece}");
                    assert_eq!((rows(&found), told(&ended)), (rows(&expected), told(&end)), "{way}");
                    assert!(found == expected, "{way}");
                }
            }
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_came_whole_comes_although_nothing_more_does() {
        let csv = report(3000);
        for threads in [1, 2, 3] {
            let options = Options { schema: Schema::Text, batch_bytes: 4000, threads, ..Options::default() };
            let expected = read(&csv, options.clone()).0.len() - 1;
            // The silence after the last bytes, and a break.
            for is_broken in [false, true] {
                let mut decoder = Decoder::new(options.clone());
                decoder.push(Bytes::copy_from_slice(&csv.as_bytes()[..csv.len() - 1])).await;
                let mut batches = 0;
                if is_broken {
                    decoder.settle().await;
                }
                while batches < expected {
                    match decoder.take().await.unwrap() {
                        Some(_) => batches += 1,
                        None => {
                            assert!(!is_broken && threads > 1, "{batches} of {expected}");
                            decoder.decoded().await;
                        }
                    }
                }
                assert_eq!((decoder.out.len(), decoder.take().await.unwrap()), (0, None));
            }
        }
    }
}
