//! Names of things on the service. Each is checked when it is made, so that none of them can move a request's path.

use std::fmt;

use crate::{
    error::{Error, Result},
    origin::{Origin, ServerPath},
};

/// The id of a workspace: 32 lower-case letters and digits, the part after `workspaces/` or `projects/` in the address
/// of the portal (Twilio's documentation of the export API).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WorkspaceId(String);

impl WorkspaceId {
    /// Checks the shape.
    ///
    /// # Errors
    /// `Config` for anything but 32 lower-case letters and digits.
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
            return Ok(Self(text.into()));
        }
        Err(Error::config(format!("`{}` is not a workspace id: 32 lower-case letters and digits", shown(text)))
            .hint("it is the part after `workspaces/` or `projects/` in the address of the Flex Insights portal"))
    }
}

impl fmt::Display for WorkspaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A portable name, the same in every workspace, such as `date.date.mmddyyyy` or `aaosExgHgF8r`:
/// `^[a-zA-Z0-9_.]{1,255}$`, as the service itself checks it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identifier(String);

impl Identifier {
    /// Checks the shape.
    ///
    /// # Errors
    /// `Config` for an empty or overlong text and for any other character.
    pub fn parse(text: &str) -> Result<Self> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
        if (1..=255).contains(&text.len()) && text.bytes().all(fits) {
            return Ok(Self(text.into()));
        }
        Err(Error::config(format!("`{}` is not an identifier: 1 to 255 letters, digits, `_` and `.`", shown(text))))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The address of one metadata object: `/gdc/md/{workspace}/obj/{number}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ObjectUri {
    /// The workspace it lives in.
    pub workspace: WorkspaceId,
    /// Its number there.
    pub number: u64,
}

impl ObjectUri {
    /// Reads an object's address, as a caller or the service writes it (an absolute one only of our own origin).
    ///
    /// # Errors
    /// `UntrustedUri` for an address that leaves the origin, `Config` for one that is not an object's.
    pub fn parse(text: &str, origin: &Origin) -> Result<Self> {
        let path = ServerPath::parse(text, origin)?;
        let wrong = || Error::config(format!("`{}` is not the address of an object: /gdc/md/…/obj/…", shown(text)));
        let rest = path.as_str().strip_prefix("/gdc/md/").ok_or_else(wrong)?;
        let (workspace, number) = rest.split_once("/obj/").ok_or_else(wrong)?;
        let number = decimal(number).ok_or_else(wrong)?;
        Ok(Self { workspace: WorkspaceId::parse(workspace)?, number })
    }
}

impl fmt::Display for ObjectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/gdc/md/{}/obj/{}", self.workspace, self.number)
    }
}

/// A report, or a label, as a caller names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportName {
    /// The number of the object in one workspace, the part after `obj/` in the portal's address.
    Number(u64),
    /// The portable name.
    Identifier(Identifier),
    /// The full address.
    Uri(ObjectUri),
}

impl ReportName {
    /// Tells the three forms apart: digits are a number, a leading `/` or `http` is an address, all else an identifier.
    ///
    /// # Errors
    /// `Config` with the accepted forms, `UntrustedUri` for an address elsewhere.
    pub fn parse(text: &str, origin: &Origin) -> Result<Self> {
        Self::read(text, origin)?.ok_or_else(|| {
            Error::config(format!("`{}` does not name a report", shown(text))).hint(
                "give the object id (`3035643`), the identifier (`aaosExgHgF8r`) or the address (`/gdc/md/…/obj/3035643`)",
            )
        })
    }

    /// The same for a label.
    ///
    /// # Errors
    /// As [`ReportName::parse`].
    pub fn parse_label(text: &str, origin: &Origin) -> Result<Self> {
        Self::read(text, origin)?.ok_or_else(|| {
            Error::config(format!("`{}` does not name a label", shown(text))).hint(
                "give the identifier (`label.agents.team_name`), the object id (`5193`) or the address \
                 (`/gdc/md/…/obj/5193`); `labels()` lists them",
            )
        })
    }

    fn read(text: &str, origin: &Origin) -> Result<Option<Self>> {
        if let Some(number) = decimal(text) {
            return Ok(Some(Self::Number(number)));
        }
        if text.starts_with('/') || text.starts_with("http:") || text.starts_with("https:") {
            return Ok(Some(Self::Uri(ObjectUri::parse(text, origin)?)));
        }
        Ok(Identifier::parse(text).ok().map(Self::Identifier))
    }
}

impl fmt::Display for ReportName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Identifier(identifier) => identifier.fmt(f),
            Self::Uri(uri) => uri.fmt(f),
        }
    }
}

/// 1 to 18 digits and nothing else, so that the number fits every integer that it may be put into.
fn decimal(text: &str) -> Option<u64> {
    let fits = (1..=18).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

/// What a caller or the service wrote, fit for a message: escaped and at most 80 characters.
pub(crate) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(80).flat_map(char::escape_debug).collect();
    if text.chars().nth(80).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKSPACE: &str = "abcdefghij0123456789abcdefghij01";

    fn origin() -> Origin {
        Origin::parse("https://analytics.ytica.com", "/gdc/").unwrap()
    }

    #[test]
    fn ids_cannot_move_the_path() {
        let long = "a".repeat(256);
        for text in ["", ".", "..", "a/b", "a\\b", "a?b", "a#b", "a%2fb", "a b", "a\r\nb", "../obj/1", &long] {
            assert!(WorkspaceId::parse(text).is_err(), "{text:?}");
            let refused = !matches!(text, "." | "..");
            assert_eq!(Identifier::parse(text).is_err(), refused, "{text:?}");
        }
    }

    #[test]
    fn a_label_has_three_names() {
        let origin = origin();
        let uri = format!("/gdc/md/{WORKSPACE}/obj/5193");
        for text in [uri.as_str(), "label.agents.team_name", "date.aag81lMifn6q", "5193"] {
            assert_eq!(ReportName::parse_label(text, &origin).unwrap().to_string(), text);
        }
        for text in ["", "Team Name", "//evil/gdc/md/x/obj/1", "https://evil.com/gdc/md/x/obj/1", "/gdc/account/token"]
        {
            assert!(ReportName::parse_label(text, &origin).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_report_has_three_names() {
        let origin = origin();
        let uri = format!("/gdc/md/{WORKSPACE}/obj/255");
        assert_eq!(ReportName::parse("3035643", &origin).unwrap(), ReportName::Number(3_035_643));
        assert!(matches!(ReportName::parse("aaosExgHgF8r", &origin).unwrap(), ReportName::Identifier(_)));
        for text in [uri.clone(), format!("https://analytics.ytica.com{uri}")] {
            let ReportName::Uri(found) = ReportName::parse(&text, &origin).unwrap() else { panic!("{text}") };
            assert_eq!(found.to_string(), uri);
        }
        for text in ["", "a b", "-1", "3035643/..", "/gdc/md/x/obj/1", "/gdc/md/../obj/1", "//evil/gdc/md/x/obj/1"] {
            assert!(ReportName::parse(text, &origin).is_err(), "{text:?}");
        }
        assert!(ReportName::parse(&format!("https://evil.com{uri}"), &origin).is_err());
        assert!(
            ReportName::parse("9999999999999999999", &origin)
                .is_ok_and(|name| matches!(name, ReportName::Identifier(_)))
        );
    }
}
