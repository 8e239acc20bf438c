//! Exports that are cut into windows: what they cost, and that they give what one export gives.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use arrow_array::RecordBatch;
use arrow_select::concat::concat_batches;
use insightframe::{
    error::Kind,
    export::{self, Base, Start},
    handoff::Table,
    sandbox::options::{CsvGzip, EmptyReport},
};
use jiff::{
    ToSpan,
    civil::{Date, date},
};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::json;

use crate::stage::{
    CONVERSATIONS, EMPTY, EXECUTE, MAIN, RESULT, Stage, TOKEN, cut, on_days, refused, typed, until, whole,
};

fn rows(table: &Table) -> RecordBatch {
    concat_batches(table.schema(), table.batches()).unwrap()
}

fn windows(table: &Table) -> Vec<String> {
    let windows = &table.receipt().unwrap().windows;
    windows.iter().map(|(start, end)| format!("{start}..{end}")).collect()
}

fn january() -> Start {
    on_days(whole(MAIN), "2023-01-01", "2023-01-31")
}

#[tokio::test]
async fn windows_cost_two_requests_each_and_their_polls_and_one_login() {
    let stage = Stage::with(|served| served.raw_202_count = 1, |_| ());
    let start = cut(january(), "1d");
    let table = stage.table(&start).await.unwrap();
    assert_eq!((table.num_rows(), windows(&table).len()), (620, 31));
    assert_eq!((stage.sent("POST", EXECUTE), stage.sent("GET", RESULT)), (31, 2 * 31));
    assert_eq!(stage.account(), (1, 0, 0));
    let receipt = table.receipt().unwrap();
    assert_eq!((receipt.polls, receipt.retries, receipt.token_refreshes), (31, 0, 1));
    // Everything else was looked up before, once.
    let looked_up = stage.sandbox.ledger().len() - 3 * 31 - 1;
    assert!(looked_up <= 5, "{looked_up}");
    stage.sandbox.clear_ledger();
    stage.table(&start).await.unwrap();
    assert_eq!(stage.sandbox.ledger().len(), 3 * 31);
}

/// One range of days that was asked for in windows.
#[derive(Clone, Debug)]
struct Asked {
    start: Date,
    end: Date,
    every: &'static str,
    report: &'static str,
    base: Base,
}

fn asked() -> impl Strategy<Value = Asked> {
    let every = prop_oneof![Just(("1d", 20)), Just(("1w", 100)), Just(("1mo", 420))];
    let report = prop_oneof![Just(MAIN), Just(MAIN), Just(CONVERSATIONS)];
    let base = prop_oneof![Just(Base::Report), Just(Base::Infer), Just(Base::Text)];
    (every, report, base, any::<prop::sample::Index>(), any::<prop::sample::Index>()).prop_map(
        |((every, most), report, base, first, nights)| {
            // The data is of 2023 and 2024, a leap year; a range may begin before and end behind it.
            let start = date(2022, 12, 20).checked_add((first.index(750) as i64).days()).unwrap();
            let end = start.checked_add((nights.index(most) as i64).days()).unwrap();
            Asked { start, end, every, report, base }
        },
    )
}

#[test]
fn windows_give_what_one_export_gives_row_for_row() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let stages: Vec<Stage> = [EmptyReport::NoContent, EmptyReport::HeaderOnly]
        .into_iter()
        .map(|empty| {
            let serve = |served: &mut insightframe::sandbox::Options| {
                served.rows_per_day = 7;
                served.data_end = date(2024, 12, 31);
                served.empty_report = empty;
                if empty == EmptyReport::HeaderOnly {
                    served.csv_gzip = CsvGzip::WhenAccepted;
                }
            };
            let stage = Stage::with(serve, |_| ());
            // So that windows come out of order, and in pieces.
            stage.fault(json!({"fault": "latency", "ms": 2, "jitter": 2, "path": RESULT}));
            stage.fault(json!({"fault": "packets", "bytes": 1000, "path": RESULT, "skip": 3}));
            stage
        })
        .collect();
    let turn = AtomicU64::new(0);
    let mut runner = TestRunner::new(Config { cases: 48, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&asked(), |asked| {
        let turn = turn.fetch_add(1, Ordering::Relaxed) as usize;
        let stage = &stages[turn % stages.len()];
        let single = typed(on_days(whole(asked.report), &asked.start.to_string(), &asked.end.to_string()), asked.base);
        let windowed = cut(single.clone(), asked.every);
        runtime.block_on(async {
            let (one, many) = (stage.table(&single).await.unwrap(), stage.table(&windowed).await.unwrap());
            prop_assert_eq!(one.schema(), many.schema());
            prop_assert!(rows(&one) == rows(&many), "{:?} differs", asked);
            match turn % 3 {
                0 => {
                    let (one, _) = stage.download(&single).await.unwrap();
                    let (many, _) = stage.download(&windowed).await.unwrap();
                    prop_assert!(one == many, "{:?} differs as a file", asked);
                }
                1 => {
                    let streamed = stage.stream(&windowed).await.unwrap();
                    let streamed = concat_batches(one.schema(), &streamed).unwrap();
                    prop_assert!(streamed == rows(&one), "{:?} differs as a stream", asked);
                }
                _ => {}
            }
            Ok(())
        })
    });
    outcome.unwrap();
}

#[tokio::test]
async fn a_window_that_is_too_large_is_halved_down_to_days() {
    let truth = rows(&Stage::new().table(&january()).await.unwrap());
    // Three days have 60 rows.
    let stage = Stage::with(|served| served.oversize_export = Some(60), |_| ());
    let table = stage.table(&cut(january(), "1mo")).await.unwrap();
    assert!(rows(&table) == truth);
    let found = windows(&table);
    assert_eq!(found.first().map(String::as_str), Some("2023-01-01..2023-01-02"));
    // 31 days are halved to seven windows of four days, which are too large, and one of three.
    assert_eq!((found.len(), table.receipt().unwrap().warnings.len()), (15, 14));
    // Every window that was too large cost an execution beside those of its halves.
    assert_eq!(stage.sandbox.executions(), 29);
    insta::assert_snapshot!(
        table.receipt().unwrap().warnings[0],
        @"the result of 2023-01-01..2023-01-31 was too large for the service and was halved"
    );
    // In the other ways too, with as few at once as can be.
    let stage = Stage::with(|served| served.oversize_export = Some(20), |asked| asked.max_concurrency = 1);
    let start = cut(january(), "1w");
    let streamed = stage.stream(&start).await.unwrap();
    assert!(concat_batches(&truth.schema(), &streamed).unwrap() == truth);
    let single = Stage::new().download(&january()).await.unwrap().0;
    assert!(stage.download(&start).await.unwrap().0 == single);
    let (mut stream, receipt) = export::stream(&stage.client, &stage.call(), start).await.unwrap();
    while stream.next().await.unwrap().is_some() {}
    assert_eq!(receipt.read().windows.len(), 31, "down to the day");
}

#[tokio::test]
async fn a_day_that_is_too_large_is_named() {
    let stage = Stage::with(|served| served.oversize_export = Some(19), |_| ());
    let start = on_days(whole(MAIN), "2023-01-05", "2023-01-06");
    let error = refused(stage.table(&cut(start.clone(), "1mo")).await);
    assert_eq!(error.code(), "ResultTooLarge");
    let message = error.to_string();
    assert!(message.starts_with("the result of the single day 2023-01-0"), "{message}");
    assert!(message.ends_with("\nhint: filter it further: `where={\"label\": [\"value\", …]}`"), "{message}");
    assert!(!error.is_retryable());
    // Without windows nothing is halved, but the error says how to.
    let error = refused(stage.table(&start).await);
    assert!(error.code() == "ResultTooLarge" && error.to_string().contains("every="), "{error}");
    assert!(refused(stage.stream(&cut(start.clone(), "1d")).await).to_string().contains("the single day 2023-01-05"));
    assert!(
        refused(stage.download(&cut(start, "1d")).await.map(drop)).to_string().contains("the single day 2023-01-0")
    );
}

#[tokio::test]
async fn each_window_retries_alone_and_all_share_one_flight_for_a_token() {
    let stage = Stage::new();
    let start = cut(january(), "1d");
    stage.fault(json!({"fault": "status", "status": 503, "retry_after": "1", "path": EXECUTE, "skip": 9, "times": 1}));
    stage.fault(json!({"fault": "cut", "after": 300, "path": RESULT, "skip": 20, "times": 1}));
    stage.fault(json!({"fault": "expire_tt", "path": EXECUTE, "skip": 15, "times": 1}));
    let table = stage.table(&start).await.unwrap();
    assert!(rows(&table) == rows(&Stage::new().table(&january()).await.unwrap()));
    let receipt = table.receipt().unwrap();
    assert_eq!((receipt.retries, receipt.token_refreshes), (2, 2));
    assert_eq!((stage.sandbox.executions(), stage.sent("GET", RESULT)), (31, 32 + challenged(&stage)));
    assert_eq!((stage.sent("GET", TOKEN), stage.account().0), (1, 1));
}

/// Results that were asked for with a token that had died.
fn challenged(stage: &Stage) -> usize {
    stage.requests("GET", RESULT).iter().filter(|entry| entry.status == Some(401)).count()
}

#[tokio::test]
async fn a_window_that_fails_for_good_is_named_and_ends_the_others() {
    let stage = Stage::with(|_| (), |asked| asked.retry.attempts = 1);
    stage.fault(json!({"fault": "status", "status": 500, "path": EXECUTE, "skip": 5}));
    let error = refused(stage.table(&cut(january(), "1d")).await);
    assert_eq!(error.code(), "ServerFault");
    assert!(error.to_string().starts_with("in the window 2023-01-"), "{error}");
    assert!(stage.sent("POST", EXECUTE) < 31);
    // A stream gives the rows before it first; one at a time, so that it is known which one fails.
    let one_by_one = |asked: &mut insightframe::insights::Options| {
        (asked.retry.attempts, asked.max_concurrency) = (1, 1);
    };
    let stage = Stage::with(|served| served.rows_per_day = 100_000, one_by_one);
    stage.fault(json!({"fault": "status", "status": 500, "path": EXECUTE, "skip": 3}));
    let start = cut(on_days(whole(MAIN), "2023-01-01", "2023-01-09"), "1d");
    let (mut stream, _) = export::stream(&stage.client, &stage.call(), start).await.unwrap();
    let mut came = 0;
    let error = loop {
        match stream.next().await {
            Ok(batch) => came += batch.unwrap().num_rows(),
            Err(error) => break error,
        }
    };
    assert_eq!(came, 300_000);
    assert!(error.to_string().starts_with("in the window 2023-01-04"), "{error}");
}

#[tokio::test]
async fn windows_ahead_of_a_slow_reader_wait_for_their_turn_and_give_their_places_away() {
    // Some 3 MB a window, and 30 of them.
    let stage = Stage::with(|served| served.rows_per_day = 30_000, |_| ());
    let start = cut(on_days(whole(MAIN), "2023-01-01", "2023-01-30"), "1d");
    let (mut stream, receipt) = export::stream(&stage.client, &stage.call(), start.clone()).await.unwrap();
    let first = stream.next().await.unwrap().unwrap();
    // The one that is read, those in three batches, four at once.
    until("no more windows are begun", || stage.rests()).await;
    let begun = stage.sent("POST", EXECUTE);
    assert!((4..=20).contains(&begun), "{begun}");
    // Whoever reads may export in between.
    let other = on_days(whole(CONVERSATIONS), "2023-01-01", "2023-01-01");
    let call = stage.call_within(Duration::from_secs(60));
    assert_eq!(export::table(&stage.client, &call, &other).await.unwrap().num_rows(), 30_000);
    let mut came = first.num_rows();
    while let Some(batch) = stream.next().await.unwrap() {
        came += batch.num_rows();
    }
    assert_eq!((came, receipt.read().windows.len()), (900_000, 30));
    // Dropped in the middle, it lets all of them go.
    let (mut stream, _) = export::stream(&stage.client, &stage.call(), start).await.unwrap();
    stream.next().await.unwrap();
    drop(stream);
    until("its places are free", || stage.rests()).await;
    let begun = stage.sent("POST", EXECUTE);
    assert!(begun < 2 * 30 + 1, "{begun}");
}

#[tokio::test]
async fn a_report_without_rows_has_its_columns_in_windows_too() {
    let stage = Stage::new();
    for base in [Base::Report, Base::Infer, Base::Text] {
        let one = stage.table(&typed(whole(EMPTY), base)).await.unwrap();
        let start = typed(cut(on_days(whole(EMPTY), "2023-01-01", "2023-01-31"), "1w"), base);
        let many = stage.table(&start).await.unwrap();
        assert_eq!((many.num_rows(), many.schema()), (0, one.schema()));
        assert!(!many.schema().fields().is_empty());
        assert_eq!(windows(&many).len(), 6);
    }
}

#[tokio::test]
async fn a_report_that_shows_no_day_is_warned_of() {
    let stage = Stage::new();
    let total = stage.sandbox.reports().iter().find(|(_, title)| title.contains("Talk Time")).unwrap().0.clone();
    let table = stage.table(&cut(on_days(whole(&total), "2023-01-01", "2023-01-10"), "1w")).await.unwrap();
    assert_eq!(table.num_rows(), 3, "a number for each window");
    insta::assert_snapshot!(table.receipt().unwrap().warnings.join("\n"), @"the report shows no day, so that every window gives rows of its own: their concatenation is not what one export of all days would be");
    assert!(stage.table(&cut(january(), "1mo")).await.unwrap().receipt().unwrap().warnings.is_empty());
}

#[tokio::test]
async fn columns_that_change_between_windows_are_an_error() {
    let stage = Stage::with(|_| (), |asked| asked.max_concurrency = 1);
    let body = "\"Queue\",\"Other\"\r\n\"x\",\"y\"\r\n";
    stage.fault(json!({"fault": "status", "status": 200, "body": body, "path": RESULT, "skip": 2}));
    let error = refused(stage.table(&cut(january(), "1d")).await);
    assert!(["ResultChanged", "UnexpectedReply"].contains(&error.code()), "{error:?}");
}

#[tokio::test]
async fn what_can_not_be_cut_is_refused_before_anything_is_sent_or_executed() {
    let stage = Stage::new();
    insta::assert_snapshot!(refused(stage.table(&cut(whole(MAIN), "1d")).await), @r"
    `every` is `1d`, but there are no days to cut
    hint: give `start` and `end` too; both days are included
    ");
    insta::assert_snapshot!(refused(stage.table(&cut(on_days(whole(MAIN), "1900-01-01", "2049-12-31"), "1d")).await), @r"
    1900-01-01..2049-12-31 in windows of `1d` would be more than 10000 executions
    hint: take longer windows, or fewer days
    ");
    assert_eq!(stage.sandbox.ledger().len(), 0);
    // A window of days on a label of years would take whole years, each time.
    let Start::New(export) = cut(january(), "1d") else { panic!() };
    let on = |label: &str| {
        let interval = export.interval.clone().map(|days| insightframe::insights::filter::Interval {
            label: insightframe::ids::Identifier::parse(label).unwrap(),
            ..days
        });
        Start::New(export::Export { interval, ..export.clone() })
    };
    insta::assert_snapshot!(refused(stage.table(&on("date.aag81lMifn6q")).await), @r"
    the date label `date.aag81lMifn6q` is of years: windows of days on it would each take whole years
    hint: name a label of days, such as `date.date.mmddyyyy`
    ");
    insta::assert_snapshot!(refused(stage.table(&on("label.conversations.queue")).await), @r"
    `label.conversations.queue` is no label of a date, so days can't be compared with it
    hint: name a label of days, such as `date.date.mmddyyyy`
    ");
    assert_eq!(stage.sandbox.executions(), 0);
    assert_eq!(stage.table(&on("date.date.ddmmyyyy")).await.unwrap().num_rows(), 620);
}

#[tokio::test]
async fn a_stream_gives_each_window_its_own_time() {
    let stage = Stage::with(|served| served.compute_seconds = 100.0, |asked| asked.max_concurrency = 1);
    // Ten windows of a hundred seconds: too many for one deadline of three minutes, not for each.
    let start = cut(on_days(whole(MAIN), "2023-01-01", "2023-01-10"), "1d");
    let call = || stage.call_within(Duration::from_secs(180));
    let error = refused(export::table(&stage.client, &call(), &start).await);
    assert!(matches!(error.kind(), Kind::DeadlineExceeded { .. }), "{error:?}");
    let (mut stream, _) = export::stream(&stage.client, &call(), start).await.unwrap();
    let mut batches = 0;
    while let Some(batch) = stream.next().await.unwrap() {
        // As soon as they are there, a window at a time.
        assert_eq!(batch.num_rows(), 20);
        batches += 1;
    }
    assert_eq!(batches, 10);
}
