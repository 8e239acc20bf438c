//! The gateway: Flex Insights reports for whatever can make a web request, as one secured endpoint.
//!
//! `GET /getReport?WorkspaceId=…&ReportId=…&DateStart=…&DateEnd=…` with Basic authentication by a Flex Insights login,
//! as in Twilio's tutorial "Export Flex Insights Data with Twilio Functions" (2024), without that function's limits of
//! size and time: what the service sends goes on to the client as it comes.
//!
//! | room | subject |
//! |---|---|
//! | `routes`, `openapi.json` | the paths, CORS, compression |
//! | `report` | a request for a report, from its head to its last byte |
//! | `basic`, `asked` | its credentials, its parameters |
//! | `source`, `encode` | the bytes of the answer |
//! | `refusal` | why there is none |
//! | `tag`, `book`, `sessions` | who is logged in |
//! | `gate` | the way to the service, and when no login goes that way |
//! | `rate`, `connections`, `pace` | what one client, and all of them, may take |
//! | `server`, `tls` | connections |
//! | `access`, `journal`, `meters` | what is known of it afterwards |

mod access;
mod asked;
mod basic;
mod book;
mod connections;
mod encode;
mod gate;
pub mod journal;
mod meters;
mod pace;
mod rate;
mod refusal;
mod report;
mod routes;
mod server;
mod sessions;
mod source;
mod tag;
mod tls;

use std::{
    fmt,
    future::Future,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

use serde::Serialize;
use tokio::{
    net::TcpListener,
    sync::{Semaphore, mpsc::UnboundedReceiver},
    task::JoinSet,
    time::{interval, timeout},
};
use tokio_rustls::TlsAcceptor;

use self::{
    book::Rules, connections::Connections, gate::Gate, meters::Meters, pace::Patience, rate::Rate, sessions::Sessions,
};
pub use self::{journal::Journal, rate::Allowance, tls::Certificate};
use crate::{
    clock::Clock,
    error::{Error, Result},
    http::{Proxy, Tls, wire::Wire},
    insights::{self, BASE_URL, Insights},
    limits::{Limits, Polling, Retry},
    origin::Origin,
};

/// How often what isn't used any more is looked for.
const SWEEP: Duration = Duration::from_secs(15);

/// How long all sessions together may take to log out at the end.
const FAREWELL: Duration = Duration::from_secs(4);

/// All that a gateway is made of.
#[derive(Clone, Debug)]
pub struct Options {
    /// The address to listen on; 127.0.0.1 unless told.
    pub bind: IpAddr,
    /// The port; 0 takes a free one. Default 8080.
    pub port: u16,
    /// HTTPS; plain HTTP when `None`.
    pub tls: Option<Certificate>,
    /// The service, and no other: nothing in a request can change it.
    pub base_url: String,
    /// Which certificates of the service are trusted.
    pub upstream_tls: Tls,
    /// Through which proxy the service is reached.
    pub proxy: Proxy,
    /// Reports under way at once; further requests get 503. Default 64.
    pub max_concurrency: usize,
    /// Open connections; when another comes, the longest idle one is closed. Default 512.
    pub max_connections: usize,
    /// Sessions at the service; the longest unused one is logged out for another. Default 256.
    pub max_sessions: usize,
    /// Requests of one client; no limit when `None`. Default 100 a second, 1,000 at once.
    pub rate: Option<Allowance>,
    /// Time from a request to the first bytes of its report; default 1 hour. The rest may take as long as it takes.
    pub timeout: Duration,
    /// How long running downloads may go on after the gateway was told to stop; default 30 s.
    pub grace: Duration,
    /// How long an unused session is kept; default 15 minutes.
    pub session_idle: Duration,
    /// How long any session is kept: a changed password is noticed then; default 8 hours.
    pub session_age: Duration,
    /// How long a refused user name and password is remembered, and not sent to the service again; default 10 minutes.
    pub refusal_life: Duration,
    /// Different passwords of one user name that may be refused within that time; default 3.
    pub tries: usize,
    /// Time for a request's head, and for its body; also how long an idle connection is kept. Default 15 s.
    pub patience_for_requests: Duration,
    /// A client that takes nothing for so long, or less than 1 KiB a second over such a time, is given up; default 60 s.
    pub patience_for_readers: Duration,
    /// Addresses of reverse proxies that name their client in `X-Forwarded-For`.
    pub behind: Vec<IpAddr>,
    /// Whether `/metrics` answers to other machines too.
    pub open_metrics: bool,
    /// How the service's failures are retried: like a client's, but a wait that it asks for is the caller's to do.
    pub retry: Retry,
    /// How results are waited for.
    pub polling: Polling,
    /// What the service's answers may cost. A report may have any size.
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        let number = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        Self {
            bind: Ipv4Addr::LOCALHOST.into(),
            port: 8080,
            tls: None,
            base_url: BASE_URL.into(),
            upstream_tls: Tls::default(),
            proxy: Proxy::default(),
            max_concurrency: 64,
            max_connections: 512,
            max_sessions: 256,
            rate: Some(Allowance { per_second: number(100), burst: number(1000) }),
            timeout: minutes(60),
            grace: Duration::from_secs(30),
            session_idle: minutes(15),
            session_age: minutes(8 * 60),
            refusal_life: minutes(10),
            tries: 3,
            patience_for_requests: Duration::from_secs(15),
            patience_for_readers: minutes(1),
            behind: Vec::new(),
            open_metrics: false,
            retry: Retry { patience: Duration::from_secs(2), ..Retry::default() },
            polling: Polling::default(),
            limits: Limits { csv_bytes: u64::MAX, ..Limits::default() },
        }
    }
}

/// What all requests share.
struct Shared {
    sessions: Sessions,
    places: Arc<Semaphore>,
    connections: Arc<Connections>,
    rate: Option<Rate>,
    meters: Arc<Meters>,
    journal: Journal,
    clock: Arc<dyn Clock>,
    origin: Origin,
    timeout: Duration,
    patience_for_requests: Duration,
    patience_for_readers: Patience,
    behind: Vec<IpAddr>,
    open_metrics: bool,
}

/// A gateway that listens, and doesn't answer yet.
pub struct Gateway {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
    shared: Arc<Shared>,
    leaving: UnboundedReceiver<Insights>,
    grace: Duration,
}

/// The log's line at the start.
#[derive(Serialize)]
struct Started<'a> {
    url: &'a str,
    service: String,
    version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<&'static str>,
}

impl Gateway {
    /// Listens. Connections wait until [`serve`](Self::serve) takes them.
    ///
    /// # Errors
    /// `Config` for an option that can't be used or an address that is taken, `OSError` for a file of the certificate.
    pub async fn bind(options: Options, clock: Arc<dyn Clock>, journal: Journal) -> Result<Self> {
        for (name, number) in [
            ("max_concurrency", options.max_concurrency),
            ("max_connections", options.max_connections),
            ("max_sessions", options.max_sessions),
            ("tries", options.tries),
        ] {
            if number == 0 {
                return Err(Error::config(format!("`{name}` must be at least 1")));
            }
        }
        let tls = options.tls.as_ref().map(Certificate::acceptor).transpose()?;
        let origin = Origin::parse(&options.base_url, "/gdc/")?;
        let meters = Arc::new(Meters::new());
        let wire = Wire::new(&origin, &options.upstream_tls, &options.proxy, &options.limits)?;
        let gate = Arc::new(Gate::new(Arc::new(wire), Arc::clone(&clock), Arc::clone(&meters)));
        let rules = Rules {
            sessions: options.max_sessions,
            idle: options.session_idle,
            age: options.session_age,
            refused: options.refusal_life,
            tries: options.tries,
        };
        let client = insights::Options {
            base_url: options.base_url.clone(),
            retry: options.retry.clone(),
            polling: options.polling.clone(),
            limits: options.limits.clone(),
            max_concurrency: options.max_concurrency,
            ..insights::Options::new(sessions::nobody())
        };
        let (sessions, leaving) = Sessions::new(rules, gate, client, Arc::clone(&clock), Arc::clone(&meters))?;

        let wanted = SocketAddr::new(options.bind, options.port);
        let no_listener = |error| Error::config(format!("the gateway can't listen on `{wanted}`: {error}"));
        let listener = TcpListener::bind(wanted).await.map_err(no_listener)?;
        let address = listener.local_addr().map_err(no_listener)?;
        let shared = Arc::new(Shared {
            sessions,
            places: Arc::new(Semaphore::new(options.max_concurrency)),
            connections: Connections::new(options.max_connections, Arc::clone(&meters)),
            rate: options.rate.map(|allowance| Rate::new(allowance, Arc::clone(&clock))),
            meters,
            journal,
            clock,
            origin,
            timeout: options.timeout,
            patience_for_requests: options.patience_for_requests,
            patience_for_readers: Patience {
                stall: options.patience_for_readers,
                bytes_per_second: options.limits.slow_bytes,
            },
            behind: options.behind.iter().map(IpAddr::to_canonical).collect(),
            open_metrics: options.open_metrics,
        });
        Ok(Self { listener, address, tls, shared, leaving, grace: options.grace })
    }

    /// Where it is, for instance `http://127.0.0.1:8080`.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.tls.is_some() { "https" } else { "http" }, self.address)
    }

    /// Answers until `stop`. Then it takes no more connections, lets running answers come to their end for as long as
    /// its grace lasts (or until `hurry`), breaks off the rest and logs out of all sessions.
    pub async fn serve(self, stop: impl Future<Output = ()>, hurry: impl Future<Output = ()>) {
        let url = self.url();
        let Self { listener, address, tls, shared, leaving, grace } = self;
        let is_open = tls.is_none() && !address.ip().is_loopback();
        let warning = is_open.then_some("passwords travel unencrypted: put TLS in front, or give a certificate");
        let started =
            Started { url: &url, service: shared.origin.to_string(), version: env!("CARGO_PKG_VERSION"), warning };
        shared.journal.event(shared.clock.timestamp(), "started", &started);

        let farewells = tokio::spawn(farewells(leaving));
        let sweeping = tokio::spawn(sweep(Arc::downgrade(&shared)));
        let routes = routes::routes(Arc::clone(&shared));
        let stopped = async {
            stop.await;
            let fields = serde_json::json!({"grace_seconds": grace.as_secs_f64()});
            shared.journal.event(shared.clock.timestamp(), "stopping", &fields);
        };
        server::serve(listener, tls, Arc::clone(&shared), routes, (stopped, hurry), grace).await;
        sweeping.abort();
        shared.sessions.close();
        let (journal, clock) = (shared.journal.clone(), Arc::clone(&shared.clock));
        // With the last of what is shared goes the last that could say goodbye.
        drop(shared);
        let _ = timeout(FAREWELL, farewells).await;
        journal.event(clock.timestamp(), "stopped", &serde_json::json!({}));
        journal.flush();
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Logs out whoever comes, until nobody can come any more and all are gone.
async fn farewells(mut leaving: UnboundedReceiver<Insights>) {
    let mut goodbyes = JoinSet::new();
    while let Some(client) = leaving.recv().await {
        goodbyes.spawn(async move { client.close().await });
        // What is done is let go of.
        while goodbyes.try_join_next().is_some() {}
    }
    while goodbyes.join_next().await.is_some() {}
}

/// Closes and forgets, now and then, what isn't used any more.
async fn sweep(shared: std::sync::Weak<Shared>) {
    let mut ticks = interval(SWEEP);
    loop {
        ticks.tick().await;
        let Some(shared) = shared.upgrade() else { return };
        shared.sessions.sweep();
        if let Some(rate) = &shared.rate {
            rate.forget();
        }
    }
}
