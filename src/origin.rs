//! Where requests may go: one origin, and paths below one prefix of it.
//!
//! [`ServerPath`] is the only way in which an address that the service sent becomes a request. Joining such an address
//! to the base is not enough: `Url::join` follows `//evil`, `/\evil` and `https:///evil`, and gluing text together
//! follows `@evil.com`. Tokens travel with every request, so a wrong turn here would hand them over.

use std::fmt;

use percent_encoding::percent_decode_str;
use url::{Host, Position, Url};

use crate::{
    error::{Error, Kind, Result},
    ids::shown,
};

/// Scheme, host and port of a service, and the prefix that every one of its paths has.
#[derive(Clone, PartialEq, Eq)]
pub struct Origin {
    base: Url,
    prefix: &'static str,
}

impl Origin {
    /// Reads a base address such as `https://analytics.ytica.com`; `prefix` is for instance `/gdc/`.
    ///
    /// # Errors
    /// `Config` for anything but `https` (`http` only to a loopback address, since tokens would travel in the clear),
    /// and for a user, path, query or fragment in the address.
    pub fn parse(text: &str, prefix: &'static str) -> Result<Self> {
        let wrong = |why: &str| {
            // What stands before an `@` may be a password, whether or not all of it makes an address.
            let text = if text.contains('@') { "***".to_owned() } else { shown(text) };
            Error::config(format!("the base address `{text}` can't be used: {why}"))
        };
        let base = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
        if base.host().is_none() {
            return Err(wrong("it names no host"));
        }
        if !base.username().is_empty() || base.password().is_some() {
            // Not shown: the text holds a credential.
            return Err(Error::config("the base address must not hold a user name or password"));
        }
        match base.scheme() {
            "https" => {}
            "http" if is_loopback(&base) => {}
            "http" => {
                return Err(wrong("plain http would send tokens in the clear")
                    .hint("use https; http is accepted for loopback addresses alone"));
            }
            _ => return Err(wrong("its scheme is not https")),
        }
        if base.path() != "/" || base.query().is_some() || base.fragment().is_some() {
            return Err(wrong("it must end after the host and port"));
        }
        Ok(Self { base, prefix })
    }

    /// Whether an absolute address has this scheme, host and port.
    fn owns(&self, url: &Url) -> bool {
        url.origin() == self.base.origin() && url.username().is_empty() && url.password().is_none()
    }

    /// The full address of a path, its bytes unchanged.
    pub fn url(&self, path: &ServerPath) -> Url {
        let mut text = String::from(&self.base[..Position::BeforePath]);
        text.push_str(&path.0);
        // `ServerPath::parse` has proved that this parses and changes no byte.
        Url::parse(&text).unwrap_or_else(|_| self.base.clone())
    }

    /// Whether requests stay on this machine.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.base)
    }

    /// Whether requests travel encrypted.
    pub fn is_https(&self) -> bool {
        self.base.scheme() == "https"
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.base.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A path (and query) on the origin, proved to stay there and to be sent byte for byte.
///
/// The execution's address must be used exactly as it came: it is already percent-encoded, and encoding it again or
/// normalising it breaks its checksum (protocol, raw execution).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServerPath(String);

impl ServerPath {
    /// The longest address that is followed, in bytes.
    pub const MAX: usize = 8 << 10;

    /// Checks an address, absolute or not, that came from the service or from a caller.
    ///
    /// # Errors
    /// `UntrustedUri` that names the rule it breaks.
    pub fn parse(text: &str, origin: &Origin) -> Result<Self> {
        let refuse = |reason| Err(Error::new(Kind::UntrustedUri { uri: shown(text), reason }));
        if text.len() > Self::MAX {
            return refuse("it is longer than 8 KiB");
        }
        if !text.bytes().all(|byte| matches!(byte, 0x21..=0x7e)) {
            return refuse("it has characters other than visible ASCII");
        }
        if text.contains('\\') {
            return refuse("it has a backslash");
        }
        let path = if text.starts_with('/') {
            text
        } else {
            let Ok(url) = Url::parse(text) else { return refuse("it is neither a path nor a full address") };
            if !origin.owns(&url) {
                return refuse("it leads to another origin than the base address");
            }
            // The path as it was written, not as the parser normalised it; the bytes are compared below.
            match text.find("://").and_then(|colon| text[colon + 3..].find('/').map(|slash| &text[colon + 3 + slash..]))
            {
                Some(path) => path,
                None => return refuse("it has no path"),
            }
        };
        if path.starts_with("//") {
            return refuse("it begins with more than one slash");
        }
        if path.contains('#') {
            return refuse("it has a fragment");
        }
        if !path.starts_with(origin.prefix) {
            return refuse("it lies outside of the service's own paths");
        }
        let way = path.split('?').next().unwrap_or(path);
        let decoded = percent_decode_str(way).decode_utf8_lossy();
        if has_dot_segment(way) || has_dot_segment(&decoded) || decoded.contains('\\') {
            return refuse("it has dot segments");
        }
        let full = format!("{}{path}", &origin.base[..Position::BeforePath]);
        match Url::parse(&full) {
            Ok(url) if &url[Position::BeforePath..] == path && origin.owns(&url) => Ok(Self(path.into())),
            _ => refuse("it can't be sent byte for byte"),
        }
    }

    /// The path and query.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path alone, for messages and logs: a query may be long.
    pub fn without_query(&self) -> &str {
        self.0.split('?').next().unwrap_or(&self.0)
    }
}

impl fmt::Display for ServerPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether an address is one of this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn has_dot_segment(path: &str) -> bool {
    path.split('/').any(|segment| segment == "." || segment == "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> Origin {
        Origin::parse("https://analytics.ytica.com", "/gdc/").unwrap()
    }

    #[test]
    fn plain_http_is_for_loopback_alone() {
        for (text, fine) in [
            ("https://analytics.ytica.com", true),
            ("https://analytics.ytica.com/", true),
            ("http://127.0.0.1:8080", true),
            ("http://[::1]:8080", true),
            ("http://localhost:1", true),
            ("http://analytics.ytica.com", false),
            ("http://127.0.0.1.evil.com", false),
            ("http://localhost.evil.com", false),
            ("ftp://analytics.ytica.com", false),
            ("https://u:p@analytics.ytica.com", false),
            ("https://analytics.ytica.com/gdc", false),
            ("https://analytics.ytica.com/?a=b", false),
            ("analytics.ytica.com", false),
            ("", false),
        ] {
            assert_eq!(Origin::parse(text, "/gdc/").is_ok(), fine, "{text}");
        }
        for text in ["https://u:canary@host", "https://u:canary@host:99999", "u:canary@host", "https://u:canary@[bad"] {
            let error = Origin::parse(text, "/gdc/").unwrap_err();
            assert!(!error.to_string().contains("canary"), "{error}");
        }
    }

    #[test]
    fn an_address_of_the_service_stays_on_the_service() {
        for text in [
            "//evil.com/gdc/x",
            "/\\evil.com/gdc/x",
            "https:///evil.com/gdc/x",
            "https://evil.com/gdc/x",
            "http://analytics.ytica.com/gdc/x",
            "https://analytics.ytica.com:444/gdc/x",
            "https://analytics.ytica.com@evil.com/gdc/x",
            "https://u:p@analytics.ytica.com/gdc/x",
            "https://analytics.ytica.com.evil.com/gdc/x",
            "https://analytics.ytica.com",
            "@evil.com/gdc/",
            ".evil.com/gdc/",
            "gdc/x",
            "",
            "/",
            "/other/x",
            "/gdc/../admin",
            "/gdc/%2e%2e/admin",
            "/gdc/./x",
            "/gdc/a%5cb",
            "/gdc/a b",
            "/gdc/a\r\nX-Evil: 1",
            "/gdc/é",
            "/gdc/x#fragment",
            "/gdc/x?q=a'b",
            "javascript:alert(1)",
        ] {
            let error = ServerPath::parse(text, &origin()).expect_err(text);
            assert_eq!(error.code(), "UntrustedUri", "{text}");
        }
        let long = format!("/gdc/{}", "a".repeat(ServerPath::MAX));
        assert!(ServerPath::parse(&long, &origin()).is_err());
    }

    #[test]
    fn an_address_is_sent_byte_for_byte() {
        for text in [
            "/gdc/projects/w/execute/raw/ab?q=eAGr%2BVg%3D%0A&c=00ff",
            "/gdc/x?c=1&q=a%2fb+c~d|e",
            "https://analytics.ytica.com/gdc/x?q=%2B",
            "https://analytics.ytica.com:443/gdc/x",
        ] {
            let origin = origin();
            let path = ServerPath::parse(text, &origin).unwrap();
            assert!(text.ends_with(path.as_str()));
            assert!(origin.url(&path).as_str().ends_with(path.as_str()));
        }
    }
}
