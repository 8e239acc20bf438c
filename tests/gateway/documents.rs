//! What the gateway says of itself, and its own encryption.

use std::{collections::BTreeSet, process::Command};

use insightframe::gateway::{Certificate, Options};
use serde_json::Value;

use crate::stage::{MAIN, Stage, refused};

#[tokio::test(flavor = "multi_thread")]
async fn it_tells_that_it_is_there() {
    let stage = Stage::new().await;
    let health = stage.get("/healthz").await;
    assert_eq!(health.headers()["content-type"], "application/json");
    assert_eq!(health.text().await.unwrap(), r#"{"status":"ok"}"#);
    assert!(stage.sandbox.ledger().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_and_are_for_its_own_machine() {
    let stage = Stage::new().await;
    stage.report().send().await.unwrap().bytes().await.unwrap();
    stage.anonymous(MAIN, &[]).basic_auth("u", Some("p")).send().await.unwrap().bytes().await.unwrap();
    stage.anonymous(MAIN, &[]).basic_auth("u", Some("p")).send().await.unwrap().bytes().await.unwrap();
    let metrics = stage.get("/metrics").await;
    assert!(metrics.headers()["content-type"].to_str().unwrap().starts_with("application/openmetrics-text"));
    for (name, value) in [
        ("insightframe_gateway_requests_total{route=\"/getReport\",status=\"200\"}", 1.0),
        ("insightframe_gateway_requests_total{route=\"/getReport\",status=\"401\"}", 2.0),
        ("insightframe_gateway_logins_total", 2.0),
        ("insightframe_gateway_refused_credentials_total", 1.0),
        ("insightframe_gateway_sessions", 1.0),
        ("insightframe_gateway_reports", 0.0),
    ] {
        assert_eq!(stage.meter(name).await, value, "{name}");
    }
    assert!(stage.meter("insightframe_gateway_response_bytes_total").await > 50_000.0);
    // A proxy on the same machine speaks for somebody else.
    let through = stage.client.get(format!("{}/metrics", stage.url)).header("x-forwarded-for", "192.0.2.1").send();
    refused(through.await.unwrap(), 403).await;
    let open = Stage::with(|_| (), |options| options.open_metrics = true).await;
    let through = open.client.get(format!("{}/metrics", open.url)).header("x-forwarded-for", "192.0.2.1").send();
    assert_eq!(through.await.unwrap().status(), 200);
}

/// The document is true of every path, method, parameter and refusal; schemathesis, from Python, holds answers to it.
#[tokio::test(flavor = "multi_thread")]
async fn the_openapi_document_is_true() {
    let stage = Stage::new().await;
    let text = stage.get("/openapi.json").await.text().await.unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&document["openapi"], document["info"]["version"].as_str()),
        (&"3.1.0".into(), Some(env!("CARGO_PKG_VERSION")))
    );
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in ["get", "post", "put", "delete", "patch"] {
            let request = stage.client.request(method.to_uppercase().parse().unwrap(), format!("{}{path}", stage.url));
            let status = request.send().await.unwrap().status().as_u16();
            let documented =
                item[method]["responses"].as_object().is_some_and(|all| all.contains_key(&status.to_string()));
            assert!(documented != (status == 405), "{method} {path}: {status}");
        }
    }
    // The parameters that a 400 can name are the documented ones.
    let named: BTreeSet<_> = document["paths"]["/getReport"]["get"]["parameters"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|parameter| parameter["in"] == "query")
        .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
        .collect();
    let answer = stage.client.get(format!(
        "{}/getReport?Unfiltered=x&Format=x&WorkspaceId=x&ReportId=x%20y&DateStart=x&DateEnd=x",
        stage.url
    ));
    let told = refused(answer.basic_auth("u", Some("p")).send().await.unwrap(), 400).await;
    let found: BTreeSet<_> = told["parameters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| problem["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(found, named);
    let steps = document["components"]["schemas"]["Refusal"]["properties"]["step"]["enum"].as_array().unwrap();
    assert!(
        ["logging in", "resolving", "executing", "polling", "downloading"]
            .iter()
            .all(|step| steps.contains(&(*step).into()))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn it_binds_to_this_machine_and_speaks_tls_with_the_certificate_it_is_given() {
    assert!(Options::default().bind.is_loopback());
    let folder = tempfile::tempdir().unwrap();
    let (chain, key) = (folder.path().join("chain.pem"), folder.path().join("key.pem"));
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(&chain, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let certificate = Certificate { chain: chain.clone(), key: key.clone() };
    let stage = Stage::with(|_| (), |options| options.tls = Some(certificate.clone())).await;
    assert!(stage.url.starts_with("https://127.0.0.1:"));
    let request = stage.report().build().unwrap();
    let port = stage.address().port();
    let url = request.url().as_str().replace("127.0.0.1", "localhost");
    let login = format!("{}:{}", stage.sandbox.username(), stage.sandbox.password());
    let resolve = format!("localhost:{port}:127.0.0.1");
    let done = tokio::task::spawn_blocking({
        let words = ["--resolve".to_owned(), resolve, "--user".to_owned(), login, url];
        let chain = chain.clone();
        move || {
            Command::new("curl")
                .args(["--silent", "--show-error", "--noproxy", "*", "--cacert"])
                .arg(chain)
                .args(words)
                .output()
        }
    });
    let done = done.await.unwrap();
    let Ok(done) = done else { return };
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(String::from_utf8(done.stdout).unwrap().lines().count(), 621);
    // What isn't TLS gets no answer.
    let mut plain = stage.raw("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let (answer, _) = crate::stage::drained(&mut plain).await;
    assert!(!answer.starts_with(b"HTTP"));

    // Files that are not what they should be are named, their content is not.
    std::fs::write(&key, "-----BEGIN PRIVATE KEY-----\ncanary\n").unwrap();
    for (chain, key, word) in
        [(&chain, &key, "key.pem"), (&key, &key, "key.pem"), (&folder.path().join("no"), &key, "no")]
    {
        let options = Options {
            port: 0,
            tls: Some(Certificate { chain: chain.clone(), key: key.clone() }),
            ..Options::default()
        };
        let clock = std::sync::Arc::new(insightframe::clock::SystemClock::new());
        let error =
            insightframe::gateway::Gateway::bind(options, clock, stage.journal.clone()).await.unwrap_err().to_string();
        assert!(error.contains(word) && !error.contains("canary"), "{error}");
    }
}

#[tokio::test]
async fn an_address_of_the_service_that_would_send_passwords_in_the_clear_is_refused() {
    for base_url in ["http://analytics.example", "https://user:pass@analytics.example", "ftp://x", "https://x/path"] {
        let options = Options { port: 0, base_url: base_url.into(), ..Options::default() };
        let clock = std::sync::Arc::new(insightframe::clock::SystemClock::new());
        let journal = insightframe::gateway::Journal::to(std::io::sink());
        let error = insightframe::gateway::Gateway::bind(options, clock, journal).await.unwrap_err();
        assert_eq!(error.code(), "ConfigError", "{base_url}");
    }
}
