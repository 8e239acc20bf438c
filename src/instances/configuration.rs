//! `GET /v1/Configuration`: what is installed, and the workspaces of Flex Insights ("Flex Configuration REST API";
//! twilio-oai, `flex.v1.configuration`).

use serde_json::Value;

use super::Instances;
use crate::{
    error::Result,
    http::Request,
    ids::WorkspaceId,
    progress::{Call, Phase},
    retry::Safety,
};

/// The Flex configuration of the account. Every property may be missing.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// The account's one instance, `GO…`; missing in older answers.
    pub flex_instance_sid: Option<String>,
    /// How far the account is: `ok`, `inprogress` or `notstarted`.
    pub status: Option<String>,
    /// The workspaces of Flex Insights, in the service's order.
    pub insights_workspaces: Vec<InsightsWorkspace>,
    /// All of the answer.
    pub raw: Value,
}

/// A workspace of Flex Insights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InsightsWorkspace {
    /// Its id, as an Insights client takes it: 32 lower-case letters and digits.
    pub id: String,
    /// The zone that its days are days of, such as `America/Los_Angeles`.
    pub timezone: Option<String>,
}

impl Instances {
    /// The configuration of the account.
    ///
    /// # Errors
    /// `NotFound` where Flex was never installed, `InvalidCredentials`, `Forbidden`, or another error of the service or
    /// the transport.
    pub async fn configuration(&self, call: &Call) -> Result<Configuration> {
        call.progress.enter(Phase::Resolving);
        call.within(self.read_configuration(call)).await
    }

    pub(super) async fn read_configuration(&self, call: &Call) -> Result<Configuration> {
        let request = Request::get(self.path("/v1/Configuration")?);
        let raw: serde_json::Map<String, Value> =
            self.connection.json(call, Safety::Repeatable, &request, "a configuration").await?;
        Ok(Configuration::from(Value::Object(raw)))
    }
}

impl From<Value> for Configuration {
    fn from(raw: Value) -> Self {
        let text = |name: &str| raw.get(name).and_then(Value::as_str).map(str::to_owned);
        let listed = raw.pointer("/flex_insights_hr/advanced_reporting_workspaces").and_then(Value::as_array);
        Self {
            flex_instance_sid: text("flex_instance_sid"),
            status: text("status"),
            insights_workspaces: listed.into_iter().flatten().filter_map(workspace).collect(),
            raw,
        }
    }
}

/// An entry with an id that is a workspace's. Which of its two ids that is, no document says: the example's
/// `workspace_id` has the right length, and may be missing.
fn workspace(entry: &Value) -> Option<InsightsWorkspace> {
    let id = |name: &str| entry.get(name)?.as_str().filter(|id| WorkspaceId::parse(id).is_ok());
    Some(InsightsWorkspace {
        id: id("workspace_id").or_else(|| id("id"))?.to_owned(),
        timezone: entry.get("timezone").and_then(Value::as_str).map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_workspaces_are_those_whose_id_is_one() {
        let (a, b) = ("a".repeat(32), "b".repeat(32));
        let found = Configuration::from(json!({
            "status": "ok", "flex_instance_sid": "GO1", "flex_insights_hr": {"advanced_reporting_workspaces": [
                {"id": "ID_1", "timezone": "America/Los_Angeles", "workspace_id": a},
                {"id": b, "timezone": "Etc/UTC"},
                {"id": "ID_2", "timezone": "Etc/UTC"},
                {"id": b, "workspace_id": "A"},
                null,
            ]},
        }));
        let ids: Vec<_> = found.insights_workspaces.iter().map(|it| (it.id.as_str(), it.timezone.as_deref())).collect();
        assert_eq!(ids, [(a.as_str(), Some("America/Los_Angeles")), (&b, Some("Etc/UTC")), (&b, None)]);
        assert_eq!((found.status.as_deref(), found.flex_instance_sid.as_deref()), (Some("ok"), Some("GO1")));
    }

    #[test]
    fn every_property_may_be_missing_or_null() {
        for raw in [
            json!({}),
            json!({"flex_insights_hr": null, "status": null, "flex_instance_sid": null}),
            json!({"flex_insights_hr": {"advanced_reporting_workspaces": null}}),
            json!({"flex_insights_hr": []}),
        ] {
            let found = Configuration::from(raw.clone());
            assert_eq!(
                (found.insights_workspaces.len(), found.status, found.flex_instance_sid),
                (0, None, None),
                "{raw}"
            );
        }
    }
}
