//! What one account gave, or several, as Python's.

use std::future::Future;

use arrow_array::RecordBatch;
use pyo3::{
    prelude::*,
    types::{PyDict, PyTuple},
};

use super::super::{errors::raise, service::result_of, table::Table};
use crate::{
    error::{Error, Result},
    flowxo::{Accounts, FlowXo, Stats, with_account},
    handoff,
};

#[derive(Clone)]
pub(super) enum Core {
    One(Box<FlowXo>),
    Several(Accounts),
}

/// What all accounts gave together, and what went wrong with some of them.
pub(super) struct Given<T> {
    pub(super) answers: Vec<(String, T)>,
    pub(super) partial: Option<Error>,
}

impl Core {
    /// Asks one account, or all of several.
    pub(super) async fn ask<T, F>(self, ask: impl Fn(FlowXo) -> F) -> Result<Answers<T>>
    where
        F: Future<Output = Result<T>>,
    {
        match self {
            Self::One(client) => Ok(Answers::One(ask(*client).await?)),
            Self::Several(accounts) => {
                let (answers, partial) = accounts.ask(ask).await?;
                Ok(Answers::Several(Given { answers, partial }))
            }
        }
    }
}

pub(super) enum Answers<T> {
    One(T),
    Several(Given<T>),
}

impl Answers<RecordBatch> {
    pub(super) fn table(self) -> Result<(handoff::Table, Option<Error>)> {
        let (batch, partial) = match self {
            Self::One(batch) => (batch, None),
            Self::Several(given) => (with_account(given.answers)?, given.partial),
        };
        Ok((handoff::Table::new(batch.schema(), vec![batch]), partial))
    }
}

/// A result, or, when some accounts failed, the exception that carries it.
fn whole<'py>(py: Python<'py>, result: Bound<'py, PyAny>, partial: Option<Error>) -> PyResult<Bound<'py, PyAny>> {
    let Some(partial) = partial else { return Ok(result) };
    let error = raise(py, &partial);
    error.value(py).setattr("result", result)?;
    Err(error)
}

pub(super) fn table(py: Python<'_>, found: (handoff::Table, Option<Error>)) -> PyResult<Py<PyAny>> {
    let table = Bound::new(py, Table::from(found.0))?.into_any();
    whole(py, table, found.1).map(Bound::unbind)
}

fn counters<'py>(py: Python<'py>, stats: Option<Stats>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some(stats) = stats else { return Ok(None) };
    let row = PyDict::new(py);
    for (name, value) in stats.counters() {
        row.set_item(name, value)?;
    }
    if !stats.extra.is_empty() {
        let text = serde_json::Value::Object(stats.extra).to_string();
        row.set_item("extra", py.import("json")?.call_method1("loads", (text,))?)?;
    }
    Ok(Some(row.into_any()))
}

pub(super) fn stats(py: Python<'_>, answers: Answers<Option<Stats>>) -> PyResult<Py<PyAny>> {
    match answers {
        Answers::One(found) => Ok(counters(py, found)?.map_or_else(|| py.None(), Bound::unbind)),
        Answers::Several(given) => {
            let rows = PyDict::new(py);
            for (name, found) in given.answers {
                rows.set_item(name, counters(py, found)?)?;
            }
            whole(py, rows.into_any(), given.partial).map(Bound::unbind)
        }
    }
}

/// The counters of the whole and the table of the buckets, as a tuple.
pub(super) fn both(py: Python<'_>, answers: Answers<(Option<Stats>, RecordBatch)>) -> PyResult<Py<PyAny>> {
    let (overall, tables) = match answers {
        Answers::One((found, batch)) => (Answers::One(found), Answers::One(batch)),
        Answers::Several(given) => {
            let (mut overall, mut tables) = (Vec::new(), Vec::new());
            for (name, (found, batch)) in given.answers {
                overall.push((name.clone(), found));
                tables.push((name, batch));
            }
            let overall = Answers::Several(Given { answers: overall, partial: None });
            (overall, Answers::Several(Given { answers: tables, partial: given.partial }))
        }
    };
    let (joined, partial) = result_of(py, tables.table())?;
    let joined = Bound::new(py, Table::from(joined))?.into_any();
    let pair = PyTuple::new(py, [stats(py, overall)?.into_bound(py), joined])?;
    whole(py, pair.into_any(), partial).map(Bound::unbind)
}
