//! The classic envelope of Twilio's errors, with the codes of its dictionary.

use serde_json::json;

use super::json;
use crate::sandbox::{options::UnknownInstance, reply::Reply, router::Call};

/// An error with a code.
pub(super) fn coded(status: u16, code: u32, message: &str) -> Box<Reply> {
    let mut error = json!({
        "code": code, "message": message, "more_info": format!("https://www.twilio.com/docs/errors/{code}"),
        "status": status,
    });
    if code == 20003 {
        error["detail"] = "".into();
    }
    Box::new(json(status, &error))
}

/// 400 with the code of a body that isn't accepted.
pub(super) fn invalid(message: &str) -> Box<Reply> {
    coded(400, 45004, message)
}

/// 404 with the path in its message.
pub(super) fn not_found(call: &Call) -> Box<Reply> {
    let path = call.request.head.tidy_path();
    coded(404, 20404, &format!("The requested resource {path} was not found"))
}

/// 404 for an instance.
pub(super) fn no_instance(call: &Call) -> Box<Reply> {
    match call.world.options.instances.unknown_instance {
        UnknownInstance::Gateway => not_found(call),
        UnknownInstance::Flex => coded(404, 45006, "Resource Not Found"),
    }
}

/// 405.
pub(super) fn wrong_method(_: &Call) -> Box<Reply> {
    coded(405, 20004, "Method not allowed")
}

/// 429.
pub(super) fn too_many(call: &Call, retry_after: Option<u64>) -> Box<Reply> {
    let reply = match call.world.options.instances.flex_429_code {
        45780 => coded(429, 45780, "Too many concurrent requests"),
        code => coded(429, code, "Too Many Requests"),
    };
    match retry_after {
        Some(seconds) => Box::new(reply.header("Retry-After", seconds.to_string())),
        None => reply,
    }
}

/// What the service says with a status when nothing more is known.
pub(super) fn usual(call: &Call, status: u16) -> Box<Reply> {
    match status {
        200..=399 => Box::new(Reply::empty(status)),
        401 => coded(401, 20003, "Authenticate"),
        403 => coded(403, 45003, "Authorization Error"),
        404 => not_found(call),
        405 => wrong_method(call),
        409 => coded(409, 45202, "Resource Already Exists"),
        429 => too_many(call, None),
        504 => coded(504, 45304, "Internal timeout error"),
        500.. => coded(status, 20500, "An internal server error has occurred"),
        _ => coded(status, 45004, "Validation Error"),
    }
}

/// The same reply with the headers that Twilio's services were recorded to send.
pub(super) fn dressed(call: &Call, reply: Reply, concurrent: u32) -> Reply {
    let reply = reply.header("Access-Control-Allow-Origin", "*");
    if !call.world.options.instances.twilio_headers {
        return reply;
    }
    reply
        .header("Twilio-Concurrent-Requests", concurrent.to_string())
        .header("Twilio-Request-Duration", "0.080")
        .header("Twilio-Request-Id", format!("RQ{}", call.world.random.hex(32)))
}
