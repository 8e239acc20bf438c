//! `insightframe identifiers`: what is called how, both ways.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use clap::Args;

use super::{
    account::{Account, Session},
    context::{Context, End},
    output::{Excerpt, OutputOptions},
};
use crate::{
    error::{Error, Result},
    ids::{Identifier, ObjectUri},
};

#[derive(Args)]
#[command(after_help = "\
Examples:
  insightframe identifiers date.date.mmddyyyy label.queue
  insightframe identifiers /gdc/md/WORKSPACE/obj/3035643 --format json")]
pub(super) struct IdentifiersCommand {
    /// Identifiers such as date.date.mmddyyyy, and uris such as /gdc/md/…/obj/12
    #[arg(required = true, value_name = "IDENTIFIER|URI")]
    names: Vec<String>,
    #[command(flatten)]
    output: OutputOptions,
    #[command(flatten)]
    account: Account,
}

impl IdentifiersCommand {
    pub(super) async fn run(self, context: &Context) -> Result<End> {
        let target = self.output.begin(Excerpt::All)?;
        let work = async |session: &Session| {
            let (uris, identifiers): (Vec<_>, Vec<_>) = self.names.iter().partition(|name| name.contains('/'));
            let identifiers =
                identifiers.into_iter().map(|name| Identifier::parse(name)).collect::<Result<Vec<_>>>()?;
            let uris =
                uris.into_iter().map(|uri| ObjectUri::parse(uri, &session.origin)).collect::<Result<Vec<_>>>()?;
            let mut pairs = Vec::with_capacity(self.names.len());
            if !identifiers.is_empty() {
                let workspace = session.client.workspace(None)?;
                let found = Box::pin(session.client.identifiers(&session.call, &workspace, &identifiers)).await?;
                pairs.extend(found.into_iter().map(|(identifier, uri)| (identifier.to_string(), uri.to_string())));
            }
            if !uris.is_empty() {
                let found = Box::pin(session.client.uris(&session.call, &uris)).await?;
                pairs.extend(found.into_iter().map(|(uri, identifier)| (identifier.to_string(), uri)));
            }
            session.put(target, table(&pairs)?).await
        };
        self.account.work(context, work).await
    }
}

fn table(pairs: &[(String, String)]) -> Result<RecordBatch> {
    let identifiers = StringArray::from_iter_values(pairs.iter().map(|(identifier, _)| identifier));
    let uris = StringArray::from_iter_values(pairs.iter().map(|(_, uri)| uri));
    RecordBatch::try_from_iter([("identifier", Arc::new(identifiers) as ArrayRef), ("uri", Arc::new(uris))])
        .map_err(|error| Error::config(format!("the columns don't fit together: {error}")))
}
