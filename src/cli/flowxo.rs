//! `insightframe flowxo`: the analytics of Flow XO.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use clap::{Args, Subcommand};

use super::{
    account::Patience,
    context::{Context, End, until_ctrl_c, variable},
    output::{Excerpt, OutputOptions},
};
use crate::{
    error::{Error, Result},
    flowxo::{self, Edge, FlowXo, Options, Range, Stats, Unit, Zone, api_key},
    progress::Call,
};

#[derive(Args)]
#[command(after_help = "\
Examples:
  insightframe flowxo metrics --start 2023-01-01 --end 2023-12-31 --unit month --tz Europe/Zurich
  insightframe flowxo top-flows --limit 10 --format csv")]
pub(super) struct FlowXoCommand {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// The counters of the whole range, in one row; no row when nothing happened
    Stats {
        #[command(flatten)]
        days: Days,
        #[command(flatten)]
        asking: Asking,
    },
    /// The counters of each month, day or hour
    Metrics {
        /// month, day or hour
        #[arg(long, default_value = "day", value_parser = Unit::parse)]
        unit: Unit,
        /// Rows of zeros for buckets in which nothing happened
        #[arg(long)]
        fill: bool,
        #[command(flatten)]
        days: Days,
        #[command(flatten)]
        asking: Asking,
    },
    /// The messages received most often
    TopMessages {
        #[command(flatten)]
        top: Top,
        #[command(flatten)]
        asking: Asking,
    },
    /// The flows that ran most often
    TopFlows {
        #[command(flatten)]
        top: Top,
        #[command(flatten)]
        asking: Asking,
    },
    /// The flows of the account
    Workflows {
        #[command(flatten)]
        asking: Asking,
    },
}

/// What is asked about.
#[derive(Args)]
struct Days {
    /// The first day, or the instant, such as 2023-12-01 or 2023-12-01T08:00Z
    #[arg(long, value_name = "DAY|TIME")]
    start: Option<String>,
    /// The last day, itself included, or the instant, not included
    #[arg(long, value_name = "DAY|TIME")]
    end: Option<String>,
    /// The time zone that days are days of, such as Europe/Zurich [default: UTC]
    #[arg(long, value_name = "ZONE", conflicts_with = "offset")]
    tz: Option<String>,
    /// The same as minutes east of UTC
    #[arg(long, value_name = "MINUTES", allow_negative_numbers = true)]
    offset: Option<i64>,
}

impl Days {
    fn range(&self) -> Result<Range> {
        let zone = match &self.tz {
            Some(name) => Zone::named(name)?,
            None => Zone::offset(self.offset.unwrap_or(0))?,
        };
        let edge = |name, text: &Option<String>| text.as_deref().map(|text| Edge::parse(name, text)).transpose();
        Range::new(edge("start", &self.start)?, edge("end", &self.end)?, zone)
    }
}

#[derive(Args)]
struct Top {
    /// At most so many rows [default: the service's own limit]
    #[arg(long, value_name = "ROWS")]
    limit: Option<u32>,
    #[command(flatten)]
    days: Days,
}

/// How the service is asked, and where the answer goes.
#[derive(Args)]
struct Asking {
    #[command(flatten)]
    output: OutputOptions,
    /// Another address of the service, such as a sandbox's [default: FLOWXO_BASE_URL, else Flow XO itself]
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    #[command(flatten)]
    patience: Patience,
}

impl FlowXoCommand {
    pub(super) async fn run(self, context: &Context) -> Result<End> {
        match &self.verb {
            Verb::Stats { days, asking } => {
                let range = days.range()?;
                let ask = async |client: &FlowXo, call: &Call| row(client.stats(call, &range).await?);
                asking.ask(context, ask).await
            }
            Verb::Metrics { unit, fill, days, asking } => {
                let range = days.range()?;
                let ask =
                    async |client: &FlowXo, call: &Call| client.metrics(call, &range, *unit, *fill).await?.table();
                asking.ask(context, ask).await
            }
            Verb::TopMessages { top, asking } => {
                let range = top.days.range()?;
                let ask = async |client: &FlowXo, call: &Call| client.top_messages(call, &range, top.limit).await;
                asking.ask(context, ask).await
            }
            Verb::TopFlows { top, asking } => {
                let range = top.days.range()?;
                let ask = async |client: &FlowXo, call: &Call| client.top_flows(call, &range, top.limit).await;
                asking.ask(context, ask).await
            }
            Verb::Workflows { asking } => {
                asking.ask(context, async |client: &FlowXo, call: &Call| client.workflows(call).await).await
            }
        }
    }
}

impl Asking {
    async fn ask(
        &self,
        context: &Context,
        ask: impl AsyncFnOnce(&FlowXo, &Call) -> Result<RecordBatch>,
    ) -> Result<End> {
        let target = self.output.begin(Excerpt::All)?;
        let mut options = Options::new(api_key(None, variable)?);
        options.base_url = flowxo::base_url(self.base_url.clone(), variable);
        let client = FlowXo::new(options, context.clock())?;
        let progress = context.progress();
        let call = Call::new(context.clock(), self.patience.timeout, progress.listener());
        until_ctrl_c(async {
            let rows = Box::pin(ask(&client, &call)).await?;
            progress.finish(call.progress.elapsed());
            target.put_batch(rows).await
        })
        .await
    }
}

/// The counters as one row; none where the service had none.
fn row(stats: Option<Stats>) -> Result<RecordBatch> {
    let names = ["active_users", "total_users", "new_users", "triggers", "received_messages", "sent_messages"];
    let columns = names.map(|name| {
        let value = stats.as_ref().map(|stats| stats.counters().find(|(known, _)| *known == name)?.1);
        (name, Arc::new(Int64Array::from_iter(value)) as ArrayRef, true)
    });
    RecordBatch::try_from_iter_with_nullable(columns)
        .map_err(|error| Error::config(format!("the columns don't fit together: {error}")))
}
