//! Types found in the data, against a naive reading that looks twice.

use proptest::prelude::*;

use super::{column, decoded, pushed, types};
use crate::csv::{Options, Reader, Schema};

#[test]
fn no_value_loses_a_character() {
    let cases: [(&str, &str); 24] = [
        ("1 2 3", "Int64"),
        ("1 - 3", "Int64"),
        ("- -", "Utf8View"),
        ("", "Utf8View"),
        ("1 2.5", "Float64"),
        ("2.5 1 - 11.00", "Float64"),
        ("9007199254740993", "Int64"),
        ("9007199254740993 2.5", "Utf8View"),
        ("2.5 9007199254740993", "Utf8View"),
        ("999999999999999 2.5", "Float64"),
        ("1 007", "Utf8View"),
        ("1.50 x", "Utf8View"),
        ("1 -0", "Utf8View"),
        ("1 +2", "Utf8View"),
        ("1 9223372036854775808", "Utf8View"),
        ("1 1e5", "Utf8View"),
        ("1.5 NaN", "Utf8View"),
        ("inf", "Utf8View"),
        ("0x10", "Utf8View"),
        ("1.2345678901234567 0.1", "Float64"),
        ("1.23456789012345671", "Utf8View"),
        ("0.30000000000000004 1.5 x", "Utf8View"),
        ("12/31/2024", "Utf8View"),
        ("true", "Utf8View"),
    ];
    for (values, arrow) in cases {
        let values: Vec<_> =
            values.split(' ').filter(|v| !v.is_empty()).map(|v| if v == "-" { "" } else { v }).collect();
        let body: String = values.iter().map(|value| format!("\"{value}\",\"\"\r\n")).collect();
        for batch_bytes in [1, 20, 1 << 20] {
            let decoded = decoded(format!("v,w\r\n{body}"), &Options { batch_bytes, ..Options::default() }).unwrap();
            assert_eq!(types(&decoded)[0], arrow, "{values:?}");
            if arrow == "Utf8View" {
                let expected: Vec<_> = values.iter().map(|v| (!v.is_empty()).then(|| (*v).to_owned())).collect();
                assert_eq!(column(&decoded, 0), expected);
            }
        }
    }
}

#[test]
fn nothing_comes_before_all_of_the_data() {
    let mut reader = Reader::new(Options { batch_bytes: 64, ..Options::default() });
    reader.push(format!("v\n{}", "12345\n".repeat(100_000)).into()).unwrap();
    assert!(reader.take().is_none() && reader.schema().is_none());
    reader.push("x".into()).unwrap();
    reader.finish().unwrap();
    assert_eq!(reader.schema().unwrap().field(0).data_type().to_string(), "Utf8View");
    assert_eq!(std::iter::from_fn(|| reader.take()).map(|batch| batch.num_rows()).sum::<usize>(), 100_001);
}

#[test]
fn a_sample_decides_and_later_data_must_agree() {
    let sample = |bytes| Options { schema: Schema::InferSample { bytes }, batch_bytes: 40, ..Options::default() };
    let body = "1,1.5,,x\n".repeat(20);
    let agreed = decoded(format!("a,b,c,d\n{body}2,3,z,\n"), &sample(100)).unwrap();
    assert_eq!(types(&agreed), ["Int64", "Float64", "Utf8View", "Utf8View"]);
    assert_eq!(agreed.records, 21);
    for (row, message) in [
        ("1.5,1,,", "column `a`, record 21: `1.5` is not a valid int64"),
        ("007,1,,", "column `a`, record 21: `007` is not a valid int64"),
        ("1,1e5,,", "column `b`, record 21: `1e5` is not a valid float64"),
    ] {
        let bytes = format!("a,b,c,d\n{body}{row}\n");
        let error = decoded(&bytes, &sample(100)).unwrap_err().to_string();
        assert!(
            error.starts_with(message) && error.contains("hint: the type was inferred from the beginning"),
            "{error}"
        );
        // A sample of everything knows better.
        assert!(decoded(&bytes, &sample(1 << 20)).is_ok());
    }
}

#[test]
fn batches_of_a_sample_come_as_soon_as_it_is_read() {
    let mut reader =
        Reader::new(Options { schema: Schema::InferSample { bytes: 1 }, batch_bytes: 1 << 10, ..Options::default() });
    reader.push(format!("v\n{}", "1234567\n".repeat(100_000)).into()).unwrap();
    assert!(reader.take().is_some());
}

fn reference(values: &[String]) -> &'static str {
    let integer = |v: &str| v.parse::<i64>().is_ok_and(|n| n.to_string() == v);
    let digits = |v: &str| v.trim_start_matches(['-', '0', '.']).chars().filter(char::is_ascii_digit).count();
    let decimal = |v: &str| {
        let (whole, fraction) = v.strip_prefix('-').unwrap_or(v).split_once('.').unwrap_or(("", ""));
        !fraction.is_empty()
            && fraction.len() <= 22
            && whole.parse::<u64>().is_ok_and(|n| n.to_string() == whole)
            && fraction.chars().all(|c| c.is_ascii_digit())
            && digits(v) <= 19
            && v.parse::<f64>().is_ok_and(|n| format!("{n:.0$}", fraction.len()) == v)
    };
    let mut values = values.iter().map(String::as_str).filter(|v| !v.is_empty()).peekable();
    if values.peek().is_none() {
        return "Utf8View";
    }
    let values: Vec<_> = values.collect();
    if values.iter().all(|v| integer(v)) {
        "Int64"
    } else if values.iter().all(|v| decimal(v) || integer(v) && digits(v) <= 15) {
        "Float64"
    } else {
        "Utf8View"
    }
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => "[1-9][0-9]{0,5}",
        2 => "-?[0-9]{1,20}",
        4 => "-?[0-9]{1,3}\\.[0-9]{1,3}",
        2 => "-?[0-9]{0,12}\\.[0-9]{0,24}",
        2 => (0.0..1e6).prop_map(|value: f64| value.to_string()),
        2 => Just(String::new()),
        1 => "[-+0-9.eENaif ]{1,6}",
    ]
}

proptest! {
    #[test]
    fn types_and_values_are_those_of_a_naive_reading(
        columns in proptest::collection::vec(proptest::collection::vec(value(), 12), 1..4),
        length in 0usize..12,
        batch_bytes in 1usize..200,
        sizes in proptest::collection::vec(1usize..40, 0..10),
    ) {
        let mut bytes = (0..columns.len()).map(|i| format!("\"c{i}\"")).collect::<Vec<_>>().join(",") + "\n";
        for row in 0..length {
            bytes += &columns.iter().map(|column| format!("\"{}\"", column[row])).collect::<Vec<_>>().join(",");
            bytes += "\n";
        }
        let decoded = pushed(bytes.as_bytes(), &sizes, &Options { batch_bytes, ..Options::default() }).unwrap();
        for (index, values) in columns.iter().enumerate() {
            let values = &values[..length];
            let kind = reference(values);
            prop_assert_eq!(&types(&decoded)[index], kind, "{:?}", values);
            for (cell, value) in column(&decoded, index).into_iter().zip(values) {
                let expected = match kind {
                    _ if value.is_empty() => None,
                    "Float64" => Some(format!("{:?}", value.parse::<f64>().unwrap())),
                    _ => Some(value.clone()),
                };
                prop_assert_eq!(cell, expected);
            }
        }
    }
}
