//! Where a file or a dataset goes, as Python names it.

use std::{collections::BTreeMap, path::PathBuf};

use pyo3::{exceptions::PyTypeError, prelude::*};

use super::runtime::runtime;
use crate::handoff::{
    Output,
    store::{Place, StorageOptions},
};

/// What a caller says about the store of a url: a dict of strings, never shown.
pub(super) struct StoreSettings(BTreeMap<String, String>);

impl<'a, 'py> FromPyObject<'a, 'py> for StoreSettings {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        // Python's own message would quote a value.
        object.extract().map(Self).map_err(|_| {
            PyTypeError::new_err("`storage_options` must be a dict of strings, such as {\"aws_region\": \"eu-west-1\"}")
        })
    }
}

/// The place of a path or a url.
pub(super) fn place(path: PathBuf, settings: Option<StoreSettings>) -> PyResult<Place> {
    let options = StorageOptions::new(settings.map(|settings| settings.0).unwrap_or_default());
    Ok(Place::parse(path, &options)?)
}

/// Begins a file at a path or a url.
pub(super) fn begin(path: PathBuf, settings: Option<StoreSettings>) -> PyResult<Output> {
    let place = place(path, settings)?;
    let _within = runtime()?.enter();
    Ok(place.begin()?)
}
