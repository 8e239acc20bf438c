//! `insightframe instances`: Flex itself.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray, TimestampMillisecondArray};
use clap::{Args, Subcommand};

use super::{
    Done, Failure,
    account::Patience,
    context::{Context, until_ctrl_c, variable},
    output::{Excerpt, OutputOptions, print, quoted},
    progress::Progress,
};
use crate::{
    error::{Error, Kind, Result},
    instances::{self, Configuration, Given, Instance, InstanceSid, Instances, Options, resolve},
    progress::Call,
};

#[derive(Args)]
#[command(after_help = "\
Examples:
  insightframe instances create --wait
  insightframe instances configuration --format json")]
pub(super) struct InstancesCommand {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Create the account's instance, once
    Create {
        /// Don't make its Conversations service the account's default one
        #[arg(long)]
        no_conversations_default: bool,
        /// Wait until it is ready
        #[arg(long)]
        wait: bool,
        #[command(flatten)]
        asking: Asking,
    },
    /// An instance as it is now
    Fetch {
        /// Its name, GO…
        #[arg(value_parser = InstanceSid::parse)]
        sid: InstanceSid,
        #[command(flatten)]
        asking: Asking,
    },
    /// Wait until an instance is ready
    Wait {
        /// Its name, GO…
        #[arg(value_parser = InstanceSid::parse)]
        sid: InstanceSid,
        #[command(flatten)]
        asking: Asking,
    },
    /// What is installed, and the workspaces of Flex Insights, a row for each
    Configuration {
        /// The service's whole answer instead, as JSON on stdout
        #[arg(long, conflicts_with_all = ["format", "output"])]
        raw: bool,
        #[command(flatten)]
        asking: Asking,
    },
}

/// How the service is asked, and where the answer goes.
#[derive(Args)]
struct Asking {
    #[command(flatten)]
    output: OutputOptions,
    /// The account, AC… [default: TWILIO_ACCOUNT_SID]
    #[arg(long, value_name = "SID")]
    account_sid: Option<String>,
    /// Another address of the service, such as a sandbox's [default: FLEX_INSTANCES_BASE_URL, else Twilio]
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    #[command(flatten)]
    patience: Patience,
}

impl InstancesCommand {
    pub(super) async fn run(self, context: &Context) -> Done {
        match &self.verb {
            Verb::Create { no_conversations_default, wait, asking } => {
                let create = async |client: &Instances, call: &Call, progress: &Progress| {
                    let made = client.create(call, !no_conversations_default).await?;
                    progress.say(format_args!("created {}", made.sid));
                    let made = if *wait { client.wait(call, &InstanceSid::parse(&made.sid)?).await? } else { made };
                    instance(&made)
                };
                asking.ask(context, create).await
            }
            Verb::Fetch { sid, asking } => {
                asking.ask(context, async |client, call, _| instance(&client.fetch(call, sid).await?)).await
            }
            Verb::Wait { sid, asking } => {
                asking.ask(context, async |client, call, _| instance(&client.wait(call, sid).await?)).await
            }
            Verb::Configuration { raw: false, asking } => {
                asking.ask(context, async |client, call, _| workspaces(&client.configuration(call).await?)).await
            }
            Verb::Configuration { raw: true, asking } => {
                let show = async |client: &Instances, call: &Call, _: &Progress| {
                    print(format_args!("{:#}", client.configuration(call).await?.raw))
                };
                asking.work(context, show).await
            }
        }
    }
}

impl Asking {
    async fn ask(
        &self,
        context: &Context,
        ask: impl AsyncFnOnce(&Instances, &Call, &Progress) -> Result<RecordBatch>,
    ) -> Done {
        let target = self.output.begin(Excerpt::All)?;
        let answer = async |client: &Instances, call: &Call, progress: &Progress| {
            let rows = Box::pin(ask(client, call, progress)).await?;
            progress.finish(call.progress.elapsed());
            target.put_batch(rows).await
        };
        self.work(context, answer).await
    }

    async fn work(
        &self,
        context: &Context,
        work: impl AsyncFnOnce(&Instances, &Call, &Progress) -> Result<()>,
    ) -> Done {
        let given = Given { account_sid: self.account_sid.clone(), ..Given::default() };
        let found = resolve(given, variable)?;
        let mut options = Options::new(found.credentials, found.account_sid);
        options.base_url = instances::base_url(self.base_url.clone(), variable);
        let client = Instances::new(options, context.clock())?;
        let progress = context.progress();
        let timeout = self.patience.timeout.unwrap_or_else(|| client.timeout());
        let call = Call::new(context.clock(), Some(timeout), progress.listener());
        let done = until_ctrl_c(async {
            Box::pin(work(&client, &call, &progress)).await?;
            progress.finish(call.progress.elapsed());
            Ok(())
        });
        done.await.map_err(|error| match error.kind() {
            Kind::DeadlineExceeded { handle: None, .. } => {
                error.hint("`insightframe instances configuration` tells whether there is an instance").into()
            }
            _ => Failure::resumable(error, |sid| self.resumes(sid)),
        })
    }

    fn resumes(&self, sid: &str) -> String {
        let option = |name, value: &Option<String>| value.as_ref().map(|value| format!(" {name} {}", quoted(value)));
        let account = option("--account-sid", &self.account_sid).unwrap_or_default();
        let base_url = option("--base-url", &self.base_url).unwrap_or_default();
        format!("insightframe instances wait {sid}{}{account}{base_url}", self.output.words())
    }
}

fn instance(instance: &Instance) -> Result<RecordBatch> {
    let time = |at: Option<jiff::Timestamp>| -> ArrayRef {
        let at = TimestampMillisecondArray::from_iter([at.map(|at| at.as_millisecond())]);
        Arc::new(at.with_timezone("UTC"))
    };
    rows([
        ("sid", text([Some(&*instance.sid)])),
        ("account_sid", text([Some(&*instance.account_sid)])),
        ("status", text([Some(instance.status.as_str())])),
        ("date_created", time(instance.date_created)),
        ("date_updated", time(instance.date_updated)),
    ])
}

/// A row for each workspace; one without where there is none.
fn workspaces(found: &Configuration) -> Result<RecordBatch> {
    let count = found.insights_workspaces.len().max(1);
    let workspace = |n: usize| found.insights_workspaces.get(n);
    rows([
        ("flex_instance_sid", text((0..count).map(|_| found.flex_instance_sid.as_deref()))),
        ("status", text((0..count).map(|_| found.status.as_deref()))),
        ("workspace", text((0..count).map(|n| workspace(n).map(|it| it.id.as_str())))),
        ("timezone", text((0..count).map(|n| workspace(n)?.timezone.as_deref()))),
    ])
}

fn text<'a>(values: impl IntoIterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(StringArray::from_iter(values))
}

fn rows<const N: usize>(columns: [(&str, ArrayRef); N]) -> Result<RecordBatch> {
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)))
        .map_err(|error| Error::config(format!("the columns don't fit together: {error}")))
}
