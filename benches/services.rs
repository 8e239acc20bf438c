//! What Flow XO's answers cost: `cargo bench --features cli --bench services`.
//!
//! - a year of hours (8,760 rows in windows) from JSON to a table, over a transport in memory: throughput of JSON and
//!   the peak memory of the process;
//! - twenty accounts at once against one alone, with a service that takes 200 ms for each answer.

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, StatusCode, Version, header};
use insightframe::{
    clock::{Clock, SystemClock},
    flowxo::{Accounts, Edge, FlowXo, Options, Range, Unit, Zone},
    http::{RawReply, Request, Sending, Transport},
    progress::Call,
    sandbox::{Fault, Options as World, Rule, Sandbox},
    secret::Secret,
};
use jiff::{SignedDuration, Timestamp};
use url::Url;

/// Answers every window with its hours, made beforehand.
#[derive(Debug)]
struct Canned(Vec<(String, Bytes)>);

impl Transport for Canned {
    fn send<'a>(&'a self, url: Url, _: &'a Request) -> Sending<'a> {
        let start = url.query_pairs().find(|(name, _)| name == "start").expect("a start").1.into_owned();
        let body = self.0.iter().find(|(own, _)| *own == start).expect("a window").1.clone();
        let length = HeaderValue::from(body.len());
        let headers = HeaderMap::from_iter([(header::CONTENT_LENGTH, length)]);
        let body = Box::pin(stream::iter([Ok(body)]));
        Box::pin(async move { Ok(RawReply { status: StatusCode::OK, version: Version::HTTP_11, headers, body }) })
    }
}

impl Canned {
    /// 2023 by the hour, in windows of 768, as the client cuts it.
    fn year() -> Self {
        let begin: Timestamp = "2023-01-01T00:00:00Z".parse().expect("a timestamp");
        let hour = |n: i64| begin + SignedDuration::from_hours(n);
        let row = |n: i64| {
            format!(
                r#"{{"_id":"{}","_timestamp":"{:.3}","active_users":{},"total_users":{},"new_users":{},"triggers":{},"received_messages":{},"sent_messages":{}}}"#,
                hour(n).strftime("%Y-%m-%dT%H"),
                hour(n),
                n % 977,
                n * 3,
                n % 7,
                n % 113,
                n % 331,
                n % 457
            )
        };
        let windows = (0..8760).step_by(768).map(|first| {
            let rows: Vec<_> = (first..(first + 768).min(8760)).map(row).collect();
            let body = format!(r#"{{"stats":[],"metrics":[{}]}}"#, rows.join(","));
            (hour(first).to_string(), Bytes::from(body))
        });
        Self(windows.collect())
    }
}

fn year() -> Range {
    let edge = |text| Some(Edge::parse("start", text).expect("a day"));
    Range::new(edge("2023-01-01"), edge("2023-12-31"), Zone::offset(0).expect("UTC")).expect("a year")
}

/// The peak resident memory of this process in KiB; 0 where the system doesn't tell.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or_default()
}

/// CPU time of this process so far, user and system, from the kernel's accounting in hundredths of a second.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields: Vec<&str> = stat.rsplit(") ").next().expect("fields").split(' ').collect();
    let ticks: u64 = fields[11..13].iter().map(|field| field.parse::<u64>().expect("ticks")).sum();
    Duration::from_millis(ticks * 10)
}

async fn a_year_of_hours() {
    const ROUNDS: u32 = 200;
    let canned = Canned::year();
    let bytes: usize = canned.0.iter().map(|(_, body)| body.len()).sum();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let client =
        FlowXo::over(Arc::new(canned), Options::new(Secret::new("key")), Arc::clone(&clock)).expect("a client");
    let decode = async || {
        let call = Call::new(Arc::clone(&clock), None, None);
        let metrics = client.metrics(&call, &year(), Unit::Hour, false).await.expect("metrics");
        assert_eq!(black_box(metrics.table().expect("a table")).num_rows(), 8760);
    };
    decode().await;
    let (before, spent, began) = (peak(), cpu(), Instant::now());
    for _ in 0..ROUNDS {
        decode().await;
    }
    let took = began.elapsed().as_secs_f64() / f64::from(ROUNDS);
    let spent = (cpu() - spent).as_secs_f64() / f64::from(ROUNDS);
    println!(
        "a year of hours: {:.2} MB of JSON in {:.2} ms of CPU, {:.0} MB/s ({:.2} ms of time); {} KiB more at the peak \
         after {ROUNDS} rounds",
        bytes as f64 / 1e6,
        spent * 1e3,
        bytes as f64 / 1e6 / spent,
        took * 1e3,
        peak() - before
    );
}

async fn twenty_accounts() {
    let mut world = World::default();
    world.flowxo.accounts = 20;
    let sandbox = Sandbox::start(world).expect("a sandbox");
    sandbox.fault(Rule::new(Fault::Latency { ms: 200, jitter: 0 }));
    let keys = || sandbox.flowxo_api_keys().into_iter().map(|(name, key)| (name, Secret::new(key)));
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let first = keys().next().expect("an account").1;
    let options = Options { base_url: sandbox.url().to_owned(), ..Options::new(first) };
    let client = FlowXo::new(options, Arc::clone(&clock)).expect("a client");
    let accounts = Accounts::new(&client, keys()).expect("accounts");
    let ask = async |accounts: &Accounts| {
        let call = Call::new(Arc::clone(&clock), None, None);
        let began = Instant::now();
        let range = year();
        let (done, partial) = accounts
            .ask(|client| {
                let (call, range) = (&call, &range);
                async move { client.metrics(call, range, Unit::Month, false).await }
            })
            .await
            .expect("metrics");
        assert!(partial.is_none());
        (done.len(), began.elapsed())
    };
    let one = Accounts::new(&client, keys().take(1)).expect("an account");
    // The sandbox makes each account's data when it is first asked for.
    ask(&accounts).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let (mut alone, mut together) = (Duration::MAX, Duration::MAX);
    for _ in 0..5 {
        alone = alone.min(ask(&one).await.1);
        let (done, took) = ask(&accounts).await;
        assert_eq!(done, 20);
        together = together.min(took);
    }
    println!(
        "20 accounts: {:.1} ms, one alone {:.1} ms: {:+.1} %",
        together.as_secs_f64() * 1e3,
        alone.as_secs_f64() * 1e3,
        (together.as_secs_f64() / alone.as_secs_f64() - 1.0) * 100.0
    );
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
    runtime.block_on(async {
        a_year_of_hours().await;
        twenty_accounts().await;
    });
}
