//! Damage done on purpose: one clean report, polluted in one place at a time, thousands of ways.
//!
//! Whatever strict reading accepts must be the clean report. Pollution that makes other CSV just as well formed (a
//! digit changed, a line break put inside quotes) is no part of this: nobody can see it.

use std::collections::HashMap;

use super::{decoded, rows, text};
use crate::csv::Options;

const ROWS: usize = 24;

/// A report as the service writes it: every cell quoted, CRLF, quotes doubled.
fn clean() -> Vec<Vec<String>> {
    let header = ["Queue", "Date", "Channel", "Agent", "Offered Contacts", "Average Handle Time", "Notes"];
    let notes = ["", "ok", "said \"call me\"", "a, b", "first\r\nsecond", "Rückfrage", "\"", "x \"y\", z"];
    let mut table = vec![header.map(str::to_owned).to_vec()];
    for row in 0..ROWS {
        table.push(vec![
            ["Billing", "Sales, EN", "Support"][row % 3].to_owned(),
            format!("05/{:02}/2024", row % 28 + 1),
            ["Call", "Chat"][row % 2].to_owned(),
            if row % 5 == 0 { String::new() } else { format!("Agent {row}") },
            (row * 7).to_string(),
            format!("{}.{:02}", row * 11, row),
            notes[row % notes.len()].to_owned(),
        ]);
    }
    table
}

fn quoted(cell: &str) -> String {
    format!("\"{}\"", cell.replace('"', "\"\""))
}

fn line(cells: &[String]) -> String {
    cells.iter().map(|cell| quoted(cell)).collect::<Vec<_>>().join(",") + "\r\n"
}

/// Every polluted file with the name of its pollution.
fn polluted(table: &[Vec<String>]) -> Vec<(String, Vec<u8>)> {
    let lines: Vec<String> = table.iter().map(|cells| line(cells)).collect();
    let whole = lines.concat();
    let mut files = Vec::new();
    let mut add = |name: &str, row: usize, changed: &[u8]| {
        let before = lines[..row].concat();
        let after = lines[row + 1..].concat();
        files.push((name.to_owned(), [before.as_bytes(), changed, after.as_bytes()].concat()));
    };
    for (row, cells) in table.iter().enumerate().skip(1) {
        let good = &lines[row];
        let end = good.len() - 2;
        // Between the cells: where each delimiter stands.
        let mut at = 0;
        let mut bounds = Vec::new();
        for cell in cells {
            let length = quoted(cell).len();
            bounds.push((at, at + length));
            at += length + 1;
        }
        for &(start, stop) in &bounds {
            let mut change = |name: &str, from: usize, to: usize, with: &[u8]| {
                add(name, row, &[&good.as_bytes()[..from], with, &good.as_bytes()[to..]].concat());
            };
            if stop < end {
                for (name, with) in [
                    ("semicolon", ";"),
                    ("tab", "\t"),
                    ("no delimiter", ""),
                    ("two delimiters", ",,"),
                    ("space before", " ,"),
                    ("space behind", ", "),
                    ("line feed for a delimiter", "\n"),
                    ("line end for a delimiter", "\r\n"),
                    ("line end behind a delimiter", ",\r\n"),
                    ("pipe", "|"),
                ] {
                    change(name, stop, stop + 1, with.as_bytes());
                }
            }
            change("no opening quote", start, start + 1, b"");
            change("no closing quote", stop - 1, stop, b"");
            change("opening quote doubled", start, start, b"\"");
            change("closing quote doubled", stop, stop, b"\"");
            change("apostrophe opens", start, start + 1, b"'");
            change("curly quotes", start, start + 1, "\u{201c}".as_bytes());
            if stop - start > 3 {
                change("a quote within", start + 2, start + 2, b"\"");
                change("an escaped quote within", start + 2, start + 2, b"\\\"");
                change("NUL within", start + 2, start + 2, b"\0");
                change("a bad byte within", start + 2, start + 2, b"\xff");
                change("Latin-1 within", start + 2, start + 2, b"\xe9 ");
            }
            if stop < end {
                change("cell left out", start, stop + 1, b"");
            } else {
                change("cell left out", start - 1, stop, b"");
            }
            change("cell twice", start, start, b"\"again\",");
            change("cut behind the cell", stop, end, b"");
            change("cut within the cell", start + 1, end, b"");
        }
        let mut change = |name: &str, changed: String| add(name, row, changed.as_bytes());
        change("no line end", good[..end].to_owned());
        change("comma at the end", format!("{},\r\n", &good[..end]));
        change("carriage return only", format!("{}\r", &good[..end]));
        change("two carriage returns", format!("{}\r\r\n", &good[..end]));
        change("an empty line before", format!("\r\n{good}"));
        change("a line of spaces before", format!("   \r\n{good}"));
        change("a comment before", format!("# exported\r\n{good}"));
        change("a footer line", format!("{good}\"Total\",\"12\"\r\n"));
        change("a byte order mark before", format!("\u{feff}{good}"));
        change("separators only", format!("{}\r\n", ",".repeat(cells.len())));
        change("HTML", "<html><body class=\"error\">502</body></html>\r\n".to_owned());
        let wide: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
        add("UTF-16 row", row, &wide);
    }
    for (from, to) in
        [("\",\"", "\";\""), ("\",\"", "\"\t\""), ("\"\"", "\\\""), ("\r\n", "\r"), ("\"", "'"), ("\",\"", "\", \"")]
    {
        files.push((format!("every {from:?} is {to:?}"), whole.replace(from, to).into_bytes()));
    }
    files
}

fn as_rows(table: &[Vec<String>]) -> Vec<Vec<Option<String>>> {
    table.iter().skip(1).map(|row| row.iter().map(|cell| (!cell.is_empty()).then(|| cell.clone())).collect()).collect()
}

#[test]
fn strict_reading_accepts_no_damage_in_silence() {
    let table = clean();
    let truth = as_rows(&table);
    assert_eq!(rows(&decoded(table.iter().map(|cells| line(cells)).collect::<String>(), &text()).unwrap()), truth);
    let files = polluted(&table);
    assert!(files.len() > 2300, "{} files", files.len());
    for (name, bytes) in &files {
        if let Ok(decoded) = decoded(bytes, &text()) {
            assert_eq!(rows(&decoded), truth, "{name}: {}", String::from_utf8_lossy(bytes));
        }
    }
}

#[test]
fn lenient_reading_saves_what_is_whole() {
    let table = clean();
    let truth = as_rows(&table);
    let (mut kept, mut wanted, mut strange) = (0, 0, 0);
    for (_, bytes) in polluted(&table) {
        let Ok(decoded) = decoded(&bytes, &Options { lenient: true, ..text() }) else { continue };
        let mut left: HashMap<_, usize> = HashMap::new();
        truth.iter().for_each(|row| *left.entry(row).or_default() += 1);
        wanted += truth.len();
        for row in rows(&decoded) {
            match left.get_mut(&row) {
                Some(count) if *count > 0 => {
                    *count -= 1;
                    kept += 1;
                }
                _ => strange += 1,
            }
        }
    }
    // Most files have one row of 24 damaged, and that row can't be whole.
    let score = f64::from(kept) / wanted as f64;
    assert!(score > 0.95, "{score}");
    // Rows that nobody wrote: pieces of damaged ones that happen to look like rows.
    assert!(f64::from(strange) / (wanted as f64) < 0.001, "{strange} of {wanted}");
}
