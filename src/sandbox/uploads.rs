//! The file area, `/gdc/uploads`: another server, which speaks HTML and WebDAV's challenges. It holds no file.

use super::{
    errors::{self, Answer},
    reply::Reply,
    router::Call,
    tokens,
};

/// Everything under `/gdc/uploads`: 401 with two challenges without a token, else 404, or 405 for a method that isn't
/// one of reading or writing files.
pub(super) fn answer(call: &Call) -> Answer {
    if tokens::require(call).is_err() {
        let host = call.request.header("host").unwrap_or("localhost");
        let scheme = if call.world.options.tls { "https" } else { "http" };
        let temporary = format!("{} cookie=GDCAuthTT location={scheme}://{host}/gdc/account/token", errors::REALM);
        let reply = page(401, "401 Authorization Required")
            .header("WWW-Authenticate", "Basic realm=\"GoodData project data staging area\"")
            .header("WWW-Authenticate", temporary);
        return Err(Box::new(reply));
    }
    Err(Box::new(match call.request.head.method.as_str() {
        "GET" | "HEAD" | "PUT" | "DELETE" | "PROPFIND" | "MKCOL" => page(404, "404 Not Found"),
        _ => page(405, "405 Method Not Allowed").header("Allow", "GET,HEAD,PUT,DELETE,PROPFIND,MKCOL"),
    }))
}

fn page(status: u16, title: &str) -> Reply {
    Reply { by_apache: true, ..errors::html(status, title) }
}
