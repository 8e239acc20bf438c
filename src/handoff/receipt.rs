//! What an export did, to be printed, logged or kept beside the file.

use std::fmt;

use serde::Serialize;

/// The account of one export.
///
/// `Display` gives four to eight short lines; serialised, it is one flat JSON object.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Receipt {
    /// The report, as the caller named it.
    pub report: String,
    /// The workspace it was exported from; `None` for data that came from a file.
    pub workspace: Option<String>,
    /// First and last day of every window, both inclusive, as ISO dates, in order; empty when none was asked for.
    pub windows: Vec<(String, String)>,
    /// Windows of a dataset that were done before and not fetched again.
    pub skipped: Vec<(String, String)>,
    /// Rows that were decoded; 0 when the bytes were kept as they came.
    pub rows: u64,
    /// Bytes of CSV, inflated.
    pub bytes: u64,
    /// How often the result was asked for before it was there.
    pub polls: u64,
    /// Requests that were sent again after a failure.
    pub retries: u64,
    /// Temporary tokens fetched on the way.
    pub token_refreshes: u64,
    /// Seconds spent in each phase, in the order in which they began.
    pub seconds: Vec<(String, f64)>,
    /// [`fingerprint`](super::table::fingerprint) of the schema; `None` when nothing was decoded.
    pub schema_fingerprint: Option<String>,
    /// What the caller should know although it is no error.
    pub warnings: Vec<String>,
}

/// Warnings that are printed in full; the others are counted.
const WARNINGS: usize = 3;

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "report    {}", self.report)?;
        if let Some(workspace) = &self.workspace {
            write!(f, " in workspace {workspace}")?;
        }
        match self.windows.as_slice() {
            [] => {}
            [(first, last)] => write!(f, "\nwindow    {first} to {last}")?,
            [(first, _), .., (_, last)] => {
                write!(f, "\nwindows   {}, {first} to {last}", grouped(self.windows.len() as u64))?;
            }
        }
        match self.skipped.as_slice() {
            [] => {}
            [(first, last)] => write!(f, "\nskipped   {first} to {last}, done before")?,
            [(first, _), .., (_, last)] => {
                write!(f, "\nskipped   {}, {first} to {last}, done before", grouped(self.skipped.len() as u64))?;
            }
        }
        write!(f, "\nresult    {}, {}", counted(self.rows, "row"), size(self.bytes))?;
        if let Some(fingerprint) = &self.schema_fingerprint {
            write!(f, ", schema {fingerprint}")?;
        }
        write!(
            f,
            "\nrequests  {}, {}, {}",
            counted(self.polls, "poll"),
            match self.retries {
                1 => "1 retry".to_owned(),
                retries => format!("{} retries", grouped(retries)),
            },
            counted(self.token_refreshes, "token refresh"),
        )?;
        write!(f, "\nseconds   {:.2}", self.seconds.iter().map(|(_, seconds)| seconds).sum::<f64>())?;
        for (n, (phase, seconds)) in self.seconds.iter().enumerate() {
            write!(f, "{}{phase} {seconds:.2}", if n == 0 { ": " } else { ", " })?;
        }
        for warning in self.warnings.iter().take(WARNINGS) {
            write!(f, "\nwarning   {warning}")?;
        }
        match self.warnings.len().saturating_sub(WARNINGS) {
            0 => Ok(()),
            more => write!(f, " (and {more} more)"),
        }
    }
}

pub(crate) fn counted(count: u64, noun: &str) -> String {
    let ending = match (count, noun.ends_with("sh")) {
        (1, _) => "",
        (_, true) => "es",
        (_, false) => "s",
    };
    format!("{} {noun}{ending}", grouped(count))
}

pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return counted(bytes, "byte");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// `1234567` as `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipt() -> Receipt {
        Receipt {
            report: "3035643".into(),
            workspace: Some("a".repeat(32)),
            windows: vec![("2023-12-01".into(), "2023-12-30".into())],
            skipped: vec![],
            rows: 100_000,
            bytes: 12_345_678,
            polls: 3,
            retries: 1,
            token_refreshes: 0,
            seconds: vec![("execute".into(), 0.1), ("poll".into(), 1.25), ("download".into(), 0.5)],
            schema_fingerprint: Some("0123456789abcdef".into()),
            warnings: vec![],
        }
    }

    #[test]
    fn a_receipt_reads_in_a_few_lines() {
        insta::assert_snapshot!(receipt(), @"
        report    3035643 in workspace aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
        window    2023-12-01 to 2023-12-30
        result    100,000 rows, 11.8 MiB, schema 0123456789abcdef
        requests  3 polls, 1 retry, 0 token refreshes
        seconds   1.85: execute 0.10, poll 1.25, download 0.50
        ");
    }

    #[test]
    fn the_shortest_has_four_lines_and_the_longest_eight() {
        assert_eq!(Receipt::default().to_string().lines().count(), 4);
        let warnings = (1..=9).map(|n| format!("number {n}")).collect();
        let windows = (1..=9).map(|day| (format!("2024-01-0{day}"), format!("2024-01-0{day}"))).collect();
        let text = Receipt { warnings, windows, ..receipt() }.to_string();
        assert_eq!(text.lines().count(), 8);
        assert!(text.contains("windows   9, 2024-01-01 to 2024-01-09"), "{text}");
        assert!(text.ends_with("warning   number 3 (and 6 more)"), "{text}");
    }

    #[test]
    fn numbers_are_grouped_and_sizes_have_units() {
        let cases = [(0, "0"), (999, "999"), (1000, "1,000"), (123_456, "123,456"), (1_234_567, "1,234,567")];
        for (number, text) in cases {
            assert_eq!(grouped(number), text);
        }
        let cases =
            [(1, "1 byte"), (1023, "1,023 bytes"), (1024, "1.0 KiB"), (1 << 20, "1.0 MiB"), (3 << 40, "3.0 TiB")];
        for (bytes, text) in cases {
            assert_eq!(size(bytes), text);
        }
        assert_eq!(size((1 << 20) - 1), "1.0 MiB");
    }

    #[test]
    fn as_json_it_is_one_flat_object() {
        let json = serde_json::to_value(receipt()).unwrap();
        assert_eq!(json["rows"], 100_000);
        assert_eq!(json["seconds"][0], serde_json::json!(["execute", 0.1]));
        assert_eq!(json["windows"][0], serde_json::json!(["2023-12-01", "2023-12-30"]));
    }
}
