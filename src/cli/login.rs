//! `insightframe login`: credentials that are known to work, kept in a profile.

use std::path::Path;

use clap::Args;

use super::{
    account::{Patience, asked, options},
    context::{Context, End, stoppable, until_ctrl_c, variable},
    workspaces,
};
use crate::{
    credentials::{
        Found, Given, Source,
        profile::{self, Reading, Section},
        without_profile,
    },
    error::{Error, Result},
    insights::Insights,
    progress::Call,
};

#[derive(Args)]
#[command(after_help = "\
Examples:
  insightframe login
  insightframe login --profile night-shift --workspace 1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d
  insightframe export 3035643 --profile night-shift")]
pub(super) struct LoginCommand {
    /// The section of the profile file to store them in
    #[arg(long, value_name = "NAME", default_value = profile::DEFAULT)]
    profile: String,
    /// The user name, an e-mail address
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// The workspace to use when a command names none
    #[arg(long, value_name = "ID")]
    workspace: Option<String>,
    /// The address of the service
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    #[command(flatten)]
    patience: Patience,
}

impl LoginCommand {
    pub(super) async fn run(self, context: &Context) -> Result<End> {
        let path = profile::path(variable).ok_or_else(|| {
            Error::config("there is no home directory for a profile file")
                .hint(format!("name a file by `{}`", profile::PATH))
        })?;
        // Read first: a file that can't be written to is no reason to spend a login.
        let known = match profile::read(&path, &self.profile)? {
            Reading::Found(section) => section,
            Reading::NoFile | Reading::NoSection(_) => Section::default(),
        };
        let found = match stoppable(asked(self.found(&path, known))).await? {
            Ok(found) => found,
            Err(end) => return Ok(end),
        };
        let options = options(found.clone())?;
        let client = Insights::new(options, context.clock())?;
        let progress = context.progress();
        let timeout = self.patience.timeout.unwrap_or_else(|| client.timeout());
        let call = Call::new(context.clock(), Some(timeout), progress.listener());
        let end = until_ctrl_c(async {
            Box::pin(client.login(&call)).await?;
            let mut found = found;
            let known = Box::pin(workspaces::known(&client, &call)).await;
            progress.finish(call.progress.elapsed());
            settle(context, &mut found, known)?;
            profile::store(&path, &self.profile, &found.into())?;
            context.say(format_args!(
                "the credentials work; profile `{}` in `{}` has them",
                self.profile,
                path.display()
            ));
            Ok(())
        });
        let end = end.await;
        client.close().await;
        end
    }

    /// What is known without a question. A stored password is not taken: who logs in has a new one.
    fn found(&self, path: &Path, known: Section) -> Found {
        let given = Given {
            username: self.username.clone(),
            password: None,
            workspace: self.workspace.clone(),
            base_url: self.base_url.clone(),
        };
        let mut found = without_profile(given, variable);
        let stored = |value: String| (value, Source::Profile(self.profile.clone(), path.to_owned()));
        found.username = found.username.or_else(|| known.username.map(stored));
        found.workspace = found.workspace.or_else(|| known.workspace.map(stored));
        found.base_url = found.base_url.or_else(|| known.base_url.map(stored));
        found
    }
}

/// Proves that the workspace is one of the user's, or takes the only one there is. A list that can't be had is no reason
/// to refuse credentials that work.
fn settle(context: &Context, found: &mut Found, known: Result<Vec<(String, String)>>) -> Result<()> {
    let known = match known {
        Ok(known) => known,
        Err(error) => {
            context.say(format_args!("the workspaces can't be listed: {error}"));
            return Ok(());
        }
    };
    let lines = || known.iter().map(|(id, title)| format!("\n  {id}  {title}")).collect::<String>();
    match (&found.workspace, &known[..]) {
        (Some((wanted, _)), known) if known.iter().any(|(id, _)| id == wanted) => {}
        (Some((wanted, _)), _) => {
            return Err(Error::config(format!("the user may not see the workspace `{wanted}`, but:{}", lines())));
        }
        (None, [(id, title)]) => {
            context.say(format_args!("the workspace is {id}, `{title}`"));
            found.workspace = Some((id.clone(), Source::Caller));
        }
        (None, _) => context.say(format_args!("the user's workspaces, of which `--workspace` names one:{}", lines())),
    }
    Ok(())
}
