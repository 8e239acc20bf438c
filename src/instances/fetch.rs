//! `GET /v2/Instances/{sid}`: an instance and how far it is ("Create a Flex instance programmatically"; the states,
//! twilio-oai `flex.v2.instance`).

use std::fmt;

use jiff::Timestamp;

use super::{Instances, sid::InstanceSid, wire::InstanceReply};
use crate::{
    error::Result,
    http::Request,
    progress::{Call, Phase},
    retry::Safety,
};

/// A Flex instance. An account has one at most.
#[derive(Clone, Debug, PartialEq)]
pub struct Instance {
    /// Its name, `GO…`.
    pub sid: String,
    /// The account's, `AC…`.
    pub account_sid: String,
    /// How far it is.
    pub status: Status,
    /// When it was made; none when the service's date can't be read.
    pub date_created: Option<Timestamp>,
    /// When its state last changed.
    pub date_updated: Option<Timestamp>,
}

/// The states of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// The service doesn't know.
    Unknown,
    /// It is being made.
    CreationInProgress,
    /// It can be used.
    Ready,
    /// It could not be made.
    CreationFailed,
    /// It is being deleted.
    DeletionInProgress,
    /// It is gone.
    Deleted,
    /// It could not be deleted.
    DeletionFailed,
    /// A state that was not known when this was written.
    Other(String),
}

/// What a state means to somebody who waits for an instance to be ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prospect {
    /// It is.
    Ready,
    /// It may become so.
    Coming,
    /// It won't.
    Never,
}

const STATES: [(&str, Status); 7] = [
    ("unknown", Status::Unknown),
    ("creation-in-progress", Status::CreationInProgress),
    ("ready", Status::Ready),
    ("creation-failed", Status::CreationFailed),
    ("deletion-in-progress", Status::DeletionInProgress),
    ("deleted", Status::Deleted),
    ("deletion-failed", Status::DeletionFailed),
];

impl Status {
    /// Reads the service's word; one that isn't known survives.
    pub fn parse(text: &str) -> Self {
        let known = STATES.into_iter().find(|(word, _)| *word == text);
        known.map_or_else(|| Self::Other(text.to_owned()), |(_, status)| status)
    }

    /// The service's word.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(text) => text,
            known => STATES.iter().find(|(_, status)| status == known).map_or("unknown", |(word, _)| word),
        }
    }

    pub(super) fn prospect(&self) -> Prospect {
        match self {
            Self::Ready => Prospect::Ready,
            Self::CreationInProgress | Self::Unknown | Self::Other(_) => Prospect::Coming,
            Self::CreationFailed | Self::DeletionInProgress | Self::Deleted | Self::DeletionFailed => Prospect::Never,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<InstanceReply> for Instance {
    fn from(reply: InstanceReply) -> Self {
        // With seconds or milliseconds: both are documented.
        let date = |text: Option<String>| text.and_then(|text| text.parse().ok());
        Self {
            sid: reply.flex_instance_sid,
            account_sid: reply.account_sid,
            status: Status::parse(&reply.status),
            date_created: date(reply.date_created),
            date_updated: date(reply.date_updated),
        }
    }
}

impl Instances {
    /// An instance as it is now.
    ///
    /// # Errors
    /// `NotFound` for one that isn't there, `InvalidCredentials`, `Forbidden`, or another error of the service or the
    /// transport.
    pub async fn fetch(&self, call: &Call, sid: &InstanceSid) -> Result<Instance> {
        call.progress.enter(Phase::Resolving);
        call.within(self.look(call, sid)).await
    }

    pub(super) async fn look(&self, call: &Call, sid: &InstanceSid) -> Result<Instance> {
        let request = Request::get(self.path(&format!("/v2/Instances/{sid}"))?);
        let reply: InstanceReply = self.connection.json(call, Safety::Repeatable, &request, "an instance").await?;
        Ok(reply.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_known_and_an_unknown_one_survives() {
        for (word, prospect) in [
            ("unknown", Prospect::Coming),
            ("creation-in-progress", Prospect::Coming),
            ("ready", Prospect::Ready),
            ("creation-failed", Prospect::Never),
            ("deletion-in-progress", Prospect::Never),
            ("deleted", Prospect::Never),
            ("deletion-failed", Prospect::Never),
            ("creation-paused", Prospect::Coming),
            ("", Prospect::Coming),
        ] {
            let status = Status::parse(word);
            assert_eq!((status.as_str(), status.prospect()), (word, prospect));
        }
        assert!(matches!(Status::parse("READY"), Status::Other(_)));
    }

    #[test]
    fn dates_come_with_seconds_or_milliseconds() {
        let read = |date: &str| {
            let reply = format!(
                r#"{{"flex_instance_sid":"GO1","account_sid":"AC1","status":"ready","date_created":"{date}","date_updated":null}}"#
            );
            Instance::from(serde_json::from_str::<InstanceReply>(&reply).unwrap())
        };
        for (date, expected) in [
            ("2016-08-01T22:10:40Z", Some("2016-08-01T22:10:40Z")),
            ("2025-01-18T10:30:00.123Z", Some("2025-01-18T10:30:00.123Z")),
            ("Mon, 01 Aug 2016", None),
        ] {
            let instance = read(date);
            assert_eq!(instance.date_created.map(|date| date.to_string()).as_deref(), expected);
            assert_eq!(instance.date_updated, None);
        }
    }
}
