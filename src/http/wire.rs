//! The one file that knows the HTTP library.

use std::time::Duration;

use futures_util::TryStreamExt;
use object_store::{
    ClientConfigKey, ClientOptions,
    client::{HttpClient, HttpConnector},
};
use url::Url;

use super::{Proxy, RawReply, Request, Sending, Tls, Transport, tls};
use crate::{
    error::{Error, Result, TransportFault},
    limits::Limits,
    origin::{Origin, is_loopback},
};

/// How long an idle connection is kept: the service closes its own after 5 s (`Keep-Alive: timeout=5`), and a request
/// that meets the close on its way is lost.
const IDLE: Duration = Duration::from_millis(4500);

/// What every request calls itself.
const AGENT: &str = concat!("insightframe/", env!("CARGO_PKG_VERSION"));

/// The transport over real sockets.
#[derive(Debug)]
pub struct Wire {
    client: reqwest::Client,
}

impl Wire {
    /// Prepares connections to `origin`; none is made yet.
    ///
    /// # Errors
    /// `Config` or `OSError` when the TLS or proxy settings can't be used.
    pub fn new(origin: &Origin, tls: &Tls, proxy: &Proxy, limits: &Limits) -> Result<Self> {
        let config = if origin.is_https() { tls.client_config()? } else { tls::unused()? };
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(config)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .user_agent(AGENT)
            .connect_timeout(limits.connect)
            .pool_idle_timeout(IDLE)
            .tcp_nodelay(true);
        builder = match proxy {
            // A proxy's loopback is not ours; and plain http, which would show it the tokens, goes to loopback alone.
            Proxy::Environment if origin.is_loopback() => builder.no_proxy(),
            Proxy::Environment => builder,
            Proxy::Direct => builder.no_proxy(),
            Proxy::Through(url) if !origin.is_https() && !is_loopback(url) => {
                return Err(Error::config(format!(
                    "the proxy `{proxy:?}` can't be used for `{origin}`: plain http would send it tokens in the clear"
                ))
                .hint("an address of this machine needs no proxy: leave it out"));
            }
            Proxy::Through(url) => {
                let through = reqwest::Proxy::all(url.clone())
                    .map_err(|_| Error::config(format!("the proxy `{proxy:?}` can't be used")))?;
                builder.proxy(through)
            }
        };
        let client =
            builder.build().map_err(|error| Error::config(format!("HTTP can't be set up: {}", chain(&error))))?;
        Ok(Self { client })
    }
}

impl Transport for Wire {
    fn send<'a>(&'a self, url: Url, request: &'a Request) -> Sending<'a> {
        Box::pin(async move {
            let place = url.origin().ascii_serialization();
            let mut outgoing = reqwest::Request::new(request.method.clone(), url);
            *outgoing.headers_mut() = request.headers.clone();
            if !request.body.is_empty() {
                *outgoing.body_mut() = Some(request.body.clone().into());
            }
            let subject = || format!("{} {}", request.method, request.path.without_query());
            let reply = self.client.execute(outgoing).await.map_err(|error| failure(&subject(), &place, error))?;
            let (status, version, headers) = (reply.status(), reply.version(), reply.headers().clone());
            let subject = subject();
            let body = reply.bytes_stream().map_err(move |error| failure(&subject, &place, error));
            Ok(RawReply { status, version, headers, body: Box::pin(body) })
        })
    }
}

/// Makes the connections of object stores, which have peers, retries and an error type of their own: the same library,
/// the same certificates, no redirects.
#[derive(Debug)]
pub struct StoreConnector;

impl HttpConnector for StoreConnector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let refused = |error: Error| object_store::Error::Generic { store: "HTTP", source: error.into() };
        let told = |key| options.get_config_value(&key);
        let time = |key| told(key)?.parse::<jiff::SignedDuration>().ok()?.try_into().ok();
        let allows_http = told(ClientConfigKey::AllowHttp).is_some_and(|word| is_yes(&word));
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(Tls::default().client_config().map_err(refused)?)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .user_agent(AGENT)
            .https_only(!allows_http)
            // A part of an upload a connection: nothing is gained by sharing one.
            .http1_only()
            .tcp_nodelay(true);
        if let Some(timeout) = time(ClientConfigKey::Timeout) {
            builder = builder.timeout(timeout);
        }
        if let Some(timeout) = time(ClientConfigKey::ConnectTimeout) {
            builder = builder.connect_timeout(timeout);
        }
        if let Some(url) = told(ClientConfigKey::ProxyUrl) {
            let wrong = |_| refused(Error::config("`proxy_url` is no proxy's address"));
            builder = builder.proxy(reqwest::Proxy::all(url).map_err(wrong)?);
        }
        let client = builder.build().map_err(|error| refused(Error::config(chain(&error))))?;
        Ok(HttpClient::new(client))
    }
}

/// The words that `object_store` takes for true.
fn is_yes(word: &str) -> bool {
    ["1", "true", "on", "yes", "y"].contains(&word.to_ascii_lowercase().as_str())
}

/// Sorts the library's errors by what a caller can do about them.
fn failure(subject: &str, place: &str, error: reqwest::Error) -> Error {
    let error = error.without_url();
    let words = chain(&error);
    let fault = if tls_words(&error).is_some() {
        TransportFault::Tls
    } else if words.contains("tunnel") || words.contains("proxy") || words.contains("socks") {
        TransportFault::Proxy
    } else if error.is_connect() {
        TransportFault::Connect
    } else {
        TransportFault::Interrupted
    };
    let message = match fault {
        TransportFault::Tls => format!("{subject}: TLS failed: {}", tls_words(&error).unwrap_or(words)),
        TransportFault::Connect if error.is_timeout() => {
            format!("{subject}: no connection to {place} in time: {words}")
        }
        TransportFault::Connect => format!("{subject}: no connection to {place}: {words}"),
        TransportFault::Proxy => format!("{subject}: the proxy failed: {words}"),
        _ => format!("{subject}: the connection broke: {words}"),
    };
    let error = Error::transport(fault, message);
    match fault {
        TransportFault::Tls => error.hint("`tls=Tls(ca_file=…)` trusts a certificate authority beside the system's"),
        TransportFault::Connect => error.hint("check the base address, the network and the proxy settings"),
        _ => error,
    }
}

/// The words of a TLS error inside `error`, if there is one; the common ones in plain language.
fn tls_words(error: &reqwest::Error) -> Option<String> {
    use rustls::CertificateError as Certificate;
    Some(match tls_error(error)? {
        rustls::Error::InvalidCertificate(problem) => match problem {
            Certificate::Expired | Certificate::ExpiredContext { .. } => "the certificate has expired".into(),
            Certificate::NotValidYet | Certificate::NotValidYetContext { .. } => {
                "the certificate is not valid yet (is the clock right?)".into()
            }
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. } => {
                "the certificate is for another host".into()
            }
            Certificate::UnknownIssuer => "the certificate's issuer is not trusted".into(),
            Certificate::BadSignature => "the certificate is not signed by the authority that it names".into(),
            other => format!("the certificate is not accepted: {other}"),
        },
        other => other.to_string(),
    })
}

/// The TLS library's own error among the causes. An I/O error hides what it wraps from `source`, so it is opened.
fn tls_error<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(found) = error.downcast_ref::<rustls::Error>() {
        return Some(found);
    }
    let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    match wrapped {
        Some(wrapped) => tls_error(wrapped),
        None => tls_error(error.source()?),
    }
}

/// An error and its causes in one line, each said once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let more = inner.to_string();
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        source = inner.source();
    }
    words
}
