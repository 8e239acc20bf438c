//! The clients of Flow XO and Flex Instances against the sandbox, over real sockets: a file for each client, and one for
//! what both promise when things go wrong.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]
#![cfg(feature = "server")]

mod faults;
mod flowxo;
mod instances;
mod secrets;
mod settings;
mod switches;

use std::{sync::Arc, time::Duration};

use insightframe::{
    clock::{Clock, SystemClock},
    flowxo::FlowXo,
    instances::{AccountSid, Instances},
    limits::Limits,
    progress::Call,
    sandbox::{Options, Rule, Sandbox},
    secret::{Credentials, Secret},
};
use serde_json::{Value, json};

/// A sandbox with two months of data and these options.
fn sandbox(options: Value) -> Sandbox {
    let mut all = json!({"data_start": "2023-01-01", "data_end": "2023-12-31"});
    all.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
    Sandbox::start(Options::from_json(all).unwrap()).unwrap()
}

fn fault(sandbox: &Sandbox, rule: Value) {
    sandbox.fault(Rule::from_json(rule).unwrap());
}

/// Guards that go off soon, so that no test waits for a minute.
fn impatient() -> Limits {
    Limits { idle: Duration::from_millis(150), ..Limits::default() }
}

fn flowxo_options(sandbox: &Sandbox) -> insightframe::flowxo::Options {
    let key = Secret::new(sandbox.flowxo_api_keys()[0].1.clone());
    let base_url = format!("{}/api", sandbox.url());
    insightframe::flowxo::Options { base_url, limits: impatient(), ..insightframe::flowxo::Options::new(key) }
}

/// A client that lives by the sandbox's clock: its pauses take no time.
fn flowxo_client(sandbox: &Sandbox) -> FlowXo {
    FlowXo::new(flowxo_options(sandbox), Arc::new(sandbox.clock())).unwrap()
}

fn instances_options(sandbox: &Sandbox) -> insightframe::instances::Options {
    let own = &sandbox.options().instances;
    let credentials = Credentials { username: own.api_key.clone(), password: Secret::new(own.api_secret.clone()) };
    let options = insightframe::instances::Options::new(credentials, AccountSid::parse(&own.account_sid).unwrap());
    insightframe::instances::Options { base_url: sandbox.url().into(), limits: impatient(), ..options }
}

fn instances_client(sandbox: &Sandbox) -> Instances {
    Instances::new(instances_options(sandbox), Arc::new(sandbox.clock())).unwrap()
}

/// A call on the sandbox's clock.
fn call(sandbox: &Sandbox) -> Call {
    Call::new(Arc::new(sandbox.clock()), None, None)
}

/// A call on the machine's clock that may take so long.
fn timed(timeout: Duration) -> (Arc<dyn Clock>, Call) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    (Arc::clone(&clock), Call::new(clock, Some(timeout), None))
}
