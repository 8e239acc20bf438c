//! P7: a wrong password is sent once; 429 on login is never hammered.

use std::{sync::Arc, time::Duration};

use insightframe::{error::Kind, secret::Secret};
use serde_json::json;
use tokio::task::JoinSet;

use crate::stage::{LOGIN, MAIN, Stage, whole};

#[tokio::test]
async fn a_wrong_password_is_sent_once_however_often_it_is_tried() {
    let stage = Arc::new(Stage::with(|_| (), |asked| asked.credentials.password = Secret::new("wrong")));
    let mut callers = JoinSet::new();
    for _ in 0..100 {
        let stage = Arc::clone(&stage);
        callers.spawn(async move { stage.ask(&stage.call()).await });
    }
    for done in callers.join_all().await {
        assert_eq!(done.unwrap_err().code(), "InvalidCredentials");
    }
    stage.sandbox.advance(Duration::from_secs(100_000));
    let error = stage.table(&whole(MAIN)).await.unwrap_err();
    assert_eq!(error.code(), "InvalidCredentials");
    assert!(error.to_string().contains("Bad Login or Password!"), "{error}");
    assert_eq!((stage.account(), stage.sandbox.ledger().len()), ((1, 0, 0), 1));
}

#[tokio::test]
async fn a_locked_account_is_left_alone_for_as_long_as_it_asks() {
    let stage = Stage::new();
    stage.fault(json!({"fault": "status", "status": 429, "retry_after": "90", "path": LOGIN, "times": 1}));
    for _ in 0..20 {
        let error = stage.ask(&stage.call()).await.unwrap_err();
        let Kind::LoginThrottled { retry_after: Some(wait) } = error.kind() else { panic!("{error:?}") };
        assert!((Duration::from_secs(80)..=Duration::from_secs(90)).contains(wait), "{wait:?}");
    }
    assert_eq!(stage.account(), (1, 0, 0));
    stage.sandbox.advance(Duration::from_secs(90));
    stage.ask(&stage.call()).await.unwrap();
    assert_eq!(stage.account(), (2, 0, 0));
}

#[tokio::test]
async fn the_lockout_of_the_service_is_told_from_a_wrong_password() {
    let stage = Stage::with(|served| served.login_lockout.tries = 1, |_| ());
    let mut wrong = crate::stage::options(&stage.sandbox);
    wrong.credentials.password = Secret::new("wrong");
    let wrong = insightframe::insights::Insights::new(wrong, Arc::clone(&stage.clock)).unwrap();
    assert_eq!(wrong.login(&stage.call()).await.unwrap_err().code(), "InvalidCredentials");
    // The right password is refused as well now, and says so.
    let error = stage.client.login(&stage.call()).await.unwrap_err();
    assert!(matches!(error.kind(), Kind::LoginThrottled { retry_after: Some(_) }), "{error:?}");
    assert_eq!(stage.account(), (2, 0, 0));
}

#[tokio::test]
async fn a_login_that_may_have_arrived_is_not_sent_again() {
    for (fault, code) in [("reset", "Interrupted"), ("cut", "Interrupted"), ("status", "ServerFault")] {
        let stage = Stage::new();
        let mut rule = json!({"fault": fault, "path": LOGIN, "times": 1, "when": "before_reply"});
        if fault == "status" {
            rule["status"] = json!(500);
        }
        stage.fault(rule);
        assert_eq!(stage.ask(&stage.call()).await.unwrap_err().code(), code);
        assert_eq!(stage.account(), (1, 0, 0), "{fault}");
    }
}
