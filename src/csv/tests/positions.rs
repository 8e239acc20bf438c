//! Errors say where: record, physical line and byte, whatever the line ends and however long the cells.

use super::{decoded, fault, pushed, text};
use crate::{
    csv::{Options, Schema},
    error::Kind,
};

#[test]
fn positions_count_records_lines_and_bytes() {
    // record, line, byte, column
    type Case<'a> = (&'a [u8], u64, u64, u64, Option<&'a str>, &'a str);
    let cases: [Case<'_>; 14] = [
        (b"a,b\r\n1,2\r\n3\r\n", 2, 3, 10, None, "expected 2 cells, found 1"),
        (b"a,b\n1,2\n3,4,5\n", 2, 3, 8, None, "expected 2 cells, found 3"),
        (b"a,b\n1,2\n\n3,4\n", 2, 3, 8, None, "an empty line where 2 cells were expected"),
        (
            b"a,b\r\n\"1\r\n\r\n\",2\r\n3,x\"\r\n",
            2,
            5,
            19,
            Some("b"),
            "a quote inside a cell that doesn't begin with one",
        ),
        (b"a,b\n1,\"2\n3,4\n", 1, 2, 6, Some("b"), "a quote that is never closed"),
        (b"a,b\n1,\"2\"3\n", 1, 2, 9, Some("b"), "text behind a closing quote"),
        (b"a,b\n1,2\r3,4\n", 1, 2, 7, Some("b"), "a carriage return without a line feed"),
        (b"a,b\n\"1\n\0\",2\n", 1, 3, 7, Some("a"), "a NUL byte"),
        (b"a,b\n1,2\n3,\"\n\n\xff\"\n", 2, 5, 13, Some("b"), "bytes that are not UTF-8"),
        (b"a,b\n1,2\n3,\"\xe2\x82\"\n", 2, 3, 11, Some("b"), "bytes that are not UTF-8"),
        (b"a,\"b\n1,2\n", 0, 1, 2, None, "a quote that is never closed"),
        (b"a\xff,b\n", 0, 1, 1, None, "bytes that are not UTF-8"),
        (b"\xef\xbb\xbfa,b\n1\n", 1, 2, 7, None, "expected 2 cells, found 1"),
        (b"a\n1,2\n", 1, 2, 2, None, "expected 1 cell, found 2"),
    ];
    for (bytes, record, line, byte, column, reason) in cases {
        let found = fault(decoded(bytes, &text()));
        assert_eq!(
            (found.record, found.line, found.byte, found.column.as_deref(), &*found.reason),
            (record, line, byte, column, reason),
            "{:?}",
            String::from_utf8_lossy(bytes)
        );
    }
}

#[test]
fn positions_are_exact_far_behind_the_first_window() {
    let row = "\"x\ny\",\"\"\"\",z\r\n";
    for count in [1, 10_000, 20_001, 100_000] {
        let head = format!("\"a\",b,c\r\n{}", row.repeat(count));
        let bytes = format!("{head}1,2,3\"\r\n{}", row.repeat(3));
        let found = fault(decoded(&bytes, &text()));
        assert_eq!(found.record, count as u64 + 1);
        assert_eq!(found.line, 2 * count as u64 + 2);
        assert_eq!(found.byte, head.len() as u64 + 5);
        assert!(found.snippet.contains("1,2,3\""), "{}", found.snippet);
        assert!(found.snippet.chars().count() <= 80);
    }
}

#[test]
fn the_error_stays_and_the_batches_before_it_can_be_taken() {
    let options = Options { batch_bytes: 4, ..text() };
    let mut reader = crate::csv::Reader::new(options);
    reader.push("a\n123\n456\n\"x\"y\n".into()).unwrap();
    let error = reader.finish().unwrap_err().to_string();
    assert_eq!(reader.push("more".into()).unwrap_err().to_string(), error);
    assert_eq!(reader.finish().unwrap_err().to_string(), error);
    assert_eq!(std::iter::from_fn(|| reader.take()).map(|batch| batch.num_rows()).sum::<usize>(), 2);
}

#[test]
fn a_record_may_be_as_long_as_allowed() {
    let options = Options { record_bytes: 10, ..text() };
    assert!(decoded("a,b\n1234567,8\n123456,8\r\n1,2", &options).is_ok());
    for bytes in ["a,b\n12345678,9\n", "a,b\n1,2\n\"12345678901234567890\",1\n", "a,b\n1,\"23456789", "0123456789,b\n"]
    {
        for size in 1..=bytes.len() {
            let error = pushed(bytes.as_bytes(), &vec![size; bytes.len() / size], &options).unwrap_err();
            let limit = matches!(error.kind(), Kind::LimitExceeded { limit: "record_bytes", allowed: 10, .. });
            assert!(limit || bytes.ends_with("\"23456789"), "{error}");
        }
    }
}

#[test]
fn a_column_that_is_given_must_exist() {
    let schema = Schema::Given(vec![("c".into(), crate::csv::ColumnType::Int64)], Schema::Infer.into());
    let error = decoded("a,b\n", &Options { schema, ..Options::default() }).unwrap_err();
    assert!(matches!(error.kind(), Kind::SchemaMismatch { record: 0, .. }), "{error}");
}
