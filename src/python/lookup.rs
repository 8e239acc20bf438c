//! Portable identifiers to uris, and back.

use pyo3::{prelude::*, types::PyDict};

use super::{
    asked::{strings, workspace},
    client::InsightsClient,
};
use crate::{
    error::{Error, Result},
    ids::{Identifier, ObjectUri},
};

/// Names in the order asked for, and each one's other name once it is found.
type Lookup<F> = PyResult<(Vec<String>, F)>;
type Found = Result<Vec<(String, String)>>;

pub(super) fn looking_up_identifiers(
    client: &InsightsClient,
    identifiers: &Bound<'_, PyAny>,
    named: Option<&str>,
) -> Lookup<impl Future<Output = Found> + Send + use<>> {
    let asked = strings("identifiers", identifiers)?;
    let names = asked.iter().map(|name| Identifier::parse(name)).collect::<Result<Vec<_>>>()?;
    let call = client.call(identifiers.py());
    let client = client.core(identifiers.py())?.clone();
    let workspace = client.workspace(workspace(named)?.as_ref())?;
    Ok((asked, async move {
        let found = client.identifiers(&call, &workspace, &names).await?;
        Ok(found.into_iter().map(|(name, uri)| (name.to_string(), uri.to_string())).collect())
    }))
}

pub(super) fn looking_up_uris(
    client: &InsightsClient,
    uris: &Bound<'_, PyAny>,
    named: Option<&str>,
) -> Lookup<impl Future<Output = Found> + Send + use<>> {
    let named = workspace(named)?;
    let mut asked = Vec::new();
    let mut objects = Vec::new();
    for uri in strings("uris", uris)? {
        let object = ObjectUri::parse(&uri, &client.origin)?;
        if named.as_ref().is_some_and(|named| *named != object.workspace) {
            return Err(Error::config(format!("`{object}` is not in the workspace that was named")).into());
        }
        asked.push(object.to_string());
        objects.push(object);
    }
    let call = client.call(uris.py());
    let client = client.core(uris.py())?.clone();
    Ok((asked, async move {
        let found = client.uris(&call, &objects).await?;
        Ok(found.into_iter().map(|(uri, name)| (uri, name.to_string())).collect())
    }))
}

/// A dictionary in the order that was asked for.
pub(super) fn in_order(asked: Vec<String>, found: Vec<(String, String)>) -> PyResult<Py<PyDict>> {
    Python::attach(|py| {
        let ordered = PyDict::new(py);
        for name in asked {
            if let Some((_, value)) = found.iter().find(|(key, _)| *key == name) {
                ordered.set_item(name, value)?;
            }
        }
        Ok(ordered.unbind())
    })
}
