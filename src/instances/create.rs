//! `POST /v2/Instances`: Flex installed on the account, once ("Create a Flex instance programmatically").
//!
//! The request isn't documented as idempotent, so it is sent again only after a failure that surely had no effect: no
//! connection, or a 429, which is never processed ("Error 20429"). After anything else the account's configuration is
//! read, and the error tells what it says.

use serde_json::json;

use super::{Instance, Instances, refusal::is_conflict, wire::InstanceReply};
use crate::{
    error::{ApiFault, ApiReply, Error, Kind, Result, TransportFault},
    http::Request,
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
    /// whether the request took effect, `DeadlineExceeded`, or another error of the service or the transport.
    pub async fn create(&self, call: &Call, conversations_default: bool) -> Result<Instance> {
        call.progress.enter(Phase::Executing);
        call.within(self.post(call, conversations_default)).await
    }

    async fn post(&self, call: &Call, conversations_default: bool) -> Result<Instance> {
        // As the page of the second version has it; the first one's spellings with capitals are refused by it.
        let body = json!({"conversations": {"default": conversations_default}});
        let request = Request::post_json(self.path("/v2/Instances")?, &body);
        let sent = self.connection.json::<InstanceReply>(call, Safety::Once, &request, "an instance").await;
        match sent {
            Ok(reply) => Ok(reply.into()),
            Err(error) if is_conflict(&error) => Err(error.hint(self.present(call).await)),
            Err(error) if is_open(&error) => Err(self.ambiguous(call, &error).await),
            Err(error) => Err(error),
        }
    }

    /// What the account has, in words, for somebody who wanted to create it.
    async fn present(&self, call: &Call) -> String {
        match self.read_configuration(call).await.map(|found| found.flex_instance_sid) {
            Ok(Some(sid)) => format!("an account has one instance at most, and this one has `{sid}`"),
            _ => "an account has one instance at most".into(),
        }
    }

    async fn ambiguous(&self, call: &Call, error: &Error) -> Error {
        call.progress.enter(Phase::Resolving);
        let found = self.read_configuration(call).await;
        let (found, hint) = match found {
            Ok(found) => match found.flex_instance_sid {
                Some(sid) => (
                    format!(
                        "the account's configuration names the instance `{sid}`: it was created, or was there before"
                    ),
                    format!("go on with `wait(\"{sid}\")`; creating again is refused or makes a second one"),
                ),
                None => ("the account's configuration names no instance so far".to_owned(), LATER.to_owned()),
            },
            Err(error) if matches!(error.kind(), Kind::Api(reply) if reply.fault == ApiFault::NotFound) => {
                ("the account has no configuration so far".to_owned(), LATER.to_owned())
            }
            Err(other) => (
                format!("and the account's configuration can't be read either: {}", first_line(&other)),
                LATER.to_owned(),
            ),
        };
        let status = match error.kind() {
            Kind::Api(reply) => reply.status,
            _ => 0,
        };
        let ambiguous = Error::new(Kind::Api(Box::new(ApiReply {
            fault: ApiFault::AmbiguousOutcome,
            status,
            method: "POST".into(),
            path: "/v2/Instances".into(),
            request_id: None,
            code: error.service_code().map(str::to_owned),
            excerpt: format!("it can't be told whether this took effect ({}); {found}", first_line(error)),
            retry_after: None,
        })));
        ambiguous.hint(hint).after(error.attempts(), error.elapsed())
    }
}

const LATER: &str = "look at `configuration()` again in a minute before creating once more";

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
