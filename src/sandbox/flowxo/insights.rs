//! `GET insights`: overall figures and one row for each bucket.

use jiff::{
    SignedDuration, Span, Timestamp,
    civil::{Date, DateTime},
    tz::Offset,
};
use serde_json::{Map, Value, json};

use super::{
    Asked, JSON,
    data::{Data, Events},
    refused,
};
use crate::{
    clock::Clock as _,
    sandbox::{
        errors::Answer,
        options::{
            BadParameter, DateOnlyEnd, DefaultStart, DefaultUnit, EmptyBuckets, EmptyStats, EndBound, NaiveTimeZone,
            OverallUsers, TimestampShift,
        },
        reply::Reply,
    },
};

/// What a request is about: milliseconds since 1970, the end not included.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asking {
    pub(super) start: i64,
    pub(super) end: i64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Month,
    Day,
    Hour,
}

impl Unit {
    fn floor(self, local: DateTime) -> DateTime {
        match self {
            Self::Month => local.date().first_of_month().at(0, 0, 0, 0),
            Self::Day => local.date().at(0, 0, 0, 0),
            Self::Hour => local.date().at(local.hour(), 0, 0, 0),
        }
    }

    fn next(self, begin: DateTime) -> DateTime {
        let span = match self {
            Self::Month => Span::new().months(1),
            Self::Day => Span::new().days(1),
            Self::Hour => Span::new().hours(1),
        };
        begin.saturating_add(span)
    }
}

/// One bucket as it will be written.
struct Bucket {
    begin: DateTime,
    events: Events,
    active_users: i64,
    total_users: i64,
}

pub(super) fn answer(asked: &Asked) -> Answer {
    let options = asked.options();
    let offset = offset(asked)?;
    let unit = match asked.call.request.parameter("unit").as_deref() {
        Some("month") => Unit::Month,
        Some("day") => Unit::Day,
        Some("hour") => Unit::Hour,
        Some(_) if options.bad_unit == BadParameter::Refuse => return Err(refused(asked.call, "unit")),
        _ => match options.default_unit {
            DefaultUnit::Month => Unit::Month,
            DefaultUnit::Day => Unit::Day,
            DefaultUnit::Hour => Unit::Hour,
        },
    };
    let span = span(asked, offset)?;
    let data = asked.data();
    let buckets = buckets(asked, &data, span, unit, offset);
    let metrics: Vec<_> = buckets.iter().map(|bucket| written(asked, bucket, unit, offset)).collect();
    let body = json!({"stats": stats(asked, &buckets), "metrics": metrics});
    Ok(Reply::text(200, JSON, body.to_string()))
}

fn buckets(asked: &Asked, data: &Data, span: Asking, unit: Unit, offset: i64) -> Vec<Bucket> {
    let zero_fill = asked.options().empty_buckets == EmptyBuckets::ZeroFill;
    let mut buckets = Vec::new();
    let mut begin = unit.floor(local(span.start.max(data.begin()), offset));
    while instant(begin, offset) < span.end.min(data.end()) {
        let after = unit.next(begin);
        let (from, until) = (instant(begin, offset).max(span.start), instant(after, offset).min(span.end));
        let mut events = Events::default();
        data.slots(from, until).for_each(|(_, slot)| events.add(slot));
        if zero_fill || !events.is_nothing() {
            let (active_users, total_users) = (data.active_users(until), data.total_users(until));
            buckets.push(Bucket { begin, events, active_users, total_users });
        }
        begin = after;
    }
    buckets
}

fn stats(asked: &Asked, buckets: &[Bucket]) -> Value {
    let options = asked.options();
    let mut events = Events::default();
    buckets.iter().for_each(|bucket| events.add(bucket.events));
    if events.is_nothing() {
        return match options.empty_stats {
            EmptyStats::Empty => json!([]),
            EmptyStats::Zeros => json!([counters(asked, json!({"_id": null}), events, 0, 0)]),
        };
    }
    let users = |of: fn(&Bucket) -> i64| match options.overall_users {
        OverallUsers::LastBucket => buckets.last().map_or(0, of),
        OverallUsers::Maximum => buckets.iter().map(of).max().unwrap_or(0),
    };
    let (active, total) = (users(|bucket| bucket.active_users), users(|bucket| bucket.total_users));
    json!([counters(asked, json!({"_id": null}), events, active, total)])
}

fn written(asked: &Asked, bucket: &Bucket, unit: Unit, offset: i64) -> Value {
    let options = asked.options();
    let format = match unit {
        Unit::Month => "%Y-%m",
        Unit::Day => &options.day_id_format,
        Unit::Hour => &options.hour_id_format,
    };
    let id = jiff::fmt::strtime::format(format, bucket.begin).unwrap_or_default();
    let stamp = match options.timestamp_shift {
        TimestampShift::UtcInstant => instant(bucket.begin, offset),
        TimestampShift::LocalAsUtc => instant(bucket.begin, 0),
    };
    let stamp = Timestamp::from_millisecond(stamp).unwrap_or_default();
    let head = json!({"_id": id, "_timestamp": format!("{stamp:.3}")});
    counters(asked, head, bucket.events, bucket.active_users, bucket.total_users)
}

fn counters(asked: &Asked, head: Value, events: Events, active: i64, total: i64) -> Value {
    let mut row = match head {
        Value::Object(row) => row,
        _ => Map::new(),
    };
    for (name, value) in [
        ("active_users", active),
        ("total_users", total),
        ("new_users", events.new_users),
        ("triggers", events.triggers),
        ("received_messages", events.received),
        ("sent_messages", events.sent),
    ] {
        row.insert(name.to_owned(), value.into());
    }
    if asked.options().unknown_fields {
        row.insert("sandbox_extra".to_owned(), json!({"n": events.sent}));
    }
    Value::Object(row)
}

/// Minutes east of UTC.
fn offset(asked: &Asked) -> Result<i64, Box<Reply>> {
    let Some(text) = asked.call.request.parameter("offset") else { return Ok(0) };
    match text.parse() {
        Ok(minutes @ -840..=840) => Ok(minutes),
        _ if asked.options().bad_offset == BadParameter::Ignore => Ok(0),
        _ => Err(refused(asked.call, "offset")),
    }
}

/// The range of a request, in the zone of `offset`.
pub(super) fn span(asked: &Asked, offset: i64) -> Result<Asking, Box<Reply>> {
    let options = asked.options();
    let now = asked.call.world.clock.timestamp().as_millisecond();
    let end = match edge(asked, "end", offset)? {
        Some(end) if options.end_bound == EndBound::Inclusive => end + 1,
        Some(end) => end,
        None => now,
    };
    let start = match edge(asked, "start", offset)? {
        Some(start) => start,
        None => match options.default_start {
            DefaultStart::ThirtyDays => end - 30 * 86_400_000,
            DefaultStart::AllTime => asked.data().begin(),
            DefaultStart::MonthStart => instant(Unit::Month.floor(local(end, offset)), offset),
        },
    };
    Ok(Asking { start, end })
}

fn edge(asked: &Asked, name: &str, offset: i64) -> Result<Option<i64>, Box<Reply>> {
    let options = asked.options();
    let Some(text) = asked.call.request.parameter(name) else { return Ok(None) };
    let zone = match options.naive_time_zone {
        NaiveTimeZone::Offset => offset,
        NaiveTimeZone::Utc => 0,
    };
    // `Date` alone would take the day of a date with a time as well.
    let day = (text.len() == 10).then(|| text.parse::<Date>().ok()).flatten();
    let found = match (day, text.parse::<Timestamp>(), text.parse::<DateTime>()) {
        (Some(day), ..) if name == "end" && options.date_only_end == DateOnlyEnd::EndOfDay => {
            Some(instant(day.at(0, 0, 0, 0), zone) + 86_400_000)
        }
        (Some(day), ..) => Some(instant(day.at(0, 0, 0, 0), zone)),
        (None, Ok(at), _) => Some(at.as_millisecond()),
        (None, _, Ok(time)) => Some(instant(time, zone)),
        _ => None,
    };
    match found {
        None if options.bad_date == BadParameter::Refuse => Err(refused(asked.call, name)),
        found => Ok(found),
    }
}

fn local(millis: i64, offset: i64) -> DateTime {
    let shifted = Timestamp::from_millisecond(millis).unwrap_or_default() + SignedDuration::from_mins(offset);
    Offset::UTC.to_datetime(shifted)
}

fn instant(local: DateTime, offset: i64) -> i64 {
    Offset::UTC.to_timestamp(local).map_or(0, |at| at.as_millisecond() - offset * 60_000)
}
