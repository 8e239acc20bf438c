//! `/v2/Instances`: one instance at most, and how far it is.

use std::sync::atomic::Ordering;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{errors, json};
use crate::{
    clock::{Clock as _, VirtualClock},
    sandbox::{
        errors::Answer,
        options::{DatePrecision, DuplicateCreate, EmptyBody, FormBody, InstancesOptions, MalformedSid, V1Spelling},
        reply::Reply,
        router::Call,
        state::locked,
    },
};

/// The account's instance.
#[derive(Clone, Debug)]
pub(super) struct Instance {
    pub(super) sid: String,
    created: Timestamp,
    /// When it came to its final state; none while it is being made.
    done: Option<Timestamp>,
    /// Fetches that found it in progress.
    looks: u32,
}

impl Instance {
    /// One that has been there for long.
    pub(super) fn installed(clock: &VirtualClock) -> Self {
        let created = clock.timestamp() - SignedDuration::from_hours(24 * 365);
        let sid = format!("GO{}", "5d".repeat(16));
        Self { sid, created, done: Some(created), looks: 0 }
    }

    /// Its state at a look.
    fn status<'a>(&self, options: &'a InstancesOptions) -> &'a str {
        if self.done.is_some() { &options.final_status } else { "creation-in-progress" }
    }

    /// The account's state in the configuration: Flex is there once its instance is ready.
    pub(super) fn onboarding(&self, options: &InstancesOptions) -> &'static str {
        match self.status(options) {
            "ready" => "ok",
            "creation-in-progress" | "unknown" => "inprogress",
            _ => "notstarted",
        }
    }

    /// Lets time pass for it: after enough fetches and seconds it is done.
    pub(super) fn age(&mut self, options: &InstancesOptions, now: Timestamp) {
        let took = now.duration_since(self.created).as_secs_f64();
        if self.done.is_none() && self.looks >= options.fetches_to_ready && took >= options.seconds_to_ready {
            self.done = Some(now);
        }
    }

    fn written(&self, options: &InstancesOptions) -> Value {
        let date = |at: Timestamp| date(options, at);
        json!({
            "flex_instance_sid": self.sid,
            "account_sid": options.account_sid,
            "status": self.status(options),
            "date_created": date(self.created),
            "date_updated": date(self.done.unwrap_or(self.created)),
        })
    }
}

/// A date as the sandbox is told to write it.
pub(super) fn date(options: &InstancesOptions, at: Timestamp) -> String {
    match options.date_precision {
        DatePrecision::Seconds => at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        DatePrecision::Milliseconds => at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(),
    }
}

/// `POST /v2/Instances`.
pub(super) fn create(call: &Call) -> Answer {
    let options = &call.world.options.instances;
    let outdated = check_body(call)?;
    let warned = |reply: Reply| match outdated {
        Some(spelling) => reply.header("Warning", format!("299 - \"`{spelling}` is spelt as in v1\"")),
        None => reply,
    };
    let mut place = locked(&call.world.instances.instance);
    if let Some(instance) = &*place {
        return match options.duplicate_create {
            DuplicateCreate::Conflict => Err(errors::coded(409, 45202, "Resource Already Exists")),
            DuplicateCreate::Created => Ok(warned(json(201, &instance.written(options)))),
            DuplicateCreate::Ok => Ok(warned(json(200, &instance.written(options)))),
        };
    }
    let created = call.world.clock.timestamp();
    let sid = format!("GO{}", call.world.random.hex(32));
    let instance = Instance { sid, created, done: None, looks: 0 };
    let reply = json(201, &instance.written(options));
    *place = Some(instance);
    call.world.instances.created.fetch_add(1, Ordering::SeqCst);
    Ok(warned(reply))
}

/// Checks what the body asks for; nothing else of this world depends on it. Gives a spelling of the first version's that
/// is accepted.
fn check_body(call: &Call) -> Result<Option<&'static str>, Box<Reply>> {
    let options = &call.world.options.instances;
    let is_form = call.request.header("content-type").is_some_and(|kind| kind.contains("x-www-form-urlencoded"));
    let body = match (is_form && !call.request.body.is_empty(), options.form_encoded_body) {
        (true, FormBody::BadRequest) => return Err(errors::invalid("The request body must be JSON.")),
        (true, FormBody::UnsupportedMediaType) => return Err(errors::usual(call, 415)),
        (true, FormBody::Accept) => json!({}),
        (false, _) if call.request.body.is_empty() => json!({}),
        (false, _) => call.request.json().ok_or_else(|| errors::invalid("The request body is no JSON."))?,
    };
    for old in ["Conversation", "Conversations", "conversation"] {
        if body.get(old).is_some() {
            return match options.v1_body_spelling {
                V1Spelling::Reject => Err(errors::invalid(&format!("Unknown property [{old}]."))),
                V1Spelling::Accept => Ok(Some(old)),
            };
        }
    }
    match body.pointer("/conversations/default") {
        Some(Value::Bool(_)) => Ok(None),
        Some(_) => Err(errors::invalid("conversations.default must be a boolean.")),
        None if options.empty_body == EmptyBody::Created => Ok(None),
        None => Err(errors::invalid("conversations is missing.")),
    }
}

/// `GET /v2/Instances/{sid}`.
pub(super) fn fetch(call: &Call, sid: &str) -> Answer {
    check(call, sid)?;
    let options = &call.world.options.instances;
    let mut place = locked(&call.world.instances.instance);
    match &mut *place {
        Some(instance) if instance.sid == sid => {
            instance.age(options, call.world.clock.timestamp());
            instance.looks += 1;
            Ok(json(200, &instance.written(options)))
        }
        _ => Err(errors::no_instance(call)),
    }
}

/// `GET /v2/Instances`, which no document has.
pub(super) fn list(call: &Call) -> Answer {
    let options = &call.world.options.instances;
    match options.list_instances {
        200 => {
            let place = locked(&call.world.instances.instance);
            let all: Vec<_> = place.iter().map(|instance| instance.written(options)).collect();
            Ok(json(200, &json!({"instances": all})))
        }
        status => Err(errors::usual(call, status)),
    }
}

/// `DELETE /v2/Instances/{sid}`, which no document has.
pub(super) fn delete(call: &Call, sid: &str) -> Answer {
    check(call, sid)?;
    let mut place = locked(&call.world.instances.instance);
    match call.world.options.instances.delete_instance {
        204 if place.take_if(|instance| instance.sid == sid).is_some() => Ok(Reply::empty(204)),
        204 => Err(errors::no_instance(call)),
        status => Err(errors::usual(call, status)),
    }
}

fn check(call: &Call, sid: &str) -> Result<(), Box<Reply>> {
    let digits = sid.strip_prefix("GO").unwrap_or_default();
    if digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(());
    }
    match call.world.options.instances.malformed_sid {
        MalformedSid::NotFound => Err(errors::not_found(call)),
        MalformedSid::BadRequest => Err(errors::invalid("The sid is malformed.")),
    }
}
