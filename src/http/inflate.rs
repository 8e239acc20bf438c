//! One layer of gzip, inflated as it arrives.

use std::io::Write;

use bytes::Bytes;
use flate2::write::GzDecoder;

use crate::error::{Error, Result, TransportFault};

/// The magic number of gzip.
pub(super) const GZIP: [u8; 2] = [0x1f, 0x8b];

/// How much deflated input is fed at a time: it can grow a thousandfold, and the cap is checked in between.
const BITE: usize = 4 << 10;

/// A gzip stream under way.
pub(super) struct Inflate {
    decoder: GzDecoder<Vec<u8>>,
    waiting: Bytes,
}

impl Inflate {
    pub(super) fn new() -> Self {
        Self { decoder: GzDecoder::new(Vec::new()), waiting: Bytes::new() }
    }

    /// Takes bytes that arrived; [`Inflate::take`] gives what they became.
    pub(super) fn feed(&mut self, deflated: Bytes) {
        debug_assert!(self.waiting.is_empty(), "everything is taken before more is fed");
        self.waiting = deflated;
    }

    /// The next inflated bytes, or `None` when more must be fed first.
    pub(super) fn take(&mut self) -> Result<Option<Bytes>> {
        while !self.waiting.is_empty() {
            let bite = self.waiting.split_to(self.waiting.len().min(BITE));
            self.decoder.write_all(&bite).map_err(|error| damaged(&error.to_string()))?;
            let inflated = std::mem::take(self.decoder.get_mut());
            if !inflated.is_empty() {
                return Ok(Some(Bytes::from(inflated)));
            }
        }
        Ok(None)
    }

    /// Proves the end: length and checksum.
    pub(super) fn finish(&mut self) -> Result<Option<Bytes>> {
        self.decoder.try_finish().map_err(|error| damaged(&error.to_string()))?;
        let rest = std::mem::take(self.decoder.get_mut());
        Ok((!rest.is_empty()).then(|| Bytes::from(rest)))
    }
}

fn damaged(why: &str) -> Error {
    Error::transport(TransportFault::Interrupted, format!("the answer's gzip layer is damaged or cut short: {why}"))
}
