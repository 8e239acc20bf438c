//! P19: short, truncated or HTML-in-200 answers are errors, never data.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http::header;
use insightframe::{clock::Clock, http::RawReply, sandbox::options::CsvGzip};
use serde_json::{Value, json};

use crate::stage::{EXECUTE, IDENTIFIERS, LOGIN, MAIN, RESULT, Stage, TOKEN, Tampered, fits, on_days, serve, whole};

/// The code of the error that each of the three ways ends with.
async fn codes(stage: &Stage) -> [&'static str; 3] {
    let (start, of) = (whole(MAIN), |error: insightframe::Error| error.code());
    [
        stage.table(&start).await.map_or_else(of, |table| panic!("{table}")),
        stage.stream(&start).await.map_or_else(of, |_| panic!("streamed")),
        stage.download(&start).await.map_or_else(of, |_| panic!("downloaded")),
    ]
}

#[tokio::test]
async fn twelve_untrue_results_are_errors_in_all_ways() {
    let (incomplete, unexpected) = ("ResultIncomplete", "UnexpectedReply");
    let vectors: [(Value, CsvGzip, &str); 14] = [
        (json!({"fault": "truncated_body", "after": 20_000}), CsvGzip::Never, incomplete),
        (json!({"fault": "truncated_body", "after": 5}), CsvGzip::Never, incomplete),
        (json!({"fault": "truncated_body", "after": 0}), CsvGzip::Never, incomplete),
        (json!({"fault": "wrong_length", "by": 10}), CsvGzip::Never, incomplete),
        (json!({"fault": "wrong_length", "by": -10}), CsvGzip::Never, incomplete),
        (json!({"fault": "missing_final_chunk"}), CsvGzip::Never, incomplete),
        (json!({"fault": "cut", "after": 20_000}), CsvGzip::Never, incomplete),
        (json!({"fault": "truncated_body", "after": 3_000}), CsvGzip::WhenAccepted, incomplete),
        (json!({"fault": "cut", "after": 3_000}), CsvGzip::WhenAccepted, incomplete),
        (json!({"fault": "wrong_encoding"}), CsvGzip::Never, incomplete),
        (json!({"fault": "html"}), CsvGzip::Never, unexpected),
        (json!({"fault": "garbage_json"}), CsvGzip::Never, unexpected),
        (json!({"fault": "status", "status": 200, "body": "{\"uri\":\"/gdc/x\"}"}), CsvGzip::Never, unexpected),
        (json!({"fault": "status", "status": 206, "body": "\"a\"\r\n\"1\"\r\n"}), CsvGzip::Never, unexpected),
    ];
    for (mut rule, gzip, code) in vectors {
        let stage = Stage::with(|served| served.csv_gzip = gzip, |_| ());
        rule["path"] = json!(RESULT);
        stage.fault(rule.clone());
        assert_eq!(codes(&stage).await, [code; 3], "{rule}");
    }
}

#[tokio::test]
async fn what_goes_wrong_once_is_mended() {
    let truth = Stage::new().download(&whole(MAIN)).await.unwrap().0;
    for rule in [
        json!({"fault": "truncated_body", "after": 20_000}),
        json!({"fault": "truncated_body", "after": 0}),
        json!({"fault": "wrong_length", "by": 10}),
        json!({"fault": "wrong_length", "by": -10}),
        json!({"fault": "missing_final_chunk"}),
        json!({"fault": "cut", "after": 20_000}),
        json!({"fault": "reset", "after": 20_000}),
    ] {
        let stage = Stage::new();
        let mut rule = rule;
        (rule["path"], rule["times"]) = (json!(RESULT), json!(1));
        stage.fault(rule.clone());
        let (bytes, receipt) = stage.download(&whole(MAIN)).await.unwrap();
        assert!(bytes == truth, "{rule}");
        assert_eq!((receipt.retries, receipt.warnings.len()), (1, 1), "{rule}");
    }
}

/// What a wire that can't be trusted may make of a result: a type, if any, and a body.
#[tokio::test]
async fn json_that_breaks_off_is_asked_for_again() {
    for path in [IDENTIFIERS, "/gdc/md/*/obj/*", "/gdc/md/*/objects/get", EXECUTE] {
        let stage = Stage::new();
        stage.fault(json!({"fault": "cut", "after": 10, "times": 1, "path": path}));
        let table = stage.table(&on_days(whole(MAIN), "2023-01-02", "2023-01-03")).await.unwrap();
        assert_eq!((table.num_rows(), table.receipt().unwrap().retries), (40, 1), "{path}");
    }
}

#[tokio::test]
async fn a_page_under_the_name_of_a_result_is_an_error() {
    let page = "<html><body>Please log in</body></html>\n";
    for (kind, body) in [
        (Some("text/csv"), page),
        (None, page),
        (Some("text/csv; charset=utf-8"), "<!DOCTYPE html>\r\n"),
        (Some("text/csv"), "{\"error\": {\"message\": \"no\"}}\n"),
        (Some("application/octet-stream"), "\"a\"\r\n\"1\"\r\n"),
        (Some("text/plain"), "\"a\"\r\n\"1\"\r\n"),
    ] {
        let stage = tampered(move |mut reply| {
            reply.headers.remove(header::CONTENT_TYPE);
            if let Some(kind) = kind {
                reply.headers.insert(header::CONTENT_TYPE, kind.parse().unwrap());
            }
            RawReply { body: Box::pin(stream::iter([Ok(Bytes::from_static(body.as_bytes()))])), ..reply }
        });
        assert_eq!(codes(&stage).await, ["UnexpectedReply"; 3], "{kind:?} {body}");
    }
}

#[tokio::test]
async fn a_result_whose_end_nobody_vouches_for_is_an_error() {
    let stage = tampered(|mut reply| {
        reply.headers.remove(header::TRANSFER_ENCODING);
        reply.headers.remove(header::CONTENT_LENGTH);
        reply
    });
    assert_eq!(codes(&stage).await, ["ResultIncomplete"; 3]);
}

/// A stage whose results pass through a hand.
fn tampered(tamper: impl Fn(RawReply) -> RawReply + Send + Sync + 'static) -> Stage {
    let sandbox = serve(|_| ());
    let clock: Arc<dyn Clock> = Arc::new(sandbox.clock());
    let alter = move |request: &insightframe::http::Request, reply| {
        if fits(RESULT, request.path.without_query()) { tamper(reply) } else { reply }
    };
    let (client, _) = Tampered::client(&sandbox, Arc::clone(&clock), |_| (), alter);
    Stage { sandbox, client, clock }
}

#[tokio::test]
async fn every_other_step_refuses_what_is_no_answer() {
    for path in [LOGIN, TOKEN, IDENTIFIERS, "/gdc/md/*/obj/*", "/gdc/md/*/objects/get", EXECUTE] {
        for rule in [
            json!({"fault": "html"}),
            json!({"fault": "garbage_json"}),
            json!({"fault": "truncated_body"}),
            json!({"fault": "truncated_body", "after": 0}),
            json!({"fault": "wrong_length", "by": 10}),
            json!({"fault": "missing_final_chunk"}),
            json!({"fault": "status", "status": 200, "body": "[]"}),
            json!({"fault": "status", "status": 200, "body": "null"}),
        ] {
            let stage = Stage::with(|_| (), |asked| asked.retry.attempts = 1);
            if path == TOKEN {
                stage.client.login(&stage.call()).await.unwrap();
                stage.sandbox.advance(std::time::Duration::from_secs(700));
            }
            let mut rule = rule;
            rule["path"] = json!(path);
            stage.fault(rule.clone());
            let done = stage.table(&on_days(whole(MAIN), "2023-01-02", "2023-01-02")).await;
            let definition = path.contains("obj");
            match done {
                // A definition that can't be read is done without, and that is said.
                Ok(table) if definition => {
                    let warnings = &table.receipt().unwrap().warnings;
                    assert!(warnings[0].contains("the definition can't be read"), "{path} {rule}: {warnings:?}");
                }
                // The token stands in a header as well, which no cut of the body harms.
                Ok(_) if path == TOKEN && rule["fault"] == "truncated_body" => {}
                Ok(_) => panic!("{path} {rule}: it was taken for an answer"),
                Err(error) => {
                    let fine = ["UnexpectedReply", "Interrupted", "SessionLost"].contains(&error.code());
                    assert!(fine, "{path} {rule}: {error:?}");
                }
            }
        }
    }
}
