//! Blocks of whole records: cut from the bytes as they arrive, decoded by anybody, joined in order.
//!
//! A block ends at the last line feed outside quotes within the bytes of a batch, exactly where the [`Reader`] would
//! end that batch; counting its quotes is enough to find it. Each block is decoded as if it stood alone. Only the places
//! in an error depend on what comes before: a block that fails is read again where it stands, by the reader itself, and
//! so is all that comes behind it.

use arrow_schema::SchemaRef;
use bytes::Bytes;

use super::{batch::Batch, position::Position, reader::Reader, scan::PAD, schema::Options};
use crate::error::Result;

/// A [`Reader`] whose work can be spread over threads, with the same result.
///
/// [`push`](Self::push) bytes, hand each [`block`](Self::block) to whoever decodes it, [`join`](Self::join) them in the
/// order in which they were handed out, [`take`](Reader::take) batches from the [`reader`](Self::reader). Lenient
/// reading, other encodings than UTF-8 and the sample that types are inferred from happen in `push` itself; there are
/// no blocks then.
///
/// ```
/// use insightframe::csv::{Blocks, Options};
///
/// let mut blocks = Blocks::new(Options { batch_bytes: 8, ..Options::default() });
/// blocks.push("Queue\nBilling\nSales\nSupp".into())?;
/// while let Some(block) = blocks.block() {
///     // On any thread:
///     let decoded = block.decode();
///     blocks.join(decoded)?;
/// }
/// blocks.push("ort\n".into())?;
/// blocks.end();
/// while let Some(block) = blocks.block() {
///     blocks.join(block.decode())?;
/// }
/// blocks.finish()?;
/// let rows: Vec<_> = std::iter::from_fn(|| blocks.reader().take()).map(|batch| batch.num_rows()).collect();
/// assert_eq!(rows, [1, 1, 1]);
/// # Ok::<(), insightframe::Error>(())
/// ```
#[derive(Debug)]
pub struct Blocks {
    reader: Reader,
    /// Bytes within which the next block ends.
    span: usize,
    /// Blocks that were handed out and not joined.
    out: usize,
    /// When there are no more blocks: what waits behind those that are out.
    later: Option<Vec<Bytes>>,
    /// A block couldn't be decoded by itself: those behind it are read again.
    alone: bool,
    ended: bool,
}

/// Whole records, to be decoded.
#[derive(Debug)]
pub struct Block {
    reader: Reader,
    text: Bytes,
    length: usize,
}

/// What became of a block.
#[derive(Debug)]
pub struct DecodedBlock {
    text: Bytes,
    /// Nothing when it couldn't be decoded by itself.
    done: Option<(Batch, Position)>,
}

impl Block {
    /// Decodes it.
    pub fn decode(self) -> DecodedBlock {
        let Self { reader, text, length } = self;
        let done = reader.read_block(text.clone(), length);
        DecodedBlock { text: text.slice(..length), done }
    }
}

impl Blocks {
    /// Nothing was read yet.
    pub fn new(options: Options) -> Self {
        let reader = Reader::new(options);
        let span = reader.options.batch_bytes;
        Self { reader, span, out: 0, later: None, alone: false, ended: false }
    }

    /// The reader, to take batches and to ask about columns.
    pub fn reader(&mut self) -> &mut Reader {
        &mut self.reader
    }

    /// The columns, as [`Reader::schema`] says them.
    pub fn schema(&self) -> Option<SchemaRef> {
        self.reader.schema()
    }

    /// Reads more bytes, once there is no block left of those before; a piece may end anywhere.
    ///
    /// # Errors
    /// Those of [`Reader::push`].
    pub fn push(&mut self, bytes: Bytes) -> Result<()> {
        match &mut self.later {
            Some(later) => {
                // Behind what waits already, even where no block is out any more.
                later.push(bytes);
                self.drain()
            }
            None => self.reader.push_until(bytes, Reader::is_divisible),
        }
    }

    /// Nothing more comes; a last block may be left.
    pub fn end(&mut self) {
        self.ended = true;
    }

    /// The next block, if all of it is there.
    pub fn block(&mut self) -> Option<Block> {
        if self.later.is_some() || !self.reader.is_divisible() {
            return None;
        }
        let length = loop {
            if !self.reader.input.reach(self.span) {
                // What ends without a line feed is the reader's.
                let rest = self.reader.input.rest();
                break Some(rest)
                    .filter(|rest| self.ended && last_line_end(self.reader.input.text(*rest)) == Some(*rest))?;
            }
            match last_line_end(self.reader.input.text(self.span)) {
                Some(end) => break end,
                None if self.span as u64 > self.reader.options.record_bytes => {
                    // Too long, or broken: the reader says which.
                    self.stop();
                    return None;
                }
                None => self.span *= 2,
            }
        };
        self.span = self.reader.options.batch_bytes;
        self.out += 1;
        let text = self.reader.input.cut(length);
        debug_assert!(text.len() >= length + PAD);
        Some(Block { reader: self.reader.for_block(length), text, length })
    }

    /// Takes a block back, in the order in which they were handed out.
    ///
    /// # Errors
    /// Those of [`Reader::push`].
    pub fn join(&mut self, block: DecodedBlock) -> Result<()> {
        self.out -= 1;
        match block.done.filter(|_| !self.alone) {
            Some((batch, size)) => self.reader.adopt(batch, size),
            None => {
                self.stop();
                self.alone = true;
                self.reader.push(block.text)?;
            }
        }
        self.drain()
    }

    /// Takes from a block, before it is joined, what helps with the next ones: the types that its cells need, and whether
    /// it is of any use to go on.
    pub(super) fn learn(&mut self, block: &DecodedBlock) {
        match &block.done {
            Some((batch, size)) => self.reader.learn(batch, *size),
            None => self.stop(),
        }
    }

    /// Ends the input and proves that it ends cleanly, once every block was joined.
    ///
    /// # Errors
    /// Those of [`Reader::finish`].
    pub fn finish(&mut self) -> Result<()> {
        debug_assert_eq!(self.out, 0);
        self.stop();
        self.drain()?;
        self.reader.finish()
    }

    /// No more blocks: what comes is for the reader, once those that are out were joined.
    fn stop(&mut self) {
        if self.later.is_none() {
            self.later = Some(vec![self.reader.input.take()]);
        }
    }

    fn drain(&mut self) -> Result<()> {
        let later = self.later.as_mut().filter(|_| self.out == 0);
        for piece in later.map(std::mem::take).unwrap_or_default() {
            self.reader.push(piece)?;
        }
        Ok(())
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
    fn what_the_reader_must_settle_comes_before_what_follows() {
        let options = Options { batch_bytes: 8, record_bytes: 16, ..Options::default() };
        let mut blocks = Blocks::new(options);
        let long = "a,b\r\n\",\",a somewhat longer piece of text\r\n,\r\n,\r\n";
        let mut pushed = Ok(());
        for piece in [&long[..9], &long[9..17], &long[17..26], &long[26..41], &long[41..]] {
            pushed = pushed.and_then(|()| blocks.push(piece.into()));
            assert!(blocks.block().is_none());
        }
        let error = pushed.and_then(|()| blocks.finish()).unwrap_err();
        assert_eq!(error.code(), "LimitExceeded", "{error}");
    }

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
