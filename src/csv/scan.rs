//! The structural scan: one pass over a window of bytes that finds every delimiter outside quotes and sees *whether*
//! something breaks the rules of the module. What breaks them, and where, is for `record` to say.
//!
//! Sixty-four bytes become bitmaps, one bit a byte. The parity of the quotes before a bit tells whether it is inside
//! a quoted cell; all the rules about quotes and carriage returns are shifts and masks on these words.

/// Bytes that must be readable behind the text of a window: kernels load whole words.
pub(super) const PAD: usize = 64;

/// The position "before the first byte": adding one, wrapping, gives 0.
pub(super) const BEFORE: u32 = u32::MAX;

/// What a scan saw besides the positions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// A rule is broken somewhere.
    pub broken: bool,
    /// The text ends inside quotes.
    pub inside: bool,
    /// Some cell holds a doubled quote.
    pub doubled: bool,
    /// Cells that open with a quote.
    pub opened: usize,
    /// Line feeds outside quotes.
    pub feeds: usize,
    /// Carriage returns outside quotes.
    pub returns: usize,
}

/// Where the bytes that matter stand in a block of 64.
#[derive(Clone, Copy)]
struct Block {
    quote: u64,
    comma: u64,
    feed: u64,
    carriage: u64,
}

/// What one block tells the next.
#[derive(Clone, Copy)]
struct Carry {
    /// All ones when the block before ended inside quotes.
    inside: u64,
    /// One when its last byte was a delimiter; the beginning of the text counts as behind one.
    delimiter: u64,
    /// One when its last byte was a closing quote.
    close: u64,
    /// One when its last byte was a carriage return outside quotes.
    carriage: u64,
}

/// Appends the position of every delimiter and line feed outside quotes in `text` to `ends`.
///
/// `text` begins at the beginning of a record.
pub(super) fn scan(text: &[u8], ends: &mut Vec<u32>) -> Seen {
    let mut seen = Seen::default();
    let mut carry = Carry { inside: 0, delimiter: 1, close: 0, carriage: 0 };
    let mut at = 0;
    let (blocks, rest) = text.as_chunks::<64>();
    for block in blocks {
        let delimiters = step(Block::portable(block), u64::MAX, &mut carry, &mut seen);
        positions(delimiters, at, ends);
        at += 64;
    }
    if !rest.is_empty() {
        let mut block = [0; 64];
        block[..rest.len()].copy_from_slice(rest);
        let delimiters = step(Block::portable(&block), (1 << rest.len()) - 1, &mut carry, &mut seen);
        positions(delimiters, at, ends);
        // The padding behind the text repeats the last state, so the carry still tells how the text ends.
    }
    seen.inside = carry.inside != 0;
    seen
}

/// The rules, on one block; returns the delimiters outside quotes. `valid` has a bit for every byte of the text.
#[inline(always)]
fn step(block: Block, valid: u64, carry: &mut Carry, seen: &mut Seen) -> u64 {
    let within = parity(block.quote) ^ carry.inside;
    let open = block.quote & within;
    let close = block.quote & !within;
    let feed = block.feed & !within;
    let carriage = block.carriage & !within;
    let delimiter = feed | (block.comma & !within);

    let behind_delimiter = delimiter << 1 | carry.delimiter;
    let behind_close = close << 1 | carry.close;
    let behind_carriage = carriage << 1 | carry.carriage;
    let broken = (open & !(behind_delimiter | behind_close))
        | (behind_close & !(delimiter | carriage | open))
        | (behind_carriage & !feed);
    seen.broken |= broken & valid != 0;
    seen.doubled |= behind_close & open != 0;
    seen.opened += (open & behind_delimiter).count_ones() as usize;
    seen.feeds += feed.count_ones() as usize;
    seen.returns += carriage.count_ones() as usize;

    carry.inside = (within.cast_signed() >> 63).cast_unsigned();
    carry.delimiter = delimiter >> 63;
    carry.close = close >> 63;
    carry.carriage = carriage >> 63;
    delimiter
}

/// Bit i of the result is the parity of the bits 0 to i.
#[inline(always)]
fn parity(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

/// Appends `at` plus the index of every bit.
#[inline(always)]
fn positions(mut bits: u64, at: usize, ends: &mut Vec<u32>) {
    ends.reserve(64);
    while bits != 0 {
        ends.push(at as u32 + bits.trailing_zeros());
        bits &= bits - 1;
    }
}

impl Block {
    /// Eight bytes at a time in ordinary registers.
    #[inline(always)]
    fn portable(bytes: &[u8; 64]) -> Self {
        let mut block = Self { quote: 0, comma: 0, feed: 0, carriage: 0 };
        let (words, _) = bytes.as_chunks::<8>();
        for (index, word) in words.iter().enumerate() {
            let word = u64::from_le_bytes(*word);
            let shift = index * 8;
            block.quote |= equal(word, b'"') << shift;
            block.comma |= equal(word, b',') << shift;
            block.feed |= equal(word, b'\n') << shift;
            block.carriage |= equal(word, b'\r') << shift;
        }
        block
    }
}

/// A bit for each of the eight bytes that equals `byte`.
#[inline(always)]
fn equal(word: u64, byte: u8) -> u64 {
    const LOW: u64 = 0x7F7F_7F7F_7F7F_7F7F;
    let difference = word ^ (u64::from(byte) * 0x0101_0101_0101_0101);
    // The top bit of each byte: set unless all eight bits of the difference are zero.
    let differs = ((difference & LOW) + LOW) | difference;
    // The multiplication gathers the eight top bits into the highest byte.
    ((!differs & !LOW) >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same by one byte after the other.
    fn reference(text: &[u8]) -> (Vec<u32>, bool) {
        let mut ends = Vec::new();
        let mut inside = false;
        for (at, &byte) in text.iter().enumerate() {
            match byte {
                b'"' => inside = !inside,
                b',' | b'\n' if !inside => ends.push(at as u32),
                _ => {}
            }
        }
        (ends, inside)
    }

    proptest! {
        #[test]
        fn positions_are_those_of_a_plain_loop(text in "[a\",\r\n]{0,300}") {
            let mut ends = Vec::new();
            let seen = scan(text.as_bytes(), &mut ends);
            let (expected, inside) = reference(text.as_bytes());
            prop_assert_eq!(ends, expected);
            prop_assert_eq!(seen.inside, inside);
        }

        #[test]
        fn every_byte_is_told_apart(bytes in proptest::array::uniform32(any::<u8>())) {
            let mut block = [0; 64];
            block[16..48].copy_from_slice(&bytes);
            let found = Block::portable(&block);
            for (at, &byte) in block.iter().enumerate() {
                prop_assert_eq!(found.quote >> at & 1 == 1, byte == b'"');
                prop_assert_eq!(found.comma >> at & 1 == 1, byte == b',');
                prop_assert_eq!(found.feed >> at & 1 == 1, byte == b'\n');
                prop_assert_eq!(found.carriage >> at & 1 == 1, byte == b'\r');
            }
        }
    }

    #[test]
    fn rules_hold_at_every_place_of_a_block() {
        let cases = [
            ("\"a\",\"b\"\r\n", false),
            ("\"a\"\"b\"\n", false),
            ("a,b\r\n", false),
            ("\"a\" ,b\n", true),
            ("a\"b\n", true),
            (" \"a\"\n", true),
            ("a\rb\n", true),
            ("\"a\"\rb\n", true),
            ("\"a\rb\"\n", false),
        ];
        for (text, broken) in cases {
            for shift in 0..130 {
                let shifted = format!("{}\n{text}", "x".repeat(shift));
                assert_eq!(scan(shifted.as_bytes(), &mut Vec::new()).broken, broken, "{shifted:?}");
            }
        }
    }
}
