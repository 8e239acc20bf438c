//! The families of errors, each with the shape and headers in which the service was recorded to send it.

use serde::Serialize;
use serde_json::{Value, json, ser::PrettyFormatter};

use super::{
    options::{Body429, Body503},
    reply::Reply,
    router::Call,
};
use crate::clock::Clock as _;

/// A handler's answer; both sides are replies.
pub(super) type Answer = Result<Reply, Box<Reply>>;

/// The realm of every challenge.
pub(super) const REALM: &str = "GoodData realm=\"GoodData API\"";

/// The "Perl" family: metadata and execution. `message` is a printf template for `parameters`.
pub(super) fn perl(
    call: &Call,
    status: u16,
    component: &str,
    class: &str,
    message: &str,
    parameters: &[&str],
) -> Box<Reply> {
    let id = format!("{}:{}:{}", call.id, call.world.random.alphanumeric(16), call.world.random.alphanumeric(16));
    let error = json!({"error": {
        "parameters": parameters, "requestId": id, "component": component, "errorClass": class, "message": message,
    }});
    let reply = Reply::json(status, &error)
        .header("Expires", "Mon, 26 Jul 1997 05:00:00 GMT")
        .header("Cache-Control", "no-store, no-cache, must-revalidate, max-age=0")
        .header("Pragma", "no-cache");
    Box::new(reply)
}

/// 400 of the "Perl" family: what was checked, and the result.
pub(super) fn checked(call: &Call, what: &str, result: &str) -> Box<Reply> {
    perl(call, 400, "Apache::REST", "GDC::Exception::User", "Checking '%s', result %s", &[what, result])
}

/// 404 for an object, or 400 where the sandbox is told so.
pub(super) fn no_object(call: &Call, status: u16, id: &str) -> Box<Reply> {
    let class = if status == 404 { "GDC::Exception::NotFound" } else { "GDC::Exception::User" };
    perl(call, status, "Resource::Obj::Service", class, "Object ID %s not found", &[id])
}

/// 404 for a path that doesn't exist.
pub(super) fn no_path(call: &Call, name: &str) -> Box<Reply> {
    perl(call, 404, "Apache::REST", "GDC::Exception::NotFound", "Name %s doesn't exist.", &[name])
}

/// 405.
pub(super) fn wrong_method(call: &Call, method: &str, allowed: &str) -> Box<Reply> {
    let message = "Method %s is not allowed.";
    let reply = perl(call, 405, "Apache::REST", "GDC::Exception::User", message, &[method]);
    Box::new(reply.header("Allow", allowed))
}

/// The "Java" family: platform services.
pub(super) fn java(call: &Call, status: u16, code: &str, component: &str, class: &str, message: &str) -> Box<Reply> {
    let error = json!({"error": {
        "errorClass": class, "trace": "", "message": message, "component": component,
        "errorId": call.world.random.uuid(), "errorCode": code, "parameters": [],
    }});
    Box::new(Reply::json(status, &error))
}

/// 403 of the "Java" family.
pub(super) fn forbidden(call: &Call, message: &str) -> Box<Reply> {
    let class = "com.gooddata.security.authorization.AuthorizationFailedException";
    java(call, 403, "gdc.security.authorization", "Webapp", class, message)
}

/// 404 or 410 of the "Java" family.
pub(super) fn not_found(call: &Call, status: u16) -> Box<Reply> {
    let message = "The server has not found anything matching the Request-URI. No indication is given of whether \
                   the condition is temporary or permanent.";
    let class = "com.gooddata.commons.http.exception.NotFoundException";
    java(call, status, &format!("gdc.http.client.status.{status}"), "cloud-resource-restapi", class, message)
}

/// The answer for a workspace that isn't the user's.
pub(super) fn foreign_workspace(call: &Call) -> Box<Reply> {
    match call.world.options.foreign_workspace {
        403 => forbidden(call, "Access denied"),
        status => not_found(call, status),
    }
}

/// The bare object of the login.
fn bare(component: &str, message: &str) -> Value {
    json!({"component": component, "message": message, "parameters": []})
}

/// 401 to a login: wrong password, or a captcha is asked for.
pub(super) fn bad_login(captcha: bool) -> Box<Reply> {
    let message = match captcha {
        false => "Bad Login or Password!",
        true => "Login needs security code verification due to failed login attempts.",
    };
    Box::new(Reply::json(401, &bare("Webapp", message)).header("WWW-Authenticate", REALM))
}

/// 429 to a login.
pub(super) fn throttled(body: Body429, retry_after: u64) -> Box<Reply> {
    let message = "Too many invalid login requests.";
    let reply = match body {
        Body429::Empty => Reply::empty(429),
        Body429::BareJson => Reply::json(429, &bare("Webapp", message)),
        Body429::Envelope => Reply::json(429, &json!({"error": bare("Webapp", message)})),
        Body429::Html => html(429, "429 Too Many Requests"),
    };
    Box::new(reply.header("Retry-After", retry_after.to_string()))
}

/// 401 because the temporary token is missing, expired or garbage.
pub(super) fn tt_challenge(call: &Call) -> Box<Reply> {
    let error = json!({"error": {
        "code": 401,
        "message": "Authorization Required",
        "description": "This server could not verify that you are authorized to access the document requested. \
            Either you supplied the wrong credentials (e.g., bad password), or your browser doesn't understand how \
            to supply the credentials required",
        "links": {"documentation": "https://help.gooddata.com/display/developer/API+Reference\
            #/reference/authentication/log-in"},
    }});
    let now = call.world.clock.timestamp().strftime("%a, %-d %b %Y %H:%M:%S GMT").to_string();
    let secure = if call.world.options.cookies_are_secure() { " Secure;" } else { "" };
    let host = call.request.header("host").unwrap_or("localhost");
    let domain = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let cookie =
        format!("GDCAuthTT=; Max-Age=0; Expires={now}; Path=/gdc; Domain={domain};{secure} HTTPOnly; SameSite=None");
    let mut reply = Reply::text(401, "application/json; charset=utf-8", indented(&error))
        .header("WWW-Authenticate", format!("{REALM} cookie=GDCAuthTT"))
        .never_kept()
        .header("Set-Cookie", cookie);
    reply.plain_vary = true;
    Box::new(reply)
}

/// 401 because the super-secured token is missing, expired or garbage.
pub(super) fn sst_challenge(call: &Call) -> Box<Reply> {
    let secure = if call.world.options.cookies_are_secure() { "; Secure" } else { "" };
    let cookie = format!("GDCAuthSST=\"\"; Expires=Thu, 01-Jan-1970 00:00:10 GMT; Path=/gdc/account{secure}");
    let reply = Reply::empty(401)
        .header("WWW-Authenticate", format!("{REALM} cookie=GDCAuthSST location=/gdc/account/login"))
        .header("Set-Cookie", cookie);
    Box::new(reply)
}

/// What the service says with a status when nothing more is known.
pub(super) fn usual(call: &Call, status: u16) -> Box<Reply> {
    let internal = ["handle_exception", "hide_internal"];
    match status {
        200..=399 => Box::new(Reply::empty(status)),
        401 => match call.request.head.tidy_path().trim_end_matches('/') {
            "/gdc/account/login" => bad_login(false),
            "/gdc/account/token" => sst_challenge(call),
            _ => tt_challenge(call),
        },
        403 => forbidden(call, "Access denied"),
        404 | 410 => not_found(call, status),
        429 => {
            let text = "You have exceeded GoodData API limits. Pause requests, wait up to one minute, and try again.";
            Box::new(Reply::json(429, &json!({"error": bare("Webapp", text)})).header("Retry-After", "60"))
        }
        503 => {
            let text = "Scheduled maintenance in progress. Please try again later.";
            let reply = match call.world.options.body_503 {
                Body503::Envelope => Reply::json(503, &json!({"error": {"message": text, "parameters": []}})),
                Body503::Html => html(503, "503 Service Temporarily Unavailable"),
                Body503::Empty => Reply::empty(503),
            };
            Box::new(reply.header("Retry-After", "60"))
        }
        500.. => {
            let message = "Internal error [%s, %s].";
            perl(call, status, "GDC::Project::Config", "GDC::Exception::Base", message, &internal)
        }
        _ => perl(call, status, "Apache::REST", "GDC::Exception::User", "Status %s", &[&status.to_string()]),
    }
}

/// A page as Apache writes it.
pub(super) fn html(status: u16, title: &str) -> Reply {
    let page = format!(
        "<!DOCTYPE HTML PUBLIC \"-//IETF//DTD HTML 2.0//EN\">\n<html><head>\n<title>{title}</title>\n</head><body>\n\
         <h1>{title}</h1>\n</body></html>\n"
    );
    Reply::text(status, "text/html; charset=iso-8859-1", page)
}

/// JSON as `json.dumps(value, indent=4)` prints it, with a final newline.
fn indented(value: &Value) -> String {
    let mut out = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, PrettyFormatter::with_indent(b"    "));
    // Writing JSON into memory doesn't fail.
    let _ = value.serialize(&mut serializer);
    out.push(b'\n');
    String::from_utf8_lossy(&out).into_owned()
}
