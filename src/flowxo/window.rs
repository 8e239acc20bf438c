//! From a range of local days to the requests that cover it, and from their buckets back to local days.
//!
//! Much about time is not established on this wire: whether `end` is included, in which zone a time without one is
//! read, whether `_timestamp` is shifted by `offset`. Whole buckets don't depend on it:
//!
//! - `start` and `end` are always sent as full UTC instants, with `Z`.
//! - A bucket that begins at or after the end of its request is left out: a service that includes `end` sends one.
//!   Where `end` cuts a bucket, in `stats` and in the top lists, what happened at the very instant of `end` can't be told
//!   apart: a service that includes `end` counts it there.
//! - The beginning of a bucket lies on a boundary of its unit in local time; which of the two readings of `_timestamp`
//!   puts it there decides how it is read. Hours are the same in all zones that differ by whole hours, so they are asked
//!   for in the zone nearest to UTC, where there is nothing to shift.
//! - An offset is one number for a whole request and can't follow daylight saving. A day or month within which it changes
//!   is asked for by the hour and added up; the days around it are asked for with their own offset.
//! - Of the future there is nothing to ask, and nothing to fill in.

use std::fmt;

use jiff::{
    SignedDuration, Span, Timestamp,
    civil::{Date, DateTime},
    tz::{Offset, TimeZone},
};

use crate::{
    error::{Error, Result},
    ids::shown,
};

/// The most buckets of one request: 32 days of hours, so that the longest month is one request; some 160 KB of JSON.
const BUCKETS: i64 = 768;

/// The most requests that one call may take: 80 years of hours.
const REQUESTS: usize = 1000;

/// How far the service's clock may be ahead of ours: what begins later than that has not happened there either.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// The length of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Calendar months.
    Month,
    /// Calendar days.
    Day,
    /// Hours.
    Hour,
}

impl Unit {
    /// Reads `month`, `day` or `hour`.
    ///
    /// # Errors
    /// `Config` for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "month" => Ok(Self::Month),
            "day" => Ok(Self::Day),
            "hour" => Ok(Self::Hour),
            other => Err(Error::config(format!("`unit` is `{}`; choose `month`, `day` or `hour`", shown(other)))),
        }
    }

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Day => "day",
            Self::Hour => "hour",
        }
    }

    /// The beginning of the bucket that a local time lies in.
    fn floor(self, local: DateTime) -> DateTime {
        match self {
            Self::Month => local.date().first_of_month().at(0, 0, 0, 0),
            Self::Day => local.date().at(0, 0, 0, 0),
            Self::Hour => local.date().at(local.hour(), 0, 0, 0),
        }
    }

    /// The beginning so many buckets later; none past the end of the calendar.
    fn later(self, begin: DateTime, buckets: i64) -> Option<DateTime> {
        let span = match self {
            Self::Month => Span::new().try_months(buckets),
            Self::Day => Span::new().try_days(buckets),
            Self::Hour => Span::new().try_hours(buckets),
        };
        begin.checked_add(span.ok()?).ok()
    }
}

/// Where days begin: a fixed offset from UTC, or a zone whose offset changes.
#[derive(Clone, Debug)]
pub struct Zone(TimeZone);

impl Zone {
    /// A fixed offset in minutes, positive east of Greenwich, as Flow XO counts it.
    ///
    /// # Errors
    /// `Config` for more than 14 hours either way.
    pub fn offset(minutes: i64) -> Result<Self> {
        let fits = i32::try_from(minutes).ok().filter(|minutes| (-840..=840).contains(minutes));
        let offset = fits.and_then(|minutes| Offset::from_seconds(minutes * 60).ok());
        offset.map(|offset| Self(TimeZone::fixed(offset))).ok_or_else(|| {
            Error::config(format!("`offset` is {minutes}; it is minutes east of UTC, from -840 to 840"))
                .hint("New York in winter is -300, Zurich in winter 60; `tz=\"Europe/Zurich\"` follows daylight saving")
        })
    }

    /// A zone of the IANA database, such as `Europe/Zurich`.
    ///
    /// # Errors
    /// `Config` for an unknown name, or a machine without the database.
    pub fn named(name: &str) -> Result<Self> {
        TimeZone::get(name).map(Self).map_err(|_| {
            Error::config(format!("`tz` is `{}`, which no time zone is called here", shown(name)))
                .hint("names are those of the IANA database, such as \"Europe/Zurich\"; the machine needs its `tzdata`")
        })
    }

    /// Minutes east of UTC at an instant.
    fn minutes(&self, at: Timestamp) -> Result<i64> {
        let seconds = i64::from(self.0.to_offset(at).seconds());
        if seconds % 60 == 0 {
            return Ok(seconds / 60);
        }
        Err(Error::config(format!(
            "at {at} the offset of `tz` is no whole number of minutes, which Flow XO can't express"
        )))
    }

    /// The instant of a local time; one that daylight saving skips is the instant after the gap.
    fn instant(&self, local: DateTime) -> Result<Timestamp> {
        self.0.to_timestamp(local).map_err(|_| Error::config(format!("`{local}` is too far away")))
    }

    /// The next change of the offset after `at`.
    fn change(&self, at: Timestamp) -> Option<Timestamp> {
        let before = self.0.to_offset(at);
        self.0.following(at).find(|transition| transition.offset() != before).map(|transition| transition.timestamp())
    }
}

/// One end of a range as a caller gives it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Edge {
    /// A whole day, local to the zone.
    Day(Date),
    /// An instant.
    Instant(Timestamp),
}

impl Edge {
    /// Reads an ISO date or an ISO time with its offset or `Z`; `name` is the argument's.
    ///
    /// # Errors
    /// `Config` for anything else, a time without a zone among it.
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        let wrong = |why: &str| {
            Error::config(format!("`{name}` is `{}`, which {why}", shown(text)))
                .hint("give a day such as \"2021-10-01\", or a time with its zone such as \"2021-10-01T08:00+02:00\"")
        };
        let is_day = text.len() == 10 && text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-';
        if is_day {
            return text.parse().map(Self::Day).map_err(|_| wrong("is no day"));
        }
        match (text.parse::<Timestamp>(), text.parse::<DateTime>()) {
            (Ok(instant), _) => Ok(Self::Instant(instant)),
            (Err(_), Ok(_)) => Err(wrong("has no time zone")),
            _ => Err(wrong("is neither a day nor a time")),
        }
    }
}

/// What is asked about, as instants.
#[derive(Clone, Debug)]
pub struct Range {
    /// The beginning, included; none leaves it to the service.
    pub start: Option<Timestamp>,
    /// The end, not included; none is now.
    pub end: Option<Timestamp>,
    zone: Zone,
}

impl Range {
    /// A range of days, both included, or of instants, the last one not included.
    ///
    /// # Errors
    /// `Config` for an end that isn't after the start.
    pub fn new(start: Option<Edge>, end: Option<Edge>, zone: Zone) -> Result<Self> {
        let midnight = |day: Date| zone.instant(day.at(0, 0, 0, 0));
        let start = start.map(|edge| match edge {
            Edge::Day(day) => midnight(day),
            Edge::Instant(instant) => Ok(instant),
        });
        let end = end.map(|edge| match edge {
            Edge::Day(day) => midnight(day.tomorrow().map_err(|_| Error::config("`end` is too far away"))?),
            Edge::Instant(instant) => Ok(instant),
        });
        let (start, end) = (start.transpose()?, end.transpose()?);
        if let (Some(start), Some(end)) = (start, end)
            && end <= start
        {
            return Err(Error::config(format!("`end` is not after `start`: {start} to {end}")));
        }
        Ok(Self { start, end, zone })
    }

    /// Whether all of it lies in the future, by whichever clock.
    pub(super) fn is_ahead(&self, now: Timestamp) -> bool {
        self.start.is_some_and(|start| start >= tomorrow(now))
    }

    /// The same range from a beginning that became known.
    pub(super) fn beginning(&self, start: Timestamp) -> Self {
        Self { start: Some(start), ..self.clone() }
    }
}

/// One request's share of a range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Piece {
    pub(super) start: Option<Timestamp>,
    pub(super) end: Option<Timestamp>,
    /// Minutes east of UTC.
    pub(super) offset: i64,
    /// What this request asks for: hours where a day or month has to be added up.
    pub(super) unit: Unit,
}

/// Past this there is nothing to ask.
fn tomorrow(now: Timestamp) -> Timestamp {
    now.checked_add(AHEAD).unwrap_or(Timestamp::MAX)
}

/// Cuts a range into requests: in order, disjoint, covering all of it but the future.
pub(super) fn pieces(range: &Range, unit: Unit, now: Timestamp) -> Result<Vec<Piece>> {
    let Some(start) = range.start else {
        let fixed = range.zone.0.to_fixed_offset().map_err(|_| {
            Error::config("`tz` needs a `start`: without one it can't be told which offsets the range has")
        })?;
        let offset = own_offset(unit, i64::from(fixed.seconds()) / 60);
        return Ok(vec![Piece { start: None, end: range.end, offset, unit }]);
    };
    if range.is_ahead(now) {
        return Ok(Vec::new());
    }
    let horizon = range.end.unwrap_or(now);
    let mut pieces = Vec::new();
    let mut at = start;
    loop {
        let piece = next(&range.zone, unit, at, horizon.max(at))?;
        at = piece.end.unwrap_or(horizon);
        pieces.push(piece);
        if at >= horizon.min(tomorrow(now)) {
            break;
        }
        if pieces.len() >= REQUESTS {
            return Err(Error::config(format!("the range takes more than {REQUESTS} requests"))
                .hint("ask for a shorter one, or for a longer `unit`"));
        }
    }
    if let Some(last) = pieces.last_mut().filter(|_| range.end.is_none()) {
        last.end = None;
    }
    Ok(pieces)
}

/// The offset to send: hours need only what is left of it beside whole hours.
fn own_offset(unit: Unit, minutes: i64) -> i64 {
    if unit == Unit::Hour { minutes.rem_euclid(60) } else { minutes }
}

/// The request that begins at `at`.
fn next(zone: &Zone, unit: Unit, at: Timestamp, horizon: Timestamp) -> Result<Piece> {
    let piece = |end: Timestamp, offset, unit| Piece { start: Some(at), end: Some(end.min(horizon)), offset, unit };
    let minutes = zone.minutes(at)?;
    if unit == Unit::Hour {
        let offset = own_offset(unit, minutes);
        let mut end = shifted(unit, at, offset, BUCKETS).unwrap_or(horizon);
        let mut changes = std::iter::successors(zone.change(at), |change| zone.change(*change));
        if let Some(change) = changes
            .by_ref()
            .take_while(|change| *change < end.min(horizon))
            .find(|change| zone.minutes(*change).is_ok_and(|minutes| own_offset(unit, minutes) != offset))
        {
            end = change;
        }
        return Ok(piece(end, offset, unit));
    }
    let begin = unit.floor(zone.0.to_datetime(at));
    let first = zone.instant(begin)?;
    let after = unit.later(begin, 1).map_or(Ok(horizon), |local| zone.instant(local))?;
    // Of a bucket that is asked for from its middle, only the rest matters.
    match zone.change(first.max(at)) {
        Some(change) if change < after && change < horizon => next(zone, Unit::Hour, at, after.min(horizon)),
        change => {
            let cut = unit.later(begin, BUCKETS).map_or(Ok(horizon), |local| zone.instant(local))?;
            let whole = match change {
                Some(change) if change < horizon => zone.instant(unit.floor(zone.0.to_datetime(change)))?,
                _ => horizon,
            };
            Ok(piece(cut.min(whole.max(after)), minutes, unit))
        }
    }
}

/// The boundary so many buckets after the one that `at` lies in, at a fixed offset.
fn shifted(unit: Unit, at: Timestamp, offset: i64, buckets: i64) -> Option<Timestamp> {
    let shift = SignedDuration::from_mins(offset);
    let local = local(at, offset);
    Offset::UTC.to_timestamp(unit.later(unit.floor(local), buckets)?).ok()?.checked_sub(shift).ok()
}

/// The clock on the wall at a fixed offset.
fn local(at: Timestamp, offset: i64) -> DateTime {
    Offset::UTC.to_datetime(at.checked_add(SignedDuration::from_mins(offset)).unwrap_or(at))
}

impl Piece {
    /// When a bucket of this request begins, whichever way its `_timestamp` was written; none for a bucket that begins
    /// after the request's end.
    pub(super) fn begin(&self, stamp: Timestamp) -> Option<Timestamp> {
        let on_boundary = |local: DateTime| self.unit.floor(local) == local;
        let written_as_local =
            self.offset != 0 && !on_boundary(local(stamp, self.offset)) && on_boundary(local(stamp, 0));
        let shift = SignedDuration::from_mins(if written_as_local { self.offset } else { 0 });
        let begin = stamp.checked_sub(shift).ok()?;
        self.end.is_none_or(|end| begin < end).then_some(begin)
    }

    /// The beginning of the bucket of `unit` that a bucket of this request belongs to.
    pub(super) fn owner(&self, range: &Range, unit: Unit, begin: Timestamp) -> Result<Timestamp> {
        match unit {
            Unit::Hour => Ok(begin),
            _ if self.unit == unit => range.zone.instant(unit.floor(local(begin, self.offset))),
            _ => range.zone.instant(unit.floor(range.zone.0.to_datetime(begin))),
        }
    }
}

/// The beginning of every bucket of a range up to now, whether or not there is anything in it.
pub(super) fn begins(range: &Range, unit: Unit, now: Timestamp) -> Result<Vec<Timestamp>> {
    let horizon = range.end.map_or(now, |end| end.min(now));
    let mut begins = Vec::new();
    for piece in pieces(range, unit, now)? {
        let (Some(start), end) = (piece.start, piece.end.map_or(horizon, |end| end.min(horizon))) else { continue };
        let mut begin = piece.unit.floor(local(start, piece.offset));
        loop {
            let Ok(at) = Offset::UTC.to_timestamp(begin) else { break };
            let at = at - SignedDuration::from_mins(piece.offset);
            if at >= end {
                break;
            }
            begins.push(piece.owner(range, unit, at)?);
            let Some(after) = piece.unit.later(begin, 1) else { break };
            begin = after;
        }
    }
    begins.sort_unstable();
    begins.dedup();
    Ok(begins)
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests;
