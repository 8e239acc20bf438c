//! Why a request isn't answered with a report: a status, and JSON that names the step and says what to do.

use std::time::Duration;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use super::{asked::Problem, basic::CHALLENGE, book::No, journal::Found};
use crate::error::{ApiFault, Error, ExportFault, Kind, TransportFault};

/// A refusal.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Refusal {
    #[serde(skip)]
    pub(super) status: StatusCode,
    /// Its code: that of the library's error, or one of the gateway's own.
    pub(super) error: &'static str,
    /// What happened and what to do.
    pub(super) message: Box<str>,
    /// The step that failed: one of the words of a progress line, such as `polling`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) step: Option<&'static str>,
    /// The status that the service answered with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) upstream_status: Option<u16>,
    /// Seconds to wait before the next try.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) retry_after: Option<u64>,
    /// Each parameter that is missing or can't be used.
    #[serde(skip_serializing_if = "<[Problem]>::is_empty")]
    pub(super) parameters: Box<[Problem]>,
    #[serde(skip)]
    allow: Option<&'static str>,
    #[serde(skip)]
    reason: Option<Box<str>>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, error: &'static str, message: impl Into<Box<str>>) -> Self {
        Self {
            status,
            error,
            message: message.into(),
            step: None,
            upstream_status: None,
            retry_after: None,
            parameters: Box::default(),
            allow: None,
            reason: None,
        }
    }

    /// 401: without credentials, or with ones that can't be read.
    pub(super) fn unauthorized(why: &str) -> Self {
        let message =
            format!("{why}; give the user name and password of a Flex Insights login by Basic authentication");
        Self::new(StatusCode::UNAUTHORIZED, "Unauthorized", message)
    }

    /// 400: each parameter that is wrong.
    pub(super) fn parameters(problems: Vec<Problem>) -> Self {
        let message = match problems.len() {
            1 => "a parameter is missing or can't be used".to_owned(),
            number => format!("{number} parameters are missing or can't be used"),
        };
        Self { parameters: problems.into(), ..Self::new(StatusCode::BAD_REQUEST, "BadRequest", message) }
    }

    /// 405.
    pub(super) fn method(allow: &'static str) -> Self {
        let message = format!("this path knows the methods {allow}");
        Self { allow: Some(allow), ..Self::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message) }
    }

    /// The same, to be tried again after this time.
    pub(super) fn after(mut self, wait: Duration) -> Self {
        // Rounded up, so that the next try is not too early.
        self.retry_after = Some(wait.as_secs() + u64::from(wait.subsec_nanos() > 0));
        self
    }

    /// A failure of the service or on the way to it, in this step.
    pub(super) fn of(error: &Error, step: &'static str) -> Self {
        let (status, wait) = status(error);
        let mut refusal = Self::new(status, error.code(), error.to_string().replace("\nhint: ", "; "));
        refusal.step = Some(step);
        refusal.upstream_status = match error.kind() {
            Kind::Api(reply) => Some(reply.status).filter(|status| *status > 0),
            _ => None,
        };
        refusal.reason = reason(error).map(Into::into);
        match wait {
            Some(wait) => refusal.after(wait),
            None => refusal,
        }
    }

    /// What the log says about it.
    pub(super) fn note(&self, found: &mut Found) {
        (found.error, found.step) = (Some(self.error), self.step);
        found.reason = self.reason.as_deref().map(Into::into);
    }
}

/// What happened, for the log: where the words are our own, and hold neither data of a report nor a user's name.
pub(super) fn reason(error: &Error) -> Option<String> {
    match error.kind() {
        Kind::Transport(..) | Kind::DeadlineExceeded { .. } | Kind::LimitExceeded { .. } => Some(error.to_string()),
        Kind::Api(reply) => Some(format!("{} {} answered {}", reply.method, reply.path, reply.status)),
        _ => None,
    }
}

impl From<No> for Refusal {
    fn from(no: No) -> Self {
        match no {
            No::Wrong(_) => Self::unauthorized("the service has refused this user name and password"),
            No::TooManyTries(wait) => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "TooManyTries",
                "this user name came with several wrong passwords; another one isn't tried for a while, so that the \
                 service doesn't lock the account",
            )
            .after(wait),
            No::Full => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "TooManySessions",
                "as many users as the gateway has sessions for are being served",
            )
            .after(Duration::from_secs(10)),
        }
    }
}

/// The status of an error, and how long to wait.
fn status(error: &Error) -> (StatusCode, Option<Duration>) {
    let unsaid = Some(Duration::from_secs(60));
    match error.kind() {
        Kind::InvalidCredentials(_) => (StatusCode::UNAUTHORIZED, None),
        Kind::LoginThrottled { retry_after } => (StatusCode::TOO_MANY_REQUESTS, retry_after.or(unsaid)),
        Kind::DeadlineExceeded { .. } | Kind::Transport(TransportFault::Stalled, _) => {
            (StatusCode::GATEWAY_TIMEOUT, None)
        }
        Kind::Api(reply) => match (reply.fault, reply.status) {
            (_, 413) => (StatusCode::PAYLOAD_TOO_LARGE, None),
            (ApiFault::NotFound, _) => (StatusCode::NOT_FOUND, None),
            (ApiFault::Forbidden, _) => (StatusCode::FORBIDDEN, None),
            (ApiFault::RateLimited, _) => (StatusCode::TOO_MANY_REQUESTS, reply.retry_after.or(unsaid)),
            _ => (StatusCode::BAD_GATEWAY, reply.retry_after),
        },
        Kind::Export { fault: ExportFault::TooLarge, .. } => (StatusCode::PAYLOAD_TOO_LARGE, None),
        Kind::Export { fault: ExportFault::Gone, .. } => (StatusCode::NOT_FOUND, None),
        _ => (StatusCode::BAD_GATEWAY, None),
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        // Text, numbers and lists of them: nothing that JSON can't have.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if let Some(allow) = self.allow {
            headers.insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ApiReply;

    fn api(fault: ApiFault, status: u16) -> Error {
        Error::new(Kind::Api(Box::new(ApiReply {
            fault,
            status,
            method: "GET".into(),
            path: "/gdc/x".into(),
            request_id: None,
            code: None,
            excerpt: String::new(),
            retry_after: Some(Duration::from_millis(6_001)),
        })))
    }

    fn export(fault: ExportFault) -> Error {
        Error::new(Kind::Export { fault, message: "x".into(), handle: None })
    }

    #[test]
    fn every_failure_has_its_status() {
        let transport = |fault| Error::transport(fault, "x");
        let expired = Kind::DeadlineExceeded { phase: "polling", allowed: Duration::ZERO, handle: None };
        for (error, status, retry_after) in [
            (Error::new(Kind::InvalidCredentials("x".into())), 401, None),
            (Error::new(Kind::LoginThrottled { retry_after: None }), 429, Some(60)),
            (Error::new(Kind::LoginThrottled { retry_after: Some(Duration::from_secs(7)) }), 429, Some(7)),
            (Error::new(Kind::SessionLost("x".into())), 502, None),
            (api(ApiFault::NotFound, 404), 404, None),
            (api(ApiFault::Forbidden, 403), 403, None),
            (api(ApiFault::UnexpectedReply, 413), 413, None),
            (api(ApiFault::RateLimited, 429), 429, Some(7)),
            (api(ApiFault::ServerFault, 503), 502, Some(7)),
            (api(ApiFault::UnexpectedReply, 400), 502, Some(7)),
            (export(ExportFault::TooLarge), 413, None),
            (export(ExportFault::Gone), 404, None),
            (export(ExportFault::Changed), 502, None),
            (transport(TransportFault::Connect), 502, None),
            (transport(TransportFault::Interrupted), 502, None),
            (transport(TransportFault::Stalled), 504, None),
            (Error::new(expired), 504, None),
            (Error::config("x"), 502, None),
        ] {
            let refusal = Refusal::of(&error, "polling");
            assert_eq!((refusal.status.as_u16(), refusal.retry_after), (status, retry_after), "{error:?}");
        }
    }

    #[test]
    fn a_log_is_told_no_data_and_no_name() {
        let cell = Kind::SchemaMismatch { column: "c".into(), record: 1, value: "v".into(), expected: "e".into() };
        let named = Kind::InvalidCredentials("the service refused the login of `u@example.com`".into());
        for kind in [cell, named] {
            assert_eq!(reason(&Error::new(kind)), None);
        }
        assert_eq!(reason(&api(ApiFault::NotFound, 404)).as_deref(), Some("GET /gdc/x answered 404"));
    }
}
