//! Types that are given.

use arrow_array::Array;

use super::{column, decoded, pushed, text, types};
use crate::csv::{ColumnType, DateFormat, Options, Reader, Schema, TimestampFormat, empty};

fn given(kind: ColumnType) -> Options {
    Options { schema: Schema::Given(vec![("v".into(), kind)], Schema::Text.into()), ..Options::default() }
}

#[test]
fn each_type_reads_its_values_and_nulls() {
    let cases = [
        (ColumnType::Int64, "7|+7|007|-7|", "7|7|7|-7|-", "Int64"),
        (ColumnType::Float64, "11.00|1e5|-3|NaN|inf|", "11.0|100000.0|-3.0|NaN|inf|-", "Float64"),
        (ColumnType::Bool, "true|No|YES|0|1|False|", "true|false|true|false|true|false|-", "Boolean"),
        (ColumnType::Date(DateFormat::MmDdYyyy), "01/02/1970|", "1|-", "Date32"),
        (ColumnType::Date(DateFormat::DdMmYyyySlash), "02/01/1970|", "1|-", "Date32"),
        (ColumnType::Timestamp(TimestampFormat::Civil), "1970-01-01 00:00:01|", "1000000|-", "Timestamp(µs)"),
        (ColumnType::Timestamp(TimestampFormat::Utc), "1970-01-01T01:00:00+01:00|", "0|-", "Timestamp(µs, \"UTC\")"),
        (ColumnType::Utf8, "007| a |", "007| a |-", "Utf8View"),
        (
            ColumnType::Dictionary,
            "a|b|a|a longer one than fits|",
            "a|b|a|a longer one than fits|-",
            "Dictionary(Int32, Utf8)",
        ),
    ];
    for (kind, values, expected, arrow) in cases {
        for (open, close) in [("\"", "\",\"x\"\r\n"), ("", ",\n")] {
            let body: String = values.split('|').map(|value| format!("{open}{value}{close}")).collect();
            let decoded = decoded(format!("v,w\n{body}"), &given(kind)).unwrap();
            let shown: Vec<_> = column(&decoded, 0).into_iter().map(|v| v.unwrap_or("-".into())).collect();
            assert_eq!(shown.join("|"), expected, "{kind}");
            assert_eq!(types(&decoded)[0], arrow);
        }
    }
}

#[test]
fn a_cell_that_does_not_fit_is_named() {
    let cases = [
        (ColumnType::Int64, "v\n1\n\n1.5\n", "column `v`, record 3: `1.5` is not a valid int64"),
        (ColumnType::Float64, "v\n1.5\n1,5\n", ""),
        (ColumnType::Float64, "v\n\"1,5\"\n", "column `v`, record 1: `1,5` is not a valid float64"),
        (ColumnType::Int64, "v\n\"a\"\"b\"\n", "column `v`, record 1: `a\"b` is not a valid int64"),
        (
            ColumnType::Date(DateFormat::MmDdYyyy),
            "v\n13/05/2024\n",
            "column `v`, record 1: `13/05/2024` is not a valid date in the form `mm/dd/yyyy`",
        ),
    ];
    for (kind, bytes, message) in cases {
        let error = decoded(bytes, &given(kind)).unwrap_err().to_string();
        if message.is_empty() {
            assert!(error.contains("found 2"), "{error}");
        } else {
            assert_eq!(error, format!("{message}\nhint: read the column as text: schema={{\"v\": \"text\"}}"));
        }
    }
}

#[test]
fn the_first_record_that_does_not_fit_counts_whichever_the_column() {
    let schema =
        Schema::Given(vec![("a".into(), ColumnType::Int64), ("b".into(), ColumnType::Int64)], Schema::Text.into());
    let options = Options { schema, ..Options::default() };
    let cases = [
        ("a,b\n1,x\nx,1\n", "column `b`, record 1"),
        ("a,b\nx,x\n", "column `a`, record 1"),
        ("a,b\n1,x\n1\n", "column `b`"),
    ];
    for (bytes, place) in cases {
        let error = decoded(bytes, &options).unwrap_err().to_string();
        assert!(error.starts_with(place), "{error}");
    }
}

#[test]
fn input_without_a_byte_has_the_columns_that_are_given() {
    let options = given(ColumnType::Int64);
    for bytes in ["", "\u{feff}"] {
        let nothing = decoded(bytes, &options).unwrap();
        assert_eq!((types(&nothing), nothing.batches.len()), (vec!["Int64".to_owned()], 0));
        assert_eq!(nothing.schema, empty(&options.schema));
    }
    assert_eq!(decoded("", &text()).unwrap().schema.fields().len(), 0);
    let header = decoded("v,w", &options).unwrap();
    assert_eq!((types(&header), header.batches.len()), (vec!["Int64".to_owned(), "Utf8View".to_owned()], 0));
}

#[test]
fn the_schema_is_known_behind_the_header_when_every_type_is_given() {
    let mut reader = Reader::new(text());
    reader.push("a,b\n".into()).unwrap();
    reader.push(vec![b'x'; 5000].into()).unwrap();
    assert_eq!(reader.schema().unwrap().fields().len(), 2);
    assert_eq!(reader.columns(), ["a", "b"]);
}

#[test]
fn other_encodings_become_text() {
    let latin = Options { encoding: Some(encoding_rs::WINDOWS_1252), ..text() };
    assert_eq!(column(&decoded(b"v\ncaf\xe9\n\x80\n", &latin).unwrap(), 0), [Some("café".into()), Some("€".into())]);
    let wide = Options { encoding: Some(encoding_rs::UTF_16LE), ..text() };
    let bytes: Vec<u8> = "\u{feff}v\r\n\"😀\"\r\né".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for size in 1..bytes.len() {
        let decoded = pushed(&bytes, &vec![size; bytes.len() / size], &wide).unwrap();
        assert_eq!(column(&decoded, 0), [Some("😀".into()), Some("é".into())]);
    }
    let error = decoded(&bytes, &text()).unwrap_err().to_string();
    assert!(error.contains("hint: the input looks like UTF-16"), "{error}");
    let japanese = Options { encoding: Some(encoding_rs::SHIFT_JIS), ..text() };
    let error = decoded(b"a,b\nx,y\nx,\x82\xa0\xff\n", &japanese).unwrap_err().to_string();
    assert!(
        error.starts_with("bytes that are not text in the encoding in record 2, line 3, byte 13, column `b`"),
        "{error}"
    );
}

#[test]
fn a_batch_holds_the_records_that_end_within_its_bytes() {
    let body = "abc\n".repeat(10);
    for (batch_bytes, sizes) in [(8, vec![2, 2, 2, 2, 2]), (9, vec![2, 2, 2, 2, 2]), (1, vec![1; 10]), (40, vec![10])] {
        let options = Options { batch_bytes, ..text() };
        let decoded = decoded(format!("v\n{body}"), &options).unwrap();
        assert_eq!(decoded.batches.iter().map(|batch| batch.num_rows()).collect::<Vec<_>>(), sizes, "{batch_bytes}");
    }
}

#[test]
fn long_text_survives() {
    let long = "x,\"\"\r\né".repeat(300_000);
    let decoded = decoded(format!("v,w\n\"{long}\",\"1\"\n\"{long}\",\"2\"\n"), &text()).unwrap();
    let expected = Some(long.replace("\"\"", "\""));
    assert!(column(&decoded, 0) == [expected.clone(), expected]);
    assert_eq!(column(&decoded, 1), [Some("1".into()), Some("2".into())]);
}

#[test]
fn columns_take_hardly_more_memory_than_they_need() {
    // The first rows are ten times as long as the others: whoever goes by them alone has to grow again and again.
    let row = |row: usize| {
        let note = if row < 2000 { "a note ".repeat(40) } else { "a short note".repeat(2) };
        format!("\"Queue {}\",\"{row}\",\"{}.25\",\"{note}\"\r\n", row % 7, row % 60)
    };
    let csv = format!("Queue,Contacts,Average,Note\r\n{}", (0..60_000).map(row).collect::<String>());
    for schema in [Schema::Text, Schema::Infer] {
        let decoded = decoded(csv.clone(), &Options { schema, ..Options::default() }).unwrap();
        let [batch] = &*decoded.batches else { panic!("one batch") };
        let buffers = batch.columns().iter().flat_map(|column| column.to_data().buffers().to_vec());
        let (used, taken) = buffers.fold((0, 0), |sum, buffer| (sum.0 + buffer.len(), sum.1 + buffer.capacity()));
        assert!(taken <= used + used / 16, "{taken} bytes for {used}");
    }
}
