//! Faults by rule: which requests go wrong, how often, and in which way.

mod plan;

use std::sync::Mutex;

use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

pub(super) use self::plan::{At, End, Plan};
use super::{
    options::{one_or_many, read},
    state::locked,
};
use crate::error::{Error, Result};

/// Which requests a fault happens to.
///
/// From JSON, for instance `{"fault": "cut", "after": 100, "path": "/gdc/projects/*/execute/raw/*", "times": 1}`.
#[derive(Clone, Debug)]
pub struct Rule {
    /// HTTP method; none matches every method.
    pub method: Option<String>,
    /// Path without its query; `*` stands for any text, slashes included. Default `*`.
    pub path: String,
    /// Matching requests that pass before the first one goes wrong; default 0.
    pub skip: u32,
    /// How many requests go wrong; none means all of them.
    pub times: Option<u32>,
    /// At which point; none takes the point that is natural for the fault, see [`Fault`].
    pub when: Option<When>,
    /// What goes wrong.
    pub fault: Fault,
}

/// The point of an exchange at which a fault happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Before the request takes effect.
    BeforeRead,
    /// After it took effect, before the first byte of the reply.
    BeforeReply,
    /// Within the body of the reply.
    MidBody,
}

/// What goes wrong. In JSON the name, in snake case, stands under `fault`, and the fields beside it.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// A pause of `ms` real milliseconds, up to `jitter` more or less; before the reply unless said otherwise.
    Latency {
        /// Milliseconds.
        ms: u64,
        /// Milliseconds more or less, drawn at random; default 0.
        #[serde(default)]
        jitter: u64,
    },
    /// The reply comes at `bytes_per_second`.
    Bandwidth {
        /// Bytes a second.
        bytes_per_second: u64,
    },
    /// The reply comes in writes of `bytes` bytes.
    Packets {
        /// Bytes of one write.
        bytes: usize,
    },
    /// The reply says `Connection: close`, and the connection closes `ms` milliseconds after its last byte.
    SlowClose {
        /// Milliseconds.
        ms: u64,
    },
    /// The connection is reset: after `after` bytes of the body, or before the reply.
    Reset {
        /// Bytes of the body that are sent first.
        after: Option<u64>,
    },
    /// The connection is closed in good order but too early: after `after` bytes of the body, or before the reply.
    Cut {
        /// Bytes of the body that are sent first.
        after: Option<u64>,
    },
    /// Nothing more is sent, and the connection stays open: after `after` bytes of the body, or before the reply.
    Stall {
        /// Bytes of the body that are sent first.
        after: Option<u64>,
    },
    /// The connection is closed before the request is read; at once when the rule names neither method nor path.
    Refuse,
    /// Another status instead of an answer, before the request takes effect unless said otherwise.
    Status {
        /// The status.
        status: u16,
        /// `Retry-After` headers in place of the usual one: a text, or several.
        #[serde(default, deserialize_with = "one_or_many")]
        retry_after: Vec<String>,
        /// The body; by default what the service sends with this status.
        #[serde(default)]
        body: Option<String>,
    },
    /// `Retry-After` headers are added to the reply, one for each value, written as they are.
    RetryAfter {
        /// One text or several.
        #[serde(deserialize_with = "one_or_many")]
        value: Vec<String>,
    },
    /// The body ends early, in good framing.
    TruncatedBody {
        /// Bytes that are left; default half of it, or 1024 of a report.
        #[serde(default)]
        after: Option<u64>,
    },
    /// A `Content-Length` that is wrong by `by`; after the body the connection closes. Default 10 too many.
    WrongLength {
        /// Bytes that are promised and not sent; negative: sent and not promised.
        #[serde(default = "ten")]
        by: i64,
    },
    /// The connection closes in place of the final chunk.
    MissingFinalChunk,
    /// A header is sent twice.
    DuplicateHeader {
        /// Its name; default `Content-Type`.
        #[serde(default = "content_type")]
        name: String,
        /// The second value; default the same again.
        #[serde(default)]
        value: Option<String>,
    },
    /// A header of `bytes` bytes is added; default 1 MiB.
    HugeHeader {
        /// Bytes of its value.
        #[serde(default = "mebibyte")]
        bytes: usize,
    },
    /// The answer is 200 and `application/json`, but no JSON.
    GarbageJson,
    /// The answer is 200 and a page of HTML.
    Html,
    /// The answer is a redirect.
    Redirect {
        /// Value of `Location`.
        to: String,
        /// Its status; default 302.
        #[serde(default = "found")]
        status: u16,
    },
    /// Every temporary token dies just before the request takes effect.
    ExpireTt,
    /// Every super-secured token dies just before the request takes effect.
    ExpireSst,
    /// From this request on, every report has other values.
    ChangedResult,
    /// From this request on, every report has a newer definition, in which its last column is called `Renamed`.
    EditedReport,
    /// The body is gzip that inflates to `inflated` bytes of blanks.
    GzipBomb {
        /// Bytes.
        inflated: u64,
    },
    /// The `Content-Encoding` isn't true.
    WrongEncoding {
        /// In which way.
        #[serde(default)]
        encoding: Encoding,
    },
    /// The `Date` header is wrong by `seconds`.
    ClockSkew {
        /// Seconds ahead; negative: behind.
        seconds: i64,
    },
}

/// In which way a `Content-Encoding` isn't true.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Says gzip, is plain.
    #[default]
    NotGzip,
    /// Says gzip, is gzip twice.
    DoubleGzip,
    /// Says `zstd-sandbox`, which nobody knows.
    Unknown,
}

fn ten() -> i64 {
    10
}

fn mebibyte() -> usize {
    1 << 20
}

fn found() -> u16 {
    302
}

fn content_type() -> String {
    "Content-Type".to_owned()
}

impl Fault {
    /// Its name in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Latency { .. } => "latency",
            Self::Bandwidth { .. } => "bandwidth",
            Self::Packets { .. } => "packets",
            Self::SlowClose { .. } => "slow_close",
            Self::Reset { .. } => "reset",
            Self::Cut { .. } => "cut",
            Self::Stall { .. } => "stall",
            Self::Refuse => "refuse",
            Self::Status { .. } => "status",
            Self::RetryAfter { .. } => "retry_after",
            Self::TruncatedBody { .. } => "truncated_body",
            Self::WrongLength { .. } => "wrong_length",
            Self::MissingFinalChunk => "missing_final_chunk",
            Self::DuplicateHeader { .. } => "duplicate_header",
            Self::HugeHeader { .. } => "huge_header",
            Self::GarbageJson => "garbage_json",
            Self::Html => "html",
            Self::Redirect { .. } => "redirect",
            Self::ExpireTt => "expire_tt",
            Self::ExpireSst => "expire_sst",
            Self::ChangedResult => "changed_result",
            Self::EditedReport => "edited_report",
            Self::GzipBomb { .. } => "gzip_bomb",
            Self::WrongEncoding { .. } => "wrong_encoding",
            Self::ClockSkew { .. } => "clock_skew",
        }
    }

    /// The point at which it happens when the rule doesn't say.
    fn natural(&self) -> When {
        match self {
            Self::Refuse | Self::Status { .. } | Self::Redirect { .. } => When::BeforeRead,
            Self::ExpireTt | Self::ExpireSst | Self::ChangedResult | Self::EditedReport => When::BeforeRead,
            Self::Reset { after } | Self::Cut { after } | Self::Stall { after } if after.is_some() => When::MidBody,
            _ => When::BeforeReply,
        }
    }

    /// The points at which it can happen.
    fn possible(&self) -> &'static [When] {
        use When::{BeforeRead, BeforeReply, MidBody};
        match self {
            Self::Latency { .. } | Self::Reset { .. } | Self::Cut { .. } | Self::Stall { .. } => {
                &[BeforeRead, BeforeReply, MidBody]
            }
            Self::Status { .. } | Self::Redirect { .. } | Self::GarbageJson | Self::Html => &[BeforeRead, BeforeReply],
            Self::Refuse | Self::ExpireTt | Self::ExpireSst | Self::ChangedResult | Self::EditedReport => &[BeforeRead],
            _ => &[BeforeReply],
        }
    }
}

impl Rule {
    /// A rule for every request, from now on.
    pub fn new(fault: Fault) -> Self {
        Self { method: None, path: "*".to_owned(), skip: 0, times: None, when: None, fault }
    }

    /// Reads a rule from a JSON object.
    ///
    /// # Errors
    /// `ConfigError` that names what is unknown, missing or unusable, and the choices.
    pub fn from_json(value: Value) -> Result<Self> {
        #[derive(Deserialize)]
        #[serde(default)]
        struct Scope {
            method: Option<String>,
            path: String,
            skip: u32,
            times: Option<u32>,
            when: Option<When>,
        }
        impl Default for Scope {
            fn default() -> Self {
                Self { method: None, path: "*".to_owned(), skip: 0, times: None, when: None }
            }
        }
        let Value::Object(mut fields) = value else {
            return Err(Error::config(format!("a fault rule must be a JSON object, not `{value}`")));
        };
        let names = ["method", "path", "skip", "times", "when"];
        let scope = names.iter().filter_map(|name| Some(((*name).to_owned(), fields.shift_remove(*name)?))).collect();
        let scope: Scope = read(Value::Object(scope), || "fault rule".to_owned())?;
        let fault: Fault = read(Value::Object(fields), || "fault rule".to_owned())?;
        let rule = Self {
            method: scope.method,
            path: scope.path,
            skip: scope.skip,
            times: scope.times,
            when: scope.when,
            fault,
        };
        rule.validate()?;
        Ok(rule)
    }

    fn validate(&self) -> Result<()> {
        let fault = self.fault.name();
        if let Some(when) = self.when
            && !self.fault.possible().contains(&when)
        {
            return Err(Error::config(format!("the fault `{fault}` can't happen `{when:?}`")));
        }
        let (name, ok) = match &self.fault {
            Fault::Bandwidth { bytes_per_second } => ("bytes_per_second", *bytes_per_second > 0),
            Fault::Packets { bytes } => ("bytes", *bytes > 0),
            Fault::Status { status, .. } | Fault::Redirect { status, .. } => ("status", (200..600).contains(status)),
            _ => ("", true),
        };
        if ok { Ok(()) } else { Err(Error::config(format!("the fault `{fault}` can't have this `{name}`"))) }
    }

    fn matches(&self, method: &str, path: &str) -> bool {
        self.method.as_ref().is_none_or(|own| own.eq_ignore_ascii_case(method)) && glob(&self.path, path)
    }
}

impl<'de> Deserialize<'de> for Rule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_json(Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// Whether `text` matches `pattern`, where `*` stands for any text.
fn glob(pattern: &str, text: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else { return pattern == text };
    let Some(rest) = text.strip_prefix(head) else { return false };
    tail.is_empty() || (0..=rest.len()).any(|at| rest.is_char_boundary(at) && glob(tail, &rest[at..]))
}

/// The rules in force.
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<Vec<Rule>>);

impl Faults {
    pub(super) fn add(&self, rule: Rule) {
        locked(&self.0).push(rule);
    }

    pub(super) fn clear(&self) {
        locked(&self.0).clear();
    }

    /// The faults of one request, in the order of their rules; counts it against each rule that it matches.
    pub(super) fn of(&self, method: &str, path: &str) -> Vec<(When, Fault)> {
        self.draw(|rule| rule.matches(method, path))
    }

    /// Whether a fresh connection is refused, before anything is known of its first request.
    pub(super) fn refuse_connection(&self) -> bool {
        let any = |rule: &Rule| matches!(rule.fault, Fault::Refuse) && rule.method.is_none() && rule.path == "*";
        !self.draw(any).is_empty()
    }

    fn draw(&self, matches: impl Fn(&Rule) -> bool) -> Vec<(When, Fault)> {
        let mut hits = Vec::new();
        for rule in locked(&self.0).iter_mut().filter(|rule| rule.times != Some(0) && matches(rule)) {
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            rule.times = rule.times.map(|left| left - 1);
            hits.push((rule.when.unwrap_or(rule.fault.natural()), rule.fault.clone()));
        }
        hits
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("*", "/gdc/ping", true),
            ("/gdc/*/raw/*", "/gdc/projects/x/execute/raw/1", true),
            ("/gdc/*/raw/*", "/gdc/projects/x/execute/raw", false),
            ("/gdc/account/token", "/gdc/account/token", true),
            ("/gdc/account/token", "/gdc/account/token2", false),
            ("*token", "/gdc/account/token", true),
            ("*a*b", "xaxbxb", true),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_rule_skips_then_hits_then_rests() {
        let faults = Faults::default();
        faults.add(
            Rule::from_json(json!({"fault": "cut", "after": 100, "path": "/a/*", "skip": 1, "times": 2})).unwrap(),
        );
        let hits: Vec<_> = (0..5).map(|_| faults.of("GET", "/a/b").len()).collect();
        assert_eq!(hits, [0, 1, 1, 0, 0]);
        assert!(faults.of("GET", "/b").is_empty());
    }

    #[test]
    fn a_bad_rule_is_named() {
        for (given, word) in [
            (json!({"fault": "cuts"}), "`cuts`"),
            (json!({"fault": "cut", "aftr": 1}), "`aftr`"),
            (json!({"path": "*"}), "`fault`"),
            (json!({"fault": "refuse", "when": "mid_body"}), "`refuse`"),
            (json!({"fault": "packets", "bytes": 0}), "`bytes`"),
            (json!({"fault": "latency", "ms": 1, "when": "later"}), "`later`"),
        ] {
            let error = Rule::from_json(given).unwrap_err().to_string();
            assert!(error.contains(word), "{word} is missing in: {error}");
        }
    }
}
