//! Reads `WWW-Authenticate` of a 401: which of the two tokens died (`cookie=` names it), if either did.

use http::{HeaderMap, header};

/// What a 401 complains about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// `cookie=GDCAuthTT`: the temporary token is missing, expired or garbage.
    Temporary,
    /// `cookie=GDCAuthSST`: the super-secured token is.
    SuperSecured,
    /// Neither is named: the user name or password is wrong.
    Credentials,
}

/// Reads all challenges of an answer; the file area sends two.
pub(super) fn challenge(headers: &HeaderMap) -> Challenge {
    let names = |cookie: &str| {
        headers.get_all(header::WWW_AUTHENTICATE).iter().any(|value| {
            let value = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
            value.split([' ', ',', ';']).any(|part| part.trim_matches('"') == cookie)
        })
    };
    if names("cookie=gdcauthsst") {
        Challenge::SuperSecured
    } else if names("cookie=gdcauthtt") {
        Challenge::Temporary
    } else {
        Challenge::Credentials
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_names_the_token_that_died() {
        for (values, expected) in [
            (&[r#"GoodData realm="GoodData API" cookie=GDCAuthTT"#][..], Challenge::Temporary),
            (
                &[r#"GoodData realm="GoodData API" cookie=GDCAuthSST location=/gdc/account/login"#],
                Challenge::SuperSecured,
            ),
            (&[r#"GoodData realm="GoodData API""#], Challenge::Credentials),
            (&[], Challenge::Credentials),
            (
                &[r#"Basic realm="x""#, r#"GoodData realm="x" cookie=GDCAuthTT location=https://h/gdc/account/token"#],
                Challenge::Temporary,
            ),
            (&[r#"gooddata realm="x", COOKIE=gdcauthtt"#], Challenge::Temporary),
            (&[r#"GoodData realm="cookie=GDCAuthTTx""#], Challenge::Credentials),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::WWW_AUTHENTICATE, value.parse().unwrap());
            }
            assert_eq!(challenge(&headers), expected, "{values:?}");
        }
    }
}
