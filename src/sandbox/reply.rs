//! A reply before it is written: status, own headers in their recorded order, and a body that may be a stream.

use std::{borrow::Cow, fmt, io::Write, mem};

use flate2::{Compression, write::GzEncoder};
use serde_json::Value;

use super::router::Service;

/// Content type of a JSON answer, spelt as the service spells it.
pub(super) const JSON: &str = "application/json;charset=UTF-8";

/// A body made piece by piece.
pub(super) trait Source: Send {
    /// Appends the next piece to `out`; false when the body is at its end. A piece has some 64 KiB.
    fn fill(&mut self, out: &mut Vec<u8>) -> bool;
}

/// What follows the head.
#[derive(Default)]
pub(super) enum Body {
    /// Nothing, and no framing either: 204.
    #[default]
    None,
    /// Bytes at hand; there may be none.
    Bytes(Vec<u8>),
    /// Bytes to be made.
    Stream(Box<dyn Source>),
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Bytes(bytes) => write!(f, "Bytes({})", String::from_utf8_lossy(bytes)),
            Self::Stream(_) => f.write_str("Stream"),
        }
    }
}

/// A reply.
#[derive(Debug, Default)]
pub(super) struct Reply {
    /// The status.
    pub(super) status: u16,
    /// Headers of its own, in order. What every reply has is added by [`Reply::dressed`].
    pub(super) headers: Vec<(Cow<'static, str>, String)>,
    /// Content type, which stands among the common headers.
    pub(super) content_type: Option<&'static str>,
    /// The body.
    pub(super) body: Body,
    /// Whether `Keep-Alive` is announced, as metadata and poll answers do.
    pub(super) announces_keep_alive: bool,
    /// Whether `Vary` says `origin` whatever the request carried.
    pub(super) plain_vary: bool,
    /// Whether it is another server's: none of the common headers, and a length instead of chunks.
    pub(super) by_apache: bool,
}

/// What the common headers say.
#[derive(Clone, Debug)]
pub(super) struct Common {
    /// Whose style it has.
    pub(super) service: Service,
    /// `X-GDC-Request`.
    pub(super) request_id: String,
    /// Whether the request carried `X-GDC-VERSION`.
    pub(super) versioned: bool,
    /// `X-GDC-Request-Time`, in milliseconds.
    pub(super) millis: u128,
    /// Requests that are still welcome on the connection.
    pub(super) requests_left: u32,
    /// Seconds that the connection may be idle.
    pub(super) keep_alive: u64,
    /// Whether the connection closes after this reply.
    pub(super) closes: bool,
    /// `Date`.
    pub(super) date: String,
}

impl Reply {
    /// A reply whose body is empty; a 204 has none.
    pub(super) fn empty(status: u16) -> Self {
        let body = if status == 204 { Body::None } else { Body::Bytes(Vec::new()) };
        Self { status, body, ..Self::default() }
    }

    /// A JSON answer.
    pub(super) fn json(status: u16, value: &Value) -> Self {
        Self::text(status, JSON, value.to_string())
    }

    /// A text of this type.
    pub(super) fn text(status: u16, content_type: &'static str, text: impl Into<String>) -> Self {
        let body = Body::Bytes(text.into().into_bytes());
        Self { status, content_type: Some(content_type), body, ..Self::default() }
    }

    /// The same reply with one header more.
    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((Cow::Borrowed(name), value.into()));
        self
    }

    /// The same reply with another body.
    pub(super) fn with_body(mut self, body: Vec<u8>) -> Self {
        self.body = Body::Bytes(body);
        self
    }

    /// The same reply as one of the metadata service or of a poll: it announces `Keep-Alive`.
    pub(super) fn keep_alive(mut self) -> Self {
        self.announces_keep_alive = true;
        self
    }

    /// The same reply with the headers that forbid to keep it, as on everything that holds a token.
    pub(super) fn never_kept(self) -> Self {
        self.header("Expires", "Thu, 01 Jan 1970 00:00:00 GMT")
            .header("Cache-Control", "no-store, no-cache, must-revalidate, max-age=0")
            .header("Pragma", "no-cache")
            .header("P3P", "CP='IDC DSP COR ADM DEVi TAIi PSA PSD IVAi IVDi CONi HIS OUR IND CNT'")
    }

    /// Whether it has a header of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name))
    }

    /// All its headers, without the framing: its own first, then the common ones in their recorded order.
    pub(super) fn dressed(&self, common: &Common) -> Vec<(Cow<'static, str>, String)> {
        let mut all = self.headers.clone();
        let mut add = |name: &'static str, value: &str| all.push((Cow::Borrowed(name), value.to_owned()));
        if common.service != Service::FlexInsights || self.by_apache {
            // Nothing is recorded of the others' headers beside those that they need and their own.
            if self.by_apache {
                add("Server", "Apache");
            }
            if let Some(content_type) = self.content_type.filter(|_| !self.has("Content-Type")) {
                add("Content-Type", content_type);
            }
            if common.closes {
                add("Connection", "close");
            }
            add("Date", &common.date);
            return all;
        }
        if !self.has("Cache-Control") {
            add("Cache-Control", "no-cache, no-store, must-revalidate");
        }
        if self.announces_keep_alive {
            add("Keep-Alive", &format!("timeout={}, max={}", common.keep_alive, common.requests_left));
        }
        add("X-GDC-Log-Header", "");
        if let Some(content_type) = self.content_type.filter(|_| !self.has("Content-Type")) {
            add("Content-Type", content_type);
        }
        add("Server", "GoodData WebApp");
        add("X-GDC-Request-Time", &common.millis.to_string());
        add("X-GDC-Request", &common.request_id);
        add("Vary", if common.versioned && !self.plain_vary { "origin,X-GDC-VERSION" } else { "origin" });
        add("Strict-Transport-Security", "max-age=15552000; includeSubDomains; preload");
        if common.closes {
            add("Connection", "close");
        }
        add("Date", &common.date);
        all
    }

    /// The same reply with its body compressed.
    pub(super) fn gzipped(mut self) -> Self {
        self.body = match mem::take(&mut self.body) {
            Body::None => Body::None,
            Body::Bytes(bytes) => Body::Stream(Box::new(Gzip::new(Box::new(Once(bytes))))),
            Body::Stream(source) => Body::Stream(Box::new(Gzip::new(source))),
        };
        self
    }
}

/// Bytes at hand, as a source.
struct Once(Vec<u8>);

impl Source for Once {
    fn fill(&mut self, out: &mut Vec<u8>) -> bool {
        out.append(&mut self.0);
        false
    }
}

/// So many blanks.
pub(super) struct Blanks(pub(super) u64);

impl Source for Blanks {
    fn fill(&mut self, out: &mut Vec<u8>) -> bool {
        let piece = self.0.min(1 << 20);
        self.0 -= piece;
        out.resize(out.len() + piece as usize, b' ');
        self.0 > 0
    }
}

/// A source, compressed as it flows.
struct Gzip {
    source: Box<dyn Source>,
    encoder: GzEncoder<Vec<u8>>,
    plain: Vec<u8>,
}

impl Gzip {
    fn new(source: Box<dyn Source>) -> Self {
        Self { source, encoder: GzEncoder::new(Vec::new(), Compression::fast()), plain: Vec::new() }
    }
}

impl Source for Gzip {
    fn fill(&mut self, out: &mut Vec<u8>) -> bool {
        loop {
            self.plain.clear();
            let more = self.source.fill(&mut self.plain);
            // Writing into memory doesn't fail.
            let written = self.encoder.write_all(&self.plain).and_then(|()| match more {
                true => Ok(()),
                false => self.encoder.try_finish(),
            });
            out.append(self.encoder.get_mut());
            let more = more && written.is_ok();
            if !more || out.len() >= 16 << 10 {
                return more;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn drained(mut source: Box<dyn Source>) -> Vec<u8> {
        let mut out = Vec::new();
        while source.fill(&mut out) {}
        out
    }

    #[test]
    fn gzip_inflates_to_the_source() {
        let packed = drained(Box::new(Gzip::new(Box::new(Blanks(3_000_000)))));
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut plain).unwrap();
        assert_eq!(plain.len(), 3_000_000);
        assert!(packed.len() < 30_000, "{}", packed.len());
    }

    #[test]
    fn a_header_of_its_own_replaces_the_common_one() {
        let common = Common {
            service: Service::FlexInsights,
            request_id: "a:b:c".to_owned(),
            versioned: true,
            millis: 3,
            keep_alive: 5,
            requests_left: 99,
            closes: false,
            date: "d".to_owned(),
        };
        let reply = Reply::text(200, JSON, "{}").header("Content-Type", "text/csv").header("Cache-Control", "private");
        let names: Vec<_> = reply.dressed(&common).into_iter().map(|(name, _)| name).collect();
        assert_eq!(
            names,
            [
                "Content-Type",
                "Cache-Control",
                "X-GDC-Log-Header",
                "Server",
                "X-GDC-Request-Time",
                "X-GDC-Request",
                "Vary",
                "Strict-Transport-Security",
                "Date"
            ]
        );
    }
}
