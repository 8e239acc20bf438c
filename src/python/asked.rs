//! What the exporting methods are asked for, checked before anything is sent.

use pyo3::{
    exceptions::PyTypeError,
    prelude::*,
    types::{IntoPyDict, PyBool, PyMapping},
};

use super::{config, types::types};
use crate::{
    error::{Error, Result},
    export::{Base, Export, Handle, Start},
    ids::{Identifier, ReportName, WorkspaceId, shown},
    insights::{
        calendar::Unit,
        filter::{Filter, Interval, Last},
        window::Every,
    },
    origin::Origin,
};

/// The arguments that the exporting methods have in common, as Python gave them.
pub(super) struct Asked {
    pub(super) report: Py<PyAny>,
    pub(super) start: Option<Py<PyAny>>,
    pub(super) end: Option<Py<PyAny>>,
    pub(super) date: Option<String>,
    pub(super) filters: Option<Py<PyAny>>,
    pub(super) every: Option<String>,
    pub(super) schema: Option<Py<PyAny>>,
    pub(super) workspace: Option<String>,
    pub(super) timeout: Option<f64>,
    pub(super) progress: Option<Py<PyAny>>,
}

impl Asked {
    /// The export of a client of `origin`.
    pub(super) fn export(&self, py: Python<'_>, origin: &Origin) -> PyResult<Export> {
        let label = self.date.as_deref().map(Identifier::parse).transpose()?;
        let (start, end) = (bound(py, self.start.as_ref()), bound(py, self.end.as_ref()));
        let export = Export {
            report: ReportName::parse(&name(self.report.bind(py))?, origin)?,
            workspace: self.workspace.as_deref().map(WorkspaceId::parse).transpose()?,
            interval: Interval::new(day("start", start)?, day("end", end)?, label)?,
            filters: filters(bound(py, self.filters.as_ref()), origin)?,
            every: self.every.as_deref().map(Every::parse).transpose()?,
            types: types(bound(py, self.schema.as_ref()), Base::Report)?,
            timeout: self.timeout.map(|timeout| config::seconds("timeout", timeout)).transpose()?,
        };
        // What can't be cut is said now, before anything is sent.
        export.windows()?;
        Ok(export)
    }
}

/// `where=`: what each label may show.
fn filters(given: Option<&Bound<'_, PyAny>>, origin: &Origin) -> PyResult<Vec<Filter>> {
    let Some(given) = given else { return Ok(Vec::new()) };
    let mapping = given
        .cast::<PyMapping>()
        .map_err(|_| PyTypeError::new_err("`where` must be a mapping of label to what it may show"))?;
    let mut filters = Vec::new();
    for item in mapping.items()? {
        let (label, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = item.extract()?;
        let label: String =
            label.extract().map_err(|_| PyTypeError::new_err("the keys of `where` must be identifiers of labels"))?;
        filters.push(filter(ReportName::parse_label(&label, origin)?, &value)?);
    }
    Ok(filters)
}

fn filter(label: ReportName, value: &Bound<'_, PyAny>) -> PyResult<Filter> {
    let py = value.py();
    if value.is_instance(&py.import("insightframe.filters")?.getattr("Last")?)? {
        return last(label, value);
    }
    if value.is_instance_of::<PyMapping>() {
        let strict = [("allow_nan", false)].into_py_dict(py)?;
        let plain = py.import("builtins")?.getattr("dict")?.call1((value,))?;
        let json: String = py.import("json")?.call_method("dumps", (plain,), Some(&strict))?.extract()?;
        let raw = serde_json::from_str(&json)
            .map_err(|error| Error::config(format!("the constraint on `{label}` can't be sent: {error}")))?;
        return Ok(Filter::raw(label, raw)?);
    }
    let wrong = || {
        PyTypeError::new_err(format!(
            "`where` on `{label}` must be a list of titles, a `Last`, or a dict for the service, not a `{}`",
            value.get_type().name().map_or_else(|_| "?".into(), |name| name.to_string())
        ))
    };
    if value.extract::<String>().is_ok() {
        return Err(wrong());
    }
    let titles: Vec<String> =
        value.try_iter().map_err(|_| wrong())?.map(|title| title?.extract()).collect::<PyResult<_>>().map_err(
            |_| PyTypeError::new_err(format!("`where` on `{label}` must be a list of titles, and titles are strings")),
        )?;
    Ok(Filter::among(label, titles)?)
}

fn last(label: ReportName, value: &Bound<'_, PyAny>) -> PyResult<Filter> {
    for period in ["days", "weeks", "months", "quarters", "years"] {
        if let Some(count) = value.getattr(period)?.extract::<Option<u32>>()?
            && let Some(unit) = Unit::of_plural(period)
        {
            return Ok(Filter::last(label, Last::new(count, unit, value.getattr("current")?.extract()?)?));
        }
    }
    Err(PyTypeError::new_err("a `Last` without a period"))
}

/// The same for an execution that is gone on with.
pub(super) fn resume(
    handle: &str,
    schema: Option<&Bound<'_, PyAny>>,
    timeout: Option<f64>,
    origin: &Origin,
) -> PyResult<Start> {
    Ok(Start::Resume {
        handle: Handle::parse(handle, origin)?,
        types: types(schema, Base::Report)?,
        timeout: timeout.map(|timeout| config::seconds("timeout", timeout)).transpose()?,
    })
}

pub(super) fn bound<'a, 'py>(py: Python<'py>, object: Option<&'a Py<PyAny>>) -> Option<&'a Bound<'py, PyAny>> {
    object.map(|object| object.bind(py))
}

/// The name of a report: a number or text. `True` is an integer to Python, but nobody's report.
fn name(report: &Bound<'_, PyAny>) -> PyResult<String> {
    name_of("report", report)
}

/// The name of an object that the argument `what` gives.
pub(super) fn name_of(what: &str, object: &Bound<'_, PyAny>) -> PyResult<String> {
    if !object.is_instance_of::<PyBool>()
        && let Ok(number) = object.extract::<u64>()
    {
        return Ok(number.to_string());
    }
    let wrong = |_| PyTypeError::new_err(format!("`{what}` must be an object id, an identifier or a uri"));
    object.extract::<String>().map_err(wrong)
}

/// A day as `datetime.date` or ISO text. A datetime is refused: its time would be lost, and its zone is not the report's.
fn day(name: &str, value: Option<&Bound<'_, PyAny>>) -> PyResult<Option<jiff::civil::Date>> {
    let Some(value) = value else { return Ok(None) };
    let wrong = |what: String| {
        let error = Error::config(format!("`{name}` {what}"))
            .hint("give a `datetime.date` or an ISO day such as \"2023-12-01\"; both `start` and `end` are included");
        Err(error.into())
    };
    if let Ok(text) = value.extract::<String>() {
        let iso = text.len() == 10 && text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-';
        return match text.parse() {
            Ok(day) if iso => Ok(Some(day)),
            _ => wrong(format!("is `{}`, which is no day", shown(&text))),
        };
    }
    if value.hasattr("hour")? {
        return wrong("is a date with a time; whole days are meant".into());
    }
    match value.extract() {
        Ok(day) => Ok(Some(day)),
        Err(_) => wrong(format!("is a `{}`, not a day", value.get_type().name()?)),
    }
}

/// The strings of an iterable; one string by itself would be read letter by letter and is refused.
pub(super) fn strings(name: &str, iterable: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    if iterable.extract::<String>().is_ok() {
        return Err(PyTypeError::new_err(format!("`{name}` must be a list of strings, not one string")));
    }
    iterable.try_iter()?.map(|item| item?.extract()).collect()
}

/// A workspace by name.
pub(super) fn workspace(id: Option<&str>) -> Result<Option<WorkspaceId>> {
    id.map(WorkspaceId::parse).transpose()
}
