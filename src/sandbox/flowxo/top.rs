//! `GET insights/top_messages`, `insights/top_flows` and `workflows/simple`.

use serde_json::{Value, json};

use super::{Asked, JSON, insights::span, refused};
use crate::sandbox::{
    errors::Answer,
    options::{BadParameter, TieOrder},
    random::Draws,
    reply::Reply,
};

/// What users write, and of a thousand messages how many are this one.
const MESSAGES: [(&str, i64); 12] = [
    ("hi", 160),
    ("text me", 120),
    ("/start", 90),
    ("Öffnungszeiten?", 60),
    ("talk to a human", 60),
    ("where is my order", 55),
    ("thanks 👍", 40),
    ("stop", 30),
    ("convert a timestamp", 30),
    ("a \"quoted\", \\ odd one", 20),
    ("help", 20),
    ("menu", 5),
];

/// Id, name, whether it is active, and of a thousand runs how many are this one's. The first is a broadcast.
const FLOWS: [(&str, &str, bool, i64); 9] = [
    ("616f1b6a1680ec001b9a4579", "Untitled Broadcast", true, 300),
    ("5e4078ccbf034a59fd0b611d", "Text Me", true, 220),
    ("615119f48188d75b1dd62763", "Untitled Flow", true, 120),
    ("6104229e5fd0b00021b5e807", "Deep Linking (b64 url)", true, 80),
    ("5e2e18a38575b0006eb996c5", "Parse a Unix Timestamp", false, 80),
    ("5e2e18a38575b0006eb996c6", "Rückruf", true, 60),
    ("5e2e18a38575b0006eb996c7", "Welcome", true, 60),
    ("5e2e18a38575b0006eb996c8", "Opening Hours", true, 60),
    ("5e2e18a38575b0006eb996c9", "Retired", false, 20),
];

pub(super) fn messages(asked: &Asked) -> Answer {
    let of = received(asked)?.1;
    let rows = MESSAGES.iter().map(|(text, share)| (json!(text), of * share / 1000));
    rows_of(asked, rows.collect())
}

pub(super) fn flows(asked: &Asked) -> Answer {
    let of = received(asked)?.0;
    let rows = FLOWS.iter().map(|(id, name, _, share)| (json!({"id": id, "name": name}), of * share / 1000));
    rows_of(asked, rows.collect())
}

pub(super) fn workflows(_: &Asked) -> Reply {
    let flows: Vec<_> =
        FLOWS.iter().map(|(id, name, active, _)| json!({"_id": id, "name": name, "active": active})).collect();
    Reply::text(200, JSON, Value::Array(flows).to_string())
}

/// Triggers and messages received in the range.
fn received(asked: &Asked) -> Result<(i64, i64), Box<Reply>> {
    let span = span(asked, 0)?;
    let data = asked.data();
    Ok(data
        .slots(span.start, span.end)
        .fold((0, 0), |(triggers, received), (_, slot)| (triggers + slot.triggers, received + slot.received)))
}

fn rows_of(asked: &Asked, mut rows: Vec<(Value, i64)>) -> Answer {
    let options = asked.options();
    let limit = match asked.call.request.parameter("limit").map(|text| text.parse::<u32>()) {
        Some(Ok(limit @ 1..)) => limit.min(options.max_limit),
        // Nothing tells what a bad limit does; it goes the way of a bad unit.
        Some(_) if options.bad_unit == BadParameter::Refuse => return Err(refused(asked.call, "limit")),
        _ => options.default_limit,
    };
    rows.retain(|(_, count)| *count > 0);
    if options.tie_order == TieOrder::Shuffled {
        let mut draws = Draws(asked.call.world.random.number());
        for at in (1..rows.len()).rev() {
            rows.swap(at, draws.below(at as u64 + 1) as usize);
        }
    }
    rows.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    rows.truncate(limit as usize);
    let rows: Vec<_> = rows.into_iter().map(|(id, count)| json!({"_id": id, "count": count})).collect();
    Ok(Reply::text(200, JSON, Value::Array(rows).to_string()))
}
