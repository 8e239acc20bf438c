//! `GET insights/top_messages` and `insights/top_flows`: what was written, and which flows ran, most often (help centre,
//! "Accessing Analytics via API"). The service gives them in descending order, ties in no particular one. Fields that
//! this version doesn't know are kept in a last column `extra`, as with the metrics.

use arrow_array::RecordBatch;

use super::{
    FlowXo, Range,
    columns::{extras, integers, table, texts},
    wire::{TopFlow, TopMessage},
};
use crate::{
    error::{Error, Result},
    progress::Call,
};

impl FlowXo {
    /// The messages received most often: `message` as text, `count` as an integer. Without a limit it is the
    /// service's own, which is not documented.
    ///
    /// # Errors
    /// `Config` for a limit of 0, or an error of the service or the transport.
    pub async fn top_messages(&self, call: &Call, range: &Range, limit: Option<u32>) -> Result<RecordBatch> {
        let query = query(range, limit)?;
        let messages: Vec<TopMessage> =
            call.within(self.get(call, "insights/top_messages", &query, "a list of messages with counts")).await?;
        let columns = [
            ("message", texts(messages.iter().map(|top| top.message.0.as_ref()))),
            ("count", integers(messages.iter().map(|top| top.count.0))),
        ];
        table(columns.into_iter().chain(extras(messages.iter().map(|top| &top.extra))))
    }

    /// The flows that ran most often, broadcasts among them: `flow_id` and `flow_name` as text, `count` as an integer.
    ///
    /// # Errors
    /// As [`FlowXo::top_messages`].
    pub async fn top_flows(&self, call: &Call, range: &Range, limit: Option<u32>) -> Result<RecordBatch> {
        let query = query(range, limit)?;
        let flows: Vec<TopFlow> =
            call.within(self.get(call, "insights/top_flows", &query, "a list of flows with counts")).await?;
        let columns = [
            ("flow_id", texts(flows.iter().map(|top| top.flow.as_ref()?.id.0.as_ref()))),
            ("flow_name", texts(flows.iter().map(|top| top.flow.as_ref()?.name.0.as_ref()))),
            ("count", integers(flows.iter().map(|top| top.count.0))),
        ];
        table(columns.into_iter().chain(extras(flows.iter().map(|top| &top.extra))))
    }
}

fn query(range: &Range, limit: Option<u32>) -> Result<Vec<(&'static str, String)>> {
    if limit == Some(0) {
        return Err(Error::config("`limit` must be at least 1"));
    }
    let edges = [("start", range.start), ("end", range.end)];
    let edges = edges.into_iter().filter_map(|(name, edge)| Some((name, edge?.to_string())));
    Ok(edges.chain(limit.map(|limit| ("limit", limit.to_string()))).collect())
}
