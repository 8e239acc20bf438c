//! `POST /gdc/md/{workspace}/identifiers`: portable names to local addresses and back.
//!
//! What is unknown is silently missing from the answer, and the order of entries is not established, so they are
//! matched by name, never by position.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::{Insights, wire::IdentifiersReply};
use crate::{
    error::{ApiFault, ApiReply, Error, Kind, Result},
    http::{Head, Request},
    ids::{Identifier, ObjectUri, WorkspaceId},
    origin::ServerPath,
    progress::{Call, Phase},
    retry::Safety,
};

impl Insights {
    /// The addresses of named objects in a workspace. Each is looked up once while the client lives.
    ///
    /// # Errors
    /// `NotFound` that names every identifier that the workspace doesn't have.
    pub async fn identifiers(
        &self,
        call: &Call,
        workspace: &WorkspaceId,
        names: &[Identifier],
    ) -> Result<BTreeMap<Identifier, ObjectUri>> {
        let known = |name: &Identifier| Self::remembered(&self.memory.uris, &(workspace.clone(), name.clone()));
        let asked: BTreeSet<&Identifier> = names.iter().filter(|name| known(name).is_none()).collect();
        if !asked.is_empty() {
            let body = json!({"identifierToUri": asked.iter().map(|name| name.as_str()).collect::<Vec<_>>()});
            let (head, entries) = self.lookup(call, workspace, &body).await?;
            for (identifier, uri) in entries {
                let Some(name) = asked.iter().find(|name| name.as_str() == identifier) else { continue };
                Self::remember(&self.memory.uris, (workspace.clone(), (*name).clone()), uri);
            }
            let unknown: Vec<&str> =
                asked.iter().filter(|name| known(name).is_none()).map(|name| name.as_str()).collect();
            if !unknown.is_empty() {
                return Err(missing(&head, workspace, "identifier", &unknown)
                    .hint("identifiers are case-sensitive, and an object may exist in another workspace alone"));
            }
        }
        Ok(names.iter().filter_map(|name| Some((name.clone(), known(name)?))).collect())
    }

    /// The portable names of objects of one workspace.
    ///
    /// # Errors
    /// `NotFound` that names every address without an object, `Config` when the addresses are of several workspaces.
    pub async fn uris(&self, call: &Call, uris: &[ObjectUri]) -> Result<BTreeMap<String, Identifier>> {
        let Some(first) = uris.first() else { return Ok(BTreeMap::new()) };
        let workspace = &first.workspace;
        if let Some(other) = uris.iter().find(|uri| uri.workspace != *workspace) {
            return Err(Error::config(format!("`{first}` and `{other}` are of different workspaces"))
                .hint("ask for the objects of one workspace at a time"));
        }
        let body = json!({"uriToIdentifier": uris.iter().map(ObjectUri::to_string).collect::<Vec<_>>()});
        let (head, entries) = self.lookup(call, workspace, &body).await?;
        let mut found = BTreeMap::new();
        for (identifier, uri) in entries {
            found.insert(uri.to_string(), Identifier::parse(&identifier)?);
        }
        let asked: Vec<String> = uris.iter().map(ObjectUri::to_string).collect();
        let unknown: Vec<&str> = asked.iter().filter(|uri| !found.contains_key(*uri)).map(String::as_str).collect();
        if !unknown.is_empty() {
            return Err(missing(&head, workspace, "address", &unknown));
        }
        found.retain(|uri, _| asked.contains(uri));
        Ok(found)
    }

    async fn lookup(
        &self,
        call: &Call,
        workspace: &WorkspaceId,
        body: &serde_json::Value,
    ) -> Result<(Head, Vec<(String, ObjectUri)>)> {
        call.progress.enter(Phase::Resolving);
        let origin = self.connection.origin();
        let path = ServerPath::parse(&format!("/gdc/md/{workspace}/identifiers"), origin)?;
        let request = Request::post_json(path, body);
        let (head, reply): (_, IdentifiersReply) =
            self.connection.json(call, Safety::Repeatable, &request, "`identifiers`").await?;
        let entries = reply.identifiers.into_iter();
        let entries: Result<_> =
            entries.map(|entry| Ok((entry.identifier, ObjectUri::parse(&entry.uri, origin)?))).collect();
        Ok((head, entries?))
    }
}

fn missing(head: &Head, workspace: &WorkspaceId, what: &str, unknown: &[&str]) -> Error {
    let plural = match (what, unknown.len()) {
        (_, 1) => what.to_owned(),
        ("address", _) => "addresses".into(),
        _ => format!("{what}s"),
    };
    Error::new(Kind::Api(Box::new(ApiReply {
        fault: ApiFault::NotFound,
        status: head.status.as_u16(),
        method: head.method.to_string(),
        path: head.path.without_query().to_owned(),
        request_id: None,
        code: None,
        excerpt: format!("workspace `{workspace}` doesn't have the {plural} `{}`", unknown.join("`, `")),
        retry_after: None,
    })))
}
