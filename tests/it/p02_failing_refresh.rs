//! P2: a failing refresh fails its waiters once.

use std::{sync::Arc, time::Duration};

use insightframe::limits::Retry;
use serde_json::json;
use tokio::task::JoinSet;

use crate::stage::{Stage, TOKEN};

#[tokio::test]
async fn a_thousand_waiters_share_one_failure() {
    let stage = Arc::new(Stage::new());
    stage.client.login(&stage.call()).await.unwrap();
    stage.sandbox.advance(Duration::from_secs(601));
    stage.fault(json!({"fault": "status", "status": 500, "path": TOKEN}));
    stage.fault(json!({"fault": "latency", "ms": 50, "path": TOKEN}));
    let mut callers = JoinSet::new();
    for _ in 0..1_000 {
        let stage = Arc::clone(&stage);
        callers.spawn(async move { stage.client.login(&stage.call()).await });
    }
    let attempts = Retry::default().attempts;
    for done in callers.join_all().await {
        let error = done.unwrap_err();
        assert_eq!((error.code(), error.attempts()), ("ServerFault", attempts));
    }
    assert_eq!(stage.account(), (1, attempts as usize, 0));
    // Nothing is remembered against the session: the next caller tries, and succeeds.
    stage.sandbox.clear_faults();
    stage.ask(&stage.call()).await.unwrap();
    assert_eq!(stage.account(), (1, attempts as usize + 1, 0));
}
