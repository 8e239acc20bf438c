//! One record after the other, byte by byte: slow, and exact about what is wrong and where.
//!
//! Runs on the header, and on the windows in which `scan` saw that something is wrong.

use std::borrow::Cow;

use super::scan::BEFORE;

/// The reason when the encoding that was asked for doesn't have the bytes.
pub(super) const NOT_ENCODED: &str = "bytes that are not text in the encoding";

/// The end of an attempt to read one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Whole; the next one begins at `next`.
    Complete { next: usize },
    /// The text ends first.
    Incomplete,
    /// Broken at `at`, in the cell number `cell`.
    Broken { at: usize, cell: Option<usize>, reason: Cow<'static, str> },
}

/// Reads the record that begins at `start` and appends the ends of its cells to `ends`.
///
/// With `last` nothing comes after `text`, which then ends with a line feed (the input's own, or one put there).
pub(super) fn read(text: &[u8], start: usize, last: bool, ends: &mut Vec<u32>) -> Outcome {
    let mark = ends.len();
    let outcome = walk(text, start, last, ends);
    let stop = match &outcome {
        Outcome::Complete { next } => *next,
        Outcome::Broken { at, .. } => *at,
        Outcome::Incomplete => return outcome,
    };
    match std::str::from_utf8(&text[start..stop]) {
        Ok(_) => outcome,
        // A broken record may end in the middle of a character that is fine.
        Err(error) if error.error_len().is_none() && stop < text.len() && text[stop] & 0xC0 == 0x80 => outcome,
        Err(error) => {
            let at = start + error.valid_up_to();
            let cell = ends[mark..].iter().take_while(|&&end| (end as usize) < at).count();
            Outcome::Broken { at, cell: Some(cell), reason: Cow::Borrowed("bytes that are not UTF-8") }
        }
    }
}

fn walk(text: &[u8], start: usize, last: bool, ends: &mut Vec<u32>) -> Outcome {
    let mut at = start;
    let mut cell = 0;
    loop {
        let broken = |at, reason| Outcome::Broken { at, cell: Some(cell), reason: Cow::Borrowed(reason) };
        // One cell: from its first byte to the delimiter or line end behind it.
        if text.get(at) == Some(&b'"') {
            let open = at;
            at += 1;
            loop {
                match memchr::memchr2(b'"', 0, &text[at..]).map(|step| at + step) {
                    None if last => return broken(open, "a quote that is never closed"),
                    None => return Outcome::Incomplete,
                    Some(nul) if text[nul] == 0 => return broken(nul, "a NUL byte"),
                    Some(quote) if text.get(quote + 1) == Some(&b'"') => at = quote + 2,
                    Some(quote) => {
                        at = quote + 1;
                        break;
                    }
                }
            }
            match (text.get(at), text.get(at + 1)) {
                (None, _) | (Some(b'\r'), None) => return Outcome::Incomplete,
                (Some(b',' | b'\n'), _) => {}
                (Some(b'\r'), Some(b'\n')) => at += 1,
                (Some(b'\r'), Some(_)) => return broken(at, "a carriage return without a line feed"),
                (Some(0), _) => return broken(at, "a NUL byte"),
                (Some(_), _) => return broken(at, "text behind a closing quote"),
            }
        } else {
            loop {
                match (text.get(at), text.get(at + 1)) {
                    (None, _) | (Some(b'\r'), None) => return Outcome::Incomplete,
                    (Some(b',' | b'\n'), _) => break,
                    (Some(b'"'), _) => return broken(at, "a quote inside a cell that doesn't begin with one"),
                    (Some(b'\r'), Some(b'\n')) => {}
                    (Some(b'\r'), Some(_)) => return broken(at, "a carriage return without a line feed"),
                    (Some(0), _) => return broken(at, "a NUL byte"),
                    (Some(_), _) => {}
                }
                at += 1;
            }
        }
        ends.push(at as u32);
        cell += 1;
        at += 1;
        if text[at - 1] == b'\n' {
            return Outcome::Complete { next: at };
        }
    }
}

/// Says that a record has `found` cells instead of `expected`.
pub(super) fn ragged(expected: usize, found: usize, empty: bool) -> Cow<'static, str> {
    let cells = if expected == 1 { "cell" } else { "cells" };
    if empty {
        format!("an empty line where {expected} {cells} were expected").into()
    } else {
        format!("expected {expected} {cells}, found {found}").into()
    }
}

/// Rows that stand one behind the other without a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// Index of the run's first entry in the positions: the one *before* its first cell's end.
    pub first: usize,
    /// How many rows.
    pub rows: usize,
    /// Records of the window that stand before the run, broken ones included.
    pub before: usize,
}

/// The entry that stands before the end of the first cell of a record that begins at `start`.
pub(super) fn entry(start: usize) -> u32 {
    (start as u32).wrapping_add(BEFORE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends_of(text: &[u8]) -> (Outcome, Vec<u32>) {
        let mut ends = Vec::new();
        (read(text, 0, true, &mut ends), ends)
    }

    #[test]
    fn records_end_where_they_should() {
        let cases: [(&str, &[u32], usize); 9] = [
            ("a,b\nc", &[1, 3], 4),
            ("a,b\r\n", &[1, 4], 5),
            ("\"a\",\"b\"\r\n", &[3, 8], 9),
            ("\"a,\r\n\"\"\",b\n", &[8, 10], 11),
            ("\n", &[0], 1),
            (",\n", &[0, 1], 2),
            ("\"\"\n", &[2], 3),
            ("\"\"\"\"\n", &[4], 5),
            ("\u{e9},\u{1f600}\n", &[2, 7], 8),
        ];
        for (text, ends, next) in cases {
            assert_eq!(ends_of(text.as_bytes()), (Outcome::Complete { next }, ends.to_vec()), "{text:?}");
        }
    }

    #[test]
    fn faults_are_found_at_their_byte() {
        let cases: [(&[u8], usize, usize, &str); 11] = [
            (b"a,b\"c\n", 3, 1, "a quote inside"),
            (b"a, \"c\"\n", 3, 1, "a quote inside"),
            (b"\"a\"b\n", 3, 0, "text behind"),
            (b"\"a\" ,b\n", 3, 0, "text behind"),
            (b"a,\"b\n", 2, 1, "never closed"),
            (b"a\rb\n", 1, 0, "carriage return"),
            (b"\"a\"\rb\n", 3, 0, "carriage return"),
            (b"a,\0\n", 2, 1, "NUL"),
            (b"a,\"\0\"\n", 3, 1, "NUL"),
            (b"a,b\xff\n", 3, 1, "UTF-8"),
            (b"\xc3,b\"\n", 0, 0, "UTF-8"),
        ];
        for (text, expected, column, words) in cases {
            match ends_of(text).0 {
                Outcome::Broken { at, cell, reason } => {
                    assert_eq!((at, cell), (expected, Some(column)), "{text:?}");
                    assert!(reason.contains(words), "{reason}");
                }
                other => panic!("{text:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn more_may_come() {
        for text in ["a", "a,", "\"a", "\"a\"", "\"a\"\r", "a\r", ""] {
            assert_eq!(read(text.as_bytes(), 0, false, &mut Vec::new()), Outcome::Incomplete, "{text:?}");
        }
    }
}
