//! The one way from here to the service, for all sessions: one pool of connections, and a gate before the login.
//!
//! A 429 to one login closes the gate for every login, as long as the service asks: it doesn't tell whose failures it
//! counts, and the next login from this address would count again.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http::{Method, StatusCode};
use url::Url;

use super::meters::Meters;
use crate::{
    clock::{Clock, Moment},
    error::{Error, Kind, Result},
    http::{Request, Sending, Transport},
    retry::retry_after::retry_after,
};

/// Where logins go.
const LOGIN: &str = "/gdc/account/login";

/// How long the gate stays closed when the service doesn't say.
const UNSAID: Duration = Duration::from_secs(60);

/// How long it stays closed at most: a nonsensical answer must not shut everybody out for good.
const MOST: Duration = Duration::from_secs(3600);

/// The gate.
pub(super) struct Gate {
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    meters: Arc<Meters>,
    closed_until: Mutex<Option<Moment>>,
}

impl Gate {
    pub(super) fn new(transport: Arc<dyn Transport>, clock: Arc<dyn Clock>, meters: Arc<Meters>) -> Self {
        Self { transport, clock, meters, closed_until: Mutex::default() }
    }

    fn pass(&self) -> Result<()> {
        let mut closed_until = self.closed_until.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        match *closed_until {
            Some(until) if now < until => Err(Error::new(Kind::LoginThrottled { retry_after: Some(until.since(now)) })
                .hint("a login from this gateway was refused so; it asks again after that time")),
            _ => {
                *closed_until = None;
                Ok(())
            }
        }
    }

    fn close(&self, asked: Option<Duration>) {
        let until = self.clock.now().plus(asked.unwrap_or(UNSAID).min(MOST));
        *self.closed_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
    }
}

impl Transport for Gate {
    fn send<'a>(&'a self, url: Url, request: &'a Request) -> Sending<'a> {
        if request.method != Method::POST || request.path.as_str() != LOGIN {
            return self.transport.send(url, request);
        }
        Box::pin(async move {
            self.pass()?;
            self.meters.logins.inc();
            let reply = self.transport.send(url, request).await?;
            if reply.status == StatusCode::TOO_MANY_REQUESTS {
                self.close(retry_after(&reply.headers, self.clock.timestamp()));
            }
            Ok(reply)
        })
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gate")
    }
}
