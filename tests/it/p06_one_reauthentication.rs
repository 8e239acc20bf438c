//! P6: at most one re-authentication per request and token kind.

use serde_json::json;

use crate::stage::{EXECUTE, IDENTIFIERS, LOGIN, RESULT, Stage, TOKEN, whole};

#[tokio::test]
async fn a_service_that_refuses_its_own_tokens_is_asked_twice() {
    let stage = Stage::new();
    stage.fault(json!({"fault": "status", "status": 401, "path": IDENTIFIERS}));
    let error = stage.ask(&stage.call()).await.unwrap_err();
    assert_eq!(error.code(), "SessionLost");
    assert_eq!(stage.sent("POST", IDENTIFIERS), 2);
    assert_eq!(stage.account(), (1, 1, 0));
}

#[tokio::test]
async fn a_service_that_refuses_its_own_logins_is_asked_for_one() {
    let stage = Stage::with(
        |served| served.level0_cookies = insightframe::sandbox::options::Level0Cookies::Old,
        |asked| asked.auth = insightframe::insights::AuthMode::Cookie,
    );
    stage.fault(json!({"fault": "status", "status": 401, "path": TOKEN}));
    assert_eq!(stage.ask(&stage.call()).await.unwrap_err().code(), "SessionLost");
    assert_eq!(stage.account(), (1, 1, 0));
}

#[tokio::test]
async fn each_kind_of_death_is_answered_once_wherever_it_comes() {
    for path in [IDENTIFIERS, EXECUTE, RESULT] {
        for (deaths, account) in [(&["expire_tt"][..], (1, 1, 0)), (&["expire_tt", "expire_sst"][..], (2, 1, 0))] {
            let stage = Stage::new();
            stage.client.login(&stage.call()).await.unwrap();
            for death in deaths {
                stage.fault(json!({"fault": death, "path": path, "times": 1}));
            }
            let table = match path {
                IDENTIFIERS => stage.ask(&stage.call()).await.map(|()| None),
                _ => stage.table(&whole(crate::stage::MAIN)).await.map(Some),
            };
            if let Some(table) = table.unwrap() {
                assert_eq!((table.num_rows(), table.receipt().unwrap().token_refreshes), (620, 1));
            }
            let method = if path == RESULT { "GET" } else { "POST" };
            assert_eq!(stage.sent(method, path), 2, "{path} {deaths:?}");
            assert_eq!(stage.account(), account, "{path} {deaths:?}");
        }
    }
}

#[tokio::test]
async fn a_login_that_is_needed_on_the_way_is_sent_once() {
    let stage = Stage::new();
    stage.client.login(&stage.call()).await.unwrap();
    stage.fault(json!({"fault": "expire_tt", "path": IDENTIFIERS, "times": 1}));
    stage.fault(json!({"fault": "expire_sst", "path": TOKEN, "times": 1}));
    stage.fault(json!({"fault": "status", "status": 403, "path": LOGIN}));
    assert_eq!(stage.ask(&stage.call()).await.unwrap_err().code(), "Forbidden");
    assert_eq!((stage.sent("POST", IDENTIFIERS), stage.account()), (1, (2, 1, 0)));
}
