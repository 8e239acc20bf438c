//! What is counted, for Prometheus: `/metrics`. Labels come from short lists, so that no request can make a new series.

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

/// The content type of what [`Meters::text`] gives.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The meters.
pub(super) struct Meters {
    registry: Registry,
    /// Answers that have ended.
    pub(super) requests: Family<Answered, Counter>,
    /// From a request's head to the end of its answer.
    pub(super) seconds: Histogram,
    /// Bytes of bodies, as sent.
    pub(super) bytes: Counter,
    /// Bodies that were broken off because the service failed in mid-stream.
    pub(super) broken: Counter,
    /// Bodies that the client didn't wait for.
    pub(super) abandoned: Counter,
    /// Reports under way.
    pub(super) reports: Gauge,
    /// Open connections.
    pub(super) connections: Gauge,
    /// Connections that were closed to make room, or for reading too slowly.
    pub(super) dropped_connections: Counter,
    /// Sessions.
    pub(super) sessions: Gauge,
    /// Logins sent to the service.
    pub(super) logins: Counter,
    /// Credentials that were refused without asking the service.
    pub(super) refused: Counter,
}

/// What an answer is counted by.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct Answered {
    /// The route; `other` for what isn't one.
    pub(super) route: &'static str,
    /// The status.
    pub(super) status: u16,
}

impl Meters {
    pub(super) fn new() -> Self {
        let mut meters = Self {
            registry: Registry::with_prefix("insightframe_gateway"),
            requests: Family::default(),
            seconds: Histogram::new([0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0]),
            bytes: Counter::default(),
            broken: Counter::default(),
            abandoned: Counter::default(),
            reports: Gauge::default(),
            connections: Gauge::default(),
            dropped_connections: Counter::default(),
            sessions: Gauge::default(),
            logins: Counter::default(),
            refused: Counter::default(),
        };
        let registry = &mut meters.registry;
        registry.register("requests", "Answers that have ended", meters.requests.clone());
        registry.register("request_seconds", "From a request to the end of its answer", meters.seconds.clone());
        registry.register("response_bytes", "Bytes of bodies as sent", meters.bytes.clone());
        registry.register("broken_responses", "Bodies broken off by a failure of the service", meters.broken.clone());
        registry.register("abandoned_responses", "Bodies that the client left", meters.abandoned.clone());
        registry.register("reports", "Reports under way", meters.reports.clone());
        registry.register("connections", "Open connections", meters.connections.clone());
        registry.register(
            "dropped_connections",
            "Connections closed to make room or for reading too slowly",
            meters.dropped_connections.clone(),
        );
        registry.register("sessions", "Sessions at the service", meters.sessions.clone());
        registry.register("logins", "Logins sent to the service", meters.logins.clone());
        registry.register("refused_credentials", "Refused without asking the service", meters.refused.clone());
        meters
    }

    /// All of them, as OpenMetrics text.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        // Writing into memory doesn't fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
