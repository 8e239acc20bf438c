//! What a workspace has, what a report shows, and the account itself.

use std::sync::Arc;

use pyo3::{prelude::*, types::PyDict};

use super::{
    asked::{name_of, workspace},
    client::InsightsClient,
    runtime::{run, wait},
    table::{Table, mimebundle},
};
use crate::{
    error::{Error, Result},
    handoff::{self, description, table::type_name},
    ids::{ReportName, WorkspaceId},
    insights::{self, Insights, catalog::Listing},
    progress::Call,
};

type Batch = arrow_array::RecordBatch;

/// One batch as a table of its own.
fn table(batch: Batch) -> Table {
    handoff::Table::new(batch.schema(), vec![batch]).into()
}

/// The client and a call of its own.
fn begin(client: &InsightsClient, py: Python<'_>) -> PyResult<(Insights, Call)> {
    Ok((client.core(py)?.clone(), client.call(py)))
}

/// Where a name alone doesn't say the workspace, one has to be named, before anything is sent.
fn place(client: &Insights, name: &ReportName, named: Option<&str>) -> Result<Option<WorkspaceId>> {
    let named = workspace(named)?;
    if !matches!(name, ReportName::Uri(_)) {
        client.workspace(named.as_ref())?;
    }
    Ok(named)
}

impl InsightsClient {
    fn listing_workspaces(
        &self,
        py: Python<'_>,
        refresh: bool,
    ) -> PyResult<impl Future<Output = Result<Batch>> + Send + use<>> {
        let (client, call) = begin(self, py)?;
        Ok(async move { client.workspaces(&call, refresh).await })
    }

    fn listing(
        &self,
        py: Python<'_>,
        listing: Listing,
        named: Option<&str>,
        refresh: bool,
    ) -> PyResult<impl Future<Output = Result<Batch>> + Send + use<>> {
        let (client, call) = begin(self, py)?;
        let workspace = client.workspace(workspace(named)?.as_ref())?;
        Ok(async move { client.catalog(&call, &workspace, listing, refresh).await })
    }

    fn listing_elements(
        &self,
        py: Python<'_>,
        label: &Bound<'_, PyAny>,
        contains: Option<String>,
        limit: Option<usize>,
        named: Option<&str>,
    ) -> PyResult<impl Future<Output = Result<Batch>> + Send + use<>> {
        if limit == Some(0) {
            return Err(Error::config("`limit` must be at least 1").into());
        }
        let name = ReportName::parse_label(&name_of("label", label)?, &self.origin)?;
        let (client, call) = begin(self, py)?;
        let place = place(&client, &name, named)?;
        Ok(async move {
            let label = client.locate(&call, &name, place.as_ref()).await?;
            insights::element_table(&client.elements(&call, &label, contains.as_deref(), limit).await?)
        })
    }

    fn describing(
        &self,
        py: Python<'_>,
        report: &Bound<'_, PyAny>,
        named: Option<&str>,
        refresh: bool,
    ) -> PyResult<impl Future<Output = Result<Arc<insights::Report>>> + Send + use<>> {
        let name = ReportName::parse(&name_of("report", report)?, &self.origin)?;
        let (client, call) = begin(self, py)?;
        let place = place(&client, &name, named)?;
        Ok(async move {
            let report = client.locate(&call, &name, place.as_ref()).await?;
            if refresh { client.describe_anew(&call, &report).await } else { client.describe(&call, &report).await }
        })
    }

    fn deleting_profile(
        &self,
        py: Python<'_>,
        confirm: String,
    ) -> PyResult<impl Future<Output = Result<()>> + Send + use<>> {
        let (client, call) = begin(self, py)?;
        Ok(async move { client.delete_profile(&call, &confirm).await })
    }
}

#[pymethods]
impl InsightsClient {
    #[doc = stub!("InsightsClient.workspaces")]
    #[pyo3(signature = (*, refresh=false))]
    fn workspaces(&self, py: Python<'_>, refresh: bool) -> PyResult<Table> {
        wait(py, self.listing_workspaces(py, refresh)?).map(table)
    }

    #[doc = stub!("InsightsClient.workspaces_async")]
    #[pyo3(signature = (*, refresh=false))]
    async fn workspaces_async(&self, refresh: bool) -> PyResult<Table> {
        run(Python::attach(|py| self.listing_workspaces(py, refresh))?).await.map(table)
    }

    #[doc = stub!("InsightsClient.elements")]
    #[pyo3(signature = (label, contains=None, limit=None, *, workspace=None))]
    fn elements(
        &self,
        py: Python<'_>,
        label: &Bound<'_, PyAny>,
        contains: Option<String>,
        limit: Option<usize>,
        workspace: Option<String>,
    ) -> PyResult<Table> {
        wait(py, self.listing_elements(py, label, contains, limit, workspace.as_deref())?).map(table)
    }

    #[doc = stub!("InsightsClient.elements_async")]
    #[pyo3(signature = (label, contains=None, limit=None, *, workspace=None))]
    async fn elements_async(
        &self,
        label: Py<PyAny>,
        contains: Option<String>,
        limit: Option<usize>,
        workspace: Option<String>,
    ) -> PyResult<Table> {
        let listing =
            Python::attach(|py| self.listing_elements(py, label.bind(py), contains, limit, workspace.as_deref()))?;
        run(listing).await.map(table)
    }

    #[doc = stub!("InsightsClient.describe")]
    #[pyo3(signature = (report, *, workspace=None, refresh=false))]
    fn describe(
        &self,
        py: Python<'_>,
        report: &Bound<'_, PyAny>,
        workspace: Option<String>,
        refresh: bool,
    ) -> PyResult<Report> {
        wait(py, self.describing(py, report, workspace.as_deref(), refresh)?).map(Report)
    }

    #[doc = stub!("InsightsClient.describe_async")]
    #[pyo3(signature = (report, *, workspace=None, refresh=false))]
    async fn describe_async(&self, report: Py<PyAny>, workspace: Option<String>, refresh: bool) -> PyResult<Report> {
        let describing = Python::attach(|py| self.describing(py, report.bind(py), workspace.as_deref(), refresh))?;
        run(describing).await.map(Report)
    }

    #[doc = stub!("InsightsClient.delete_profile")]
    fn delete_profile(&self, py: Python<'_>, confirm: String) -> PyResult<()> {
        wait(py, self.deleting_profile(py, confirm)?)
    }

    #[doc = stub!("InsightsClient.delete_profile_async")]
    async fn delete_profile_async(&self, confirm: String) -> PyResult<()> {
        run(Python::attach(|py| self.deleting_profile(py, confirm))?).await
    }
}

/// The method that lists a kind of objects, and its twin.
macro_rules! lists {
    ($name:ident, $twin:ident, $listing:expr) => {
        #[pymethods]
        impl InsightsClient {
            #[doc = stub!("InsightsClient.", stringify!($name))]
            #[pyo3(signature = (*, workspace=None, refresh=false))]
            fn $name(&self, py: Python<'_>, workspace: Option<String>, refresh: bool) -> PyResult<Table> {
                wait(py, self.listing(py, $listing, workspace.as_deref(), refresh)?).map(table)
            }

            #[doc = stub!("InsightsClient.", stringify!($twin))]
            #[pyo3(signature = (*, workspace=None, refresh=false))]
            async fn $twin(&self, workspace: Option<String>, refresh: bool) -> PyResult<Table> {
                let listing = Python::attach(|py| self.listing(py, $listing, workspace.as_deref(), refresh))?;
                run(listing).await.map(table)
            }
        }
    };
}

lists!(reports, reports_async, Listing::Reports);
lists!(metrics, metrics_async, Listing::Metrics);
lists!(attributes, attributes_async, Listing::Attributes);
lists!(labels, labels_async, Listing::Labels);
lists!(facts, facts_async, Listing::Facts);
lists!(datasets, datasets_async, Listing::Datasets);

#[doc = stub!("Report")]
#[pyclass(frozen, eq, module = "insightframe")]
#[derive(PartialEq)]
pub(super) struct Report(Arc<insights::Report>);

#[pymethods]
impl Report {
    #[doc = stub!("Report.title")]
    #[getter]
    fn title(&self) -> &str {
        &self.0.title
    }

    #[doc = stub!("Report.id")]
    #[getter]
    fn id(&self) -> String {
        self.0.uri.number.to_string()
    }

    #[doc = stub!("Report.identifier")]
    #[getter]
    fn identifier(&self) -> Option<&str> {
        self.0.identifier.as_deref()
    }

    #[doc = stub!("Report.workspace")]
    #[getter]
    fn workspace(&self) -> String {
        self.0.uri.workspace.to_string()
    }

    #[doc = stub!("Report.uri")]
    #[getter]
    fn uri(&self) -> String {
        self.0.uri.to_string()
    }

    #[doc = stub!("Report.definition")]
    #[getter]
    fn definition(&self) -> String {
        self.0.definition.to_string()
    }

    #[doc = stub!("Report.pivoted")]
    #[getter]
    fn pivoted(&self) -> bool {
        self.0.pivoted
    }

    #[doc = stub!("Report.columns")]
    #[getter]
    fn columns(&self) -> Vec<ReportColumn> {
        (0..self.0.columns.len()).map(|index| ReportColumn(Arc::clone(&self.0), index)).collect()
    }

    /// Equal descriptions are of the same definition.
    fn __hash__(&self) -> u64 {
        let definition = &self.0.definition;
        twox_hash::XxHash3_64::oneshot(format!("{}{definition}", self.0.uri).as_bytes())
    }

    fn __repr__(&self) -> String {
        description::text(&self.0)
    }

    fn _repr_html_(&self) -> String {
        description::html(&self.0)
    }

    #[pyo3(signature = (include=None, exclude=None))]
    fn _repr_mimebundle_<'py>(
        &self,
        py: Python<'py>,
        include: Option<&Bound<'py, PyAny>>,
        exclude: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        mimebundle(py, self.__repr__(), self._repr_html_(), include, exclude)
    }
}

#[doc = stub!("ReportColumn")]
#[pyclass(frozen, eq, module = "insightframe")]
pub(super) struct ReportColumn(Arc<insights::Report>, usize);

impl ReportColumn {
    fn column(&self) -> &insights::describe::Column {
        &self.0.columns[self.1]
    }
}

impl PartialEq for ReportColumn {
    fn eq(&self, other: &Self) -> bool {
        self.column() == other.column()
    }
}

#[pymethods]
impl ReportColumn {
    #[doc = stub!("ReportColumn.name")]
    #[getter]
    fn name(&self) -> &str {
        &self.column().name
    }

    #[doc = stub!("ReportColumn.kind")]
    #[getter]
    fn kind(&self) -> &str {
        self.column().kind.as_str()
    }

    #[doc = stub!("ReportColumn.type")]
    #[getter]
    fn r#type(&self) -> String {
        type_name(&self.column().column_type.arrow())
    }

    #[doc = stub!("ReportColumn.source")]
    #[getter]
    fn source(&self) -> String {
        self.column().source.to_string()
    }

    #[doc = stub!("ReportColumn.identifier")]
    #[getter]
    fn identifier(&self) -> Option<&str> {
        self.column().identifier.as_deref()
    }

    #[doc = stub!("ReportColumn.format")]
    #[getter]
    fn format(&self) -> Option<&str> {
        self.column().format.as_deref()
    }

    fn __hash__(&self) -> u64 {
        twox_hash::XxHash3_64::oneshot(format!("{}{}", self.column().source, self.column().name).as_bytes())
    }

    fn __repr__(&self) -> String {
        let words: Vec<_> = description::line(self.column()).into_iter().filter(|word| !word.is_empty()).collect();
        format!("<ReportColumn {}>", words.join(" "))
    }
}
