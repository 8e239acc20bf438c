//! P5: refresh ahead of expiry, off the hot path; a soft failure is tolerated while the old token lives.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::stage::{IDENTIFIERS, Stage, TOKEN, until};

#[tokio::test]
async fn a_token_is_replaced_beside_the_requests_that_use_it() {
    let stage = Stage::new();
    stage.client.login(&stage.call()).await.unwrap();
    stage.fault(json!({"fault": "latency", "ms": 500, "path": TOKEN}));
    stage.sandbox.advance(Duration::from_secs(490));
    let mut slowest = Duration::ZERO;
    for _ in 0..200 {
        let began = Instant::now();
        stage.ask(&stage.call()).await.unwrap();
        slowest = slowest.max(began.elapsed());
    }
    // Not one in two hundred waited for the half second that the fresh token takes.
    assert!(slowest < Duration::from_millis(400), "{slowest:?}");
    until("the fresh token has come", || stage.requests("GET", TOKEN).iter().all(|entry| entry.status.is_some())).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(stage.account(), (1, 1, 0));
    // The first token is dead now; the fresh one goes on without a challenge.
    stage.sandbox.advance(Duration::from_secs(120));
    stage.ask(&stage.call()).await.unwrap();
    assert!(stage.requests("POST", IDENTIFIERS).iter().all(|entry| entry.status == Some(200)));
    assert_eq!(stage.account(), (1, 1, 0));
}

#[tokio::test]
async fn a_failure_ahead_of_time_is_nobodys_and_is_not_hammered() {
    let stage = Stage::with(|_| (), |asked| asked.retry.attempts = 1);
    stage.client.login(&stage.call()).await.unwrap();
    stage.fault(json!({"fault": "status", "status": 500, "path": TOKEN}));
    stage.sandbox.advance(Duration::from_secs(490));
    stage.ask(&stage.call()).await.unwrap();
    until("the refresh has failed", || stage.sent("GET", TOKEN) == 1).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    for _ in 0..50 {
        stage.ask(&stage.call()).await.unwrap();
    }
    assert_eq!(stage.account(), (1, 1, 0), "it is quiet for some seconds");
    stage.sandbox.advance(Duration::from_secs(6));
    stage.ask(&stage.call()).await.unwrap();
    until("it is tried again", || stage.sent("GET", TOKEN) == 2).await;
    // When the old token dies, the failure is the callers'.
    stage.sandbox.advance(Duration::from_secs(120));
    assert_eq!(stage.ask(&stage.call()).await.unwrap_err().code(), "ServerFault");
}
