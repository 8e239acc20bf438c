//! What both clients promise when things go wrong: the truth or a typed error, within bounds of sends and of time.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use insightframe::{
    Error, Result,
    clock::Clock as _,
    error::Kind,
    flowxo::{Accounts, Edge, FlowXo, Range, Unit, Zone, with_account},
    instances::{InstanceSid, Instances},
    progress::Call,
    sandbox::Sandbox,
    secret::Secret,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{call, fault, flowxo_client, flowxo_options, instances_client, instances_options, sandbox, timed};

fn week() -> Range {
    let edge = |text| Some(Edge::parse("start", text).unwrap());
    Range::new(edge("2023-05-01"), edge("2023-05-07"), Zone::offset(0).unwrap()).unwrap()
}

/// Every call of both clients; `accounts` asks three at once.
pub(crate) const CALLS: [&str; 11] = [
    "stats",
    "metrics",
    "insights",
    "top_messages",
    "top_flows",
    "workflows",
    "accounts",
    "fetch",
    "wait",
    "configuration",
    "create",
];

/// A call by its name, with its result in words.
pub(crate) async fn ask(sandbox: &Sandbox, name: &str) -> Result<String> {
    let call = call(sandbox);
    within(sandbox, &call, flowxo_client(sandbox), instances_client(sandbox), name).await
}

async fn within(sandbox: &Sandbox, call: &Call, flowxo: FlowXo, instances: Instances, name: &str) -> Result<String> {
    let (week, sid) = (week(), InstanceSid::parse(&format!("GO{}", "5d".repeat(16)))?);
    Ok(match name {
        "stats" => format!("{:?}", flowxo.stats(call, &week).await?),
        "metrics" => format!("{:?}", flowxo.metrics(call, &week, Unit::Hour, false).await?.table()?),
        "insights" => {
            let found = flowxo.insights(call, &week, Unit::Day, true).await?;
            format!("{:?} {:?}", found.stats, found.metrics.table()?)
        }
        "accounts" => {
            let keys = sandbox.flowxo_api_keys().into_iter().map(|(name, key)| (name, Secret::new(key)));
            let accounts = Accounts::new(&flowxo, keys)?;
            let (found, partial) = accounts.ask(|client| async move { client.workflows(call).await }).await?;
            partial.map_or(Ok(()), Err)?;
            format!("{:?}", with_account(found)?)
        }
        "wait" => format!("{:?}", instances.wait(call, &sid).await?.status),
        "top_messages" => format!("{:?}", flowxo.top_messages(call, &week, Some(9)).await?),
        "top_flows" => format!("{:?}", flowxo.top_flows(call, &week, Some(9)).await?),
        "workflows" => format!("{:?}", flowxo.workflows(call).await?),
        "fetch" => format!("{:?}", instances.fetch(call, &sid).await?.status),
        "configuration" => format!("{:?}", instances.configuration(call).await?.insights_workspaces),
        _ => format!("{:?}", instances.create(call, true).await?.status),
    })
}

fn faults() -> Vec<Value> {
    let mut all = vec![
        json!({"fault": "latency", "ms": 5}),
        json!({"fault": "packets", "bytes": 7}),
        json!({"fault": "slow_close", "ms": 5}),
        json!({"fault": "refuse"}),
        json!({"fault": "retry_after", "value": "5"}),
        json!({"fault": "truncated_body"}),
        json!({"fault": "truncated_body", "after": 0}),
        json!({"fault": "wrong_length"}),
        json!({"fault": "wrong_length", "by": -3}),
        json!({"fault": "missing_final_chunk"}),
        json!({"fault": "duplicate_header"}),
        json!({"fault": "huge_header"}),
        json!({"fault": "garbage_json"}),
        json!({"fault": "html"}),
        json!({"fault": "gzip_bomb", "inflated": 5_000_000}),
        json!({"fault": "wrong_encoding"}),
        json!({"fault": "wrong_encoding", "encoding": "double_gzip"}),
        json!({"fault": "wrong_encoding", "encoding": "unknown"}),
        json!({"fault": "clock_skew", "seconds": 86400}),
        json!({"fault": "redirect", "to": "http://192.0.2.1/api/v1"}),
        json!({"fault": "redirect", "to": "//192.0.2.1/v1", "status": 307}),
    ];
    for when in ["before_read", "before_reply", "mid_body"] {
        for name in ["reset", "cut", "stall"] {
            all.push(json!({"fault": name, "when": when}));
        }
    }
    for status in [400, 401, 403, 404, 409, 418, 429, 500, 502, 503, 504] {
        all.push(json!({"fault": "status", "status": status}));
        all.push(json!({"fault": "status", "status": status, "when": "before_reply", "body": "\u{fffd}{"}));
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sweep_gives_the_truth_or_a_typed_error() {
    let mut failed = Vec::new();
    for name in CALLS {
        let options =
            json!({"instances_installed": name != "create", "flowxo_tie_order": "stable", "flowxo_accounts": 3});
        let world = sandbox(options.clone());
        let truth = ask(&world, name).await.unwrap();
        for rule in faults() {
            for times in [json!(1), Value::Null] {
                let world = sandbox(options.clone());
                let mut rule = rule.clone();
                if !times.is_null() {
                    rule["times"] = times.clone();
                }
                fault(&world, rule.clone());
                let began = Instant::now();
                let found = ask(&world, name).await;
                assert!(began.elapsed() < Duration::from_secs(10), "{name} {rule}: {:?}", began.elapsed());
                match found {
                    Ok(found) => assert_eq!(found, truth, "{name} {rule}"),
                    Err(error) => {
                        assert!(is_typed(&error), "{name} {rule}: {error:?}");
                        let must_succeed = is_harmless(&rule) || !times.is_null() && passes(&rule, name);
                        if must_succeed {
                            failed.push(format!("{name} {rule}: {error:?}"));
                        }
                    }
                }
                let sent = world.ledger();
                assert!(sent.len() <= 9, "{name} {rule}: {} requests", sent.len());
                let posts = sent.iter().filter(|entry| entry.method == "POST" && entry.status != Some(429)).count();
                assert!(posts <= 1 && world.instances_created() <= 1, "{name} {rule}: {posts} creations");
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

/// Whether a fault takes nothing of an answer away.
fn is_harmless(rule: &Value) -> bool {
    ["latency", "packets", "slow_close", "duplicate_header", "clock_skew"].contains(&rule["fault"].as_str().unwrap())
}

/// Whether a fault that happens once is made good by asking again.
fn passes(rule: &Value, name: &str) -> bool {
    let status = rule["status"].as_u64().unwrap_or_default();
    match rule["fault"].as_str().unwrap() {
        // Neither had an effect, so even a creation is sent again.
        "retry_after" => true,
        // Said before it had one, that is.
        "status" if status == 429 => name != "create" || rule["when"].is_null(),
        "refuse" => name != "create",
        "reset" | "cut" | "stall" | "missing_final_chunk" => name != "create",
        "wrong_length" => name != "create" && rule["by"].is_null(),
        "status" => name != "create" && status >= 500,
        _ => false,
    }
}

/// Whether an error is one that a caller of these clients can expect: of the service, the way to it, or its answer.
fn is_typed(error: &Error) -> bool {
    matches!(
        error.kind(),
        Kind::Transport(..)
            | Kind::Api(_)
            | Kind::InvalidCredentials(_)
            | Kind::UntrustedUri { .. }
            | Kind::LimitExceeded { .. }
            | Kind::PartialResult { .. }
    )
}

#[tokio::test]
async fn p10_no_wait_passes_the_deadline() {
    let timeout = Duration::from_millis(200);
    for name in CALLS {
        for rule in [json!({"fault": "stall"}), json!({"fault": "stall", "when": "mid_body"})] {
            let sandbox = sandbox(json!({"instances_installed": name != "create", "flowxo_accounts": 3}));
            fault(&sandbox, rule.clone());
            let (clock, call) = timed(timeout);
            let (mut flowxo, mut instances) = (flowxo_options(&sandbox), instances_options(&sandbox));
            (flowxo.limits, instances.limits) = Default::default();
            let (flowxo, instances) =
                (FlowXo::new(flowxo, Arc::clone(&clock)).unwrap(), Instances::new(instances, clock).unwrap());
            let began = Instant::now();
            let error = within(&sandbox, &call, flowxo, instances, name).await.unwrap_err();
            let took = began.elapsed();
            assert_eq!(error.code(), "DeadlineExceeded", "{name} {rule}");
            assert!(took < timeout + Duration::from_millis(50), "{name} {rule}: {took:?}");
        }
    }
}

#[tokio::test]
async fn p11_retry_after_is_respected_in_every_form() {
    for (values, least, most) in [
        (json!("7"), 7, 8),
        (json!("0"), 0, 1),
        (json!(["5", "30"]), 30, 31),
        (json!("-5"), 0, 1),
        (json!("1.5"), 0, 1),
        (json!("soon"), 0, 1),
        (json!(""), 0, 1),
        (json!("Sun, 06 Nov 1994 08:49:37 GMT"), 0, 1),
        // So long from the moment at which the sandbox starts.
        (json!({"date": 45}), 40, 45),
        (json!({"date": -45}), 0, 1),
        (json!([{"date": 90}, "5"]), 85, 90),
    ] {
        for path in ["/api/*", "/v1/*"] {
            let sandbox = sandbox(json!({"instances_installed": true}));
            let now = sandbox.clock().timestamp();
            let values = written(&values, now);
            let rule = json!({"fault": "status", "status": 429, "retry_after": values, "path": path, "times": 1});
            fault(&sandbox, rule);
            let name = if path == "/api/*" { "workflows" } else { "configuration" };
            ask(&sandbox, name).await.unwrap();
            let waited = sandbox.clock().ahead().as_secs();
            assert!((least..=most).contains(&waited), "{values} {path}: {waited} s");
        }
    }
    for huge in [json!("3600"), json!("99999999999999999999"), json!({"date": 86_400 * 365})] {
        for name in ["workflows", "configuration", "create"] {
            let sandbox = sandbox(json!({}));
            let huge = written(&huge, sandbox.clock().timestamp());
            fault(&sandbox, json!({"fault": "status", "status": 429, "retry_after": huge}));
            let error = ask(&sandbox, name).await.unwrap_err();
            let Kind::Api(reply) = error.kind() else { panic!("{error}") };
            assert!(reply.retry_after.unwrap() >= Duration::from_secs(3590), "{huge} {name}: {reply:?}");
            assert_eq!(sandbox.ledger().len(), 1, "{huge} {name}");
        }
    }
}

/// Values of `Retry-After`, dates so many seconds from now among them.
fn written(values: &Value, now: Timestamp) -> Value {
    match values {
        Value::Array(all) => all.iter().map(|value| written(value, now)).collect(),
        Value::Object(date) => {
            let at = now + SignedDuration::from_secs(date["date"].as_i64().unwrap());
            at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string().into()
        }
        other => other.clone(),
    }
}

#[tokio::test]
async fn p12_a_dead_service_is_not_hammered() {
    let sandbox = sandbox(json!({}));
    fault(&sandbox, json!({"fault": "status", "status": 503, "body": "dead"}));
    let (flowxo, call) = (flowxo_client(&sandbox), call(&sandbox));
    for _ in 0..1000 {
        assert_eq!(flowxo.workflows(&call).await.unwrap_err().code(), "ServerFault");
    }
    let sent = sandbox.ledger().len();
    assert!((1001..=1036).contains(&sent), "{sent}");
    sandbox.clear_ledger();
    let instances = instances_client(&sandbox);
    for _ in 0..1000 {
        assert_eq!(instances.configuration(&call).await.unwrap_err().code(), "ServerFault");
    }
    let sent = sandbox.ledger().len();
    assert!((1001..=1036).contains(&sent), "{sent}");
}

#[tokio::test]
async fn p12_every_account_has_retries_of_its_own() {
    let sandbox = sandbox(json!({"flowxo_accounts": 60}));
    let keys = sandbox.flowxo_api_keys().into_iter().map(|(name, key)| (name, Secret::new(key)));
    let accounts = Accounts::new(&flowxo_client(&sandbox), keys).unwrap();
    let call = call(&sandbox);
    // One failure each.
    fault(&sandbox, json!({"fault": "status", "status": 503, "times": 60}));
    for (name, found) in [("each fails once", 60), ("all are dead", 0)] {
        let ask = |client: FlowXo| {
            let call = &call;
            async move { client.workflows(call).await }
        };
        let (done, partial) = accounts.ask(ask).await.map_or((0, None), |(done, partial)| (done.len(), partial));
        assert_eq!((done, partial.is_none()), (found, true), "{name}: {partial:?}");
        sandbox.clear_faults();
        fault(&sandbox, json!({"fault": "status", "status": 503}));
    }
}

#[tokio::test]
async fn p27_no_secret_travels_over_plain_http() {
    let sandbox = sandbox(json!({}));
    for host in ["http://flowxo.com", "http://flex-api.twilio.com", "http://192.0.2.1", "ftp://127.0.0.1"] {
        let flowxo = insightframe::flowxo::Options { base_url: host.into(), ..flowxo_options(&sandbox) };
        let instances = insightframe::instances::Options { base_url: host.into(), ..instances_options(&sandbox) };
        let clock = || Arc::new(sandbox.clock());
        assert_eq!(FlowXo::new(flowxo, clock()).unwrap_err().code(), "ConfigError", "{host}");
        assert_eq!(Instances::new(instances, clock()).unwrap_err().code(), "ConfigError", "{host}");
    }
}
