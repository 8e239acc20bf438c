//! Identifiers to uris and back.

use serde_json::{Value, json};

use super::{
    super::{
        errors::{self, Answer},
        options::IdentifiersOrder,
        reply::Reply,
        router::Call,
    },
    Space, object_id,
};

/// `POST /gdc/md/{ws}/identifiers`: what is unknown is left out without a word.
pub(super) fn translate(call: &Call, space: &Space) -> Answer {
    let body = call.request.json().unwrap_or_default();
    let list = |name: &str| body.get(name).and_then(Value::as_array);
    let catalog = &call.world.catalog;
    let mut entries: Vec<Value> = match (list("identifierToUri"), list("uriToIdentifier")) {
        (Some(identifiers), _) => {
            for (index, value) in identifiers.iter().enumerate() {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                if !is_identifier(&text) {
                    return Err(malformed(call, index + 1, &text));
                }
            }
            let known = |value: &Value| catalog.by_identifier(value.as_str()?);
            identifiers.iter().filter_map(known).map(|object| entry(space, object.id, &object.identifier)).collect()
        }
        (None, Some(uris)) => {
            let known = |value: &Value| catalog.by_local(space.number, object_id(space.ws, value.as_str()?)?);
            uris.iter().filter_map(known).map(|object| entry(space, object.id, &object.identifier)).collect()
        }
        (None, None) => {
            return Err(errors::checked(call, "identifiers", "STRUCTURE INVALID - identifierToUri or uriToIdentifier"));
        }
    };
    if call.world.options.identifiers_order == IdentifiersOrder::Shuffled {
        entries.reverse();
    }
    Ok(Reply::json(200, &json!({"identifiers": entries})))
}

fn entry(space: &Space, id: u32, identifier: &str) -> Value {
    json!({"uri": space.uri(id), "identifier": identifier})
}

/// `^[a-zA-Z0-9_\.]{1,255}$`
fn is_identifier(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.')
}

fn malformed(call: &Call, position: usize, value: &str) -> Box<Reply> {
    let result = format!(
        "STRUCTURE INVALID - name of structure:'IdentifierToUri'(tag:identifierToUri),  \
         /identifierToUri/<list:{position}>/Identifier: STRING|(?^:^[a-zA-Z0-9_\\.]{{1,255}}$)| does not match with \
         value '{value}'"
    );
    errors::checked(call, "identifierToUri", &result)
}
