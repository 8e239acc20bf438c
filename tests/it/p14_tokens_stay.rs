//! P14: tokens never leave the origin: not by an address that the service sends, not by a redirect, not by a proxy.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::Command,
    sync::{Arc, Mutex},
};

use insightframe::{clock::Clock, http::Proxy};
use serde_json::{Value, json};

use crate::stage::{EXECUTE, Foreign, IDENTIFIERS, LOGIN, MAIN, RESULT, Stage, TOKEN, Tampered, refused, serve, whole};

/// Addresses that lead to `there`, in the forms that URL libraries are known to follow.
fn ways(stage: &Stage, there: &Foreign) -> Vec<String> {
    let (here, there) = (stage.sandbox.url().trim_start_matches("http://").to_owned(), there.address.to_string());
    let workspace = stage.sandbox.workspace();
    let rest = format!("gdc/projects/{workspace}/execute/raw/0af3");
    [
        format!("http://{there}/{rest}"),
        format!("HTTP://{there}/{rest}"),
        format!("//{there}/{rest}"),
        format!("///{there}/{rest}"),
        format!("/\\{there}/{rest}"),
        format!("\\\\{there}/{rest}"),
        format!("http:///{there}/{rest}"),
        format!("http:/{there}/{rest}"),
        format!("http:{there}/{rest}"),
        format!("http:\\\\{there}/{rest}"),
        format!("@{there}/{rest}"),
        format!(":x@{there}/{rest}"),
        format!("http://{here}@{there}/{rest}"),
        format!("http://{here}:x@{there}/{rest}"),
        format!("http://{there}#@{here}/{rest}"),
        format!("http://{there}?@{here}/{rest}"),
        format!("http://{there}\\@{here}/{rest}"),
        format!("\thttp://{there}/{rest}"),
        format!("/gdc/../../{there}/{rest}"),
        format!("/%2f{there}/{rest}"),
        format!("/gdc/%2e%2e/%2e%2e//{there}/{rest}"),
        format!("ftp://{there}/{rest}"),
        format!("https://{there}/{rest}"),
    ]
    .into()
}

#[tokio::test]
async fn an_address_of_the_service_is_not_followed_elsewhere() {
    let there = Foreign::listen();
    let stage = Stage::new();
    for uri in ways(&stage, &there) {
        stage.sandbox.clear_faults();
        stage
            .fault(json!({"fault": "status", "status": 201, "body": json!({"uri": uri}).to_string(), "path": EXECUTE}));
        let error = stage.table(&whole(MAIN)).await.unwrap_err();
        assert_eq!(error.code(), "UntrustedUri", "{uri}: {error}");
    }
    // The same in the other addresses that the service sends.
    for uri in ways(&stage, &there) {
        stage.sandbox.clear_faults();
        let body = json!({"identifiers": [{"identifier": "date.date.mmddyyyy", "uri": uri}]}).to_string();
        stage.fault(json!({"fault": "status", "status": 200, "body": body, "path": IDENTIFIERS}));
        assert!(stage.ask(&stage.call()).await.is_err(), "{uri}");
    }
    assert_eq!(there.heard(), b"", "something was said elsewhere");
    assert_eq!(stage.sent("GET", RESULT), 0);
}

#[tokio::test]
async fn a_login_that_names_another_place_to_log_out_is_refused() {
    let there = Foreign::listen();
    for uri in ways(&Stage::new(), &there) {
        let stage = Stage::new();
        let user = json!({"profile": "/gdc/account/profile/00", "state": uri, "token": "canary"});
        let body = json!({"userLogin": user}).to_string();
        stage.fault(json!({"fault": "status", "status": 200, "body": body, "path": LOGIN}));
        let error = stage.client.login(&stage.call()).await.unwrap_err();
        assert!(error.code() == "UnexpectedReply" && !format!("{error:?}").contains("canary"), "{error}");
        stage.client.close().await;
        assert_eq!(stage.sandbox.ledger().len(), 1);
    }
    assert_eq!(there.heard(), b"");
}

#[tokio::test]
async fn a_redirect_is_not_followed_elsewhere() {
    let there = Foreign::listen();
    for (path, method) in [(LOGIN, "POST"), (TOKEN, "GET"), (EXECUTE, "POST"), (RESULT, "GET")] {
        let stage = Stage::new();
        if path != LOGIN {
            stage.client.login(&stage.call()).await.unwrap();
        }
        for status in [301, 302, 303, 307, 308] {
            for to in ways(&stage, &there).into_iter().filter(|to| !to.contains('\t')) {
                stage.sandbox.clear_faults();
                stage.sandbox.clear_ledger();
                if path == TOKEN {
                    stage.sandbox.advance(std::time::Duration::from_secs(700));
                }
                stage.fault(json!({"fault": "redirect", "to": to, "status": status, "path": path}));
                let error = stage.table(&whole(MAIN)).await.unwrap_err();
                assert_eq!(error.code(), "UntrustedUri", "{method} {path} {status} {to}: {error}");
                assert_eq!(stage.sent(method, path), 1, "{status} {to}");
            }
        }
    }
    assert_eq!(there.heard(), b"", "something was said elsewhere");
}

#[tokio::test]
async fn a_redirect_on_the_origin_is_followed_and_an_endless_one_is_not() {
    let stage = Stage::new();
    let ping = json!({"fault": "redirect", "to": "/gdc/ping", "status": 303, "path": EXECUTE, "times": 1});
    stage.fault(ping);
    assert_eq!(stage.table(&whole(MAIN)).await.unwrap_err().code(), "UnexpectedReply");
    assert_eq!(stage.sent("GET", "/gdc/ping"), 1);
    stage.fault(json!({"fault": "redirect", "to": "/gdc/account/token", "path": TOKEN}));
    stage.sandbox.advance(std::time::Duration::from_secs(700));
    assert_eq!(stage.ask(&stage.call()).await.unwrap_err().code(), "Interrupted");
    assert!(stage.sent("GET", TOKEN) <= 3 * 6);
}

/// A proxy that opens tunnels and writes down all that passes through.
fn eavesdropper() -> (String, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let all = Arc::clone(&heard);
    std::thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            let all = Arc::clone(&all);
            std::thread::spawn(move || {
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && matches!(client.read(&mut byte), Ok(1)) {
                    head.push(byte[0]);
                }
                all.lock().unwrap().extend_from_slice(&head);
                let line = String::from_utf8_lossy(&head).into_owned();
                let Some(target) = line.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()) else {
                    return;
                };
                let Ok(mut server) = TcpStream::connect(target) else { return };
                let _ = client.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
                let (mut back, mut front) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                std::thread::spawn(move || std::io::copy(&mut back, &mut front));
                let mut piece = [0; 4096];
                while let Ok(length @ 1..) = client.read(&mut piece) {
                    all.lock().unwrap().extend_from_slice(&piece[..length]);
                    let _ = server.write_all(&piece[..length]);
                }
            });
        }
    });
    (address.to_string(), heard)
}

#[tokio::test]
async fn a_proxy_sees_a_tunnel_and_no_token() {
    let (proxy, heard) = eavesdropper();
    let sandbox = serve(|served| served.tls = true);
    let clock: Arc<dyn Clock> = Arc::new(sandbox.clock());
    let proxy = Proxy::parse(&format!("http://{proxy}")).unwrap();
    let (client, tokens) =
        Tampered::client(&sandbox, Arc::clone(&clock), |asked| asked.proxy = proxy, |_, reply| reply);
    let stage = Stage { sandbox, client, clock };
    assert_eq!(stage.table(&whole(MAIN)).await.unwrap().num_rows(), 620);
    stage.client.close().await;
    let (heard, tokens) = (heard.lock().unwrap().clone(), tokens.lock().unwrap().clone());
    assert!(heard.starts_with(b"CONNECT 127.0.0.1:") && heard.len() > 2_000, "{} bytes", heard.len());
    assert!(tokens.len() >= 6);
    for secret in tokens.iter().map(String::as_str).chain([stage.sandbox.password()]) {
        assert!(!heard.windows(secret.len()).any(|window| window == secret.as_bytes()));
    }
}

#[test]
fn a_proxy_for_plain_http_is_refused_unless_it_is_on_this_machine() {
    let sandbox = serve(|_| ());
    let client = |proxy: &str| {
        let mut options = crate::stage::options(&sandbox);
        options.proxy = Proxy::parse(proxy).unwrap();
        insightframe::insights::Insights::new(options, Arc::new(sandbox.clock()))
    };
    for proxy in ["http://proxy.example:3128", "http://u:canary@192.0.2.1:3128", "socks5h://proxy.example:1080"] {
        let error = refused(client(proxy));
        assert!(error.code() == "ConfigError" && !error.to_string().contains("canary"), "{error}");
    }
    client("http://127.0.0.1:3128").unwrap();
}

/// What the test below runs in a process of its own, because the environment belongs to the whole process.
#[tokio::test]
#[ignore = "is run by `a_proxy_of_the_environment_is_not_asked_for_loopback`"]
async fn export_in_this_environment() {
    let Ok(Value::String(_)) = std::env::var("HTTP_PROXY").map(Value::String) else { panic!("no proxy is set") };
    for tls in [false, true] {
        let stage = Stage::with(|served| served.tls = tls, |_| ());
        assert_eq!(stage.table(&whole(MAIN)).await.unwrap().num_rows(), 620, "{}", stage.sandbox.url());
    }
}

#[test]
fn a_proxy_of_the_environment_is_not_asked_for_loopback() {
    let there = Foreign::listen();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "p14_tokens_stay::export_in_this_environment", "--ignored"]);
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        child.env(name, format!("http://{}", there.address));
    }
    for name in ["NO_PROXY", "no_proxy"] {
        child.env_remove(name);
    }
    let done = child.output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success() && said.contains("1 passed"), "{said}");
    assert_eq!(there.heard(), b"");
}
