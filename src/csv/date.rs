//! Days and timestamps in the forms of the service.

use super::{
    cells::Cell,
    number::{ABOVE_NINE, ZEROS},
    schema::TimestampFormat,
};

const WEEKDAYS: [&[u8]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
const MONTHS: [&[u8]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

const SECOND: i64 = 1_000_000;

/// Days since 1970-01-01 of `05/13/2024`.
#[inline(always)]
pub(super) fn mm_dd_yyyy(cell: Cell<'_>) -> Option<i32> {
    parted(cell, b'/').and_then(|(month, day, year)| days(year, month, day))
}

/// Of `13/05/2024`.
#[inline(always)]
pub(super) fn dd_mm_yyyy_slash(cell: Cell<'_>) -> Option<i32> {
    parted(cell, b'/').and_then(|(day, month, year)| days(year, month, day))
}

/// Of `13-05-2024`.
#[inline(always)]
pub(super) fn dd_mm_yyyy_dash(cell: Cell<'_>) -> Option<i32> {
    parted(cell, b'-').and_then(|(day, month, year)| days(year, month, day))
}

/// Of `2024-05-13`.
#[inline(always)]
pub(super) fn yyyy_mm_dd(cell: Cell<'_>) -> Option<i32> {
    if cell.len() == 10 { iso(cell) } else { None }
}

/// Microseconds since 1970-01-01 of a timestamp without a time zone.
#[inline(always)]
pub(super) fn civil(cell: Cell<'_>) -> Option<i64> {
    timestamp(cell, TimestampFormat::Civil)
}

/// Of one with a time zone.
#[inline(always)]
pub(super) fn utc(cell: Cell<'_>) -> Option<i64> {
    timestamp(cell, TimestampFormat::Utc)
}

/// Microseconds since 1970-01-01 of a timestamp written in `format`.
#[inline(always)]
fn timestamp(cell: Cell<'_>, format: TimestampFormat) -> Option<i64> {
    const TIME: usize = 11;
    const REST: usize = 19;
    if cell.len() < REST || !matches!(cell.from(TIME - 1).first(), b' ' | b'T') {
        return None;
    }
    let (hour, minute, second) = triple(cell.word(TIME), b':')?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = i64::from(iso(cell)?) * 86_400 + i64::from(hour * 3600 + minute * 60 + second);
    if cell.len() == REST && format == TimestampFormat::Civil {
        return Some(seconds * SECOND);
    }
    let (fraction, zone) = fraction(cell.from(REST).bytes())?;
    let offset = match (format, zone) {
        (TimestampFormat::Civil, []) | (TimestampFormat::Utc, [b'Z']) => 0,
        (TimestampFormat::Utc, [sign @ (b'+' | b'-'), h, hh, b':', m, mm]) => {
            let (hour, minute) = (two(*h, *hh)?, two(*m, *mm)?);
            if hour > 23 || minute > 59 {
                return None;
            }
            let offset = i64::from(hour * 3600 + minute * 60);
            if *sign == b'+' { offset } else { -offset }
        }
        _ => return None,
    };
    Some((seconds - offset) * SECOND + fraction)
}

/// Days since 1970-01-01 of `5/13/24`.
pub(super) fn m_d_yy(cell: Cell<'_>) -> Option<i32> {
    let (month, rest) = one_or_two(cell.bytes())?;
    let (day, rest) = one_or_two(rest.strip_prefix(b"/")?)?;
    let [b'/', y, yy] = rest else { return None };
    let year = two(*y, *yy)?;
    days(year + if year < 50 { 2000 } else { 1900 }, month, day)
}

/// Of `Mon, May 13, 2024`.
pub(super) fn long(cell: Cell<'_>) -> Option<i32> {
    let (weekday, rest) = cell.bytes().split_at_checked(3)?;
    let weekday = WEEKDAYS.iter().position(|name| *name == weekday)?;
    let (month, rest) = rest.strip_prefix(b", ")?.split_at_checked(3)?;
    let month = MONTHS.iter().position(|name| *name == month)?;
    let (day, rest) = one_or_two(rest.strip_prefix(b" ")?)?;
    let [y, yy, yyy, yyyy] = rest.strip_prefix(b", ")? else { return None };
    let days = days(two(*y, *yy)? * 100 + two(*yyy, *yyyy)?, month as u32 + 1, day)?;
    // 1970-01-01 was a Thursday.
    ((days + 3).rem_euclid(7) as usize == weekday).then_some(days)
}

/// The three numbers of `05/13/2024`.
#[inline(always)]
fn parted(cell: Cell<'_>, separator: u8) -> Option<(u32, u32, u32)> {
    if cell.len() != 10 {
        return None;
    }
    let (first, second, century) = triple(cell.word(0), separator)?;
    Some((first, second, century * 100 + pair(cell.word(8))?))
}

/// The days of a cell that begins with `2024-05-13`.
#[inline(always)]
fn iso(cell: Cell<'_>) -> Option<i32> {
    // yyyy-mm- : the two halves of the year stand together, so that the word is shifted by one to look like others.
    let word = cell.word(0);
    let separated =
        word & 0xFFFF | (b'-' as u64) << 16 | (word & 0x0000_00FF_FFFF_0000) << 8 | (word >> 40 & 0xFFFF) << 48;
    if word >> 56 != u64::from(b'-') || word >> 32 & 0xFF != u64::from(b'-') {
        return None;
    }
    let (century, year, month) = triple(separated, b'-')?;
    days(century * 100 + year, month, pair(cell.word(8))?)
}

/// The three numbers of a word like `05/13/20`.
#[inline(always)]
fn triple(word: u64, separator: u8) -> Option<(u32, u32, u32)> {
    const DIGITS: u64 = 0xFFFF_00FF_FF00_FFFF;
    let separators = u64::from(separator) << 16 | u64::from(separator) << 40;
    let digits = word ^ (ZEROS & DIGITS | separators);
    // Nothing may be left of the separators, and no more than nine of the digits.
    let above = ABOVE_NINE & DIGITS | 0x0000_7F00_007F_0000;
    if (digits.wrapping_add(above) | digits) & 0x8080_8080_8080_8080 != 0 {
        return None;
    }
    let pairs = digits * 10 + (digits >> 8);
    Some(((pairs & 0xFF) as u32, (pairs >> 24 & 0xFF) as u32, (pairs >> 48 & 0xFF) as u32))
}

/// The number of two digits at the beginning of a word.
#[inline(always)]
fn pair(word: u64) -> Option<u32> {
    two(word as u8, (word >> 8) as u8)
}

/// Microseconds of a fraction like `.25`, if there is one, and what comes behind it.
fn fraction(rest: &[u8]) -> Option<(i64, &[u8])> {
    let Some(digits) = rest.strip_prefix(b".") else { return Some((0, rest)) };
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=6).contains(&count) {
        return None;
    }
    let value = digits[..count].iter().fold(0, |value, byte| value * 10 + i64::from(byte - b'0'));
    Some((value * 10i64.pow(6 - count as u32), &digits[count..]))
}

fn two(tens: u8, ones: u8) -> Option<u32> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens <= 9 && ones <= 9).then(|| u32::from(tens) * 10 + u32::from(ones))
}

fn one_or_two(cell: &[u8]) -> Option<(u32, &[u8])> {
    match cell {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9', rest @ ..] => Some((two(*tens, *ones)?, rest)),
        [ones @ b'0'..=b'9', rest @ ..] => Some((u32::from(ones - b'0'), rest)),
        _ => None,
    }
}

/// Days since 1970-01-01 of a date of the Gregorian calendar, years 1 to 9999.
#[inline(always)]
fn days(year: u32, month: u32, day: u32) -> Option<i32> {
    let index = year.wrapping_sub(NEAR) as usize;
    if index >= MONTH_STARTS.len() || month.wrapping_sub(1) > 11 {
        return far_days(year, month, day);
    }
    let start = MONTH_STARTS[index][month as usize - 1];
    (day.wrapping_sub(1) < start & 31).then(|| (start >> 5) as i32 - SHIFT + day as i32)
}

/// The first year of the table.
const NEAR: u32 = 1950;

/// What makes the table's days positive.
const SHIFT: i32 = 10_000;

/// For the months of the years from [`NEAR`] on: the days since 1970-01-01 before them, shifted, and their length.
static MONTH_STARTS: [[u32; 12]; 150] = {
    let mut all = [[0; 12]; 150];
    let mut index = 0;
    while index < 12 * 150 {
        let (year, month) = (NEAR + index as u32 / 12, index as u32 % 12 + 1);
        let start = civil_days(year, month, 1) - 1 + SHIFT;
        all[index / 12][index % 12] = (start as u32) << 5 | length(year, month);
        index += 1;
    }
    all
};

#[inline(never)]
fn far_days(year: u32, month: u32, day: u32) -> Option<i32> {
    if year == 0 || month.wrapping_sub(1) > 11 || day.wrapping_sub(1) >= length(year, month) {
        return None;
    }
    Some(civil_days(year, month, day))
}

const fn length(year: u32, month: u32) -> u32 {
    const LENGTHS: [u32; 13] = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    LENGTHS[month as usize] + (leap && month == 2) as u32
}

const fn civil_days(year: u32, month: u32, day: u32) -> i32 {
    // Years that begin with March, so that the leap day is the last of its year.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let before = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    before as i32 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::csv::scan::PAD;

    /// Calls `read` with the text as a cell that digits come behind.
    fn with<T>(text: &str, read: impl Fn(Cell<'_>) -> T) -> T {
        let padded = format!("{text}{}", "1".repeat(PAD));
        read(Cell::of(padded.as_bytes(), text.len()))
    }

    #[test]
    fn the_calendar_is_that_of_jiff() {
        let mut date = jiff::civil::date(1, 1, 1);
        let epoch = jiff::civil::date(1970, 1, 1);
        while let Ok(next) = date.checked_add(jiff::Span::new().days(13)) {
            let expected = epoch.until(date).unwrap().get_days();
            let (year, month, day) = (date.year() as u32, date.month() as u32, date.day() as u32);
            assert_eq!(days(year, month, day), Some(expected), "{date}");
            date = next;
        }
        for year in [1900, 2000, 2023, 2024, 2100] {
            for month in 0..14 {
                for day in 0..33 {
                    let valid = jiff::civil::Date::new(year as i16, month as i8, day as i8).is_ok();
                    assert_eq!(days(year, month, day).is_some(), valid, "{year}-{month}-{day}");
                }
            }
        }
    }

    #[test]
    fn each_label_reads_its_own_form_only() {
        type Read = fn(Cell<'_>) -> Option<i32>;
        const DAY: Option<i32> = Some(19_856); // 2024-05-13, a Monday
        let cases: [(Read, &str, Option<i32>); 31] = [
            (mm_dd_yyyy, "05/13/2024", DAY),
            (mm_dd_yyyy, "13/05/2024", None),
            (mm_dd_yyyy, "5/13/2024", None),
            (mm_dd_yyyy, "05/13/24", None),
            (mm_dd_yyyy, "05-13-2024", None),
            (mm_dd_yyyy, "02/30/2024", None),
            (mm_dd_yyyy, "05/13/2024 ", None),
            (dd_mm_yyyy_slash, "13/05/2024", DAY),
            (dd_mm_yyyy_slash, "05/13/2024", None),
            (dd_mm_yyyy_dash, "13-05-2024", DAY),
            (dd_mm_yyyy_dash, "13/05/2024", None),
            (yyyy_mm_dd, "2024-05-13", DAY),
            (yyyy_mm_dd, "2024/05/13", None),
            (yyyy_mm_dd, "2024-05-1", None),
            (yyyy_mm_dd, "2024-05-131", None),
            (yyyy_mm_dd, "20241-5-13", None),
            (yyyy_mm_dd, "2024-0513-", None),
            (yyyy_mm_dd, "0000-01-01", None),
            (m_d_yy, "5/13/24", DAY),
            (m_d_yy, "05/13/24", DAY),
            (m_d_yy, "1/1/70", Some(0)),
            (m_d_yy, "12/31/49", Some(29_219)),
            (m_d_yy, "5/13/2024", None),
            (m_d_yy, "//24", None),
            (long, "Mon, May 13, 2024", DAY),
            (long, "Tue, May 13, 2024", None),
            (long, "Thu, Jan 1, 1970", Some(0)),
            (long, "mon, may 13, 2024", None),
            (long, "Mon, May 13 2024", None),
            (long, "Mon", None),
            (long, "", None),
        ];
        for (read, text, expected) in cases {
            assert_eq!(with(text, read), expected, "{text:?}");
        }
    }

    #[test]
    fn timestamps_keep_microseconds_and_become_utc() {
        use TimestampFormat::{Civil, Utc};
        const T: i64 = 1_715_588_100 * SECOND; // 2024-05-13T08:15:00Z
        let cases = [
            (Civil, "2024-05-13 08:15:00", Some(T)),
            (Civil, "2024-05-13T08:15:00.25", Some(T + 250_000)),
            (Civil, "2024-05-13T08:15:00.123456", Some(T + 123_456)),
            (Civil, "1969-12-31 23:59:59.999999", Some(-1)),
            (Civil, "2024-05-13 08:15:00.1234567", None),
            (Civil, "2024-05-13 08:15:00.", None),
            (Civil, "2024-05-13 24:00:00", None),
            (Civil, "2024-05-13 08:60:00", None),
            (Civil, "2024-05-13 08:15:60", None),
            (Civil, "2024-05-13T08:15:00Z", None),
            (Civil, "2024-05-13", None),
            (Civil, "\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}", None),
            (Utc, "2024-05-13T08:15:00Z", Some(T)),
            (Utc, "2024-05-13 10:15:00+02:00", Some(T)),
            (Utc, "2024-05-13 03:45:00-04:30", Some(T)),
            (Utc, "2024-05-13 08:15:00", None),
            (Utc, "2024-05-13 08:15:00+0200", None),
            (Utc, "2024-05-13 08:15:00+24:00", None),
        ];
        for (format, text, expected) in cases {
            assert_eq!(with(text, |cell| timestamp(cell, format)), expected, "{text:?}");
        }
    }
}
