//! All bytes at hand: each thread takes the next block and decodes it.

use std::sync::{Mutex, PoisonError};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use bytes::Bytes;

use super::{
    blocks::{Blocks, DecodedBlock},
    reader::Reader,
    schema::{self, Options, Schema},
};
use crate::error::Result;

/// Less than this is decoded sooner than threads have begun, and found memory of their own.
const ALONE: usize = 4 << 20;

/// Everything that [`decode`] found.
#[derive(Debug)]
pub struct Decoded {
    /// The columns.
    pub schema: SchemaRef,
    /// The rows, in order.
    pub batches: Vec<RecordBatch>,
    /// What was changed about the header.
    pub warnings: Vec<String>,
    /// How many records became rows.
    pub records: u64,
    /// In lenient reading the records that were set aside: record, line, byte, column, reason, snippet.
    pub rejects: Option<RecordBatch>,
}

/// Decodes CSV that is all there, with as many threads as the options say.
///
/// Input that isn't many batches makes smaller ones than `batch_bytes`, down to 1 MiB, so that every thread has some. Less
/// than 4 MiB, lenient reading, other encodings than UTF-8 and samples take one thread.
///
/// # Errors
/// Those of [`Reader::push`].
pub fn decode(source: Bytes, mut options: Options) -> Result<Decoded> {
    if options.threads < 2 || source.len() < ALONE.min(2 * options.batch_bytes) {
        let mut reader = Reader::new(options);
        reader.push(source)?;
        reader.finish()?;
        return Ok(Decoded::of(&mut reader));
    }
    let threads = options.threads;
    options.batch_bytes = options.batch_bytes.min((source.len() / 4).max(ALONE / 4));
    let mut blocks = Blocks::new(options);
    blocks.push(source)?;
    blocks.end();
    let shared = Mutex::new(Shared { blocks, handed_out: 0, decoded: Vec::new() });
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|| work(&shared));
        }
        work(&shared);
    });
    let Shared { mut blocks, mut decoded, .. } = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
    decoded.sort_unstable_by_key(|(index, _)| *index);
    for (_, block) in decoded {
        blocks.join(block)?;
    }
    blocks.finish()?;
    Ok(Decoded::of(blocks.reader()))
}

impl Decoded {
    /// What a reader has found that is finished.
    pub fn of(reader: &mut Reader) -> Self {
        Self {
            schema: reader.schema().unwrap_or_else(|| schema::empty(&Schema::Text)),
            batches: std::iter::from_fn(|| reader.take()).collect(),
            warnings: reader.warnings().to_vec(),
            records: reader.records(),
            rejects: reader.rejects(),
        }
    }
}

/// What the threads have in common.
struct Shared {
    blocks: Blocks,
    handed_out: usize,
    decoded: Vec<(usize, DecodedBlock)>,
}

fn work(shared: &Mutex<Shared>) {
    let lock = || shared.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let mut queue = lock();
        // What stands behind a block that can't be decoded by itself is read in order.
        let Some(block) = queue.blocks.block() else { return };
        let index = queue.handed_out;
        queue.handed_out += 1;
        drop(queue);
        let decoded = block.decode();
        let mut queue = lock();
        queue.blocks.learn(&decoded);
        queue.decoded.push((index, decoded));
    }
}
