//! Where rows go: to stdout, to a file or to an object store, in the format that is asked for.

use std::{
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use clap::{Args, ValueEnum};
use futures_util::stream;

use crate::{
    error::{Error, Kind, Result},
    handoff::{
        Format, Output, Room, Table,
        store::{Place, StorageOptions},
    },
};

/// The name of stdout in messages.
const STDOUT: &str = "stdout";

/// The options of every command that gives rows.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Output")]
pub(super) struct OutputOptions {
    /// How rows are written [default: as the name of --output ends, else table]
    #[arg(long, value_enum)]
    format: Option<Form>,
    /// A file, or a url such as s3://bucket/name.parquet, instead of stdout; it is there when it is complete
    #[arg(short, long, value_name = "PATH|URL")]
    output: Option<PathBuf>,
}

/// A format as it is named on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// Columns for people; all rows and cells when it isn't a terminal that reads
    Table,
    /// CSV after RFC 4180
    Csv,
    /// An array of objects
    Json,
    /// An object a line
    Ndjson,
    /// Apache Parquet
    Parquet,
    /// Arrow IPC: a file, or a stream into a pipe
    Arrow,
}

impl Form {
    fn is_binary(self) -> bool {
        matches!(self, Self::Parquet | Self::Arrow)
    }

    /// By the ending of a name.
    fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "txt" => Some(Self::Table),
            "csv" => Some(Self::Csv),
            "json" => Some(Self::Json),
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            "parquet" => Some(Self::Parquet),
            "arrow" | "ipc" | "feather" => Some(Self::Arrow),
            _ => None,
        }
    }
}

/// How many rows a terminal is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Excerpt {
    /// The first ones, of data.
    First,
    /// All, of a list.
    All,
}

/// A place that has been found fit for rows.
pub(super) enum Target {
    /// Text for people.
    Text(Output, Room),
    /// Rows for programs.
    Rows(Output, Format),
}

impl OutputOptions {
    /// Prepares the place, so that what is wrong with it is said before anything is asked of a service. On a runtime.
    ///
    /// # Errors
    /// `Config` for a name whose ending says no format, and for binary data on a terminal; `OSError` for a file that
    /// can't be made.
    pub(super) fn begin(&self, excerpt: Excerpt) -> Result<Target> {
        let stdout = std::io::stdout();
        let Some(path) = self.path() else {
            let form = self.format.unwrap_or(Form::Table);
            if form.is_binary() && stdout.is_terminal() {
                let name = form.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
                return Err(Error::config(format!("`{name}` is binary, and stdout is a terminal"))
                    .hint(format!("write it to a file: `-o rows.{name}`")));
            }
            let (is_file, room) = (is_file(&stdout), room(excerpt));
            return Ok(Target::new(Output::pipe(stdout, STDOUT), form, room, is_file));
        };
        let form = self.format.or_else(|| Form::of(&path)).ok_or_else(|| {
            Error::config(format!(
                "`{}` ends in none of .csv, .json, .ndjson, .parquet, .arrow and .txt",
                path.display()
            ))
            .hint("`--format` says what it is to be")
        })?;
        let output = Place::parse(path, &StorageOptions::default())?.begin()?;
        Ok(Target::new(output, form, Room::UNLIMITED, true))
    }

    /// Whether a person is to read it, on stdout.
    pub(super) fn is_for_people(&self) -> bool {
        self.output.is_none() && matches!(self.format, None | Some(Form::Table))
    }

    /// The path of --output, unless that is stdout.
    pub(super) fn path(&self) -> Option<PathBuf> {
        self.output.clone().filter(|path| path != Path::new("-"))
    }

    /// The same options as words of a command line.
    pub(super) fn words(&self) -> String {
        let format = self.format.and_then(|form| form.to_possible_value());
        let format = format.map(|value| format!(" --format {}", value.get_name())).unwrap_or_default();
        let output =
            self.output.as_ref().map(|path| format!(" -o {}", quoted(&path.to_string_lossy()))).unwrap_or_default();
        format + &output
    }
}

impl Target {
    fn new(output: Output, form: Form, room: Room, is_file: bool) -> Self {
        match form {
            Form::Table => Self::Text(output, room),
            Form::Csv => Self::Rows(output, Format::Csv),
            Form::Json => Self::Rows(output, Format::Json),
            Form::Ndjson => Self::Rows(output, Format::Ndjson),
            Form::Parquet => Self::Rows(output, Format::Parquet),
            Form::Arrow if is_file => Self::Rows(output, Format::Ipc),
            Form::Arrow => Self::Rows(output, Format::IpcStream),
        }
    }

    /// Writes a table, and puts it in its place.
    ///
    /// # Errors
    /// `OSError`, and `Config` for values that the format has no form for.
    pub(super) async fn put(self, table: &Table) -> Result<()> {
        match self {
            Self::Text(mut output, room) => {
                let shown = output.shown();
                writeln!(output, "{}", table.text(room)).map_err(|error| Error::file(shown, &error))?;
                output.commit().map(drop)
            }
            Self::Rows(output, format) => {
                let batches: Vec<_> = table.batches().iter().cloned().map(Ok).collect();
                format.write(stream::iter(batches), output, SchemaRef::clone(table.schema())).await.map(drop)
            }
        }
    }

    /// The same for a batch that is all there is.
    pub(super) async fn put_batch(self, batch: RecordBatch) -> Result<()> {
        self.put(&Table::new(batch.schema(), vec![batch])).await
    }
}

/// Writes text to stdout.
///
/// # Errors
/// `OSError`, such as for a pipe that nobody reads any more.
pub(super) fn print(text: impl std::fmt::Display) -> Result<()> {
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{text}").and_then(|()| stdout.flush()).map_err(|error| Error::file(STDOUT, &error))
}

/// A word as a POSIX shell reads it.
pub(super) fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@=+,%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Whether an error says that the reader of stdout has gone, as `head` does: that is its right.
pub(super) fn is_closed_pipe(error: &Error) -> bool {
    match error.kind() {
        Kind::File { path, errno: Some(errno), .. } => {
            path == STDOUT && std::io::Error::from_raw_os_error(*errno).kind() == std::io::ErrorKind::BrokenPipe
        }
        _ => false,
    }
}

/// The room of stdout: as wide as its terminal, or unlimited.
pub(super) fn room(excerpt: Excerpt) -> Room {
    let Some((_, width)) = console::Term::stdout().size_checked() else { return Room::UNLIMITED };
    let width = usize::from(width);
    let rows = match excerpt {
        Excerpt::First => Room::default().rows,
        Excerpt::All => usize::MAX,
    };
    // A long cell may take its share of a wide terminal.
    Room { rows, width, cell: Room::default().cell.max(width / 3) }
}

#[cfg(unix)]
fn is_file(stdout: &std::io::Stdout) -> bool {
    rustix::fs::fstat(stdout).is_ok_and(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode).is_file())
}

#[cfg(not(unix))]
fn is_file(_: &std::io::Stdout) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_of_a_name_says_its_format() {
        for (name, form) in [
            ("r.csv", Some(Form::Csv)),
            ("r.PARQUET", Some(Form::Parquet)),
            ("s3://bucket/r.arrow", Some(Form::Arrow)),
            ("r.jsonl", Some(Form::Ndjson)),
            ("r.json", Some(Form::Json)),
            ("r.txt", Some(Form::Table)),
            ("r.xlsx", None),
            ("csv", None),
            (".csv", None),
        ] {
            assert_eq!(Form::of(Path::new(name)), form, "{name}");
        }
    }

    #[test]
    fn a_word_is_quoted_when_a_shell_would_see_more_in_it() {
        for (word, shown) in [
            ("report.csv", "report.csv"),
            ("s3://b/k=1/r.parquet", "s3://b/k=1/r.parquet"),
            ("my report.csv", "'my report.csv'"),
            ("it's", r"'it'\''s'"),
            ("$HOME", "'$HOME'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(word), shown);
        }
    }
}
