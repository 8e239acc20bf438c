//! The columns that all files of a dataset share.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};

use super::PARTITION;
use crate::{
    error::{Error, Kind, Result},
    handoff::table::type_name,
};

/// The columns of the dataset, given those of another window: the same as before, or an error that names the first
/// difference. Their order doesn't matter. Text has one layout, because readers want the same one in every file.
///
/// With `widen`, new columns come to the end, lost ones stay and are null, and whole numbers fit a column of decimals.
/// Any other change of a type is an error in any case: readers could not put the files together.
pub(super) fn agree(known: Option<&SchemaRef>, found: &Schema, widen: bool) -> Result<SchemaRef> {
    if let Ok(field) = found.field_with_name(PARTITION) {
        return Err(Error::config(format!(
            "the report has a column `{}`, as the dataset's partitions are called",
            field.name()
        ))
        .hint("rename the column in the report"));
    }
    let plain = |field: &Arc<Field>| Field::new(field.name(), plain(field.data_type()), true);
    let Some(known) = known else {
        return Ok(Schema::new(found.fields().iter().map(plain).collect::<Vec<_>>()).into());
    };
    // Nothing came, not even a header.
    if found.fields().is_empty() {
        return Ok(Arc::clone(known));
    }
    let mut fields: Vec<Field> = known.fields().iter().map(|field| field.as_ref().clone()).collect();
    for field in found.fields().iter().map(plain) {
        match known.field_with_name(field.name()) {
            Ok(before) if before.data_type() == field.data_type() => {}
            Ok(before) if widen && fits(field.data_type(), before.data_type()) => {}
            Ok(before) => {
                return Err(differs(field.name(), &type_name(before.data_type()), &type_name(field.data_type()))
                    .hint("name its type in `schema`, from the beginning of a dataset on"));
            }
            Err(_) if widen => fields.push(field),
            Err(_) => {
                return Err(differs(field.name(), "no such column", &type_name(field.data_type())).hint(WIDEN));
            }
        }
    }
    if !widen && let Some(lost) = known.fields().iter().find(|field| found.field_with_name(field.name()).is_err()) {
        return Err(differs(lost.name(), &type_name(lost.data_type()), "no such column").hint(WIDEN));
    }
    Ok(Schema::new(fields).into())
}

const WIDEN: &str = "the report was changed; `widen=True` takes new columns along and leaves lost ones null";

fn differs(column: &str, expected: &str, found: &str) -> Error {
    Error::new(Kind::SchemaMismatch {
        column: column.to_owned(),
        record: 0,
        value: found.to_owned(),
        expected: format!("{expected}, as in the windows before"),
    })
}

fn fits(narrow: &DataType, wide: &DataType) -> bool {
    (narrow, wide) == (&DataType::Int64, &DataType::Float64)
}

/// Text in one layout, the one that every reader can do everything with.
fn plain(kind: &DataType) -> DataType {
    match kind {
        DataType::Dictionary(_, values) => plain(values),
        DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        other => other.clone(),
    }
}

/// A batch with the columns of the dataset, which have been agreed on.
pub(super) fn conform(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let column = |field: &Arc<Field>| match batch.column_by_name(field.name()) {
        Some(column) => widened(column, field.data_type()),
        None => Ok(new_null_array(field.data_type(), batch.num_rows())),
    };
    let columns = schema.fields().iter().map(column).collect::<Result<Vec<_>, _>>();
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    columns
        .and_then(|columns| RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options))
        .map_err(|error| Error::config(format!("a window doesn't fit the dataset: {error}")))
}

fn widened(column: &ArrayRef, kind: &DataType) -> Result<ArrayRef, ArrowError> {
    let wide = cast(column, kind)?;
    // Beyond 2^53 not every whole number is a float64.
    if fits(column.data_type(), kind) && &cast(&wide, column.data_type())? != column {
        return Err(ArrowError::CastError("a whole number is too large for float64".into()));
    }
    Ok(wide)
}

#[cfg(test)]
mod tests {
    use arrow_array::{
        Array, DictionaryArray, Float64Array, Int64Array, StringArray, StringViewArray, types::Int32Type,
    };

    use super::*;

    fn schema(columns: &[(&str, DataType)]) -> SchemaRef {
        Schema::new(columns.iter().map(|(name, kind)| Field::new(*name, kind.clone(), true)).collect::<Vec<_>>()).into()
    }

    #[test]
    fn text_has_one_layout_and_the_order_of_columns_does_not_matter() {
        let views = schema(&[("Queue", DataType::Utf8View), ("n", DataType::Int64)]);
        let known = agree(None, &views, false).unwrap();
        assert_eq!(known, schema(&[("Queue", DataType::Utf8), ("n", DataType::Int64)]));
        let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let turned = schema(&[("n", DataType::Int64), ("Queue", dictionary)]);
        assert_eq!(agree(Some(&known), &turned, false).unwrap(), known);
        // An answer without a byte.
        assert_eq!(agree(Some(&known), &Schema::empty(), false).unwrap(), known);

        let queues: DictionaryArray<Int32Type> = [Some("Sales"), None].into_iter().collect();
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
        let batch = RecordBatch::try_from_iter([("n", numbers), ("Queue", Arc::new(queues) as ArrayRef)]).unwrap();
        let conformed = conform(&batch, &known).unwrap();
        assert_eq!(conformed.column(0).as_ref(), &StringArray::from(vec![Some("Sales"), None]) as &dyn Array);
    }

    #[test]
    fn drift_names_the_column() {
        let known = schema(&[("Queue", DataType::Utf8), ("Talk Time", DataType::Int64)]);
        let error = |columns: &[(&str, DataType)]| agree(Some(&known), &schema(columns), false).unwrap_err();
        insta::assert_snapshot!(error(&[("Queue", DataType::Utf8), ("Talk Time", DataType::Float64)]), @r"
        column `Talk Time`: expected int64, as in the windows before, found float64
        hint: name its type in `schema`, from the beginning of a dataset on
        ");
        insta::assert_snapshot!(error(&[("Queue", DataType::Utf8)]), @r"
        column `Talk Time`: expected int64, as in the windows before, found no such column
        hint: the report was changed; `widen=True` takes new columns along and leaves lost ones null
        ");
        insta::assert_snapshot!(
            error(&[("Queue", DataType::Utf8), ("Talk Time", DataType::Int64), ("Agent", DataType::Utf8View)]), @r"
        column `Agent`: expected no such column, as in the windows before, found utf8
        hint: the report was changed; `widen=True` takes new columns along and leaves lost ones null
        ");
        insta::assert_snapshot!(agree(None, &schema(&[(PARTITION, DataType::Date32)]), true).unwrap_err(), @r"
        the report has a column `window_start`, as the dataset's partitions are called
        hint: rename the column in the report
        ");
    }

    #[test]
    fn widening_takes_new_columns_and_whole_numbers_and_nothing_else() {
        let known = schema(&[("Queue", DataType::Utf8), ("Talk Time", DataType::Float64)]);
        let found = schema(&[("Agent", DataType::Utf8View), ("Talk Time", DataType::Int64)]);
        let wide = agree(Some(&known), &found, true).unwrap();
        let expected =
            schema(&[("Queue", DataType::Utf8), ("Talk Time", DataType::Float64), ("Agent", DataType::Utf8)]);
        assert_eq!(wide, expected);
        for (known, found) in [
            (DataType::Int64, DataType::Float64),
            (DataType::Int64, DataType::Utf8),
            (DataType::Utf8, DataType::Int64),
            (DataType::Date32, DataType::Utf8),
        ] {
            assert!(agree(Some(&schema(&[("x", known)])), &schema(&[("x", found)]), true).is_err());
        }

        let batch = |seconds: i64| {
            let columns: [(&str, ArrayRef); 2] = [
                ("Agent", Arc::new(StringViewArray::from(vec!["Ada"]))),
                ("Talk Time", Arc::new(Int64Array::from(vec![seconds]))),
            ];
            RecordBatch::try_from_iter(columns).unwrap()
        };
        let conformed = conform(&batch(3), &wide).unwrap();
        assert_eq!(conformed.column(0).null_count(), 1);
        assert_eq!(conformed.column(1).as_ref(), &Float64Array::from(vec![3.0]) as &dyn Array);
        assert!(conform(&batch((1 << 53) + 1), &wide).is_err());
    }
}
