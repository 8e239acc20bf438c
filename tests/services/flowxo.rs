//! Flow XO: what is asked for is what comes back, whatever of the protocol isn't established.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use arrow_array::{Array, RecordBatch, StringViewArray, TimestampMillisecondArray, cast::AsArray, types::Int64Type};
use http::{HeaderMap, HeaderValue, StatusCode, Version, header::CONTENT_LENGTH};
use insightframe::{
    clock::Clock as _,
    error::Kind,
    flowxo::{Accounts, Edge, Range, Unit, Zone, with_account},
    http::{RawBody, RawReply, Request, Sending, Transport},
    sandbox::Sandbox,
    secret::Secret,
};
use serde_json::{Value, json};

use super::{call, fault, flowxo_client, flowxo_options, sandbox, switches::exchange};

fn range(start: &str, end: &str, zone: Zone) -> Range {
    let edge = |name, text: &str| (!text.is_empty()).then(|| Edge::parse(name, text).unwrap());
    Range::new(edge("start", start), edge("end", end), zone).unwrap()
}

fn zurich() -> Zone {
    Zone::named("Europe/Zurich").unwrap()
}

fn sum(batch: &RecordBatch, column: &str) -> i64 {
    let values = batch.column_by_name(column).unwrap().as_primitive::<Int64Type>();
    values.iter().flatten().sum()
}

fn stamps(batch: &RecordBatch) -> Vec<i64> {
    batch.column(0).as_any().downcast_ref::<TimestampMillisecondArray>().unwrap().values().to_vec()
}

async fn metrics(sandbox: &Sandbox, range: &Range, unit: Unit) -> RecordBatch {
    flowxo_client(sandbox).metrics(&call(sandbox), range, unit, false).await.unwrap().table().unwrap()
}

#[tokio::test]
async fn events_add_up_to_the_whole_and_users_are_those_of_the_last_bucket() {
    let sandbox = sandbox(json!({}));
    for (zone, unit) in [
        (Zone::offset(0).unwrap(), Unit::Month),
        (zurich(), Unit::Month),
        (zurich(), Unit::Day),
        (zurich(), Unit::Hour),
        (Zone::offset(345).unwrap(), Unit::Hour),
        (Zone::named("Australia/Lord_Howe").unwrap(), Unit::Day),
    ] {
        let range = range("2023-02-10", "2023-11-20", zone);
        let stats = flowxo_client(&sandbox).stats(&call(&sandbox), &range).await.unwrap().unwrap();
        let table = metrics(&sandbox, &range, unit).await;
        for (name, value) in stats.counters() {
            let column = table.column_by_name(name).unwrap().as_primitive::<Int64Type>();
            let expected = match name {
                "active_users" | "total_users" => column.value(table.num_rows() - 1),
                _ => sum(&table, name),
            };
            assert_eq!(value, Some(expected), "{name} by {unit}");
        }
        let stamps = stamps(&table);
        assert!(stamps.windows(2).all(|pair| pair[0] < pair[1]), "{unit}");
        // As in the official sample: whoever is new is there from then on.
        let column = |name: &str| table.column_by_name(name).unwrap().as_primitive::<Int64Type>().values().to_vec();
        let (total, new) = (column("total_users"), column("new_users"));
        assert!(new.iter().any(|new| *new > 0));
        for at in 1..total.len() {
            assert_eq!(total[at] - total[at - 1], new[at], "{unit} {at}");
        }
    }
}

#[tokio::test]
async fn the_future_costs_no_request_and_gets_no_rows() {
    let sandbox = sandbox(json!({}));
    let (client, call) = (flowxo_client(&sandbox), call(&sandbox));
    let utc = || Zone::offset(0).unwrap();
    let now = sandbox.clock().timestamp();
    let day = |days: i64| (now + jiff::SignedDuration::from_hours(24 * days)).strftime("%Y-%m-%d").to_string();
    let ahead = range(&day(2), &day(900), utc());
    assert!(client.metrics(&call, &ahead, Unit::Hour, true).await.unwrap().is_empty());
    let found = client.insights(&call, &ahead, Unit::Hour, true).await.unwrap();
    assert!(found.stats.is_none() && found.metrics.is_empty());
    assert!(client.stats(&call, &ahead).await.unwrap().is_none());
    assert_eq!(sandbox.ledger().len(), 0);
    let around = range(&day(-1), &day(9000), utc());
    let hours = client.metrics(&call, &around, Unit::Hour, true).await.unwrap();
    assert_eq!(sandbox.ledger().len(), 1);
    let last = *stamps(&hours.table().unwrap()).last().unwrap();
    assert!((0..3_600_000).contains(&(now.as_millisecond() - last)), "{last}");
    assert!((25..=48).contains(&hours.len()), "{}", hours.len());
}

#[tokio::test]
async fn no_more_requests_than_places_are_under_way_at_once() {
    /// Counts what is under way.
    #[derive(Debug, Default)]
    struct Counted(AtomicUsize, AtomicUsize);
    impl Transport for Counted {
        fn send<'a>(&'a self, _: url::Url, _: &'a Request) -> Sending<'a> {
            Box::pin(async move {
                let now = self.0.fetch_add(1, Ordering::SeqCst) + 1;
                self.1.fetch_max(now, Ordering::SeqCst);
                for _ in 0..10 {
                    tokio::task::yield_now().await;
                }
                self.0.fetch_sub(1, Ordering::SeqCst);
                let body: RawBody = Box::pin(futures_util::stream::iter([Ok("{}".into())]));
                let headers = HeaderMap::from_iter([(CONTENT_LENGTH, HeaderValue::from_static("2"))]);
                Ok(RawReply { status: StatusCode::OK, version: Version::HTTP_11, headers, body })
            })
        }
    }
    let sandbox = sandbox(json!({}));
    for max_concurrency in [1, 3, 100] {
        let counted = Arc::new(Counted::default());
        let options = insightframe::flowxo::Options { max_concurrency, ..flowxo_options(&sandbox) };
        let transport = Arc::clone(&counted);
        let client = insightframe::flowxo::FlowXo::over(transport, options, Arc::new(sandbox.clock())).unwrap();
        let year = range("2023-01-01", "2023-12-31", Zone::offset(0).unwrap());
        client.metrics(&call(&sandbox), &year, Unit::Hour, false).await.unwrap();
        assert_eq!(counted.1.load(Ordering::SeqCst), max_concurrency.min(12));
    }
}

#[tokio::test]
async fn what_is_not_established_changes_nothing() {
    let cases = [
        (zurich(), Unit::Day),
        (zurich(), Unit::Month),
        (zurich(), Unit::Hour),
        (Zone::offset(330).unwrap(), Unit::Hour),
    ];
    let mut expected = Vec::new();
    let plain = sandbox(json!({}));
    for (zone, unit) in &cases {
        expected.push(metrics(&plain, &range("2023-03-01", "2023-04-30", zone.clone()), *unit).await);
    }
    for switches in [
        json!({"flowxo_end_bound": "inclusive"}),
        json!({"flowxo_timestamp_shift": "local_as_utc"}),
        json!({"flowxo_naive_time_zone": "utc", "flowxo_date_only_end": "end_of_day"}),
        json!({"flowxo_end_bound": "inclusive", "flowxo_timestamp_shift": "local_as_utc"}),
        json!({"flowxo_default_unit": "hour", "flowxo_default_start": "all_time"}),
        json!({"flowxo_auth_scheme_case": "sensitive", "flowxo_trailing_slash": false}),
    ] {
        let sandbox = sandbox(switches.clone());
        for ((zone, unit), expected) in cases.iter().zip(&expected) {
            let found = metrics(&sandbox, &range("2023-03-01", "2023-04-30", zone.clone()), *unit).await;
            assert_eq!(found, *expected, "{switches} {unit}");
        }
    }
}

#[tokio::test]
async fn a_year_of_hours_is_cut_into_windows_and_joined() {
    let sandbox = sandbox(json!({"flowxo_empty_buckets": "zero_fill"}));
    let year = range("2023-01-01", "2023-12-31", Zone::offset(0).unwrap());
    let table = metrics(&sandbox, &year, Unit::Hour).await;
    assert_eq!((table.num_rows(), sandbox.ledger().len()), (8760, 12));
    let stamps = stamps(&table);
    assert!(stamps.windows(2).all(|pair| pair[1] - pair[0] == 3_600_000));
    for entry in sandbox.ledger() {
        assert!(entry.headers.contains(&("authorization".into(), "<password>".into())), "{entry:?}");
    }
}

#[tokio::test]
async fn filling_makes_gaps_explicit_and_days_of_daylight_saving_are_single_rows() {
    let sandbox = sandbox(json!({}));
    let days = range("2023-10-28", "2023-10-30", zurich());
    let client = flowxo_client(&sandbox);
    let gaps = client.metrics(&call(&sandbox), &days, Unit::Hour, false).await.unwrap();
    let filled = client.metrics(&call(&sandbox), &days, Unit::Hour, true).await.unwrap();
    assert!(gaps.len() < filled.len());
    assert_eq!(filled.len(), 24 + 25 + 24);
    let (gaps, filled) = (gaps.table().unwrap(), filled.table().unwrap());
    assert_eq!(sum(&gaps, "triggers"), sum(&filled, "triggers"));
    assert_eq!(filled.column_by_name("total_users").unwrap().null_count(), filled.num_rows() - gaps.num_rows());
    let daily = client.metrics(&call(&sandbox), &days, Unit::Day, true).await.unwrap().table().unwrap();
    assert_eq!(stamps(&daily).len(), 3);
    assert_eq!(sum(&daily, "sent_messages"), sum(&filled, "sent_messages"));
    // The day that was added up has no name of the service's.
    let bucket = daily.column(1).as_any().downcast_ref::<StringViewArray>().unwrap();
    assert_eq!((bucket.value(0), bucket.is_null(1), bucket.value(2)), ("2023-10-28", true, "2023-10-30"));
}

#[tokio::test]
async fn nothing_stays_nothing() {
    for (empty, expected) in [("empty", None), ("zeros", Some(0))] {
        let sandbox = sandbox(json!({"flowxo_empty_stats": empty}));
        let client = flowxo_client(&sandbox);
        let before = range("2021-01-01", "2021-01-31", Zone::offset(0).unwrap());
        let stats = client.stats(&call(&sandbox), &before).await.unwrap();
        assert_eq!(stats.map(|stats| stats.counters().filter_map(|(_, value)| value).sum::<i64>()), expected);
        let found = client.insights(&call(&sandbox), &before, Unit::Day, false).await.unwrap();
        assert!(found.metrics.is_empty());
        assert_eq!(found.metrics.table().unwrap().num_columns(), 8);
    }
}

#[tokio::test]
async fn both_answers_come_from_one_request_where_one_is_enough() {
    let sandbox = sandbox(json!({"flowxo_unknown_fields": true}));
    let client = flowxo_client(&sandbox);
    let month = range("2023-05-01", "2023-05-31", Zone::offset(60).unwrap());
    let found = client.insights(&call(&sandbox), &month, Unit::Day, false).await.unwrap();
    assert_eq!(sandbox.ledger().len(), 1);
    let stats = found.stats.unwrap();
    assert!(stats.extra.contains_key("sandbox_extra"));
    let table = found.metrics.table().unwrap();
    assert_eq!(table.schema().fields().last().unwrap().name(), "extra");
    let changes = range("2023-03-01", "2023-03-31", zurich());
    let found = client.insights(&call(&sandbox), &changes, Unit::Day, false).await.unwrap();
    assert_eq!(sandbox.ledger().len(), 1 + 4);
    assert_eq!(found.metrics.len(), 31);
    assert_eq!(found.stats.unwrap(), client.stats(&call(&sandbox), &changes).await.unwrap().unwrap());
}

#[tokio::test]
async fn the_top_lists_are_tables_and_flows_have_names() {
    let sandbox = sandbox(json!({}));
    let (client, call) = (flowxo_client(&sandbox), call(&sandbox));
    let year = range("2023-01-01", "2023-12-31", Zone::offset(0).unwrap());
    let messages = client.top_messages(&call, &year, None).await.unwrap();
    assert_eq!(messages.num_rows(), 5);
    let all = client.top_messages(&call, &year, Some(100)).await.unwrap();
    let counts: Vec<_> = all.column(1).as_primitive::<Int64Type>().values().to_vec();
    assert!(counts.windows(2).all(|pair| pair[0] >= pair[1]) && counts.len() == 12, "{counts:?}");
    let flows = client.top_flows(&call, &year, Some(7)).await.unwrap();
    let known = client.workflows(&call).await.unwrap();
    let text = |batch: &RecordBatch, at: usize| -> Vec<String> {
        let column = batch.column(at).as_any().downcast_ref::<StringViewArray>().unwrap();
        column.iter().map(|text| text.unwrap().to_owned()).collect()
    };
    assert_eq!(flows.num_rows(), 7);
    let (ids, names) = (text(&known, 0), text(&known, 1));
    for (id, name) in text(&flows, 0).iter().zip(text(&flows, 1)) {
        assert_eq!(names[ids.iter().position(|known| known == id).unwrap()], name);
    }
    assert_eq!(client.top_flows(&call, &year, Some(0)).await.unwrap_err().code(), "ConfigError");
}

#[tokio::test]
async fn errors_keep_their_status_whatever_their_body_is() {
    for body in ["object", "string", "html", "empty"] {
        for (status, code) in [(401, "InvalidCredentials"), (403, "Forbidden")] {
            let sandbox = sandbox(json!({"flowxo_error_body": body, "flowxo_auth_error_status": status}));
            let client = flowxo_client(&sandbox).with_key(Secret::new("canary-wrong-key")).unwrap();
            let error = client.workflows(&call(&sandbox)).await.unwrap_err();
            assert_eq!(error.code(), code, "{body}");
            assert!(!format!("{error:?} {error} {client:?}").contains("canary"), "{error:?}");
            // Nobody is locked out by a wrong key that is tried again and again.
            assert_eq!(sandbox.ledger().len(), 1);
        }
    }
    let sandbox = sandbox(json!({"flowxo_rate_limit": {"per_minute": 1, "retry_after": 30}}));
    let client = flowxo_client(&sandbox);
    for _ in 0..3 {
        client.workflows(&call(&sandbox)).await.unwrap();
    }
    assert!(sandbox.clock().ahead().as_secs() >= 90, "{:?}", sandbox.clock().ahead());
}

#[tokio::test]
async fn one_account_that_fails_does_not_lose_the_others() {
    let sandbox = sandbox(json!({"flowxo_accounts": 3}));
    let client = flowxo_client(&sandbox);
    let mut keys: Vec<_> = sandbox.flowxo_api_keys().into_iter().map(|(name, key)| (name, Secret::new(key))).collect();
    keys[1].1 = Secret::new("wrong");
    let accounts = Accounts::new(&client, keys).unwrap();
    let (call, month) = (call(&sandbox), range("2023-05-01", "2023-05-31", Zone::offset(0).unwrap()));
    let ask = || {
        accounts.ask(|client| {
            let (call, month) = (&call, &month);
            async move { client.metrics(call, month, Unit::Day, false).await?.table() }
        })
    };
    let (tables, partial) = ask().await.unwrap();
    let joined = with_account(tables).unwrap();
    assert_eq!((joined.num_rows(), joined.schema().field(0).name().as_str()), (62, "account"));
    let partial = partial.unwrap();
    let Kind::PartialResult { asked: 3, failures } = partial.kind() else { panic!("{partial}") };
    assert_eq!((failures[0].0.as_str(), failures[0].1.code(), failures.len()), ("account-2", "InvalidCredentials", 1));
    assert!(partial.to_string().starts_with("1 of 3 accounts failed:\n`account-2`: InvalidCredentials: "), "{partial}");
    fault(&sandbox, json!({"fault": "status", "status": 403}));
    assert_eq!(ask().await.unwrap_err().code(), "Forbidden");
    assert!(Accounts::new(&client, Vec::<(String, Secret)>::new()).is_err());
}

#[tokio::test]
async fn a_bad_parameter_is_told_by_the_service() {
    // The client sends none, so the sandbox is asked as another client would.
    let sandbox = sandbox(json!({}));
    let key = &sandbox.flowxo_api_keys()[0].1;
    for (query, status) in [
        ("unit=week", 400),
        ("offset=841", 400),
        ("start=yesterday", 400),
        ("unit=hour&offset=-480&start=2023-05-01&end=2023-05-02", 200),
        ("start=2023-05-01T08:00:00&end=2023-05-02T08:00:00%2B02:00", 200),
        ("", 200),
    ] {
        let found = plain(&sandbox, &format!("/api/insights?{query}"), key).await;
        assert_eq!(found.0, status, "{query}: {}", found.1);
        assert_eq!(found.1["stats"].is_array(), status == 200, "{query}");
    }
    let found = plain(&sandbox, "/api/insights?unit=day&start=2023-05-01&end=2023-05-02&offset=120", key).await.1;
    assert_eq!(found["metrics"][0]["_id"], "2023-05-01");
    assert_eq!(found["metrics"][0]["_timestamp"], "2023-04-30T22:00:00.000Z");
    assert_eq!(found["stats"][0]["_id"], Value::Null);
}

/// Status and JSON of a plain request.
async fn plain(sandbox: &Sandbox, target: &str, key: &str) -> (u16, Value) {
    let found = exchange(sandbox, &format!("GET {target}"), &[&format!("Authorization: bearer {key}")], "").await;
    (found.0, serde_json::from_str(&found.2).unwrap())
}
