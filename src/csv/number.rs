//! Numbers in text, and back: the forms that inference accepts are those that can be written again character for
//! character.

/// Powers of ten that float64 holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// A decimal of up to 15 significant digits survives the way into float64 and back.
const DIGITS: u32 = 15;

/// Whole numbers beyond this (10^15) have more digits than [`DIGITS`].
pub(super) const EXACT_BELOW: u64 = 1_000_000_000_000_000;

/// A whole number in its only canonical form: no plus sign, no leading zeros, no `-0`, within int64.
pub(super) fn canonical_integer(cell: &[u8]) -> Option<i64> {
    let (negative, digits) = match cell {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    match digits {
        [b'0'] if !negative => Some(0),
        [b'1'..=b'9', ..] => signed(negative, magnitude(digits)?),
        _ => None,
    }
}

/// A whole number as people write it: a sign and leading zeros are fine.
pub(super) fn integer(cell: &[u8]) -> Option<i64> {
    let (negative, digits) = match cell {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    signed(negative, magnitude(digits)?)
}

fn signed(negative: bool, magnitude: u64) -> Option<i64> {
    if negative { 0i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() }
}

fn magnitude(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |value, &byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 { None } else { value.checked_mul(10)?.checked_add(u64::from(digit)) }
    })
}

/// A plain decimal: `-?(0|[1-9][0-9]*)(\.[0-9]+)?` with at most 15 significant digits and 22 behind the point. Returns
/// the nearest float64 and the number of digits behind the point: together they are the text (a whole number has 0).
pub(super) fn canonical_decimal(cell: &[u8]) -> Option<(f64, u8)> {
    let (negative, digits) = match cell {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let whole = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let fraction = match &digits[whole..] {
        [] => &[][..],
        [b'.', fraction @ ..] if !fraction.is_empty() && fraction.iter().all(u8::is_ascii_digit) => fraction,
        _ => return None,
    };
    let whole = &digits[..whole];
    match whole {
        [b'0'] | [b'1'..=b'9', ..] => {}
        _ => return None,
    }
    // Without a point `-0` would be the integer that has no sign.
    if whole == b"0" && fraction.is_empty() && negative || fraction.len() >= POWERS.len() {
        return None;
    }
    let mut significant = 0;
    let mut mantissa = 0u64;
    for byte in whole.iter().chain(fraction) {
        significant += u32::from(significant > 0 || *byte != b'0');
        if significant > DIGITS {
            return None;
        }
        mantissa = mantissa * 10 + u64::from(byte - b'0');
    }
    // Both operands are exact, so that the division rounds once, as it should.
    let value = mantissa as f64 / POWERS[fraction.len()];
    Some((if negative { -value } else { value }, fraction.len() as u8))
}

/// Any number that `str::parse::<f64>` takes.
pub(super) fn float(cell: &[u8]) -> Option<f64> {
    canonical_decimal(cell).map(|(value, _)| value).or_else(|| fast_float2::parse(cell).ok())
}

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
    // At most 15 digits: the error of the product stays far below one half.
    let mantissa = (value.abs() * POWERS[scale]).round() as u64;
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
            assert_eq!(canonical_integer(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn given_integers_may_have_signs_and_zeros() {
        let cases = [("007", Some(7)), ("+7", Some(7)), ("-0", Some(0)), ("--7", None), ("", None), ("7.0", None)];
        for (text, expected) in cases {
            assert_eq!(integer(text.as_bytes()), expected, "{text:?}");
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
            ("1234567890.123456", None),
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
            assert_eq!(canonical_decimal(text.as_bytes()), expected, "{text:?}");
        }
        assert!(canonical_decimal(b"-0.0").is_some_and(|(value, _)| value.is_sign_negative()));
    }

    proptest! {
        #[test]
        fn integers_come_back(value: i64) {
            let mut out = Vec::new();
            write_integer(value, &mut out);
            prop_assert_eq!(std::str::from_utf8(&out).unwrap(), value.to_string());
            prop_assert_eq!(canonical_integer(&out), Some(value));
        }

        #[test]
        fn decimals_come_back(text in "-?(0|[1-9][0-9]{0,14})(\\.[0-9]{1,22})?") {
            if let Some((value, scale)) = canonical_decimal(text.as_bytes()) {
                prop_assert_eq!(value.to_bits(), text.parse::<f64>().unwrap().to_bits());
                let mut out = Vec::new();
                write_decimal(value, scale, &mut out);
                prop_assert_eq!(String::from_utf8(out).unwrap(), text);
            }
        }

        #[test]
        fn floats_are_those_of_the_standard_library(text in "[-+]?[0-9]{0,20}\\.?[0-9]{0,20}([eE][-+]?[0-9]{1,3})?") {
            let expected = text.parse::<f64>().ok();
            prop_assert_eq!(float(text.as_bytes()).map(f64::to_bits), expected.map(f64::to_bits));
        }
    }
}
