//! `insightframe export`: a report to a file, an object store or stdout.

use std::path::PathBuf;

use arrow_schema::SchemaRef;
use clap::Args;

use super::{
    Done, Failure,
    account::{Account, Session},
    context::{Context, End},
    output::{Excerpt, OutputOptions, Target},
    report::{ReportOptions, every},
};
use crate::{
    error::{Error, Result},
    export::{self, Export, Handle, Start},
    handoff::format::blocking,
    insights::window::Every,
    origin::Origin,
    progress::{Phase, Progress},
};

#[derive(Args)]
#[command(after_help = "\
Examples:
  insightframe export 3035643
  insightframe export 3035643 --start 2024-01-01 --end 2024-12-31 --every 1mo -o s3://bucket/2024.parquet
  insightframe export aaosExgHgF8r --where 'label.queue=Sales' --where 'label.queue=Billing' --format csv | head")]
pub(super) struct ExportCommand {
    /// Object id, identifier or uri of the report; not with --resume
    #[arg(required_unless_present = "resume", conflicts_with = "resume")]
    report: Option<String>,
    /// Go on with the execution of this handle, as an error printed it
    #[arg(long, value_name = "HANDLE")]
    resume: Option<String>,
    #[command(flatten)]
    rows: ReportOptions,
    /// Cut the days into windows that are exported side by side: 1d, 1w (from Monday) or 1mo
    #[arg(long, value_name = "LENGTH", value_parser = every, help_heading = "Rows")]
    every: Option<Every>,
    #[command(flatten)]
    output: OutputOptions,
    /// The service's own CSV, byte for byte, into the file that --output names
    #[arg(long, requires = "output", conflicts_with = "format", help_heading = "Output")]
    raw: bool,
    #[command(flatten)]
    account: Account,
}

impl ExportCommand {
    pub(super) async fn run(self, context: &Context) -> Done {
        let mut under_way: Option<Progress> = None;
        // Before anything is asked of anybody: whether the place is fit.
        let target = if self.raw { None } else { Some(self.output.begin(Excerpt::First)?) };
        let work = async |session: &Session| {
            under_way = Some(session.call.progress.clone());
            let start = self.start(&session.origin)?;
            match target {
                Some(target) => deliver(context, session, start, target).await,
                None => self.download(context, session, start).await,
            }
        };
        let done = self.account.work(context, work).await;
        if let Ok(End::Interrupted | End::Terminated) = done
            && let Some(handle) = under_way.and_then(|progress| progress.handle())
        {
            context.say(format_args!("to go on where it stopped: {}", self.resumes(&handle)));
        }
        done.map_err(|error| Failure::resumable(error, |handle| self.resumes(handle)))
    }

    fn start(&self, origin: &Origin) -> Result<Start> {
        let timeout = self.account.patience.timeout;
        if let Some(handle) = &self.resume {
            return Ok(Start::Resume { handle: Handle::parse(handle, origin)?, types: self.rows.types(), timeout });
        }
        let export = self.rows.export(self.report.as_deref().unwrap_or_default(), origin)?;
        Ok(Start::New(Export { every: self.every, timeout, ..export }))
    }

    async fn download(&self, context: &Context, session: &Session, start: Start) -> Result<()> {
        let path: PathBuf = self.output.path().ok_or_else(|| Error::config("`--raw` needs a file: `-o report.csv`"))?;
        let receipt = Box::pin(export::download(&session.client, &session.call, &start, &path)).await?;
        session.progress.finish(session.call.progress.elapsed());
        context.say(receipt);
        Ok(())
    }

    /// The command that goes on with a handle, to the same place.
    fn resumes(&self, handle: &str) -> String {
        let raw = if self.raw { " --raw" } else { "" };
        format!("insightframe export{}{raw}{} --resume '{handle}'", self.output.words(), self.account.words())
    }
}

/// Rows, as they come; a table for people when all of them are there.
async fn deliver(context: &Context, session: &Session, start: Start, target: Target) -> Result<()> {
    let Session { client, call, progress, .. } = session;
    let (output, format) = match target {
        Target::Rows(output, format) => (output, format),
        target @ Target::Text(..) => {
            let table = Box::pin(export::table(client, call, &start)).await?;
            progress.finish(call.progress.elapsed());
            return target.put(&table).await;
        }
    };
    let (rows, receipt) = Box::pin(export::stream(client, call, start)).await?;
    let schema = SchemaRef::clone(rows.schema());
    let output = format.encode(rows.into_batches(), output, schema).await?;
    call.progress.enter(Phase::HandingOff);
    blocking(|| output.commit()).await?;
    progress.finish(call.progress.elapsed());
    context.say(receipt.read());
    Ok(())
}
