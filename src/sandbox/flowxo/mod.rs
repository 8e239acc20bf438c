//! Flow XO: the analytics of chatbots, under `/api`.
//!
//! Paths, parameters and bodies are those of the help centre; errors, limits and all else that it doesn't tell are
//! options, and the bodies of errors are invented.

mod data;
mod insights;
mod top;

use std::sync::{Arc, Mutex, OnceLock};

use jiff::Timestamp;
use serde_json::json;

use self::data::Data;
use super::{
    errors::Answer,
    options::{ErrorBody, FlowXoOptions, Options, SchemeCase},
    random::mix,
    reply::Reply,
    router::Call,
    state::locked,
};
use crate::clock::Clock as _;

/// What the accounts have in common.
#[derive(Debug)]
pub(super) struct FlowXo {
    accounts: Vec<Account>,
}

/// One account.
#[derive(Debug)]
struct Account {
    key: String,
    seed: u64,
    data: OnceLock<Arc<Data>>,
    /// When the requests of the last minute came.
    recent: Mutex<Vec<Timestamp>>,
}

impl FlowXo {
    pub(super) fn new(options: &Options) -> Self {
        let account = |(number, (_, key))| Account {
            key,
            seed: mix(options.seed, number as u64),
            data: OnceLock::new(),
            recent: Mutex::default(),
        };
        Self { accounts: options.flowxo.keys().enumerate().map(account).collect() }
    }
}

/// One request of a known account.
struct Asked<'a> {
    call: &'a Call<'a>,
    account: &'a Account,
}

impl Asked<'_> {
    fn options(&self) -> &FlowXoOptions {
        &self.call.world.options.flowxo
    }

    /// The account's data, made when it is first asked for.
    fn data(&self) -> Arc<Data> {
        let options = &self.call.world.options;
        let make = || Arc::new(Data::new(self.account.seed, options.data_start, options.data_end));
        Arc::clone(self.account.data.get_or_init(make))
    }
}

/// Everything under `/api`.
pub(super) fn answer(call: &Call, parts: &[&str]) -> Answer {
    let options = &call.world.options.flowxo;
    let asked = Asked { call, account: account(call)? };
    if !options.trailing_slash && call.request.head.path.ends_with('/') {
        return Err(usual(call, 404));
    }
    if let Some(limit) = options.rate_limit {
        let now = call.world.clock.timestamp();
        let mut recent = locked(&asked.account.recent);
        recent.retain(|at| now.duration_since(*at).as_secs() < 60);
        if recent.len() >= limit.per_minute as usize {
            let reply = *usual(call, 429);
            return Err(Box::new(match limit.retry_after {
                Some(seconds) => reply.header("Retry-After", seconds.to_string()),
                None => reply,
            }));
        }
        recent.push(now);
    }
    match (call.request.head.method.as_str(), parts) {
        ("GET", ["insights"]) => insights::answer(&asked),
        ("GET", ["insights", "top_messages"]) => top::messages(&asked),
        ("GET", ["insights", "top_flows"]) => top::flows(&asked),
        ("GET", ["workflows", "simple"]) => Ok(top::workflows(&asked)),
        _ => Err(usual(call, 404)),
    }
}

/// The account whose key the request carries.
fn account<'a>(call: &'a Call) -> Result<&'a Account, Box<Reply>> {
    let options = &call.world.options.flowxo;
    let known = call.request.header("authorization").and_then(|value| {
        let (scheme, key) = value.split_once(' ')?;
        let fits = match options.auth_scheme_case {
            SchemeCase::Sensitive => scheme == "Bearer",
            SchemeCase::Insensitive => scheme.eq_ignore_ascii_case("bearer"),
        };
        call.world.flowxo.accounts.iter().find(|account| fits && account.key == key.trim())
    });
    known.ok_or_else(|| usual(call, options.auth_error_status))
}

/// The invented answer with a status.
pub(super) fn usual(call: &Call, status: u16) -> Box<Reply> {
    let text = match status {
        400 => "Bad request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not found",
        429 => "Too many requests",
        503 => "Service unavailable",
        500.. => "Internal server error",
        _ => "Error",
    };
    Box::new(error(call, status, text))
}

/// 400 for a parameter.
fn refused(call: &Call, name: &str) -> Box<Reply> {
    Box::new(error(call, 400, &format!("Invalid {name}")))
}

fn error(call: &Call, status: u16, text: &str) -> Reply {
    if status < 400 {
        return Reply::empty(status);
    }
    match call.world.options.flowxo.error_body {
        ErrorBody::Object => Reply::text(status, JSON, json!({"error": text}).to_string()),
        ErrorBody::String => Reply::text(status, JSON, json!(text).to_string()),
        ErrorBody::Html => Reply::text(
            status,
            "text/html; charset=utf-8",
            format!(
                "<!DOCTYPE html>\n<html><head><title>{status}</title></head><body><pre>{text}</pre></body></html>\n"
            ),
        ),
        ErrorBody::Empty => Reply::empty(status),
    }
}

/// Content type of a JSON answer; as Express writes it, which is a guess.
const JSON: &str = "application/json; charset=utf-8";
