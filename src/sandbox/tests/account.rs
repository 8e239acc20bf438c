//! Login in its variants, lockout, logout, profile.

use std::time::Duration;

use serde_json::json;

use super::client::{Answer, Session, ask, login_body, start};
use crate::sandbox::{
    Rule, Sandbox,
    options::{Body429, Body503, Level0Cookies, Lockout, PingBody, TokenCookieBody},
};

fn login(sandbox: &Sandbox, password: &str) -> Answer {
    let body = json!({"postUserLogin": {"login": sandbox.username(), "password": password, "verify_level": 2}});
    ask(sandbox, "POST /gdc/account/login", &[], &body.to_string())
}

fn cookies(answer: &Answer) -> Vec<&str> {
    answer.headers.iter().filter(|(name, _)| name == "Set-Cookie").map(|(_, value)| value.as_str()).collect()
}

/// `name=value` of a cookie.
fn pair(cookie: &str) -> &str {
    cookie.split(';').next().unwrap()
}

#[test]
fn level_0_lives_by_cookies() {
    let sandbox = start(|options| options.secure_cookies = Some(true));
    let answer = ask(&sandbox, "POST /gdc/account/login", &[], &login_body(&sandbox, 0));
    assert!(answer.json()["userLogin"].get("token").is_none());
    assert!(!answer.names().contains(&"X-GDC-AuthSST"));
    let [sst, tt] = cookies(&answer)[..] else { panic!("{answer:?}") };
    assert!(sst.starts_with("GDCAuthSST=") && sst.ends_with("; Path=/gdc/account; Secure; HTTPOnly; SameSite=None"));
    assert!(tt.starts_with("GDCAuthTT=") && tt.ends_with("; Path=/gdc; Secure; HTTPOnly; SameSite=None"), "{tt}");
    assert_eq!(ask(&sandbox, "GET /gdc/md", &[("Cookie", pair(tt))], "").status, 200);
    // The header isn't looked at.
    let token = pair(tt).strip_prefix("GDCAuthTT=").unwrap();
    assert_eq!(ask(&sandbox, "GET /gdc/md", &[("X-GDC-AuthTT", token)], "").status, 401);

    let answer = ask(&sandbox, "GET /gdc/account/token", &[("Cookie", pair(sst))], "");
    assert_eq!((answer.status, answer.text().as_str()), (200, "{\"userToken\":{}}"));
    assert!(!answer.names().contains(&"X-GDC-AuthTT"));
    let [tt] = cookies(&answer)[..] else { panic!("{answer:?}") };
    assert!(tt.ends_with("; path=/gdc; secure; HttpOnly"), "{tt}");
    assert_eq!(ask(&sandbox, "GET /gdc/md", &[("Cookie", pair(tt))], "").status, 200);
}

#[test]
fn level_1_wants_header_and_cookie() {
    let sandbox = start(|_| ());
    let answer = ask(&sandbox, "POST /gdc/account/login", &[], &login_body(&sandbox, 1));
    let (tt, cookie) = (answer.header("X-GDC-AuthTT"), pair(cookies(&answer)[1]));
    let status = |headers: &[(&str, &str)]| ask(&sandbox, "GET /gdc/md", headers, "").status;
    assert_eq!(status(&[("X-GDC-AuthTT", tt)]), 401);
    assert_eq!(status(&[("Cookie", cookie)]), 401);
    assert_eq!(status(&[("Cookie", cookie), ("X-GDC-AuthTT", tt)]), 200);
}

#[test]
fn a_level_2_token_is_accepted_in_the_ways_that_clients_send_it() {
    let sandbox = start(|_| ());
    let Session { tt, sst, .. } = Session::open(&sandbox);
    for headers in [
        vec![("X-GDC-AuthTT", tt.clone())],
        vec![("Cookie", format!("GDCAuthTT={tt}; path=/gdc; secure; HttpOnly"))],
        vec![("Cookie", format!("{{{tt}}}; path=/gdc; secure; HttpOnly"))],
        vec![("Cookie", "GDCAuthTT=".to_owned()), ("X-GDC-AuthTT", tt.clone())],
        vec![("Cookie", format!("GDCAuthTT={tt}")), ("X-GDC-AuthTT", String::new())],
        vec![("Cookie", format!("GDCAuthTT={tt}")), ("X-GDC-AuthTT", tt.clone())],
        vec![("X-GDC-AuthTT", tt.clone()), ("Accept", "json, zip".to_owned()), ("Dont-Reauth", "1".to_owned())],
    ] {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(ask(&sandbox, "GET /gdc/md", &headers, "{}").status, 200, "{headers:?}");
    }
    let cookie = format!("GDCAuthSST={sst}");
    assert_eq!(ask(&sandbox, "GET /gdc/account/token", &[("Cookie", &cookie)], "").status, 200);
}

#[test]
fn the_old_cookies_clear_the_temporary_token() {
    let sandbox = start(|options| {
        options.level0_cookies = Level0Cookies::Old;
        options.token_cookie_body = TokenCookieBody::Empty;
    });
    let body = login_body(&sandbox, 0).replace("\"remember\":0", "\"remember\":\"1\"");
    let answer = ask(&sandbox, "POST /gdc/account/login", &[], &body);
    let [tt, sst] = cookies(&answer)[..] else { panic!("{answer:?}") };
    assert!(tt.starts_with("GDCAuthTT=; path=/gdc; expires="), "{tt}");
    assert!(sst.contains("; path=/gdc/account; expires=") && pair(sst).len() == "GDCAuthSST=".len() + 16, "{sst}");
    let answer = ask(&sandbox, "GET /gdc/account/token", &[("Cookie", pair(sst))], "");
    assert_eq!((answer.status, answer.text().as_str()), (200, ""));
    assert_eq!(ask(&sandbox, "GET /gdc/md", &[("Cookie", pair(cookies(&answer)[0]))], "").status, 200);
}

#[test]
fn odd_logins_are_tolerated_and_broken_ones_are_not() {
    let sandbox = start(|_| ());
    let (user, password) = (sandbox.username(), sandbox.password());
    for (extra, status) in [
        (json!({"remember": "0", "captcha": "", "verifyCaptcha": ""}), 200),
        (json!({"remember": true, "verify_level": "2"}), 200),
        (json!({"verify_level": 7}), 400),
    ] {
        let mut fields = json!({"login": user, "password": password});
        fields.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let body = json!({"postUserLogin": fields}).to_string();
        assert_eq!(ask(&sandbox, "POST /gdc/account/login", &[("X-GDC-AuthTT", "")], &body).status, status, "{extra}");
    }
    for body in ["", "{", "[]", r#"{"postUserLogin":{"login":"a"}}"#] {
        assert_eq!(ask(&sandbox, "POST /gdc/account/login", &[], body).status, 400, "{body}");
    }
}

#[test]
fn too_many_failures_lock_everybody_out_for_a_while() {
    let sandbox = start(|_| ());
    for _ in 0..6 {
        assert_eq!(login(&sandbox, "wrong").status, 401);
    }
    let answer = login(&sandbox, sandbox.password());
    assert_eq!((answer.status, answer.header("Retry-After"), answer.text().as_str()), (429, "60", ""));
    sandbox.advance(Duration::from_secs(61));
    assert_eq!(login(&sandbox, sandbox.password()).status, 200);
    // Failures count within the window only.
    for _ in 0..12 {
        assert_eq!(login(&sandbox, "wrong").status, 401);
        sandbox.advance(Duration::from_secs(150));
    }
}

#[test]
fn lockout_and_captcha_follow_their_switches() {
    for (body, expected) in [
        (Body429::BareJson, "{\"component\":\"Webapp\""),
        (Body429::Envelope, "{\"error\":{"),
        (Body429::Html, "<!DOCTYPE HTML"),
    ] {
        let sandbox = start(|options| {
            options.login_lockout = Lockout { tries: 1, window: 10, retry_after: 7 };
            options.login_429_body = body;
        });
        assert_eq!(login(&sandbox, "wrong").status, 401);
        let answer = login(&sandbox, "wrong");
        assert_eq!((answer.status, answer.header("Retry-After")), (429, "7"));
        assert!(answer.text().starts_with(expected), "{answer:?}");
    }
    let sandbox = start(|options| options.captcha_after_failures = Some(2));
    for message in ["Bad Login or Password!", "Bad Login or Password!"] {
        assert_eq!(login(&sandbox, "wrong").json()["message"], message);
    }
    let answer = login(&sandbox, sandbox.password());
    let message = "Login needs security code verification due to failed login attempts.";
    assert_eq!((answer.status, &answer.json()["message"]), (401, &json!(message)));
}

#[test]
fn logout_kills_both_tokens() {
    let sandbox = start(|_| ());
    let session = Session::open(&sandbox);
    let state = session.get("/gdc/account/profile/current").header("Location").replace("profile", "login");
    let tokens = [("X-GDC-AuthSST", session.sst.as_str()), ("X-GDC-AuthTT", session.tt.as_str())];
    let unknown = ask(&sandbox, "DELETE /gdc/account/login/404", &tokens, "");
    assert_eq!((unknown.status, &unknown.json()["error"]["parameters"]), (404, &json!(["404"])));

    let answer = ask(&sandbox, &format!("DELETE {state}"), &tokens, "{}");
    assert_eq!((answer.status, answer.header("Content-Type"), answer.text().as_str()), (204, "", ""));
    assert!(!answer.names().contains(&"Transfer-Encoding"));
    let again = ask(&sandbox, &format!("DELETE {state}"), &tokens, "");
    assert!(again.header("WWW-Authenticate").ends_with("cookie=GDCAuthTT"));
    assert_eq!(ask(&sandbox, "GET /gdc/account/token", &tokens[..1], "").status, 401);
    assert_eq!(session.get("/gdc/md").status, 401);
}

#[test]
fn the_profile_leads_to_the_workspaces_and_can_be_deleted() {
    let sandbox = start(|_| ());
    let session = Session::open(&sandbox);
    let current = session.get("/gdc/account/profile/current");
    assert_eq!((current.status, current.text().as_str()), (307, ""));
    let own = current.header("Location");
    let profile = session.get(own).json();
    assert_eq!(profile["accountSetting"]["login"], sandbox.username());
    let bootstrap = session.get("/gdc/app/account/bootstrap").json();
    assert_eq!(bootstrap["bootstrapResource"]["accountSetting"]["links"]["self"], own);

    let page = session.get(&format!("{own}/projects?limit=1&offset=0")).json();
    let paging = &page["projects"]["paging"];
    assert_eq!((&paging["count"], &paging["totalCount"]), (&json!(1), &json!(2)));
    let next = session.get(paging["next"].as_str().unwrap()).json();
    let item = &next["projects"]["items"][0]["project"];
    assert_eq!(item["links"]["metadata"], format!("/gdc/md/{}", sandbox.workspaces()[1]));
    assert!(next["projects"]["paging"].get("next").is_none());
    let alone = session.get(item["links"]["self"].as_str().unwrap()).json();
    assert_eq!(&alone["project"], item);

    let delete = |path: &str| ask(&sandbox, &format!("DELETE {path}"), &[("X-GDC-AuthTT", &session.tt)], "").status;
    assert_eq!(delete("/gdc/account/profile/0123"), 403);
    assert_eq!(delete(own), 204);
    assert_eq!(login(&sandbox, sandbox.password()).status, 401);
}

#[test]
fn tokens_live_as_long_as_the_switches_say() {
    let day = Duration::from_secs(86_400);
    for (days, survives) in [(14, true), (7, false)] {
        let sandbox = start(|options| {
            options.sst_lifetime = days;
            options.old_tt_survives_refresh = survives;
        });
        let session = Session::open(&sandbox);
        let token = || ask(&sandbox, "GET /gdc/account/token", &[("X-GDC-AuthSST", &session.sst)], "").status;
        assert_eq!(token(), 200);
        assert_eq!(session.get("/gdc/md").status == 200, survives);
        sandbox.advance(day * days as u32 - Duration::from_secs(60));
        assert_eq!(token(), 200);
        sandbox.advance(Duration::from_secs(61));
        assert_eq!(token(), 401);
    }
}

#[test]
fn the_remaining_switches_change_what_they_name() {
    let sandbox = start(|options| {
        options.profile_delete_status = 200;
        options.ping_body = PingBody::Json;
        options.strict_request_headers = true;
    });
    let usual = [("Accept", "application/json"), ("Content-Type", "application/json"), ("User-Agent", "test")];
    assert_eq!(ask(&sandbox, "GET /gdc/ping", &usual, "").json(), json!({"ping": "ok"}));
    let missing = ask(&sandbox, "GET /gdc/ping", &usual[..2], "");
    assert_eq!((missing.status, &missing.json()["error"]["parameters"][0]), (400, &json!("user-agent")));
    let login = ask(&sandbox, "POST /gdc/account/login", &usual, &login_body(&sandbox, 2));
    let own = login.json()["userLogin"]["profile"].as_str().unwrap().to_owned();
    let headers = [&usual[..], &[("X-GDC-AuthTT", login.header("X-GDC-AuthTT"))]].concat();
    let gone = ask(&sandbox, &format!("DELETE {own}"), &headers, "");
    assert_eq!((gone.status, gone.header("Content-Type"), gone.header("Transfer-Encoding")), (200, "", "chunked"));

    for (body_503, expected) in [(Body503::Envelope, "{\"error\""), (Body503::Html, "<!DOCTYPE"), (Body503::Empty, "")]
    {
        let sandbox = start(|options| options.body_503 = body_503);
        sandbox.fault(Rule::from_json(json!({"fault": "status", "status": 503})).unwrap());
        let answer = ask(&sandbox, "GET /gdc", &[], "");
        assert_eq!((answer.status, answer.header("Retry-After")), (503, "60"));
        assert!(answer.text().starts_with(expected) && answer.text().is_empty() == expected.is_empty());
    }
}
