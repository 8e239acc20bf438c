//! P12: retry storms are bounded: a dead server gets at most 1,036 sends for 1,000 calls.

use std::sync::Arc;

use insightframe::limits::Retry;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::stage::{IDENTIFIERS, Stage, TOKEN};

const CALLS: usize = 1_000;
const MOST: usize = 1_036;

#[tokio::test]
async fn a_dead_service_is_sent_little_more_than_it_is_asked() {
    for (rule, code) in [
        (json!({"fault": "status", "status": 500, "path": IDENTIFIERS}), "ServerFault"),
        (json!({"fault": "reset", "path": IDENTIFIERS}), "Interrupted"),
    ] {
        let stage = Stage::new();
        stage.client.login(&stage.call()).await.unwrap();
        stage.fault(rule);
        for _ in 0..CALLS {
            assert_eq!(stage.ask(&stage.call()).await.unwrap_err().code(), code);
        }
        let sends = stage.sent("POST", IDENTIFIERS);
        assert!((CALLS + 30..=MOST).contains(&sends), "{code}: {sends}");
    }
}

#[tokio::test]
async fn callers_at_once_share_the_budget() {
    let stage = Arc::new(Stage::new());
    stage.client.login(&stage.call()).await.unwrap();
    stage.fault(json!({"fault": "status", "status": 500, "path": IDENTIFIERS}));
    for _ in 0..10 {
        let mut callers = JoinSet::new();
        for _ in 0..CALLS / 10 {
            let stage = Arc::clone(&stage);
            callers.spawn(async move { stage.ask(&stage.call()).await });
        }
        assert!(callers.join_all().await.iter().all(Result::is_err));
    }
    let sends = stage.sent("POST", IDENTIFIERS);
    assert!((CALLS + 30..=MOST).contains(&sends), "{sends}");
}

#[tokio::test]
async fn a_service_that_nobody_listens_for_is_dialled_as_seldom() {
    // Connections are closed before anything is read, the login first of all.
    let stage = Stage::new();
    stage.client.login(&stage.call()).await.unwrap();
    stage.sandbox.advance(std::time::Duration::from_secs(700));
    stage.fault(json!({"fault": "refuse", "path": TOKEN}));
    for _ in 0..CALLS {
        assert_eq!(stage.ask(&stage.call()).await.unwrap_err().code(), "Interrupted");
    }
    let sends = stage.sent("GET", TOKEN);
    assert!((CALLS + 30..=MOST).contains(&sends), "{sends}");
}

#[tokio::test]
async fn one_request_is_sent_three_times_and_asks_for_more_time_each_time() {
    let stage = Stage::new();
    stage.client.login(&stage.call()).await.unwrap();
    stage.fault(json!({"fault": "status", "status": 500, "path": IDENTIFIERS}));
    let error = stage.ask(&stage.call()).await.unwrap_err();
    let sent = stage.requests("POST", IDENTIFIERS);
    assert_eq!((error.attempts(), sent.len()), (3, 3));
    let Retry { attempts, base, cap, .. } = Retry::default();
    assert_eq!((attempts, base.as_millis(), cap.as_secs()), (3, 500, 20));
    let pauses: Vec<_> = sent.windows(2).map(|two| two[0].received.duration_until(two[1].received)).collect();
    assert!(pauses[0].as_millis() <= 600 && pauses[1].as_millis() <= 1_100, "{pauses:?}");
}

#[tokio::test]
async fn throttling_that_passes_costs_less_than_failing() {
    let count = async |rule: Value| {
        let stage = Stage::new();
        stage.client.login(&stage.call()).await.unwrap();
        stage.fault(rule);
        for _ in 0..200 {
            stage.ask(&stage.call()).await.unwrap_err();
        }
        stage.sent("POST", IDENTIFIERS) - 200
    };
    let throttled = count(json!({"fault": "status", "status": 429, "retry_after": "1", "path": IDENTIFIERS})).await;
    let failing = count(json!({"fault": "status", "status": 500, "path": IDENTIFIERS})).await;
    assert_eq!((throttled, failing), (500 / 5, 500 / 14));
}
