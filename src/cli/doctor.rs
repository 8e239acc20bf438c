//! `insightframe doctor`: where everything comes from, what works, and what to do where it doesn't.

mod finding;
mod machine;
mod services;

use clap::Args;

use self::{
    finding::{Finding, rows, text},
    services::Addresses,
};
use super::{
    Done, Failure,
    account::Patience,
    context::{Context, End, until_ctrl_c, variable},
    output::{Excerpt, OutputOptions, print},
};
use crate::credentials::{Given, look_up};

#[derive(Args)]
#[command(after_help = "\
Examples:
  insightframe doctor
  insightframe doctor --profile night-shift --format json")]
pub(super) struct DoctorCommand {
    /// The section of the profile file to look at, before what the environment says
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    #[command(flatten)]
    addresses: Addresses,
    #[command(flatten)]
    output: OutputOptions,
    #[command(flatten)]
    patience: Patience,
}

impl DoctorCommand {
    pub(super) async fn run(self, context: &Context) -> Done {
        let mut wrong = None;
        let end = until_ctrl_c(async {
            let target = self.output.begin(Excerpt::All)?;
            let findings = Box::pin(self.look(context)).await;
            wrong = findings.iter().find_map(|finding| finding.error.clone());
            if self.output.is_for_people() { print(text(&findings)) } else { target.put_batch(rows(&findings)?).await }
        });
        match (end.await, wrong) {
            (Ok(End::Done), Some(error)) => Err(Failure::told(error)),
            (end, _) => Ok(end?),
        }
    }

    /// Everything in the order in which one thing needs another.
    async fn look(&self, context: &Context) -> Vec<Finding> {
        // Calls of several services have no one story to tell.
        let progress = context.line();
        let asked = services::Asked { context, addresses: &self.addresses, timeout: self.patience.timeout };
        let mut findings = vec![machine::program(), machine::profile_file(), machine::proxy(), machine::certificates()];
        match look_up(Given::default(), self.profile.as_deref(), variable) {
            Ok(found) => {
                findings.push(services::credentials(&found));
                findings.extend(asked.insights(found, progress.listener()).await);
            }
            Err(error) => findings.push(Finding::wrong("flex insights", error)),
        }
        findings.push(asked.flow_xo(progress.listener()).await);
        findings.push(asked.instances(progress.listener()).await);
        findings
    }
}
