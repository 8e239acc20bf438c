//! Batches in the types that a consumer asks for: the same data in another layout, and never less of it.
//!
//! Text in another layout, whole numbers of another width, days as timestamps: a consumer says what it works with, by
//! the [requested schema] of the Arrow C stream. It is no way to choose or rename columns. A cell that the type asked
//! for can't hold is an error, where a cast by itself would put a null in its place or cut off a part of it.
//!
//! [requested schema]: https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html#schema-requests

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_buffer::NullBuffer;
use arrow_cast::{can_cast_types, cast, display::array_value_to_string};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};

use super::{
    render::{shorten, visible},
    table::type_name,
};
use crate::{Error, Result, error::Kind};

/// Characters of a cell that an error shows.
const SHOWN: usize = 80;

/// How a consumer wants the batches, and how many rows it has had.
#[derive(Debug)]
pub struct Representation {
    schema: SchemaRef,
    is_own: bool,
    rows: u64,
}

impl Representation {
    /// Batches as they are.
    pub fn own(schema: &SchemaRef) -> Self {
        Self { schema: Arc::clone(schema), is_own: true, rows: 0 }
    }

    /// Batches of `own` with the types of `asked`. Names, nullability and metadata stay those of `own`.
    ///
    /// # Errors
    /// `Config` where `asked` has other columns, or a type that a column can't be given in.
    pub fn asked(own: &SchemaRef, asked: &Schema) -> Result<Self> {
        let (have, want) = (own.fields(), asked.fields());
        if have.len() != want.len() {
            return Err(other_columns(format!("{} columns were asked for, there are {}", want.len(), have.len())));
        }
        let fields = have.iter().zip(want).enumerate().map(|(index, (have, want))| field(index + 1, have, want));
        let fields = fields.collect::<Result<Vec<_>>>()?;
        let schema = Arc::new(Schema::new_with_metadata(fields, own.metadata().clone()));
        Ok(Self { is_own: schema.fields() == own.fields(), schema, rows: 0 })
    }

    /// The schema of what [`apply`](Self::apply) gives.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The next batch in these types; those that are its own already are shared.
    ///
    /// # Errors
    /// `SchemaMismatch` for the first cell that the type asked for can't hold.
    pub fn apply(&mut self, batch: RecordBatch) -> Result<RecordBatch> {
        let before = self.rows;
        self.rows += batch.num_rows() as u64;
        if self.is_own {
            return Ok(batch);
        }
        let columns = self.schema.fields().iter().zip(batch.columns());
        let columns = columns.map(|(field, column)| converted(field, column, before)).collect::<Result<Vec<_>>>()?;
        RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(|error| Error::config(error.to_string()))
    }
}

fn other_columns(what: String) -> Error {
    Error::config(format!("the requested schema has other columns: {what}"))
        .hint("it chooses types only; take columns out, or rename them, with what you have then")
}

/// A column under its own name with the type that is asked for.
fn field(position: usize, have: &Arc<Field>, want: &Field) -> Result<Arc<Field>> {
    let (name, from, to) = (have.name(), have.data_type(), want.data_type());
    if name != want.name() {
        return Err(other_columns(format!("column {position} is `{name}`, not `{}`", want.name())));
    }
    let is_possible = from == to || can_cast_types(from, to) && (is_faithful(from, to) || can_cast_types(to, from));
    if !is_possible {
        let (from, to) = (type_name(from), type_name(to));
        return Err(Error::config(format!("column `{name}`: {from} can't be given as the requested {to}")));
    }
    Ok(Arc::new(have.as_ref().clone().with_data_type(to.clone())))
}

/// Whether a conversion shows by its nulls alone what it couldn't take along. Decimals asked for in another width are
/// rounded, which is what it means to ask for them.
fn is_faithful(from: &DataType, to: &DataType) -> bool {
    is_text(from) && is_text(to) || from.is_integer() && to.is_integer() || from.is_floating() && to.is_floating()
}

fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

/// The column in its new type; `before` are the rows of the batches before.
fn converted(field: &Field, column: &ArrayRef, before: u64) -> Result<ArrayRef> {
    let (from, to) = (column.data_type(), field.data_type());
    if from == to {
        return Ok(Arc::clone(column));
    }
    let failed = |error: ArrowError| Error::config(format!("column `{}`: {error}", field.name()));
    let new = cast(column, to).map_err(failed)?;
    let mut lost = None;
    if new.logical_null_count() != column.logical_null_count() {
        let (had, has) = (column.logical_nulls(), new.logical_nulls());
        let is_null = |nulls: &Option<NullBuffer>, row| nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
        lost = (0..column.len()).find(|&row| is_null(&has, row) && !is_null(&had, row));
    } else if !is_faithful(from, to) {
        let back = cast(&new, from).map_err(failed)?;
        if &back != column {
            lost = (0..column.len()).find(|&row| back.slice(row, 1) != column.slice(row, 1));
        }
    }
    let Some(row) = lost else { return Ok(new) };
    let value = array_value_to_string(column, row).map_err(failed)?;
    Err(Error::new(Kind::SchemaMismatch {
        column: field.name().clone(),
        record: before + row as u64 + 1,
        value: shorten(&visible(&value), SHOWN),
        expected: type_name(to),
    })
    .hint("the consumer asked for this type; ask for another one, or for none"))
}

#[cfg(test)]
mod tests {
    use arrow_array::{
        Date32Array, Float64Array, Int64Array, LargeStringArray, StringArray, StringViewArray,
        TimestampMicrosecondArray,
    };
    use arrow_schema::TimeUnit;

    use super::*;

    const LONG: &str = "a text that is too long for a view of its own";

    fn dictionary() -> DataType {
        DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
    }

    fn batch(name: &str, column: ArrayRef) -> RecordBatch {
        RecordBatch::try_from_iter_with_nullable([(name, column, true)]).unwrap()
    }

    /// A batch of one column, asked for as `to`, after another of as many rows.
    fn asked(column: ArrayRef, to: DataType) -> Result<ArrayRef> {
        let batch = batch("c", column);
        let asked = Schema::new(vec![Field::new("c", to, false)]);
        let mut representation = Representation::asked(&batch.schema(), &asked)?;
        let empty = batch.slice(0, 0);
        assert_eq!(representation.apply(empty)?.schema(), *representation.schema());
        representation.rows = 100;
        Ok(Arc::clone(representation.apply(batch)?.column(0)))
    }

    #[test]
    fn what_can_be_held_comes_in_the_type_that_was_asked_for() {
        let text = [Some("Sales"), None, Some(""), Some(LONG)];
        let micros = [Some(1_000), None];
        let cases: [(ArrayRef, ArrayRef); 7] = [
            (Arc::new(StringViewArray::from(text.to_vec())), Arc::new(LargeStringArray::from(text.to_vec()))),
            (Arc::new(StringViewArray::from(text.to_vec())), Arc::new(StringArray::from(text.to_vec()))),
            (
                Arc::new(Int64Array::from(vec![Some(7), None])),
                Arc::new(arrow_array::Int8Array::from(vec![Some(7), None])),
            ),
            (Arc::new(Int64Array::from(vec![Some(7), None])), Arc::new(Float64Array::from(vec![Some(7.0), None]))),
            (
                Arc::new(Float64Array::from(vec![Some(0.1), None])),
                Arc::new(arrow_array::Float32Array::from(vec![Some(0.1), None])),
            ),
            (Arc::new(Float64Array::from(vec![Some(-3.0), None])), Arc::new(Int64Array::from(vec![Some(-3), None]))),
            (
                Arc::new(TimestampMicrosecondArray::from(micros.to_vec())),
                Arc::new(arrow_array::TimestampMillisecondArray::from(vec![Some(1), None])),
            ),
        ];
        for (column, expected) in cases {
            assert_eq!(&asked(column, expected.data_type().clone()).unwrap(), &expected);
        }
        let text: ArrayRef = Arc::new(StringViewArray::from(text.to_vec()));
        let encoded = asked(Arc::clone(&text), dictionary()).unwrap();
        assert_eq!(encoded.data_type(), &dictionary());
        assert_eq!(&cast(&encoded, &DataType::Utf8View).unwrap(), &text);
    }

    #[test]
    fn a_cell_that_cannot_be_held_is_named_and_never_null_or_cut() {
        let day = || Arc::new(Date32Array::from(vec![Some(0), Some(19_692)]));
        let cases: [(ArrayRef, DataType, u64, &str); 7] = [
            (Arc::new(Int64Array::from(vec![None, Some(300)])), DataType::Int8, 102, "300"),
            (Arc::new(Int64Array::from(vec![(1 << 53) + 1])), DataType::Float64, 101, "9007199254740993"),
            (Arc::new(Float64Array::from(vec![Some(1.0), None, Some(1.5)])), DataType::Int64, 103, "1.5"),
            (Arc::new(Float64Array::from(vec![f64::NAN])), DataType::Int64, 101, "NaN"),
            (Arc::new(StringViewArray::from(vec!["7", "007"])), DataType::Int64, 102, "007"),
            (
                Arc::new(TimestampMicrosecondArray::from(vec![1_000_000, 1])),
                DataType::Timestamp(TimeUnit::Second, None),
                102,
                "1970-01-01T00:00:00.000001",
            ),
            (day(), DataType::Boolean, 0, ""),
        ];
        for (column, to, at, shown) in cases {
            let error = asked(column, to.clone()).unwrap_err();
            match error.kind() {
                Kind::SchemaMismatch { column, record, value, expected } => {
                    assert_eq!((column.as_str(), *record, value.as_str()), ("c", at, shown));
                    assert_eq!(expected, &type_name(&to));
                }
                // There is no such conversion at all.
                kind => assert!(matches!(kind, Kind::Config(_)) && at == 0, "{error}"),
            }
        }
    }

    #[test]
    fn columns_are_neither_chosen_nor_renamed() {
        let own = batch("c", Arc::new(Int64Array::from(vec![1]))).schema();
        let told = |names: &[&str]| {
            let fields: Vec<_> = names.iter().map(|name| Field::new(*name, DataType::Int64, true)).collect();
            Representation::asked(&own, &Schema::new(fields)).unwrap_err().to_string()
        };
        assert!(told(&["d"]).contains("other columns: column 1 is `c`, not `d`"));
        assert!(told(&[]).contains("other columns: 0 columns were asked for, there are 1"));
        assert!(told(&["c", "c"]).contains("other columns: 2 columns were asked for, there are 1"));
    }

    #[test]
    fn what_is_asked_for_as_it_is_is_shared() {
        let batch = batch("c", Arc::new(Int64Array::from(vec![1])));
        let asked = Schema::new(vec![Field::new("c", DataType::Int64, true)]);
        let mut representation = Representation::asked(&batch.schema(), &asked).unwrap();
        let again = representation.apply(batch.clone()).unwrap();
        assert!(Arc::ptr_eq(again.column(0), batch.column(0)));
    }
}
