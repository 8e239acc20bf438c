//! What an answer that is an error means: Twilio's three envelopes, and the codes that are known.
//!
//! Classic `{code, message, more_info, status}`, a problem of RFC 9457 `{type, title, status, code, detail, errors}`, and
//! `{code, message, httpStatusCode, userError, params}` ("Twilio API responses"; twilio-python, `base/exceptions.py`;
//! twilio-oai, insights v3). The code decides where it is known ("Error and Warning Dictionary"), else the status.

use serde_json::Value;

use super::wire::Envelope;
use crate::{
    error::{ApiFault, ApiReply, Error, Kind},
    http::excerpt::plain,
};

/// Whether an error says that what was to be made is there already.
pub(super) fn is_conflict(error: &Error) -> bool {
    match error.kind() {
        Kind::Api(reply) => reply.code.as_deref() == Some("45202") || (reply.status == 409 && reply.code.is_none()),
        _ => false,
    }
}

/// The error of an answer.
pub(super) fn refusal(reply: &ApiReply) -> Error {
    let Words { message, code, more_info } = words(&reply.excerpt);
    let known = match code.as_deref() {
        // The gateway's word for bad credentials, and Flex's own.
        Some("20003" | "45002") => None,
        Some("45003") => Some(ApiFault::Forbidden),
        Some("20404" | "45006") => Some(ApiFault::NotFound),
        Some("20429" | "45780") => Some(ApiFault::RateLimited),
        // A timeout inside, and a conflict with somebody else's request at the same time: both pass.
        Some("45304" | "45796") => Some(ApiFault::ServerFault),
        _ if reply.status == 401 => None,
        _ => Some(reply.fault),
    };
    let explain = |error: Error| match code.clone() {
        Some(code) => error.explained(code, more_info.clone()),
        None => error,
    };
    let Some(fault) = known else {
        let said = if message.is_empty() { String::new() } else { format!(": {}", crate::ids::shown(&message)) };
        let asked = format!("{} {}", reply.method, reply.path);
        return explain(
            Error::new(Kind::InvalidCredentials(format!("{asked}: the service refuses the credentials{said}")))
                .hint("is the pair of key and secret whole and not revoked, and is it of this account and region?"),
        );
    };
    explain(Error::new(Kind::Api(Box::new(ApiReply { fault, code: code.clone(), excerpt: message, ..reply.clone() }))))
}

#[derive(Debug, Default, PartialEq)]
struct Words {
    message: String,
    code: Option<String>,
    more_info: Option<String>,
}

fn words(body: &str) -> Words {
    let envelope = match serde_json::from_str::<Value>(body) {
        Ok(Value::String(text)) => return Words { message: plain(&text), ..Words::default() },
        Ok(json @ Value::Object(_)) => serde_json::from_value::<Envelope>(json).unwrap_or_default(),
        _ => return Words { message: plain(body), ..Words::default() },
    };
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    // Beside 20003 `details` has been seen as an object too.
    let detail = text(&envelope.detail).or_else(|| text(&envelope.details));
    let first = envelope.errors.get(0).and_then(|error| text(error.get("detail")?));
    let title = text(&envelope.message).or_else(|| text(&envelope.title));
    let parts: Vec<_> = [title, detail, first].into_iter().flatten().collect();
    let code = match &envelope.code {
        Value::Number(code) => Some(code.to_string()),
        other => text(other),
    };
    let problem = || text(&envelope.kind).filter(|address| address.starts_with("https://"));
    let message = if parts.is_empty() { body.to_owned() } else { parts.join(": ") };
    let more_info = text(&envelope.more_info).or_else(problem).filter(|address| address.len() <= 2048);
    Words { message: plain(&message), code: code.filter(|code| code.len() <= 64), more_info }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, body: &str) -> ApiReply {
        let fault = match status {
            403 => ApiFault::Forbidden,
            404 => ApiFault::NotFound,
            429 => ApiFault::RateLimited,
            500.. => ApiFault::ServerFault,
            _ => ApiFault::UnexpectedReply,
        };
        ApiReply {
            fault,
            status,
            method: "GET".into(),
            path: "/v1/Configuration".into(),
            request_id: None,
            code: None,
            excerpt: body.into(),
            retry_after: None,
        }
    }

    #[test]
    fn the_three_envelopes_are_read() {
        let more = |code: &str| Some(format!("https://www.twilio.com/docs/errors/{code}"));
        for (body, message, code, more_info) in [
            (
                r#"{"code":45004,"message":"You are not allowed.","more_info":"https://www.twilio.com/docs/errors/45004","status":400}"#,
                "You are not allowed.",
                Some("45004"),
                more("45004"),
            ),
            (
                r#"{"code":20003,"detail":"Your AccountSid or AuthToken was incorrect.","message":"Authenticate","more_info":"https://www.twilio.com/docs/errors/20003","status":401}"#,
                "Authenticate: Your AccountSid or AuthToken was incorrect.",
                Some("20003"),
                more("20003"),
            ),
            (
                r#"{"status":404,"message":"The requested resource was not found"}"#,
                "The requested resource was not found",
                None,
                None,
            ),
            (
                r#"{"type":"https://www.twilio.com/docs/errors/20404","title":"Not found","status":404,"code":20404,"detail":"no such","errors":[{"detail":"sid","pointer":"/"}]}"#,
                "Not found: no such: sid",
                Some("20404"),
                more("20404"),
            ),
            (
                r#"{"code":429,"message":"slow","httpStatusCode":429,"userError":true,"params":{}}"#,
                "slow",
                Some("429"),
                None,
            ),
            (
                r#"{"code":"45202","message":{},"errors":{}}"#,
                r#"{"code":"45202","message":{},"errors":{}}"#,
                Some("45202"),
                None,
            ),
            ("<html><h1>502</h1></html>", "502", None, None),
            (r#""words""#, "words", None, None),
            ("[]", "[]", None, None),
            ("", "", None, None),
        ] {
            let expected = Words { message: message.into(), code: code.map(str::to_owned), more_info };
            assert_eq!(words(body), expected, "{body}");
        }
    }

    #[test]
    fn what_is_too_long_for_a_person_is_shortened_or_left_out() {
        let long = "x".repeat(5000);
        let found = words(&format!(r#"{{"code":20003,"message":"{long}","more_info":"https://x/{long}"}}"#));
        assert_eq!((found.message.len(), found.code.as_deref(), found.more_info), (300, Some("20003"), None));
        assert_eq!(words(&format!(r#"{{"code":"{long}","message":"m"}}"#)).code, None);
    }

    #[test]
    fn a_known_code_decides_and_else_the_status() {
        for (status, code, class, retryable) in [
            (401, 20003, "InvalidCredentials", false),
            (401, 45002, "InvalidCredentials", false),
            (400, 45002, "InvalidCredentials", false),
            (403, 45003, "Forbidden", false),
            (404, 20404, "NotFound", false),
            (404, 45006, "NotFound", false),
            (400, 45004, "UnexpectedReply", false),
            (409, 45202, "UnexpectedReply", false),
            (429, 20429, "RateLimited", true),
            (429, 45780, "RateLimited", true),
            (504, 45304, "ServerFault", true),
            (409, 45796, "ServerFault", true),
            (500, 0, "ServerFault", true),
            (404, 1, "NotFound", false),
            (418, 1, "UnexpectedReply", false),
        ] {
            let body = format!(r#"{{"code":{code},"message":"m","more_info":"https://x/{code}","status":{status}}}"#);
            let error = refusal(&reply(status, &body));
            assert_eq!((error.code(), error.is_retryable()), (class, retryable), "{status} {code}");
            assert_eq!(error.service_code(), Some(code.to_string().as_str()));
            assert_eq!(error.more_info(), Some(format!("https://x/{code}").as_str()));
        }
        assert_eq!(refusal(&reply(401, "")).code(), "InvalidCredentials");
        assert!(is_conflict(&refusal(&reply(409, "{}"))) && is_conflict(&refusal(&reply(409, r#"{"code":45202}"#))));
        assert!(!is_conflict(&refusal(&reply(409, r#"{"code":45796}"#))));
    }
}
