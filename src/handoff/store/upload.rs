//! An object under way.

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use object_store::{ObjectStore, ObjectStoreExt, WriteMultipart, path::Path as Key};
use tokio::runtime::Handle;

use super::fault;
use crate::error::{Error, Result};

/// How much is collected before anything is sent, and how large the parts are: S3 takes 10,000 of them, so 80 GiB.
const PART: usize = 8 << 20;
/// Parts that travel at once; with the one that is collected they are all the memory it takes.
const PARTS: usize = 3;
/// How long the store may take to forget a broken upload.
const PATIENCE: Duration = Duration::from_secs(10);

/// An object under way: [`Write`](io::Write) to it, then [`commit`](Self::commit). What is small travels in one
/// request, the rest in parts; the object appears with the last request, or never.
///
/// It blocks while the store is busy, so it lives on a thread that may be blocked.
pub struct Upload {
    runtime: Handle,
    store: Arc<dyn ObjectStore>,
    key: Key,
    shown: String,
    collected: Vec<u8>,
    parts: Option<WriteMultipart>,
    bytes: u64,
}

impl Upload {
    /// Begins an object; nothing is sent yet. To be called within a runtime.
    pub(super) fn new(store: Arc<dyn ObjectStore>, key: Key, shown: String) -> Self {
        Self { runtime: Handle::current(), store, key, shown, collected: Vec::new(), parts: None, bytes: 0 }
    }

    /// The url, for messages.
    pub(in crate::handoff) fn shown(&self) -> &str {
        &self.shown
    }

    /// Makes the object appear, in place of one that may be there, and returns its size in bytes.
    ///
    /// # Errors
    /// A file error; what was there is then untouched, and the store has been asked to forget the parts.
    pub(in crate::handoff) fn commit(mut self) -> Result<u64> {
        let rest = Bytes::from(std::mem::take(&mut self.collected));
        let done = match self.parts.take() {
            None => self.runtime.block_on(self.store.put(&self.key, rest.into())),
            Some(mut parts) => {
                let _within = self.runtime.enter();
                parts.put(rest);
                // This also forgets the parts when it fails.
                self.runtime.block_on(parts.finish())
            }
        };
        done.map(|_| self.bytes).map_err(|error| self.fault(&error))
    }

    /// Has the store forget what it was sent, and waits until it has.
    pub(in crate::handoff) fn abort(&mut self) {
        if let Some(parts) = self.parts.take() {
            self.runtime.block_on(forget(self.shown.clone(), parts));
        }
    }

    fn send(&mut self) -> object_store::Result<()> {
        let _within = self.runtime.enter();
        let mut parts = match self.parts.take() {
            Some(parts) => parts,
            None => {
                let upload = self.runtime.block_on(self.store.put_multipart(&self.key))?;
                WriteMultipart::new_with_chunk_size(upload, PART)
            }
        };
        parts.put(std::mem::take(&mut self.collected).into());
        let room = self.runtime.block_on(parts.wait_for_capacity(PARTS));
        self.parts = Some(parts);
        room
    }

    fn fault(&self, error: &object_store::Error) -> Error {
        fault::fault(&self.shown, error)
    }
}

impl io::Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(PART - self.collected.len());
        self.collected.extend_from_slice(&bytes[..taken]);
        self.bytes += taken as u64;
        if self.collected.len() == PART {
            self.send().map_err(|error| io::Error::other(self.fault(&error)))?;
        }
        Ok(taken)
    }

    /// A part is sent when it is full: the store refuses small ones.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Upload {
    /// Where nobody waited for [`abort`](Self::abort), the runtime does, as long as it lives.
    fn drop(&mut self) {
        if let Some(parts) = self.parts.take() {
            self.runtime.spawn(forget(self.shown.clone(), parts));
        }
    }
}

async fn forget(shown: String, parts: WriteMultipart) {
    let forgotten = tokio::time::timeout(PATIENCE, parts.abort()).await;
    if !matches!(forgotten, Ok(Ok(()))) {
        tracing::warn!("`{shown}`: the store may keep the parts of a broken upload");
    }
}
