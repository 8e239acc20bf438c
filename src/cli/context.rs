//! What every command runs in: a runtime, a clock, ears for Ctrl-C, and a person who may want to be told things.

use std::{fmt::Display, future::Future, io::Write, sync::Arc};

use clap::{ArgAction, Args};
use tokio::runtime::Builder;

use super::{log, progress::Progress};
use crate::{
    clock::{Clock, SystemClock},
    error::{Error, Result},
};

/// How much is told on stderr.
#[derive(Args, Clone, Copy, Debug, Default)]
#[command(next_help_heading = "Messages")]
pub(super) struct Voice {
    /// Nothing on stderr but errors
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Log on stderr what is sent and received, -vv in detail; passwords and tokens are never in it
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet")]
    verbose: u8,
}

/// What a command is given.
#[derive(Clone, Debug)]
pub(super) struct Context {
    voice: Voice,
    clock: Arc<dyn Clock>,
}

impl Context {
    pub(super) fn new(voice: Voice) -> Self {
        log::begin(voice.verbose);
        Self { voice, clock: clock() }
    }

    pub(super) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// Tells the person something that is neither data nor an error.
    pub(super) fn say(&self, text: impl Display) {
        if !self.voice.quiet {
            // Who has closed stderr doesn't want to know.
            let _ = writeln!(std::io::stderr(), "{text}");
        }
    }

    /// The line that changes, on a terminal; nothing elsewhere.
    pub(super) fn line(&self) -> Progress {
        match self.voice {
            Voice { quiet: false, verbose: 0 } if console::user_attended_stderr() => Progress::bar(),
            _ => Progress::silent(),
        }
    }

    /// Shows how far a call is: as a line that changes on a terminal, unless a log is written there too.
    pub(super) fn progress(&self) -> Progress {
        match self.voice {
            Voice { quiet: true, .. } => Progress::silent(),
            Voice { verbose: 0, .. } if console::user_attended_stderr() => Progress::bar(),
            _ => Progress::lines(),
        }
    }
}

/// A variable of the environment.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The clock of a command.
pub(super) fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::new())
}

/// How a command ends when nothing goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It did what was asked for.
    Done,
    /// Ctrl-C came first.
    Interrupted,
    /// SIGTERM came first.
    Terminated,
}

/// Does `work` until it is done, or told to stop. What is to be done in either case, such as logging out, comes after.
pub(super) async fn until_ctrl_c(work: impl Future<Output = Result<()>>) -> Result<End> {
    stoppable(work).await.map(|done| done.err().unwrap_or(End::Done))
}

/// The same for work that has a result; the inner error is how it was stopped.
pub(super) async fn stoppable<T>(work: impl Future<Output = Result<T>>) -> Result<std::result::Result<T, End>> {
    tokio::select! {
        done = work => done.map(Ok),
        _ = tokio::signal::ctrl_c() => Ok(Err(End::Interrupted)),
        () = terminated() => Ok(Err(End::Terminated)),
    }
}

/// Ends with the signal by which process managers stop what they started.
#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut signals) => _ = signals.recv().await,
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending().await
}

/// Runs a command on a runtime of its own.
pub(super) fn block_on<T, E: From<Error>>(command: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| Error::config(format!("no threads can be started: {error}")))?;
    let end = runtime.block_on(command);
    runtime.shutdown_background();
    end
}
