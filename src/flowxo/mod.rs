//! Flow XO's analytics: one file per subject of its API.
//!
//! Facts about the wire come from Flow XO's help centre ("Accessing Analytics via API" and its siblings); each file says
//! what it relies on. Every call is a `GET`, so every failure that may pass is tried again.

mod accounts;
mod columns;
mod insights;
mod refusal;
mod top;
pub mod window;
mod wire;
mod workflows;

use std::sync::Arc;

use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;

pub use self::{
    accounts::{Accounts, with_account},
    insights::{Insights, Metrics, Stats},
    window::{Edge, Range, Unit, Zone},
};
use crate::{
    auth::{Credential, Standing},
    clock::Clock,
    error::{Error, Result},
    http::{Http, Proxy, Request, Tls, Transport, wire::Wire},
    limits::{Limits, Retry},
    origin::{Origin, ServerPath},
    progress::{Call, Phase},
    retry::Safety,
    secret::Secret,
};

/// Where Flow XO's API lives.
pub const BASE_URL: &str = "https://flowxo.com/api";

/// The variable that another address is taken from.
pub const ADDRESS: &str = "FLOWXO_BASE_URL";

/// The variable that an API key is taken from.
pub const API_KEY: &str = "FLOWXO_API_KEY";

/// All that a client is made of, checked before anything is sent.
#[derive(Clone, Debug)]
pub struct Options {
    /// The API key of the account.
    pub api_key: Secret,
    /// The service; [`BASE_URL`] unless a sandbox takes its place. `/api` at its end may be left out.
    pub base_url: String,
    /// How failures are retried.
    pub retry: Retry,
    /// What answers may cost.
    pub limits: Limits,
    /// Which certificates are trusted.
    pub tls: Tls,
    /// Through which proxy requests go.
    pub proxy: Proxy,
    /// Requests of one account under way at once; a long range is cut into several.
    pub max_concurrency: usize,
}

impl Options {
    /// The defaults for a key.
    pub fn new(api_key: Secret) -> Self {
        Self {
            api_key,
            base_url: BASE_URL.into(),
            retry: Retry::default(),
            limits: Limits::default(),
            tls: Tls::default(),
            proxy: Proxy::default(),
            max_concurrency: 4,
        }
    }

    /// The origin of the service: its paths all begin with `/api/`.
    ///
    /// # Errors
    /// `Config` for an address that can't be used.
    pub fn origin(&self) -> Result<Origin> {
        let address = self.base_url.trim_end_matches('/');
        Origin::parse(address.strip_suffix("/api").unwrap_or(address), "/api/")
    }
}

/// The key that a caller gave, or else the environment's; an empty one counts as none.
///
/// # Errors
/// `Config` that names the variable when there is no key.
pub fn api_key(given: Option<Secret>, environment: impl Fn(&str) -> Option<String>) -> Result<Secret> {
    let found = given.or_else(|| environment(API_KEY).map(Secret::new)).filter(|key| !key.expose().is_empty());
    found.ok_or_else(|| {
        Error::config(format!("no API key: none was given, and `{API_KEY}` is not set"))
            .hint("the owner of a Flow XO account finds it in the own user profile")
    })
}

/// The address that a caller gave, or else the environment's, or else [`BASE_URL`]; an empty one counts as none.
pub fn base_url(given: Option<String>, environment: impl Fn(&str) -> Option<String>) -> String {
    let of = |url: String| Some(url).filter(|url| !url.is_empty());
    given.and_then(of).or_else(|| environment(ADDRESS).and_then(of)).unwrap_or_else(|| BASE_URL.into())
}

/// A client of one Flow XO account. Clones share its sockets, its retry budget and its places.
#[derive(Clone, Debug)]
pub struct FlowXo {
    connection: Standing,
    places: Arc<Semaphore>,
    max_concurrency: usize,
}

impl FlowXo {
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
        if !(1..=Semaphore::MAX_PERMITS).contains(&options.max_concurrency) {
            let most = Semaphore::MAX_PERMITS;
            return Err(Error::config(format!("`max_concurrency` must be a whole number from 1 to {most}")));
        }
        let http = Http::new(transport, options.origin()?, options.limits, Arc::clone(&clock));
        let credential = Credential::bearer(options.api_key)?;
        let connection = Standing::new(http, options.retry, clock, credential, refusal::refusal);
        let max_concurrency = options.max_concurrency;
        Ok(Self { connection, places: Arc::new(Semaphore::new(max_concurrency)), max_concurrency })
    }

    /// A client of another account of the same service: the same sockets; a retry budget and places of its own.
    ///
    /// # Errors
    /// `Config` for a key that no header may carry.
    pub fn with_key(&self, api_key: Secret) -> Result<Self> {
        Ok(Self {
            connection: self.connection.with_credential(Credential::bearer(api_key)?),
            places: Arc::new(Semaphore::new(self.max_concurrency)),
            max_concurrency: self.max_concurrency,
        })
    }

    /// A `GET` below `/api/`, in its turn.
    async fn get<T: DeserializeOwned>(
        &self,
        call: &Call,
        path: &str,
        query: &[(&str, String)],
        expected: &str,
    ) -> Result<T> {
        let mut address = format!("/api/{path}");
        for (n, (name, value)) in query.iter().enumerate() {
            address.push(if n == 0 { '?' } else { '&' });
            address.push_str(&format!("{name}={value}"));
        }
        let request = Request::get(ServerPath::parse(&address, self.connection.http().origin())?);
        call.progress.enter(Phase::Downloading);
        // The semaphore is never closed; without a place the request would only come earlier than it should.
        let _place = self.places.acquire().await.ok();
        self.connection.json(call, Safety::Repeatable, &request, expected).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_address_may_end_in_api_or_not() {
        let origin = |base_url: &str| {
            let options = Options { base_url: base_url.into(), ..Options::new(Secret::new("k")) };
            options.origin().map(|origin| origin.to_string()).map_err(|error| error.code())
        };
        for (base_url, expected) in [
            ("https://flowxo.com/api", Ok("https://flowxo.com")),
            ("https://flowxo.com/api/", Ok("https://flowxo.com")),
            ("https://flowxo.com", Ok("https://flowxo.com")),
            ("http://127.0.0.1:80/api", Ok("http://127.0.0.1")),
            ("http://flowxo.com/api", Err("ConfigError")),
            ("https://flowxo.com/v1/api", Err("ConfigError")),
            ("https://key@flowxo.com/api", Err("ConfigError")),
        ] {
            assert_eq!(origin(base_url).as_deref().map_err(|code| *code), expected, "{base_url}");
        }
    }

    #[test]
    fn the_places_are_as_many_as_there_can_be() {
        for (max_concurrency, fits) in [
            (0, false),
            (1, true),
            (Semaphore::MAX_PERMITS, true),
            (Semaphore::MAX_PERMITS + 1, false),
            (usize::MAX, false),
        ] {
            let options = Options { max_concurrency, ..Options::new(Secret::new("k")) };
            let client = FlowXo::new(options, Arc::new(crate::clock::SystemClock::new()));
            assert_eq!(client.map(drop).map_err(|error| error.code()), if fits { Ok(()) } else { Err("ConfigError") });
        }
    }

    #[test]
    fn the_key_comes_from_the_caller_or_the_environment() {
        let environment = |name: &str| (name == API_KEY).then(|| "from-environment".to_owned());
        let key = |given: Option<&str>| api_key(given.map(Secret::new), environment).unwrap();
        assert_eq!(key(Some("given")).expose(), "given");
        assert_eq!(key(None).expose(), "from-environment");
        let error = api_key(None, |_| None).unwrap_err().to_string();
        assert!(error.starts_with("no API key: none was given, and `FLOWXO_API_KEY` is not set"), "{error}");
    }
}
