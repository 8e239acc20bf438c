//! `GET /gdc/md/{workspace}/obj/{number}` and `POST …/objects/get`: objects with all their content.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicUsize, Ordering},
};

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Insights, wire::ObjectsReply};
use crate::{
    error::{Error, Kind, Result},
    http::{Head, Request},
    ids::{ObjectUri, WorkspaceId},
    origin::ServerPath,
    progress::Call,
    retry::Safety,
};

/// Objects that one request may fetch: what the service's own clients do. Its maximum isn't established.
const BATCH: usize = 50;

/// How many objects a request fetches. It becomes smaller when the service refuses so many.
#[derive(Debug)]
pub(super) struct Batch(AtomicUsize);

impl Default for Batch {
    fn default() -> Self {
        Self(AtomicUsize::new(BATCH))
    }
}

impl Insights {
    /// One object, read as `T`; `expected` says in a message what it should have been.
    pub(super) async fn object<T: DeserializeOwned>(
        &self,
        call: &Call,
        uri: &ObjectUri,
        expected: &str,
    ) -> Result<(Head, T)> {
        let path = ServerPath::parse(&uri.to_string(), self.connection.origin())?;
        self.connection.json(call, Safety::Repeatable, &Request::get(path), expected).await
    }

    /// Objects by their uris, without the wrapper that names their category. What the service doesn't show is missing.
    pub(super) async fn objects(
        &self,
        call: &Call,
        workspace: &WorkspaceId,
        mut uris: Vec<&str>,
    ) -> Result<HashMap<String, Value>> {
        uris.sort_unstable();
        uris.dedup();
        let mut objects = HashMap::new();
        let mut left = &uris[..];
        while !left.is_empty() {
            let size = self.memory.batch.0.load(Ordering::Relaxed).clamp(1, left.len());
            let (now, later) = left.split_at(size);
            match self.some_objects(call, workspace, now).await {
                Ok(found) => {
                    objects.extend(found);
                    left = later;
                }
                // Too many at once, perhaps: fewer are asked for from now on.
                Err(error) if size > 1 && is_bad_request(&error) => {
                    tracing::info!(size, "the service refuses so many objects at once: {error}");
                    self.memory.batch.0.store(size / 2, Ordering::Relaxed);
                }
                Err(error) => {
                    // It wasn't their number.
                    self.memory.batch.0.store(BATCH, Ordering::Relaxed);
                    return Err(error);
                }
            }
        }
        Ok(objects)
    }

    async fn some_objects(&self, call: &Call, workspace: &WorkspaceId, uris: &[&str]) -> Result<Vec<(String, Value)>> {
        let path = ServerPath::parse(&format!("/gdc/md/{workspace}/objects/get"), self.connection.origin())?;
        let request = Request::post_json(path, &json!({"get": {"items": uris}}));
        let (_, reply): (_, ObjectsReply) =
            self.connection.json(call, Safety::Repeatable, &request, "`objects` with items").await?;
        let objects = reply.objects.items.into_iter().flat_map(|item| item.into_iter().map(|(_, object)| object));
        let uri = |object: &Value| object.pointer("/meta/uri").and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(objects.map(|object| (uri(&object), object)).collect())
    }
}

/// Whether the service finds fault with the request.
pub(super) fn is_bad_request(error: &Error) -> bool {
    matches!(error.kind(), Kind::Api(reply) if reply.status == 400)
}
