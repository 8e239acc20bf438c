//! Which redirects are followed, as a pure decision.
//!
//! The HTTP library's own policy would carry `X-GDC-AuthSST`, `X-GDC-AuthTT` and `I-Twilio-Auth-Account` to whatever
//! origin a `Location` names: it drops only `Authorization` and `Cookie`.

use http::{HeaderMap, Method, StatusCode, header};

use crate::{
    error::{Error, Kind, Result},
    origin::{Origin, ServerPath},
};

/// The most redirects that one request follows.
pub const HOPS: usize = 5;

/// Where to go next.
#[derive(Debug, PartialEq, Eq)]
pub struct Hop {
    /// The address.
    pub path: ServerPath,
    /// Whether the method and body go along (307, 308, and any redirect of a `GET`); otherwise it becomes a `GET`.
    pub same_request: bool,
}

/// Decides about one answer: `None` when it is no redirect.
///
/// The service answers 307 for the current profile and 303 for some element queries, both with a relative `Location`.
///
/// # Errors
/// `UntrustedUri` for a redirect that is missing its address, leaves the origin, or would repeat the body of a `POST`
/// by itself (301, 302).
pub fn follow(method: &Method, status: StatusCode, headers: &HeaderMap, origin: &Origin) -> Result<Option<Hop>> {
    let same_request = match status.as_u16() {
        301 | 302 if method == Method::GET => true,
        303 => method == Method::GET,
        307 | 308 => true,
        301 | 302 => {
            return Err(refused(headers, "it redirects a request that must not become another one"));
        }
        _ => return Ok(None),
    };
    let location = headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
    let Some(location) = location else { return Err(refused(headers, "a redirect without a readable `Location`")) };
    Ok(Some(Hop { path: ServerPath::parse(location, origin)?, same_request }))
}

fn refused(headers: &HeaderMap, reason: &'static str) -> Error {
    let location = headers
        .get(header::LOCATION)
        .map_or(String::new(), |value| crate::ids::shown(&String::from_utf8_lossy(value.as_bytes())));
    Error::new(Kind::UntrustedUri { uri: location, reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_stay_on_the_origin() {
        let origin = Origin::parse("https://analytics.ytica.com", "/gdc/").unwrap();
        let decide = |method: Method, status: u16, location: Option<&str>| {
            let mut headers = HeaderMap::new();
            if let Some(location) = location {
                headers.insert(header::LOCATION, location.parse().unwrap());
            }
            follow(&method, StatusCode::from_u16(status).unwrap(), &headers, &origin)
        };
        // (method, status, location, followed with the same method)
        for (method, status, location, expected) in [
            (Method::GET, 200, None, Ok(None)),
            (Method::GET, 201, Some("/gdc/x"), Ok(None)),
            (Method::GET, 202, Some("/gdc/x"), Ok(None)),
            (Method::GET, 307, Some("/gdc/account/profile/00"), Ok(Some(true))),
            (Method::POST, 303, Some("/gdc/md/w/obj/1/validElements?q=a"), Ok(Some(false))),
            (Method::POST, 307, Some("/gdc/x"), Ok(Some(true))),
            (Method::GET, 302, Some("https://analytics.ytica.com/gdc/x"), Ok(Some(true))),
            (Method::GET, 302, None, Err(())),
            (Method::GET, 302, Some("https://evil.com/gdc/x"), Err(())),
            (Method::GET, 307, Some("//evil.com/gdc/x"), Err(())),
            (Method::GET, 307, Some("http://analytics.ytica.com/gdc/x"), Err(())),
            (Method::POST, 302, Some("/gdc/x"), Err(())),
            (Method::DELETE, 301, Some("/gdc/x"), Err(())),
        ] {
            let found = decide(method.clone(), status, location).map(|hop| hop.map(|hop| hop.same_request));
            assert_eq!(found.map_err(|_| ()), expected, "{method} {status} {location:?}");
        }
    }
}
