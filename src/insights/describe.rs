//! What a report's columns mean: from the report to its definition to the labels and metrics that it shows.
//!
//! The CSV quotes every cell and so carries no types, but the service knows them: date labels have types of their own
//! (`GDC.time.day_us` is mm/dd/yyyy, `GDC.time.day_eu` is dd/mm/yyyy, …) and metrics have expressions. In the raw CSV,
//! attributes come before metrics, in the order of the definition.

use std::{collections::HashMap, sync::Arc};

use serde_json::{Value, json};

use super::{
    Insights,
    wire::{DefinitionReply, DisplayForm, GridEntry, Metric, ObjectsReply, ReportReply},
};
use crate::{
    csv::{ColumnType, DateFormat},
    error::{Error, Kind, Result},
    http::Request,
    ids::{ObjectUri, WorkspaceId},
    origin::ServerPath,
    progress::{Call, Phase},
    retry::Safety,
};

/// Objects that one request may fetch, as the service's own clients do.
const BATCH: usize = 50;

/// A report and its columns, as its current definition has them.
#[derive(Clone, Debug)]
pub struct Report {
    /// The title.
    pub title: String,
    /// Where it is.
    pub uri: ObjectUri,
    /// The portable name.
    pub identifier: Option<String>,
    /// The columns in the order of the raw CSV. Empty when they can't be told: a pivoted report's flattened columns.
    pub columns: Vec<Column>,
}

/// One column of a report.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its name in the CSV's header: the alias, or the title of the attribute or metric.
    pub name: String,
    /// What it shows.
    pub kind: ColumnKind,
    /// How its cells are read.
    pub column_type: ColumnType,
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

impl Insights {
    /// Describes a report: four requests the first time, none afterwards while the client lives.
    ///
    /// # Errors
    /// `NotFound` for an unknown report, `Forbidden` where its definition may not be read, `UnexpectedReply` for a
    /// definition of a shape that isn't known.
    pub async fn describe(&self, call: &Call, report: &ObjectUri) -> Result<Arc<Report>> {
        if let Some(known) = Self::remembered(&self.memory.reports, report) {
            return Ok(known);
        }
        call.progress.enter(Phase::Resolving);
        let found: ReportReply = self.object(call, report, "a `report`").await?;
        let (meta, content) = (found.report.meta, found.report.content);
        // The last definition is the current one.
        let last = content.definitions.last().ok_or_else(|| shapeless(report, "the report has no definition"))?;
        let definition = ObjectUri::parse(last, self.connection.origin())?;
        let found: DefinitionReply = self.object(call, &definition, "a `reportDefinition`").await?;
        let grid = found.definition.content.grid;
        let pivoted = grid.columns.iter().any(|entry| matches!(entry, GridEntry::Attribute { .. }));
        let mut wanted: Vec<(String, String, ColumnKind)> = Vec::new();
        for entry in grid.rows {
            if let GridEntry::Attribute { attribute } = entry {
                wanted.push((attribute.uri, attribute.alias, ColumnKind::Attribute));
            }
        }
        wanted.extend(grid.metrics.into_iter().map(|metric| (metric.uri, metric.alias, ColumnKind::Metric)));
        let columns = if pivoted { Vec::new() } else { self.columns(call, &report.workspace, wanted).await? };
        let described =
            Arc::new(Report { title: meta.title, uri: report.clone(), identifier: meta.identifier, columns });
        Self::remember(&self.memory.reports, report.clone(), Arc::clone(&described));
        Ok(described)
    }

    async fn object<T: serde::de::DeserializeOwned>(&self, call: &Call, uri: &ObjectUri, expected: &str) -> Result<T> {
        let path = ServerPath::parse(&uri.to_string(), self.connection.origin())?;
        Ok(self.connection.json(call, Safety::Repeatable, &Request::get(path), expected).await?.1)
    }

    async fn columns(
        &self,
        call: &Call,
        workspace: &WorkspaceId,
        wanted: Vec<(String, String, ColumnKind)>,
    ) -> Result<Vec<Column>> {
        let shown = self.objects(call, workspace, wanted.iter().map(|(uri, ..)| uri.as_str()).collect()).await?;
        // A label has a title of its own ("mm/dd/yyyy (Date)"), but the column is called like its attribute ("Date").
        let unnamed = wanted.iter().filter(|(_, alias, kind)| alias.is_empty() && *kind == ColumnKind::Attribute);
        let attributes = unnamed.filter_map(|(uri, ..)| shown.get(uri)?.pointer("/content/formOf")?.as_str());
        let attributes = self.objects(call, workspace, attributes.collect()).await?;
        let title = |label: &Value| {
            let attribute = attributes.get(label.pointer("/content/formOf")?.as_str()?)?;
            attribute.pointer("/meta/title")?.as_str().map(str::to_owned)
        };
        let missing =
            |uri: &str| Error::config(format!("the service doesn't show the object `{uri}` of the definition"));
        wanted
            .into_iter()
            .map(|(uri, alias, kind)| {
                let object = shown.get(&uri).ok_or_else(|| missing(&uri))?;
                let name = if alias.is_empty() { title(object) } else { Some(alias) };
                column(kind, name, object).ok_or_else(|| missing(&uri))
            })
            .collect()
    }

    /// Objects by their uris, without the wrapper that names their category.
    pub(super) async fn objects(
        &self,
        call: &Call,
        workspace: &WorkspaceId,
        mut uris: Vec<&str>,
    ) -> Result<HashMap<String, Value>> {
        uris.sort_unstable();
        uris.dedup();
        let mut objects = HashMap::new();
        for uris in uris.chunks(BATCH) {
            let path = ServerPath::parse(&format!("/gdc/md/{workspace}/objects/get"), self.connection.origin())?;
            let request = Request::post_json(path, &json!({"get": {"items": uris}}));
            let (_, reply): (_, ObjectsReply) =
                self.connection.json(call, Safety::Repeatable, &request, "`objects` with items").await?;
            for object in reply.objects.items.into_iter().flat_map(|item| item.into_values()) {
                let uri = object.pointer("/meta/uri").and_then(Value::as_str).unwrap_or_default().to_owned();
                objects.insert(uri, object);
            }
        }
        Ok(objects)
    }
}

/// Reads one object of a definition; `name` is what the definition or the attribute calls it.
fn column(kind: ColumnKind, name: Option<String>, object: &Value) -> Option<Column> {
    match kind {
        ColumnKind::Attribute => {
            let label: DisplayForm = serde_json::from_value(object.clone()).ok()?;
            let column_type = label_type(label.content.kind.as_deref(), label.meta.identifier.as_deref());
            let name = name.unwrap_or(label.meta.title);
            Some(Column { name, kind, column_type, identifier: label.meta.identifier, format: None })
        }
        ColumnKind::Metric => {
            let metric: Metric = serde_json::from_value(object.clone()).ok()?;
            let counts = is_plain_count(&metric.content.expression);
            Some(Column {
                name: name.unwrap_or(metric.meta.title),
                kind,
                column_type: if counts { ColumnType::Int64 } else { ColumnType::Float64 },
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

fn shapeless(report: &ObjectUri, why: &str) -> Error {
    Error::new(Kind::SchemaMismatch {
        column: String::new(),
        record: 0,
        value: why.into(),
        expected: format!("a definition of `{report}`"),
    })
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
