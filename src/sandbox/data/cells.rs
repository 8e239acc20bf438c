//! CSV as the raw export writes it: every cell quoted, CRLF after every row, the last one too.

use super::{labels::Label, model::Model};
use crate::sandbox::options::{NullCell, Options, QuoteEscape};

/// How cells are written where that isn't established.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    null: &'static [u8],
    escape: u8,
}

impl Style {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            null: if options.null_cell == NullCell::Bare { b"" } else { b"\"\"" },
            escape: if options.quote_escape == QuoteEscape::Backslash { b'\\' } else { b'"' },
        }
    }

    /// Appends the cell of a text.
    pub(crate) fn quote(self, text: &[u8], out: &mut Vec<u8>) {
        out.push(b'"');
        let mut rest = text;
        while let Some(at) = memchr::memchr(b'"', rest) {
            out.extend_from_slice(&rest[..at]);
            out.extend_from_slice(&[self.escape, b'"']);
            rest = &rest[at + 1..];
        }
        out.extend_from_slice(rest);
        out.push(b'"');
    }
}

/// Rows being written, straight into a buffer.
#[derive(Debug)]
pub(crate) struct Cells {
    pub(crate) out: Vec<u8>,
    style: Style,
    column: usize,
    /// Sums of the counts by column, where a row of totals is wanted.
    totals: Option<Vec<u64>>,
    scratch: Vec<u8>,
}

impl Cells {
    pub(crate) fn new(style: Style, with_totals: bool) -> Self {
        Self { out: Vec::new(), style, column: 0, totals: with_totals.then(Vec::new), scratch: Vec::new() }
    }

    /// The next cell, as it stands in the output.
    pub(crate) fn raw(&mut self, cell: &[u8]) {
        if self.column > 0 {
            self.out.push(b',');
        }
        self.column += 1;
        self.out.extend_from_slice(cell);
    }

    /// The next cell: a text.
    pub(crate) fn text(&mut self, text: &str) {
        self.raw(b"");
        self.style.quote(text.as_bytes(), &mut self.out);
    }

    /// The next cell: what a label calls an element, or nothing.
    pub(crate) fn label(&mut self, model: &Model, label: Label, element: Option<u64>) {
        let Some(element) = element else { return self.null() };
        self.raw(b"");
        self.scratch.clear();
        model.title(label, element, &mut self.scratch);
        self.style.quote(&self.scratch, &mut self.out);
    }

    /// The next cell: the same from a table.
    pub(crate) fn ready(&mut self, model: &Model, table: &Ready, element: Option<u64>) {
        match element.and_then(|element| table.cells.get(element as usize)) {
            Some(cell) => self.raw(cell),
            None => self.label(model, table.label, element),
        }
    }

    /// The next cell: empty.
    pub(crate) fn null(&mut self) {
        self.raw(self.style.null);
    }

    /// The next cell: a count, which has no decimals.
    pub(crate) fn count(&mut self, count: u64) {
        if let Some(totals) = &mut self.totals {
            totals.resize(totals.len().max(self.column + 1), 0);
            totals[self.column] += count;
        }
        self.raw(b"\"");
        digits(count, 1, &mut self.out);
        self.out.push(b'"');
    }

    /// The next cell: a number of this many decimals, given without its point.
    pub(crate) fn fixed(&mut self, scaled: u64, decimals: usize) {
        self.raw(b"\"");
        digits(scaled, decimals + 1, &mut self.out);
        let point = self.out.len() - decimals;
        self.out.insert(point, b'.');
        self.out.push(b'"');
    }

    /// The next cell: seconds in hundredths, or nothing.
    pub(crate) fn seconds(&mut self, hundredths: Option<u64>) {
        match hundredths {
            Some(hundredths) => self.fixed(hundredths, 2),
            None => self.null(),
        }
    }

    /// Ends the row.
    pub(crate) fn end_row(&mut self) {
        self.out.extend_from_slice(b"\r\n");
        self.column = 0;
    }

    /// The row of totals, if it is wanted: sums of the counts, the other cells empty.
    pub(crate) fn totals_row(&mut self, columns: usize) {
        let Some(totals) = self.totals.take() else { return };
        self.text("Total");
        for column in 1..columns {
            match totals.get(column) {
                Some(sum) if *sum > 0 => self.count(*sum),
                _ => self.null(),
            }
        }
        self.end_row();
    }
}

/// Appends a number, with leading zeros up to a width of at most 20.
pub(super) fn digits(mut number: u64, width: usize, out: &mut Vec<u8>) {
    let mut digits = [b'0'; 20];
    let mut at = digits.len();
    while number > 0 {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    out.extend_from_slice(&digits[at.min(digits.len() - width)..]);
}

/// The cells of a label's elements, made once; of very many elements, the first ones.
#[derive(Debug)]
pub(crate) struct Ready {
    label: Label,
    cells: Vec<Box<[u8]>>,
}

impl Ready {
    pub(crate) fn new(model: &Model, label: Label, style: Style) -> Self {
        let cell = |element| {
            let (mut title, mut cell) = (Vec::new(), Vec::new());
            model.title(label, element, &mut title);
            style.quote(&title, &mut cell);
            cell.into_boxed_slice()
        };
        Self { label, cells: (0..model.count(label.domain()).min(4096)).map(cell).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(options: &Options) -> String {
        let mut cells = Cells::new(Style::new(options), false);
        cells.text("a \"b\", c\r\nd");
        cells.null();
        cells.count(0);
        cells.count(1060);
        cells.fixed(1100, 2);
        cells.fixed(7, 4);
        cells.end_row();
        String::from_utf8(cells.out).unwrap()
    }

    #[test]
    fn cells_are_written_as_recorded() {
        assert_eq!(row(&Options::default()), "\"a \"\"b\"\", c\r\nd\",\"\",\"0\",\"1060\",\"11.00\",\"0.0007\"\r\n");
    }

    #[test]
    fn switches_change_empty_cells_and_quotes() {
        let options = Options { null_cell: NullCell::Bare, quote_escape: QuoteEscape::Backslash, ..Options::default() };
        assert_eq!(row(&options), "\"a \\\"b\\\", c\r\nd\",,\"0\",\"1060\",\"11.00\",\"0.0007\"\r\n");
    }
}
