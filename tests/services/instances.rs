//! Flex Instances: created once, waited for, and found again.

use std::time::Duration;

use insightframe::{
    error::Kind,
    ids::WorkspaceId,
    instances::{InstanceSid, Instances, Status},
    progress::Call,
    sandbox::Sandbox,
    secret::{Credentials, Secret},
};
use serde_json::{Value, json};

use super::{call, fault, instances_client, instances_options, sandbox, timed};

fn posts(sandbox: &Sandbox) -> usize {
    sandbox.ledger().iter().filter(|entry| entry.method == "POST" && entry.status != Some(429)).count()
}

#[tokio::test]
async fn an_instance_is_created_waited_for_and_leads_to_flex_insights() {
    for precision in ["seconds", "milliseconds"] {
        let sandbox = sandbox(json!({"instances_date_precision": precision}));
        let (client, call) = (instances_client(&sandbox), call(&sandbox));
        assert_eq!(client.configuration(&call).await.unwrap_err().code(), "NotFound");
        let made = client.create(&call, true).await.unwrap();
        assert_eq!(
            (&made.status, made.account_sid.as_str()),
            (&Status::CreationInProgress, client.account_sid().as_str())
        );
        let sid = InstanceSid::parse(&made.sid).unwrap();
        let ready = client.wait(&call, &sid).await.unwrap();
        assert_eq!((ready.status, ready.sid == made.sid), (Status::Ready, true));
        assert_eq!(client.fetch(&call, &sid).await.unwrap().status, Status::Ready);
        assert!(ready.date_updated.unwrap() >= made.date_created.unwrap());
        let found = client.configuration(&call).await.unwrap();
        assert_eq!((found.flex_instance_sid.as_deref(), found.status.as_deref()), (Some(sid.as_str()), Some("ok")));
        assert_eq!(found.insights_workspaces[0].id, sandbox.workspace());
        assert!(WorkspaceId::parse(&found.insights_workspaces[0].id).is_ok());
        assert_eq!(found.insights_workspaces[0].timezone.as_deref(), Some("America/Los_Angeles"));
        let sent = &sandbox.ledger()[1];
        let header = |name: &str| sent.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
        assert_eq!(header("i-twilio-auth-account"), Some(client.account_sid().as_str()));
        assert_eq!(header("content-type"), Some("application/json"));
    }
}

#[tokio::test]
async fn the_configuration_is_read_in_every_form() {
    for (switches, workspaces, sid) in [
        (json!({"instances_flex_insights_hr": "null"}), 0, true),
        (json!({"instances_flex_insights_hr": "without_workspace_id"}), 1, true),
        (json!({"instances_configuration_flex_instance_sid": false}), 1, false),
    ] {
        let mut options = switches.clone();
        options["instances_installed"] = true.into();
        let sandbox = sandbox(options);
        let found = instances_client(&sandbox).configuration(&call(&sandbox)).await.unwrap();
        assert_eq!(
            (found.insights_workspaces.len(), found.flex_instance_sid.is_some()),
            (workspaces, sid),
            "{switches}"
        );
        assert_eq!(found.raw["service_version"], "1.0");
    }
    let sandbox = sandbox(json!({"instances_configuration_before_install": "not_started"}));
    let found = instances_client(&sandbox).configuration(&call(&sandbox)).await.unwrap();
    assert_eq!(found.status.as_deref(), Some("notstarted"));
}

#[tokio::test]
async fn waiting_ends_with_the_state_or_at_the_deadline() {
    for (status, code) in [
        ("creation-failed", "UnexpectedReply"),
        ("deleted", "UnexpectedReply"),
        ("unknown", "DeadlineExceeded"),
        ("creation-paused", "DeadlineExceeded"),
    ] {
        let sandbox = sandbox(json!({"instances_final_status": status, "instances_fetches_to_ready": 0}));
        let client = instances_client(&sandbox);
        let made = client.create(&call(&sandbox), false).await.unwrap();
        let sid = InstanceSid::parse(&made.sid).unwrap();
        let clock: std::sync::Arc<dyn insightframe::clock::Clock> = std::sync::Arc::new(sandbox.clock());
        let error = client.wait(&Call::new(clock, Some(Duration::from_secs(600)), None), &sid).await.unwrap_err();
        assert_eq!(error.code(), code, "{status}");
        match error.kind() {
            Kind::DeadlineExceeded { handle, phase, .. } => {
                assert_eq!((handle.as_deref(), *phase), (Some(made.sid.as_str()), "polling"));
                // Growing pauses: ten minutes take some forty looks more than the one that creates.
                assert!(sandbox.ledger().len() < 60, "{}", sandbox.ledger().len());
            }
            _ => assert!(error.to_string().contains(status), "{error}"),
        }
    }
}

#[tokio::test]
async fn nothing_is_created_twice() {
    for (duplicate, expected) in [("conflict", Err("UnexpectedReply")), ("created", Ok(())), ("ok", Ok(()))] {
        let sandbox = sandbox(json!({"instances_installed": true, "instances_duplicate_create": duplicate}));
        let found = instances_client(&sandbox).create(&call(&sandbox), true).await;
        assert_eq!(found.as_ref().map(|_| ()).map_err(|error| error.code()), expected);
        if let Err(error) = found {
            assert_eq!(error.service_code(), Some("45202"));
            assert_eq!(error.more_info(), Some("https://www.twilio.com/docs/errors/45202"));
            assert!(error.to_string().contains("this one has `GO5d5d"), "{error}");
        }
        assert_eq!((posts(&sandbox), sandbox.instances_created()), (1, 0));
    }
}

#[tokio::test]
async fn p9_after_an_ambiguous_creation_the_configuration_tells_what_there_is() {
    let cases = [
        (json!({"fault": "reset"}), true),
        (json!({"fault": "cut"}), true),
        (json!({"fault": "cut", "after": 20}), true),
        (json!({"fault": "stall"}), true),
        (json!({"fault": "status", "status": 500, "when": "before_reply"}), true),
        (json!({"fault": "status", "status": 500}), false),
        (json!({"fault": "status", "status": 503, "retry_after": "1"}), false),
        (json!({"fault": "reset", "when": "before_read"}), false),
        (json!({"fault": "html", "when": "before_reply"}), true),
        (json!({"fault": "garbage_json", "when": "before_reply"}), true),
        (json!({"fault": "truncated_body"}), true),
        (json!({"fault": "redirect", "to": "/v2/Instances", "status": 307, "when": "before_reply"}), true),
        (json!({"fault": "redirect", "to": "/v2/Instances", "status": 307}), false),
        (json!({"fault": "gzip_bomb", "inflated": 20_000_000}), true),
    ];
    // What the configuration can tell differs from account to account: older answers name no instance.
    for (names, installed, uninstalled) in [
        (true, "names the instance `GO", "has no configuration so far"),
        (false, "has the status `inprogress`, so Flex is there", "has the status `notstarted` and names no instance"),
    ] {
        for (mut rule, created) in cases.clone() {
            let sandbox = sandbox(json!({
                "instances_configuration_flex_instance_sid": names,
                "instances_configuration_before_install": if names { "not_found" } else { "not_started" },
            }));
            rule["method"] = "POST".into();
            fault(&sandbox, rule.clone());
            let error = instances_client(&sandbox).create(&call(&sandbox), true).await.unwrap_err();
            assert_eq!((error.code(), error.is_retryable()), ("AmbiguousOutcome", false), "{rule}: {error}");
            assert_eq!((posts(&sandbox), sandbox.instances_created()), (1, u32::from(created)), "{rule}");
            let words = if created { installed } else { uninstalled };
            assert!(error.to_string().contains(words), "{rule}: {error}");
            let again = error.to_string().contains("before creating once more");
            assert_eq!(again, !created, "{rule}: {error}");
        }
    }
}

#[tokio::test]
async fn p9_a_deadline_during_the_creation_is_no_invitation_to_repeat_it() {
    let timeout = Duration::from_millis(300);
    for rule in [json!({"fault": "stall"}), json!({"fault": "stall", "when": "mid_body"})] {
        let sandbox = sandbox(json!({}));
        let mut rule = rule;
        rule["method"] = "POST".into();
        fault(&sandbox, rule);
        let (clock, call) = timed(timeout);
        let options = insightframe::instances::Options { limits: Default::default(), ..instances_options(&sandbox) };
        let error = Instances::new(options, clock).unwrap().create(&call, true).await.unwrap_err();
        assert_eq!((error.code(), error.is_retryable()), ("DeadlineExceeded", false), "{error}");
        assert!(error.to_string().contains("\nhint: whether the instance was created isn't known"), "{error}");
        assert_eq!((posts(&sandbox), sandbox.instances_created()), (1, 1));
    }
    // A pause between two sends, of which the first surely had no effect, is another matter.
    let sandbox = sandbox(json!({}));
    fault(&sandbox, json!({"fault": "status", "status": 429, "retry_after": "100", "method": "POST"}));
    let (clock, call) = timed(timeout);
    let client = Instances::new(instances_options(&sandbox), clock).unwrap();
    let error = client.create(&call, true).await.unwrap_err();
    assert_eq!((error.code(), error.is_retryable(), sandbox.instances_created()), ("RateLimited", true, 0));
}

#[tokio::test]
async fn what_was_created_is_not_lost_when_waiting_for_it_fails() {
    for (rule, code) in [
        (json!({"fault": "status", "status": 503}), "ServerFault"),
        (json!({"fault": "reset"}), "Interrupted"),
        (json!({"fault": "status", "status": 403}), "Forbidden"),
        (json!({"fault": "status", "status": 401}), "InvalidCredentials"),
        (json!({"fault": "status", "status": 404}), "NotFound"),
        (json!({"fault": "html"}), "UnexpectedReply"),
    ] {
        let sandbox = sandbox(json!({}));
        let mut rule = rule;
        (rule["method"], rule["times"]) = ("GET".into(), 1000.into());
        fault(&sandbox, rule.clone());
        let error = instances_client(&sandbox).create_and_wait(&call(&sandbox), true).await.unwrap_err();
        assert_eq!((error.code(), error.is_retryable()), (code, false), "{rule}: {error}");
        let words = error.to_string();
        assert!(words.contains("\nhint: the instance was created as `GO"), "{words}");
        let sid = words.split('`').find(|word| word.starts_with("GO")).unwrap();
        assert!(words.ends_with(&format!("go on with `wait(\"{sid}\")`")), "{words}");
        sandbox.clear_faults();
        let client = instances_client(&sandbox);
        let ready = client.wait(&call(&sandbox), &InstanceSid::parse(sid).unwrap()).await.unwrap();
        assert_eq!((ready.status, posts(&sandbox)), (Status::Ready, 1));
    }
    // A state without hope says so itself, and there is nothing to go on with.
    let sandbox = sandbox(json!({"instances_final_status": "creation-failed"}));
    let error = instances_client(&sandbox).create_and_wait(&call(&sandbox), true).await.unwrap_err();
    assert!(error.to_string().ends_with("the instance is `creation-failed` and won't become ready"), "{error}");
}

#[tokio::test]
async fn an_instance_that_was_just_created_may_not_be_found_at_first() {
    let sandbox = sandbox(json!({}));
    fault(&sandbox, json!({"fault": "status", "status": 404, "method": "GET", "times": 3}));
    let ready = instances_client(&sandbox).create_and_wait(&call(&sandbox), true).await.unwrap();
    assert_eq!((ready.status, sandbox.instances_created()), (Status::Ready, 1));
    // Of one that was made some time ago the same answer is final.
    fault(&sandbox, json!({"fault": "status", "status": 404, "method": "GET"}));
    let sid = InstanceSid::parse(&ready.sid).unwrap();
    let error = instances_client(&sandbox).wait(&call(&sandbox), &sid).await.unwrap_err();
    assert_eq!(error.code(), "NotFound");
}

#[tokio::test]
async fn a_created_sid_of_another_shape_is_the_service_s_fault_and_says_what_was_created() {
    let body = json!({"flex_instance_sid": "FI1", "account_sid": "AC1", "status": "creation-in-progress"});
    let rule = json!({"fault": "status", "status": 201, "body": body.to_string(), "method": "POST"});
    let sandbox = sandbox(json!({}));
    fault(&sandbox, rule.clone());
    let client = instances_client(&sandbox);
    assert_eq!(client.create(&call(&sandbox), true).await.unwrap().sid, "FI1");
    fault(&sandbox, rule);
    let error = client.create_and_wait(&call(&sandbox), true).await.unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), ("UnexpectedReply", false));
    assert!(error.to_string().contains("created, but under a sid that can't be asked about: `FI1`"), "{error}");
}

#[tokio::test]
async fn an_ambiguous_creation_keeps_what_the_service_said_about_it() {
    let sandbox = sandbox(json!({}));
    fault(&sandbox, json!({"fault": "status", "status": 504, "method": "POST"}));
    let error = instances_client(&sandbox).create(&call(&sandbox), true).await.unwrap_err();
    let Kind::Api(reply) = error.kind() else { panic!("{error}") };
    assert_eq!((error.code(), reply.status, error.service_code()), ("AmbiguousOutcome", 504, Some("45304")));
    assert_eq!(error.more_info(), Some("https://www.twilio.com/docs/errors/45304"));
    assert!(reply.request_id.as_ref().is_some_and(|id| id.starts_with("RQ")), "{reply:?}");
}

#[tokio::test]
async fn p9_what_surely_had_no_effect_is_sent_again() {
    for retry_after in [Value::Null, json!("2")] {
        let sandbox = sandbox(json!({}));
        let mut rule = json!({"fault": "status", "status": 429, "method": "POST", "times": 2});
        if !retry_after.is_null() {
            rule["retry_after"] = retry_after;
        }
        fault(&sandbox, rule);
        instances_client(&sandbox).create(&call(&sandbox), true).await.unwrap();
        assert_eq!((sandbox.ledger().len(), posts(&sandbox), sandbox.instances_created()), (3, 1, 1));
    }
    for code in [20429, 45780] {
        let sandbox = sandbox(json!({"instances_concurrency_limit": {"requests": 0}, "instances_flex_429_code": code}));
        let error = instances_client(&sandbox).create(&call(&sandbox), true).await.unwrap_err();
        assert_eq!((error.code(), error.attempts()), ("RateLimited", 3));
        assert_eq!(error.service_code(), Some(code.to_string().as_str()));
    }
}

#[tokio::test]
async fn a_long_envelope_keeps_its_code() {
    let long = "x".repeat(20_000);
    for (status, code, class) in [(400, 45004, "UnexpectedReply"), (401, 20003, "InvalidCredentials")] {
        let body =
            json!({"message": long, "code": code, "more_info": format!("https://www.twilio.com/docs/errors/{code}")});
        let sandbox = sandbox(json!({}));
        fault(&sandbox, json!({"fault": "status", "status": status, "body": body.to_string()}));
        let error = instances_client(&sandbox).configuration(&call(&sandbox)).await.unwrap_err();
        assert_eq!((error.code(), error.service_code()), (class, Some(code.to_string().as_str())));
        assert!(error.more_info().unwrap().ends_with(&code.to_string()) && error.to_string().len() < 600, "{error}");
    }
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let wrong = |sandbox: &Sandbox| {
        let username = sandbox.options().instances.api_key.clone();
        let credentials = Credentials { username, password: Secret::new("canary-wrong-secret") };
        let options = insightframe::instances::Options { credentials, ..instances_options(sandbox) };
        Instances::new(options, std::sync::Arc::new(sandbox.clock())).unwrap()
    };
    for (kind, code) in [("gateway", "20003"), ("flex", "45002")] {
        let sandbox = sandbox(json!({"instances_bad_credentials": kind}));
        let client = wrong(&sandbox);
        let error = client.configuration(&call(&sandbox)).await.unwrap_err();
        assert_eq!((error.code(), error.service_code()), ("InvalidCredentials", Some(code)));
        assert!(!format!("{error:?} {client:?}").contains("canary"));
        assert_eq!(sandbox.ledger().len(), 1);
    }
    let sid = InstanceSid::parse(&format!("GO{}", "0".repeat(32))).unwrap();
    for (kind, code) in [("gateway", "20404"), ("flex", "45006")] {
        let sandbox = sandbox(json!({"instances_unknown_instance": kind}));
        let error = instances_client(&sandbox).fetch(&call(&sandbox), &sid).await.unwrap_err();
        assert_eq!((error.code(), error.service_code()), ("NotFound", Some(code)));
        let Kind::Api(reply) = error.kind() else { panic!("{error}") };
        assert!(reply.request_id.as_ref().is_some_and(|id| id.starts_with("RQ") && id.len() == 34), "{reply:?}");
    }
    let sandbox = sandbox(json!({"account_sid": format!("AC{}", "0".repeat(32))}));
    let mut options = instances_options(&sandbox);
    options.account_sid = insightframe::instances::AccountSid::parse(&format!("AC{}", "1".repeat(32))).unwrap();
    let client = Instances::new(options, std::sync::Arc::new(sandbox.clock())).unwrap();
    let error = client.configuration(&call(&sandbox)).await.unwrap_err();
    assert_eq!((error.code(), error.service_code()), ("Forbidden", Some("45003")));
}
