//! The account: log in, log out, the profile and its workspaces.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    errors::{self, Answer},
    options::{Level0Cookies, MetadataShape},
    reply::Reply,
    router::Call,
    state::locked,
    tokens::{self, Level},
};
use crate::clock::Clock as _;

/// Workspaces on one page when the request doesn't say.
const PAGE: usize = 500;

/// When the account and its workspaces were made.
const CREATED: &str = "2022-06-14 09:12:31";

/// `POST /gdc/account/login`.
pub(super) fn login(call: &Call) -> Answer {
    let body = call.request.json();
    let Some(fields) = body.as_ref().and_then(|body| body.get("postUserLogin")) else {
        return Err(errors::checked(call, "postUserLogin", "STRUCTURE INVALID - missing"));
    };
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let (Some(login), Some(password)) = (text("login"), text("password")) else {
        return Err(errors::checked(call, "postUserLogin", "STRUCTURE INVALID - login and password are needed"));
    };
    let level = match fields.get("verify_level") {
        None | Some(Value::Null) => Level::Cookie,
        Some(value) => match value.as_str().map_or(value.to_string(), str::to_owned).as_str() {
            "0" => Level::Cookie,
            "1" => Level::Both,
            "2" => Level::Header,
            other => {
                let result = format!("STRUCTURE INVALID - verify_level '{other}'");
                return Err(errors::checked(call, "postUserLogin", &result));
            }
        },
    };
    admit(call, login, password)?;
    Ok(welcome(call, level, fields.get("remember").is_some_and(is_set)))
}

/// Whether a flag is set, which clients send as a number, a text or a boolean.
fn is_set(value: &Value) -> bool {
    matches!(value, Value::Bool(true)) || value.as_i64() == Some(1) || value.as_str() == Some("1")
}

/// Refuses a wrong password, and everybody while the lockout lasts.
fn admit(call: &Call, login: &str, password: &str) -> Result<(), Box<Reply>> {
    let (options, now) = (&call.world.options, call.world.clock.now());
    let lockout = options.login_lockout;
    let mut tokens = locked(&call.world.tokens);
    if let Some(until) = tokens.locked_until {
        if until > now {
            let left = until.since(now).as_secs_f64().ceil();
            return Err(errors::throttled(options.login_429_body, left as u64));
        }
        tokens.locked_until = None;
        tokens.failures.clear();
    }
    let window = Duration::from_secs(lockout.window);
    tokens.failures.retain(|failure| now.since(*failure) < window);
    let captcha = options.captcha_after_failures.is_some_and(|limit| tokens.failures.len() >= limit as usize);
    let right = login == options.username && password == options.password && !tokens.profile_deleted;
    if right && !captcha {
        tokens.failures.clear();
        return Ok(());
    }
    tokens.failures.push(now);
    if lockout.tries > 0 && tokens.failures.len() >= lockout.tries as usize {
        tokens.locked_until = Some(now.plus(Duration::from_secs(lockout.retry_after)));
    }
    Err(errors::bad_login(captcha))
}

/// The answer to a login that succeeded.
fn welcome(call: &Call, level: Level, remember: bool) -> Reply {
    let world = call.world;
    let old_cookies = level == Level::Cookie && world.options.level0_cookies == Level0Cookies::Old;
    let sst = tokens::open(call, level, if old_cookies { 16 } else { 60 });
    let mut user = json!({
        "profile": format!("/gdc/account/profile/{}", world.profile),
        "state": format!("/gdc/account/login/{}", world.profile),
    });
    if level != Level::Cookie {
        user["token"] = json!(sst);
    }
    let mut reply = Reply::json(200, &json!({"userLogin": user}));
    if level != Level::Cookie {
        reply = reply.header("X-GDC-AuthSST", &sst);
    }
    let tt = if old_cookies { String::new() } else { tokens::issue(call, &sst) };
    if level != Level::Cookie {
        reply = reply.header("X-GDC-AuthTT", &tt);
    }
    reply = reply.never_kept();
    if level == Level::Header {
        return reply;
    }
    let date = |days: i64, format: &str| {
        (world.clock.timestamp() + jiff::SignedDuration::from_hours(24 * days)).strftime(format).to_string()
    };
    let secure = world.options.cookies_are_secure();
    if old_cookies {
        let secure = if secure { " secure;" } else { "" };
        let kept = match remember {
            true => format!(" expires={};", date(16, "%a, %d-%b-%Y %H:%M:%S GMT")),
            false => String::new(),
        };
        let past = date(-1, "%a, %d-%b-%Y %H:%M:%S GMT");
        reply
            .header("Set-Cookie", format!("GDCAuthTT=; path=/gdc; expires={past};{secure} HttpOnly"))
            .header("Set-Cookie", format!("GDCAuthSST={sst}; path=/gdc/account;{kept}{secure} HttpOnly"))
    } else {
        let secure = if secure { " Secure;" } else { "" };
        let kept = match remember {
            true => format!(" Expires={};", date(365, "%a, %d %b %Y %H:%M:%S GMT")),
            false => String::new(),
        };
        reply
            .header("Set-Cookie", format!("GDCAuthSST={sst}; Path=/gdc/account;{kept}{secure} HTTPOnly; SameSite=None"))
            .header("Set-Cookie", format!("GDCAuthTT={tt}; Path=/gdc;{secure} HTTPOnly; SameSite=None"))
    }
}

/// `DELETE /gdc/account/login/{id}`.
pub(super) fn logout(call: &Call, id: &str) -> Answer {
    tokens::require(call)?;
    let (sst, _) = tokens::secured(call)?;
    if id != call.world.profile {
        let message = "Login id %s was not found.";
        return Err(errors::perl(call, 404, "Account::Login", "GDC::Exception::NotFound", message, &[id]));
    }
    locked(&call.world.tokens).end(&sst);
    Ok(Reply::empty(204))
}

/// `GET /gdc/account/profile/{id}`, where the id may be `current`.
pub(super) fn profile(call: &Call, id: &str) -> Answer {
    tokens::require(call)?;
    let world = call.world;
    let own = format!("/gdc/account/profile/{}", world.profile);
    if id == "current" {
        return Ok(Reply::empty(307).header("Location", own));
    }
    own_profile(call, id)?;
    let login = &world.options.username;
    Ok(Reply::json(
        200,
        &json!({"accountSetting": {
            "links": {
                "self": own,
                "projects": format!("{own}/projects"),
                "auditEvents": format!("{own}/auditEvents"),
                "domain": "/gdc/domains/sandbox",
            },
            "firstName": "Sandbox", "lastName": "User", "companyName": "Sandbox", "position": null,
            "created": CREATED, "updated": CREATED, "country": null, "phoneNumber": "",
            "authenticationModes": ["PASSWORD", "SSO"], "login": login, "timezone": null, "ssoProvider": null,
            "email": login, "language": "en-US", "ipWhitelist": null, "effectiveIpWhitelist": null,
        }}),
    ))
}

/// `DELETE /gdc/account/profile/{id}`: the user is gone, and so are the sessions.
pub(super) fn delete_profile(call: &Call, id: &str) -> Answer {
    tokens::require(call)?;
    own_profile(call, id)?;
    let mut tokens = locked(&call.world.tokens);
    tokens.profile_deleted = true;
    tokens.expire_secured();
    tokens.expire_temporary();
    Ok(Reply::empty(call.world.options.profile_delete_status))
}

fn own_profile(call: &Call, id: &str) -> Result<(), Box<Reply>> {
    if id == call.world.profile { Ok(()) } else { Err(errors::forbidden(call, "Access denied")) }
}

/// `GET /gdc/account/profile/{id}/projects`.
pub(super) fn workspaces(call: &Call, id: &str) -> Answer {
    tokens::require(call)?;
    own_profile(call, id)?;
    let number = |name: &str, usual| call.request.parameter(name).and_then(|text| text.parse().ok()).unwrap_or(usual);
    let (offset, limit) = (number("offset", 0), number("limit", PAGE).clamp(1, PAGE));
    let all = &call.world.workspaces;
    if call.world.options.metadata_shape == MetadataShape::Old {
        let items: Vec<_> = all.iter().map(|ws| workspace_object(call, ws)).collect();
        return Ok(Reply::json(200, &json!({"projects": items})));
    }
    let items: Vec<_> = all.iter().skip(offset).take(limit).map(|ws| workspace_object(call, ws)).collect();
    let mut paging = json!({"offset": offset, "limit": limit, "count": items.len(), "totalCount": all.len()});
    if offset + items.len() < all.len() {
        let next = offset + limit;
        paging["next"] = json!(format!("/gdc/account/profile/{id}/projects?offset={next}&limit={limit}"));
    }
    Ok(Reply::json(200, &json!({"projects": {"paging": paging, "items": items}})))
}

/// `GET /gdc/projects/{ws}`.
pub(super) fn workspace(call: &Call, ws: &str) -> Answer {
    tokens::require(call)?;
    call.workspace(ws)?;
    Ok(Reply::json(200, &workspace_object(call, ws)))
}

fn workspace_object(call: &Call, ws: &str) -> Value {
    let (own, user) = (format!("/gdc/projects/{ws}"), &call.world.profile);
    let author = format!("/gdc/account/profile/{user}");
    json!({"project": {
        "content": {
            "state": "ENABLED", "cluster": "", "environment": "PRODUCTION", "driver": "Pg", "isPublic": "0",
            "guidedNavigation": "1",
        },
        "meta": {
            "title": call.world.workspace_title(ws), "summary": "", "created": CREATED, "updated": CREATED,
            "author": author, "contributor": author,
        },
        "links": {
            "self": own,
            "roles": format!("{own}/roles"),
            "users": format!("{own}/users?link=1&offset=0&limit=100"),
            "userRoles": format!("{own}/users/{user}/roles"),
            "userPermissions": format!("{own}/users/{user}/permissions"),
            "invitations": format!("{own}/invitations"),
            "ldm": format!("{own}/ldm"),
            "ldm_thumbnail": format!("{own}/ldm?thumbnail=1"),
            "uploads": format!("{own}/uploads/"),
            "metadata": format!("/gdc/md/{ws}"),
            "templates": format!("/gdc/md/{ws}/templates"),
            "connectors": format!("{own}/connectors"),
            "schedules": format!("{own}/schedules"),
            "dataload": format!("{own}/dataload"),
            "execute": format!("{own}/execute"),
            "clearCaches": format!("{own}/clearCaches"),
            "projectFeatureFlags": format!("{own}/projectFeatureFlags"),
            "config": format!("{own}/config"),
        },
    }})
}

/// `GET /gdc/app/account/bootstrap`.
pub(super) fn bootstrap(call: &Call) -> Answer {
    tokens::require(call)?;
    let login = &call.world.options.username;
    let own = format!("/gdc/account/profile/{}", call.world.profile);
    let account = json!({"login": login, "email": login, "links": {"self": own}});
    Ok(Reply::json(200, &json!({"bootstrapResource": {"accountSetting": account, "current": null}})))
}

/// `GET /gdc/ping`.
pub(super) fn ping(call: &Call) -> Answer {
    use super::options::PingBody::{Empty, Json};
    Ok(match call.world.options.ping_body {
        Empty => Reply::empty(200),
        Json => Reply::json(200, &json!({"ping": "ok"})),
    })
}
