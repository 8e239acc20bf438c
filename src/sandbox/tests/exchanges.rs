//! The recorded exchanges, header by header.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

use serde_json::json;

use super::client::{Session, ask, login_body, parse, records, start};

const COMMON: [&str; 8] = [
    "X-GDC-Log-Header",
    "Content-Type",
    "Server",
    "X-GDC-Request-Time",
    "X-GDC-Request",
    "Vary",
    "Transfer-Encoding",
    "Strict-Transport-Security",
];

#[test]
fn a_login_at_level_2_has_the_recorded_headers_in_order() {
    let sandbox = start(|_| ());
    let answer = ask(&sandbox, "POST /gdc/account/login/", &[("X-GDC-REQUEST", "a:b")], &login_body(&sandbox, 2));
    let mut names = vec!["X-GDC-AuthSST", "X-GDC-AuthTT", "Expires", "Cache-Control", "Pragma", "P3P"];
    names.extend(COMMON);
    names.extend(["Connection", "Date"]);
    assert_eq!((answer.status, answer.names()), (200, names));
    assert_eq!(answer.header("Content-Type"), "application/json;charset=UTF-8");
    assert_eq!(answer.header("Expires"), "Thu, 01 Jan 1970 00:00:00 GMT");
    assert_eq!(answer.header("Cache-Control"), "no-store, no-cache, must-revalidate, max-age=0");
    assert_eq!(answer.header("P3P"), "CP='IDC DSP COR ADM DEVi TAIi PSA PSD IVAi IVDi CONi HIS OUR IND CNT'");
    assert_eq!(answer.header("Vary"), "origin");
    let id = answer.header("X-GDC-Request");
    assert!(id.starts_with("a:b:") && id.len() == 20, "{id}");
    let sst = answer.header("X-GDC-AuthSST");
    assert_eq!(sst.len(), 60);
    let login = &answer.json()["userLogin"];
    assert_eq!(login["token"], sst);
    let profile = login["profile"].as_str().unwrap().strip_prefix("/gdc/account/profile/").unwrap();
    assert_eq!(profile.len(), 32);
    assert_eq!(login["state"], format!("/gdc/account/login/{profile}"));
}

#[test]
fn a_report_is_exported_as_the_blog_shows_it() {
    let sandbox = start(|options| options.raw_202_count = 2);
    let session = Session::open(&sandbox);
    let label = format!("/gdc/md/{}/obj/1001", sandbox.workspace());
    let thirty_days = json!({"type": "interval", "from": "2023-12-01", "to": "2023-12-30"});
    let uri = session.execute("3035643", &json!([{"uri": label, "constraint": thirty_days}]));
    for _ in 0..2 {
        let answer = session.get(&uri);
        assert_eq!((answer.status, answer.header("Refresh")), (202, "1"));
        assert_eq!(answer.json(), json!({"uri": uri}));
    }
    let answer = session.get(&uri);
    assert_eq!((answer.status, answer.header("Content-Type")), (200, "text/csv"));
    let text = answer.text();
    let header = "\"Queue\",\"Date\",\"Interval 15 Minutes\",\"Channel\",\"Direction\",\"Offered Contacts\",\
                  \"Average Handle Time\",\"Abandons\",\"Service Level\",\"Average Speed of Answer\",\"Volume Handled\"\r\n";
    assert!(text.starts_with(header), "{}", &text[..300]);
    assert_eq!(records(&text).len(), 1 + 100_800);
    assert_eq!(sandbox.executions(), 1);
}

#[test]
fn the_one_number_report_has_the_bytes_of_the_recorded_sample() {
    let sandbox = start(|_| ());
    let session = Session::open(&sandbox);
    let answer = session.get(&session.execute("3035673", &json!([])));
    assert_eq!(answer.status, 200);
    let names: Vec<_> = answer.names().into_iter().filter(|name| *name != "Connection").collect();
    assert_eq!(
        names,
        [
            "Content-Type",
            "Content-Disposition",
            "Cache-Control",
            "Pragma",
            "Keep-Alive",
            "X-GDC-Log-Header",
            "Server",
            "X-GDC-Request-Time",
            "X-GDC-Request",
            "Vary",
            "Transfer-Encoding",
            "Strict-Transport-Security",
            "Date",
        ]
    );
    assert_eq!(
        answer.header("Content-Disposition"),
        "attachment; filename=\"Total_Talk_Time.csv\"; filename*=UTF-8''Total%20Talk%20Time.csv"
    );
    assert_eq!((answer.header("Cache-Control"), answer.header("Pragma")), ("private", ""));
    let text = answer.text();
    let number = text.strip_prefix("\"Total Talk Time\"\r\n\"").unwrap().strip_suffix("\"\r\n").unwrap();
    let (whole, decimals) = number.split_once('.').unwrap();
    assert!(whole.parse::<u64>().unwrap() > 0 && decimals.len() == 2, "{number}");
}

#[test]
fn a_wrong_password_gets_the_bare_object() {
    let sandbox = start(|_| ());
    let body = r#"{"postUserLogin":{"login":"u@example.com","password":"x","remember":0,"verify_level":2}}"#;
    let answer = ask(&sandbox, "POST /gdc/account/login", &[], body);
    assert_eq!(answer.status, 401);
    assert_eq!(answer.header("WWW-Authenticate"), "GoodData realm=\"GoodData API\"");
    assert_eq!(answer.header("Cache-Control"), "no-cache, no-store, must-revalidate");
    assert_eq!(answer.header("Content-Type"), "application/json;charset=UTF-8");
    assert_eq!(answer.text(), r#"{"component":"Webapp","message":"Bad Login or Password!","parameters":[]}"#);
}

#[test]
fn a_token_answer_has_its_own_content_type() {
    let sandbox = start(|_| ());
    let session = Session::open(&sandbox);
    let headers = [("X-GDC-AuthSST", session.sst.as_str()), ("X-GDC-AuthTT", "stale")];
    let answer = ask(&sandbox, "GET /gdc/account/token", &headers, "{}");
    assert_eq!((answer.status, answer.header("Content-Type")), (200, "application/json"));
    assert_eq!(&answer.names()[..5], ["X-GDC-AuthTT", "Expires", "Cache-Control", "Pragma", "P3P"]);
    let tt = answer.header("X-GDC-AuthTT");
    assert_eq!(answer.text(), format!("{{\"userToken\":{{\"token\":\"{tt}\"}}}}"));
    assert_ne!(tt, session.tt);
    // Both are valid.
    for tt in [tt, &session.tt] {
        assert_eq!(ask(&sandbox, "GET /gdc/md", &[("X-GDC-AuthTT", tt)], "").status, 200);
    }
}

#[test]
fn a_dead_temporary_token_is_challenged_as_recorded() {
    let sandbox = start(|_| ());
    let session = Session::open(&sandbox);
    sandbox.advance(Duration::from_secs(599));
    assert_eq!(session.get("/gdc/md").status, 200);
    sandbox.advance(Duration::from_secs(2));
    let answer = ask(&sandbox, "GET /gdc/md", &[("X-GDC-AuthTT", &session.tt), ("X-GDC-VERSION", "2")], "");
    assert_eq!(answer.status, 401);
    assert_eq!(&answer.names()[..6], ["WWW-Authenticate", "Expires", "Cache-Control", "Pragma", "P3P", "Set-Cookie"]);
    assert_eq!(answer.header("WWW-Authenticate"), "GoodData realm=\"GoodData API\" cookie=GDCAuthTT");
    assert_eq!(answer.header("Content-Type"), "application/json; charset=utf-8");
    assert_eq!(answer.header("Vary"), "origin");
    let cookie = answer.header("Set-Cookie");
    assert!(cookie.starts_with("GDCAuthTT=; Max-Age=0; Expires="), "{cookie}");
    assert!(cookie.ends_with("; Path=/gdc; Domain=127.0.0.1; HTTPOnly; SameSite=None"), "{cookie}");
    let expected = "{\n    \"error\": {\n        \"code\": 401,\n        \"message\": \"Authorization Required\",\n        \
                    \"description\": \"This server could not verify that you are authorized to access the document \
                    requested. Either you supplied the wrong credentials (e.g., bad password), or your browser doesn't \
                    understand how to supply the credentials required\",\n        \"links\": {\n            \
                    \"documentation\": \"https://help.gooddata.com/display/developer/API+Reference#/reference/\
                    authentication/log-in\"\n        }\n    }\n}\n";
    assert_eq!(answer.text(), expected);
}

#[test]
fn a_dead_super_secured_token_is_challenged_as_recorded() {
    let sandbox = start(|_| ());
    for headers in [vec![], vec![("X-GDC-AuthSST", "garbage")]] {
        let answer = ask(&sandbox, "GET /gdc/account/token", &headers, "");
        assert_eq!((answer.status, answer.header("Content-Type"), answer.text().as_str()), (401, "", ""));
        assert_eq!(
            answer.header("WWW-Authenticate"),
            "GoodData realm=\"GoodData API\" cookie=GDCAuthSST location=/gdc/account/login"
        );
        let cookie = "GDCAuthSST=\"\"; Expires=Thu, 01-Jan-1970 00:00:10 GMT; Path=/gdc/account";
        assert_eq!(answer.header("Set-Cookie"), cookie);
        assert_eq!(answer.header("Cache-Control"), "no-cache, no-store, must-revalidate");
        assert_eq!(answer.header("Transfer-Encoding"), "chunked");
    }
}

#[test]
fn a_malformed_identifier_gets_the_recorded_400() {
    let sandbox = start(|_| ());
    let session = Session::open(&sandbox);
    let path = format!("POST /gdc/md/{}/identifiers", sandbox.workspace());
    let headers = [("X-GDC-AuthTT", session.tt.as_str()), ("X-GDC-REQUEST", "me:1")];
    let answer = ask(&sandbox, &path, &headers, r#"{"identifierToUri":["-1"]}"#);
    assert_eq!(answer.status, 400);
    assert_eq!(&answer.names()[..3], ["Expires", "Cache-Control", "Pragma"]);
    assert_eq!(answer.header("Expires"), "Mon, 26 Jul 1997 05:00:00 GMT");
    let error = &answer.json()["error"];
    assert_eq!(
        error["parameters"],
        json!([
            "identifierToUri",
            "STRUCTURE INVALID - name of structure:'IdentifierToUri'(tag:identifierToUri),  \
             /identifierToUri/<list:1>/Identifier: STRING|(?^:^[a-zA-Z0-9_\\.]{1,255}$)| does not match with value '-1'"
        ])
    );
    assert_eq!((&error["component"], &error["message"]), (&json!("Apache::REST"), &json!("Checking '%s', result %s")));
    assert_eq!(error["errorClass"], "GDC::Exception::User");
    let id = error["requestId"].as_str().unwrap();
    let lengths: Vec<_> = id.split(':').map(str::len).collect();
    assert!(id.starts_with(&format!("{}:", answer.header("X-GDC-Request"))), "{id}");
    assert_eq!(lengths, [2, 1, 16, 16, 16]);
}

#[test]
fn an_execution_gives_its_address_twice_and_packs_the_columns_into_it() {
    use base64::Engine as _;
    use std::io::Read as _;
    let sandbox = start(|_| ());
    let session = Session::open(&sandbox);
    let ws = sandbox.workspace();
    for prefix in ["/gdc/app/projects", "/gdc/projects", "//gdc/app/projects"] {
        let body = json!({"report_req": {"reportDefinition": format!("/gdc/md/{ws}/obj/3035672")}});
        let answer = session.post(&format!("{prefix}/{ws}/execute/raw/"), &body);
        assert_eq!((answer.status, answer.header("Content-Type")), (201, "application/json;charset=UTF-8"));
        let uri = answer.header("Location");
        assert_eq!(answer.text(), format!("{{\"uri\":\"{uri}\"}}"));
        let rest = uri.strip_prefix(&format!("/gdc/projects/{ws}/execute/raw/")).unwrap();
        let (id, query) = rest.split_once("?c=").unwrap();
        let (c, q) = query.split_once("&q=").unwrap();
        assert_eq!((id.len(), c.len()), (40, 32));
        assert!(q.ends_with("%0A") && !q.contains(['+', '/', '=']), "{q}");
        let decoded = percent_encoding::percent_decode_str(q).decode_utf8().unwrap().replace('\n', "");
        let packed = base64::prelude::BASE64_STANDARD.decode(decoded).unwrap();
        assert_eq!(packed[..2], [0x78, 0x01]);
        let mut text = String::new();
        flate2::read::ZlibDecoder::new(&packed[..]).read_to_string(&mut text).unwrap();
        let expected = r#"{"title":"Total Talk Time","metrics":[{"name":"Total Talk Time","id":"1"}],"attributes":[]}"#;
        assert_eq!(text, expected);
    }
    // Decoded `q` and `c` count, in any order and any escaping; a slash too many is tolerated.
    let uri = session.execute("3035673", &json!([]));
    let (path, query) = uri.split_once('?').unwrap();
    let (c, q) = query.split_once('&').unwrap();
    let plain = q.replace("%2F", "/").replace("%3D", "=");
    assert_eq!(session.get(&format!("/{path}?{plain}&{c}")).status, 200);
    assert_eq!(session.get(&format!("{path}?{q}x&{c}")).status, 400);
    assert_eq!(session.get(path).status, 400);
}

#[test]
fn errors_come_in_their_families() {
    let sandbox = start(|_| ());
    let session = Session::open(&sandbox);
    let ws = sandbox.workspace();
    let missing = session.get(&format!("/gdc/md/{ws}/obj/294"));
    assert_eq!(missing.status, 404);
    let error = &missing.json()["error"];
    assert_eq!((&error["message"], &error["parameters"]), (&json!("Object ID %s not found"), &json!(["294"])));
    assert_eq!(error["component"], "Resource::Obj::Service");
    assert_eq!(error["errorClass"], "GDC::Exception::NotFound");

    let nowhere = session.get(&format!("/gdc/md/{ws}/doesnotexist"));
    assert_eq!((nowhere.status, &nowhere.json()["error"]["message"]), (404, &json!("Name %s doesn't exist.")));
    assert_eq!(session.get("/elsewhere").status, 404);
    assert_eq!(ask(&sandbox, "PUT /gdc/account/login", &[], "").status, 405);

    let foreign = session.get("/gdc/md/zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz/query/reports");
    assert_eq!(foreign.status, 403);
    let error = &foreign.json()["error"];
    let keys: Vec<_> = error.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["errorClass", "trace", "message", "component", "errorId", "errorCode", "parameters"]);
    assert_eq!(error["errorCode"], "gdc.security.authorization");

    let body = json!({"report_req": {"report": format!("/gdc/md/{ws}/obj/1001")}});
    assert_eq!(session.post(&format!("/gdc/app/projects/{ws}/execute/raw"), &body).status, 404);
    assert_eq!(session.get(&format!("/gdc/projects/{ws}/execute/raw/abc")).status, 410);
}

#[test]
fn an_idle_connection_is_closed_when_it_was_announced() {
    let sandbox = start(|options| options.keep_alive = 1);
    let tt = Session::open(&sandbox).tt;
    let mut socket = TcpStream::connect(sandbox.url().trim_start_matches("http://")).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let request = format!("GET /gdc/md HTTP/1.1\r\nHost: h\r\nX-GDC-AuthTT: {tt}\r\n\r\n");
    socket.write_all(request.as_bytes()).unwrap();
    let began = Instant::now();
    let mut all = Vec::new();
    socket.read_to_end(&mut all).unwrap();
    let answer = parse(&all).unwrap();
    assert_eq!((answer.status, answer.header("Keep-Alive")), (200, "timeout=1, max=99"));
    assert!((900..5_000).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
}
