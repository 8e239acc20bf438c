//! The switches of Flex Instances, named `instances_…` as options of the sandbox; the four credentials have no prefix.
//! Each default is the best-supported choice; no public source establishes any of them.

use serde::Deserialize;

use super::switch;

/// The options that are named without the prefix, because nothing else could be meant.
pub(super) const CREDENTIALS: [&str; 4] = ["account_sid", "auth_token", "api_key", "api_secret"];

/// What the sandbox's Flex Instances can be told.
#[derive(Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InstancesOptions {
    /// The account, `AC` and 32 hexadecimal digits.
    pub account_sid: String,
    /// The account's token.
    pub auth_token: String,
    /// The API key, `SK` and 32 hexadecimal digits.
    pub api_key: String,
    /// The key's secret.
    pub api_secret: String,
    /// Whether Flex is installed from the start; default false.
    pub installed: bool,
    /// Answer to a second `POST`.
    pub duplicate_create: DuplicateCreate,
    /// Answer to wrong credentials.
    pub bad_credentials: BadCredentials,
    /// What happens without `I-Twilio-Auth-Account`.
    pub missing_account_header: MissingAccountHeader,
    /// Answer to another account's sid in it: 403 with code 45003 (default) or 401.
    pub account_header_mismatch: u16,
    /// Answer for an instance that isn't there.
    pub unknown_instance: UnknownInstance,
    /// Answer for a sid that is none.
    pub malformed_sid: MalformedSid,
    /// What happens to a creation without `conversations`.
    pub empty_body: EmptyBody,
    /// What happens to `Conversation` and `Conversations`, as the first version of the API spelt it.
    pub v1_body_spelling: V1Spelling,
    /// What happens to a form instead of JSON.
    pub form_encoded_body: FormBody,
    /// Status of `GET /v2/Instances`: 405 (default), 404, or 200 with a list.
    pub list_instances: u16,
    /// Status of `DELETE /v2/Instances/{sid}`: 405 (default), 404, or 204, and the instance is gone.
    pub delete_instance: u16,
    /// Fetches that find a new instance in progress; default 2.
    pub fetches_to_ready: u32,
    /// Seconds, on the virtual clock, that a new instance takes at least; default 0.
    pub seconds_to_ready: f64,
    /// The state that a new instance ends in; default `ready`.
    pub final_status: String,
    /// How dates are written.
    pub date_precision: DatePrecision,
    /// Whether `Twilio-Request-Id`, `-Duration` and `-Concurrent-Requests` are sent; default true.
    pub twilio_headers: bool,
    /// When requests are refused with 429; default none: never.
    pub concurrency_limit: Option<ConcurrencyLimit>,
    /// Code of a 429: 20429 (default) or 45780.
    pub flex_429_code: u32,
    /// Whether the configuration names the instance; default true.
    pub configuration_flex_instance_sid: bool,
    /// The workspaces of Flex Insights in the configuration.
    pub flex_insights_hr: FlexInsightsHr,
    /// Answer for the configuration before there is an instance.
    pub configuration_before_install: BeforeInstall,
    /// Whether hosts of other regions (`flex-api.{edge}.{region}.twilio.com`) are served; default false.
    pub regional_hosts: bool,
}

impl Default for InstancesOptions {
    fn default() -> Self {
        Self {
            account_sid: format!("AC{}", "5a".repeat(16)),
            auth_token: "5b".repeat(16),
            api_key: format!("SK{}", "5c".repeat(16)),
            api_secret: "sandboxApiSecret0123456789abcdef".to_owned(),
            installed: false,
            duplicate_create: DuplicateCreate::default(),
            bad_credentials: BadCredentials::default(),
            missing_account_header: MissingAccountHeader::default(),
            account_header_mismatch: 403,
            unknown_instance: UnknownInstance::default(),
            malformed_sid: MalformedSid::default(),
            empty_body: EmptyBody::default(),
            v1_body_spelling: V1Spelling::default(),
            form_encoded_body: FormBody::default(),
            list_instances: 405,
            delete_instance: 405,
            fetches_to_ready: 2,
            seconds_to_ready: 0.0,
            final_status: "ready".to_owned(),
            date_precision: DatePrecision::default(),
            twilio_headers: true,
            concurrency_limit: None,
            flex_429_code: 20429,
            configuration_flex_instance_sid: true,
            flex_insights_hr: FlexInsightsHr::default(),
            configuration_before_install: BeforeInstall::default(),
            regional_hosts: false,
        }
    }
}

impl InstancesOptions {
    /// The option that can't be used, and what can.
    pub(super) fn refused(&self) -> Option<(&'static str, String, &'static str)> {
        let one_of = |name: &'static str, value: u32, choices: &[u32], words: &'static str| {
            (!choices.contains(&value)).then(|| (name, value.to_string(), words))
        };
        let sid = |text: &str, letters: &str| {
            let digits = text.strip_prefix(letters).unwrap_or_default();
            digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        if !sid(&self.account_sid, "AC") {
            return Some(("account_sid", self.account_sid.clone(), "`AC` and 32 hexadecimal digits"));
        }
        if !sid(&self.api_key, "SK") {
            return Some(("api_key", self.api_key.clone(), "`SK` and 32 hexadecimal digits"));
        }
        if !(0.0..=1e9).contains(&self.seconds_to_ready) {
            return Some(("seconds_to_ready", self.seconds_to_ready.to_string(), "a number of seconds, 0 or more"));
        }
        one_of("account_header_mismatch", self.account_header_mismatch.into(), &[403, 401], "403 or 401")
            .or_else(|| one_of("list_instances", self.list_instances.into(), &[405, 404, 200], "405, 404 or 200"))
            .or_else(|| one_of("delete_instance", self.delete_instance.into(), &[405, 404, 204], "405, 404 or 204"))
            .or_else(|| one_of("flex_429_code", self.flex_429_code, &[20429, 45780], "20429 or 45780"))
    }
}

/// How many requests may be under way at once.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConcurrencyLimit {
    /// Requests that are served at once; 0 refuses every one.
    pub requests: u32,
    /// Seconds in `Retry-After`; default none: no such header.
    #[serde(default)]
    pub retry_after: Option<u64>,
}

switch!(
    /// Answer to a second `POST`.
    DuplicateCreate {
        /// 409 with code 45202.
        #[default]
        Conflict,
        /// 201 and the instance that is there.
        Created,
        /// 200 and the instance that is there.
        Ok,
    }
);
switch!(
    /// Answer to wrong credentials.
    BadCredentials {
        /// 401 with the gateway's code 20003.
        #[default]
        Gateway,
        /// 401 with Flex's code 45002.
        Flex,
    }
);
switch!(
    /// What happens without `I-Twilio-Auth-Account`.
    MissingAccountHeader {
        /// Accepted with the account's own credentials, 401 with an API key.
        #[default]
        ByCredentials,
        /// Accepted.
        Accept,
        /// 400 with code 45004.
        BadRequest,
        /// 401.
        Unauthorized,
    }
);
switch!(
    /// Answer for an instance that isn't there: 404 in any case.
    UnknownInstance {
        /// With the gateway's code 20404.
        #[default]
        Gateway,
        /// With Flex's code 45006.
        Flex,
    }
);
switch!(
    /// Answer for a sid that is none.
    MalformedSid {
        /// 404 with code 20404.
        #[default]
        NotFound,
        /// 400 with code 45004.
        BadRequest,
    }
);
switch!(
    /// What happens to a creation without `conversations`.
    EmptyBody {
        /// 201, `default` taken as false.
        #[default]
        Created,
        /// 400 with code 45004.
        BadRequest,
    }
);
switch!(
    /// What happens to the spellings of the first version.
    V1Spelling {
        /// 400 with code 45004.
        #[default]
        Reject,
        /// Taken like the new one, with a header `Warning` in the answer.
        Accept,
    }
);
switch!(
    /// What happens to a form instead of JSON.
    FormBody {
        /// 400 with code 45004.
        #[default]
        BadRequest,
        /// 415.
        UnsupportedMediaType,
        /// Taken as a body without `conversations`.
        Accept,
    }
);
switch!(
    /// How dates are written.
    DatePrecision {
        /// `2016-08-01T22:10:40Z`.
        #[default]
        Seconds,
        /// `2016-08-01T22:10:40.000Z`.
        Milliseconds,
    }
);
switch!(
    /// The workspaces of Flex Insights in the configuration.
    FlexInsightsHr {
        /// An object with two entries: the sandbox's first workspace, and one without a `workspace_id`.
        #[default]
        Object,
        /// `null`.
        Null,
        /// An object whose entry has no `workspace_id`; its `id` is the workspace's.
        WithoutWorkspaceId,
    }
);
switch!(
    /// Answer for the configuration before there is an instance.
    BeforeInstall {
        /// 404 with code 20404.
        #[default]
        NotFound,
        /// 200 with the status `notstarted`.
        NotStarted,
    }
);
