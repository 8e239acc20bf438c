//! Where the credentials come from: the caller, then the environment, by the rules of Twilio's own tools (twilio-cli,
//! `services/config.js`): a complete API key pair wins over the account's token.

use super::AccountSid;
use crate::{
    error::{Error, Result},
    secret::{Credentials, Secret},
};

/// What the caller gave.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// The sid of an API key (`SK…`), or of the account (`AC…`).
    pub username: Option<String>,
    /// The key's secret, or the account's token.
    pub password: Option<Secret>,
    /// The account.
    pub account_sid: Option<String>,
}

/// Everything that is needed.
#[derive(Clone, Debug)]
pub struct Found {
    /// User name and password.
    pub credentials: Credentials,
    /// The account.
    pub account_sid: AccountSid,
    /// Whether the password came from the environment, and can be found there again.
    pub from_environment: bool,
}

/// Completes what the caller gave from `TWILIO_API_KEY` and `TWILIO_API_SECRET`, else `TWILIO_ACCOUNT_SID` and
/// `TWILIO_AUTH_TOKEN`. The account is, in this order, the one given, the user name if that is an account's sid, and
/// `TWILIO_ACCOUNT_SID`. An empty value counts as none.
///
/// # Errors
/// `Config` that names what is missing and the variables that were looked at.
pub fn resolve(given: Given, environment: impl Fn(&str) -> Option<String>) -> Result<Found> {
    let variable = |name: &str| environment(name).filter(|value| !value.is_empty());
    let pair = |name: &str, secret: &str| Some((variable(name)?, Secret::new(variable(secret)?)));
    let (username, password, from_environment) = match (given.username, given.password) {
        (Some(username), Some(password)) => (username, password, false),
        (None, None) => {
            let found =
                pair("TWILIO_API_KEY", "TWILIO_API_SECRET").or_else(|| pair("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"));
            let (username, password) = found.ok_or_else(|| {
                Error::config(
                    "no credentials: none were given, and neither `TWILIO_API_KEY` and `TWILIO_API_SECRET` nor \
                     `TWILIO_ACCOUNT_SID` and `TWILIO_AUTH_TOKEN` are both set",
                )
                .hint(
                    "an API key is made in the Twilio console; it can be revoked by itself, the account's token can't",
                )
            })?;
            (username, password, true)
        }
        (Some(_), None) => return Err(Error::config("`username` is given without its `password`")),
        (None, Some(_)) => return Err(Error::config("`password` is given without its `username`")),
    };
    let account_sid = given
        .account_sid
        .filter(|sid| !sid.is_empty())
        .or_else(|| username.starts_with("AC").then(|| username.clone()))
        .or_else(|| variable("TWILIO_ACCOUNT_SID"))
        .ok_or_else(|| {
            Error::config("no account: an API key names none, none was given, and `TWILIO_ACCOUNT_SID` is not set")
                .hint("pass `account_sid=\"AC…\"`")
        })?;
    Ok(Found {
        credentials: Credentials { username, password },
        account_sid: AccountSid::parse(&account_sid)?,
        from_environment,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_pair_wins_and_the_account_is_found() {
        let (ac, other) = (format!("AC{}", "1".repeat(32)), format!("AC{}", "2".repeat(32)));
        let all = [
            ("TWILIO_API_KEY", "SK1"),
            ("TWILIO_API_SECRET", "secret"),
            ("TWILIO_ACCOUNT_SID", ac.as_str()),
            ("TWILIO_AUTH_TOKEN", "token"),
        ];
        let without = |names: &[&str]| {
            all.into_iter()
                .filter(|(name, _)| !names.contains(name))
                .map(|(a, b)| (a.to_owned(), b.to_owned()))
                .collect()
        };
        let found = |given: Given, variables: Vec<(String, String)>| {
            let found =
                resolve(given, |name| variables.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone()))?;
            let Credentials { username, password } = found.credentials;
            Ok::<_, Error>(format!("{username} {} {}", password.expose(), found.account_sid))
        };
        let none = Given::default;
        let given = |username: &str, account: Option<&str>| Given {
            username: Some(username.into()),
            password: Some(Secret::new("mine")),
            account_sid: account.map(str::to_owned),
        };
        assert_eq!(found(none(), without(&[])).unwrap(), format!("SK1 secret {ac}"));
        assert_eq!(found(none(), without(&["TWILIO_API_SECRET"])).unwrap(), format!("{ac} token {ac}"));
        assert_eq!(found(given(&other, None), without(&[])).unwrap(), format!("{other} mine {other}"));
        assert_eq!(found(given("SK2", None), without(&[])).unwrap(), format!("SK2 mine {ac}"));
        assert_eq!(found(given("SK2", Some(&other)), without(&[])).unwrap(), format!("SK2 mine {other}"));
        for (given, missing, words) in [
            (none(), &["TWILIO_API_KEY", "TWILIO_AUTH_TOKEN"][..], "no credentials: none were given"),
            (none(), &["TWILIO_ACCOUNT_SID"], "no account: an API key names none"),
            (given("SK2", Some("AC1")), &[], "`AC1` is not the sid of an account"),
            (Given { username: Some("SK1".into()), ..none() }, &[], "without its `password`"),
            (Given { password: Some(Secret::new("x")), ..none() }, &[], "without its `username`"),
        ] {
            let error = found(given, without(missing)).unwrap_err().to_string();
            assert!(error.contains(words), "{words} is missing in: {error}");
        }
    }
}
