//! What holds for every kind of file.

use std::{fs, fs::File, path::Path, process::Command, sync::Arc};

use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use arrow_array::{
    Array, ArrayRef, Date32Array, DictionaryArray, Float64Array, Int64Array, LargeStringArray, StringArray,
    StringViewArray, TimestampMillisecondArray, types::Int32Type,
};
use arrow_cast::cast;
use arrow_ipc::reader::FileReader;
use arrow_schema::{DataType, SchemaRef};
use arrow_select::concat::concat_batches;

use super::*;
use crate::error::Kind;

type Create = fn(&Path, &SchemaRef) -> Result<Box<dyn Sink>>;

const SINKS: [(&str, Create); 3] = [
    ("parquet", |path, schema| Format::Parquet.sink(store::Place::local(path).begin()?, schema)),
    ("arrow", |path, schema| Format::Ipc.sink(store::Place::local(path).begin()?, schema)),
    ("csv", |path, schema| Format::Csv.sink(store::Place::local(path).begin()?, schema)),
];

/// A batch with every layout of text, a dictionary of its own, and a null in each column.
fn batch(queues: [Option<&str>; 3]) -> RecordBatch {
    let texts = [Some("a \"quoted\", cell"), Some("two\r\nlines – ü"), None];
    let dictionary: DictionaryArray<Int32Type> = queues.into_iter().collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("Queue", Arc::new(dictionary)),
        ("Note", Arc::new(StringArray::from(texts.to_vec()))),
        ("Note, large", Arc::new(LargeStringArray::from(texts.to_vec()))),
        ("Note \"view\"", Arc::new(StringViewArray::from(texts.to_vec()))),
        // 2023-12-01, in days since 1970.
        ("Date", Arc::new(Date32Array::from(vec![Some(19_692), None, Some(19_693)]))),
        ("Talk Time", Arc::new(Float64Array::from(vec![Some(11.0), Some(-0.25), None]))),
        ("Conversations", Arc::new(Int64Array::from(vec![Some(1060), None, Some(-1)]))),
        (
            "At",
            Arc::new(TimestampMillisecondArray::from(vec![Some(1_700_000_000_123), None, None]).with_timezone("UTC")),
        ),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true))).unwrap()
}

fn table() -> Table {
    let batches = vec![batch([Some("Sales"), None, Some("Care")]), batch([Some("Night"), Some("Sales"), None])];
    Table::new(batches[0].schema(), batches)
}

/// The same data with plain text instead of dictionaries.
fn plain(schema: &SchemaRef, batches: &[RecordBatch]) -> RecordBatch {
    let whole = concat_batches(schema, batches).unwrap();
    let columns = schema.fields().iter().zip(whole.columns()).map(|(field, column)| {
        let column = match column.data_type() {
            DataType::Dictionary(_, values) => cast(column, values).unwrap(),
            _ => column.clone(),
        };
        (field.name().clone(), column, true)
    });
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

#[test]
fn parquet_gives_back_what_was_written() {
    let room = tempfile::tempdir().unwrap();
    let (table, path) = (table(), room.path().join("table.parquet"));
    let sink = SINKS[0].1(&path, table.schema()).unwrap();
    assert_eq!(table.write(sink).unwrap(), fs::metadata(&path).unwrap().len());
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap();
    assert_eq!(reader.schema(), table.schema());
    let batches: Vec<_> = reader.build().unwrap().map(Result::unwrap).collect();
    assert_eq!(plain(table.schema(), &batches), plain(table.schema(), table.batches()));
}

#[test]
fn ipc_gives_back_what_was_written_with_dictionaries_as_values() {
    let room = tempfile::tempdir().unwrap();
    let (table, path) = (table(), room.path().join("table.arrow"));
    let sink = SINKS[1].1(&path, table.schema()).unwrap();
    assert_eq!(table.write(sink).unwrap(), fs::metadata(&path).unwrap().len());
    let reader = FileReader::try_new(File::open(&path).unwrap(), None).unwrap();
    let schema = reader.schema();
    assert_eq!(*schema.field(0).data_type(), DataType::Utf8);
    let batches: Vec<_> = reader.map(Result::unwrap).collect();
    assert_eq!(concat_batches(&schema, &batches).unwrap(), plain(table.schema(), table.batches()));
}

#[test]
fn csv_is_minimal_and_after_rfc_4180() {
    let room = tempfile::tempdir().unwrap();
    let (table, path) = (table(), room.path().join("table.csv"));
    let sink = SINKS[2].1(&path, table.schema()).unwrap();
    assert_eq!(table.write(sink).unwrap(), fs::metadata(&path).unwrap().len());
    let text = fs::read_to_string(&path).unwrap();
    let mut lines = text.split("\r\n");
    assert_eq!(lines.next(), Some(r#"Queue,Note,"Note, large","Note ""view""",Date,Talk Time,Conversations,At"#));
    let cell = r#""a ""quoted"", cell""#;
    let first = format!("Sales,{cell},{cell},{cell},2023-12-01,11.0,1060,2023-11-14T22:13:20.123Z");
    assert_eq!(lines.next(), Some(first.as_str()));
    assert!(text.contains("\r\nCare,,,,2023-12-02,,-1,\r\n"), "{text}");
    assert!(text.ends_with("\r\n"));
}

#[test]
fn a_table_without_rows_is_a_file_with_a_schema() {
    let room = tempfile::tempdir().unwrap();
    for (kind, create) in SINKS {
        let path = room.path().join(kind);
        let empty = Table::new(table().schema().clone(), vec![]);
        assert!(empty.write(create(&path, empty.schema()).unwrap()).unwrap() > 0);
        match kind {
            "parquet" => {
                let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap();
                assert_eq!(reader.schema(), empty.schema());
            }
            "arrow" => {
                let reader = FileReader::try_new(File::open(&path).unwrap(), None).unwrap();
                assert_eq!((reader.schema().fields().len(), reader.num_batches()), (8, 0));
            }
            _ => assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 1),
        }
    }
}

#[test]
fn a_sink_that_is_not_finished_leaves_nothing() {
    let room = tempfile::tempdir().unwrap();
    for (kind, create) in SINKS {
        let table = table();
        let mut sink = create(&room.path().join(kind), table.schema()).unwrap();
        sink.write(&table.batches()[0]).unwrap();
        drop(sink);
        assert_eq!(fs::read_dir(room.path()).unwrap().count(), 0, "{kind}");
    }
}

/// A limit on the size of files stands in for a full disk. It holds for a whole process, so this one runs itself.
#[test]
fn a_full_disk_is_a_file_error_and_leaves_nothing() {
    const ROOM: &str = "INSIGHTFRAME_TEST_FULL_ROOM";
    /// EFBIG, which is what such a limit gives where a full disk gives ENOSPC.
    const TOO_LARGE: i32 = 27;
    if let Some(room) = std::env::var_os(ROOM) {
        let mut random = fastrand::Rng::with_seed(7);
        let noise: ArrayRef = Arc::new(Int64Array::from_iter_values((0..200_000).map(|_| random.i64(..))));
        let batch = RecordBatch::try_from_iter([("n", noise)]).unwrap();
        for (kind, create) in SINKS {
            let path = Path::new(&room).join(kind);
            fs::write(&path, "old").unwrap();
            let table = Table::new(batch.schema(), vec![batch.clone()]);
            let error = table.write(create(&path, table.schema()).unwrap()).unwrap_err();
            assert!(matches!(error.kind(), Kind::File { errno: Some(TOO_LARGE), .. }), "{kind}: {error:?}");
            assert!(error.to_string().starts_with(&format!("`{}`: ", path.display())), "{error}");
            assert_eq!(fs::read(&path).unwrap(), b"old");
        }
        return;
    }
    let room = tempfile::tempdir().unwrap();
    // Units of 512 bytes; without the trap the kernel would end the process instead of failing the write.
    let output = Command::new("sh")
        .args(["-c", r#"trap '' XFSZ; ulimit -f 1024; exec "$0" "$@""#])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "handoff::tests::a_full_disk_is_a_file_error_and_leaves_nothing", "--nocapture"])
        .env(ROOM, room.path())
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && words.contains("1 passed"), "{words}");
    assert_eq!(fs::read_dir(room.path()).unwrap().count(), SINKS.len());
}

/// Waits, for at most ten seconds, until something is so.
pub(super) async fn until(is_so: impl Fn() -> bool) {
    for _ in 0..2_000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("it never came about");
}
