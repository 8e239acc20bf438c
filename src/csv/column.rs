//! One column of a batch under construction, whatever its type.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, TimestampMicrosecondArray};
use arrow_buffer::{ArrowNativeType, BooleanBuffer, NullBuffer, ScalarBuffer};

use super::{
    cells::{Cell, Cells, Each, Take},
    date,
    dictionary::Dictionary,
    infer::{Inferred, Narrow},
    number,
    position::Expected,
    schema::{ColumnType, DateFormat, TimestampFormat},
    text::Text,
};

/// How the cells of a column are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// As the type that was given.
    Given(ColumnType),
    /// As the narrowest type that holds what comes.
    Infer,
    /// As the type that a sample had, in the forms that inference accepts.
    Sampled(Narrow),
}

/// Cells that are expected: by the next window, and by the rest of the batch.
///
/// Memory that was never touched before costs as much as the decoding, and half of what a growing vector takes is for
/// nothing. So a column takes at once what it will need, and hardly more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub soon: usize,
    pub rest: usize,
}

impl Room {
    /// Makes room for the rest of the batch unless there is enough for the next window; an element holds so many cells.
    pub fn provide<T>(self, values: &mut Vec<T>, cells: usize) {
        if values.capacity() - values.len() < self.soon.div_ceil(cells) {
            values.reserve_exact(self.rest.div_ceil(cells));
        }
    }
}

/// Bits in the order of Arrow: the first in the lowest place.
#[derive(Debug, Default)]
pub(super) struct Bits {
    words: Vec<u64>,
    len: usize,
}

/// Which cells hold a value.
#[derive(Debug, Default)]
pub(super) struct Validity(Bits);

/// A column under construction.
#[derive(Debug)]
pub(super) struct Column {
    validity: Validity,
    values: Values,
}

#[derive(Debug)]
enum Values {
    Int64(Vec<i64>),
    Float64(Vec<f64>),
    Bool(Bits),
    Date(DateFormat, Vec<i32>),
    Timestamp(TimestampFormat, Vec<i64>),
    Utf8(Text),
    Dictionary(Dictionary),
    Inferred(Inferred),
    SampledInt(Vec<i64>),
    SampledDecimal(Vec<f64>),
}

impl Kind {
    /// What a cell that doesn't fit should have been. Inference fits everything.
    pub fn expected(self) -> Expected {
        match self {
            Self::Given(kind) => Expected::Given(kind),
            Self::Infer => Expected::Given(ColumnType::Utf8),
            Self::Sampled(narrow) => Expected::Sampled(narrow.name()),
        }
    }
}

impl Column {
    /// An empty column; `level` is the type that inference already knows to be needed.
    pub fn new(kind: Kind, level: Narrow) -> Self {
        let values = match kind {
            Kind::Given(ColumnType::Int64) => Values::Int64(Vec::new()),
            Kind::Given(ColumnType::Float64) => Values::Float64(Vec::new()),
            Kind::Given(ColumnType::Bool) => Values::Bool(Bits::default()),
            Kind::Given(ColumnType::Date(format)) => Values::Date(format, Vec::new()),
            Kind::Given(ColumnType::Timestamp(format)) => Values::Timestamp(format, Vec::new()),
            Kind::Given(ColumnType::Dictionary) => Values::Dictionary(Dictionary::default()),
            Kind::Infer => Values::Inferred(Inferred::starting_at(level)),
            Kind::Sampled(Narrow::Int | Narrow::WideInt) => Values::SampledInt(Vec::new()),
            Kind::Sampled(Narrow::Decimal) => Values::SampledDecimal(Vec::new()),
            Kind::Given(ColumnType::Utf8) | Kind::Sampled(Narrow::Empty | Narrow::Text) => {
                Values::Utf8(Text::default())
            }
        };
        Self { validity: Validity::default(), values }
    }

    /// Makes room where it is short.
    pub fn provide(&mut self, room: Room) {
        room.provide(&mut self.validity.0.words, 64);
        match &mut self.values {
            Values::Int64(values) | Values::SampledInt(values) | Values::Timestamp(_, values) => {
                room.provide(values, 1);
            }
            Values::Float64(values) | Values::SampledDecimal(values) => room.provide(values, 1),
            Values::Bool(values) => room.provide(&mut values.words, 64),
            Values::Date(_, values) => room.provide(values, 1),
            Values::Utf8(values) => values.provide(room),
            Values::Dictionary(values) => values.provide(room),
            Values::Inferred(values) => values.provide(room),
        }
    }

    /// Appends the cells from the row `from` on. The error is the row of the first cell that doesn't fit; those before
    /// it are appended.
    pub fn append(&mut self, cells: &Cells<'_>, from: usize) -> Result<(), usize> {
        let validity = &mut self.validity;
        let reached = match &mut self.values {
            Values::Int64(values) => primitive(cells, from, values, validity, number::integer),
            Values::Float64(values) => primitive(cells, from, values, validity, number::float),
            Values::SampledInt(values) => primitive(cells, from, values, validity, number::canonical_integer),
            Values::SampledDecimal(values) => primitive(cells, from, values, validity, number::plain_decimal),
            Values::Date(format, values) => match format {
                DateFormat::MmDdYyyy => primitive(cells, from, values, validity, date::mm_dd_yyyy),
                DateFormat::DdMmYyyySlash => primitive(cells, from, values, validity, date::dd_mm_yyyy_slash),
                DateFormat::DdMmYyyyDash => primitive(cells, from, values, validity, date::dd_mm_yyyy_dash),
                DateFormat::YyyyMmDd => primitive(cells, from, values, validity, date::yyyy_mm_dd),
                DateFormat::MDYy => primitive(cells, from, values, validity, date::m_d_yy),
                DateFormat::Long => primitive(cells, from, values, validity, date::long),
            },
            Values::Timestamp(format, values) => match format {
                TimestampFormat::Civil => primitive(cells, from, values, validity, date::civil),
                TimestampFormat::Utc => primitive(cells, from, values, validity, date::utc),
            },
            Values::Bool(values) => {
                let mut bits = validity.writer(cells.len() - from);
                let mut each = Each(|cell: Cell<'_>| {
                    let Some(value) = truth(cell.bytes()) else { return false };
                    bits.push(!cell.is_empty());
                    values.push(value);
                    true
                });
                cells.visit(from, &mut each)
            }
            Values::Utf8(values) => {
                values.append(cells, from, validity);
                cells.len()
            }
            Values::Dictionary(values) => {
                values.append(cells, from, validity);
                cells.len()
            }
            Values::Inferred(values) => {
                values.append(cells, from, validity);
                cells.len()
            }
        };
        if reached < cells.len() { Err(reached) } else { Ok(()) }
    }

    /// Whether every cell fits. Such a column is never made shorter again.
    pub fn takes_all(&self) -> bool {
        matches!(self.values, Values::Utf8(_) | Values::Dictionary(_) | Values::Inferred(_))
    }

    /// Appends a null in the place of a cell that doesn't fit.
    pub fn push_null(&mut self) {
        self.validity.push(false);
        match &mut self.values {
            Values::Int64(values) | Values::SampledInt(values) | Values::Timestamp(_, values) => values.push(0),
            Values::Float64(values) | Values::SampledDecimal(values) => values.push(0.0),
            Values::Bool(values) => values.push(false),
            Values::Date(_, values) => values.push(0),
            Values::Utf8(_) | Values::Dictionary(_) | Values::Inferred(_) => unreachable!("takes every cell"),
        }
    }

    /// How many cells there are.
    pub fn len(&self) -> usize {
        self.validity.len()
    }

    /// Forgets all but the first `rows` cells of a column that doesn't take all.
    pub fn truncate(&mut self, rows: usize) {
        self.validity.truncate(rows);
        match &mut self.values {
            Values::Int64(values) | Values::SampledInt(values) | Values::Timestamp(_, values) => values.truncate(rows),
            Values::Float64(values) | Values::SampledDecimal(values) => values.truncate(rows),
            Values::Bool(values) => values.truncate(rows),
            Values::Date(_, values) => values.truncate(rows),
            Values::Utf8(_) | Values::Dictionary(_) | Values::Inferred(_) => unreachable!("takes every cell"),
        }
    }

    /// The type that inference needs for the cells so far.
    pub fn level(&self) -> Narrow {
        match &self.values {
            Values::Inferred(values) => values.level(),
            _ => Narrow::Empty,
        }
    }

    /// The finished column; one that was inferred becomes `level`, which is no narrower than its own.
    pub fn finish(self, level: Narrow) -> ArrayRef {
        let Self { validity, values } = self;
        match values {
            Values::Int64(values) | Values::SampledInt(values) => {
                Arc::new(Int64Array::new(buffer(values), validity.finish()))
            }
            Values::Float64(values) | Values::SampledDecimal(values) => {
                Arc::new(Float64Array::new(buffer(values), validity.finish()))
            }
            Values::Bool(values) => Arc::new(BooleanArray::new(values.finish(), validity.finish())),
            Values::Date(_, values) => Arc::new(Date32Array::new(buffer(values), validity.finish())),
            Values::Timestamp(format, values) => {
                let array = TimestampMicrosecondArray::new(buffer(values), validity.finish());
                match format {
                    TimestampFormat::Civil => Arc::new(array),
                    TimestampFormat::Utc => Arc::new(array.with_timezone("UTC")),
                }
            }
            Values::Utf8(values) => Arc::new(values.finish(validity.finish())),
            Values::Dictionary(values) => Arc::new(values.finish(validity.finish())),
            Values::Inferred(values) => values.finish(validity, level),
        }
    }
}

/// Appends cells that `parse` reads, until it doesn't; returns the row reached.
///
/// A function of its own for each `parse`: together they would have too few registers. And `parse` is to be a function,
/// so that it can be inlined into each of the loops over cells.
#[inline(never)]
pub(super) fn primitive<T: Copy + Default>(
    cells: &Cells<'_>,
    from: usize,
    values: &mut Vec<T>,
    validity: &mut Validity,
    parse: impl Fn(Cell<'_>) -> Option<T>,
) -> usize {
    let count = cells.len() - from;
    let before = values.len();
    validity.fill(count);
    values.reserve(count);
    let mut fill = Fill { out: values.as_mut_ptr(), index: before, validity, parse };
    let reached = cells.visit(from, &mut fill);
    // SAFETY: one value was written for each cell before the row reached.
    unsafe { values.set_len(before + reached - from) };
    validity.truncate(before + reached - from);
    reached
}

/// Values on their way to memory that has room for all of them.
struct Fill<'a, T, P> {
    out: *mut T,
    index: usize,
    validity: &'a mut Validity,
    parse: P,
}

impl<T: Copy + Default, P: Fn(Cell<'_>) -> Option<T>> Take for Fill<'_, T, P> {
    #[inline(always)]
    fn take(&mut self, cell: Cell<'_>) -> bool {
        let value = if cell.is_empty() {
            self.validity.clear(self.index);
            T::default()
        } else {
            match (self.parse)(cell) {
                Some(value) => value,
                None => return false,
            }
        };
        // SAFETY: whoever made this made room for one value a cell.
        unsafe { self.out.add(self.index).write(value) };
        self.index += 1;
        true
    }
}

/// The values as a buffer. Room that was made for a batch that ended early is given back.
pub(super) fn buffer<T: ArrowNativeType>(mut values: Vec<T>) -> ScalarBuffer<T> {
    if values.capacity() / 2 > values.len() {
        values.shrink_to_fit();
    }
    ScalarBuffer::from(values)
}

/// The truth of a cell; a null is kept as `false`.
fn truth(cell: &[u8]) -> Option<bool> {
    let is = |word: &str| cell.eq_ignore_ascii_case(word.as_bytes());
    if is("true") || is("yes") || is("1") {
        Some(true)
    } else if is("false") || is("no") || is("0") || cell.is_empty() {
        Some(false)
    } else {
        None
    }
}

impl Bits {
    #[inline(always)]
    fn push(&mut self, bit: bool) {
        let place = self.len % 64;
        if place == 0 {
            self.words.push(0);
        }
        let last = self.words.len() - 1;
        self.words[last] |= u64::from(bit) << place;
        self.len += 1;
    }

    fn get(&self, index: usize) -> bool {
        self.words[index / 64] >> (index % 64) & 1 == 1
    }

    fn truncate(&mut self, len: usize) {
        if len < self.len {
            self.len = len;
            self.words.truncate(len.div_ceil(64));
            self.trim();
        }
    }

    /// Clears what is behind the last bit.
    fn trim(&mut self) {
        if let Some(last) = self.words.last_mut().filter(|_| !self.len.is_multiple_of(64)) {
            *last &= (1 << (self.len % 64)) - 1;
        }
    }

    fn finish(self) -> BooleanBuffer {
        // Arrow's bits are little-endian bytes; words are that on every machine we build for.
        let words = self.words.into_iter().map(u64::to_le).collect::<Vec<_>>();
        BooleanBuffer::new(buffer(words).into_inner(), 0, self.len)
    }
}

impl Validity {
    /// Appends a cell.
    pub fn push(&mut self, valid: bool) {
        self.0.push(valid);
    }

    /// Appends so many cells that hold a value.
    fn fill(&mut self, count: usize) {
        let bits = &mut self.0;
        let place = bits.len % 64;
        if let Some(last) = bits.words.last_mut().filter(|_| place != 0) {
            *last |= u64::MAX << place;
        }
        bits.len += count;
        bits.words.resize(bits.len.div_ceil(64), u64::MAX);
        bits.trim();
    }

    /// Makes a cell null.
    #[inline(always)]
    fn clear(&mut self, index: usize) {
        self.0.words[index / 64] &= !(1 << (index % 64));
    }

    /// For many cells: at most `count`.
    #[inline(always)]
    pub fn writer(&mut self, count: usize) -> ValidityWriter<'_> {
        let bits = &mut self.0;
        bits.words.reserve(count / 64 + 1);
        let place = (bits.len % 64) as u32;
        let word = if place == 0 { 0 } else { bits.words.pop().unwrap_or_default() };
        ValidityWriter { bits, word, place }
    }

    /// How many cells there are.
    pub fn len(&self) -> usize {
        self.0.len
    }

    /// Whether the cell holds a value.
    pub fn get(&self, index: usize) -> bool {
        self.0.get(index)
    }

    fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }

    /// The nulls, if there are any.
    pub fn finish(self) -> Option<NullBuffer> {
        let valid = self.0.words.iter().map(|word| word.count_ones() as usize).sum::<usize>();
        (valid < self.0.len).then(|| NullBuffer::new(self.0.finish()))
    }
}

/// Collects a word of bits before it goes to memory.
pub(super) struct ValidityWriter<'a> {
    bits: &'a mut Bits,
    word: u64,
    place: u32,
}

impl ValidityWriter<'_> {
    /// Appends a cell.
    #[inline(always)]
    pub fn push(&mut self, valid: bool) {
        self.word |= u64::from(valid) << self.place;
        self.place += 1;
        if self.place == 64 {
            self.bits.words.push(self.word);
            (self.word, self.place) = (0, 0);
        }
    }
}

impl Drop for ValidityWriter<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.place > 0 {
            self.bits.words.push(self.word);
        }
        // The last word may be begun only.
        self.bits.len = self.bits.words.len() * 64 - if self.place > 0 { 64 - self.place as usize } else { 0 };
    }
}
