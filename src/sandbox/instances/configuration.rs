//! `GET /v1/Configuration`.

use serde_json::{Value, json};

use super::{errors, instance::date, json};
use crate::{
    clock::Clock as _,
    sandbox::{
        errors::Answer,
        options::{BeforeInstall, FlexInsightsHr},
        router::Call,
        state::locked,
    },
};

/// The configuration of the account, its first workspace of Flex Insights in it.
pub(super) fn answer(call: &Call) -> Answer {
    let options = &call.world.options.instances;
    let mut place = locked(&call.world.instances.instance);
    let Some(instance) = &mut *place else {
        return match options.configuration_before_install {
            BeforeInstall::NotFound => Err(errors::not_found(call)),
            BeforeInstall::NotStarted => Ok(json(
                200,
                &json!({"account_sid": options.account_sid, "status": "notstarted", "flex_instance_sid": null,
                    "flex_insights_hr": null, "url": "https://flex-api.twilio.com/v1/Configuration"}),
            )),
        };
    };
    instance.age(options, call.world.clock.timestamp());
    let workspace = &call.world.options.workspace;
    let zone = "America/Los_Angeles";
    let insights = match options.flex_insights_hr {
        FlexInsightsHr::Null => Value::Null,
        FlexInsightsHr::Object => json!({"advanced_reporting_enabled": true, "advanced_reporting_workspaces": [
            {"id": "ID_1", "timezone": zone, "workspace_id": workspace},
            {"id": "ID_2", "timezone": "Etc/UTC"},
        ]}),
        FlexInsightsHr::WithoutWorkspaceId => json!({
            "advanced_reporting_enabled": true,
            "advanced_reporting_workspaces": [{"id": workspace, "timezone": zone}],
        }),
    };
    let now = date(options, call.world.clock.timestamp());
    let sid = |letters: &str| format!("{letters}{}", "5e".repeat(16));
    let mut all = json!({
        "account_sid": options.account_sid,
        "date_created": now,
        "date_updated": now,
        "attributes": null,
        "status": instance.onboarding(options),
        "flex_instance_sid": instance.sid,
        "flex_service_instance_sid": sid("IS"),
        "chat_service_instance_sid": sid("IS"),
        "taskrouter_workspace_sid": sid("WS"),
        "runtime_domain": "https://flex.twilio.com",
        "service_version": "1.0",
        "ui_version": "1.0",
        "flex_insights_hr": insights,
        "flex_insights_drilldown": true,
        "flex_url": "https://flex.twilio.com",
        "url": "https://flex-api.twilio.com/v1/Configuration",
    });
    if let (false, Some(all)) = (options.configuration_flex_instance_sid, all.as_object_mut()) {
        all.shift_remove("flex_instance_sid");
    }
    Ok(json(200, &all))
}
