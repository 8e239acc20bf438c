//! How answers, sessions and the gateway end: by the client leaving, by being told to stop.

use std::time::Duration;

use insightframe::gateway::Options;
use serde_json::json;
use tokio::{io::AsyncReadExt, net::TcpStream};

use crate::stage::{RESULT, Stage, drained, until};

#[tokio::test(flavor = "multi_thread")]
async fn when_the_client_leaves_the_service_is_left_too() {
    let stage = Stage::in_real_time(|served| served.rows = Some(400_000), |_| ()).await;
    let given_up = |stage: &Stage| stage.requests("GET", RESULT).iter().filter(|entry| entry.aborted).count();
    // While it waits for the head of the answer.
    stage.fault(json!({"fault": "stall", "path": RESULT, "times": 1}));
    let socket = stage.raw(&stage.head()).await;
    until("the service is asked", || stage.requests("GET", RESULT).len() == 1).await;
    drop(socket);
    until("the service is left", || given_up(&stage) == 1).await;
    // While the body is on its way.
    let mut socket = stage.raw(&stage.head()).await;
    let mut some = vec![0; 1 << 20];
    socket.read_exact(&mut some).await.unwrap();
    drop(socket);
    until("the service is left again", || given_up(&stage) == 2).await;
    until("both are logged", || stage.answers().len() == 2).await;
    assert!(stage.answers().iter().all(|line| line["outcome"] == "abandoned"), "{:?}", stage.answers());
    assert_eq!(stage.meter("insightframe_gateway_reports").await, 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_slowly_sets_the_pace_of_the_service() {
    let stage = Stage::in_real_time(|served| served.rows = Some(4_000_000), |_| ()).await;
    let mut socket = stage.raw(&stage.head()).await;
    let mut some = vec![0; 64 << 10];
    socket.read_exact(&mut some).await.unwrap();
    let sent = |stage: &Stage| stage.requests("GET", RESULT)[0].response_bytes;
    // The sockets between are full when nothing more is sent for a while.
    let mut last = 0;
    let mut still = 0;
    until("the service waits", || {
        still = if sent(&stage) == last { still + 1 } else { 0 };
        last = sent(&stage);
        last > 0 && still >= 40
    })
    .await;
    assert!(last < 32 << 20, "{last} bytes of some 340 MB were sent before anybody read them");
    assert!(!stage.requests("GET", RESULT)[0].aborted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_download_ends_before_the_gateway_does() {
    let mut stage = Stage::in_real_time(|served| served.rows = Some(20_000), |_| ()).await;
    stage.fault(json!({"fault": "bandwidth", "bytes_per_second": 4_000_000, "path": RESULT}));
    let idle = stage.client.get(format!("{}/healthz", stage.url)).send().await.unwrap();
    assert_eq!(idle.text().await.unwrap(), r#"{"status":"ok"}"#);
    let mut running = stage.raw(&stage.head()).await;
    until("it is on its way", || !stage.requests("GET", RESULT).is_empty()).await;
    let _hurry = stage.stop();
    let address = stage.address();
    let (answer, in_order) = drained(&mut running).await;
    assert!(in_order && answer.ends_with(b"0\r\n\r\n"), "complete, and then closed");
    assert!(answer.len() > 1_000_000);
    stage.ended().await;
    assert_eq!(stage.account(), (1, 1), "logged out");
    assert!(TcpStream::connect(address).await.is_err());
    let log = stage.log();
    let events: Vec<_> = log.lines().filter_map(|line| line.split("\"event\":\"").nth(1)?.split('"').next()).collect();
    assert_eq!(events, ["started", "request", "stopping", "request", "stopped"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_doesnt_end_in_time_is_broken_off_and_logged_out() {
    let quick = |options: &mut Options| options.grace = Duration::from_millis(200);
    for hurried in [false, true] {
        let mut stage = Stage::in_real_time(
            |served| served.rows = Some(20_000),
            |options| {
                if !hurried {
                    quick(options);
                }
            },
        )
        .await;
        stage.fault(json!({"fault": "stall", "after": 600_000, "path": RESULT}));
        let mut running = stage.raw(&stage.head()).await;
        until("it is on its way", || {
            stage.requests("GET", RESULT).first().is_some_and(|entry| entry.response_bytes > 500_000)
        })
        .await;
        let hurry = stage.stop();
        if hurried {
            drop(hurry);
            let (answer, _) = drained(&mut running).await;
            assert!(!answer.ends_with(b"0\r\n\r\n"), "no clean end");
        } else {
            let (answer, _) = drained(&mut running).await;
            assert!(!answer.ends_with(b"0\r\n\r\n"), "no clean end");
            drop(hurry);
        }
        stage.ended().await;
        assert_eq!(stage.account(), (1, 1), "logged out all the same");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_tells_everything_but_secrets_and_what_could_be_personal() {
    let mut stage = Stage::new().await;
    stage.asking("3035643", &[("note", "canary-query")]).send().await.unwrap();
    let wrong = stage.anonymous("3035643", &[]).basic_auth("canary-user@example.com", Some("canary-password"));
    wrong.send().await.unwrap();
    stage.get("/canary-path/x?canary-q=1").await;
    let odd = stage.client.request(reqwest::Method::from_bytes(b"CANARY-METHOD").unwrap(), &stage.url);
    odd.header("user-agent", "canary-agent").send().await.unwrap();
    stage.asking("canary-report", &[]).send().await.unwrap();
    stage.fault(json!({"fault": "status", "status": 500, "path": "*/execute/raw", "body": "canary-body"}));
    stage.report().send().await.unwrap();
    let told = stage.answers();
    let hurry = stage.stop();
    stage.ended().await;
    drop(hurry);
    let log = stage.log();
    let (name, password) = (stage.sandbox.username().to_owned(), stage.sandbox.password().to_owned());
    for secret in ["canary", "CANARY", "2023-01", "Authorization", "Basic", &name, &password] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
    let ours = &told[0];
    assert_eq!((ours["status"].as_u64(), ours["outcome"].as_str()), (Some(200), Some("complete")));
    assert_eq!((ours["report"].as_str(), ours["format"].as_str()), (Some("3035643"), Some("csv")));
    assert_eq!(ours["client"], "127.0.0.1");
    assert_eq!(told.last().unwrap()["session"], ours["session"]);
    assert_eq!(told.last().unwrap()["step"], "executing");
    assert_ne!(told[1]["session"], ours["session"]);
}
