//! Batches while they arrive: single pass, bounded memory.

use std::fmt;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use tokio::{sync::mpsc, task::JoinHandle};

use crate::error::Result;

/// Batches that wait to be taken, beside the one being made and the one in the consumer's hands.
const QUEUE: usize = 1;

/// Batches from a task that fetches and decodes while the consumer works on the one before. When the consumer is slow,
/// the task waits, and the service with it. Dropping the stream ends the task and closes its connection.
pub struct Stream {
    schema: SchemaRef,
    batches: mpsc::Receiver<Result<RecordBatch>>,
    task: JoinHandle<()>,
}

/// Where the task puts its batches.
pub type Batches = mpsc::Sender<Result<RecordBatch>>;

impl Stream {
    /// Starts `produce` on the current runtime. It ends the stream by returning; an error it sends ends it too.
    pub fn spawn<F: Future<Output = ()> + Send + 'static>(
        schema: SchemaRef,
        produce: impl FnOnce(Batches) -> F,
    ) -> Self {
        let (sender, batches) = mpsc::channel(QUEUE);
        Self { schema, batches, task: tokio::spawn(produce(sender)) }
    }

    /// The schema of every batch.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The next batch; `None` at the end.
    ///
    /// # Errors
    /// What went wrong on the way; the stream has ended then.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>> {
        self.batches.recv().await.transpose()
    }

    /// All batches, for those who take a stream of the `futures` kind.
    pub fn into_batches(self) -> impl futures_util::Stream<Item = Result<RecordBatch>> + Send {
        futures_util::stream::unfold(self, async |mut stream| {
            let batch = stream.next().await.transpose()?;
            Some((batch, stream))
        })
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("columns", &self.schema.fields().len()).finish_non_exhaustive()
    }
}
