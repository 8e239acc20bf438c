//! `insightframe sandbox`: the local copy of the service, until Ctrl-C.

use clap::Args;
use serde_json::{Map, Value};

use super::{
    context::{Context, End, until_ctrl_c},
    output::print,
};
use crate::{
    error::{Error, Result},
    sandbox::{Options, Rule, Sandbox},
};

#[derive(Args)]
#[command(after_help = "\
Examples:
  insightframe sandbox
  insightframe sandbox --port 8080 --rows 1000000 -o raw_202_count=5")]
pub(super) struct SandboxCommand {
    /// The port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// HTTPS with a certificate made for this run
    #[arg(long)]
    tls: bool,
    /// Rows of every unfiltered report
    #[arg(long)]
    rows: Option<u64>,
    /// Any option of the sandbox, such as raw_202_count=5; values are JSON or plain text
    #[arg(short, long = "option", value_name = "NAME=VALUE")]
    options: Vec<String>,
    /// A fault of the service, as JSON: {"fault": "latency", "ms": 50, "method": "POST", "path": "*/execute/raw"}
    #[arg(long = "fault", value_name = "JSON")]
    faults: Vec<String>,
}

impl SandboxCommand {
    pub(super) async fn run(self, context: &Context) -> Result<End> {
        let mut options = Map::new();
        for option in &self.options {
            let (name, value) = option
                .split_once('=')
                .ok_or_else(|| Error::config(format!("`{option}` is not of the form NAME=VALUE")))?;
            let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
            options.insert(name.to_owned(), value);
        }
        options.insert("port".into(), self.port.into());
        options.insert("tls".into(), self.tls.into());
        if let Some(rows) = self.rows {
            options.insert("rows".into(), rows.into());
        }
        let sandbox = Sandbox::start(Options::from_json(Value::Object(options))?)?;
        for fault in &self.faults {
            let rule = serde_json::from_str(fault)
                .map_err(|error| Error::config(format!("`--fault {fault}` is not JSON: {error}")))?;
            sandbox.fault(Rule::from_json(rule)?);
        }
        // What a shell can read back: `eval "$(insightframe sandbox)"` doesn't end, but copying the lines works.
        let mut lines = format!(
            "export FLEX_INSIGHTS_BASE_URL={}\nexport FLEX_INSIGHTS_USERNAME={}\nexport FLEX_INSIGHTS_PASSWORD='{}'\n\
             export FLEX_INSIGHTS_WORKSPACE={}",
            sandbox.url(),
            sandbox.username(),
            sandbox.password(),
            sandbox.workspace()
        );
        if let Some(ca_file) = sandbox.ca_file() {
            lines.push_str(&format!("\nexport SSL_CERT_FILE={}", ca_file.display()));
        }
        let (flowxo, twilio) = (&sandbox.options().flowxo, &sandbox.options().instances);
        lines.push_str(&format!(
            "\nexport FLOWXO_BASE_URL={url}/api\nexport FLOWXO_API_KEY={}\nexport FLEX_INSTANCES_BASE_URL={url}\n\
             export TWILIO_ACCOUNT_SID={}\nexport TWILIO_API_KEY={}\nexport TWILIO_API_SECRET={}",
            flowxo.api_key,
            twilio.account_sid,
            twilio.api_key,
            twilio.api_secret,
            url = sandbox.url()
        ));
        print(lines)?;
        for (id, title) in sandbox.reports() {
            context.say(format_args!("report {id}: {title}"));
        }
        context.say("Ctrl-C ends it");
        until_ctrl_c(std::future::pending()).await
    }
}
