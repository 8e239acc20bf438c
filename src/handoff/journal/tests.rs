use std::sync::Arc;

use object_store::memory::InMemory;
use serde_json::json;

use super::*;

fn identity() -> Identity {
    Identity {
        report: "/gdc/md/w/obj/1".into(),
        workspace: "w".into(),
        date: "date.date.mmddyyyy".into(),
        filters: Value::Null,
        format: "csv".into(),
    }
}

fn memory() -> Place {
    Place::within(Arc::new(InMemory::new()), "calls")
}

fn row(day: i8, bytes: &[u8]) -> Row {
    let start = jiff::civil::date(2024, 5, day);
    Row {
        start,
        end: start,
        file: Some(format!("window_start={start}/part-0.csv")),
        rows: 1,
        bytes: bytes.len() as u64,
        sha256: Some(sha256(bytes)),
        written: "2024-06-01T04:00:00Z".parse().unwrap(),
    }
}

async fn put(root: &Place, row: &Row, bytes: &[u8]) {
    let file = root.below(row.file.as_ref().unwrap());
    let version = file.read().await.unwrap().map_or(Version::Absent, |(_, version)| version);
    if let Some(path) = file.path() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
    }
    file.replace(bytes.to_vec(), &version).await.unwrap().unwrap();
}

async fn open(root: &Place) -> (Journal, Vec<String>) {
    Journal::open(root, identity()).await.unwrap()
}

fn schema() -> SchemaRef {
    let column = |name: &str, kind| Field::new(name, kind, true);
    Schema::new(vec![
        column("Queue", DataType::Utf8),
        column("Date", DataType::Date32),
        column("Talk \"Time\"", DataType::Float64),
        column("At", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))),
    ])
    .into()
}

#[tokio::test]
async fn a_manifest_can_be_read_by_people_and_says_all() {
    let root = memory();
    let (journal, _) = open(&root).await;
    journal.agree(|_| Ok(schema())).unwrap();
    for day in [1, 2] {
        let row = row(day, b"1");
        journal.announce(row.clone()).await.unwrap();
        put(&root, &row, b"1").await;
        journal.settle(row.start);
    }
    journal.flush().await.unwrap();
    journal.announce(row(3, b"never")).await.unwrap();
    let text = String::from_utf8(root.below(MANIFEST).read().await.unwrap().unwrap().0.to_vec()).unwrap();
    insta::assert_snapshot!(text, @r#"
    {
      "insightframe": "dataset",
      "version": 1,
      "report": "/gdc/md/w/obj/1",
      "workspace": "w",
      "date": "date.date.mmddyyyy",
      "where": null,
      "format": "csv",
      "fingerprint": "ba613da2b4cd0cc2",
      "columns": [
        {"name":"Queue","type":"utf8"},
        {"name":"Date","type":"date32"},
        {"name":"Talk \"Time\"","type":"float64"},
        {"name":"At","type":"timestamp[us, UTC]"}
      ],
      "windows": [
        {"start":"2024-05-01","end":"2024-05-01","file":"window_start=2024-05-01/part-0.csv","rows":1,"bytes":1,"sha256":"6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b","written":"2024-06-01T04:00:00Z"},
        {"start":"2024-05-02","end":"2024-05-02","file":"window_start=2024-05-02/part-0.csv","rows":1,"bytes":1,"sha256":"6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b","written":"2024-06-01T04:00:00Z"}
      ],
      "unsettled": [
        {"start":"2024-05-03","end":"2024-05-03","file":"window_start=2024-05-03/part-0.csv","rows":1,"bytes":5,"sha256":"6497e4b3d7bed16979a343a7db4efa6d57725529f5ac3cec45c1f08fabcbdafc","written":"2024-06-01T04:00:00Z"}
      ]
    }
    "#);
    let (again, warnings) = open(&root).await;
    assert_eq!((again.rows(), warnings.len()), (vec![row(1, b"1"), row(2, b"1")], 0));
    assert_eq!(again.schema(), Some(schema()));
}

#[tokio::test]
async fn a_crash_at_any_step_is_understood() {
    let root = memory();
    let (old, new) = (row(1, b"old"), row(1, b"restated"));
    let done = async |root: &Place| open(root).await.0.rows();

    // Announced, and no more: not done.
    open(&root).await.0.announce(old.clone()).await.unwrap();
    assert_eq!(done(&root).await, []);

    // In its place, but not yet settled: done.
    open(&root).await.0.announce(old.clone()).await.unwrap();
    put(&root, &old, b"old").await;
    assert_eq!(done(&root).await, std::slice::from_ref(&old));

    // A restatement that was only announced: what was there holds.
    open(&root).await.0.announce(new.clone()).await.unwrap();
    assert_eq!(done(&root).await, std::slice::from_ref(&old));

    // A file of the same size, but not the same file.
    open(&root).await.0.announce(Row { sha256: Some(sha256(b"odl")), ..old.clone() }).await.unwrap();
    assert_eq!(done(&root).await, std::slice::from_ref(&old));

    // Restated, but not yet settled.
    open(&root).await.0.announce(new.clone()).await.unwrap();
    put(&root, &new, b"restated").await;
    assert_eq!(done(&root).await, [new]);
}

#[tokio::test]
async fn a_file_that_somebody_took_away_or_changed_is_not_done_any_more() {
    let room = tempfile::tempdir().unwrap();
    let root = Place::local(room.path());
    let (journal, _) = open(&root).await;
    for day in [1, 2, 3] {
        let row = row(day, b"1");
        journal.announce(row.clone()).await.unwrap();
        put(&root, &row, b"1").await;
        journal.settle(row.start);
    }
    journal.flush().await.unwrap();
    drop(journal);
    fs::remove_dir_all(room.path().join("window_start=2024-05-01")).unwrap();
    fs::write(room.path().join("window_start=2024-05-02/part-0.csv"), "longer").unwrap();
    let (journal, warnings) = open(&root).await;
    assert_eq!(journal.rows(), [row(3, b"1")]);
    assert_eq!(
        warnings,
        [
            "`window_start=2024-05-01/part-0.csv` is gone: its window is not done any more",
            "`window_start=2024-05-02/part-0.csv` has been changed: its window is not done any more",
        ]
    );
}

#[tokio::test]
async fn what_is_not_this_dataset_is_refused() {
    let room = tempfile::tempdir().unwrap();
    let root = Place::local(room.path().join("calls"));
    drop(open(&root).await);
    let refused = async |identity: Identity| {
        let error = Journal::open(&root, identity).await.unwrap_err().to_string();
        error.replace(&room.path().display().to_string(), "…")
    };
    insta::assert_snapshot!(refused(Identity { report: "/gdc/md/w/obj/2".into(), ..identity() }).await, @r"
    `…/calls` holds another dataset: its report is `/gdc/md/w/obj/1`, not `/gdc/md/w/obj/2`
    hint: a dataset is one report under one filter; give the other one a place of its own
    ");
    insta::assert_snapshot!(refused(Identity { filters: json!({"label.queue": ["Sales"]}), ..identity() }).await, @r#"
    `…/calls` holds another dataset: its filter is `none`, not `{"label.queue":["Sales"]}`
    hint: a dataset is one report under one filter; give the other one a place of its own
    "#);
    insta::assert_snapshot!(refused(Identity { format: "parquet".into(), ..identity() }).await, @r"
    `…/calls` holds another dataset: its format is `csv`, not `parquet`
    hint: a dataset is one report under one filter; give the other one a place of its own
    ");
    fs::write(root.below(MANIFEST).path().unwrap(), "{\"insightframe\": \"dataset\", \"version\": 2}").unwrap();
    insta::assert_snapshot!(refused(identity()).await, @r"
    `…/calls` was written by a newer insightframe
    hint: update this one
    ");
    fs::write(root.below(MANIFEST).path().unwrap(), "{\"insightframe\":").unwrap();
    insta::assert_snapshot!(refused(identity()).await, @r"
    `…/calls/_insightframe/manifest.json` is damaged: EOF while parsing a value at line 1 column 16
    hint: only the manifest tells what is done: bring it back, or begin the dataset again in an empty place
    ");

    fs::remove_dir_all(root.path().unwrap()).unwrap();
    fs::create_dir_all(root.path().unwrap().join("window_start=2024-05-01")).unwrap();
    fs::write(root.path().unwrap().join("window_start=2024-05-01/theirs.csv"), "").unwrap();
    insta::assert_snapshot!(refused(identity()).await, @r"
    `…/calls` is no dataset of ours, and it is not empty: it has `window_start=2024-05-01/theirs.csv`
    hint: give a dataset a place of its own
    ");
}

#[tokio::test]
async fn only_one_at_a_time_writes_to_a_dataset() {
    let room = tempfile::tempdir().unwrap();
    let root = Place::local(room.path().join("calls"));
    let (first, _) = open(&root).await;
    let error = Journal::open(&root, identity()).await.unwrap_err();
    assert!(error.to_string().ends_with("/calls`: another export is writing to this dataset"), "{error}");
    drop(first);
    fs::write(root.path().unwrap().join("_insightframe/.insightframe-1.part"), "left by a crash").unwrap();
    drop(open(&root).await);
    assert!(!root.path().unwrap().join("_insightframe/.insightframe-1.part").exists());

    // A store has no locks: the second one to write notices, before it puts a file anywhere.
    let root = memory();
    let ((first, _), (second, _)) = (open(&root).await, open(&root).await);
    first.announce(row(1, b"1")).await.unwrap();
    let error = second.announce(row(1, b"2")).await.unwrap_err();
    assert_eq!(error.to_string(), "`calls`: another process has written to this dataset meanwhile");
    first.announce(row(2, b"1")).await.unwrap();
}

#[tokio::test]
async fn one_write_takes_along_what_came_about_during_the_one_before() {
    let root = memory();
    let (journal, _) = open(&root).await;
    let before = journal.written.lock().await.changes;
    let rows = (1..=28).map(|day| journal.announce(row(day, b"1")));
    let announced = futures_util::future::join_all(rows).await;
    assert!(announced.iter().all(Result::is_ok));
    assert_eq!(journal.written.lock().await.changes, before + 28);
    assert_eq!(open(&root).await.0.state().unsettled.len(), 0, "no file came");
}
