//! A request as it arrived: its head, its body, and the ways to look at them.

use percent_encoding::percent_decode_str;
use serde_json::Value;

/// Headers that are read at most.
const HEADERS: usize = 128;

/// The head of a request.
#[derive(Clone, Debug, Default)]
pub(super) struct Head {
    /// HTTP method, in upper case.
    pub(super) method: String,
    /// Path as it was sent.
    pub(super) path: String,
    /// Query as it was sent, without the question mark.
    pub(super) query: String,
    /// Names in lower case, and values.
    pub(super) headers: Vec<(String, String)>,
    /// Whether the client speaks HTTP/1.0: no chunks, no further request unless it asks for it.
    pub(super) old: bool,
    /// Bytes of the head.
    pub(super) bytes: usize,
}

/// What follows a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// So many bytes.
    Length(u64),
    /// Chunks.
    Chunked,
}

impl Head {
    /// Reads a head from the beginning of `bytes`: none when it isn't all there yet.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<Self>, String> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        let length = match request.parse(bytes) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        let target = request.path.unwrap_or("/");
        // The absolute form, as it is sent to a proxy.
        let target = match target.split_once("://") {
            Some((scheme, rest)) if !scheme.contains(['/', '?']) => rest.find('/').map_or("/", |at| &rest[at..]),
            _ => target,
        };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let text = |value: &[u8]| String::from_utf8_lossy(value).trim().to_owned();
        Ok(Some(Self {
            method: request.method.unwrap_or("").to_ascii_uppercase(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: request.headers.iter().map(|h| (h.name.to_ascii_lowercase(), text(h.value))).collect(),
            old: request.version == Some(0),
            bytes: length,
        }))
    }

    /// The first header of this name, which is given in lower case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// How the body is framed.
    pub(super) fn framing(&self) -> Result<Framing, String> {
        if self.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
            return Ok(Framing::Chunked);
        }
        match self.header("content-length") {
            None => Ok(Framing::Length(0)),
            Some(text) => text.parse().map(Framing::Length).map_err(|_| format!("Content-Length `{text}`")),
        }
    }

    /// Whether another request may follow on the same connection.
    pub(super) fn keeps_alive(&self) -> bool {
        match self.header("connection").map(str::to_ascii_lowercase) {
            Some(value) if value.contains("close") => false,
            Some(value) if value.contains("keep-alive") => true,
            _ => !self.old,
        }
    }

    /// The path with repeated slashes made one: clients join base and uri with a slash too many.
    pub(super) fn tidy_path(&self) -> String {
        let joined = self.path.split('/').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/");
        format!("/{joined}{}", if self.path.len() > 1 && self.path.ends_with('/') { "/" } else { "" })
    }
}

/// A whole request.
#[derive(Clone, Debug, Default)]
pub(super) struct Request {
    /// Its head.
    pub(super) head: Head,
    /// Its body, chunks joined.
    pub(super) body: Vec<u8>,
}

impl Request {
    /// The parts of the path between slashes, decoded; empty ones are left out.
    pub(super) fn segments(&self) -> Vec<String> {
        let parts = self.head.path.split('/').filter(|part| !part.is_empty());
        parts.map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned()).collect()
    }

    /// The values of the query, decoded.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        self.parameters(name).next()
    }

    /// Every value of this name in the query, decoded. A plus is a plus: the service's own uris are percent-encoded.
    pub(super) fn parameters<'a>(&'a self, name: &'a str) -> impl Iterator<Item = String> + 'a {
        let pairs = self.head.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs
            .filter(move |(own, _)| *own == name)
            .map(|(_, value)| percent_decode_str(value).decode_utf8_lossy().into_owned())
    }

    /// The body as JSON; none when it isn't.
    pub(super) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The first header of this name, which is given in lower case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }

    /// The tokens that a request may carry in this cookie, in order; empty values are none. Attributes of a
    /// `Set-Cookie` sent back, stray braces, and a bare token without its name are what published clients send.
    pub(super) fn cookies<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let lines = self.head.headers.iter().filter(|(own, _)| own == "cookie").map(|(_, value)| value.as_str());
        lines.flat_map(|line| line.split(';')).filter_map(move |part| {
            let part = part.trim().trim_matches(['{', '}']);
            let value = match part.split_once('=') {
                Some((own, value)) => (own.trim() == name).then_some(value)?,
                None => part,
            };
            let value = value.trim_matches(['{', '}', '"']);
            (!value.is_empty()).then_some(value)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(text: &str) -> Request {
        Request { head: Head::parse(text.as_bytes()).unwrap().unwrap(), body: Vec::new() }
    }

    #[test]
    fn odd_targets_lead_to_the_same_place() {
        for target in ["/gdc/md/ws/", "//gdc/md/ws", "http://127.0.0.1:1/gdc/md/ws", "/gdc//md/%77s"] {
            let request = request(&format!("GET {target} HTTP/1.1\r\n\r\n"));
            assert_eq!(request.segments(), ["gdc", "md", "ws"], "{target}");
        }
    }

    #[test]
    fn parameters_are_decoded_in_any_order() {
        let request = request("GET /a?c=1&q=a%2Bb%0A/=+ HTTP/1.1\r\n\r\n");
        assert_eq!(request.parameter("q").as_deref(), Some("a+b\n/=+"));
        assert_eq!(request.parameter("c").as_deref(), Some("1"));
        assert_eq!(request.parameter("x"), None);
    }

    #[test]
    fn cookies_of_odd_clients_are_understood() {
        for (line, expected) in [
            ("GDCAuthTT=abc", vec!["abc"]),
            ("GDCAuthTT=; other=1", vec![]),
            ("GDCAuthTT=abc; path=/gdc; secure; HttpOnly", vec!["abc", "secure", "HttpOnly"]),
            ("{GDCAuthTT={abc}}; path=/gdc", vec!["abc"]),
            ("{abc}}; path=/gdc", vec!["abc"]),
            ("GDCAuthSST=def", vec![]),
        ] {
            let request = request(&format!("GET / HTTP/1.1\r\nCookie: {line}\r\n\r\n"));
            assert_eq!(request.cookies("GDCAuthTT").collect::<Vec<_>>(), expected, "{line}");
        }
    }
}
