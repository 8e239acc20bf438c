//! Text that must not be read by people: passwords and tokens.

use std::{fmt, sync::Arc};

use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use crate::error::{Error, Result};

/// A password or token. `Debug` and `Display` give `***`; the raw text needs the greppable [`Secret::expose`].
/// Memory is wiped when the last clone is dropped.
#[derive(Clone)]
pub struct Secret(Arc<SecretString>);

impl Secret {
    /// Takes the text over.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Arc::new(SecretString::from(text.into())))
    }

    /// The raw text.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// A token as the value of a header, marked sensitive so that HTTP libraries neither log nor index it.
    ///
    /// # Errors
    /// `UnexpectedReply`-free by design: a token with bytes other than visible ASCII, or with `;` or `,` (which would
    /// end a cookie), is refused as [`Kind::SessionLost`](crate::error::Kind::SessionLost), because a service that
    /// sends one can't be talked to safely.
    pub fn header(&self, before: &str, after: &str) -> Result<HeaderValue> {
        let text = self.expose();
        if text.is_empty()
            || !text.bytes().all(|byte| matches!(byte, 0x21..=0x7e) && !matches!(byte, b';' | b',' | b'"'))
        {
            return Err(Error::new(crate::error::Kind::SessionLost(
                "the service sent a token with characters that no header may carry; it is not used".into(),
            )));
        }
        let mut value = HeaderValue::try_from(format!("{before}{text}{after}"))
            .map_err(|_| Error::config("a token can't be put into a header"))?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A user name and its password.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The login, an e-mail address.
    pub username: String,
    /// The password.
    pub password: Secret,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_itself_to_nobody() {
        let credentials = Credentials { username: "u@example.com".into(), password: Secret::new("canary-7f3a") };
        let shown = format!("{credentials:?} {:?} {}", credentials.password, credentials.password);
        assert!(!shown.contains("canary"), "{shown}");
        let header = Secret::new("canary-7f3a").header("", "").unwrap();
        assert!(!format!("{header:?}").contains("canary"));
    }

    #[test]
    fn a_token_that_could_inject_a_header_or_a_cookie_is_refused() {
        for text in ["", "a b", "a\rb", "a\nb", "a\0b", "a;b", "a,b", "é", "a\tb", "a\u{7f}", "a\"b"] {
            assert!(Secret::new(text).header("GDCAuthTT=", "").is_err(), "{text:?}");
        }
        assert_eq!(Secret::new("aZ9-_.=").header("GDCAuthTT=", "").unwrap(), "GDCAuthTT=aZ9-_.=");
    }
}
