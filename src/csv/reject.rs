//! Records that lenient reading sets aside.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray, UInt64Array};
use arrow_schema::{DataType, Field, Schema};

use super::position::Fault;

/// Rejects under construction.
#[derive(Debug, Default)]
pub(super) struct Rejects(Vec<Fault>);

impl Rejects {
    /// Sets a record aside.
    pub fn push(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    /// What was set aside since the last call: record, line, byte, column, reason, snippet.
    pub fn take(&mut self, names: &[String]) -> Option<RecordBatch> {
        let faults = std::mem::take(&mut self.0);
        if faults.is_empty() {
            return None;
        }
        let number =
            |of: fn(&Fault) -> u64| -> ArrayRef { Arc::new(UInt64Array::from_iter_values(faults.iter().map(of))) };
        let column = |fault: &Fault| fault.column.and_then(|index| names.get(index));
        let columns: Vec<ArrayRef> = vec![
            number(|fault| fault.record),
            number(|fault| fault.line),
            number(|fault| fault.byte),
            Arc::new(faults.iter().map(column).collect::<StringArray>()),
            Arc::new(StringArray::from_iter_values(faults.iter().map(Fault::reason))),
            Arc::new(StringArray::from_iter_values(faults.iter().map(|fault| &fault.snippet))),
        ];
        let schema = Schema::new(vec![
            Field::new("record", DataType::UInt64, false),
            Field::new("line", DataType::UInt64, false),
            Field::new("byte", DataType::UInt64, false),
            Field::new("column", DataType::Utf8, true),
            Field::new("reason", DataType::Utf8, false),
            Field::new("snippet", DataType::Utf8, false),
        ]);
        #[expect(clippy::expect_used, reason = "the columns above are those of the schema above")]
        Some(RecordBatch::try_new(Arc::new(schema), columns).expect("six columns of one length"))
    }
}
