//! A report as a dataset: a file for each window of days, in a tree that hive readers know.
//!
//! `write` is the whole of it on one screen. The order within `window` is what makes it safe to kill at any moment: the
//! file is complete before the journal announces it, announced before it takes its place, and in its place before it
//! counts as done.
//!
//! ```text
//! root/
//! ├─ window_start=2024-05-01/part-0.parquet
//! ├─ window_start=2024-05-02/part-0.parquet
//! └─ _insightframe/manifest.json
//! ```
//!
//! A window has exactly one file, whose name depends on its first day alone, so that fetching it again replaces it and
//! nothing is ever there twice. A window without rows is a file without rows, which has the columns all the same.

mod columns;
mod plan;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::Value;

use crate::{
    clock::Clock,
    error::{Error, Result},
    export::{self, Export, Start},
    handoff::{
        Format, Receipt, Stream,
        format::blocking,
        journal::{Identity, Journal, Row},
        store::Place,
        table::fingerprint,
    },
    ids::{ObjectUri, ReportName},
    insights::{Insights, filter::Interval, window::Window},
    progress::{Call, Count},
};

/// The partition column: the first day of a window.
pub const PARTITION: &str = "window_start";

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The report, its filters and types, the days and how they are cut. The timeout is that of a window.
    pub export: Export,
    /// Where the dataset is.
    pub root: Place,
    /// The kind of its files.
    pub format: Format,
    /// How many of the newest windows are fetched although they are done.
    pub restate: usize,
    /// Whether columns may come and go.
    pub widen: bool,
}

/// Brings a dataset up to date: what is done is skipped without a request, the rest is fetched, a few windows at a time.
///
/// A window that fails doesn't take the others with it: those under way are finished, none is begun, and the error
/// comes then. The next call goes on where this one ended, however it ended.
///
/// # Errors
/// Those of [`export::stream`]; `Config` when the root holds something else; `SchemaMismatch` when the columns of a
/// window differ from those before; a file error when another process is at the same dataset.
pub async fn write(client: &Insights, call: &Call, asked: &Asked) -> Result<Receipt> {
    let Some(interval) = &asked.export.interval else {
        return Err(Error::config("a dataset needs `start` and `end`"));
    };
    let windows = asked.export.plan()?.into_iter().filter_map(|window| Some(window.interval?.window())).collect();
    let (journal, warnings) = Journal::open(&asked.root, identity(client, asked, interval)?).await?;
    warnings.into_iter().for_each(|warning| call.progress.warn(warning));
    let plan = plan::plan(&asked.root, windows, &journal.rows(), asked.restate)?;

    let timeout = asked.export.timeout.unwrap_or_else(|| client.timeout());
    let filling = Filling {
        root: asked.root.clone(),
        format: asked.format,
        widen: asked.widen,
        concurrency: client.max_concurrency,
        clock: Arc::clone(&call.clock),
    };
    let fetch = |window: Window| {
        // Cut like the whole, so that one that is too large for the service is halved on its way.
        let days = Interval { start: window.start, end: window.end, label: interval.label.clone() };
        let start = Start::New(Export { interval: Some(days), ..asked.export.clone() });
        let (client, call) = (client.clone(), call.given(Some(timeout)));
        async move { export::stream(&client, &call, start).await.map(|(stream, _)| stream) }
    };
    let journal = filling.fill(journal, plan.fetched.clone(), fetch).await?;
    Ok(receipt(call, asked, plan, &journal))
}

/// What the manifest says that the dataset is of, as far as it is known without asking the service.
fn identity(client: &Insights, asked: &Asked, interval: &Interval) -> Result<Identity> {
    let Export { report, workspace, .. } = &asked.export;
    let workspace = match report {
        ReportName::Uri(uri) => uri.workspace.clone(),
        _ => client.workspace(workspace.as_ref())?,
    };
    let report = match report {
        ReportName::Number(number) => ObjectUri { workspace: workspace.clone(), number: *number }.to_string(),
        ReportName::Uri(uri) => uri.to_string(),
        ReportName::Identifier(identifier) => identifier.to_string(),
    };
    Ok(Identity {
        report,
        workspace: workspace.to_string(),
        date: interval.label.to_string(),
        filters: filters(&asked.export),
        format: asked.format.as_str().into(),
    })
}

/// The filters in an order of their own: they all hold at once, and titles are a set.
fn filters(export: &Export) -> Value {
    let filters: BTreeMap<String, Value> = export.written_filters().into_iter().collect();
    let sorted = filters.into_iter().map(|(label, mut filter)| {
        if let Value::Array(titles) = &mut filter {
            titles.sort_by_key(Value::to_string);
        }
        (label, filter)
    });
    let sorted: serde_json::Map<_, _> = sorted.collect();
    if sorted.is_empty() { Value::Null } else { Value::Object(sorted) }
}

fn receipt(call: &Call, asked: &Asked, plan: plan::Plan, journal: &Journal) -> Receipt {
    let (seconds, warnings) = call.progress.summary();
    let days = |windows: Vec<Window>| {
        windows.into_iter().map(|window| (window.start.to_string(), window.end.to_string())).collect()
    };
    let report = match &asked.export.report {
        ReportName::Number(number) | ReportName::Uri(ObjectUri { number, .. }) => number.to_string(),
        ReportName::Identifier(identifier) => identifier.to_string(),
    };
    Receipt {
        report,
        workspace: Some(journal.identity().workspace),
        windows: days(plan.fetched),
        skipped: days(plan.skipped),
        rows: call.progress.get(Count::Rows),
        bytes: call.progress.get(Count::Bytes),
        polls: call.progress.get(Count::Polls),
        retries: call.progress.get(Count::Retries),
        token_refreshes: call.progress.get(Count::TokenRefreshes),
        seconds: seconds.into_iter().map(|(phase, time)| (phase.as_str().into(), time.as_secs_f64())).collect(),
        schema_fingerprint: journal.schema().map(|schema| fingerprint(&schema)),
        warnings,
    }
}

/// How windows become files.
#[derive(Clone, Debug)]
pub struct Filling {
    /// Where the dataset is.
    pub root: Place,
    /// The kind of its files.
    pub format: Format,
    /// Whether columns may come and go.
    pub widen: bool,
    /// Windows under way at once.
    pub concurrency: usize,
    /// Says when.
    pub clock: Arc<dyn Clock>,
}

impl Filling {
    /// Fetches windows and files them. The first one goes ahead until the columns are known: which of several that run
    /// at once is first must not decide what is an error.
    ///
    /// # Errors
    /// That of the first window that failed, when all that were under way are through.
    pub async fn fill<F: Future<Output = Result<Stream>>>(
        &self,
        journal: Journal,
        windows: Vec<Window>,
        fetch: impl Fn(Window) -> F,
    ) -> Result<Arc<Journal>> {
        let journal = Arc::new(journal);
        let mut windows = VecDeque::from(windows);
        while journal.schema().is_none()
            && let Some(window) = windows.pop_front()
        {
            Box::pin(self.window(&journal, window, fetch(window))).await?;
        }
        let failed = AtomicBool::new(false);
        let rest = windows.into_iter().take_while(|_| !failed.load(Ordering::Relaxed));
        let done = stream::iter(rest).map(|window| Box::pin(self.window(&journal, window, fetch(window))));
        let mut done = done.buffer_unordered(self.concurrency);
        let mut outcome = Ok(());
        while let Some(window) = done.next().await {
            if let Err(error) = window {
                failed.store(true, Ordering::Relaxed);
                outcome = outcome.and(Err(error));
            }
        }
        drop(done);
        outcome.and(journal.flush().await)?;
        Ok(journal)
    }

    /// One window, from its request to its place.
    async fn window(
        &self,
        journal: &Arc<Journal>,
        window: Window,
        fetched: impl Future<Output = Result<Stream>>,
    ) -> Result<()> {
        self.file(journal, window, fetched).await.map_err(|error| error.of_part(format!("in the window {window}")))
    }

    async fn file(
        &self,
        journal: &Arc<Journal>,
        window: Window,
        fetched: impl Future<Output = Result<Stream>>,
    ) -> Result<()> {
        let stream = fetched.await?;
        let schema = journal.agree(|known| columns::agree(known, stream.schema(), self.widen))?;
        let mut row = Row {
            start: window.start,
            end: window.end,
            file: None,
            rows: 0,
            bytes: 0,
            sha256: None,
            written: self.clock.timestamp(),
        };
        if schema.fields().is_empty() {
            journal.announce(row).await?;
            journal.settle(window.start);
            return Ok(());
        }
        let name = format!("{PARTITION}={}/part-0.{}", window.start, self.format.extension());
        let (place, drafts) = (self.root.below(&name), journal.drafts());
        let output = blocking(move || place.begin_in(&drafts)).await?.hashed();
        let rows = AtomicU64::new(0);
        let batches = stream.into_batches().and_then(async |batch| {
            rows.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
            columns::conform(&batch, &schema)
        });
        let output = self.format.encode(batches, output, Arc::clone(&schema)).await?;
        row.file = Some(name);
        row.rows = rows.load(Ordering::Relaxed);
        row.bytes = output.bytes();
        row.sha256 = output.sha256();
        tracing::info!(%window, rows = row.rows, bytes = row.bytes, "fetched");
        journal.announce(row).await?;
        // The journal goes along, so that its lock outlives the last file, whoever else gives up.
        let lock = Arc::clone(journal);
        blocking(move || output.commit().inspect(|_| drop(lock))).await?;
        journal.settle(window.start);
        Ok(())
    }
}
