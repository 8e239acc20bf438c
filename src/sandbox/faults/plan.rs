//! From the faults of one request to what happens at each point of its exchange.

use std::time::Duration;

use super::{super::reply::Reply, Fault, When};

/// How a connection ends out of order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sandbox) enum End {
    /// Closed.
    Close,
    /// Reset.
    Reset,
    /// Never: silence.
    Stall,
}

/// Where in a body something happens.
#[derive(Clone, Copy, Debug)]
pub(in crate::sandbox) enum At {
    /// After so many bytes.
    Byte(u64),
    /// After half of it; of a report, whose length isn't known, after 1024 bytes.
    Half,
}

/// What the faults of one request do to its exchange.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Plan {
    /// The names of the faults, for the ledger.
    pub(in crate::sandbox) names: Option<String>,
    /// Pause before the request takes effect.
    pub(in crate::sandbox) pause_first: Duration,
    /// Pause before the reply.
    pub(in crate::sandbox) pause_reply: Duration,
    /// Pause within the body.
    pub(in crate::sandbox) pause_within: Duration,
    /// The end, and at which point; with [`When::MidBody`] after [`At`] of the body.
    pub(in crate::sandbox) end: Option<(When, End, At)>,
    /// Another answer, and whether the request takes effect nevertheless.
    pub(in crate::sandbox) instead: Option<(When, Fault)>,
    /// Bytes a second.
    pub(in crate::sandbox) bandwidth: Option<u64>,
    /// Bytes of one write.
    pub(in crate::sandbox) packet: Option<usize>,
    /// Pause before the connection closes.
    pub(in crate::sandbox) slow_close: Option<Duration>,
    /// Where the body ends early in good framing.
    pub(in crate::sandbox) truncate: Option<At>,
    /// By how much `Content-Length` is wrong.
    pub(in crate::sandbox) wrong_length: Option<i64>,
    /// No final chunk.
    pub(in crate::sandbox) no_final_chunk: bool,
    /// What is done to the head or the whole body of the reply.
    pub(in crate::sandbox) alter: Vec<Fault>,
    /// Seconds by which the `Date` is wrong.
    pub(in crate::sandbox) skew: i64,
}

impl Plan {
    /// The plan for these faults; `draw` gives a random number for each jitter.
    pub(in crate::sandbox) fn of(hits: Vec<(When, Fault)>, mut draw: impl FnMut() -> u64) -> Self {
        let mut plan = Self::default();
        let names: Vec<_> = hits.iter().map(|(_, fault)| fault.name()).collect();
        plan.names = (!names.is_empty()).then(|| names.join(", "));
        for (when, fault) in hits {
            let at = |after: Option<u64>| after.map_or(At::Half, At::Byte);
            match fault {
                Fault::Latency { ms, jitter } => {
                    let spread = draw() % jitter.saturating_mul(2).saturating_add(1);
                    let pause = Duration::from_millis(ms.saturating_add(spread).saturating_sub(jitter));
                    *match when {
                        When::BeforeRead => &mut plan.pause_first,
                        When::BeforeReply => &mut plan.pause_reply,
                        When::MidBody => &mut plan.pause_within,
                    } += pause;
                }
                Fault::Bandwidth { bytes_per_second } => plan.bandwidth = Some(bytes_per_second),
                Fault::Packets { bytes } => plan.packet = Some(bytes),
                Fault::SlowClose { ms } => plan.slow_close = Some(Duration::from_millis(ms)),
                Fault::Reset { after } => plan.end = Some((when, End::Reset, at(after))),
                Fault::Cut { after } => plan.end = Some((when, End::Close, at(after))),
                Fault::Stall { after } => plan.end = Some((when, End::Stall, at(after))),
                Fault::Refuse => plan.end = Some((When::BeforeRead, End::Close, At::Half)),
                Fault::TruncatedBody { after } => plan.truncate = Some(at(after)),
                Fault::WrongLength { by } => plan.wrong_length = Some(by),
                Fault::MissingFinalChunk => plan.no_final_chunk = true,
                Fault::ClockSkew { seconds } => plan.skew = plan.skew.saturating_add(seconds),
                Fault::Status { .. } | Fault::Redirect { .. } | Fault::GarbageJson | Fault::Html => {
                    plan.instead = Some((when, fault));
                }
                Fault::RetryAfter { .. }
                | Fault::DuplicateHeader { .. }
                | Fault::HugeHeader { .. }
                | Fault::GzipBomb { .. }
                | Fault::WrongEncoding { .. } => plan.alter.push(fault),
                // These change the world instead of one exchange: see `World::suffer`.
                Fault::ExpireTt | Fault::ExpireSst | Fault::ChangedResult | Fault::EditedReport => {}
            }
        }
        plan
    }

    /// How the connection ends at this point, if it does.
    pub(in crate::sandbox) fn end_at(&self, point: When) -> Option<End> {
        self.end.filter(|(when, ..)| *when == point).map(|(_, end, _)| end)
    }

    /// The answer that stands in for the true one, if the request goes wrong at this point.
    pub(in crate::sandbox) fn reply_at(&self, point: When, usual: impl FnOnce(u16) -> Reply) -> Option<Reply> {
        let (when, fault) = self.instead.as_ref()?;
        (*when == point).then(|| match fault {
            Fault::Status { status, retry_after, body } => {
                let mut reply = usual(*status);
                if !retry_after.is_empty() {
                    reply.headers.retain(|(name, _)| name != "Retry-After");
                }
                for text in retry_after {
                    reply = reply.header("Retry-After", text);
                }
                match body {
                    Some(text) => reply.with_body(text.clone().into_bytes()),
                    None => reply,
                }
            }
            Fault::Redirect { to, status } => Reply::empty(*status).header("Location", to),
            Fault::GarbageJson => {
                Reply::text(200, "application/json;charset=UTF-8", "{\"userLogin\":{\"profile\":\u{0}")
            }
            _ => Reply::text(200, "text/html", "<html><head><title>Please wait</title></head><body>…</body></html>\n"),
        })
    }
}
