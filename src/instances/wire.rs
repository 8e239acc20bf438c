//! The JSON as it travels. Names that aren't known are left alone.

use serde::Deserialize;
use serde_json::Value;

/// An instance (twilio-oai, `flex.v2.instance`).
#[derive(Debug, Deserialize)]
pub(super) struct InstanceReply {
    pub(super) flex_instance_sid: String,
    pub(super) account_sid: String,
    pub(super) status: String,
    #[serde(default)]
    pub(super) date_created: Option<String>,
    #[serde(default)]
    pub(super) date_updated: Option<String>,
}

/// The three shapes of Twilio's errors in one: every field may be missing, or of another type than it should be.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Envelope {
    pub(super) code: Value,
    pub(super) message: Value,
    pub(super) detail: Value,
    pub(super) details: Value,
    pub(super) more_info: Value,
    #[serde(rename = "type")]
    pub(super) kind: Value,
    pub(super) title: Value,
    pub(super) errors: Value,
}
