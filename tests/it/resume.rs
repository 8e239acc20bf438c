//! Exports that were left and are gone on with, and results that the service no longer has.

use std::time::Duration;

use arrow_select::concat::concat_batches;
use insightframe::{
    csv,
    error::Kind,
    export::{self, Base, Start},
    handoff::Table,
};
use serde_json::json;

use crate::stage::{EXECUTE, IDENTIFIERS, MAIN, RESULT, Stage, cut, on_days, refused, resumed, until, whole};

fn rows(table: &Table) -> arrow_array::RecordBatch {
    concat_batches(table.schema(), table.batches()).unwrap()
}

/// The handle of an export that ran out of time.
async fn left(stage: &Stage, start: &Start, seconds: u64) -> String {
    let call = stage.call_within(Duration::from_secs(seconds));
    let error = refused(export::table(&stage.client, &call, start).await);
    let Kind::DeadlineExceeded { handle: Some(handle), .. } = error.kind() else { panic!("{error:?}") };
    assert_eq!(call.progress.handle().as_ref(), Some(handle), "whoever interrupts it finds the same");
    handle.clone()
}

#[tokio::test]
async fn windows_are_gone_on_with_where_a_deadline_left_them() {
    let stage = Stage::with(|served| served.compute_seconds = 100.0, |_| ());
    let start = cut(on_days(whole(MAIN), "2023-01-02", "2023-01-20"), "1d");
    let truth = Stage::new().table(&start).await.unwrap();
    // Four windows at a time take a hundred seconds: two rounds are done, and the third is under way.
    let handle = left(&stage, &start, 250).await;
    let accepted = stage.sandbox.executions();
    assert!((8..=12).contains(&accepted), "{accepted}");
    let written: serde_json::Value = serde_json::from_str(&handle).unwrap();
    let windows = written["windows"].as_array().unwrap();
    let with_result = windows.iter().filter(|window| window["result"].is_string()).count();
    assert_eq!((windows.len(), with_result as u64), (19, accepted), "{handle}");
    assert!(!handle.contains(stage.sandbox.password()) && !handle.contains(stage.sandbox.username()));
    // Nothing is looked up or executed a second time.
    stage.sandbox.clear_ledger();
    let table = stage.table(&resumed(&stage, &handle)).await.unwrap();
    assert!(rows(&table) == rows(&truth));
    assert_eq!(table.receipt().unwrap().windows, truth.receipt().unwrap().windows);
    assert_eq!((stage.sandbox.executions(), stage.sent("POST", IDENTIFIERS)), (19, 0));
    // Once more: the service still has all that it computed, and the handle is as good as it was.
    let again = stage.table(&resumed(&stage, &handle)).await.unwrap();
    assert!(rows(&again) == rows(&truth));
}

#[tokio::test]
async fn a_service_out_of_reach_loses_no_execution() {
    for mut fault in [json!({"fault": "reset"}), json!({"fault": "status", "status": 502})] {
        let stage = Stage::with(|served| served.raw_202_count = 3, |_| ());
        // After the first look, three looks of three sends each come to nothing.
        (fault["path"], fault["skip"], fault["times"]) = (RESULT.into(), 1.into(), 9.into());
        stage.fault(fault);
        let table = stage.table(&whole(MAIN)).await.unwrap();
        assert_eq!((table.num_rows(), stage.sandbox.executions()), (620, 1));
        let warned = &table.receipt().unwrap().warnings;
        assert_eq!(*warned, ["the service could not be reached for a while, and was asked again"]);
    }
}

#[tokio::test]
async fn what_fails_after_the_service_accepted_can_be_gone_on_with() {
    let mut text = whole(MAIN);
    if let Start::New(export) = &mut text {
        export.types.given = vec![("Queue".into(), csv::ColumnType::Int64.into())];
    }
    for (start, fault, code) in [
        (whole(MAIN), Some(json!({"fault": "reset", "path": RESULT})), "Interrupted"),
        (whole(MAIN), Some(json!({"fault": "reset", "path": RESULT, "skip": 1})), "Interrupted"),
        (whole(MAIN), Some(json!({"fault": "status", "status": 503, "path": RESULT})), "ServerFault"),
        (text, None, "SchemaMismatch"),
    ] {
        let stage = Stage::with(|served| served.raw_202_count = 2, |_| ());
        fault.into_iter().for_each(|rule| stage.fault(rule));
        let began = stage.clock.now();
        let error = refused(stage.table(&start).await);
        assert_eq!(error.code(), code, "{error}");
        assert!(stage.clock.now().since(began) < Duration::from_secs(330), "an outage is not waited out for ever");
        stage.sandbox.clear_faults();
        let table = stage.table(&resumed(&stage, error.handle().unwrap())).await.unwrap();
        assert_eq!((table.num_rows(), stage.sandbox.executions()), (620, 1));
    }
}

#[tokio::test]
async fn before_anything_is_accepted_there_is_nothing_to_go_on_with() {
    let stage = Stage::new();
    stage.fault(json!({"fault": "stall", "path": EXECUTE}));
    for start in [whole(MAIN), cut(on_days(whole(MAIN), "2023-01-02", "2023-01-05"), "1d")] {
        let call = stage.call_within(Duration::from_millis(100));
        let error = refused(export::table(&stage.client, &call, &start).await);
        assert!(matches!(error.kind(), Kind::DeadlineExceeded { handle: None, .. }), "{error:?}");
        assert_eq!(call.progress.handle(), None);
    }
}

#[tokio::test]
async fn whoever_drops_an_export_finds_how_to_go_on() {
    let stage = Stage::with(|served| served.compute_seconds = 100.0, |_| ());
    let start = cut(on_days(whole(MAIN), "2023-01-02", "2023-01-10"), "1d");
    let truth = rows(&Stage::new().table(&start).await.unwrap());
    stage.fault(json!({"fault": "stall", "path": RESULT}));
    let call = stage.call();
    let (client, progress) = (stage.client.clone(), call.progress.clone());
    let export = tokio::spawn(async move { export::table(&client, &call, &start).await.map(drop) });
    until("four windows are looked at", || stage.sent("GET", RESULT) == 4).await;
    export.abort();
    assert!(export.await.unwrap_err().is_cancelled());
    // Not one of its windows is at work any more.
    until("all connections are gone", || stage.requests("GET", RESULT).iter().all(|entry| entry.aborted)).await;
    let handle = progress.handle().unwrap();
    assert_eq!(handle.matches("\"result\"").count(), 4);
    stage.sandbox.clear_faults();
    stage.sandbox.advance(Duration::from_secs(2_000_000));
    // They are gone by now: each is executed again, the others for the first time.
    let table = stage.table(&resumed(&stage, &handle)).await.unwrap();
    assert!(rows(&table) == truth);
    assert_eq!((stage.sandbox.executions(), table.receipt().unwrap().warnings.len()), (4 + 9, 4));
}

#[tokio::test]
async fn a_result_that_is_gone_is_computed_again_once_and_the_receipt_says_so() {
    for status in [410, 404] {
        let stage = Stage::with(|served| served.raw_gone_status = status, |_| ());
        let truth = rows(&stage.table(&whole(MAIN)).await.unwrap());
        for start in [whole(MAIN), cut(on_days(whole(MAIN), "2023-01-01", "2023-01-31"), "1mo")] {
            let before = stage.sandbox.executions();
            stage.fault(json!({"fault": "status", "status": status, "path": RESULT, "times": 1}));
            let table = stage.table(&start).await.unwrap();
            assert!(rows(&table) == truth);
            assert_eq!(stage.sandbox.executions(), before + 2, "{status}");
            let warnings = &table.receipt().unwrap().warnings;
            assert!(warnings.len() == 1 && warnings[0].contains("executed again"), "{warnings:?}");
        }
        let before = stage.sandbox.executions();
        stage.fault(json!({"fault": "status", "status": status, "path": RESULT}));
        assert_eq!(refused(stage.table(&whole(MAIN)).await).code(), "ResultGone");
        assert_eq!(stage.sandbox.executions(), before + 2, "once, not for ever");
    }
}

#[tokio::test]
async fn a_handle_that_is_too_old_executes_again_with_the_same_filters() {
    let stage = Stage::with(|served| (served.compute_seconds, served.raw_result_ttl) = (100.0, 3600), |_| ());
    let start = on_days(whole(MAIN), "2023-01-05", "2023-01-06");
    let handle = left(&stage, &start, 30).await;
    stage.sandbox.advance(Duration::from_secs(7200));
    let table = stage.table(&resumed(&stage, &handle)).await.unwrap();
    assert_eq!((table.num_rows(), stage.sandbox.executions()), (40, 2));
    let receipt = table.receipt().unwrap();
    assert_eq!(receipt.windows, [("2023-01-05".to_owned(), "2023-01-06".to_owned())]);
    insta::assert_snapshot!(receipt.warnings.join("\n"), @"the service no longer had the result of 2023-01-05..2023-01-06 that it had accepted, so the report was executed again");
}

#[tokio::test]
async fn a_download_and_a_stream_leave_handles_too() {
    let stage = Stage::with(|served| served.compute_seconds = 100.0, |_| ());
    let start = crate::stage::typed(cut(on_days(whole(MAIN), "2023-01-02", "2023-01-09"), "1w"), Base::Text);
    let truth = rows(&Stage::new().table(&start).await.unwrap());
    let file = tempfile::tempdir().unwrap().path().join("x.csv");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let call = || stage.call_within(Duration::from_secs(30));
    let errors = [
        refused(export::download(&stage.client, &call(), &start, &file).await),
        refused(export::stream(&stage.client, &call(), start.clone()).await.map(drop)),
    ];
    assert!(!file.exists());
    for error in errors {
        let Kind::DeadlineExceeded { handle: Some(handle), .. } = error.kind() else { panic!("{error:?}") };
        let start = crate::stage::typed(resumed(&stage, handle), Base::Text);
        let start = match start {
            Start::Resume { handle, timeout, .. } => {
                Start::Resume { handle, timeout, types: export::Types { base: Base::Text, given: vec![] } }
            }
            new @ Start::New(_) => new,
        };
        assert!(rows(&stage.table(&start).await.unwrap()) == truth);
    }
}
