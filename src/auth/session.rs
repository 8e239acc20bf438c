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
use tokio::sync::watch;

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
#[derive(Debug)]
struct Known {
    /// To become one who waits for it.
    door: Option<WeakShared<Fetch>>,
    /// Nothing is ever sent: it closes when the flight is over, or when the last one has left it.
    over: watch::Receiver<()>,
}

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
        let answer = self.desk().ask(self.clock.now(), dead, Known::join, |sst| self.start(sst));
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

    /// Whether somebody waits for a fetch.
    pub fn is_fetching(&self) -> bool {
        self.desk().flight().is_some_and(|known| known.join().is_some())
    }

    /// Waits for the fetch under way, if there is one, without keeping it alive: when those whom it serves leave it, it
    /// is over.
    pub async fn landed(&self) {
        let over = self.desk().flight().map(|known| known.over.clone());
        if let Some(mut over) = over {
            // The error is what is waited for.
            let _ = over.changed().await;
        }
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
        let (aloft, over) = watch::channel(());
        let fetch: Fetch = Box::pin(async move {
            let _aloft = aloft;
            let fetched = fetch.await;
            session.desk().land(session.clock.now(), fetched)
        });
        let flight = fetch.shared();
        (Known { door: flight.downgrade(), over }, flight)
    }

    fn desk(&self) -> MutexGuard<'_, Desk<Known>> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// A further place on the flight, unless it is over.
    fn join(&self) -> Option<Flight> {
        self.door.as_ref()?.upgrade()
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Session")
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::pending;

    use super::*;
    use crate::clock::VirtualClock;

    #[tokio::test]
    async fn who_waits_for_a_landing_keeps_no_flight_alive() {
        let session = Session::new(Arc::new(VirtualClock::default()), |_| Box::pin(pending()));
        session.landed().await;
        let Asked::Wait(flight) = session.ask(None).unwrap() else { panic!("a flight") };
        let mut landed = Box::pin(session.landed());
        assert!(flight.clone().now_or_never().is_none());
        assert!((&mut landed).now_or_never().is_none());
        assert!(session.is_fetching());
        drop(flight);
        landed.await;
        assert!(!session.is_fetching());
    }
}
