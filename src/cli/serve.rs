//! `insightframe serve`: the gateway, until SIGTERM or Ctrl-C.

use std::{net::IpAddr, num::NonZeroU32, path::PathBuf, time::Duration};

use clap::Args;

use super::context::{Context, End};
use crate::{
    error::{Error, Result},
    gateway::{Allowance, Certificate, Gateway, Journal, Options},
};

/// What stands below the options of `--help`.
const EXAMPLES: &str = "\
Examples:
  insightframe serve
      For this machine alone, at http://127.0.0.1:8080
  curl -u 'user@example.com:password' 'http://127.0.0.1:8080/getReport?WorkspaceId=…&ReportId=3035643&DateStart=2023-12-01&DateEnd=2023-12-30'
      A report as CSV; &Format=parquet, arrow or json for another format
  insightframe serve --bind 0.0.0.0 --port 8443 --tls-cert fullchain.pem --tls-key privkey.pem
      For others too, encrypted
  insightframe serve --behind 127.0.0.1
      Behind a reverse proxy on this machine that names its clients in X-Forwarded-For

Every request brings a login of Flex Insights by Basic authentication; the gateway has none of its own.
The log is JSON, a line for each answer, on stderr. SIGTERM or Ctrl-C lets running downloads end; a second
Ctrl-C doesn't.";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Serve {
    /// The address to listen on
    #[arg(long, default_value = "127.0.0.1")]
    bind: IpAddr,
    /// The port; 0 takes a free one
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// HTTPS with this certificate chain, a PEM file
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key, a PEM file
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// The service; no request can name another
    #[arg(long, value_name = "URL", env = "FLEX_INSIGHTS_BASE_URL", default_value = crate::insights::BASE_URL)]
    base_url: String,
    /// Reports under way at once; further requests are told to come back (503)
    #[arg(long, value_name = "N", default_value_t = 64)]
    max_concurrency: usize,
    /// Open connections; when another comes, the longest idle one is closed
    #[arg(long, value_name = "N", default_value_t = 512)]
    max_connections: usize,
    /// Users that are logged in at once; the longest unused session is logged out for another
    #[arg(long, value_name = "N", default_value_t = 256)]
    max_sessions: usize,
    /// Requests a second of one client in the long run; 0 for no limit
    #[arg(long, value_name = "N", default_value_t = 100)]
    rate: u32,
    /// Requests of one client at once, after a pause [default: ten times --rate]
    #[arg(long, value_name = "N")]
    burst: Option<NonZeroU32>,
    /// Seconds from a request to the first bytes of its report; the rest may take as long as it takes
    #[arg(long, value_name = "SECONDS", default_value = "3600", value_parser = seconds)]
    timeout: Duration,
    /// Seconds that running downloads may go on after SIGTERM or Ctrl-C
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    grace: Duration,
    /// Seconds after which an unused session is logged out
    #[arg(long, value_name = "SECONDS", default_value = "900", value_parser = seconds)]
    session_idle: Duration,
    /// Seconds after which any session is logged out, so that a changed password is noticed
    #[arg(long, value_name = "SECONDS", default_value = "28800", value_parser = seconds)]
    session_age: Duration,
    /// Seconds for which a refused user name and password isn't sent to the service again
    #[arg(long, value_name = "SECONDS", default_value = "600", value_parser = seconds)]
    refusal_life: Duration,
    /// Seconds for a request's head, for its body, and to keep an idle connection
    #[arg(long, value_name = "SECONDS", default_value = "15", value_parser = seconds)]
    request_timeout: Duration,
    /// Seconds after which a client that doesn't read is given up
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    read_timeout: Duration,
    /// The address of a reverse proxy that names its client in X-Forwarded-For; may be repeated
    #[arg(long, value_name = "ADDRESS")]
    behind: Vec<IpAddr>,
    /// Answer /metrics to other machines too
    #[arg(long)]
    open_metrics: bool,
}

impl Serve {
    pub(super) async fn run(self, context: &Context) -> Result<End> {
        let journal = Journal::to(std::io::stderr());
        let gateway = Gateway::bind(self.options(), context.clock(), journal).await?;
        // The one line on stdout, for scripts that asked for a free port.
        println!("{}", gateway.url());
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let mut signals = Signals::listen()?;
        let first = async {
            let end = signals.next().await;
            let _ = stop.send(end);
            signals
        };
        // The second signal can only come after the first.
        let (again, hurry) = tokio::sync::oneshot::channel();
        let stop = async {
            let mut signals = first.await;
            tokio::spawn(async move {
                signals.next().await;
                let _ = again.send(());
            });
        };
        let hurry = async {
            if hurry.await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        gateway.serve(stop, hurry).await;
        Ok(stopped.await.unwrap_or(End::Done))
    }

    fn options(&self) -> Options {
        let tls = self.tls_cert.clone().zip(self.tls_key.clone());
        let burst = self.burst.or_else(|| NonZeroU32::new(self.rate.saturating_mul(10)));
        Options {
            bind: self.bind,
            port: self.port,
            tls: tls.map(|(chain, key)| Certificate { chain, key }),
            base_url: self.base_url.clone(),
            max_concurrency: self.max_concurrency,
            max_connections: self.max_connections,
            max_sessions: self.max_sessions,
            rate: NonZeroU32::new(self.rate).zip(burst).map(|(per_second, burst)| Allowance { per_second, burst }),
            timeout: self.timeout,
            grace: self.grace,
            session_idle: self.session_idle,
            session_age: self.session_age,
            refusal_life: self.refusal_life,
            patience_for_requests: self.request_timeout,
            patience_for_readers: self.read_timeout,
            behind: self.behind.clone(),
            open_metrics: self.open_metrics,
            ..Options::default()
        }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.ok_or_else(|| "expected a number of seconds".to_owned())
}

/// What ends the gateway.
struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    fn listen() -> Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            terminate: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
                .map_err(|error| Error::config(format!("signals can't be listened to: {error}")))?,
        })
    }

    /// Ends with the next signal, and how the command then ends: being told to terminate is what a service is there
    /// for, Ctrl-C is an interruption as everywhere.
    #[cfg(unix)]
    async fn next(&mut self) -> End {
        tokio::select! {
            _ = self.terminate.recv() => End::Done,
            _ = tokio::signal::ctrl_c() => End::Interrupted,
        }
    }

    #[cfg(not(unix))]
    async fn next(&mut self) -> End {
        let _ = tokio::signal::ctrl_c().await;
        End::Interrupted
    }
}
