//! The tables under `tests/vectors/csv`; their README says what each suite covers.

use serde_json::Value;

use super::{decoded, rows, text};
use crate::csv::{Decoded, Options};

fn bytes(case: &Value) -> Vec<u8> {
    if let Some(text) = case["csv"].as_str() {
        return text.as_bytes().to_vec();
    }
    let hex = case["hex"].as_str().unwrap();
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn table(decoded: &Decoded) -> Value {
    let header: Vec<_> = decoded.schema.fields().iter().map(|field| Value::from(field.name().as_str())).collect();
    let mut all = vec![Value::Array(header)];
    all.extend(rows(decoded).into_iter().map(Value::from));
    Value::Array(all)
}

fn check(suite: &str) {
    let path = format!("{}/tests/vectors/csv/{suite}.json", env!("CARGO_MANIFEST_DIR"));
    let cases: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert!(!cases.is_empty());
    for case in cases {
        let name = format!("{suite}: {}", case["name"].as_str().unwrap());
        let bytes = bytes(&case);
        match (decoded(&bytes, &text()), case.get("error")) {
            (Ok(decoded), None) => assert_eq!(table(&decoded), case["table"], "{name}"),
            (Err(error), Some(words)) => {
                let error = error.to_string();
                assert!(error.starts_with(words.as_str().unwrap()), "{name}: {error}");
            }
            (Ok(decoded), Some(_)) => panic!("{name}: accepted as {}", table(&decoded)),
            (Err(error), None) => panic!("{name}: {error}"),
        }
        if let Some(lenient) = case.get("lenient") {
            let options = Options { lenient: true, ..text() };
            assert_eq!(&table(&decoded(&bytes, &options).unwrap()), lenient, "{name}");
        }
    }
}

#[test]
fn rfc4180() {
    check("rfc4180");
}

#[test]
fn spectrum() {
    check("spectrum");
}

#[test]
fn core() {
    check("core");
}

#[test]
fn ragged() {
    check("ragged");
}
