//! Lenient reading keeps the rows that are whole and shows the others.

use super::{column, decoded, pushed, rows, text};
use crate::csv::{ColumnType, Options, Schema};

fn lenient(options: Options) -> Options {
    Options { lenient: true, ..options }
}

fn rejects(bytes: &str, options: &Options) -> Vec<Vec<String>> {
    let decoded = decoded(bytes, options).unwrap();
    let Some(rejects) = decoded.rejects else { return Vec::new() };
    let columns: Vec<_> = (0..rejects.num_columns()).map(|index| super::cells(&rejects, index)).collect();
    let row = |row: usize| columns.iter().map(|c| c[row].clone().unwrap_or("-".into())).collect();
    (0..rejects.num_rows()).map(row).collect()
}

#[test]
fn one_line_is_lost_at_a_time() {
    let bytes = "a,b\n1,2\n3\n\"4,5\n6,\"7\"\n8,x\"y\n9,\"1\n0\"\n";
    let options = lenient(text());
    let kept: Vec<Vec<_>> = vec![vec!["1", "2"], vec!["6", "7"], vec!["9", "1\n0"]];
    let found: Vec<Vec<_>> =
        rows(&decoded(bytes, &options).unwrap()).into_iter().map(|row| row.into_iter().flatten().collect()).collect();
    assert_eq!(found, kept);
    let expected = [
        ["2", "3", "8", "-", "expected 2 cells, found 1"],
        ["3", "5", "18", "a", "text behind a closing quote"],
        ["5", "6", "24", "b", "a quote inside a cell that doesn't begin with one"],
    ];
    let found = rejects(bytes, &options);
    assert_eq!(found.iter().map(|row| &row[..5]).collect::<Vec<_>>(), expected);
}

#[test]
fn misfits_are_set_aside_with_their_record() {
    let schema =
        Schema::Given(vec![("a".into(), ColumnType::Int64), ("b".into(), ColumnType::Bool)], Schema::Infer.into());
    let options = lenient(Options { schema, ..Options::default() });
    let bytes = "a,b,c\n1,yes,1\nx,maybe,text\n\"2\",no,2\n3,4\n4,y,5\n5,,\n";
    let decoded = decoded(bytes, &options).unwrap();
    assert_eq!(column(&decoded, 0), [Some("1".into()), Some("2".into()), Some("5".into())]);
    // The rejected `text` doesn't make the column text.
    assert_eq!(column(&decoded, 2), [Some("1".into()), Some("2".into()), None]);
    assert_eq!(super::types(&decoded), ["Int64", "Boolean", "Int64"]);
    assert_eq!(decoded.records, 3);
    let expected = [
        ["2", "3", "14", "a", "`x` is not a valid int64"],
        ["4", "5", "36", "-", "expected 3 cells, found 2"],
        ["5", "6", "42", "b", "`y` is not a valid bool (`true`, `yes`, `1`, `false`, `no` or `0`)"],
    ];
    let found = rejects(bytes, &options);
    assert_eq!(found.iter().map(|row| &row[..5]).collect::<Vec<_>>(), expected);
}

#[test]
fn a_lost_quote_costs_no_more_than_it_must() {
    let options = lenient(Options { record_bytes: 64, ..text() });
    let bytes = format!("a,b\n\"1,2\n{}", "3,4\n".repeat(50));
    for size in 1..bytes.len() {
        let decoded = pushed(bytes.as_bytes(), &vec![size; bytes.len() / size], &options).unwrap();
        assert_eq!(decoded.records, 50);
    }
    assert_eq!(
        rejects(&bytes, &options).iter().map(|row| &row[..5]).collect::<Vec<_>>(),
        [["1", "2", "4", "-", "the record is longer than 64 bytes"]]
    );
    // The same without the limit: the end of the input tells.
    assert_eq!(decoded(&bytes, &lenient(text())).unwrap().records, 50);
}

#[test]
fn many_faults_take_linear_time() {
    let bytes = format!("a,b\n{}", "1,2\n3\n\"4\n5\"6,7\n".repeat(60_000));
    let decoded = decoded(bytes, &lenient(text())).unwrap();
    assert_eq!(decoded.records, 60_000);
    assert_eq!(decoded.rejects.unwrap().num_rows(), 180_000);
}
