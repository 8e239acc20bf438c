//! `insightframe export`: a report to a file or the terminal.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use super::{End, until_ctrl_c};
use crate::{
    credentials::{Given, resolve},
    error::{Error, Result},
    export::{self, Base, Export, Handle, Start, Types},
    handoff::{
        Format,
        store::{Place, StorageOptions},
    },
    ids::{Identifier, ReportName, WorkspaceId},
    insights::{
        Insights, Options,
        filter::{Filter, Interval},
        window::Every,
    },
    origin::Origin,
    progress::Call,
    secret::Credentials,
};

/// User name, password and defaults come from FLEX_INSIGHTS_USERNAME, FLEX_INSIGHTS_PASSWORD, FLEX_INSIGHTS_WORKSPACE
/// and FLEX_INSIGHTS_BASE_URL, or from a profile file (INSIGHTFRAME_PROFILE, INSIGHTFRAME_CONFIG).
#[derive(Args)]
pub(super) struct ExportCommand {
    /// Object id, identifier or uri of the report; not with --resume
    #[arg(required_unless_present = "resume", conflicts_with = "resume")]
    report: Option<String>,
    /// The first day, such as 2023-12-01
    #[arg(long)]
    start: Option<jiff::civil::Date>,
    /// The last day, itself included
    #[arg(long)]
    end: Option<jiff::civil::Date>,
    /// Identifier of the date label that --start and --end are about [default: date.date.mmddyyyy]
    #[arg(long)]
    date: Option<String>,
    /// Cut the days into windows that are exported side by side: 1d, 1w (from Monday) or 1mo
    #[arg(long)]
    every: Option<String>,
    /// Only rows with this value of a label, such as label.agents.team_name=Billing; may be repeated, also for one label
    #[arg(long = "where", value_name = "LABEL=VALUE")]
    filters: Vec<String>,
    /// The workspace, when it is not the default one
    #[arg(long)]
    workspace: Option<String>,
    /// Where the types come from
    #[arg(long, value_enum, default_value = "report")]
    schema: Schema,
    /// A .parquet, .arrow or .csv file, here or in an object store; without it the first rows are printed
    #[arg(short, long)]
    output: Option<PathBuf>,
    /// Seconds that it may take [default: 3600]
    #[arg(long)]
    timeout: Option<f64>,
    /// Go on with the execution of this handle, as an error printed it
    #[arg(long)]
    resume: Option<String>,
    /// No lines about progress
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Schema {
    /// The report's definition
    Report,
    /// The data
    Infer,
    /// Text, all of it
    Text,
}

impl ExportCommand {
    pub(super) async fn run(self) -> Result<End> {
        let found = resolve(Given::default(), |name| std::env::var(name).ok())?;
        let mut options = Options::new(Credentials { username: found.username, password: found.password });
        if let Some(base_url) = found.base_url {
            options.base_url = base_url;
        }
        let workspace = self.workspace.clone().or(found.workspace);
        options.workspace = workspace.map(|id| WorkspaceId::parse(&id)).transpose()?;
        let origin = Origin::parse(&options.base_url, "/gdc/")?;
        let start = self.start(&origin)?;
        let clock = super::clock();
        let client = Insights::new(options, clock.clone())?;
        let listener = (!self.quiet).then(super::lines);
        let call = Call::new(clock, Some(start.timeout().unwrap_or_else(|| client.timeout())), listener);
        let end = until_ctrl_c(self.deliver(&client, &call, start)).await;
        client.close().await;
        end
    }

    fn start(&self, origin: &Origin) -> Result<Start> {
        let base = match self.schema {
            Schema::Report => Base::Report,
            Schema::Infer => Base::Infer,
            Schema::Text => Base::Text,
        };
        let types = Types { base, given: Vec::new() };
        let timeout = self
            .timeout
            .map(|seconds| {
                Duration::try_from_secs_f64(seconds)
                    .map_err(|_| Error::config(format!("`--timeout {seconds}` is not a number of seconds")))
            })
            .transpose()?;
        if let Some(handle) = &self.resume {
            return Ok(Start::Resume { handle: Handle::parse(handle, origin)?, types, timeout });
        }
        let label = self.date.as_deref().map(Identifier::parse).transpose()?;
        Ok(Start::New(Export {
            report: ReportName::parse(self.report.as_deref().unwrap_or_default(), origin)?,
            workspace: None,
            interval: Interval::new(self.start, self.end, label)?,
            filters: self.filters(origin)?,
            every: self.every.as_deref().map(Every::parse).transpose()?,
            types,
            timeout,
        }))
    }

    /// The filters: values of the same label are alternatives, those of different labels hold together.
    fn filters(&self, origin: &Origin) -> Result<Vec<Filter>> {
        let mut lists: Vec<(&str, Vec<String>)> = Vec::new();
        for filter in &self.filters {
            let (label, value) = filter.split_once('=').ok_or_else(|| {
                Error::config(format!("`--where {filter}` is not of the form LABEL=VALUE"))
                    .hint("for instance `--where label.agents.team_name=Billing`")
            })?;
            match lists.iter_mut().find(|(known, _)| *known == label) {
                Some((_, values)) => values.push(value.to_owned()),
                None => lists.push((label, vec![value.to_owned()])),
            }
        }
        lists
            .into_iter()
            .map(|(label, values)| Filter::among(ReportName::parse_label(label, origin)?, values))
            .collect()
    }

    async fn deliver(&self, client: &Insights, call: &Call, start: Start) -> Result<()> {
        let Some(path) = &self.output else {
            let table = export::table(client, call, &start).await?;
            println!("{table}");
            return Ok(());
        };
        let kind = path.extension().and_then(|kind| kind.to_str()).unwrap_or_default().to_ascii_lowercase();
        let format = match kind.as_str() {
            "parquet" => Format::Parquet,
            "arrow" | "ipc" | "feather" => Format::Ipc,
            "csv" => Format::Csv,
            _ => return Err(Error::config(format!("`{}` ends in none of .parquet, .arrow, .csv", path.display()))),
        };
        // Before anything is executed: whether the file can be written.
        let output = Place::parse(path, &StorageOptions::default())?.begin()?;
        let (stream, receipt) = export::stream(client, call, start).await?;
        let schema = stream.schema().clone();
        format.write(stream.into_batches(), output, schema).await?;
        if !self.quiet {
            eprintln!("{}", receipt.read());
        }
        Ok(())
    }
}
