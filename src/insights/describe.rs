//! What a report's columns mean: from the report to its definition to the labels and metrics that it shows.
//!
//! The CSV quotes every cell and so carries no types, but the service knows them: date labels have types of their own
//! (`GDC.time.day_us` is mm/dd/yyyy, `GDC.time.day_eu` is dd/mm/yyyy, …) and metrics have expressions. In the raw CSV,
//! attributes come before metrics, in the order of the definition.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, MutexGuard, PoisonError},
};

use serde_json::Value;

use super::{
    Insights,
    refusal::disappointing,
    wire::{DefinitionReply, DisplayForm, Grid, GridEntry, Metric, ReportReply},
};
use crate::{
    csv::{ColumnType, DateFormat},
    error::{ApiFault, Result},
    http::Head,
    ids::ObjectUri,
    progress::Call,
};

/// A report and its columns, as its current definition has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The title.
    pub title: String,
    /// Where it is.
    pub uri: ObjectUri,
    /// The portable name.
    pub identifier: Option<String>,
    /// The definition that was current when the report was described.
    pub definition: ObjectUri,
    /// Whether metrics are spread over the values of an attribute. The names of such columns depend on the data, and
    /// `columns` has the others alone.
    pub pivoted: bool,
    /// The columns in the order of the raw CSV.
    pub columns: Vec<Column>,
}

/// One column of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name in the CSV's header: the alias, or the title of the attribute or metric.
    pub name: String,
    /// What it shows.
    pub kind: ColumnKind,
    /// How its cells are read.
    pub column_type: ColumnType,
    /// The label or metric that it shows.
    pub source: ObjectUri,
    /// The portable name of the label or metric.
    pub identifier: Option<String>,
    /// How the service would format it (`#,##0`); metrics alone have one. Raw exports are unformatted.
    pub format: Option<String>,
}

/// What a column shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// A label of an attribute.
    Attribute,
    /// A metric.
    Metric,
}

impl ColumnKind {
    /// The kind in a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Attribute => "attribute",
            Self::Metric => "metric",
        }
    }
}

/// A column as a definition has it: what it shows, and what it is called there.
struct Wanted {
    uri: String,
    alias: String,
    kind: ColumnKind,
}

impl Insights {
    /// Describes a report by its current definition. That takes four requests, and none while the description is kept
    /// ([`super::LIFE`]).
    ///
    /// # Errors
    /// `NotFound` for an unknown report or an object of its definition that the service doesn't show, `Forbidden` where
    /// the definition may not be read, `UnexpectedReply` for a definition of a shape that isn't known.
    pub async fn describe(&self, call: &Call, report: &ObjectUri) -> Result<Arc<Report>> {
        self.describe_by(call, report, false).await
    }

    /// The same, but the service is asked in any case.
    ///
    /// # Errors
    /// As [`Insights::describe`].
    pub async fn describe_anew(&self, call: &Call, report: &ObjectUri) -> Result<Arc<Report>> {
        self.describe_by(call, report, true).await
    }

    async fn describe_by(&self, call: &Call, report: &ObjectUri, refresh: bool) -> Result<Arc<Report>> {
        self.connection.usable()?;
        let ask = Box::pin(async {
            self.misfits().remove(report);
            Ok(Arc::new(self.read_definition(call, report).await?))
        });
        self.memory.reports.get(&*call.clock, report.clone(), refresh, self.begin_to_resolve(call), ask).await
    }

    /// The description that takes the place of one that doesn't fit.
    ///
    /// # Errors
    /// As [`Insights::describe`].
    pub async fn describe_instead(&self, call: &Call, stale: &Report) -> Result<Arc<Report>> {
        self.forget_description(stale);
        self.describe(call, &stale.uri).await
    }

    /// Forgets this description, if it is still the one that is kept.
    pub fn forget_description(&self, stale: &Report) {
        self.memory.reports.forget_if(&stale.uri, |kept| **kept == *stale);
    }

    /// Remembers that a report's results don't fit its definition, even one that was read just now: to describe the
    /// report again for each of them would help nothing.
    pub fn remember_misfit(&self, report: &ObjectUri) {
        self.misfits().insert(report.clone());
    }

    /// Whether that was remembered of the description that is kept.
    pub fn is_misfit(&self, report: &ObjectUri) -> bool {
        self.misfits().contains(report)
    }

    fn misfits(&self) -> MutexGuard<'_, HashSet<ObjectUri>> {
        self.memory.misfits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read_definition(&self, call: &Call, report: &ObjectUri) -> Result<Report> {
        let (head, found): (_, ReportReply) = self.object(call, report, "a `report`").await?;
        let (meta, content) = (found.report.meta, found.report.content);
        // The last definition is the current one.
        let last = content
            .definitions
            .last()
            .ok_or_else(|| disappointing(&head, ApiFault::UnexpectedReply, "the report has no definition".into()))?;
        let definition = ObjectUri::parse(last, self.connection.origin())?;
        let (head, found): (_, DefinitionReply) = self.object(call, &definition, "a `reportDefinition`").await?;
        let grid = found.definition.content.grid;
        let pivoted = grid.columns.iter().any(|entry| matches!(entry, GridEntry::Attribute { .. }));
        let columns = self.columns(call, &head, &definition, wanted(grid, pivoted)).await?;
        let (title, identifier) = (meta.title, meta.identifier);
        Ok(Report { title, uri: report.clone(), identifier, definition, pivoted, columns })
    }

    async fn columns(
        &self,
        call: &Call,
        head: &Head,
        definition: &ObjectUri,
        wanted: Vec<Wanted>,
    ) -> Result<Vec<Column>> {
        let workspace = &definition.workspace;
        let shown = self.objects(call, workspace, wanted.iter().map(|wanted| wanted.uri.as_str()).collect()).await?;
        // A label has a title of its own ("mm/dd/yyyy (Date)"), but the column is called like its attribute ("Date").
        let unnamed = |wanted: &&Wanted| wanted.alias.is_empty() && wanted.kind == ColumnKind::Attribute;
        let attribute_of = |label: &Value| label.pointer("/content/formOf")?.as_str().map(str::to_owned);
        let attributes: Vec<String> =
            wanted.iter().filter(unnamed).filter_map(|wanted| attribute_of(shown.get(&wanted.uri)?)).collect();
        let attributes = self.objects(call, workspace, attributes.iter().map(String::as_str).collect()).await?;
        let column = |wanted: Wanted| {
            let missing = || {
                let message = format!("the service doesn't show `{}`, which the definition names", wanted.uri);
                disappointing(head, ApiFault::NotFound, message)
            };
            let source = ObjectUri::parse(&wanted.uri, self.connection.origin())?;
            let object = shown.get(&wanted.uri).ok_or_else(missing)?;
            let name = if wanted.alias.is_empty() { title_of(&attributes, object) } else { Some(wanted.alias.clone()) };
            column(wanted.kind, name, source, object).ok_or_else(missing)
        };
        wanted.into_iter().map(column).collect()
    }
}

/// The columns of a grid, attributes before metrics, as the raw CSV has them. The metrics of a pivoted grid are no
/// columns of their own.
fn wanted(grid: Grid, pivoted: bool) -> Vec<Wanted> {
    let attributes = grid.rows.into_iter().filter_map(|entry| match entry {
        GridEntry::Attribute { attribute } => {
            Some(Wanted { uri: attribute.uri, alias: attribute.alias, kind: ColumnKind::Attribute })
        }
        GridEntry::Other(_) => None,
    });
    let metrics = grid.metrics.into_iter().filter(|_| !pivoted);
    attributes
        .chain(metrics.map(|metric| Wanted { uri: metric.uri, alias: metric.alias, kind: ColumnKind::Metric }))
        .collect()
}

/// The title of a label's attribute.
fn title_of(attributes: &HashMap<String, Value>, label: &Value) -> Option<String> {
    let attribute = attributes.get(label.pointer("/content/formOf")?.as_str()?)?;
    attribute.pointer("/meta/title")?.as_str().map(str::to_owned)
}

/// Reads one object of a definition; `name` is what the definition or the attribute calls it.
fn column(kind: ColumnKind, name: Option<String>, source: ObjectUri, object: &Value) -> Option<Column> {
    match kind {
        ColumnKind::Attribute => {
            let label: DisplayForm = serde_json::from_value(object.clone()).ok()?;
            let column_type = label_type(label.content.kind.as_deref(), label.meta.identifier.as_deref());
            let name = name.unwrap_or(label.meta.title);
            Some(Column { name, kind, column_type, source, identifier: label.meta.identifier, format: None })
        }
        ColumnKind::Metric => {
            let metric: Metric = serde_json::from_value(object.clone()).ok()?;
            let counts = is_plain_count(&metric.content.expression);
            Some(Column {
                name: name.unwrap_or(metric.meta.title),
                kind,
                column_type: if counts { ColumnType::Int64 } else { ColumnType::Float64 },
                source,
                identifier: metric.meta.identifier,
                format: metric.content.format,
            })
        }
    }
}

/// The type of a label: a day by the label's own type, or, where an older answer leaves that out, by its speaking
/// identifier. Weeks, months, quarters and everything else are text.
pub(super) fn label_type(kind: Option<&str>, identifier: Option<&str>) -> ColumnType {
    let by_identifier = || {
        let (_, label) = identifier?.split_once(".date.")?;
        Some(match label {
            "mmddyyyy" => "GDC.time.day_us",
            "yyyymmdd" => "GDC.time.day",
            "mdyy" => "GDC.time.day_us_noleading",
            "long" => "GDC.time.day_us_long",
            "ddmmyyyy" => "GDC.time.day_eu",
            "eddmmyyyy" => "GDC.time.day_iso",
            _ => return None,
        })
    };
    match kind.or_else(by_identifier) {
        Some("GDC.time.day_us") => ColumnType::Date(DateFormat::MmDdYyyy),
        Some("GDC.time.day") => ColumnType::Date(DateFormat::YyyyMmDd),
        Some("GDC.time.day_us_noleading") => ColumnType::Date(DateFormat::MDYy),
        Some("GDC.time.day_us_long") => ColumnType::Date(DateFormat::Long),
        Some("GDC.time.day_eu") => ColumnType::Date(DateFormat::DdMmYyyySlash),
        Some("GDC.time.day_iso") => ColumnType::Date(DateFormat::DdMmYyyyDash),
        _ => ColumnType::Utf8,
    }
}

/// Whether an expression of MAQL counts and does nothing else, so that its values are whole numbers:
/// `SELECT COUNT(…)` or `SELECT IFNULL(COUNT(…), 0)`, with or without conditions behind.
fn is_plain_count(expression: &str) -> bool {
    let upper = expression.trim().to_ascii_uppercase();
    let Some(rest) = upper.strip_prefix("SELECT").map(str::trim_start) else { return false };
    after_plain_count(rest).map(str::trim_start).is_some_and(|rest| {
        rest.is_empty() || ["WHERE", "BY", "FOR", "WITHOUT"].iter().any(|word| rest.starts_with(word))
    })
}

/// What follows `COUNT(…)` or `IFNULL(COUNT(…), 0)`.
fn after_plain_count(text: &str) -> Option<&str> {
    let ifnull = text.strip_prefix("IFNULL").and_then(|rest| rest.trim_start().strip_prefix('('));
    let Some(inside) = ifnull else { return after_count(text) };
    let otherwise = after_count(inside.trim_start())?.trim_start().strip_prefix(',')?;
    otherwise.trim_start().strip_prefix('0')?.trim_start().strip_prefix(')')
}

/// What follows `COUNT(…)`, whose arguments are plain.
fn after_count(text: &str) -> Option<&str> {
    let inside = text.strip_prefix("COUNT")?.trim_start().strip_prefix('(')?;
    let (arguments, rest) = inside.split_once(')')?;
    (!arguments.contains('(')).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_whole_numbers_and_nothing_else_is() {
        for (expression, whole) in [
            ("SELECT COUNT([/gdc/md/w/obj/1])", true),
            ("SELECT COUNT([/gdc/md/w/obj/1],[/gdc/md/w/obj/2])", true),
            ("select count([x]) where [y] = [z]", true),
            ("SELECT IFNULL(COUNT(Conversation,Segment),0) WHERE Abandoned = Yes", true),
            ("SELECT IFNULL( COUNT([x]) , 0 )", true),
            ("SELECT COUNT([x]) / COUNT([y])", false),
            ("SELECT COUNT([x]) * 0.5", false),
            ("SELECT IFNULL(COUNT([x]), 0.5)", false),
            ("SELECT IFNULL(SUM([x]),0)", false),
            ("SELECT SUM([/gdc/md/w/obj/223])", false),
            ("SELECT AVG([x])", false),
            ("SELECT SUM(SELECT COUNT([x]))", false),
            ("SELECT [x]", false),
            ("COUNT([x])", false),
            ("", false),
        ] {
            assert_eq!(is_plain_count(expression), whole, "{expression}");
        }
    }

    #[test]
    fn a_date_label_is_read_in_its_own_form() {
        use DateFormat::{DdMmYyyyDash, DdMmYyyySlash, Long, MDYy, MmDdYyyy, YyyyMmDd};
        for (kind, identifier, expected) in [
            (Some("GDC.time.day_us"), None, ColumnType::Date(MmDdYyyy)),
            (Some("GDC.time.day"), None, ColumnType::Date(YyyyMmDd)),
            (Some("GDC.time.day_us_noleading"), None, ColumnType::Date(MDYy)),
            (Some("GDC.time.day_us_long"), None, ColumnType::Date(Long)),
            (Some("GDC.time.day_eu"), None, ColumnType::Date(DdMmYyyySlash)),
            (Some("GDC.time.day_iso"), None, ColumnType::Date(DdMmYyyyDash)),
            (None, Some("closed.date.ddmmyyyy"), ColumnType::Date(DdMmYyyySlash)),
            (Some("GDC.time.day_us"), Some("date.date.ddmmyyyy"), ColumnType::Date(MmDdYyyy)),
            (None, Some("date.aag81lMifn6q"), ColumnType::Utf8),
            (Some("GDC.time.month"), Some("date.aag81lMifn6q"), ColumnType::Utf8),
            (None, Some("label.agents.team_name"), ColumnType::Utf8),
            (None, None, ColumnType::Utf8),
        ] {
            assert_eq!(label_type(kind, identifier), expected, "{kind:?} {identifier:?}");
        }
    }
}
