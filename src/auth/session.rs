//! Runs the desk: one fetch at a time, shared by all who wait for it.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::{
    FutureExt,
    future::{Shared, WeakShared},
};

use super::desk::{Answer, Dead, Desk, Ticket, Tokens};
use crate::{clock::Clock, error::Result, secret::Secret};

/// A fetch of tokens: with an SST a refresh (or, when that turns out dead, a login), without one a login.
pub type Renewal = Pin<Box<dyn Future<Output = Result<Tokens>> + Send>>;

/// A fetch that many callers wait for. It is driven by whoever waits, so it survives any one of them leaving, and ends
/// with its socket closed when the last one does.
pub type Flight = Shared<Fetch>;

/// What a flight carries.
pub type Fetch = Pin<Box<dyn Future<Output = Result<Ticket>> + Send>>;

/// How the desk remembers the flight under way, without keeping it alive.
type Known = Option<WeakShared<Fetch>>;

/// What a caller gets at once.
pub enum Asked {
    /// A token.
    Ready(Ticket),
    /// A fetch that brings one; its error is the same for all who wait.
    Wait(Flight),
}

/// The tokens of one login, kept fresh.
pub struct Session {
    desk: Mutex<Desk<Known>>,
    renew: Box<dyn Fn(Option<Secret>) -> Renewal + Send + Sync>,
    clock: Arc<dyn Clock>,
}

impl Session {
    /// A session that has not begun; `renew` fetches its tokens.
    pub fn new(clock: Arc<dyn Clock>, renew: impl Fn(Option<Secret>) -> Renewal + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { desk: Mutex::default(), renew: Box::new(renew), clock })
    }

    /// A temporary token to use now, or a fetch to wait for; `dead` is what a challenge just told about the token used
    /// before.
    ///
    /// # Errors
    /// `InvalidCredentials` or `LoginThrottled` when the service has refused this login before: it isn't asked again.
    pub fn ask(self: &Arc<Self>, dead: Option<Dead>) -> Result<Asked> {
        let answer = self.desk().ask(
            self.clock.now(),
            dead,
            |known| known.as_ref().and_then(WeakShared::upgrade),
            |sst| self.start(sst),
        );
        match answer {
            Answer::Use(ticket) => Ok(Asked::Ready(ticket)),
            Answer::UseWhile(ticket, flight) => {
                tokio::spawn(flight);
                Ok(Asked::Ready(ticket))
            }
            Answer::Wait(flight) => Ok(Asked::Wait(flight)),
            Answer::Refused(error) => Err(error),
        }
    }

    /// The fetch under way, if somebody waits for one.
    pub fn flight(&self) -> Option<Flight> {
        self.desk().flight()?.as_ref().and_then(WeakShared::upgrade)
    }

    /// Forgets the tokens and gives them out for a last use: the SST and, if there is one, the TT.
    pub fn surrender(&self) -> Option<(Secret, Option<Secret>)> {
        self.desk().surrender()
    }

    /// The super-secured token at hand.
    pub fn super_secured(&self) -> Option<Secret> {
        self.desk().super_secured()
    }

    /// The tokens at hand, to be masked in what is shown.
    pub fn secrets(&self) -> Vec<Secret> {
        self.desk().secrets()
    }

    fn start(self: &Arc<Self>, sst: Option<Secret>) -> (Known, Flight) {
        let (session, fetch) = (Arc::clone(self), (self.renew)(sst));
        let fetch: Fetch = Box::pin(async move {
            let fetched = fetch.await;
            session.desk().land(session.clock.now(), fetched)
        });
        let flight = fetch.shared();
        (flight.downgrade(), flight)
    }

    fn desk(&self) -> MutexGuard<'_, Desk<Known>> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Session")
    }
}
