//! The recorded exchanges, header by header.

use serde_json::json;

use super::client::{Session, ask, login_body, records, start};

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
