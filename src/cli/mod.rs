//! The command `insightframe`: data on stdout, everything else on stderr.
//!
//! Each subcommand is a thin caller of the core. Exit codes: 0 done, 2 a bad argument, 3 authentication, 4 not found,
//! 5 the service or the network failed, 6 the time ran out, 130 interrupted.

mod demo;
mod export;
mod sandbox;
mod serve;

use std::{future::Future, process::ExitCode, sync::Arc};

use clap::{CommandFactory, Parser, Subcommand};
use tokio::runtime::Builder;

use crate::error::{ApiFault, Error, Kind, Result};

/// Twilio Flex Insights as typed tables.
#[derive(Parser)]
#[command(name = "insightframe", version, propagate_version = true, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Export a report from a sandbox that is started for it, and print the first rows
    Demo(demo::Demo),
    /// Export a report from Flex Insights to a file or the terminal
    Export(export::ExportCommand),
    /// Run a local copy of Flex Insights until Ctrl-C
    Sandbox(sandbox::SandboxCommand),
    /// Serve reports to spreadsheets and BI tools until Ctrl-C or SIGTERM
    Serve(serve::Serve),
}

/// Runs the command of `argv` (the name of the program first) and gives its exit code.
pub fn run(argv: Vec<String>) -> u8 {
    let arguments = match Arguments::try_parse_from(argv) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no errors and go to stdout; a closed pipe is nobody's fault.
            let _ = error.print();
            return u8::try_from(error.exit_code()).unwrap_or(2);
        }
    };
    let done = match arguments.command {
        None => {
            let _ = Arguments::command().print_help();
            return 2;
        }
        Some(Command::Demo(demo)) => block_on(demo.run()),
        Some(Command::Export(export)) => block_on(export.run()),
        Some(Command::Sandbox(sandbox)) => block_on(sandbox.run()),
        Some(Command::Serve(serve)) => block_on(serve.run()),
    };
    match done {
        Ok(End::Done) => 0,
        Ok(End::Interrupted) => 130,
        Err(error) => {
            eprintln!("error: {error}");
            if let Kind::DeadlineExceeded { handle: Some(handle), .. } | Kind::Export { handle: Some(handle), .. } =
                error.kind()
            {
                eprintln!("to go on where it stopped: insightframe export --resume '{handle}'");
            }
            code(&error)
        }
    }
}

/// The same, for `main`.
pub fn main() -> ExitCode {
    ExitCode::from(run(std::env::args().collect()))
}

/// How a command ends when nothing goes wrong.
enum End {
    Done,
    Interrupted,
}

/// Does `work` until it is done or Ctrl-C comes. What is to be done in either case, such as logging out, comes after.
async fn until_ctrl_c(work: impl Future<Output = Result<()>>) -> Result<End> {
    tokio::select! {
        done = work => done.map(|()| End::Done),
        _ = tokio::signal::ctrl_c() => Ok(End::Interrupted),
    }
}

/// Runs a command on a runtime of its own.
fn block_on(command: impl Future<Output = Result<End>>) -> Result<End> {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| Error::config(format!("no threads can be started: {error}")))?;
    let end = runtime.block_on(command);
    runtime.shutdown_background();
    end
}

fn code(error: &Error) -> u8 {
    match error.kind() {
        Kind::Config(_) => 2,
        Kind::InvalidCredentials(_) | Kind::LoginThrottled { .. } | Kind::SessionLost(_) => 3,
        Kind::Api(reply) if reply.fault == ApiFault::NotFound => 4,
        Kind::DeadlineExceeded { .. } => 6,
        _ => 5,
    }
}

/// The clock of a command.
fn clock() -> Arc<dyn crate::clock::Clock> {
    Arc::new(crate::clock::SystemClock::new())
}

/// A listener that writes a line for every phase, so that a log shows what a wait was for.
fn lines() -> crate::progress::Listener {
    let last = std::sync::Mutex::new(None);
    Arc::new(move |event: crate::progress::Event| {
        let mut last = last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let looked = event.phase == crate::progress::Phase::Polling && event.polls > 0;
        let now = (event.phase, if looked { event.polls } else { 0 });
        if *last == Some(now) {
            return;
        }
        *last = Some(now);
        let time = event.elapsed.as_secs_f64();
        if looked {
            eprintln!("{time:6.2} s  not ready yet (look {})", event.polls);
        } else {
            eprintln!("{time:6.2} s  {}", event.phase.as_str());
        }
    })
}
