//! `insightframe describe`: a report and its columns.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use clap::Args;

use super::{
    account::{Account, Session},
    context::{Context, End},
    output::{Excerpt, OutputOptions, print},
};
use crate::{
    error::{Error, Result},
    handoff::description,
    ids::ReportName,
    insights::Report,
};

#[derive(Args)]
#[command(after_help = "\
Examples:
  insightframe describe 3035643
  insightframe describe aaosExgHgF8r --format json")]
pub(super) struct DescribeCommand {
    /// Object id, identifier or uri of the report
    report: String,
    #[command(flatten)]
    output: OutputOptions,
    #[command(flatten)]
    account: Account,
}

impl DescribeCommand {
    pub(super) async fn run(self, context: &Context) -> Result<End> {
        let target = self.output.begin(Excerpt::All)?;
        let work = async |session: &Session| {
            let Session { client, call, origin, progress } = session;
            let name = ReportName::parse(&self.report, origin)?;
            let report = Box::pin(client.locate(call, &name, None)).await?;
            let report = Box::pin(client.describe(call, &report)).await?;
            progress.finish(call.progress.elapsed());
            if self.output.is_for_people() {
                return print(description::text(&report));
            }
            session.put(target, rows(&report)?).await
        };
        self.account.work(context, work).await
    }
}

/// A row for each column; what isn't known is null.
fn rows(report: &Report) -> Result<RecordBatch> {
    let lines: Vec<_> = report.columns.iter().map(description::line).collect();
    let words = |index: usize| -> ArrayRef {
        let known = lines.iter().map(|line| Some(line[index].as_str()).filter(|word| !word.is_empty()));
        Arc::new(known.collect::<StringArray>())
    };
    let sources = report.columns.iter().map(|column| column.source.to_string());
    let columns: [(&str, ArrayRef, bool); 6] = [
        ("name", words(0), true),
        ("kind", words(1), true),
        ("type", words(2), true),
        ("identifier", words(3), true),
        ("format", words(4), true),
        ("source", Arc::new(StringArray::from_iter_values(sources)), true),
    ];
    RecordBatch::try_from_iter_with_nullable(columns)
        .map_err(|error| Error::config(format!("the columns don't fit together: {error}")))
}
