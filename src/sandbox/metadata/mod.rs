//! The metadata service: everything under `/gdc/md`, and the root that leads to it.

pub(super) mod catalog;
mod declared;
pub(super) mod elements;
mod identifiers;
mod objects;
mod query;

use serde_json::{Value, json};

pub(super) use self::catalog::object_id;
use super::{
    errors::{self, Answer},
    reply::Reply,
    router::Call,
    tokens,
};

/// `GET /gdc`: the links by which clients find the services.
pub(super) fn root() -> Reply {
    let link = |link: &str, summary: &str, category: &str, title: &str| json!({"link": link, "summary": summary, "category": category, "title": title});
    let links = [
        link("/gdc/", "", "home", "home"),
        link("/gdc/account/token", "Temporary token generator.", "token", "token"),
        link("/gdc/account/login", "Authentication service.", "login", "login"),
        link("/gdc/md", "Metadata resources.", "md", "metadata"),
        link("/gdc/xtab2", "Report execution resource.", "xtab", "xtab"),
        link("/gdc/exporter", "Report exporting resource.", "report-exporter", "exporter"),
        link("/gdc/account", "Resource for logged in account manipulation.", "account", "account"),
        link("/gdc/projects", "Resource with user and project details.", "projects", "projects"),
        link("/gdc/tool", "Miscellaneous resources.", "tool", "tool"),
        link("/gdc/releaseInfo", "Release information.", "releaseInfo", "releaseInfo"),
        link("/gdc/uploads", "User data staging area.", "uploads", "user-uploads"),
    ];
    let about =
        json!({"summary": "Use links to navigate the services.", "category": "GoodData API root", "links": links});
    Reply::json(200, &json!({"about": about}))
}

/// `GET /gdc/md`.
pub(super) fn workspaces(call: &Call) -> Answer {
    tokens::require(call)?;
    let link = |ws: &String| {
        let title = call.world.workspace_title(ws);
        json!({"link": format!("/gdc/md/{ws}"), "identifier": ws, "summary": "", "category": "project", "title": title})
    };
    let links: Vec<_> = call.world.workspaces.iter().map(link).collect();
    let about = json!({"summary": "Metadata Resources", "category": "md", "links": links});
    Ok(Reply::json(200, &json!({"about": about})).keep_alive())
}

/// Everything under `/gdc/md/{ws}`.
pub(super) fn answer(call: &Call, ws: &str, parts: &[&str]) -> Answer {
    tokens::require(call)?;
    let space = Space { ws, number: call.workspace(ws)? };
    let answer = match (call.request.head.method.as_str(), parts) {
        ("GET", []) => Ok(workspace_root(ws)),
        ("GET", ["identifiers"]) => Ok(about(ws, "Identifiers to URIs mapping", "instance-identifiers")),
        ("POST", ["identifiers"]) => identifiers::translate(call, &space),
        ("GET", ["query"]) => Ok(about(ws, "Metadata Query Resources", "query")),
        ("GET", ["query", noun]) => query::entries(call, &space, noun),
        ("GET", ["objects", "query"]) => query::objects(call, &space),
        ("POST", ["objects", "get"]) => query::get(call, &space),
        ("GET", ["obj", id]) => objects::get(call, &space, id),
        ("GET", ["obj", id, "elements"]) => elements::list(call, &space, id),
        ("POST" | "GET", ["obj", id, "validElements"]) => elements::valid(call, &space, id),
        (_, ["identifiers" | "query" | "objects" | "obj", ..]) => {
            Err(errors::wrong_method(call, &call.request.head.method, "GET, POST"))
        }
        _ => Err(errors::no_path(call, parts.last().unwrap_or(&ws))),
    };
    answer.map(Reply::keep_alive).map_err(|reply| Box::new(reply.keep_alive()))
}

/// A workspace of the user.
pub(super) struct Space<'a> {
    /// Its id.
    pub(super) ws: &'a str,
    /// Its number, which decides the local ids of its objects.
    pub(super) number: usize,
}

fn about(ws: &str, summary: &str, category: &str) -> Reply {
    let about = json!({"summary": format!("{summary} for project '{ws}'"), "category": category, "links": []});
    Reply::json(200, &json!({"about": about}))
}

fn workspace_root(ws: &str) -> Reply {
    // Category, which mostly is the last part of the link as well, where it isn't: the link.
    const LINKS: [(&str, &str); 31] = [
        ("data", "data"),
        ("dml", "dml"),
        ("drillcrosspaths", "drillcrosspaths"),
        ("etl", "etl"),
        ("datedimension", "datedimension"),
        ("favorites", "favorites"),
        ("favorite", "favorite"),
        ("instance-identifiers", "identifiers"),
        ("labels", "labels"),
        ("ldm", "ldm"),
        ("logs", "logs"),
        ("maintenance", "maintenance"),
        ("maqlvalidator", "maqlvalidator"),
        ("obj", "obj"),
        ("objects", "objects"),
        ("query", "query"),
        ("report-statistic", "reportstatistic"),
        ("search", "search"),
        ("service", "service"),
        ("tags", "tags"),
        ("tasks", "tasks"),
        ("templates", "templates"),
        ("translations", "translations"),
        ("usedby2", "usedby2"),
        ("using2", "using2"),
        ("userfilters", "userfilters"),
        ("validate-project", "validate"),
        ("vars", "variables"),
        ("usedby", "usedby"),
        ("using", "using"),
        ("project-models", "projectmodels"),
    ];
    let link = |(category, path): &(&str, &str)| -> Value {
        json!({"link": format!("/gdc/md/{ws}/{path}"), "summary": "", "category": category, "title": category})
    };
    let links: Vec<_> = LINKS.iter().map(link).collect();
    let summary = format!("Metadata service for project '{ws}'");
    Reply::json(200, &json!({"about": {"summary": summary, "category": "project", "instance": ws, "links": links}}))
}
