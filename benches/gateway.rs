//! What the gateway costs: `cargo bench --features cli --bench gateway`.
//!
//! The sandbox and the gateway run in processes of their own:
//!
//! - 1 GB of CSV by the same client program (curl, or our HTTP client where there is none), straight from the sandbox
//!   and through the gateway, in turn: the ratio of the two;
//! - 16 downloads at once: the peak memory of the gateway's process;
//! - 1,000 small reports, 32 at a time: errors, logins, and how much longer the median takes than through the library.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, ChildStdout, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use insightframe::{
    clock::SystemClock,
    export::{self, Base, Export, Start, Types},
    ids::{ReportName, WorkspaceId},
    insights::{Insights, Options},
    progress::Call,
    secret::{Credentials, Secret},
};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tokio::task::JoinSet;

const REPORT: u64 = 3_035_643;

/// A process of ours that says its address first.
struct Process {
    child: Child,
    /// Kept open: a process whose output nobody takes ends.
    _output: BufReader<ChildStdout>,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(words: &[&str], lines: usize) -> (Process, Vec<String>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_insightframe"));
    let mut child = command.args(words).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
    let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
    let value = |line: &str| line.split_once('=').map_or(line, |(_, value)| value.trim_matches('\'')).to_owned();
    let said = output.by_ref().lines().take(lines).map(|line| value(&line.expect("a line"))).collect();
    (Process { child, _output: output }, said)
}

/// A sandbox with a gateway before it.
struct Pair {
    _sandbox: Process,
    gateway: Process,
    service: String,
    url: String,
    credentials: (String, String),
    workspace: String,
    client: Client,
}

impl Pair {
    fn start(rows: u64) -> Self {
        let rows = rows.to_string();
        let (sandbox, said) = start(&["sandbox", "--rows", &rows, "--option", "raw_202_count=0"], 4);
        let [service, username, password, workspace] = said.try_into().expect("four lines");
        let (gateway, said) = start(&["serve", "--port", "0", "--rate", "0", "--base-url", &service], 1);
        let client = Client::builder().no_proxy().build().expect("a client");
        let url = said.into_iter().next().expect("a line");
        Self { _sandbox: sandbox, gateway, service, url, credentials: (username, password), workspace, client }
    }

    fn target(&self) -> String {
        format!("{}/getReport?WorkspaceId={}&ReportId={REPORT}&Unfiltered=true", self.url, self.workspace)
    }

    fn request(&self) -> RequestBuilder {
        self.client.get(self.target()).basic_auth(&self.credentials.0, Some(&self.credentials.1))
    }

    /// The address of a result and the token for it, by no code of ours.
    async fn result(&self) -> (String, String) {
        let (service, workspace) = (&self.service, &self.workspace);
        let post = |path: String, body: Value| {
            let request = self.client.post(format!("{service}{path}")).header("content-type", "application/json");
            request.body(body.to_string())
        };
        let (login, password) = &self.credentials;
        let login = json!({"postUserLogin": {"login": login, "password": password, "remember": 0, "verify_level": 2}});
        let logged_in = post("/gdc/account/login".into(), login).send().await.expect("a login");
        let token = logged_in.headers()["x-gdc-authtt"].to_str().expect("a token").to_owned();
        let execution = json!({"report_req": {"report": format!("/gdc/md/{workspace}/obj/{REPORT}")}});
        let executing = post(format!("/gdc/app/projects/{workspace}/execute/raw"), execution);
        let executed = executing.header("x-gdc-authtt", &token).send().await.expect("an execution");
        let executed: Value = serde_json::from_str(&executed.text().await.expect("JSON")).expect("JSON");
        (format!("{service}{}", executed["uri"].as_str().expect("a uri")), token)
    }

    /// The peak resident memory of the gateway in MiB.
    fn peak(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.gateway.child.id())).expect("Linux");
        let line = status.lines().find(|line| line.starts_with("VmHWM")).expect("VmHWM");
        line.split_whitespace().nth(1).expect("kB").parse::<u64>().expect("a number") / 1024
    }
}

/// Bytes and seconds of one download by curl; by our own client where there is no curl.
async fn fetched(pair: &Pair, url: &str, header: Option<&str>) -> (u64, f64) {
    let mut curl = tokio::task::spawn_blocking({
        let (url, header) = (url.to_owned(), header.map(str::to_owned));
        let login = format!("{}:{}", pair.credentials.0, pair.credentials.1);
        move || {
            let mut command = Command::new("curl");
            command.args(["--silent", "--fail", "--noproxy", "*", "--output", "/dev/null"]);
            command.args(["--write-out", "%{size_download} %{time_total}"]);
            match header {
                Some(header) => command.args(["--header", &header]),
                None => command.args(["--user", &login]),
            };
            command.arg(url).output()
        }
    });
    if let Ok(done) = (&mut curl).await.expect("a thread") {
        let said = String::from_utf8(done.stdout).expect("text");
        let (size, seconds) = said.split_once(' ').expect("two numbers");
        return (size.parse().expect("bytes"), seconds.parse().expect("seconds"));
    }
    let request = match header.and_then(|header| header.split_once(": ")) {
        Some((name, value)) => pair.client.get(url).header(name, value),
        None => pair.request(),
    };
    let began = Instant::now();
    (drained(request).await, began.elapsed().as_secs_f64())
}

async fn drained(request: RequestBuilder) -> u64 {
    let mut answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let mut bytes = 0;
    while let Some(chunk) = answer.chunk().await.expect("a chunk") {
        bytes += chunk.len() as u64;
    }
    bytes
}

async fn a_gigabyte() {
    let pair = Pair::start(11_500_000);
    let (result, token) = pair.result().await;
    let header = format!("X-GDC-AuthTT: {token}");
    let (mut straight, mut through, mut size) = (Vec::new(), Vec::new(), 0);
    for _ in 0..3 {
        let (bytes, seconds) = fetched(&pair, &result, Some(&header)).await;
        let (same, more) = fetched(&pair, &pair.target(), None).await;
        assert_eq!(bytes, same, "the same bytes");
        straight.push(seconds);
        through.push(more);
        size = bytes;
    }
    let rate = |times: &mut Vec<f64>| size as f64 / 1e6 / median(times);
    let (straight, through) = (rate(&mut straight), rate(&mut through));
    println!(
        "{} MB by curl, median of 3: straight {straight:.0} MB/s, through the gateway {through:.0} MB/s, {:.2} of it; \
         peak memory of the gateway {} MiB",
        size / 1_000_000,
        through / straight,
        pair.peak()
    );
}

async fn sixteen_at_once() {
    let pair = Pair::start(1_000_000);
    let before = pair.peak();
    let mut downloads = JoinSet::new();
    for _ in 0..16 {
        downloads.spawn(drained(pair.request()));
    }
    let bytes: u64 = downloads.join_all().await.into_iter().sum();
    println!(
        "16 downloads at once, {} MB in all: peak memory of the gateway {} MiB, {before} MiB at the start",
        bytes / 1_000_000,
        pair.peak()
    );
}

/// The times of 1,000 calls, 32 at a time, in seconds.
async fn thousand<F: Future<Output = bool> + Send + 'static>(call: impl Fn() -> F) -> (Vec<f64>, usize) {
    let (mut times, mut failed, mut running) = (Vec::new(), 0, JoinSet::new());
    for number in 0..1000 + 32 {
        if number < 1000 {
            let call = call();
            running.spawn(async move {
                let began = Instant::now();
                (call.await, began.elapsed().as_secs_f64())
            });
        }
        if running.len() >= 32 || number >= 1000 {
            let Some(done) = running.join_next().await else { break };
            let (went_well, time) = done.expect("a call");
            failed += usize::from(!went_well);
            times.push(time);
        }
    }
    (times, failed)
}

async fn small_ones() {
    let pair = Pair::start(10);
    let clock = Arc::new(SystemClock::new());
    let (username, password) = pair.credentials.clone();
    let credentials = Credentials { username, password: Secret::new(password) };
    let options = Options { base_url: pair.service.clone(), max_concurrency: 32, ..Options::new(credentials) };
    let library = Insights::new(options, clock.clone()).expect("a client");
    let start = Start::New(Export {
        workspace: Some(WorkspaceId::parse(&pair.workspace).expect("a workspace")),
        interval: None,
        types: Types { base: Base::Text, given: Vec::new() },
        ..Export::new(ReportName::Number(REPORT))
    });
    let size = Arc::new(AtomicUsize::new(0));
    let through_the_library = || {
        let (library, start, clock, size) = (library.clone(), start.clone(), clock.clone(), Arc::clone(&size));
        async move {
            let call = Call::new(clock, Some(Duration::from_secs(60)), None);
            let Ok(mut arriving) = export::bytes(&library, &call, &start).await else { return false };
            while let Ok(Some(chunk)) = arriving.chunk().await {
                size.fetch_add(chunk.len(), Ordering::Relaxed);
            }
            true
        }
    };
    let through_the_gateway = || {
        let request = pair.request();
        async move {
            match request.send().await {
                Ok(answer) => answer.status() == 200 && answer.bytes().await.is_ok(),
                Err(_) => false,
            }
        }
    };
    let (mut added, mut failed) = (Vec::new(), 0);
    for _ in 0..3 {
        let (mut near, _) = thousand(through_the_library).await;
        let (mut far, errors) = thousand(through_the_gateway).await;
        failed += errors;
        added.push((median(&mut far) - median(&mut near)) * 1e3);
    }
    library.close().await;
    let metrics = pair.client.get(format!("{}/metrics", pair.url)).send().await.expect("metrics");
    let metrics = metrics.text().await.expect("text");
    let logins = metrics.lines().find(|line| line.starts_with("insightframe_gateway_logins_total"));
    println!(
        "3 times 1,000 small reports, 32 at a time: {failed} errors, {} login, median {:.2} ms more than through the \
         library (median of 3)",
        logins.and_then(|line| line.split(' ').nth(1)).expect("logins"),
        median(&mut added)
    );
}

fn median(numbers: &mut [f64]) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

fn main() {
    // The HTTP client wants to know, though nothing here speaks TLS.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
    runtime.block_on(async {
        small_ones().await;
        sixteen_at_once().await;
        a_gigabyte().await;
    });
}
