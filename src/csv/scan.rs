//! The structural scan: one pass over a window of bytes that finds every delimiter outside quotes and sees *whether*
//! something breaks the rules of the module. What breaks them, and where, is for `record` to say.
//!
//! Sixty-four bytes become bitmaps, one bit a byte. The parity of the quotes before a bit tells whether it is inside
//! a quoted cell; all the rules about quotes and carriage returns are shifts and masks on these words.

use std::sync::LazyLock;

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
    /// Line feeds, inside quotes or not.
    pub lines: usize,
    /// Line feeds outside quotes.
    pub feeds: usize,
    /// Quotes that open a cell.
    pub opens: usize,
}

/// Where the bytes that matter stand in a block of 64.
#[derive(Clone, Copy)]
struct Block {
    quote: u64,
    comma: u64,
    feed: u64,
    carriage: u64,
    nul: u64,
}

/// A way to look at 64 bytes at once.
trait Lanes {
    /// Tells the bytes of a block apart.
    fn block(bytes: &[u8; 64]) -> Block;

    /// Bit i of the result is the parity of the bits 0 to i.
    fn parity(bits: u64) -> u64;

    /// Writes `at` plus the index of every bit.
    ///
    /// # Safety
    /// There is room for 64 entries behind `out`.
    #[inline(always)]
    unsafe fn positions(bits: u64, at: usize, out: *mut u32) {
        // SAFETY: the caller's.
        unsafe { positions(bits, at, out) };
    }
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
    /// Not zero when a rule was broken anywhere.
    broken: u64,
}

/// Appends the position of every delimiter and line feed outside quotes in `text` to `ends`, and that of every second
/// quote of a doubled one to `doubled`.
///
/// `text` begins at the beginning of a record.
pub(super) fn scan(text: &[u8], ends: &mut Vec<u32>, doubled: &mut Vec<u32>) -> Seen {
    match *WAY {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the processor has what the function needs.
        Way::Avx512 => unsafe { avx512::scan(text, ends, doubled) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Way::Avx2 => unsafe { avx2::scan(text, ends, doubled) },
        #[cfg(target_arch = "aarch64")]
        Way::Neon => scan_with::<neon::Neon>(text, ends, doubled),
        Way::Portable => scan_with::<Portable>(text, ends, doubled),
    }
}

/// The ways to scan that this machine has a name for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "aarch64")]
    Neon,
    Portable,
}

/// The fastest way of this processor. `INSIGHTFRAME_SIMD` keeps to a slower one: `avx2`, or `off` for the portable one.
/// All of them see the same.
static WAY: LazyLock<Way> = LazyLock::new(|| Way::choose(std::env::var("INSIGHTFRAME_SIMD").ok().as_deref()));

impl Way {
    fn choose(wish: Option<&str>) -> Self {
        match wish {
            Some("off") => Self::Portable,
            #[cfg(target_arch = "x86_64")]
            wish if avx512::available() && wish != Some("avx2") => Self::Avx512,
            #[cfg(target_arch = "x86_64")]
            _ if avx2::available() => Self::Avx2,
            #[cfg(target_arch = "aarch64")]
            _ => Self::Neon,
            #[cfg(not(target_arch = "aarch64"))]
            _ => Self::Portable,
        }
    }
}

/// The scan, whatever the lanes.
#[inline(always)]
fn scan_with<L: Lanes>(text: &[u8], ends: &mut Vec<u32>, doubled: &mut Vec<u32>) -> Seen {
    let mut seen = Seen::default();
    let mut carry = Carry { inside: 0, delimiter: 1, close: 0, carriage: 0, broken: 0 };
    // Every byte may be a delimiter. What isn't used is never touched.
    ends.reserve(text.len() + 64);
    let mut count = ends.len();
    let mut at = 0;
    let (blocks, rest) = text.as_chunks::<64>();
    for block in blocks {
        let (delimiters, again) = step::<L>(L::block(block), u64::MAX, &mut carry, &mut seen);
        note(again, at, doubled);
        // SAFETY: a block has at most 64 delimiters, and there is room for one per byte of the text and 64 more.
        unsafe { L::positions(delimiters, at, ends.as_mut_ptr().add(count)) };
        count += delimiters.count_ones() as usize;
        at += 64;
    }
    if !rest.is_empty() {
        let mut block = [b' '; 64];
        block[..rest.len()].copy_from_slice(rest);
        let (delimiters, again) = step::<L>(L::block(&block), (1 << rest.len()) - 1, &mut carry, &mut seen);
        note(again, at, doubled);
        // SAFETY: as above.
        unsafe { L::positions(delimiters, at, ends.as_mut_ptr().add(count)) };
        count += delimiters.count_ones() as usize;
    }
    // SAFETY: so many entries were written, within the capacity.
    unsafe { ends.set_len(count) };
    seen.broken = carry.broken != 0;
    seen.inside = carry.inside != 0;
    seen
}

/// The rules, on one block; returns the delimiters outside quotes and the quotes that
/// double another. `valid` has a bit for every byte of the text.
#[inline(always)]
fn step<L: Lanes>(block: Block, valid: u64, carry: &mut Carry, seen: &mut Seen) -> (u64, u64) {
    let within = L::parity(block.quote) ^ carry.inside;
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
        | (behind_carriage & !feed)
        | block.nul;
    carry.broken |= broken & valid;
    seen.lines += block.feed.count_ones() as usize;
    seen.feeds += feed.count_ones() as usize;
    seen.opens += (open & behind_delimiter & valid).count_ones() as usize;

    carry.inside = (within.cast_signed() >> 63).cast_unsigned();
    carry.delimiter = delimiter >> 63;
    carry.close = close >> 63;
    carry.carriage = carriage >> 63;
    (delimiter, behind_close & open)
}

/// Appends `at` plus the index of every bit; there are seldom any.
#[inline(always)]
fn note(mut bits: u64, at: usize, positions: &mut Vec<u32>) {
    while bits != 0 {
        positions.push(at as u32 + bits.trailing_zeros());
        bits &= bits - 1;
    }
}

/// Writes `at` plus the index of every bit.
///
/// # Safety
/// There is room for 64 entries behind `out`.
#[inline(always)]
unsafe fn positions(mut bits: u64, at: usize, out: *mut u32) {
    // A dozen at once, some of them for nothing: cheaper than a loop whose end the processor can't foresee.
    const BLIND: usize = 12;
    let count = bits.count_ones() as usize;
    for index in 0..BLIND {
        // SAFETY: the caller's.
        unsafe { out.add(index).write(at as u32 + bits.trailing_zeros()) };
        bits &= bits.wrapping_sub(1);
    }
    for index in BLIND..count.max(BLIND) {
        // SAFETY: there are no more than 64 bits.
        unsafe { out.add(index).write(at as u32 + bits.trailing_zeros()) };
        bits &= bits.wrapping_sub(1);
    }
}

/// Eight bytes at a time in ordinary registers.
struct Portable;

impl Lanes for Portable {
    #[inline(always)]
    fn block(bytes: &[u8; 64]) -> Block {
        let mut block = Block { quote: 0, comma: 0, feed: 0, carriage: 0, nul: 0 };
        let (words, _) = bytes.as_chunks::<8>();
        for (index, word) in words.iter().enumerate() {
            let word = u64::from_le_bytes(*word);
            let shift = index * 8;
            block.quote |= equal(word, b'"') << shift;
            block.comma |= equal(word, b',') << shift;
            block.feed |= equal(word, b'\n') << shift;
            block.carriage |= equal(word, b'\r') << shift;
            block.nul |= equal(word, 0) << shift;
        }
        block
    }

    #[inline(always)]
    fn parity(mut bits: u64) -> u64 {
        for shift in [1, 2, 4, 8, 16, 32] {
            bits ^= bits << shift;
        }
        bits
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

/// 32 bytes at a time, and the parity by a carry-less multiplication.
#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{
        _mm_clmulepi64_si128, _mm_cvtsi64_si128, _mm_cvtsi128_si64, _mm_set1_epi8, _mm256_cmpeq_epi8,
        _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_set1_epi8,
    };

    use super::{Block, Lanes, Seen, scan_with};

    struct Avx2;

    /// Whether the processor has it.
    pub fn available() -> bool {
        std::arch::is_x86_feature_detected!("avx2")
            && std::arch::is_x86_feature_detected!("pclmulqdq")
            && std::arch::is_x86_feature_detected!("bmi1")
            && std::arch::is_x86_feature_detected!("bmi2")
            && std::arch::is_x86_feature_detected!("lzcnt")
            && std::arch::is_x86_feature_detected!("popcnt")
    }

    #[target_feature(enable = "avx2,pclmulqdq,bmi1,bmi2,lzcnt,popcnt")]
    pub fn scan(text: &[u8], ends: &mut Vec<u32>, doubled: &mut Vec<u32>) -> Seen {
        scan_with::<Avx2>(text, ends, doubled)
    }

    impl Lanes for Avx2 {
        #[inline(always)]
        fn block(bytes: &[u8; 64]) -> Block {
            // SAFETY: only `scan` uses these lanes, which has the feature; both loads are within the 64 bytes.
            unsafe {
                let low = _mm256_loadu_si256(bytes.as_ptr().cast());
                let high = _mm256_loadu_si256(bytes.as_ptr().add(32).cast());
                let find = |byte: u8| {
                    let wanted = _mm256_set1_epi8(byte.cast_signed());
                    let low = _mm256_movemask_epi8(_mm256_cmpeq_epi8(low, wanted)).cast_unsigned();
                    let high = _mm256_movemask_epi8(_mm256_cmpeq_epi8(high, wanted)).cast_unsigned();
                    u64::from(low) | u64::from(high) << 32
                };
                Block { quote: find(b'"'), comma: find(b','), feed: find(b'\n'), carriage: find(b'\r'), nul: find(0) }
            }
        }

        #[inline(always)]
        fn parity(bits: u64) -> u64 {
            // SAFETY: only `scan` uses these lanes, which has the feature.
            unsafe {
                let product = _mm_clmulepi64_si128::<0>(_mm_cvtsi64_si128(bits.cast_signed()), _mm_set1_epi8(-1));
                _mm_cvtsi128_si64(product).cast_unsigned()
            }
        }
    }
}

/// 64 bytes at a time; the positions of the bits by one compression.
#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::{
        __m512i, _mm_clmulepi64_si128, _mm_cvtsi64_si128, _mm_cvtsi128_si64, _mm_set1_epi8, _mm512_add_epi32,
        _mm512_castsi512_si128, _mm512_cmpeq_epi8_mask, _mm512_cvtepu8_epi32, _mm512_loadu_si512,
        _mm512_maskz_compress_epi8, _mm512_set1_epi8, _mm512_set1_epi32, _mm512_storeu_si512,
    };

    use super::{Block, Lanes, Seen, positions, scan_with};

    struct Avx512;

    /// The index of each byte.
    static INDEXES: [u8; 64] = {
        let mut all = [0; 64];
        let mut index = 1;
        while index < 64 {
            all[index] = index as u8;
            index += 1;
        }
        all
    };

    /// Whether the processor has it.
    pub fn available() -> bool {
        super::avx2::available()
            && std::arch::is_x86_feature_detected!("avx512f")
            && std::arch::is_x86_feature_detected!("avx512bw")
            && std::arch::is_x86_feature_detected!("avx512vbmi2")
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,avx2,pclmulqdq,bmi1,bmi2,lzcnt,popcnt")]
    pub fn scan(text: &[u8], ends: &mut Vec<u32>, doubled: &mut Vec<u32>) -> Seen {
        scan_with::<Avx512>(text, ends, doubled)
    }

    impl Lanes for Avx512 {
        #[inline(always)]
        fn block(bytes: &[u8; 64]) -> Block {
            // SAFETY: only `scan` uses these lanes, which has the features; the load is that of the 64 bytes.
            unsafe {
                let bytes = _mm512_loadu_si512(bytes.as_ptr().cast());
                let find = |byte: u8| _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(byte.cast_signed()));
                Block { quote: find(b'"'), comma: find(b','), feed: find(b'\n'), carriage: find(b'\r'), nul: find(0) }
            }
        }

        #[inline(always)]
        fn parity(bits: u64) -> u64 {
            // SAFETY: only `scan` uses these lanes, which has the features.
            unsafe {
                let product = _mm_clmulepi64_si128::<0>(_mm_cvtsi64_si128(bits.cast_signed()), _mm_set1_epi8(-1));
                _mm_cvtsi128_si64(product).cast_unsigned()
            }
        }

        #[inline(always)]
        unsafe fn positions(bits: u64, at: usize, out: *mut u32) {
            const ROOM: u32 = 16;
            if bits.count_ones() > ROOM {
                // SAFETY: the caller's.
                return unsafe { positions(bits, at, out) };
            }
            // SAFETY: only `scan` uses these lanes, which has the features; 16 entries fit into the room for 64.
            unsafe {
                let indexes: __m512i = _mm512_loadu_si512(INDEXES.as_ptr().cast());
                let found = _mm512_castsi512_si128(_mm512_maskz_compress_epi8(bits, indexes));
                let found = _mm512_add_epi32(_mm512_cvtepu8_epi32(found), _mm512_set1_epi32(at as i32));
                _mm512_storeu_si512(out.cast(), found);
            }
        }
    }
}

/// 16 bytes at a time. Every processor of the architecture has it.
#[cfg(target_arch = "aarch64")]
mod neon {
    use std::arch::aarch64::{
        uint8x16_t, vandq_u8, vceqq_u8, vdupq_n_u8, vgetq_lane_u64, vld1q_u8, vpaddq_u8, vreinterpretq_u64_u8,
    };

    use super::{Block, Lanes, Portable};

    pub(super) struct Neon;

    /// A bit for each of the 64 bytes, from bytes that are all ones or zeros.
    #[inline(always)]
    fn gather(found: [uint8x16_t; 4]) -> u64 {
        const BITS: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128];
        // SAFETY: every processor of this architecture has these instructions; the load is that of the constant.
        unsafe {
            let bits = vld1q_u8(BITS.as_ptr());
            let [a, b, c, d] = found.map(|found| vandq_u8(found, bits));
            // Neighbours are added three times: eight bytes become one.
            let sums = vpaddq_u8(vpaddq_u8(a, b), vpaddq_u8(c, d));
            vgetq_lane_u64::<0>(vreinterpretq_u64_u8(vpaddq_u8(sums, sums)))
        }
    }

    impl Lanes for Neon {
        #[inline(always)]
        fn block(bytes: &[u8; 64]) -> Block {
            // SAFETY: as above; the four loads are those of the 64 bytes.
            unsafe {
                let parts: [uint8x16_t; 4] = std::array::from_fn(|index| vld1q_u8(bytes.as_ptr().add(index * 16)));
                let find = |byte: u8| gather(parts.map(|part| vceqq_u8(part, vdupq_n_u8(byte))));
                Block { quote: find(b'"'), comma: find(b','), feed: find(b'\n'), carriage: find(b'\r'), nul: find(0) }
            }
        }

        #[inline(always)]
        fn parity(bits: u64) -> u64 {
            Portable::parity(bits)
        }
    }
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

    type Scan = fn(&[u8], &mut Vec<u32>, &mut Vec<u32>) -> Seen;

    /// Those that this processor has, beside the portable one.
    fn ways() -> Vec<(&'static str, Scan)> {
        let mut ways: Vec<(&'static str, Scan)> = vec![("the chosen one", scan)];
        #[cfg(target_arch = "x86_64")]
        {
            if avx2::available() {
                // SAFETY: the processor has AVX2.
                ways.push(("avx2", |text, ends, doubled| unsafe { avx2::scan(text, ends, doubled) }));
            }
            if avx512::available() {
                // SAFETY: the processor has what AVX-512 needs here.
                ways.push(("avx512", |text, ends, doubled| unsafe { avx512::scan(text, ends, doubled) }));
            }
        }
        #[cfg(target_arch = "aarch64")]
        ways.push(("neon", scan_with::<neon::Neon>));
        ways
    }

    #[test]
    fn a_slower_way_can_be_wished_for() {
        assert_eq!(Way::choose(Some("off")), Way::Portable);
        #[cfg(target_arch = "x86_64")]
        {
            let fastest = Way::choose(None);
            assert_eq!(fastest == Way::Portable, !avx2::available());
            assert_eq!(Way::choose(Some("avx2")) == Way::Avx2, avx2::available());
            assert_eq!(fastest == Way::Avx512, avx512::available());
        }
    }

    proptest! {
        #[test]
        fn positions_are_those_of_a_plain_loop(text in "[a\",\r\n]{0,300}") {
            let mut ends = Vec::new();
            let seen = scan_with::<Portable>(text.as_bytes(), &mut ends, &mut Vec::new());
            let (expected, inside) = reference(text.as_bytes());
            prop_assert_eq!(ends, expected);
            prop_assert_eq!(seen.inside, inside);
            prop_assert_eq!(seen.lines, text.matches('\n').count());
        }

        #[test]
        fn every_way_sees_what_the_portable_one_sees(
            text in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b'"'), Just(b','), Just(b'\n'), Just(b'\r')], 0..400),
        ) {
            let mut expected = (vec![7], vec![]);
            let seen = scan_with::<Portable>(&text, &mut expected.0, &mut expected.1);
            for (name, way) in ways() {
                let mut found = (vec![7], vec![]);
                prop_assert_eq!(way(&text, &mut found.0, &mut found.1), seen, "{}", name);
                prop_assert_eq!(&found, &expected, "{}", name);
            }
        }

        #[test]
        fn every_byte_is_told_apart(bytes in proptest::array::uniform32(any::<u8>())) {
            let mut block = [1; 64];
            block[16..48].copy_from_slice(&bytes);
            let found = Portable::block(&block);
            for (at, &byte) in block.iter().enumerate() {
                prop_assert_eq!(found.quote >> at & 1 == 1, byte == b'"');
                prop_assert_eq!(found.comma >> at & 1 == 1, byte == b',');
                prop_assert_eq!(found.feed >> at & 1 == 1, byte == b'\n');
                prop_assert_eq!(found.carriage >> at & 1 == 1, byte == b'\r');
                prop_assert_eq!(found.nul >> at & 1 == 1, byte == 0);
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
            ("a\0b\n", true),
            ("\"\0\"\n", true),
        ];
        for (text, broken) in cases {
            for shift in 0..130 {
                let shifted = format!("{}\n{text}", "x".repeat(shift));
                assert_eq!(scan(shifted.as_bytes(), &mut Vec::new(), &mut Vec::new()).broken, broken, "{shifted:?}");
            }
        }
    }
}
