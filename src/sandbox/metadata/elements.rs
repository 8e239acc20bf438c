//! The elements of attributes: all of them, or those that a request asks for.

use std::collections::HashSet;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{
    super::{
        data::labels::Label,
        errors::{self, Answer},
        execution::address::Sealed,
        options::ValidElements303,
        reply::Reply,
        router::Call,
        state::locked,
    },
    Space,
    catalog::Kind,
    objects,
};

/// Elements on one page when the request doesn't say, and at most.
const PAGE: usize = 1000;

/// The requests for valid elements that were answered with 303 once.
pub(in crate::sandbox) type Redirected = HashSet<String>;

/// A display form and its attribute.
struct Form {
    label: Label,
    uri: String,
    attribute: String,
}

impl Form {
    fn find(call: &Call, space: &Space, id: &str) -> Result<Self, Box<Reply>> {
        let object = objects::find(call, space, id)?;
        match object.kind {
            Kind::Form { label, attribute, .. } => {
                Ok(Self { label, uri: space.uri(object.id), attribute: space.uri(attribute) })
            }
            _ => Err(errors::checked(call, id, "OBJECT IS NO DISPLAY FORM")),
        }
    }

    fn title(&self, call: &Call, element: u64) -> String {
        let mut title = Vec::new();
        call.world.model.title(self.label, element, &mut title);
        String::from_utf8_lossy(&title).into_owned()
    }

    fn element_uri(&self, element: u64) -> String {
        format!("{}/elements?id={}", self.attribute, element + 1)
    }
}

/// What a request asks for.
struct Wanted {
    filter: String,
    descending: bool,
    offset: usize,
    limit: usize,
}

impl Wanted {
    fn of(call: &Call) -> Self {
        Self {
            filter: call.request.parameter("filter").unwrap_or_default(),
            descending: call.request.parameter("order").as_deref() == Some("desc"),
            offset: call.number("offset", 0),
            limit: call.number("limit", PAGE).clamp(1, PAGE),
        }
    }

    /// One page of the elements that pass, and how many pass in all; without `passes` all do. Only the page is kept.
    fn page(
        &self,
        call: &Call,
        form: &Form,
        passes: Option<impl Fn(u64, &str) -> bool>,
    ) -> (Vec<(u64, String)>, usize) {
        let count = call.world.model.count(form.label.domain());
        let element = |at| if self.descending { count - 1 - at } else { at };
        let needle = self.filter.to_lowercase();
        if passes.is_none() && needle.is_empty() {
            let page = (self.offset as u64..count).take(self.limit).map(element);
            return (page.map(|element| (element, form.title(call, element))).collect(), count as usize);
        }
        let (mut page, mut total) = (Vec::new(), 0);
        for element in (0..count).map(element) {
            let title = form.title(call, element);
            if passes.as_ref().is_none_or(|passes| passes(element, &title))
                && (needle.is_empty() || title.to_lowercase().contains(&needle))
            {
                if total >= self.offset && page.len() < self.limit {
                    page.push((element, title));
                }
                total += 1;
            }
        }
        (page, total)
    }

    fn order(&self) -> &'static str {
        if self.descending { "desc" } else { "asc" }
    }
}

/// `GET /gdc/md/{ws}/obj/{display form}/elements`.
pub(super) fn list(call: &Call, space: &Space, id: &str) -> Answer {
    let form = Form::find(call, space, id)?;
    let wanted = Wanted::of(call);
    let ids: HashSet<u64> = call.request.parameters("id").filter_map(|text| text.parse().ok()).collect();
    let (page, total) =
        wanted.page(call, &form, (!ids.is_empty()).then_some(|element, _: &str| ids.contains(&(element + 1))));
    let elements: Vec<_> =
        page.iter().map(|(element, title)| json!({"title": title, "uri": form.element_uri(*element)})).collect();
    let next = (wanted.offset + page.len() < total).then(|| {
        let (offset, filter) = (wanted.offset + wanted.limit, utf8_percent_encode(&wanted.filter, NON_ALPHANUMERIC));
        format!("{}/elements?limit={}&offset={offset}&order={}&filter={filter}", form.uri, wanted.limit, wanted.order())
    });
    let meta = json!({
        "count": page.len(), "mode": "includeuris", "filter": wanted.filter, "records": total.to_string(),
        "prompt": "", "attribute": form.attribute, "order": wanted.order(), "attributeDisplayForm": form.uri,
        "offset": wanted.offset.to_string(),
    });
    let paging = paging(&wanted, page.len(), total, json!(next));
    let body = json!({"attributeElements": {"elementsMeta": meta, "elements": elements, "paging": paging}});
    Ok(Reply::json(200, &body))
}

/// Numbers as the service sends them: `total` and `offset` as texts.
fn paging(wanted: &Wanted, count: usize, total: usize, next: Value) -> Value {
    json!({"next": next, "count": count, "total": total.to_string(), "offset": wanted.offset.to_string()})
}

/// `POST /gdc/md/{ws}/obj/{display form}/validElements`, and `GET` of the uri that a 303 gave.
pub(super) fn valid(call: &Call, space: &Space, id: &str) -> Answer {
    let form = Form::find(call, space, id)?;
    if call.request.head.method == "GET" {
        let text = Sealed::of(call).and_then(|sealed| sealed.open(call));
        let asked = text.and_then(|text| serde_json::from_str::<Value>(&text).ok());
        let Some(asked) = asked else { return Err(errors::checked(call, "q", "CHECKSUM INVALID")) };
        let wanted = Wanted {
            filter: asked["filter"].as_str().unwrap_or_default().to_owned(),
            descending: asked["order"] == "desc",
            offset: asked["offset"].as_u64().unwrap_or(0) as usize,
            limit: asked["limit"].as_u64().unwrap_or(PAGE as u64) as usize,
        };
        return Ok(valid_page(call, &form, &wanted, &asked["request"]));
    }
    let body = call.request.json().unwrap_or_default();
    let Some(request) = body.get("validElementsRequest") else {
        return Err(errors::checked(call, "validElementsRequest", "STRUCTURE INVALID - missing"));
    };
    let wanted = Wanted::of(call);
    let asked = json!({
        "request": request, "filter": wanted.filter, "order": wanted.order(), "offset": wanted.offset,
        "limit": wanted.limit,
    });
    let uri = format!("{}/validElements?{}", form.uri, Sealed::seal(call, &asked.to_string()).query("q", "c"));
    let redirects = match call.world.options.valid_elements_303 {
        ValidElements303::Always => true,
        ValidElements303::Never => false,
        ValidElements303::FirstCall => locked(&call.world.redirected).insert(uri.clone()),
    };
    if redirects {
        return Ok(Reply::json(303, &json!({"uri": uri})).header("Location", uri));
    }
    Ok(valid_page(call, &form, &wanted, request))
}

fn valid_page(call: &Call, form: &Form, wanted: &Wanted, request: &Value) -> Reply {
    let texts = |name: &str| -> Option<HashSet<&str>> {
        request.get(name)?.as_array().map(|list| list.iter().filter_map(Value::as_str).collect())
    };
    let (titles, uris) = (texts("titles"), texts("uris"));
    let complement = request.get("complement").is_some_and(|flag| *flag == json!(true) || *flag == json!(1));
    let restricted = titles.is_some() || uris.is_some();
    let named = |element: u64, title: &str| {
        titles.as_ref().is_none_or(|titles| titles.contains(title))
            && uris.as_ref().is_none_or(|uris| uris.contains(form.element_uri(element).as_str()))
    };
    let (page, total) =
        wanted.page(call, form, restricted.then_some(|element, title: &str| named(element, title) != complement));
    let item =
        |(element, title): &(u64, String)| json!({"element": {"title": title, "uri": form.element_uri(*element)}});
    let items: Vec<_> = page.iter().map(item).collect();
    let meta = json!({
        "attribute": form.attribute, "filter": wanted.filter, "order": wanted.order(),
        "attributeDisplayForm": form.uri,
    });
    let mut paging = paging(wanted, items.len(), total, Value::Null);
    paging.as_object_mut().map(|fields| fields.shift_remove("next"));
    Reply::json(200, &json!({"validElements": {"elementsMeta": meta, "paging": paging, "items": items}}))
}
