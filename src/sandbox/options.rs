//! What a sandbox can be told: its data, its address, and every point of the protocol that is not established.

mod flowxo;
mod instances;
mod switches;

use std::{fmt, net::IpAddr};

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, de::DeserializeOwned, de::Error as _};
use serde_json::{Map, Value};

pub use self::{flowxo::*, instances::*, switches::*};
use self::{instances::CREDENTIALS, switches::switch};
use crate::error::{Error, Result};

/// The options of a sandbox. `Options::default()` behaves as the real service is believed to behave.
///
/// The switches from `login_lockout` on are the points of the protocol that no public source establishes; each default
/// is the best-supported choice.
#[derive(Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// What all data, ids of executions and tokens are drawn from; default 1. The same seed gives the same bytes.
    pub seed: u64,
    /// Rows of every unfiltered tabular report, exactly; default none: `rows_per_day` for each day. The report
    /// "Date labels" always has one row a day.
    pub rows: Option<u64>,
    /// Rows a day; default 3360 = 7 queues × 96 intervals × 5 combinations of channel and direction.
    pub rows_per_day: u32,
    /// First day of the data; default 2023-01-01.
    pub data_start: Date,
    /// Last day of the data; default 2024-12-31.
    pub data_end: Date,
    /// Address to listen on; default `127.0.0.1`. Only loopback addresses are accepted.
    pub host: String,
    /// Port to listen on; default 0, a free one.
    pub port: u16,
    /// Serve HTTPS with a certificate made at start; default false.
    pub tls: bool,
    /// The one user's name; default `sandbox@example.com`.
    pub username: String,
    /// The one user's password; the default has a colon and other characters that are easily damaged on the way.
    pub password: String,
    /// Id of the first workspace, 32 lower-case alphanumerics.
    pub workspace: String,
    /// Workspaces of the user; default 2, the least.
    pub workspace_count: u32,
    /// Reports in each workspace; default 8, the least. Further ones are like the first.
    pub report_count: u32,
    /// Seconds that a temporary token lives; default 600.
    pub tt_lifetime: u64,
    /// Seconds that a connection may be idle between requests, as `Keep-Alive` announces; default 5, in real time.
    pub keep_alive: u64,

    /// Failed logins until the service answers 429, the window in which they count, and its `Retry-After`.
    pub login_lockout: Lockout,
    /// Body of the 429 to a login.
    pub login_429_body: Body429,
    /// Failed logins after which a captcha is asked for; default none: never.
    pub captcha_after_failures: Option<u32>,
    /// Body of a 503.
    pub body_503: Body503,
    /// Cookies of a login at verify level 0.
    pub level0_cookies: Level0Cookies,
    /// Body of a token answer in cookie mode.
    pub token_cookie_body: TokenCookieBody,
    /// Whether earlier temporary tokens stay valid after a new one was fetched; default true.
    pub old_tt_survives_refresh: bool,
    /// Days that a super-secured token lives: 14 (default), 16 or 7.
    pub sst_lifetime: u64,
    /// Status of a successful profile deletion: 204 (default) or 200 with an empty body.
    pub profile_delete_status: u16,
    /// Order of the entries in an answer of `identifiers`.
    pub identifiers_order: IdentifiersOrder,
    /// Body of a 202 while a raw export is computed.
    pub raw_202_body: Raw202Body,
    /// How often an execution answers 202 before its result; default 2.
    pub raw_202_count: u32,
    /// Seconds, on the virtual clock, that an execution takes at least; default 0.
    pub compute_seconds: f64,
    /// Form of the uri of an execution.
    pub raw_uri_form: RawUriForm,
    /// Seconds that a result is kept; default 86,400.
    pub raw_result_ttl: u64,
    /// Status for a result that is unknown or no longer kept: 410 (default) or 404.
    pub raw_gone_status: u16,
    /// Answer to an export without rows.
    pub empty_report: EmptyReport,
    /// How an empty cell is written.
    pub null_cell: NullCell,
    /// How a quote inside a cell is written.
    pub quote_escape: QuoteEscape,
    /// What happens to columns of the same title.
    pub duplicate_titles: DuplicateTitles,
    /// Whether a raw export ends with a row of totals; default false.
    pub raw_totals: bool,
    /// Whether exports are compressed.
    pub csv_gzip: CsvGzip,
    /// Status for a report that doesn't exist: 404 (default) or 400.
    pub unknown_report: u16,
    /// What happens to a filter that makes no sense.
    pub bad_filter: BadFilter,
    /// Status for a workspace that isn't the user's: 403 (default), 404 or 410.
    pub foreign_workspace: u16,
    /// Whether an interval filter includes its last day.
    pub interval_bounds: IntervalBounds,
    /// Rows above which an export is answered with 413; default none: never.
    pub oversize_export: Option<u64>,
    /// Whether `validElements` answers 303 first.
    pub valid_elements_303: ValidElements303,
    /// The most objects on one page of `objects/query`; default 50.
    pub query_page_max: u32,
    /// How old the answers about workspaces and objects look.
    pub metadata_shape: MetadataShape,
    /// Pattern of the attribute Time: `HH:MM:SS` (default), `HH:MM` or `hh:MM:SS AM`.
    pub time_attribute_format: TimeFormat,
    /// How header names are written.
    pub header_casing: HeaderCasing,
    /// Whether cookies carry `Secure`; default none: under TLS only.
    pub secure_cookies: Option<bool>,
    /// Whether requests without `Accept`, `Content-Type` or `User-Agent` are refused with 400; default false.
    pub strict_request_headers: bool,
    /// Body of `GET /gdc/ping`.
    pub ping_body: PingBody,

    /// Flow XO; from JSON its options are named with the prefix `flowxo_`.
    #[serde(skip)]
    pub flowxo: FlowXoOptions,
    /// Flex Instances; from JSON its options are named with the prefix `instances_`, its four credentials `account_sid`,
    /// `auth_token`, `api_key` and `api_secret`.
    #[serde(skip)]
    pub instances: InstancesOptions,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 1,
            rows: None,
            rows_per_day: 3360,
            data_start: Date::constant(2023, 1, 1),
            data_end: Date::constant(2024, 12, 31),
            host: "127.0.0.1".to_owned(),
            port: 0,
            tls: false,
            username: "sandbox@example.com".to_owned(),
            password: "s3cret:p@ss/w%rd&\"=é".to_owned(),
            workspace: "sandboxws0000000000000000000one1".to_owned(),
            workspace_count: 2,
            report_count: 8,
            tt_lifetime: 600,
            keep_alive: 5,
            login_lockout: Lockout::default(),
            login_429_body: Body429::default(),
            captcha_after_failures: None,
            body_503: Body503::default(),
            level0_cookies: Level0Cookies::default(),
            token_cookie_body: TokenCookieBody::default(),
            old_tt_survives_refresh: true,
            sst_lifetime: 14,
            profile_delete_status: 204,
            identifiers_order: IdentifiersOrder::default(),
            raw_202_body: Raw202Body::default(),
            raw_202_count: 2,
            compute_seconds: 0.0,
            raw_uri_form: RawUriForm::default(),
            raw_result_ttl: 86_400,
            raw_gone_status: 410,
            empty_report: EmptyReport::default(),
            null_cell: NullCell::default(),
            quote_escape: QuoteEscape::default(),
            duplicate_titles: DuplicateTitles::default(),
            raw_totals: false,
            csv_gzip: CsvGzip::default(),
            unknown_report: 404,
            bad_filter: BadFilter::default(),
            foreign_workspace: 403,
            interval_bounds: IntervalBounds::default(),
            oversize_export: None,
            valid_elements_303: ValidElements303::default(),
            query_page_max: 50,
            metadata_shape: MetadataShape::default(),
            time_attribute_format: TimeFormat::default(),
            header_casing: HeaderCasing::default(),
            secure_cookies: None,
            strict_request_headers: false,
            ping_body: PingBody::default(),
            flowxo: FlowXoOptions::default(),
            instances: InstancesOptions::default(),
        }
    }
}

/// The password is left out.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("seed", &self.seed)
            .field("rows", &self.rows)
            .field("data_start", &self.data_start)
            .field("data_end", &self.data_end)
            .field("host", &self.host)
            .field("port", &self.port)
            .field("tls", &self.tls)
            .field("username", &self.username)
            .field("workspace", &self.workspace)
            .finish_non_exhaustive()
    }
}

impl Options {
    /// Reads options from a JSON object; what isn't named keeps its default.
    ///
    /// # Errors
    /// `ConfigError` that names the first option that is unknown or has an unusable value, and the choices.
    pub fn from_json(value: Value) -> Result<Self> {
        let Value::Object(fields) = value else {
            return Err(Error::config(format!("sandbox options must be a JSON object, not `{value}`")));
        };
        let mut of = [Map::new(), Map::new(), Map::new()];
        for (name, value) in fields {
            let (service, own) = service_of(&name);
            if SECRETS.contains(&own) && !value.is_string() {
                return Err(Error::config(format!("sandbox option `{name}` must be a text")));
            }
            // One option at a time: serde tells what is wrong with a value, but not which option it belongs to.
            let alone = Value::Object([(own.to_owned(), value.clone())].into_iter().collect());
            let what = || format!("sandbox option `{name}` with value `{}`", short(&value));
            match service {
                1 => drop(read::<FlowXoOptions>(alone, what)?),
                2 => drop(read::<InstancesOptions>(alone, what)?),
                _ => drop(read::<Self>(alone, what)?),
            }
            of[service].insert(own.to_owned(), value);
        }
        let what = || "sandbox options".to_owned();
        let [own, flowxo, instances] = of.map(Value::Object);
        let mut options: Self = read(own, what)?;
        options.flowxo = read(flowxo, what)?;
        options.instances = read(instances, what)?;
        options.validate()?;
        Ok(options)
    }

    /// Refuses values that no sandbox can have.
    ///
    /// # Errors
    /// `ConfigError` that names the option, its value and the choices.
    pub fn validate(&self) -> Result<()> {
        let refuse = |name: &str, value: &dyn fmt::Display, choices: &str| {
            Err(Error::config(format!("sandbox option `{name}`: `{value}` can't be used; choose {choices}")))
        };
        let one_of = |name: &str, value: u64, choices: &[u64]| {
            let words: Vec<_> = choices.iter().map(u64::to_string).collect();
            if choices.contains(&value) { Ok(()) } else { refuse(name, &value, &words.join(" or ")) }
        };
        match self.host.parse::<IpAddr>() {
            Ok(address) if address.is_loopback() => {}
            _ if self.host == "localhost" => {}
            _ => return refuse("host", &self.host, "a loopback address such as 127.0.0.1: a sandbox is never public"),
        }
        if self.data_end < self.data_start {
            return refuse("data_end", &self.data_end, "a day not before `data_start`");
        }
        if self.data_start.year() < 1901 || self.data_end.year() > 2049 {
            return refuse("data_start", &self.data_start, "days between 1901 and 2049, as the service has");
        }
        let id = |text: &str| text.len() == 32 && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if !id(&self.workspace) {
            return refuse("workspace", &self.workspace, "32 lower-case letters and digits");
        }
        if self.username.is_empty() {
            return refuse("username", &self.username, "a name");
        }
        if !(0.0..=1e9).contains(&self.compute_seconds) {
            return refuse("compute_seconds", &self.compute_seconds, "a number of seconds, 0 or more");
        }
        if self.rows.is_some_and(|rows| rows > 10_000_000_000) {
            return refuse("rows", &self.rows.unwrap_or_default(), "10,000,000,000 or fewer: that is a terabyte");
        }
        if !(1..=10_000_000).contains(&self.rows_per_day) {
            return refuse("rows_per_day", &self.rows_per_day, "1 to 10,000,000, or `rows` = 0 for empty reports");
        }
        if !(2..=100_000).contains(&self.workspace_count) {
            return refuse("workspace_count", &self.workspace_count, "2 to 100,000");
        }
        if !(8..=100_000).contains(&self.report_count) {
            return refuse("report_count", &self.report_count, "8 to 100,000");
        }
        if self.query_page_max == 0 {
            return refuse("query_page_max", &self.query_page_max, "1 or more");
        }
        if let Some((name, value, choices)) = self.flowxo.refused() {
            return refuse(&format!("flowxo_{name}"), &value, choices);
        }
        if let Some((name, value, choices)) = self.instances.refused() {
            let prefix = if CREDENTIALS.contains(&name) { "" } else { "instances_" };
            return refuse(&format!("{prefix}{name}"), &value, choices);
        }
        one_of("sst_lifetime", self.sst_lifetime, &[14, 16, 7])?;
        one_of("profile_delete_status", self.profile_delete_status.into(), &[204, 200])?;
        one_of("raw_gone_status", self.raw_gone_status.into(), &[410, 404])?;
        one_of("unknown_report", self.unknown_report.into(), &[404, 400])?;
        one_of("foreign_workspace", self.foreign_workspace.into(), &[403, 404, 410])
    }

    /// Whether cookies carry `Secure`.
    pub(crate) fn cookies_are_secure(&self) -> bool {
        self.secure_cookies.unwrap_or(self.tls)
    }
}

/// Options that no message shows the value of.
const SECRETS: [&str; 4] = ["password", "api_key", "api_secret", "auth_token"];

/// Which service an option is of (Flex Insights, Flow XO, Flex Instances), and its name there.
fn service_of(name: &str) -> (usize, &str) {
    match (name.strip_prefix("flowxo_"), name.strip_prefix("instances_")) {
        (Some(own), _) => (1, own),
        (_, Some(own)) => (2, own),
        _ if CREDENTIALS.contains(&name) => (2, name),
        _ => (0, name),
    }
}

/// Reads one JSON value, naming what it is in the error.
pub(crate) fn read<T: DeserializeOwned>(value: Value, what: impl FnOnce() -> String) -> Result<T> {
    serde_json::from_value(value).map_err(|error| Error::config(format!("{}: {error}", what())))
}

fn short(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.chars().take(80).collect()
}

/// One value or a list of them.
pub(crate) fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let text = |value: Value| match value {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        other => Err(D::Error::custom(format!("expected a text or a number, found `{other}`"))),
    };
    match Value::deserialize(deserializer)? {
        Value::Array(items) => items.into_iter().map(text).collect(),
        other => Ok(vec![text(other)?]),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_default_is_valid() {
        Options::default().validate().unwrap();
        assert_eq!(Options::default().workspace.len(), 32);
    }

    #[test]
    fn an_invalid_option_is_named_with_its_value_and_the_choices() {
        for (given, words) in [
            (json!({"null_cell": "nil"}), ["`null_cell`", "`nil`", "`quoted`"]),
            (json!({"nul_cell": "bare"}), ["`nul_cell`", "`bare`", "`null_cell`"]),
            (json!({"raw_gone_status": 500}), ["`raw_gone_status`", "`500`", "410 or 404"]),
            (json!({"host": "0.0.0.0"}), ["`host`", "`0.0.0.0`", "loopback"]),
            (json!({"workspace_count": 1}), ["`workspace_count`", "`1`", "2 to 100,000"]),
            (json!({"report_count": 7}), ["`report_count`", "`7`", "8 to 100,000"]),
            (json!({"rows": -1}), ["`rows`", "`-1`", "u64"]),
            (json!({"data_end": "2020-01-01"}), ["`data_end`", "`2020-01-01`", "`data_start`"]),
            (json!({"login_lockout": {"trys": 3}}), ["`login_lockout`", "trys", "`tries`"]),
            (json!({"flowxo_bad_unit": "no"}), ["`flowxo_bad_unit`", "`no`", "`refuse`"]),
            (json!({"flowxo_bad_units": "no"}), ["`flowxo_bad_units`", "`no`", "`bad_unit`"]),
            (json!({"flowxo_auth_error_status": 400}), ["`flowxo_auth_error_status`", "`400`", "401 or 403"]),
            (json!({"instances_list_instances": 1}), ["`instances_list_instances`", "`1`", "405, 404 or 200"]),
            (json!({"account_sid": "AC1"}), ["`account_sid`", "`AC1`", "32 hexadecimal digits"]),
        ] {
            let error = Options::from_json(given).unwrap_err().to_string();
            for word in words {
                assert!(error.contains(word), "{word} is missing in: {error}");
            }
        }
    }

    #[test]
    fn the_password_is_in_no_output() {
        let error = Options::from_json(json!({"password": 12_345_678})).unwrap_err();
        assert!(!format!("{error:?}").contains("`12345678`"), "{error}");
        assert!(!format!("{:?}", Options::default()).contains("s3cret"));
    }
}
