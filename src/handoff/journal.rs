//! What a dataset holds: its manifest, and how it stays true while windows are written and processes die.
//!
//! A dataset is a tree of files, one for each window of days, each absent or complete by itself. The manifest says which
//! of them are there and what is in them. A window's row is written *before* its file takes its place, as unsettled,
//! with the hash of what is to come. Whoever opens the dataset after a crash compares: a file with that hash is done,
//! any other is not, and its former row still holds. So neither a finished window is fetched twice, nor one taken for
//! finished that isn't.
//!
//! # The manifest, version 1
//!
//! `_insightframe/manifest.json` in the root, UTF-8, a window a line. pyarrow and Spark skip names that begin with `_`;
//! polars and DuckDB read what a pattern such as `root/**/*.parquet` names.
//!
//! ```json
//! {
//!   "insightframe": "dataset",
//!   "version": 1,
//!   "report": "/gdc/md/…/obj/3035643",
//!   "workspace": "…",
//!   "date": "date.date.mmddyyyy",
//!   "where": null,
//!   "format": "parquet",
//!   "fingerprint": "4e4244574313e648",
//!   "columns": [
//!     {"name":"Queue","type":"utf8"}
//!   ],
//!   "windows": [
//!     {"start":"2024-05-01","end":"2024-05-01","file":"window_start=2024-05-01/part-0.parquet","rows":20,"bytes":1234,"sha256":"…","written":"2024-05-02T04:00:00Z"}
//!   ],
//!   "unsettled": []
//! }
//! ```
//!
//! Days are inclusive, `written` is in UTC, `rows` and `bytes` are those of the file, `sha256` is that of its bytes. A
//! window has no `file` when nothing came, not even the names of columns. `fingerprint` is that of
//! [`fingerprint`].

use std::{
    collections::BTreeMap,
    fmt::Write,
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    format::blocking,
    output::sha256,
    store::{Place, Version},
    table::{fingerprint, type_name},
};
use crate::error::{Error, Kind, Result};

/// The directory of what is not data.
const OURS: &str = "_insightframe";
const MANIFEST: &str = "_insightframe/manifest.json";
const LOCK: &str = "_insightframe/lock";
const VERSION: u64 = 1;

/// What a dataset is of; it never changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    /// The report.
    pub report: String,
    /// Its workspace.
    pub workspace: String,
    /// The date label that windows are about.
    pub date: String,
    /// The other filters, as they were asked for.
    #[serde(rename = "where")]
    pub filters: Value,
    /// The kind of its files: `parquet`, `ipc` or `csv`.
    pub format: String,
}

/// A window of the dataset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The first day.
    pub start: Date,
    /// The last day, itself included.
    pub end: Date,
    /// Its file, relative to the root, with `/` between the parts; none when not even the columns were known.
    pub file: Option<String>,
    /// Rows in the file.
    pub rows: u64,
    /// The size of the file.
    pub bytes: u64,
    /// The hash of the file's bytes.
    pub sha256: Option<String>,
    /// When it was fetched.
    pub written: Timestamp,
}

/// A column, as the manifest has it.
#[derive(Serialize, Deserialize)]
struct Column {
    name: String,
    #[serde(rename = "type")]
    kind: String,
}

/// The manifest as it is read.
#[derive(Deserialize)]
struct Read {
    insightframe: String,
    version: u64,
    #[serde(flatten)]
    identity: Identity,
    columns: Vec<Column>,
    windows: Vec<Row>,
    unsettled: Vec<Row>,
}

/// The manifest of a dataset that is being written.
#[derive(Debug)]
pub struct Journal {
    root: Place,
    state: Mutex<State>,
    /// What is on the disk or in the store. Held while it is written, so that one write takes along all rows that came
    /// about during the one before.
    written: tokio::sync::Mutex<Written>,
    /// Released by the operating system, however the process ends.
    _lock: Option<File>,
}

#[derive(Debug)]
struct State {
    identity: Identity,
    schema: Option<SchemaRef>,
    windows: BTreeMap<Date, Row>,
    unsettled: BTreeMap<Date, Row>,
    changes: u64,
}

#[derive(Debug)]
struct Written {
    version: Version,
    changes: u64,
}

impl Journal {
    /// Opens the dataset at `root`, begins it if there is none, and finds out what of it is done. Also gives what the
    /// caller should know: files that are no longer what they were.
    ///
    /// # Errors
    /// `Config` when the root holds another dataset, or something else; a file error when another process is writing to
    /// it, or when it can't be read or written.
    pub async fn open(root: &Place, identity: Identity) -> Result<(Self, Vec<String>)> {
        let lock = match root.path() {
            Some(path) => {
                let path = path.to_owned();
                Some(blocking(move || lock(&path)).await?)
            }
            None => None,
        };
        let files = root.files().await?;
        let (found, version) = match root.below(MANIFEST).read().await? {
            Some((bytes, version)) => (Some(State::read(root, &bytes)?), version),
            None => (None, Version::Absent),
        };
        let is_new = found.is_none();
        if is_new && let Some(name) = files.keys().find(|name| !name.starts_with(['.', '_'])) {
            return Err(Error::config(format!("`{root}` is no dataset of ours, and it is not empty: it has `{name}`"))
                .hint("give a dataset a place of its own"));
        }
        let mut state = found.unwrap_or_else(|| State::new(identity.clone()));
        state.must_be(root, &identity)?;
        let warnings = state.recover(root, &files).await?;
        let changes = state.changes;
        let written = Written { version, changes: 0 };
        let journal = Self { root: root.clone(), state: Mutex::new(state), written: written.into(), _lock: lock };
        if is_new || changes > 0 {
            // From here on it is ours, whatever happens.
            journal.change(|_| ()).await?;
        }
        Ok((journal, warnings))
    }

    /// What the dataset is of.
    pub fn identity(&self) -> Identity {
        self.state().identity.clone()
    }

    /// The windows that are done, in order.
    pub fn rows(&self) -> Vec<Row> {
        self.state().windows.values().cloned().collect()
    }

    /// The schema of the dataset, as far as it is known.
    pub fn schema(&self) -> Option<SchemaRef> {
        self.state().schema.clone()
    }

    /// Decides on the schema of the dataset, given the one so far; the next row takes the decision along.
    ///
    /// # Errors
    /// That of `decide`.
    pub fn agree(&self, decide: impl FnOnce(Option<&SchemaRef>) -> Result<SchemaRef>) -> Result<SchemaRef> {
        let mut state = self.state();
        let schema = decide(state.schema.as_ref())?;
        if !schema.fields().is_empty() {
            state.schema = Some(SchemaRef::clone(&schema));
        }
        Ok(schema)
    }

    /// Remembers what is about to take the place of a window. Only afterwards the file may appear.
    ///
    /// # Errors
    /// A file error, also when somebody else has written to the dataset meanwhile.
    pub async fn announce(&self, row: Row) -> Result<()> {
        self.change(|state| {
            state.unsettled.insert(row.start, row);
        })
        .await
    }

    /// The announced window is in its place. It is written along with the next change: until then a crash finds it by
    /// its hash.
    pub fn settle(&self, start: Date) {
        let mut state = self.state();
        if let Some(row) = state.unsettled.remove(&start) {
            state.windows.insert(start, row);
            state.changes += 1;
        }
    }

    /// Writes what isn't written yet.
    ///
    /// # Errors
    /// As [`announce`](Self::announce).
    pub async fn flush(&self) -> Result<()> {
        let changes = self.state().changes;
        if changes == self.written.lock().await.changes { Ok(()) } else { self.change(|_| ()).await }
    }

    async fn change(&self, change: impl FnOnce(&mut State)) -> Result<()> {
        let wanted = {
            let mut state = self.state();
            change(&mut state);
            state.changes += 1;
            state.changes
        };
        let mut written = self.written.lock().await;
        if written.changes >= wanted {
            return Ok(());
        }
        let (text, changes) = {
            let state = self.state();
            (state.text(), state.changes)
        };
        match self.root.below(MANIFEST).replace(text.into_bytes(), &written.version).await? {
            Some(version) => {
                *written = Written { version, changes };
                Ok(())
            }
            None => Err(busy(&self.root, "another process has written to this dataset meanwhile")),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where drafts of files belong, so that nobody takes them for data.
    pub fn drafts(&self) -> Place {
        self.root.below(OURS)
    }
}

/// Takes the lock of a dataset on this machine, and clears away what a crash may have left.
fn lock(root: &Path) -> Result<File> {
    let wrong = |error: &io::Error| Error::file(root.display(), error);
    let ours = root.join(OURS);
    fs::create_dir_all(&ours).map_err(|error| wrong(&error))?;
    let lock = OpenOptions::new().write(true).create(true).truncate(false).open(root.join(LOCK));
    let lock = lock.map_err(|error| wrong(&error))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(busy(&Place::local(root), "another export is writing to this dataset"));
        }
        // Not every file system has locks; without one it is up to the caller.
        Err(TryLockError::Error(error)) => tracing::warn!("`{}` can't be locked: {error}", root.display()),
    }
    for entry in fs::read_dir(&ours).map_err(|error| wrong(&error))?.flatten() {
        if entry.path().extension().is_some_and(|extension| extension == "part") {
            let _ = fs::remove_file(entry.path());
        }
    }
    Ok(lock)
}

/// `BlockingIOError` in Python.
fn busy(root: &Place, message: &str) -> Error {
    let again = if cfg!(target_os = "linux") { 11 } else { 35 };
    Error::new(Kind::File { path: root.to_string(), errno: Some(again), message: message.into() })
}

impl State {
    fn new(identity: Identity) -> Self {
        Self { identity, schema: None, windows: BTreeMap::new(), unsettled: BTreeMap::new(), changes: 0 }
    }

    fn read(root: &Place, bytes: &[u8]) -> Result<Self> {
        let wrong = |what: String| {
            Error::config(format!("`{root}/{MANIFEST}` {what}")).hint(
                "only the manifest tells what is done: bring it back, or begin the dataset again in an empty place",
            )
        };
        let version = serde_json::from_slice::<Value>(bytes).ok().and_then(|value| value["version"].as_u64());
        if version.is_some_and(|version| version > VERSION) {
            return Err(Error::config(format!("`{root}` was written by a newer insightframe")).hint("update this one"));
        }
        let read: Read = serde_json::from_slice(bytes).map_err(|error| wrong(format!("is damaged: {error}")))?;
        if read.insightframe != "dataset" || read.version != VERSION {
            return Err(wrong("is no manifest of a dataset".into()));
        }
        let field = |column: Column| {
            let kind =
                data_type(&column.kind).ok_or_else(|| wrong(format!("has an unknown type, `{}`", column.kind)))?;
            Ok(Field::new(column.name, kind, true))
        };
        let fields = read.columns.into_iter().map(field).collect::<Result<Vec<_>>>()?;
        let by_start = |rows: Vec<Row>| rows.into_iter().map(|row| (row.start, row)).collect();
        Ok(Self {
            identity: read.identity,
            schema: (!fields.is_empty()).then(|| Schema::new(fields).into()),
            windows: by_start(read.windows),
            unsettled: by_start(read.unsettled),
            changes: 0,
        })
    }

    /// Refuses to mix two things in one place.
    fn must_be(&self, root: &Place, asked: &Identity) -> Result<()> {
        let filters = |identity: &Identity| match &identity.filters {
            Value::Null => "none".to_owned(),
            filters => filters.to_string(),
        };
        let pairs = [
            ("report", self.identity.report.clone(), asked.report.clone()),
            ("workspace", self.identity.workspace.clone(), asked.workspace.clone()),
            ("date label", self.identity.date.clone(), asked.date.clone()),
            ("filter", filters(&self.identity), filters(asked)),
            ("format", self.identity.format.clone(), asked.format.clone()),
        ];
        match pairs.into_iter().find(|(_, is, asked)| is != asked) {
            None => Ok(()),
            Some((what, is, asked)) => {
                Err(Error::config(format!("`{root}` holds another dataset: its {what} is `{is}`, not `{asked}`"))
                    .hint("a dataset is one report under one filter; give the other one a place of its own"))
            }
        }
    }

    /// Finds out what a crash, or somebody else, has left of it.
    async fn recover(&mut self, root: &Place, files: &BTreeMap<String, u64>) -> Result<Vec<String>> {
        for (start, row) in std::mem::take(&mut self.unsettled) {
            self.changes += 1;
            let is_done = match &row.file {
                Some(file) if files.get(file) == Some(&row.bytes) => {
                    let found = root.below(file).read().await?;
                    found.is_some_and(|(bytes, _)| Some(sha256(&bytes)) == row.sha256)
                }
                Some(_) => false,
                None => true,
            };
            if is_done {
                self.windows.insert(start, row);
            }
        }
        let mut warnings = Vec::new();
        self.windows.retain(|_, row| {
            let Some(file) = &row.file else { return true };
            let what = match files.get(file) {
                Some(bytes) if *bytes == row.bytes => return true,
                Some(_) => "has been changed",
                None => "is gone",
            };
            warnings.push(format!("`{file}` {what}: its window is not done any more"));
            self.changes += 1;
            false
        });
        Ok(warnings)
    }

    /// The manifest: for programs as JSON, for people a window a line.
    fn text(&self) -> String {
        let mut text = format!("{{\n  \"insightframe\": \"dataset\",\n  \"version\": {VERSION},\n");
        let Identity { report, workspace, date, filters, format } = &self.identity;
        for (name, value) in [
            ("report", json(report)),
            ("workspace", json(workspace)),
            ("date", json(date)),
            ("where", json(filters)),
            ("format", json(format)),
        ] {
            let _ = writeln!(text, "  \"{name}\": {value},");
        }
        let mark = self.schema.as_ref().map(|schema| fingerprint(schema));
        let _ = writeln!(text, "  \"fingerprint\": {},", json(&mark));
        let columns = self.schema.iter().flat_map(|schema| schema.fields().iter());
        let columns =
            columns.map(|field| json(&Column { name: field.name().clone(), kind: type_name(field.data_type()) }));
        list(&mut text, "columns", columns);
        text.push_str(",\n");
        list(&mut text, "windows", self.windows.values().map(json));
        text.push_str(",\n");
        list(&mut text, "unsettled", self.unsettled.values().map(json));
        text.push_str("\n}\n");
        text
    }
}

/// Nothing in a manifest can fail to become JSON.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn list(text: &mut String, name: &str, items: impl Iterator<Item = String>) {
    let _ = write!(text, "  \"{name}\": [");
    let mut between = "\n    ";
    for item in items {
        text.push_str(between);
        text.push_str(&item);
        between = ",\n    ";
    }
    text.push_str(if between.starts_with(',') { "\n  ]" } else { "]" });
}

/// The types that a dataset can have, by the names that the manifest has for them.
fn data_type(name: &str) -> Option<DataType> {
    let micros = |zone: Option<&str>| DataType::Timestamp(TimeUnit::Microsecond, zone.map(Into::into));
    let types = [
        DataType::Utf8,
        DataType::Int64,
        DataType::Float64,
        DataType::Boolean,
        DataType::Date32,
        micros(None),
        micros(Some("UTC")),
    ];
    types.into_iter().find(|known| type_name(known) == name)
}

#[cfg(test)]
mod tests;
