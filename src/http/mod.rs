//! Requests out, capped and guarded bodies in.
//!
//! [`Transport`] is the seam: the layers above see this trait alone, `wire` is the one file that knows the HTTP
//! library. [`Http`] adds what every service needs and no library gives: redirects that stay on the origin, a guard
//! against a peer that stops sending, caps on every body and exactly one layer of gzip.

pub mod body;
pub mod excerpt;
mod inflate;
pub mod proxy;
pub mod redirect;
pub mod tls;
pub mod wire;

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use bytes::Bytes;
use futures_util::Stream;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header};
use url::Url;

pub use self::{body::Body, proxy::Proxy, tls::Tls};
use crate::{
    clock::Clock,
    error::{Error, Result, TransportFault},
    limits::Limits,
    origin::{Origin, ServerPath},
};

/// A request, ready to be sent as often as it takes.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Where to, below the origin.
    pub path: ServerPath,
    /// Headers beside those that every request carries.
    pub headers: HeaderMap,
    /// The body; empty for none.
    pub body: Bytes,
}

impl Request {
    /// A request without a body.
    pub fn new(method: Method, path: ServerPath) -> Self {
        Self { method, path, headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// A `GET`.
    pub fn get(path: ServerPath) -> Self {
        Self::new(Method::GET, path)
    }

    /// A `POST` of a JSON body.
    pub fn post_json(path: ServerPath, body: &serde_json::Value) -> Self {
        let mut request = Self::new(Method::POST, path);
        request.body = Bytes::from(body.to_string());
        request.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request
    }

    /// The same request with one more header.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }
}

/// The bytes of a body as the transport delivers them.
pub type RawBody = Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>;

/// The head of an answer with its body still on the way.
pub struct RawReply {
    /// Status.
    pub status: StatusCode,
    /// HTTP version: HTTP/2 proves the end of a body by itself.
    pub version: Version,
    /// Headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: RawBody,
}

/// What a [`Transport`] promises: the head of an answer, or why there is none.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<RawReply>> + Send + 'a>>;

/// Sends one request to one address, once: no redirects, no retries, no decompression, no cookies.
pub trait Transport: Send + Sync + fmt::Debug {
    /// Sends `request` to `url`. Dropping the future (or the body) closes the connection.
    fn send<'a>(&'a self, url: Url, request: &'a Request) -> Sending<'a>;
}

/// The head of an answer, and what it answers.
#[derive(Clone, Debug)]
pub struct Head {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Where the answer came from at last, after redirects.
    pub path: ServerPath,
    /// The method it answers.
    pub method: Method,
}

/// An answer.
pub struct Reply {
    /// Its head.
    pub head: Head,
    /// Its body, guarded and capped.
    pub body: Body,
}

/// The connection to one origin, for one service.
#[derive(Clone, Debug)]
pub struct Http {
    transport: Arc<dyn Transport>,
    origin: Origin,
    limits: Arc<Limits>,
    clock: Arc<dyn Clock>,
}

impl Http {
    /// Puts the rules around a transport.
    pub fn new(transport: Arc<dyn Transport>, origin: Origin, limits: Limits, clock: Arc<dyn Clock>) -> Self {
        Self { transport, origin, limits: Arc::new(limits), clock }
    }

    /// The origin that requests go to.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The limits in force.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Sends a request and follows at most five redirects, none of which leaves the origin.
    ///
    /// # Errors
    /// A transport failure, `Stalled` when no head comes within `limits.idle`, `UntrustedUri` for a redirect elsewhere.
    pub async fn send(&self, request: &Request) -> Result<Reply> {
        let mut request = dressed(request);
        for _ in 0..=redirect::HOPS {
            let reply = self.once(&request).await?;
            match redirect::follow(&request.method, reply.head.status, &reply.head.headers, &self.origin)? {
                None => return Ok(reply),
                Some(hop) => {
                    tracing::debug!(status = reply.head.status.as_u16(), to = hop.path.without_query(), "redirect");
                    request.path = hop.path;
                    if !hop.same_request {
                        request.method = Method::GET;
                        request.body = Bytes::new();
                    }
                }
            }
        }
        Err(Error::transport(
            TransportFault::Interrupted,
            format!("{} {}: more than {} redirects", request.method, request.path.without_query(), redirect::HOPS),
        ))
    }

    /// Sends a request that must not be sent twice: a redirect is the answer, and is not followed.
    ///
    /// # Errors
    /// A transport failure, `Stalled` when no head comes within `limits.idle`.
    pub async fn send_straight(&self, request: &Request) -> Result<Reply> {
        self.once(&dressed(request)).await
    }

    async fn once(&self, request: &Request) -> Result<Reply> {
        let sending = self.transport.send(self.origin.url(&request.path), request);
        let reply = tokio::select! {
            biased;
            reply = sending => reply?,
            () = self.clock.reach(self.clock.now().plus(self.limits.idle)) => {
                return Err(Error::transport(
                    TransportFault::Stalled,
                    format!(
                        "{} {}: no answer within {} s",
                        request.method,
                        request.path.without_query(),
                        self.limits.idle.as_secs_f64()
                    ),
                ));
            }
        };
        tracing::debug!(
            method = request.method.as_str(),
            path = request.path.without_query(),
            status = reply.status.as_u16(),
            "answer"
        );
        let head = Head {
            status: reply.status,
            headers: reply.headers.clone(),
            path: request.path.clone(),
            method: request.method.clone(),
        };
        Ok(Reply { head, body: Body::new(reply, Arc::clone(&self.limits), Arc::clone(&self.clock))? })
    }
}

/// A request with the headers that every one has, unless it has its own.
fn dressed(request: &Request) -> Request {
    let mut request = request.clone();
    let json = HeaderValue::from_static("application/json");
    // The documentation of Flex Insights shows both with every request, those without a body included.
    request.headers.entry(header::CONTENT_TYPE).or_insert(json.clone());
    request.headers.entry(header::ACCEPT).or_insert(json);
    request.headers.entry(header::ACCEPT_ENCODING).or_insert(HeaderValue::from_static("identity"));
    request
}
