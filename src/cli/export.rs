//! `insightframe export`: a report to a file, an object store or stdout.

use arrow_schema::SchemaRef;
use clap::Args;
use futures_util::stream;

use super::{
    Done, Failure,
    account::{Account, Session},
    context::Context,
    output::{Excerpt, OutputOptions, Target},
};
use crate::{
    error::Result,
    export::{self, Base, Export, Start, Types},
    ids::{Identifier, ReportName},
    insights::{Execution, filter::Interval},
    origin::Origin,
    progress::Phase,
};

/// Credentials and defaults come from the environment, a profile or, on a terminal, a question: see `insightframe --help`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  insightframe export 3035643
  insightframe export 3035643 --start 2024-01-01 --end 2024-01-31 -o january.parquet
  insightframe export aaosExgHgF8r --format csv | head
  insightframe export 3035643 -o s3://bucket/report.parquet")]
pub(super) struct ExportCommand {
    /// Object id, identifier or uri of the report; not with --resume
    #[arg(required_unless_present = "resume", conflicts_with = "resume")]
    report: Option<String>,
    /// The first day, such as 2023-12-01
    #[arg(long, value_name = "DAY")]
    start: Option<jiff::civil::Date>,
    /// The last day, itself included
    #[arg(long, value_name = "DAY")]
    end: Option<jiff::civil::Date>,
    /// Identifier of the date label that --start and --end are about [default: date.date.mmddyyyy]
    #[arg(long, value_name = "LABEL")]
    date: Option<String>,
    /// Where the types come from
    #[arg(long, value_enum, default_value = "report")]
    schema: Schema,
    /// Go on with the execution of this handle, as an error printed it
    #[arg(long, value_name = "HANDLE")]
    resume: Option<String>,
    #[command(flatten)]
    output: OutputOptions,
    #[command(flatten)]
    account: Account,
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
    pub(super) async fn run(self, context: &Context) -> Done {
        let work = async |session: &Session| {
            let start = self.start(&session.origin)?;
            let target = self.output.begin(Excerpt::First)?;
            deliver(context, session, start, target).await
        };
        let done = self.account.work(context, work).await;
        done.map_err(|error| Failure::resumable(error, |handle| self.resumes(handle)))
    }

    fn start(&self, origin: &Origin) -> Result<Start> {
        let base = match self.schema {
            Schema::Report => Base::Report,
            Schema::Infer => Base::Infer,
            Schema::Text => Base::Text,
        };
        let types = Types { base, given: Vec::new() };
        let timeout = self.account.patience.timeout;
        if let Some(handle) = &self.resume {
            return Ok(Start::Resume { execution: Execution::parse(handle, origin)?, types, timeout });
        }
        let label = self.date.as_deref().map(Identifier::parse).transpose()?;
        Ok(Start::New(Export {
            report: ReportName::parse(self.report.as_deref().unwrap_or_default(), origin)?,
            workspace: None,
            interval: Interval::new(self.start, self.end, label)?,
            types,
            timeout,
        }))
    }

    /// The command that goes on with a handle, to the same place.
    fn resumes(&self, handle: &str) -> String {
        format!("insightframe export --resume '{handle}'{}{}", self.output.words(), self.account.words())
    }
}

async fn deliver(context: &Context, session: &Session, start: Start, target: Target) -> Result<()> {
    let Session { client, call, progress, .. } = session;
    let (output, format) = match target {
        Target::Text(..) => {
            let table = export::table(client, call, &start).await?;
            progress.finish(call.progress.elapsed());
            return target.put(&table).await;
        }
        Target::Rows(output, format) => (output, format),
    };
    let (rows, receipt) = export::stream(client, call, start).await?;
    let schema = SchemaRef::clone(rows.schema());
    let batches = stream::unfold(rows, |mut rows| async { rows.next().await.transpose().map(|next| (next, rows)) });
    let output = format.encode(batches, output, schema).await?;
    call.progress.enter(Phase::HandingOff);
    crate::handoff::format::blocking(|| output.commit()).await?;
    progress.finish(call.progress.elapsed());
    context.say(receipt.read());
    Ok(())
}
