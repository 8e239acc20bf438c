//! The objects of a workspace, and how they are found.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicBool, Ordering},
};

use super::{
    super::{
        data::{export::Rows, labels::Label},
        random::{Draws, mix},
    },
    Space, declared,
};

/// By how much the local ids of one workspace lie above those of the workspace before it.
const APART: u32 = 1204;

/// An object. Ids in it are those of the first workspace.
#[derive(Debug)]
pub(in crate::sandbox) struct Object {
    pub(in crate::sandbox) id: u32,
    /// The same in all workspaces.
    pub(in crate::sandbox) identifier: String,
    pub(in crate::sandbox) title: String,
    pub(in crate::sandbox) kind: Kind,
}

/// What an object is.
#[derive(Debug)]
pub(in crate::sandbox) enum Kind {
    /// Its definitions, the current one last.
    Report(Vec<u32>),
    Definition(Definition),
    /// Expression with `{identifier}` for each object in it, and number format.
    Metric {
        expression: &'static str,
        format: &'static str,
    },
    Attribute {
        time: &'static str,
        dataset: u32,
        forms: Vec<u32>,
    },
    Form {
        attribute: u32,
        label: Label,
        time: &'static str,
        default: bool,
    },
    Fact {
        dataset: u32,
    },
    DataSet,
    Dimension {
        dataset: u32,
    },
    Folder,
}

/// What a report shows.
#[derive(Clone, Debug)]
pub(in crate::sandbox) struct Definition {
    pub(in crate::sandbox) rows: Rows,
    /// `grid` or `oneNumber`.
    pub(in crate::sandbox) format: &'static str,
    pub(in crate::sandbox) columns: Vec<Column>,
}

/// A column: a display form or a metric, by another name where there is an alias.
#[derive(Clone, Debug)]
pub(in crate::sandbox) struct Column {
    pub(in crate::sandbox) object: u32,
    pub(in crate::sandbox) alias: &'static str,
}

impl Kind {
    /// The name of the category in answers.
    pub(in crate::sandbox) fn category(&self) -> &'static str {
        match self {
            Self::Report(_) => "report",
            Self::Definition(_) => "reportDefinition",
            Self::Metric { .. } => "metric",
            Self::Attribute { .. } => "attribute",
            Self::Form { .. } => "attributeDisplayForm",
            Self::Fact { .. } => "fact",
            Self::DataSet => "dataSet",
            Self::Dimension { .. } => "dimension",
            Self::Folder => "folder",
        }
    }
}

/// All objects, the same in each workspace but for their local ids.
#[derive(Debug)]
pub(in crate::sandbox) struct Catalog {
    objects: Vec<Object>,
    by_id: HashMap<u32, usize>,
    by_identifier: HashMap<String, usize>,
    /// The definitions that reports get when they are edited, by their ids.
    newer: HashMap<u32, Object>,
    edited: AtomicBool,
}

/// By how much the ids of further reports lie above that of the last one that is declared, each above the one before.
const REPORTS_APART: u32 = 10;

/// What the last column of an edited report is called.
const RENAMED: &str = "Renamed";

impl Catalog {
    /// All objects, with so many reports.
    pub(in crate::sandbox) fn new(reports: usize) -> Self {
        let mut objects = Vec::new();
        for (id, identifier, title) in declared::DATASETS {
            objects.push(Object {
                id,
                identifier: identifier.to_owned(),
                title: title.to_owned(),
                kind: Kind::DataSet,
            });
            let (id, identifier) = (id + 10, format!("dim.{}", title.to_lowercase()));
            objects.push(Object {
                id,
                identifier,
                title: title.to_owned(),
                kind: Kind::Dimension { dataset: id - 10 },
            });
        }
        let folder = Kind::Folder;
        objects.push(Object { id: 41, identifier: generated(41), title: "Conversations".to_owned(), kind: folder });
        for attribute in declared::ATTRIBUTES {
            let forms = (1..=attribute.forms.len() as u32).map(|position| attribute.id + position).collect();
            objects.push(Object {
                id: attribute.id,
                identifier: attribute.identifier.to_owned(),
                title: attribute.title.to_owned(),
                kind: Kind::Attribute { time: attribute.time, dataset: attribute.dataset, forms },
            });
            for (position, form) in attribute.forms.iter().enumerate() {
                let id = attribute.id + 1 + position as u32;
                let identifier = match form.identifier {
                    "" => format!("date.{}", generated(id)),
                    given => given.to_owned(),
                };
                let (attribute, default) = (attribute.id, position == 0);
                let kind = Kind::Form { attribute, label: form.label, time: form.time, default };
                objects.push(Object { id, identifier, title: form.title.to_owned(), kind });
            }
        }
        for (position, (name, title)) in declared::FACTS.iter().enumerate() {
            let identifier = format!("fact.conversations.{name}");
            let kind = Kind::Fact { dataset: declared::CONVERSATIONS };
            objects.push(Object { id: 2001 + position as u32, identifier, title: (*title).to_owned(), kind });
        }
        for (id, title, expression, format) in declared::METRICS {
            let kind = Kind::Metric { expression, format };
            objects.push(Object { id, identifier: generated(id), title: title.to_owned(), kind });
        }
        let mut newer = HashMap::new();
        for report in all_reports(reports) {
            let definition = |id: u32, columns: &[Column]| Object {
                id,
                identifier: generated(id),
                title: report.title.clone(),
                kind: Kind::Definition(Definition {
                    rows: report.rows,
                    format: report.format,
                    columns: columns.to_vec(),
                }),
            };
            // The older definition had a column less, where there is more than one.
            let fewer = &report.columns[..report.columns.len().saturating_sub(1).max(1)];
            objects.push(definition(report.id - 2, fewer));
            objects.push(definition(report.id - 1, &report.columns));
            let mut renamed = report.columns.clone();
            renamed.iter_mut().last().into_iter().for_each(|column| column.alias = RENAMED);
            newer.insert(report.id + 1, definition(report.id + 1, &renamed));
            objects.push(Object {
                id: report.id,
                identifier: match report.identifier {
                    "" => generated(report.id),
                    given => given.to_owned(),
                },
                title: report.title.clone(),
                kind: Kind::Report(vec![report.id - 2, report.id - 1]),
            });
        }
        let by_id = objects.iter().enumerate().map(|(at, object)| (object.id, at)).collect();
        let by_identifier = objects.iter().enumerate().map(|(at, object)| (object.identifier.clone(), at)).collect();
        Self { objects, by_id, by_identifier, newer, edited: AtomicBool::new(false) }
    }

    /// Gives every report a newer definition, in which its last column has another name.
    pub(in crate::sandbox) fn edit(&self) {
        self.edited.store(true, Ordering::SeqCst);
    }

    fn is_edited(&self) -> bool {
        self.edited.load(Ordering::SeqCst)
    }

    /// The definitions of a report, the current one last.
    pub(in crate::sandbox) fn definitions(&self, report: &Object) -> Vec<u32> {
        let Kind::Report(definitions) = &report.kind else { return Vec::new() };
        let newer = self.is_edited().then_some(report.id + 1);
        definitions.iter().copied().chain(newer).collect()
    }

    /// All objects, in the order of their declaration.
    pub(in crate::sandbox) fn all(&self) -> impl Iterator<Item = &Object> {
        self.objects.iter()
    }

    /// The object with this id of the first workspace.
    pub(in crate::sandbox) fn by_id(&self, id: u32) -> Option<&Object> {
        let newer = || self.newer.get(&id).filter(|_| self.is_edited());
        self.by_id.get(&id).map(|at| &self.objects[*at]).or_else(newer)
    }

    /// The object with this id of a workspace.
    pub(in crate::sandbox) fn by_local(&self, workspace: usize, local: u32) -> Option<&Object> {
        self.by_id(local.checked_sub(APART * workspace as u32)?)
    }

    pub(in crate::sandbox) fn by_identifier(&self, identifier: &str) -> Option<&Object> {
        self.by_identifier.get(identifier).map(|at| &self.objects[*at])
    }

    /// Object id and title of the reports in the first workspace.
    pub(in crate::sandbox) fn reports(&self) -> Vec<(String, String)> {
        let reports = self.all().filter(|object| matches!(object.kind, Kind::Report(_)));
        reports.map(|object| (object.id.to_string(), object.title.clone())).collect()
    }

    /// The title of a column: its alias, or the title of its metric or attribute.
    pub(in crate::sandbox) fn column_title(&self, column: &Column) -> &str {
        let title = |id| self.by_id(id).map_or("", |object| object.title.as_str());
        match self.by_id(column.object).map(|object| &object.kind) {
            _ if !column.alias.is_empty() => column.alias,
            Some(Kind::Form { attribute, .. }) => title(*attribute),
            _ => title(column.object),
        }
    }
}

/// The reports that are declared, and further ones like the first.
fn all_reports(count: usize) -> Vec<declared::Report> {
    let mut reports = declared::reports();
    let last = reports.last().map_or(0, |report| report.id);
    let further = count.saturating_sub(reports.len()) as u32;
    for number in 1..=further {
        let title = format!("{}, Copy {number}", reports[0].title);
        reports.push(declared::Report {
            id: last + REPORTS_APART * number,
            identifier: "",
            title,
            columns: reports[0].columns.clone(),
            ..reports[0]
        });
    }
    reports
}

impl Space<'_> {
    /// The uri of an object, which is given by its id in the first workspace.
    pub(in crate::sandbox) fn uri(&self, id: u32) -> String {
        format!("/gdc/md/{}/obj/{}", self.ws, id + APART * self.number as u32)
    }
}

/// The local id in the uri of an object of this workspace.
pub(in crate::sandbox) fn object_id(ws: &str, uri: &str) -> Option<u32> {
    uri.strip_prefix("/gdc/md/")?.strip_prefix(ws)?.strip_prefix("/obj/")?.parse().ok()
}

/// An identifier as the service makes them for what is created in its user interface: 12 letters and digits.
fn generated(id: u32) -> String {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    // From nothing but the id, so that identifiers stay the same whatever the seed.
    let mut draws = Draws(mix(0x1d, id.into()));
    "aa".chars().chain((0..10).map(|_| char::from(ALPHABET[draws.below(62) as usize]))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_identifiers_are_unique_and_refer_to_what_exists() {
        let catalog = Catalog::new(120);
        assert_eq!(catalog.reports().len(), 120);
        assert_eq!(catalog.by_id.len(), catalog.objects.len());
        assert_eq!(catalog.by_identifier.len(), catalog.objects.len());
        for object in catalog.all() {
            match &object.kind {
                Kind::Definition(definition) => {
                    for column in &definition.columns {
                        let kind = &catalog.by_id(column.object).expect("a column without an object").kind;
                        assert!(matches!(kind, Kind::Form { .. } | Kind::Metric { .. }), "{}", object.title);
                    }
                }
                Kind::Metric { expression, .. } => {
                    for part in expression.split('{').skip(1) {
                        let identifier = part.split_once('}').expect("an open brace").0;
                        assert!(catalog.by_identifier(identifier).is_some(), "{identifier}");
                    }
                }
                _ => {}
            }
        }
    }

    #[test]
    fn no_report_is_larger_than_the_service_allows() {
        for report in declared::reports() {
            let metrics = report.columns.iter().filter(|column| column.object >= 3000).count();
            assert!(metrics <= 20 && report.columns.len() - metrics <= 20, "{}", report.title);
        }
    }
}
