//! Sessions, and what keeps the gateway from locking an account.

use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;

use crate::stage::{LOGIN, MAIN, Stage, refused, until};

#[tokio::test(flavor = "multi_thread")]
async fn ten_requests_cost_one_login() {
    let stage = Stage::new().await;
    for _ in 0..10 {
        assert_eq!(stage.report().send().await.unwrap().status(), 200);
    }
    assert_eq!(stage.account(), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_at_the_same_time_wait_for_the_same_login() {
    let stage = Stage::new().await;
    stage.fault(json!({"fault": "latency", "ms": 100, "path": LOGIN}));
    let mut callers = JoinSet::new();
    for _ in 0..50 {
        callers.spawn(stage.report().send());
    }
    for done in callers.join_all().await {
        assert_eq!(done.unwrap().status(), 200);
    }
    assert_eq!(stage.account(), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_goes_to_the_service_once_in_its_life() {
    let stage = Stage::new().await;
    let wrong = || stage.anonymous(MAIN, &[]).basic_auth(stage.sandbox.username(), Some("wrong")).send();
    for _ in 0..20 {
        let mut callers = JoinSet::new();
        (0..50).for_each(|_| drop(callers.spawn(wrong())));
        for done in callers.join_all().await {
            let answer = done.unwrap();
            assert!(answer.headers()["www-authenticate"].to_str().unwrap().starts_with("Basic "));
            refused(answer, 401).await;
        }
    }
    assert_eq!((stage.account(), stage.sandbox.ledger().len()), ((1, 0), 1));
    // The right one is another credential.
    assert_eq!(stage.report().send().await.unwrap().status(), 200);
    stage.sandbox.advance(Duration::from_secs(599));
    assert_eq!((wrong().await.unwrap().status().as_u16(), stage.account().0), (401, 2));
    stage.sandbox.advance(Duration::from_secs(2));
    assert_eq!((wrong().await.unwrap().status().as_u16(), stage.account().0), (401, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_wrong_passwords_of_one_name_dont_lock_its_account() {
    let stage = Stage::new().await;
    assert_eq!(stage.report().send().await.unwrap().status(), 200);
    let mut callers = JoinSet::new();
    for number in 0..1000 {
        let name =
            if number % 2 == 0 { stage.sandbox.username().to_owned() } else { stage.sandbox.username().to_uppercase() };
        callers.spawn(stage.anonymous(MAIN, &[]).basic_auth(name, Some(number.to_string())).send());
        while callers.len() >= 32 {
            let answer = callers.join_next().await.unwrap().unwrap().unwrap();
            assert!(matches!(answer.status().as_u16(), 401 | 429), "{}", answer.status());
            if answer.status() == 429 {
                let wait: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
                assert!((1..=600).contains(&wait));
                assert_eq!(refused(answer, 429).await["error"], "TooManyTries");
            }
        }
    }
    callers.join_all().await;
    assert_eq!(stage.account(), (1 + 3, 0), "the sandbox locks after six");
    // Who is logged in isn't troubled by it, and who comes later isn't for ever.
    assert_eq!(stage.report().send().await.unwrap().status(), 200);
    stage.sandbox.advance(Duration::from_secs(601));
    let wrong = stage.anonymous(MAIN, &[]).basic_auth(stage.sandbox.username(), Some("x")).send().await.unwrap();
    assert_eq!((wrong.status().as_u16(), stage.account().0), (401, 5));
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_service_throttles_logins_nobody_logs_in_until_it_is_over() {
    let stage = Stage::with(|_| (), |options| options.session_age = Duration::from_secs(100)).await;
    assert_eq!(stage.report().send().await.unwrap().status(), 200);
    stage.fault(json!({"fault": "status", "status": 429, "retry_after": "90", "path": LOGIN, "times": 1}));
    for name in ["a", "b", "c", "a"] {
        let answer = stage.anonymous(MAIN, &[]).basic_auth(name, Some("p")).send().await.unwrap();
        let wait: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((80..=90).contains(&wait), "{wait}");
        let told = refused(answer, 429).await;
        assert_eq!((&told["error"], &told["step"]), (&json!("LoginThrottled"), &json!("logging in")));
    }
    assert_eq!(stage.account().0, 2);
    assert_eq!(stage.report().send().await.unwrap().status(), 200, "a session that is there goes on");
    stage.sandbox.advance(Duration::from_secs(91));
    let answer = stage.anonymous(MAIN, &[]).basic_auth("b", Some("p")).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), stage.account().0), (401, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_gives_way_is_logged_out() {
    // Room for one: another user's session takes the place of the one that isn't in use.
    let stage = Stage::with(|_| (), |options| options.max_sessions = 1).await;
    assert_eq!(stage.report().send().await.unwrap().status(), 200);
    stage.anonymous(MAIN, &[]).basic_auth("other", Some("p")).send().await.unwrap();
    until("it is logged out", || stage.account() == (2, 1)).await;
    assert_eq!(stage.report().send().await.unwrap().status(), 200);
    assert_eq!(stage.account().0, 3);
    // As long as it is in use, the other one has to come back.
    stage.fault(json!({"fault": "stall", "path": "/gdc/projects/*", "times": 1}));
    let held = tokio::spawn(stage.report().send());
    until("it is in use", || stage.sandbox.ledger().iter().any(|entry| entry.fault.as_deref() == Some("stall"))).await;
    let answer = stage.anonymous(MAIN, &[]).basic_auth("third", Some("p")).send().await.unwrap();
    assert_eq!(answer.headers()["retry-after"], "10");
    assert_eq!(refused(answer, 503).await["error"], "TooManySessions");
    held.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_session_is_logged_out_and_a_changed_password_noticed() {
    let stage = Stage::new().await;
    assert_eq!(stage.report().send().await.unwrap().status(), 200);
    stage.sandbox.advance(Duration::from_secs(8 * 3600));
    // The password isn't the right one any more.
    stage.fault(json!({"fault": "status", "status": 401, "path": LOGIN, "times": 1,
        "body": "{\"component\":\"Webapp\",\"message\":\"Bad Login or Password!\",\"parameters\":[]}"}));
    let answer = stage.report().send().await.unwrap();
    // With a token that has died by now, and then with a fresh one.
    let logged_out = || stage.requests("DELETE", "/gdc/account/login/*").iter().any(|entry| entry.status == Some(204));
    until("the old session is logged out", logged_out).await;
    assert!(matches!(answer.status().as_u16(), 401 | 502), "{}", answer.status());
    assert_eq!(stage.account().0, 2);
}
