//! What one client, and all of them together, may take.

use std::{
    io::{BufRead, BufReader},
    num::NonZeroU32,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use insightframe::gateway::{Allowance, Options};
use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::stage::{MAIN, RESULT, Stage, drained, refused, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_asks_too_often_is_told_when_to_come_back() {
    let number = |number| NonZeroU32::new(number).unwrap();
    let asked = |options: &mut Options| {
        options.rate = Some(Allowance { per_second: number(1), burst: number(5) });
        options.behind = vec!["127.0.0.1".parse().unwrap()];
    };
    let stage = Stage::with(|_| (), asked).await;
    let ask = async |client: &str| {
        stage.report().header("x-forwarded-for", format!("6.6.6.6, {client}")).send().await.unwrap()
    };
    for _ in 0..5 {
        assert_eq!(ask("192.0.2.1").await.status(), 200);
    }
    let refusal = ask("192.0.2.1").await;
    assert_eq!(refusal.headers()["retry-after"], "1");
    assert_eq!(refused(refusal, 429).await["error"], "TooManyRequests");
    assert_eq!(ask("192.0.2.2").await.status(), 200, "another client");
    assert_eq!(stage.get("/healthz").await.status(), 200, "not counted");
    stage.sandbox.advance(Duration::from_secs(2));
    assert_eq!(ask("192.0.2.1").await.status(), 200);
    // Who isn't a trusted proxy can't choose its address.
    let asked = |options: &mut Options| options.rate = Some(Allowance { per_second: number(1), burst: number(2) });
    let stage = Stage::with(|_| (), asked).await;
    let ask =
        async |client: &str| stage.report().header("x-forwarded-for", client).send().await.unwrap().status().as_u16();
    assert_eq!([ask("192.0.2.1").await, ask("192.0.2.2").await, ask("192.0.2.3").await], [200, 200, 429]);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_reports_than_there_are_places_for_have_to_come_back() {
    let stage = Stage::in_real_time(|_| (), |options| options.max_concurrency = 2).await;
    stage.fault(json!({"fault": "stall", "path": RESULT, "times": 2}));
    let held = [stage.raw(&stage.head()).await, stage.raw(&stage.head()).await];
    until("both places are taken", || stage.requests("GET", RESULT).len() == 2).await;
    let refusal = stage.report().send().await.unwrap();
    assert_eq!(refusal.headers()["retry-after"], "1");
    assert_eq!(refused(refusal, 503).await["error"], "TooManyReports");
    assert_eq!(stage.get("/healthz").await.status(), 200);
    // With its client a report gives its place back.
    drop(held);
    let ends = Instant::now() + Duration::from_secs(10);
    while stage.report().send().await.unwrap().status() != 200 {
        assert!(Instant::now() < ends);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_or_a_body_that_doesnt_come_is_not_waited_for() {
    let stage = Stage::in_real_time(|_| (), |options| options.patience_for_requests = Duration::from_millis(200)).await;
    // A head that trickles, one that never begins, and a connection that says nothing after its answer.
    let mut trickling = stage.raw("GET /healthz HTTP/1.1\r\nHost: x\r\n").await;
    let mut silent = TcpStream::connect(stage.address()).await.unwrap();
    let mut idle = stage.raw("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let mut body = stage
        .raw("POST /getReport HTTP/1.1\r\nHost: x\r\nAuthorization: Basic dTpw\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{")
        .await;
    let trickle = async {
        for _ in 0..100 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if trickling.write_all(b"X-A: b\r\n").await.is_err() {
                return true;
            }
        }
        false
    };
    assert!(trickle.await, "a head that never ends");
    assert_eq!(drained(&mut silent).await.0, b"");
    assert!(drained(&mut idle).await.0.ends_with(br#"{"status":"ok"}"#));
    let (answer, _) = drained(&mut body).await;
    assert!(answer.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&answer));
    assert!(stage.sandbox.ledger().is_empty());
    // A head without end is cut at its size.
    let mut huge = TcpStream::connect(stage.address()).await.unwrap();
    let mut sent = 0;
    let line = format!("X-A: {}\r\n", "b".repeat(1000));
    let _ = huge.write_all(b"GET /healthz HTTP/1.1\r\n").await;
    while sent < 10 << 20 && huge.write_all(line.as_bytes()).await.is_ok() {
        sent += line.len();
    }
    assert!(sent < 10 << 20, "{sent} bytes of a head were taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_doesnt_read_is_given_up_and_its_place_free_again() {
    let asked = |options: &mut Options| {
        (options.max_concurrency, options.patience_for_readers) = (3, Duration::from_millis(300));
    };
    let stage = Stage::in_real_time(|served| served.rows = Some(4_000_000), asked).await;
    let mut stuck = Vec::new();
    for _ in 0..3 {
        stuck.push(stage.raw(&stage.head()).await);
    }
    until("all are on their way", || stage.requests("GET", RESULT).len() == 3).await;
    until("the service is left", || stage.requests("GET", RESULT).iter().all(|entry| entry.aborted)).await;
    until("all are logged", || stage.answers().len() == 3).await;
    let next = stage.asking(MAIN, &[("DateEnd", "2023-01-31")]).send().await.unwrap();
    assert_eq!(next.status(), 200);
    drop(next);
    drop(stuck);
}

/// A gateway in a process of its own, so that its memory is its own.
struct Process {
    child: std::process::Child,
    url: String,
}

impl Process {
    fn start(service: &str, words: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_insightframe"));
        command.args(["serve", "--port", "0", "--base-url", service]).args(words);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        Self { child, url: url.trim().to_owned() }
    }

    /// Resident memory in KiB.
    fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_idle_connections_hold_neither_memory_nor_anybody_up() {
    let stage = Stage::new().await;
    let process = Process::start(stage.sandbox.url(), &[]);
    let address = process.url.split("//").nth(1).unwrap().to_owned();
    let ask = async || {
        let url = stage.report().build().unwrap().url().as_str().replace(&stage.url, &process.url);
        let request = stage.client.get(url).basic_auth(stage.sandbox.username(), Some(stage.sandbox.password()));
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(ask().await, 200);
    let before = process.memory();
    let mut idle = Vec::new();
    for number in 0..10_000 {
        // This process may have fewer file descriptors than that.
        let Ok(mut socket) = TcpStream::connect(&address).await else { break };
        // Half of them say something.
        if number % 2 == 0 {
            let _ = socket.write_all(b"GET /getReport HTTP/1.1\r\nX-Slow: ").await;
        }
        idle.push(socket);
        if number % 1000 == 999 {
            assert_eq!(ask().await, 200, "after {number}");
        }
    }
    // One for each that is accepted and some that aren't yet.
    drop(idle.split_off(idle.len() - 100));
    assert_eq!(ask().await, 200);
    let grown = process.memory().saturating_sub(before);
    println!("{} idle connections: {grown} KiB", idle.len());
    assert!(idle.len() > 700 && grown < 32 << 10, "{grown} KiB for {} connections", idle.len());
}
