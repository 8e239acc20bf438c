//! A session at the service for every credential that is in use here: ten requests cost one login.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::{
    book::{Book, No, Rules},
    gate::Gate,
    meters::Meters,
    tag::{Sealer, Tag},
};
use crate::{
    clock::Clock,
    error::{Error, Kind, Result},
    insights::{self, Insights},
    progress::Call,
    secret::{Credentials, Secret},
};

/// All sessions.
pub(super) struct Sessions {
    sealer: Sealer,
    book: Mutex<Book<Session>>,
    gate: Arc<Gate>,
    /// The options of a client, without credentials of anybody.
    options: insights::Options,
    clock: Arc<dyn Clock>,
    meters: Arc<Meters>,
    goodbyes: UnboundedSender<Insights>,
}

/// A client that is logged in, or about to be. Dropped by the last who uses it, it is handed over to be logged out.
pub(super) struct Session {
    client: Insights,
    goodbyes: UnboundedSender<Insights>,
}

/// A session in use.
pub(super) struct Lease {
    session: Arc<Session>,
    credential: Tag,
    name: Tag,
}

impl Sessions {
    /// No sessions yet; and where those end that are to be logged out.
    ///
    /// # Errors
    /// `Config` for options that no client can have.
    pub(super) fn new(
        rules: Rules,
        gate: Arc<Gate>,
        options: insights::Options,
        clock: Arc<dyn Clock>,
        meters: Arc<Meters>,
    ) -> Result<(Self, UnboundedReceiver<Insights>)> {
        // Now rather than at the first request.
        Insights::over(Arc::clone(&gate) as _, options.clone(), Arc::clone(&clock))?;
        let (goodbyes, leaving) = unbounded_channel();
        let book = Mutex::new(Book::new(rules));
        Ok((Self { sealer: Sealer::new()?, book, gate, options, clock, meters, goodbyes }, leaving))
    }

    /// The session of these credentials. Nothing is sent yet.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn enter(&self, credentials: Credentials) -> Result<Lease, No> {
        let (credential, name) = (self.sealer.credential(&credentials), self.sealer.name(&credentials.username));
        let mut book = self.book();
        let entered = book.enter(self.clock.now(), credential, name, || self.open(credentials));
        self.meters.sessions.set(i64::try_from(book.len()).unwrap_or(i64::MAX));
        let session = entered.inspect_err(|_| {
            self.meters.refused.inc();
        })?;
        Ok(Lease { session, credential, name })
    }

    fn open(&self, credentials: Credentials) -> Session {
        let options = insights::Options { credentials, ..self.options.clone() };
        let client = Insights::over(Arc::clone(&self.gate) as _, options, Arc::clone(&self.clock));
        // The same options were proved good at the start.
        let client = client.unwrap_or_else(|error| unreachable!("{error}"));
        Session { client, goodbyes: self.goodbyes.clone() }
    }

    /// Logs in, unless it is done already; all who come with the same credentials wait for the same login.
    ///
    /// # Errors
    /// As of [`Insights::login`].
    pub(super) async fn login(&self, lease: &Lease, call: &Call) -> Result<()> {
        let done = lease.client().login(call).await;
        match &done {
            Ok(()) => self.book().prove(lease.credential, lease.name),
            Err(error) => self.notice(lease, error),
        }
        done
    }

    /// Takes an error to heart, if it is that the credentials are wrong: the password may have been changed meanwhile.
    pub(super) fn notice(&self, lease: &Lease, error: &Error) {
        if matches!(error.kind(), Kind::InvalidCredentials(_)) {
            self.book().refuse(self.clock.now(), lease.credential, &lease.session);
        }
    }

    /// Closes what isn't used any more.
    pub(super) fn sweep(&self) {
        let mut book = self.book();
        book.sweep(self.clock.now());
        self.meters.sessions.set(i64::try_from(book.len()).unwrap_or(i64::MAX));
    }

    /// Closes all of them.
    pub(super) fn close(&self) {
        self.book().close();
    }

    fn book(&self) -> MutexGuard<'_, Book<Session>> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    /// The client.
    pub(super) fn client(&self) -> &Insights {
        &self.session.client
    }

    /// What the log calls it.
    pub(super) fn label(&self) -> String {
        self.credential.to_string()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Nobody listens only when the gateway is gone, and then nobody can log out either.
        let _ = self.goodbyes.send(self.client.clone());
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Session")
    }
}

/// Credentials of nobody, for options that are still to be given some.
pub(super) fn nobody() -> Credentials {
    Credentials { username: String::new(), password: Secret::new("") }
}
