//! `GET /v2/Instances/{sid}` until the instance is ready: a look at once, then after growing pauses.

use std::time::Duration;

use super::{Instance, InstanceSid, Instances, fetch::Prospect};
use crate::{
    error::{ApiFault, ApiReply, Error, Kind, Result},
    progress::{Call, Count, Phase},
    retry::Pauses,
};

impl Instances {
    /// Waits until an instance is ready. A state that isn't known counts as one that may still pass.
    ///
    /// # Errors
    /// `UnexpectedReply` for a state from which it won't become ready, `DeadlineExceeded` with the sid as its handle
    /// (before a pause that would end after the deadline), or another error of the service or the transport.
    pub async fn wait(&self, call: &Call, sid: &InstanceSid) -> Result<Instance> {
        let done = self.settled(call, sid, Duration::ZERO).await;
        done.map_err(|error| error.with_handle(|| sid.to_string()))?.ready()
    }

    /// The instance once it is ready or never will be. For `unknown` from the first look on, not being found means that
    /// it isn't known yet.
    pub(super) async fn settled(&self, call: &Call, sid: &InstanceSid, unknown: Duration) -> Result<Instance> {
        let began = call.clock.now();
        let waiting = async {
            let mut pauses = Pauses::new(&self.polling);
            loop {
                call.progress.enter(Phase::Polling);
                match self.look(call, sid).await {
                    Ok(instance) if instance.status.prospect() != Prospect::Coming => return Ok(instance),
                    Ok(_) => {}
                    Err(error) if is_not_found(&error) && call.clock.now().since(began) < unknown => {}
                    Err(error) => return Err(error),
                }
                call.progress.add(Count::Polls, 1);
                let pause = pauses.next(None);
                if call.has_no_time_for(pause) {
                    return Err(call.expired());
                }
                call.clock.pause(pause).await;
            }
        };
        call.within(waiting).await
    }
}

impl Instance {
    /// The instance if it is ready.
    pub(super) fn ready(self) -> Result<Self> {
        if self.status.prospect() == Prospect::Ready {
            return Ok(self);
        }
        Err(Error::new(Kind::Api(Box::new(ApiReply {
            fault: ApiFault::UnexpectedReply,
            status: 200,
            method: "GET".into(),
            path: format!("/v2/Instances/{}", self.sid),
            request_id: None,
            code: None,
            excerpt: format!("the instance is `{}` and won't become ready", self.status),
            retry_after: None,
        }))))
    }
}

/// Whether the service doesn't know what was asked about.
pub(super) fn is_not_found(error: &Error) -> bool {
    matches!(error.kind(), Kind::Api(reply) if reply.fault == ApiFault::NotFound)
}
