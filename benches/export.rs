//! What an export costs beside the service: `cargo bench --features cli --bench export`.
//!
//! The sandbox runs in a process of its own, so that all figures are the client's alone:
//!
//! - our own CPU time for an export of a small report (everything is known, one 202 on the way);
//! - streaming a report of about 1 GB to Parquet: throughput and the peak memory of the process.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use insightframe::{
    clock::SystemClock,
    export::{self, Export, Start},
    handoff::{Sink, parquet::ParquetSink},
    ids::{ReportName, WorkspaceId},
    insights::{Insights, Options},
    limits::Polling,
    origin::Origin,
    progress::Call,
    secret::{Credentials, Secret},
};

const REPORT: &str = "3035643";

/// A sandbox in a process of its own.
struct Service {
    process: Child,
    url: String,
    username: String,
    password: String,
    workspace: String,
}

impl Service {
    fn start(options: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_insightframe"));
        command.arg("sandbox").args(options.iter().flat_map(|option| ["--option", option]));
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the sandbox starts");
        let lines = BufReader::new(process.stdout.take().expect("its output is piped")).lines();
        let mut said = lines.map(|line| {
            let line = line.expect("the sandbox says how it is reached");
            line.split_once('=').expect("NAME=VALUE").1.trim_matches('\'').to_owned()
        });
        let mut next = || said.next().expect("four lines");
        let (url, username, password, workspace) = (next(), next(), next(), next());
        Self { process, url, username, password, workspace }
    }

    fn client(&self) -> Insights {
        let credentials = Credentials { username: self.username.clone(), password: Secret::new(self.password.clone()) };
        let mut options = Options::new(credentials);
        options.base_url.clone_from(&self.url);
        options.workspace = Some(WorkspaceId::parse(&self.workspace).expect("a workspace"));
        options.polling = Polling { initial: Duration::from_millis(1), ..Polling::default() };
        Insights::new(options, Arc::new(SystemClock::new())).expect("a client")
    }

    fn start_of_export(&self) -> Start {
        let origin = Origin::parse(&self.url, "/gdc/").expect("an origin");
        Start::New(Export::new(ReportName::parse(REPORT, &origin).expect("a report")))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// CPU time of this process so far, user and system, from the kernel's accounting.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields: Vec<&str> = stat.rsplit(") ").next().expect("fields").split(' ').collect();
    let ticks: u64 = fields[11..13].iter().map(|field| field.parse::<u64>().expect("ticks")).sum();
    Duration::from_millis(ticks * 10)
}

/// The peak resident memory of this process in MiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmHWM")).expect("VmHWM");
    line.split_whitespace().nth(1).expect("kB").parse::<u64>().expect("a number") / 1024
}

async fn small_exports() {
    let service = Service::start(&["rows=10", "raw_202_count=1", "raw_202_body=empty"]);
    let client = service.client();
    let export = async || {
        let call = Call::new(Arc::new(SystemClock::new()), Some(Duration::from_secs(60)), None);
        export::table(&client, &call, &service.start_of_export()).await.expect("a table")
    };
    assert_eq!(export().await.num_rows(), 10);
    const EXPORTS: u32 = 1000;
    let (before, began) = (cpu(), Instant::now());
    for _ in 0..EXPORTS {
        export().await;
    }
    let (spent, took) = (cpu() - before, began.elapsed());
    client.close().await;
    println!(
        "{EXPORTS} small exports: {:.3} ms of our own CPU each, {:.3} ms of time each",
        spent.as_secs_f64() * 1e3 / f64::from(EXPORTS),
        took.as_secs_f64() * 1e3 / f64::from(EXPORTS)
    );
}

async fn a_gigabyte_to_parquet() {
    let service = Service::start(&["rows=11500000", "raw_202_count=0"]);
    let client = service.client();
    let folder = tempfile::tempdir().expect("a folder");
    let call = Call::new(Arc::new(SystemClock::new()), Some(Duration::from_secs(3600)), None);
    let (start, began) = (peak(), Instant::now());
    let (mut stream, receipt) = export::stream(&client, &call, service.start_of_export()).await.expect("a stream");
    let mut sink =
        Box::new(ParquetSink::create(folder.path().join("report.parquet"), stream.schema()).expect("a file"));
    while let Some(batch) = stream.next().await.expect("a batch") {
        tokio::task::block_in_place(|| sink.write(&batch)).expect("written");
    }
    let size = sink.finish().expect("a file");
    let (took, receipt) = (began.elapsed().as_secs_f64(), receipt.read());
    client.close().await;
    println!(
        "{} rows, {} MB of CSV to {} MB of Parquet in {took:.1} s ({:.0} MB/s); peak memory {} MiB, {} MiB at the start",
        receipt.rows,
        receipt.bytes / 1_000_000,
        size / 1_000_000,
        receipt.bytes as f64 / 1e6 / took,
        peak(),
        start
    );
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
    runtime.block_on(async {
        small_exports().await;
        a_gigabyte_to_parquet().await;
    });
}
