//! Where the user name, the password and the defaults come from: the caller, the environment, a profile file.

pub mod profile;

use std::{fmt, path::PathBuf};

use self::profile::{Reading, Section};
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

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The caller.
    Caller,
    /// A variable of the environment.
    Variable(&'static str),
    /// A section of the profile file.
    Profile(String, PathBuf),
}

/// In the words of a message: the variable, or the section and its file.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Caller => f.write_str("the caller"),
            Self::Variable(name) => write!(f, "`{name}`"),
            Self::Profile(section, path) => write!(f, "profile `{section}` in `{}`", path.display()),
        }
    }
}

/// A value, and where it came from.
pub type Sourced<T> = (T, Source);

/// What was found, complete or not.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Login of the Analytics Portal.
    pub username: Option<Sourced<String>>,
    /// Its password.
    pub password: Option<Sourced<Secret>>,
    /// The default workspace.
    pub workspace: Option<Sourced<String>>,
    /// The service.
    pub base_url: Option<Sourced<String>>,
    /// What was looked at last, and in vain where something is missing.
    looked_at: String,
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

/// Completes what the caller gave, as [`look_up`] does without a profile that the caller asks for.
///
/// # Errors
/// Those of [`look_up`] and [`Found::complete`].
pub fn resolve(given: Given, environment: impl Fn(&str) -> Option<String>) -> Result<Resolved> {
    look_up(given, None, environment)?.complete()
}

/// Completes what the caller gave, in this order: from the section `profile` of the profile file, if he asks for one;
/// from `FLEX_INSIGHTS_USERNAME`, `FLEX_INSIGHTS_PASSWORD`, `FLEX_INSIGHTS_WORKSPACE` and `FLEX_INSIGHTS_BASE_URL`; and
/// from the section `INSIGHTFRAME_PROFILE` (default `default`), unless the caller asks for another or all is there
/// already. The file is `INSIGHTFRAME_CONFIG` (default `~/.config/insightframe/config.toml`). An
/// empty value counts as none.
///
/// # Errors
/// `Config` when the profile file is readable by others, damaged or without the section that was asked for; `OSError`
/// when it can't be read.
pub fn look_up(given: Given, profile: Option<&str>, environment: impl Fn(&str) -> Option<String>) -> Result<Found> {
    let variable = |name: &str| environment(name).filter(|value| !value.is_empty());
    let path = profile::path(variable);
    let Given { username, password, workspace, base_url } = given;
    let mut found = Found::default();
    found.fill(Section { username, password, workspace, base_url }, |_| Source::Caller);
    if let Some(section) = profile {
        found.read(path.clone(), section, Some(&format!("the profile `{section}` is asked for")))?;
    }
    found.fill(environment_of(variable), Source::Variable);
    if profile.is_some() {
        return Ok(found);
    }
    match variable(profile::NAME) {
        Some(section) => found.read(path, &section, Some(&format!("`{}` is `{section}`", profile::NAME)))?,
        None if found.has_all() => {}
        None => found.read(path, profile::DEFAULT, None)?,
    }
    Ok(found)
}

/// Completes what the caller gave from the environment, and from nowhere else.
pub fn without_profile(given: Given, environment: impl Fn(&str) -> Option<String>) -> Found {
    let Given { username, password, workspace, base_url } = given;
    let mut found = Found::default();
    found.fill(Section { username, password, workspace, base_url }, |_| Source::Caller);
    found.fill(environment_of(environment), Source::Variable);
    found
}

fn environment_of(variable: impl Fn(&str) -> Option<String>) -> Section {
    let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
    Section {
        username: variable(USERNAME),
        password: variable(PASSWORD).map(Secret::new),
        workspace: variable(WORKSPACE),
        base_url: variable(BASE_URL),
    }
}

const USERNAME: &str = "FLEX_INSIGHTS_USERNAME";
const PASSWORD: &str = "FLEX_INSIGHTS_PASSWORD";
const WORKSPACE: &str = "FLEX_INSIGHTS_WORKSPACE";
const BASE_URL: &str = "FLEX_INSIGHTS_BASE_URL";

/// The values alone, to be stored.
impl From<Found> for Section {
    fn from(found: Found) -> Self {
        let value = |found: Option<Sourced<String>>| found.map(|(value, _)| value);
        Self {
            username: value(found.username),
            password: found.password.map(|(password, _)| password),
            workspace: value(found.workspace),
            base_url: value(found.base_url),
        }
    }
}

impl Found {
    fn has_all(&self) -> bool {
        self.username.is_some() && self.password.is_some() && self.workspace.is_some() && self.base_url.is_some()
    }

    /// Takes what is missing from `values`; `source` names the place of the value of a variable.
    fn fill(&mut self, values: Section, source: impl Fn(&'static str) -> Source) {
        fn take<T>(slot: &mut Option<Sourced<T>>, value: Option<T>, source: impl FnOnce() -> Source) {
            if slot.is_none() {
                *slot = value.map(|value| (value, source()));
            }
        }
        let text = |value: Option<String>| value.filter(|value| !value.is_empty());
        let password = values.password.filter(|password| !password.expose().is_empty());
        take(&mut self.username, text(values.username), || source(USERNAME));
        take(&mut self.password, password, || source(PASSWORD));
        take(&mut self.workspace, values.workspace, || source(WORKSPACE));
        take(&mut self.base_url, values.base_url, || source(BASE_URL));
    }

    /// Takes what is missing from a section, which must be there when `asked` says why.
    fn read(&mut self, path: Option<PathBuf>, section: &str, asked: Option<&str>) -> Result<()> {
        let Some(path) = path else {
            self.looked_at = "there is no home directory with a profile file".into();
            return match asked {
                None => Ok(()),
                Some(asked) => Err(Error::config(format!("{asked}, but {}", self.looked_at))),
            };
        };
        let shown = path.display();
        let (missing, hint) = match profile::read(&path, section)? {
            Reading::Found(values) => {
                self.looked_at = format!("section `{section}` of `{shown}` doesn't have it");
                self.fill(values, |_| Source::Profile(section.into(), path.clone()));
                return Ok(());
            }
            Reading::NoFile => {
                self.looked_at = format!("the profile file `{shown}` doesn't exist");
                (self.looked_at.clone(), None)
            }
            Reading::NoSection(others) => {
                self.looked_at = format!("`{shown}` has no section `{section}`");
                (format!("`{shown}` has no such section"), Some(others))
            }
        };
        let Some(asked) = asked else { return Ok(()) };
        let others =
            hint.filter(|others| !others.is_empty()).map(|others| format!("it has `{}`; ", others.join("`, `")));
        let login = format!("`insightframe login --profile {section}` makes it");
        Err(Error::config(format!("{asked}, but {missing}")).hint(others.unwrap_or_default() + &login))
    }

    /// The credentials, which must be there.
    ///
    /// # Errors
    /// `Config` that names every place that was looked at, when the user name or the password is missing.
    pub fn complete(self) -> Result<Resolved> {
        let Self { username, password, workspace, base_url, looked_at } = self;
        let missing = |what: &str, variables: &str| {
            let looked_at = if looked_at.is_empty() { String::new() } else { format!(", and {looked_at}") };
            Err(Error::config(format!("no {what}: none was given, {variables} not set{looked_at}")).hint(
                "Flex Insights has logins of its own, issued by Twilio's support; to try without one, start a sandbox: \
                 `insightframe demo`",
            ))
        };
        let ((username, _), (password, source)) = match (username, password) {
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
            password_was_given: source == Source::Caller,
            workspace: workspace.map(|(value, _)| value),
            base_url: base_url.map(|(value, _)| value),
        })
    }
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
    fn a_profile_that_is_asked_for_goes_before_the_environment_and_every_value_has_its_source() {
        let file = profile("[eu]\nusername='p'\nbase_url='pb'\n[default]\nworkspace='no'\n", 0o600);
        let path = file.path().to_str().unwrap();
        let environment = [
            ("INSIGHTFRAME_CONFIG", path),
            ("FLEX_INSIGHTS_USERNAME", "e"),
            ("FLEX_INSIGHTS_PASSWORD", "ep"),
            ("INSIGHTFRAME_PROFILE", "default"),
        ];
        let found = look_up(Given::default(), Some("eu"), lookup(&environment)).unwrap();
        let shown = |value: &Option<Sourced<String>>| value.as_ref().map(|(value, source)| format!("{value} {source}"));
        assert_eq!(shown(&found.username), Some(format!("p profile `eu` in `{path}`")));
        assert_eq!(
            found.password.as_ref().map(|(_, source)| source.to_string()),
            Some("`FLEX_INSIGHTS_PASSWORD`".into())
        );
        assert_eq!((shown(&found.workspace), shown(&found.base_url).is_some()), (None, true));
        let error = look_up(Given::default(), Some("us"), lookup(&environment)).unwrap_err().to_string();
        let words = format!(
            "the profile `us` is asked for, but `{path}` has no such section\nhint: it has `eu`, `default`; \
             `insightframe login --profile us` makes it"
        );
        assert_eq!(error, words);
        let error = look_up(Given::default(), Some("us"), lookup(&[("INSIGHTFRAME_CONFIG", "/nowhere")])).unwrap_err();
        assert!(
            error.to_string().starts_with("the profile `us` is asked for, but the profile file `/nowhere` doesn't")
        );
    }

    #[test]
    fn a_profile_that_others_may_read_or_that_is_damaged_is_refused_without_showing_it() {
        let open = profile("[default]\npassword='canary'\n", 0o640);
        let damaged = profile("[default]\npassword='canary\n", 0o600);
        for (file, words) in [(open, "may be read by others (mode 640)"), (damaged, "can't be read: line 2")] {
            let path = file.path().to_str().unwrap().to_owned();
            let error = resolve(Given::default(), lookup(&[("INSIGHTFRAME_CONFIG", &path)])).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
            assert!(!error.contains("canary"), "{error}");
        }
    }
}
