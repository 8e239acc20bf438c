//! `POST /gdc/app/projects/{workspace}/execute/raw`: has the service compute a report as CSV.

use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::{Insights, objects::is_bad_request, wire::ExecutionReply};
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

impl Execution {
    /// An execution whose result is said to be at `uri`, by the service or by a handle, which may have been anywhere.
    ///
    /// # Errors
    /// `UntrustedUri` for an address that isn't a result in the report's workspace.
    pub fn new(report: ObjectUri, uri: &str, origin: &Origin) -> Result<Self> {
        Ok(Self { result: result_path(uri, &report.workspace, origin)?, report })
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

    /// Starts the computation, narrowed by filters as [`Narrowing::filters`](super::filter::Narrowing::filters) gives
    /// them. Sending it twice computes twice and harms nothing.
    ///
    /// # Errors
    /// `NotFound` for an unknown report, `UntrustedUri` when the result is said to be elsewhere.
    pub async fn execute(&self, call: &Call, report: &ObjectUri, filters: Vec<Value>) -> Result<Execution> {
        call.progress.enter(Phase::Executing);
        let mut body = json!({"report_req": {"report": report.to_string()}});
        if !filters.is_empty() {
            body["report_req"]["context"] = json!({"filters": filters});
        }
        let origin = self.connection.origin();
        let path = ServerPath::parse(&format!("/gdc/app/projects/{}/execute/raw", report.workspace), origin)?;
        let request = Request::post_json(path, &body);
        let sent = self.connection.json(call, Safety::Repeatable, &request, "`uri` of the result").await;
        let (_, reply): (_, ExecutionReply) = match sent {
            // It isn't established whether an unknown report is 404 or 400; the object itself tells.
            Err(error) if is_bad_request(&error) => return Err(self.unknown(call, report).await.unwrap_or(error)),
            sent => sent?,
        };
        let execution = Execution::new(report.clone(), &reply.uri, origin)?;
        tracing::info!(report = %report, result = execution.result.without_query(), "executing");
        Ok(execution)
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
