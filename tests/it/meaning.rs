//! What columns mean: types from the definition, proved against what the result itself says.

use std::sync::Arc;

use arrow_schema::{DataType, SchemaRef};
use insightframe::{
    Result,
    export::{Base, Export, Start, Types},
    handoff::{Table, table::type_name},
    ids::ObjectUri,
    insights::{AuthMode, Execution, LIFE, Report, describe::ColumnKind},
    origin::Origin,
    sandbox::{
        self,
        options::{DuplicateTitles, EmptyReport, MetadataShape, RawUriForm},
    },
};
use serde_json::json;

use crate::stage::{EMPTY, EXECUTE, MAIN, RESULT, Stage, TWINS, Tampered, on_days, refused, resumed, typed, whole};

/// Every way to write a day, weeks, months and quarters.
const DATES: &str = "3035703";
const AGENTS: &str = "3035663";

fn uri(stage: &Stage, report: &str) -> ObjectUri {
    ObjectUri { workspace: stage.client.workspace(None).unwrap(), number: report.parse().unwrap() }
}

async fn describe(stage: &Stage, report: &str) -> Result<Arc<Report>> {
    stage.client.describe(&stage.call(), &uri(stage, report)).await
}

fn types(schema: &SchemaRef) -> Vec<(String, String)> {
    schema.fields().iter().map(|field| (field.name().clone(), type_name(field.data_type()))).collect()
}

fn warnings(table: &Table) -> String {
    table.receipt().unwrap().warnings.join("\n")
}

const NOWHEN: (&str, &str) = ("2030-01-01", "2030-01-31");

#[tokio::test]
async fn a_description_has_the_columns_of_the_result() {
    for (auth, most) in [(AuthMode::Header, 50), (AuthMode::Cookie, 3)] {
        let stage = Stage::with(|served| served.query_page_max = most, |asked| asked.auth = auth);
        for (id, title) in stage.sandbox.reports() {
            let report = describe(&stage, id).await.unwrap();
            assert_eq!(report.title, *title);
            let table = stage.table(&whole(id)).await.unwrap();
            let described: Vec<_> = report.columns.iter().map(|column| column.column_type.arrow()).collect();
            let found: Vec<_> = table.schema().fields().iter().map(|field| field.data_type().clone()).collect();
            assert_eq!(described, found, "{title}");
            assert!(report.columns.iter().all(|column| column.source.workspace == report.uri.workspace));
        }
    }
    let stage = Stage::new();
    let report = describe(&stage, MAIN).await.unwrap();
    assert_eq!(report.identifier.as_deref(), Some("aaosExgHgF8r"));
    assert_eq!(report.definition.number, 3_035_642, "the last definition is the current one");
    let date = &report.columns[1];
    assert_eq!((date.name.as_str(), date.kind), ("Date", ColumnKind::Attribute));
    assert_eq!((date.identifier.as_deref(), date.source.number), (Some("date.date.mmddyyyy"), 1001));
    assert_eq!(report.columns[5].format.as_deref(), Some("#,##0"));
}

#[tokio::test]
async fn a_cached_description_and_an_export_cost_three_requests_and_the_polls() {
    let stage = Stage::with(|served| served.raw_202_count = 3, |_| ());
    describe(&stage, MAIN).await.unwrap();
    stage.sandbox.clear_ledger();
    describe(&stage, MAIN).await.unwrap();
    let table = stage.table(&on_days(whole(MAIN), "2023-01-02", "2023-01-03")).await.unwrap();
    let polls = table.receipt().unwrap().polls as usize;
    assert_eq!((polls, stage.sandbox.ledger().len() - polls), (3, 3));
    // Afterwards the date label is known too.
    stage.sandbox.clear_ledger();
    describe(&stage, MAIN).await.unwrap();
    stage.table(&on_days(whole(MAIN), "2023-01-04", "2023-01-05")).await.unwrap();
    assert_eq!(stage.sandbox.ledger().len() - polls, 2);
}

#[tokio::test]
async fn a_description_is_kept_for_its_life_and_many_ask_for_it_once() {
    let stage = Stage::new();
    let all = futures_util::future::join_all((0..50).map(|_| describe(&stage, MAIN))).await;
    assert!(all.iter().all(|found| found.as_ref().unwrap() == all[0].as_ref().unwrap()));
    assert_eq!(stage.sandbox.ledger().len(), 1 + 4);
    stage.sandbox.advance(LIFE);
    describe(&stage, MAIN).await.unwrap();
    assert_eq!(stage.requests("GET", "/gdc/md/*/obj/3035643").len(), 2);
    let fresh = stage.client.describe_anew(&stage.call(), &uri(&stage, MAIN)).await.unwrap();
    assert_eq!(fresh, *all[0].as_ref().unwrap());
    assert_eq!(stage.requests("GET", "/gdc/md/*/obj/3035643").len(), 3);
}

#[tokio::test]
async fn every_form_of_a_day_becomes_a_date_and_longer_times_stay_text() {
    for shape in [MetadataShape::Modern, MetadataShape::Old] {
        let stage = Stage::with(|served| served.metadata_shape = shape, |_| ());
        let table = stage.table(&whole(DATES)).await.unwrap();
        let dates: Vec<_> =
            table.schema().fields().iter().filter(|field| *field.data_type() == DataType::Date32).collect();
        let names: Vec<_> = dates.iter().map(|field| field.name().as_str()).collect();
        assert_eq!(names, ["mm/dd/yyyy", "yyyy-mm-dd", "m/d/yy", "Long", "dd/mm/yyyy", "dd-mm-yyyy"], "{shape:?}");
        for batch in table.batches() {
            let first = batch.column(0);
            assert!(batch.columns()[..6].iter().all(|column| column == first), "all six are the same day");
        }
        let rest = &types(table.schema())[6..];
        assert!(rest[..10].iter().all(|(_, kind)| kind == "utf8"), "{rest:?}");
        assert_eq!(rest[10], ("Segments".to_owned(), "int64".to_owned()));
    }
}

#[tokio::test]
async fn a_week_becomes_a_date_when_it_is_asked_for() {
    use insightframe::csv::{ColumnType, DateFormat};
    let stage = Stage::new();
    let Start::New(export) = whole(DATES) else { panic!() };
    let given = vec![("Week Starting".to_owned(), ColumnType::Date(DateFormat::MmDdYyyy).into())];
    let start = Start::New(Export { types: Types { given, ..Types::default() }, ..export });
    let table = stage.table(&start).await.unwrap();
    let kind = |name: &str| table.schema().field_with_name(name).unwrap().data_type().clone();
    assert_eq!((kind("Week Starting"), type_name(&kind("Week"))), (DataType::Date32, "utf8".to_owned()));
    assert_eq!(kind("Long"), DataType::Date32);
}

#[tokio::test]
async fn a_window_without_rows_has_the_schema_of_the_others_in_every_form() {
    for (form, empty, titles) in [
        (RawUriForm::CThenQ, EmptyReport::NoContent, DuplicateTitles::PassThrough),
        (RawUriForm::QThenC, EmptyReport::NoContent, DuplicateTitles::PassThrough),
        (RawUriForm::Short, EmptyReport::NoContent, DuplicateTitles::PassThrough),
        (RawUriForm::CThenQ, EmptyReport::HeaderOnly, DuplicateTitles::PassThrough),
        (RawUriForm::Short, EmptyReport::HeaderOnly, DuplicateTitles::Suffix),
        (RawUriForm::QThenC, EmptyReport::NoContent, DuplicateTitles::Suffix),
    ] {
        let stage = Stage::with(
            |served| (served.raw_uri_form, served.empty_report, served.duplicate_titles) = (form, empty, titles),
            |_| (),
        );
        for report in [MAIN, AGENTS, TWINS, DATES] {
            let full = stage.table(&on_days(whole(report), "2023-01-02", "2023-01-02")).await.unwrap();
            let none = stage.table(&on_days(whole(report), NOWHEN.0, NOWHEN.1)).await.unwrap();
            assert!(full.num_rows() > 0 && none.num_rows() == 0);
            assert_eq!(none.schema(), full.schema(), "{form:?} {empty:?} {titles:?} {report}");
            assert!(!format!("{}{}", warnings(&none), warnings(&full)).contains("infer"), "nothing was guessed");
        }
        let renamed = stage.table(&whole(TWINS)).await.unwrap();
        let second = if titles == DuplicateTitles::Suffix { "Contacts (2)" } else { "Contacts_2" };
        assert_eq!(types(renamed.schema()).last().unwrap(), &(second.to_owned(), "int64".to_owned()));
    }
}

#[tokio::test]
async fn a_report_that_was_edited_meanwhile_is_described_again_once() {
    for form in [RawUriForm::CThenQ, RawUriForm::Short] {
        let stage = Stage::with(|served| served.raw_uri_form = form, |_| ());
        let before = stage.table(&whole(MAIN)).await.unwrap();
        // Between the description and the execution, and unnoticed by this client.
        stage.fault(json!({"fault": "edited_report", "path": EXECUTE, "times": 1}));
        stage.sandbox.clear_ledger();
        let after = stage.table(&whole(MAIN)).await.unwrap();
        assert_eq!(after.column_names().last(), Some(&"Renamed"));
        // Volume Handled is a count: inference would say the same, the definition says it for certain.
        let kinds = |table: &Table| table.schema().fields().iter().map(|f| f.data_type().clone()).collect::<Vec<_>>();
        assert_eq!(kinds(&after), kinds(&before));
        assert_eq!(warnings(&after), "");
        assert_eq!(stage.requests("GET", "/gdc/md/*/obj/3035643").len(), 1, "described again, once");
        assert_eq!(stage.sent("GET", RESULT), 1, "the result was not fetched again");
        // From now on the new description is the one that is kept.
        stage.sandbox.clear_ledger();
        let streamed = stage.stream(&whole(MAIN)).await.unwrap();
        assert_eq!(streamed[0].schema(), *after.schema());
        assert_eq!(stage.sandbox.ledger().len(), 2);
    }
}

#[tokio::test]
async fn many_exports_that_notice_an_edit_describe_the_report_once() {
    let stage = Stage::with(|_| (), |asked| asked.max_concurrency = 50);
    let start = on_days(whole(MAIN), "2023-01-02", "2023-01-02");
    stage.table(&start).await.unwrap();
    stage.fault(json!({"fault": "edited_report", "path": EXECUTE, "times": 1}));
    stage.sandbox.clear_ledger();
    let all = futures_util::future::join_all((0..50).map(|_| stage.table(&start))).await;
    assert!(all.iter().all(|table| table.as_ref().unwrap().column_names().last() == Some(&"Renamed")));
    assert_eq!(stage.requests("GET", "/gdc/md/*/obj/3035643").len(), 1);
    assert_eq!(stage.sandbox.ledger().len(), 4 + 2 * 50);
}

#[tokio::test]
async fn an_empty_window_notices_an_edit_by_what_its_address_announces() {
    let stage = Stage::new();
    stage.table(&whole(MAIN)).await.unwrap();
    stage.fault(json!({"fault": "edited_report", "path": EXECUTE, "times": 1}));
    let empty = stage.table(&on_days(whole(MAIN), NOWHEN.0, NOWHEN.1)).await.unwrap();
    let full = stage.table(&whole(MAIN)).await.unwrap();
    assert_eq!(empty.column_names().last(), Some(&"Renamed"));
    assert_eq!(empty.schema(), full.schema());
}

#[tokio::test]
async fn a_definition_that_never_fits_is_not_read_again_for_every_export() {
    let sandbox = crate::stage::serve(|_| ());
    let clock = Arc::new(sandbox.clock());
    // The service calls a column otherwise than the definition does, for good.
    let (client, _) = Tampered::client(
        &sandbox,
        clock.clone(),
        |_| (),
        |request, mut reply| {
            if request.path.as_str().contains("/objects/get") {
                use futures_util::StreamExt;
                let body = std::mem::replace(&mut reply.body, Box::pin(futures_util::stream::empty()));
                reply.body = Box::pin(body.map(|chunk| {
                    let text = String::from_utf8(chunk?.to_vec()).unwrap();
                    Ok(text.replace("\"Queue\"", "\"Qveve\"").into())
                }));
            }
            reply
        },
    );
    let stage = Stage { sandbox, client, clock };
    let table = stage.table(&whole(MAIN)).await.unwrap();
    insta::assert_snapshot!(warnings(&table), @"the result has other columns than the report's definition; unknown to it, so that their types are inferred from the data: `Queue`; not in the result: `Qveve`");
    assert_eq!(types(table.schema())[..2], [("Queue".into(), "utf8".into()), ("Date".into(), "date32".into())]);
    stage.sandbox.clear_ledger();
    let again = stage.table(&whole(MAIN)).await.unwrap();
    assert_eq!(again.schema(), table.schema());
    assert_eq!(stage.sandbox.ledger().len(), 2, "execute and fetch");
}

#[tokio::test]
async fn a_cell_that_does_not_fit_makes_the_next_export_read_the_definition_again() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let sandbox = crate::stage::serve(|_| ());
    let clock = Arc::new(sandbox.clock());
    let stale = Arc::new(AtomicBool::new(true));
    let told = Arc::clone(&stale);
    // The description is of a time when the days were written the other way round, under the same name.
    let (client, _) = Tampered::client(
        &sandbox,
        clock.clone(),
        |_| (),
        move |request, mut reply| {
            if request.path.as_str().contains("/objects/get") && told.load(Ordering::SeqCst) {
                use futures_util::StreamExt;
                let body = std::mem::replace(&mut reply.body, Box::pin(futures_util::stream::empty()));
                reply.body = Box::pin(body.map(|chunk| {
                    let text = String::from_utf8(chunk?.to_vec()).unwrap();
                    Ok(text.replace("\"GDC.time.day_us\"", "\"GDC.time.day_eu\"").into())
                }));
            }
            reply
        },
    );
    let stage = Stage { sandbox, client, clock };
    describe(&stage, MAIN).await.unwrap();
    stale.store(false, Ordering::SeqCst);
    let error = refused(stage.table(&whole(MAIN)).await);
    assert_eq!(error.code(), "SchemaMismatch");
    assert_eq!(stage.table(&whole(MAIN)).await.unwrap().num_rows(), 620);
}

#[tokio::test]
async fn a_definition_that_may_not_be_read_is_made_up_for_and_said() {
    for status in [403, 404] {
        let stage = Stage::new();
        let truth = stage.table(&typed(whole(MAIN), Base::Infer)).await.unwrap();
        stage.fault(json!({"fault": "status", "status": status, "method": "GET", "path": "/gdc/md/*/obj/*"}));
        let table = stage.table(&whole(MAIN)).await.unwrap();
        assert_eq!(table.schema(), truth.schema());
        assert_eq!(table.num_rows(), truth.num_rows());
        assert!(warnings(&table).contains("inferred from the data, because the definition can't be read"));
        // An attribute stays text even if it is all numbers: the address of the result tells what is one.
        let dates = stage.table(&whole(DATES)).await.unwrap();
        let kind = |name: &str| type_name(dates.schema().field_with_name(name).unwrap().data_type());
        assert_eq!((kind("Year"), kind("Segments")), ("utf8".to_owned(), "int64".to_owned()));
        // And so are the columns of an empty window known.
        let none = stage.table(&on_days(whole(MAIN), NOWHEN.0, NOWHEN.1)).await.unwrap();
        assert_eq!(none.column_names(), table.column_names());
        assert_eq!(type_name(none.schema().field(0).data_type()), "utf8");
        assert_eq!(type_name(none.schema().field(10).data_type()), "float64");
    }
}

#[tokio::test]
async fn an_address_that_announces_nonsense_is_no_worse_than_one_that_announces_nothing() {
    let stage = Stage::new();
    let full = stage.table(&whole(MAIN)).await.unwrap();
    let origin = Origin::parse(stage.sandbox.url(), "/gdc/").unwrap();
    let workspace = stage.sandbox.workspace();
    for query in ["", "?q=", "?c=1&q=%00%ff", "?q=eJxLy88HAAKCAUU%3D&c=1"] {
        let result = format!("/gdc/projects/{workspace}/execute/raw/ab{query}");
        let execution = Execution::new(uri(&stage, MAIN), &result, &origin).unwrap();
        assert_eq!(execution.announced(), None, "{query}");
        stage.sandbox.clear_faults();
        stage.fault(json!({"fault": "status", "status": 204, "path": RESULT, "body": ""}));
        let windows = json!([{"result": execution.result.to_string()}]);
        let service = origin.to_string();
        let handle =
            json!({"insightframe": 1, "service": service, "report": execution.report.to_string(), "windows": windows});
        assert_eq!(stage.table(&resumed(&stage, &handle.to_string())).await.unwrap().schema(), full.schema());
    }
}

#[tokio::test]
async fn totals_are_rows_like_others() {
    let stage = Stage::with(|served| served.raw_totals = true, |_| ());
    let plain = Stage::new().table(&whole(MAIN)).await.unwrap();
    let table = stage.table(&whole(MAIN)).await.unwrap();
    assert_eq!((table.schema(), table.num_rows()), (plain.schema(), plain.num_rows() + 1));
    let last = table.batches().last().unwrap();
    assert!(last.columns()[1..5].iter().all(|column| column.is_null(last.num_rows() - 1)));
    // The word stands in the first column. Where that is a date it doesn't fit, and is not dropped in silence.
    let error = refused(stage.table(&whole(DATES)).await);
    let message = error.to_string();
    assert!(message.contains("column `mm/dd/yyyy`, record 32: `Total` is not a valid date"), "{message}");
    assert!(message.contains("hint: read the column as text"), "{message}");
}

#[tokio::test]
async fn an_unknown_report_is_not_found_whatever_the_status() {
    type Serve = fn(&mut sandbox::Options);
    let forms: [Serve; 2] = [|served| served.unknown_report = 404, |served| served.unknown_report = 400];
    for serve in forms {
        let stage = Stage::with(serve, |_| ());
        let error = refused(describe(&stage, "99").await);
        assert_eq!(error.code(), "NotFound");
        for base in [Base::Report, Base::Infer] {
            let error = refused(stage.table(&typed(whole("99"), base)).await);
            assert_eq!(error.code(), "NotFound", "{error}");
            assert!(error.to_string().contains("Object ID 99 not found"), "{error}");
        }
        assert_eq!(stage.sandbox.executions(), 0);
        // A report that can be executed and isn't: the definition has nothing to do with it.
        let error = refused(describe(&stage, "1001").await);
        assert_eq!(error.code(), "UnexpectedReply");
        assert!(error.to_string().contains("expected a `report`"), "{error}");
    }
}

#[tokio::test]
async fn a_report_without_rows_at_all_has_its_columns() {
    let stage = Stage::new();
    let table = stage.table(&whole(EMPTY)).await.unwrap();
    assert_eq!(
        types(table.schema()),
        [("Queue", "utf8"), ("Date", "date32"), ("Offered Contacts", "int64")].map(|(a, b)| (a.into(), b.into()))
    );
    let text = stage.table(&typed(whole(EMPTY), Base::Text)).await.unwrap();
    assert!(types(text.schema()).iter().all(|(_, kind)| kind == "utf8"));
}
