//! Random-looking values from a seed: hashes for the data, texts for tokens and ids.

use std::sync::atomic::{AtomicU64, Ordering};

/// Scatters the bits of `x`: the finaliser of SplitMix64.
pub(super) fn scatter(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// A hash of two numbers.
pub(super) fn mix(a: u64, b: u64) -> u64 {
    scatter(scatter(a.wrapping_add(0x9e37_79b9_7f4a_7c15)) ^ b.wrapping_mul(0xd1b5_4a32_d192_ed03))
}

/// A keyed hash of bytes; for checksums that need no secrecy.
pub(super) fn digest(key: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(key, |hash, byte| mix(hash, u64::from(*byte)))
}

/// A sequence of numbers from one hash.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draws(pub(super) u64);

impl Draws {
    /// The next number.
    pub(super) fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        scatter(self.0)
    }

    /// The next number below `bound`, which is not zero.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        // The high bits times the bound: no division, and the bias is far below what a test could see.
        ((u128::from(self.draw()) * u128::from(bound)) >> 64) as u64
    }
}

/// Texts for tokens and ids, each different from all before.
#[derive(Debug)]
pub(super) struct Random {
    seed: u64,
    count: AtomicU64,
}

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, count: AtomicU64::new(0) }
    }

    /// A number.
    pub(super) fn number(&self) -> u64 {
        mix(self.seed, self.count.fetch_add(1, Ordering::Relaxed))
    }

    /// So many characters out of `alphabet`.
    pub(super) fn text(&self, length: usize, alphabet: &[u8]) -> String {
        let mut draws = Draws(self.number());
        (0..length).map(|_| char::from(alphabet[draws.below(alphabet.len() as u64) as usize])).collect()
    }

    /// Letters and digits.
    pub(super) fn alphanumeric(&self, length: usize) -> String {
        self.text(length, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
    }

    /// Characters that need no escape in an address.
    pub(super) fn url_safe(&self, length: usize) -> String {
        self.text(length, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    }

    /// Hexadecimal digits.
    pub(super) fn hex(&self, length: usize) -> String {
        self.text(length, b"0123456789abcdef")
    }

    /// A UUID's shape.
    pub(super) fn uuid(&self) -> String {
        let hex = self.hex(32);
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }

    /// Bytes.
    pub(super) fn bytes(&self, length: usize) -> Vec<u8> {
        let mut draws = Draws(self.number());
        (0..length).map(|_| draws.draw() as u8).collect()
    }
}
