//! The header: the names of the columns, made unique.

use std::collections::HashSet;

use super::{
    column::Kind,
    schema::{ColumnType, Schema},
};
use crate::error::{Error, Kind as Fault, Result};

/// The names of the columns, and what was changed about the titles they come from.
#[derive(Debug, Default)]
pub(super) struct Header {
    pub names: Vec<String>,
    pub warnings: Vec<String>,
}

impl Header {
    /// An empty title becomes `column_N`, counted from 1; a title that was there before gets the suffix `_2`, or the
    /// next number that makes it unique.
    pub fn new(titles: Vec<String>) -> Self {
        let mut warnings = Vec::new();
        let mut taken: HashSet<String> = titles.iter().filter(|title| !title.is_empty()).cloned().collect();
        let mut seen = HashSet::new();
        let mut names = Vec::with_capacity(titles.len());
        for (index, title) in titles.into_iter().enumerate() {
            let position = index + 1;
            if title.is_empty() {
                let name = unique(&format!("column_{position}"), &mut taken);
                warnings.push(format!("column {position} has no title: it is called `{name}`"));
                names.push(name);
            } else if seen.contains(&title) {
                let name = free(&title, &mut taken);
                warnings.push(format!("column {position} has the title `{title}` again: it is called `{name}`"));
                names.push(name);
            } else {
                seen.insert(title.clone());
                names.push(title);
            }
        }
        Self { names, warnings }
    }

    /// How each column is to be read.
    pub fn kinds(&self, schema: &Schema) -> Result<Vec<Kind>> {
        let mut kinds = vec![None; self.names.len()];
        let mut rest = schema;
        loop {
            rest = match rest {
                Schema::Given(columns, next) => {
                    for (name, kind) in columns {
                        let index = self.index(name).ok_or_else(|| self.missing(name))?;
                        kinds[index].get_or_insert(Kind::Given(*kind));
                    }
                    next
                }
                Schema::Described(columns, next) => {
                    for (name, kind) in described(columns) {
                        if let Some(index) = self.index(&name) {
                            kinds[index].get_or_insert(Kind::Given(kind));
                        }
                    }
                    next
                }
                Schema::Text | Schema::Infer | Schema::InferSample { .. } => break,
            };
        }
        let other = match rest {
            Schema::Text => Kind::Given(ColumnType::Utf8),
            _ => Kind::Infer,
        };
        Ok(kinds.into_iter().map(|kind| kind.unwrap_or(other)).collect())
    }

    fn index(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|other| other == name)
    }

    fn missing(&self, name: &str) -> Error {
        let names = self.names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        Error::new(Fault::SchemaMismatch {
            column: name.to_owned(),
            record: 0,
            value: names,
            expected: "a column of this name in the header".to_owned(),
        })
        .hint("names are matched letter by letter, as the header writes them")
    }
}

/// Described columns under the names that the header would give them.
pub(super) fn described(columns: &[(String, ColumnType)]) -> impl Iterator<Item = (String, ColumnType)> {
    let names = Header::new(columns.iter().map(|(title, _)| title.clone()).collect()).names;
    names.into_iter().zip(columns.iter().map(|(_, kind)| *kind))
}

/// `name` if nobody has it, else `name` with a suffix.
fn unique(name: &str, taken: &mut HashSet<String>) -> String {
    if taken.insert(name.to_owned()) { name.to_owned() } else { free(name, taken) }
}

/// `name` with the first suffix from `_2` on that makes it one that nobody has.
fn free(name: &str, taken: &mut HashSet<String>) -> String {
    let mut number = 2u64;
    loop {
        let candidate = format!("{name}_{number}");
        if taken.insert(candidate.clone()) {
            return candidate;
        }
        number += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_whatever_the_titles() {
        let cases: [(&[&str], &[&str], usize); 7] = [
            (&["a", "b"], &["a", "b"], 0),
            (&["a", "a", "a"], &["a", "a_2", "a_3"], 2),
            (&["a", "a", "a_2"], &["a", "a_3", "a_2"], 1),
            (&["a_2", "a", "a"], &["a_2", "a", "a_3"], 1),
            (&["", ""], &["column_1", "column_2"], 2),
            (&["column_2", ""], &["column_2", "column_2_2"], 1),
            (&["A", "a", " a"], &["A", "a", " a"], 0),
        ];
        for (titles, names, warnings) in cases {
            let header = Header::new(titles.iter().map(|title| (*title).to_owned()).collect());
            assert_eq!(header.names, names);
            assert_eq!(header.warnings.len(), warnings);
        }
    }

    #[test]
    fn described_columns_that_are_not_there_follow_the_rest() {
        let header = Header::new(vec!["a".into(), "b".into(), "b".into()]);
        let columns =
            vec![("b".into(), ColumnType::Int64), ("b".into(), ColumnType::Bool), ("z".into(), ColumnType::Bool)];
        let kinds = header.kinds(&Schema::Described(columns, Schema::Text.into())).unwrap();
        assert_eq!(kinds, [ColumnType::Utf8, ColumnType::Int64, ColumnType::Bool].map(Kind::Given));
    }

    #[test]
    fn the_first_type_given_for_a_name_counts() {
        let header = Header::new(vec!["a".into(), "b".into(), "c".into()]);
        let inner =
            Schema::Given(vec![("a".into(), ColumnType::Bool), ("b".into(), ColumnType::Bool)], Schema::Text.into());
        let outer = Schema::Given(vec![("a".into(), ColumnType::Int64)], inner.into());
        let given = Kind::Given;
        assert_eq!(
            header.kinds(&outer).unwrap(),
            [given(ColumnType::Int64), given(ColumnType::Bool), given(ColumnType::Utf8)]
        );
        let missing = Schema::Given(vec![("d".into(), ColumnType::Int64)], Schema::Infer.into());
        assert_eq!(
            header.kinds(&missing).unwrap_err().to_string(),
            "column `d`: expected a column of this name in the header, found `a`, `b`, `c`\n\
             hint: names are matched letter by letter, as the header writes them"
        );
    }
}
