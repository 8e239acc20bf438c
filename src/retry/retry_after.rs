//! Reads `Retry-After` (RFC 9110, 10.2.3): seconds or a date.

use std::time::Duration;

use http::{HeaderMap, header};
use jiff::{Timestamp, fmt::rfc2822};

/// More than a day says no more than a day does.
const MOST: Duration = Duration::from_secs(24 * 3600);

/// How long the service asks to wait, measured from `now`. A date that has passed means no wait; of several values the
/// longest counts; what can't be read is ignored; a wait is never longer than a day.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    headers.get_all(header::RETRY_AFTER).iter().filter_map(|value| wait(value.to_str().ok()?.trim(), now)).max()
}

/// Whether the weekday fits the date doesn't matter here.
static PARSER: rfc2822::DateTimeParser = rfc2822::DateTimeParser::new().relaxed_weekday(true);

fn wait(text: &str, now: Timestamp) -> Option<Duration> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // Digits without end are a long wait, not an unreadable one.
        return Some(text.parse().map_or(MOST, Duration::from_secs).min(MOST));
    }
    let date = PARSER.parse_timestamp(text).ok()?;
    let wait = date.duration_since(now);
    Some(Duration::try_from(wait).unwrap_or(Duration::ZERO).min(MOST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_dates_and_nonsense() {
        let now: Timestamp = "2024-05-13T12:00:00Z".parse().unwrap();
        let day = 24 * 3600;
        for (values, expected) in [
            (&["0"][..], Some(0)),
            (&["60"], Some(60)),
            (&[" 60 "], Some(60)),
            (&["Mon, 13 May 2024 12:01:30 GMT"], Some(90)),
            (&["Mon, 13 May 2024 12:00:00 GMT"], Some(0)),
            (&["Sun, 12 May 2024 12:00:00 GMT"], Some(0)),
            (&["Tue, 13 May 2034 12:00:00 GMT"], Some(day)),
            (&["-5"], None),
            (&["1.5"], None),
            (&["99999999999999999999999999"], Some(day)),
            (&["soon"], None),
            (&[""], None),
            (&["5", "30"], Some(30)),
            (&["garbage", "7"], Some(7)),
            (&[], None),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::RETRY_AFTER, value.parse().unwrap());
            }
            assert_eq!(retry_after(&headers, now), expected.map(Duration::from_secs), "{values:?}");
        }
    }
}
