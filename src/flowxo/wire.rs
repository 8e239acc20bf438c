//! The JSON as it travels.
//!
//! Counters may be missing or null, rows may have fields that nobody knows yet; neither is fatal. A counter that is no
//! whole number is.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor},
};
use serde_json::{Map, Value};

/// The counters in the order of the official sample.
pub(super) const COUNTERS: [&str; 6] =
    ["active_users", "total_users", "new_users", "triggers", "received_messages", "sent_messages"];

/// Whether the counters of several periods may be added up. Users that are active, or there at all, in two periods are
/// largely the same ones.
pub(super) const ADDS_UP: [bool; 6] = [false, false, true, true, true, true];

/// An answer of `insights`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct InsightsReply {
    /// One element, or none when nothing matched.
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) stats: Vec<Counted>,
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) metrics: Vec<Counted>,
}

/// One element of `stats` or `metrics`.
#[derive(Debug, Default)]
pub(super) struct Counted {
    /// The bucket's own name, opaque; none in `stats`.
    pub(super) id: Option<String>,
    /// Beginning of the bucket, as it was sent; none in `stats`.
    pub(super) timestamp: Option<jiff::Timestamp>,
    pub(super) counts: [Option<i64>; 6],
    pub(super) extra: Map<String, Value>,
}

fn or_empty<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::<Vec<T>>::deserialize(deserializer)?.unwrap_or_default())
}

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Counted;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of counters")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Counted, A::Error> {
                let mut counted = Counted::default();
                while let Some(field) = map.next_key()? {
                    match field {
                        Field::Id => counted.id = map.next_value::<Text>()?.0,
                        Field::Timestamp => counted.timestamp = map.next_value()?,
                        Field::Counter(at) => counted.counts[at] = map.next_value::<Count>()?.0,
                        Field::Unknown(name) => drop(counted.extra.insert(name, map.next_value()?)),
                    }
                }
                Ok(counted)
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// The name of a field, told apart without a copy: a year of hours has some 70,000 of them.
enum Field {
    Id,
    Timestamp,
    Counter(usize),
    Unknown(String),
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl Visitor<'_> for Name {
            type Value = Field;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a field")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Field, E> {
                Ok(match name {
                    "_id" => Field::Id,
                    "_timestamp" => Field::Timestamp,
                    _ => match COUNTERS.iter().position(|counter| *counter == name) {
                        Some(at) => Field::Counter(at),
                        None => Field::Unknown(name.to_owned()),
                    },
                })
            }
        }
        deserializer.deserialize_identifier(Name)
    }
}

/// A whole number, written as an integer or as `3.0`, or nothing.
#[derive(Debug, Default)]
pub(super) struct Count(pub(super) Option<i64>);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Whole;
        impl Visitor<'_> for Whole {
            type Value = Count;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number")
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Count, E> {
                i64::try_from(value).map(|value| Count(Some(value))).map_err(E::custom)
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Count, E> {
                Ok(Count(Some(value)))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Count, E> {
                // Up to 2^53 every whole number is exactly itself.
                if value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0 {
                    return Ok(Count(Some(value as i64)));
                }
                Err(E::invalid_value(de::Unexpected::Float(value), &self))
            }

            fn visit_unit<E: de::Error>(self) -> Result<Count, E> {
                Ok(Count(None))
            }
        }
        deserializer.deserialize_any(Whole)
    }
}

/// A text, or whatever else came as its JSON; nothing for null.
#[derive(Debug, Default)]
pub(super) struct Text(pub(super) Option<String>);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match Value::deserialize(deserializer)? {
            Value::Null => None,
            Value::String(text) => Some(text),
            other => Some(other.to_string()),
        }))
    }
}

/// An element of `top_messages`.
#[derive(Debug, Deserialize)]
pub(super) struct TopMessage {
    #[serde(rename = "_id", default)]
    pub(super) message: Text,
    #[serde(default)]
    pub(super) count: Count,
    #[serde(flatten)]
    pub(super) extra: Map<String, Value>,
}

/// An element of `top_flows`.
#[derive(Debug, Deserialize)]
pub(super) struct TopFlow {
    #[serde(rename = "_id")]
    pub(super) flow: Option<FlowName>,
    #[serde(default)]
    pub(super) count: Count,
    #[serde(flatten)]
    pub(super) extra: Map<String, Value>,
}

/// Which flow.
#[derive(Debug, Deserialize)]
pub(super) struct FlowName {
    #[serde(default)]
    pub(super) id: Text,
    #[serde(default)]
    pub(super) name: Text,
}

/// An element of `workflows/simple`.
#[derive(Debug, Deserialize)]
pub(super) struct Workflow {
    #[serde(rename = "_id", default)]
    pub(super) id: Text,
    #[serde(default)]
    pub(super) name: Text,
    pub(super) active: Option<bool>,
    #[serde(flatten)]
    pub(super) extra: Map<String, Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_official_sample_is_read() {
        let reply: InsightsReply = serde_json::from_str(
            r#"{"stats": [{"_id": null, "active_users": 23, "total_users": 55, "new_users": 10, "triggers": 104, "received_messages": 106, "sent_messages": 146}],
                "metrics": [{"_id": "2021-10", "_timestamp": "2021-10-01T00:00:00.000Z", "active_users": 22, "total_users": 54, "new_users": 9, "triggers": 100, "received_messages": 99, "sent_messages": 141}]}"#,
        )
        .unwrap();
        assert_eq!(reply.stats[0].counts, [23, 55, 10, 104, 106, 146].map(Some));
        assert_eq!((&reply.stats[0].id, reply.stats[0].timestamp), (&None, None));
        let bucket = &reply.metrics[0];
        assert_eq!(bucket.id.as_deref(), Some("2021-10"));
        assert_eq!(bucket.timestamp.unwrap().to_string(), "2021-10-01T00:00:00Z");
        assert_eq!(bucket.counts, [22, 54, 9, 100, 99, 141].map(Some));
    }

    #[test]
    fn lists_are_read_with_whatever_is_missing_null_or_new_in_them() {
        let messages: Vec<TopMessage> = serde_json::from_str(
            r#"[{"_id": "hi", "count": 3.0, "share": 0.5}, {"_id": null, "count": null}, {"_id": 7}, {"count": 2}]"#,
        )
        .unwrap();
        let found: Vec<_> = messages.iter().map(|top| (top.message.0.as_deref(), top.count.0)).collect();
        assert_eq!(found, [(Some("hi"), Some(3)), (None, None), (Some("7"), None), (None, Some(2))]);
        assert_eq!(Value::Object(messages[0].extra.clone()).to_string(), r#"{"share":0.5}"#);
        let flows: Vec<TopFlow> =
            serde_json::from_str(r#"[{"_id": {"id": 1, "name": null}, "count": 1}, {"_id": null, "new": {}}]"#)
                .unwrap();
        assert_eq!(flows[0].flow.as_ref().unwrap().id.0.as_deref(), Some("1"));
        assert!(flows[1].flow.is_none() && flows[1].extra.contains_key("new"));
        let known: Vec<Workflow> =
            serde_json::from_str(r#"[{"_id": null, "name": "n", "active": null, "bot": "b"}, {}]"#).unwrap();
        assert_eq!((known[0].id.0.as_deref(), known[0].name.0.as_deref()), (None, Some("n")));
        assert_eq!((known[0].extra["bot"].as_str(), known[1].active), (Some("b"), None));
        for wrong in [r#"[{"count": "3"}]"#, r#"[{"count": 1.5}]"#, r#"["hi"]"#, "{}"] {
            assert!(serde_json::from_str::<Vec<TopMessage>>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_missing_or_unknown_is_not_fatal_and_what_is_no_count_is() {
        let read = |text: &str| serde_json::from_str::<Counted>(text);
        let odd = read(r#"{"triggers": 3.0, "sent_messages": null, "csat": {"mean": 4.5}, "_id": 7}"#).unwrap();
        assert_eq!(odd.counts, [None, None, None, Some(3), None, None]);
        assert_eq!(odd.id.as_deref(), Some("7"));
        assert_eq!(Value::Object(odd.extra).to_string(), r#"{"csat":{"mean":4.5}}"#);
        for wrong in
            [r#"{"triggers": 3.5}"#, r#"{"triggers": "3"}"#, r#"{"triggers": 1e300}"#, "[]", r#"{"_timestamp": "x"}"#]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        for nothing in ["{}", r#"{"stats": null, "metrics": null}"#, r#"{"stats": [], "more": 1}"#] {
            let reply: InsightsReply = serde_json::from_str(nothing).unwrap();
            assert_eq!((reply.stats.len(), reply.metrics.len()), (0, 0), "{nothing}");
        }
    }
}
