//! Objects as JSON.

use serde_json::{Value, json};

use super::{
    super::{
        errors::{self, Answer},
        options::MetadataShape,
        reply::Reply,
        router::Call,
    },
    Space,
    catalog::{Catalog, Definition, Kind, Object},
};

/// When every object was made and changed.
pub(super) const CREATED: &str = "2022-06-14 09:12:31";
pub(super) const UPDATED: &str = "2023-11-02 16:40:05";

/// `GET /gdc/md/{ws}/obj/{id}`, where the id may be `identifier:{identifier}`.
pub(super) fn get(call: &Call, space: &Space, id: &str) -> Answer {
    let object = find(call, space, id)?;
    Ok(Reply::json(200, &render(call, space, object)))
}

/// The object with this local id, or `identifier:{identifier}`.
pub(super) fn find<'a>(call: &Call<'a>, space: &Space, id: &str) -> Result<&'a Object, Box<Reply>> {
    let catalog = &call.world.catalog;
    let object = match id.strip_prefix("identifier:") {
        Some(identifier) => catalog.by_identifier(identifier),
        None => id.parse().ok().and_then(|local| catalog.by_local(space.number, local)),
    };
    object.ok_or_else(|| errors::no_object(call, 404, id))
}

/// An object with all its content.
pub(super) fn render(call: &Call, space: &Space, object: &Object) -> Value {
    let catalog = &call.world.catalog;
    let uri = |id: &u32| space.uri(*id);
    let meta = meta(call, space, object);
    match &object.kind {
        Kind::Report(_) => {
            let definitions: Vec<_> = catalog.definitions(object).iter().map(uri).collect();
            json!({"report": {"content": {"domains": [], "definitions": definitions}, "meta": meta}})
        }
        Kind::Definition(definition) => {
            let content = definition_content(catalog, space, definition);
            let links = json!({"explain2": format!("{}/explain2", uri(&object.id))});
            json!({"reportDefinition": {"content": content, "links": links, "meta": meta}})
        }
        Kind::Metric { expression, format } => {
            let expression = filled_in(catalog, space, expression);
            let tree = json!({"content": [], "position": {"column": 1, "line": 1}, "type": "metric"});
            let links = json!({"explain2": format!("{}/explain2", uri(&object.id))});
            let content = json!({"format": format, "tree": tree, "expression": expression});
            json!({"metric": {"content": content, "links": links, "meta": meta}})
        }
        Kind::Attribute { time, dataset, forms, .. } => {
            let forms: Vec<_> = forms
                .iter()
                .filter_map(|id| catalog.by_id(*id))
                .map(|form| render(call, space, form)["attributeDisplayForm"].take())
                .collect();
            let mut content = json!({
                "direction": "asc", "sort": "pk",
                "pk": [{"type": "col", "data": column_uri(space, object.id)}],
                "dimension": uri(&(dataset + 10)), "displayForms": forms,
            });
            if !time.is_empty() {
                content["type"] = json!(time);
            }
            json!({"attribute": {"content": content, "meta": meta}})
        }
        Kind::Form { attribute, time, default, .. } => {
            let expression = format!("[{}]", column_uri(space, object.id));
            let mut content = json!({"formOf": uri(attribute), "expression": expression});
            if *default {
                content["default"] = json!(1);
            }
            if !time.is_empty() && call.world.options.metadata_shape == MetadataShape::Modern {
                content["type"] = json!(time);
            }
            let links = json!({"elements": format!("{}/elements", uri(&object.id))});
            json!({"attributeDisplayForm": {"content": content, "links": links, "meta": meta}})
        }
        Kind::Fact { .. } => {
            let expr = json!([{"type": "col", "data": column_uri(space, object.id)}]);
            json!({"fact": {"content": {"folders": [uri(&41)], "expr": expr}, "meta": meta}})
        }
        Kind::DataSet => {
            let of = |kind: &Kind| match kind {
                Kind::Attribute { dataset, .. } | Kind::Fact { dataset } => *dataset == object.id,
                _ => false,
            };
            let uris = |category: &str| -> Vec<String> {
                let members = catalog.all().filter(|member| of(&member.kind) && member.kind.category() == category);
                members.map(|member| uri(&member.id)).collect()
            };
            let content = json!({
                "mode": "", "facts": uris("fact"), "attributes": uris("attribute"), "ties": [],
                "dataLoadingColumns": [],
            });
            let links = json!({"dataUploads": format!("{}/uploads", uri(&object.id))});
            json!({"dataSet": {"content": content, "links": links, "meta": meta}})
        }
        Kind::Dimension { dataset: own } => {
            let member = |other: &&Object| matches!(other.kind, Kind::Attribute { dataset, .. } if dataset == *own);
            let attributes: Vec<_> =
                catalog.all().filter(member).map(|other| render(call, space, other)["attribute"].take()).collect();
            json!({"dimension": {"content": {"attributes": attributes}, "meta": meta}})
        }
        Kind::Folder => json!({"folder": {"content": {"entries": [], "type": ["metric"]}, "meta": meta}}),
    }
}

fn meta(call: &Call, space: &Space, object: &Object) -> Value {
    let author = author(call);
    let built_in = built_in(object);
    let mut meta = json!({
        "author": author, "uri": space.uri(object.id), "tags": if built_in { "_lcm_managed_object" } else { "" },
        "created": CREATED, "identifier": object.identifier, "deprecated": "0", "summary": "", "isProduction": 1,
        "title": object.title, "category": object.kind.category(), "updated": UPDATED, "contributor": author,
    });
    if built_in {
        meta["locked"] = json!(1);
    }
    meta
}

/// The user, who made everything: a uri, and in 2009 an object.
pub(super) fn author(call: &Call) -> Value {
    let uri = author_uri(call);
    match call.world.options.metadata_shape {
        MetadataShape::Modern => json!(uri),
        MetadataShape::Old => json!({"name": "Sandbox User", "uri": uri}),
    }
}

/// The uri of the user.
pub(super) fn author_uri(call: &Call) -> String {
    format!("/gdc/account/profile/{}", call.world.profile)
}

/// Whether an object belongs to the data model, which the service manages.
pub(super) fn built_in(object: &Object) -> bool {
    matches!(
        object.kind,
        Kind::Attribute { .. } | Kind::Form { .. } | Kind::Fact { .. } | Kind::DataSet | Kind::Dimension { .. }
    )
}

fn definition_content(catalog: &Catalog, space: &Space, definition: &Definition) -> Value {
    let is_metric = |id| matches!(catalog.by_id(id).map(|object| &object.kind), Some(Kind::Metric { .. }));
    let (mut rows, mut metrics) = (Vec::new(), Vec::new());
    for column in &definition.columns {
        let uri = space.uri(column.object);
        if is_metric(column.object) {
            metrics.push(json!({"alias": column.alias, "uri": uri}));
        } else {
            rows.push(json!({"attribute": {"alias": column.alias, "totals": [[]], "uri": uri}}));
        }
    }
    let grid = json!({
        "sort": {"columns": [], "rows": []}, "columnWidths": [],
        "columns": if metrics.is_empty() { json!([]) } else { json!(["metricGroup"]) },
        "metrics": metrics, "rows": rows,
    });
    json!({"grid": grid, "format": definition.format, "filters": []})
}

/// The expression with the uri of each object in place of its identifier.
fn filled_in(catalog: &Catalog, space: &Space, expression: &str) -> String {
    let mut parts = expression.split('{');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (identifier, rest) = part.split_once('}').unwrap_or((part, ""));
        text.push_str(&catalog.by_identifier(identifier).map(|object| space.uri(object.id)).unwrap_or_default());
        text.push_str(rest);
    }
    text
}

/// The uri of the physical column behind an object; nothing else is known of it.
fn column_uri(space: &Space, id: u32) -> String {
    space.uri(id + 100_000)
}
