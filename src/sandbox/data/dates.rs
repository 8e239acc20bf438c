//! Dates and times as the labels write them.

use std::io::Write as _;

use jiff::{
    Unit,
    civil::{Date, Weekday},
};

use crate::sandbox::options::TimeFormat;

/// The date so many days later.
pub(crate) fn plus(date: Date, days: i64) -> Date {
    date.saturating_add(jiff::Span::new().days(days))
}

/// The date so many months later.
pub(crate) fn months_later(date: Date, months: i64) -> Date {
    date.saturating_add(jiff::Span::new().months(months))
}

/// Days from one date to another.
pub(crate) fn between(from: Date, to: Date) -> i64 {
    // Days between dates of this calendar always fit.
    from.until((Unit::Day, to)).map_or(0, |span| span.get_days().into())
}

/// The last `first` on or before the date.
pub(crate) fn week_start(date: Date, first: Weekday) -> Date {
    plus(date, -i64::from(first.until(date.weekday())))
}

/// 1 to 4.
pub(crate) fn quarter(date: Date) -> i8 {
    (date.month() - 1) / 3 + 1
}

/// The week that begins on this day, such as `W1/2010`. A week belongs to the year in which it ends (weeks from
/// Sunday), or as in ISO 8601 (weeks from Monday).
pub(crate) fn week_number(first: Date, iso: bool, out: &mut Vec<u8>) {
    let (week, year) = if iso {
        let week = first.iso_week_date();
        (i64::from(week.week()), week.year())
    } else {
        let last = plus(first, 6);
        (i64::from(last.day_of_year() - 1) / 7 + 1, last.year())
    };
    // Writing into memory doesn't fail.
    let _ = write!(out, "W{week}/{year}");
}

/// By a pattern of `strftime`.
pub(crate) fn put(date: Date, pattern: &str, out: &mut Vec<u8>) {
    let _ = write!(out, "{}", date.strftime(pattern));
}

/// 12/31/2023
pub(crate) fn us(date: Date, out: &mut Vec<u8>) {
    two(date.month().unsigned_abs().into(), out);
    out.push(b'/');
    two(date.day().unsigned_abs().into(), out);
    out.push(b'/');
    four(date, out);
}

/// 2023-12-31
pub(crate) fn iso(date: Date, out: &mut Vec<u8>) {
    four(date, out);
    out.push(b'-');
    two(date.month().unsigned_abs().into(), out);
    out.push(b'-');
    two(date.day().unsigned_abs().into(), out);
}

/// 31/12/2023
pub(crate) fn eu(date: Date, separator: u8, out: &mut Vec<u8>) {
    two(date.day().unsigned_abs().into(), out);
    out.push(separator);
    two(date.month().unsigned_abs().into(), out);
    out.push(separator);
    four(date, out);
}

/// A second of the day.
pub(crate) fn time(second: u64, format: TimeFormat, out: &mut Vec<u8>) {
    let hour = second / 3600;
    two(if format == TimeFormat::TwelveHours { (hour + 11) % 12 + 1 } else { hour }, out);
    out.push(b':');
    two(second / 60 % 60, out);
    if format != TimeFormat::Minutes {
        out.push(b':');
        two(second % 60, out);
    }
    if format == TimeFormat::TwelveHours {
        out.extend_from_slice(if hour < 12 { b" AM" } else { b" PM" });
    }
}

/// A quarter of an hour by its beginning: 08:15
pub(crate) fn interval(number: u64, out: &mut Vec<u8>) {
    time(number * 900, TimeFormat::Minutes, out);
}

fn four(date: Date, out: &mut Vec<u8>) {
    let year = u64::from(date.year().unsigned_abs());
    two(year / 100, out);
    two(year % 100, out);
}

fn two(number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(&[b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn weeks_have_their_numbers() {
        for (first, iso, expected) in [
            (Date::constant(2010, 1, 3), false, "W2/2010"),
            (Date::constant(2009, 12, 27), false, "W1/2010"),
            (Date::constant(2023, 12, 31), false, "W1/2024"),
            (Date::constant(2024, 1, 1), true, "W1/2024"),
            (Date::constant(2020, 12, 28), true, "W53/2020"),
        ] {
            assert_eq!(text(|out| week_number(first, iso, out)), expected, "{first}");
        }
        assert_eq!(week_start(Date::constant(2024, 5, 15), Weekday::Sunday), Date::constant(2024, 5, 12));
        assert_eq!(week_start(Date::constant(2024, 5, 12), Weekday::Sunday), Date::constant(2024, 5, 12));
        assert_eq!(week_start(Date::constant(2024, 5, 12), Weekday::Monday), Date::constant(2024, 5, 6));
    }

    #[test]
    fn times_follow_their_format() {
        for (second, format, expected) in [
            (0, TimeFormat::TwelveHours, "12:00:00 AM"),
            (50_709, TimeFormat::TwelveHours, "02:05:09 PM"),
            (50_709, TimeFormat::Seconds, "14:05:09"),
            (50_709, TimeFormat::Minutes, "14:05"),
        ] {
            assert_eq!(text(|out| time(second, format, out)), expected);
        }
    }
}
