//! The `q` and `c` in the addresses that the service gives: what was asked for, packed, and its checksum.

use std::io::{Read as _, Write as _};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::sandbox::{
    random::{digest, mix},
    router::Call,
};

/// `+`, `/`, `=` and line ends are escaped; base64 has nothing else that needs it.
const ESCAPED: &AsciiSet = NON_ALPHANUMERIC;

/// `q` and `c`, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sandbox) struct Sealed {
    q: String,
    c: String,
}

impl Sealed {
    /// Packs a text: zlib at its lowest level (`78 01`), base64 in lines of 76 characters, a checksum of 32 digits.
    pub(in crate::sandbox) fn seal(call: &Call, text: &str) -> Self {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        // Writing into memory doesn't fail.
        let packed = encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish()).unwrap_or_default();
        let base64 = BASE64_STANDARD.encode(packed);
        let mut q = String::with_capacity(base64.len() + base64.len() / 76 + 1);
        for line in base64.as_bytes().chunks(76) {
            q.extend(line.iter().map(|byte| char::from(*byte)));
            q.push('\n');
        }
        let c = checksum(call, &q);
        Self { q, c }
    }

    /// What a request carries, if it carries both.
    pub(in crate::sandbox) fn of(call: &Call) -> Option<Self> {
        Some(Self { q: call.request.parameter("q")?, c: call.request.parameter("c")? })
    }

    /// Both as a query, in this order.
    pub(in crate::sandbox) fn query(&self, first: &str, second: &str) -> String {
        let value = |name| utf8_percent_encode(if name == "q" { &self.q } else { &self.c }, ESCAPED);
        format!("{first}={}&{second}={}", value(first), value(second))
    }

    /// The text again; none when `q` or `c` was changed.
    pub(in crate::sandbox) fn open(self, call: &Call) -> Option<String> {
        if checksum(call, &self.q) != self.c {
            return None;
        }
        let packed = BASE64_STANDARD.decode(self.q.replace('\n', "")).ok()?;
        let mut text = String::new();
        ZlibDecoder::new(&packed[..]).take(1 << 20).read_to_string(&mut text).ok()?;
        Some(text)
    }
}

/// 32 hexadecimal digits that depend on `q` and the seed alone: the same in all workspaces.
fn checksum(call: &Call, q: &str) -> String {
    let hash = digest(call.world.options.seed, q.as_bytes());
    format!("{hash:016x}{:016x}", mix(hash, 2))
}
