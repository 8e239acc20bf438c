//! Raw exports: execute a report, then ask for its result until it is there.

pub(super) mod address;
mod filter;

use std::collections::HashMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use self::address::Sealed;
use super::{
    data::{cells::Style, export::Export},
    errors::{self, Answer},
    metadata::{
        Space,
        catalog::{Definition, Kind, Object},
        object_id,
    },
    options::{CsvGzip, DuplicateTitles, EmptyReport, Options, Raw202Body, RawUriForm},
    reply::{Body, Reply},
    router::Call,
    state::locked,
    tokens,
};
use crate::clock::{Clock as _, Moment};

/// What a file name may hold in `filename*`, which RFC 5987 calls `attr-char`.
const ATTR_CHAR: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// An accepted execution.
#[derive(Clone, Debug)]
struct Execution {
    workspace: String,
    title: String,
    export: Export,
    uri: String,
    sealed: Sealed,
    started: Moment,
    polls: u32,
}

/// After so many executions the ones that are gone are forgotten.
const SWEEP: u64 = 256;

impl Execution {
    /// Whether the service no longer has the result.
    fn is_gone(&self, options: &Options, now: Moment) -> bool {
        now.since(self.started).as_secs_f64() >= options.compute_seconds + options.raw_result_ttl as f64
    }
}

/// The accepted executions, by their ids.
#[derive(Debug, Default)]
pub(super) struct Executions {
    kept: HashMap<String, Execution>,
    accepted: u64,
}

impl Executions {
    /// How many there were.
    pub(super) fn accepted(&self) -> u64 {
        self.accepted
    }
}

/// `POST /gdc/app/projects/{ws}/execute/raw`, and its alias without `app`.
pub(super) fn execute(call: &Call, ws: &str) -> Answer {
    tokens::require(call)?;
    let world = call.world;
    let space = Space { ws, number: call.workspace(ws)? };
    let body = call.request.json();
    let Some(request) = body.as_ref().and_then(|body| body.get("report_req")) else {
        return Err(errors::checked(call, "report_req", "STRUCTURE INVALID - missing"));
    };
    let (title, definition) = what(call, &space, request)?;
    let filters = request.pointer("/context/filters").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let filtered = filter::apply(call, &space, filters)?;

    let header = titles(call, &definition);
    let columns = columns_json(call, title, &definition, &header);
    let export = Export {
        rows: definition.rows,
        header,
        days: filtered.days,
        among: filtered.among,
        style: Style::new(&world.options),
        with_totals: world.options.raw_totals,
    };
    let id = world.random.hex(40);
    let sealed = Sealed::seal(call, &columns.to_string());
    let query = match world.options.raw_uri_form {
        RawUriForm::CThenQ => format!("?{}", sealed.query("c", "q")),
        RawUriForm::QThenC => format!("?{}", sealed.query("q", "c")),
        RawUriForm::Short => String::new(),
    };
    let uri = format!("/gdc/projects/{ws}/execute/raw/{id}{query}");
    let execution = Execution {
        workspace: ws.to_owned(),
        title: title.to_owned(),
        export,
        uri: uri.clone(),
        sealed,
        started: world.clock.now(),
        polls: 0,
    };
    let mut executions = locked(&world.executions);
    executions.accepted += 1;
    if executions.accepted.is_multiple_of(SWEEP) {
        let now = world.clock.now();
        executions.kept.retain(|_, execution| !execution.is_gone(&world.options, now));
    }
    executions.kept.insert(id, execution);
    Ok(Reply::json(201, &json!({"uri": uri})).header("Location", uri))
}

/// The report or definition that a request names: its title and the definition.
fn what<'a>(call: &Call<'a>, space: &Space, request: &Value) -> Result<(&'a str, Definition), Box<Reply>> {
    let catalog = &call.world.catalog;
    let named = |name: &str| request.get(name).and_then(Value::as_str);
    let Some(uri) = named("report").or_else(|| named("reportDefinition")) else {
        return Err(errors::checked(call, "report_req", "STRUCTURE INVALID - report or reportDefinition"));
    };
    let object = object_id(space.ws, uri).and_then(|id| catalog.by_local(space.number, id));
    let unknown = || {
        let id = uri.rsplit('/').next().unwrap_or(uri);
        errors::no_object(call, call.world.options.unknown_report, id)
    };
    let current = |object: &'a Object| match &object.kind {
        Kind::Report(_) => catalog.definitions(object).last().and_then(|id| catalog.by_id(*id)),
        _ => Some(object),
    };
    let object = object.ok_or_else(unknown)?;
    match current(object).map(|definition| &definition.kind) {
        Some(Kind::Definition(definition)) => Ok((&object.title, definition.clone())),
        _ => Err(unknown()),
    }
}

/// The titles of the columns, made different where the sandbox is told so.
fn titles(call: &Call, definition: &Definition) -> Vec<String> {
    let mut titles: Vec<String> = Vec::new();
    for column in &definition.columns {
        let title = call.world.catalog.column_title(column);
        let same = titles.iter().filter(|own| *own == title).count();
        titles.push(match call.world.options.duplicate_titles {
            DuplicateTitles::Suffix if same > 0 => format!("{title} ({})", same + 1),
            _ => title.to_owned(),
        });
    }
    titles
}

/// What `q` holds: title, metrics and attributes, each with its name and an id of the computed column.
fn columns_json(call: &Call, title: &str, definition: &Definition, titles: &[String]) -> Value {
    let (mut metrics, mut attributes) = (Vec::new(), Vec::new());
    for (position, (column, name)) in definition.columns.iter().zip(titles).enumerate() {
        let entry = json!({"name": name, "id": (position + 1).to_string()});
        match call.world.catalog.by_id(column.object).map(|object| &object.kind) {
            Some(Kind::Metric { .. }) => metrics.push(entry),
            _ => attributes.push(entry),
        }
    }
    json!({"title": title, "metrics": metrics, "attributes": attributes})
}

/// `GET` of the uri that an execution gave.
pub(super) fn poll(call: &Call, ws: &str, id: &str) -> Answer {
    tokens::require(call)?;
    call.workspace(ws)?;
    let (world, options) = (call.world, &call.world.options);
    let now = world.clock.now();
    let gone = || errors::not_found(call, options.raw_gone_status);
    let execution = {
        let mut executions = locked(&world.executions);
        let execution = executions.kept.get_mut(id).filter(|execution| execution.workspace == ws).ok_or_else(gone)?;
        if execution.is_gone(options, now) {
            return Err(gone());
        }
        let age = now.since(execution.started).as_secs_f64();
        if options.raw_uri_form != RawUriForm::Short && Sealed::of(call).as_ref() != Some(&execution.sealed) {
            return Err(errors::checked(call, "q", "CHECKSUM INVALID"));
        }
        execution.polls = execution.polls.saturating_add(1);
        if execution.polls <= options.raw_202_count || age < options.compute_seconds {
            return Ok(pending(options.raw_202_body, &execution.uri));
        }
        execution.clone()
    };
    if options.oversize_export.is_some_and(|limit| execution.export.exceeds(&world.model, limit)) {
        let message = "Result of the report is too large.";
        return Err(errors::perl(call, 413, "GDC::AST2SQL", "GDC::Exception::User", message, &[]));
    }
    if execution.export.is_empty(&world.model) {
        return Ok(match options.empty_report {
            EmptyReport::NoContent => Reply::empty(204).keep_alive(),
            EmptyReport::HeaderOnly => csv(&execution.title, Body::Bytes(execution.export.header_only())),
        });
    }
    let reply = csv(&execution.title, Body::Stream(execution.export.stream(&world.model, world.edition())));
    let accepts_gzip = || call.request.header("accept-encoding").is_some_and(|value| value.contains("gzip"));
    Ok(match options.csv_gzip {
        CsvGzip::WhenAccepted if accepts_gzip() => reply.gzipped().header("Content-Encoding", "gzip"),
        _ => reply,
    })
}

/// 202: not ready.
fn pending(body: Raw202Body, uri: &str) -> Reply {
    match body {
        Raw202Body::Uri => Reply::json(202, &json!({"uri": uri})).header("Refresh", "1"),
        Raw202Body::Empty => Reply::empty(202),
    }
    .keep_alive()
}

/// 200 with the headers of a raw export.
fn csv(title: &str, body: Body) -> Reply {
    let plain: String =
        title.chars().map(|c| if c.is_ascii_alphanumeric() || "-.()".contains(c) { c } else { '_' }).collect();
    let exact = utf8_percent_encode(title, ATTR_CHAR);
    let disposition = format!("attachment; filename=\"{plain}.csv\"; filename*=UTF-8''{exact}.csv");
    let reply = Reply { status: 200, body, plain_vary: true, ..Reply::default() };
    reply
        .header("Content-Type", "text/csv")
        .header("Content-Disposition", disposition)
        .header("Cache-Control", "private")
        .header("Pragma", "")
        .keep_alive()
}
