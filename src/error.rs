//! The one error type: what was asked, what came, where, and what to do.
//!
//! Every variant of [`Kind`] that a person can meet is one class of `insightframe.errors` in Python. Messages are
//! written to be read: lower case, the offending word in backticks, and at most one `hint:` line that says what to do.
//! Nothing here ever holds a token or a password, so `Debug` and `Display` need no masking of their own.

use std::{borrow::Cow, fmt, time::Duration};

/// A result whose error is [`Error`] unless said otherwise.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something could not be done, and how much was tried.
///
/// Cheap to clone, because one failure of a shared token refresh is handed to every caller that waited for it.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: Kind,
    hint: Option<Cow<'static, str>>,
    explained: Option<Box<Explained>>,
    part: Option<Box<str>>,
    handle: Option<Box<str>>,
    attempts: u32,
    elapsed: Duration,
    not_again: bool,
}

/// The service's own name of what went wrong.
#[derive(Clone)]
struct Explained {
    code: String,
    more_info: Option<String>,
}

/// What went wrong, as a caller would branch on it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Kind {
    /// A value that the caller gave, or left out, can't be used.
    Config(String),
    /// The service refused the login: wrong user name or password.
    InvalidCredentials(String),
    /// Too many failed logins; the service asks to wait.
    LoginThrottled {
        /// How long the service asks to wait, when it says so.
        retry_after: Option<Duration>,
    },
    /// The session could not be kept alive: fresh tokens were refused too.
    SessionLost(String),
    /// The request never got an answer.
    Transport(TransportFault, String),
    /// The deadline passed first.
    DeadlineExceeded {
        /// What was going on, for instance `polling`.
        phase: &'static str,
        /// The allowance that ran out.
        allowed: Duration,
        /// Goes on with the same execution, when there is one.
        handle: Option<String>,
    },
    /// The service answered, but not with what was asked for.
    Api(Box<ApiReply>),
    /// The service sent an address that must not be followed.
    UntrustedUri {
        /// The address, shortened.
        uri: String,
        /// Which rule it breaks.
        reason: &'static str,
    },
    /// The export itself went wrong.
    Export {
        /// In which way.
        fault: ExportFault,
        /// What happened.
        message: String,
        /// Goes on with the same execution, when that is possible.
        handle: Option<String>,
    },
    /// A limit of ours was reached before the answer ended.
    LimitExceeded {
        /// The name of the limit, as in [`crate::limits::Limits`].
        limit: &'static str,
        /// Its value.
        allowed: u64,
        /// What was seen when reading stopped.
        observed: u64,
    },
    /// A cell doesn't fit the type of its column.
    SchemaMismatch {
        /// The column's name.
        column: String,
        /// The record, counted from 1 without the header; 0 when the column itself is missing.
        record: u64,
        /// The cell, shortened to 80 characters.
        value: String,
        /// The type that was expected.
        expected: String,
    },
    /// The bytes are not the CSV that they should be.
    Csv(Box<CsvFault>),
    /// Of several accounts, some failed; the result of the others is there.
    PartialResult {
        /// Accounts that were asked.
        asked: usize,
        /// The accounts that failed, by their names, each with its error.
        failures: Vec<(String, Error)>,
    },
    /// A local file could not be read or written.
    File {
        /// The file.
        path: String,
        /// The operating system's error number, when it has one.
        errno: Option<i32>,
        /// The operating system's words.
        message: String,
    },
}

/// How a request failed to get an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportFault {
    /// No connection: refused, unreachable, or the name is unknown. Nothing was sent.
    Connect,
    /// The TLS handshake failed. Nothing was sent.
    Tls,
    /// The proxy refused or failed. Nothing was sent.
    Proxy,
    /// The peer stopped sending, or sent too slowly.
    Stalled,
    /// The connection broke after the request was, or may have been, sent.
    Interrupted,
}

/// How an answer disappoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiFault {
    /// What was named doesn't exist, or not for this user.
    NotFound,
    /// The user may not do this.
    Forbidden,
    /// Too many requests.
    RateLimited,
    /// The service failed.
    ServerFault,
    /// An answer that the protocol doesn't have.
    UnexpectedReply,
    /// It can't be told whether the request took effect.
    AmbiguousOutcome,
}

/// An answer that is an error, with the words of the service.
#[derive(Clone, Debug)]
pub struct ApiReply {
    /// How it disappoints.
    pub fault: ApiFault,
    /// HTTP status; 0 when none was received.
    pub status: u16,
    /// HTTP method of the request.
    pub method: String,
    /// Path of the request, without its query.
    pub path: String,
    /// The service's id of the request, for its support.
    pub request_id: Option<String>,
    /// The service's own error code.
    pub code: Option<String>,
    /// The service's words, or the head of an answer that can't be read; at most 4 KiB.
    pub excerpt: String,
    /// How long the service asks to wait.
    pub retry_after: Option<Duration>,
}

/// What can go wrong with the result of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFault {
    /// The same result gave other bytes when it was fetched again.
    Changed,
    /// The result ended early.
    Incomplete,
    /// The service says that the result is too large.
    TooLarge,
    /// The service no longer has the result.
    Gone,
}

/// Where and how CSV is damaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvFault {
    /// The record, counted from 1 without the header; 0 is the header.
    pub record: u64,
    /// The physical line, counted from 1: line breaks inside cells count.
    pub line: u64,
    /// The byte, counted from 0 at the beginning of the (inflated) input.
    pub byte: u64,
    /// The column's name, when it is known.
    pub column: Option<String>,
    /// What is wrong.
    pub reason: Cow<'static, str>,
    /// The input around the place, at most 80 characters.
    pub snippet: String,
}

impl Error {
    /// An error with nothing tried yet.
    pub fn new(kind: Kind) -> Self {
        Self(Box::new(Inner {
            kind,
            hint: None,
            explained: None,
            part: None,
            handle: None,
            attempts: 0,
            elapsed: Duration::ZERO,
            not_again: false,
        }))
    }

    /// A value of the caller's that can't be used.
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(Kind::Config(message.into()))
    }

    /// A request without an answer.
    pub fn transport(fault: TransportFault, message: impl Into<String>) -> Self {
        Self::new(Kind::Transport(fault, message.into()))
    }

    /// A file that can't be read or written.
    pub fn file(path: impl fmt::Display, error: &std::io::Error) -> Self {
        Self::new(Kind::File { path: path.to_string(), errno: error.raw_os_error(), message: error.to_string() })
    }

    /// The same error with a line that says what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// The same error with the service's own code, and the address where it explains it, if it named one.
    #[must_use]
    pub fn explained(mut self, code: impl Into<String>, more_info: Option<String>) -> Self {
        self.0.explained = Some(Box::new(Explained { code: code.into(), more_info }));
        self
    }

    /// The same error, said to be of one part of a larger whole, such as a window. What concerns the whole stays as it is:
    /// a deadline, and everything about the session.
    #[must_use]
    pub fn of_part(mut self, part: impl Into<String>) -> Self {
        let is_of_whole = matches!(
            self.0.kind,
            Kind::DeadlineExceeded { .. }
                | Kind::InvalidCredentials(_)
                | Kind::LoginThrottled { .. }
                | Kind::SessionLost(_)
        );
        if !is_of_whole && self.0.part.is_none() {
            self.0.part = Some(part.into().into_boxed_str());
        }
        self
    }

    /// The same error with what was tried before giving up.
    #[must_use]
    pub fn after(mut self, attempts: u32, elapsed: Duration) -> Self {
        self.0.attempts = attempts;
        self.0.elapsed = elapsed;
        self
    }

    /// The same error, resumable by a handle if it is of a kind that can be: the result is still there, or may be, and
    /// another try, or another way to read it, may do.
    #[must_use]
    pub fn with_handle(mut self, new: impl FnOnce() -> String) -> Self {
        match &mut self.0.kind {
            Kind::DeadlineExceeded { handle, .. } | Kind::Export { fault: ExportFault::Incomplete, handle, .. } => {
                handle.get_or_insert_with(new);
            }
            Kind::Transport(..)
            | Kind::LoginThrottled { .. }
            | Kind::SessionLost(_)
            | Kind::LimitExceeded { .. }
            | Kind::SchemaMismatch { .. }
            | Kind::Csv(_) => {
                self.0.handle.get_or_insert_with(|| new().into());
            }
            Kind::Api(reply) if matches!(reply.fault, ApiFault::RateLimited | ApiFault::ServerFault) => {
                self.0.handle.get_or_insert_with(|| new().into());
            }
            _ => {}
        }
        self
    }

    /// The same error of a call that must not simply be made again, whatever its kind: it has, or may have, done
    /// something that would then be done twice.
    #[must_use]
    pub fn not_again(mut self) -> Self {
        self.0.not_again = true;
        self
    }

    /// Goes on with what failed, when there is something to go on with.
    pub fn handle(&self) -> Option<&str> {
        match &self.0.kind {
            Kind::DeadlineExceeded { handle, .. } | Kind::Export { handle, .. } => handle.as_deref(),
            _ => self.0.handle.as_deref(),
        }
    }

    /// What went wrong.
    pub fn kind(&self) -> &Kind {
        &self.0.kind
    }

    /// The service's own code of the error, when it gave one.
    pub fn service_code(&self) -> Option<&str> {
        match (&self.0.explained, &self.0.kind) {
            (Some(explained), _) => Some(&explained.code),
            (None, Kind::Api(reply)) => reply.code.as_deref(),
            _ => None,
        }
    }

    /// The address where the service explains its code, when it named one.
    pub fn more_info(&self) -> Option<&str> {
        self.0.explained.as_ref()?.more_info.as_deref()
    }

    /// How often it was tried; 0 when nothing was sent.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// How long it was tried.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed
    }

    /// Whether the same call may succeed later without a change.
    pub fn is_retryable(&self) -> bool {
        if self.0.not_again {
            return false;
        }
        match &self.0.kind {
            Kind::Transport(fault, _) => *fault != TransportFault::Tls,
            Kind::LoginThrottled { .. } | Kind::DeadlineExceeded { .. } => true,
            Kind::Api(reply) => matches!(reply.fault, ApiFault::RateLimited | ApiFault::ServerFault),
            Kind::Export { fault, .. } => !matches!(fault, ExportFault::TooLarge),
            Kind::PartialResult { failures, .. } => failures.iter().all(|(_, error)| error.is_retryable()),
            _ => false,
        }
    }

    /// The name of the class in `insightframe.errors`, which is also the stable code of the error.
    pub fn code(&self) -> &'static str {
        match &self.0.kind {
            Kind::Config(_) => "ConfigError",
            Kind::InvalidCredentials(_) => "InvalidCredentials",
            Kind::LoginThrottled { .. } => "LoginThrottled",
            Kind::SessionLost(_) => "SessionLost",
            Kind::Transport(fault, _) => match fault {
                TransportFault::Connect => "ConnectFailed",
                TransportFault::Tls => "TlsFailed",
                TransportFault::Proxy => "ProxyFailed",
                TransportFault::Stalled => "Stalled",
                TransportFault::Interrupted => "Interrupted",
            },
            Kind::DeadlineExceeded { .. } => "DeadlineExceeded",
            Kind::Api(reply) => match reply.fault {
                ApiFault::NotFound => "NotFound",
                ApiFault::Forbidden => "Forbidden",
                ApiFault::RateLimited => "RateLimited",
                ApiFault::ServerFault => "ServerFault",
                ApiFault::UnexpectedReply => "UnexpectedReply",
                ApiFault::AmbiguousOutcome => "AmbiguousOutcome",
            },
            Kind::UntrustedUri { .. } => "UntrustedUri",
            Kind::Export { fault, .. } => match fault {
                ExportFault::Changed => "ResultChanged",
                ExportFault::Incomplete => "ResultIncomplete",
                ExportFault::TooLarge => "ResultTooLarge",
                ExportFault::Gone => "ResultGone",
            },
            Kind::LimitExceeded { .. } => "LimitExceeded",
            Kind::SchemaMismatch { .. } => "SchemaMismatch",
            Kind::Csv(_) => "CsvError",
            Kind::PartialResult { .. } => "PartialResult",
            Kind::File { .. } => "OSError",
        }
    }
}

impl From<CsvFault> for Error {
    fn from(fault: CsvFault) -> Self {
        Self::new(Kind::Csv(Box::new(fault)))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(part) = &self.0.part {
            write!(f, "{part}: ")?;
        }
        self.0.kind.fmt(f)?;
        if self.0.attempts > 1 {
            write!(f, " (after {} attempts in {:.1} s)", self.0.attempts, self.0.elapsed.as_secs_f64())?;
        }
        if let Some(hint) = &self.0.hint {
            write!(f, "\nhint: {hint}")?;
        }
        Ok(())
    }
}

/// The same words as `Display`: an error holds nothing that a person may not read, and nothing else helps one.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {self}", self.code())
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(message)
            | Self::InvalidCredentials(message)
            | Self::SessionLost(message)
            | Self::Transport(_, message)
            | Self::Export { message, .. } => f.write_str(message),
            Self::LoginThrottled { retry_after: Some(wait) } => {
                write!(
                    f,
                    "the service refuses logins for now: too many failed ones; it asks to wait {} s",
                    wait.as_secs()
                )
            }
            Self::LoginThrottled { retry_after: None } => {
                f.write_str("the service refuses logins for now: too many failed ones")
            }
            Self::DeadlineExceeded { phase, allowed, .. } => {
                write!(f, "not done within {:.1} s; the time ran out while {phase}", allowed.as_secs_f64())
            }
            Self::Api(reply) => reply.fmt(f),
            Self::UntrustedUri { uri, reason } => {
                write!(f, "the service sent the address `{uri}`, which is not followed: {reason}")
            }
            Self::LimitExceeded { limit, allowed, observed } => {
                write!(f, "the answer is larger than `{limit}` allows: {observed} bytes seen, {allowed} allowed")
            }
            Self::SchemaMismatch { column, record: 0, value, expected } => {
                write!(f, "column `{column}`: expected {expected}, found {value}")
            }
            Self::SchemaMismatch { column, record, value, expected } => {
                write!(f, "column `{column}`, record {record}: `{value}` is not a valid {expected}")
            }
            Self::Csv(fault) => fault.fmt(f),
            Self::PartialResult { asked, failures } => {
                write!(f, "{} of {asked} accounts failed:", failures.len())?;
                failures
                    .iter()
                    .try_for_each(|(name, error)| write!(f, "\n`{name}`: {}: {}", error.code(), error.0.kind))
            }
            Self::File { path, message, .. } => write!(f, "`{path}`: {message}"),
        }
    }
}

impl fmt::Display for ApiReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)?;
        match self.status {
            0 => f.write_str(": ")?,
            status => write!(f, " answered {status}: ")?,
        }
        f.write_str(if self.excerpt.is_empty() { "(no text)" } else { &self.excerpt })?;
        if let Some(id) = &self.request_id {
            write!(f, " [request id {id}]")?;
        }
        Ok(())
    }
}

impl fmt::Display for CsvFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in record {}, line {}, byte {}", self.reason, self.record, self.line, self.byte)?;
        if let Some(column) = &self.column {
            write!(f, ", column `{column}`")?;
        }
        write!(f, ": near `{}`", self.snippet)
    }
}
