//! Tables, receipts and files: what is left when an export is done.

pub mod atomic;
pub mod csv;
pub mod decoder;
pub mod description;
pub mod format;
pub mod ipc;
pub mod journal;
pub mod json;
pub mod output;
pub mod parquet;
pub mod receipt;
mod render;
pub mod representation;
pub mod store;
pub mod stream;
pub mod table;

use std::{io, iter};

use arrow_array::RecordBatch;

pub use self::{
    format::Format, output::Output, receipt::Receipt, render::Room, representation::Representation, stream::Stream,
    table::Table,
};
use crate::{Error, Result};

/// Takes record batches, one after another, to a place where they stay.
///
/// Nothing can be seen there before [`finish`](Self::finish), and nothing is left when a sink is dropped without it.
pub trait Sink: Send {
    /// Adds the rows of `batch`, whose schema is the one that the sink was created with.
    ///
    /// # Errors
    /// A file error (a full disk, for instance). The sink is of no more use then.
    fn write(&mut self, batch: &RecordBatch) -> Result<()>;

    /// What is written to.
    fn output(&mut self) -> &mut Output;

    /// Completes what was written without letting it be seen yet.
    ///
    /// # Errors
    /// A file error.
    fn close(self: Box<Self>) -> Result<Output>;

    /// Completes what was written, puts it in its place and returns its size in bytes.
    ///
    /// # Errors
    /// A file error; what was there before is then untouched.
    fn finish(self: Box<Self>) -> Result<u64> {
        self.close()?.commit()
    }
}

/// What an encoder says, as ours: the file's own error when that is what it was, else that the data doesn't go into
/// such a file.
fn encoder_fault(shown: &str, error: &(dyn std::error::Error + 'static)) -> Error {
    match iter::successors(Some(error), |error| error.source()).find_map(|cause| cause.downcast_ref::<io::Error>()) {
        Some(error) => output::fault(shown, error),
        None => Error::config(format!("`{shown}` can't be written: {error}")),
    }
}

#[cfg(test)]
mod tests;
