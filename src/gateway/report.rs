//! `/getReport`: from a request to the bytes of a report. `answer` is the whole of it on one screen.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{Extension, Request, State},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header, request::Parts};
use http_body::Body as _;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use ring::digest::{SHA256, digest};
use tokio::sync::OwnedSemaphorePermit;

use super::{
    Shared,
    access::Visit,
    asked::{Asked, read},
    basic::credentials,
    refusal::{Refusal, reason},
    sessions::Lease,
    source::Source,
};
use crate::{
    error::{Error, Result},
    progress::{Call, Phase},
};

/// Bytes of a request's body at most; parameters need some hundred.
const BODY: usize = 16 << 10;

/// An answer up to this size is collected before its head is sent. It then has a length and a tag, and a failure has a
/// status of its own.
const SMALL: usize = 256 << 10;

/// A service that sends slowly is not waited for longer than this before the head goes out.
const COLLECTING: Duration = Duration::from_secs(1);

/// The handler.
pub(super) async fn get_report(
    State(gateway): State<Arc<Shared>>,
    Extension(visit): Extension<Visit>,
    request: Request,
) -> Response {
    // Boxed: the future of an export is large, and most requests of an attacker never get there.
    match Box::pin(answer(&gateway, &visit, request)).await {
        Ok(response) => response,
        Err(refusal) => {
            visit.found(|found| refusal.note(found));
            refusal.into_response()
        }
    }
}

/// What is cheap to refuse is refused first, and nothing is sent to the service for it.
async fn answer(gateway: &Arc<Shared>, visit: &Visit, request: Request) -> Result<Response, Refusal> {
    count(gateway, visit)?;
    let (head, body) = request.into_parts();
    refuse_old(&head)?;
    let credentials = credentials(&head.headers).map_err(Refusal::unauthorized)?;
    let asked = ask(gateway, &head, body).await?;
    visit.asked(&asked);
    let lease = gateway.sessions.enter(credentials)?;
    visit.found(|found| found.session = Some(lease.label()));
    let place = place(gateway)?;

    let call = Call::new(Arc::clone(&gateway.clock), Some(gateway.timeout), None);
    let failed = |error: Error| {
        gateway.sessions.notice(&lease, &error);
        Refusal::of(&error, call.progress.phase().as_str())
    };
    call.progress.enter(Phase::LoggingIn);
    gateway.sessions.login(&lease, &call).await.map_err(failed)?;
    let mut source = Source::open(lease.client(), &call, &asked).await.map_err(failed)?;
    let (beginning, is_all) = beginning(gateway, &mut source).await.map_err(failed)?;
    if is_all {
        return Ok(whole(&head, &asked, &beginning));
    }
    let outgoing =
        Outgoing { beginning, source, gateway: Arc::clone(gateway), visit: visit.clone(), call, lease, _place: place };
    // Fused, because compression asks once more after the end.
    Ok(dressed(&asked, Body::from_stream(stream::unfold(Some(outgoing), Outgoing::next).fuse())))
}

fn count(gateway: &Shared, visit: &Visit) -> Result<(), Refusal> {
    let Some(rate) = &gateway.rate else { return Ok(()) };
    rate.count(visit.client()).map_err(|wait| {
        let message = "this client asks more often than it may";
        Refusal::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", message).after(wait.max(Duration::from_secs(1)))
    })
}

/// HTTP/1.0 has no chunks: its clients can't tell an answer that broke off from one that is complete.
fn refuse_old(head: &Parts) -> Result<(), Refusal> {
    if head.version >= Version::HTTP_11 {
        return Ok(());
    }
    Err(Refusal::new(StatusCode::UPGRADE_REQUIRED, "OldProtocol", "reports are sent by HTTP/1.1, which has chunks"))
}

/// The parameters, from the query and the body.
async fn ask(gateway: &Shared, head: &Parts, body: Body) -> Result<Asked, Refusal> {
    let query = head.uri.query().unwrap_or_default();
    let mut given: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    if head.method == Method::POST {
        let body = collected(gateway, body).await?;
        given.extend(pairs(&head.headers, &body)?);
    }
    read(given, &gateway.origin).map_err(Refusal::parameters)
}

async fn collected(gateway: &Shared, body: Body) -> Result<Bytes, Refusal> {
    let too_large = || {
        let message = format!("the body is larger than {BODY} bytes");
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "BodyTooLarge", message)
    };
    if body.size_hint().lower() > BODY as u64 {
        return Err(too_large());
    }
    let collecting = Limited::new(body, BODY).collect();
    match tokio::time::timeout(gateway.patience_for_requests, collecting).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Refusal::new(StatusCode::BAD_REQUEST, "BadRequest", "the body broke off")),
        Err(_) => Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "RequestTimeout", "the body took too long")),
    }
}

/// The parameters in a body: a form or a JSON object of texts, numbers and booleans.
fn pairs(headers: &HeaderMap, body: &[u8]) -> Result<Vec<(String, String)>, Refusal> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Vec::new());
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    match kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "application/x-www-form-urlencoded" => Ok(url::form_urlencoded::parse(body).into_owned().collect()),
        "application/json" => {
            let wrong = |why: String| Refusal::new(StatusCode::BAD_REQUEST, "BadRequest", why);
            let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(body)
                .map_err(|error| wrong(format!("the body is not a JSON object of parameters: {error}")))?;
            let text = |value| match value {
                serde_json::Value::String(text) => text,
                serde_json::Value::Null => String::new(),
                other => other.to_string(),
            };
            Ok(fields.into_iter().map(|(name, value)| (name, text(value))).collect())
        }
        _ => Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "UnsupportedMediaType",
            "give the parameters in the query, or in a body of the type `application/x-www-form-urlencoded` or \
             `application/json`",
        )),
    }
}

fn place(gateway: &Shared) -> Result<Place, Refusal> {
    let permit = Arc::clone(&gateway.places).try_acquire_owned().map_err(|_| {
        let message = "as many reports as the gateway may fetch at once are under way";
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "TooManyReports", message).after(Duration::from_secs(1))
    })?;
    gateway.meters.reports.inc();
    Ok(Place { gateway_reports: gateway.meters.reports.clone(), _permit: permit })
}

/// A place among the reports that may be under way.
struct Place {
    gateway_reports: prometheus_client::metrics::gauge::Gauge,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.gateway_reports.dec();
    }
}

/// The beginning of an answer; true when that is all of it.
async fn beginning(gateway: &Shared, source: &mut Source) -> Result<(VecDeque<Bytes>, bool)> {
    let began = gateway.clock.now();
    let (mut pieces, mut length) = (VecDeque::new(), 0);
    while length <= SMALL && gateway.clock.now().since(began) <= COLLECTING {
        match source.chunk().await? {
            Some(chunk) => {
                length += chunk.len();
                pieces.push_back(chunk);
            }
            None => return Ok((pieces, true)),
        }
    }
    Ok((pieces, false))
}

/// An answer at hand: with a tag made of its bytes, and without these when the client has them already. The report was
/// fetched with the client's own credentials to find that out, so nobody learns anything of others by it.
fn whole(head: &Parts, asked: &Asked, pieces: &VecDeque<Bytes>) -> Response {
    let mut body = Vec::with_capacity(pieces.iter().map(Bytes::len).sum());
    pieces.iter().for_each(|piece| body.extend_from_slice(piece));
    let hash = digest(&SHA256, &body);
    let hex: String = hash.as_ref()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    // Weak, because the same answer may travel compressed.
    let tag = format!("W/\"{hex}\"");
    let is_known = head.method == Method::GET && knows(&head.headers, &tag);
    let mut response = dressed(asked, if is_known { Body::empty() } else { Body::from(body) });
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response.headers_mut().remove(header::CONTENT_TYPE);
        response.headers_mut().remove(header::CONTENT_DISPOSITION);
    }
    if let Ok(tag) = HeaderValue::try_from(tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// Whether `If-None-Match` names this tag (RFC 9110, 13.1.2: weak comparison).
fn knows(headers: &HeaderMap, tag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let values = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|known| known.trim() == "*" || opaque(known) == opaque(tag))
}

fn dressed(asked: &Asked, body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asked.format.media_type()));
    // Kept by the client alone, and asked about each time.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(header::VARY, HeaderValue::from_static("authorization"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let name = format!("attachment; filename=\"report-{}.{}\"", asked.report(), asked.format.name());
    // Digits, letters, `_` and `.`: the name of a report has been checked.
    if let Ok(name) = HeaderValue::try_from(name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    response
}

/// An answer on its way, with all that it needs until its end.
struct Outgoing {
    beginning: VecDeque<Bytes>,
    source: Source,
    gateway: Arc<Shared>,
    visit: Visit,
    call: Call,
    lease: Lease,
    _place: Place,
}

impl Outgoing {
    /// The next piece. After an error the connection is closed without the end of the body, so that no client takes
    /// half a report for a whole one.
    async fn next(outgoing: Option<Self>) -> Option<(Result<Bytes, std::io::Error>, Option<Self>)> {
        let mut outgoing = outgoing?;
        if let Some(piece) = outgoing.beginning.pop_front() {
            return Some((Ok(piece), Some(outgoing)));
        }
        match outgoing.source.chunk().await {
            Ok(Some(piece)) => Some((Ok(piece), Some(outgoing))),
            Ok(None) => None,
            Err(error) => {
                outgoing.give_up(&error);
                Some((Err(std::io::Error::other("the report broke off")), None))
            }
        }
    }

    fn give_up(&self, error: &Error) {
        self.gateway.sessions.notice(&self.lease, error);
        self.visit.found(|found| {
            found.error = Some(error.code());
            found.step = Some(self.call.progress.phase().as_str());
            found.reason = reason(error);
        });
    }
}
