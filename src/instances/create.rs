//! `POST /v2/Instances`: Flex installed on the account, once ("Create a Flex instance programmatically").
//!
//! The request isn't documented as idempotent, so it is sent again only after a failure that surely had no effect: no
//! connection, or a 429, which is never processed ("Error 20429"). After anything else the account's configuration is
//! read, and the error tells what it says.

use std::time::Duration;

use serde_json::json;

use super::{
    Configuration, Instance, InstanceSid, Instances, refusal::is_conflict, wait::is_not_found, wire::InstanceReply,
};
use crate::{
    error::{ApiFault, ApiReply, Error, Kind, Result, TransportFault},
    http::Request,
    ids::shown,
    progress::{Call, Phase},
    retry::Safety,
};

impl Instances {
    /// Creates the account's instance and gives it as it is then, as a rule `creation-in-progress`.
    ///
    /// `conversations_default` makes the Conversations service that comes with it the account's default one.
    ///
    /// # Errors
    /// `UnexpectedReply` with the code `45202` when the account has one already, `AmbiguousOutcome` when it can't be told
    /// whether the request took effect, `DeadlineExceeded` (not retryable once the request is under way), or another
    /// error of the service or the transport.
    pub async fn create(&self, call: &Call, conversations_default: bool) -> Result<Instance> {
        call.progress.enter(Phase::Executing);
        // As the page of the second version has it; the first one's spellings with capitals are refused by it.
        let body = json!({"conversations": {"default": conversations_default}});
        let request = Request::post_json(self.path("/v2/Instances")?, &body);
        let sent = self.connection.json::<InstanceReply>(call, Safety::Once, &request, "an instance").await;
        let Err(error) = sent else { return sent.map(Instance::from) };
        if matches!(error.kind(), Kind::DeadlineExceeded { .. }) {
            return Err(error.hint("whether the instance was created isn't known; `configuration()` tells"));
        }
        if is_conflict(&error) {
            return Err(error.hint(self.present(call).await));
        }
        Err(if is_open(&error) { self.ambiguous(call, &error).await } else { error })
    }

    /// Creates the account's instance and waits until it is ready.
    ///
    /// # Errors
    /// Those of [`Instances::create`] and [`Instances::wait`]. One that comes after the creation tells the sid, and is
    /// not retryable.
    pub async fn create_and_wait(&self, call: &Call, conversations_default: bool) -> Result<Instance> {
        let made = self.create(call, conversations_default).await?;
        let sid = InstanceSid::parse(&made.sid).map_err(|_| nameless(&made.sid))?;
        let done = self.settled(call, &sid, SETTLING).await.map_err(|error| {
            error
                .hint(format!("the instance was created as `{sid}`; go on with `wait(\"{sid}\")`"))
                .with_handle(|| sid.to_string())
                .not_again()
        })?;
        done.ready()
    }

    /// What the account has, in words, for somebody who wanted to create it.
    async fn present(&self, call: &Call) -> String {
        let found = call.within(self.read_configuration(call)).await;
        match found.map(|found| found.flex_instance_sid) {
            Ok(Some(sid)) => format!("an account has one instance at most, and this one has `{sid}`"),
            _ => "an account has one instance at most".into(),
        }
    }

    async fn ambiguous(&self, call: &Call, error: &Error) -> Error {
        call.progress.enter(Phase::Resolving);
        let (found, hint) = match call.within(self.read_configuration(call)).await {
            Ok(found) => told(&found),
            Err(error) if is_not_found(&error) => {
                ("the account has no configuration so far".to_owned(), LATER.to_owned())
            }
            Err(other) => (
                format!("and the account's configuration can't be read either: {}", first_line(&other)),
                LATER.to_owned(),
            ),
        };
        let (status, request_id) = match error.kind() {
            Kind::Api(reply) => (reply.status, reply.request_id.clone()),
            _ => (0, None),
        };
        let ambiguous = Error::new(Kind::Api(Box::new(ApiReply {
            fault: ApiFault::AmbiguousOutcome,
            status,
            method: "POST".into(),
            path: "/v2/Instances".into(),
            request_id,
            code: None,
            excerpt: format!("it can't be told whether this took effect ({}); {found}", first_line(error)),
            retry_after: None,
        })));
        let ambiguous = match error.service_code() {
            Some(code) => ambiguous.explained(code, error.more_info().map(str::to_owned)),
            None => ambiguous,
        };
        ambiguous.hint(hint).after(error.attempts(), error.elapsed())
    }
}

/// How long an instance that was just created may be unknown to the service that created it.
const SETTLING: Duration = Duration::from_secs(60);

const LATER: &str = "look at `configuration()` again in a minute before creating once more";

/// What a configuration says about a creation, and what to do about it. Older ones name no instance, but have a status.
fn told(found: &Configuration) -> (String, String) {
    if let Some(sid) = &found.flex_instance_sid {
        return (
            format!("the account's configuration names the instance `{sid}`: it was created, or was there before"),
            format!("go on with `wait(\"{sid}\")`; creating again is refused or makes a second one"),
        );
    }
    match found.status.as_deref() {
        Some(status @ ("ok" | "inprogress")) => (
            format!("the account's configuration has the status `{status}`, so Flex is there, or on its way"),
            "`configuration()` tells when it is `ok`; creating again is refused or makes a second one".into(),
        ),
        status => {
            let status = status.map(|status| format!("has the status `{}` and ", shown(status))).unwrap_or_default();
            (format!("the account's configuration {status}names no instance so far"), LATER.into())
        }
    }
}

/// A creation whose answer names something that can't be asked about.
fn nameless(sid: &str) -> Error {
    Error::new(Kind::Api(Box::new(ApiReply {
        fault: ApiFault::UnexpectedReply,
        status: 201,
        method: "POST".into(),
        path: "/v2/Instances".into(),
        request_id: None,
        code: None,
        excerpt: format!(
            "the instance was created, but under a sid that can't be asked about: `{}`, not `GO` and 32 hexadecimal digits",
            shown(sid)
        ),
        retry_after: None,
    })))
    .hint("`configuration()` tells how far the account is; don't create once more")
}

/// Whether the request may have taken effect although it has failed.
fn is_open(error: &Error) -> bool {
    match error.kind() {
        Kind::Transport(fault, _) => matches!(fault, TransportFault::Interrupted | TransportFault::Stalled),
        Kind::Api(reply) => match reply.fault {
            ApiFault::ServerFault => true,
            // A success that can't be read, or a redirect, which is not followed.
            ApiFault::UnexpectedReply => reply.status < 400,
            _ => false,
        },
        Kind::LimitExceeded { .. } => true,
        _ => false,
    }
}

/// An error's words without its hint.
fn first_line(error: &Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}
