//! `insightframe demo`: the main job from end to end, against a sandbox of its own.

use clap::Args;

use super::{End, until_ctrl_c};
use crate::{
    error::Result,
    export::{self, Export, Start},
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
pub(super) struct Demo {
    /// The first day
    #[arg(long, default_value = "2023-12-01")]
    start: jiff::civil::Date,
    /// The last day, itself included
    #[arg(long, default_value = "2023-12-30")]
    end: jiff::civil::Date,
}

impl Demo {
    pub(super) async fn run(self) -> Result<End> {
        let sandbox = Sandbox::start(crate::sandbox::Options::default())?;
        eprintln!("a sandbox of Flex Insights runs at {}", sandbox.url());
        let credentials =
            Credentials { username: sandbox.username().into(), password: Secret::new(sandbox.password()) };
        let mut options = Options::new(credentials);
        options.base_url = sandbox.url().into();
        options.workspace = Some(WorkspaceId::parse(sandbox.workspace())?);
        let clock = super::clock();
        let origin = Origin::parse(&options.base_url, "/gdc/")?;
        let client = Insights::new(options, clock.clone())?;
        let call = Call::new(clock, Some(client.timeout()), Some(super::lines()));
        let export = Export {
            interval: Interval::new(Some(self.start), Some(self.end), None)?,
            ..Export::new(ReportName::parse(REPORT, &origin)?)
        };
        let end = until_ctrl_c(async {
            let table = export::table(&client, &call, &Start::New(export)).await?;
            println!("{table}");
            if let Some(receipt) = table.receipt() {
                println!("\n{receipt}");
            }
            Ok(())
        });
        let end = end.await;
        client.close().await;
        end
    }
}
