//! Several accounts at once: each has a key of its own (help centre, "Sub-accounts API"), and no call covers two.

use std::{future::Future, sync::Arc};

use arrow_array::{RecordBatch, new_null_array};
use arrow_schema::{Schema, SchemaRef};
use arrow_select::concat::concat_batches;
use futures_util::future::join_all;

use super::{
    FlowXo,
    columns::{prefixed, unjoinable},
};
use crate::{
    error::{Error, Kind, Result},
    secret::Secret,
};

/// Clients of several accounts by their names, in the order in which they were given.
#[derive(Clone, Debug)]
pub struct Accounts(Vec<(String, FlowXo)>);

impl Accounts {
    /// Clients like `first` for each of these names and keys; its own key is not used.
    ///
    /// # Errors
    /// `Config` for no account at all, a name given twice, or a key that no header may carry.
    pub fn new(first: &FlowXo, keys: impl IntoIterator<Item = (String, Secret)>) -> Result<Self> {
        let mut accounts: Vec<(String, FlowXo)> = Vec::new();
        for (name, key) in keys {
            if accounts.iter().any(|(known, _)| *known == name) {
                return Err(Error::config(format!("the account `{name}` is named twice")));
            }
            let client = first.with_key(key).map_err(|error| Error::config(format!("account `{name}`: {error}")))?;
            accounts.push((name, client));
        }
        if accounts.is_empty() {
            return Err(Error::config("there is no account in the mapping of names to API keys"));
        }
        Ok(Self(accounts))
    }

    /// Asks all accounts at once. What succeeded comes with the account's name; what failed is a `PartialResult` beside
    /// it, which names every account that failed.
    ///
    /// # Errors
    /// The first account's error when none succeeded.
    pub async fn ask<T, F>(&self, ask: impl Fn(FlowXo) -> F) -> Result<(Vec<(String, T)>, Option<Error>)>
    where
        F: Future<Output = Result<T>>,
    {
        let answers = join_all(self.0.iter().map(|(_, client)| ask(client.clone()))).await;
        let (mut done, mut failures) = (Vec::new(), Vec::new());
        for ((name, _), answer) in self.0.iter().zip(answers) {
            match answer {
                Ok(answer) => done.push((name.clone(), answer)),
                Err(error) => failures.push((name.clone(), error)),
            }
        }
        if done.is_empty() && !failures.is_empty() {
            return Err(failures.swap_remove(0).1);
        }
        let asked = self.0.len();
        let partial = (!failures.is_empty()).then(|| Error::new(Kind::PartialResult { asked, failures }));
        Ok((done, partial))
    }
}

/// One table of several: a column `account` before the others, and null where only some have a column.
///
/// # Errors
/// `Config` for tables whose columns of one name differ in type.
pub fn with_account(tables: Vec<(String, RecordBatch)>) -> Result<RecordBatch> {
    let tables: Vec<_> = tables.iter().map(|(name, batch)| prefixed("account", name, batch)).collect();
    let schema = widest(&tables);
    let tables: Vec<_> = tables.iter().map(|batch| fitted(batch, &schema)).collect::<Result<_>>()?;
    concat_batches(&schema, &tables).map_err(|error| unjoinable(&error))
}

/// Every column that any of the tables has, in the order of first appearance.
fn widest(tables: &[RecordBatch]) -> SchemaRef {
    let mut fields: Vec<arrow_schema::FieldRef> = Vec::new();
    for field in tables.iter().flat_map(|batch| batch.schema().fields().to_vec()) {
        if fields.iter().all(|known| known.name() != field.name()) {
            fields.push(field);
        }
    }
    Arc::new(Schema::new(fields))
}

fn fitted(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = schema.fields().iter().map(|field| match batch.column_by_name(field.name()) {
        Some(column) => Arc::clone(column),
        None => new_null_array(field.data_type(), batch.num_rows()),
    });
    RecordBatch::try_new(Arc::clone(schema), columns.collect()).map_err(|error| unjoinable(&error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flowxo::columns::{integers, table, texts};

    #[test]
    fn tables_are_joined_under_the_names_of_their_accounts() {
        let count = |counts: &[i64]| integers(counts.iter().copied().map(Some));
        let extra = ["{}".to_owned()];
        let plain = table([("count", count(&[1, 2]))]).unwrap();
        let wide = table([("count", count(&[3])), ("extra", texts(extra.iter().map(Some)))]).unwrap();
        let joined = with_account(vec![("a".into(), plain), ("b".into(), wide)]).unwrap();
        let names: Vec<_> = joined.schema().fields().iter().map(|field| field.name().clone()).collect();
        assert_eq!((names, joined.num_rows()), (vec!["account".into(), "count".into(), "extra".to_owned()], 3));
        assert_eq!((joined.column(2).null_count(), joined.column(0).null_count()), (2, 0));
    }
}
