//! From options, environment, profile and, at last, a question to a client of Flex Insights.

use std::{sync::Arc, time::Duration};

use arrow_array::RecordBatch;
use clap::Args;

use super::{
    context::{Context, End, stoppable, until_ctrl_c, variable},
    output::{Target, quoted},
    progress::Progress,
    prompt::{ask, ask_secret, somebody_is_there},
};
use crate::{
    credentials::{Found, Given, Source, look_up},
    error::Result,
    ids::WorkspaceId,
    insights::{Insights, Options},
    origin::Origin,
    progress::Call,
    secret::Credentials,
};

/// The options of every command that asks Flex Insights.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Account")]
pub(super) struct Account {
    /// The section of the profile file to use, before what the environment says
    #[arg(long, value_name = "NAME")]
    pub(super) profile: Option<String>,
    /// The workspace, when it is not the default one
    #[arg(long, value_name = "ID")]
    pub(super) workspace: Option<String>,
    #[command(flatten)]
    pub(super) patience: Patience,
}

/// How long a command may take.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(super) struct Patience {
    /// Seconds that it may take [default: 3600]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(super) timeout: Option<Duration>,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.ok_or_else(|| "not a number of seconds".into())
}

/// A client, and one call of it.
pub(super) struct Session {
    pub(super) client: Insights,
    pub(super) call: Call,
    pub(super) origin: Origin,
    pub(super) progress: Progress,
}

impl Session {
    /// Writes what was asked for, when nothing else is on the screen any more.
    ///
    /// # Errors
    /// Those of the target.
    pub(super) async fn put(&self, target: Target, rows: RecordBatch) -> Result<()> {
        self.progress.finish(self.call.progress.elapsed());
        target.put_batch(rows).await
    }
}

impl Account {
    /// Does `work` with a client, which is logged out afterwards, come what may.
    ///
    /// # Errors
    /// `Config` for credentials that are missing or can't be used; the error of `work`.
    pub(super) async fn work(&self, context: &Context, work: impl AsyncFnOnce(&Session) -> Result<()>) -> Result<End> {
        let session = match stoppable(self.session(context)).await? {
            Ok(session) => session,
            Err(end) => return Ok(end),
        };
        let end = until_ctrl_c(work(&session)).await;
        if matches!(end, Ok(End::Done)) {
            session.progress.finish(session.call.progress.elapsed());
        }
        session.client.close().await;
        end
    }

    async fn session(&self, context: &Context) -> Result<Session> {
        let given = Given { workspace: self.workspace.clone(), ..Given::default() };
        let found = look_up(given, self.profile.as_deref(), variable)?;
        let options = options(asked(found).await?)?;
        let origin = Origin::parse(&options.base_url, "/gdc/")?;
        let clock = context.clock();
        let client = Insights::new(options, Arc::clone(&clock))?;
        let progress = context.progress();
        let timeout = self.patience.timeout.unwrap_or_else(|| client.timeout());
        let call = Call::new(clock, Some(timeout), progress.listener());
        Ok(Session { client, call, origin, progress })
    }

    /// The same options as words of a command line.
    pub(super) fn words(&self) -> String {
        let profile = self.profile.as_ref().map(|name| format!(" --profile {}", quoted(name))).unwrap_or_default();
        let workspace = self.workspace.as_ref().map(|id| format!(" --workspace {}", quoted(id))).unwrap_or_default();
        profile + &workspace
    }
}

/// Asks for what is missing, where somebody is there.
pub(super) async fn asked(mut found: Found) -> Result<Found> {
    if !somebody_is_there() {
        return Ok(found);
    }
    if found.username.is_none() {
        found.username = Some((ask("Flex Insights user name").await?, Source::Caller));
    }
    if found.password.is_none() {
        found.password = Some((ask_secret("Flex Insights password").await?, Source::Caller));
    }
    Ok(found)
}

/// The options of a client with these credentials.
///
/// # Errors
/// `Config` for what is missing or can't be used.
pub(super) fn options(found: Found) -> Result<Options> {
    let found = found.complete()?;
    let mut options = Options::new(Credentials { username: found.username, password: found.password });
    options.workspace = found.workspace.as_deref().map(WorkspaceId::parse).transpose()?;
    if let Some(base_url) = found.base_url {
        options.base_url = base_url;
    }
    Ok(options)
}
