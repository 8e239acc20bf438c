//! Sessions and tokens: what is valid, for how long, and how it has to be sent.

use std::{collections::HashMap, time::Duration};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::json;

use super::{errors, errors::Answer, reply::Reply, router::Call, state::locked};
use crate::clock::{Clock as _, Moment};

/// Seconds of a day.
const DAY: u64 = 86_400;

/// Where the tokens of a session are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// Verify level 0: cookies alone.
    Cookie,
    /// Verify level 1: cookie and header, both.
    Both,
    /// Verify level 2: the header; in practice a cookie is accepted as well.
    Header,
}

#[derive(Debug)]
struct Session {
    level: Level,
    expires: Moment,
}

#[derive(Debug)]
struct Temporary {
    sst: String,
    expires: Moment,
}

/// The tokens that are valid, and the memory of failed logins.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    sessions: HashMap<String, Session>,
    temporary: HashMap<String, Temporary>,
    /// When logins failed, oldest first.
    pub(super) failures: Vec<Moment>,
    /// Until when every login is refused.
    pub(super) locked_until: Option<Moment>,
    /// Whether the user deleted the profile.
    pub(super) profile_deleted: bool,
}

impl Tokens {
    /// Kills every temporary token.
    pub(super) fn expire_temporary(&mut self) {
        self.temporary.clear();
    }

    /// Kills every super-secured token; temporary ones live on.
    pub(super) fn expire_secured(&mut self) {
        self.sessions.clear();
    }

    /// Ends a session: its super-secured token and all its temporary ones.
    pub(super) fn end(&mut self, sst: &str) {
        self.sessions.remove(sst);
        self.temporary.retain(|_, token| token.sst != sst);
    }
}

/// Opens a session: gives its super-secured token.
pub(super) fn open(call: &Call, level: Level, length: usize) -> String {
    let sst = call.world.random.url_safe(length);
    let days = Duration::from_secs(call.world.options.sst_lifetime * DAY);
    let now = call.world.clock.now();
    let mut tokens = locked(&call.world.tokens);
    tokens.sessions.retain(|_, session| session.expires > now);
    tokens.sessions.insert(sst.clone(), Session { level, expires: now.plus(days) });
    drop(tokens);
    sst
}

/// Makes a temporary token for this session. Its tail decodes to JSON, as recorded ones do.
pub(super) fn issue(call: &Call, sst: &str) -> String {
    let world = call.world;
    let lifetime = world.options.tt_lifetime;
    let expiry = world.clock.timestamp().as_second() + lifetime.cast_signed();
    let tail = json!({"l": "0", "u": "58403", "v": expiry, "k": world.random.uuid(), "h": "127.0.0.1"});
    // A multiple of three random bytes, so that the JSON begins on a character of its own.
    let mut bytes = world.random.bytes(135);
    bytes.extend_from_slice(tail.to_string().as_bytes());
    let token = BASE64_URL_SAFE_NO_PAD.encode(bytes);

    let now = world.clock.now();
    let expires = now.plus(Duration::from_secs(lifetime));
    let mut tokens = locked(&world.tokens);
    tokens.temporary.retain(|_, old| old.expires > now);
    if !world.options.old_tt_survives_refresh {
        tokens.temporary.retain(|_, old| old.sst != sst);
    }
    tokens.temporary.insert(token.clone(), Temporary { sst: sst.to_owned(), expires });
    token
}

/// The super-secured token of the request and its level, if it is valid and was sent in the right way.
pub(super) fn secured(call: &Call) -> Result<(String, Level), Box<Reply>> {
    let now = call.world.clock.now();
    let tokens = locked(&call.world.tokens);
    let level = |sst: &str| tokens.sessions.get(sst).filter(|session| session.expires > now).map(|own| own.level);
    candidate(call, "x-gdc-authsst", "GDCAuthSST", level).ok_or_else(|| errors::sst_challenge(call))
}

/// Refuses the request unless it carries a valid temporary token.
pub(super) fn require(call: &Call) -> Result<(), Box<Reply>> {
    let now = call.world.clock.now();
    let tokens = locked(&call.world.tokens);
    let level = |tt: &str| {
        let token = tokens.temporary.get(tt).filter(|token| token.expires > now)?;
        // A session whose super-secured token died leaves its temporary tokens to their own expiry.
        Some(tokens.sessions.get(&token.sst).map_or(Level::Header, |session| session.level))
    };
    candidate(call, "x-gdc-authtt", "GDCAuthTT", level).map(drop).ok_or_else(|| errors::tt_challenge(call))
}

/// The first token of the request that is valid, the header before the cookies.
fn candidate(
    call: &Call,
    header: &str,
    cookie: &str,
    level: impl Fn(&str) -> Option<Level>,
) -> Option<(String, Level)> {
    let by_header = call.request.header(header).filter(|token| level(token).is_some_and(|l| l != Level::Cookie));
    let by_cookie = || call.request.cookies(cookie).find(|token| level(token).is_some());
    let token = match by_header {
        Some(token) if level(token) == Some(Level::Both) => call.request.cookies(cookie).find(|own| *own == token),
        Some(token) => Some(token),
        None => by_cookie().filter(|token| level(token) != Some(Level::Both)),
    }?;
    Some((token.to_owned(), level(token)?))
}

/// `GET /gdc/account/token`.
pub(super) fn refresh(call: &Call) -> Answer {
    use super::options::TokenCookieBody::{Empty, EmptyObject, WithToken};
    let (sst, level) = secured(call)?;
    let tt = issue(call, &sst);
    let full = json!({"userToken": {"token": tt}});
    let mut reply = match (level, call.world.options.token_cookie_body) {
        (Level::Header | Level::Both, _) | (_, WithToken) => Reply::json(200, &full),
        (Level::Cookie, EmptyObject) => Reply::json(200, &json!({"userToken": {}})),
        (Level::Cookie, Empty) => Reply::empty(200),
    };
    // This one answer has no charset.
    reply.content_type = Some("application/json");
    if level != Level::Cookie {
        reply = reply.header("X-GDC-AuthTT", &tt);
    }
    reply = reply.never_kept();
    if level != Level::Header {
        let secure = if call.world.options.cookies_are_secure() { " secure;" } else { "" };
        reply = reply.header("Set-Cookie", format!("GDCAuthTT={tt}; path=/gdc;{secure} HttpOnly"));
    }
    Ok(reply)
}
