//! What strict reading accepts, the csv crate understands in the same way.
#![no_main]

use arrow_array::{Array, cast::AsArray};
use bytes::Bytes;
use insightframe::csv::{Options, Schema, decode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // A byte order mark inside the data, and empty lines, are read differently on purpose.
    let Ok(decoded) = decode(Bytes::copy_from_slice(bytes), Options { schema: Schema::Text, ..Options::default() })
    else {
        return;
    };
    if decoded.schema.fields().len() < 2 {
        return;
    }
    let mut records = csv::ReaderBuilder::new().flexible(true).from_reader(bytes).into_byte_records();
    for batch in &decoded.batches {
        for row in 0..batch.num_rows() {
            let record = records.next().expect("as many records").expect("no error");
            for (column, cell) in batch.columns().iter().zip(record.iter()) {
                let column = column.as_string_view();
                assert_eq!(
                    column.is_valid(row).then(|| column.value(row).as_bytes()),
                    (!cell.is_empty()).then_some(cell)
                );
            }
        }
    }
    assert!(records.next().is_none());
});
