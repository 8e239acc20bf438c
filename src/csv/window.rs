//! A window of text: the rows that are whole in it, and the records that are broken.
//!
//! One structural scan settles a clean window. Only when it sees that a rule is broken is the window read again, record
//! by record, to say where, and in lenient reading to go on behind it.

use std::borrow::Cow;

use super::{
    cells::{Quoting, Rows},
    position::lines,
    record::{self, Outcome, Run, entry},
    scan::{self, BEFORE, PAD, Seen},
};

/// A window that was read; its memory serves the next one, too.
#[derive(Debug, Default)]
pub(super) struct Window {
    ends: Vec<u32>,
    runs: Vec<Run>,
    /// Where quotes are doubled, and for each column whether some cell may hold one.
    doubles: Vec<u32>,
    doubled: Vec<bool>,
    quoting: Quoting,
    /// Records that are broken, in order.
    pub broken: Vec<Broken>,
    /// Bytes that are settled: the next window begins behind them.
    pub consumed: usize,
    /// Line feeds in them.
    pub lines: u64,
    /// Records that are settled, the broken ones included.
    pub records: usize,
}

/// A record that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    /// Records of the window before it.
    pub before: usize,
    /// Line feeds of the window before `at`.
    pub lines: u64,
    /// Where the record begins, within the window.
    pub start: usize,
    /// The byte at fault, within the window.
    pub at: usize,
    /// The end of what the fault depends on, within the window.
    pub stop: usize,
    /// The cell at fault, when it is one.
    pub cell: Option<usize>,
    pub reason: Cow<'static, str>,
}

/// What there is to read, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Task<'a> {
    /// The text and at least [`PAD`] bytes behind it; it begins at the beginning of a record.
    pub padded: &'a [u8],
    /// The length of the text.
    pub length: usize,
    /// Nothing comes behind the text, and it ends with a line feed.
    pub last: bool,
    /// Cells that a record must have.
    pub width: usize,
    /// Goes on behind a broken record instead of stopping there.
    pub lenient: bool,
    /// Where the encoding was broken, by byte of the text, ascending.
    pub malformed: &'a [usize],
}

impl Window {
    /// Reads the text. Nothing consumed and nothing broken means that no record ends in it.
    pub fn read(&mut self, task: Task<'_>) {
        let text = &task.padded[..task.length];
        self.runs.clear();
        self.broken.clear();
        self.ends.clear();
        self.ends.push(BEFORE);
        self.doubles.clear();
        self.doubled.clear();
        let seen = scan::scan(text, &mut self.ends, &mut self.doubles);
        let begun = self.ends.last().map_or(0, |end| end.wrapping_add(1) as usize);
        let cells = self.ends.len() - 1 + usize::from(text.get(begun) == Some(&b'"'));
        self.quoting = match seen.opens {
            0 => Quoting::None,
            opens if opens == cells => Quoting::All,
            _ => Quoting::Some,
        };
        // What stands behind the last line feed belongs to the next window.
        while let Some(&end) = self.ends.last().filter(|end| **end != BEFORE)
            && text[end as usize] != b'\n'
        {
            self.ends.pop();
        }
        self.consumed = self.ends.last().map_or(0, |end| end.wrapping_add(1) as usize);
        if !self.settle(text, &task, &seen) {
            self.careful(text, &task);
        }
    }

    /// Takes the scan as it is, if everything is in order.
    fn settle(&mut self, window: &[u8], task: &Task<'_>, seen: &Seen) -> bool {
        let text = &window[..self.consumed];
        let cells = self.ends.len() - 1;
        let rows = cells / task.width;
        let clean = !(seen.broken || task.last && seen.inside)
            && cells.is_multiple_of(task.width)
            && seen.feeds == rows
            && self.ends.iter().skip(task.width).step_by(task.width).all(|&end| text[end as usize] == b'\n')
            && task.malformed.first().is_none_or(|&at| at >= self.consumed)
            && simdutf8::basic::from_utf8(text).is_ok();
        if !clean {
            return false;
        }
        self.mark_doubled(task.width, rows);
        self.lines = seen.lines as u64 - lines(&window[self.consumed..]);
        self.records = rows;
        if rows > 0 {
            self.runs.push(Run { first: 0, rows, before: 0 });
        }
        true
    }

    /// Finds the columns that hold doubled quotes.
    fn mark_doubled(&mut self, width: usize, rows: usize) {
        // Beyond one a row it is cheaper to look into every cell.
        self.doubled.resize(width, self.doubles.len() > rows);
        if self.doubles.len() <= rows {
            for &at in &self.doubles {
                let behind = self.ends[1..].partition_point(|&end| end < at);
                self.doubled[behind % width] = true;
            }
        }
    }

    /// Reads record by record.
    fn careful(&mut self, text: &[u8], task: &Task<'_>) {
        self.doubled.resize(task.width, true);
        self.quoting = Quoting::Some;
        self.ends.clear();
        self.records = 0;
        self.consumed = 0;
        let mut feeds = 0;
        let mut counted = 0;
        while self.consumed < text.len() {
            let start = self.consumed;
            let mark = self.ends.len();
            let adjoins = self.ends.last() == Some(&entry(start)) && mark > 0;
            if !adjoins {
                self.ends.push(entry(start));
            }
            let first = self.ends.len() - 1;
            let outcome = record::read(text, start, task.last, &mut self.ends);
            let whole = if let Outcome::Complete { next } = outcome { next } else { 0 };
            let outcome = self.judge(outcome, text, task, start, first);
            let (at, cell, reason) = match outcome {
                Outcome::Incomplete => {
                    self.ends.truncate(mark);
                    break;
                }
                Outcome::Complete { next } => {
                    match self.runs.last_mut().filter(|_| adjoins) {
                        Some(run) => run.rows += 1,
                        None => self.runs.push(Run { first, rows: 1, before: self.records }),
                    }
                    self.records += 1;
                    self.consumed = next;
                    continue;
                }
                Outcome::Broken { at, cell, reason } => (at, cell, reason),
            };
            self.ends.truncate(mark);
            let line = memchr::memchr(b'\n', &text[start..]);
            if task.lenient && line.is_none() {
                // The reading goes on with the next line, which isn't here yet.
                break;
            }
            feeds += lines(&text[counted..start]);
            counted = start;
            let lines = feeds + lines(&text[start..at]);
            self.broken.push(Broken { before: self.records, lines, start, at, stop: whole.max(at + 1), cell, reason });
            match line.filter(|_| task.lenient) {
                Some(step) => {
                    self.records += 1;
                    self.consumed = start + step + 1;
                }
                None => break,
            }
        }
        self.lines = lines(&text[..self.consumed]);
    }

    /// The rules that need more than the record's own bytes: its number of cells, and what its encoding was.
    fn judge(&self, outcome: Outcome, text: &[u8], task: &Task<'_>, start: usize, first: usize) -> Outcome {
        let stop = match outcome {
            Outcome::Complete { next } => next,
            Outcome::Broken { at, .. } => at,
            Outcome::Incomplete => return outcome,
        };
        let ends = &self.ends[first + 1..];
        let index = task.malformed.partition_point(|&at| at < start);
        if let Some(&at) = task.malformed.get(index).filter(|at| **at < stop) {
            let cell = Some(ends.iter().take_while(|&&end| (end as usize) < at).count());
            return Outcome::Broken { at, cell, reason: record::NOT_ENCODED.into() };
        }
        match outcome {
            Outcome::Complete { next } if ends.len() != task.width => {
                let empty = matches!(&text[start..next], b"\n" | b"\r\n");
                let reason = record::ragged(task.width, ends.len(), empty);
                Outcome::Broken { at: start, cell: None, reason }
            }
            outcome => outcome,
        }
    }

    /// Drops the first line: its record is longer than allowed. `false` if the line doesn't end in the text.
    pub fn drop_line(&mut self, text: &[u8], reason: Cow<'static, str>) -> bool {
        let Some(end) = memchr::memchr(b'\n', text) else { return false };
        self.runs.clear();
        self.broken = vec![Broken { before: 0, lines: 0, start: 0, at: 0, stop: end, cell: None, reason }];
        self.records = 1;
        self.lines = 1;
        self.consumed = end + 1;
        true
    }

    /// The runs of whole rows, each with the number of records before it in the window.
    pub fn runs<'a>(&'a self, padded: &'a [u8]) -> impl Iterator<Item = (usize, Rows<'a>)> {
        debug_assert!(padded.len() >= self.consumed + PAD);
        self.runs.iter().map(move |run| {
            let rows = Rows::new(padded, &self.ends[run.first..], run.rows, &self.doubled, self.quoting);
            (run.before, rows)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, width: usize, last: bool, lenient: bool) -> Window {
        let padded = [text.as_bytes(), &[0; PAD]].concat();
        let mut window = Window::default();
        window.read(Task { padded: &padded, length: text.len(), last, width, lenient, malformed: &[] });
        window
    }

    #[test]
    fn clean_windows_end_with_their_last_row() {
        let window = read("a,b\r\nc,d\r\ne,", 2, false, false);
        assert_eq!((window.consumed, window.records), (10, 2));
        assert_eq!(read("a,b", 2, false, false).consumed, 0);
        assert_eq!(read("\"a\n\",", 2, false, false).consumed, 0);
    }

    #[test]
    fn doubled_quotes_are_found_in_their_column() {
        let window = read("a,\"b\",\"c\"\"\"\n\"\",\"\"\"\",d\nx,y,z\n,\"\"", 3, false, false);
        assert_eq!((window.records, &*window.doubled), (3, &[false, true, true][..]));
    }

    #[test]
    fn lenient_reading_goes_on_with_the_next_line() {
        let window = read("a,b\nc\n\"d,e\nf,\"g\"\n\"h\"i,j\nk,l\n", 2, true, true);
        let broken: Vec<_> = window.broken.iter().map(|b| (b.before, b.lines, b.at)).collect();
        assert_eq!(broken, [(1, 1, 4), (2, 3, 14), (4, 4, 20)]);
        let runs: Vec<_> = window.runs.iter().map(|run| (run.before, run.rows)).collect();
        assert_eq!(runs, [(0, 1), (3, 1), (5, 1)]);
        assert_eq!((window.records, window.consumed), (6, 28));
    }

    #[test]
    fn strict_reading_stops_at_the_first_fault() {
        let window = read("a,b\nc\n\"d,e\n", 2, true, false);
        assert_eq!((window.broken.len(), window.records, window.consumed), (1, 1, 4));
        assert_eq!(window.broken[0].reason, "expected 2 cells, found 1");
    }
}
