//! A report, byte for byte or in another format, and the headers around it.

use std::io::Read;

use arrow_array::RecordBatch;
use arrow_ipc::reader::StreamReader;
use bytes::Bytes;
use flate2::read::GzDecoder;
use insightframe::{
    clock::SystemClock,
    export::{self, Export, Start, Types},
    handoff::Table,
    ids::{ReportName, WorkspaceId},
    insights::{Insights, Options},
    progress::Call,
    secret::{Credentials, Secret},
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

use crate::stage::{DAYS, EMPTY, MAIN, RESULT, Stage, query};

/// The same report through the library.
async fn table(stage: &Stage) -> Table {
    let clock = std::sync::Arc::new(SystemClock::new());
    let credentials =
        Credentials { username: stage.sandbox.username().into(), password: Secret::new(stage.sandbox.password()) };
    let options = Options { base_url: stage.sandbox.url().into(), ..Options::new(credentials) };
    let client = Insights::new(options, clock.clone()).unwrap();
    let start = Start::New(Export {
        workspace: Some(WorkspaceId::parse(stage.sandbox.workspace()).unwrap()),
        interval: None,
        types: Types::default(),
        ..Export::new(ReportName::Number(MAIN.parse().unwrap()))
    });
    export::table(&client, &Call::new(clock, None, None), &start).await.unwrap()
}

/// The bytes of a result as the sandbox sends them to anybody, through no code of ours.
async fn raw(stage: &Stage) -> Bytes {
    let client = &stage.client;
    let (url, credentials) = (stage.sandbox.url(), (stage.sandbox.username(), stage.sandbox.password()));
    let login =
        json!({"postUserLogin": {"login": credentials.0, "password": credentials.1, "remember": 0, "verify_level": 2}});
    let send = async |request: reqwest::RequestBuilder, body: Value| {
        let request = request.header("content-type", "application/json").body(body.to_string());
        request.send().await.unwrap()
    };
    let logged_in = send(client.post(format!("{url}/gdc/account/login")), login).await;
    let token = logged_in.headers()["x-gdc-authtt"].clone();
    let workspace = stage.sandbox.workspace();
    let execution = json!({"report_req": {"report": format!("/gdc/md/{workspace}/obj/{MAIN}")}});
    let request = client.post(format!("{url}/gdc/app/projects/{workspace}/execute/raw"));
    let executed = send(request.header("x-gdc-authtt", &token), execution).await.text().await.unwrap();
    let executed: Value = serde_json::from_str(&executed).unwrap();
    let result = client.get(format!("{url}{}", executed["uri"].as_str().unwrap()));
    result.header("x-gdc-authtt", &token).send().await.unwrap().bytes().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_the_services_own_bytes_however_it_is_asked_for() {
    for rows in [500, 20_000] {
        let stage = Stage::with(|served| served.rows = Some(rows), |_| ()).await;
        let truth = raw(&stage).await;
        assert_eq!(truth.len() > 256 << 10, rows == 20_000, "both below and above what is collected first");
        let workspace = stage.sandbox.workspace();
        let form = query(&[("workspaceid", workspace), ("REPORTID", MAIN), DAYS[0], DAYS[1], ("format", "csv")]);
        let json = json!({"WorkspaceId": workspace, "ReportId": 3_035_643, "dateStart": "2023-01-01", "DateEnd": "2023-01-31", "Format": null});
        let post = |kind: &str, body: String| {
            let request = stage.client.post(format!("{}/getReport", stage.url)).header("content-type", kind).body(body);
            request.basic_auth(stage.sandbox.username(), Some(stage.sandbox.password()))
        };
        for request in [
            stage.report(),
            post("application/x-www-form-urlencoded; charset=UTF-8", form),
            post("application/json", json.to_string()),
            stage
                .client
                .post(stage.asking(MAIN, &[("_", "17")]).build().unwrap().url().clone())
                .basic_auth(stage.sandbox.username(), Some(stage.sandbox.password())),
        ] {
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), 200);
            assert_eq!(answer.headers()["content-type"], "text/csv");
            assert_eq!(answer.headers()["content-disposition"], "attachment; filename=\"report-3035643.csv\"");
            assert_eq!(answer.headers()["cache-control"], "private, no-cache");
            assert_eq!(answer.headers().contains_key("content-length"), rows == 500);
            assert!(answer.bytes().await.unwrap() == truth);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn days_are_filtered_by_the_service_and_both_are_included() {
    let stage = Stage::new().await;
    let request = stage.client.get(format!(
        "{}/getReport?{}",
        stage.url,
        query(&[
            ("WorkspaceId", stage.sandbox.workspace()),
            ("ReportId", MAIN),
            ("DateStart", "2023-01-05"),
            ("DateEnd", "2023-01-06")
        ])
    ));
    let request = request.basic_auth(stage.sandbox.username(), Some(stage.sandbox.password()));
    let text = request.send().await.unwrap().text().await.unwrap();
    let is_of_these_days = |line: &str| line.contains(",\"01/05/2023\",") || line.contains(",\"01/06/2023\",");
    assert!(text.lines().skip(1).all(is_of_these_days));
    assert_eq!(text.lines().count(), 41);
    let unfiltered = stage.client.get(format!(
        "{}/getReport?{}",
        stage.url,
        query(&[("WorkspaceId", stage.sandbox.workspace()), ("ReportId", MAIN), ("Unfiltered", "true")])
    ));
    let unfiltered = unfiltered.basic_auth(stage.sandbox.username(), Some(stage.sandbox.password()));
    assert_eq!(unfiltered.send().await.unwrap().text().await.unwrap().lines().count(), 621);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_format_has_the_rows_of_the_report() {
    for rows in [500, 60_000] {
        let stage = Stage::with(|served| served.rows = Some(rows), |_| ()).await;
        let table = table(&stage).await;
        let fetched = async |format: &str, kind: &str| {
            let answer = stage.asking(MAIN, &[("format", format)]).send().await.unwrap();
            assert_eq!(answer.headers()["content-type"], kind);
            answer.bytes().await.unwrap()
        };
        let same = |found: &[RecordBatch]| {
            assert_eq!(found.iter().map(RecordBatch::num_rows).sum::<usize>(), table.num_rows());
            // As text, so that views and dictionaries don't matter.
            let shown =
                |batches: &[RecordBatch]| arrow_cast::pretty::pretty_format_batches(batches).unwrap().to_string();
            assert!(shown(found) == shown(table.batches()));
        };
        let arrow = fetched("arrow", "application/vnd.apache.arrow.stream").await;
        same(&StreamReader::try_new(&arrow[..], None).unwrap().map(Result::unwrap).collect::<Vec<_>>());
        let parquet = fetched("Parquet", "application/vnd.apache.parquet").await;
        let reader = ParquetRecordBatchReaderBuilder::try_new(parquet).unwrap().build().unwrap();
        same(&reader.map(Result::unwrap).collect::<Vec<_>>());
        let json: Vec<Value> = serde_json::from_slice(&fetched("json", "application/json").await).unwrap();
        assert_eq!(json.len(), table.num_rows());
        assert_eq!(json[0]["Date"], "2023-01-01", "a day, not a text of the service's form");
        assert!(json[0]["Offered Contacts"].is_i64());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_report_is_an_answer_without_rows() {
    let stage = Stage::new().await;
    let csv = stage.asking(EMPTY, &[]).send().await.unwrap();
    assert_eq!((csv.status().as_u16(), csv.text().await.unwrap().as_str()), (200, ""));
    let json = stage.asking(EMPTY, &[("format", "json")]).send().await.unwrap();
    assert_eq!((json.status().as_u16(), json.text().await.unwrap().as_str()), (200, "[]"));
    let parquet = stage.asking(EMPTY, &[("format", "parquet")]).send().await.unwrap().bytes().await.unwrap();
    let file = ParquetRecordBatchReaderBuilder::try_new(parquet).unwrap();
    assert!(file.schema().fields().len() > 1, "the columns are those of the report");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_origin_may_ask_once_it_has_the_credentials() {
    let stage = Stage::new().await;
    let preflight = stage
        .client
        .request(reqwest::Method::OPTIONS, format!("{}/getReport", stage.url))
        .header("origin", "https://docs.example")
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "authorization")
        .send()
        .await
        .unwrap();
    assert_eq!(preflight.status(), 200);
    let allowed = |answer: &reqwest::Response, name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(allowed(&preflight, "access-control-allow-origin"), "*");
    assert_eq!(allowed(&preflight, "access-control-allow-methods"), "GET,POST,OPTIONS");
    assert!(allowed(&preflight, "access-control-allow-headers").contains("authorization"));
    assert!(stage.sandbox.ledger().is_empty());
    for request in [stage.report(), stage.anonymous(MAIN, &[])] {
        let answer = request.header("origin", "https://docs.example").send().await.unwrap();
        assert_eq!(allowed(&answer, "access-control-allow-origin"), "*");
        assert!(!answer.headers().contains_key("access-control-allow-credentials"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn gzip_is_sent_when_it_is_asked_for_and_only_then() {
    let stage = Stage::with(|served| served.rows = Some(20_000), |_| ()).await;
    let plain = stage.report().send().await.unwrap();
    assert!(!plain.headers().contains_key("content-encoding"));
    let plain = plain.bytes().await.unwrap();
    let packed = stage.report().header("accept-encoding", "br;q=1, gzip;q=0.5").send().await.unwrap();
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    assert!(packed.headers().get_all("vary").iter().any(|vary| vary == "accept-encoding"));
    let packed = packed.bytes().await.unwrap();
    assert!(packed.len() * 2 < plain.len());
    let mut inflated = Vec::new();
    GzDecoder::new(&packed[..]).read_to_end(&mut inflated).unwrap();
    assert!(inflated == plain);
    let parquet = stage.asking(MAIN, &[("format", "parquet")]).header("accept-encoding", "gzip").send().await.unwrap();
    assert!(!parquet.headers().contains_key("content-encoding"), "it is compressed inside");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_answer_has_a_tag_of_its_bytes_and_is_not_sent_twice() {
    let stage = Stage::new().await;
    let first = stage.report().send().await.unwrap();
    let tag = first.headers()["etag"].clone();
    for known in [tag.to_str().unwrap(), "\"other\", W/\"x\", *", &format!("\"a\", {}", &tag.to_str().unwrap()[2..])] {
        let again = stage.report().header("if-none-match", known).send().await.unwrap();
        assert_eq!((again.status().as_u16(), &again.headers()["etag"]), (304, &tag), "{known}");
        assert_eq!(again.bytes().await.unwrap().len(), 0);
    }
    // It is fetched each time, so what has changed is noticed.
    stage.fault(json!({"fault": "changed_result", "path": RESULT, "times": 1}));
    let changed = stage.report().header("if-none-match", &tag).send().await.unwrap();
    assert_eq!(changed.status(), 200);
    assert_ne!(changed.headers()["etag"], tag);
    assert!(stage.requests("GET", RESULT).len() >= 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_tells_nothing_to_those_who_may_not_have_the_report() {
    let stage = Stage::new().await;
    let tag = stage.report().send().await.unwrap().headers()["etag"].clone();
    for known in [tag.to_str().unwrap(), "*"] {
        let wrong =
            stage.anonymous(MAIN, &[]).basic_auth("other@example.com", Some("x")).header("if-none-match", known);
        assert_eq!(wrong.send().await.unwrap().status(), 401);
        let nobody = stage.anonymous(MAIN, &[]).header("if-none-match", known);
        assert_eq!(nobody.send().await.unwrap().status(), 401);
    }
    // The service takes the right away from a user: what was fetched before is not to be had from here.
    stage.fault(json!({"fault": "status", "status": 403, "path": RESULT}));
    let denied = stage.report().header("if-none-match", &tag).send().await.unwrap();
    assert_eq!(denied.status(), 403);
}
