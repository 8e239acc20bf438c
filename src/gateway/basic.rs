//! `Authorization: Basic` (RFC 7617): a user name and a password, of which only the password may hold a colon.

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use http::{HeaderMap, header};

use crate::secret::{Credentials, Secret};

/// What a 401 challenges with.
pub(super) const CHALLENGE: &str = "Basic realm=\"Flex Insights\", charset=\"UTF-8\"";

/// Some clients leave the padding out.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The credentials of a request, or what is wrong with them.
pub(super) fn credentials(headers: &HeaderMap) -> Result<Credentials, &'static str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Err("the request has no credentials"),
        (Some(value), None) => value,
        _ => return Err("the request has more than one `Authorization`"),
    };
    let text = value.to_str().map_err(|_| "`Authorization` holds something other than ASCII")?;
    let encoded = match text.split_once(' ') {
        Some((scheme, encoded)) if scheme.eq_ignore_ascii_case("basic") => encoded.trim(),
        _ => return Err("`Authorization` is not of the scheme `Basic`"),
    };
    let bytes = LENIENT.decode(encoded).map_err(|_| "`Authorization` is not base64")?;
    // UTF-8 as the challenge asks for; the clients that don't know that send Latin-1, in which every byte is a letter.
    let text =
        String::from_utf8(bytes).unwrap_or_else(|error| error.as_bytes().iter().copied().map(char::from).collect());
    let (username, password) = text.split_once(':').ok_or("`Authorization` has no colon after the user name")?;
    if username.is_empty() || password.is_empty() {
        return Err("the user name or the password is empty");
    }
    if text.chars().any(char::is_control) {
        return Err("the user name or the password holds a control character");
    }
    Ok(Credentials { username: username.into(), password: Secret::new(password) })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(values: &[&str]) -> Result<(String, String), &'static str> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        credentials(&headers).map(|found| (found.username, found.password.expose().to_owned()))
    }

    fn basic(bytes: &[u8]) -> String {
        format!("Basic {}", base64::prelude::BASE64_STANDARD.encode(bytes))
    }

    #[test]
    fn a_password_may_hold_anything_that_can_be_typed() {
        for password in ["p", "a:b:c", ":", "s3cret:p@ss/w%rd&\"=é", "密码 \u{1f511}", " "] {
            let found = read(&[&basic(format!("u@example.com:{password}").as_bytes())]).unwrap();
            assert_eq!(found, ("u@example.com".to_owned(), password.to_owned()));
        }
        let expected = Ok(("u".to_owned(), "é".to_owned()));
        assert_eq!(read(&[&basic(b"u:\xe9")]), expected, "Latin-1");
        assert_eq!(read(&["bAsIc  dTrDqQ"]), expected, "no padding, another spelling");
    }

    #[test]
    fn what_is_wrong_is_said_without_showing_it() {
        for (values, words) in [
            (&[][..], "no credentials"),
            (&["Basic dTpw", "Basic dTpw"], "more than one"),
            (&["Bearer dTpw"], "scheme"),
            (&["Basic"], "scheme"),
            (&["Basic !"], "base64"),
            (&["Basic é"], "ASCII"),
            (&[&basic(b"u")], "no colon"),
            (&[&basic(b":p")], "empty"),
            (&[&basic(b"u:")], "empty"),
            (&[&basic(b"u:p\r\nX: y")], "control"),
            (&[&basic(b"u\0:p")], "control"),
        ] {
            let error = read(values).unwrap_err();
            assert!(error.contains(words), "{values:?}: {error}");
        }
    }
}
