//! From the bytes of a result to batches: what its columns mean, proved against what came.
//!
//! The types come from the report's definition, which may have been read minutes ago, while the result was computed from
//! the one that is current. So the header is compared with the description before anything is handed on. Where they
//! differ, the report is described again, once, and the bytes so far are read anew. A result without a single byte (204)
//! has no header; its address may announce one, and is held against the description in the same way.

use std::{collections::HashMap, sync::Arc};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use bytes::Bytes;

use super::{Base, Types};
use crate::{
    csv::{self, ColumnType},
    error::{ApiFault, Error, Kind, Result},
    handoff::decoder::Decoder,
    ids::ObjectUri,
    insights::{Announced, Execution, Insights, Report},
    progress::Call,
};

/// A decoder that knows what it decodes.
pub(super) struct Reading {
    decoder: Decoder,
    options: csv::Options,
    described: Option<Arc<Report>>,
    client: Insights,
    /// The instructions, and the bytes so far, until the header is proved.
    unproved: Option<(Instructions, Vec<Bytes>)>,
}

/// How the columns are read: what the caller says, then what the report says, then `rest`.
#[derive(Clone)]
pub(super) struct Instructions {
    pub(super) described: Option<Arc<Report>>,
    pub(super) announced: Option<Announced>,
    pub(super) types: Types,
    /// What the decoder is told besides; its schema is for columns of which nothing is known.
    pub(super) rest: csv::Options,
}

impl Instructions {
    /// What is known before a byte has come.
    fn schema(&self) -> csv::Schema {
        let text = |title: &String| (title.clone(), ColumnType::Utf8);
        let columns = match (&self.described, &self.announced) {
            (Some(report), _) => own(report),
            // Even where the definition can't be read, an attribute is known to be one.
            (None, Some(announced)) if self.types.base == Base::Report => {
                announced.attributes.iter().map(text).collect()
            }
            _ => Vec::new(),
        };
        self.over(columns)
    }

    /// The decoder's instruction with these columns as the report's.
    fn over(&self, mut columns: Vec<(String, ColumnType)>) -> csv::Schema {
        let described = |name| columns.iter().find(|(column, _)| column == name).map(|(_, kind)| *kind);
        let given = &self.types.given;
        let given: Vec<_> = given.iter().map(|(name, kind)| (name.clone(), kind.over(described(name)))).collect();
        let text = self.types.base == Base::Text;
        if text {
            columns.iter_mut().for_each(|(_, kind)| *kind = ColumnType::Utf8);
        }
        let rest = if text { csv::Schema::Text } else { self.rest.schema.clone() };
        let rest = if columns.is_empty() { rest } else { csv::Schema::Described(columns, Box::new(rest)) };
        if given.is_empty() { rest } else { csv::Schema::Given(given, Box::new(rest)) }
    }
}

impl Reading {
    pub(super) fn new(client: &Insights, instructions: Instructions) -> Self {
        let options = csv::Options { record_bytes: client.limits().record_bytes, ..instructions.rest.clone() };
        Self {
            decoder: decoder(instructions.schema(), &options),
            options,
            described: instructions.described.clone(),
            client: client.clone(),
            unproved: Some((instructions, Vec::new())),
        }
    }

    /// Reads more bytes. What is wrong with them, [`Reading::take`] says.
    ///
    /// # Errors
    /// Those of describing the report anew.
    pub(super) async fn push(&mut self, call: &Call, chunk: Bytes) -> Result<()> {
        if let Some((_, chunks)) = &mut self.unproved {
            chunks.push(chunk.clone());
        }
        self.decoder.push(chunk).await;
        self.prove(call, false).await
    }

    /// Ends the batch with what has come.
    ///
    /// # Errors
    /// As [`Reading::push`].
    pub(super) async fn end_batch(&mut self, call: &Call) -> Result<()> {
        self.decoder.end_batch();
        self.prove(call, false).await
    }

    /// Ends the input.
    ///
    /// # Errors
    /// As [`Reading::push`].
    pub(super) async fn finish(&mut self, call: &Call) -> Result<()> {
        self.decoder.finish().await;
        self.prove(call, true).await?;
        for warning in self.decoder.reader().warnings() {
            call.progress.warn(warning);
        }
        Ok(())
    }

    /// Waits until every batch can be taken that came whole, of a result that broke off.
    pub(super) async fn settle(&mut self) {
        self.decoder.settle().await;
    }

    /// Waits until more is decoded; for ever when nothing is being decoded.
    pub(super) async fn decoded(&mut self) {
        self.decoder.decoded().await;
    }

    /// The next batch that is ready.
    ///
    /// # Errors
    /// The decoder's, once every batch was taken that was whole before. After a `SchemaMismatch` the report is described
    /// anew the next time: a column may have kept its name and changed its meaning.
    pub(super) async fn take(&mut self) -> Result<Option<RecordBatch>> {
        let taken = self.decoder.take().await;
        taken.inspect_err(|error| self.doubt(error))
    }

    pub(super) fn schema(&self) -> Option<SchemaRef> {
        self.decoder.schema()
    }

    /// Compares the header with the description once it is there, and reads everything anew if that changes a type.
    async fn prove(&mut self, call: &Call, ended: bool) -> Result<()> {
        let header = self.decoder.reader().columns().to_vec();
        let unproved = if header.is_empty() { None } else { self.unproved.take() };
        let Some((instructions, chunks)) = unproved else { return Ok(()) };
        let Some(report) = &instructions.described else { return Ok(()) };
        let fit = fit(report, &header);
        let Some(columns) = self.settled(call, report, &header, fit).await? else { return Ok(()) };
        self.decoder = decoder(instructions.over(columns), &self.options);
        for chunk in chunks {
            self.decoder.push(chunk).await;
        }
        if ended {
            self.decoder.finish().await;
        }
        Ok(())
    }

    /// The columns to read by, when those that the decoder has are not it.
    async fn settled(
        &self,
        call: &Call,
        report: &Report,
        header: &[String],
        found: Fit,
    ) -> Result<Option<Vec<(String, ColumnType)>>> {
        match found {
            Fit::Exact => Ok(None),
            Fit::Renamed(columns) => Ok(Some(columns)),
            Fit::Not(columns) => {
                let Some(again) = describe_again(&self.client, call, report).await? else { return Ok(Some(columns)) };
                let columns = match fit(&again, header) {
                    Fit::Exact => own(&again),
                    Fit::Renamed(columns) => columns,
                    Fit::Not(columns) => {
                        self.client.remember_misfit(&again.uri);
                        call.progress.warn(differences(&again, header));
                        columns
                    }
                };
                Ok(Some(columns))
            }
        }
    }

    fn doubt(&self, error: &Error) {
        if let (Kind::SchemaMismatch { record: 1.., .. }, Some(report)) = (error.kind(), &self.described) {
            self.client.forget_description(report);
        }
    }
}

fn decoder(schema: csv::Schema, options: &csv::Options) -> Decoder {
    Decoder::new(csv::Options { schema, ..options.clone() })
}

/// The schema of a result that came without a byte: that of any other window of the report.
pub(super) async fn nothing(
    client: &Insights,
    call: &Call,
    execution: &Execution,
    mut instructions: Instructions,
) -> Result<SchemaRef> {
    if instructions.described.is_none() && instructions.types.base != Base::Report {
        // Not even a header: the definition is the only one who knows the columns.
        instructions.described = describe(client, call, &execution.report, Base::Report).await?;
    }
    let Some(announced) = &instructions.announced else { return Ok(csv::empty(&instructions.schema())) };
    let titles = [&announced.attributes[..], &announced.metrics[..]].concat();
    let header = unique(titles.iter());
    let mut known = Vec::new();
    if let Some(report) = &instructions.described {
        known = match fit(report, &header) {
            Fit::Exact => own(report),
            Fit::Renamed(columns) => columns,
            Fit::Not(columns) => match describe_again(client, call, report).await? {
                Some(again) => fit(&again, &header).columns(&again),
                None => columns,
            },
        };
    }
    let known: HashMap<String, ColumnType> =
        unique(known.iter().map(|(name, _)| name)).into_iter().zip(known.iter().map(|(_, kind)| *kind)).collect();
    let columns = header.into_iter().enumerate().map(|(position, name)| {
        let usual = if position < announced.attributes.len() { ColumnType::Utf8 } else { ColumnType::Float64 };
        let kind = known.get(&name).copied().unwrap_or(usual);
        (name, kind)
    });
    Ok(csv::empty(&instructions.over(columns.collect())))
}

/// How a description fits a header.
#[derive(Debug, PartialEq)]
enum Fit {
    /// Column by column.
    Exact,
    /// But for the names of columns of the same title, which the service made different: the header's names with types.
    Renamed(Vec<(String, ColumnType)>),
    /// It doesn't; the columns that it does know.
    Not(Vec<(String, ColumnType)>),
}

impl Fit {
    fn columns(self, report: &Report) -> Vec<(String, ColumnType)> {
        match self {
            Self::Exact => own(report),
            Self::Renamed(columns) | Self::Not(columns) => columns,
        }
    }
}

/// Compares a description with the names of a header, which are unique. Of a pivoted report the attributes alone are
/// described, so that they alone must be there.
fn fit(report: &Report, header: &[String]) -> Fit {
    let names = unique(report.columns.iter().map(|column| &column.name));
    let twice = |title: &str| report.columns.iter().filter(|column| column.name == title).count() > 1;
    let mut columns = Vec::with_capacity(header.len());
    let (mut same, mut renamed) = (0, 0);
    for (position, name) in header.iter().enumerate() {
        if let Some(at) = names.iter().position(|own| own == name) {
            same += 1;
            columns.push((name.clone(), report.columns[at].column_type));
        } else if let Some(column) = report.columns.get(position)
            && twice(&column.name)
            && name.starts_with(&column.name)
        {
            renamed += 1;
            columns.push((name.clone(), column.column_type));
        }
    }
    let all = report.columns.len();
    if same == all && (report.pivoted || header.len() == all) {
        Fit::Exact
    } else if same + renamed == all && header.len() == all {
        Fit::Renamed(columns)
    } else {
        Fit::Not(columns)
    }
}

/// What is different between a definition and a header, for the receipt.
fn differences(report: &Report, header: &[String]) -> String {
    let names = unique(report.columns.iter().map(|column| &column.name));
    let beside = |names: &[String], others: &[String]| {
        let shown: Vec<_> =
            names.iter().filter(|name| !others.contains(name)).map(|name| format!("`{name}`")).collect();
        shown.join(", ")
    };
    let (strange, absent) = (beside(header, &names), beside(&names, header));
    let mut message = String::from("the result has other columns than the report's definition");
    if !strange.is_empty() {
        message += &format!("; unknown to it, so that their types are inferred from the data: {strange}");
    }
    if !absent.is_empty() {
        message += &format!("; not in the result: {absent}");
    }
    message
}

/// The columns of a report as its description has them.
fn own(report: &Report) -> Vec<(String, ColumnType)> {
    report.columns.iter().map(|column| (column.name.clone(), column.column_type)).collect()
}

/// Titles as the decoder names columns.
fn unique<'a>(titles: impl Iterator<Item = &'a String>) -> Vec<String> {
    let described = titles.map(|title| (title.clone(), ColumnType::Utf8)).collect();
    let schema = csv::empty(&csv::Schema::Described(described, Box::new(csv::Schema::Text)));
    schema.fields().iter().map(|field| field.name().clone()).collect()
}

/// The report's definition, where the types come from it and it may be read.
pub(super) async fn describe(
    client: &Insights,
    call: &Call,
    report: &ObjectUri,
    base: Base,
) -> Result<Option<Arc<Report>>> {
    if base != Base::Report {
        return Ok(None);
    }
    readable(call, client.describe(call, report).await)
}

/// The same once more, unless that has been seen to help nothing.
async fn describe_again(client: &Insights, call: &Call, report: &Report) -> Result<Option<Arc<Report>>> {
    if client.is_misfit(&report.uri) {
        return Ok(None);
    }
    tracing::info!(report = %report.uri, "the result has other columns than the description: describing it again");
    readable(call, client.describe_instead(call, report).await)
}

fn readable(call: &Call, described: Result<Arc<Report>>) -> Result<Option<Arc<Report>>> {
    match described {
        Ok(described) => Ok(Some(described)),
        Err(error) if is_unreadable(&error) => {
            call.progress
                .warn(format!("the types are inferred from the data, because the definition can't be read: {error}"));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Whether an export can do without what it failed to look up. A report that doesn't exist at all fails when it is
/// executed, with the service's own words.
fn is_unreadable(error: &Error) -> bool {
    match error.kind() {
        Kind::Api(reply) => matches!(reply.fault, ApiFault::Forbidden | ApiFault::NotFound | ApiFault::UnexpectedReply),
        Kind::Config(_) => true,
        _ => false,
    }
}
