//! `GET workflows/simple`: the flows of the account, to join with the ids of the top flows (help centre, "Activating
//! flows via API").

use arrow_array::RecordBatch;

use super::{
    FlowXo,
    columns::{booleans, extras, table, texts},
    wire::Workflow,
};
use crate::{error::Result, progress::Call};

impl FlowXo {
    /// All flows: `id` and `name` as text, `active` as a boolean, and `extra` as with the metrics.
    ///
    /// # Errors
    /// `InvalidCredentials`, `Forbidden`, or another error of the service or the transport.
    pub async fn workflows(&self, call: &Call) -> Result<RecordBatch> {
        let flows: Vec<Workflow> = call.within(self.get(call, "workflows/simple", &[], "a list of flows")).await?;
        let columns = [
            ("id", texts(flows.iter().map(|flow| flow.id.0.as_ref()))),
            ("name", texts(flows.iter().map(|flow| flow.name.0.as_ref()))),
            ("active", booleans(flows.iter().map(|flow| flow.active))),
        ];
        table(columns.into_iter().chain(extras(flows.iter().map(|flow| &flow.extra))))
    }
}
