//! The cells of one column over a run of rows: where each begins and how long it is, without its quotes.
//!
//! What a whole window has in common (every cell quoted, one kind of line end) is decided once here, so that the loops
//! over its cells don't ask each of them.

use std::borrow::Cow;

use super::scan::PAD;

/// A run of rows with the positions of their delimiters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows<'a> {
    /// The window's text, and at least [`PAD`] bytes behind it that are read but never count.
    pub text: &'a [u8],
    /// For each cell the position of the delimiter behind it; before the first stands that before the first cell.
    pub ends: &'a [u32],
    /// Cells of a row.
    pub width: usize,
    pub rows: usize,
    pub quoting: Quoting,
    pub line_end: LineEnd,
    /// Some cell may hold a doubled quote.
    pub doubled: bool,
}

/// Which cells are quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quoting {
    All,
    None,
    Mixed,
}

/// How the rows end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineEnd {
    Lf,
    CrLf,
    Mixed,
}

/// One column of a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cells<'a> {
    rows: Rows<'a>,
    column: usize,
}

impl<'a> Rows<'a> {
    /// One of the columns.
    pub fn column(self, column: usize) -> Cells<'a> {
        debug_assert!(column < self.width && self.ends.len() > self.rows * self.width);
        debug_assert!(self.rows == 0 || self.text.len() >= self.ends[self.rows * self.width] as usize + PAD);
        Cells { rows: self, column }
    }

    /// The rows from `start` up to `end`.
    pub fn part(self, start: usize, end: usize) -> Self {
        Self { ends: &self.ends[start * self.width..], rows: end - start, ..self }
    }
}

impl<'a> Cells<'a> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.rows.rows
    }

    /// The text that the positions mean, with its padding.
    pub fn text(&self) -> &'a [u8] {
        self.rows.text
    }

    /// Whether some cell may hold a doubled quote.
    pub fn doubled(&self) -> bool {
        self.rows.doubled
    }

    /// Calls `take(start, length)` for each cell from the row `from` on, until one call says `false`; returns that row,
    /// or the number of rows.
    #[inline(always)]
    pub fn visit(&self, from: usize, mut take: impl FnMut(usize, usize) -> bool) -> usize {
        let last = self.column + 1 == self.rows.width;
        let tail = usize::from(last && self.rows.line_end == LineEnd::CrLf);
        if last && self.rows.line_end == LineEnd::Mixed {
            return self.each(from, |start, end| {
                let (start, length) = self.trimmed(start, end, true);
                take(start, length)
            });
        }
        match self.rows.quoting {
            Quoting::All => self.each(from, |start, end| take(start + 1, end - start - 2 - tail)),
            Quoting::None => self.each(from, |start, end| take(start, end - start - tail)),
            Quoting::Mixed => self.each(from, |start, end| {
                let (start, length) = self.trimmed(start, end - tail, false);
                take(start, length)
            }),
        }
    }

    /// Calls `take(start, end)` for each cell with its quotes and its carriage return.
    #[inline(always)]
    fn each(&self, from: usize, mut take: impl FnMut(usize, usize) -> bool) -> usize {
        let width = self.rows.width;
        for row in from..self.rows.rows {
            let index = row * width + self.column;
            let start = self.rows.ends[index].wrapping_add(1) as usize;
            let end = self.rows.ends[index + 1] as usize;
            if !take(start, end) {
                return row;
            }
        }
        self.rows.rows
    }

    /// Start and length of a cell without its quotes and, if `carriage`, without the carriage return behind it.
    #[inline(always)]
    fn trimmed(&self, start: usize, mut end: usize, carriage: bool) -> (usize, usize) {
        let text = self.rows.text;
        if carriage && end > start && text[end - 1] == b'\r' {
            end -= 1;
        }
        if end > start && text[start] == b'"' { (start + 1, end - start - 2) } else { (start, end - start) }
    }

    /// The cell of one row as it was meant: doubled quotes are one again. Also says where it begins.
    pub fn value(&self, row: usize) -> (usize, Cow<'a, [u8]>) {
        let mut place = (0, 0);
        self.visit(row, |start, length| {
            place = (start, length);
            false
        });
        let (start, length) = place;
        let cell = &self.rows.text[start..start + length];
        (start, if self.doubled() { undouble(cell) } else { Cow::Borrowed(cell) })
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

    fn cells(text: &str, width: usize, quoting: Quoting, line_end: LineEnd, column: usize) -> Vec<String> {
        let mut ends = vec![BEFORE];
        let doubled = scan(text.as_bytes(), &mut ends).doubled;
        let rows = (ends.len() - 1) / width;
        let padded = [text.as_bytes(), &[0; PAD]].concat();
        let rows = Rows { text: &padded, ends: &ends, width, rows, quoting, line_end, doubled };
        let cells = rows.column(column);
        (0..cells.len()).map(|row| String::from_utf8(cells.value(row).1.into_owned()).unwrap()).collect()
    }

    #[test]
    fn quotes_and_line_ends_are_no_part_of_a_cell() {
        use LineEnd::{CrLf, Lf, Mixed as Any};
        use Quoting::{All, Mixed, None};
        let quoted = "\"a\",\"b\"\r\n\"\",\"\"\r\n";
        assert_eq!(cells(quoted, 2, All, CrLf, 0), ["a", ""]);
        assert_eq!(cells(quoted, 2, All, CrLf, 1), ["b", ""]);
        assert_eq!(cells(quoted, 2, Mixed, CrLf, 1), ["b", ""]);
        assert_eq!(cells(quoted, 2, Mixed, Any, 1), ["b", ""]);
        assert_eq!(cells("a,b\n,\n", 2, None, Lf, 1), ["b", ""]);
        assert_eq!(cells("a,\"b\"\r\n,\"\"\n1,\r\n", 2, Mixed, Any, 1), ["b", "", ""]);
        assert_eq!(cells("\"\"\"\"\n\"a\"\"\"\"b\"\n", 1, All, Lf, 0), ["\"", "a\"\"b"]);
    }
}
