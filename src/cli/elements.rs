//! `insightframe elements`: the values of a label.

use clap::Args;

use super::{
    account::{Account, Session},
    context::{Context, End},
    output::{Excerpt, OutputOptions},
};
use crate::{error::Result, ids::ReportName, insights::element_table};

#[derive(Args)]
#[command(after_help = "\
Examples:
  insightframe elements label.agents.team_name
  insightframe elements label.agents.team_name --contains night --limit 20 --format csv")]
pub(super) struct ElementsCommand {
    /// Identifier, object id or uri of the label
    label: String,
    /// Only values with this text in them, in capitals or not
    #[arg(long, value_name = "TEXT")]
    contains: Option<String>,
    /// At most so many values
    #[arg(long, value_name = "ROWS", value_parser = at_least_one)]
    limit: Option<usize>,
    #[command(flatten)]
    output: OutputOptions,
    #[command(flatten)]
    account: Account,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|limit| *limit > 0).ok_or_else(|| "not a number from 1 on".into())
}

impl ElementsCommand {
    pub(super) async fn run(self, context: &Context) -> Result<End> {
        let target = self.output.begin(Excerpt::All)?;
        let work = async |session: &Session| {
            let Session { client, call, origin, .. } = session;
            let name = ReportName::parse_label(&self.label, origin)?;
            let label = Box::pin(client.locate(call, &name, None)).await?;
            let found = Box::pin(client.elements(call, &label, self.contains.as_deref(), self.limit)).await?;
            session.put(target, element_table(&found)?).await
        };
        self.account.work(context, work).await
    }
}
