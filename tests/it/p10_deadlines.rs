//! P10: no wait passes the deadline; every wait can be cancelled.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use insightframe::{
    Error, Result,
    error::Kind,
    export::{self, Export, Start},
};
use serde_json::{Value, json};

use crate::stage::{CONVERSATIONS, EXECUTE, IDENTIFIERS, LOGIN, MAIN, RESULT, Stage, TOKEN, resumed, until, whole};

const ALLOWED: Duration = Duration::from_millis(300);

/// Every wait of an export: where, what makes it endless, and the phase that the error names.
fn waits() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        (LOGIN, json!({"fault": "stall", "path": LOGIN}), "logging in"),
        (LOGIN, json!({"fault": "stall", "after": 10, "path": LOGIN}), "logging in"),
        ("/gdc/md/*/obj/*", json!({"fault": "stall", "path": "/gdc/md/*/obj/*"}), "resolving"),
        ("/gdc/md/*/obj/*", json!({"fault": "stall", "after": 10, "path": "/gdc/md/*/obj/*"}), "resolving"),
        (EXECUTE, json!({"fault": "stall", "path": EXECUTE}), "executing"),
        (EXECUTE, json!({"fault": "stall", "after": 5, "path": EXECUTE}), "executing"),
        (RESULT, json!({"fault": "stall", "path": RESULT}), "polling"),
        (RESULT, json!({"fault": "stall", "after": 100, "path": RESULT}), "downloading"),
        (RESULT, json!({"fault": "bandwidth", "bytes_per_second": 5000, "path": RESULT}), "downloading"),
        (RESULT, json!({"fault": "status", "status": 403, "path": RESULT}), ""),
    ]
}

/// The error is that of a deadline, in this phase, and came in time.
fn in_time(error: &Error, took: Duration, phase: &str) {
    let Kind::DeadlineExceeded { phase: named, allowed, .. } = error.kind() else { panic!("{phase}: {error:?}") };
    assert_eq!((*named, *allowed), (phase, ALLOWED));
    assert!(took >= ALLOWED - Duration::from_millis(5), "{phase}: {took:?}");
    assert!(took <= ALLOWED + Duration::from_millis(50), "{phase}: {took:?}");
}

fn timed(report: &str) -> Start {
    let Start::New(export) = whole(report) else { panic!() };
    Start::New(Export { timeout: Some(ALLOWED), ..export })
}

#[tokio::test]
async fn every_wait_of_an_export_ends_at_the_deadline() {
    let scenario = async |(_, rule, phase): (&str, Value, &str)| {
        let stage = Stage::in_real_time(|_| (), |_| ());
        stage.fault(rule);
        let began = Instant::now();
        let done = export::table(&stage.client, &stage.call_within(ALLOWED), &timed(CONVERSATIONS)).await;
        let (error, took) = (done.unwrap_err(), began.elapsed());
        if phase.is_empty() {
            // Not a wait at all: the failure comes at once, and as itself.
            assert!(error.code() == "Forbidden" && took < ALLOWED, "{error:?} after {took:?}");
        } else {
            in_time(&error, took, phase);
        }
    };
    futures_util::future::join_all(waits().into_iter().map(scenario)).await;
}

#[tokio::test]
async fn a_wait_for_a_place_ends_at_the_deadline() {
    let stage = Arc::new(Stage::in_real_time(|_| (), |asked| asked.max_concurrency = 1));
    stage.fault(json!({"fault": "stall", "path": RESULT}));
    let first = tokio::spawn({
        let stage = Arc::clone(&stage);
        async move { stage.table(&whole(MAIN)).await.map(drop) }
    });
    until("the only place is taken", || stage.sent("GET", RESULT) == 1).await;
    let sent = stage.sandbox.ledger().len();
    let began = Instant::now();
    let error = export::table(&stage.client, &stage.call_within(ALLOWED), &timed(MAIN)).await.unwrap_err();
    in_time(&error, began.elapsed(), "waiting");
    assert_eq!(stage.sandbox.ledger().len(), sent);
    first.abort();
}

#[tokio::test]
async fn every_verb_alone_ends_at_the_deadline() {
    type Verb = fn(&Stage) -> std::pin::Pin<Box<dyn Future<Output = Result<()>> + '_>>;
    let scenario = async |path: &str, verb: Verb, phase: &str| {
        let stage = Stage::in_real_time(|_| (), |_| ());
        if path != LOGIN {
            stage.client.login(&stage.call()).await.unwrap();
        }
        stage.fault(json!({"fault": "stall", "path": path}));
        let began = Instant::now();
        in_time(&verb(&stage).await.unwrap_err(), began.elapsed(), phase);
    };
    tokio::join!(
        scenario(
            LOGIN,
            |stage| Box::pin(async { stage.client.login(&stage.call_within(ALLOWED)).await }),
            "logging in"
        ),
        scenario(IDENTIFIERS, |stage| Box::pin(async { stage.ask(&stage.call_within(ALLOWED)).await }), "resolving"),
        scenario(
            "/gdc/md/*/obj/*",
            |stage| Box::pin(async {
                let call = stage.call_within(ALLOWED);
                let Start::New(export) = whole(MAIN) else { panic!() };
                let report = stage.client.locate(&call, &export.report, None).await?;
                stage.client.describe(&call, &report).await.map(drop)
            }),
            "resolving"
        ),
    );
}

#[tokio::test]
async fn a_pause_that_would_end_after_the_deadline_is_not_begun() {
    // The error that made it pause says more than that the time ran out.
    for rule in [
        json!({"fault": "status", "status": 503, "retry_after": "30", "path": EXECUTE}),
        json!({"fault": "status", "status": 429, "retry_after": "30", "path": EXECUTE}),
    ] {
        let stage = Stage::in_real_time(|_| (), |_| ());
        stage.fault(rule);
        let began = Instant::now();
        let call = stage.call_within(Duration::from_secs(5));
        let error = export::table(&stage.client, &call, &whole(MAIN)).await.unwrap_err();
        assert!(["ServerFault", "RateLimited"].contains(&error.code()), "{error:?}");
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        assert_eq!(stage.sent("POST", EXECUTE), 1);
    }
}

#[tokio::test]
async fn a_deadline_leaves_the_execution_to_be_resumed() {
    let stage = Stage::with(|served| served.compute_seconds = 300.0, |_| ());
    let call = stage.call_within(Duration::from_secs(60));
    let error = export::table(&stage.client, &call, &whole(MAIN)).await.unwrap_err();
    let Kind::DeadlineExceeded { handle: Some(handle), phase: "polling", .. } = error.kind() else {
        panic!("{error:?}")
    };
    assert_eq!(stage.table(&resumed(&stage, handle)).await.unwrap().num_rows(), 620);
    assert_eq!(stage.sandbox.executions(), 1);
}

#[tokio::test]
async fn every_wait_can_be_cancelled_and_closes_its_connection() {
    let scenario = async |(path, rule, _): (&str, Value, &str)| {
        if rule["fault"] == "status" {
            return;
        }
        let stage = Arc::new(Stage::in_real_time(|_| (), |_| ()));
        stage.fault(rule);
        let work = tokio::spawn({
            let stage = Arc::clone(&stage);
            async move { stage.table(&whole(CONVERSATIONS)).await.map(drop) }
        });
        let waiting = || stage.sandbox.ledger().into_iter().find(|entry| crate::stage::fits(path, &entry.path));
        until("it waits", || waiting().is_some()).await;
        tokio::time::sleep(Duration::from_millis(30)).await;
        work.abort();
        let began = Instant::now();
        assert!(work.await.unwrap_err().is_cancelled());
        until("the connection is closed", || waiting().is_some_and(|entry| entry.aborted)).await;
        assert!(began.elapsed() < Duration::from_millis(400), "{path}: {:?}", began.elapsed());
        assert_eq!(stage.sent("GET", TOKEN), 0);
    };
    futures_util::future::join_all(waits().into_iter().map(scenario)).await;
}
