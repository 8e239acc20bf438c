//! `POST /gdc/app/projects/{workspace}/execute/raw`: has the service compute a report as CSV.

use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::json;

use super::{Insights, filter::Interval, objects::is_bad_request, wire::ExecutionReply};
use crate::{
    error::{ApiFault, Error, Kind, Result},
    http::Request,
    ids::{ObjectUri, ReportName, WorkspaceId},
    origin::{Origin, ServerPath},
    progress::{Call, Phase},
    retry::Safety,
};

/// A computation that the service has accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    /// The report.
    pub report: ObjectUri,
    /// Where the result will be, byte for byte as the service wrote it.
    pub result: ServerPath,
}

/// An execution as text that goes on with it elsewhere; it holds no secret.
#[derive(Serialize, Deserialize)]
struct Handle {
    insightframe: u32,
    report: String,
    result: String,
}

impl Execution {
    /// The handle: one line of JSON.
    pub fn handle(&self) -> String {
        let handle = Handle { insightframe: 1, report: self.report.to_string(), result: self.result.to_string() };
        serde_json::to_string(&handle).unwrap_or_default()
    }

    /// Reads a handle. It is checked like an address of the service, since it may have been anywhere.
    ///
    /// # Errors
    /// `Config` for text that is no handle, `UntrustedUri` for one of another service.
    pub fn parse(handle: &str, origin: &Origin) -> Result<Self> {
        let wrong = || {
            Error::config(format!("`{}` is not the handle of an execution", crate::ids::shown(handle)))
                .hint("pass the `handle` of the error unchanged")
        };
        let handle: Handle = serde_json::from_str(handle).map_err(|_| wrong())?;
        if handle.insightframe != 1 {
            return Err(wrong());
        }
        let report = ObjectUri::parse(&handle.report, origin)?;
        Ok(Self { result: result_path(&handle.result, &report.workspace, origin)?, report })
    }
}

impl Insights {
    /// The address of a report or label, however the caller names it.
    ///
    /// # Errors
    /// `NotFound` for an unknown identifier, `Config` when an address and the workspace contradict each other.
    pub async fn locate(&self, call: &Call, name: &ReportName, workspace: Option<&WorkspaceId>) -> Result<ObjectUri> {
        match name {
            ReportName::Uri(uri) => match workspace {
                Some(workspace) if *workspace != uri.workspace => {
                    Err(Error::config(format!("`{uri}` is not in the workspace `{workspace}`")))
                }
                _ => Ok(uri.clone()),
            },
            ReportName::Number(number) => Ok(ObjectUri { workspace: self.workspace(workspace)?, number: *number }),
            ReportName::Identifier(identifier) => {
                let workspace = self.workspace(workspace)?;
                let found = self.identifiers(call, &workspace, std::slice::from_ref(identifier)).await?;
                found.into_values().next().ok_or_else(|| Error::config(format!("no object `{identifier}`")))
            }
        }
    }

    /// Starts the computation. Sending it twice computes twice and harms nothing.
    ///
    /// # Errors
    /// `NotFound` for an unknown report, `UntrustedUri` when the result is said to be elsewhere.
    pub async fn execute(&self, call: &Call, report: &ObjectUri, interval: Option<&Interval>) -> Result<Execution> {
        let mut body = json!({"report_req": {"report": report.to_string()}});
        if let Some(interval) = interval {
            let label = std::slice::from_ref(&interval.label);
            let found = self.identifiers(call, &report.workspace, label).await?;
            if let Some(uri) = found.values().next() {
                body["report_req"]["context"] = json!({"filters": [interval.constraint(uri)]});
            }
        }
        call.progress.enter(Phase::Executing);
        let origin = self.connection.origin();
        let path = ServerPath::parse(&format!("/gdc/app/projects/{}/execute/raw", report.workspace), origin)?;
        let request = Request::post_json(path, &body);
        let sent = self.connection.json(call, Safety::Repeatable, &request, "`uri` of the result").await;
        let (_, reply): (_, ExecutionReply) = match sent {
            // It isn't established whether an unknown report is 404 or 400; the object itself tells.
            Err(error) if is_bad_request(&error) => return Err(self.unknown(call, report).await.unwrap_or(error)),
            sent => sent?,
        };
        let result = result_path(&reply.uri, &report.workspace, origin)?;
        tracing::info!(report = %report, result = result.without_query(), "executing");
        Ok(Execution { report: report.clone(), result })
    }
}

impl Insights {
    /// Why there is no such object, if there is none.
    async fn unknown(&self, call: &Call, object: &ObjectUri) -> Option<Error> {
        let found: Result<(_, IgnoredAny)> = self.object(call, object, "an object").await;
        found.err().filter(|error| matches!(error.kind(), Kind::Api(reply) if reply.fault == ApiFault::NotFound))
    }
}

/// The address of a result belongs to the workspace that was asked.
fn result_path(text: &str, workspace: &WorkspaceId, origin: &Origin) -> Result<ServerPath> {
    let path = ServerPath::parse(text, origin)?;
    let inside = ["/gdc/projects/", "/gdc/app/projects/"].iter().any(|before| {
        path.as_str().strip_prefix(before).is_some_and(|rest| rest.starts_with(&format!("{workspace}/execute/raw/")))
    });
    if inside {
        return Ok(path);
    }
    Err(Error::new(Kind::UntrustedUri {
        uri: crate::ids::shown(text),
        reason: "it is not the result of a raw execution in this workspace",
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKSPACE: &str = "abcdefghij0123456789abcdefghij01";

    #[test]
    fn a_handle_survives_travelling_and_a_forged_one_does_not() {
        let origin = Origin::parse("https://analytics.ytica.com", "/gdc/").unwrap();
        let report = ObjectUri::parse(&format!("/gdc/md/{WORKSPACE}/obj/255"), &origin).unwrap();
        let uri = format!("/gdc/projects/{WORKSPACE}/execute/raw/0af3?c=00&q=eA%2B%0A");
        let execution = Execution { result: ServerPath::parse(&uri, &origin).unwrap(), report };
        assert_eq!(Execution::parse(&execution.handle(), &origin).unwrap(), execution);
        for forged in [
            "".to_owned(),
            "{}".into(),
            execution.handle().replace(":1,", ":2,"),
            execution.handle().replace(&uri, "https://evil.com/gdc/projects/x"),
            execution.handle().replace(&uri, "/gdc/account/token"),
            execution.handle().replace(&uri, &uri.replace(WORKSPACE, "abcdefghij0123456789abcdefghij02")),
        ] {
            assert!(Execution::parse(&forged, &origin).is_err(), "{forged}");
        }
    }
}
