//! The filters of an execution: which days, and which elements, its rows may have.

use std::{collections::HashSet, ops::Range};

use jiff::civil::Date;
use serde_json::Value;

use crate::sandbox::{
    data::{dates, model::Domain},
    errors,
    metadata::{Space, catalog::Kind, object_id},
    options::{BadFilter, IntervalBounds},
    reply::Reply,
    router::Call,
};

/// What the filters leave.
#[derive(Debug)]
pub(super) struct Filtered {
    /// The days, in order, neighbours joined.
    pub(super) days: Vec<Range<u64>>,
    /// Attributes whose element has to be among these.
    pub(super) among: Vec<(Domain, HashSet<u64>)>,
}

/// What one filter asks for.
enum Constraint {
    All,
    /// Days from one date to another, both included.
    Days(Date, Date),
    Elements(Domain, HashSet<u64>),
}

/// Applies the filters, one after the other.
pub(super) fn apply(call: &Call, space: &Space, filters: &[Value]) -> Result<Filtered, Box<Reply>> {
    let model = &call.world.model;
    let mut days: Vec<u64> = (0..model.days).collect();
    let mut among = Vec::new();
    for filter in filters {
        match constraint(call, space, filter) {
            Ok(Constraint::All) => {}
            Ok(Constraint::Days(from, to)) => days.retain(|day| (from..=to).contains(&model.date(*day))),
            Ok(Constraint::Elements(domain, elements)) if domain.is_calendar() => {
                days.retain(|day| elements.contains(&model.element_of_day(domain, *day)));
            }
            Ok(Constraint::Elements(domain, elements)) => among.push((domain, elements)),
            Err(_) if call.world.options.bad_filter == BadFilter::Ignore => {}
            Err(reason) => return Err(errors::checked(call, "filters", &reason)),
        }
    }
    Ok(Filtered { days: joined(&days), among })
}

/// Days in order as ranges.
fn joined(days: &[u64]) -> Vec<Range<u64>> {
    days.chunk_by(|day, next| day + 1 == *next).map(|run| run[0]..run[0] + run.len() as u64).collect()
}

fn constraint(call: &Call, space: &Space, filter: &Value) -> Result<Constraint, String> {
    let world = call.world;
    let uri = filter.get("uri").and_then(Value::as_str).ok_or("STRUCTURE INVALID - a filter without a uri")?;
    let object = object_id(space.ws, uri).and_then(|id| world.catalog.by_local(space.number, id));
    let Some(Kind::Form { attribute, label, .. }) = object.map(|object| &object.kind) else {
        return Err(format!("FILTER INVALID - '{uri}' is no display form of this project"));
    };
    let domain = label.domain();
    let Some(constraint) = filter.get("constraint") else { return Ok(Constraint::All) };
    let kind = constraint.get("type").and_then(Value::as_str).unwrap_or_default();
    if matches!(kind, "interval" | "floating") && (!domain.is_calendar() || domain == Domain::Weekday) {
        return Err(format!("FILTER INVALID - '{kind}' needs a label of a date, not '{uri}'"));
    }
    match kind {
        "interval" => {
            let date = |name: &str| {
                let text = constraint.get(name).and_then(Value::as_str).unwrap_or_default();
                let strict = text.len() == 10;
                text.parse::<Date>().ok().filter(|_| strict).ok_or(format!("FILTER INVALID - '{name}' is '{text}'"))
            };
            let (from, mut to) = (date("from")?, date("to")?);
            if world.options.interval_bounds == IntervalBounds::HalfOpen {
                to = dates::plus(to, -1);
            }
            Ok(Constraint::Days(start_of(domain, from, 0), end_of(domain, to, 0)))
        }
        "floating" => {
            let steps = |name: &str| {
                let value = constraint.get(name).unwrap_or(&Value::Null);
                let number = value.as_i64().or_else(|| value.as_str()?.parse().ok());
                number.filter(|n| n.abs() < 100_000).ok_or(format!("FILTER INVALID - '{name}' is '{value}'"))
            };
            // Today lies beyond the data sooner or later; then the data's last day stands in for it.
            let last = world.model.date(world.model.days - 1);
            let today = world.today().clamp(world.model.start, last);
            let (from, to) = (steps("from")?, steps("to")?);
            Ok(Constraint::Days(start_of(domain, today, from), end_of(domain, today, to)))
        }
        "list" => {
            let uris = constraint.get("elements").and_then(Value::as_array);
            let uris = uris.ok_or("FILTER INVALID - 'list' without elements")?;
            let prefix = format!("{}/elements?id=", space.uri(*attribute));
            let element = |value: &Value| {
                let text = value.as_str().unwrap_or_default();
                let number = text.strip_prefix(&prefix).and_then(|id| id.parse::<u64>().ok()).filter(|id| *id > 0);
                number.map(|id| id - 1).ok_or(format!("FILTER INVALID - '{text}' is no element of '{uri}'"))
            };
            Ok(Constraint::Elements(domain, uris.iter().map(element).collect::<Result<_, _>>()?))
        }
        other => Err(format!("FILTER INVALID - type '{other}'")),
    }
}

/// The first day of what lies so many steps from the day, a step being a day, week, month, quarter or year.
fn start_of(domain: Domain, date: Date, steps: i64) -> Date {
    use jiff::civil::Weekday::{Monday, Sunday};
    let month = date.first_of_month();
    match domain {
        Domain::Week => dates::plus(dates::week_start(date, Sunday), 7 * steps),
        Domain::EuWeek => dates::plus(dates::week_start(date, Monday), 7 * steps),
        Domain::Month => dates::months_later(month, steps),
        Domain::Quarter => dates::months_later(month, 3 * steps - i64::from(month.month() - 1) % 3),
        Domain::Year => dates::months_later(date.first_of_year(), 12 * steps),
        _ => dates::plus(date, steps),
    }
}

/// The last day of the same.
fn end_of(domain: Domain, date: Date, steps: i64) -> Date {
    dates::plus(start_of(domain, start_of(domain, date, steps), 1), -1)
}
