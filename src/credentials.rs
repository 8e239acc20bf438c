//! Where the user name, the password and the defaults come from: the caller, the environment, a profile file.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::{
    error::{Error, Result},
    secret::Secret,
};

/// What the caller gave; `None` where something else is to say.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// Login of the Analytics Portal.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<Secret>,
    /// The default workspace.
    pub workspace: Option<String>,
    /// The service.
    pub base_url: Option<String>,
}

/// Everything, with the password's origin.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// Login of the Analytics Portal.
    pub username: String,
    /// Its password.
    pub password: Secret,
    /// Whether the caller gave the password himself: then it can't be found again elsewhere.
    pub password_was_given: bool,
    /// The default workspace.
    pub workspace: Option<String>,
    /// The service.
    pub base_url: Option<String>,
}

/// A section of the profile file.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Profile {
    username: Option<String>,
    password: Option<String>,
    workspace: Option<String>,
    base_url: Option<String>,
}

/// Completes what the caller gave: `FLEX_INSIGHTS_USERNAME`, `FLEX_INSIGHTS_PASSWORD`, `FLEX_INSIGHTS_WORKSPACE` and
/// `FLEX_INSIGHTS_BASE_URL`, then the section `INSIGHTFRAME_PROFILE` (default `default`) of the file
/// `INSIGHTFRAME_CONFIG` (default `~/.config/insightframe/config.toml`). An empty value counts as none.
///
/// # Errors
/// `Config` that names every place that was looked at, when the user name or the password is missing, or when the
/// profile file is readable by others, damaged or without the section that was asked for.
pub fn resolve(given: Given, environment: impl Fn(&str) -> Option<String>) -> Result<Resolved> {
    let variable = |name: &str| environment(name).filter(|value| !value.is_empty());
    let username = given.username.filter(|name| !name.is_empty()).or_else(|| variable("FLEX_INSIGHTS_USERNAME"));
    let given_password = given.password.filter(|password| !password.expose().is_empty());
    let password_was_given = given_password.is_some();
    let password = given_password.or_else(|| variable("FLEX_INSIGHTS_PASSWORD").map(Secret::new));
    let workspace = given.workspace.or_else(|| variable("FLEX_INSIGHTS_WORKSPACE"));
    let base_url = given.base_url.or_else(|| variable("FLEX_INSIGHTS_BASE_URL"));
    let wanted = variable("INSIGHTFRAME_PROFILE");
    let complete = username.is_some() && password.is_some() && workspace.is_some() && base_url.is_some();
    let (profile, looked_at) = if complete && wanted.is_none() {
        (Profile::default(), String::new())
    } else {
        read_profile(&variable, wanted.as_deref())?
    };
    let username = username.or(profile.username).filter(|name| !name.is_empty());
    let password = password.or_else(|| profile.password.filter(|text| !text.is_empty()).map(Secret::new));
    let missing = |what: &str, variables: &str| {
        Err(Error::config(format!("no {what}: none was given, {variables} not set, and {looked_at}")).hint(
            "Flex Insights has logins of its own, issued by Twilio's support; to try without one, start a sandbox: \
             `insightframe demo`",
        ))
    };
    let (username, password) = match (username, password) {
        (Some(username), Some(password)) => (username, password),
        (Some(_), None) => return missing("password", "`FLEX_INSIGHTS_PASSWORD` is"),
        (None, Some(_)) => return missing("user name", "`FLEX_INSIGHTS_USERNAME` is"),
        (None, None) => {
            let variables = "`FLEX_INSIGHTS_USERNAME` and `FLEX_INSIGHTS_PASSWORD` are";
            return missing("user name and no password", variables);
        }
    };
    Ok(Resolved {
        username,
        password,
        password_was_given,
        workspace: workspace.or(profile.workspace),
        base_url: base_url.or(profile.base_url),
    })
}

/// The profile, and in words what was looked at.
fn read_profile(variable: &impl Fn(&str) -> Option<String>, wanted: Option<&str>) -> Result<(Profile, String)> {
    let section = wanted.unwrap_or("default");
    let path = match variable("INSIGHTFRAME_CONFIG") {
        Some(path) => PathBuf::from(path),
        None => {
            let home = variable("XDG_CONFIG_HOME").map(PathBuf::from).or_else(|| {
                variable("HOME").or_else(|| variable("USERPROFILE")).map(|home| Path::new(&home).join(".config"))
            });
            match home {
                Some(home) => home.join("insightframe").join("config.toml"),
                None => return Ok((Profile::default(), "there is no home directory with a profile file".into())),
            }
        }
    };
    let shown = path.display();
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && wanted.is_none() => {
            return Ok((Profile::default(), format!("the profile file `{shown}` doesn't exist")));
        }
        Err(error) => return Err(Error::file(shown, &error)),
    };
    refuse_readable_by_others(&path)?;
    // The parser's own message quotes the file's lines, which hold the password.
    let mut sections: std::collections::HashMap<String, Profile> = toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(String::new(), |span| {
            format!(" in line {}", text[..span.start.min(text.len())].matches('\n').count() + 1)
        });
        Error::config(format!("the profile file `{shown}` can't be read{line}"))
            .hint("it has sections like `[default]` with `username`, `password`, `workspace` and `base_url`")
    })?;
    match sections.remove(section) {
        Some(profile) => Ok((profile, format!("section `{section}` of `{shown}` doesn't have it"))),
        None if wanted.is_none() => Ok((Profile::default(), format!("`{shown}` has no section `{section}`"))),
        None => Err(Error::config(format!("`INSIGHTFRAME_PROFILE` is `{section}`, but `{shown}` has no such section"))),
    }
}

#[cfg(unix)]
fn refuse_readable_by_others(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let shown = path.display();
    let mode = std::fs::metadata(path).map_err(|error| Error::file(shown, &error))?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(Error::config(format!("the profile file `{}` may be read by others (mode {:o})", path.display(), mode & 0o777))
        .hint(format!("chmod 600 {}", path.display())))
}

#[cfg(not(unix))]
fn refuse_readable_by_others(_: &Path) -> Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn lookup<'a>(variables: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        move |name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    }

    fn profile(text: &str, mode: u32) -> tempfile::NamedTempFile {
        use std::os::unix::fs::PermissionsExt;
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        file
    }

    #[test]
    fn missing_credentials_name_every_place_that_was_looked_at() {
        let error = resolve(Given::default(), lookup(&[("INSIGHTFRAME_CONFIG", "/nowhere/config.toml")])).unwrap_err();
        insta::assert_snapshot!(error, @"
        no user name and no password: none was given, `FLEX_INSIGHTS_USERNAME` and `FLEX_INSIGHTS_PASSWORD` are not set, and the profile file `/nowhere/config.toml` doesn't exist
        hint: Flex Insights has logins of its own, issued by Twilio's support; to try without one, start a sandbox: `insightframe demo`
        ");
        let given = Given { username: Some("u@example.com".into()), ..Given::default() };
        let error = resolve(given, lookup(&[("FLEX_INSIGHTS_PASSWORD", "")])).unwrap_err();
        assert!(error.to_string().starts_with("no password: none was given, `FLEX_INSIGHTS_PASSWORD` is not set"));
    }

    #[test]
    fn the_caller_wins_over_the_environment_and_that_over_the_profile() {
        let file = profile("[default]\nusername='p'\npassword='pp'\nworkspace='pw'\nbase_url='pb'\n[other]\n", 0o600);
        let path = file.path().to_str().unwrap();
        let found = resolve(
            Given { username: Some("c".into()), ..Given::default() },
            lookup(&[("INSIGHTFRAME_CONFIG", path), ("FLEX_INSIGHTS_WORKSPACE", "ew")]),
        )
        .unwrap();
        assert_eq!((found.username.as_str(), found.password.expose()), ("c", "pp"));
        assert_eq!((found.workspace.as_deref(), found.base_url.as_deref()), (Some("ew"), Some("pb")));
        assert!(!found.password_was_given);
        // Credentials from elsewhere don't hide the profile's workspace; an empty value is none.
        let known = [
            ("INSIGHTFRAME_CONFIG", path),
            ("FLEX_INSIGHTS_USERNAME", "e"),
            ("FLEX_INSIGHTS_PASSWORD", "ep"),
            ("FLEX_INSIGHTS_BASE_URL", ""),
        ];
        let found = resolve(Given { password: Some(Secret::new("")), ..Given::default() }, lookup(&known)).unwrap();
        assert_eq!((found.username.as_str(), found.password.expose()), ("e", "ep"));
        assert_eq!((found.workspace.as_deref(), found.base_url.as_deref()), (Some("pw"), Some("pb")));
        assert!(!found.password_was_given);
        let asked = [("INSIGHTFRAME_CONFIG", path), ("INSIGHTFRAME_PROFILE", "third")];
        assert!(resolve(Given::default(), lookup(&asked)).unwrap_err().to_string().contains("no such section"));
    }

    #[test]
    fn a_profile_that_others_may_read_or_that_is_damaged_is_refused_without_showing_it() {
        let open = profile("[default]\npassword='canary'\n", 0o640);
        let damaged = profile("[default]\npassword='canary\n", 0o600);
        for (file, words) in [(open, "may be read by others (mode 640)"), (damaged, "can't be read in line 2")] {
            let path = file.path().to_str().unwrap().to_owned();
            let error = resolve(Given::default(), lookup(&[("INSIGHTFRAME_CONFIG", &path)])).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
            assert!(!error.contains("canary"), "{error}");
        }
    }
}
