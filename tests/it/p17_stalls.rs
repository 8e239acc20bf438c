//! P17: stalls end; a slow consumer is no stall.

use std::time::{Duration, Instant};

use insightframe::{
    Error,
    export::{self, Start},
    insights::Options,
    sandbox::options::CsvGzip,
};
use serde_json::{Value, json};

use crate::stage::{CONVERSATIONS, EXECUTE, LOGIN, MAIN, RESULT, Stage, whole, whole_batches};

const IDLE: Duration = Duration::from_millis(200);

fn impatient(asked: &mut Options) {
    asked.limits.idle = IDLE;
    asked.limits.connect = IDLE;
    asked.retry.attempts = 1;
}

/// The error of an export under this rule, and the time it took.
async fn under(rule: Value) -> (Error, Duration, Stage) {
    let stage = Stage::in_real_time(|_| (), impatient);
    stage.client.login(&stage.call()).await.unwrap();
    if rule["path"] == LOGIN {
        stage.client.logout(&stage.call()).await.unwrap();
    }
    stage.fault(rule);
    let began = Instant::now();
    let error = stage.table(&whole(CONVERSATIONS)).await.unwrap_err();
    (error, began.elapsed(), stage)
}

#[tokio::test]
async fn six_kinds_of_silence_end() {
    let scenario = async |rule: Value, code: &str, silences: u32| {
        let name = rule.to_string();
        let (error, took, _) = under(rule).await;
        assert_eq!(error.code(), code, "{name}: {error}");
        assert!(took >= IDLE * silences, "{name}: {took:?}");
        assert!(took <= IDLE * silences + Duration::from_millis(500), "{name}: {took:?}");
    };
    tokio::join!(
        // Before the head, of a login and of a request.
        scenario(json!({"fault": "stall", "path": LOGIN}), "Stalled", 1),
        scenario(json!({"fault": "stall", "path": EXECUTE}), "Stalled", 1),
        // Behind the head, before the first byte, and within JSON.
        scenario(json!({"fault": "stall", "after": 0, "path": EXECUTE}), "Stalled", 1),
        scenario(json!({"fault": "stall", "after": 20, "path": EXECUTE}), "Stalled", 1),
        // While polling, and within a result: fetched three times more before it is given up.
        scenario(json!({"fault": "stall", "path": RESULT}), "Stalled", 1),
        scenario(json!({"fault": "stall", "after": 50_000, "path": RESULT}), "ResultIncomplete", 4),
    );
}

#[tokio::test]
async fn a_stall_within_the_words_of_an_error_costs_the_words_and_not_the_error() {
    let stage = Stage::in_real_time(|_| (), impatient);
    stage.client.login(&stage.call()).await.unwrap();
    // The status is there; the page that explains it stops on the way.
    stage.fault(json!({"fault": "status", "status": 403, "path": EXECUTE}));
    stage.fault(json!({"fault": "stall", "after": 10, "path": EXECUTE}));
    let began = Instant::now();
    assert_eq!(stage.table(&whole(MAIN)).await.unwrap_err().code(), "Forbidden");
    assert!(began.elapsed() < IDLE + Duration::from_millis(500), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_handshake_that_never_ends_is_given_up() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let stage = Stage::new();
    let mut options = crate::stage::options(&stage.sandbox);
    impatient(&mut options);
    options.base_url = format!("https://{}", listener.local_addr().unwrap());
    let clock = std::sync::Arc::new(insightframe::clock::SystemClock::new());
    let client = insightframe::insights::Insights::new(options, clock).unwrap();
    let began = Instant::now();
    let error = client.login(&stage.call()).await.unwrap_err();
    assert!(["ConnectFailed", "Stalled"].contains(&error.code()), "{error:?}");
    assert!(began.elapsed() < IDLE + Duration::from_millis(500), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_trickle_ends_and_a_slow_line_does_not() {
    let pace = |asked: &mut Options| {
        // The head trickles as well, and has to be there in time.
        asked.limits.idle = Duration::from_secs(2);
        asked.limits.slow_window = Duration::from_millis(300);
        asked.limits.slow_bytes = 20_000;
    };
    let trickle = async {
        let stage = Stage::in_real_time(|_| (), pace);
        stage.fault(json!({"fault": "bandwidth", "bytes_per_second": 2_000, "path": RESULT}));
        let began = Instant::now();
        let table = tokio::time::timeout(Duration::from_secs(20), stage.table(&whole(CONVERSATIONS))).await;
        let error = table.expect("the trickle has no end").unwrap_err();
        assert!(error.code() == "ResultIncomplete" && error.to_string().contains("trickles"), "{error}");
        assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    };
    let slow = async {
        let stage = Stage::in_real_time(|_| (), pace);
        stage.fault(json!({"fault": "bandwidth", "bytes_per_second": 60_000, "path": RESULT}));
        let began = Instant::now();
        assert_eq!(stage.table(&whole(MAIN)).await.unwrap().num_rows(), 620);
        assert!(began.elapsed() > Duration::from_millis(600), "it was not slow: {:?}", began.elapsed());
        assert_eq!(stage.sent("GET", RESULT), 1);
    };
    tokio::join!(trickle, slow);
}

#[tokio::test]
async fn a_consumer_that_takes_its_time_is_no_stall() {
    // Ten minutes between a piece of the result and the next.
    let stage = Stage::with(|served| served.rows = Some(2_000), |_| ());
    let Start::New(export) = whole(CONVERSATIONS) else { panic!() };
    let call = stage.call();
    let report = stage.client.locate(&call, &export.report, None).await.unwrap();
    let execution = stage.client.execute(&call, &report, Vec::new()).await.unwrap();
    let mut download = stage.client.fetch(&call, &execution).await.unwrap().unwrap();
    let mut pieces = 0;
    while download.chunk().await.unwrap().is_some() {
        stage.sandbox.advance(Duration::from_secs(600));
        pieces += 1;
    }
    assert!(pieces > 10, "{pieces}");
    assert_eq!(stage.sent("GET", RESULT), 1);
}

#[tokio::test]
async fn a_slow_consumer_of_a_stream_is_no_stall() {
    // Larger than what fits into the buffers between the two, so that the service waits for the consumer.
    let stage = Stage::in_real_time(
        |served| served.rows = Some(80_000),
        |asked| {
            impatient(asked);
        },
    );
    let (mut stream, _) = export::stream(&stage.client, &stage.call(), whole(CONVERSATIONS)).await.unwrap();
    let mut rows = 0;
    while let Some(batch) = stream.next().await.unwrap() {
        rows += batch.num_rows();
        if rows < 80_000 {
            tokio::time::sleep(IDLE * 2).await;
        }
    }
    assert_eq!((rows, stage.sent("GET", RESULT)), (80_000, 1));
}

#[tokio::test]
async fn what_came_whole_does_not_wait_for_the_end_of_a_stall() {
    const AFTER: usize = 7_000_000;
    let stage = Stage::in_real_time(
        |served| (served.rows, served.csv_gzip) = (Some(20_000), CsvGzip::Never),
        |asked| asked.limits.idle = Duration::from_secs(60),
    );
    let (truth, _) = stage.download(&whole(CONVERSATIONS)).await.unwrap();
    let expected = whole_batches(&truth[..AFTER]);
    assert!(expected.len() > 2, "{expected:?}");
    stage.fault(json!({"fault": "stall", "after": AFTER, "path": RESULT}));
    let received = async {
        let (mut stream, _) = export::stream(&stage.client, &stage.call(), whole(CONVERSATIONS)).await.unwrap();
        for rows in expected {
            assert_eq!(stream.next().await.unwrap().unwrap().num_rows(), rows);
        }
    };
    tokio::time::timeout(Duration::from_secs(20), received).await.expect("a batch waits for bytes behind it");
}
