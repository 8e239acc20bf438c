//! What a store says, in words that hold no secret.

use std::iter;

use crate::error::{Error, Kind};

/// A store's error as that of a file: `FileNotFoundError` and `PermissionError` in Python where it is one.
pub(super) fn fault(place: &str, error: &object_store::Error) -> Error {
    // ENOENT and EACCES, the same wherever Python runs.
    let errno = match error {
        object_store::Error::NotFound { .. } => Some(2),
        object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => Some(13),
        _ => None,
    };
    let failed = Error::new(Kind::File { path: place.to_owned(), errno, message: words(error) });
    match hint(error) {
        Some(hint) => failed.hint(hint),
        None => failed,
    }
}

/// The innermost cause, which has no address; of an answer only its status and what the store calls it, because a store
/// repeats signatures and session tokens in its bodies, and an address may be signed.
pub(super) fn words(error: &object_store::Error) -> String {
    let Some(cause) = causes(error).last() else { return String::new() };
    let text = cause.to_string();
    let Some(answer) = text.strip_prefix("Server returned ") else { return text };
    let answer = answer.split_once(": ").map_or(answer, |(_, answer)| answer);
    let said: Vec<&str> = ["Code", "Message"].into_iter().filter_map(|name| element(answer, name)).collect();
    let status = answer.split(": ").next().unwrap_or_default();
    let status = if status.contains('<') { "an error" } else { status };
    match said.as_slice() {
        [] => format!("the store answered {status}"),
        said => format!("the store answered {status}: {}", said.join(": ")),
    }
}

/// The text of an XML element, its first line.
fn element<'a>(body: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    text.lines().next().filter(|text| !text.is_empty())
}

/// What to do, where the error alone doesn't say.
fn hint(error: &object_store::Error) -> Option<&'static str> {
    let all: String = causes(error).map(|cause| cause.to_string()).collect();
    if all.contains("scheme is not allowed") {
        return Some("plain http needs `storage_options={\"allow_http\": \"true\"}`");
    }
    // The address that gives credentials to machines in a cloud; elsewhere nobody answers.
    if all.contains("169.254.") || all.contains("metadata.google") {
        return Some(
            "no credentials were found: give them in the environment (AWS_ACCESS_KEY_ID …, GOOGLE_APPLICATION_CREDENTIALS, \
             AZURE_STORAGE_ACCOUNT_KEY …) or in `storage_options`",
        );
    }
    None
}

fn causes(error: &object_store::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    iter::successors(Some(error as &(dyn std::error::Error + 'static)), |error| error.source())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(text: &str) -> object_store::Error {
        object_store::Error::Generic { store: "S3", source: text.into() }
    }

    #[test]
    fn of_an_answer_only_its_status_and_its_name_are_told() {
        let xml = "Server returned non-2xx status code: 403 Forbidden: <?xml version='1.0'?><Error><Code>SignatureDoesNotMatch</Code>\
                   <Message>The signatures differ.</Message><AWSAccessKeyId>canary</AWSAccessKeyId>\
                   <CanonicalRequest>x-amz-security-token:canary</CanonicalRequest></Error>";
        let words = words(&answered(xml));
        assert_eq!(words, "the store answered 403 Forbidden: SignatureDoesNotMatch: The signatures differ.");
        for (text, expected) in [
            (
                "Server returned non-2xx status code: 500 Internal Server Error: ",
                "the store answered 500 Internal Server Error",
            ),
            (
                "Server returned non-2xx status code: 502 Bad Gateway: <html>canary</html>",
                "the store answered 502 Bad Gateway",
            ),
            (
                "Server returned error response: <Error><Code>SlowDown</Code></Error>",
                "the store answered an error: SlowDown",
            ),
        ] {
            assert_eq!(super::words(&answered(text)), expected);
        }
    }
}
