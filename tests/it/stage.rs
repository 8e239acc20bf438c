//! What every test stands on: a sandbox, a client of it over real HTTP, and what the ledger tells afterwards.

use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arrow_array::RecordBatch;
use bytes::Bytes;
use insightframe::{
    Error, Result,
    clock::{Clock, SystemClock},
    csv,
    export::{self, Base, Export, Handle, Start, Types},
    handoff::{Receipt, Table, decoder::STREAM_BATCH},
    http::{RawReply, Request, Sending, Transport, wire::Wire},
    ids::{ObjectUri, ReportName, WorkspaceId},
    insights::{
        Insights, Options,
        filter::{Filter, Interval},
        window::Every,
    },
    origin::Origin,
    progress::Call,
    sandbox::{self, Entry, Rule, Sandbox},
    secret::{Credentials, Secret},
};
use serde_json::Value;
use url::Url;

/// The main report: 11 columns, a date, counts, decimals and empty cells.
pub const MAIN: &str = "3035643";
/// 40 columns of awkward text.
pub const CONVERSATIONS: &str = "3035653";
/// A report without rows.
pub const EMPTY: &str = "3035683";
/// Two columns with the same title.
pub const TWINS: &str = "3035693";

/// Where logins go.
pub const LOGIN: &str = "/gdc/account/login";
/// Where temporary tokens come from.
pub const TOKEN: &str = "/gdc/account/token";
/// Where reports are executed.
pub const EXECUTE: &str = "/gdc/app/projects/*/execute/raw";
/// Where results are.
pub const RESULT: &str = "/gdc/projects/*/execute/raw/*";
/// Where [`Stage::ask`] asks.
pub const IDENTIFIERS: &str = "/gdc/md/*/identifiers";

/// A sandbox and a client that is connected to it.
pub struct Stage {
    pub sandbox: Sandbox,
    pub client: Insights,
    pub clock: Arc<dyn Clock>,
}

impl Stage {
    /// In virtual time: pauses take none.
    pub fn new() -> Self {
        Self::with(|_| (), |_| ())
    }

    /// In virtual time, with other options.
    pub fn with(served: impl FnOnce(&mut sandbox::Options), asked: impl FnOnce(&mut Options)) -> Self {
        let sandbox = serve(served);
        let clock: Arc<dyn Clock> = Arc::new(sandbox.clock());
        Self::over(sandbox, clock, asked)
    }

    /// In the machine's own time, for what is measured against it.
    pub fn in_real_time(served: impl FnOnce(&mut sandbox::Options), asked: impl FnOnce(&mut Options)) -> Self {
        Self::over(serve(served), Arc::new(SystemClock::new()), asked)
    }

    fn over(sandbox: Sandbox, clock: Arc<dyn Clock>, asked: impl FnOnce(&mut Options)) -> Self {
        let mut options = options(&sandbox);
        asked(&mut options);
        let client = Insights::new(options, Arc::clone(&clock)).unwrap();
        Self { sandbox, client, clock }
    }

    /// A call that may take for ever.
    pub fn call(&self) -> Call {
        Call::new(Arc::clone(&self.clock), None, None)
    }

    /// A call that must be over after this time.
    pub fn call_within(&self, timeout: Duration) -> Call {
        Call::new(Arc::clone(&self.clock), Some(timeout), None)
    }

    pub fn fault(&self, rule: Value) {
        self.sandbox.fault(Rule::from_json(rule).unwrap());
    }

    /// Something small that needs a token, is never remembered and is one request.
    pub async fn ask(&self, call: &Call) -> Result<()> {
        let uri = ObjectUri { workspace: WorkspaceId::parse(self.sandbox.workspace())?, number: MAIN.parse().unwrap() };
        self.client.uris(call, &[uri]).await.map(drop)
    }

    /// How often this was asked for since the start; `*` stands for any text.
    pub fn sent(&self, method: &str, path: &str) -> usize {
        self.requests(method, path).len()
    }

    pub fn requests(&self, method: &str, path: &str) -> Vec<Entry> {
        let matching = |entry: &Entry| entry.method == method && fits(path, &entry.path);
        self.sandbox.ledger().into_iter().filter(matching).collect()
    }

    /// Logins, token requests and logouts so far.
    pub fn account(&self) -> (usize, usize, usize) {
        (self.sent("POST", LOGIN), self.sent("GET", TOKEN), self.sent("DELETE", "/gdc/account/login/*"))
    }

    /// Whether nothing was sent for some time that is long on loopback.
    pub fn rests(&self) -> bool {
        let before = self.sandbox.ledger().len();
        std::thread::sleep(Duration::from_millis(150));
        self.sandbox.ledger().len() == before
    }

    pub async fn table(&self, start: &Start) -> Result<Table> {
        export::table(&self.client, &self.call(), start).await
    }

    /// All batches of a stream.
    pub async fn stream(&self, start: &Start) -> Result<Vec<RecordBatch>> {
        let (mut stream, _) = export::stream(&self.client, &self.call(), start.clone()).await?;
        let mut batches = Vec::new();
        while let Some(batch) = stream.next().await? {
            batches.push(batch);
        }
        Ok(batches)
    }

    /// The bytes of a download, or its error after proving that it left nothing.
    pub async fn download(&self, start: &Start) -> Result<(Vec<u8>, Receipt)> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("report.csv");
        let mut start = start.clone();
        start.take_no_types();
        let done = export::download(&self.client, &self.call(), &start, &path).await;
        let left: Vec<_> = std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        match done {
            Ok(receipt) => {
                assert_eq!(left, [path.as_path()]);
                Ok((std::fs::read(path).unwrap(), receipt))
            }
            Err(error) => {
                assert!(left.is_empty(), "{error} left {left:?}");
                Err(error)
            }
        }
    }
}

/// The rows of each batch that a stream can make of these bytes, to which more belongs.
pub fn whole_batches(csv: &[u8]) -> Vec<usize> {
    let options = csv::Options { schema: csv::Schema::Text, batch_bytes: STREAM_BATCH, ..csv::Options::default() };
    let mut reader = csv::Reader::new(options);
    reader.push(Bytes::copy_from_slice(csv)).unwrap();
    std::iter::from_fn(|| reader.take()).map(|batch| batch.num_rows()).collect()
}

/// A sandbox that answers at once, with 20 rows on each of 31 days.
pub fn serve(change: impl FnOnce(&mut sandbox::Options)) -> Sandbox {
    let mut options = sandbox::Options {
        rows_per_day: 20,
        data_end: jiff::civil::date(2023, 1, 31),
        raw_202_count: 0,
        ..sandbox::Options::default()
    };
    change(&mut options);
    Sandbox::start(options).unwrap()
}

/// The options of a client of this sandbox.
pub fn options(sandbox: &Sandbox) -> Options {
    let credentials =
        Credentials { username: sandbox.username().to_owned(), password: Secret::new(sandbox.password()) };
    let mut options = Options::new(credentials);
    options.base_url = sandbox.url().into();
    options.workspace = Some(WorkspaceId::parse(sandbox.workspace()).unwrap());
    options.tls.ca_file = sandbox.ca_file().map(Into::into);
    options
}

/// An export of all days, with the types of the report.
pub fn whole(report: &str) -> Start {
    Start::New(Export::new(ReportName::Number(report.parse().unwrap())))
}

/// The same export with another rule for its types.
pub fn typed(start: Start, base: Base) -> Start {
    match start {
        Start::New(export) => Start::New(Export { types: Types { base, ..export.types }, ..export }),
        resumed @ Start::Resume { .. } => resumed,
    }
}

/// The same export on these days.
pub fn on_days(start: Start, first: &str, last: &str) -> Start {
    let days = Interval::new(Some(first.parse().unwrap()), Some(last.parse().unwrap()), None);
    match start {
        Start::New(export) => Start::New(Export { interval: days.unwrap(), ..export }),
        resumed @ Start::Resume { .. } => resumed,
    }
}

/// The same export cut into windows: `1d`, `1w` or `1mo`.
pub fn cut(start: Start, every: &str) -> Start {
    match start {
        Start::New(export) => Start::New(Export { every: Some(Every::parse(every).unwrap()), ..export }),
        resumed @ Start::Resume { .. } => resumed,
    }
}

/// The same export with filters beside the days.
pub fn filtered(start: Start, filters: Vec<Filter>) -> Start {
    match start {
        Start::New(export) => Start::New(Export { filters, ..export }),
        resumed @ Start::Resume { .. } => resumed,
    }
}

/// What goes on with an export that left this handle.
pub fn resumed(stage: &Stage, handle: &str) -> Start {
    let origin = Origin::parse(stage.sandbox.url(), "/gdc/").unwrap();
    Start::Resume { handle: Handle::parse(handle, &origin).unwrap(), types: Types::default(), timeout: None }
}

/// Whether a path fits a pattern in which `*` stands for any text.
pub fn fits(pattern: &str, path: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else { return pattern == path };
    let Some(rest) = path.strip_prefix(head) else { return false };
    tail.is_empty() || (0..=rest.len()).any(|at| rest.is_char_boundary(at) && fits(tail, &rest[at..]))
}

/// The error of what must fail.
pub fn refused<T>(result: Result<T>) -> Error {
    match result {
        Ok(_) => panic!("it should have failed"),
        Err(error) => error,
    }
}

/// Waits, for at most ten seconds, until something is so.
pub async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..2_000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it never came about that {what}");
}

/// A listener that belongs to somebody else: it keeps all that it is told, and answers 200 to everybody.
pub struct Foreign {
    pub address: std::net::SocketAddr,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Foreign {
    pub fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let foreign = Self { address: listener.local_addr().unwrap(), heard: Arc::clone(&heard) };
        std::thread::spawn(move || {
            for mut socket in listener.incoming().map_while(Result::ok) {
                let heard = Arc::clone(&heard);
                std::thread::spawn(move || {
                    let mut piece = [0; 4096];
                    while let Ok(length @ 1..) = socket.read(&mut piece) {
                        heard.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&piece[..length]);
                        if piece[..length].ends_with(b"\r\n\r\n") {
                            let _ = socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
                        }
                    }
                });
            }
        });
        foreign
    }

    pub fn heard(&self) -> Vec<u8> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What a [`Tampered`] transport does to an answer.
type Tamper = Box<dyn Fn(&Request, RawReply) -> RawReply + Send + Sync>;

/// The wire, with a hand in it: for answers that the sandbox doesn't give, and to learn the tokens that travel.
pub struct Tampered {
    wire: Wire,
    tamper: Tamper,
    tokens: Arc<Mutex<Vec<String>>>,
}

impl Tampered {
    /// A client whose answers pass through `tamper`.
    pub fn client(
        sandbox: &Sandbox,
        clock: Arc<dyn Clock>,
        asked: impl FnOnce(&mut Options),
        tamper: impl Fn(&Request, RawReply) -> RawReply + Send + Sync + 'static,
    ) -> (Insights, Arc<Mutex<Vec<String>>>) {
        let mut options = options(sandbox);
        asked(&mut options);
        let origin = Origin::parse(&options.base_url, "/gdc/").unwrap();
        let wire = Wire::new(&origin, &options.tls, &options.proxy, &options.limits).unwrap();
        let tokens = Arc::default();
        let tampered = Self { wire, tamper: Box::new(tamper), tokens: Arc::clone(&tokens) };
        (Insights::over(Arc::new(tampered), options, clock).unwrap(), tokens)
    }
}

impl Transport for Tampered {
    fn send<'a>(&'a self, url: Url, request: &'a Request) -> Sending<'a> {
        for name in ["x-gdc-authtt", "x-gdc-authsst", "cookie"] {
            let values = request.headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
            let secrets =
                values.flat_map(|value| value.split("; ")).map(|text| text.rsplit('=').next().unwrap_or(text));
            self.tokens.lock().unwrap().extend(secrets.map(str::to_owned));
        }
        Box::pin(async move { Ok((self.tamper)(request, self.wire.send(url, request).await?)) })
    }
}

impl std::fmt::Debug for Tampered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tampered")
    }
}
