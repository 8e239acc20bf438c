//! Twilio's names of things: two letters and 32 hexadecimal digits (twilio-oai, `flex.v2.instance`). Checked when they
//! are made, so that none can move a request's path or add a header.

use std::fmt;

use crate::{
    error::{Error, Result},
    ids::shown,
};

fn is_sid(text: &str, letters: &str) -> bool {
    text.strip_prefix(letters).is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// The sid of a Flex instance, `GO…`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct InstanceSid(String);

/// The sid of an account, `AC…`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AccountSid(String);

impl InstanceSid {
    /// Checks the shape.
    ///
    /// # Errors
    /// `Config` for anything but `GO` and 32 hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self> {
        if is_sid(text, "GO") {
            return Ok(Self(text.into()));
        }
        Err(Error::config(format!(
            "`{}` is not the sid of a Flex instance: `GO` and 32 hexadecimal digits",
            shown(text)
        ))
        .hint("`configuration()` tells the one of the account, as `flex_instance_sid`"))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AccountSid {
    /// Checks the shape.
    ///
    /// # Errors
    /// `Config` for anything but `AC` and 32 hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self> {
        if is_sid(text, "AC") {
            return Ok(Self(text.into()));
        }
        Err(Error::config(format!("`{}` is not the sid of an account: `AC` and 32 hexadecimal digits", shown(text)))
            .hint("it stands on the first page of the Twilio console"))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InstanceSid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for AccountSid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_sid_can_move_a_path_or_add_a_header() {
        let digits = "0aA".repeat(11)[..32].to_owned();
        assert!(InstanceSid::parse(&format!("GO{digits}")).is_ok());
        assert!(AccountSid::parse(&format!("AC{digits}")).is_ok());
        assert!(InstanceSid::parse(&format!("AC{digits}")).is_err());
        for text in [
            String::new(),
            "GO".into(),
            format!("GO{}", &digits[1..]),
            format!("GO{digits}0"),
            format!("go{digits}"),
            format!("GO{}/", &digits[1..]),
            format!("GO{}?", &digits[1..]),
            format!("GO{}%2e", &digits[3..]),
            format!("GO{}\n", &digits[1..]),
            format!("../GO{}", &digits[3..]),
            format!("GO{}é", &digits[2..]),
        ] {
            assert_eq!(InstanceSid::parse(&text).unwrap_err().code(), "ConfigError", "{text:?}");
            assert_eq!(AccountSid::parse(&text.replacen("GO", "AC", 1)).unwrap_err().code(), "ConfigError", "{text:?}");
        }
    }
}
