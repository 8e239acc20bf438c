//! What the sandbox can be told about points that no public source establishes, as a client other than ours meets it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use insightframe::sandbox::Sandbox;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::sandbox;

/// Status, head and body of a plain request.
pub(crate) async fn exchange(sandbox: &Sandbox, line: &str, headers: &[&str], body: &str) -> (u16, String, String) {
    let mut socket = tokio::net::TcpStream::connect(sandbox.url().trim_start_matches("http://")).await.unwrap();
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let request = format!("{line} HTTP/1.0\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len());
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    socket.read_to_string(&mut text).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    assert!(!head.contains("GoodData"), "{head}");
    (status, head.to_owned(), body.to_owned())
}

fn basic(user: &str, password: &str) -> String {
    format!("Authorization: Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

#[tokio::test]
async fn flex_instances_answers_odd_clients_as_it_is_told() {
    let create = "POST /v2/Instances";
    let body = r#"{"conversations":{"default":true}}"#;
    let other = format!("GO{}", "0".repeat(32));
    for (switches, line, sent, status, code) in [
        (json!({}), create.to_owned(), body, 201, 0),
        (json!({}), create.into(), "", 201, 0),
        (json!({"instances_empty_body": "bad_request"}), create.into(), "{}", 400, 45004),
        (json!({}), create.into(), "{", 400, 45004),
        (json!({}), create.into(), r#"{"conversations":{"default":"yes"}}"#, 400, 45004),
        (json!({}), create.into(), r#"{"Conversation":{"Default":true}}"#, 400, 45004),
        (
            json!({"instances_v1_body_spelling": "accept"}),
            create.into(),
            r#"{"Conversation":{"Default":true}}"#,
            201,
            0,
        ),
        (json!({"instances_installed": true}), create.into(), body, 409, 45202),
        (json!({}), "GET /v2/Instances".into(), "", 405, 20004),
        (json!({"instances_list_instances": 404}), "GET /v2/Instances".into(), "", 404, 20404),
        (json!({"instances_list_instances": 200}), "GET /v2/Instances".into(), "", 200, 0),
        (json!({}), format!("GET /v2/Instances/{other}"), "", 404, 20404),
        (json!({"instances_unknown_instance": "flex"}), format!("GET /v2/Instances/{other}"), "", 404, 45006),
        (json!({}), "GET /v2/Instances/GO1".into(), "", 404, 20404),
        (json!({"instances_malformed_sid": "bad_request"}), "GET /v2/Instances/GO1".into(), "", 400, 45004),
        (json!({}), format!("DELETE /v2/Instances/{other}"), "", 405, 20004),
        (json!({"instances_delete_instance": 204}), format!("DELETE /v2/Instances/{other}"), "", 404, 20404),
        (json!({}), "PUT /v1/Configuration".into(), "", 405, 20004),
        (json!({}), "GET /v1/instances".into(), "", 404, 20404),
        (json!({}), "GET /v1/Configuration".into(), "", 404, 20404),
    ] {
        let sandbox = sandbox(switches.clone());
        let own = &sandbox.options().instances;
        let account = format!("I-Twilio-Auth-Account: {}", own.account_sid);
        let (user, secret) = (basic(&own.api_key, &own.api_secret), "Content-Type: application/json");
        let found = exchange(&sandbox, &line, &[&user, &account, secret], sent).await;
        assert_eq!(found.0, status, "{switches} {line}: {found:?}");
        let answer: Value = serde_json::from_str(&found.2).unwrap();
        assert_eq!(answer["code"].as_u64().unwrap_or(0), code, "{switches} {line}: {answer}");
        assert!(found.1.contains("Twilio-Request-Id: RQ"), "{}", found.1);
        if code > 0 {
            assert_eq!(answer["more_info"], format!("https://www.twilio.com/docs/errors/{code}"));
        }
    }
}

#[tokio::test]
async fn flex_instances_looks_at_credentials_hosts_and_forms() {
    for (switches, by_key, account, more, status) in [
        (json!({}), true, true, "", 404),
        (json!({}), true, false, "", 401),
        (json!({}), false, false, "", 404),
        (json!({"instances_missing_account_header": "accept"}), true, false, "", 404),
        (json!({"instances_missing_account_header": "bad_request"}), false, false, "", 400),
        (json!({"instances_missing_account_header": "unauthorized"}), false, false, "", 401),
        (json!({}), true, false, "I-Twilio-Auth-Account: AC1", 403),
        (json!({"instances_account_header_mismatch": 401}), true, false, "I-Twilio-Auth-Account: AC1", 401),
        (json!({"instances_concurrency_limit": {"requests": 0, "retry_after": 3}}), true, true, "", 429),
    ] {
        let sandbox = sandbox(switches.clone());
        let own = &sandbox.options().instances;
        let user = if by_key { basic(&own.api_key, &own.api_secret) } else { basic(&own.account_sid, &own.auth_token) };
        let account = if account { format!("I-Twilio-Auth-Account: {}", own.account_sid) } else { "X-None: 1".into() };
        let more = if more.is_empty() { "X-More: 1" } else { more };
        let found = exchange(&sandbox, "GET /v1/Configuration", &[&user, &account, more], "").await;
        assert_eq!(found.0, status, "{switches}: {found:?}");
        assert_eq!(found.1.contains("Retry-After: 3"), status == 429);
        let nobody = exchange(&sandbox, "GET /v1/Configuration", &[], "").await.0;
        assert_eq!(nobody, if status == 429 { 429 } else { 401 });
    }
    let form = "Content-Type: application/x-www-form-urlencoded";
    for (kind, status) in [("bad_request", 400), ("unsupported_media_type", 415), ("accept", 201)] {
        let sandbox = sandbox(json!({"instances_form_encoded_body": kind, "instances_twilio_headers": false}));
        let own = &sandbox.options().instances;
        let found =
            exchange(&sandbox, "POST /v2/Instances", &[&basic(&own.account_sid, &own.auth_token), form], "a=b").await;
        assert_eq!((found.0, found.1.contains("Twilio-")), (status, false), "{kind}: {found:?}");
    }
    for (served, status) in [(true, 405), (false, 404)] {
        let sandbox = sandbox(json!({"instances_regional_hosts": served}));
        let own = &sandbox.options().instances;
        let host = "Host: flex-api.dublin.ie1.twilio.com";
        let found =
            exchange(&sandbox, "GET /v2/Instances", &[&basic(&own.account_sid, &own.auth_token), host], "").await;
        assert_eq!(found.0, status, "{found:?}");
    }
}

#[tokio::test]
async fn flex_instances_deletes_and_warns_where_it_is_told_to() {
    let sandbox = sandbox(json!({
        "instances_delete_instance": 204, "instances_v1_body_spelling": "accept", "instances_fetches_to_ready": 0,
    }));
    let own = &sandbox.options().instances;
    let headers = [&*basic(&own.account_sid, &own.auth_token), "Content-Type: application/json"];
    let made = exchange(&sandbox, "POST /v2/Instances", &headers, r#"{"Conversation":{"Default":true}}"#).await;
    assert_eq!(made.0, 201);
    assert!(made.1.contains("Warning: 299 - \"`Conversation` is spelt as in v1\""), "{}", made.1);
    let sid = serde_json::from_str::<Value>(&made.2).unwrap()["flex_instance_sid"].as_str().unwrap().to_owned();
    let found = exchange(&sandbox, "GET /v1/Configuration", &headers, "").await;
    let all: Value = serde_json::from_str(&found.2).unwrap();
    assert_eq!(all.as_object().unwrap().len(), 15 + 34);
    assert_eq!((&all["status"], &all["crm_enabled"], &all["attributes"]), (&json!("ok"), &json!(false), &Value::Null));
    let gone = exchange(&sandbox, &format!("DELETE /v2/Instances/{sid}"), &headers, "").await;
    assert_eq!((gone.0, gone.2.as_str()), (204, ""));
    assert_eq!(exchange(&sandbox, &format!("GET /v2/Instances/{sid}"), &headers, "").await.0, 404);
    let again = exchange(&sandbox, "POST /v2/Instances", &headers, "{}").await;
    assert_eq!((again.0, again.1.contains("Warning:")), (201, false));
}

#[tokio::test]
async fn flow_xo_answers_odd_clients_as_it_is_told() {
    let insights = "/api/insights?start=2023-05-01&end=2023-05-03&unit=day";
    for (switches, scheme, target, status, found_in_body) in [
        (json!({}), "bearer", insights, 200, r#""_id":"2023-05-01""#),
        (json!({"flowxo_auth_scheme_case": "sensitive"}), "bearer", insights, 401, "Unauthorized"),
        (json!({"flowxo_auth_scheme_case": "sensitive"}), "Bearer", insights, 200, "stats"),
        (json!({"flowxo_auth_error_status": 403}), "Basic", insights, 403, "Forbidden"),
        (json!({"flowxo_error_body": "string"}), "Basic", insights, 401, r#""Unauthorized""#),
        (json!({"flowxo_error_body": "html"}), "Basic", insights, 401, "<pre>Unauthorized</pre>"),
        (json!({"flowxo_day_id_format": "%d.%m.%Y"}), "Bearer", insights, 200, r#""_id":"01.05.2023""#),
        (
            json!({"flowxo_hour_id_format": "%Y-%m-%d %H", "flowxo_default_unit": "hour"}),
            "Bearer",
            "/api/insights?start=2023-05-01&end=2023-05-03",
            200,
            r#""_id":"2023-05-01 12""#,
        ),
        (
            json!({"flowxo_bad_unit": "ignore"}),
            "Bearer",
            "/api/insights?start=2023-05-01&end=2023-05-03&unit=week",
            200,
            "stats",
        ),
        (json!({"flowxo_bad_date": "ignore"}), "Bearer", "/api/insights?start=x", 200, "stats"),
        (json!({"flowxo_bad_offset": "ignore"}), "Bearer", "/api/insights?offset=1.5", 200, "stats"),
        (json!({}), "Bearer", "/api/insights?offset=1.5", 400, "offset"),
        (json!({}), "Bearer", "/api/workflows/simple/", 200, "Text Me"),
        (json!({"flowxo_trailing_slash": false}), "Bearer", "/api/workflows/simple/", 404, "Not found"),
        (
            json!({"flowxo_default_limit": 1}),
            "Bearer",
            "/api/insights/top_messages?start=2023-05-01",
            200,
            r#"[{"_id":"hi""#,
        ),
        (json!({}), "Bearer", "/api/insights/top_messages?limit=0", 400, "limit"),
        (json!({}), "Bearer", "/api/bots", 404, "Not found"),
    ] {
        let sandbox = sandbox(switches.clone());
        let key = format!("Authorization: {scheme} {}", sandbox.flowxo_api_keys()[0].1);
        let found = exchange(&sandbox, &format!("GET {target}"), &[&key], "").await;
        assert_eq!(found.0, status, "{switches} {target}: {found:?}");
        assert!(found.2.contains(found_in_body), "{switches} {target}: {found:?}");
    }
}

#[tokio::test]
async fn flow_xo_reads_ranges_as_it_is_told() {
    let days = async |switches: Value, query: &str| {
        let sandbox = sandbox(switches);
        let key = format!("Authorization: Bearer {}", sandbox.flowxo_api_keys()[0].1);
        let found = exchange(&sandbox, &format!("GET /api/insights?{query}"), &[&key], "").await;
        let answer: Value = serde_json::from_str(&found.2).unwrap();
        let days: Vec<_> = answer["metrics"].as_array().unwrap().iter().map(|row| row["_id"].clone()).collect();
        (days.len(), answer)
    };
    let query = "unit=day&start=2023-05-01&end=2023-05-03";
    assert_eq!(days(json!({}), query).await.0, 2);
    assert_eq!(days(json!({"flowxo_date_only_end": "end_of_day"}), query).await.0, 3);
    let shifted = "unit=hour&start=2023-05-01T12:00&end=2023-05-01T14:00&offset=120";
    let stamp = |answer: &Value| answer["metrics"][0]["_timestamp"].as_str().unwrap().to_owned();
    assert_eq!(stamp(&days(json!({}), shifted).await.1), "2023-05-01T10:00:00.000Z");
    assert_eq!(stamp(&days(json!({"flowxo_naive_time_zone": "utc"}), shifted).await.1), "2023-05-01T12:00:00.000Z");
    assert_eq!(
        stamp(&days(json!({"flowxo_timestamp_shift": "local_as_utc"}), shifted).await.1),
        "2023-05-01T12:00:00.000Z"
    );
    let all = days(json!({"flowxo_default_start": "all_time"}), "unit=month&end=2023-05-03").await.0;
    let month = days(json!({"flowxo_default_start": "month_start"}), "unit=day&end=2023-05-03").await.0;
    let thirty = days(json!({}), "unit=day&end=2023-05-03").await.0;
    assert_eq!((all, month, thirty), (5, 2, 30));
    let users = |answer: Value| answer["stats"][0]["active_users"].as_i64().unwrap();
    let last = users(days(json!({}), "unit=month&start=2023-01-01&end=2024-01-01").await.1);
    let most =
        users(days(json!({"flowxo_overall_users": "maximum"}), "unit=month&start=2023-01-01&end=2024-01-01").await.1);
    assert!(last <= most, "{last} {most}");
}
