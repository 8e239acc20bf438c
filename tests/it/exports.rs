//! Whole exports: their cost in requests, and that every way to the same report gives the same answer.

use arrow_array::{Array, RecordBatch, cast::AsArray};
use arrow_schema::{DataType, SchemaRef};
use arrow_select::concat::concat_batches;
use insightframe::{
    csv,
    export::{Base, Start},
    handoff::{Table, table::type_name},
    insights::AuthMode,
    sandbox::{
        self,
        options::{
            CsvGzip, DuplicateTitles, EmptyReport, HeaderCasing, IdentifiersOrder, Level0Cookies, NullCell, Raw202Body,
            RawUriForm, TimeFormat, TokenCookieBody,
        },
    },
};

use crate::stage::{CONVERSATIONS, EMPTY, EXECUTE, IDENTIFIERS, MAIN, RESULT, Stage, TWINS, on_days, typed, whole};

fn one(schema: &SchemaRef, batches: &[RecordBatch]) -> RecordBatch {
    concat_batches(schema, batches).unwrap()
}

fn rows(table: &Table) -> RecordBatch {
    one(table.schema(), table.batches())
}

/// Exports in all three ways, proves them equal, and gives the table.
async fn all_ways(stage: &Stage, start: &Start) -> Table {
    let table = stage.table(start).await.unwrap();
    let streamed = stage.stream(start).await.unwrap();
    let text = stage.table(&typed(start.clone(), Base::Text)).await.unwrap();
    let (bytes, receipt) = stage.download(start).await.unwrap();
    assert_eq!(receipt.bytes, bytes.len() as u64);
    assert!(one(table.schema(), &streamed) == rows(&table), "the stream differs from the table");
    let options = csv::Options { schema: csv::Schema::Text, ..csv::Options::default() };
    let decoded = csv::decode(bytes.into(), options).unwrap();
    if decoded.schema.fields().is_empty() {
        // Not a byte came, so not even a header.
        assert_eq!(table.num_rows(), 0);
    } else {
        assert!(one(&decoded.schema, &decoded.batches) == rows(&text), "the download differs from the table");
    }
    assert_eq!(table.column_names(), text.column_names());
    assert_eq!(table.num_rows(), text.num_rows());
    table
}

#[tokio::test]
async fn a_hundred_exports_cost_one_login_and_three_requests_each() {
    let stage = Stage::with(|served| served.raw_202_count = 1, |_| ());
    let start = on_days(whole(MAIN), "2023-01-02", "2023-01-03");
    let first = stage.table(&start).await.unwrap();
    // Once the date label and the definition are known:
    stage.sandbox.clear_ledger();
    let before = stage.clock.now();
    for _ in 1..100 {
        let table = stage.table(&start).await.unwrap();
        assert!(rows(&table) == rows(&first));
        assert_eq!(table.receipt().unwrap().polls, 1);
    }
    let ledger = stage.sandbox.ledger();
    assert_eq!(ledger.len(), 99 * 3);
    assert_eq!((stage.sent("POST", EXECUTE), stage.sent("GET", RESULT)), (99, 198));
    let statuses: Vec<_> = ledger.iter().filter_map(|entry| entry.status).collect();
    assert!(statuses.chunks(3).all(|export| export == [201, 202, 200]), "{statuses:?}");
    assert!(stage.clock.now().since(before).as_secs() < 480, "no token came near its end");
    stage.client.close().await;
    assert_eq!(stage.account(), (0, 0, 1));
    assert_eq!(stage.sandbox.ledger().len(), 99 * 3 + 1);
}

#[tokio::test]
async fn the_first_export_looks_up_what_the_others_know() {
    let stage = Stage::new();
    let start = on_days(whole(MAIN), "2023-01-02", "2023-01-03");
    assert_eq!(stage.table(&start).await.unwrap().num_rows(), 40);
    let paths: Vec<_> = stage.sandbox.ledger().iter().map(|entry| entry.path.clone()).collect();
    let md = format!("/gdc/md/{}", stage.sandbox.workspace());
    assert_eq!(paths[0], "/gdc/account/login");
    assert!(paths[1..paths.len() - 2].iter().all(|path| path.starts_with(&md)), "{paths:?}");
    assert_eq!((stage.sent("POST", IDENTIFIERS), stage.sent("POST", "/gdc/md/*/objects/get")), (1, 2));
    assert_eq!(paths.len(), 8);
}

#[tokio::test]
async fn an_empty_window_has_the_schema_of_a_full_one() {
    for empty_report in [EmptyReport::NoContent, EmptyReport::HeaderOnly] {
        let stage = Stage::with(|served| served.empty_report = empty_report, |_| ());
        let full = stage.table(&on_days(whole(MAIN), "2023-01-02", "2023-01-02")).await.unwrap();
        let none = on_days(whole(MAIN), "2030-01-01", "2030-01-31");
        let empty = stage.table(&none).await.unwrap();
        assert_eq!((full.num_rows(), empty.num_rows()), (20, 0));
        assert_eq!(empty.schema(), full.schema());
        let receipts = (full.receipt().unwrap(), empty.receipt().unwrap());
        assert_eq!(receipts.0.schema_fingerprint, receipts.1.schema_fingerprint);
        assert_eq!(stage.stream(&none).await.unwrap().iter().map(RecordBatch::num_rows).sum::<usize>(), 0);
        let status = if empty_report == EmptyReport::NoContent { 204 } else { 200 };
        assert_eq!(stage.requests("GET", RESULT).last().unwrap().status, Some(status));
        all_ways(&stage, &whole(EMPTY)).await;
    }
}

#[tokio::test]
async fn the_types_are_those_of_the_report() {
    let stage = Stage::new();
    let table = stage.table(&whole(MAIN)).await.unwrap();
    let kind = |name: &str| table.schema().field_with_name(name).unwrap().data_type().clone();
    assert_eq!(kind("Date"), DataType::Date32);
    assert_eq!(kind("Offered Contacts"), DataType::Int64);
    assert_eq!(kind("Average Speed of Answer"), DataType::Float64);
    let all = rows(&table);
    let nulls = all.column_by_name("Average Handle Time").unwrap().as_primitive::<arrow_array::types::Float64Type>();
    assert!(nulls.null_count() > 0 && nulls.null_count() < nulls.len());
}

#[tokio::test]
async fn every_way_gives_the_same_rows_in_every_mode() {
    type Serve = fn(&mut sandbox::Options);
    let modes: [(AuthMode, Serve, &str); 7] = [
        (AuthMode::Header, |_| (), "headers"),
        (AuthMode::Cookie, |_| (), "cookies"),
        (AuthMode::Cookie, |served| served.level0_cookies = Level0Cookies::Old, "old cookies"),
        (AuthMode::Cookie, |served| served.token_cookie_body = TokenCookieBody::Empty, "no body with the token"),
        (AuthMode::Cookie, |served| served.token_cookie_body = TokenCookieBody::WithToken, "token in the body"),
        (AuthMode::Cookie, |served| served.tls = true, "secure cookies"),
        (AuthMode::Header, |served| (served.tls, served.header_casing) = (true, HeaderCasing::Lower), "lower case"),
    ];
    let mut truth: Option<RecordBatch> = None;
    for (auth, serve, name) in modes {
        let stage = Stage::with(serve, |asked| asked.auth = auth);
        let table = all_ways(&stage, &whole(MAIN)).await;
        assert_eq!(table.num_rows(), 620, "{name}");
        assert!(*truth.get_or_insert_with(|| rows(&table)) == rows(&table), "{name}");
        // A token of this mode is renewed, and given back, in this mode.
        stage.sandbox.advance(std::time::Duration::from_secs(700));
        stage.ask(&stage.call()).await.unwrap();
        stage.client.close().await;
        let refreshes = if name == "old cookies" { 2 } else { 1 };
        assert_eq!(stage.account(), (1, refreshes, 1), "{name}");
        assert!(stage.sandbox.ledger().iter().all(|entry| entry.status.is_some_and(|status| status < 400)), "{name}");
    }
}

#[tokio::test]
async fn switches_that_change_the_wire_change_no_row() {
    type Serve = fn(&mut sandbox::Options);
    let switches: [(&str, Serve); 12] = [
        ("identifiers_order", |served| served.identifiers_order = IdentifiersOrder::Shuffled),
        ("raw_202_body", |served| (served.raw_202_count, served.raw_202_body) = (2, Raw202Body::Empty)),
        ("raw_202_count", |served| served.raw_202_count = 5),
        ("compute_seconds", |served| served.compute_seconds = 900.0),
        ("raw_uri_form q c", |served| served.raw_uri_form = RawUriForm::QThenC),
        ("raw_uri_form short", |served| served.raw_uri_form = RawUriForm::Short),
        ("null_cell", |served| served.null_cell = NullCell::Bare),
        ("csv_gzip", |served| served.csv_gzip = CsvGzip::WhenAccepted),
        ("header_casing", |served| served.header_casing = HeaderCasing::Lower),
        ("old_tt_survives_refresh", |served| served.old_tt_survives_refresh = false),
        ("sst_lifetime", |served| served.sst_lifetime = 7),
        ("strict_request_headers", |served| served.strict_request_headers = true),
    ];
    for report in [MAIN, CONVERSATIONS] {
        let plain = all_ways(&Stage::new(), &whole(report)).await;
        assert_eq!(plain.num_rows(), 620);
        for (name, switch) in switches {
            let stage = Stage::with(switch, |_| ());
            let table = all_ways(&stage, &whole(report)).await;
            assert!(rows(&table) == rows(&plain), "{name}");
        }
    }
}

#[tokio::test]
async fn switches_that_change_cells_change_only_them() {
    let export = async |report: &str, serve: fn(&mut sandbox::Options)| {
        all_ways(&Stage::with(serve, |_| ()), &whole(report)).await
    };
    let twins = export(TWINS, |_| ()).await;
    let suffixed = export(TWINS, |served| served.duplicate_titles = DuplicateTitles::Suffix).await;
    let names = |table: &Table| table.column_names().into_iter().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(names(&twins).iter().collect::<std::collections::BTreeSet<_>>().len(), names(&twins).len());
    assert!(twins.receipt().unwrap().warnings.iter().any(|warning| warning.contains("Contacts")));
    assert!(names(&suffixed).contains(&"Contacts (2)".to_owned()));
    let columns = |table: &Table| rows(table).columns().to_vec();
    assert!(columns(&twins) == columns(&suffixed));

    for format in [TimeFormat::Minutes, TimeFormat::TwelveHours] {
        let stage = Stage::with(|served| served.time_attribute_format = format, |_| ());
        let table = all_ways(&stage, &whole(CONVERSATIONS)).await;
        assert_eq!(type_name(table.schema().field_with_name("Time").unwrap().data_type()), "utf8");
    }
}

#[tokio::test]
async fn a_quote_escaped_in_another_way_is_an_error_and_no_damage() {
    let serve = |served: &mut sandbox::Options| served.quote_escape = sandbox::options::QuoteEscape::Backslash;
    let stage = Stage::with(serve, |_| ());
    // The text of conversations holds quotes; the main report has none and is read all the same.
    assert_eq!(stage.table(&whole(CONVERSATIONS)).await.unwrap_err().code(), "CsvError");
    assert_eq!(all_ways(&stage, &whole(MAIN)).await.num_rows(), 620);
}

#[tokio::test]
async fn a_report_named_in_any_way_is_the_same() {
    use insightframe::{export::Export, ids::ReportName, origin::Origin};
    let stage = Stage::new();
    let origin = Origin::parse(stage.sandbox.url(), "/gdc/").unwrap();
    let uri = format!("/gdc/md/{}/obj/{MAIN}", stage.sandbox.workspace());
    let ReportName::Uri(object) = ReportName::parse(&uri, &origin).unwrap() else { panic!() };
    let identifier = stage.client.uris(&stage.call(), &[object]).await.unwrap().remove(&uri).unwrap();
    let truth = rows(&stage.table(&whole(MAIN)).await.unwrap());
    for name in [uri.clone(), format!("{}{uri}", stage.sandbox.url()), identifier.to_string()] {
        let Start::New(export) = whole(MAIN) else { panic!() };
        let start = Start::New(Export { report: ReportName::parse(&name, &origin).unwrap(), ..export });
        assert!(rows(&stage.table(&start).await.unwrap()) == truth, "{name}");
    }
}
