//! `GET` on the result of an execution until it is there: 202 means the same address again.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::{Download, Insights, execute::Execution};
use crate::{
    error::{ApiFault, Error, ExportFault, Kind, Result, TransportFault},
    http::{Reply, Request},
    progress::{Call, Count, Phase},
    retry::{Pauses, Safety, retry_after::retry_after},
};

/// How the message of a result that is too large begins.
pub(crate) const TOO_LARGE: &str = "the result is too large for the service: ";

/// How long the service may be out of reach while it computes: its work goes on meanwhile, and would be lost with ours.
const OUTAGE: Duration = Duration::from_secs(300);

/// What polling ends with.
enum Outcome {
    /// 204: the report has no rows.
    Empty,
    /// 200: the CSV, its body still on the way.
    Ready(Box<Reply>),
}

impl Insights {
    /// Waits for the result and begins to download it; `None` when the report has no rows.
    ///
    /// # Errors
    /// `DeadlineExceeded`, `ResultGone`, `ResultTooLarge`, `ResultIncomplete`, or the service's error.
    pub async fn fetch(&self, call: &Call, execution: &Execution) -> Result<Option<Download>> {
        match self.poll(call, execution).await? {
            Outcome::Empty => Ok(None),
            Outcome::Ready(reply) => self.download(call, execution, *reply).await.map(Some),
        }
    }

    /// Waits until the result is there, and fetches nothing. One that the service has forgotten, or that is too large for
    /// it, is nothing to wait for.
    ///
    /// # Errors
    /// `DeadlineExceeded`, or the service's error.
    pub async fn settle(&self, call: &Call, execution: &Execution) -> Result<()> {
        match self.poll(call, execution).await {
            Ok(_) => Ok(()),
            Err(error) => match error.kind() {
                Kind::Export { fault: ExportFault::Gone | ExportFault::TooLarge, .. } => Ok(()),
                _ => Err(error),
            },
        }
    }

    /// Looks at once, then after growing pauses, until there is a result. Once the service has said that it computes, it
    /// may be out of reach for five minutes.
    ///
    /// # Errors
    /// `DeadlineExceeded` (before a pause that would end after the deadline), `ResultGone`, `ResultTooLarge`, or the
    /// service's error; each with the handle to go on where that is possible.
    async fn poll(&self, call: &Call, execution: &Execution) -> Result<Outcome> {
        call.progress.enter(Phase::Polling);
        let mut pauses = Pauses::new(&self.polling);
        let (mut is_computing, mut reached) = (false, call.clock.now());
        loop {
            let reply = match self.look(call, execution).await {
                Ok(reply) => reply,
                Err(error) if is_computing && passes(&error) => {
                    let pause = pauses.next(None);
                    let lost = call.clock.now().since(reached);
                    if lost + pause > OUTAGE || call.has_no_time_for(pause) {
                        return Err(error);
                    }
                    call.progress.warn("the service could not be reached for a while, and was asked again");
                    tracing::info!(code = error.code(), lost_s = lost.as_secs(), "looking again: {error}");
                    call.clock.pause(pause).await;
                    continue;
                }
                Err(error) => return Err(error),
            };
            (is_computing, reached) = (true, call.clock.now());
            match reply.head.status {
                StatusCode::ACCEPTED => call.progress.add(Count::Polls, 1),
                StatusCode::NO_CONTENT => return Ok(Outcome::Empty),
                StatusCode::OK => return Ok(Outcome::Ready(Box::new(reply))),
                _ => {
                    let found = reply.body.head().await;
                    return Err(self.connection.unexpected(&reply.head, &found, "200, 202 or 204"));
                }
            }
            let asked = asked(&reply.head.headers, call);
            // Reading the short body lets the connection be used again.
            reply.body.head().await;
            let pause = pauses.next(asked);
            if call.has_no_time_for(pause) {
                return Err(call.expired());
            }
            call.clock.pause(pause).await;
        }
    }

    /// One look, with the service's errors in the words of an export.
    pub(super) async fn look(&self, call: &Call, execution: &Execution) -> Result<Reply> {
        let request = Request::get(execution.result.clone())
            .with(header::ACCEPT, HeaderValue::from_static("*/*"))
            .with(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        self.connection.send(call, Safety::Repeatable, &request).await.map_err(|error| {
            let Kind::Api(reply) = error.kind() else { return error };
            let fault = match (reply.status, reply.fault) {
                (413, _) => ExportFault::TooLarge,
                (_, ApiFault::NotFound) => ExportFault::Gone,
                _ => return error,
            };
            let (message, hint) = match fault {
                ExportFault::TooLarge => (
                    format!("{TOO_LARGE}{reply}"),
                    "export fewer days at a time: `every=\"1d\"` cuts them into windows",
                ),
                _ => (format!("the service no longer has the result: {reply}"), "export the report again"),
            };
            let kind = Kind::Export { fault, message, handle: None };
            Error::new(kind).hint(hint).after(error.attempts(), error.elapsed())
        })
    }
}

/// Whether a look that failed, retries included, may succeed later.
fn passes(error: &Error) -> bool {
    match error.kind() {
        Kind::Transport(fault, _) => *fault != TransportFault::Tls,
        Kind::Api(reply) => matches!(reply.fault, ApiFault::RateLimited | ApiFault::ServerFault),
        _ => false,
    }
}

/// How long the service asks to wait before the next look: `Retry-After`, or `Refresh` as its exporter sends it.
pub(super) fn asked(headers: &HeaderMap, call: &Call) -> Option<Duration> {
    retry_after(headers, call.clock.timestamp()).or_else(|| {
        let refresh = headers.get(header::REFRESH)?.to_str().ok()?;
        refresh.split(';').next()?.trim().parse().ok().map(Duration::from_secs)
    })
}
