//! From a range of days to the windows that cover it, on the calendar's own boundaries. Pure: no time zone is involved,
//! because the service filters by days of the workspace and never by instants.

use std::fmt;

use jiff::{ToSpan, civil::Date};
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    ids::shown,
};

/// How long a window is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Every {
    /// `1d`: a day each.
    Day,
    /// `1w`: weeks that begin on Monday, as in ISO 8601 and in polars.
    Week,
    /// `1mo`: calendar months.
    Month,
}

impl Every {
    /// Reads `1d`, `1w` or `1mo`.
    ///
    /// # Errors
    /// `Config` for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "1d" => Ok(Self::Day),
            "1w" => Ok(Self::Week),
            "1mo" => Ok(Self::Month),
            other => Err(Error::config(format!("`every` is `{}`, which is no length of a window", shown(other)))
                .hint("`1d` is a day each, `1w` weeks from Monday, `1mo` calendar months")),
        }
    }

    /// The word that [`Every::parse`] reads.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "1d",
            Self::Week => "1w",
            Self::Month => "1mo",
        }
    }

    /// The most days that a window has.
    pub fn most_days(self) -> u32 {
        match self {
            Self::Day => 1,
            Self::Week => 7,
            Self::Month => 31,
        }
    }

    /// The last day of the calendar unit that a day lies in; the calendar's own last day cuts it short.
    fn last(self, day: Date) -> Date {
        match self {
            Self::Day => day,
            Self::Week => day.saturating_add((6 - day.weekday().to_monday_zero_offset()).days()),
            Self::Month => day.last_of_month(),
        }
    }
}

impl fmt::Display for Every {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A range of days, both inclusive. In text it is `2024-01-01..2024-01-31`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Window {
    /// The first day.
    pub start: Date,
    /// The last day, itself included.
    pub end: Date,
}

impl Window {
    /// The number of days, at least one.
    pub fn days(self) -> u32 {
        u32::try_from(self.start.duration_until(self.end).as_hours() / 24).map_or(1, |nights| nights + 1)
    }

    /// Two windows that cover this one, the earlier first and the longer one if they differ; none for a single day.
    pub fn halves(self) -> Option<(Self, Self)> {
        let nights = self.days() - 1;
        if nights == 0 {
            return None;
        }
        let middle = self.start.saturating_add(i64::from(nights / 2).days());
        let after = middle.tomorrow().ok()?;
        Some((Self { start: self.start, end: middle }, Self { start: after, end: self.end }))
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

/// Cuts a range of days, both inclusive, at the boundaries of calendar units. The windows are disjoint, in order, and
/// cover the range; the first and the last are as short as the range makes them. One window without `every`, none when
/// `start` is after `end`.
pub fn cut(start: Date, end: Date, every: Option<Every>) -> Vec<Window> {
    let mut windows = Vec::new();
    let mut next = (start <= end).then_some(start);
    while let Some(start) = next {
        let last = every.map_or(end, |every| every.last(start).min(end));
        windows.push(Window { start, end: last });
        // The calendar ends with the year 9999.
        next = last.tomorrow().ok().filter(|next| *next <= end);
    }
    windows
}

#[cfg(test)]
mod tests {
    use jiff::civil::Weekday;
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn cuts(start: &str, end: &str, every: &str) -> Vec<String> {
        let every = (!every.is_empty()).then(|| Every::parse(every).unwrap());
        cut(day(start), day(end), every).iter().map(Window::to_string).collect()
    }

    #[test]
    fn windows_stand_on_the_boundaries_of_the_calendar() {
        let table: [(&str, &str, &str, &[&str]); 13] = [
            (
                "2024-02-28",
                "2024-03-01",
                "1d",
                &["2024-02-28..2024-02-28", "2024-02-29..2024-02-29", "2024-03-01..2024-03-01"],
            ),
            ("2023-02-28", "2023-03-01", "1d", &["2023-02-28..2023-02-28", "2023-03-01..2023-03-01"]),
            ("2024-05-05", "2024-05-05", "1d", &["2024-05-05..2024-05-05"]),
            // 2024-01-01 is a Monday.
            (
                "2023-12-31",
                "2024-01-09",
                "1w",
                &["2023-12-31..2023-12-31", "2024-01-01..2024-01-07", "2024-01-08..2024-01-09"],
            ),
            ("2024-01-01", "2024-01-07", "1w", &["2024-01-01..2024-01-07"]),
            ("2024-02-28", "2024-03-05", "1w", &["2024-02-28..2024-03-03", "2024-03-04..2024-03-05"]),
            (
                "2024-01-31",
                "2024-03-01",
                "1mo",
                &["2024-01-31..2024-01-31", "2024-02-01..2024-02-29", "2024-03-01..2024-03-01"],
            ),
            ("2100-02-01", "2100-03-31", "1mo", &["2100-02-01..2100-02-28", "2100-03-01..2100-03-31"]),
            ("2023-12-15", "2024-01-15", "1mo", &["2023-12-15..2023-12-31", "2024-01-01..2024-01-15"]),
            ("2024-01-10", "2024-03-20", "", &["2024-01-10..2024-03-20"]),
            ("2024-01-02", "2024-01-01", "1d", &[]),
            ("2024-01-02", "2024-01-01", "", &[]),
            // The end of the calendar.
            ("9999-12-30", "9999-12-31", "1w", &["9999-12-30..9999-12-31"]),
        ];
        for (start, end, every, windows) in table {
            assert_eq!(cuts(start, end, every), windows, "{start} {end} {every}");
        }
        assert_eq!(cut(day("2024-01-01"), day("2024-12-31"), Some(Every::Day)).len(), 366);
        assert_eq!(cut(Date::MIN, Date::MAX, None).len(), 1);
    }

    #[test]
    fn a_window_is_halved_down_to_a_day() {
        let halves = |start, end| Window { start: day(start), end: day(end) }.halves();
        let text = |start, end| halves(start, end).map(|(a, b)| format!("{a} {b}")).unwrap_or_default();
        assert_eq!(text("2024-02-29", "2024-02-29"), "");
        assert_eq!(text("2024-02-29", "2024-03-01"), "2024-02-29..2024-02-29 2024-03-01..2024-03-01");
        assert_eq!(text("2024-02-28", "2024-03-01"), "2024-02-28..2024-02-29 2024-03-01..2024-03-01");
        assert_eq!(text("2024-02-01", "2024-02-29"), "2024-02-01..2024-02-15 2024-02-16..2024-02-29");
    }

    #[test]
    fn the_length_of_a_window_is_one_of_three_words() {
        for word in ["1d", "1w", "1mo"] {
            assert_eq!(Every::parse(word).unwrap().to_string(), word);
        }
        for word in ["", "d", "2d", "1D", "1m", "1h", "1y", " 1d", "week"] {
            assert!(Every::parse(word).is_err(), "{word}");
        }
        insta::assert_snapshot!(Every::parse("2d").unwrap_err(), @r"
        `every` is `2d`, which is no length of a window
        hint: `1d` is a day each, `1w` weeks from Monday, `1mo` calendar months
        ");
    }

    fn any_every() -> impl Strategy<Value = Option<Every>> {
        prop_oneof![Just(None), Just(Some(Every::Day)), Just(Some(Every::Week)), Just(Some(Every::Month))]
    }

    proptest! {
        #[test]
        fn windows_are_disjoint_in_order_and_cover_the_range(
            from in 0i64..146_097, // 400 years: all there is of the calendar
            nights in 0i64..1_000,
            every in any_every(),
        ) {
            let start = day("1900-01-01").checked_add(from.days()).unwrap();
            let end = start.checked_add(nights.days()).unwrap();
            let windows = cut(start, end, every);
            prop_assert_eq!(windows.first().unwrap().start, start);
            prop_assert_eq!(windows.last().unwrap().end, end);
            prop_assert_eq!(windows.iter().map(|window| i64::from(window.days())).sum::<i64>(), nights + 1);
            for pair in windows.windows(2) {
                prop_assert_eq!(pair[0].end.tomorrow().unwrap(), pair[1].start);
                match every {
                    Some(Every::Week) => prop_assert_eq!(pair[1].start.weekday(), Weekday::Monday),
                    Some(Every::Month) => prop_assert_eq!(pair[1].start.day(), 1),
                    Some(Every::Day) => prop_assert_eq!(pair[0].days(), 1),
                    None => prop_assert!(false, "one window without `every`"),
                }
            }
            // No window reaches over a boundary within itself.
            for window in &windows {
                prop_assert!(window.start <= window.end);
                if let Some(every) = every {
                    prop_assert_eq!(every.last(window.start), every.last(window.end));
                }
            }
        }

        #[test]
        fn halves_are_disjoint_and_cover_the_window(from in 0i64..146_097, nights in 0i64..1_000) {
            let start = day("1900-01-01").checked_add(from.days()).unwrap();
            let window = Window { start, end: start.checked_add(nights.days()).unwrap() };
            match window.halves() {
                None => prop_assert_eq!(window.days(), 1),
                Some((first, second)) => {
                    prop_assert_eq!(first.start, window.start);
                    prop_assert_eq!(first.end.tomorrow().unwrap(), second.start);
                    prop_assert_eq!(second.end, window.end);
                    prop_assert!(first.days() == second.days() || first.days() == second.days() + 1);
                }
            }
        }
    }
}
