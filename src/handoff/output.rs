//! What the encoders write to: a file or an object under way and its content hash, or a pipe.

use std::{
    fmt,
    io::{self, Write},
};

use ring::digest::{Context, SHA256};

use super::{atomic::AtomicFile, store::Upload};
use crate::error::{Error, Result};

/// A file or an object under way. Nothing can be seen of it before [`commit`](Self::commit), and nothing is left when it
/// is dropped without.
///
/// To a store it blocks until the bytes are on their way, so it is written on a thread that may be blocked.
pub struct Output {
    target: Target,
    hash: Option<Context>,
    bytes: u64,
}

enum Target {
    Pipe(Box<dyn Write + Send>, &'static str),
    File(AtomicFile),
    Object(Box<Upload>),
}

impl Output {
    /// A pipe, a terminal and the like, named for messages. What is written there is seen at once.
    pub fn pipe(pipe: impl Write + Send + 'static, shown: &'static str) -> Self {
        Self { target: Target::Pipe(Box::new(pipe), shown), hash: None, bytes: 0 }
    }

    pub(super) fn file(file: AtomicFile) -> Self {
        Self { target: Target::File(file), hash: None, bytes: 0 }
    }

    pub(super) fn object(upload: Upload) -> Self {
        Self { target: Target::Object(Box::new(upload)), hash: None, bytes: 0 }
    }

    /// The same, which from now on knows the hash of what it is given.
    #[must_use]
    pub fn hashed(self) -> Self {
        Self { hash: Some(Context::new(&SHA256)), ..self }
    }

    /// SHA-256 of the bytes so far, as `sha256sum` prints it; nothing if it wasn't asked for.
    pub fn sha256(&self) -> Option<String> {
        self.hash.clone().map(|hash| hex(hash.finish().as_ref()))
    }

    /// The bytes so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The place as the caller named it, for messages.
    pub fn shown(&self) -> String {
        match &self.target {
            Target::Pipe(_, shown) => (*shown).to_owned(),
            Target::File(file) => file.path().display().to_string(),
            Target::Object(upload) => upload.shown().to_owned(),
        }
    }

    /// Makes it appear, whole, in place of what may be there, and returns its size in bytes.
    ///
    /// # Errors
    /// A file error; what was there before is then untouched.
    pub fn commit(self) -> Result<u64> {
        match self.target {
            Target::Pipe(mut pipe, shown) => {
                pipe.flush().map(|()| self.bytes).map_err(|error| Error::file(shown, &error))
            }
            Target::File(file) => file.commit(),
            Target::Object(upload) => upload.commit(),
        }
    }

    /// Has a store forget what it was sent. Dropping does so too, but can't wait for it.
    pub fn abort(&mut self) {
        if let Target::Object(upload) = &mut self.target {
            upload.abort();
        }
    }

    /// The error of this output for what went wrong while it was written.
    pub(super) fn fault(&self, error: &io::Error) -> Error {
        fault(&self.shown(), error)
    }
}

/// What went wrong while something was written, as ours.
pub(super) fn fault(shown: &str, error: &io::Error) -> Error {
    match error.get_ref().and_then(|error| error.downcast_ref::<Error>()) {
        Some(error) => error.clone(),
        None => Error::file(shown, error),
    }
}

/// SHA-256 of bytes at hand, as [`Output::sha256`] gives it.
pub fn sha256(bytes: &[u8]) -> String {
    hex(ring::digest::digest(&SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = match &mut self.target {
            Target::Pipe(pipe, _) => pipe.write(bytes),
            Target::File(file) => file.write(bytes),
            Target::Object(upload) => upload.write(bytes),
        }?;
        if let Some(hash) = &mut self.hash {
            hash.update(&bytes[..taken]);
        }
        self.bytes += taken as u64;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.target {
            Target::Pipe(pipe, _) => pipe.flush(),
            Target::File(file) => file.flush(),
            Target::Object(upload) => upload.flush(),
        }
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Output({}, {} bytes)", self.shown(), self.bytes)
    }
}
