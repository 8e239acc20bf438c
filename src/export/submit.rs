//! The story in parts: executing without waiting, and waiting without fetching. For those who wait elsewhere, or with
//! many others at once, as a scheduler's triggerer does.

use super::{Export, Handle, run::Run, types::Base};
use crate::{error::Result, insights::Insights, progress::Call};

/// Has the service compute what is asked for, and leaves it: the handle to go on with. Of an export in windows as many
/// are executed as the client may have under way; going on executes the rest.
///
/// It takes no place among the client's exports, because nobody would give it back.
///
/// # Errors
/// As [`super::table`], as far as it gets; with a handle once something was accepted.
pub async fn submit(client: &Insights, call: &Call, export: &Export) -> Result<String> {
    // What types the columns have matters to those who fetch.
    let mut export = export.clone();
    export.types.base = Base::Text;
    let run = call.within(Run::new(client, call, &export)).await?;
    let executed = async {
        for window in export.windows()?.into_iter().take(client.max_concurrency) {
            run.accepted(call, window).await?;
        }
        Ok(())
    };
    call.within(executed).await.map_err(|error| run.resumable(error))?;
    Ok(run.handle().unwrap_or_default())
}

/// Waits until everything that was executed for a handle is there, or is known not to come; fetches nothing.
///
/// A result that the service has forgotten, or calls too large, is nothing to wait for: who goes on executes again, or
/// halves.
///
/// # Errors
/// `DeadlineExceeded` with the handle, or the service's error.
pub async fn wait(client: &Insights, call: &Call, handle: &Handle) -> Result<()> {
    for execution in handle.executions() {
        let settled = call.within(client.settle(call, execution)).await;
        settled.map_err(|error| error.with_handle(|| handle.text()))?;
    }
    Ok(())
}
