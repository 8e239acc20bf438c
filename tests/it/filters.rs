//! Filters: what they leave is what the same rule leaves of the whole report.

use arrow_array::{Array, BooleanArray, RecordBatch, cast::AsArray, types::Date32Type};
use arrow_select::{concat::concat_batches, filter::filter_record_batch};
use insightframe::{
    error::Kind,
    export::{Export, Start},
    handoff::Table,
    ids::{Identifier, ReportName},
    insights::{
        calendar::Unit,
        filter::{Filter, Interval, Last},
    },
    origin::Origin,
};
use jiff::civil::{Date, date};
use serde_json::json;

use crate::stage::{EXECUTE, IDENTIFIERS, MAIN, Stage, filtered, on_days, refused, whole};

const QUEUE: &str = "label.conversations.queue";
const CHANNEL: &str = "label.conversations.channel";
const DAY: &str = "date.date.mmddyyyy";

fn label(name: &str) -> ReportName {
    ReportName::Identifier(Identifier::parse(name).unwrap())
}

fn among(name: &str, titles: &[&str]) -> Filter {
    Filter::among(label(name), titles.iter().map(|title| (*title).to_owned())).unwrap()
}

fn last(name: &str, count: u32, unit: Unit, current: bool) -> Filter {
    Filter::last(label(name), Last::new(count, unit, current).unwrap())
}

fn rows(table: &Table) -> RecordBatch {
    concat_batches(table.schema(), table.batches()).unwrap()
}

/// The rows whose cell in this column is one of these.
fn where_column(all: &RecordBatch, column: &str, titles: &[&str]) -> RecordBatch {
    let cells = all.column_by_name(column).unwrap();
    let cells = arrow_cast::cast(cells, &arrow_schema::DataType::Utf8).unwrap();
    let cells = cells.as_string::<i32>();
    let passes: BooleanArray = (0..cells.len()).map(|row| Some(titles.contains(&cells.value(row)))).collect();
    filter_record_batch(all, &passes).unwrap()
}

/// The different values of a column.
fn titles(all: &RecordBatch, column: &str) -> Vec<String> {
    let cells = arrow_cast::cast(all.column_by_name(column).unwrap(), &arrow_schema::DataType::Utf8).unwrap();
    let titles: std::collections::BTreeSet<_> = cells.as_string::<i32>().iter().flatten().map(str::to_owned).collect();
    titles.into_iter().collect()
}

/// The first and the last day, and how many there are.
fn days(table: &Table) -> Option<(String, String, usize)> {
    let all = rows(table);
    let days = all.column_by_name("Date").unwrap().as_primitive::<Date32Type>();
    let days: std::collections::BTreeSet<i32> = days.values().iter().copied().collect();
    let text = |day: &i32| Date::constant(1970, 1, 1).saturating_add(jiff::Span::new().days(*day)).to_string();
    Some((days.first().map(text)?, days.last().map(text)?, days.len()))
}

#[tokio::test]
async fn elements_are_named_by_title_and_several_filters_hold_at_once() {
    let stage = Stage::new();
    let all = rows(&stage.table(&whole(MAIN)).await.unwrap());
    let known = titles(&all, "Queue");
    let queues = [known[0].as_str(), known[2].as_str()];
    let billing = stage.table(&filtered(whole(MAIN), vec![among(QUEUE, &queues)])).await.unwrap();
    let expected = where_column(&all, "Queue", &queues);
    assert!(expected.num_rows() > 0 && expected.num_rows() < all.num_rows());
    assert!(rows(&billing) == expected);
    let channel = titles(&expected, "Channel")[0].clone();
    let filters = vec![among(QUEUE, &queues), among(CHANNEL, &[channel.as_str()])];
    let start = on_days(filtered(whole(MAIN), filters), "2023-01-03", "2023-01-09");
    let both = stage.table(&start).await.unwrap();
    let week = rows(&stage.table(&on_days(whole(MAIN), "2023-01-03", "2023-01-09")).await.unwrap());
    let expected = where_column(&where_column(&week, "Queue", &queues), "Channel", &[channel.as_str()]);
    assert!(expected.num_rows() > 0);
    assert!(rows(&both) == expected);
    // In windows, as a stream and as a file too; titles are looked up once, not for each window.
    stage.sandbox.clear_ledger();
    let windowed = crate::stage::cut(start.clone(), "1d");
    assert!(rows(&stage.table(&windowed).await.unwrap()) == expected);
    let looked_up = stage.sandbox.ledger().iter().filter(|entry| entry.path.ends_with("/validElements")).count();
    assert!(looked_up <= 4, "{looked_up}");
    assert!(concat_batches(&expected.schema(), &stage.stream(&start).await.unwrap()).unwrap() == expected);
    assert!(stage.download(&start).await.unwrap().0 == stage.download(&windowed).await.unwrap().0);
}

#[tokio::test]
async fn titles_that_are_not_there_are_all_named_before_anything_is_executed() {
    let stage = Stage::new();
    let unknown = |titles: &[&str]| filtered(whole(MAIN), vec![among(QUEUE, titles)]);
    let said = async |titles: &[&str]| {
        let error = refused(stage.table(&unknown(titles)).await);
        assert_eq!(error.code(), "NotFound");
        let workspace = stage.sandbox.workspace();
        error.to_string().replace(workspace, "WORKSPACE")
    };
    insta::assert_snapshot!(said(&["Biling", "Billing", "xyzzy"]).await, @r"
    POST /gdc/md/WORKSPACE/obj/1141/validElements answered 200: `label.conversations.queue` doesn't have the elements `Biling`, `xyzzy`
    hint: did you mean `Billing`?
    ");
    insta::assert_snapshot!(said(&["xyzzy"]).await, @r#"
    POST /gdc/md/WORKSPACE/obj/1141/validElements answered 200: `label.conversations.queue` doesn't have the element `xyzzy`
    hint: titles are compared letter by letter; `elements("label.conversations.queue")` lists them
    "#);
    let error = refused(stage.table(&filtered(whole(MAIN), vec![among("label.no.such", &["x"])])).await);
    assert!(error.code() == "NotFound" && error.to_string().contains("`label.no.such`"), "{error}");
    assert_eq!(stage.sandbox.executions(), 0);
}

#[tokio::test]
async fn periods_are_those_of_the_calendar() {
    let stage = Stage::with(|served| served.data_end = date(2024, 5, 15), |_| ());
    // The data ends on a Wednesday, which the sandbox takes for today.
    for (name, count, unit, current, expected) in [
        (DAY, 7, Unit::Day, false, ("2024-05-08", "2024-05-14", 7)),
        (DAY, 7, Unit::Day, true, ("2024-05-09", "2024-05-15", 7)),
        ("date.date.ddmmyyyy", 1, Unit::Day, true, ("2024-05-15", "2024-05-15", 1)),
        (DAY, 1, Unit::Week, false, ("2024-05-06", "2024-05-12", 7)),
        (DAY, 2, Unit::Week, true, ("2024-05-06", "2024-05-15", 10)),
        (DAY, 1, Unit::Month, false, ("2024-04-01", "2024-04-30", 30)),
        (DAY, 3, Unit::Month, false, ("2024-02-01", "2024-04-30", 90)),
        (DAY, 1, Unit::Quarter, false, ("2024-01-01", "2024-03-31", 91)),
        (DAY, 1, Unit::Year, false, ("2023-01-01", "2023-12-31", 365)),
        (DAY, 1, Unit::Year, true, ("2024-01-01", "2024-05-15", 136)),
        // A label of years, asked for its own unit and for another one.
        ("date.aag81lMifn6q", 1, Unit::Year, false, ("2023-01-01", "2023-12-31", 365)),
        ("date.aag81lMifn6q", 1, Unit::Month, false, ("2024-04-01", "2024-04-30", 30)),
    ] {
        let start = filtered(whole(MAIN), vec![last(name, count, unit, current)]);
        let found = days(&stage.table(&start).await.unwrap()).unwrap();
        assert_eq!((found.0.as_str(), found.1.as_str(), found.2), expected, "{count} {unit}s on {name}");
    }
    // With days beside them, both hold.
    let start = filtered(on_days(whole(MAIN), "2024-04-29", "2024-05-02"), vec![last(DAY, 1, Unit::Month, false)]);
    assert_eq!(days(&stage.table(&start).await.unwrap()).unwrap().2, 2);
}

#[tokio::test]
async fn the_last_days_cost_nothing_to_look_up_and_the_last_month_little() {
    let stage = Stage::new();
    let cost = async |filter: Filter| {
        stage.table(&filtered(whole(MAIN), vec![])).await.unwrap();
        stage.sandbox.clear_ledger();
        stage.table(&filtered(whole(MAIN), vec![filter])).await.unwrap();
        stage.sandbox.ledger().len() - 2
    };
    // The identifier; then the identifier of the sibling and its attribute.
    assert_eq!(cost(last(DAY, 7, Unit::Day, false)).await, 1);
    assert_eq!(cost(last(DAY, 1, Unit::Month, false)).await, 2);
    assert!(cost(last(DAY, 2, Unit::Month, false)).await <= 1);
}

#[tokio::test]
async fn a_period_needs_a_date() {
    let stage = Stage::new();
    let on = |name: &str, unit| filtered(whole(MAIN), vec![last(name, 1, unit, false)]);
    insta::assert_snapshot!(refused(stage.table(&on(QUEUE, Unit::Month)).await), @r"
    `label.conversations.queue` is no label of a date, so months can't be counted on it
    hint: name a label of days, such as `date.date.mmddyyyy`
    ");
    // A dimension without such a label.
    stage.fault(json!({
        "fault": "status", "status": 200, "body": "{\"identifiers\":[]}", "path": IDENTIFIERS, "skip": 1, "times": 1
    }));
    let fresh = Stage::new();
    fresh.fault(json!({
        "fault": "status", "status": 200, "body": "{\"identifiers\":[]}", "path": IDENTIFIERS, "skip": 1, "times": 1
    }));
    insta::assert_snapshot!(refused(fresh.table(&on(DAY, Unit::Quarter)).await), @r"
    the date of `date.date.mmddyyyy` has no label that counts in quarters
    hint: name a label of quarters by its own identifier
    ");
    assert_eq!(stage.sandbox.executions() + fresh.sandbox.executions(), 0);
}

#[tokio::test]
async fn what_is_not_modelled_goes_through_as_it_is() {
    let stage = Stage::new();
    let raw = |constraint: serde_json::Value| {
        filtered(whole(MAIN), vec![Filter::raw(label(DAY), constraint.as_object().unwrap().clone()).unwrap()])
    };
    let found = stage.table(&raw(json!({"type": "interval", "from": "2023-01-30", "to": "2023-01-31"}))).await.unwrap();
    assert_eq!(days(&found).unwrap().2, 2);
    let found = stage.table(&raw(json!({"type": "floating", "from": "-2", "to": "0"}))).await.unwrap();
    assert_eq!(days(&found).unwrap().2, 3);
    let error = refused(stage.table(&raw(json!({"type": "relative"}))).await);
    assert!(error.code() == "UnexpectedReply" && error.to_string().contains("'relative'"), "{error}");
    assert_eq!(stage.sent("POST", EXECUTE), 3);
}

#[tokio::test]
async fn a_label_may_be_named_by_its_address_of_the_same_workspace() {
    let stage = Stage::new();
    let workspace = insightframe::ids::WorkspaceId::parse(stage.sandbox.workspace()).unwrap();
    let queue = Identifier::parse(QUEUE).unwrap();
    let uris = stage.client.identifiers(&stage.call(), &workspace, std::slice::from_ref(&queue)).await.unwrap();
    let origin = Origin::parse(stage.sandbox.url(), "/gdc/").unwrap();
    let by = |address: &str| {
        let label = ReportName::parse_label(address, &origin).unwrap();
        filtered(whole(MAIN), vec![Filter::among(label, ["Billing".to_owned()]).unwrap()])
    };
    let uri = uris[&queue].to_string();
    let truth = stage.table(&filtered(whole(MAIN), vec![among(QUEUE, &["Billing"])])).await.unwrap();
    assert!(rows(&stage.table(&by(&uri)).await.unwrap()) == rows(&truth));
    let elsewhere = uri.replace(stage.sandbox.workspace(), &"z".repeat(32));
    let error = refused(stage.table(&by(&elsewhere)).await);
    assert!(
        matches!(error.kind(), Kind::Config(_)) && error.to_string().contains("is not in the workspace"),
        "{error}"
    );
}

#[tokio::test]
async fn days_are_compared_with_any_label_of_a_date() {
    let stage = Stage::new();
    for label in ["date.date.yyyymmdd", "date.date.mdyy", "date.date.long", "date.date.ddmmyyyy", "date.date.eddmmyyyy"]
    {
        let Start::New(export) = whole(MAIN) else { panic!() };
        let label = Some(Identifier::parse(label).unwrap());
        let days = Interval::new(Some(date(2023, 1, 3)), Some(date(2023, 1, 4)), label).unwrap();
        let table = stage.table(&Start::New(Export { interval: days, ..export })).await.unwrap();
        assert_eq!(table.num_rows(), 40);
    }
}
