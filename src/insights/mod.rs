//! Flex Insights (a white-labelled GoodData): one file per verb of its API.
//!
//! Facts about the wire come from Twilio's documentation of the Flex Insights API and from recorded exchanges of the
//! GoodData platform; each file says what it relies on.

mod announced;
mod cache;
pub mod calendar;
pub mod catalog;
mod challenge;
mod columns;
mod connection;
pub mod describe;
mod download;
mod elements;
pub mod execute;
pub mod filter;
mod identifiers;
mod login;
mod logout;
mod objects;
mod pages;
mod poll;
mod profile;
mod refusal;
mod token;
pub mod window;
mod wire;
mod workspaces;

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use arrow_array::RecordBatch;
use tokio::sync::Semaphore;

use self::{cache::Cache, catalog::Listing, objects::Batch};

pub(crate) use self::poll::TOO_LARGE;
pub use self::{
    announced::Announced,
    cache::LIFE,
    connection::Connection,
    describe::Report,
    download::Download,
    elements::{Element, element_table},
    execute::Execution,
    login::AuthMode,
};
use crate::{
    clock::Clock,
    error::{Error, Result},
    http::{Http, Proxy, Tls, Transport, wire::Wire},
    ids::{Identifier, ObjectUri, WorkspaceId},
    limits::{Limits, Polling, Retry},
    origin::Origin,
    progress::{Call, Phase},
    secret::Credentials,
};

/// Where Flex Insights lives.
pub const BASE_URL: &str = "https://analytics.ytica.com";

/// All that a client is made of, checked before anything is sent.
#[derive(Clone, Debug)]
pub struct Options {
    /// The login.
    pub credentials: Credentials,
    /// The workspace of calls that name none.
    pub workspace: Option<WorkspaceId>,
    /// The service; [`BASE_URL`] unless a sandbox takes its place.
    pub base_url: String,
    /// How tokens travel.
    pub auth: AuthMode,
    /// How failures are retried.
    pub retry: Retry,
    /// How results are waited for.
    pub polling: Polling,
    /// What answers may cost.
    pub limits: Limits,
    /// Which certificates are trusted.
    pub tls: Tls,
    /// Through which proxy requests go.
    pub proxy: Proxy,
    /// Exports under way at once.
    pub max_concurrency: usize,
}

impl Options {
    /// The defaults for a login.
    pub fn new(credentials: Credentials) -> Self {
        Self {
            credentials,
            workspace: None,
            base_url: BASE_URL.into(),
            auth: AuthMode::Header,
            retry: Retry::default(),
            polling: Polling::default(),
            limits: Limits::default(),
            tls: Tls::default(),
            proxy: Proxy::default(),
            max_concurrency: 4,
        }
    }
}

/// A client of Flex Insights. Clones share the session.
#[derive(Clone, Debug)]
pub struct Insights {
    pub(crate) connection: Arc<Connection>,
    pub(crate) polling: Polling,
    pub(crate) places: Arc<Semaphore>,
    pub(crate) max_concurrency: usize,
    workspace: Option<WorkspaceId>,
    memory: Arc<Memory>,
}

/// What was looked up: the uris of identifiers for good, since they never change, all else for a while.
#[derive(Debug, Default)]
struct Memory {
    uris: Mutex<HashMap<(WorkspaceId, Identifier), ObjectUri>>,
    workspaces: Cache<(), RecordBatch>,
    lists: Cache<(WorkspaceId, Listing), RecordBatch>,
    reports: Cache<ObjectUri, Arc<Report>>,
    /// Reports whose results have other columns than their definition, although it has just been read.
    misfits: Mutex<HashSet<ObjectUri>>,
    /// The attributes of labels by the label, and those that were looked up by themselves.
    attributes: Cache<ObjectUri, Arc<serde_json::Value>>,
    batch: Batch,
}

impl Insights {
    /// A client over real sockets. Nothing is sent before the first call.
    ///
    /// # Errors
    /// `Config` for options that can't be used.
    pub fn new(options: Options, clock: Arc<dyn Clock>) -> Result<Self> {
        let origin = Origin::parse(&options.base_url, "/gdc/")?;
        let wire = Wire::new(&origin, &options.tls, &options.proxy, &options.limits)?;
        Self::over(Arc::new(wire), options, clock)
    }

    /// A client over any transport.
    ///
    /// # Errors
    /// `Config` for options that can't be used.
    pub fn over(transport: Arc<dyn Transport>, options: Options, clock: Arc<dyn Clock>) -> Result<Self> {
        let origin = Origin::parse(&options.base_url, "/gdc/")?;
        if !(1..=Semaphore::MAX_PERMITS).contains(&options.max_concurrency) {
            let most = Semaphore::MAX_PERMITS;
            return Err(Error::config(format!("`max_concurrency` must be a whole number from 1 to {most}")));
        }
        let http = Http::new(transport, origin, options.limits, Arc::clone(&clock));
        let connection = Connection::new(http, options.credentials, options.auth, options.retry, Arc::clone(&clock));
        Ok(Self {
            connection: Arc::new(connection),
            polling: options.polling,
            places: Arc::new(Semaphore::new(options.max_concurrency)),
            max_concurrency: options.max_concurrency,
            workspace: options.workspace,
            memory: Arc::default(),
        })
    }

    /// Logs in, unless it is done already. Every other call does so by itself.
    ///
    /// # Errors
    /// `InvalidCredentials`, `LoginThrottled` or a transport failure.
    pub async fn login(&self, call: &Call) -> Result<()> {
        self.connection.login(call).await
    }

    /// What comes before a look-up that many may wait for: each of them logs in for itself.
    async fn begin_to_resolve(&self, call: &Call) -> Result<()> {
        call.progress.enter(Phase::Resolving);
        self.login(call).await
    }

    /// The id of the logged-in profile, 32 hexadecimal digits; `None` when nobody is logged in.
    pub fn profile_id(&self) -> Option<String> {
        self.connection.profile()
    }

    /// Ends the session: the service forgets both tokens. The next call logs in again.
    ///
    /// # Errors
    /// The failure of the request; the tokens are forgotten here in any case.
    pub async fn logout(&self, call: &Call) -> Result<()> {
        self.connection.logout(call).await
    }

    /// Logs out for good, bounded by two seconds; failures are logged.
    pub async fn close(&self) {
        self.connection.close().await;
    }

    /// How long an export may take when its call doesn't say.
    pub fn timeout(&self) -> std::time::Duration {
        self.polling.timeout
    }

    /// The limits in force.
    pub fn limits(&self) -> &Limits {
        self.connection.http().limits()
    }

    /// The workspace that a call is about: its own, or the client's.
    ///
    /// # Errors
    /// `Config` when neither names one.
    pub fn workspace(&self, named: Option<&WorkspaceId>) -> Result<WorkspaceId> {
        named.or(self.workspace.as_ref()).cloned().ok_or_else(|| {
            Error::config("no workspace is named")
                .hint("pass `workspace=…` to the client or the call, or set FLEX_INSIGHTS_WORKSPACE")
        })
    }

    fn remembered<K: std::hash::Hash + Eq, V: Clone>(map: &Mutex<HashMap<K, V>>, key: &K) -> Option<V> {
        map.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn remember<K: std::hash::Hash + Eq, V>(map: &Mutex<HashMap<K, V>>, key: K, value: V) {
        map.lock().unwrap_or_else(PoisonError::into_inner).insert(key, value);
    }
}
