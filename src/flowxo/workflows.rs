//! `GET workflows/simple`: the flows of the account, to join with the ids of the top flows (help centre, "Activating
//! flows via API").

use arrow_array::RecordBatch;

use super::{
    FlowXo,
    columns::{booleans, table, texts},
    wire::Workflow,
};
use crate::{error::Result, progress::Call};

impl FlowXo {
    /// All flows: `id` and `name` as text, `active` as a boolean.
    ///
    /// # Errors
    /// `InvalidCredentials`, `Forbidden`, or another error of the service or the transport.
    pub async fn workflows(&self, call: &Call) -> Result<RecordBatch> {
        let flows: Vec<Workflow> = call.within(self.get(call, "workflows/simple", &[], "a list of flows")).await?;
        table([
            ("id", texts(flows.iter().map(|flow| Some(&flow.id)))),
            ("name", texts(flows.iter().map(|flow| flow.name.as_ref()))),
            ("active", booleans(flows.iter().map(|flow| flow.active))),
        ])
    }
}
