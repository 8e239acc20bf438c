//! `POST /gdc/account/login`: the super-secured token (SST) for a user name and password.
//!
//! At verify level 2 the tokens come in the body and in `X-GDC-Auth…` headers; at level 0 as cookies, which here are
//! kept and sent by hand, since they belong to this one origin and to two of its paths.

use http::{HeaderMap, StatusCode, header};
use serde_json::json;

use super::{
    challenge::{Challenge, challenge},
    refusal::{refusal, unexpected_unshown},
    wire::LoginReply,
};
use crate::{
    clock::Clock,
    error::{Error, Kind, Result},
    http::{Head, Http, Reply, Request},
    origin::ServerPath,
    retry::retry_after::retry_after,
    secret::{Credentials, Secret},
};

/// The header of the super-secured token.
pub(super) const SST: &str = "x-gdc-authsst";
/// The header of the temporary token.
pub(super) const TT: &str = "x-gdc-authtt";
/// The cookie of the super-secured token, for `/gdc/account`.
pub(super) const SST_COOKIE: &str = "GDCAuthSST";
/// The cookie of the temporary token, for `/gdc`.
pub(super) const TT_COOKIE: &str = "GDCAuthTT";

/// How tokens travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuthMode {
    /// `verify_level` 2: in headers.
    #[default]
    Header,
    /// `verify_level` 0: in cookies.
    Cookie,
}

/// Who is logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    /// 32 hexadecimal digits.
    pub(super) profile_id: String,
    /// Where `DELETE` logs out.
    pub(super) state: ServerPath,
}

/// What a login gives; the temporary token may have to be fetched (older services in cookie mode).
pub(super) struct Login {
    pub(super) account: Account,
    pub(super) sst: Secret,
    pub(super) tt: Option<Secret>,
}

/// Sends the login once.
///
/// # Errors
/// `InvalidCredentials` for a 401, `LoginThrottled` for a 429, otherwise the service's or the transport's error.
pub(super) async fn login(http: &Http, credentials: &Credentials, mode: AuthMode, clock: &dyn Clock) -> Result<Login> {
    let body = json!({"postUserLogin": {
        "login": credentials.username,
        "password": credentials.password.expose(),
        "remember": 0,
        "verify_level": match mode { AuthMode::Header => 2, AuthMode::Cookie => 0 },
    }});
    let path = ServerPath::parse("/gdc/account/login", http.origin())?;
    let reply = http.send(&Request::post_json(path, &body)).await?;
    if reply.head.status != StatusCode::OK {
        return Err(refused(reply, credentials, clock).await);
    }
    let (head, body) = (reply.head, reply.body.all().await?);
    let wrong = |expected: &str| unexpected_unshown(&head, &body, expected);
    let parsed: LoginReply = serde_json::from_slice(&body).map_err(|_| wrong("`userLogin` with profile and state"))?;
    let account = account(&parsed.user_login.profile, &parsed.user_login.state, http)
        .ok_or_else(|| wrong("`profile` and `state` that end in the same id"))?;
    let (sst, tt) = match mode {
        AuthMode::Header => (parsed.user_login.token.or_else(|| text(&head.headers, SST)), text(&head.headers, TT)),
        AuthMode::Cookie => (cookie(&head.headers, SST_COOKIE), cookie(&head.headers, TT_COOKIE)),
    };
    let sst = sst.ok_or_else(|| wrong("a super-secured token"))?;
    tracing::info!("logged in");
    Ok(Login { account, sst: Secret::new(sst), tt: tt.map(Secret::new) })
}

async fn refused(reply: Reply, credentials: &Credentials, clock: &dyn Clock) -> Error {
    let Head { status, headers, .. } = &reply.head;
    let (status, wait) = (*status, retry_after(headers, clock.timestamp()));
    let wrong_password = status == StatusCode::UNAUTHORIZED && challenge(headers) == Challenge::Credentials;
    let error = refusal(reply, clock.timestamp(), &[&credentials.password]).await;
    match status {
        StatusCode::TOO_MANY_REQUESTS => Error::new(Kind::LoginThrottled { retry_after: wait })
            .hint("the account is locked for a while after failed logins; check the password before the next one"),
        _ if wrong_password => {
            let words = match error.kind() {
                Kind::Api(reply) if !reply.excerpt.is_empty() => format!(": {}", reply.excerpt),
                _ => String::new(),
            };
            Error::new(Kind::InvalidCredentials(format!(
                "the service refused the login of `{}`{words}",
                credentials.username
            )))
            .hint(
                "Flex Insights has logins of its own, issued by Twilio's support; Twilio API keys don't work here. \
                     The password isn't sent again by this client",
            )
        }
        _ => error,
    }
}

/// The id that both addresses end in, if they are of the shape that the service documents.
fn account(profile: &str, state: &str, http: &Http) -> Option<Account> {
    let id = profile.strip_prefix("/gdc/account/profile/")?;
    let fits = (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !fits || state.strip_prefix("/gdc/account/login/")? != id {
        return None;
    }
    Some(Account { profile_id: id.into(), state: ServerPath::parse(state, http.origin()).ok()? })
}

/// A header's value, if it is there and not empty.
pub(super) fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The value of a cookie that the answer sets; `None` when it is absent, empty or cleared.
pub(super) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::SET_COOKIE)
        .iter()
        .filter_map(|value| {
            let pair = value.to_str().ok()?.split(';').next()?;
            let (found, value) = pair.split_once('=')?;
            (found.trim() == name).then(|| value.trim().trim_matches('"').to_owned())
        })
        .rfind(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_read_and_cleared_ones_are_not() {
        for (values, expected) in [
            (&["GDCAuthTT=abc; Path=/gdc; Secure; HTTPOnly; SameSite=None"][..], Some("abc")),
            (&["GDCAuthTT=; path=/gdc; expires=Thu, 01 Jan 1970 00:00:00 GMT; secure"], None),
            (&["GDCAuthSST=zzz; path=/gdc/account"], None),
            (&["GDCAuthTT=; path=/gdc", "GDCAuthTT=new; path=/gdc"], Some("new")),
            (&["GDCAuthTT=\"\"; Path=/gdc"], None),
            (&["nonsense"], None),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::SET_COOKIE, value.parse().unwrap());
            }
            assert_eq!(cookie(&headers, TT_COOKIE).as_deref(), expected, "{values:?}");
        }
    }
}
