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
                &whole(json!({"account_sid": options.account_sid, "status": "notstarted", "flex_instance_sid": null,
                    "flex_insights_hr": null, "url": ADDRESS})),
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
        "url": ADDRESS,
    });
    if let (false, Some(all)) = (options.configuration_flex_instance_sid, all.as_object_mut()) {
        all.shift_remove("flex_instance_sid");
    }
    Ok(json(200, &whole(all)))
}

const ADDRESS: &str = "https://flex-api.twilio.com/v1/Configuration";

/// The other properties that an answer has (twilio-oai, `flex.v1.configuration`). Every one may be null; the switches
/// among them are off.
const OTHERS: [&str; 34] = [
    "attributes",
    "taskrouter_target_workflow_sid",
    "taskrouter_target_taskqueue_sid",
    "taskrouter_taskqueues",
    "taskrouter_skills",
    "taskrouter_worker_channels",
    "taskrouter_worker_attributes",
    "taskrouter_offline_activity_sid",
    "messaging_service_instance_sid",
    "ui_language",
    "ui_attributes",
    "ui_dependencies",
    "call_recording_enabled",
    "call_recording_webhook_url",
    "crm_enabled",
    "crm_type",
    "crm_callback_url",
    "crm_fallback_url",
    "crm_attributes",
    "public_attributes",
    "plugin_service_enabled",
    "plugin_service_attributes",
    "integrations",
    "outbound_call_flows",
    "queue_stats_configuration",
    "serverless_service_sids",
    "notifications",
    "markdown",
    "channel_configs",
    "debugger_integration",
    "flex_ui_status_report",
    "agent_conv_end_methods",
    "citrix_voice_vdi",
    "offline_config",
];

/// An answer with all of its properties.
fn whole(mut answer: Value) -> Value {
    if let Some(all) = answer.as_object_mut() {
        for name in OTHERS {
            let off = if name.ends_with("_enabled") { false.into() } else { Value::Null };
            all.entry(name).or_insert(off);
        }
    }
    answer
}
