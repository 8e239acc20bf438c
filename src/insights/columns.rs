//! Lists of objects as columns.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, RecordBatch, StringViewArray, TimestampMicrosecondArray};
use arrow_schema::{Field, Schema};
use serde_json::Value;

use crate::error::{Error, Result};

/// A table of named columns, all of which may hold nulls.
pub(super) fn table<'a>(columns: impl IntoIterator<Item = (&'a str, ArrayRef)>) -> Result<RecordBatch> {
    let (fields, columns): (Vec<_>, Vec<_>) =
        columns.into_iter().map(|(name, column)| (Field::new(name, column.data_type().clone(), true), column)).unzip();
    // The columns are made here, each with a value for each entry, so that it never fails.
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
        .map_err(|error| Error::config(format!("the columns don't fit together: {error}")))
}

pub(super) fn texts<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(values.collect::<StringViewArray>())
}

pub(super) fn flags(values: impl Iterator<Item = Option<bool>>) -> ArrayRef {
    Arc::new(values.collect::<BooleanArray>())
}

/// Points in time, in UTC.
///
/// The service writes `2023-11-02 16:40:05` and says nowhere in which zone. UTC is assumed, as GoodData's own Java client
/// does; it is not established.
pub(super) fn times<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    let values = values.map(|text| time(text?)).collect::<TimestampMicrosecondArray>();
    Arc::new(values.with_timezone("UTC"))
}

/// A point in time in microseconds; null for what is none, since a list is worth more than one of its dates.
fn time(text: &str) -> Option<i64> {
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Some(at.as_microsecond());
    }
    let civil = text.parse::<jiff::civil::DateTime>().ok()?;
    civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|at| at.timestamp().as_microsecond())
}

/// A text of an object; null where an older answer doesn't have it.
pub(super) fn text<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    object.get(name)?.as_str()
}

/// A flag, which comes as a number, a text or a boolean.
pub(super) fn flag(object: &Value, name: &str) -> Option<bool> {
    match object.get(name)? {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => number.as_i64().map(|number| number != 0),
        Value::String(text) => match text.as_str() {
            "0" => Some(false),
            "1" => Some(true),
            _ => None,
        },
        _ => None,
    }
}

/// The uri of a user; in 2009 users were objects with a name and a uri.
pub(super) fn user<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    let user = object.get(name)?;
    user.as_str().or_else(|| text(user, "uri"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_are_read_in_utc_and_what_is_none_is_null() {
        let second = |text: &str| time(text).map(|at| at / 1_000_000);
        for (text, expected) in [
            ("2023-11-02 16:40:05", Some(1_698_943_205)),
            ("2023-11-02T16:40:05", Some(1_698_943_205)),
            ("2023-11-02T16:40:05Z", Some(1_698_943_205)),
            ("2023-11-02 16:40:05+01:00", Some(1_698_939_605)),
            ("1970-01-01 00:00:00", Some(0)),
            ("2023-02-30 00:00:00", None),
            ("0000-00-00 00:00:00", None),
            ("yesterday", None),
            ("", None),
        ] {
            assert_eq!(second(text), expected, "{text}");
        }
    }

    #[test]
    fn fields_are_read_in_every_form_they_had() {
        let object = json!({
            "title": "T", "deprecated": "0", "locked": 1, "unlisted": false, "odd": "maybe", "number": 7, "null": null,
            "author": "/gdc/account/profile/a", "contributor": {"name": "B", "uri": "/gdc/account/profile/b"},
        });
        assert_eq!((text(&object, "title"), text(&object, "number"), text(&object, "null")), (Some("T"), None, None));
        let flags = ["deprecated", "locked", "unlisted", "odd", "null", "missing"].map(|name| flag(&object, name));
        assert_eq!(flags, [Some(false), Some(true), Some(false), None, None, None]);
        let users = ["author", "contributor", "missing", "number"].map(|name| user(&object, name));
        assert_eq!(users, [Some("/gdc/account/profile/a"), Some("/gdc/account/profile/b"), None, None]);
    }
}
