//! From a request to the handler that answers it. Each service of the sandbox has one function here.

use super::{
    account,
    errors::{self, Answer},
    execution, flowxo, instances, metadata,
    reply::Reply,
    request::Request,
    state::World,
    tokens, uploads,
};

/// One request, with the world it acts on.
pub(super) struct Call<'a> {
    pub(super) world: &'a World,
    pub(super) request: &'a Request,
    /// The value of `X-GDC-Request`: what the client sent in `X-GDC-REQUEST`, continued.
    pub(super) id: String,
}

impl<'a> Call<'a> {
    pub(super) fn new(world: &'a World, request: &'a Request) -> Self {
        let own = world.random.alphanumeric(16);
        let id = match request.header("x-gdc-request") {
            Some(client) if !client.is_empty() => format!("{client}:{own}"),
            _ => own,
        };
        Self { world, request, id }
    }

    /// The number of this workspace of the user, counted from 0.
    pub(super) fn workspace(&self, ws: &str) -> Result<usize, Box<Reply>> {
        self.world.workspaces.iter().position(|own| own == ws).ok_or_else(|| errors::foreign_workspace(self))
    }

    /// A value of the query as a number, or `usual`.
    pub(super) fn number(&self, name: &str, usual: usize) -> usize {
        self.request.parameter(name).and_then(|text| text.parse().ok()).unwrap_or(usual)
    }
}

/// The answer to a request.
pub(super) fn answer(call: &Call) -> Reply {
    let segments = call.request.segments();
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    let answer = match parts.as_slice() {
        ["gdc", rest @ ..] => strict_headers(call).and_then(|()| flex_insights(call, rest)),
        ["api", rest @ ..] => flowxo::answer(call, rest),
        [version @ ("v1" | "v2"), rest @ ..] => instances::answer(call, version, rest),
        _ => Err(errors::no_path(call, parts.first().unwrap_or(&"/"))),
    };
    answer.unwrap_or_else(|reply| *reply)
}

/// Whose style an answer has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Service {
    /// Flex Insights, and whatever belongs to nobody.
    #[default]
    FlexInsights,
    /// Flow XO.
    FlowXo,
    /// Flex Instances.
    Instances,
}

impl Service {
    /// The service of a request.
    pub(super) fn of(call: &Call) -> Self {
        match call.request.segments().first().map(String::as_str) {
            Some("api") => Self::FlowXo,
            Some("v1" | "v2") => Self::Instances,
            _ => Self::FlexInsights,
        }
    }
}

/// What the service that is asked says with a status when nothing more is known.
pub(super) fn usual(call: &Call, status: u16) -> Box<Reply> {
    match Service::of(call) {
        Service::FlexInsights => errors::usual(call, status),
        Service::FlowXo => flowxo::usual(call, status),
        Service::Instances => instances::usual(call, status),
    }
}

/// Flex Insights: everything under `/gdc`.
fn flex_insights(call: &Call, parts: &[&str]) -> Answer {
    match (call.request.head.method.as_str(), parts) {
        ("GET", []) => Ok(metadata::root()),
        ("GET", ["ping"]) => account::ping(call),
        ("POST", ["account", "login"]) => account::login(call),
        ("DELETE", ["account", "login", id]) => account::logout(call, id),
        ("GET", ["account", "token"]) => tokens::refresh(call),
        ("GET", ["account", "profile", id]) => account::profile(call, id),
        ("DELETE", ["account", "profile", id]) => account::delete_profile(call, id),
        ("GET", ["account", "profile", id, "projects"]) => account::workspaces(call, id),
        ("GET", ["app", "account", "bootstrap"]) => account::bootstrap(call),
        (_, ["uploads", ..]) => uploads::answer(call),
        ("GET", ["md"]) => metadata::workspaces(call),
        ("GET" | "POST", ["md", ws, rest @ ..]) => metadata::answer(call, ws, rest),
        ("GET", ["projects", ws]) => account::workspace(call, ws),
        ("POST", ["app", "projects", ws, "execute", "raw"] | ["projects", ws, "execute", "raw"]) => {
            execution::execute(call, ws)
        }
        ("GET", ["projects", ws, "execute", "raw", id]) => execution::poll(call, ws, id),
        (method, parts) => Err(match allowed(parts) {
            Some(allowed) => errors::wrong_method(call, method, allowed),
            None => errors::no_path(call, parts.last().unwrap_or(&"gdc")),
        }),
    }
}

/// The methods of a path whose method was wrong; none when the path itself doesn't exist.
fn allowed(parts: &[&str]) -> Option<&'static str> {
    match parts {
        ["account", "login"] => Some("POST"),
        ["account", "login", _] => Some("DELETE"),
        ["account", "profile", _] => Some("GET, DELETE"),
        ["account", "token"] | ["account", "profile", _, "projects"] | ["md"] | ["projects", _] | ["ping"] | [] => {
            Some("GET")
        }
        ["app", "projects", _, "execute", "raw"] | ["projects", _, "execute", "raw"] => Some("POST"),
        ["projects", _, "execute", "raw", _] => Some("GET"),
        ["md", _, ..] => Some("GET, POST"),
        _ => None,
    }
}

/// Refuses a request without the headers that the published samples send, where the sandbox is told so.
fn strict_headers(call: &Call) -> Result<(), Box<Reply>> {
    if !call.world.options.strict_request_headers {
        return Ok(());
    }
    match ["accept", "content-type", "user-agent"].iter().find(|name| call.request.header(name).is_none()) {
        Some(missing) => Err(errors::checked(call, missing, "HEADER MISSING")),
        None => Ok(()),
    }
}
