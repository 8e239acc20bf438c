//! Datasets: what is in them, what is fetched, what goes wrong.

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch};
use arrow_cast::cast;
use arrow_schema::{Schema, SchemaRef};
use arrow_select::concat::concat_batches;
use insightframe::{
    Error, Result,
    clock::SystemClock,
    dataset::{self, Asked, Filling},
    export::{Export, Start},
    handoff::{
        Format, Receipt, Stream, Table,
        journal::{Identity, Journal, Row},
        store::{Place, StorageOptions},
    },
    insights::window::{Every, Window, cut},
    sandbox::options::EmptyReport,
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

use crate::stage::{EMPTY, MAIN, RESULT, Stage, on_days, refused, whole};

fn asked(root: &Path, first: &str, last: &str, every: Option<Every>) -> Asked {
    of_report(MAIN, root, first, last, every)
}

fn of_report(report: &str, root: &Path, first: &str, last: &str, every: Option<Every>) -> Asked {
    let Start::New(export) = on_days(whole(report), first, last) else { unreachable!() };
    let (root, format) = (Place::local(root), Format::Parquet);
    Asked { export: Export { every, ..export }, root, format, restate: 0, widen: false }
}

async fn write(stage: &Stage, asked: &Asked) -> Result<Receipt> {
    dataset::write(&stage.client, &stage.call(), asked).await
}

fn days(days: &[(String, String)]) -> Vec<&str> {
    days.iter().map(|(start, _)| start.as_str()).collect()
}

/// The files of a dataset in the order of their windows, as a reader of hive partitions finds them.
fn files(root: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let mut partitions: Vec<_> =
        entries.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("window_start=")).collect();
    partitions.sort();
    partitions.iter().flat_map(|path| std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path())).collect()
}

fn batches(path: &Path) -> (SchemaRef, Vec<RecordBatch>) {
    let reader = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(path).unwrap()).unwrap();
    let schema = Arc::clone(reader.schema());
    (schema, reader.build().unwrap().map(Result::unwrap).collect())
}

/// All rows, whose columns must be the same in every file.
fn rows(root: &Path) -> RecordBatch {
    let files: Vec<_> = files(root).iter().map(|path| batches(path)).collect();
    let schema = Arc::clone(&files[0].0);
    assert!(files.iter().all(|(other, _)| other == &schema));
    concat_batches(&schema, files.iter().flat_map(|(_, batches)| batches)).unwrap()
}

/// A table with the layouts of the dataset's columns.
fn same(table: &Table, schema: &SchemaRef) -> RecordBatch {
    let all = concat_batches(table.schema(), table.batches()).unwrap();
    let columns =
        all.columns().iter().zip(schema.fields()).map(|(column, field)| cast(column, field.data_type()).unwrap());
    RecordBatch::try_new(Arc::clone(schema), columns.collect()).unwrap()
}

#[tokio::test]
async fn a_dataset_is_the_single_export_in_pieces() {
    let stage = Stage::with(|served| served.rows_per_day = 7, |_| ());
    let mut random = fastrand::Rng::with_seed(11);
    let first = jiff::civil::date(2023, 1, 1);
    for every in [Some(Every::Day), Some(Every::Week), Some(Every::Month), None, Some(Every::Day), Some(Every::Week)] {
        let room = tempfile::tempdir().unwrap();
        // Some ranges begin before the data, some end after it.
        let start = first + jiff::Span::new().days(random.i64(-5..28));
        let end = start + jiff::Span::new().days(random.i64(0..15));
        let (start, end) = (start.to_string(), end.to_string());
        let receipt = write(&stage, &asked(room.path(), &start, &end, every)).await.unwrap();
        let table = stage.table(&on_days(whole(MAIN), &start, &end)).await.unwrap();
        let found = rows(room.path());
        assert!(found == same(&table, found.schema_ref()), "{start} to {end}, {every:?}");
        assert_eq!(receipt.rows, found.num_rows() as u64);
        assert_eq!(receipt.schema_fingerprint, table.receipt().unwrap().schema_fingerprint);
        assert_eq!(receipt.windows.len(), files(room.path()).len());
    }
}

#[tokio::test]
async fn what_is_done_costs_no_request_and_the_newest_are_fetched_again() {
    let (stage, room) = (Stage::new(), tempfile::tempdir().unwrap());
    let root = room.path().join("calls");
    let mut asked = asked(&root, "2023-01-02", "2023-01-05", Some(Every::Day));
    let receipt = write(&stage, &asked).await.unwrap();
    assert_eq!((receipt.rows, receipt.skipped.len()), (80, 0));
    assert_eq!(days(&receipt.windows), ["2023-01-02", "2023-01-03", "2023-01-04", "2023-01-05"]);

    stage.sandbox.clear_ledger();
    let receipt = write(&stage, &asked).await.unwrap();
    assert_eq!((receipt.rows, receipt.windows.len(), receipt.skipped.len()), (0, 0, 4));
    assert!(stage.sandbox.ledger().is_empty());

    asked.restate = 2;
    let receipt = write(&stage, &asked).await.unwrap();
    assert_eq!(days(&receipt.windows), ["2023-01-04", "2023-01-05"]);
    assert_eq!((receipt.rows, stage.sent("GET", RESULT)), (40, 2));
    assert_eq!(rows(&root).num_rows(), 80);
}

#[tokio::test]
async fn a_window_without_rows_is_a_file_without_rows() {
    for empty_report in [EmptyReport::NoContent, EmptyReport::HeaderOnly] {
        let stage = Stage::with(|served| served.empty_report = empty_report, |_| ());
        let room = tempfile::tempdir().unwrap();
        // The data ends on the 31st of January.
        let asked = asked(room.path(), "2023-01-30", "2023-02-02", Some(Every::Day));
        assert_eq!(write(&stage, &asked).await.unwrap().rows, 40);
        let files = files(room.path());
        assert_eq!(files.len(), 4);
        assert_eq!(rows(room.path()).num_rows(), 40);
        assert_eq!(write(&stage, &asked).await.unwrap().skipped.len(), 4);
    }
}

#[tokio::test]
async fn another_report_or_another_cut_is_refused_before_anything_is_sent() {
    let (stage, room) = (Stage::new(), tempfile::tempdir().unwrap());
    let root = room.path().join("calls");
    write(&stage, &asked(&root, "2023-01-02", "2023-01-03", Some(Every::Day))).await.unwrap();
    stage.sandbox.clear_ledger();
    let other = of_report(EMPTY, &root, "2023-01-02", "2023-01-03", Some(Every::Day));
    let error = refused(write(&stage, &other).await).to_string();
    assert!(error.contains("holds another dataset: its report is"), "{error}");
    let months = asked(&root, "2023-01-01", "2023-01-31", Some(Every::Month));
    let error = refused(write(&stage, &months).await).to_string();
    assert!(error.contains("some days would be there twice"), "{error}");
    let csv = Asked { format: Format::Csv, ..asked(&root, "2023-01-04", "2023-01-04", Some(Every::Day)) };
    let error = refused(write(&stage, &csv).await).to_string();
    assert!(error.contains("its format is `parquet`, not `csv`"), "{error}");
    assert!(stage.sandbox.ledger().is_empty());
}

#[tokio::test]
async fn a_dataset_lives_in_a_store_too() {
    let stage = Stage::new();
    for format in [Format::Parquet, Format::Ipc, Format::Csv] {
        let url = format!("memory:///datasets/{}", format.as_str());
        let root = Place::parse(&url, &StorageOptions::default()).unwrap();
        let asked = Asked { root, format, ..asked(Path::new(""), "2023-01-30", "2023-02-01", Some(Every::Day)) };
        assert_eq!(write(&stage, &asked).await.unwrap().rows, 40);
        assert_eq!(write(&stage, &asked).await.unwrap().skipped.len(), 3);
        let files = asked.root.files().await.unwrap();
        assert_eq!(files.len(), 4, "{files:?}");
        let name = format!("window_start=2023-02-01/part-0.{}", format.extension());
        assert!(files.contains_key(&name), "{files:?}");
    }
}

/// Windows without a service: what `fetch` gives for each.
async fn fill(root: &Path, widen: bool, fetch: impl AsyncFn(Window) -> Result<RecordBatch>) -> Result<Vec<Row>> {
    let identity = Identity {
        report: "/gdc/md/w/obj/1".into(),
        workspace: "w".into(),
        date: "date".into(),
        filters: Value::Null,
        format: "parquet".into(),
    };
    let (journal, _) = Journal::open(&Place::local(root), identity).await?;
    let done: Vec<_> = journal.rows().iter().map(|row| row.start).collect();
    let first = jiff::civil::date(2024, 5, 1);
    let windows = cut(first, first.last_of_month(), Some(Every::Day));
    let windows = windows.into_iter().filter(|window| !done.contains(&window.start)).collect();
    let filling = Filling {
        root: Place::local(root),
        format: Format::Parquet,
        widen,
        concurrency: 4,
        clock: Arc::new(SystemClock::new()),
    };
    let fetch = &fetch;
    let stream = |window: Window| async move {
        let batch = fetch(window).await?;
        Ok(Stream::spawn(batch.schema(), async move |batches| drop(batches.send(Ok(batch)).await)))
    };
    Ok(filling.fill(journal, windows, stream).await?.rows())
}

fn batch(columns: &[(&str, ArrayRef)]) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.iter().map(|(name, column)| (*name, Arc::clone(column), true)))
        .unwrap()
}

fn number(number: i64) -> ArrayRef {
    Arc::new(Int64Array::from(vec![number]))
}

#[tokio::test]
async fn a_window_that_fails_does_not_take_the_others_with_it() {
    let room = tempfile::tempdir().unwrap();
    let fetched = AtomicUsize::new(0);
    let fetch = async |window: Window| {
        fetched.fetch_add(1, Ordering::SeqCst);
        if window.start.day() == 5 {
            return Err(Error::config("the service is down"));
        }
        // Those that run beside it are slower.
        tokio::time::sleep(Duration::from_millis(30)).await;
        Ok(batch(&[("day", number(window.start.day().into()))]))
    };
    let error = refused(fill(room.path(), false, fetch).await);
    assert!(error.to_string().contains("the service is down"), "{error}");
    let begun = fetched.load(Ordering::SeqCst);
    assert!((5..12).contains(&begun), "{begun}");
    // All that had begun are there, but the one that failed.
    assert_eq!(rows(room.path()).num_rows(), begun - 1);

    let rest = Mutex::new(Vec::new());
    let fetch = async |window: Window| {
        rest.lock().unwrap().push(window.start.day());
        Ok(batch(&[("day", number(window.start.day().into()))]))
    };
    let done = fill(room.path(), false, fetch).await.unwrap();
    assert_eq!((done.len(), rest.lock().unwrap().len()), (31, 31 - (begun - 1)));
    let found = rows(room.path());
    let expected: ArrayRef = Arc::new(Int64Array::from_iter_values(1..=31));
    assert_eq!(found.column(0), &expected);
}

#[tokio::test]
async fn drift_is_an_error_or_a_wider_dataset() {
    let fetch = async |window: Window| {
        let day = window.start.day();
        Ok(match day {
            ..10 => batch(&[("talk", Arc::new(Float64Array::from(vec![0.5])))]),
            _ => batch(&[("talk", number(day.into())), ("agent", number(7))]),
        })
    };
    let room = tempfile::tempdir().unwrap();
    let error = refused(fill(room.path(), false, fetch).await);
    assert!(
        error.to_string().contains("column `talk`: expected float64, as in the windows before, found int64"),
        "{error}"
    );
    assert_eq!(rows(room.path()).num_rows(), 9);

    assert_eq!(fill(room.path(), true, fetch).await.unwrap().len(), 31);
    let columns = |day: &str| batches(&room.path().join(format!("window_start={day}/part-0.parquet"))).0;
    assert_eq!(columns("2024-05-09").fields().len(), 1);
    let wide = columns("2024-05-31");
    assert_eq!(wide.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>(), ["talk", "agent"]);
    assert_eq!(wide.field(0).data_type(), &arrow_schema::DataType::Float64);
}

#[tokio::test]
async fn where_not_even_the_columns_are_known_a_row_of_the_manifest_says_so() {
    let room = tempfile::tempdir().unwrap();
    let nothing = async |window: Window| {
        Ok(match window.start.day() {
            ..31 => RecordBatch::new_empty(Arc::new(Schema::empty())),
            last => batch(&[("day", number(last.into()))]),
        })
    };
    let done = fill(room.path(), false, nothing).await.unwrap();
    let with_files = done.iter().filter(|row| row.file.is_some()).count();
    assert_eq!((done.len(), with_files, files(room.path()).len()), (31, 1, 1));
    let never = async |window: Window| Err(Error::config(format!("{window} is done")));
    assert_eq!(fill(room.path(), false, never).await.unwrap(), done);
}
