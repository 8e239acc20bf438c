//! `insightframe dataset`: a directory of files, one for each window of days, kept up to date.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{
    account::{Account, Session},
    context::{Context, End},
    report::{ReportOptions, every},
};
use crate::{
    dataset::{self, Asked},
    error::Result,
    export::Export,
    handoff::{
        Format,
        store::{Place, StorageOptions},
    },
    insights::window::Every,
};

#[derive(Args)]
#[command(after_help = "\
Examples:
  insightframe dataset 3035643 calls --start 2024-01-01 --end 2024-12-31
  insightframe dataset 3035643 s3://bucket/calls --start 2024-01-01 --end 2024-06-30 --every 1w --restate 2")]
pub(super) struct DatasetCommand {
    /// Object id, identifier or uri of the report
    report: String,
    /// The directory, or a url such as s3://bucket/prefix
    #[arg(value_name = "PATH|URL")]
    root: PathBuf,
    #[command(flatten)]
    rows: ReportOptions,
    /// The windows, a file each: 1d, 1w (from Monday) or 1mo
    #[arg(long, value_name = "LENGTH", value_parser = every, default_value = "1d", help_heading = "Rows")]
    every: Every,
    /// Fetch so many of the newest windows again although they are done, for data that comes late
    #[arg(long, value_name = "WINDOWS", default_value_t = 0)]
    restate: usize,
    /// Let columns come and go between windows
    #[arg(long)]
    widen: bool,
    /// The kind of the files
    #[arg(long, value_enum, default_value = "parquet")]
    format: Form,
    #[command(flatten)]
    account: Account,
}

#[derive(Clone, Copy, ValueEnum)]
enum Form {
    Parquet,
    Csv,
    Arrow,
}

impl DatasetCommand {
    pub(super) async fn run(self, context: &Context) -> Result<End> {
        let work = async |session: &Session| {
            let Session { client, call, origin, progress } = session;
            let export = self.rows.export(&self.report, origin)?;
            let asked = Asked {
                export: Export { every: Some(self.every), timeout: self.account.patience.timeout, ..export },
                root: Place::parse(&self.root, &StorageOptions::default())?,
                format: match self.format {
                    Form::Parquet => Format::Parquet,
                    Form::Csv => Format::Csv,
                    Form::Arrow => Format::Ipc,
                },
                restate: self.restate,
                widen: self.widen,
            };
            // The time is that of each window; all of them together may take as long as it takes.
            let receipt = Box::pin(dataset::write(client, &call.given(None), &asked)).await?;
            progress.finish(call.progress.elapsed());
            context.say(receipt);
            Ok(())
        };
        self.account.work(context, work).await
    }
}
