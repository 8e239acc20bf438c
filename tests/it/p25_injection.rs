//! P25: header and cookie injection is impossible, by whatever the service sends as a token.

use insightframe::{insights::AuthMode, sandbox::options::Level0Cookies};
use serde_json::json;

use crate::stage::{LOGIN, Stage, TOKEN};

/// What could end a header or a cookie, or change what it means.
const EVIL: [&str; 11] =
    ["a\r\nX-Evil: 1", "a\nX-Evil: 1", "a\rb", "a\0b", "a;b=c", "a,b", "a b", " ", "a\tb", "\u{e9}", "a\u{7f}b"];

#[tokio::test]
async fn a_token_that_could_end_a_header_is_never_sent() {
    for token in EVIL {
        // As a super-secured token, in the answer to a login.
        let stage = Stage::new();
        let id = "0123456789abcdef0123456789abcdef";
        let user = json!({
            "profile": format!("/gdc/account/profile/{id}"), "state": format!("/gdc/account/login/{id}"), "token": token,
        });
        let body = json!({"userLogin": user}).to_string();
        stage.fault(json!({"fault": "status", "status": 200, "body": body, "path": LOGIN}));
        assert_eq!(stage.ask(&stage.call()).await.unwrap_err().code(), "SessionLost", "{token:?}");
        assert_eq!(stage.sandbox.ledger().len(), 1, "{token:?}");

        // As a temporary one, in the answer to a refresh.
        let stage = Stage::new();
        stage.client.login(&stage.call()).await.unwrap();
        stage.sandbox.advance(std::time::Duration::from_secs(700));
        let body = json!({"userToken": {"token": token}}).to_string();
        stage.fault(json!({"fault": "status", "status": 200, "body": body, "path": TOKEN}));
        let error = stage.ask(&stage.call()).await.unwrap_err();
        assert_eq!(error.code(), "SessionLost", "{token:?}");
        assert_eq!((stage.sandbox.ledger().len(), stage.account()), (2, (1, 1, 0)), "{token:?}");
    }
}

#[tokio::test]
async fn a_cookie_that_could_carry_another_is_never_sent() {
    for (path, name) in [(LOGIN, "GDCAuthSST"), (LOGIN, "GDCAuthTT"), (TOKEN, "GDCAuthTT")] {
        for value in ["a,b", "a b", "a\"b", "a=b c", "a\u{9}b"] {
            // The old service clears the temporary token's cookie first, so that ours is the last word about it.
            let old = (path, name) == (LOGIN, "GDCAuthTT");
            let cookies = if old { Level0Cookies::Old } else { Level0Cookies::Modern };
            let stage = Stage::with(|served| served.level0_cookies = cookies, |asked| asked.auth = AuthMode::Cookie);
            if path == TOKEN {
                stage.client.login(&stage.call()).await.unwrap();
                stage.sandbox.advance(std::time::Duration::from_secs(700));
            }
            let cookie = format!("{name}={value}; Path=/gdc");
            stage.fault(json!({"fault": "duplicate_header", "name": "Set-Cookie", "value": cookie, "path": path}));
            // The super-secured token is needed when the temporary one has died.
            if name == "GDCAuthSST" {
                stage.ask(&stage.call()).await.unwrap();
                stage.sandbox.advance(std::time::Duration::from_secs(700));
            }
            let (before, tokens) = (stage.sandbox.ledger().len(), stage.sent("GET", TOKEN));
            let error = stage.ask(&stage.call()).await.unwrap_err();
            assert_eq!(error.code(), "SessionLost", "{path} {cookie}: {error}");
            // Nothing but the answer that brought it was asked for.
            let fetches = usize::from(name == "GDCAuthTT");
            assert_eq!(stage.sandbox.ledger().len(), before + fetches, "{path} {cookie}");
            assert_eq!(stage.sent("GET", TOKEN), tokens + usize::from(path == TOKEN), "{path} {cookie}");
        }
    }
}

#[tokio::test]
async fn a_name_and_a_password_of_any_characters_travel_as_they_are() {
    for (name, password) in [("a\r\nX-Evil: 1@example.com", "p\r\n\0\u{1f512}\"\\"), ("é@example.com", ";,= ")] {
        let stage = Stage::with(|served| (served.username, served.password) = (name.into(), password.into()), |_| ());
        stage.ask(&stage.call()).await.unwrap();
        assert!(stage.sandbox.ledger().iter().all(|entry| entry.headers.iter().all(|(name, _)| name != "x-evil")));
    }
}
