//! What every test stands on: a sandbox, a gateway before it, and clients of that.

use std::{
    io::Write,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use insightframe::{
    clock::{Clock, SystemClock},
    gateway::{Gateway, Journal, Options},
    sandbox::{self, Entry, Rule, Sandbox},
};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
    task::JoinHandle,
};

/// The main report.
pub const MAIN: &str = "3035643";
/// A report without rows.
pub const EMPTY: &str = "3035683";

pub const LOGIN: &str = "/gdc/account/login";
pub const EXECUTE: &str = "/gdc/app/projects/*/execute/raw";
pub const RESULT: &str = "/gdc/projects/*/execute/raw/*";

/// All days of the data.
pub const DAYS: [(&str, &str); 2] = [("DateStart", "2023-01-01"), ("DateEnd", "2023-01-31")];

/// A log that can be read.
#[derive(Clone, Default)]
pub struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Write::write(&mut *self.0.lock().unwrap(), bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

pub struct Stage {
    pub sandbox: Sandbox,
    pub url: String,
    pub client: Client,
    pub journal: Journal,
    page: Page,
    stop: Option<oneshot::Sender<()>>,
    hurry: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
}

impl Stage {
    pub async fn new() -> Self {
        Self::with(|_| (), |_| ()).await
    }

    /// In the sandbox's virtual time, with other options.
    pub async fn with(served: impl FnOnce(&mut sandbox::Options), asked: impl FnOnce(&mut Options)) -> Self {
        let sandbox = serve(served);
        let clock: Arc<dyn Clock> = Arc::new(sandbox.clock());
        Self::over(sandbox, clock, asked).await
    }

    /// In the machine's own time, for what is measured against it.
    pub async fn in_real_time(served: impl FnOnce(&mut sandbox::Options), asked: impl FnOnce(&mut Options)) -> Self {
        Self::over(serve(served), Arc::new(SystemClock::new()), asked).await
    }

    async fn over(sandbox: Sandbox, clock: Arc<dyn Clock>, asked: impl FnOnce(&mut Options)) -> Self {
        let mut options = Options { port: 0, base_url: sandbox.url().into(), ..Options::default() };
        options.upstream_tls.ca_file = sandbox.ca_file().map(Into::into);
        asked(&mut options);
        let page = Page::default();
        let journal = Journal::to(page.clone());
        let gateway = Gateway::bind(options, clock, journal.clone()).await.unwrap();
        let url = gateway.url();
        let ((stop, stopped), (hurry, hurried)) = (oneshot::channel::<()>(), oneshot::channel::<()>());
        let serving = tokio::spawn(async move {
            let ends = |end: oneshot::Receiver<()>| async {
                // A dropped sender is a test that is over.
                let _ = end.await;
            };
            gateway.serve(ends(stopped), ends(hurried)).await;
        });
        // Said once in a process; the client of the tests speaks no TLS, but wants to know.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().build().unwrap();
        Self { sandbox, url, client, journal, page, stop: Some(stop), hurry: Some(hurry), serving }
    }

    pub fn address(&self) -> SocketAddr {
        self.url.split("//").nth(1).unwrap().parse().unwrap()
    }

    pub fn fault(&self, rule: Value) {
        self.sandbox.fault(Rule::from_json(rule).unwrap());
    }

    /// A request for the main report with good credentials.
    pub fn report(&self) -> RequestBuilder {
        self.asking(MAIN, &[])
    }

    /// A request with good credentials for any report, and more parameters.
    pub fn asking(&self, report: &str, more: &[(&str, &str)]) -> RequestBuilder {
        self.anonymous(report, more).basic_auth(self.sandbox.username(), Some(self.sandbox.password()))
    }

    /// The same without credentials.
    pub fn anonymous(&self, report: &str, more: &[(&str, &str)]) -> RequestBuilder {
        let mut pairs = vec![("WorkspaceId", self.sandbox.workspace()), ("ReportId", report)];
        pairs.extend(DAYS);
        pairs.extend(more);
        self.client.get(format!("{}/getReport?{}", self.url, query(&pairs)))
    }

    pub async fn get(&self, path: &str) -> Response {
        self.client.get(format!("{}{path}", self.url)).send().await.unwrap()
    }

    pub fn requests(&self, method: &str, path: &str) -> Vec<Entry> {
        let matching = |entry: &Entry| entry.method == method && fits(path, &entry.path);
        self.sandbox.ledger().into_iter().filter(matching).collect()
    }

    /// Logins and logouts so far.
    pub fn account(&self) -> (usize, usize) {
        (self.requests("POST", LOGIN).len(), self.requests("DELETE", "/gdc/account/login/*").len())
    }

    /// The log's text so far.
    pub fn log(&self) -> String {
        self.journal.flush();
        String::from_utf8(self.page.0.lock().unwrap().clone()).unwrap()
    }

    /// The log's lines about answers.
    pub fn answers(&self) -> Vec<Value> {
        let lines = self.log();
        let parsed = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        parsed.filter(|line| line["event"] == "request").collect()
    }

    /// Tells the gateway to stop; a handle on its end.
    pub fn stop(&mut self) -> Option<oneshot::Sender<()>> {
        drop(self.stop.take());
        self.hurry.take()
    }

    /// Waits for its end.
    pub async fn ended(&mut self) {
        tokio::time::timeout(Duration::from_secs(20), &mut self.serving).await.unwrap().unwrap();
    }

    /// The value of a counter or gauge.
    pub async fn meter(&self, name: &str) -> f64 {
        let text = self.get("/metrics").await.text().await.unwrap();
        let line = text.lines().find(|line| line.split(' ').next() == Some(name));
        line.unwrap_or_else(|| panic!("{name} in {text}")).split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// A connection of its own, on which this was sent.
    pub async fn raw(&self, text: &str) -> TcpStream {
        let mut socket = TcpStream::connect(self.address()).await.unwrap();
        socket.write_all(text.as_bytes()).await.unwrap();
        socket
    }

    /// The head of a good request, for [`Stage::raw`].
    pub fn head(&self) -> String {
        let built = self.report().build().unwrap();
        let target = &built.url()[url::Position::BeforePath..];
        let authorization = built.headers()["authorization"].to_str().unwrap();
        format!("GET {target} HTTP/1.1\r\nHost: x\r\nAuthorization: {authorization}\r\n\r\n")
    }
}

/// All that comes on a connection until it ends, and whether it ended in order.
pub async fn drained(socket: &mut TcpStream) -> (Vec<u8>, bool) {
    let mut all = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(20), socket.read_to_end(&mut all)).await;
    (all, ended.unwrap().is_ok())
}

/// A sandbox that answers at once, with 20 rows on each of 31 days.
fn serve(change: impl FnOnce(&mut sandbox::Options)) -> Sandbox {
    let mut options = sandbox::Options {
        rows_per_day: 20,
        data_end: jiff::civil::date(2023, 1, 31),
        raw_202_count: 0,
        ..sandbox::Options::default()
    };
    change(&mut options);
    Sandbox::start(options).unwrap()
}

pub fn query(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn fits(pattern: &str, path: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else { return pattern == path };
    let Some(rest) = path.strip_prefix(head) else { return false };
    tail.is_empty() || (0..=rest.len()).any(|at| rest.is_char_boundary(at) && fits(tail, &rest[at..]))
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

/// The JSON of a refusal with this status.
pub async fn refused(response: Response, status: u16) -> Value {
    assert_eq!(response.status().as_u16(), status, "{:?}", response.headers());
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.headers()["cache-control"], "no-store");
    serde_json::from_str(&response.text().await.unwrap()).unwrap()
}
