//! `insightframe demo`: the main job from end to end, against a sandbox of its own.

use std::sync::Arc;

use clap::Args;

use super::{
    context::{Context, End, until_ctrl_c},
    output::{Excerpt, print, room},
};
use crate::{
    error::Result,
    export::{self, Export, Start},
    handoff::Room,
    ids::{ReportName, WorkspaceId},
    insights::{Insights, Options, filter::Interval},
    origin::Origin,
    progress::Call,
    sandbox::Sandbox,
    secret::{Credentials, Secret},
};

/// The report that stands first in every sandbox.
const REPORT: &str = "3035643";

#[derive(Args)]
#[command(after_help = "Examples:\n  insightframe demo\n  insightframe demo --start 2023-12-24 --end 2023-12-24")]
pub(super) struct Demo {
    /// The first day
    #[arg(long, value_name = "DAY", default_value = "2023-12-01")]
    start: jiff::civil::Date,
    /// The last day, itself included
    #[arg(long, value_name = "DAY", default_value = "2023-12-30")]
    end: jiff::civil::Date,
}

impl Demo {
    pub(super) async fn run(self, context: &Context) -> Result<End> {
        let sandbox = Sandbox::start(crate::sandbox::Options::default())?;
        context.say(format_args!("a sandbox of Flex Insights runs at {}", sandbox.url()));
        let credentials =
            Credentials { username: sandbox.username().into(), password: Secret::new(sandbox.password()) };
        let mut options = Options::new(credentials);
        options.base_url = sandbox.url().into();
        options.workspace = Some(WorkspaceId::parse(sandbox.workspace())?);
        let clock = context.clock();
        let origin = Origin::parse(&options.base_url, "/gdc/")?;
        let client = Insights::new(options, Arc::clone(&clock))?;
        let progress = context.progress();
        let call = Call::new(clock, Some(client.timeout()), progress.listener());
        let export = Export {
            interval: Interval::new(Some(self.start), Some(self.end), None)?,
            ..Export::new(ReportName::parse(REPORT, &origin)?)
        };
        let end = until_ctrl_c(async {
            let table = Box::pin(export::table(&client, &call, &Start::New(export))).await?;
            progress.finish(call.progress.elapsed());
            // A taste, also where it isn't a terminal that reads.
            let room = room(Excerpt::First);
            print(table.text(if room == Room::UNLIMITED { Room::default() } else { room }))?;
            table.receipt().map_or(Ok(()), |receipt| print(format_args!("\n{receipt}")))
        });
        let end = end.await;
        client.close().await;
        end
    }
}
