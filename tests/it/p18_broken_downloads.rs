//! P18: a broken download is begun anew and proves that its beginning is the same; nothing is ever spliced.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, StatusCode, Version, header};
use insightframe::{
    Error,
    clock::SystemClock,
    error::{Kind, TransportFault},
    export,
    http::{RawReply, Request, Sending, Transport},
    insights::{Execution, Insights, Options},
    origin::{Origin, ServerPath},
    progress::Call,
    sandbox::options::CsvGzip,
    secret::{Credentials, Secret},
};
use serde_json::json;
use url::Url;

use crate::stage::{CONVERSATIONS, MAIN, RESULT, Stage, resumed, whole, whole_batches};

#[tokio::test]
async fn a_download_cut_at_any_place_is_complete_in_the_end() {
    for gzip in [CsvGzip::Never, CsvGzip::WhenAccepted] {
        let stage = Stage::with(|served| (served.rows, served.csv_gzip) = (Some(120), gzip), |_| ());
        let (truth, _) = stage.download(&whole(CONVERSATIONS)).await.unwrap();
        assert!(truth.len() > 60_000, "{}", truth.len());
        let sent = stage.requests("GET", RESULT)[0].response_bytes;
        for after in (0..sent.min(truth.len() as u64)).step_by(997) {
            for fault in ["cut", "reset"] {
                stage.sandbox.clear_faults();
                stage.fault(json!({"fault": fault, "after": after, "path": RESULT, "times": 1}));
                let (bytes, receipt) = stage.download(&whole(CONVERSATIONS)).await.unwrap();
                assert!(bytes == truth, "{fault} after {after}");
                // What broke before the first byte of the body may count as a failed request instead.
                assert_eq!(receipt.retries, 1, "{fault} after {after}");
            }
        }
        stage.sandbox.clear_faults();
        for rule in [json!({"fault": "cut", "after": 40_000}), json!({"fault": "missing_final_chunk"})] {
            let mut rule = rule;
            (rule["path"], rule["times"]) = (json!(RESULT), json!(3));
            if gzip == CsvGzip::WhenAccepted && rule["fault"] == "cut" {
                rule["after"] = json!(4_000);
            }
            stage.fault(rule);
            let table = stage.table(&whole(CONVERSATIONS)).await.unwrap();
            assert_eq!((table.num_rows(), table.receipt().unwrap().retries), (120, 3));
        }
    }
}

#[tokio::test]
async fn a_result_that_is_another_one_is_never_continued() {
    let stage = Stage::with(|served| served.rows = Some(120), |_| ());
    for way in 0..3 {
        stage.sandbox.clear_faults();
        stage.fault(json!({"fault": "cut", "after": 30_000, "path": RESULT, "times": 1}));
        stage.fault(json!({"fault": "changed_result", "path": RESULT, "skip": 1, "times": 1}));
        let error = match way {
            0 => stage.table(&whole(CONVERSATIONS)).await.map(drop),
            1 => stage.stream(&whole(CONVERSATIONS)).await.map(drop),
            _ => stage.download(&whole(CONVERSATIONS)).await.map(drop),
        };
        let error = error.unwrap_err();
        assert_eq!(error.code(), "ResultChanged", "{way}: {error}");
        assert!(matches!(error.kind(), Kind::Export { handle: None, .. }), "there is nothing to go on with");
    }
    // A shorter one, and one that is gone.
    for rule in [
        json!({"fault": "truncated_body", "after": 20_000}),
        json!({"fault": "status", "status": 410}),
        json!({"fault": "status", "status": 204}),
    ] {
        stage.sandbox.clear_faults();
        let mut rule = rule;
        (rule["path"], rule["skip"]) = (json!(RESULT), json!(1));
        stage.fault(json!({"fault": "cut", "after": 30_000, "path": RESULT, "times": 1}));
        stage.fault(rule.clone());
        let error = stage.download(&whole(CONVERSATIONS)).await.unwrap_err();
        assert!(["ResultChanged", "ResultGone"].contains(&error.code()), "{rule}: {error}");
    }
}

#[tokio::test]
async fn a_download_that_keeps_breaking_ends_with_a_handle() {
    let stage = Stage::new();
    stage.fault(json!({"fault": "cut", "after": 5_000, "path": RESULT}));
    let error = stage.table(&whole(MAIN)).await.unwrap_err();
    let Kind::Export { handle: Some(handle), .. } = error.kind() else { panic!("{error:?}") };
    assert_eq!((error.code(), stage.sent("GET", RESULT)), ("ResultIncomplete", 4));
    stage.sandbox.clear_faults();
    assert_eq!(stage.table(&resumed(&stage, handle)).await.unwrap().num_rows(), 620);
    assert_eq!(stage.sandbox.executions(), 1);
}

#[tokio::test]
async fn a_stream_that_breaks_off_gives_all_that_came_whole_and_then_the_error() {
    const AFTER: usize = 7_000_000;
    let stage = Stage::with(|served| (served.rows, served.csv_gzip) = (Some(20_000), CsvGzip::Never), |_| ());
    let (truth, _) = stage.download(&whole(CONVERSATIONS)).await.unwrap();
    let expected = whole_batches(&truth[..AFTER]);
    assert!(expected.len() > 2, "{expected:?}");
    stage.fault(json!({"fault": "cut", "after": AFTER, "path": RESULT}));
    for _ in 0..3 {
        let (mut stream, _) = export::stream(&stage.client, &stage.call(), whole(CONVERSATIONS)).await.unwrap();
        let mut rows = Vec::new();
        let error = loop {
            match stream.next().await {
                Ok(Some(batch)) => rows.push(batch.num_rows()),
                Ok(None) => panic!("it ended in good order"),
                Err(error) => break error,
            }
        };
        assert_eq!((error.code(), &rows), ("ResultIncomplete", &expected));
    }
}

/// A service in memory whose first answer breaks off after some bytes.
#[derive(Debug)]
struct Breaking {
    whole: Bytes,
    after: AtomicUsize,
    answers: AtomicUsize,
}

impl Transport for Breaking {
    fn send<'a>(&'a self, _: Url, request: &'a Request) -> Sending<'a> {
        let mut headers = HeaderMap::new();
        headers.insert(header::TRANSFER_ENCODING, "chunked".parse().unwrap());
        let pieces: Vec<insightframe::Result<Bytes>> = if request.path.as_str() == "/gdc/account/login" {
            headers.insert("x-gdc-authtt", "tt".parse().unwrap());
            let (profile, state) = ("/gdc/account/profile/00", "/gdc/account/login/00");
            let user = json!({"userLogin": {"profile": profile, "state": state, "token": "sst"}});
            vec![Ok(user.to_string().into())]
        } else {
            headers.insert(header::CONTENT_TYPE, "text/csv".parse().unwrap());
            let first = self.answers.fetch_add(1, Ordering::Relaxed) == 0;
            // The pieces of the two answers don't begin at the same places.
            let (end, step) =
                if first { (self.after.load(Ordering::Relaxed), 7_000) } else { (self.whole.len(), 9_000) };
            let starts = (0..end).step_by(step);
            let pieces = starts.map(|from| Ok(self.whole.slice(from..end.min(from + step))));
            let broken = || Err(Error::transport(TransportFault::Interrupted, "broken"));
            pieces.chain(first.then(broken)).collect()
        };
        let reply = RawReply {
            status: StatusCode::OK,
            version: Version::HTTP_11,
            headers,
            body: Box::pin(stream::iter(pieces)),
        };
        Box::pin(async move { Ok(reply) })
    }
}

#[tokio::test]
async fn cut_at_every_byte_of_64_kib() {
    let mut random = fastrand::Rng::with_seed(1);
    let mut whole: Vec<u8> = (0..64 << 10).map(|_| random.alphanumeric() as u8).collect();
    whole[0] = b'"';
    *whole.last_mut().unwrap() = b'\n';
    let transport = Arc::new(Breaking { whole: whole.into(), after: 0.into(), answers: 0.into() });
    let credentials = Credentials { username: "u".into(), password: Secret::new("p") };
    let (seam, clock) = (Arc::clone(&transport), Arc::new(SystemClock::new()));
    let client = Insights::over(seam, Options::new(credentials), clock.clone()).unwrap();
    let origin = Origin::parse("https://analytics.ytica.com", "/gdc/").unwrap();
    let workspace = "0".repeat(32);
    let report = insightframe::ids::ObjectUri::parse(&format!("/gdc/md/{workspace}/obj/1"), &origin).unwrap();
    let result = ServerPath::parse(&format!("/gdc/projects/{workspace}/execute/raw/1"), &origin).unwrap();
    let execution = Execution { report, result };
    for after in 0..=transport.whole.len() {
        transport.after.store(after, Ordering::Relaxed);
        transport.answers.store(0, Ordering::Relaxed);
        let call = Call::new(clock.clone(), None, None);
        let mut download = client.fetch(&call, &execution).await.unwrap().unwrap();
        let mut at = 0;
        while let Some(chunk) = download.chunk().await.unwrap() {
            assert!(transport.whole[at..].starts_with(&chunk), "cut at {after}: wrong bytes at {at}");
            at += chunk.len();
        }
        assert_eq!((at, transport.answers.load(Ordering::Relaxed)), (transport.whole.len(), 2), "cut at {after}");
    }
}
