//! The size and shape of the contact centre: its days, its rows a day, and the elements of each attribute.

use jiff::civil::{Date, Weekday};

use super::{dates, names};
use crate::sandbox::{
    options::{Options, TimeFormat},
    random::mix,
};

/// What an attribute ranges over. Elements are counted from 0; a day-like one begins with the first day of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Domain {
    Day,
    Week,
    EuWeek,
    Month,
    Quarter,
    Year,
    Weekday,
    /// Seconds of a day.
    Time,
    /// Quarters of an hour.
    Interval,
    Queue,
    Channel,
    Direction,
    Kind,
    Abandoned,
    Phase,
    Team,
    Agent,
    Customer,
    Conversation,
    Segment,
    Content,
    FirstAttribute,
    SecondAttribute,
    FirstLabel,
    TeamCode,
    Remark,
}

impl Domain {
    /// Whether its elements are days or sets of days.
    pub(crate) fn is_calendar(self) -> bool {
        self <= Self::Weekday
    }
}

/// The contact centre.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) seed: u64,
    /// First day of the data.
    pub(crate) start: Date,
    /// How many days there are.
    pub(crate) days: u64,
    pub(crate) time_format: TimeFormat,
    rows: Option<u64>,
    rows_per_day: u64,
}

impl Model {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            seed: options.seed,
            start: options.data_start,
            days: dates::between(options.data_start, options.data_end).unsigned_abs() + 1,
            time_format: options.time_attribute_format,
            rows: options.rows,
            rows_per_day: options.rows_per_day.into(),
        }
    }

    /// Rows of a tabular report before this day.
    pub(crate) fn rows_before(&self, day: u64) -> u64 {
        match self.rows {
            Some(total) => (u128::from(total) * u128::from(day) / u128::from(self.days)) as u64,
            None => self.rows_per_day * day,
        }
    }

    /// Rows of a tabular report on this day.
    pub(crate) fn rows_on(&self, day: u64) -> u64 {
        self.rows_before(day + 1) - self.rows_before(day)
    }

    /// The most rows that a day has.
    fn rows_a_day(&self) -> u64 {
        self.rows.map_or(self.rows_per_day, |total| total.div_ceil(self.days))
    }

    /// The date of a day.
    pub(crate) fn date(&self, day: u64) -> Date {
        dates::plus(self.start, day.cast_signed())
    }

    /// How many elements there are.
    pub(crate) fn count(&self, domain: Domain) -> u64 {
        match domain {
            Domain::Day => self.days,
            Domain::Weekday => 7,
            calendar if calendar.is_calendar() => self.element_of_day(calendar, self.days - 1) + 1,
            Domain::Time => 86_400,
            Domain::Interval => 96,
            // A queue has at most 480 rows a day: 96 intervals in 5 combinations of channel and direction.
            Domain::Queue => self.rows_a_day().div_ceil(480).max(names::QUEUES.len() as u64),
            Domain::Channel => names::CHANNELS.len() as u64,
            Domain::Direction => names::DIRECTIONS.len() as u64,
            Domain::Kind => names::KINDS.len() as u64,
            Domain::Abandoned => names::ABANDONED.len() as u64,
            Domain::Phase => names::PHASES.len() as u64,
            Domain::Team => names::TEAMS.len() as u64,
            // Every agent has at most one row a day.
            Domain::Agent => self.rows_a_day().max(48),
            Domain::Customer => 50_000,
            Domain::Conversation => self.rows_before(self.days).div_ceil(2),
            Domain::Segment => self.rows_before(self.days),
            Domain::Content => names::CONTENTS.len() as u64,
            Domain::FirstAttribute => names::CAMPAIGNS.len() as u64,
            Domain::SecondAttribute => names::CASES.len() as u64,
            Domain::FirstLabel => names::TAGS.len() as u64,
            Domain::TeamCode => names::CODES.len() as u64,
            _ => names::REMARKS.len() as u64,
        }
    }

    /// The element of a day-like domain to which a day belongs.
    pub(crate) fn element_of_day(&self, domain: Domain, day: u64) -> u64 {
        let date = self.date(day);
        let months = |date: Date| i64::from(date.year()) * 12 + i64::from(date.month()) - 1;
        let since = match domain {
            Domain::Week => dates::between(self.first_day(domain, 0), date) / 7,
            Domain::EuWeek => dates::between(self.first_day(domain, 0), date) / 7,
            Domain::Month => months(date) - months(self.start),
            Domain::Quarter => months(date) / 3 - months(self.start) / 3,
            Domain::Year => i64::from(date.year()) - i64::from(self.start.year()),
            Domain::Weekday => i64::from(date.weekday().to_sunday_zero_offset()),
            _ => day.cast_signed(),
        };
        since.unsigned_abs()
    }

    /// The first day of an element of a day-like domain; it may lie before the data.
    pub(crate) fn first_day(&self, domain: Domain, element: u64) -> Date {
        let element = element.cast_signed();
        match domain {
            Domain::Week => dates::plus(dates::week_start(self.start, Weekday::Sunday), 7 * element),
            Domain::EuWeek => dates::plus(dates::week_start(self.start, Weekday::Monday), 7 * element),
            Domain::Month => dates::months_later(self.start.first_of_month(), element),
            Domain::Quarter => {
                let into = i64::from(self.start.month() - 1) % 3;
                dates::months_later(self.start.first_of_month(), 3 * element - into)
            }
            Domain::Year => dates::months_later(self.start.first_of_year(), 12 * element),
            _ => dates::plus(self.start, element),
        }
    }
}

/// A row: its address, and what its values are drawn from.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    pub(crate) day: &'a Day,
    /// Its number on the day.
    pub(crate) index: u64,
    /// Its number in the whole report.
    pub(crate) global: u64,
    /// What its attributes are drawn from.
    pub(crate) keys: u64,
    /// What its metrics are drawn from; differs between editions.
    pub(crate) values: u64,
}

impl<'a> Row<'a> {
    /// The row with this number on a day.
    pub(crate) fn new(model: &Model, day: &'a Day, index: u64, edition: u64) -> Self {
        let global = day.rows_before + index;
        let keys = mix(model.seed, (day.index << 40) | index);
        Self { day, index, global, keys, values: keys ^ edition.wrapping_mul(0x9e37_79b9_7f4a_7c15) }
    }

    /// What an attribute that the report doesn't show has in this row: it decides whether a filter lets it pass.
    pub(crate) fn hidden(&self, model: &Model, domain: Domain) -> u64 {
        mix(self.keys, domain as u64) % model.count(domain).max(1)
    }
}

/// A day, with what all its rows share.
#[derive(Debug)]
pub(crate) struct Day {
    pub(crate) index: u64,
    pub(crate) rows: u64,
    pub(crate) rows_before: u64,
    /// The cell of the report's own date label.
    pub(crate) cell: Vec<u8>,
}
