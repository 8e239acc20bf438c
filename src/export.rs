//! The story: log in, execute, poll, download, decode, hand off.
//!
//! `open` is the first half of it on one screen; logging in happens by itself with the first request. What remains are
//! the four ways to receive the result: a [`Table`], a [`Stream`], the bytes as they come and a file. An export that is cut into windows goes
//! the same way: its windows are fetched side by side and joined before they are decoded.

mod decoding;
mod handle;
mod reading;
mod run;
mod submit;
mod task;
pub mod types;
mod windows;

use std::{path::Path, sync::Arc, time::Duration};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use bytes::Bytes;

use self::{
    decoding::{Decoding, Source},
    run::{Run, place},
    windows::{Arrived, Joined, Pace},
};
pub use self::{
    handle::Handle,
    submit::{submit, wait},
    types::{Base, Types},
};
use crate::{
    csv,
    error::{Error, Result},
    handoff::{Receipt, Stream, Table, atomic::AtomicFile, decoder::STREAM_BATCH, table::fingerprint},
    ids::{ReportName, WorkspaceId},
    insights::{
        Download, Insights,
        filter::{Filter, Interval},
        window::Every,
    },
    progress::{Call, Count, Phase},
};

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Export {
    /// The report, by number, identifier or address.
    pub report: ReportName,
    /// Its workspace; the client's when `None`.
    pub workspace: Option<WorkspaceId>,
    /// The days; all of them when `None`.
    pub interval: Option<Interval>,
    /// What else the rows must be; all filters hold at once.
    pub filters: Vec<Filter>,
    /// The length of the windows that the days are cut into; not at all when `None`.
    pub every: Option<Every>,
    /// How cells become values.
    pub types: Types,
    /// How long it may take, all windows together; in a stream, until the first rows are there, and as long again for
    /// each further window. The polling policy's allowance when `None`.
    pub timeout: Option<Duration>,
}

impl Export {
    /// All of a report of the client's workspace, with the types of its definition.
    pub fn new(report: ReportName) -> Self {
        Self {
            report,
            workspace: None,
            interval: None,
            filters: Vec::new(),
            every: None,
            types: Types::default(),
            timeout: None,
        }
    }
}

/// What an export begins with: a new execution, or one that was left.
#[derive(Clone, Debug)]
pub enum Start {
    /// Execute this.
    New(Export),
    /// Go on with this.
    Resume {
        /// What was left.
        handle: Handle,
        /// How cells become values.
        types: Types,
        /// How long it may take; the polling policy's allowance when `None`.
        timeout: Option<Duration>,
    },
}

/// How much of a stream is looked at before its types are settled, where they must be inferred.
const SAMPLE: u64 = 1 << 20;

/// From the name of a report to the first bytes of its result.
async fn open(client: &Insights, call: &Call, start: &Start, pace: Pace) -> Result<(Arc<Run>, Source)> {
    let place = call.within(place(client)).await?;
    let looked_up = async {
        match start {
            Start::New(export) => Run::new(client, call, export).await,
            Start::Resume { handle, types, .. } => Run::resume(client, call, handle.clone(), types.base).await,
        }
    };
    let run = Arc::new(call.within(Box::pin(looked_up)).await?);
    let interrupted = Arc::clone(&run);
    call.progress.is_resumable(move || interrupted.handle());
    if run.is_cut {
        let joined = Joined::new(&run, call, pace, place);
        return Ok((run, Source::Windows(Box::new(joined))));
    }
    let fetched = call.within(run.fetch(call, run.windows().first().copied())).await;
    let download = fetched.map_err(|error| run.resumable(error))?;
    let download = if pace == Pace::Stream { download.map(Download::unhurried) } else { download };
    Ok((run, Source::One { download: download.map(Box::new), _place: place }))
}

/// The whole result in memory.
///
/// # Errors
/// Everything that [`crate::error::Kind`] has; `DeadlineExceeded` and `ResultIncomplete` with a handle to go on.
pub async fn table(client: &Insights, call: &Call, start: &Start) -> Result<Table> {
    // Boxed, because the futures of three ways to receive a result hold this one inside.
    let (run, source) = Box::pin(open(client, call, start, Pace::Whole)).await?;
    let mut decoding = Decoding::new(&run, call, source, start.types(), csv::Options::default());
    let received = async {
        let mut batches = Vec::new();
        while let Some(batch) = decoding.next().await? {
            batches.push(batch);
        }
        Ok(batches)
    };
    let batches = call.within(received).await.map_err(|error| run.resumable(error))?;
    let schema = decoding.schema();
    let receipt = receipt(call, &run, Some(&schema));
    tracing::info!(rows = receipt.rows, bytes = receipt.bytes, polls = receipt.polls, "exported");
    let kinds = run.kinds(&schema);
    Ok(Table::new(schema, batches).with_receipt(receipt).with_kinds(kinds))
}

/// The result batch by batch, and a way to its receipt.
///
/// The deadline holds until the first rows are there; afterwards the consumer sets the pace, and a peer that stops
/// sending is noticed by the limits' guard. Of several windows each has the time for itself, and its rows come as soon
/// as those of the windows before.
///
/// # Errors
/// As [`table`], for what goes wrong before the first rows; later failures come with the batches.
pub async fn stream(client: &Insights, call: &Call, start: Start) -> Result<(Stream, StreamReceipt)> {
    let (run, source) = Box::pin(open(client, call, &start, Pace::Stream)).await?;
    let schema = csv::Schema::InferSample { bytes: SAMPLE };
    let options = csv::Options { schema, batch_bytes: STREAM_BATCH, ..csv::Options::default() };
    let mut decoding = Decoding::new(&run, &call.given(None), source, start.types(), options).by_window();
    let first = call.within(decoding.next()).await.map_err(|error| run.resumable(error))?;
    let schema = decoding.schema();
    let receipt = StreamReceipt { call: call.clone(), run: Arc::clone(&run), schema: Arc::clone(&schema) };
    let stream = Stream::spawn(schema, async move |batches| {
        let mut next: Result<Option<RecordBatch>> = Ok(first);
        loop {
            let ended = !matches!(next, Ok(Some(_)));
            let sent = match next.map_err(|error| run.resumable(error)).transpose() {
                Some(item) => batches.send(item).await,
                None => return,
            };
            if ended || sent.is_err() {
                return;
            }
            next = decoding.next().await;
        }
    });
    Ok((stream, receipt))
}

/// The receipt of a stream, as far as it has come.
#[derive(Clone)]
pub struct StreamReceipt {
    call: Call,
    run: Arc<Run>,
    schema: SchemaRef,
}

impl StreamReceipt {
    /// The receipt now.
    pub fn read(&self) -> Receipt {
        receipt(&self.call, &self.run, Some(&self.schema))
    }
}

/// The service's CSV, byte for byte, as it comes; of several windows the header once. The deadline holds until the first
/// byte can be taken; afterwards the consumer sets the pace.
///
/// # Errors
/// As [`table`], for what goes wrong before the first byte.
pub async fn bytes(client: &Insights, call: &Call, start: &Start) -> Result<Arriving> {
    let (run, source) = Box::pin(open(client, call, start, Pace::Stream)).await?;
    Ok(Arriving { run, source })
}

/// The bytes of a result on their way. Dropped early, it closes the connection.
pub struct Arriving {
    run: Arc<Run>,
    source: Source,
}

impl Arriving {
    /// The next bytes, never empty; `None` at the proven end. An empty report ends at once.
    ///
    /// # Errors
    /// As [`table`], for what goes wrong on the way.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        loop {
            match self.source.next().await.map_err(|error| self.run.resumable(error))? {
                Some(Arrived::Bytes(bytes)) => return Ok(Some(bytes)),
                Some(Arrived::End) => {}
                None => return Ok(None),
            }
        }
    }
}

/// The service's CSV, byte for byte, in a file that is complete or not there; of several windows the header once. An
/// empty report gives an empty file, because the service then sends nothing.
///
/// # Errors
/// As [`table`], and `OSError` for the file; nothing is left behind.
pub async fn download(client: &Insights, call: &Call, start: &Start, path: &Path) -> Result<Receipt> {
    // Before anything is executed: whether the file can be written.
    let mut file = AtomicFile::create(path)?;
    let (run, source) = Box::pin(open(client, call, start, Pace::Bounded)).await?;
    let mut arriving = Arriving { run: Arc::clone(&run), source };
    let received = async {
        while let Some(bytes) = arriving.chunk().await? {
            std::io::Write::write_all(&mut file, &bytes).map_err(|error| Error::file(path.display(), &error))?;
        }
        Ok(())
    };
    call.within(received).await.map_err(|error| run.resumable(error))?;
    drop(arriving);
    call.progress.enter(Phase::HandingOff);
    file.commit()?;
    Ok(receipt(call, &run, None))
}

impl Start {
    fn types(&self) -> &Types {
        match self {
            Self::New(Export { types, .. }) | Self::Resume { types, .. } => types,
        }
    }

    /// Asks for no types: for a result that isn't decoded.
    pub fn take_no_types(&mut self) {
        match self {
            Self::New(Export { types, .. }) | Self::Resume { types, .. } => types.base = Base::Text,
        }
    }

    /// The time it may take.
    pub fn timeout(&self) -> Option<Duration> {
        match self {
            Self::New(Export { timeout, .. }) | Self::Resume { timeout, .. } => *timeout,
        }
    }
}

fn receipt(call: &Call, run: &Run, schema: Option<&SchemaRef>) -> Receipt {
    let (seconds, warnings) = call.progress.summary();
    let windows = run.windows().into_iter();
    Receipt {
        report: run.report.number.to_string(),
        workspace: Some(run.report.workspace.to_string()),
        windows: windows.map(|window| (window.start.to_string(), window.end.to_string())).collect(),
        skipped: Vec::new(),
        rows: call.progress.get(Count::Rows),
        bytes: call.progress.get(Count::Bytes),
        polls: call.progress.get(Count::Polls),
        retries: call.progress.get(Count::Retries),
        token_refreshes: call.progress.get(Count::TokenRefreshes),
        seconds: seconds.into_iter().map(|(phase, time)| (phase.as_str().into(), time.as_secs_f64())).collect(),
        schema_fingerprint: schema.map(|schema| fingerprint(schema)),
        warnings,
    }
}
