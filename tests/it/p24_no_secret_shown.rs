//! P24: no secret in any output: `Debug`, `Display`, errors, logs at their most talkative.

use std::{cell::RefCell, fmt::Write, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::stream;
use http::{StatusCode, header};
use insightframe::{
    clock::Clock,
    http::{Proxy, RawReply, Request},
    insights::AuthMode,
};
use serde_json::json;

use crate::stage::{EXECUTE, IDENTIFIERS, LOGIN, MAIN, RESULT, Stage, TOKEN, Tampered, fits, serve, whole};

thread_local! {
    /// What this thread logged, if it wants to know. A client runs on the thread of its test, whatever it spawns.
    static LOG: RefCell<Option<String>> = const { RefCell::new(None) };
}

struct Capture;

impl log::Log for Capture {
    fn enabled(&self, _: &log::Metadata) -> bool {
        LOG.with_borrow(Option::is_some)
    }

    fn log(&self, record: &log::Record) {
        LOG.with_borrow_mut(|log| {
            if let Some(log) = log {
                let _ = writeln!(log, "{} {}: {}", record.level(), record.target(), record.args());
            }
        });
    }

    fn flush(&self) {}
}

fn capture() {
    // Another test may have set it already.
    let _ = log::set_logger(&Capture);
    log::set_max_level(log::LevelFilter::Trace);
    LOG.set(Some(String::new()));
}

/// An answer that repeats what it was sent, as a proxy's debugging page does.
fn echo(request: &Request, reply: RawReply, status: StatusCode) -> RawReply {
    let mut page = String::from("<html>you sent ");
    for (name, value) in &request.headers {
        let _ = write!(page, "{name}: {} ", String::from_utf8_lossy(value.as_bytes()));
    }
    page += &String::from_utf8_lossy(&request.body);
    let mut headers = reply.headers;
    headers.insert(header::CONTENT_TYPE, "text/html".parse().unwrap());
    RawReply { status, headers, body: Box::pin(stream::iter([Ok(Bytes::from(page))])), ..reply }
}

/// A flow with every kind of failure; gives all that could be seen of it, and its secrets.
async fn seen(auth: AuthMode, tls: bool) -> (String, Vec<String>) {
    capture();
    let mut seen = String::new();
    let mut secrets = Vec::new();
    let steps = [
        ("", 200),
        (LOGIN, 200),
        (LOGIN, 401),
        (LOGIN, 403),
        (TOKEN, 200),
        (TOKEN, 500),
        (IDENTIFIERS, 200),
        (IDENTIFIERS, 401),
        (IDENTIFIERS, 500),
        ("/gdc/md/*/obj/*", 200),
        (EXECUTE, 200),
        (EXECUTE, 403),
        (RESULT, 200),
        (RESULT, 206),
        (RESULT, 413),
        ("/gdc/account/login/*", 500),
    ];
    for (seed, (path, status)) in (1..).zip(steps) {
        // Another seed is other tokens.
        let sandbox = serve(|served| (served.tls, served.raw_202_count, served.seed) = (tls, 1, seed));
        let clock: Arc<dyn Clock> = Arc::new(sandbox.clock());
        let status = StatusCode::from_u16(status).unwrap();
        let tamper = move |request: &Request, reply| {
            if fits(path, request.path.without_query()) { echo(request, reply, status) } else { reply }
        };
        let proxy = Proxy::Direct;
        let asked = |asked: &mut insightframe::insights::Options| (asked.auth, asked.proxy) = (auth, proxy);
        let (client, tokens) = Tampered::client(&sandbox, Arc::clone(&clock), asked, tamper);
        let stage = Stage { sandbox, client, clock };
        secrets.push(stage.sandbox.password().to_owned());
        let mut show = |what: &dyn std::fmt::Debug| write!(seen, "{what:?}\n{what:#?}\n").unwrap();
        show(&stage.client);
        show(&crate::stage::options(&stage.sandbox));
        match stage.table(&whole(MAIN)).await {
            Ok(table) => {
                show(&table.receipt());
                seen += &format!(
                    "{}\n{}\n",
                    table.receipt().unwrap(),
                    serde_json::to_string(table.receipt().unwrap()).unwrap()
                );
            }
            Err(error) => seen += &format!("{error}\n{error:?}\n{:?}\n", error.kind()),
        }
        stage.sandbox.advance(Duration::from_secs(700));
        stage.fault(json!({"fault": "expire_tt", "path": IDENTIFIERS, "times": 1}));
        if let Err(error) = stage.ask(&stage.call()).await {
            seen += &format!("{error}\n{error:?}\n{:?}\n", error.kind());
        }
        stage.client.close().await;
        seen += &format!("{:?}\n{:?}\n", stage.client, stage.sandbox.ledger());
        secrets.extend(tokens.lock().unwrap().drain(..));
    }
    // Tokens that come in an answer that can't be used.
    for (path, body) in [
        (LOGIN, json!({"userLogin": {"token": "canary-in-login"}})),
        (LOGIN, json!({"token": "canary-in-login"})),
        (TOKEN, json!({"userToken": {"tok": "canary-in-token"}})),
        (TOKEN, json!({"token": "canary-in-token"})),
    ] {
        let stage = Stage::with(|_| (), |asked| asked.auth = auth);
        if path == TOKEN {
            stage.client.login(&stage.call()).await.unwrap();
            stage.sandbox.advance(Duration::from_secs(700));
        }
        stage.fault(json!({"fault": "status", "status": 200, "body": body.to_string(), "path": path}));
        let error = stage.ask(&stage.call()).await.unwrap_err();
        seen += &format!("{error}\n{error:?}\n{:?}\n", error.kind());
    }
    secrets.extend(["canary-in-login".to_owned(), "canary-in-token".to_owned()]);
    seen += &LOG.take().unwrap();
    secrets.sort();
    secrets.dedup();
    (seen, secrets)
}

#[tokio::test]
async fn nothing_that_can_be_seen_has_a_secret_in_it() {
    for (auth, tls) in [(AuthMode::Header, false), (AuthMode::Cookie, false), (AuthMode::Header, true)] {
        let (seen, secrets) = seen(auth, tls).await;
        // It was a flow with failures, and it was logged, by us and by the libraries below.
        for word in ["InvalidCredentials", "ServerFault", "UnexpectedReply", "***", "TRACE ", "DEBUG ", "challenged"] {
            assert!(seen.contains(word), "{auth:?} {tls}: nothing of `{word}` was seen");
        }
        assert!(secrets.len() > 20, "{}", secrets.len());
        for secret in &secrets {
            // A password also as JSON or percent-encoding would write it.
            let json = serde_json::to_string(secret).unwrap();
            for form in [secret.as_str(), json.trim_matches('"'), &secret.escape_debug().to_string()] {
                let at = seen.find(form);
                assert!(
                    at.is_none(),
                    "{auth:?} {tls}: {form} in …{}…",
                    &seen[at.unwrap().saturating_sub(300)..][..400]
                );
            }
        }
    }
}
