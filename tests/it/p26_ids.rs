//! P26: ids can't move the path.

use insightframe::{
    export::Handle,
    ids::{Identifier, ObjectUri, ReportName, WorkspaceId},
    origin::Origin,
};
use serde_json::json;

use crate::stage::{EXECUTE, IDENTIFIERS, MAIN, RESULT, Stage, whole};

/// What moves a path, ends it, or is taken for another one.
const MOVERS: [&str; 11] =
    ["", "../x", "a/b", "a\\b", "a?b", "a#b", "a%2fb", "%2e%2e", "a b", "a\r\nHost: evil.example", "a\0b"];

#[test]
fn ids_that_move_the_path_are_refused_before_any_request() {
    let stage = Stage::new();
    let (origin, workspace) = (Origin::parse(stage.sandbox.url(), "/gdc/").unwrap(), stage.sandbox.workspace());
    for text in MOVERS {
        assert_eq!(WorkspaceId::parse(text).unwrap_err().code(), "ConfigError", "{text:?}");
        assert_eq!(Identifier::parse(text).unwrap_err().code(), "ConfigError", "{text:?}");
        assert_eq!(ReportName::parse(text, &origin).unwrap_err().code(), "ConfigError", "{text:?}");
        assert_eq!(ReportName::parse_label(text, &origin).unwrap_err().code(), "ConfigError", "{text:?}");
        for address in [format!("/gdc/md/{workspace}/obj/{text}"), format!("/gdc/md/{text}/obj/1")] {
            assert!(ObjectUri::parse(&address, &origin).is_err(), "{address:?}");
            assert!(ReportName::parse(&address, &origin).is_err(), "{address:?}");
            assert!(ReportName::parse_label(&address, &origin).is_err(), "{address:?}");
        }
        let moved = format!("/gdc/projects/{workspace}/execute/raw/../../{text}");
        let report = format!("/gdc/md/{workspace}/obj/1");
        let handle = |result: &str| {
            let service = origin.to_string();
            json!({"insightframe": 1, "service": service, "report": report, "windows": [{"result": result}]})
                .to_string()
        };
        let own = format!("/gdc/projects/{workspace}/execute/raw/1");
        assert!(Handle::parse(&handle(&own), &origin).is_ok());
        assert_eq!(Handle::parse(&handle(&moved), &origin).unwrap_err().code(), "UntrustedUri", "{moved:?}");
    }
    assert_eq!(stage.sandbox.ledger().len(), 0);
}

#[tokio::test]
async fn ids_of_the_service_are_checked_like_the_callers() {
    let stage = Stage::new();
    let workspace = stage.sandbox.workspace().to_owned();
    for text in MOVERS.into_iter().filter(|text| !text.is_empty()) {
        stage.sandbox.clear_faults();
        let entry = json!({"identifier": "x", "uri": format!("/gdc/md/{workspace}/obj/{text}")});
        let body = json!({"identifiers": [entry]}).to_string();
        stage.fault(json!({"fault": "status", "status": 200, "body": body, "path": IDENTIFIERS}));
        assert!(stage.ask(&stage.call()).await.is_err(), "{text:?}");
        // A result belongs to the workspace that was asked.
        for uri in [format!("/gdc/projects/{text}/execute/raw/1"), format!("/gdc/account/{text}")] {
            let body = json!({"uri": uri}).to_string();
            stage.fault(json!({"fault": "status", "status": 201, "body": body, "path": EXECUTE, "times": 1}));
            assert_eq!(stage.table(&whole(MAIN)).await.unwrap_err().code(), "UntrustedUri", "{uri:?}");
        }
    }
    assert_eq!(stage.sent("GET", RESULT), 0);
}
