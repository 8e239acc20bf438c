//! Twilio's Flex Instances API: Flex installed by a program, and what is installed; one file per verb.
//!
//! Facts about the wire come from Twilio's pages "Create a Flex instance programmatically" and "Flex Configuration REST
//! API", and from its published OpenAPI descriptions (twilio-oai); each file says what it relies on.

mod configuration;
mod create;
mod credentials;
mod fetch;
mod refusal;
mod sid;
mod wait;
mod wire;

use std::{sync::Arc, time::Duration};

use http::{HeaderName, HeaderValue};

pub use self::{
    configuration::{Configuration, InsightsWorkspace},
    credentials::{Found, Given, resolve},
    fetch::{Instance, Status},
    sid::{AccountSid, InstanceSid},
};
use crate::{
    auth::{Credential, Standing},
    clock::Clock,
    error::{Error, Result},
    http::{Http, Proxy, Tls, Transport, wire::Wire},
    limits::{Limits, Polling, Retry},
    origin::{Origin, ServerPath},
    secret::Credentials,
};

/// Where the API lives.
pub const BASE_URL: &str = "https://flex-api.twilio.com";

/// The variable that another address is taken from.
pub const ADDRESS: &str = "FLEX_INSTANCES_BASE_URL";

/// Names the account that a request is about: an API key by itself names none ("Create a Flex instance").
const ACCOUNT: HeaderName = HeaderName::from_static("i-twilio-auth-account");

/// All that a client is made of, checked before anything is sent.
#[derive(Clone, Debug)]
pub struct Options {
    /// An API key and its secret, or the account's sid and its token.
    pub credentials: Credentials,
    /// The account.
    pub account_sid: AccountSid,
    /// The service; [`BASE_URL`] unless a sandbox takes its place.
    pub base_url: String,
    /// How failures are retried.
    pub retry: Retry,
    /// How a new instance is waited for.
    pub polling: Polling,
    /// What answers may cost.
    pub limits: Limits,
    /// Which certificates are trusted.
    pub tls: Tls,
    /// Through which proxy requests go.
    pub proxy: Proxy,
}

impl Options {
    /// The defaults for these credentials.
    pub fn new(credentials: Credentials, account_sid: AccountSid) -> Self {
        Self {
            credentials,
            account_sid,
            base_url: BASE_URL.into(),
            retry: Retry::default(),
            polling: Polling::default(),
            limits: Limits::default(),
            tls: Tls::default(),
            proxy: Proxy::default(),
        }
    }

    /// The origin of the service: its paths all begin with a version.
    ///
    /// # Errors
    /// `Config` for an address that can't be used.
    pub fn origin(&self) -> Result<Origin> {
        Origin::parse(&self.base_url, "/v")
    }
}

/// The address that a caller gave, or else the environment's, or else [`BASE_URL`]; an empty one counts as none.
pub fn base_url(given: Option<String>, environment: impl Fn(&str) -> Option<String>) -> String {
    let of = |url: String| Some(url).filter(|url| !url.is_empty());
    given.and_then(of).or_else(|| environment(ADDRESS).and_then(of)).unwrap_or_else(|| BASE_URL.into())
}

/// A client of one account. Clones share its sockets and retry budget.
#[derive(Clone, Debug)]
pub struct Instances {
    connection: Standing,
    polling: Polling,
    account_sid: AccountSid,
}

impl Instances {
    /// A client over real sockets. Nothing is sent before the first call.
    ///
    /// # Errors
    /// `Config` for options that can't be used.
    pub fn new(options: Options, clock: Arc<dyn Clock>) -> Result<Self> {
        let wire = Wire::new(&options.origin()?, &options.tls, &options.proxy, &options.limits)?;
        Self::over(Arc::new(wire), options, clock)
    }

    /// A client over any transport.
    ///
    /// # Errors
    /// `Config` for options that can't be used.
    pub fn over(transport: Arc<dyn Transport>, options: Options, clock: Arc<dyn Clock>) -> Result<Self> {
        let http = Http::new(transport, options.origin()?, options.limits, Arc::clone(&clock));
        let account = HeaderValue::try_from(options.account_sid.as_str())
            .map_err(|_| Error::config("the account's sid can't be put into a header"))?;
        let credential = Credential::basic(&options.credentials)?.with(ACCOUNT, account);
        let connection = Standing::new(http, options.retry, clock, credential, refusal::refusal);
        Ok(Self { connection, polling: options.polling, account_sid: options.account_sid })
    }

    /// The account.
    pub fn account_sid(&self) -> &AccountSid {
        &self.account_sid
    }

    /// How long a new instance is waited for when a call doesn't say.
    pub fn timeout(&self) -> Duration {
        self.polling.timeout
    }

    fn path(&self, path: &str) -> Result<ServerPath> {
        ServerPath::parse(path, self.connection.http().origin())
    }
}
