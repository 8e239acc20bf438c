//! `insightframe workspaces`: what the user may see.

use arrow_array::cast::AsArray;
use clap::Args;

use super::{
    account::{Account, Session},
    context::{Context, End},
    output::{Excerpt, OutputOptions},
};
use crate::{error::Result, insights::Insights, progress::Call};

#[derive(Args)]
#[command(after_help = "\
Examples:
  insightframe workspaces
  insightframe workspaces --format csv | cut -d, -f1,2")]
pub(super) struct WorkspacesCommand {
    #[command(flatten)]
    output: OutputOptions,
    #[command(flatten)]
    account: Account,
}

impl WorkspacesCommand {
    pub(super) async fn run(self, context: &Context) -> Result<End> {
        let target = self.output.begin(Excerpt::All)?;
        let work = async |session: &Session| {
            session.put(target, Box::pin(session.client.workspaces(&session.call, false)).await?).await
        };
        self.account.work(context, work).await
    }
}

/// Ids and titles, for who looks for one of them.
pub(super) async fn known(client: &Insights, call: &Call) -> Result<Vec<(String, String)>> {
    let found = Box::pin(client.workspaces(call, false)).await?;
    let texts = |name: &str| found.column_by_name(name).and_then(|column| column.as_string_view_opt());
    let Some((ids, titles)) = texts("id").zip(texts("title")) else { return Ok(Vec::new()) };
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    Ok(ids.iter().zip(titles).map(|(id, title)| (text(id), text(title))).collect())
}
