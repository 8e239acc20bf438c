//! Numbers in text, and back: the forms that inference accepts are those that can be written again character for
//! character.

use std::io::Write;

use super::cells::Cell;

/// Powers of ten that float64 holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// Whole numbers from here on have more than 15 digits; up to 15 survive the way into float64 and back.
pub(super) const EXACT_BELOW: u64 = 1_000_000_000_000_000;

/// Whole numbers below this fit into the fraction of a float64.
const WHOLE_BELOW: u64 = 1 << 52;

const _: () = assert!(EXACT_BELOW < WHOLE_BELOW);

/// The top bit of every byte, and what lifts a byte into it unless it is a digit's value.
const TOP: u64 = 0x8080_8080_8080_8080;
pub(super) const ABOVE_NINE: u64 = 0x7676_7676_7676_7676;

/// The character `0` in every byte: what is left of a digit without it is its value.
pub(super) const ZEROS: u64 = 0x3030_3030_3030_3030;

/// A decimal as it stands: `mantissa` with the point `scale` digits from its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Decimal {
    negative: bool,
    mantissa: u64,
    scale: u8,
}

/// A whole number in its only canonical form: no plus sign, no leading zeros, no `-0`, within int64.
#[inline(always)]
pub(super) fn canonical_integer(cell: Cell<'_>) -> Option<i64> {
    let count = cell.len();
    if (1..=8).contains(&count)
        && (cell.first() != b'0' || count == 1)
        && let Some(value) = eight(cell.word(0), count)
    {
        return Some(value.cast_signed());
    }
    other_canonical_integer(cell)
}

/// The same where it is negative, long, or none.
#[inline(never)]
fn other_canonical_integer(cell: Cell<'_>) -> Option<i64> {
    let negative = cell.first() == b'-' && !cell.is_empty();
    let digits = if negative { cell.tail() } else { cell };
    if digits.first() == b'0' && (negative || digits.len() > 1) {
        return None;
    }
    signed(negative, magnitude(digits)?)
}

/// A whole number as people write it: a sign and leading zeros are fine.
#[inline(always)]
pub(super) fn integer(cell: Cell<'_>) -> Option<i64> {
    let count = cell.len();
    if (1..=8).contains(&count)
        && let Some(value) = eight(cell.word(0), count)
    {
        return Some(value.cast_signed());
    }
    other_integer(cell)
}

/// The same where it has a sign, or is long, or none.
#[inline(never)]
fn other_integer(cell: Cell<'_>) -> Option<i64> {
    let negative = cell.first() == b'-';
    let mut digits = if (negative || cell.first() == b'+') && !cell.is_empty() { cell.tail() } else { cell };
    while digits.len() > 1 && digits.first() == b'0' {
        digits = digits.tail();
    }
    signed(negative, magnitude(digits)?)
}

#[inline(always)]
fn signed(negative: bool, magnitude: u64) -> Option<i64> {
    if negative { 0i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() }
}

/// The value of 1 to 19 digits: always below 2^64.
#[inline(always)]
fn magnitude(digits: Cell<'_>) -> Option<u64> {
    let count = digits.len();
    match count {
        1..=8 => eight(digits.word(0), count),
        9..=16 => {
            let (high, low) = (eight(digits.word(0), count - 8)?, eight(digits.word(count - 8), 8)?);
            Some(high * 100_000_000 + low)
        }
        17..=19 => {
            let high = eight(digits.word(0), count - 16)?;
            let (middle, low) = (eight(digits.word(count - 16), 8)?, eight(digits.word(count - 8), 8)?);
            Some((high * 100_000_000 + middle) * 100_000_000 + low)
        }
        _ => None,
    }
}

/// The value of the first `count` characters of a word, 1 to 8, if they are digits.
///
/// All at once: pairs of digits become numbers below 100, pairs of those numbers below 10,000, and those one number.
#[inline(always)]
fn eight(word: u64, count: usize) -> Option<u64> {
    let digits = (word ^ ZEROS) << (64 - 8 * count);
    if ((digits.wrapping_add(ABOVE_NINE)) | digits) & TOP != 0 {
        return None;
    }
    let pairs = digits * 10 + (digits >> 8);
    let even = (pairs & 0x0000_00FF_0000_00FF).wrapping_mul(100 + (1_000_000 << 32));
    let odd = (pairs >> 16 & 0x0000_00FF_0000_00FF).wrapping_mul(1 + (10_000 << 32));
    Some(even.wrapping_add(odd) >> 32)
}

/// The float64 of `(0|[1-9][0-9]*)\.[0-9]+` with at most eight characters, and its digits behind the point.
#[inline(always)]
fn short_decimal(cell: Cell<'_>) -> Option<(f64, u8)> {
    let length = cell.len();
    if !(3..=8).contains(&length) {
        return None;
    }
    let word = cell.word(0);
    let point = point(word);
    // A zero stands alone before the point.
    if point == 0 || point >= length - 1 || word as u8 == b'0' && point != 1 {
        return None;
    }
    // The point is taken out, and what stood behind it moves up.
    let whole = (1 << (8 * point)) - 1;
    let mantissa = eight(word & whole | word >> 8 & !whole, length - 1)?;
    let scale = (length - 1 - point) as u8;
    Some((divided(mantissa, scale), scale))
}

/// Reads `-?(0|[1-9][0-9]*)(\.[0-9]+)?` if its mantissa is below 10^19 and it has at most 22 digits behind the point.
#[inline(always)]
fn decimal(cell: Cell<'_>) -> Option<Decimal> {
    let negative = cell.first() == b'-' && !cell.is_empty();
    let digits = if negative { cell.tail() } else { cell };
    let length = digits.len();
    let point = point(digits.word(0));
    if length == 0 || digits.first() == b'0' && point != 1 && length > 1 {
        return None;
    }
    let point = if point < 8 { point } else { memchr::memchr(b'.', digits.bytes()).unwrap_or(length) };
    if point >= length {
        return Some(Decimal { negative, mantissa: magnitude(digits)?, scale: 0 });
    }
    let scale = length - 1 - point;
    if point == 0 || scale == 0 || scale >= POWERS.len() {
        return None;
    }
    let whole = magnitude(digits.head(point))?;
    let mut fraction = digits.from(point + 1);
    if whole == 0 {
        // Zeros behind the point don't make the mantissa longer.
        while fraction.len() > 1 && fraction.first() == b'0' {
            fraction = fraction.tail();
        }
    } else if point + scale > 19 {
        return None;
    }
    let mantissa = whole * WHOLE_POWERS[fraction.len().min(19)] + magnitude(fraction)?;
    Some(Decimal { negative, mantissa, scale: scale as u8 })
}

/// The index of the first point in a word; 8 if there is none.
#[inline(always)]
fn point(word: u64) -> usize {
    let others = word ^ 0x2E2E_2E2E_2E2E_2E2E;
    // The lowest bit that is set is right, and no other is looked at.
    let points = others.wrapping_sub(0x0101_0101_0101_0101) & !others & TOP;
    points.trailing_zeros() as usize / 8
}

/// A plain decimal, `-?(0|[1-9][0-9]*)(\.[0-9]+)?` with at most 19 significant digits and 22 behind the point, that can be
/// written again: the nearest float64, written with as many digits behind the point, is the same text. With at most 15
/// significant digits that holds for all of them; whole numbers with more are left to others. Returns the float64 and
/// the number of digits behind the point, 0 for a whole number.
#[inline(always)]
pub(super) fn canonical_decimal(cell: Cell<'_>) -> Option<(f64, u8)> {
    match short_decimal(cell) {
        Some(short) => Some(short),
        None => other_canonical_decimal(cell),
    }
}

#[inline(never)]
fn other_canonical_decimal(cell: Cell<'_>) -> Option<(f64, u8)> {
    let Decimal { negative, mantissa, scale } = decimal(cell)?;
    let value = if mantissa < EXACT_BELOW {
        // Without a point `-0` would be the integer that has no sign.
        if negative && mantissa == 0 && scale == 0 {
            return None;
        }
        divided(mantissa, scale)
    } else {
        precise(cell, mantissa, scale)?
    };
    Some((if negative { -value } else { value }, scale))
}

/// A plain decimal without the number of its digits.
#[inline(always)]
pub(super) fn plain_decimal(cell: Cell<'_>) -> Option<f64> {
    canonical_decimal(cell).map(|(value, _)| value)
}

/// The float64 of a decimal with more than 15 significant digits, if that can be written again.
#[inline(never)]
fn precise(cell: Cell<'_>, mantissa: u64, scale: u8) -> Option<f64> {
    if scale == 0 {
        return None;
    }
    let Some(Nearest { value, product, distance }) = nearest(mantissa, usize::from(scale)) else {
        return precise_slowly(cell, scale);
    };
    // The decimal is `product`, so that the float64 is `distance * mantissa / product` steps of its last digit away; half
    // a step, and another decimal would be as near. Both are known better than to one part in 2^50.
    let steps = (distance >> 16) as u64 as f64 * mantissa as f64;
    let half = (product >> 64) as u64 as f64 * f64::from_bits((1023 + 47) << 52);
    match steps / half {
        sure if sure < 0.999_999 => Some(value),
        sure if sure > 1.000_001 => None,
        _ => precise_slowly(cell, scale),
    }
}

#[cold]
fn precise_slowly(cell: Cell<'_>, scale: u8) -> Option<f64> {
    let value = float_slowly(cell)?;
    let again = format!("{value:.scale$}", scale = usize::from(scale));
    (again.as_bytes() == cell.bytes()).then_some(value.abs())
}

/// The float64 nearest to `mantissa / 10^scale`, for a mantissa below [`WHOLE_BELOW`] and a scale up to 22.
#[inline(always)]
fn divided(mantissa: u64, scale: u8) -> f64 {
    // The mantissa as the fraction of a number with the exponent of 2^52. An instruction that converts it would wait for
    // the division before it, because it keeps half of the register it writes to.
    const SHIFT: f64 = WHOLE_BELOW as f64;
    let whole = f64::from_bits(SHIFT.to_bits() | mantissa) - SHIFT;
    // Both operands are exact, so that the division rounds once, as it should.
    whole / POWERS[usize::from(scale)]
}

/// Any number that `str::parse::<f64>` takes.
#[inline(always)]
pub(super) fn float(cell: Cell<'_>) -> Option<f64> {
    match short_decimal(cell) {
        Some((value, _)) => Some(value),
        None => other_float(cell),
    }
}

#[inline(never)]
fn other_float(cell: Cell<'_>) -> Option<f64> {
    let Some(Decimal { negative, mantissa, scale }) = decimal(cell) else { return float_slowly(cell) };
    // No division here, even where it would do: which of the two it is can't be foreseen with digits by the dozen.
    let value = match mantissa {
        0 => 0.0,
        _ => match nearest(mantissa, usize::from(scale)) {
            Some(Nearest { value, .. }) => value,
            None => return float_slowly(cell),
        },
    };
    Some(if negative { -value } else { value })
}

#[cold]
fn float_slowly(cell: Cell<'_>) -> Option<f64> {
    fast_float2::parse(cell.bytes()).ok()
}

/// The float64 nearest to `mantissa / 10^scale`, unless that is too close to call with 128 bits.
///
/// The mantissa, shifted to its full 64 bits, times 1/5^scale rounded up to 128 bits: the product is too large by less
/// than 2^64, so that its upper 128 bits are right or one too large. Only where that one could matter to the rounding
/// (at the half between two floats, exact ties among them) is there no answer. The powers of two are exact.
#[inline(always)]
fn nearest(mantissa: u64, scale: usize) -> Option<Nearest> {
    let (reciprocal, bits) = RECIPROCALS[scale];
    let zeros = mantissa.leading_zeros();
    let shifted = u128::from(mantissa << zeros);
    let low = shifted * (reciprocal & u128::from(u64::MAX));
    let product = shifted * (reciprocal >> 64) + (low >> 64);
    let surplus = 74 + (product >> 127) as u32;
    let rest = product & ((1 << surplus) - 1);
    let half = 1 << (surplus - 1);
    if rest == half || rest == half + 1 {
        return None;
    }
    let value = (product >> surplus) as u64 + u64::from(rest > half);
    let exponent = surplus as i32 - 63 - bits as i32 - zeros as i32 - scale as i32;
    // The value has 53 bits, the first of which adds one to the exponent; one that was rounded up to 2^53 adds two.
    let value = f64::from_bits((((1023 + 51 + exponent) as u64) << 52) + value);
    Some(Nearest { value, product, distance: if rest > half { (1 << surplus) - rest } else { rest } })
}

/// A decimal as a binary fraction of 128 bits, the float64 nearest to it, and how far that is away in the same unit.
struct Nearest {
    value: f64,
    product: u128,
    distance: u128,
}

/// For each scale 2^(127 + bits) / 5^scale, rounded up, with the bits that bring it between 2^127 and 2^128.
const RECIPROCALS: [(u128, u32); POWERS.len()] = {
    let mut all = [(1 << 127, 0); POWERS.len()];
    let mut scale = 1;
    let mut divisor = 1u64;
    while scale < all.len() {
        divisor *= 5;
        let bits = 64 - divisor.leading_zeros();
        // The first bit of the quotient is one; the others come by long division.
        let mut remainder = (1 << bits) - divisor;
        let mut quotient = 1u128;
        let mut digit = 0;
        while digit < 127 {
            remainder *= 2;
            quotient *= 2;
            if remainder >= divisor {
                remainder -= divisor;
                quotient += 1;
            }
            digit += 1;
        }
        all[scale] = (quotient + 1, bits);
        scale += 1;
    }
    all
};

/// 10^0 to 10^19.
const WHOLE_POWERS: [u64; 20] = {
    let mut all = [1; 20];
    let mut index = 1;
    while index < all.len() {
        all[index] = all[index - 1] * 10;
        index += 1;
    }
    all
};

/// Writes an integer in its canonical form.
pub(super) fn write_integer(value: i64, out: &mut Vec<u8>) {
    if value < 0 {
        out.push(b'-');
    }
    write_magnitude(value.unsigned_abs(), 1, out);
}

/// Writes a float64 that came from [`canonical_decimal`] with `scale` digits behind the point, as it was.
pub(super) fn write_decimal(value: f64, scale: u8, out: &mut Vec<u8>) {
    let scale = usize::from(scale);
    if value.is_sign_negative() {
        out.push(b'-');
    }
    let mantissa = (value.abs() * POWERS[scale]).round();
    if mantissa >= EXACT_BELOW as f64 {
        let _ = write!(out, "{:.scale$}", value.abs());
        return;
    }
    // At most 15 digits: the error of the product stays far below one half.
    let mantissa = mantissa as u64;
    write_magnitude(mantissa, scale + 1, out);
    if scale > 0 {
        out.insert(out.len() - scale, b'.');
    }
}

fn write_magnitude(mut value: u64, width: usize, out: &mut Vec<u8>) {
    let mut digits = [b'0'; 24];
    let mut at = digits.len();
    while value > 0 {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
    }
    out.extend_from_slice(&digits[at.min(digits.len() - width)..]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::csv::scan::PAD;

    /// Calls `read` with the text as a cell that digits and a point come behind.
    fn with<T>(text: &str, read: impl Fn(Cell<'_>) -> T) -> T {
        let padded = format!("{text}{}", "7.".repeat(PAD));
        read(Cell::of(padded.as_bytes(), text.len()))
    }

    #[test]
    fn only_canonical_integers_are_inferred() {
        let cases = [
            ("0", Some(0)),
            ("7", Some(7)),
            ("-7", Some(-7)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("-9223372036854775809", None),
            ("99999999999999999999999", None),
            ("007", None),
            ("00", None),
            ("-0", None),
            ("+7", None),
            ("", None),
            ("-", None),
            (" 7", None),
            ("7 ", None),
            ("1e5", None),
            ("0x1F", None),
            ("1_000", None),
            ("1,000", None),
            ("\u{663}", None),
        ];
        for (text, expected) in cases {
            assert_eq!(with(text, canonical_integer), expected, "{text:?}");
        }
    }

    #[test]
    fn given_integers_may_have_signs_and_zeros() {
        let cases = [("007", Some(7)), ("+7", Some(7)), ("-0", Some(0)), ("--7", None), ("", None), ("7.0", None)];
        for (text, expected) in cases {
            assert_eq!(with(text, integer), expected, "{text:?}");
        }
    }

    #[test]
    fn only_plain_decimals_are_inferred() {
        let cases = [
            ("11.00", Some((11.0, 2))),
            ("0.5", Some((0.5, 1))),
            ("-0.5", Some((-0.5, 1))),
            ("5", Some((5.0, 0))),
            ("0", Some((0.0, 0))),
            ("0.0000000000000000000001", Some((1e-22, 22))),
            ("123456789.012345", Some((123_456_789.012_345, 6))),
            ("0.00123456789012345", Some((0.001_234_567_890_123_45, 17))),
            ("999999999999999", Some((999_999_999_999_999.0, 0))),
            ("0.00000000000000000000001", None),
            ("1234567890.123456", Some((1_234_567_890.123_456, 6))),
            ("523.3820912345672", Some((523.382_091_234_567_2, 13))),
            ("523.3820912345671", None),
            ("1.2345678901234567", Some((1.234_567_890_123_456_7, 16))),
            ("0.1000000000000000055", None),
            ("0.30000000000000004", Some((0.300_000_000_000_000_04, 17))),
            ("0.30000000000000001", None),
            ("9007199254740993.5", None),
            ("1000000000000000", None),
            ("-0", None),
            ("00.5", None),
            (".5", None),
            ("5.", None),
            ("+5.0", None),
            ("1e5", None),
            ("NaN", None),
            ("inf", None),
            ("1.2.3", None),
            ("", None),
            ("-", None),
            (".", None),
        ];
        for (text, expected) in cases {
            assert_eq!(with(text, canonical_decimal), expected, "{text:?}");
        }
        assert!(with("-0.0", canonical_decimal).is_some_and(|(value, _)| value.is_sign_negative()));
    }

    proptest! {
        #[test]
        fn integers_come_back(value: i64) {
            let mut out = Vec::new();
            write_integer(value, &mut out);
            prop_assert_eq!(std::str::from_utf8(&out).unwrap(), value.to_string());
            prop_assert_eq!(with(&value.to_string(), canonical_integer), Some(value));
        }

        #[test]
        fn decimals_come_back(text in "-?(0|[1-9][0-9]{0,16})(\\.[0-9]{1,22})?") {
            if let Some((value, scale)) = with(&text, canonical_decimal) {
                prop_assert_eq!(value.to_bits(), text.parse::<f64>().unwrap().to_bits());
                let mut out = Vec::new();
                write_decimal(value, scale, &mut out);
                prop_assert_eq!(String::from_utf8(out).unwrap(), text);
            }
        }

        #[test]
        fn decimals_are_those_that_can_be_written_again(mantissa: u64, digits in 1u32..20, scale in 1usize..20, whole: f64) {
            let mantissa = mantissa % 10u64.pow(digits);
            let text = format!("{mantissa:0width$}", width = scale + 1);
            let (before, behind) = text.split_at(text.len() - scale);
            for text in [format!("{before}.{behind}"), format!("{:.*}", scale, whole.abs() % 1e9), format!("{}", whole.abs() % 1e9)] {
                let value: f64 = text.parse().unwrap();
                let scale = text.split_once('.').map_or(0, |(_, behind)| behind.len());
                let digits = text.trim_start_matches(['0', '.']).len() - usize::from(!text.starts_with('0'));
                let again = format!("{value:.scale$}") == text;
                if scale > 0 && scale < 23 && digits < 20 {
                    prop_assert_eq!(with(&text, canonical_decimal).is_some(), again, "{}", text);
                }
            }
        }

        #[test]
        fn floats_are_those_of_the_standard_library(text in "[-+]?[0-9]{0,20}\\.?[0-9]{0,20}([eE][-+]?[0-9]{1,3})?") {
            let expected = text.parse::<f64>().ok();
            prop_assert_eq!(with(&text, float).map(f64::to_bits), expected.map(f64::to_bits));
        }

        #[test]
        fn long_decimals_are_those_of_the_standard_library(mantissa: u64, digits in 1u32..20, scale in 1usize..23) {
            let mantissa = mantissa % 10u64.pow(digits);
            let text = format!("{mantissa:0width$}", width = scale + 1);
            let (whole, fraction) = text.split_at(text.len() - scale);
            let text = format!("{whole}.{fraction}");
            prop_assert_eq!(with(&text, float).map(f64::to_bits), text.parse::<f64>().ok().map(f64::to_bits));
            if let Some(Nearest { value, .. }) = nearest(mantissa.max(1), scale) {
                let expected = format!("{}e-{scale}", mantissa.max(1)).parse::<f64>().unwrap();
                prop_assert_eq!(value.to_bits(), expected.to_bits());
            }
        }

        #[test]
        fn decimals_next_to_a_half_are_those_of_the_standard_library(bits in 0x3C00u64 << 48..0x43E0u64 << 48, digits in 16usize..19) {
            // The half between two floats, cut to so many digits, and its neighbours.
            let half = f64::from_bits(bits);
            let text = format!("{half:.0$}", digits.saturating_sub(half.log10().max(0.0) as usize));
            prop_assert_eq!(with(&text, float).map(f64::to_bits), text.parse::<f64>().ok().map(f64::to_bits));
        }
    }
}
