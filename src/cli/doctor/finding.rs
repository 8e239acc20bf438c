//! What was found, as text for people and as rows for programs.

use std::{fmt::Write, sync::Arc};

use arrow_array::{ArrayRef, RecordBatch, StringArray};

use crate::error::{Error, Result};

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// As it should be.
    Fine,
    /// Not needed, or not there to be looked at.
    Absent,
    /// It works, but may surprise.
    Odd,
    /// It doesn't work.
    Wrong,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::Fine => "ok",
            Self::Absent => "absent",
            Self::Odd => "odd",
            Self::Wrong => "wrong",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub(super) subject: &'static str,
    pub(super) state: State,
    pub(super) found: String,
    pub(super) advice: Option<String>,
    /// For the exit code.
    pub(super) error: Option<Error>,
}

impl Finding {
    pub(super) fn new(subject: &'static str, state: State, found: impl Into<String>) -> Self {
        Self { subject, state, found: found.into(), advice: None, error: None }
    }

    pub(super) fn fine(subject: &'static str, found: impl Into<String>) -> Self {
        Self::new(subject, State::Fine, found)
    }

    /// What an error says, its hint as advice.
    pub(super) fn wrong(subject: &'static str, error: Error) -> Self {
        let words = error.to_string();
        let (found, advice) = words.split_once("\nhint: ").map_or((&*words, None), |(found, hint)| (found, Some(hint)));
        let advice = advice.map(str::to_owned);
        Self { subject, state: State::Wrong, found: found.to_owned(), advice, error: Some(error) }
    }

    #[must_use]
    pub(super) fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }
}

/// A line for each finding, and below it what to do.
pub(super) fn text(findings: &[Finding]) -> String {
    let width = findings.iter().map(|finding| finding.subject.len()).max().unwrap_or(0);
    let mut text = String::new();
    for Finding { subject, state, found, advice, .. } in findings {
        let label = console::style(format!("{:6}", state.as_str()));
        let label = match state {
            State::Fine => label.green(),
            State::Absent => label.dim(),
            State::Odd => label.yellow(),
            State::Wrong => label.red().bold(),
        };
        for (n, line) in found.lines().enumerate() {
            let (label, subject) = if n == 0 { (label.to_string(), *subject) } else { (" ".repeat(6), "") };
            let _ = writeln!(text, "{label}  {subject:width$}  {line}");
        }
        if let Some(advice) = advice {
            let _ = writeln!(text, "{:8}{:width$}  to do: {advice}", "", "");
        }
    }
    text.truncate(text.trim_end().len());
    text
}

/// The columns `check`, `state`, `found` and `advice`.
pub(super) fn rows(findings: &[Finding]) -> Result<RecordBatch> {
    let texts = |values: Vec<Option<&str>>| -> ArrayRef { Arc::new(StringArray::from(values)) };
    let columns = [
        ("check", texts(findings.iter().map(|finding| Some(finding.subject)).collect())),
        ("state", texts(findings.iter().map(|finding| Some(finding.state.as_str())).collect())),
        ("found", texts(findings.iter().map(|finding| Some(&*finding.found)).collect())),
        ("advice", texts(findings.iter().map(|finding| finding.advice.as_deref()).collect())),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)))
        .map_err(|error| Error::config(format!("the columns don't fit together: {error}")))
}
