//! Lists of objects: entries by kind, and pages of whole objects.

use serde_json::{Value, json};

use super::{
    super::{
        errors::{self, Answer},
        options::MetadataShape,
        reply::Reply,
        router::Call,
    },
    Space, object_id, objects,
};

/// `GET /gdc/md/{ws}/query/{noun}`.
pub(super) fn entries(call: &Call, space: &Space, noun: &str) -> Answer {
    let category = match noun {
        "reports" => "report",
        "attributes" => "attribute",
        "metrics" => "metric",
        "datasets" => "dataSet",
        "facts" => "fact",
        "folders" => "folder",
        "dimensions" => "dimension",
        "reportdefinition" => "reportDefinition",
        // There are none of these.
        "projectdashboards" | "prompts" => noun,
        _ => return Err(errors::no_path(call, noun)),
    };
    let (own, old) = (objects::author(call), call.world.options.metadata_shape == MetadataShape::Old);
    let by_author = call.request.parameter("author").is_none_or(|author| author == objects::author_uri(call));
    let found = call.world.catalog.all().filter(|object| by_author && object.kind.category() == category);
    let entries: Vec<_> = found
        .map(|object| {
            let built_in = objects::built_in(object);
            let mut entry = json!({
                "link": space.uri(object.id), "author": own, "tags": if built_in { "_lcm_managed_object" } else { "" },
                "created": objects::CREATED, "deprecated": "0", "summary": "", "title": object.title,
                "category": category, "updated": objects::UPDATED, "contributor": own,
            });
            if !old {
                entry["identifier"] = json!(object.identifier);
                entry["locked"] = json!(u8::from(built_in));
                entry["unlisted"] = json!(0);
            }
            entry
        })
        .collect();
    let summary = format!("Metadata Query Resources for project '{}'", space.ws);
    let meta = json!({"summary": summary, "title": format!("List of {noun}"), "category": "query"});
    Ok(Reply::json(200, &json!({"query": {"entries": entries, "meta": meta}})))
}

/// `GET /gdc/md/{ws}/objects/query?category=…&limit=…&offset=…`.
pub(super) fn objects(call: &Call, space: &Space) -> Answer {
    let Some(category) = call.request.parameter("category") else {
        return Err(errors::checked(call, "category", "PARAMETER MISSING"));
    };
    let most = call.world.options.query_page_max as usize;
    let (offset, limit) = (call.number("offset", 0), call.number("limit", most).clamp(1, most));
    let all: Vec<_> = call.world.catalog.all().filter(|object| object.kind.category() == category).collect();
    let items: Vec<_> =
        all.iter().skip(offset).take(limit).map(|object| objects::render(call, space, object)).collect();
    let mut paging = json!({"count": items.len(), "offset": offset});
    if offset + items.len() < all.len() {
        let next = offset + limit;
        let uri = format!("/gdc/md/{}/objects/query?category={category}&limit={limit}&offset={next}", space.ws);
        paging["next"] = json!(uri);
    }
    Ok(Reply::json(200, &json!({"objects": {"paging": paging, "items": items}})))
}

/// `POST /gdc/md/{ws}/objects/get`; what is unknown is left out, as it is for identifiers.
pub(super) fn get(call: &Call, space: &Space) -> Answer {
    let body = call.request.json().unwrap_or_default();
    let Some(uris) = body.pointer("/get/items").and_then(Value::as_array) else {
        return Err(errors::checked(call, "get", "STRUCTURE INVALID - items"));
    };
    if uris.len() > call.world.options.query_page_max as usize {
        return Err(errors::checked(call, "get", &format!("TOO MANY ITEMS - {}", uris.len())));
    }
    let find = |uri: &Value| call.world.catalog.by_local(space.number, object_id(space.ws, uri.as_str()?)?);
    let items: Vec<_> = uris.iter().filter_map(find).map(|object| objects::render(call, space, object)).collect();
    let paging = json!({"count": items.len(), "offset": 0});
    Ok(Reply::json(200, &json!({"objects": {"paging": paging, "items": items}})))
}
