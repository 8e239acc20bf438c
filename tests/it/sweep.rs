//! The sweep: each step of an export, each fault of the sandbox, at each point where it can happen, once or for ever. What
//! comes of it is the truth or a typed error, a file is complete or not there, nothing is sent more often than it may be,
//! and nothing takes longer than it was given.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use insightframe::{
    Error,
    export::{self, Start},
};
use serde_json::{Value, json};

use crate::stage::{EXECUTE, IDENTIFIERS, LOGIN, MAIN, RESULT, Stage, TOKEN, on_days, whole};

/// Where the flow can be hurt. The last one is after it.
const STEPS: [&str; 8] =
    [LOGIN, TOKEN, IDENTIFIERS, "/gdc/md/*/obj/*", "/gdc/md/*/objects/get", EXECUTE, RESULT, "/gdc/account/login/*"];

/// How long one export may take, and how long nothing may come: in a crowd, and alone.
#[derive(Clone, Copy)]
struct Patience {
    allowed: Duration,
    idle: Duration,
}

const IN_A_CROWD: Patience = Patience { allowed: Duration::from_secs(3), idle: Duration::from_millis(250) };
const ALONE: Patience = Patience { allowed: Duration::from_secs(20), idle: Duration::from_secs(2) };

fn faults() -> Vec<Value> {
    let mut all = vec![
        json!({"fault": "latency", "ms": 5}),
        json!({"fault": "packets", "bytes": 7}),
        json!({"fault": "slow_close", "ms": 5}),
        json!({"fault": "refuse"}),
        json!({"fault": "retry_after", "value": "0"}),
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
        json!({"fault": "expire_tt"}),
        json!({"fault": "expire_sst"}),
        json!({"fault": "changed_result"}),
        json!({"fault": "edited_report"}),
        json!({"fault": "redirect", "to": "http://192.0.2.1/gdc/x"}),
        json!({"fault": "redirect", "to": "//192.0.2.1/gdc/x", "status": 307}),
    ];
    for when in ["before_read", "before_reply", "mid_body"] {
        for name in ["reset", "cut", "stall"] {
            all.push(json!({"fault": name, "when": when}));
        }
    }
    for status in [400, 401, 403, 404, 410, 413, 429, 500, 502, 503, 504] {
        // 503 and 429 ask for a minute unless they are told not to.
        all.push(json!({"fault": "status", "status": status, "retry_after": "0"}));
        all.push(json!({"fault": "status", "status": status, "retry_after": "0", "when": "before_reply", "body": "\u{fffd}{"}));
    }
    all
}

/// Takes nothing of an answer away.
fn is_harmless(rule: &Value) -> bool {
    ["latency", "packets", "slow_close", "clock_skew"].iter().any(|name| rule["fault"] == *name)
}

/// Passes when the same is asked again, and may be asked again.
fn passes(rule: &Value, step: &str) -> bool {
    let repeatable = step != LOGIN;
    let broken = ["refuse", "reset", "cut", "stall", "missing_final_chunk", "retry_after"];
    let transient = rule["status"].as_u64().is_some_and(|status| matches!(status, 429 | 500..=504));
    repeatable && (broken.iter().any(|name| rule["fault"] == *name) || rule["fault"] == "status" && transient)
}

fn is_typed(error: &Error) -> bool {
    error.code() != "ConfigError" && error.code() != "OSError" && !error.to_string().is_empty()
}

fn stage(patience: Patience) -> Stage {
    Stage::in_real_time(
        |served| served.raw_202_count = 1,
        move |asked| {
            asked.limits.idle = patience.idle;
            asked.retry.base = Duration::from_millis(1);
            asked.polling.initial = Duration::from_millis(1);
        },
    )
}

fn days() -> Start {
    on_days(whole(MAIN), "2023-01-02", "2023-01-05")
}

/// One export that is hurt.
#[derive(Clone)]
struct Case {
    step: &'static str,
    rule: Value,
    to_a_file: bool,
}

/// One export and its end; gives what is wrong with it.
async fn one(case: &Case, truth: &(String, Vec<u8>), patience: Patience) -> Option<String> {
    let Case { step, rule, to_a_file } = case.clone();
    let stage = stage(patience);
    if step == TOKEN {
        // So that there is a step to be hurt.
        stage.fault(json!({"fault": "expire_tt", "path": EXECUTE, "times": 1}));
    }
    let once = rule["times"] == 1;
    stage.fault(rule.clone());
    let (call, start) = (stage.call_within(patience.allowed), days());
    let began = Instant::now();
    let mut inferred = false;
    let found = if to_a_file {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("report.csv");
        let done = export::download(&stage.client, &call, &start, &path).await;
        let left: Vec<_> = std::fs::read_dir(directory.path()).unwrap().collect();
        match done {
            Ok(_) => Ok(std::fs::read(&path).unwrap() == truth.1 && left.len() == 1),
            Err(_) if !left.is_empty() => return Some(format!("{step} {rule}: a file was left behind")),
            Err(error) => Err(error),
        }
    } else {
        export::table(&stage.client, &call, &start).await.map(|table| {
            inferred = table.receipt().unwrap().warnings.iter().any(|warning| warning.contains("inferred"));
            format!("{:?}", table.batches()) == truth.0
        })
    };
    let took = began.elapsed();
    stage.client.close().await;
    let wrong = |what: String| Some(format!("{step} {rule} (to a file: {to_a_file}): {what}"));
    if took > patience.allowed + Duration::from_millis(250) {
        return wrong(format!("it took {took:?}"));
    }
    // A definition that can't be read is said in the receipt, and the data decides.
    let changed = rule["fault"] == "changed_result" || rule["fault"] == "edited_report";
    match found {
        Ok(false) if !inferred && !changed => return wrong("the result is not the truth".into()),
        Err(error) if !is_typed(&error) => return wrong(format!("{error:?}")),
        Err(error) if is_harmless(&rule) || once && passes(&rule, step) => return wrong(format!("{error:?}")),
        _ => {}
    }
    let (logins, tokens, goodbyes) = stage.account();
    let (executions, sent) = (stage.sandbox.executions(), stage.sandbox.ledger().len());
    let bounds = [(logins, 6), (tokens, 9), (goodbyes, 2), (usize::try_from(executions).unwrap(), 6), (sent, 60)];
    if bounds.iter().any(|(number, most)| number > most) {
        return wrong(format!("logins, tokens, goodbyes, executions, requests and their bounds: {bounds:?}"));
    }
    None
}

fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    for step in STEPS {
        for rule in faults() {
            for times in [Some(1), None] {
                for to_a_file in [false, true] {
                    let mut rule = rule.clone();
                    rule["path"] = step.into();
                    if let Some(times) = times {
                        rule["times"] = times.into();
                    }
                    all.push(Case { step, rule, to_a_file });
                }
            }
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_truth_or_a_typed_error_within_bounds() {
    let truthful = stage(ALONE);
    let table = truthful.table(&days()).await.unwrap();
    let (bytes, _) = truthful.download(&days()).await.unwrap();
    let truth = (format!("{:?}", table.batches()), bytes);
    let cases = cases();
    assert!(cases.len() > 1_500, "{}", cases.len());
    // Most of them wait for what will not come, so they wait together.
    let suspects = stream::iter(&cases)
        .map(async |case| one(case, &truth, IN_A_CROWD).await.map(|_| case))
        .buffer_unordered(64)
        .filter_map(async |suspect| suspect)
        .collect::<Vec<_>>();
    let suspects = suspects.await;
    // A busy machine is late in a crowd; what is wrong is wrong alone, too.
    assert!(suspects.len() < cases.len() / 10, "{} of {} went wrong", suspects.len(), cases.len());
    let mut wrong = Vec::new();
    for case in suspects {
        wrong.extend(one(case, &truth, ALONE).await);
    }
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
}
