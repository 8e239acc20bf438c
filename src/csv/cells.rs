//! The cells of one column over a run of rows: where each begins and how long it is, without its quotes.
//!
//! A cell begins with a quote exactly when it is quoted, and ends with a carriage return exactly when one belongs to the
//! line end, so that two comparisons without a branch find its text.
//!
//! To the next editor: kernels load whole words that reach beyond a cell. That is sound because [`Rows::new`] proves
//! that every position lies within the text and that [`PAD`] bytes stand behind it; positions ascend because the scan
//! and the careful reading only ever append.

use std::{borrow::Cow, marker::PhantomData};

use super::scan::PAD;

/// A run of rows with the positions of their delimiters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows<'a> {
    text: &'a [u8],
    ends: &'a [u32],
    width: usize,
    rows: usize,
    doubled: &'a [bool],
    quoting: Quoting,
}

/// Which cells of a run are quoted, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Quoting {
    /// Every one: nothing must be looked at to know where its text is.
    All,
    /// Some, perhaps.
    #[default]
    Some,
    /// None.
    None,
}

/// One column of a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cells<'a> {
    rows: Rows<'a>,
    column: usize,
}

/// What is done with each cell. A trait and not a closure, because there is a loop for each [`Quoting`]: a closure with
/// three callers would be called for every cell, a method that is always inlined isn't.
pub(super) trait Take {
    /// Takes one; `false` if it doesn't.
    fn take(&mut self, cell: Cell<'_>) -> bool;
}

/// A closure where calls don't matter.
pub(super) struct Each<F>(pub F);

impl<F: FnMut(Cell<'_>) -> bool> Take for Each<F> {
    #[inline(always)]
    fn take(&mut self, cell: Cell<'_>) -> bool {
        (self.0)(cell)
    }
}

/// One cell, without its quotes, in a text that goes on for at least [`PAD`] bytes behind it.
#[derive(Clone, Copy)]
pub(super) struct Cell<'a> {
    start: *const u8,
    length: usize,
    text: PhantomData<&'a [u8]>,
}

impl<'a> Rows<'a> {
    /// Rows in `text`, which ends with at least [`PAD`] bytes that belong to no cell.
    ///
    /// For each cell `ends` has the position of the delimiter behind it; before the first stands that before the first
    /// cell. Each position is greater than the one before it, the first wrapping to the beginning of the text. `doubled`
    /// says for each column whether some cell may hold a doubled quote.
    pub fn new(text: &'a [u8], ends: &'a [u32], rows: usize, doubled: &'a [bool], quoting: Quoting) -> Self {
        let width = doubled.len();
        let ends = &ends[..=rows * width];
        assert!(rows == 0 || ends[rows * width] as usize + PAD <= text.len(), "padding behind the last cell");
        Self { text, ends, width, rows, doubled, quoting }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// One of the columns.
    pub fn column(self, column: usize) -> Cells<'a> {
        assert!(column < self.width, "a column of the row");
        Cells { rows: self, column }
    }

    /// Where the last of them ends.
    pub fn end(&self) -> usize {
        self.ends.last().map_or(0, |end| *end as usize)
    }

    /// The rows from `start` up to `end`.
    pub fn part(self, start: usize, end: usize) -> Self {
        let ends = &self.ends[start * self.width..=end * self.width];
        Self { ends, rows: end - start, ..self }
    }
}

impl<'a> Cells<'a> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.rows.rows
    }

    /// Whether some cell may hold a doubled quote.
    pub fn doubled(&self) -> bool {
        self.rows.doubled[self.column]
    }

    /// Bytes of all cells together, and of their neighbours in the rows: no cell is longer.
    pub fn span(&self) -> usize {
        let ends = self.rows.ends;
        ends[ends.len() - 1].wrapping_sub(ends[0]) as usize
    }

    /// Gives `taker` each cell from the row `from` on, until it says `false`; returns that row, or the number of rows.
    #[inline(always)]
    pub fn visit(&self, from: usize, taker: &mut impl Take) -> usize {
        let last = self.column + 1 == self.rows.width;
        match self.rows.quoting {
            // A carriage return may stand before a line feed only.
            Quoting::All if !last => self.walk(from, taker, |before, end| (before.wrapping_add(2), end - 1)),
            Quoting::None if !last => self.walk(from, taker, |before, end| (before.wrapping_add(1), end)),
            _ => {
                let text = self.rows.text;
                self.walk(from, taker, |before, end| {
                    let start = before.wrapping_add(1);
                    // Where no carriage return can be, the delimiter itself is looked at.
                    let line_end = end.saturating_sub(u32::from(last)) as usize;
                    // SAFETY: every position lies within the text.
                    let carriage = unsafe { u32::from(*text.get_unchecked(line_end) == b'\r') };
                    // SAFETY: as above.
                    let quote = unsafe { u32::from(*text.get_unchecked(start as usize) == b'"') };
                    (start + quote, end - quote - carriage)
                })
            }
        }
    }

    /// [`visit`](Self::visit) with the way to find the text of a cell between two delimiters.
    #[inline(always)]
    fn walk(&self, from: usize, taker: &mut impl Take, text: impl Fn(u32, u32) -> (u32, u32)) -> usize {
        let Rows { ends, width, rows, .. } = self.rows;
        let mut index = from * width + self.column;
        for row in from..rows {
            // SAFETY: the row is below `rows` and the column below `width`, and there are `rows * width + 1` positions.
            let (before, end) = unsafe { (*ends.get_unchecked(index), *ends.get_unchecked(index + 1)) };
            let (start, stop) = text(before, end);
            if !taker.take(self.cell(start as usize, (stop - start) as usize)) {
                return row;
            }
            index += width;
        }
        rows
    }

    #[inline(always)]
    fn cell(&self, start: usize, length: usize) -> Cell<'a> {
        debug_assert!(start + length + PAD <= self.rows.text.len());
        // SAFETY: cells lie between ascending positions, the last of which is `PAD` bytes before the end of the text.
        Cell { start: unsafe { self.rows.text.as_ptr().add(start) }, length, text: PhantomData }
    }

    /// The cell of one row as it stands.
    pub fn get(&self, row: usize) -> Cell<'a> {
        let Rows { ends, width, .. } = self.rows;
        let at = row * width + self.column;
        let (start, end) = (ends[at].wrapping_add(1) as usize, ends[at + 1] as usize);
        let whole = &self.rows.text[start..end];
        let whole = if self.column + 1 == width { whole.strip_suffix(b"\r").unwrap_or(whole) } else { whole };
        match whole {
            [b'"', inner @ .., b'"'] => self.cell(start + 1, inner.len()),
            bare => self.cell(start, bare.len()),
        }
    }

    /// The cell of one row as it was meant: doubled quotes are one again. Also says where it begins.
    pub fn value(&self, row: usize) -> (usize, Cow<'a, [u8]>) {
        let cell = self.get(row);
        let value = if self.doubled() { undouble(cell.bytes()) } else { Cow::Borrowed(cell.bytes()) };
        (cell.start as usize - self.rows.text.as_ptr() as usize, value)
    }
}

impl<'a> Cell<'a> {
    /// The first bytes of a text that has at least [`PAD`] more.
    #[cfg(test)]
    pub fn of(text: &'a [u8], length: usize) -> Self {
        assert!(text.len() >= length + PAD);
        Self { start: text.as_ptr(), length, text: PhantomData }
    }

    /// How long it is.
    #[inline(always)]
    pub fn len(self) -> usize {
        self.length
    }

    /// Whether it is a null.
    #[inline(always)]
    pub fn is_empty(self) -> bool {
        self.length == 0
    }

    /// Its bytes.
    #[inline(always)]
    pub fn bytes(self) -> &'a [u8] {
        // SAFETY: so it was made.
        unsafe { std::slice::from_raw_parts(self.start, self.length) }
    }

    /// The cell without its first byte.
    #[inline(always)]
    pub fn tail(self) -> Self {
        self.from(1)
    }

    /// The cell from the byte `at` on, which isn't behind its end.
    #[inline(always)]
    pub fn from(self, at: usize) -> Self {
        debug_assert!(at <= self.length);
        // SAFETY: still within the cell.
        Self { start: unsafe { self.start.add(at) }, length: self.length - at, text: PhantomData }
    }

    /// The first bytes of the cell, no more than it has.
    #[inline(always)]
    pub fn head(self, length: usize) -> Self {
        debug_assert!(length <= self.length);
        Self { length, ..self }
    }

    /// Its first byte, or what comes behind it when it is empty.
    #[inline(always)]
    pub fn first(self) -> u8 {
        // SAFETY: there are `PAD` bytes behind every cell.
        unsafe { *self.start }
    }

    /// Eight bytes from `at` on, at most eight bytes behind its end; the first in the lowest place. Those behind the end
    /// are of no meaning.
    #[inline(always)]
    pub fn word(self, at: usize) -> u64 {
        debug_assert!(at <= self.length + 8);
        // SAFETY: at most 16 bytes beyond the cell, and there are `PAD` of them.
        u64::from_le(unsafe { self.start.add(at).cast::<u64>().read_unaligned() })
    }

    /// Its first sixteen bytes in the same way.
    #[inline(always)]
    pub fn wide(self) -> u128 {
        // SAFETY: at most 16 bytes beyond the cell.
        u128::from_le(unsafe { self.start.cast::<u128>().read_unaligned() })
    }

    /// Copies it to `out`, 32 bytes at a time.
    ///
    /// # Safety
    /// There is room for its length and 32 more bytes.
    #[inline(always)]
    pub unsafe fn copy_to(self, out: *mut u8) {
        let mut at = 0;
        while at < self.length {
            // SAFETY: reads end at most 31 bytes behind the cell, writes at most 31 bytes behind its copy.
            unsafe { self.start.add(at).cast::<[u8; 32]>().copy_to_nonoverlapping(out.add(at).cast(), 1) };
            at += 32;
        }
    }
}

/// The cell with every doubled quote made one.
pub(super) fn undouble(cell: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = memchr::memchr(b'"', cell) else { return Cow::Borrowed(cell) };
    let mut text = Vec::with_capacity(cell.len());
    let mut from = 0;
    let mut quote = first;
    loop {
        // Quotes inside a cell come in pairs: the first of each pair is kept.
        text.extend_from_slice(&cell[from..=quote]);
        from = (quote + 2).min(cell.len());
        match memchr::memchr(b'"', &cell[from..]) {
            Some(step) => quote = from + step,
            None => break,
        }
    }
    text.extend_from_slice(&cell[from..]);
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::csv::scan::{BEFORE, scan};

    fn cells(text: &str, width: usize, column: usize) -> Vec<String> {
        let mut ends = vec![BEFORE];
        let mut doubled = Vec::new();
        let seen = scan(text.as_bytes(), &mut ends, &mut doubled);
        let rows = (ends.len() - 1) / width;
        let padded = [text.as_bytes(), &[0; PAD]].concat();
        let columns = vec![!doubled.is_empty(); width];
        let quoting = match seen.opens {
            0 => Quoting::None,
            opens if opens == ends.len() - 1 => Quoting::All,
            _ => Quoting::Some,
        };
        let cells = Rows::new(&padded, &ends, rows, &columns, quoting).column(column);
        (0..cells.len()).map(|row| String::from_utf8(cells.value(row).1.into_owned()).unwrap()).collect()
    }

    #[test]
    fn quotes_and_line_ends_are_no_part_of_a_cell() {
        let quoted = "\"a\",\"b\"\r\n\"\",\"\"\r\n";
        assert_eq!(cells(quoted, 2, 0), ["a", ""]);
        assert_eq!(cells(quoted, 2, 1), ["b", ""]);
        assert_eq!(cells("a,b\n,\n", 2, 1), ["b", ""]);
        assert_eq!(cells("\r\n\n\"\"\r\na\n", 1, 0), ["", "", "", "a"]);
        assert_eq!(cells("\na\n", 1, 0), ["", "a"]);
        assert_eq!(cells("a,\"b\"\r\n,\"\"\n1,\r\n", 2, 1), ["b", "", ""]);
        assert_eq!(cells("\"\"\"\"\n\"a\"\"\"\"b\"\n", 1, 0), ["\"", "a\"\"b"]);
    }

    #[test]
    fn a_copy_is_whole() {
        let text: Vec<u8> = (0..200).collect();
        for length in 0..130 {
            let mut copy = vec![0; length + 32];
            // SAFETY: there is room for 32 more bytes.
            unsafe { Cell::of(&text, length).copy_to(copy.as_mut_ptr()) };
            assert_eq!(copy[..length], text[..length]);
        }
    }
}
