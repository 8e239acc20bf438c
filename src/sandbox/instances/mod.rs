//! Flex Instances, under `/v1` and `/v2`: Flex installed on an account, and its configuration.
//!
//! Bodies are those of Twilio's documentation and OpenAPI descriptions, errors those of its dictionary of errors.

mod configuration;
mod errors;
mod instance;

use std::sync::{
    Mutex,
    atomic::{AtomicU32, Ordering},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use self::instance::Instance;
use super::{
    errors::Answer,
    options::{BadCredentials, MissingAccountHeader, Options},
    reply::Reply,
    router::Call,
};
use crate::clock::VirtualClock;

/// What the account has.
#[derive(Debug)]
pub(super) struct Instances {
    instance: Mutex<Option<Instance>>,
    created: AtomicU32,
    under_way: AtomicU32,
}

impl Instances {
    pub(super) fn new(options: &Options, clock: &VirtualClock) -> Self {
        let installed = options.instances.installed.then(|| Instance::installed(clock));
        Self { instance: Mutex::new(installed), created: AtomicU32::new(0), under_way: AtomicU32::new(0) }
    }

    /// Instances that were made by a request so far.
    pub(super) fn created(&self) -> u32 {
        self.created.load(Ordering::SeqCst)
    }
}

/// A request that is being served, counted.
struct UnderWay<'a>(&'a AtomicU32);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Everything under `/v1` and `/v2`.
pub(super) fn answer(call: &Call, version: &str, parts: &[&str]) -> Answer {
    let options = &call.world.options.instances;
    let counter = &call.world.instances.under_way;
    let before = counter.fetch_add(1, Ordering::SeqCst);
    let _under_way = UnderWay(counter);
    let dressed = |reply: Reply| errors::dressed(call, reply, before + 1);
    let served = || -> Answer {
        let host = call.request.header("host").unwrap_or_default();
        let host = host.split(':').next().unwrap_or_default();
        if !options.regional_hosts && host.ends_with(".twilio.com") && host != "flex-api.twilio.com" {
            return Err(errors::not_found(call));
        }
        if let Some(limit) = options.concurrency_limit
            && before >= limit.requests
        {
            return Err(errors::too_many(call, limit.retry_after));
        }
        authorise(call)?;
        match (call.request.head.method.as_str(), version, parts) {
            ("POST", "v2", ["Instances"]) => instance::create(call),
            ("GET", "v2", ["Instances"]) => instance::list(call),
            ("GET", "v2", ["Instances", sid]) => instance::fetch(call, sid),
            ("DELETE", "v2", ["Instances", sid]) => instance::delete(call, sid),
            ("GET", "v1", ["Configuration"]) => configuration::answer(call),
            (_, "v2", ["Instances"] | ["Instances", _]) | (_, "v1", ["Configuration"]) => {
                Err(errors::wrong_method(call))
            }
            _ => Err(errors::not_found(call)),
        }
    };
    served().map(dressed).map_err(|reply| Box::new(dressed(*reply)))
}

/// What a fault with a status says, headers and all.
pub(super) fn usual(call: &Call, status: u16) -> Box<Reply> {
    Box::new(errors::dressed(call, *errors::usual(call, status), 1))
}

/// Checks the credentials, and that they are used for their own account.
fn authorise(call: &Call) -> Result<(), Box<Reply>> {
    let options = &call.world.options.instances;
    let sent = call.request.header("authorization").and_then(|value| {
        let (scheme, encoded) = value.split_once(' ')?;
        let decoded = STANDARD.decode(encoded.trim()).ok()?;
        let text = String::from_utf8(decoded).ok()?;
        let (user, password) = text.split_once(':')?;
        scheme.eq_ignore_ascii_case("basic").then(|| (user.to_owned(), password.to_owned()))
    });
    let is = |user: &str, password: &str| sent.as_ref().is_some_and(|(own, secret)| own == user && secret == password);
    let by_key = is(&options.api_key, &options.api_secret);
    let by_account = is(&options.account_sid, &options.auth_token);
    let unauthorised = || match options.bad_credentials {
        BadCredentials::Gateway => errors::coded(401, 20003, "Authenticate"),
        BadCredentials::Flex => errors::coded(401, 45002, "Authentication Error"),
    };
    if !by_key && !by_account {
        return Err(unauthorised());
    }
    match call.request.header("i-twilio-auth-account") {
        Some(account) if account == options.account_sid => Ok(()),
        Some(_) if options.account_header_mismatch == 401 => Err(unauthorised()),
        Some(_) => Err(errors::coded(403, 45003, "Authorization Error")),
        None => match options.missing_account_header {
            MissingAccountHeader::ByCredentials if by_key => Err(unauthorised()),
            MissingAccountHeader::ByCredentials | MissingAccountHeader::Accept => Ok(()),
            MissingAccountHeader::BadRequest => Err(errors::invalid("I-Twilio-Auth-Account is missing.")),
            MissingAccountHeader::Unauthorized => Err(unauthorised()),
        },
    }
}

/// A JSON answer.
fn json(status: u16, value: &Value) -> Reply {
    Reply::text(status, "application/json", value.to_string())
}
