//! Inference never loses a character: whatever stays text is the text, and more records never narrow a type.
#![no_main]

use arrow_array::{Array, cast::AsArray};
use bytes::Bytes;
use insightframe::csv::{Options, Schema, decode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let read = |schema, bytes: &[u8]| {
        decode(Bytes::copy_from_slice(bytes), Options { schema, batch_bytes: 16, ..Options::default() })
    };
    let (Ok(text), Ok(inferred)) = (read(Schema::Text, bytes), read(Schema::Infer, bytes)) else { return };
    for (expected, found) in text.batches.iter().zip(&inferred.batches) {
        for (expected, found) in expected.columns().iter().zip(found.columns()) {
            assert_eq!(expected.nulls(), found.nulls());
            if found.data_type() == expected.data_type() {
                assert_eq!(expected.as_string_view(), found.as_string_view());
            }
        }
    }
    let width = |schema: &insightframe::csv::Decoded, index: usize| match schema
        .schema
        .field(index)
        .data_type()
        .to_string()
        .as_str()
    {
        "Int64" => 0,
        "Float64" => 1,
        _ => 2,
    };
    // The same records and one more of text in the first column.
    let more = [
        bytes,
        if bytes.ends_with(b"\n") { &b""[..] } else { b"\n" },
        b"x",
        ",".repeat(inferred.schema.fields().len().max(1) - 1).as_bytes(),
        b"\n",
    ]
    .concat();
    if let Ok(more) = read(Schema::Infer, &more) {
        for index in 0..inferred.schema.fields().len() {
            let all_null = inferred.batches.iter().all(|batch| batch.column(index).null_count() == batch.num_rows());
            assert!(all_null || width(&more, index) >= width(&inferred, index));
        }
    }
});
