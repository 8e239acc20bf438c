//! What an export costs beside the service: `cargo bench --features cli --bench export`.
//!
//! The sandbox runs in a process of its own, so that all figures are the client's alone:
//!
//! - our own CPU time for an export of a small report (everything is known, one 202 on the way);
//! - streaming a report of about 1 GB to Parquet: throughput and the peak memory of the process;
//! - datasets of 10 and of 300 windows: the peak memory of the process is the same, within 32 MiB;
//! - a year of daily windows, a service that takes 50 ms for an execution, eight at once: how near the time comes to what
//!   it would be if nothing else took any. It must stay below 1.2 times that and a second.

use std::{
    io::{BufRead, BufReader},
    process::{Child, ChildStdout, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use insightframe::{
    clock::SystemClock,
    dataset::{self, Asked},
    export::{self, Export, Start},
    handoff::{Format, store::Place},
    ids::{ReportName, WorkspaceId},
    insights::{Insights, Options, filter::Interval, window::Every},
    limits::Polling,
    origin::Origin,
    progress::Call,
    secret::{Credentials, Secret},
};

const REPORT: &str = "3035643";

/// A sandbox in a process of its own.
struct Service {
    process: Child,
    /// Kept open: a sandbox whose output nobody takes ends.
    _output: BufReader<ChildStdout>,
    url: String,
    username: String,
    password: String,
    workspace: String,
}

impl Service {
    fn start(options: &[&str]) -> Self {
        Self::with(options, &[])
    }

    fn with(options: &[&str], faults: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_insightframe"));
        command.arg("sandbox").args(options.iter().flat_map(|option| ["--option", option]));
        command.args(faults.iter().flat_map(|fault| ["--fault", fault]));
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the sandbox starts");
        let mut output = BufReader::new(process.stdout.take().expect("its output is piped"));
        let mut next = || {
            let mut line = String::new();
            output.read_line(&mut line).expect("the sandbox says how it is reached");
            line.trim_end().split_once('=').expect("NAME=VALUE").1.trim_matches('\'').to_owned()
        };
        let (url, username, password, workspace) = (next(), next(), next(), next());
        Self { process, _output: output, url, username, password, workspace }
    }

    fn client(&self) -> Insights {
        self.client_of(4)
    }

    fn client_of(&self, max_concurrency: usize) -> Insights {
        let credentials = Credentials { username: self.username.clone(), password: Secret::new(self.password.clone()) };
        let mut options = Options::new(credentials);
        options.base_url.clone_from(&self.url);
        options.workspace = Some(WorkspaceId::parse(&self.workspace).expect("a workspace"));
        options.max_concurrency = max_concurrency;
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

/// Has the kernel count the peak from what is in use now.
fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").expect("Linux");
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
    let (stream, receipt) = export::stream(&client, &call, service.start_of_export()).await.expect("a stream");
    let output = Place::local(folder.path().join("report.parquet")).begin().expect("a file");
    let schema = stream.schema().clone();
    let size = Format::Parquet.write(stream.into_batches(), output, schema).await.expect("a file");
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

/// Days of the year, rows of a day, windows at once, and the time of an execution.
const YEAR: (u32, u32, u32, Duration) = (365, 1000, 8, Duration::from_millis(50));

async fn a_year_of_days() {
    let (days, rows, at_once, execution) = YEAR;
    let options = ["rows_per_day=1000", "data_start=2023-01-01", "data_end=2023-12-31", "raw_202_count=0"];
    let service =
        Service::with(&options, &[r#"{"fault": "latency", "ms": 50, "method": "POST", "path": "*/execute/raw"}"#]);
    let client = service.client_of(at_once as usize);
    let Start::New(whole) = service.start_of_export() else { unreachable!() };
    let days_of = |first: &str, last: &str| {
        let day = |text: &str| Some(text.parse().expect("a day"));
        Interval::new(day(first), day(last), None).expect("two days")
    };
    let call = || Call::new(Arc::new(SystemClock::new()), Some(Duration::from_secs(60)), None);
    // Logged in, and with all names known, as in a load that runs every day.
    let warm = Export { interval: days_of("2023-01-01", "2023-01-01"), ..whole.clone() };
    export::table(&client, &call(), &Start::New(warm)).await.expect("a day");
    let year = Export { interval: days_of("2023-01-01", "2023-12-31"), every: Some(Every::Day), ..whole };
    let least = execution.mul_f64(f64::from(days) / f64::from(at_once));
    let allowed = least.mul_f64(1.2) + Duration::from_secs(1);
    let mut times = Vec::new();
    for _ in 0..5 {
        let (call, began) = (call(), Instant::now());
        let table = export::table(&client, &call, &Start::New(year.clone())).await.expect("a year");
        times.push(began.elapsed());
        assert_eq!(table.num_rows(), (days * rows) as usize);
    }
    client.close().await;
    times.sort_unstable();
    println!(
        "{days} daily windows of {rows} rows, {at_once} at once, {execution:?} an execution: {:.2?} (at best {:.2?}, at worst {:.2?}); {least:.2?} if \
         nothing else took time, {allowed:.2?} allowed",
        times[2], times[0], times[4]
    );
    // Whatever else the machine does only adds to a time, so the best one is that of the program.
    assert!(times[0] <= allowed, "too slow");
}

/// Datasets of 10 and of 300 windows of 20,000 rows: the peak memory of each, from a fresh mark.
async fn datasets_of_few_and_of_many_windows() {
    let service =
        Service::start(&["rows_per_day=20000", "data_start=2023-01-01", "data_end=2023-12-31", "raw_202_count=0"]);
    let client = service.client_of(4);
    let Start::New(whole) = service.start_of_export() else { unreachable!() };
    let mut peaks = Vec::new();
    // The first one warms up what stays: buffers of connections, the allocator.
    for windows in [10, 10, 300] {
        let folder = tempfile::tempdir().expect("a folder");
        let first = jiff::civil::date(2023, 1, 1);
        let last = first + jiff::Span::new().days(windows - 1);
        let interval = Interval::new(Some(first), Some(last), None).expect("two days");
        let asked = Asked {
            export: Export { interval, every: Some(Every::Day), ..whole.clone() },
            root: Place::local(folder.path()),
            format: Format::Parquet,
            restate: 0,
            widen: false,
        };
        forget_peak();
        let began = Instant::now();
        let call = Call::new(Arc::new(SystemClock::new()), None, None);
        let receipt = dataset::write(&client, &call, &asked).await.expect("a dataset");
        assert_eq!(receipt.windows.len(), windows as usize);
        peaks.push(peak());
        println!(
            "{windows} windows, {} rows to a dataset in {:.1} s: peak memory {} MiB",
            receipt.rows,
            began.elapsed().as_secs_f64(),
            peak()
        );
    }
    client.close().await;
    // The largest of more windows is larger by chance; all of them would be 500 MB.
    assert!(peaks[2] <= peaks[1] + 32, "memory grows with the number of windows: {peaks:?} MiB");
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
    runtime.block_on(async {
        a_year_of_days().await;
        datasets_of_few_and_of_many_windows().await;
        small_exports().await;
        a_gigabyte_to_parquet().await;
    });
}
