//! Deleting the user's own profile: never by accident, in both modes, and the session ends with it.

use insightframe::{
    error::Kind,
    insights::{AuthMode, catalog::Listing},
};
use serde_json::json;

use crate::stage::{LOGIN, MAIN, Stage, refused, whole};

const PROFILE: &str = "/gdc/account/profile/*";

#[tokio::test]
async fn only_the_profile_that_is_logged_in_is_deleted_and_only_by_its_id() {
    let stage = Stage::new();
    let error = refused(stage.client.delete_profile(&stage.call(), &"a".repeat(32)).await);
    insta::assert_snapshot!(error, @r"
    nobody is logged in, so that there is no profile to confirm
    hint: call `login()`, compare `profile_id`, and pass it as `confirm`
    ");
    assert!(stage.sandbox.ledger().is_empty());
    stage.client.login(&stage.call()).await.unwrap();
    let profile = stage.client.profile_id().unwrap();
    let before = stage.sandbox.ledger().len();
    for wrong in ["", "yes", &profile[1..], &profile.to_uppercase(), &format!("{profile} "), &format!("{profile}/x")] {
        let error = refused(stage.client.delete_profile(&stage.call(), wrong).await);
        assert_eq!(error.code(), "ConfigError", "{error}");
    }
    assert_eq!(stage.sandbox.ledger().len(), before, "nothing was sent");
}

#[tokio::test]
async fn after_a_deletion_the_session_is_gone_and_says_so() {
    for auth in [AuthMode::Header, AuthMode::Cookie] {
        for status in [204, 200] {
            let stage = Stage::with(|served| served.profile_delete_status = status, |asked| asked.auth = auth);
            stage.client.login(&stage.call()).await.unwrap();
            let profile = stage.client.profile_id().unwrap();
            stage.client.delete_profile(&stage.call(), &profile).await.unwrap();
            let deletions = stage.requests("DELETE", PROFILE);
            assert_eq!(deletions.iter().map(|entry| entry.status).collect::<Vec<_>>(), [Some(status)]);
            let names: Vec<_> = deletions[0].headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
            match auth {
                AuthMode::Header => {
                    assert!(["x-gdc-authsst", "x-gdc-authtt"].iter().all(|own| names.iter().any(|name| name == own)));
                }
                AuthMode::Cookie => assert!(names.contains(&"cookie".to_owned())),
            }
            assert_eq!(stage.client.profile_id(), None);

            stage.sandbox.clear_ledger();
            let error = refused(stage.client.workspaces(&stage.call(), false).await);
            assert_eq!(error.code(), "SessionLost");
            assert_eq!(
                error.to_string(),
                format!(
                    "the session ended when the profile `{profile}` was deleted by this client\n\
                     hint: make a client with another login"
                )
            );
            assert_eq!(refused(stage.table(&whole(MAIN)).await).code(), "SessionLost");
            assert_eq!(refused(stage.client.login(&stage.call()).await).code(), "SessionLost");
            assert_eq!(refused(stage.client.delete_profile(&stage.call(), &profile).await).code(), "ConfigError");
            stage.client.logout(&stage.call()).await.unwrap();
            stage.client.close().await;
            assert!(stage.sandbox.ledger().is_empty(), "no login of a deleted user is tried");
        }
    }
}

#[tokio::test]
async fn an_expired_token_is_renewed_before_the_deletion_counts() {
    for auth in [AuthMode::Header, AuthMode::Cookie] {
        for fault in ["expire_tt", "expire_sst"] {
            let stage = Stage::with(|_| (), |asked| asked.auth = auth);
            stage.client.login(&stage.call()).await.unwrap();
            let profile = stage.client.profile_id().unwrap();
            stage.fault(json!({"fault": fault, "method": "DELETE", "times": 1}));
            stage.fault(json!({"fault": "expire_tt", "method": "DELETE", "times": 1}));
            stage.client.delete_profile(&stage.call(), &profile).await.unwrap();
            let statuses: Vec<_> = stage.requests("DELETE", PROFILE).iter().filter_map(|entry| entry.status).collect();
            assert_eq!(statuses, [401, 204], "{auth:?} {fault}");
        }
    }
}

#[tokio::test]
async fn a_deletion_whose_answer_got_lost_is_ambiguous_and_not_repeated() {
    for fault in [json!({"fault": "reset"}), json!({"fault": "cut"})] {
        let stage = Stage::new();
        stage.client.login(&stage.call()).await.unwrap();
        let profile = stage.client.profile_id().unwrap();
        let mut rule = fault;
        (rule["method"], rule["path"]) = (json!("DELETE"), json!(PROFILE));
        stage.fault(rule);
        let error = refused(stage.client.delete_profile(&stage.call(), &profile).await);
        assert_eq!(error.code(), "AmbiguousOutcome", "{error}");
        assert!(matches!(error.kind(), Kind::Api(reply) if reply.method == "DELETE"));
        assert_eq!(stage.sent("DELETE", PROFILE), 1);
    }
    // What the service refuses is told in its words, and the session lives on.
    let stage = Stage::new();
    stage.client.login(&stage.call()).await.unwrap();
    let profile = stage.client.profile_id().unwrap();
    stage.fault(json!({"fault": "status", "status": 403, "method": "DELETE", "path": PROFILE, "times": 1}));
    assert_eq!(refused(stage.client.delete_profile(&stage.call(), &profile).await).code(), "Forbidden");
    let workspace = stage.client.workspace(None).unwrap();
    stage.client.catalog(&stage.call(), &workspace, Listing::Facts, false).await.unwrap();
    assert_eq!(stage.sent("POST", LOGIN), 1);
}
