//! What an answer that is an error means. No document and no public client shows a single one of Flow XO's error
//! bodies, so the status decides, and of the body whatever looks like words is kept: of an object its `error`,
//! `message` or `detail`, a bare text, the text of a page, or nothing.

use serde_json::Value;

use crate::{
    error::{ApiFault, ApiReply, Error, Kind},
    http::excerpt::plain,
};

/// The error of an answer.
pub(super) fn refusal(reply: &ApiReply) -> Error {
    let words = words(&reply.excerpt);
    if reply.status == 401 {
        let said = if words.is_empty() { String::new() } else { format!(": {}", crate::ids::shown(&words)) };
        let path = format!("{} {}", reply.method, reply.path);
        return Error::new(Kind::InvalidCredentials(format!("{path}: the service refuses the API key{said}")))
            .hint("the owner of the account finds the key in the own user profile; each sub-account has its own");
    }
    let fault = reply.fault;
    let error = Error::new(Kind::Api(Box::new(ApiReply { excerpt: words, ..reply.clone() })));
    match fault {
        ApiFault::Forbidden => error.hint("only the key of a user with the role Owner is good for the API"),
        _ => error,
    }
}

fn words(body: &str) -> String {
    let Ok(json) = serde_json::from_str::<Value>(body) else { return plain(body) };
    let named = |value: &Value| {
        ["error", "message", "detail", "error_description"].iter().find_map(|key| match value.get(*key)? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            _ => None,
        })
    };
    let text = match &json {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => named(other)
            .or_else(|| other.get("error").and_then(named))
            .or_else(|| {
                other.get("errors")?.get(0).and_then(|first| named(first).or_else(|| first.as_str().map(str::to_owned)))
            })
            .unwrap_or_else(|| json.to_string()),
    };
    plain(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, body: &str) -> ApiReply {
        let fault = match status {
            403 => ApiFault::Forbidden,
            _ => ApiFault::UnexpectedReply,
        };
        ApiReply {
            fault,
            status,
            method: "GET".into(),
            path: "/api/insights".into(),
            request_id: None,
            code: None,
            excerpt: body.into(),
            retry_after: None,
        }
    }

    #[test]
    fn words_are_found_in_bodies_of_any_shape() {
        for (body, expected) in [
            (r#"{"error":"bad unit"}"#, "bad unit"),
            (r#"{"message":"bad unit"}"#, "bad unit"),
            (r#"{"error":{"message":"bad unit"}}"#, "bad unit"),
            (r#"{"errors":[{"message":"bad unit"}]}"#, "bad unit"),
            (r#"{"errors":["bad unit"]}"#, "bad unit"),
            (r#""bad unit""#, "bad unit"),
            ("<html><h1>bad</h1> unit</html>", "bad unit"),
            ("bad unit", "bad unit"),
            (r#"{"status":400}"#, r#"{"status":400}"#),
            ("null", ""),
            ("", ""),
        ] {
            assert_eq!(words(body), expected, "{body}");
        }
    }

    #[test]
    fn a_key_that_is_refused_says_so_and_the_rest_keeps_its_status() {
        let error = refusal(&reply(401, r#"{"error":"no"}"#));
        assert_eq!(error.code(), "InvalidCredentials");
        assert!(error.to_string().starts_with("GET /api/insights: the service refuses the API key: no\nhint: "));
        assert_eq!(refusal(&reply(403, "")).code(), "Forbidden");
        assert_eq!(refusal(&reply(400, "x")).to_string(), "GET /api/insights answered 400: x");
    }
}
