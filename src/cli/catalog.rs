//! `insightframe reports`, `metrics`, `attributes`, `labels`: what a workspace has, by kind.

use clap::Args;

use super::{
    account::{Account, Session},
    context::{Context, End},
    output::{Excerpt, OutputOptions},
};
use crate::{error::Result, insights::catalog::Listing};

#[derive(Args)]
pub(super) struct CatalogCommand {
    #[command(flatten)]
    output: OutputOptions,
    #[command(flatten)]
    account: Account,
}

impl CatalogCommand {
    pub(super) async fn run(self, context: &Context, listing: Listing) -> Result<End> {
        let target = self.output.begin(Excerpt::All)?;
        let work = async |session: &Session| {
            let workspace = session.client.workspace(None)?;
            session
                .put(target, Box::pin(session.client.catalog(&session.call, &workspace, listing, false)).await?)
                .await
        };
        self.account.work(context, work).await
    }
}
