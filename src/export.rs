//! The story: log in, execute, poll, download, decode, hand off.
//!
//! `open` is the whole of it on one screen; logging in happens by itself with the first request. What remains are
//! the three ways to receive the result: a [`Table`], a [`Stream`] and a file.

use std::{path::Path, sync::Arc, time::Duration};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use tokio::sync::OwnedSemaphorePermit;

use crate::{
    csv::{self, ColumnType},
    error::{ApiFault, Error, Kind, Result},
    handoff::{
        Receipt, Stream, Table,
        atomic::AtomicFile,
        decoder::{self, Decoder},
        table::fingerprint,
    },
    ids::{ReportName, WorkspaceId},
    insights::{Download, Execution, Insights, Report, filter::Interval},
    progress::{Call, Count, Phase},
};

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Export {
    /// The report, by number, identifier or address.
    pub report: ReportName,
    /// Its workspace; the client's when `None`.
    pub workspace: Option<WorkspaceId>,
    /// The days; all of them when `None`.
    pub interval: Option<Interval>,
    /// How cells become values.
    pub types: Types,
    /// How long it may take; the polling policy's allowance when `None`.
    pub timeout: Option<Duration>,
}

/// Where the types of the columns come from.
#[derive(Clone, Debug, Default)]
pub struct Types {
    /// The rule for columns that aren't named.
    pub base: Base,
    /// Columns by name whose type the caller knows better.
    pub given: Vec<(String, ColumnType)>,
}

/// A rule for the types of columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Base {
    /// The report's own definition; inference where that can't be read, with a warning in the receipt.
    #[default]
    Report,
    /// The data.
    Infer,
    /// Text, all of it.
    Text,
}

/// How much of a stream is looked at before its types are settled, where they must be inferred.
const SAMPLE: u64 = 1 << 20;

/// A result that has begun to arrive, or is known to be empty.
struct Opened {
    execution: Execution,
    described: Option<Arc<Report>>,
    download: Option<Download>,
    /// Held while the result arrives, so that a client never has more exports under way than it was allowed.
    place: OwnedSemaphorePermit,
}

/// From the name of a report to the first bytes of its result.
async fn open(client: &Insights, call: &Call, export: &Export) -> Result<Opened> {
    let place = call.within(place(client)).await?;
    let (execution, described) = call
        .within(async {
            let report = client.locate(call, &export.report, export.workspace.as_ref()).await?;
            let described = describe(client, call, &report, export.types.base).await?;
            let execution = client.execute(call, &report, export.interval.as_ref()).await?;
            Ok((execution, described))
        })
        .await?;
    let download = fetch(client, call, &execution).await?;
    Ok(Opened { execution, described, download, place })
}

/// From an accepted execution to the first bytes of its result; `None` for an empty one.
async fn fetch(client: &Insights, call: &Call, execution: &Execution) -> Result<Option<Download>> {
    call.within(client.fetch(call, execution)).await.map_err(|error| error.with_handle(|| execution.handle()))
}

/// Goes on where a deadline or an interruption left an execution.
async fn reopen(client: &Insights, call: &Call, execution: Execution, base: Base) -> Result<Opened> {
    let place = call.within(place(client)).await?;
    let described = call.within(describe(client, call, &execution.report, base)).await?;
    let download = fetch(client, call, &execution).await?;
    Ok(Opened { execution, described, download, place })
}

async fn place(client: &Insights) -> Result<OwnedSemaphorePermit> {
    let place = Arc::clone(&client.places).acquire_owned().await;
    place.map_err(|_| Error::config("the client is closed"))
}

/// What an export begins with: a new execution, or one that is under way.
#[derive(Clone, Debug)]
pub enum Start {
    /// Execute this.
    New(Export),
    /// Go on with this execution.
    Resume {
        /// The execution.
        execution: Execution,
        /// How cells become values.
        types: Types,
        /// How long it may take; the polling policy's allowance when `None`.
        timeout: Option<Duration>,
    },
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

    async fn open(&self, client: &Insights, call: &Call) -> Result<Opened> {
        // Boxed, because the futures of three ways to receive a result hold this one inside.
        match self {
            Self::New(export) => Box::pin(open(client, call, export)).await,
            Self::Resume { execution, types, .. } => {
                Box::pin(reopen(client, call, execution.clone(), types.base)).await
            }
        }
    }

    fn receipt(&self, call: &Call, execution: &Execution, schema: Option<&SchemaRef>) -> Receipt {
        let (seconds, warnings) = call.progress.summary();
        let interval = match self {
            Self::New(export) => export.interval.as_ref(),
            Self::Resume { .. } => None,
        };
        Receipt {
            report: execution.report.number.to_string(),
            workspace: Some(execution.report.workspace.to_string()),
            windows: interval.map(|days| (days.start.to_string(), days.end.to_string())).into_iter().collect(),
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
}

/// The whole result in memory.
///
/// # Errors
/// Everything that [`crate::error::Kind`] has; `DeadlineExceeded` and `ResultIncomplete` with a handle to go on.
pub async fn table(client: &Insights, call: &Call, start: &Start) -> Result<Table> {
    let opened = start.open(client, call).await?;
    let (execution, mut decoding) = decode(client, call, opened, start.types(), csv::Options::default()).await?;
    let received = async {
        let mut batches = Vec::new();
        while let Some(batch) = decoding.next().await? {
            batches.push(batch);
        }
        Ok(batches)
    };
    let batches = call.within(received).await.map_err(|error| error.with_handle(|| execution.handle()))?;
    let schema = decoding.schema();
    let receipt = start.receipt(call, &execution, Some(&schema));
    tracing::info!(rows = receipt.rows, bytes = receipt.bytes, polls = receipt.polls, "exported");
    Ok(Table::new(schema, batches).with_receipt(receipt))
}

/// The result batch by batch, and a way to its receipt.
///
/// The deadline holds until the first rows are there; afterwards the consumer sets the pace, and a peer that stops
/// sending is noticed by the limits' guard.
///
/// # Errors
/// As [`table`], for what goes wrong before the first rows; later failures come with the batches.
pub async fn stream(client: &Insights, call: &Call, start: Start) -> Result<(Stream, StreamReceipt)> {
    let opened = start.open(client, call).await?;
    let types = start.types().clone();
    let schema = csv::Schema::InferSample { bytes: SAMPLE };
    let options = csv::Options { schema, batch_bytes: decoder::STREAM_BATCH, ..csv::Options::default() };
    let unbounded = call.given(None);
    let (execution, mut decoding) = decode(client, &unbounded, opened, &types, options).await?;
    let first = call.within(decoding.next()).await.map_err(|error| error.with_handle(|| execution.handle()))?;
    let schema = decoding.schema();
    let receipt = StreamReceipt { call: unbounded, start, execution: execution.clone(), schema: Arc::clone(&schema) };
    let stream = Stream::spawn(schema, async move |batches| {
        let mut next: Result<Option<RecordBatch>> = Ok(first);
        loop {
            let ended = !matches!(next, Ok(Some(_)));
            let sent = match next.map_err(|error| error.with_handle(|| execution.handle())).transpose() {
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
#[derive(Clone, Debug)]
pub struct StreamReceipt {
    call: Call,
    start: Start,
    execution: Execution,
    schema: SchemaRef,
}

impl StreamReceipt {
    /// The receipt now.
    pub fn read(&self) -> Receipt {
        self.start.receipt(&self.call, &self.execution, Some(&self.schema))
    }
}

/// The service's CSV, byte for byte, in a file that is complete or not there. An empty report gives an empty file,
/// because the service then sends nothing.
///
/// # Errors
/// As [`table`], and `OSError` for the file; nothing is left behind.
pub async fn download(client: &Insights, call: &Call, start: &Start, path: &Path) -> Result<Receipt> {
    // Before anything is executed: whether the file can be written.
    let mut file = AtomicFile::create(path)?;
    let opened = start.open(client, call).await?;
    let execution = opened.execution;
    let received = async {
        let Some(mut download) = opened.download else { return Ok(()) };
        while let Some(chunk) = download.chunk().await? {
            std::io::Write::write_all(&mut file, &chunk).map_err(|error| Error::file(path.display(), &error))?;
        }
        Ok(())
    };
    call.within(received).await.map_err(|error| error.with_handle(|| execution.handle()))?;
    drop(opened.place);
    call.progress.enter(Phase::HandingOff);
    file.commit()?;
    Ok(start.receipt(call, &execution, None))
}

/// A result while it is decoded.
struct Decoding {
    download: Option<Download>,
    decoder: Decoder,
    call: Call,
    schema: SchemaRef,
    _place: OwnedSemaphorePermit,
}

async fn decode(
    client: &Insights,
    call: &Call,
    opened: Opened,
    types: &Types,
    rest: csv::Options,
) -> Result<(Execution, Decoding)> {
    let Opened { execution, mut described, download, place } = opened;
    if download.is_none() && described.is_none() {
        // Nothing came, not even a header: the definition is the only one who knows the columns.
        described = describe(client, call, &execution.report, Base::Report).await?;
    }
    let schema = schema(described.as_deref(), types, rest.schema);
    let empty = csv::empty(&schema);
    let record_bytes = client.limits().record_bytes;
    let options = csv::Options { schema, record_bytes, threads: decoder::threads(), ..rest };
    let decoding =
        Decoding { download, decoder: Decoder::new(options), call: call.clone(), schema: empty, _place: place };
    Ok((execution, decoding))
}

impl Decoding {
    /// The next batch; `None` at the proven end.
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(batch) = self.decoder.take().await? {
                self.call.progress.add(Count::Rows, batch.num_rows() as u64);
                return Ok(Some(batch));
            }
            let Some(download) = &mut self.download else { return Ok(None) };
            match download.chunk().await? {
                Some(chunk) => self.decoder.push(chunk).await?,
                None => {
                    self.decoder.finish().await?;
                    self.download = None;
                    for warning in self.decoder.reader().warnings() {
                        self.call.progress.warn(warning);
                    }
                }
            }
        }
    }

    /// The schema; that of the definition when nothing came.
    fn schema(&self) -> SchemaRef {
        self.decoder.schema().unwrap_or_else(|| Arc::clone(&self.schema))
    }
}

/// The report's definition, where the types come from it and it may be read.
async fn describe(
    client: &Insights,
    call: &Call,
    report: &crate::ids::ObjectUri,
    base: Base,
) -> Result<Option<Arc<Report>>> {
    if base != Base::Report {
        return Ok(None);
    }
    match client.describe(call, report).await {
        Ok(described) => Ok(Some(described)),
        Err(error) if is_unreadable(&error) => {
            call.progress
                .warn(format!("the types are inferred from the data, because the definition can't be read: {error}"));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Whether an export can do without what it failed to look up. A report that doesn't exist at all fails when it is
/// executed, with the service's own words.
fn is_unreadable(error: &Error) -> bool {
    match error.kind() {
        Kind::Api(reply) => matches!(reply.fault, ApiFault::Forbidden | ApiFault::NotFound | ApiFault::UnexpectedReply),
        Kind::Config(_) | Kind::SchemaMismatch { .. } => true,
        _ => false,
    }
}

/// The decoder's instruction: what the caller says, then what the report says, then `rest`.
fn schema(described: Option<&Report>, types: &Types, rest: csv::Schema) -> csv::Schema {
    let rest = if types.base == Base::Text { csv::Schema::Text } else { rest };
    let rest = match described {
        Some(report) if !report.columns.is_empty() => {
            let text = types.base == Base::Text;
            let known = |column: &crate::insights::describe::Column| {
                (column.name.clone(), if text { ColumnType::Utf8 } else { column.column_type })
            };
            csv::Schema::Described(report.columns.iter().map(known).collect(), Box::new(rest))
        }
        _ => rest,
    };
    if types.given.is_empty() { rest } else { csv::Schema::Given(types.given.clone(), Box::new(rest)) }
}
