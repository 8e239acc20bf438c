//! Every fault, as the bytes on the wire show it.

#![expect(clippy::disallowed_methods, reason = "the sandbox's clock is held against the machine's")]

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::client::{Answer, Session, ask, parse, send, start};
use crate::sandbox::{Rule, Sandbox};

const PING: &[u8] = b"GET /gdc HTTP/1.1\r\nConnection: close\r\n\r\n";

fn fault(sandbox: &Sandbox, rule: Value) {
    sandbox.fault(Rule::from_json(rule).unwrap());
}

/// The bytes of an answer to `GET /gdc` under this rule, and the sandbox.
fn under(rule: Value) -> (Vec<u8>, Sandbox) {
    let sandbox = start(|_| ());
    fault(&sandbox, rule);
    (send(&sandbox, PING), sandbox)
}

fn answer(rule: Value) -> Answer {
    let (bytes, _sandbox) = under(rule);
    parse(&bytes).expect("no answer")
}

fn values<'a>(answer: &'a Answer, name: &str) -> Vec<&'a str> {
    answer.headers.iter().filter(|(own, _)| own == name).map(|(_, value)| value.as_str()).collect()
}

/// What comes before the connection is reset, or none if it isn't.
fn until_reset(sandbox: &Sandbox) -> Option<Vec<u8>> {
    let mut socket = TcpStream::connect(sandbox.url().trim_start_matches("http://")).unwrap();
    socket.write_all(PING).unwrap();
    let mut all = Vec::new();
    let error = socket.read_to_end(&mut all).err()?;
    (error.kind() == ErrorKind::ConnectionReset).then_some(all)
}

#[test]
fn a_cut_ends_the_body_after_so_many_bytes() {
    let whole = answer(json!({"fault": "clock_skew", "seconds": 0})).body;
    for after in [0, 1, 100, whole.len() - 1] {
        let (bytes, sandbox) = under(json!({"fault": "cut", "after": after}));
        assert_eq!(parse(&bytes).unwrap().body, whole[..after]);
        assert!(!bytes.ends_with(b"0\r\n\r\n"));
        let entry = &sandbox.ledger()[0];
        assert_eq!((entry.status, entry.aborted, entry.fault.as_deref()), (Some(200), true, Some("cut")));
        assert_eq!(entry.response_bytes, bytes.len() as u64);
    }
    let (bytes, sandbox) = under(json!({"fault": "cut"}));
    assert_eq!((bytes.len(), sandbox.ledger()[0].status), (0, None));
}

#[test]
fn a_reset_shows_as_one() {
    let sandbox = start(|_| ());
    fault(&sandbox, json!({"fault": "reset", "times": 1}));
    assert_eq!(until_reset(&sandbox).unwrap().len(), 0);
    // A reset may throw away what was sent, so only its kind is certain here.
    fault(&sandbox, json!({"fault": "reset", "after": 10, "times": 1}));
    assert!(until_reset(&sandbox).is_some());
    assert_eq!(sandbox.ledger().iter().map(|entry| entry.status).collect::<Vec<_>>(), [None, Some(200)]);
}

#[test]
fn a_refused_connection_leaves_no_entry_and_a_refused_request_no_answer() {
    let (bytes, sandbox) = under(json!({"fault": "refuse", "times": 1}));
    assert_eq!((bytes.len(), sandbox.ledger().len()), (0, 0));
    fault(&sandbox, json!({"fault": "refuse", "path": "/gdc"}));
    assert_eq!(send(&sandbox, PING).len(), 0);
    assert_eq!((sandbox.ledger()[0].status, sandbox.ledger()[0].aborted), (None, true));
}

#[test]
fn a_stall_sends_nothing_more_and_blocks_nobody() {
    let sandbox = start(|_| ());
    fault(&sandbox, json!({"fault": "stall", "after": 5, "path": "/gdc", "times": 1}));
    let mut socket = TcpStream::connect(sandbox.url().trim_start_matches("http://")).unwrap();
    socket.write_all(PING).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let mut all = Vec::new();
    let error = socket.read_to_end(&mut all).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
    assert_eq!(parse(&all).unwrap().body.len(), 5);
    assert_eq!(ask(&sandbox, "GET /gdc/ping", &[], "").status, 200);
}

#[test]
fn status_stands_in_for_the_answer() {
    let sandbox = start(|_| ());
    let session = Session::open(&sandbox);
    let executions = |sandbox: &Sandbox| sandbox.executions();
    let raw = format!("/gdc/app/projects/{}/execute/raw", sandbox.workspace());
    let body = json!({"report_req": {"report": format!("/gdc/md/{}/obj/3035643", sandbox.workspace())}});
    // Before the request takes effect, unless it is said otherwise.
    fault(&sandbox, json!({"fault": "status", "status": 503, "retry_after": "7", "path": raw, "times": 1}));
    let answer = session.post(&raw, &body);
    assert_eq!((answer.status, values(&answer, "Retry-After")), (503, vec!["7"]));
    let text = "Scheduled maintenance in progress. Please try again later.";
    assert_eq!(answer.json(), json!({"error": {"message": text, "parameters": []}}));
    assert_eq!(executions(&sandbox), 0);
    fault(&sandbox, json!({"fault": "status", "status": 500, "path": raw, "times": 1, "when": "before_reply"}));
    let answer = session.post(&raw, &body);
    assert_eq!((answer.status, executions(&sandbox)), (500, 1));
    assert_eq!(answer.json()["error"]["message"], "Internal error [%s, %s].");
    fault(&sandbox, json!({"fault": "status", "status": 429, "body": "slow down", "path": raw, "times": 1}));
    let answer = session.post(&raw, &body);
    assert_eq!((answer.status, answer.text().as_str()), (429, "slow down"));
    assert_eq!(session.post(&raw, &body).status, 201);
}

#[test]
fn headers_go_wrong() {
    let retry = answer(json!({"fault": "retry_after", "value": ["7", "Wed, 21 Oct 2015 07:28:00 GMT"]}));
    assert_eq!(values(&retry, "Retry-After"), ["7", "Wed, 21 Oct 2015 07:28:00 GMT"]);
    let twice = answer(json!({"fault": "duplicate_header", "value": "text/plain"}));
    assert_eq!(values(&twice, "Content-Type"), ["application/json;charset=UTF-8", "text/plain"]);
    let twice = answer(json!({"fault": "duplicate_header", "name": "Vary"}));
    assert_eq!(values(&twice, "Vary").len(), 2);
    let huge = answer(json!({"fault": "huge_header", "bytes": 100_000}));
    assert_eq!(huge.header("X-GDC-Huge").len(), 100_000);
    let parsed = |answer: &Answer| jiff::fmt::rfc2822::parse(answer.header("Date")).unwrap().timestamp();
    let skewed = parsed(&answer(json!({"fault": "clock_skew", "seconds": -3600})));
    let off = skewed.duration_until(jiff::Timestamp::now()).as_secs();
    assert!((3598..3605).contains(&off), "{off}");
    let elsewhere = answer(json!({"fault": "redirect", "to": "http://other.example/x", "status": 307}));
    assert_eq!((elsewhere.status, elsewhere.header("Location")), (307, "http://other.example/x"));
}

#[test]
fn bodies_go_wrong() {
    let whole = answer(json!({"fault": "clock_skew", "seconds": 0})).body;
    let (bytes, _sandbox) = under(json!({"fault": "truncated_body"}));
    assert!(bytes.ends_with(b"0\r\n\r\n"));
    assert_eq!(parse(&bytes).unwrap().body, whole[..whole.len() / 2]);
    for (by, promised) in [(10, whole.len() + 10), (-10, whole.len() - 10)] {
        let wrong = answer(json!({"fault": "wrong_length", "by": by}));
        assert_eq!(
            (wrong.header("Content-Length"), wrong.header("Transfer-Encoding")),
            (promised.to_string().as_str(), "")
        );
        assert_eq!(wrong.body, whole);
    }
    let (bytes, sandbox) = under(json!({"fault": "missing_final_chunk"}));
    assert!(!bytes.ends_with(b"0\r\n\r\n") && sandbox.ledger()[0].aborted);
    assert_eq!(parse(&bytes).unwrap().body, whole);
    let garbage = answer(json!({"fault": "garbage_json"}));
    assert_eq!((garbage.status, garbage.header("Content-Type")), (200, "application/json;charset=UTF-8"));
    assert!(serde_json::from_slice::<Value>(&garbage.body).is_err());
    let html = answer(json!({"fault": "html"}));
    assert_eq!((html.status, html.header("Content-Type")), (200, "text/html"));
}

#[test]
fn encodings_lie() {
    let inflate = |bytes: &[u8]| {
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain).map(|_| plain)
    };
    let whole = answer(json!({"fault": "clock_skew", "seconds": 0})).body;
    let plain = answer(json!({"fault": "wrong_encoding"}));
    assert_eq!((plain.header("Content-Encoding"), &plain.body), ("gzip", &whole));
    let twice = answer(json!({"fault": "wrong_encoding", "encoding": "double_gzip"}));
    assert_eq!(inflate(&inflate(&twice.body).unwrap()).unwrap(), whole);
    let unknown = answer(json!({"fault": "wrong_encoding", "encoding": "unknown"}));
    assert_eq!(unknown.header("Content-Encoding"), "zstd-sandbox");
    let bomb = answer(json!({"fault": "gzip_bomb", "inflated": 20_000_000}));
    assert_eq!(bomb.header("Content-Encoding"), "gzip");
    assert!(bomb.body.len() < 200_000, "{}", bomb.body.len());
    assert_eq!(inflate(&bomb.body).unwrap().len(), 20_000_000);
}

#[test]
fn time_goes_wrong() {
    let took = |rule: Value| {
        let (begin, (bytes, _sandbox)) = (Instant::now(), under(rule));
        assert!(bytes.ends_with(b"0\r\n\r\n"));
        begin.elapsed()
    };
    for when in ["before_read", "before_reply", "mid_body"] {
        let elapsed = took(json!({"fault": "latency", "ms": 150, "jitter": 10, "when": when}));
        assert!(elapsed >= Duration::from_millis(140), "{when}: {elapsed:?}");
    }
    assert!(took(json!({"fault": "slow_close", "ms": 150})) >= Duration::from_millis(150));
    // Somewhat more than 2000 bytes.
    assert!(took(json!({"fault": "bandwidth", "bytes_per_second": 10_000})) >= Duration::from_millis(150));
    let whole = answer(json!({"fault": "clock_skew", "seconds": 0})).body;
    assert_eq!(answer(json!({"fault": "packets", "bytes": 7})).body, whole);
}

#[test]
fn tokens_die_and_results_change_at_a_word() {
    let sandbox = start(|options| options.rows_per_day = 2);
    let session = Session::open(&sandbox);
    for (report, _) in sandbox.reports().iter().filter(|(id, _)| id != "3035683") {
        let uri = session.execute(report, &json!([]));
        let before = session.get(&uri).text();
        assert_eq!(session.get(&uri).text(), before);
        fault(&sandbox, json!({"fault": "changed_result", "times": 1}));
        let after = session.get(&uri).text();
        assert_ne!(after, before, "{report}");
        assert_eq!(session.get(&uri).text(), after);
    }
    let token = || ask(&sandbox, "GET /gdc/account/token", &[("X-GDC-AuthSST", &session.sst)], "").status;
    fault(&sandbox, json!({"fault": "expire_tt", "times": 1}));
    assert_eq!((session.get("/gdc/md").status, token()), (401, 200));
    let fresh = Session::open(&sandbox);
    fault(&sandbox, json!({"fault": "expire_sst", "times": 1}));
    assert_eq!((fresh.get("/gdc/md").status, token()), (200, 401));
}

#[test]
fn rules_choose_by_path_and_method_and_add_up() {
    let sandbox = start(|_| ());
    fault(&sandbox, json!({"fault": "status", "status": 500, "method": "post", "path": "/gdc/account/*"}));
    fault(&sandbox, json!({"fault": "retry_after", "value": 3, "path": "/gdc/account/login"}));
    let login = ask(&sandbox, "POST //gdc/account/login", &[], "{}");
    assert_eq!((login.status, login.header("Retry-After")), (500, "3"));
    assert_eq!(ask(&sandbox, "GET /gdc/account/token", &[], "").status, 401);
    assert_eq!(sandbox.ledger()[0].fault.as_deref(), Some("status, retry_after"));
    sandbox.clear_faults();
    assert_eq!(ask(&sandbox, "POST /gdc/account/login", &[], "{}").status, 400);
}
