//! `export_dataset`: a report as a tree of files.

use std::path::PathBuf;

use pyo3::prelude::*;

use super::{
    asked::Asked,
    client::InsightsClient,
    place::{StoreSettings, place},
    receipt::Receipt,
    runtime::{run, wait},
};
use crate::{
    dataset,
    error::{Error, Result},
    export::Start,
    handoff::{self, Format},
};

/// What only a dataset is asked for, as Python gave it.
struct Kept {
    root: PathBuf,
    restate: Option<i64>,
    format: String,
    widen: bool,
    storage_options: Option<StoreSettings>,
}

#[pymethods]
impl InsightsClient {
    #[doc = stub!("InsightsClient.export_dataset")]
    #[pyo3(signature = (
        report, root, *, start, end, every=Some("1d".into()), restate=None, format="parquet", date=None, r#where=None,
        schema=None, workspace=None, timeout=None, widen=false, storage_options=None, progress=None
    ), text_signature = "($self, report, root, *, start, end, every='1d', restate=None, format='parquet', \
                         date='date.date.mmddyyyy', where=None, schema='report', workspace=None, timeout=None, widen=False, \
                         storage_options=None, progress=None)")]
    #[expect(clippy::too_many_arguments, reason = "they are Python's keyword arguments")]
    fn export_dataset(
        &self,
        py: Python<'_>,
        report: Py<PyAny>,
        root: PathBuf,
        start: Py<PyAny>,
        end: Py<PyAny>,
        every: Option<String>,
        restate: Option<i64>,
        format: &str,
        date: Option<String>,
        r#where: Option<Py<PyAny>>,
        schema: Option<Py<PyAny>>,
        workspace: Option<String>,
        timeout: Option<f64>,
        widen: bool,
        storage_options: Option<StoreSettings>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Receipt> {
        let (start, end, filters) = (Some(start), Some(end), r#where);
        let asked = Asked { report, start, end, date, filters, every, schema, workspace, timeout, progress };
        let kept = Kept { root, restate, format: format.into(), widen, storage_options };
        wait(py, self.keeping(py, &asked, kept)?).map(Receipt)
    }

    #[doc = stub!("InsightsClient.export_dataset_async")]
    #[pyo3(signature = (
        report, root, *, start, end, every=Some("1d".into()), restate=None, format="parquet".into(), date=None,
        r#where=None, schema=None, workspace=None, timeout=None, widen=false, storage_options=None, progress=None
    ), text_signature = "($self, report, root, *, start, end, every='1d', restate=None, format='parquet', \
                         date='date.date.mmddyyyy', where=None, schema='report', workspace=None, timeout=None, widen=False, \
                         storage_options=None, progress=None)")]
    #[expect(clippy::too_many_arguments, reason = "they are Python's keyword arguments")]
    async fn export_dataset_async(
        &self,
        report: Py<PyAny>,
        root: PathBuf,
        start: Py<PyAny>,
        end: Py<PyAny>,
        every: Option<String>,
        restate: Option<i64>,
        format: String,
        date: Option<String>,
        r#where: Option<Py<PyAny>>,
        schema: Option<Py<PyAny>>,
        workspace: Option<String>,
        timeout: Option<f64>,
        widen: bool,
        storage_options: Option<StoreSettings>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Receipt> {
        let (start, end, filters) = (Some(start), Some(end), r#where);
        let asked = Asked { report, start, end, date, filters, every, schema, workspace, timeout, progress };
        let kept = Kept { root, restate, format, widen, storage_options };
        run(Python::attach(|py| self.keeping(py, &asked, kept))?).await.map(Receipt)
    }
}

impl InsightsClient {
    /// Checks everything before anything is sent; the rest is the core's.
    fn keeping(
        &self,
        py: Python<'_>,
        asked: &Asked,
        kept: Kept,
    ) -> PyResult<impl Future<Output = Result<handoff::Receipt>> + Send + use<>> {
        let export = self.asked(py, asked)?;
        let wrong = |count: i64| {
            Error::config(format!("`restate` is {count}, which is no number of windows"))
                .hint("it says how many of the newest windows are fetched although they are done")
        };
        let restate = kept.restate.unwrap_or(0);
        let asked_for = dataset::Asked {
            export: export.clone(),
            root: place(kept.root, kept.storage_options)?,
            format: Format::parse(&kept.format)?,
            restate: usize::try_from(restate).map_err(|_| wrong(restate))?,
            widen: kept.widen,
        };
        let (client, call, ending) =
            self.begin(py, Start::New(export), asked.progress.as_ref().map(|told| told.bind(py)))?.parts();
        Ok(async move { dataset::write(&client, &call, &asked_for).await.inspect(|_| ending.done()) })
    }
}
