//! A whole result in memory, as often as it is wanted.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Schema, SchemaRef, TimeUnit, ffi::FFI_ArrowSchema};

use super::{
    Receipt, Sink,
    render::{self, Room},
};
use crate::Result;

/// Record batches of one schema, with the receipt of how they came about.
///
/// Clones share the data; every reader of [`batches`](Self::batches) sees all of it from the beginning.
#[derive(Clone)]
pub struct Table {
    schema: SchemaRef,
    batches: Arc<[RecordBatch]>,
    receipt: Option<Arc<Receipt>>,
}

impl Table {
    /// A table of `batches`, each of which has `schema`.
    pub fn new(schema: SchemaRef, batches: impl Into<Arc<[RecordBatch]>>) -> Self {
        let batches = batches.into();
        debug_assert!(batches.iter().all(|batch| batch.schema().fields() == schema.fields()));
        Self { schema, batches, receipt: None }
    }

    /// The same table with the account of its export.
    #[must_use]
    pub fn with_receipt(self, receipt: Receipt) -> Self {
        Self { receipt: Some(Arc::new(receipt)), ..self }
    }

    /// Names and types of the columns; known even when there are no rows.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The data, in order.
    pub fn batches(&self) -> &[RecordBatch] {
        &self.batches
    }

    /// The account of the export; `None` when the table doesn't come from one.
    pub fn receipt(&self) -> Option<&Receipt> {
        self.receipt.as_deref()
    }

    /// Rows in all batches.
    pub fn num_rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// The columns' names, in order.
    pub fn column_names(&self) -> Vec<&str> {
        self.schema.fields().iter().map(|field| field.name().as_str()).collect()
    }

    /// Writes all rows to `sink` and returns the size of what it made, in bytes.
    ///
    /// # Errors
    /// Those of the sink.
    pub fn write(&self, mut sink: Box<dyn Sink>) -> Result<u64> {
        for batch in self.batches() {
            sink.write(batch)?;
        }
        sink.finish()
    }

    /// Rows under names and types, as much as the room has place for, and what is left out.
    pub fn text(&self, room: Room) -> String {
        render::text(self, room)
    }

    /// The first rows, as HTML for a notebook: light or dark as the page is, every text escaped.
    pub fn html(&self) -> String {
        render::html(self)
    }
}

/// The first rows under names and types, at most 100 columns wide.
impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text(Room::default()))
    }
}

/// The size and the schema, not the data.
impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("rows", &self.num_rows()).field("columns", &self.column_names()).finish()
    }
}

/// The name of a type as people and the Python package have it: `utf8` for text of every layout, `timestamp[ms, UTC]`,
/// else Arrow's own in lower case. A dictionary has the name of its values.
pub fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Dictionary(_, values) => type_name(values),
        DataType::LargeUtf8 | DataType::Utf8View => "utf8".to_owned(),
        DataType::Timestamp(unit, zone) => {
            let unit = match unit {
                TimeUnit::Second => "s",
                TimeUnit::Millisecond => "ms",
                TimeUnit::Microsecond => "us",
                TimeUnit::Nanosecond => "ns",
            };
            match zone {
                Some(zone) => format!("timestamp[{unit}, {zone}]"),
                None => format!("timestamp[{unit}]"),
            }
        }
        other => other.to_string().to_lowercase(),
    }
}

/// 16 hexadecimal digits that are the same whenever the names and the logical types of the columns are.
///
/// FNV-1a, 64 bits, over each column's name, a zero byte, its type as a format string of the [Arrow C data interface],
/// and another zero byte. Text is `u` in whichever layout it comes, and a dictionary counts as its values, because
/// both are chosen by the data; nullability and metadata don't count. It needs no library to be computed elsewhere,
/// and it is there to notice a change, not to withstand an attacker.
///
/// [Arrow C data interface]: https://arrow.apache.org/docs/format/CDataInterface.html#data-type-description-format-strings
pub fn fingerprint(schema: &Schema) -> String {
    const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let columns = schema.fields().iter().map(|field| format!("{}\0{}\0", field.name(), type_format(field.data_type())));
    let hash = columns.fold(OFFSET_BASIS, |hash, column| {
        column.bytes().fold(hash, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
    });
    format!("{hash:016x}")
}

fn type_format(data_type: &DataType) -> String {
    match data_type {
        DataType::Dictionary(_, values) => type_format(values),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "u".to_owned(),
        // The format of a nested type doesn't say what is nested, its name does. No export has one.
        nested if nested.is_nested() => nested.to_string(),
        flat => FFI_ArrowSchema::try_from(flat).map_or_else(|_| flat.to_string(), |flat| flat.format().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::{ArrayRef, Float64Array, StringArray};
    use arrow_schema::Field;

    use super::*;

    fn schema(columns: &[(&str, DataType)]) -> Schema {
        Schema::new(
            columns.iter().map(|(name, data_type)| Field::new(*name, data_type.clone(), true)).collect::<Vec<_>>(),
        )
    }

    fn dictionary(values: DataType) -> DataType {
        DataType::Dictionary(Box::new(DataType::Int32), Box::new(values))
    }

    #[test]
    fn a_table_counts_all_its_batches_and_its_clones_share_them() {
        let batch = |names: &[&str], seconds: &[f64]| {
            RecordBatch::try_from_iter([
                ("Queue", Arc::new(StringArray::from(names.to_vec())) as ArrayRef),
                ("Talk Time", Arc::new(Float64Array::from(seconds.to_vec()))),
            ])
            .unwrap()
        };
        let batches = vec![batch(&["Sales", "Care"], &[1.0, 2.0]), batch(&["Sales"], &[3.0])];
        let table = Table::new(batches[0].schema(), batches).with_receipt(Receipt { rows: 3, ..Receipt::default() });
        let copy = table.clone();
        assert_eq!((copy.num_rows(), copy.column_names()), (3, vec!["Queue", "Talk Time"]));
        assert_eq!(copy.receipt().map(|receipt| receipt.rows), Some(3));
        assert!(std::ptr::eq(table.batches(), copy.batches()));
        assert_eq!(format!("{table:?}"), r#"Table { rows: 3, columns: ["Queue", "Talk Time"] }"#);
    }

    /// Computed once by an independent implementation, as everyone may.
    #[test]
    fn the_fingerprint_is_the_documented_one() {
        assert_eq!(fingerprint(&Schema::empty()), "cbf29ce484222325");
        let report = schema(&[
            ("Queue", DataType::Utf8),
            ("Date", DataType::Date32),
            ("Talk Time", DataType::Float64),
            ("Conversations", DataType::Int64),
            ("At", DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))),
        ]);
        assert_eq!(fingerprint(&report), "4e4244574313e648");
    }

    #[test]
    fn the_layout_of_text_does_not_count_but_names_types_and_order_do() {
        let of = |columns: &[(&str, DataType)]| fingerprint(&schema(columns));
        let text = of(&[("a", DataType::Utf8)]);
        for same in
            [DataType::LargeUtf8, DataType::Utf8View, dictionary(DataType::Utf8), dictionary(DataType::LargeUtf8)]
        {
            assert_eq!(of(&[("a", same.clone())]), text, "{same}");
        }
        let (int, float) = (DataType::Int64, DataType::Float64);
        let different = [
            of(&[("a", int.clone())]),
            of(&[("b", DataType::Utf8)]),
            of(&[("a", int.clone()), ("b", float.clone())]),
            of(&[("b", float), ("a", int)]),
            of(&[("au", DataType::Utf8)]),
        ];
        let all: std::collections::HashSet<_> = different.iter().chain([&text]).collect();
        assert_eq!(all.len(), different.len() + 1);
    }
}
