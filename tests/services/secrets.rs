//! P24: no secret of these clients in anything that can be seen, even when the service repeats it.

use std::{cell::RefCell, fmt::Write as _, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use insightframe::{flowxo::FlowXo, instances::Instances, sandbox::Sandbox};
use serde_json::json;

use super::{
    fault,
    faults::{CALLS, ask},
    flowxo_options, instances_options, sandbox,
};

thread_local! {
    /// What this thread logged. A client runs on the thread of its test.
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

fn canaries() -> Sandbox {
    let _ = log::set_logger(&Capture);
    log::set_max_level(log::LevelFilter::Trace);
    LOG.set(Some(String::new()));
    sandbox(json!({
        "flowxo_api_key": "canary-flowxo-key", "api_secret": "canary-api-secret", "instances_installed": true,
    }))
}

/// What Basic authentication sends.
fn pair(sandbox: &Sandbox) -> String {
    let own = &sandbox.options().instances;
    STANDARD.encode(format!("{}:{}", own.api_key, own.api_secret))
}

#[tokio::test]
async fn p24_no_secret_is_in_any_output_even_when_the_service_repeats_it() {
    let sandbox = canaries();
    let pair = pair(&sandbox);
    for status in [200, 400, 401, 403, 404, 429, 500] {
        sandbox.clear_faults();
        // Each service knows what it was sent itself.
        let said = "you sent canary-flowxo-key";
        fault(&sandbox, json!({"fault": "status", "status": status, "path": "/api/*", "body": said}));
        let said = format!("you sent canary-api-secret and {pair}");
        fault(&sandbox, json!({"fault": "status", "status": status, "path": "/v*", "body": said}));
        for name in CALLS {
            let error = ask(&sandbox, name).await.unwrap_err();
            let shown = format!("{error} {error:?} {:?}", error.kind());
            assert!(!shown.contains("canary") && !shown.contains(&pair), "{name}: {shown}");
            assert!(shown.contains("***"), "{name}: {shown}");
        }
    }
    let (flowxo, instances) = (flowxo_options(&sandbox), instances_options(&sandbox));
    let clients = (
        FlowXo::new(flowxo.clone(), Arc::new(sandbox.clock())),
        Instances::new(instances.clone(), Arc::new(sandbox.clock())),
    );
    let shown = format!("{flowxo:?} {instances:?} {clients:?} {:?} {:?}", sandbox.ledger(), sandbox.options());
    assert!(!shown.contains("canary") && !shown.contains(&pair), "{shown}");
    let log = LOG.take().unwrap();
    for word in ["TRACE ", "DEBUG ", "INFO ", "trying again"] {
        assert!(log.contains(word), "nothing of `{word}` was logged");
    }
    assert!(!log.contains("canary") && !log.contains(&pair), "{log}");
}

#[tokio::test]
async fn p24_a_secret_is_not_shown_where_what_is_read_of_an_answer_ends_in_it() {
    let sandbox = canaries();
    let pair = pair(&sandbox);
    // Of a good answer 4 KiB are looked at for its words, of an error 64 KiB are read; any may end early.
    for (status, end, whole) in [(200, 4096, false), (400, 65_536, false), (429, 65_536, false), (400, 4000, true)] {
        for (path, name, secret) in [
            ("/api/*", "workflows", "canary-flowxo-key"),
            ("/v*", "configuration", "canary-api-secret"),
            ("/v*", "configuration", pair.as_str()),
        ] {
            for shown in [4, secret.len() / 2, secret.len() - 1] {
                let said = "you sent ";
                let page = format!("<html>{}{said}{secret}", "<b> </b>".repeat(9000));
                let page = &page[page.len() - (end - shown + secret.len()).min(page.len())..];
                assert_eq!(&page[end - shown..], secret);
                sandbox.clear_faults();
                // An answer that is short is whole, and one that ends there is as good as one that breaks off.
                let page = if whole { &page[..end] } else { page };
                fault(&sandbox, json!({"fault": "status", "status": status, "path": path, "body": page}));
                let error = ask(&sandbox, name).await.unwrap_err();
                let told = format!("{error} {error:?} {:?} {}", error.kind(), LOG.take().unwrap());
                LOG.set(Some(String::new()));
                assert!(told.contains("you sent ***"), "{status} {secret} {shown}: {told}");
                assert!(!told.contains(&secret[..4]), "{status} {secret} {shown}: {told}");
            }
        }
    }
}
