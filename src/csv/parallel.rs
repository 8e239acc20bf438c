//! All bytes at hand: blocks of whole records, decoded side by side, handed back in order.
//!
//! A block ends at the last line feed outside quotes within the bytes of a batch, exactly where the [`Reader`] would
//! end that batch; counting its quotes is enough to find it. Each thread takes the next block and decodes it as if it
//! stood alone. Only the places in an error depend on what comes before: a block that fails is read again where it
//! stands, by the reader itself.

use std::sync::{Mutex, PoisonError};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use bytes::Bytes;

use super::{
    batch::Batch,
    infer::Narrow,
    position::Position,
    reader::Reader,
    schema::{self, Options, Schema},
};
use crate::error::Result;

/// Batches of less aren't worth a thread.
const SMALLEST: usize = 512 << 10;

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
/// Small input makes smaller batches than `batch_bytes`, down to 512 KiB, so that every thread has some. Lenient
/// reading, other encodings than UTF-8 and samples take one thread.
///
/// # Errors
/// Those of [`Reader::push`].
pub fn decode(source: Bytes, mut options: Options) -> Result<Decoded> {
    options.batch_bytes = options.batch_bytes.min((source.len() / 4).max(SMALLEST));
    let mut reader = Reader::new(options);
    let rest = reader.push_header(&source)?;
    let Some(start) = rest.filter(|_| reader.options.threads > 1 && reader.is_divisible()) else {
        reader.push(source.slice(rest.unwrap_or(source.len())..))?;
        reader.finish()?;
        return Ok(decoded(reader));
    };
    let threads = reader.options.threads;
    let blocks = Mutex::new(Blocks { source: &source, at: start, count: 0, levels: reader.levels.clone() });
    let outcomes: Mutex<Vec<Outcome>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| work(&reader, &blocks, &outcomes));
        }
    });
    let mut outcomes = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
    outcomes.sort_unstable_by_key(|outcome| outcome.index);
    for (index, outcome) in outcomes.into_iter().enumerate() {
        let Some((batch, position)) = outcome.done.filter(|_| outcome.index == index) else {
            break;
        };
        reader.adopt(batch, position);
    }
    // Nothing is left, or what stands behind the blocks that could be decoded.
    let at = reader.position.byte as usize;
    reader.push(source.slice(at..))?;
    reader.finish()?;
    Ok(decoded(reader))
}

fn decoded(mut reader: Reader) -> Decoded {
    let batches = std::iter::from_fn(|| reader.take()).collect();
    Decoded {
        schema: reader.schema().unwrap_or_else(|| schema::empty(&Schema::Text)),
        batches,
        warnings: reader.warnings().to_vec(),
        records: reader.records(),
        rejects: reader.rejects(),
    }
}

/// What became of one block: its batch and the bytes, lines and records in it, or nothing when it couldn't be decoded.
struct Outcome {
    index: usize,
    done: Option<(Batch, Position)>,
}

/// The blocks that nobody has taken yet.
struct Blocks<'a> {
    source: &'a Bytes,
    at: usize,
    count: usize,
    /// The types that the blocks so far need: others begin with them.
    levels: Vec<Narrow>,
}

fn work(proto: &Reader, blocks: &Mutex<Blocks<'_>>, outcomes: &Mutex<Vec<Outcome>>) {
    loop {
        let mut queue = blocks.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((index, block)) = queue.next(proto.options.batch_bytes) else { return };
        let levels = queue.levels.clone();
        drop(queue);
        let done = proto.decode_block(&block, &levels);
        let mut queue = blocks.lock().unwrap_or_else(PoisonError::into_inner);
        match &done {
            Some((batch, _)) => batch.join_levels(&mut queue.levels),
            // What comes behind it is read in order.
            None => queue.at = queue.source.len(),
        }
        drop(queue);
        outcomes.lock().unwrap_or_else(PoisonError::into_inner).push(Outcome { index, done });
    }
}

impl Blocks<'_> {
    /// The next block of at most `span` bytes, or of twice, four times … as many if no record ends within them. What ends
    /// without a line feed stays where it is.
    fn next(&mut self, mut span: usize) -> Option<(usize, Bytes)> {
        let rest = self.source.slice(self.at..);
        let length = loop {
            if span >= rest.len() {
                break last_line_end(&rest).filter(|end| *end == rest.len())?;
            }
            match last_line_end(&rest[..span]) {
                Some(end) => break end,
                None => span *= 2,
            }
        };
        self.at += length;
        self.count += 1;
        Some((self.count - 1, rest.slice(..length)))
    }
}

/// Where the last record that is whole ends.
fn last_line_end(text: &[u8]) -> Option<usize> {
    let mut inside = memchr::memchr_iter(b'"', text).count() % 2 == 1;
    for (at, &byte) in text.iter().enumerate().rev() {
        match byte {
            b'"' => inside = !inside,
            b'\n' if !inside => return Some(at + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_ends_outside_quotes() {
        let cases = [
            ("a\nb\nc", Some(4)),
            ("a\n\"b\nc", Some(2)),
            ("a\n\"b\n\"\"\nc", Some(2)),
            ("a\n\"b\n\"\nc", Some(7)),
            ("\"a\nb\"", None),
            ("", None),
        ];
        for (text, end) in cases {
            assert_eq!(last_line_end(text.as_bytes()), end, "{text:?}");
        }
    }
}
