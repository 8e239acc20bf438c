//! P11: `Retry-After` in every form is kept to. How each is read is tested beside the code; here on the wire.

use serde_json::json;

use crate::stage::{IDENTIFIERS, Stage};

#[tokio::test]
async fn the_pause_is_what_the_service_asks_for() {
    // Without a time that can be read the pause is our own: at most half a second before the second send.
    let past = "Sun, 06 Nov 1994 08:49:37 GMT";
    for (value, least, most) in [
        (json!("7"), 7.0, 8.0),
        (json!("0"), 0.0, 1.0),
        (json!("120"), 120.0, 121.0),
        (json!(past), 0.0, 1.0),
        (json!(["3", "30"]), 30.0, 31.0),
        (json!(["soon", "9"]), 9.0, 10.0),
        (json!("-5"), 0.0, 1.0),
        (json!("1.5"), 0.0, 1.0),
        (json!("soon"), 0.0, 1.0),
        (json!(""), 0.0, 1.0),
    ] {
        for status in [429, 503] {
            let stage = Stage::new();
            stage.client.login(&stage.call()).await.unwrap();
            let rule =
                json!({"fault": "status", "status": status, "retry_after": value, "path": IDENTIFIERS, "times": 1});
            stage.fault(rule);
            let before = stage.clock.now();
            stage.ask(&stage.call()).await.unwrap();
            let waited = stage.clock.now().since(before).as_secs_f64();
            assert!((least..most).contains(&waited), "{status} {value}: {waited}");
            assert_eq!(stage.sent("POST", IDENTIFIERS), 2);
        }
    }
}

#[tokio::test]
async fn a_date_is_measured_from_now() {
    let stage = Stage::new();
    stage.client.login(&stage.call()).await.unwrap();
    let soon = stage.clock.timestamp() + jiff::SignedDuration::from_secs(60);
    let date = soon.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    stage.fault(json!({"fault": "status", "status": 503, "retry_after": date, "path": IDENTIFIERS, "times": 1}));
    let before = stage.clock.now();
    stage.ask(&stage.call()).await.unwrap();
    let waited = stage.clock.now().since(before).as_secs_f64();
    assert!((57.0..61.0).contains(&waited), "{waited}");
}

#[tokio::test]
async fn hours_of_silence_are_the_callers_to_decide() {
    for (value, seconds) in [("121", 121), ("99999999999999999999999999", 86_400)] {
        let stage = Stage::new();
        stage.fault(json!({"fault": "status", "status": 429, "retry_after": value, "path": IDENTIFIERS}));
        let error = stage.ask(&stage.call()).await.unwrap_err();
        let insightframe::error::Kind::Api(reply) = error.kind() else { panic!("{error:?}") };
        assert_eq!((error.code(), reply.retry_after.map(|wait| wait.as_secs())), ("RateLimited", Some(seconds)));
        assert_eq!(stage.sent("POST", IDENTIFIERS), 1);
    }
}
