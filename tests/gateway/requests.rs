//! What a request must bring, and what is said about what it doesn't.

use serde_json::{Value, json};

use crate::stage::{MAIN, Stage, drained, query, refused};

#[tokio::test(flavor = "multi_thread")]
async fn without_credentials_there_is_a_challenge_and_the_service_hears_nothing() {
    let stage = Stage::new().await;
    for authorization in [None, Some("Bearer x"), Some("Basic !!!"), Some("Basic dQ=="), Some("Basic OnA=")] {
        let mut request = stage.anonymous(MAIN, &[]);
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.headers()["www-authenticate"], "Basic realm=\"Flex Insights\", charset=\"UTF-8\"");
        assert_eq!(refused(answer, 401).await["error"], "Unauthorized");
    }
    assert!(stage.sandbox.ledger().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_parameter_that_is_wrong_is_named_at_once_and_the_service_hears_nothing() {
    let stage = Stage::new().await;
    let ask = async |pairs: &[(&str, &str)]| {
        let request = stage.client.get(format!("{}/getReport?{}", stage.url, query(pairs)));
        let answer = request.basic_auth("u", Some("p")).send().await.unwrap();
        let told = refused(answer, 400).await;
        let problem =
            |found: &Value| format!("{} {}", found["name"].as_str().unwrap(), found["problem"].as_str().unwrap());
        told["parameters"].as_array().unwrap().iter().map(problem).collect::<Vec<_>>()
    };
    assert_eq!(ask(&[]).await, ["WorkspaceId missing", "ReportId missing", "DateStart missing", "DateEnd missing"]);
    let wrong = [
        ("WorkspaceId", "x"),
        ("ReportId", "a b"),
        ("DateStart", "1/2/2023"),
        ("DateEnd", "2023-02-30"),
        ("format", "xlsx"),
    ];
    assert_eq!(
        ask(&wrong).await,
        ["WorkspaceId invalid", "ReportId invalid", "DateStart invalid", "DateEnd invalid", "Format invalid"]
    );
    let workspace = ("WorkspaceId", stage.sandbox.workspace());
    let backwards = [workspace, ("ReportId", MAIN), ("DateStart", "2023-01-02"), ("DateEnd", "2023-01-01")];
    assert_eq!(ask(&backwards).await, ["DateStart invalid"]);
    assert!(stage.sandbox.ledger().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_moves_the_gateway_to_another_host_or_path() {
    let stage = Stage::new().await;
    let foreign = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let elsewhere = foreign.local_addr().unwrap();
    let workspace = stage.sandbox.workspace();
    for report in [
        format!("http://{elsewhere}/gdc/md/{workspace}/obj/1"),
        format!("//{elsewhere}/gdc/md/{workspace}/obj/1"),
        format!("/\\{elsewhere}/gdc/md/{workspace}/obj/1"),
        format!("@{elsewhere}"),
        "../../account/token".into(),
        "1/../../../account/token".into(),
        "1?x=1".into(),
        "1#x".into(),
        "1%2f..".into(),
    ] {
        let answer = stage.asking(&report, &[]).send().await.unwrap();
        assert_eq!(refused(answer, 400).await["parameters"][0]["name"], "ReportId", "{report}");
    }
    for (name, value) in [("base_url", "x"), ("BaseUrl", "x"), ("url", "x"), ("host", "x")] {
        let at = format!("http://{elsewhere}/{value}");
        assert_eq!(stage.asking(MAIN, &[(name, &at)]).send().await.unwrap().status(), 200);
    }
    // A request line with a whole address, as a proxy gets it, and a `Host` of somebody else.
    let head = stage
        .head()
        .replace("GET /", &format!("GET http://{elsewhere}/"))
        .replace("Host: x", &format!("Host: {elsewhere}"));
    let mut socket = stage.raw(&head.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")).await;
    assert!(drained(&mut socket).await.0.starts_with(b"HTTP/1.1 200"));
    let mut socket = stage.raw(&format!("CONNECT {elsewhere} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await;
    assert!(drained(&mut socket).await.0.starts_with(b"HTTP/1.1 404"));
    let heard = tokio::time::timeout(std::time::Duration::from_millis(50), foreign.accept()).await;
    assert!(heard.is_err(), "somebody called");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_in_a_request_becomes_a_header() {
    let stage = Stage::new().await;
    for (name, value) in [
        ("WorkspaceId", "x\r\nX-Injected: 1"),
        ("ReportId", "1\r\nX-Injected: 1"),
        ("ReportId", "a\"; filename=\"evil.exe"),
        ("Format", "csv\r\nX-Injected: 1"),
        ("DateStart", "2023-01-01\r\nX-Injected: 1"),
    ] {
        let answer = stage.asking(MAIN, &[]).build().unwrap();
        let mut url = answer.url().clone();
        let others: Vec<_> = url.query_pairs().into_owned().filter(|(own, _)| own != name).collect();
        url.query_pairs_mut().clear().extend_pairs(others).append_pair(name, value);
        let answer = stage.client.get(url).basic_auth("u\u{e9}", Some("p")).send().await.unwrap();
        assert!(answer.headers().iter().all(|(name, _)| name != "x-injected"), "{name}");
        assert_eq!(answer.status(), 400);
    }
    // Credentials travel in JSON; control characters in them are refused before that.
    let bad = stage.anonymous(MAIN, &[]).basic_auth("u\r\nX-Injected: 1", Some("p")).send().await.unwrap();
    assert_eq!(bad.status(), 401);
    assert!(stage.sandbox.ledger().is_empty());
    let quoted = stage.anonymous(MAIN, &[]).basic_auth("u\",\"x\":\"", Some("p\\\"}")).send().await.unwrap();
    assert_eq!(quoted.status(), 401);
    assert_eq!(stage.requests("POST", "/gdc/account/login").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_a_form_or_json_and_small() {
    let stage = Stage::new().await;
    let post = |kind: &str, body: String| {
        let request = stage.client.post(format!("{}/getReport", stage.url)).header("content-type", kind).body(body);
        request.basic_auth("u", Some("p")).send()
    };
    assert_eq!(
        refused(post("application/xml", "<x/>".into()).await.unwrap(), 415).await["error"],
        "UnsupportedMediaType"
    );
    for body in ["[1]", "{", "\"x\"", "{\"a\": 1} {}"] {
        let told = refused(post("application/json", body.into()).await.unwrap(), 400).await;
        assert!(told["message"].as_str().unwrap().starts_with("the body is not a JSON object"), "{told}");
    }
    let told =
        refused(post("application/json", json!({"WorkspaceId": {"a": [1]}}).to_string()).await.unwrap(), 400).await;
    assert_eq!(told["parameters"][0]["name"], "WorkspaceId");
    let huge = "x".repeat(17 << 10);
    assert_eq!(refused(post("application/json", huge).await.unwrap(), 413).await["error"], "BodyTooLarge");
    // Announced, and never sent: refused without waiting for it.
    let head = format!(
        "POST /getReport HTTP/1.1\r\nHost: x\r\nAuthorization: Basic dTpw\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        1_u64 << 40
    );
    let (answer, _) = drained(&mut stage.raw(&head).await).await;
    assert!(answer.starts_with(b"HTTP/1.1 413"), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_methods_and_paths_are_refused_and_old_clients_too() {
    let stage = Stage::new().await;
    for (method, path, allow) in [
        ("PUT", "/getReport", Some("GET, POST, OPTIONS")),
        ("DELETE", "/getReport", Some("GET, POST, OPTIONS")),
        ("POST", "/healthz", Some("GET, OPTIONS")),
        ("BREW", "/metrics", Some("GET, OPTIONS")),
        ("GET", "/", None),
        ("GET", "/getreport", None),
        ("GET", "/getReport/", None),
        ("GET", "/gdc/account/login", None),
    ] {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let answer = stage.client.request(method, format!("{}{path}", stage.url)).send().await.unwrap();
        assert_eq!(answer.headers().get("allow").map(|allow| allow.to_str().unwrap()), allow, "{path}");
        refused(answer, if allow.is_some() { 405 } else { 404 }).await;
    }
    // HEAD would fetch a report to throw it away.
    let head = stage.client.head(stage.report().build().unwrap().url().clone()).basic_auth("u", Some("p"));
    assert_eq!(head.send().await.unwrap().status(), 405);
    let mut old = stage.raw(&stage.head().replace("HTTP/1.1", "HTTP/1.0")).await;
    assert!(drained(&mut old).await.0.starts_with(b"HTTP/1.0 426"), "no chunks, so no way to tell a cut from an end");
    assert!(stage.sandbox.ledger().is_empty());
}
