//! P4: cancelling the leader neither cancels nor restarts the flight.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use tokio::task::JoinSet;

use crate::stage::{LOGIN, Stage, TOKEN, until};

#[tokio::test]
async fn followers_of_a_cancelled_leader_get_what_it_asked_for() {
    for (path, logins, refreshes) in [(LOGIN, 1, 0), (TOKEN, 1, 1)] {
        let stage = Arc::new(Stage::new());
        if path == TOKEN {
            stage.client.login(&stage.call()).await.unwrap();
            stage.sandbox.advance(Duration::from_secs(601));
        }
        stage.fault(json!({"fault": "latency", "ms": 150, "path": path}));
        let caller = |stage: &Arc<Stage>| {
            let stage = Arc::clone(stage);
            async move { stage.ask(&stage.call()).await }
        };
        let leader = tokio::spawn(caller(&stage));
        let asked = if path == TOKEN { "GET" } else { "POST" };
        until("the leader has asked", || stage.sent(asked, path) == 1).await;
        let mut followers = JoinSet::new();
        (0..50).for_each(|_| drop(followers.spawn(caller(&stage))));
        tokio::task::yield_now().await;
        leader.abort();
        assert!(leader.await.unwrap_err().is_cancelled());
        assert!(followers.join_all().await.iter().all(Result::is_ok), "{path}");
        assert_eq!(stage.account(), (logins, refreshes, 0), "{path}");
        assert!(stage.sandbox.ledger().iter().all(|entry| !entry.aborted), "the flight's connection was closed");
    }
}

#[tokio::test]
async fn a_flight_that_nobody_waits_for_any_more_closes_its_connection() {
    let stage = Arc::new(Stage::new());
    stage.fault(json!({"fault": "stall", "path": LOGIN, "times": 1}));
    let alone = tokio::spawn({
        let stage = Arc::clone(&stage);
        async move { stage.ask(&stage.call()).await }
    });
    until("the login is on its way", || stage.sent("POST", LOGIN) == 1).await;
    alone.abort();
    alone.await.unwrap_err();
    // The next caller begins a login of its own instead of waiting for one that nobody drives.
    stage.ask(&stage.call()).await.unwrap();
    assert_eq!(stage.account(), (2, 0, 0));
}
