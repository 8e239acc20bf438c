//! What holds for any bytes.

use std::sync::Arc;

use arrow_array::RecordBatch;
use bytes::Bytes;
use proptest::prelude::*;

use super::{Decoded, decoded, pushed, rows, text};
use crate::{
    csv::{Block, Blocks, ColumnType, DateFormat, Options, Reader, Schema},
    error::Result,
};

/// Everything that a caller can see.
fn seen(result: Result<Decoded>) -> Result<(Vec<RecordBatch>, u64, Option<RecordBatch>), String> {
    result.map(|d| (d.batches, d.records, d.rejects)).map_err(|error| error.to_string())
}

/// Decodes blocks late: up to three are out, as if threads had them, and the last one is decoded first.
fn in_blocks(bytes: &[u8], sizes: &[usize], options: &Options) -> Result<Decoded> {
    let mut blocks = Blocks::new(options.clone());
    let mut out = Vec::new();
    let mut rest = bytes;
    for size in sizes.iter().copied().chain([usize::MAX]) {
        let (piece, later) = rest.split_at(size.min(rest.len()));
        rest = later;
        blocks.push(Bytes::copy_from_slice(piece))?;
        if rest.is_empty() {
            blocks.end();
        }
        loop {
            let block = blocks.block();
            if out.len() == 3 || block.is_none() {
                let mut done: Vec<_> = out.drain(..).rev().map(Block::decode).collect();
                while let Some(decoded) = done.pop() {
                    blocks.join(decoded)?;
                }
            }
            match block {
                Some(block) => out.push(block),
                None => break,
            }
        }
    }
    blocks.finish()?;
    Ok(Decoded::of(blocks.reader()))
}

fn schemas() -> impl Strategy<Value = Schema> {
    let date = ColumnType::Date(DateFormat::MmDdYyyy);
    prop_oneof![
        Just(Schema::Text),
        Just(Schema::Infer),
        (0u64..100).prop_map(|bytes| Schema::InferSample { bytes }),
        Just(Schema::Given(vec![("a".into(), ColumnType::Int64)], Schema::Text.into())),
        Just(Schema::Given(vec![("a".into(), ColumnType::Dictionary)], Schema::Infer.into())),
        Just(Schema::Given(vec![("b".into(), date)], Schema::Infer.into())),
    ]
}

/// Mostly CSV, some of it broken.
fn almost_csv() -> impl Strategy<Value = Vec<u8>> {
    let cell = prop_oneof![
        4 => "[0-9]{0,3}",
        4 => "\"[a-z0-9é, ]{0,6}\"",
        2 => "\"([a-z]|\"\"|\r\n|\n|,){0,6}\"",
        1 => "[0-9]\\.[0-9]{1,2}",
        1 => "[\"a,\r\n\0]{0,5}",
        1 => Just("a somewhat longer piece of text".to_owned()),
    ];
    let row = (
        proptest::collection::vec(cell.clone(), 2),
        prop_oneof![8 => Just("\r\n"), 4 => Just("\n"), 1 => Just("\r"), 1 => Just(",\n")],
    )
        .prop_map(|(cells, end)| cells.join(",") + end);
    (
        prop_oneof![4 => Just("a,b\r\n".to_owned()), 1 => "(\u{feff})?[ab,\"]{0,6}\n"],
        proptest::collection::vec(row, 0..30),
        any::<bool>(),
    )
        .prop_map(|(header, rows, cut)| {
            let mut bytes = (header + &rows.concat()).into_bytes();
            if cut {
                bytes.pop();
            }
            bytes
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_split_equals_the_whole(
        bytes in almost_csv(),
        sizes in proptest::collection::vec(0usize..20, 0..40),
        schema in schemas(),
        lenient: bool,
        batch_bytes in 1usize..300,
        record_bytes in 5u64..200,
    ) {
        let options = Options { schema, lenient, batch_bytes, record_bytes, ..Options::default() };
        let whole = seen(pushed(&bytes, &[], &options));
        prop_assert_eq!(seen(pushed(&bytes, &sizes, &options)), whole.clone());
        prop_assert_eq!(seen(pushed(&bytes, &vec![1; bytes.len()], &options)), whole.clone());
        prop_assert_eq!(seen(decoded(&bytes, &options)), whole.clone());
        prop_assert_eq!(seen(in_blocks(&bytes, &sizes, &options)), whole.clone());
        prop_assert_eq!(seen(decoded(&bytes, &Options { threads: 3, ..options })), whole);
    }

    #[test]
    fn batches_may_end_anywhere(
        bytes in almost_csv(),
        sizes in proptest::collection::vec(1usize..40, 0..40),
        infers: bool,
        batch_bytes in 1usize..300,
    ) {
        let schema = if infers { Schema::Infer } else { Schema::Text };
        let options = Options { schema, batch_bytes, ..Options::default() };
        let Ok(whole) = decoded(&bytes, &options) else { return Ok(()) };
        let mut reader = Reader::new(options);
        let mut rest = &bytes[..];
        for size in sizes {
            let (now, later) = rest.split_at(size.min(rest.len()));
            reader.push(Bytes::copy_from_slice(now)).unwrap();
            reader.end_batch().unwrap();
            rest = later;
        }
        reader.push(Bytes::copy_from_slice(rest)).unwrap();
        reader.finish().unwrap();
        let batches: Vec<_> = std::iter::from_fn(|| reader.take()).collect();
        prop_assert_eq!(reader.schema().unwrap(), Arc::clone(&whole.schema));
        let one = |batches: &[RecordBatch]| arrow_select::concat::concat_batches(&whole.schema, batches).unwrap();
        prop_assert_eq!(one(&batches), one(&whole.batches));
    }

    #[test]
    fn no_bytes_panic(
        bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b'"'), Just(b','), Just(b'\n'), Just(b'\r')], 0..400),
        schema in schemas(),
        lenient: bool,
    ) {
        let options = Options { schema, lenient, ..Options::default() };
        let _ = decoded(&bytes, &options);
    }

    #[test]
    fn strict_rows_are_those_of_the_csv_crate(bytes in almost_csv()) {
        // What strict reading accepts, a tolerant reader must understand in the same way.
        let Ok(decoded) = decoded(&bytes, &text()) else { return Ok(()) };
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(&*bytes);
        let width = decoded.schema.fields().len();
        let expected: Vec<Vec<_>> = reader
            .records()
            .map(|record| record.unwrap().iter().map(|cell| (!cell.is_empty()).then(|| cell.to_owned())).collect())
            .collect();
        // That reader skips empty lines, which are nulls below a header of one column.
        let found: Vec<_> = rows(&decoded).into_iter().filter(|row| width > 1 || row[0].is_some()).collect();
        let expected: Vec<_> = expected.into_iter().filter(|row| width > 1 || row[0].is_some()).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn well_formed_csv_of_any_quoting_is_read_back(
        table in proptest::collection::vec(proptest::collection::vec("[a-z0-9\",\r\n é😀]{0,20}", 3), 0..40),
        style in 0usize..4,
        crlf: bool,
        sizes in proptest::collection::vec(0usize..60, 0..40),
    ) {
        let style = [csv::QuoteStyle::Always, csv::QuoteStyle::Necessary, csv::QuoteStyle::NonNumeric, csv::QuoteStyle::Always][style];
        let end = if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
        let mut writer = csv::WriterBuilder::new().quote_style(style).terminator(end).from_writer(Vec::new());
        writer.write_record(["a", "b", "c"]).unwrap();
        for row in &table {
            writer.write_record(row).unwrap();
        }
        let bytes = writer.into_inner().unwrap();
        let expected: Vec<Vec<_>> = table
            .into_iter()
            .map(|row| row.into_iter().map(|cell| (!cell.is_empty()).then_some(cell)).collect())
            .collect();
        prop_assert_eq!(rows(&pushed(&bytes, &sizes, &text()).unwrap()), expected);
    }
}

#[test]
fn windows_of_every_alignment_agree() {
    // Rows of a length that moves through the blocks and across the windows of the scan.
    let row = "\"a\",\"b \"\"c\"\"\",\"1\r\n2\",\"some text that is longer than a view\"\r\n";
    let bytes = format!("\"h\",\"i\",\"j\",\"k\"\r\n{}", row.repeat(9000));
    let whole = seen(pushed(bytes.as_bytes(), &[], &text()));
    for size in [1009, 65_536, 131_071, 131_072, 131_073] {
        assert!(seen(pushed(bytes.as_bytes(), &vec![size; bytes.len() / size], &text())) == whole);
    }
    let (batches, records, _) = whole.unwrap();
    assert_eq!(records, 9000);
    let first = super::cells(&batches[0], 1);
    assert!(first.iter().all(|cell| cell.as_deref() == Some("b \"c\"")));
}
