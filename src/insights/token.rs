//! `GET /gdc/account/token`: a temporary token (TT) for a super-secured one (SST).

use std::time::Duration;

use http::{HeaderName, StatusCode, header};

use super::{
    challenge::{Challenge, challenge},
    login::{AuthMode, SST, SST_COOKIE, TT, TT_COOKIE, cookie, text},
    refusal::{refusal, unexpected_unshown},
    wire::TokenReply,
};
use crate::{
    clock::Clock,
    error::Result,
    http::{Http, Request},
    origin::ServerPath,
    secret::Secret,
};

/// How long a temporary token lives: documented by Twilio, and what recorded tokens say of themselves.
pub(super) const LIFE: Duration = Duration::from_secs(600);

/// Fetches a token; `None` when the SST is no longer accepted.
///
/// # Errors
/// The service's or the transport's error.
pub(super) async fn token(http: &Http, sst: &Secret, mode: AuthMode, clock: &dyn Clock) -> Result<Option<Secret>> {
    let path = ServerPath::parse("/gdc/account/token", http.origin())?;
    let request = match mode {
        AuthMode::Header => Request::get(path).with(HeaderName::from_static(SST), sst.header("", "")?),
        AuthMode::Cookie => Request::get(path).with(header::COOKIE, sst.header(&format!("{SST_COOKIE}="), "")?),
    };
    let reply = http.send(&request).await?;
    match reply.head.status {
        StatusCode::OK => {}
        // Nothing but the SST was sent, so whatever the challenge says, the SST it is.
        StatusCode::UNAUTHORIZED => {
            tracing::debug!(named = challenge(&reply.head.headers) == Challenge::SuperSecured, "the SST is dead");
            return Ok(None);
        }
        _ => return Err(refusal(reply, clock.timestamp(), &[sst]).await),
    }
    let (head, body) = (reply.head, reply.body.all().await?);
    let parsed: Option<TokenReply> = serde_json::from_slice(&body).ok();
    let found = match mode {
        AuthMode::Header => parsed.and_then(|reply| reply.user_token.token).or_else(|| text(&head.headers, TT)),
        AuthMode::Cookie => {
            cookie(&head.headers, TT_COOKIE).or_else(|| parsed.and_then(|reply| reply.user_token.token))
        }
    };
    let found = found.filter(|token| !token.is_empty());
    found.map(|token| Some(Secret::new(token))).ok_or_else(|| unexpected_unshown(&head, &body, "a temporary token"))
}
