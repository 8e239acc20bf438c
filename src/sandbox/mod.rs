//! A faithful local copy of Flex Insights, Flow XO and Flex Instances: real HTTP on loopback, its own JSON, deterministic data.
//!
//! It is written from the recorded protocol, header by header, and shares no wire type with the client, so that a
//! misunderstanding on one side can't hide on the other. One rule for all rooms below: they know what the service
//! does, never what our client expects.
//!
//! | room | subject |
//! |---|---|
//! | `options` | what a sandbox can be told |
//! | `connection`, `wire`, `request`, `reply`, `tls` | HTTP/1.1, byte by byte |
//! | `faults`, `ledger` | what goes wrong, and what was asked |
//! | `router`, `errors`, `state` | from a request to its handler, the error families, the shared world |
//! | `account`, `tokens` | login, tokens, profile, workspaces |
//! | `metadata` | identifiers, objects, queries, elements |
//! | `execution` | raw exports: execute, filter, poll |
//! | `data` | the contact centre itself |
//! | `flowxo` | Flow XO under `/api`, with data of its own |
//! | `instances` | Flex Instances under `/v1` and `/v2` |
//!
//! ```
//! use insightframe::sandbox::{Fault, Options, Rule, Sandbox};
//!
//! let sandbox = Sandbox::start(Options { rows: Some(1000), ..Options::default() })?;
//! assert!(sandbox.url().starts_with("http://127.0.0.1:"));
//! // The first token request fails; the ledger will tell.
//! sandbox.fault(Rule {
//!     path: "/gdc/account/token".to_owned(),
//!     times: Some(1),
//!     ..Rule::new(Fault::Status { status: 503, retry_after: vec!["2".to_owned()], body: None })
//! });
//! assert!(sandbox.ledger().is_empty());
//! # Ok::<(), insightframe::Error>(())
//! ```

mod account;
mod connection;
mod data;
mod errors;
mod execution;
mod faults;
mod flowxo;
mod instances;
mod ledger;
mod metadata;
pub mod options;
mod random;
mod reply;
mod request;
mod router;
mod state;
mod tls;
mod tokens;
mod uploads;
mod wire;

use std::{fmt, net::TcpListener, path::Path, sync::Arc, thread::JoinHandle, time::Duration};

use tokio::{runtime::Builder, sync::oneshot};

pub use self::{
    faults::{Encoding, Fault, Rule, When},
    ledger::Entry,
    options::Options,
};
use self::{
    state::{World, locked},
    tls::Tls,
};
use crate::{
    clock::VirtualClock,
    error::{Error, Result},
};

/// A running sandbox. It stops, and closes its connections, when it is dropped.
pub struct Sandbox {
    url: String,
    world: Arc<World>,
    tls: Option<Arc<Tls>>,
    reports: Vec<(String, String)>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    /// The process that started it; a forked child has a copy of this value, but not the thread.
    process: u32,
}

impl Sandbox {
    /// Starts a sandbox on a thread and a runtime of its own, so that it serves synchronous and asynchronous callers,
    /// in this process and in others. When this returns, it accepts connections.
    ///
    /// # Errors
    /// `ConfigError` for an option that can't be used, an address that isn't loopback or is taken.
    pub fn start(options: Options) -> Result<Self> {
        options.validate()?;
        let (host, port) = (options.host.clone(), options.port);
        let no_listener = |error| Error::config(format!("the sandbox can't listen on `{host}:{port}`: {error}"));
        let listener = TcpListener::bind((host.as_str(), port)).map_err(no_listener)?;
        listener.set_nonblocking(true).map_err(no_listener)?;
        let address = listener.local_addr().map_err(no_listener)?;
        let tls = if options.tls { Some(Arc::new(Tls::new()?)) } else { None };
        let scheme = if options.tls { "https" } else { "http" };
        let world = Arc::new(World::new(options));

        let no_runtime = |error| Error::config(format!("the sandbox can't start its runtime: {error}"));
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("insightframe-sandbox")
            .enable_all()
            .build()
            .map_err(no_runtime)?;
        let (stop, stopped) = oneshot::channel();
        let serving = listen(listener, Arc::clone(&world), tls.clone(), stopped);
        let thread = std::thread::Builder::new()
            .name("insightframe-sandbox".to_owned())
            .spawn(move || {
                runtime.block_on(serving);
                // Connections end at their next await; what computes a piece of a report may take a moment.
                runtime.shutdown_timeout(Duration::from_millis(80));
            })
            .map_err(no_runtime)?;
        Ok(Self {
            url: format!("{scheme}://{address}"),
            reports: world.catalog.reports(),
            world,
            tls,
            stop: Some(stop),
            thread: Some(thread),
            process: std::process::id(),
        })
    }

    /// The root of all services, for instance `http://127.0.0.1:41231`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The one user's name.
    pub fn username(&self) -> &str {
        &self.world.options.username
    }

    /// The one user's password.
    pub fn password(&self) -> &str {
        &self.world.options.password
    }

    /// The id of the first workspace.
    pub fn workspace(&self) -> &str {
        &self.world.workspaces[0]
    }

    /// The ids of all workspaces of the user: at least two, in which the same identifiers have different local ids.
    pub fn workspaces(&self) -> &[String] {
        &self.world.workspaces
    }

    /// Object id and title of the reports in the first workspace.
    pub fn reports(&self) -> &[(String, String)] {
        &self.reports
    }

    /// The file with the certificate authority to trust, in PEM; none without TLS. It goes with the sandbox.
    pub fn ca_file(&self) -> Option<&Path> {
        self.tls.as_ref().map(|tls| tls.ca_file.path())
    }

    /// The clock that the sandbox lives by; a clone that shares its time.
    pub fn clock(&self) -> VirtualClock {
        self.world.clock.clone()
    }

    /// Puts the clock forward.
    pub fn advance(&self, duration: Duration) {
        self.world.clock.advance(duration);
    }

    /// Every request since the start, or since the ledger was cleared, in the order of arrival.
    pub fn ledger(&self) -> Vec<Entry> {
        self.world.ledger.entries()
    }

    /// Names and API keys of the Flow XO accounts, the first one that of `flowxo_api_key`.
    pub fn flowxo_api_keys(&self) -> Vec<(String, String)> {
        self.world.options.flowxo.keys().collect()
    }

    /// The options that it was started with: its credentials among them.
    pub fn options(&self) -> &Options {
        &self.world.options
    }

    /// Flex instances that were created by requests since the start: never more than one, unless it was deleted.
    pub fn instances_created(&self) -> u32 {
        self.world.instances.created()
    }

    /// Forgets the requests so far.
    pub fn clear_ledger(&self) {
        self.world.ledger.clear();
    }

    /// Executions that were accepted since the start.
    pub fn executions(&self) -> u64 {
        locked(&self.world.executions).accepted()
    }

    /// Adds a rule; rules apply in the order in which they were added.
    pub fn fault(&self, rule: Rule) {
        self.world.faults.add(rule);
    }

    /// Forgets all rules.
    pub fn clear_faults(&self) {
        self.world.faults.clear();
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if self.process != std::process::id() {
            // Nothing here is the child's: joining would wait for ever, and the CA file is still in use.
            #[expect(clippy::mem_forget, reason = "the parent still uses what a forked child has inherited")]
            std::mem::forget((self.stop.take(), self.thread.take(), self.tls.take()));
            return;
        }
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").field("url", &self.url).finish_non_exhaustive()
    }
}

/// Accepts connections until told to stop.
async fn listen(listener: TcpListener, world: Arc<World>, tls: Option<Arc<Tls>>, stopped: oneshot::Receiver<()>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    let accept = async {
        let mut number = 0;
        loop {
            // An accept fails when the process is out of file descriptors, or the client left already.
            let Ok((socket, _)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(5)).await;
                continue;
            };
            if world.faults.refuse_connection() {
                continue;
            }
            number += 1;
            let _ = socket.set_nodelay(true);
            let world = Arc::clone(&world);
            match tls.clone() {
                None => drop(tokio::spawn(connection::serve(socket, world, number))),
                Some(tls) => drop(tokio::spawn(async move {
                    if let Ok(socket) = tls.acceptor.accept(socket).await {
                        connection::serve(socket, world, number).await;
                    }
                })),
            }
        }
    };
    tokio::select! {
        () = accept => {}
        _ = stopped => {}
    }
}

#[cfg(test)]
mod tests;
