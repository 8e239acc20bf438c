//! Around every request: its id, its client, its line in the log and its place in the counts, written when the last
//! byte of the answer has gone out, or can't.

use std::{
    net::IpAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use axum::{
    body::Body,
    extract::{Extension, Request, State},
    middleware::Next,
    response::Response,
};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use http_body::{Body as _, Frame, SizeHint};

use super::{
    Shared,
    asked::Asked,
    connections::Busy,
    journal::{Answer, Found},
    meters::Answered,
    routes::known,
};
use crate::clock::Moment;

/// The header of the id that the log has too.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Where a proxy names its client.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address at the other end of a connection, and the connection's place among all.
#[derive(Clone)]
pub(super) struct Peer {
    pub(super) address: IpAddr,
    pub(super) ticket: Arc<super::connections::Ticket>,
}

/// A request under way, as its handler sees it.
#[derive(Clone)]
pub(super) struct Visit {
    client: IpAddr,
    is_local: bool,
    found: Arc<Mutex<Found>>,
}

impl Visit {
    /// The client: the other end of the connection, or whom a trusted proxy names.
    pub(super) fn client(&self) -> IpAddr {
        self.client
    }

    /// Whether it comes from this machine, and not through a proxy on it.
    pub(super) fn is_local(&self) -> bool {
        self.is_local
    }

    /// Adds to what the log will say.
    pub(super) fn found(&self, add: impl FnOnce(&mut Found)) {
        add(&mut self.found.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The same, of what is asked for.
    pub(super) fn asked(&self, asked: &Asked) {
        self.found(|found| {
            found.workspace = Some(asked.workspace.to_string());
            found.report = Some(asked.report());
            found.format = Some(asked.format.name());
        });
    }
}

/// The middleware.
pub(super) async fn record(
    State(gateway): State<Arc<Shared>>,
    Extension(peer): Extension<Peer>,
    mut request: Request,
    next: Next,
) -> Response {
    // A path that doesn't exist is not named in the log, because nobody knows what it holds.
    let route = known(request.uri().path()).map_or("other", |(path, _)| path);
    let client = client(&gateway, &peer, &request);
    let is_local = client.is_loopback() && !request.headers().contains_key(FORWARDED_FOR);
    let visit = Visit { client, is_local, found: Arc::default() };
    let mut record = Record {
        id: format!("{:016x}", fastrand::u64(..)),
        began: gateway.clock.now(),
        method: method(request.method()),
        route,
        status: StatusCode::OK,
        bytes: 0,
        // The answer to a HEAD has no body that could end.
        outcome: if request.method() == Method::HEAD { "complete" } else { "abandoned" },
        visit: visit.clone(),
        _busy: peer.ticket.busy(),
        gateway,
    };
    request.extensions_mut().insert(visit);
    let mut response = next.run(request).await;
    record.status = response.status();
    if let Ok(id) = HeaderValue::try_from(&record.id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response.map(|body| Body::new(Recorded { body, record }))
}

/// A method by its own name, if it is one: any word can stand in its place.
fn method(method: &Method) -> String {
    let known = [Method::GET, Method::POST, Method::HEAD, Method::OPTIONS, Method::PUT, Method::DELETE, Method::PATCH];
    if known.contains(method) { method.to_string() } else { "other".into() }
}

/// The last address that the proxy added is the one that it saw; those before it are the client's own words.
fn client(gateway: &Shared, peer: &Peer, request: &Request) -> IpAddr {
    let address = peer.address.to_canonical();
    if !gateway.behind.contains(&address) {
        return address;
    }
    let values = request.headers().get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
    let last = values.flat_map(|value| value.split(',')).next_back();
    last.and_then(|text| text.trim().parse().ok()).unwrap_or(address)
}

/// What is known of an answer; written when it is dropped.
struct Record {
    id: String,
    began: Moment,
    method: String,
    route: &'static str,
    status: StatusCode,
    bytes: u64,
    outcome: &'static str,
    visit: Visit,
    _busy: Busy,
    gateway: Arc<Shared>,
}

impl Drop for Record {
    fn drop(&mut self) {
        let meters = &self.gateway.meters;
        let seconds = self.gateway.clock.now().since(self.began).as_secs_f64();
        meters.requests.get_or_create(&Answered { route: self.route, status: self.status.as_u16() }).inc();
        meters.seconds.observe(seconds);
        meters.bytes.inc_by(self.bytes);
        match self.outcome {
            "broken" => drop(meters.broken.inc()),
            "abandoned" => drop(meters.abandoned.inc()),
            _ => {}
        }
        let found = self.visit.found.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let answer = Answer {
            request: std::mem::take(&mut self.id),
            client: self.visit.client.to_string(),
            method: std::mem::take(&mut self.method),
            route: self.route,
            status: self.status.as_u16(),
            bytes: self.bytes,
            seconds,
            outcome: self.outcome,
            found,
        };
        self.gateway.journal.event(self.gateway.clock.timestamp(), "request", &answer);
    }
}

/// A body that is counted as it goes out.
struct Recorded {
    body: Body,
    record: Record,
}

impl http_body::Body for Recorded {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let recorded = self.get_mut();
        let frame = ready!(Pin::new(&mut recorded.body).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => recorded.record.bytes += frame.data_ref().map_or(0, Bytes::len) as u64,
            Some(Err(_)) => recorded.record.outcome = "broken",
            None => recorded.record.outcome = "complete",
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Recorded {
    fn drop(&mut self) {
        // A body of known length isn't asked for its end.
        if self.record.outcome == "abandoned" && self.body.is_end_stream() {
            self.record.outcome = "complete";
        }
    }
}
