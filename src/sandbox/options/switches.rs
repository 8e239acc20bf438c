//! The switches: points of the protocol that no public source establishes, each with its choices.

use serde::Deserialize;

/// When logins are refused with 429; `tries` 0 switches it off.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lockout {
    /// Failed logins that are still answered with 401; default 6.
    pub tries: u32,
    /// Seconds in which they count; default 600.
    pub window: u64,
    /// Seconds that further logins are refused, right ones included, and the value of `Retry-After`; default 60.
    pub retry_after: u64,
}

impl Default for Lockout {
    fn default() -> Self {
        Self { tries: 6, window: 600, retry_after: 60 }
    }
}

/// One switch: its choices, the default one marked, each with its meaning.
macro_rules! switch {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $choice:ident),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$doc])* $choice),+ }
    };
}
pub(super) use switch;

switch!(
    /// Body of the 429 to a login.
    Body429 {
        /// No body.
        #[default]
        Empty,
        /// `{"component":…,"message":…,"parameters":[]}`.
        BareJson,
        /// The same inside `{"error":…}`.
        Envelope,
        /// A page of HTML.
        Html,
    }
);
switch!(
    /// Body of a 503.
    Body503 {
        /// The maintenance text inside `{"error":…}`.
        #[default]
        Envelope,
        /// A page of HTML.
        Html,
        /// No body.
        Empty,
    }
);
switch!(
    /// Cookies of a login at verify level 0.
    Level0Cookies {
        /// Both tokens at once, as recorded in 2020.
        #[default]
        Modern,
        /// A cleared `GDCAuthTT` and a short `GDCAuthSST`; the temporary token must be fetched.
        Old,
    }
);
switch!(
    /// Body of a token answer in cookie mode.
    TokenCookieBody {
        /// `{"userToken":{}}`.
        #[default]
        EmptyObject,
        /// No body.
        Empty,
        /// The token as in header mode.
        WithToken,
    }
);
switch!(
    /// Order of the entries in an answer of `identifiers`.
    IdentifiersOrder {
        /// As in the request.
        #[default]
        Request,
        /// Any other.
        Shuffled,
    }
);
switch!(
    /// Body of a 202 while a raw export is computed.
    Raw202Body {
        /// `{"uri":"<the same>"}` and `Refresh: 1`.
        #[default]
        Uri,
        /// No body.
        Empty,
    }
);
switch!(
    /// Form of the uri of an execution.
    RawUriForm {
        /// `?c=…&q=…`, the newest recorded form.
        #[default]
        CThenQ,
        /// `?q=…&c=…`.
        QThenC,
        /// No query at all.
        Short,
    }
);
switch!(
    /// Answer to an export without rows.
    EmptyReport {
        /// 204 without a body.
        #[default]
        NoContent,
        /// 200 with the header row alone.
        HeaderOnly,
    }
);
switch!(
    /// How an empty cell is written.
    NullCell {
        /// `""`.
        #[default]
        Quoted,
        /// Nothing between the commas.
        Bare,
    }
);
switch!(
    /// How a quote inside a cell is written.
    QuoteEscape {
        /// `""`.
        #[default]
        Doubled,
        /// `\"`.
        Backslash,
    }
);
switch!(
    /// What happens to columns of the same title.
    DuplicateTitles {
        /// They keep it.
        #[default]
        PassThrough,
        /// The second becomes `title (2)`, and so on.
        Suffix,
    }
);
switch!(
    /// Whether exports are compressed.
    CsvGzip {
        /// Never.
        #[default]
        Never,
        /// When the request accepts gzip.
        WhenAccepted,
    }
);
switch!(
    /// What happens to a filter that makes no sense.
    BadFilter {
        /// The execution is refused with 400.
        #[default]
        Refuse,
        /// It has no effect.
        Ignore,
    }
);
switch!(
    /// Whether an interval filter includes its last day.
    IntervalBounds {
        /// Both days belong to it.
        #[default]
        Inclusive,
        /// The last day doesn't.
        HalfOpen,
    }
);
switch!(
    /// Whether `validElements` answers 303 first.
    ValidElements303 {
        /// On the first call for a request; the same request is then answered at once.
        #[default]
        FirstCall,
        /// On every call.
        Always,
        /// On none.
        Never,
    }
);
switch!(
    /// How old the answers about workspaces and objects look.
    MetadataShape {
        /// As recorded from 2018 on.
        #[default]
        Modern,
        /// As documented before: all workspaces at once, without pages; users as objects with a name and a uri; queries
        /// without `identifier`, `locked` and `unlisted`; labels without their types.
        Old,
    }
);
switch!(
    /// Pattern of the attribute Time.
    TimeFormat {
        /// `14:05:09`.
        #[default]
        #[serde(rename = "HH:MM:SS")]
        Seconds,
        /// `14:05`.
        #[serde(rename = "HH:MM")]
        Minutes,
        /// `02:05:09 PM`.
        #[serde(rename = "hh:MM:SS AM")]
        TwelveHours,
    }
);
switch!(
    /// How header names are written.
    HeaderCasing {
        /// As recorded.
        #[default]
        AsListed,
        /// In lower case, as over HTTP/2.
        Lower,
    }
);
switch!(
    /// Body of `GET /gdc/ping`.
    PingBody {
        /// No body.
        #[default]
        Empty,
        /// `{"ping":"ok"}`.
        Json,
    }
);
