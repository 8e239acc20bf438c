//! Through which proxy requests go.

use std::fmt;

use url::Url;

use crate::error::{Error, Result};

/// The way to the service.
#[derive(Clone, Default)]
pub enum Proxy {
    /// As `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say; straight to a loopback address, whatever they say.
    #[default]
    Environment,
    /// No proxy.
    Direct,
    /// This one, for everything.
    Through(Url),
}

impl Proxy {
    /// Reads `"direct"` or the address of a proxy: `http`, `https` or `socks5(h)`, with a user and password if need be.
    ///
    /// # Errors
    /// `Config`; the message never shows the address's credentials.
    pub fn parse(text: &str) -> Result<Self> {
        if text == "direct" {
            return Ok(Self::Direct);
        }
        let wrong = |why: &str| {
            Error::config(format!("the proxy's address can't be used: {why}"))
                .hint("write `http://host:port`, `https://host:port`, `socks5h://host:port`, or `direct` for none")
        };
        let url = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h") {
            return Err(wrong("its scheme is none of http, https, socks5, socks5h"));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(wrong("it names no host"));
        }
        Ok(Self::Through(url))
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("environment"),
            Self::Direct => f.write_str("direct"),
            Self::Through(url) => {
                write!(f, "{}://{}", url.scheme(), url.host_str().unwrap_or_default())?;
                url.port().map_or(Ok(()), |port| write!(f, ":{port}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_never_shows_its_password() {
        let proxy = Proxy::parse("http://user:canary@proxy.example:3128").unwrap();
        assert_eq!(format!("{proxy:?}"), "http://proxy.example:3128");
        let error = Proxy::parse("gopher://user:canary@proxy.example").unwrap_err();
        assert!(!error.to_string().contains("canary"), "{error}");
    }
}
