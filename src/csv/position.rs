//! Where something is, and what is wrong there.

use std::borrow::Cow;

use super::schema::ColumnType;
use crate::error::{CsvFault, Error, Kind};

/// The longest excerpt of a cell or of the input in an error, in characters.
const EXCERPT: usize = 80;

/// A place between two records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Position {
    /// Records before it, the header not counted.
    pub record: u64,
    /// Line feeds before it, those inside cells included.
    pub line: u64,
    /// Bytes before it.
    pub byte: u64,
}

/// Something wrong with one record.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    /// The record, counted from 1; 0 is the header.
    pub record: u64,
    /// The physical line, counted from 1.
    pub line: u64,
    /// The byte, counted from 0.
    pub byte: u64,
    /// The column by index, when it is known.
    pub column: Option<usize>,
    pub what: What,
    /// The input around the place.
    pub snippet: String,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    /// The bytes aren't CSV.
    Damage(Cow<'static, str>),
    /// The cell isn't of the type.
    Misfit { value: String, expected: Expected },
    /// The record is longer than allowed.
    TooLong { allowed: u64, observed: u64 },
}

/// The type that a cell should have had.
#[derive(Clone, Copy, Debug)]
pub(super) enum Expected {
    /// It was given.
    Given(ColumnType),
    /// A sample had only such values.
    Sampled(&'static str),
}

impl Fault {
    /// What is wrong, in words.
    pub fn reason(&self) -> Cow<'static, str> {
        match &self.what {
            What::Damage(reason) => reason.clone(),
            What::Misfit { value, expected } => match expected {
                Expected::Given(kind) => format!("`{value}` is not a valid {kind}").into(),
                Expected::Sampled(kind) => format!("`{value}` is not a valid {kind}").into(),
            },
            What::TooLong { allowed, .. } => format!("the record is longer than {allowed} bytes").into(),
        }
    }

    /// The error for the caller; `names` are the columns'.
    pub fn into_error(self, names: &[String]) -> Error {
        let column = self.column.and_then(|index| names.get(index)).cloned();
        match self.what {
            What::Damage(reason) => Error::from(CsvFault {
                record: self.record,
                line: self.line,
                byte: self.byte,
                column,
                reason,
                snippet: self.snippet,
            }),
            What::Misfit { value, expected } => {
                let column = column.unwrap_or_default();
                let (expected, hint) = match expected {
                    Expected::Given(kind) => {
                        (kind.to_string(), format!("read the column as text: schema={{\"{column}\": \"text\"}}"))
                    }
                    Expected::Sampled(kind) => (
                        kind.to_owned(),
                        format!(
                            "the type was inferred from the beginning of the data; \
                             say what it is: schema={{\"{column}\": \"text\"}}"
                        ),
                    ),
                };
                Error::new(Kind::SchemaMismatch { column, record: self.record, value, expected }).hint(hint)
            }
            What::TooLong { allowed, observed } => {
                Error::new(Kind::LimitExceeded { limit: "record_bytes", allowed, observed })
            }
        }
    }
}

/// How many line feeds there are in `bytes`.
pub(super) fn lines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

/// The text around `at`, from the beginning of its record to where it was looked at: up to half of an excerpt before
/// it, the rest behind. It holds no byte that the fault doesn't depend on, so it is the same however the text came.
pub(super) fn snippet(text: &[u8], record: usize, at: usize, stop: usize) -> String {
    // Not into the middle of a character.
    let start = record.max(at.saturating_sub(EXCERPT / 2));
    let start = (start..at).find(|&i| text[i] & 0xC0 != 0x80).unwrap_or(at);
    excerpt(&text[start..stop.min(text.len())])
}

/// The beginning of `bytes` as one line of at most 80 characters.
pub(super) fn excerpt(bytes: &[u8]) -> String {
    let head = &bytes[..bytes.len().min(4 * EXCERPT)];
    let mut text = String::new();
    let mut characters = 0;
    for character in String::from_utf8_lossy(head).chars() {
        let shown = if character.is_control() { character.escape_default().to_string() } else { character.to_string() };
        let width = shown.chars().count();
        if characters + width > EXCERPT {
            break;
        }
        characters += width;
        text.push_str(&shown);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpts_are_one_short_line() {
        let cases: [(&[u8], &str); 4] = [
            (b"a\r\nb\0", "a\\r\\nb\\u{0}"),
            ("\u{e9}\u{1f600}".as_bytes(), "\u{e9}\u{1f600}"),
            (b"\xff", "\u{fffd}"),
            (b"", ""),
        ];
        for (bytes, expected) in cases {
            assert_eq!(excerpt(bytes), expected);
        }
        assert_eq!(excerpt(&[b'x'; 1000]).len(), 80);
        assert!(excerpt("\u{e9}".repeat(500).as_bytes()).chars().all(|c| c == '\u{e9}'));
    }

    #[test]
    fn snippets_surround_the_place() {
        let text = "0123456789".repeat(20);
        assert_eq!(snippet(text.as_bytes(), 0, 100, 200), text[60..140]);
        assert_eq!(snippet(text.as_bytes(), 0, 3, 200), text[..80]);
        assert_eq!(snippet(text.as_bytes(), 0, 199, 200), text[159..]);
        assert_eq!(snippet(text.as_bytes(), 95, 100, 102), text[95..102]);
        assert_eq!(snippet("\u{e9}\u{e9}".repeat(30).as_bytes(), 0, 61, 99).chars().next(), Some('\u{e9}'));
        assert_eq!(snippet(b"", 0, 0, 1), "");
    }
}
