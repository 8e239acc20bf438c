//! Turns an answer that is an error into an [`Error`], in the words of the service.
//!
//! Four families of bodies are recorded: `{"error": {…}}` with a printf template and its parameters, the same without
//! the wrapper, an empty one, and HTML; a plain text inside `error` exists too. Whatever comes, the status decides.

use std::time::Duration;

use serde_json::Value;

use super::pages::Stuck;
use crate::{
    error::{ApiFault, ApiReply, Error, Kind},
    http::{
        Head, Reply,
        excerpt::{line, mask, plain},
    },
    retry::retry_after,
    secret::Secret,
};

/// Reads the beginning of the answer's body and gives the error.
pub(super) async fn refusal(reply: Reply, now: jiff::Timestamp, secrets: &[&Secret]) -> Error {
    // Masked before it is shortened: half a secret is one too.
    let words = read(&mask(String::from_utf8_lossy(&reply.body.head().await).into_owned(), secrets));
    let fault = match reply.head.status.as_u16() {
        403 => ApiFault::Forbidden,
        404 | 410 => ApiFault::NotFound,
        429 => ApiFault::RateLimited,
        500..=599 => ApiFault::ServerFault,
        _ => ApiFault::UnexpectedReply,
    };
    let retry_after = retry_after::retry_after(&reply.head.headers, now);
    error(&reply.head, fault, words, retry_after)
}

/// A good status with a body that the protocol doesn't have: says what was expected and what came.
pub(super) fn unexpected(head: &Head, body: &[u8], expected: &str, secrets: &[&Secret]) -> Error {
    let found = plain(&mask(String::from_utf8_lossy(&body[..body.len().min(4096)]).into_owned(), secrets));
    let found = if found.is_empty() { "nothing".to_owned() } else { format!("`{}`", crate::ids::shown(&found)) };
    let message = format!("expected {expected}, found {found}");
    error(head, ApiFault::UnexpectedReply, Words { message, ..Words::default() }, None)
}

/// The same for an answer that is there to bring a token: it is not shown, because it may hold one.
pub(super) fn unexpected_unshown(head: &Head, body: &[u8], expected: &str) -> Error {
    let kind = head.headers.get(http::header::CONTENT_TYPE).map(|kind| String::from_utf8_lossy(kind.as_bytes()));
    let kind = kind.map_or("no type".into(), |kind| format!("`{}`", crate::ids::shown(&kind)));
    let message = format!("expected {expected}, found {} bytes of {kind} without it", body.len());
    error(head, ApiFault::UnexpectedReply, Words { message, ..Words::default() }, None)
}

/// An answer that is well-formed, but doesn't give what it should.
pub(super) fn disappointing(head: &Head, fault: ApiFault, message: String) -> Error {
    error(head, fault, Words { message, ..Words::default() }, None)
}

/// A list that ends before it should.
pub(super) fn incomplete(head: &Head, what: &str, stuck: &Stuck) -> Error {
    let message = match stuck.of {
        Some(of) => format!("of {of} {what} the service gave {}, and then no more", stuck.got),
        None => format!("the service gave {} {what}, announced more, and gave none", stuck.got),
    };
    disappointing(head, ApiFault::UnexpectedReply, message)
}

fn error(head: &Head, fault: ApiFault, words: Words, retry_after: Option<Duration>) -> Error {
    let request_id = || head.headers.get("x-gdc-request").and_then(|id| id.to_str().ok()).map(str::to_owned);
    Error::new(Kind::Api(Box::new(ApiReply {
        fault,
        status: head.status.as_u16(),
        method: head.method.to_string(),
        path: head.path.without_query().to_owned(),
        request_id: words.request_id.or_else(request_id),
        code: words.code,
        excerpt: words.message,
        retry_after,
    })))
}

#[derive(Debug, Default, PartialEq)]
struct Words {
    message: String,
    code: Option<String>,
    request_id: Option<String>,
}

fn read(text: &str) -> Words {
    let Ok(json) = serde_json::from_str::<Value>(text) else {
        return Words { message: plain(text), ..Words::default() };
    };
    let error = json.get("error").unwrap_or(&json);
    if let Value::String(message) = error {
        return Words { message: line(message), ..Words::default() };
    }
    let text = |key: &str| error.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(line);
    let Some(message) = text("message") else {
        return Words { message: plain(&json.to_string()), ..Words::default() };
    };
    let parameters = error.get("parameters").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    Words {
        message: line(&fill(&message, parameters)),
        code: text("errorCode").or_else(|| text("errorClass")),
        request_id: text("requestId").or_else(|| text("errorId")),
    }
}

/// Fills a printf template (`Object ID %s not found`) with its parameters; what is left of either is kept.
fn fill(template: &str, parameters: &[Value]) -> String {
    let mut parameters = parameters.iter().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(at) = rest.find("%s") {
        filled.push_str(&rest[..at]);
        filled.push_str(&parameters.next().unwrap_or_else(|| "%s".into()));
        rest = &rest[at + 2..];
    }
    filled.push_str(rest);
    for left in parameters {
        filled.push_str("; ");
        filled.push_str(&left);
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recorded_family_is_read() {
        for (body, expected) in [
            (
                r#"{"error":{"code":401,"message":"Authorization Required","description":"…","links":{}}}"#,
                "Authorization Required",
            ),
            ("", ""),
            (r#"{"component":"Webapp","message":"Bad Login or Password!","parameters":[]}"#, "Bad Login or Password!"),
            (
                r#"{"error":{"parameters":["294"],"requestId":"a:b","component":"R","errorClass":"GDC::Exception::NotFound","message":"Object ID %s not found"}}"#,
                "Object ID 294 not found",
            ),
            (r#"{"error":{"parameters":["a",1],"message":"Checking '%s', result %s"}}"#, "Checking 'a', result 1"),
            (r#"{"error":{"parameters":["a"],"message":"%s and %s"}}"#, "a and %s"),
            (r#"{"error":{"parameters":["a","b"],"message":"only %s"}}"#, "only a; b"),
            (r#"{"error":"plain words"}"#, "plain words"),
            (r#"{"state":"odd"}"#, r#"{"state":"odd"}"#),
            ("<html><body><h1>503</h1>\n<p>Try  later</p></body></html>", "503 Try later"),
            ("garbage\u{0}", "garbage"),
            (r#"{"error":{"message":"a\u001b[31m\r\nhint: %s","parameters":["call\n me"]}}"#, "a [31m hint: call me"),
            (r#"{"error":"a\nb"}"#, "a b"),
        ] {
            assert_eq!(read(body).message, expected, "{body}");
        }
        let found = read(r#"{"error":{"message":"m","errorCode":"gdc.x","errorId":"e"}}"#);
        assert_eq!((found.code.as_deref(), found.request_id.as_deref()), (Some("gdc.x"), Some("e")));
    }
}
