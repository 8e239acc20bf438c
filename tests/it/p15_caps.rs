//! P15: every body is capped: JSON, the excerpt of an error, CSV; memory stays near the cap.

use std::{process::Command, sync::Arc};

use insightframe::{
    clock::SystemClock,
    error::Kind,
    export,
    ids::WorkspaceId,
    insights::{Insights, Options},
    progress::Call,
    secret::{Credentials, Secret},
};
use serde_json::json;

use crate::stage::{CONVERSATIONS, EXECUTE, IDENTIFIERS, MAIN, RESULT, Stage, whole};

const MIB: u64 = 1 << 20;

/// The cap of one kind of body was passed, by no more than one piece of it.
fn capped(error: &insightframe::Error, name: &str, at: u64) {
    let Kind::LimitExceeded { limit, allowed, observed } = error.kind() else { panic!("{error:?}") };
    assert_eq!((*limit, *allowed), (name, at));
    assert!(*observed > at && *observed <= at + 8 * MIB, "{observed} of {at}");
}

#[tokio::test]
async fn json_is_capped_at_a_mebibyte() {
    for (size, fits) in [(MIB - 100, true), (MIB + 1, false), (64 * MIB, false)] {
        let stage = Stage::new();
        let body = json!({"uri": "", "padding": "x".repeat(size as usize - 23)}).to_string();
        stage.fault(json!({"fault": "status", "status": 201, "body": body, "path": EXECUTE}));
        let error = stage.table(&whole(MAIN)).await.unwrap_err();
        if fits {
            assert_eq!(error.code(), "UntrustedUri", "it was read, and names no address");
        } else {
            capped(&error, "json_bytes", MIB);
            assert_eq!(stage.sent("POST", EXECUTE), 1, "the same again would be no shorter");
        }
    }
}

#[tokio::test]
async fn of_an_error_four_kibibytes_are_read() {
    for body in ["x".repeat(64 << 20), format!("<html>{}", "<b>x</b> ".repeat(1 << 20))] {
        let stage = Stage::with(|_| (), |asked| asked.retry.attempts = 1);
        stage.client.login(&stage.call()).await.unwrap();
        stage.fault(json!({"fault": "status", "status": 500, "body": body, "path": IDENTIFIERS}));
        let error = stage.ask(&stage.call()).await.unwrap_err();
        let Kind::Api(reply) = error.kind() else { panic!("{error:?}") };
        assert!(!reply.excerpt.is_empty() && reply.excerpt.len() <= 4 << 10, "{}", reply.excerpt.len());
        // The rest was left unread, and the connection with it.
        crate::stage::until("the connection is closed", || stage.requests("POST", IDENTIFIERS)[0].aborted).await;
    }
}

#[tokio::test]
async fn csv_is_capped_as_configured() {
    let stage = Stage::with(|served| served.rows_per_day = 2_000, |asked| asked.limits.csv_bytes = 2 * MIB);
    capped(&stage.table(&whole(CONVERSATIONS)).await.unwrap_err(), "csv_bytes", 2 * MIB);
    capped(&stage.stream(&whole(CONVERSATIONS)).await.unwrap_err(), "csv_bytes", 2 * MIB);
    capped(&stage.download(&whole(CONVERSATIONS)).await.unwrap_err(), "csv_bytes", 2 * MIB);
    assert_eq!(stage.sent("GET", RESULT), 3, "none was fetched again");
}

/// Bytes that this process has had in memory at most.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}

/// What [`growth`] runs in a process of its own: one export, in one way, with one cap.
#[tokio::test]
#[ignore = "is run in a process of its own, with a service to export from"]
async fn export_and_tell_the_peak() {
    let told = |name: &str| std::env::var(name).unwrap();
    let mut options =
        Options::new(Credentials { username: told("IT_USER"), password: Secret::new(told("IT_PASSWORD")) });
    options.base_url = told("IT_URL");
    options.workspace = Some(WorkspaceId::parse(&told("IT_WORKSPACE")).unwrap());
    options.limits.csv_bytes = told("IT_CAP").parse().unwrap();
    let clock = Arc::new(SystemClock::new());
    let client = Insights::new(options, clock.clone()).unwrap();
    let call = Call::new(clock, None, None);
    client.login(&call).await.unwrap();
    let before = peak();
    let start = whole(&told("IT_REPORT"));
    let error = match told("IT_WAY").as_str() {
        "table" => export::table(&client, &call, &start).await.unwrap_err(),
        "download" => {
            let directory = tempfile::tempdir().unwrap();
            export::download(&client, &call, &start, &directory.path().join("x.csv")).await.unwrap_err()
        }
        "json" => client.describe(&call, &locate(&client, &call).await).await.unwrap_err(),
        way => panic!("{way}"),
    };
    println!("peak {} {}", peak() - before, error.code());
}

async fn locate(client: &Insights, call: &Call) -> insightframe::ids::ObjectUri {
    let export::Start::New(export) = whole(MAIN) else { panic!() };
    client.locate(call, &export.report, None).await.unwrap()
}

/// By how much an export that fails makes a fresh process grow, in bytes, and the error.
pub fn growth(stage: &Stage, way: &str, report: &str, cap: u64) -> (u64, String) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "p15_caps::export_and_tell_the_peak", "--ignored", "--nocapture"]);
    child.env("IT_USER", stage.sandbox.username()).env("IT_PASSWORD", stage.sandbox.password());
    child.env("IT_URL", stage.sandbox.url()).env("IT_WORKSPACE", stage.sandbox.workspace());
    child.env("IT_WAY", way).env("IT_REPORT", report).env("IT_CAP", cap.to_string());
    let done = child.output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    let told = said.split("peak ").nth(1).unwrap_or_else(|| panic!("{said}{}", String::from_utf8_lossy(&done.stderr)));
    let mut words = told.split_whitespace();
    (words.next().unwrap().parse().unwrap(), words.next().unwrap().to_owned())
}

#[test]
fn memory_stays_near_the_cap() {
    let stage = Stage::with(|served| served.rows = Some(10_000_000), |_| ());
    for (way, cap, most) in [("table", 16 * MIB, 80 * MIB), ("download", 16 * MIB, 64 * MIB)] {
        let (grown, code) = growth(&stage, way, CONVERSATIONS, cap);
        assert_eq!(code, "LimitExceeded", "{way}");
        assert!(grown <= most, "{way}: {} MiB", grown / MIB);
    }
}
