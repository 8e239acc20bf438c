//! Every setting of a service whose protocol leaves a point open, with both clients: what a caller gets is the same
//! whichever way the point turns out, but for what the setting is about.

use std::collections::BTreeMap;

use arrow_array::{RecordBatch, cast::AsArray, types::Int64Type};
use insightframe::{
    flowxo::{Edge, Range, Unit, Zone},
    instances::InstanceSid,
    sandbox::Sandbox,
};
use serde_json::{Value, json};

use super::{call, flowxo_client, instances_client, sandbox};

/// What a caller gets, by the name of what was asked; errors as their class and code.
type View = BTreeMap<&'static str, String>;

fn range(start: &str, end: &str, zone: &str) -> Range {
    let edge = |text: &str| (!text.is_empty()).then(|| Edge::parse("start", text).unwrap());
    Range::new(edge(start), edge(end), Zone::named(zone).unwrap()).unwrap()
}

fn told<T>(found: insightframe::Result<T>, words: impl Fn(T) -> String) -> String {
    found.map(words).unwrap_or_else(|error| format!("{} {:?}", error.code(), error.service_code()))
}

/// The times and numbers of events of a filled table, which must not depend on who fills.
fn events(table: &RecordBatch) -> String {
    let column = |name| table.column_by_name(name).unwrap().as_primitive::<Int64Type>().values().to_vec();
    format!("{:?} {:?} {:?}", table.column(0), column("triggers"), column("sent_messages"))
}

async fn flow_xo(sandbox: &Sandbox) -> View {
    let (client, call) = (flowxo_client(sandbox), call(sandbox));
    let (spring, quiet) =
        (range("2023-03-20", "2023-04-02", "Europe/Zurich"), range("2021-01-01", "2021-01-31", "UTC"));
    let table = |found: insightframe::flowxo::Metrics| found.table().unwrap();
    let shown = |batch: RecordBatch| format!("{batch:?}");
    let mut seen = View::new();
    seen.insert("stats", told(client.stats(&call, &spring).await, |it| format!("{it:?}")));
    seen.insert("stats of nothing", told(client.stats(&call, &quiet).await, |it| format!("{it:?}")));
    // On the second of them fewer users are active.
    let two = range("2023-03-20", "2023-03-21", "Europe/Zurich");
    seen.insert("two days", told(client.insights(&call, &two, Unit::Day, false).await, |it| format!("{:?}", it.stats)));
    for (name, unit) in [("months", Unit::Month), ("days", Unit::Day), ("hours", Unit::Hour)] {
        seen.insert(name, told(client.metrics(&call, &spring, unit, false).await, |it| shown(table(it))));
    }
    let filled = client.metrics(&call, &spring, Unit::Hour, true).await;
    seen.insert("filled", told(filled, |it| events(&table(it))));
    let open = range("", "2023-05-10", "UTC");
    seen.insert("open", told(client.metrics(&call, &open, Unit::Month, false).await, |it| shown(table(it))));
    seen.insert("top", told(client.top_messages(&call, &spring, Some(9)).await, shown));
    seen.insert("top of all", told(client.top_flows(&call, &spring, None).await, shown));
    seen.insert("workflows", told(client.workflows(&call).await, shown));
    let wrong = client.with_key(insightframe::secret::Secret::new("wrong")).unwrap();
    seen.insert("wrong key", told(wrong.workflows(&call).await, shown));
    seen.insert("waited", sandbox.clock().ahead().as_secs().to_string());
    seen
}

async fn instances(sandbox: &Sandbox) -> View {
    let (client, call) = (instances_client(sandbox), call(sandbox));
    let mut seen = View::new();
    let status = |it: insightframe::instances::Instance| it.status.to_string();
    seen.insert("before", told(client.configuration(&call).await, |it| format!("{:?}", it.status)));
    let made = client.create(&call, true).await;
    let sid = made.as_ref().map_or(format!("GO{}", "0".repeat(32)), |made| made.sid.clone());
    let sid = InstanceSid::parse(&sid).unwrap();
    seen.insert("created", told(made, status));
    seen.insert("again", told(client.create(&call, true).await, status));
    seen.insert("waited", told(client.wait(&call, &sid).await, status));
    let looks = sandbox.ledger().iter().filter(|entry| entry.method == "GET" && entry.path.contains("/v2/")).count();
    seen.insert("looks", looks.to_string());
    seen.insert("time", (sandbox.clock().ahead().as_secs() / 100).to_string());
    let found = client.configuration(&call).await;
    seen.insert(
        "workspaces",
        told(found, |it| format!("{:?} {}", it.insights_workspaces, it.flex_instance_sid.is_some())),
    );
    let nobody = InstanceSid::parse(&format!("GO{}", "1".repeat(32))).unwrap();
    seen.insert("unknown", told(client.fetch(&call, &nobody).await, status));
    let stamps = told(client.fetch(&call, &sid).await, |it| format!("{}", it.date_created.unwrap().as_second()));
    seen.insert("dated", (stamps.len() == 10 || stamps.contains(' ')).to_string());
    seen
}

/// The names of what differs between two views.
fn differing(one: &View, other: &View) -> Vec<&'static str> {
    one.iter().filter(|(name, seen)| other[*name] != **seen).map(|(name, _)| *name).collect()
}

#[tokio::test]
async fn flow_xo_gives_a_caller_the_same_whatever_is_not_established() {
    let with = |switch: Value| {
        let mut all = json!({"flowxo_tie_order": "stable"});
        all.as_object_mut().unwrap().extend(switch.as_object().unwrap().clone());
        sandbox(all)
    };
    let usual = flow_xo(&with(json!({}))).await;
    let mut wrong = Vec::new();
    for (switch, differs) in [
        (json!({"flowxo_auth_scheme_case": "sensitive"}), &[][..]),
        (json!({"flowxo_auth_error_status": 403}), &["wrong key"]),
        (json!({"flowxo_error_body": "html"}), &[]),
        (json!({"flowxo_rate_limit": {"per_minute": 2, "retry_after": 60}}), &["waited"]),
        (json!({"flowxo_default_unit": "hour"}), &[]),
        (json!({"flowxo_default_start": "month_start"}), &["open"]),
        (json!({"flowxo_bad_unit": "ignore", "flowxo_bad_date": "ignore", "flowxo_bad_offset": "ignore"}), &[]),
        // The names of buckets are opaque, and nothing else depends on them.
        (json!({"flowxo_day_id_format": "%d.%m.%Y"}), &["days"]),
        (json!({"flowxo_hour_id_format": "%Y-%m-%d %H"}), &["hours"]),
        (json!({"flowxo_empty_buckets": "zero_fill"}), &["hours"]),
        (json!({"flowxo_empty_stats": "zeros"}), &["stats of nothing"]),
        // Whether what happens at the very instant of the end counts can't be told; whole buckets don't have it.
        (json!({"flowxo_end_bound": "inclusive"}), &["months", "open", "stats", "top", "top of all"]),
        (json!({"flowxo_date_only_end": "end_of_day"}), &[]),
        (json!({"flowxo_naive_time_zone": "utc"}), &[]),
        (json!({"flowxo_timestamp_shift": "local_as_utc"}), &[]),
        (json!({"flowxo_default_limit": 3}), &["top of all"]),
        (json!({"flowxo_max_limit": 2}), &["top"]),
        (json!({"flowxo_overall_users": "maximum"}), &["two days"]),
        (json!({"flowxo_trailing_slash": false}), &[]),
        (json!({"flowxo_accounts": 3}), &[]),
    ] {
        let found = differing(&usual, &flow_xo(&with(switch.clone())).await);
        if found != differs {
            wrong.push(format!("{switch}: {found:?}, not {differs:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let odd = flow_xo(&with(json!({"flowxo_unknown_fields": true}))).await;
    assert_eq!(differing(&usual, &odd), ["days", "hours", "months", "open", "stats", "two days"]);
    assert!(odd["days"].contains("extra") && odd["stats"].contains("sandbox_extra"), "{odd:#?}");
}

#[tokio::test]
async fn flex_instances_gives_a_caller_the_same_whatever_is_not_established() {
    let usual = instances(&sandbox(json!({}))).await;
    assert_eq!((usual["created"].as_str(), usual["waited"].as_str()), ("creation-in-progress", "ready"));
    let mut wrong = Vec::new();
    for (switch, differs) in [
        (json!({"instances_duplicate_create": "created"}), &["again"][..]),
        (json!({"instances_duplicate_create": "ok"}), &["again"]),
        (json!({"instances_bad_credentials": "flex"}), &[]),
        (json!({"instances_missing_account_header": "unauthorized"}), &[]),
        (json!({"instances_account_header_mismatch": 401}), &[]),
        (json!({"instances_unknown_instance": "flex"}), &["unknown"]),
        (json!({"instances_malformed_sid": "bad_request"}), &[]),
        (json!({"instances_empty_body": "bad_request"}), &[]),
        (json!({"instances_v1_body_spelling": "accept"}), &[]),
        (json!({"instances_form_encoded_body": "unsupported_media_type"}), &[]),
        (json!({"instances_list_instances": 200, "instances_delete_instance": 204}), &[]),
        (json!({"instances_fetches_to_ready": 5}), &["looks"]),
        (json!({"instances_fetches_to_ready": 0, "instances_seconds_to_ready": 500}), &["looks", "time"]),
        (json!({"instances_final_status": "creation-failed"}), &["waited"]),
        (json!({"instances_date_precision": "milliseconds"}), &[]),
        (json!({"instances_twilio_headers": false}), &[]),
        (json!({"instances_concurrency_limit": {"requests": 1}, "instances_flex_429_code": 45780}), &[]),
        (json!({"instances_configuration_flex_instance_sid": false}), &["workspaces"]),
        (json!({"instances_flex_insights_hr": "null"}), &["workspaces"]),
        (json!({"instances_flex_insights_hr": "without_workspace_id"}), &[]),
        (json!({"instances_configuration_before_install": "not_started"}), &["before"]),
        (json!({"instances_regional_hosts": true}), &[]),
    ] {
        let found = differing(&usual, &instances(&sandbox(switch.clone())).await);
        if found != differs {
            wrong.push(format!("{switch}: {found:?}, not {differs:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
