//! One login and the requests that travel with its tokens.

use std::{
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http::{HeaderMap, HeaderName, StatusCode, header};
use serde::de::DeserializeOwned;

use super::{
    challenge::{Challenge, challenge},
    login::{Account, AuthMode, SST, SST_COOKIE, TT, TT_COOKIE, login},
    logout::logout,
    refusal::{refusal, unexpected},
    token::{LIFE, token},
};
use crate::{
    auth::{Asked, Dead, Renewal, Session, Ticket, Tokens},
    clock::Clock,
    error::{Error, Kind, Result},
    http::{Head, Http, Reply, Request},
    limits::Retry,
    origin::Origin,
    progress::{Call, Phase},
    retry::{Retrier, Safety},
    secret::{Credentials, Secret},
};

/// How long getting tokens may take in all, retries included, whatever the callers that wait for it are prepared to.
const FETCH: Duration = Duration::from_secs(90);

/// How long logging out may take: it is a courtesy and must not hold anybody up.
pub(crate) const GOODBYE: Duration = Duration::from_secs(2);

/// Sends requests with tokens, and answers a challenge with fresh ones.
#[derive(Debug)]
pub struct Connection {
    http: Http,
    retrier: Retrier,
    clock: Arc<dyn Clock>,
    mode: AuthMode,
    session: Arc<Session>,
    account: Arc<Mutex<Option<Account>>>,
    closed: AtomicBool,
    /// The id of the profile that was deleted through this connection.
    deleted: OnceLock<String>,
}

/// The tokens that a request travels with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carried {
    /// The temporary one, as nearly all do.
    Temporary,
    /// The super-secured one too: for what can't be undone.
    Both,
}

impl Connection {
    pub(super) fn new(
        http: Http,
        credentials: Credentials,
        mode: AuthMode,
        retry: Retry,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let retrier = Retrier::new(retry);
        let account = Arc::default();
        let fetcher = Arc::new(Fetcher {
            http: http.clone(),
            retrier: retrier.clone(),
            clock: Arc::clone(&clock),
            credentials,
            mode,
            account: Arc::clone(&account),
        });
        let session = Session::new(Arc::clone(&clock), move |sst| -> Renewal {
            let fetcher = Arc::clone(&fetcher);
            Box::pin(async move { fetcher.fetch(sst).await })
        });
        Self { http, retrier, clock, mode, session, account, closed: AtomicBool::new(false), deleted: OnceLock::new() }
    }

    /// The origin that requests go to.
    pub fn origin(&self) -> &Origin {
        self.http.origin()
    }

    pub(super) fn http(&self) -> &Http {
        &self.http
    }

    /// Sends a request and gives its answer if that is a success (2xx).
    ///
    /// A challenge renews the token that it names, once; the request is then sent once more.
    pub(super) async fn send(&self, call: &Call, safety: Safety, request: &Request) -> Result<Reply> {
        self.send_with(call, safety, request, Carried::Temporary).await
    }

    /// The same with the tokens that it says.
    pub(super) async fn send_with(
        &self,
        call: &Call,
        safety: Safety,
        request: &Request,
        carried: Carried,
    ) -> Result<Reply> {
        // Boxed, because every verb's future holds this one, and some twice.
        call.within(Box::pin(self.exchange(call, safety, request, carried, async |reply| Ok(reply)))).await
    }

    /// `read` takes from a success what is wanted of it. It belongs to the attempt, so that a body that breaks is tried
    /// again like a head that does.
    async fn exchange<T>(
        &self,
        call: &Call,
        safety: Safety,
        request: &Request,
        carried: Carried,
        read: impl AsyncFn(Reply) -> Result<T>,
    ) -> Result<T> {
        let began = call.clock.now();
        let mut ticket = self.ticket(call, None).await?;
        for renewed in [false, true] {
            let attempt = async || {
                let reply = self.once(request, &ticket, carried).await?;
                if reply.head.status == StatusCode::UNAUTHORIZED {
                    return Ok(Err(reply));
                }
                read(reply).await.map(Ok)
            };
            let reply = match self.retrier.run(call, safety, attempt).await? {
                Ok(read) => return Ok(read),
                Err(challenging) => challenging,
            };
            let dead = match challenge(&reply.head.headers) {
                Challenge::Temporary => Dead::Temporary(ticket.generation),
                Challenge::SuperSecured => Dead::SuperSecured(ticket.generation),
                Challenge::Credentials => {
                    return Err(refusal(reply, self.clock.timestamp(), &[&ticket.tt]).await);
                }
            };
            tracing::info!(path = request.path.without_query(), ?dead, "challenged");
            if renewed {
                break;
            }
            ticket = self.ticket(call, Some(dead)).await?;
        }
        Err(Error::new(Kind::SessionLost(format!(
            "{} {}: the service refuses a token that it has just issued",
            request.method,
            request.path.without_query()
        )))
        .hint("does another program log the same user out, or is the machine's clock far off?")
        .after(2, call.clock.now().since(began)))
    }

    /// Sends a request and reads the answer's JSON; `expected` says in a message what it should have been.
    pub(super) async fn json<T: DeserializeOwned>(
        &self,
        call: &Call,
        safety: Safety,
        request: &Request,
        expected: &str,
    ) -> Result<(Head, T)> {
        let whole = async |reply: Reply| Ok((reply.head, reply.body.all().await?));
        let (head, body) =
            call.within(Box::pin(self.exchange(call, safety, request, Carried::Temporary, whole))).await?;
        match serde_json::from_slice(&body) {
            Ok(parsed) => Ok((head, parsed)),
            Err(_) => Err(self.unexpected(&head, &body, expected)),
        }
    }

    /// A success with a body that the protocol doesn't have; tokens that it repeats are masked.
    pub(super) fn unexpected(&self, head: &Head, body: &[u8], expected: &str) -> Error {
        let held = self.session.secrets();
        unexpected(head, body, expected, &held.iter().collect::<Vec<_>>())
    }

    pub(super) async fn login(&self, call: &Call) -> Result<()> {
        call.within(self.ticket(call, None)).await.map(drop)
    }

    /// The id of the logged-in profile, 32 hexadecimal digits; `None` when nobody is logged in.
    pub fn profile(&self) -> Option<String> {
        let account = self.account.lock().unwrap_or_else(PoisonError::into_inner);
        account.as_ref().map(|account| account.profile_id.clone())
    }

    /// Logs out, if somebody is logged in or about to be. The tokens are forgotten here first, so that nobody uses them
    /// meanwhile.
    pub(super) async fn logout(&self, call: &Call) -> Result<()> {
        call.given(Some(GOODBYE)).within(self.end_session()).await
    }

    async fn end_session(&self) -> Result<()> {
        // What a login under way brings would outlive the session that ends here.
        self.session.landed().await;
        let Some((sst, tt)) = self.session.surrender() else { return Ok(()) };
        let account = self.account.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(account) = account else { return Ok(()) };
        let goodbye = async |tt: &Secret| logout(&self.http, &account.state, &sst, tt, self.mode, &*self.clock).await;
        let done = match &tt {
            Some(tt) => goodbye(tt).await?,
            None => false,
        };
        // The temporary token had expired: logging out needs both.
        if !done && let Some(tt) = token(&self.http, &sst, self.mode, &*self.clock).await? {
            goodbye(&tt).await?;
        }
        tracing::info!("logged out");
        Ok(())
    }

    /// Logs out for good: no later call logs in again. Failures are logged, not returned.
    pub async fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        let call = Call::new(Arc::clone(&self.clock), None, None);
        if let Err(error) = self.logout(&call).await {
            tracing::warn!(code = error.code(), "the session could not be logged out: {error}");
        }
    }

    /// The profile was deleted: the tokens died with it, and nobody logs in again.
    pub(super) fn end(&self, profile: &str) {
        // A second deletion would have failed; the first one's id stays.
        let _ = self.deleted.set(profile.to_owned());
        self.session.surrender();
        self.account.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Whether there are tokens that [`Connection::close`] would give back.
    pub fn is_open(&self) -> bool {
        self.profile().is_some() || self.session.is_fetching()
    }

    /// Whether requests can be sent at all: a client that is closed, or whose profile was deleted, gives nothing, not
    /// even what it has kept.
    ///
    /// # Errors
    /// `Config` and `SessionLost` for these two.
    pub(super) fn usable(&self) -> Result<()> {
        if self.closed.load(Ordering::SeqCst) {
            return Err(Error::config("the client is closed").hint("make a new one, or use it inside its `with` block"));
        }
        if let Some(profile) = self.deleted.get() {
            return Err(Error::new(Kind::SessionLost(format!(
                "the session ended when the profile `{profile}` was deleted by this client"
            )))
            .hint("make a client with another login"));
        }
        Ok(())
    }

    async fn ticket(&self, call: &Call, dead: Option<Dead>) -> Result<Ticket> {
        self.usable()?;
        match self.session.ask(dead)? {
            Asked::Ready(ticket) => Ok(ticket),
            Asked::Wait(flight) => {
                let before = call.progress.enter(Phase::LoggingIn);
                let ticket = flight.await?;
                if self.closed.load(Ordering::SeqCst) {
                    // Closed too quickly to see this login begin, or too long ago to have waited for it.
                    let _ = Box::pin(self.logout(call)).await;
                    self.usable()?;
                }
                call.progress.count_token(ticket.generation);
                call.progress.enter(before);
                Ok(ticket)
            }
        }
    }

    /// One send. An answer that is neither a success nor a challenge is an error for the retry policy to judge.
    async fn once(&self, request: &Request, ticket: &Ticket, carried: Carried) -> Result<Reply> {
        let mut request = request.clone();
        let sst = if carried == Carried::Both { self.session.super_secured() } else { None };
        carry(&mut request.headers, self.mode, &ticket.tt, sst.as_ref())?;
        let reply = self.http.send(&request).await?;
        if reply.head.status.is_success() || reply.head.status == StatusCode::UNAUTHORIZED {
            return Ok(reply);
        }
        let held: Vec<&Secret> = [&ticket.tt].into_iter().chain(&sst).collect();
        Err(refusal(reply, self.clock.timestamp(), &held).await)
    }
}

/// Puts the tokens into a request's headers.
pub(super) fn carry(headers: &mut HeaderMap, mode: AuthMode, tt: &Secret, sst: Option<&Secret>) -> Result<()> {
    match mode {
        AuthMode::Header => {
            headers.insert(HeaderName::from_static(TT), tt.header("", "")?);
            if let Some(sst) = sst {
                headers.insert(HeaderName::from_static(SST), sst.header("", "")?);
            }
        }
        AuthMode::Cookie => {
            let temporary = tt.header(&format!("{TT_COOKIE}="), "")?;
            let value = match sst {
                None => temporary,
                // Both are checked to hold nothing that ends a cookie.
                Some(sst) => sst.header(&format!("{SST_COOKIE}="), &format!("; {TT_COOKIE}={}", tt.expose()))?,
            };
            headers.insert(header::COOKIE, value);
        }
    }
    Ok(())
}

/// Fetches tokens for the session.
#[derive(Debug)]
struct Fetcher {
    http: Http,
    retrier: Retrier,
    clock: Arc<dyn Clock>,
    credentials: Credentials,
    mode: AuthMode,
    account: Arc<Mutex<Option<Account>>>,
}

impl Fetcher {
    async fn fetch(&self, sst: Option<Secret>) -> Result<Tokens> {
        let call = Call::new(Arc::clone(&self.clock), Some(FETCH), None);
        call.progress.enter(Phase::LoggingIn);
        call.within(self.tokens(&call, sst)).await
    }

    async fn tokens(&self, call: &Call, sst: Option<Secret>) -> Result<Tokens> {
        let asked = self.clock.now();
        if let Some(sst) = sst
            && let Some(tt) = self.refresh(call, &sst).await?
        {
            return Ok(Tokens { sst, tt, asked, life: LIFE });
        }
        let asked = self.clock.now();
        // A login that may have reached the service is not repeated: a wrong password would count twice.
        let sent = || login(&self.http, &self.credentials, self.mode, &*self.clock);
        let login = self.retrier.run(call, Safety::Once, sent).await?;
        *self.account.lock().unwrap_or_else(PoisonError::into_inner) = Some(login.account);
        let tt = match login.tt {
            Some(tt) => tt,
            None => self.refresh(call, &login.sst).await?.ok_or_else(|| {
                Error::new(Kind::SessionLost(
                    "the service refuses the super-secured token that it has just issued".into(),
                ))
            })?,
        };
        Ok(Tokens { sst: login.sst, tt, asked, life: LIFE })
    }

    async fn refresh(&self, call: &Call, sst: &Secret) -> Result<Option<Secret>> {
        let sent = || token(&self.http, sst, self.mode, &*self.clock);
        self.retrier.run(call, Safety::Repeatable, sent).await
    }
}
