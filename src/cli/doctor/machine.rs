//! What the machine brings along: the program, its files, the way out.

use std::path::Path;

use super::finding::{Finding, State};
use crate::{
    cli::context::variable,
    credentials::profile,
    error::Error,
    http::{Proxy, tls},
};

pub(super) fn program() -> Finding {
    let version = env!("CARGO_PKG_VERSION");
    Finding::fine("program", format!("insightframe {version} on {} ({})", std::env::consts::OS, std::env::consts::ARCH))
}

pub(super) fn profile_file() -> Finding {
    const SUBJECT: &str = "profile file";
    let Some(path) = profile::path(variable) else {
        return Finding::new(SUBJECT, State::Absent, "there is no home directory to have one in");
    };
    let shown = path.display();
    match profile::sections(&path) {
        Ok(None) => Finding::new(SUBJECT, State::Absent, format!("`{shown}` doesn't exist")),
        Ok(Some(names)) if names.is_empty() => Finding::new(SUBJECT, State::Absent, format!("`{shown}` is empty")),
        Ok(Some(names)) => Finding::fine(SUBJECT, format!("`{shown}` has `{}`", names.join("`, `"))),
        Err(error) => Finding::wrong(SUBJECT, error),
    }
}

/// The proxy as the environment has it. It is shown without its user and password.
pub(super) fn proxy() -> Finding {
    const SUBJECT: &str = "proxy";
    const NAMES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let set = |name: &'static str| variable(name).filter(|value| !value.is_empty()).map(|value| (name, value));
    let Some((name, address)) = NAMES.into_iter().find_map(set) else {
        return Finding::fine(SUBJECT, "none");
    };
    let except = ["NO_PROXY", "no_proxy"].into_iter().find_map(set);
    let except = except.map(|(name, hosts)| format!(", except for `{hosts}` (`{name}`)")).unwrap_or_default();
    // Some write it without a scheme, which means http.
    let address = if address.contains("://") { address } else { format!("http://{address}") };
    match Proxy::parse(&address) {
        Ok(proxy) => Finding::fine(SUBJECT, format!("{proxy:?} (`{name}`){except}")),
        Err(error) => Finding::wrong(SUBJECT, Error::config(format!("`{name}`: {error}"))),
    }
}

pub(super) fn certificates() -> Finding {
    const SUBJECT: &str = "certificates";
    for name in ["SSL_CERT_FILE", "SSL_CERT_DIR"] {
        let Some(path) = variable(name).filter(|path| !path.is_empty()) else { continue };
        if let Err(error) = std::fs::metadata(Path::new(&path)) {
            let error = Error::config(format!("`{name}` is `{path}`: {error}"));
            return Finding::wrong(SUBJECT, error).advise(format!("correct `{name}`, or unset it"));
        }
        return Finding::fine(SUBJECT, format!("the authorities in `{path}` (`{name}`)"));
    }
    if tls::has_system_roots() {
        return Finding::fine(SUBJECT, "the system's authorities");
    }
    Finding::new(SUBJECT, State::Odd, "the system has no authorities; Mozilla's are used, as of when this was built")
        .advise("install the package `ca-certificates`")
}
