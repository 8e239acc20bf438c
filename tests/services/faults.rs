//! What both clients promise when things go wrong: the truth or a typed error, within bounds of sends and of time.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use insightframe::{
    Error, Result,
    error::Kind,
    flowxo::{Edge, FlowXo, Range, Unit, Zone},
    instances::{InstanceSid, Instances},
    sandbox::Sandbox,
};
use serde_json::{Value, json};

use super::{call, fault, flowxo_client, flowxo_options, instances_client, instances_options, sandbox, timed};

fn week() -> Range {
    let edge = |text| Some(Edge::parse("start", text).unwrap());
    Range::new(edge("2023-05-01"), edge("2023-05-07"), Zone::offset(0).unwrap()).unwrap()
}

/// Each call with its result in words.
const CALLS: [&str; 8] =
    ["stats", "metrics", "top_messages", "top_flows", "workflows", "fetch", "configuration", "create"];

async fn ask(sandbox: &Sandbox, name: &str) -> Result<String> {
    let (flowxo, instances, call) = (flowxo_client(sandbox), instances_client(sandbox), call(sandbox));
    let (week, sid) = (week(), InstanceSid::parse(&format!("GO{}", "5d".repeat(16)))?);
    Ok(match name {
        "stats" => format!("{:?}", flowxo.stats(&call, &week).await?),
        "metrics" => format!("{:?}", flowxo.metrics(&call, &week, Unit::Hour, false).await?.table()?),
        "top_messages" => format!("{:?}", flowxo.top_messages(&call, &week, Some(9)).await?),
        "top_flows" => format!("{:?}", flowxo.top_flows(&call, &week, Some(9)).await?),
        "workflows" => format!("{:?}", flowxo.workflows(&call).await?),
        "fetch" => format!("{:?}", instances.fetch(&call, &sid).await?.status),
        "configuration" => format!("{:?}", instances.configuration(&call).await?.insights_workspaces),
        _ => format!("{:?}", instances.create(&call, true).await?.status),
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
    for name in CALLS {
        let options = json!({"instances_installed": name != "create", "flowxo_tie_order": "stable"});
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
                    Err(error) => assert!(is_typed(&error), "{name} {rule}: {error:?}"),
                }
                let sent = world.ledger();
                assert!(sent.len() <= 9, "{name} {rule}: {} requests", sent.len());
                let posts = sent.iter().filter(|entry| entry.method == "POST" && entry.status != Some(429)).count();
                assert!(posts <= 1 && world.instances_created() <= 1, "{name} {rule}: {posts} creations");
            }
        }
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
    )
}

#[tokio::test]
async fn p10_no_wait_passes_the_deadline() {
    let sandbox = sandbox(json!({"instances_installed": true}));
    fault(&sandbox, json!({"fault": "stall"}));
    let timeout = Duration::from_millis(200);
    for client in ["flowxo", "instances", "create"] {
        let (clock, call) = timed(timeout);
        let began = Instant::now();
        let mut flowxo = flowxo_options(&sandbox);
        let mut instances = instances_options(&sandbox);
        (flowxo.limits, instances.limits) = Default::default();
        let error = match client {
            "flowxo" => FlowXo::new(flowxo, clock)
                .unwrap()
                .metrics(&call, &week(), Unit::Day, false)
                .await
                .map(drop)
                .unwrap_err(),
            "instances" => Instances::new(instances, clock).unwrap().configuration(&call).await.map(drop).unwrap_err(),
            _ => Instances::new(instances, clock).unwrap().create(&call, true).await.map(drop).unwrap_err(),
        };
        assert_eq!(error.code(), "DeadlineExceeded", "{client}");
        assert!(began.elapsed() < timeout + Duration::from_millis(150), "{client}: {:?}", began.elapsed());
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
    ] {
        for path in ["/api/*", "/v1/*"] {
            let sandbox = sandbox(json!({"instances_installed": true}));
            let rule = json!({"fault": "status", "status": 429, "retry_after": values, "path": path, "times": 1});
            fault(&sandbox, rule);
            let name = if path == "/api/*" { "workflows" } else { "configuration" };
            ask(&sandbox, name).await.unwrap();
            let waited = sandbox.clock().ahead().as_secs();
            assert!((least..=most).contains(&waited), "{values} {path}: {waited} s");
        }
    }
    for huge in ["3600", "99999999999999999999"] {
        let sandbox = sandbox(json!({}));
        fault(&sandbox, json!({"fault": "status", "status": 429, "retry_after": huge}));
        let error = ask(&sandbox, "workflows").await.unwrap_err();
        let Kind::Api(reply) = error.kind() else { panic!("{error}") };
        assert!(reply.retry_after.unwrap() >= Duration::from_secs(3600) && sandbox.ledger().len() == 1);
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
async fn p24_no_secret_is_in_any_output_even_when_the_service_repeats_it() {
    let sandbox = sandbox(json!({
        "flowxo_api_key": "canary-flowxo-key", "api_secret": "canary-api-secret", "instances_installed": true,
    }));
    let own = &sandbox.options().instances;
    let pair = {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(format!("{}:{}", own.api_key, own.api_secret))
    };
    for status in [200, 400, 401, 403, 404, 500] {
        sandbox.clear_faults();
        // Each service knows what it was sent itself.
        let said = "you sent canary-flowxo-key";
        fault(&sandbox, json!({"fault": "status", "status": status, "path": "/api/*", "body": said}));
        let said = format!("you sent canary-api-secret and {pair}");
        fault(&sandbox, json!({"fault": "status", "status": status, "path": "/v*", "body": said}));
        for name in CALLS {
            let error = ask(&sandbox, name).await.unwrap_err();
            let shown = format!("{error} {error:?} {:?}", error.kind());
            assert!(!shown.contains("canary") && !shown.contains(&pair), "{name}: {shown}");
            assert!(shown.contains("***"), "{name}: {shown}");
        }
    }
    let (flowxo, instances) = (flowxo_options(&sandbox), instances_options(&sandbox));
    let clients = (
        FlowXo::new(flowxo.clone(), Arc::new(sandbox.clock())),
        Instances::new(instances.clone(), Arc::new(sandbox.clock())),
    );
    let shown = format!("{flowxo:?} {instances:?} {clients:?} {:?} {:?}", sandbox.ledger(), sandbox.options());
    assert!(!shown.contains("canary") && !shown.contains(&pair), "{shown}");
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
