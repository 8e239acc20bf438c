//! What the services say.

use std::{sync::Arc, time::Duration};

use clap::Args;
use http::header;
use jiff::{SignedDuration, Timestamp, fmt::rfc2822};

use super::finding::{Finding, State};
use crate::{
    cli::{
        account::options,
        context::{Context, variable},
        workspaces,
    },
    clock::Clock,
    credentials::{Found, Sourced},
    error::{ApiFault, Error, Kind, Result},
    flowxo::{self, FlowXo},
    handoff::receipt::counted,
    http::{Http, Proxy, Request, Tls, wire::Wire},
    insights::{self, Insights},
    instances::{self, Instances},
    limits::Limits,
    origin::{Origin, ServerPath},
    progress::{Call, Listener},
};

/// How long one service may take when nothing else is said.
const PATIENCE: Duration = Duration::from_secs(30);

/// How far the clocks may be apart before tokens and dates suffer.
const SKEW: SignedDuration = SignedDuration::from_secs(60);

/// Where the services are that have no variable for it.
#[derive(Args)]
pub(super) struct Addresses {
    /// Another address of Flow XO, such as a sandbox's [default: FLOWXO_BASE_URL, else its own]
    #[arg(long, value_name = "URL")]
    flowxo_url: Option<String>,
    /// Another address of Flex Instances, such as a sandbox's [default: FLEX_INSTANCES_BASE_URL, else its own]
    #[arg(long, value_name = "URL")]
    instances_url: Option<String>,
}

/// How the services are asked.
pub(super) struct Asked<'a> {
    pub(super) context: &'a Context,
    pub(super) addresses: &'a Addresses,
    pub(super) timeout: Option<Duration>,
}

/// The credentials of Flex Insights: each with its source.
pub(super) fn credentials(found: &Found) -> Finding {
    const SUBJECT: &str = "flex insights";
    fn source<T>(value: &Option<Sourced<T>>) -> String {
        value.as_ref().map_or("not set".into(), |(_, source)| format!("from {source}"))
    }
    let lines = [
        ("user name", source(&found.username)),
        ("password", source(&found.password)),
        ("workspace", source(&found.workspace)),
        ("address", found.base_url.as_ref().map_or("the service's own".into(), |(_, source)| format!("from {source}"))),
    ];
    let lines = lines.map(|(name, source)| format!("{name} {source}")).join("\n");
    if found.username.is_some() && found.password.is_some() {
        return Finding::fine(SUBJECT, lines);
    }
    Finding::new(SUBJECT, State::Absent, lines).advise("`insightframe login` tests credentials and keeps them")
}

impl Asked<'_> {
    fn call(&self, listener: Option<Listener>) -> Call {
        Call::new(self.context.clock(), Some(self.timeout.unwrap_or(PATIENCE)), listener)
    }

    /// Whether Flex Insights is there, what time it has, and whether it accepts the credentials.
    pub(super) async fn insights(&self, found: Found, listener: Option<Listener>) -> Vec<Finding> {
        const SUBJECT: &str = "login";
        let has_credentials = found.username.is_some() && found.password.is_some();
        let base_url = found.base_url.as_ref().map_or(insights::BASE_URL, |(url, _)| url);
        let call = self.call(listener);
        let (mut findings, is_there) = match call.within(reach(base_url, &self.context.clock())).await {
            Ok((reached, clock)) => (vec![reached, clock], true),
            Err(error) => (vec![Finding::wrong("connection", error)], false),
        };
        if has_credentials && is_there {
            findings.push(match Box::pin(self.login(found, &call)).await {
                Ok(words) => Finding::fine(SUBJECT, words),
                Err(error) => Finding::wrong(SUBJECT, error),
            });
        }
        findings
    }

    /// Logs in and out, and finds the workspace in between.
    async fn login(&self, found: Found, call: &Call) -> Result<String> {
        let client = Insights::new(options(found)?, self.context.clock())?;
        let begun = self.context.clock().now();
        let looked = async {
            Box::pin(client.login(call)).await?;
            let seconds = self.context.clock().now().since(begun).as_secs_f64();
            let known = Box::pin(workspaces::known(&client, call)).await?;
            let title = match client.workspace(None) {
                Err(_) => "no workspace is named".into(),
                Ok(wanted) => match known.iter().find(|(id, _)| *id == wanted.to_string()) {
                    Some((_, title)) => format!("the workspace is `{title}`"),
                    None => {
                        return Err(Error::config(format!("the user may not see the workspace `{wanted}`"))
                            .hint("`insightframe workspaces` lists those that the user may see"));
                    }
                },
            };
            let count = counted(known.len() as u64, "workspace");
            Ok(format!("accepted in {seconds:.2} s; the user sees {count}, {title}"))
        };
        let looked = looked.await;
        client.close().await;
        looked
    }

    /// Whether Flow XO accepts its key, if there is one.
    pub(super) async fn flow_xo(&self, listener: Option<Listener>) -> Finding {
        const SUBJECT: &str = "flow xo";
        let Ok(key) = flowxo::api_key(None, variable) else {
            return Finding::new(SUBJECT, State::Absent, format!("`{}` is not set", flowxo::API_KEY));
        };
        let asked = async {
            let mut options = flowxo::Options::new(key);
            options.base_url = flowxo::base_url(self.addresses.flowxo_url.clone(), variable);
            let flows = FlowXo::new(options, self.context.clock())?.workflows(&self.call(listener)).await?;
            Ok::<_, Error>(flows.num_rows())
        };
        match asked.await {
            Ok(flows) => Finding::fine(SUBJECT, format!("key from `{}`, accepted; {flows} flows", flowxo::API_KEY)),
            Err(error) => Finding::wrong(SUBJECT, error),
        }
    }

    /// Whether Twilio accepts its credentials, if there are any, and what is installed.
    pub(super) async fn instances(&self, listener: Option<Listener>) -> Finding {
        const SUBJECT: &str = "flex instances";
        let is_set = |name: &&str| variable(name).is_some_and(|value| !value.is_empty());
        let pairs = [["TWILIO_API_KEY", "TWILIO_API_SECRET"], ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"]];
        let Some([name, secret]) = pairs.into_iter().find(|pair| pair.iter().all(is_set)) else {
            return Finding::new(
                SUBJECT,
                State::Absent,
                "neither `TWILIO_API_KEY` and `TWILIO_API_SECRET` nor `TWILIO_ACCOUNT_SID` and `TWILIO_AUTH_TOKEN` are set",
            );
        };
        let asked = async {
            let found = instances::resolve(instances::Given::default(), variable)?;
            let mut options = instances::Options::new(found.credentials, found.account_sid);
            options.base_url = instances::base_url(self.addresses.instances_url.clone(), variable);
            Instances::new(options, self.context.clock())?.configuration(&self.call(listener)).await
        };
        match asked.await {
            Ok(found) => {
                let status = found.status.as_deref().unwrap_or("unknown");
                let mut words = format!("`{name}` and `{secret}` accepted; status `{status}`");
                for workspace in found.insights_workspaces {
                    let zone = workspace.timezone.as_deref().unwrap_or("unknown time zone");
                    words.push_str(&format!("\nFlex Insights workspace {} ({zone})", workspace.id));
                }
                Finding::fine(SUBJECT, words)
            }
            // It knows who asks, and has nothing to show.
            Err(error) if matches!(error.kind(), Kind::Api(reply) if reply.fault == ApiFault::NotFound) => {
                let words = format!("`{name}` and `{secret}` accepted; Flex isn't installed on the account");
                Finding::new(SUBJECT, State::Odd, words).advise("`insightframe instances create --wait` installs it")
            }
            Err(error) => Finding::wrong(SUBJECT, error),
        }
    }
}

/// Asks for something that needs no credentials: any answer proves the way, and carries the service's time.
async fn reach(base_url: &str, clock: &Arc<dyn Clock>) -> Result<(Finding, Finding)> {
    let origin = Origin::parse(base_url, "/gdc/")?;
    let limits = Limits::default();
    let wire = Wire::new(&origin, &Tls::default(), &Proxy::default(), &limits)?;
    let request = Request::get(ServerPath::parse("/gdc/account/token", &origin)?);
    let http = Http::new(Arc::new(wire), origin, limits, Arc::clone(clock));
    let begun = clock.now();
    let reply = http.send(&request).await?;
    let seconds = clock.now().since(begun).as_secs_f64();
    let date = reply.head.headers.get(header::DATE).and_then(|date| date.to_str().ok());
    let reached = Finding::fine("connection", format!("{} answers in {seconds:.2} s", http.origin()));
    Ok((reached, skew(date, clock.timestamp())))
}

/// How the machine's clock stands to the service's, which counts whole seconds.
fn skew(date: Option<&str>, now: Timestamp) -> Finding {
    const SUBJECT: &str = "clock";
    let date = date.and_then(|date| rfc2822::DateTimeParser::new().parse_timestamp(date).ok());
    let Some(date) = date else {
        return Finding::new(SUBJECT, State::Absent, "the service doesn't tell its time");
    };
    let ahead = now.duration_since(date);
    let seconds = ahead.as_secs();
    let words = match seconds {
        -1..=1 => "as the service's".to_owned(),
        2.. => format!("{seconds} s ahead of the service's"),
        _ => format!("{} s behind the service's", -seconds),
    };
    if ahead.abs() <= SKEW {
        return Finding::fine(SUBJECT, words);
    }
    let error = Error::config(format!("{words}: certificates and the lives of tokens are judged by it"));
    Finding::wrong(SUBJECT, error).advise("set the machine's clock, or let NTP do it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_judged_by_the_service_s_date() {
        let now: Timestamp = "2024-01-02T03:04:05.9Z".parse().unwrap();
        for (date, state, words) in [
            (Some("Tue, 02 Jan 2024 03:04:05 GMT"), State::Fine, "as the service's"),
            (Some("Tue, 02 Jan 2024 03:04:35 GMT"), State::Fine, "29 s behind the service's"),
            (Some("Tue, 02 Jan 2024 03:02:05 GMT"), State::Wrong, "120 s ahead of the service's"),
            (Some("Tue, 02 Jan 2024 04:04:05 GMT"), State::Wrong, "3599 s behind the service's"),
            (Some("yesterday"), State::Absent, "doesn't tell its time"),
            (None, State::Absent, "doesn't tell its time"),
        ] {
            let finding = skew(date, now);
            assert!(finding.state == state && finding.found.contains(words), "{date:?}: {finding:?}");
        }
    }
}
