//! What a request asks for: its parameters, and everything that is wrong with them at once.

use std::{borrow::Cow, str::FromStr};

use jiff::civil::Date;
use serde::Serialize;

use crate::{
    error::{Error, Kind},
    export::{Base, Export, Start, Types},
    ids::{ReportName, WorkspaceId, shown},
    insights::filter::Interval,
    origin::Origin,
};

/// What is asked for, checked.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// The workspace.
    pub(super) workspace: WorkspaceId,
    /// The report.
    pub(super) report: ReportName,
    /// The days; the report's own filter when `None`.
    pub(super) interval: Option<Interval>,
    /// How the answer is written.
    pub(super) format: Format,
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Format {
    /// The service's own bytes.
    #[default]
    Csv,
    /// A Parquet file.
    Parquet,
    /// An Arrow IPC stream.
    Arrow,
    /// An array of objects.
    Json,
}

/// A parameter that is missing or can't be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Problem {
    /// The parameter.
    pub(super) name: Cow<'static, str>,
    /// `missing` or `invalid`.
    pub(super) problem: &'static str,
    /// What to do about it.
    pub(super) message: String,
}

/// The parameters, as the documentation spells them.
const NAMES: [&str; 6] = ["WorkspaceId", "ReportId", "DateStart", "DateEnd", "Format", "Unfiltered"];

/// What the parameters say. Names are read whatever their case, unknown ones are left alone (spreadsheets add some to
/// get past caches), an empty value counts as none.
pub(super) fn read(given: impl IntoIterator<Item = (String, String)>, origin: &Origin) -> Result<Asked, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut values: [Option<String>; 6] = Default::default();
    for (name, value) in given {
        let Some(at) = NAMES.iter().position(|known| known.eq_ignore_ascii_case(&name)) else { continue };
        let value = value.trim();
        match &values[at] {
            _ if value.is_empty() => {}
            Some(other) if other != value => {
                problems.push(invalid(NAMES[at], "it is given twice, with different values".into()));
            }
            _ => values[at] = Some(value.into()),
        }
    }
    let [workspace, report, start, end, format, unfiltered] = values;

    let workspace = need(&mut problems, "WorkspaceId", workspace, "the id of the workspace", |text| {
        WorkspaceId::parse(text).map_err(|error| words(&error))
    });
    let report = need(&mut problems, "ReportId", report, "the id or the identifier of the report", |text| {
        ReportName::parse(text, origin).map_err(|error| match error.kind() {
            Kind::UntrustedUri { reason, .. } => format!("`{}` is no address of a report here: {reason}", shown(text)),
            _ => words(&error),
        })
    });
    if let (Some(workspace), Some(ReportName::Uri(uri))) = (&workspace, &report)
        && uri.workspace != *workspace
    {
        problems.push(invalid("ReportId", format!("`{uri}` is not in the workspace `{workspace}`")));
    }
    let unfiltered = take(&mut problems, "Unfiltered", unfiltered, |text| match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" => Ok(true),
        "false" | "0" | "no" => Ok(false),
        _ => Err(format!("`{}` is neither `true` nor `false`", shown(text))),
    });
    let interval = if unfiltered == Some(true) {
        for (name, value) in [("DateStart", &start), ("DateEnd", &end)] {
            if value.is_some() {
                problems.push(invalid(name, "`Unfiltered` asks for the report without a date filter".into()));
            }
        }
        None
    } else {
        let what = "a day such as 2023-12-01, itself included; or `Unfiltered=true` for the report as it is";
        let start = need(&mut problems, "DateStart", start, what, day);
        let end = need(&mut problems, "DateEnd", end, what, day);
        if let (Some(start), Some(end)) = (start, end)
            && start > end
        {
            let message = format!("{start} is after `DateEnd` {end}; both days are included");
            problems.push(invalid("DateStart", message));
        }
        // What is wrong with them was said.
        Interval::new(start, end, None).ok().flatten()
    };
    let format = take(&mut problems, "Format", format, str::parse).unwrap_or_default();
    match (workspace, report) {
        (Some(workspace), Some(report)) if problems.is_empty() => Ok(Asked { workspace, report, interval, format }),
        _ => Err(problems),
    }
}

impl Asked {
    /// The export that it stands for.
    pub(super) fn start(&self) -> Start {
        let base = if self.format == Format::Csv { Base::Text } else { Base::Report };
        Start::New(Export {
            workspace: Some(self.workspace.clone()),
            interval: self.interval.clone(),
            types: Types { base, given: Vec::new() },
            ..Export::new(self.report.clone())
        })
    }

    /// The report in a word, for names of files and for the log.
    pub(super) fn report(&self) -> String {
        match &self.report {
            ReportName::Number(number) => number.to_string(),
            ReportName::Identifier(identifier) => identifier.to_string(),
            ReportName::Uri(uri) => uri.number.to_string(),
        }
    }
}

impl Format {
    /// The name that asks for it, which is also the extension of such a file.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
            Self::Json => "json",
        }
    }

    /// Its media type.
    pub(super) fn media_type(self) -> &'static str {
        match self {
            // Without a charset it is UTF-8 (RFC 7111, 2).
            Self::Csv => "text/csv",
            Self::Parquet => "application/vnd.apache.parquet",
            Self::Arrow => "application/vnd.apache.arrow.stream",
            Self::Json => "application/json",
        }
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Self::Csv, Self::Parquet, Self::Arrow, Self::Json];
        let found = all.into_iter().find(|format| format.name().eq_ignore_ascii_case(text));
        found.ok_or_else(|| format!("`{}` is none of `csv`, `parquet`, `arrow`, `json`", shown(text)))
    }
}

/// A value that must be there.
fn need<T>(
    problems: &mut Vec<Problem>,
    name: &'static str,
    value: Option<String>,
    what: &str,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    if value.is_none() && problems.iter().all(|problem| problem.name != name) {
        problems.push(Problem { name: name.into(), problem: "missing", message: format!("give {what}") });
    }
    take(problems, name, value, read)
}

/// A value that may be there.
fn take<T>(
    problems: &mut Vec<Problem>,
    name: &'static str,
    value: Option<String>,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    read(&value?).map_err(|message| problems.push(invalid(name, message))).ok()
}

fn invalid(name: &'static str, message: String) -> Problem {
    Problem { name: name.into(), problem: "invalid", message }
}

/// Only this form, so that nobody takes the second of January for the first of February.
fn day(text: &str) -> Result<Date, String> {
    let is_iso = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let wrong = || format!("`{}` is not a day such as 2023-12-01", shown(text));
    if is_iso { text.parse().map_err(|_| wrong()) } else { Err(wrong()) }
}

/// An error in one line.
fn words(error: &Error) -> String {
    error.to_string().replace("\nhint: ", "; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKSPACE: &str = "abcdefghij0123456789abcdefghij01";

    fn read_query(query: &str) -> Result<Asked, String> {
        let origin = Origin::parse("https://analytics.ytica.com", "/gdc/").unwrap();
        let pairs = url::form_urlencoded::parse(query.as_bytes()).into_owned();
        read(pairs, &origin).map_err(|problems| {
            let line = |problem: &Problem| format!("{} {}: {}", problem.name, problem.problem, problem.message);
            problems.iter().map(line).collect::<Vec<_>>().join("\n")
        })
    }

    #[test]
    fn a_good_request_is_read_whatever_its_spelling() {
        let days = "DateStart=2023-12-01&DateEnd=2023-12-30";
        for query in [
            format!("WorkspaceId={WORKSPACE}&ReportId=3035643&{days}"),
            format!("workspaceid={WORKSPACE}&REPORTID=3035643&{days}&format=csv&_=123"),
            format!("WorkspaceId=+{WORKSPACE}+&ReportId=3035643&ReportId=3035643&{days}&Format="),
            format!("WorkspaceId={WORKSPACE}&ReportId=/gdc/md/{WORKSPACE}/obj/3035643&{days}&Unfiltered=false"),
        ] {
            let asked = read_query(&query).unwrap();
            assert_eq!((asked.report().as_str(), asked.format), ("3035643", Format::Csv), "{query}");
            assert_eq!(asked.interval.unwrap().end.to_string(), "2023-12-30");
        }
        let asked =
            read_query(&format!("WorkspaceId={WORKSPACE}&ReportId=aaX&Unfiltered=true&format=PARQUET")).unwrap();
        assert_eq!((asked.report().as_str(), asked.format, asked.interval), ("aaX", Format::Parquet, None));
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        insta::assert_snapshot!(read_query("").unwrap_err(), @r"
        WorkspaceId missing: give the id of the workspace
        ReportId missing: give the id or the identifier of the report
        DateStart missing: give a day such as 2023-12-01, itself included; or `Unfiltered=true` for the report as it is
        DateEnd missing: give a day such as 2023-12-01, itself included; or `Unfiltered=true` for the report as it is
        ");
        insta::assert_snapshot!(
            read_query(
                "WorkspaceId=../x%0d%0aX:+y&ReportId=a+b&DateStart=12/01/2023&DateEnd=2023-02-30&format=xlsx&unfiltered=perhaps"
            )
            .unwrap_err(),
            @r"
        WorkspaceId invalid: `../x\r\nX: y` is not a workspace id: 32 lower-case letters and digits; it is the part after `workspaces/` or `projects/` in the address of the Flex Insights portal
        ReportId invalid: `a b` does not name a report; give the object id (`3035643`), the identifier (`aaosExgHgF8r`) or the address (`/gdc/md/…/obj/3035643`)
        Unfiltered invalid: `perhaps` is neither `true` nor `false`
        DateStart invalid: `12/01/2023` is not a day such as 2023-12-01
        DateEnd invalid: `2023-02-30` is not a day such as 2023-12-01
        Format invalid: `xlsx` is none of `csv`, `parquet`, `arrow`, `json`
        "
        );
        insta::assert_snapshot!(
            read_query(&format!(
                "WorkspaceId={WORKSPACE}&ReportId=https://evil.example/gdc/md/{WORKSPACE}/obj/1&DateStart=2023-12-02&DateEnd=2023-12-01"
            ))
            .unwrap_err(),
            @r"
        ReportId invalid: `https://evil.example/gdc/md/abcdefghij0123456789abcdefghij01/obj/1` is no address of a report here: it leads to another origin than the base address
        DateStart invalid: 2023-12-02 is after `DateEnd` 2023-12-01; both days are included
        "
        );
        insta::assert_snapshot!(
            read_query(&format!(
                "WorkspaceId={WORKSPACE}&ReportId=1&ReportId=2&Unfiltered=true&DateStart=2023-12-02"
            ))
            .unwrap_err(),
            @r"
        ReportId invalid: it is given twice, with different values
        DateStart invalid: `Unfiltered` asks for the report without a date filter
        "
        );
    }
}
