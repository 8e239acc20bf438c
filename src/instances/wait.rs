//! `GET /v2/Instances/{sid}` until the instance is ready: a look at once, then after growing pauses.

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
        let waiting = async {
            let mut pauses = Pauses::new(&self.polling);
            loop {
                call.progress.enter(Phase::Polling);
                let instance = self.look(call, sid).await?;
                match instance.status.prospect() {
                    Prospect::Ready => return Ok(instance),
                    Prospect::Never => return Err(hopeless(&instance)),
                    Prospect::Coming => call.progress.add(Count::Polls, 1),
                }
                let pause = pauses.next(None);
                if call.has_no_time_for(pause) {
                    return Err(call.expired());
                }
                call.clock.pause(pause).await;
            }
        };
        call.within(waiting).await.map_err(|error| error.with_handle(|| sid.to_string()))
    }
}

fn hopeless(instance: &Instance) -> Error {
    Error::new(Kind::Api(Box::new(ApiReply {
        fault: ApiFault::UnexpectedReply,
        status: 200,
        method: "GET".into(),
        path: format!("/v2/Instances/{}", instance.sid),
        request_id: None,
        code: None,
        excerpt: format!("the instance is `{}` and won't become ready", instance.status),
        retry_after: None,
    })))
}
