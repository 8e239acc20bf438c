//! What a workspace has: all pages, every shape of answer, and how long an answer is given again.

use std::time::Duration;

use arrow_array::{Array, RecordBatch, cast::AsArray, types::TimestampMicrosecondType};
use arrow_schema::{DataType, TimeUnit};
use insightframe::{
    error::{ApiFault, Kind},
    ids::WorkspaceId,
    insights::{AuthMode, LIFE, catalog::Listing},
    sandbox::{
        self,
        options::{HeaderCasing, IdentifiersOrder, Level0Cookies, MetadataShape},
    },
};
use serde_json::json;

use crate::stage::{Stage, refused};

const LISTINGS: [Listing; 6] =
    [Listing::Reports, Listing::Metrics, Listing::Attributes, Listing::Labels, Listing::Facts, Listing::Datasets];

const PROJECTS: &str = "/gdc/account/profile/*/projects";
const QUERIES: &str = "/gdc/md/*/query";

fn text(batch: &RecordBatch, column: &str) -> Vec<Option<String>> {
    let values = batch.column_by_name(column).unwrap_or_else(|| panic!("no column `{column}`")).as_string_view();
    values.iter().map(|value| value.map(str::to_owned)).collect()
}

fn known(batch: &RecordBatch, column: &str) -> Vec<String> {
    text(batch, column).into_iter().flatten().collect()
}

async fn list(stage: &Stage, listing: Listing) -> RecordBatch {
    let workspace = stage.client.workspace(None).unwrap();
    stage.client.catalog(&stage.call(), &workspace, listing, false).await.unwrap()
}

async fn workspaces(stage: &Stage) -> RecordBatch {
    stage.client.workspaces(&stage.call(), false).await.unwrap()
}

#[tokio::test]
async fn every_workspace_of_twelve_hundred_is_listed() {
    for auth in [AuthMode::Header, AuthMode::Cookie] {
        let stage = Stage::with(|served| served.workspace_count = 1_200, |asked| asked.auth = auth);
        let found = workspaces(&stage).await;
        assert_eq!(known(&found, "id"), stage.sandbox.workspaces());
        assert_eq!(known(&found, "title")[..2], ["Contact Centre", "Contact Centre (Staging)"]);
        assert!(known(&found, "state").iter().all(|state| state == "ENABLED"));
        let created = found.column_by_name("created").unwrap();
        assert_eq!(*created.data_type(), DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())));
        // 2022-06-14 09:12:31, taken for UTC.
        assert_eq!(created.as_primitive::<TimestampMicrosecondType>().value(7), 1_655_197_951_000_000);
        assert_eq!((stage.account().0, stage.sent("GET", PROJECTS)), (1, 5));
        // The largest answer is far from the cap on JSON.
        let largest = stage.requests("GET", PROJECTS).iter().map(|entry| entry.response_bytes).max().unwrap();
        assert!(largest < 700_000, "{largest}");
    }
}

#[tokio::test]
async fn a_workspace_lists_all_that_it_has() {
    let stage = Stage::with(|served| served.report_count = 120, |_| ());
    let reports = list(&stage, Listing::Reports).await;
    let expected: Vec<_> = stage.sandbox.reports().iter().map(|(id, _)| id.clone()).collect();
    assert_eq!(known(&reports, "id"), expected);
    assert_eq!(reports.num_rows(), 120);
    assert_eq!(known(&reports, "identifier")[0], "aaosExgHgF8r");
    assert_eq!(known(&reports, "uri")[0], format!("/gdc/md/{}/obj/3035643", stage.sandbox.workspace()));
    let names: Vec<_> = reports.schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(
        names,
        [
            "id",
            "identifier",
            "title",
            "summary",
            "tags",
            "created",
            "updated",
            "author",
            "contributor",
            "deprecated",
            "locked",
            "unlisted",
            "uri"
        ]
    );
    let rows = [Listing::Metrics, Listing::Attributes, Listing::Facts, Listing::Datasets];
    let mut counts = Vec::new();
    for listing in rows {
        counts.push(list(&stage, listing).await.num_rows());
    }
    assert_eq!(counts, [31, 26, 21, 4]);
    let attributes = list(&stage, Listing::Attributes).await;
    assert!(known(&attributes, "tags").iter().all(|tags| tags == "_lcm_managed_object"));
    assert_eq!(attributes.column_by_name("locked").unwrap().as_boolean().true_count(), 26);
    assert_eq!(reports.column_by_name("deprecated").unwrap().as_boolean().false_count(), 120);
}

#[tokio::test]
async fn labels_come_from_all_pages_of_the_attributes() {
    let mut truth = None;
    for most in [50, 7, 1] {
        let stage = Stage::with(|served| served.query_page_max = most, |_| ());
        let labels = list(&stage, Listing::Labels).await;
        assert_eq!(stage.sent("GET", "/gdc/md/*/objects/query"), 26_usize.div_ceil(most as usize));
        let date = text(&labels, "identifier").iter().position(|own| own.as_deref() == Some("date.date.ddmmyyyy"));
        let date = date.unwrap();
        assert_eq!(text(&labels, "type")[date].as_deref(), Some("GDC.time.day_eu"));
        assert_eq!(text(&labels, "attribute")[date].as_deref(), Some("Date"));
        assert_eq!(text(&labels, "attribute_identifier")[date].as_deref(), Some("date.date"));
        assert_eq!(text(&labels, "attribute_id")[date].as_deref(), Some("1000"));
        assert_eq!(text(&labels, "id")[date].as_deref(), Some("1005"));
        let default = labels.column_by_name("default").unwrap().as_boolean();
        assert_eq!((default.true_count(), default.null_count(), default.value(date)), (26, 0, false));
        assert!(labels.num_rows() > 40);
        assert!(*truth.get_or_insert_with(|| labels.clone()) == labels, "{most}");
    }
}

#[tokio::test]
async fn answers_of_older_services_are_read_too() {
    let modern = Stage::new();
    let old = Stage::with(|served| served.metadata_shape = MetadataShape::Old, |_| ());
    let (new, found) = (workspaces(&modern).await, workspaces(&old).await);
    assert_eq!(known(&found, "id"), known(&new, "id"));
    assert_eq!(old.sent("GET", PROJECTS), 1);
    for listing in LISTINGS {
        let (new, found) = (list(&modern, listing).await, list(&old, listing).await);
        assert_eq!(found.schema(), new.schema(), "{listing:?}");
        for column in ["id", "title", "summary", "tags", "uri"] {
            assert_eq!(text(&found, column), text(&new, column), "{listing:?} {column}");
        }
        assert!(known(&found, "author").iter().all(|author| author.starts_with("/gdc/account/profile/")));
        if listing == Listing::Labels {
            assert_eq!(found.column_by_name("type").unwrap().null_count(), found.num_rows());
        } else {
            assert_eq!(found.column_by_name("identifier").unwrap().null_count(), found.num_rows());
            assert_eq!(found.column_by_name("unlisted").unwrap().null_count(), found.num_rows());
        }
    }
}

#[tokio::test]
async fn a_list_is_given_again_for_its_life_and_a_refresh_asks_anew() {
    let stage = Stage::new();
    let workspace = stage.client.workspace(None).unwrap();
    for listing in LISTINGS {
        stage.sandbox.clear_ledger();
        let first = list(&stage, listing).await;
        let cost = stage.sandbox.ledger().len();
        assert!(list(&stage, listing).await == first);
        assert_eq!(stage.sandbox.ledger().len(), cost, "{listing:?}: it was kept");
        stage.client.catalog(&stage.call(), &workspace, listing, true).await.unwrap();
        assert!(stage.sandbox.ledger().len() > cost, "{listing:?}: it was refreshed");
    }
    stage.sandbox.clear_ledger();
    for refresh in [false, false, true, false] {
        stage.client.workspaces(&stage.call(), refresh).await.unwrap();
    }
    assert_eq!(stage.sent("GET", PROJECTS), 2);
    // Another workspace has another list.
    let other = WorkspaceId::parse(&stage.sandbox.workspaces()[1]).unwrap();
    let elsewhere = stage.client.catalog(&stage.call(), &other, Listing::Reports, false).await.unwrap();
    assert_ne!(text(&elsewhere, "id"), text(&list(&stage, Listing::Reports).await, "id"));

    stage.sandbox.advance(LIFE - Duration::from_secs(60));
    stage.sandbox.clear_ledger();
    list(&stage, Listing::Facts).await;
    assert_eq!(stage.sandbox.ledger().len(), 0);
    stage.sandbox.advance(Duration::from_secs(61));
    list(&stage, Listing::Facts).await;
    assert_eq!(stage.sent("GET", &format!("{QUERIES}/facts")), 1);
}

#[tokio::test]
async fn a_list_that_many_want_at_once_is_asked_for_once() {
    let stage = Stage::new();
    let found = futures_util::future::join_all((0..100).map(|_| list(&stage, Listing::Metrics))).await;
    assert!(found.iter().all(|batch| *batch == found[0]));
    assert_eq!(stage.sandbox.ledger().len(), 2, "a login and a query");
}

#[tokio::test]
async fn switches_that_change_the_wire_change_no_list() {
    type Serve = fn(&mut sandbox::Options);
    let switches: [(&str, AuthMode, Serve); 7] = [
        ("identifiers_order", AuthMode::Header, |served| served.identifiers_order = IdentifiersOrder::Shuffled),
        ("query_page_max", AuthMode::Header, |served| served.query_page_max = 3),
        ("header_casing", AuthMode::Header, |served| served.header_casing = HeaderCasing::Lower),
        ("strict_request_headers", AuthMode::Cookie, |served| served.strict_request_headers = true),
        ("secure_cookies", AuthMode::Cookie, |served| served.secure_cookies = Some(true)),
        ("no secure_cookies", AuthMode::Cookie, |served| (served.tls, served.secure_cookies) = (true, Some(false))),
        ("level0_cookies", AuthMode::Cookie, |served| served.level0_cookies = Level0Cookies::Old),
    ];
    let plain = Stage::new();
    for (name, auth, switch) in switches {
        let stage = Stage::with(switch, |asked| asked.auth = auth);
        assert_eq!(known(&workspaces(&stage).await, "id"), stage.sandbox.workspaces(), "{name}");
        for listing in LISTINGS {
            let (found, truth) = (list(&stage, listing).await, list(&plain, listing).await);
            for column in ["id", "identifier", "title"] {
                assert_eq!(text(&found, column), text(&truth, column), "{name} {listing:?}");
            }
        }
        stage.client.close().await;
        assert_eq!(stage.account().2, 1, "{name}");
    }
}

#[tokio::test]
async fn a_workspace_of_somebody_else_is_an_error_in_each_of_its_forms() {
    for (status, fault) in [(403, ApiFault::Forbidden), (404, ApiFault::NotFound), (410, ApiFault::NotFound)] {
        let stage = Stage::with(|served| served.foreign_workspace = status, |_| ());
        let foreign = WorkspaceId::parse(&"z".repeat(32)).unwrap();
        for listing in LISTINGS {
            let error = refused(stage.client.catalog(&stage.call(), &foreign, listing, false).await);
            assert!(matches!(error.kind(), Kind::Api(reply) if reply.fault == fault && reply.status == status));
        }
        // A failure is not kept.
        let before = stage.sandbox.ledger().len();
        refused(stage.client.catalog(&stage.call(), &foreign, Listing::Facts, false).await);
        assert_eq!(stage.sandbox.ledger().len(), before + 1);
    }
}

#[tokio::test]
async fn lists_of_a_shape_that_is_not_known_are_errors_and_not_short_lists() {
    let stage = Stage::new();
    let ask = async |body: &str, path: &str| {
        stage.sandbox.clear_faults();
        stage.fault(json!({"fault": "status", "status": 200, "path": path, "body": body}));
        match path {
            PROJECTS => refused(stage.client.workspaces(&stage.call(), true).await),
            _ => {
                let workspace = stage.client.workspace(None).unwrap();
                refused(stage.client.catalog(&stage.call(), &workspace, Listing::Labels, true).await)
            }
        }
    };
    let project = json!({"project": {"links": {"self": "/gdc/projects/x"}, "meta": {}, "content": {}}});
    let attribute = |uri: &str| json!({"attribute": {"content": {"displayForms": []}, "meta": {"uri": uri}}});
    let own = format!("/gdc/md/{}/obj/1", stage.sandbox.workspace());
    for (path, body, code) in [
        (PROJECTS, json!({"projects": {"items": [project], "paging": {"totalCount": 9}}}), "UnexpectedReply"),
        (PROJECTS, json!({"projects": [{"project": {"meta": {}}}]}), "UnexpectedReply"),
        (PROJECTS, json!({"projects": 7}), "UnexpectedReply"),
        (PROJECTS, json!({}), "UnexpectedReply"),
        (
            "*/objects/query",
            json!({"objects": {"items": [attribute(&own)], "paging": {"next": "/gdc/x"}}}),
            "UnexpectedReply",
        ),
        ("*/objects/query", json!({"objects": {"items": [{"attribute": {"meta": {}}}]}}), "UnexpectedReply"),
        ("*/objects/query", json!({"objects": {"items": [attribute("https://evil.example/obj/1")]}}), "UntrustedUri"),
        ("*/objects/query", json!({"objects": {"items": {}}}), "UnexpectedReply"),
    ] {
        let error = ask(&body.to_string(), path).await;
        assert_eq!(error.code(), code, "{body}: {error}");
    }
    let error =
        ask(&json!({"projects": {"items": [project], "paging": {"totalCount": "9"}}}).to_string(), PROJECTS).await;
    let Kind::Api(reply) = error.kind() else { panic!("{error}") };
    insta::assert_snapshot!(reply.excerpt, @"of 9 workspaces the service gave 1, and then no more");
}
