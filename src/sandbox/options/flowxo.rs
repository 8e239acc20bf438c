//! The switches of Flow XO, named `flowxo_…` as options of the sandbox. Each default is the best-supported choice; no
//! public source establishes any of them.

use serde::Deserialize;

use super::switch;

/// What the sandbox's Flow XO can be told.
#[derive(Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FlowXoOptions {
    /// The API key of the first account; it looks like a JSON Web Token, as real ones do.
    pub api_key: String,
    /// Accounts, each with a key and data of its own; default 1.
    pub accounts: u32,
    /// Whether the scheme `Bearer` must be written so.
    pub auth_scheme_case: SchemeCase,
    /// Status for a missing or unknown key: 401 (default) or 403.
    pub auth_error_status: u16,
    /// Body of an error; every one of them is invented.
    pub error_body: ErrorBody,
    /// When requests are refused with 429; default none: never.
    pub rate_limit: Option<RateLimit>,
    /// Unit when a request names none.
    pub default_unit: DefaultUnit,
    /// Beginning of a range when a request names none.
    pub default_start: DefaultStart,
    /// What happens to a unit that is none.
    pub bad_unit: BadParameter,
    /// What happens to a date that is none.
    pub bad_date: BadParameter,
    /// What happens to an offset that is no integer from -840 to 840.
    pub bad_offset: BadParameter,
    /// Name of a day's bucket, as `strftime` has it; default `%Y-%m-%d`.
    pub day_id_format: String,
    /// Name of an hour's bucket, as `strftime` has it; default `%Y-%m-%dT%H`.
    pub hour_id_format: String,
    /// What happens to buckets in which nothing happened.
    pub empty_buckets: EmptyBuckets,
    /// `stats` of a range in which nothing happened.
    pub empty_stats: EmptyStats,
    /// Whether `end` is included.
    pub end_bound: EndBound,
    /// Which instant an `end` without a time is.
    pub date_only_end: DateOnlyEnd,
    /// In which zone a time without one is read.
    pub naive_time_zone: NaiveTimeZone,
    /// How the beginning of a bucket is written.
    pub timestamp_shift: TimestampShift,
    /// Rows of the top lists when a request names no limit; default 5.
    pub default_limit: u32,
    /// Rows of the top lists at most; default 100.
    pub max_limit: u32,
    /// Order of rows with the same count.
    pub tie_order: TieOrder,
    /// Which buckets the users of `stats` are those of.
    pub overall_users: OverallUsers,
    /// Whether a slash at the end of a path is accepted; default true.
    pub trailing_slash: bool,
    /// A field `sandbox_extra` in every row, which no client can know; default false.
    pub unknown_fields: bool,
}

impl Default for FlowXoOptions {
    fn default() -> Self {
        Self {
            api_key: "eyJhbGciOiJIUzI1NiJ9.c2FuZGJveA.flowxo-sandbox-key".to_owned(),
            accounts: 1,
            auth_scheme_case: SchemeCase::default(),
            auth_error_status: 401,
            error_body: ErrorBody::default(),
            rate_limit: None,
            default_unit: DefaultUnit::default(),
            default_start: DefaultStart::default(),
            bad_unit: BadParameter::default(),
            bad_date: BadParameter::default(),
            bad_offset: BadParameter::default(),
            day_id_format: "%Y-%m-%d".to_owned(),
            hour_id_format: "%Y-%m-%dT%H".to_owned(),
            empty_buckets: EmptyBuckets::default(),
            empty_stats: EmptyStats::default(),
            end_bound: EndBound::default(),
            date_only_end: DateOnlyEnd::default(),
            naive_time_zone: NaiveTimeZone::default(),
            timestamp_shift: TimestampShift::default(),
            default_limit: 5,
            max_limit: 100,
            tie_order: TieOrder::default(),
            overall_users: OverallUsers::default(),
            trailing_slash: true,
            unknown_fields: false,
        }
    }
}

impl FlowXoOptions {
    /// Names and keys of all accounts: `account-1` with the key that was given, and others made from it.
    pub fn keys(&self) -> impl Iterator<Item = (String, String)> {
        (1..=self.accounts).map(|number| {
            let key = if number == 1 { self.api_key.clone() } else { format!("{}-{number}", self.api_key) };
            (format!("account-{number}"), key)
        })
    }

    /// The option that can't be used, and what can.
    pub(super) fn refused(&self) -> Option<(&'static str, String, &'static str)> {
        let now = jiff::civil::date(2021, 10, 5).at(14, 0, 0, 0);
        let formats = |format: &str| jiff::fmt::strtime::format(format, now).is_ok_and(|text| !text.is_empty());
        if self.api_key.is_empty() {
            return Some(("api_key", String::new(), "a key"));
        }
        if !(1..=1000).contains(&self.accounts) {
            return Some(("accounts", self.accounts.to_string(), "1 to 1000"));
        }
        if ![401, 403].contains(&self.auth_error_status) {
            return Some(("auth_error_status", self.auth_error_status.to_string(), "401 or 403"));
        }
        if !formats(&self.day_id_format) {
            return Some(("day_id_format", self.day_id_format.clone(), "a strftime pattern such as %Y-%m-%d"));
        }
        if !formats(&self.hour_id_format) {
            return Some(("hour_id_format", self.hour_id_format.clone(), "a strftime pattern such as %Y-%m-%dT%H"));
        }
        None
    }
}

/// How many requests a minute an account may send.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// Requests within 60 seconds of the virtual clock.
    pub per_minute: u32,
    /// Seconds in `Retry-After`; default none: no such header.
    #[serde(default)]
    pub retry_after: Option<u64>,
}

switch!(
    /// Whether the scheme `Bearer` must be written so.
    SchemeCase {
        /// `bearer` is as good.
        #[default]
        Insensitive,
        /// Only `Bearer`.
        Sensitive,
    }
);
switch!(
    /// Body of an error.
    ErrorBody {
        /// `{"error":"…"}`.
        #[default]
        Object,
        /// A JSON text.
        String,
        /// A page of HTML.
        Html,
        /// No body.
        Empty,
    }
);
switch!(
    /// Unit when a request names none.
    DefaultUnit {
        /// Days.
        #[default]
        Day,
        /// Months.
        Month,
        /// Hours.
        Hour,
    }
);
switch!(
    /// Beginning of a range when a request names none.
    DefaultStart {
        /// 30 days before its end.
        #[default]
        ThirtyDays,
        /// The first day of the data.
        AllTime,
        /// The beginning of the month that its end lies in.
        MonthStart,
    }
);
switch!(
    /// What happens to a parameter that makes no sense.
    BadParameter {
        /// 400.
        #[default]
        Refuse,
        /// As if it weren't there.
        Ignore,
    }
);
switch!(
    /// What happens to buckets in which nothing happened.
    EmptyBuckets {
        /// They are missing.
        #[default]
        Omit,
        /// They are there, with zeros.
        ZeroFill,
    }
);
switch!(
    /// `stats` of a range in which nothing happened.
    EmptyStats {
        /// `[]`.
        #[default]
        Empty,
        /// One element of zeros.
        Zeros,
    }
);
switch!(
    /// Whether `end` is included.
    EndBound {
        /// It is not.
        #[default]
        Exclusive,
        /// It is, to the millisecond.
        Inclusive,
    }
);
switch!(
    /// Which instant an `end` without a time is.
    DateOnlyEnd {
        /// Midnight at the start of that day.
        #[default]
        StartOfDay,
        /// Midnight at its end.
        EndOfDay,
    }
);
switch!(
    /// In which zone a time without one is read.
    NaiveTimeZone {
        /// In that of `offset`.
        #[default]
        Offset,
        /// In UTC.
        Utc,
    }
);
switch!(
    /// How the beginning of a bucket is written.
    TimestampShift {
        /// As the UTC instant at which the local bucket begins.
        #[default]
        UtcInstant,
        /// As local time, written as if it were UTC.
        LocalAsUtc,
    }
);
switch!(
    /// Order of rows with the same count.
    TieOrder {
        /// Another one each time, so that no client relies on it.
        #[default]
        Shuffled,
        /// Always the same.
        Stable,
    }
);
switch!(
    /// Which buckets the users of `stats` are those of.
    OverallUsers {
        /// The last one's.
        #[default]
        LastBucket,
        /// The largest number among them.
        Maximum,
    }
);
