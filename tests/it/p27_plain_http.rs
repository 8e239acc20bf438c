//! P27: no token travels over plain http, except to loopback.

use std::sync::Arc;

use insightframe::{
    clock::SystemClock,
    insights::{Insights, Options},
    secret::{Credentials, Secret},
};
use serde_json::json;

use crate::stage::{EXECUTE, Foreign, LOGIN, MAIN, RESULT, Stage, refused, whole};

#[test]
fn plain_http_is_refused_before_anything_is_sent() {
    let client = |base_url: &str| {
        let mut options = Options::new(Credentials { username: "u".into(), password: Secret::new("p") });
        options.base_url = base_url.into();
        Insights::new(options, Arc::new(SystemClock::new()))
    };
    for base_url in [
        "http://analytics.ytica.com",
        "HTTP://ANALYTICS.YTICA.COM",
        "http://192.0.2.1:8080",
        "http://10.0.0.1",
        "http://0.0.0.0:80",
        "http://[::2]",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://localhost@example.com",
    ] {
        let error = refused(client(base_url));
        assert_eq!(error.code(), "ConfigError", "{base_url}");
    }
    for base_url in ["https://analytics.ytica.com", "http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1"] {
        client(base_url).unwrap();
    }
}

#[tokio::test]
async fn an_encrypted_session_is_never_continued_in_the_clear() {
    let there = Foreign::listen();
    for path in [LOGIN, EXECUTE, RESULT] {
        let stage = Stage::with(|served| served.tls = true, |_| ());
        let port = stage.sandbox.url().rsplit(':').next().unwrap().to_owned();
        for to in [format!("http://127.0.0.1:{port}/gdc/ping"), format!("http://{}/gdc/ping", there.address)] {
            stage.sandbox.clear_faults();
            stage.fault(json!({"fault": "redirect", "to": to, "status": 307, "path": path}));
            assert_eq!(stage.table(&whole(MAIN)).await.unwrap_err().code(), "UntrustedUri", "{path} {to}");
        }
    }
    assert_eq!(there.heard(), b"");
}
