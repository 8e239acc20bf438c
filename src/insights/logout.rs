//! `DELETE /gdc/account/login/{profile}`: both tokens die.

use http::{Method, StatusCode};

use super::{connection::carry, login::AuthMode, refusal::refusal};
use crate::{
    clock::Clock,
    error::Result,
    http::{Http, Request},
    origin::ServerPath,
    secret::Secret,
};

/// Sends the logout once, with both tokens; `false` when the temporary one has expired (a fresh one is needed first).
/// A session that the service no longer knows counts as logged out.
///
/// # Errors
/// The service's or the transport's error.
pub(super) async fn logout(
    http: &Http,
    state: &ServerPath,
    sst: &Secret,
    tt: &Secret,
    mode: AuthMode,
    clock: &dyn Clock,
) -> Result<bool> {
    let mut request = Request::new(Method::DELETE, state.clone());
    carry(&mut request.headers, mode, tt, Some(sst))?;
    let reply = http.send(&request).await?;
    match reply.head.status {
        StatusCode::UNAUTHORIZED => Ok(false),
        StatusCode::NOT_FOUND => Ok(true),
        status if status.is_success() => Ok(true),
        _ => Err(refusal(reply, clock.timestamp(), &[sst, tt]).await),
    }
}
