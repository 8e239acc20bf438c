//! Which failures may pass, as one table.

use std::time::Duration;

use crate::error::{ApiFault, Error, Kind, TransportFault};

/// What a second send of the same request would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Safety {
    /// The same as one: reading, and computing a report once more.
    Repeatable,
    /// Something else: it may only be sent again when the first surely did nothing.
    Once,
}

/// What to do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Try again, if the budget has `cost` left; after `asked`, when the service named a time.
    Again {
        /// What the retry costs of the budget.
        cost: u32,
        /// How long the service asks to wait.
        asked: Option<Duration>,
    },
    /// It would fail the same way, or must not be repeated.
    Stop,
}

/// A retry after a fault that loads the service.
const FAULT: u32 = 14;
/// A retry that the service itself asked for by throttling.
const THROTTLED: u32 = 5;

/// Decides about one failure.
pub fn classify(error: &Error, safety: Safety) -> Verdict {
    let again = |cost, asked| Verdict::Again { cost, asked };
    match error.kind() {
        Kind::Transport(TransportFault::Connect | TransportFault::Proxy, _) => again(FAULT, None),
        Kind::Transport(TransportFault::Interrupted | TransportFault::Stalled, _) if safety == Safety::Repeatable => {
            again(FAULT, None)
        }
        Kind::Api(reply) => match reply.fault {
            // Neither service counts a refused request as done.
            ApiFault::RateLimited => again(THROTTLED, reply.retry_after),
            ApiFault::ServerFault if safety == Safety::Repeatable => again(FAULT, reply.retry_after),
            _ => Verdict::Stop,
        },
        _ => Verdict::Stop,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{ApiReply, ExportFault};

    fn api(fault: ApiFault) -> Error {
        Error::new(Kind::Api(Box::new(ApiReply {
            fault,
            status: 503,
            method: "GET".into(),
            path: "/gdc/x".into(),
            request_id: None,
            code: None,
            excerpt: String::new(),
            retry_after: Some(Duration::from_secs(3)),
        })))
    }

    #[test]
    fn the_table() {
        use Safety::{Once, Repeatable};
        let fault = |fault| Error::transport(fault, "x");
        let asked = Some(Duration::from_secs(3));
        let again = |cost, asked| Verdict::Again { cost, asked };
        for (error, repeatable, once) in [
            (fault(TransportFault::Connect), again(14, None), again(14, None)),
            (fault(TransportFault::Proxy), again(14, None), again(14, None)),
            (fault(TransportFault::Tls), Verdict::Stop, Verdict::Stop),
            (fault(TransportFault::Interrupted), again(14, None), Verdict::Stop),
            (fault(TransportFault::Stalled), again(14, None), Verdict::Stop),
            (api(ApiFault::RateLimited), again(5, asked), again(5, asked)),
            (api(ApiFault::ServerFault), again(14, asked), Verdict::Stop),
            (api(ApiFault::NotFound), Verdict::Stop, Verdict::Stop),
            (api(ApiFault::Forbidden), Verdict::Stop, Verdict::Stop),
            (api(ApiFault::UnexpectedReply), Verdict::Stop, Verdict::Stop),
            (api(ApiFault::AmbiguousOutcome), Verdict::Stop, Verdict::Stop),
            (Error::config("x"), Verdict::Stop, Verdict::Stop),
            (Error::new(Kind::InvalidCredentials("x".into())), Verdict::Stop, Verdict::Stop),
            (Error::new(Kind::LoginThrottled { retry_after: asked }), Verdict::Stop, Verdict::Stop),
            (Error::new(Kind::SessionLost("x".into())), Verdict::Stop, Verdict::Stop),
            (
                Error::new(Kind::Export { fault: ExportFault::Gone, message: "x".into(), handle: None }),
                Verdict::Stop,
                Verdict::Stop,
            ),
        ] {
            assert_eq!(classify(&error, Repeatable), repeatable, "{error:?}");
            assert_eq!(classify(&error, Once), once, "{error:?}");
        }
    }
}
