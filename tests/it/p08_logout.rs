//! P8: logout on every exit, bounded, never masking the cause.

use std::time::{Duration, Instant};

use insightframe::insights::AuthMode;
use serde_json::json;

use crate::stage::{EXECUTE, LOGIN, MAIN, RESULT, Stage, until, whole};

const LOGOUT: &str = "/gdc/account/login/*";

#[tokio::test]
async fn a_session_is_given_back_after_success_and_after_failure() {
    for auth in [AuthMode::Header, AuthMode::Cookie] {
        for fault in [None, Some(json!({"fault": "status", "status": 403, "path": EXECUTE}))] {
            let stage = Stage::with(|_| (), |asked| asked.auth = auth);
            let fails = fault.is_some();
            fault.into_iter().for_each(|rule| stage.fault(rule));
            assert_eq!(stage.table(&whole(MAIN)).await.is_err(), fails);
            stage.client.close().await;
            let statuses: Vec<_> = stage.requests("DELETE", LOGOUT).iter().map(|entry| entry.status).collect();
            assert_eq!(statuses, [Some(204)], "{auth:?}");
            // Closed for good: nothing more is sent.
            let sent = stage.sandbox.ledger().len();
            assert_eq!(stage.ask(&stage.call()).await.unwrap_err().code(), "ConfigError");
            stage.client.close().await;
            assert_eq!(stage.sandbox.ledger().len(), sent);
        }
    }
}

#[tokio::test]
async fn a_session_is_given_back_after_a_call_was_dropped() {
    let stage = std::sync::Arc::new(Stage::new());
    stage.fault(json!({"fault": "stall", "path": RESULT}));
    let dropped = tokio::spawn({
        let stage = std::sync::Arc::clone(&stage);
        async move { stage.table(&whole(MAIN)).await.map(drop) }
    });
    until("the result is waited for", || stage.sent("GET", RESULT) == 1).await;
    dropped.abort();
    dropped.await.unwrap_err();
    stage.client.close().await;
    assert_eq!(stage.sent("DELETE", LOGOUT), 1);
}

#[tokio::test]
async fn a_login_under_way_is_given_back_too() {
    for close in [true, false] {
        let stage = std::sync::Arc::new(Stage::in_real_time(|_| (), |_| ()));
        stage.fault(json!({"fault": "latency", "ms": 200, "path": LOGIN}));
        let asking = tokio::spawn({
            let stage = std::sync::Arc::clone(&stage);
            async move { stage.client.login(&stage.call()).await }
        });
        until("the login is on its way", || stage.sent("POST", LOGIN) == 1).await;
        match close {
            true => stage.client.close().await,
            false => stage.client.logout(&stage.call()).await.unwrap(),
        }
        let asked = asking.await.unwrap();
        assert_eq!(asked.err().map(|error| error.code()), close.then_some("ConfigError"));
        assert_eq!(stage.account(), (1, 0, 1));
    }
}

#[tokio::test]
async fn an_expired_token_is_renewed_for_the_goodbye() {
    for auth in [AuthMode::Header, AuthMode::Cookie] {
        let stage = Stage::with(|_| (), |asked| asked.auth = auth);
        stage.client.login(&stage.call()).await.unwrap();
        stage.sandbox.advance(Duration::from_secs(700));
        stage.client.logout(&stage.call()).await.unwrap();
        let statuses: Vec<_> = stage.requests("DELETE", LOGOUT).iter().map(|entry| entry.status).collect();
        assert_eq!(statuses, [Some(401), Some(204)]);
        // Logged out, not closed: the next call logs in again.
        stage.ask(&stage.call()).await.unwrap();
        assert_eq!(stage.account(), (2, 1, 2));
    }
}

#[tokio::test]
async fn a_goodbye_that_nobody_answers_takes_two_seconds_at_most() {
    let silent = async |rule: serde_json::Value, expired: bool| {
        let stage = Stage::in_real_time(|_| (), |_| ());
        stage.client.login(&stage.call()).await.unwrap();
        if expired {
            stage.fault(json!({"fault": "status", "status": 401, "path": LOGOUT}));
        }
        stage.fault(rule);
        let began = Instant::now();
        stage.client.close().await;
        let took = began.elapsed();
        assert!((1_900..2_200).contains(&took.as_millis()), "{took:?}");
    };
    tokio::join!(
        silent(json!({"fault": "stall", "path": LOGOUT}), false),
        silent(json!({"fault": "stall", "path": "/gdc/account/token"}), true),
    );
}

#[tokio::test]
async fn a_goodbye_that_fails_changes_nothing_about_what_failed_before() {
    for rule in [
        json!({"fault": "reset", "path": LOGOUT}),
        json!({"fault": "status", "status": 500, "path": LOGOUT}),
        json!({"fault": "html", "path": LOGOUT}),
        json!({"fault": "redirect", "to": "https://evil.example/", "path": LOGOUT}),
    ] {
        let stage = Stage::new();
        stage.fault(json!({"fault": "status", "status": 404, "path": EXECUTE}));
        stage.fault(rule);
        let work = async {
            let done = stage.table(&whole(MAIN)).await;
            stage.client.close().await;
            done
        };
        assert_eq!(work.await.unwrap_err().code(), "NotFound");
        assert_eq!(stage.sent("DELETE", LOGOUT), 1);
    }
}
