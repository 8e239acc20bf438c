//! The paths, and what lies around all of them.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Extension, Request, State},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::any,
};
use http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, Version, header};
use tower_http::{
    CompressionLevel,
    compression::CompressionLayer,
    cors::{Any, CorsLayer},
};

use super::{
    Shared,
    access::{REQUEST_ID, Visit, record},
    meters,
    refusal::Refusal,
    report::get_report,
};

/// What `/openapi.json` answers; a test holds it to the truth.
const OPENAPI: &str = include_str!("openapi.json");

/// A small answer isn't worth compressing: it goes out in one packet either way.
const WORTH_COMPRESSING: u64 = 1024;

/// The paths that exist, and the methods that each knows. HEAD is none: it would fetch a report to throw it away.
const PATHS: [(&str, &str); 4] = [
    ("/getReport", "GET, POST, OPTIONS"),
    ("/healthz", "GET, OPTIONS"),
    ("/metrics", "GET, OPTIONS"),
    ("/openapi.json", "GET, OPTIONS"),
];

/// A path, if it exists, with its methods.
pub(super) fn known(path: &str) -> Option<(&'static str, &'static str)> {
    PATHS.into_iter().find(|(known, _)| *known == path)
}

/// All paths.
pub(super) fn routes(gateway: Arc<Shared>) -> Router {
    Router::new()
        .route("/getReport", any(get_report))
        .route("/healthz", any(health))
        .route("/metrics", any(metrics))
        .route("/openapi.json", any(openapi))
        .fallback(async || Refusal::new(StatusCode::NOT_FOUND, "NotFound", "the paths are told by `/openapi.json`"))
        .layer(from_fn(known_methods))
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(is_worth_compressing))
        .layer(cors())
        .layer(from_fn_with_state(Arc::clone(&gateway), record))
        .with_state(gateway)
}

async fn known_methods(request: Request, next: Next) -> Response {
    match known(request.uri().path()) {
        Some((_, methods)) if methods.split(", ").all(|method| method != request.method().as_str()) => {
            Refusal::method(methods).into_response()
        }
        _ => next.run(request).await,
    }
}

/// Any page may ask, as the tutorial's function allows; it has to have the credentials, since a browser adds none by
/// itself to a request that any page may make.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST, Method::OPTIONS])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, header::IF_NONE_MATCH])
        .expose_headers([header::ETAG, header::RETRY_AFTER, header::CONTENT_DISPOSITION, REQUEST_ID])
        .max_age(std::time::Duration::from_secs(3600))
}

/// Parquet is compressed inside.
fn is_worth_compressing(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let is_small = text(header::CONTENT_LENGTH)
        .and_then(|length| length.parse::<u64>().ok())
        .is_some_and(|length| length < WORTH_COMPRESSING);
    !is_small && text(header::CONTENT_TYPE).is_some_and(|kind| !kind.ends_with("parquet"))
}

/// Whether it is there.
async fn health() -> Response {
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")], r#"{"status":"ok"}"#)
        .into_response()
}

/// The counts: for this machine alone, unless it was said that anybody may read them.
async fn metrics(State(gateway): State<Arc<Shared>>, Extension(visit): Extension<Visit>) -> Response {
    if !gateway.open_metrics && !visit.is_local() {
        return Refusal::new(StatusCode::FORBIDDEN, "Forbidden", "the metrics are for the gateway's own machine")
            .into_response();
    }
    ([(header::CONTENT_TYPE, meters::CONTENT_TYPE), (header::CACHE_CONTROL, "no-store")], gateway.meters.text())
        .into_response()
}

async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-cache")], OPENAPI).into_response()
}
