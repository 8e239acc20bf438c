//! A credential that travels with every request: an API key or a pair, with no login, session or token.

use std::{fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde::de::DeserializeOwned;

use crate::{
    clock::Clock,
    error::{ApiFault, ApiReply, Error, Kind, Result},
    http::{
        Head, Http, Request,
        excerpt::{mask, plain},
    },
    limits::Retry,
    progress::Call,
    retry::{Retrier, Safety, retry_after::retry_after},
    secret::{Credentials, Secret},
};

/// What is read of an answer that is an error: a JSON envelope is whole, or it tells neither its code nor its words.
const ENVELOPE: u64 = 64 << 10;

/// Makes an error of an answer that is none of the 2xx: its head, the beginning of its body (without secrets), and how
/// long it asks to wait.
pub type Refusal = fn(&ApiReply) -> Error;

/// The headers that authorise, and the secrets in them, so that no echo of one gets into a message.
#[derive(Clone)]
pub struct Credential {
    headers: HeaderMap,
    secrets: Arc<[Secret]>,
}

impl Credential {
    /// `Authorization: Bearer <key>`.
    ///
    /// # Errors
    /// `Config` for a key that no header may carry.
    pub fn bearer(key: Secret) -> Result<Self> {
        let unfit = || {
            Error::config("the API key has characters that no header may carry, or is empty")
                .hint("was a line break or a blank copied with it?")
        };
        let fits = !key.expose().is_empty()
            && key.expose().bytes().all(|byte| matches!(byte, 0x21..=0x7e) && !matches!(byte, b';' | b',' | b'"'));
        if !fits {
            return Err(unfit());
        }
        let mut value = HeaderValue::try_from(format!("Bearer {}", key.expose())).map_err(|_| unfit())?;
        value.set_sensitive(true);
        let headers = HeaderMap::from_iter([(header::AUTHORIZATION, value)]);
        Ok(Self { headers, secrets: Arc::from([key]) })
    }

    /// `Authorization: Basic <user name and password>`.
    ///
    /// # Errors
    /// `Config` for a user name with a colon, which would end it, or with control characters.
    pub fn basic(pair: &Credentials) -> Result<Self> {
        let name = &pair.username;
        if name.is_empty() || name.contains(':') || name.chars().any(char::is_control) {
            return Err(Error::config("the user name is empty, or has a colon or control characters"));
        }
        if pair.password.expose().is_empty() {
            return Err(Error::config("the password is empty"));
        }
        let encoded = Secret::new(STANDARD.encode(format!("{name}:{}", pair.password.expose())));
        let mut value = HeaderValue::try_from(format!("Basic {}", encoded.expose()))
            .map_err(|_| Error::config("the user name and password can't be put into a header"))?;
        value.set_sensitive(true);
        let headers = HeaderMap::from_iter([(header::AUTHORIZATION, value)]);
        Ok(Self { headers, secrets: Arc::from([pair.password.clone(), encoded]) })
    }

    /// The same with one more header, whose value is no secret.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    fn mask(&self, text: &str) -> String {
        mask(text.to_owned(), &self.secrets.iter().collect::<Vec<_>>())
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Sends requests with a standing credential, and tries again what may be tried again.
#[derive(Clone, Debug)]
pub struct Standing {
    http: Http,
    retrier: Retrier,
    clock: Arc<dyn Clock>,
    credential: Credential,
    refusal: Refusal,
}

impl Standing {
    /// A connection whose answers that are errors are read by `refusal`.
    pub fn new(http: Http, retry: Retry, clock: Arc<dyn Clock>, credential: Credential, refusal: Refusal) -> Self {
        Self { http, retrier: Retrier::new(retry), clock, credential, refusal }
    }

    /// A connection to the same service for another credential: on the same sockets, with a budget of retries of its
    /// own, so that the failures of one account don't take the retries of another's.
    #[must_use]
    pub fn with_credential(&self, credential: Credential) -> Self {
        Self { credential, retrier: self.retrier.renewed(), ..self.clone() }
    }

    /// The connection below.
    pub fn http(&self) -> &Http {
        &self.http
    }

    /// The clock of the client.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Sends a request and gives the head and body of its answer if that is a success (2xx).
    ///
    /// One that must not be sent twice is bounded by the call's deadline here, send by send: only here is it known
    /// whether the time runs out while it is under way, or between two sends of which the first had no effect.
    ///
    /// # Errors
    /// A transport failure, `LimitExceeded`, or what the service's refusal means; `DeadlineExceeded`, which says that the
    /// call must not be made again, for a request that must not be sent twice.
    pub async fn send(&self, call: &Call, safety: Safety, request: &Request) -> Result<(Head, Bytes)> {
        let mut request = request.clone();
        request.headers.extend(self.credential.headers.clone());
        let attempt = || async {
            let sent = self.once(safety, &request);
            match safety {
                Safety::Repeatable => sent.await,
                Safety::Once => call.within(sent).await.map_err(|error| match error.kind() {
                    Kind::DeadlineExceeded { .. } => error.not_again(),
                    _ => error,
                }),
            }
        };
        self.retrier.run(call, safety, attempt).await
    }

    /// Sends a request and reads the answer's JSON; `expected` says in a message what it should have been.
    ///
    /// # Errors
    /// Those of [`Standing::send`], and `UnexpectedReply` for anything else than this JSON.
    pub async fn json<T: DeserializeOwned>(
        &self,
        call: &Call,
        safety: Safety,
        request: &Request,
        expected: &str,
    ) -> Result<T> {
        let (head, body) = self.send(call, safety, request).await?;
        serde_json::from_slice(&body).map_err(|error| self.unexpected(&head, &body, expected, &error))
    }

    /// A good status with a body that the protocol doesn't have: says what was expected and what came.
    pub fn unexpected(&self, head: &Head, body: &[u8], expected: &str, error: &serde_json::Error) -> Error {
        let beginning = String::from_utf8_lossy(&body[..body.len().min(4096)]);
        let found = crate::ids::shown(&plain(&self.credential.mask(&beginning)));
        let found = if found.is_empty() { "nothing".to_owned() } else { format!("`{found}`") };
        // Where it stopped making sense, in words that quote nothing of the answer.
        let place = format!("line {}, column {}", error.line(), error.column());
        let excerpt = match error.classify() {
            serde_json::error::Category::Data => {
                format!("expected {expected}, found something else at {place}: {found}")
            }
            _ => format!("expected {expected}, found {found}"),
        };
        Error::new(Kind::Api(Box::new(ApiReply {
            fault: ApiFault::UnexpectedReply,
            excerpt,
            ..reply(head, String::new(), None)
        })))
    }

    /// One send, with all of its answer. A request that must not be sent twice doesn't follow redirects either.
    async fn once(&self, safety: Safety, request: &Request) -> Result<(Head, Bytes)> {
        let answer = match safety {
            Safety::Repeatable => self.http.send(request).await?,
            Safety::Once => self.http.send_straight(request).await?,
        };
        if answer.head.status.is_success() {
            return Ok((answer.head, answer.body.all().await?));
        }
        let wait = retry_after(&answer.head.headers, self.clock.timestamp());
        let most = self.http.limits().error_bytes.max(ENVELOPE);
        let words = self.credential.mask(&String::from_utf8_lossy(&answer.body.beginning(most).await));
        Err((self.refusal)(&reply(&answer.head, words, wait)))
    }
}

/// What every answer tells by its status alone; the refusal of a service knows more.
fn reply(head: &Head, excerpt: String, retry_after: Option<std::time::Duration>) -> ApiReply {
    let fault = match head.status.as_u16() {
        403 => ApiFault::Forbidden,
        404 | 410 => ApiFault::NotFound,
        429 => ApiFault::RateLimited,
        500..=599 => ApiFault::ServerFault,
        _ => ApiFault::UnexpectedReply,
    };
    let request_id = ["twilio-request-id", "x-request-id"].iter().find_map(|name| head.headers.get(*name));
    ApiReply {
        fault,
        status: head.status.as_u16(),
        method: head.method.to_string(),
        path: head.path.without_query().to_owned(),
        request_id: request_id.and_then(|id| id.to_str().ok()).map(str::to_owned),
        code: None,
        excerpt,
        retry_after,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_that_could_inject_a_header_is_refused_and_shown_to_nobody() {
        for key in ["", "a b", "a;b", "a,b", "a\rb", "a\nX-Evil: 1", "a\0b", "é", "a\tb", "a\u{7f}"] {
            let error = Credential::bearer(Secret::new(key)).unwrap_err();
            assert_eq!(error.code(), "ConfigError", "{key:?}");
        }
        let pair =
            |username: &str, password: &str| Credentials { username: username.into(), password: Secret::new(password) };
        for username in ["", "SK:1", "SK\r\n", "SK\0"] {
            assert_eq!(Credential::basic(&pair(username, "x")).unwrap_err().code(), "ConfigError", "{username:?}");
        }
        let canary = Credential::basic(&pair("SK1", "canary-\u{e9}\r\n")).unwrap();
        assert!(!format!("{canary:?} {:?}", canary.headers).contains("canary"));
        assert_eq!(canary.headers[header::AUTHORIZATION], "Basic U0sxOmNhbmFyeS3DqQ0K");
        assert_eq!(canary.mask("Basic U0sxOmNhbmFyeS3DqQ0K"), "Basic ***");
    }
}
