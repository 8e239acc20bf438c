//! An export under way: what is asked of the service, and how far each of its windows has come.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use arrow_schema::Schema;
use tokio::sync::OwnedSemaphorePermit;

use super::{
    Export,
    handle::{Handle, Piece},
    reading::describe,
    types::Base,
};
use crate::{
    error::{Error, ExportFault, Kind, Result},
    ids::ObjectUri,
    insights::{
        Download, Execution, Insights, Report,
        describe::Column,
        filter::Narrowing,
        window::{Window, cut},
    },
    progress::{Call, Phase},
};

/// Windows of one export at most: 27 years of days. Each is an execution of its own.
const WINDOWS: u32 = 10_000;

/// An export under way. Whoever interrupts it finds here how to go on.
pub(super) struct Run {
    pub(super) client: Insights,
    pub(super) report: ObjectUri,
    pub(super) described: Option<Arc<Report>>,
    narrowing: Narrowing,
    /// Whether its windows are joined into one result, and halved where they are too large.
    pub(super) is_cut: bool,
    pieces: Mutex<BTreeMap<Option<Window>, Option<Execution>>>,
}

impl Run {
    /// Looks up all that a new export names, before anything is executed.
    pub(super) async fn new(client: &Insights, call: &Call, export: &Export) -> Result<Self> {
        let windows = export.windows()?;
        join(client, call).await?;
        let report = client.locate(call, &export.report, export.workspace.as_ref()).await?;
        let described = describe(client, call, &report, export.types.base).await?;
        let is_cut = export.every.is_some();
        let days = export.interval.as_ref();
        let narrowing = client.narrow(call, &report.workspace, days, is_cut, &export.filters).await?;
        if is_cut && described.as_deref().is_some_and(shows_no_day) {
            call.progress.warn(
                "the report shows no day, so that every window gives rows of its own: their concatenation is not what \
                 one export of all days would be",
            );
        }
        let pieces = windows.into_iter().map(|window| (window, None)).collect();
        Ok(Self { client: client.clone(), report, described, narrowing, is_cut, pieces: Mutex::new(pieces) })
    }

    /// Takes up an export that was left.
    pub(super) async fn resume(client: &Insights, call: &Call, handle: Handle, base: Base) -> Result<Self> {
        let Handle { report, narrowing, is_cut, pieces, .. } = handle;
        join(client, call).await?;
        let described = describe(client, call, &report, base).await?;
        let pieces = pieces.into_iter().map(|Piece { window, execution }| (window, execution)).collect();
        Ok(Self { client: client.clone(), report, described, narrowing, is_cut, pieces: Mutex::new(pieces) })
    }

    /// From a window to the first bytes of its result; `None` when it has no rows.
    ///
    /// A result that the service accepted and then no longer has is computed again, once.
    pub(super) async fn fetch(&self, call: &Call, window: Option<Window>) -> Result<Option<Download>> {
        let mut is_again = false;
        loop {
            let execution = self.accepted(call, window).await?;
            match self.client.fetch(call, &execution).await {
                Err(error) if !is_again && is_gone(&error) => {
                    is_again = true;
                    self.pieces().insert(window, None);
                    let of = window.map(|window| format!(" of {window}")).unwrap_or_default();
                    call.progress.warn(format!(
                        "the service no longer had the result{of} that it had accepted, so the report was executed again"
                    ));
                }
                fetched => return fetched,
            }
        }
    }

    /// The execution of a window: the one that the service has accepted, or a new one.
    pub(super) async fn accepted(&self, call: &Call, window: Option<Window>) -> Result<Execution> {
        let accepted = self.pieces().get(&window).cloned().flatten();
        if let Some(execution) = accepted {
            return Ok(execution);
        }
        let execution = self.client.execute(call, &self.report, self.narrowing.filters(window)).await?;
        self.pieces().insert(window, Some(execution.clone()));
        Ok(execution)
    }

    /// Puts two windows in the place of one.
    pub(super) fn halve(&self, window: Window, (first, second): (Window, Window)) {
        let mut pieces = self.pieces();
        pieces.remove(&Some(window));
        pieces.extend([first, second].map(|half| (Some(half), None)));
    }

    /// The windows in order; none when no days were asked for.
    pub(super) fn windows(&self) -> Vec<Window> {
        self.pieces().keys().copied().flatten().collect()
    }

    /// The handle, once the service has accepted something.
    pub(super) fn handle(&self) -> Option<String> {
        let pieces = self.pieces().clone();
        if pieces.values().all(Option::is_none) {
            return None;
        }
        let pieces = pieces.into_iter().map(|(window, execution)| Piece { window, execution }).collect();
        let handle = Handle {
            service: self.client.connection.origin().to_string(),
            report: self.report.clone(),
            narrowing: self.narrowing.clone(),
            is_cut: self.is_cut,
            pieces,
        };
        Some(handle.text())
    }

    /// The same error with the handle, if it can have one.
    pub(super) fn resumable(&self, error: Error) -> Error {
        match self.handle() {
            Some(handle) => error.with_handle(|| handle),
            None => error,
        }
    }

    /// The first execution that the service has accepted.
    pub(super) fn execution(&self) -> Option<Execution> {
        self.pieces().values().flatten().next().cloned()
    }

    /// What each column of the result shows; nothing where the report couldn't be described, or its columns depend on
    /// the data.
    pub(super) fn kinds(&self, schema: &Schema) -> Vec<&'static str> {
        let columns = self.described.iter().flat_map(|report| &report.columns);
        let kinds: Vec<_> = columns.map(|column| column.kind.as_str()).collect();
        if kinds.len() == schema.fields().len() { kinds } else { Vec::new() }
    }

    fn pieces(&self) -> MutexGuard<'_, BTreeMap<Option<Window>, Option<Execution>>> {
        self.pieces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Export {
    /// The windows that it is cut into, in order; one without days when there are none.
    ///
    /// # Errors
    /// `Config` when there are no days to cut, or too many for the length of a window.
    pub fn windows(&self) -> Result<Vec<Option<Window>>> {
        let Some(days) = &self.interval else {
            return match self.every {
                None => Ok(vec![None]),
                Some(every) => Err(Error::config(format!("`every` is `{every}`, but there are no days to cut"))
                    .hint("give `start` and `end` too; both days are included")),
            };
        };
        if let Some(every) = self.every
            && days.window().days() / every.most_days() > WINDOWS
        {
            let message = format!("{} in windows of `{every}` would be more than {WINDOWS} executions", days.window());
            return Err(Error::config(message).hint("take longer windows, or fewer days"));
        }
        Ok(cut(days.start, days.end, self.every).into_iter().map(Some).collect())
    }
}

/// Takes part in the session. Everybody waits for it by himself: whoever looks something up for all may be cancelled
/// meanwhile, and a login that nobody waits for would be given up.
async fn join(client: &Insights, call: &Call) -> Result<()> {
    call.progress.enter(Phase::Resolving);
    client.login(call).await
}

/// A place among the exports that a client may have under way.
pub(super) async fn place(client: &Insights) -> Result<OwnedSemaphorePermit> {
    let place = Arc::clone(&client.places).acquire_owned().await;
    place.map_err(|_| Error::config("the client is closed"))
}

fn is_gone(error: &Error) -> bool {
    matches!(error.kind(), Kind::Export { fault: ExportFault::Gone, .. })
}

/// Whether no column is a day. A pivoted report's columns can't be told.
fn shows_no_day(report: &Report) -> bool {
    let is_day = |column: &Column| matches!(column.column_type, crate::csv::ColumnType::Date(_));
    !report.columns.is_empty() && !report.columns.iter().any(is_day)
}
