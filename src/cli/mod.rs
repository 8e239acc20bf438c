//! The command `insightframe`: data on stdout, everything else on stderr.
//!
//! Each subcommand is a thin caller of the core. Exit codes: 0 done, 2 a bad argument, 3 authentication, 4 not found,
//! 5 the service, the network or a file failed, 6 the time ran out, 130 interrupted, 143 terminated.

mod account;
mod catalog;
mod completions;
mod context;
mod dataset;
mod delete_profile;
mod demo;
mod describe;
mod doctor;
mod elements;
mod export;
mod flowxo;
mod identifiers;
mod instances;
mod log;
mod login;
mod logout;
mod man;
mod output;
mod progress;
mod prompt;
mod report;
mod sandbox;
mod serve;
mod workspaces;

use std::{ffi::OsString, io::Write, process::ExitCode};

use clap::{CommandFactory, Parser, Subcommand};

use self::context::{Context, End, Voice, block_on};
use crate::{
    error::{ApiFault, Error, Kind},
    insights::catalog::Listing,
};

/// Twilio Flex Insights and Flow XO as typed tables
///
/// Data goes to stdout, everything else to stderr.
#[derive(Parser)]
#[command(name = "insightframe", version, propagate_version = true, disable_help_subcommand = true)]
#[command(max_term_width = 100, after_help = FIRST_STEPS, after_long_help = EXIT_CODES)]
struct Arguments {
    #[command(flatten)]
    voice: Voice,
    #[command(subcommand)]
    command: Option<Command>,
}

const FIRST_STEPS: &str = "\
Examples:
  insightframe demo                  a report from a sandbox, without an account
  insightframe login                 test credentials and keep them in a profile
  insightframe export 3035643 --start 2024-01-01 --end 2024-01-31 -o january.parquet
  insightframe doctor                what is wrong, and what to do";

const EXIT_CODES: &str = "\
Examples:
  insightframe demo                  a report from a sandbox, without an account
  insightframe login                 test credentials and keep them in a profile
  insightframe export 3035643 --start 2024-01-01 --end 2024-01-31 -o january.parquet
  insightframe doctor                what is wrong, and what to do

Environment:
  FLEX_INSIGHTS_USERNAME, FLEX_INSIGHTS_PASSWORD, FLEX_INSIGHTS_WORKSPACE, FLEX_INSIGHTS_BASE_URL
  INSIGHTFRAME_PROFILE, INSIGHTFRAME_CONFIG (default ~/.config/insightframe/config.toml)
  FLOWXO_API_KEY, FLOWXO_BASE_URL
  TWILIO_API_KEY and TWILIO_API_SECRET, or TWILIO_AUTH_TOKEN; TWILIO_ACCOUNT_SID
  FLEX_INSTANCES_BASE_URL
  HTTPS_PROXY, ALL_PROXY, NO_PROXY, SSL_CERT_FILE, SSL_CERT_DIR, NO_COLOR

Exit codes:
  0    done
  2    a bad argument, or missing credentials
  3    authentication failed
  4    not found
  5    the service, the network or a file failed
  6    the time ran out; the command that goes on is printed
  130  interrupted by Ctrl-C (143 by SIGTERM)";

#[derive(Subcommand)]
enum Command {
    /// Export a report from a sandbox that is started for it, and print the first rows
    Demo(demo::Demo),
    /// Export a report to a file, an object store or stdout
    ///
    /// Credentials and defaults come from the environment, a profile or, on a terminal, a question: see `insightframe --help`.
    Export(Box<export::ExportCommand>),
    /// Keep a directory of a report's days up to date, here or in an object store
    ///
    /// Windows that are done are skipped without a request, so that the same command, run each night, fetches what is new.
    Dataset(Box<dataset::DatasetCommand>),
    /// Tell the columns of a report and their types
    ///
    /// The columns are those of the report's definition, with the types that an export gives them.
    Describe(describe::DescribeCommand),
    /// List the workspaces that the user may see
    Workspaces(workspaces::WorkspacesCommand),
    /// List the reports of a workspace
    #[command(after_help = "Examples:\n  insightframe reports\n  insightframe reports --format csv | grep -i queue")]
    Reports(catalog::CatalogCommand),
    /// List the metrics of a workspace
    #[command(after_help = "Examples:\n  insightframe metrics\n  insightframe metrics -o metrics.parquet")]
    Metrics(catalog::CatalogCommand),
    /// List the attributes of a workspace
    #[command(after_help = "Examples:\n  insightframe attributes\n  insightframe attributes --format json")]
    Attributes(catalog::CatalogCommand),
    /// List the labels of a workspace: what reports can be filtered by
    #[command(after_help = "Examples:\n  insightframe labels\n  insightframe labels --format csv | grep GDC.time")]
    Labels(catalog::CatalogCommand),
    /// List the values of a label
    ///
    /// These are the values that a report can be filtered by.
    Elements(elements::ElementsCommand),
    /// Translate identifiers into uris, and uris into identifiers
    ///
    /// Identifiers are the same in every workspace, uris are not.
    Identifiers(identifiers::IdentifiersCommand),
    /// Test credentials of Flex Insights and keep them in a profile
    ///
    /// User name and password are taken from the environment, or asked for on a terminal; never as arguments. They are sent
    /// once, and stored when the service has accepted them: in a file for its owner alone.
    Login(login::LoginCommand),
    /// Forget the credentials of a profile
    ///
    /// Every command ends the session that it began, so that nothing is open at the service; what stays is the profile, and
    /// this removes it. Other sections and comments of the file stay.
    Logout(logout::LogoutCommand),
    /// Delete the user's own account at Flex Insights, for good
    ///
    /// This is the user's account at the service, not a section of the profile file, and it doesn't come back. The id has to
    /// be repeated; without it nothing is deleted and the id is told.
    DeleteProfile(delete_profile::DeleteProfileCommand),
    /// Ask for the analytics of Flow XO
    ///
    /// The API key comes from FLOWXO_API_KEY.
    #[command(name = "flowxo")]
    FlowXo(flowxo::FlowXoCommand),
    /// Create and look at Flex instances
    ///
    /// Credentials come from TWILIO_API_KEY and TWILIO_API_SECRET, else from TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN.
    Instances(instances::InstancesCommand),
    /// Say where credentials come from, try every service, and tell what to do
    ///
    /// Shows from which place each credential comes (never the credential), looks at the proxy, the certificates and the
    /// clock, and logs in to every service that has credentials, once. It changes nothing.
    ///
    /// The exit code is that of the first thing that is wrong, 0 when nothing is.
    Doctor(doctor::DoctorCommand),
    /// Run a local copy of the services until Ctrl-C
    Sandbox(sandbox::SandboxCommand),
    /// Serve reports to spreadsheets and BI tools until Ctrl-C or SIGTERM
    Serve(serve::Serve),
    /// Print the completions of a shell
    Completions(completions::CompletionsCommand),
    /// Print a manual page
    Man(man::ManCommand),
}

/// Why a command ended badly.
struct Failure {
    error: Error,
    /// The command that goes on where this one stopped.
    resume: Option<String>,
    /// Whether the person has read about it.
    is_told: bool,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, resume: None, is_told: false }
    }
}

impl Failure {
    /// A failure that has been told already, so that only its exit code counts.
    fn told(error: Error) -> Self {
        Self { error, resume: None, is_told: true }
    }

    /// A failure whose handle, if it has one, becomes a command.
    fn resumable(error: Error, command: impl FnOnce(&str) -> String) -> Self {
        let resume = error.handle().map(command);
        Self { error, resume, is_told: false }
    }
}

type Done = Result<End, Failure>;

/// Runs the command of `argv` (the name of the program first) and gives its exit code.
pub fn run(argv: impl IntoIterator<Item = OsString>) -> u8 {
    let Arguments { voice, command } = match Arguments::try_parse_from(argv) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no errors and go to stdout; a closed pipe is nobody's fault.
            let _ = error.print();
            return u8::try_from(error.exit_code()).unwrap_or(2);
        }
    };
    let Some(command) = command else {
        let _ = Arguments::command().print_help();
        return 2;
    };
    match block_on(command.run(&Context::new(voice))) {
        Ok(End::Done) => 0,
        Ok(End::Interrupted) => 130,
        Ok(End::Terminated) => 143,
        Err(failure) if output::is_closed_pipe(&failure.error) => 0,
        Err(failure) => {
            if !failure.is_told {
                say(&failure);
            }
            code(&failure.error)
        }
    }
}

/// The same, for `main`.
pub fn main() -> ExitCode {
    ExitCode::from(run(std::env::args_os()))
}

impl Command {
    async fn run(self, context: &Context) -> Done {
        Ok(match self {
            Self::Demo(demo) => demo.run(context).await?,
            Self::Export(export) => return Box::pin(export.run(context)).await,
            Self::Dataset(dataset) => Box::pin(dataset.run(context)).await?,
            Self::Describe(describe) => describe.run(context).await?,
            Self::Workspaces(workspaces) => workspaces.run(context).await?,
            Self::Reports(catalog) => catalog.run(context, Listing::Reports).await?,
            Self::Metrics(catalog) => catalog.run(context, Listing::Metrics).await?,
            Self::Attributes(catalog) => catalog.run(context, Listing::Attributes).await?,
            Self::Labels(catalog) => catalog.run(context, Listing::Labels).await?,
            Self::Elements(elements) => elements.run(context).await?,
            Self::DeleteProfile(delete_profile) => delete_profile.run(context).await?,
            Self::Identifiers(identifiers) => identifiers.run(context).await?,
            Self::Login(login) => login.run(context).await?,
            Self::Logout(logout) => logout.run(context)?,
            Self::FlowXo(flowxo) => flowxo.run(context).await?,
            Self::Instances(instances) => return instances.run(context).await,
            Self::Doctor(doctor) => return doctor.run(context).await,
            Self::Sandbox(sandbox) => sandbox.run(context).await?,
            Self::Serve(serve) => Box::pin(serve.run(context)).await?,
            Self::Completions(completions) => completions.run()?,
            Self::Man(man) => man.run()?,
        })
    }
}

/// Says what went wrong, with the line that helps set apart.
fn say(failure: &Failure) {
    let mut stderr = std::io::stderr().lock();
    let words = failure.error.to_string();
    let (what, hint) = words.split_once("\nhint: ").map_or((&*words, None), |(what, hint)| (what, Some(hint)));
    let label = |text: &'static str| console::style(text).for_stderr().bold();
    let _ = writeln!(stderr, "{} {what}", label("error:").red());
    if let Some(hint) = hint {
        let _ = writeln!(stderr, "{} {hint}", label("hint:").cyan());
    }
    if let Some(resume) = &failure.resume {
        let _ = writeln!(stderr, "to go on where it stopped: {resume}");
    }
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
