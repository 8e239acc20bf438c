//! `DELETE /gdc/account/profile/{profile}`: the user is removed from all workspaces, for good.

use http::Method;

use super::{Insights, connection::Carried};
use crate::{
    error::{ApiFault, ApiReply, Error, Kind, Result, TransportFault},
    http::Request,
    ids::shown,
    origin::ServerPath,
    progress::Call,
    retry::Safety,
};

impl Insights {
    /// Deletes the profile of the user who is logged in; `confirm` must be its id. The session ends with it, and this
    /// client doesn't log in again.
    ///
    /// # Errors
    /// `Config`, before anything is sent, when nobody is logged in or `confirm` is another id. `AmbiguousOutcome` when the
    /// request may have reached the service and its answer didn't come.
    pub async fn delete_profile(&self, call: &Call, confirm: &str) -> Result<()> {
        let Some(profile) = self.connection.profile() else {
            return Err(Error::config("nobody is logged in, so that there is no profile to confirm")
                .hint("call `login()`, compare `profile_id`, and pass it as `confirm`"));
        };
        if confirm != profile {
            return Err(Error::config(format!(
                "`confirm` is `{}`, which is not the id of the profile that is logged in; nothing was deleted",
                shown(confirm)
            ))
            .hint("pass `profile_id` if the profile of this very login is to be deleted"));
        }
        let path = ServerPath::parse(&format!("/gdc/account/profile/{profile}"), self.connection.origin())?;
        let request = Request::new(Method::DELETE, path);
        // Twilio documents 204, and 200 with an empty body is what GoodData was recorded to answer: either is a success.
        let sent = self.connection.send_with(call, Safety::Once, &request, Carried::Both).await;
        match sent {
            Ok(_) => {
                self.connection.end(&profile);
                tracing::info!("the profile was deleted");
                Ok(())
            }
            Err(error) => Err(ambiguous(error, &request)),
        }
    }
}

/// The same error, unless the deletion may have happened without an answer.
fn ambiguous(error: Error, request: &Request) -> Error {
    let lost = matches!(
        error.kind(),
        Kind::Transport(TransportFault::Interrupted | TransportFault::Stalled, _) | Kind::DeadlineExceeded { .. }
    );
    if !lost {
        return error;
    }
    Error::new(Kind::Api(Box::new(ApiReply {
        fault: ApiFault::AmbiguousOutcome,
        status: 0,
        method: request.method.to_string(),
        path: request.path.as_str().to_owned(),
        request_id: None,
        code: None,
        excerpt: format!("the answer got lost, so that it isn't known whether the profile was deleted: {error}"),
        retry_after: None,
    })))
    .hint("log in with a new client: a deleted user is refused")
}
