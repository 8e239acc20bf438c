//! An export in parts, in the hands of Python: executed here, waited for there, fetched elsewhere.

use pyo3::prelude::*;

use super::{
    asked::{self, Asked, bound},
    client::{InsightsClient, resumable},
    runtime::{run, wait},
    stream::Stream,
};
use crate::{
    error::Result,
    export::{self, Handle, Start},
};

#[pymethods]
impl InsightsClient {
    #[doc = stub!("InsightsClient.submit")]
    #[pyo3(signature = (
        report, *, start=None, end=None, date=None, r#where=None, every=None, workspace=None, timeout=None,
        progress=None
    ), text_signature = "($self, report, *, start=None, end=None, date='date.date.mmddyyyy', where=None, \
                         every=None, workspace=None, timeout=None, progress=None)")]
    #[expect(clippy::too_many_arguments, reason = "they are Python's keyword arguments")]
    fn submit(
        &self,
        py: Python<'_>,
        report: Py<PyAny>,
        start: Option<Py<PyAny>>,
        end: Option<Py<PyAny>>,
        date: Option<String>,
        r#where: Option<Py<PyAny>>,
        every: Option<String>,
        workspace: Option<String>,
        timeout: Option<f64>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<String> {
        let asked =
            Asked { report, start, end, date, filters: r#where, every, schema: None, workspace, timeout, progress };
        wait(py, self.submitting(py, &asked)?)
    }

    #[doc = stub!("InsightsClient.submit_async")]
    #[pyo3(signature = (
        report, *, start=None, end=None, date=None, r#where=None, every=None, workspace=None, timeout=None,
        progress=None
    ), text_signature = "($self, report, *, start=None, end=None, date='date.date.mmddyyyy', where=None, \
                         every=None, workspace=None, timeout=None, progress=None)")]
    #[expect(clippy::too_many_arguments, reason = "they are Python's keyword arguments")]
    async fn submit_async(
        &self,
        report: Py<PyAny>,
        start: Option<Py<PyAny>>,
        end: Option<Py<PyAny>>,
        date: Option<String>,
        r#where: Option<Py<PyAny>>,
        every: Option<String>,
        workspace: Option<String>,
        timeout: Option<f64>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<String> {
        let asked =
            Asked { report, start, end, date, filters: r#where, every, schema: None, workspace, timeout, progress };
        run(Python::attach(|py| self.submitting(py, &asked))?).await
    }

    #[doc = stub!("InsightsClient.wait")]
    #[pyo3(signature = (handle, *, timeout=None, progress=None))]
    fn wait(
        &self,
        py: Python<'_>,
        handle: &str,
        timeout: Option<f64>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        wait(py, self.waiting(py, handle, timeout, progress)?)
    }

    #[doc = stub!("InsightsClient.wait_async")]
    #[pyo3(signature = (handle, *, timeout=None, progress=None))]
    async fn wait_async(&self, handle: String, timeout: Option<f64>, progress: Option<Py<PyAny>>) -> PyResult<()> {
        run(Python::attach(|py| self.waiting(py, &handle, timeout, bound(py, progress.as_ref())))?).await
    }

    #[doc = stub!("InsightsClient.resume_stream")]
    #[pyo3(signature = (handle, *, schema=None, timeout=None, progress=None))]
    fn resume_stream(
        slf: Py<Self>,
        py: Python<'_>,
        handle: &str,
        schema: Option<&Bound<'_, PyAny>>,
        timeout: Option<f64>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Stream> {
        let prepared = slf.get().resuming(py, handle, schema, timeout, progress)?;
        let progress = prepared.call.progress.clone();
        let parts = resumable(py, wait(py, prepared.stream()), &progress)?;
        Ok(Stream::of(slf, parts))
    }

    #[doc = stub!("InsightsClient.resume_stream_async")]
    #[pyo3(signature = (handle, *, schema=None, timeout=None, progress=None))]
    async fn resume_stream_async(
        slf: Py<Self>,
        handle: String,
        schema: Option<Py<PyAny>>,
        timeout: Option<f64>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Stream> {
        let prepared = Python::attach(|py| {
            let (schema, progress) = (bound(py, schema.as_ref()), bound(py, progress.as_ref()));
            slf.get().resuming(py, &handle, schema, timeout, progress)
        })?;
        let parts = run(prepared.stream()).await?;
        Ok(Stream::of(slf, parts))
    }
}

impl InsightsClient {
    fn submitting(
        &self,
        py: Python<'_>,
        asked: &Asked,
    ) -> PyResult<impl Future<Output = Result<String>> + Send + use<>> {
        let export = self.asked(py, asked)?;
        let progress = bound(py, asked.progress.as_ref());
        let (client, call, ending) = self.begin(py, Start::New(export.clone()), progress)?.parts();
        Ok(async move { export::submit(&client, &call, &export).await.inspect(|_| ending.done()) })
    }

    fn waiting(
        &self,
        py: Python<'_>,
        handle: &str,
        timeout: Option<f64>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<impl Future<Output = Result<()>> + Send + use<>> {
        let start = asked::resume(handle, None, timeout, &self.origin)?;
        let handle = Handle::parse(handle, &self.origin)?;
        let (client, call, ending) = self.begin(py, start, progress)?.parts();
        Ok(async move { export::wait(&client, &call, &handle).await.inspect(|()| ending.done()) })
    }
}
