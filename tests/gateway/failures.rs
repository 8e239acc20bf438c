//! The service's failures: a status and the step before the head of an answer, a broken body after it.

use std::time::Duration;

use serde_json::json;

use crate::stage::{EXECUTE, LOGIN, MAIN, RESULT, Stage, drained, refused};

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_before_the_head_has_a_status_and_names_its_step() {
    for (rule, status, error, step) in [
        (json!({"fault": "status", "status": 404, "path": EXECUTE}), 404, "NotFound", "executing"),
        (json!({"fault": "status", "status": 403, "path": EXECUTE}), 403, "Forbidden", "executing"),
        (json!({"fault": "status", "status": 413, "path": EXECUTE}), 413, "UnexpectedReply", "executing"),
        (json!({"fault": "status", "status": 413, "path": RESULT}), 413, "ResultTooLarge", "polling"),
        (json!({"fault": "status", "status": 404, "path": RESULT}), 404, "ResultGone", "polling"),
        (json!({"fault": "status", "status": 500, "path": EXECUTE}), 502, "ServerFault", "executing"),
        (json!({"fault": "status", "status": 503, "path": RESULT}), 502, "ServerFault", "polling"),
        (json!({"fault": "status", "status": 500, "path": LOGIN}), 502, "ServerFault", "logging in"),
        (json!({"fault": "reset", "path": LOGIN}), 502, "Interrupted", "logging in"),
        (json!({"fault": "refuse"}), 502, "Interrupted", "logging in"),
        (json!({"fault": "garbage_json", "path": EXECUTE}), 502, "UnexpectedReply", "executing"),
        (json!({"fault": "html", "path": RESULT}), 502, "UnexpectedReply", "downloading"),
        (
            json!({"fault": "redirect", "to": "http://127.0.0.1:9/gdc/x", "path": RESULT}),
            502,
            "UntrustedUri",
            "polling",
        ),
        (json!({"fault": "cut", "after": 100, "path": RESULT}), 502, "ResultIncomplete", "downloading"),
    ] {
        let stage = Stage::new().await;
        stage.fault(rule.clone());
        let told = refused(stage.report().send().await.unwrap(), status).await;
        assert_eq!((told["error"].as_str(), told["step"].as_str()), (Some(error), Some(step)), "{rule}: {told}");
        assert!(!told["message"].as_str().unwrap().is_empty());
        let line = stage.answers().pop().unwrap();
        assert_eq!((line["error"].as_str(), line["step"].as_str()), (Some(error), Some(step)), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_that_the_service_asks_for_is_passed_on_at_once() {
    // In real time: a gateway that waits itself would take half a minute.
    let stage = Stage::in_real_time(|_| (), |_| ()).await;
    stage.fault(json!({"fault": "status", "status": 429, "retry_after": "17", "path": EXECUTE}));
    let answer = stage.report().send().await.unwrap();
    assert_eq!(answer.headers()["retry-after"], "17");
    let told = refused(answer, 429).await;
    assert_eq!(
        (&told["error"], &told["step"], &told["retry_after"]),
        (&json!("RateLimited"), &json!("executing"), &json!(17))
    );
    assert_eq!(told["upstream_status"], 429);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_keeps_silent_is_a_timeout_that_names_its_step() {
    let short = |options: &mut insightframe::gateway::Options| options.timeout = Duration::from_millis(300);
    for (path, step) in [(LOGIN, "logging in"), (EXECUTE, "executing"), (RESULT, "polling")] {
        let stage = Stage::in_real_time(|_| (), short).await;
        stage.fault(json!({"fault": "stall", "path": path}));
        let told = refused(stage.report().send().await.unwrap(), 504).await;
        assert_eq!((told["error"].as_str(), told["step"].as_str()), (Some("DeadlineExceeded"), Some(step)));
    }
    let stage = Stage::in_real_time(
        |_| (),
        |options| (options.limits.idle, options.retry.attempts) = (Duration::from_millis(200), 1),
    )
    .await;
    stage.fault(json!({"fault": "stall", "path": RESULT}));
    assert_eq!(refused(stage.report().send().await.unwrap(), 504).await["error"], "Stalled");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_in_the_middle_breaks_the_body_and_is_logged() {
    let cases: [(&str, u64, serde_json::Value); 4] = [
        ("csv", 60_000, json!({"fault": "cut", "after": 600_000})),
        ("csv", 20_000, json!({"fault": "missing_final_chunk"})),
        ("json", 400_000, json!({"fault": "reset", "after": 30_000_000})),
        ("arrow", 400_000, json!({"fault": "cut", "after": 30_000_000})),
    ];
    for (format, rows, mut rule) in cases {
        rule["path"] = json!(RESULT);
        for encoding in ["identity", "gzip"] {
            let stage = Stage::with(|served| served.rows = Some(rows), |_| ()).await;
            stage.fault(rule.clone());
            let head = stage
                .head()
                .replace(" HTTP/1.1\r\n", &format!("&format={format} HTTP/1.1\r\nAccept-Encoding: {encoding}\r\n"));
            let (answer, _) = drained(&mut stage.raw(&head).await).await;
            assert!(
                answer.starts_with(b"HTTP/1.1 200"),
                "{format}: {}",
                String::from_utf8_lossy(&answer[..200.min(answer.len())])
            );
            assert!(!answer.ends_with(b"0\r\n\r\n"), "{format} {encoding}: a final chunk");
            // An ordinary client notices.
            let answer =
                stage.asking(MAIN, &[("format", format)]).header("accept-encoding", encoding).send().await.unwrap();
            assert!(answer.bytes().await.is_err(), "{format} {encoding}");
            for line in stage.answers() {
                assert_eq!(line["outcome"], "broken", "{line}");
                assert_eq!(
                    (line["error"].as_str(), line["step"].as_str()),
                    (Some("ResultIncomplete"), Some("downloading")),
                    "{line}"
                );
            }
            assert_eq!(stage.meter("insightframe_gateway_broken_responses_total").await, 2.0);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_can_be_mended_is() {
    let stage = Stage::with(|served| served.rows = Some(20_000), |_| ()).await;
    let whole = stage.report().send().await.unwrap().bytes().await.unwrap();
    stage.fault(json!({"fault": "cut", "after": 700_000, "path": RESULT, "times": 2}));
    assert!(stage.report().send().await.unwrap().bytes().await.unwrap() == whole);
}
