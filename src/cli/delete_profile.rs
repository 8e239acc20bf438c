//! `insightframe delete-profile`: the user is removed from all workspaces, for good.

use clap::Args;

use super::{
    account::{Account, Session},
    context::{Context, End},
};
use crate::error::{Error, Result};

#[derive(Args)]
#[command(after_help = "\
Examples:
  insightframe delete-profile
  insightframe delete-profile --confirm 1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d")]
pub(super) struct DeleteProfileCommand {
    /// The id of the profile that is logged in
    #[arg(long, value_name = "ID")]
    confirm: Option<String>,
    #[command(flatten)]
    account: Account,
}

impl DeleteProfileCommand {
    pub(super) async fn run(self, context: &Context) -> Result<End> {
        let work = async |Session { client, call, .. }: &Session| {
            Box::pin(client.login(call)).await?;
            let Some(confirm) = &self.confirm else {
                let id = client.profile_id().unwrap_or_default();
                return Err(Error::config(format!("nothing was deleted: the profile `{id}` is not confirmed"))
                    .hint(format!("`insightframe delete-profile --confirm {id}` deletes it for good")));
            };
            Box::pin(client.delete_profile(call, confirm)).await?;
            context.say(format_args!("the profile `{confirm}` is deleted"));
            Ok(())
        };
        self.account.work(context, work).await
    }
}
