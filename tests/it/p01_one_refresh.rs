//! P1: one refresh per expiry, however many callers.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use tokio::task::JoinSet;

use crate::stage::{IDENTIFIERS, Stage};

#[tokio::test]
async fn ten_thousand_callers_of_an_expired_token_make_one_request() {
    let stage = Arc::new(Stage::new());
    stage.client.login(&stage.call()).await.unwrap();
    assert_eq!(stage.account(), (1, 0, 0));
    stage.sandbox.advance(Duration::from_secs(601));
    stage.fault(json!({"fault": "latency", "ms": 100, "path": "/gdc/account/token"}));
    let mut callers = JoinSet::new();
    for _ in 0..10_000 {
        let stage = Arc::clone(&stage);
        callers.spawn(async move { stage.client.login(&stage.call()).await });
    }
    let done = callers.join_all().await;
    assert!(done.len() == 10_000 && done.iter().all(Result::is_ok));
    assert_eq!(stage.account(), (1, 1, 0));
}

#[tokio::test]
async fn callers_that_are_challenged_together_make_one_request() {
    let stage = Arc::new(Stage::new());
    stage.client.login(&stage.call()).await.unwrap();
    // The token dies at the service before its time, and every one of these learns it from a 401 of his own.
    stage.fault(json!({"fault": "expire_tt", "path": IDENTIFIERS, "times": 1}));
    stage.fault(json!({"fault": "latency", "ms": 50, "path": IDENTIFIERS, "times": 100}));
    let mut callers = JoinSet::new();
    for _ in 0..100 {
        let stage = Arc::clone(&stage);
        callers.spawn(async move { stage.ask(&stage.call()).await });
    }
    assert!(callers.join_all().await.iter().all(Result::is_ok));
    let challenged = stage.requests("POST", IDENTIFIERS).iter().filter(|entry| entry.status == Some(401)).count();
    assert_eq!((challenged, stage.sent("POST", IDENTIFIERS)), (100, 200));
    assert_eq!(stage.account(), (1, 1, 0));
}

#[tokio::test]
async fn callers_that_come_first_together_make_one_login() {
    let stage = Arc::new(Stage::new());
    let mut callers = JoinSet::new();
    for _ in 0..100 {
        let stage = Arc::clone(&stage);
        callers.spawn(async move { stage.ask(&stage.call()).await });
    }
    assert!(callers.join_all().await.iter().all(Result::is_ok));
    assert_eq!(stage.account(), (1, 0, 0));
}
