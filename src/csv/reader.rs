//! Push bytes, take batches.
//!
//! The text is read in windows whose beginning and length depend on nothing but the bytes before them, never on how they
//! were pushed: a window waits until it is full. That is all there is to chunk invariance.

use std::{collections::VecDeque, sync::Arc};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use bytes::Bytes;

use super::{
    batch::{Batch, Misfit},
    column::{Kind, Room},
    header::Header,
    infer::Narrow,
    input::Input,
    position::{Fault, Position, What, excerpt, lines, snippet},
    record::{self, Outcome},
    reject::Rejects,
    schema::{self, Options, Schema},
    window::{Broken, Task, Window},
};
use crate::error::{Error, Result};

/// Bytes of a window: positions stay in the first-level cache, text and the columns' ends in the second.
const WINDOW: usize = 64 << 10;

/// The first attempt to read the header looks at so many bytes.
const HEADER: usize = 4 << 10;

/// No batch and no record is larger: positions and offsets count in 32 bits.
const LARGEST: usize = 1 << 30;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// How many rows so many bytes had.
#[derive(Clone, Copy, Debug)]
struct Density {
    rows: u64,
    bytes: u64,
}

impl Density {
    fn rows_in(self, bytes: u64) -> u64 {
        (u128::from(self.rows) * u128::from(bytes) / u128::from(self.bytes.max(1))) as u64
    }
}

/// A decoder of CSV that takes bytes as they arrive.
///
/// ```
/// use insightframe::csv::{Options, Reader};
///
/// let mut reader = Reader::new(Options::default());
/// reader.push("\"Queue\",\"Contacts\"\r\n\"Bill".into())?;
/// reader.push("ing\",\"12\"\r\n\"Sales\",\"\"\r\n".into())?;
/// reader.finish()?;
/// let batch = reader.take().expect("one batch");
/// assert_eq!((batch.num_rows(), batch.column(1).null_count()), (2, 1));
/// assert_eq!(batch.schema().field(1).data_type().to_string(), "Int64");
/// assert!(reader.take().is_none());
/// # Ok::<(), insightframe::Error>(())
/// ```
#[derive(Debug)]
pub struct Reader {
    pub(super) options: Options,
    pub(super) input: Input,
    /// Of the text that waits.
    position: Position,
    /// How many bytes the next window has.
    reach: usize,
    window: Window,
    header: Option<Header>,
    kinds: Vec<Kind>,
    levels: Vec<Narrow>,
    schema: Option<SchemaRef>,
    batch: Batch,
    /// Where the batch begins, and how many bytes it may have.
    batch_from: u64,
    batch_span: u64,
    /// That of the batch before.
    density: Option<Density>,
    /// Where the records begin.
    data_from: u64,
    /// Batches whose types aren't known yet.
    held: Vec<Batch>,
    done: VecDeque<RecordBatch>,
    records: u64,
    rejects: Rejects,
    finished: bool,
    failed: Option<Error>,
}

impl Reader {
    /// A reader that has seen nothing yet.
    pub fn new(mut options: Options) -> Self {
        options.batch_bytes = options.batch_bytes.clamp(1, LARGEST);
        options.record_bytes = options.record_bytes.clamp(1, LARGEST as u64);
        // UTF-8 needs no decoder: the rows are checked where they are in the cache anyway.
        options.encoding = options.encoding.filter(|encoding| *encoding != encoding_rs::UTF_8);
        Self {
            input: Input::new(options.encoding),
            position: Position::default(),
            reach: HEADER,
            window: Window::default(),
            header: None,
            kinds: Vec::new(),
            levels: Vec::new(),
            schema: None,
            batch: Batch::new(&[], &[]),
            batch_from: 0,
            batch_span: options.batch_bytes as u64,
            density: None,
            data_from: 0,
            held: Vec::new(),
            done: VecDeque::new(),
            records: 0,
            rejects: Rejects::default(),
            finished: false,
            failed: None,
            options,
        }
    }

    /// Reads more bytes; a piece may end anywhere.
    ///
    /// # Errors
    /// `CsvError` where the bytes break a rule of the [module](crate::csv), `SchemaMismatch` where a cell isn't of its
    /// type or a given column is missing, `LimitExceeded` when a record is too long. The same error again from then on;
    /// batches that were complete before it can still be taken.
    pub fn push(&mut self, bytes: Bytes) -> Result<()> {
        self.push_until(bytes, |_| false)
    }

    /// Reads more bytes until `done`, which is asked between windows. What wasn't read then waits.
    pub(super) fn push_until(&mut self, bytes: Bytes, done: impl Fn(&Self) -> bool) -> Result<()> {
        self.guard(|reader| {
            reader.input.push(bytes);
            while !done(reader) {
                let want = reader.want();
                if !reader.input.reach(want) {
                    break;
                }
                reader.step(want, false)?;
            }
            Ok(())
        })
    }

    /// Ends the input and proves that it ends cleanly. Afterwards every batch can be taken.
    ///
    /// Input without any bytes has no header: its schema is that of [`empty`](super::empty).
    ///
    /// # Errors
    /// Those of [`push`](Self::push).
    pub fn finish(&mut self) -> Result<()> {
        if self.finished {
            return Ok(());
        }
        self.guard(|reader| {
            let rest = reader.input.rest();
            if reader.header.is_none() && reader.input.text(rest) == BYTE_ORDER_MARK {
                reader.input.consume(rest);
            }
            reader.input.close();
            while reader.input.rest() > 0 {
                let rest = reader.input.rest();
                let length = reader.want().min(rest);
                reader.step(length, length == rest)?;
            }
            reader.finished = true;
            if reader.header.is_some() {
                reader.flush();
                reader.settle_types();
            } else {
                reader.schema = Some(schema::empty(&reader.options.schema));
            }
            Ok(())
        })
    }

    /// Ends the batch with the last whole record that came, so that it can be taken now: for input that arrives in parts
    /// which mean something. It changes where batches begin, and nothing else.
    ///
    /// # Errors
    /// Those of [`push`](Self::push).
    pub fn end_batch(&mut self) -> Result<()> {
        self.guard(|reader| {
            while reader.input.rest() > 0 {
                let rest = reader.input.rest();
                reader.step(reader.want().min(rest), false)?;
                if reader.input.rest() == rest {
                    break;
                }
            }
            if reader.header.is_some() {
                reader.flush();
            }
            Ok(())
        })
    }

    /// The next batch, in order. With [`Schema::Infer`] there is none before [`finish`](Self::finish).
    pub fn take(&mut self) -> Option<RecordBatch> {
        self.done.pop_front()
    }

    /// The columns: known behind the header when every type is given, behind the sample, or at the end.
    pub fn schema(&self) -> Option<SchemaRef> {
        self.schema.clone()
    }

    /// The names of the columns, unique; empty until the header is there.
    pub fn columns(&self) -> &[String] {
        self.header.as_ref().map_or(&[], |header| &header.names)
    }

    /// What was changed about the header: titles that were empty or there twice.
    pub fn warnings(&self) -> &[String] {
        self.header.as_ref().map_or(&[], |header| &header.warnings)
    }

    /// How many records became rows so far.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Records that lenient reading set aside since the last call: record (counted from 1), line (from 1), byte (from
    /// 0), column, reason, snippet.
    pub fn rejects(&mut self) -> Option<RecordBatch> {
        let names = self.header.as_ref().map_or(&[][..], |header| &header.names);
        self.rejects.take(names)
    }

    /// Whether a batch begins here and the records from here on can be decoded in parts and be put together as if they
    /// had been decoded in one piece.
    pub(super) fn is_divisible(&self) -> bool {
        let known = self.schema.is_some() || self.sample() == u64::MAX;
        let begins = self.header.is_some() && self.position.byte == self.batch_from;
        begins && known && !self.options.lenient && self.options.encoding.is_none()
    }

    /// A reader for a block of whole records that decodes it as if it stood alone, for one batch of its own. Its errors
    /// say nothing about where the block stands.
    pub(super) fn for_block(&self, length: usize) -> Self {
        let mut reader = Self::new(self.options.clone());
        reader.header = Some(Header { names: Vec::new(), warnings: Vec::new() });
        reader.kinds.clone_from(&self.kinds);
        reader.levels.clone_from(&self.levels);
        reader.density = self.density;
        reader.begin_batch();
        // One byte more than there are: nothing closes the batch.
        reader.batch_span = length as u64 + 1;
        reader
    }

    /// Decodes the block at the beginning of `text`, which has padding behind it. Gives the batch, and the bytes, lines
    /// and records in it; nothing if anything is wrong.
    pub(super) fn read_block(mut self, text: Bytes, length: usize) -> Option<(Batch, Position)> {
        self.input.push(text);
        loop {
            let left = length - self.position.byte as usize;
            if left == 0 {
                return Some((self.batch, self.position));
            }
            let want = self.want().min(left);
            if !self.input.reach(want) {
                return None;
            }
            self.step(want, false).ok()?;
            if want == left && self.position.byte as usize == length - left {
                return None;
            }
        }
    }

    /// Takes from a batch that was decoded elsewhere the types that it needs, and how many rows it has.
    pub(super) fn learn(&mut self, batch: &Batch, size: Position) {
        batch.join_levels(&mut self.levels);
        self.density = Some(Density { rows: batch.rows() as u64, bytes: size.byte });
    }

    /// Takes over a batch that was decoded elsewhere.
    pub(super) fn adopt(&mut self, batch: Batch, size: Position) {
        self.records += batch.rows() as u64;
        self.batch = batch;
        self.position.record += size.record;
        self.position.line += size.line;
        self.position.byte += size.byte;
        self.flush();
    }

    fn guard(&mut self, work: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        work(self).inspect_err(|error| self.failed = Some(error.clone()))
    }

    /// The longest record, which is also the longest window.
    fn longest(&self) -> usize {
        self.options.record_bytes as usize
    }

    /// How many bytes the next window needs.
    fn want(&self) -> usize {
        let longest = self.longest();
        if self.header.is_none() {
            return self.reach.min(longest);
        }
        let left = self.batch_from + self.batch_span - self.position.byte;
        self.reach.min(longest).min(left as usize)
    }

    /// Reads one window.
    fn step(&mut self, length: usize, last: bool) -> Result<()> {
        if self.header.is_none() { self.read_header(length, last) } else { self.read_rows(length, last) }
    }

    fn read_header(&mut self, length: usize, last: bool) -> Result<()> {
        let text = self.input.text(length);
        let start = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        let mut ends = Vec::new();
        let outcome = record::read(text, start, last, &mut ends);
        let malformed = self.input.malformed().first().copied();
        let (at, reason) = match outcome {
            Outcome::Complete { next } if malformed.is_none_or(|at| at >= next) => {
                let mut titles = Vec::with_capacity(ends.len());
                let mut from = start;
                for end in ends {
                    let end = end as usize;
                    titles.push(title(&text[from..end], text[end] == b'\n'));
                    from = end + 1;
                }
                self.open(Header::new(titles), next)?;
                return Ok(());
            }
            Outcome::Incomplete if length < self.longest() => {
                self.reach = length * 2;
                return Ok(());
            }
            Outcome::Incomplete => return Err(self.too_long(0, length).into_error(&[])),
            Outcome::Complete { .. } => (malformed.unwrap_or(start), record::NOT_ENCODED.into()),
            Outcome::Broken { at, .. } if malformed.is_some_and(|early| early < at) => {
                (malformed.unwrap_or(at), record::NOT_ENCODED.into())
            }
            Outcome::Broken { at, reason, .. } => (at, reason),
        };
        let broken = Broken { before: 0, lines: lines(&text[..at]), start: 0, at, stop: at + 1, cell: None, reason };
        let mut fault = self.damage(&broken, text);
        fault.record = 0;
        let error = fault.into_error(&[]);
        Err(if text.starts_with(&[0xFF, 0xFE]) || text.starts_with(&[0xFE, 0xFF]) {
            error.hint("the input looks like UTF-16: say encoding=\"utf-16le\" or \"utf-16be\"")
        } else {
            error
        })
    }

    /// Begins with the records behind the header.
    fn open(&mut self, header: Header, next: usize) -> Result<()> {
        self.kinds = header.kinds(&self.options.schema)?;
        self.levels = vec![Narrow::Empty; self.kinds.len()];
        self.header = Some(header);
        self.advance(next, lines(self.input.text(next)), 0);
        self.data_from = self.position.byte;
        self.begin_batch();
        if self.sample() == 0 {
            self.settle_types();
        }
        Ok(())
    }

    fn read_rows(&mut self, length: usize, last: bool) -> Result<()> {
        let padded = self.input.padded();
        self.window.read(Task {
            padded,
            length,
            last,
            width: self.kinds.len(),
            lenient: self.options.lenient,
            malformed: self.input.malformed(),
        });
        if self.window.consumed == 0 && self.window.broken.is_empty() && !self.stretch(length)? {
            return Ok(());
        }
        let mut faults = Vec::new();
        let padded = self.input.padded();
        let mut rows_done = 0;
        let mut counted = (0, 0);
        for (before, rows) in self.window.runs(padded) {
            let misfits = if self.options.lenient {
                self.batch.append_fitting(rows)
            } else {
                match self.batch.append(rows) {
                    Ok(()) => Vec::new(),
                    Err(misfit) => vec![misfit],
                }
            };
            rows_done += rows.len() - misfits.len();
            for Misfit { row, column } in misfits {
                let (at, value) = rows.column(column).value(row);
                counted = (at, counted.1 + lines(&padded[counted.0..at]));
                faults.push(Fault {
                    record: self.position.record + (before + row) as u64 + 1,
                    line: self.position.line + counted.1 + 1,
                    byte: self.position.byte + at as u64,
                    column: Some(column),
                    what: What::Misfit { value: excerpt(&value), expected: self.kinds[column].expected() },
                    snippet: snippet(padded, at, at, rows.part(row, row + 1).end()),
                });
            }
        }
        faults.extend(self.window.broken.iter().map(|broken| self.damage(broken, &padded[..length])));
        faults.sort_by_key(|fault| fault.record);
        if self.options.lenient {
            faults.into_iter().for_each(|fault| self.rejects.push(fault));
        } else if let Some(fault) = faults.into_iter().next() {
            return Err(fault.into_error(self.columns()));
        }
        self.records += rows_done as u64;
        let Window { consumed, lines, records, .. } = self.window;
        self.advance(consumed, lines, records);
        self.provide(Density { rows: rows_done as u64, bytes: consumed as u64 });
        self.reach = WINDOW;
        if self.position.byte == self.batch_from + self.batch_span {
            self.flush();
        }
        Ok(())
    }

    /// Makes room for what the batch will still hold. How many rows a byte there are is known from the batch before when
    /// this one begins, else from this one so far, or from its last window where rows became shorter.
    fn provide(&mut self, window: Density) {
        let done = self.position.byte - self.batch_from;
        let left = self.batch_span.saturating_sub(done);
        let here = Density { rows: self.batch.rows() as u64, bytes: done };
        let begins = here.rows == window.rows;
        let (rest, doubt) = match self.density {
            Some(before) if begins => (before.rows_in(left), 64),
            _ => (here.rows_in(left).max(window.rows_in(left)), if begins { 16 } else { 64 }),
        };
        let rest = (rest + rest / doubt) as usize;
        let rows = window.rows as usize;
        self.batch.provide(Room { soon: (rows + rows / 8).min(rest), rest });
    }

    /// No record ends in the window of `length` bytes: closes the batch before it, or makes the window longer. A record
    /// that can't become longer is an error, or in lenient reading loses its first line: then there is something to
    /// settle (`true`).
    fn stretch(&mut self, length: usize) -> Result<bool> {
        let left = self.batch_from + self.batch_span - self.position.byte;
        if length == self.longest() {
            let fault = self.too_long(self.position.record + 1, length);
            let text = self.input.text(length);
            if self.options.lenient && self.window.drop_line(text, fault.reason()) {
                return Ok(true);
            }
            return Err(fault.into_error(&[]));
        }
        if (length as u64) < left {
            self.reach = length * 2;
        } else if self.position.byte > self.batch_from {
            self.flush();
        } else {
            self.batch_span *= 2;
            self.reach = length * 2;
        }
        Ok(false)
    }

    fn too_long(&self, record: u64, observed: usize) -> Fault {
        let what = What::TooLong { allowed: self.options.record_bytes, observed: observed as u64 };
        let Position { line, byte, .. } = self.position;
        Fault {
            record,
            line: line + 1,
            byte,
            column: None,
            what,
            snippet: snippet(self.input.text(observed), 0, 0, observed),
        }
    }

    fn damage(&self, broken: &Broken, text: &[u8]) -> Fault {
        Fault {
            record: self.position.record + broken.before as u64 + 1,
            line: self.position.line + broken.lines + 1,
            byte: self.position.byte + broken.at as u64,
            column: broken.cell.filter(|cell| *cell < self.kinds.len()),
            what: What::Damage(broken.reason.clone()),
            snippet: snippet(text, broken.start, broken.at, broken.stop),
        }
    }

    /// Drops text that was read.
    fn advance(&mut self, bytes: usize, lines: u64, records: usize) {
        self.position.line += lines;
        self.position.byte += bytes as u64;
        self.position.record += records as u64;
        self.input.consume(bytes);
    }

    fn begin_batch(&mut self) {
        self.batch = Batch::new(&self.kinds, &self.levels);
        self.batch_from = self.position.byte;
        self.batch_span = self.options.batch_bytes as u64;
        self.reach = WINDOW;
    }

    /// Closes the batch and begins the next one.
    fn flush(&mut self) {
        self.batch.join_levels(&mut self.levels);
        let batch = std::mem::replace(&mut self.batch, Batch::new(&[], &[]));
        if batch.rows() > 0 {
            self.density = Some(Density { rows: batch.rows() as u64, bytes: self.position.byte - self.batch_from });
            match &self.schema {
                Some(schema) => self.done.push_back(batch.finish(schema, &self.levels)),
                None => self.held.push(batch),
            }
        }
        if self.schema.is_none() && self.position.byte - self.data_from >= self.sample() {
            self.settle_types();
        }
        self.begin_batch();
    }

    /// How many bytes are looked at before the types are settled.
    fn sample(&self) -> u64 {
        let mut schema = &self.options.schema;
        while let Schema::Given(_, rest) | Schema::Described(_, rest) = schema {
            schema = rest;
        }
        match schema {
            _ if !self.kinds.contains(&Kind::Infer) => 0,
            Schema::InferSample { bytes } => (*bytes).max(1),
            _ => u64::MAX,
        }
    }

    /// Makes the types so far the types of the columns.
    fn settle_types(&mut self) {
        if self.schema.is_some() {
            return;
        }
        let mut fields = Vec::with_capacity(self.kinds.len());
        for ((name, kind), level) in self.columns().iter().zip(&self.kinds).zip(&self.levels) {
            let arrow = match kind {
                Kind::Given(kind) => kind.arrow(),
                Kind::Infer | Kind::Sampled(_) => level.arrow(),
            };
            fields.push(schema::field(name, arrow));
        }
        let schema: SchemaRef = Arc::new(arrow_schema::Schema::new(fields));
        self.done.extend(self.held.drain(..).map(|batch| batch.finish(&schema, &self.levels)));
        self.schema = Some(schema);
        for (kind, level) in self.kinds.iter_mut().zip(&self.levels) {
            if *kind == Kind::Infer {
                *kind = Kind::Sampled(*level);
            }
        }
    }
}

/// The title in one cell of the header; `last` when the line end comes behind it.
fn title(cell: &[u8], last: bool) -> String {
    let cell = if last { cell.strip_suffix(b"\r").unwrap_or(cell) } else { cell };
    let cell = match cell {
        [b'"', inner @ .., b'"'] => super::cells::undouble(inner),
        bare => bare.into(),
    };
    String::from_utf8_lossy(&cell).into_owned()
}
