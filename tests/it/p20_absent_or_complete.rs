//! P20: whenever the process that writes is killed, a file is absent or complete, and a dataset goes on with what is done.
//!
//! The child is this very binary. It says when it has begun; a random time later it is killed. 500 of the kills meet a
//! process that writes single files, 500 one that fills a dataset, and restates it when it is full.

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, cast::AsArray, types::Int64Type};
use insightframe::{
    Result,
    clock::SystemClock,
    dataset::Filling,
    handoff::{
        Format, Stream,
        atomic::AtomicFile,
        journal::{Identity, Journal},
        store::Place,
    },
    insights::window::{Every, Window, cut},
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

const KILLS: usize = 500;
const ROOM: &str = "INSIGHTFRAME_TEST_KILLED_ROOM";

/// Runs a test of this binary until it has said that it begins, and kills it soon after.
fn kill(test: &str, room: &Path, random: &mut fastrand::Rng) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(ROOM, room)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().ends_with("it begins")), "the child never began");
    std::thread::sleep(Duration::from_micros(random.u64(0..20_000)));
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success(), "the child ended by itself");
}

fn begin() {
    println!("it begins");
    std::io::stdout().flush().unwrap();
}

/// Bytes that say themselves how many they must be.
fn content(length: u32) -> Vec<u8> {
    let body = (0..length).map(|at| (at ^ length) as u8);
    length.to_le_bytes().into_iter().chain(body).collect()
}

fn is_whole(bytes: &[u8]) -> bool {
    let length = bytes.get(..4).and_then(|head| Some(u32::from_le_bytes(head.try_into().ok()?)));
    length.is_some_and(|length| bytes == content(length))
}

#[test]
fn a_file_is_absent_or_complete() {
    if let Some(room) = std::env::var_os(ROOM) {
        let mut random = fastrand::Rng::new();
        begin();
        loop {
            let path = Path::new(&room).join(format!("{}.csv", random.u8(0..8)));
            let mut file = AtomicFile::create(path).unwrap();
            for piece in content(random.u32(0..400_000)).chunks(50_000) {
                file.write_all(piece).unwrap();
            }
            file.commit().unwrap();
        }
    }
    let room = tempfile::tempdir().unwrap();
    let mut random = fastrand::Rng::with_seed(20);
    let mut seen = 0;
    for _ in 0..KILLS {
        kill("p20_absent_or_complete::a_file_is_absent_or_complete", room.path(), &mut random);
        for entry in fs::read_dir(room.path()).unwrap() {
            let path = entry.unwrap().path();
            assert!(is_whole(&fs::read(&path).unwrap()), "{} is partial", path.display());
            seen += 1;
        }
    }
    assert!(seen > 4 * KILLS, "{seen} files in all: the child did hardly anything");
}

/// Days of a dataset of the child's.
const DAYS: usize = 24;

fn windows() -> Vec<Window> {
    let first = jiff::civil::date(2024, 2, 20);
    cut(first, first + jiff::Span::new().days(DAYS as i64 - 1), Some(Every::Day))
}

/// The rows of a window: which day they are of, and a number that all rows of one fetch share.
fn rows(window: Window, fetch: i64) -> RecordBatch {
    let count = 10 + usize::try_from(window.start.day()).unwrap() * 7;
    let columns: [(&str, ArrayRef); 2] = [
        ("day", Arc::new(StringArray::from(vec![window.start.to_string(); count]))),
        ("fetch", Arc::new(Int64Array::from(vec![fetch; count]))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()
}

/// The child: fills what is missing, then restates all of it again and again. It writes down every window that it fetches
/// because it was missing.
async fn fill(room: PathBuf) -> Result<()> {
    let root = Place::local(room.join("dataset"));
    let log = || OpenOptions::new().append(true).create(true).open(room.join("fetched")).unwrap();
    let identity = Identity {
        report: "/gdc/md/w/obj/1".into(),
        workspace: "w".into(),
        date: "date".into(),
        filters: serde_json::Value::Null,
        format: "parquet".into(),
    };
    let filling = Filling {
        root: root.clone(),
        format: Format::Parquet,
        widen: false,
        concurrency: 3,
        clock: Arc::new(SystemClock::new()),
    };
    begin();
    loop {
        let (journal, warnings) = Journal::open(&root, identity.clone()).await?;
        assert!(warnings.is_empty(), "{warnings:?}");
        let done: BTreeSet<_> = journal.rows().iter().map(|row| row.start).collect();
        let missing: Vec<_> = windows().into_iter().filter(|window| !done.contains(&window.start)).collect();
        let fetch = |window: Window| {
            if !done.contains(&window.start) {
                writeln!(log(), "{}", window.start).unwrap();
            }
            let batch = rows(window, fastrand::i64(..));
            async move { Ok(Stream::spawn(batch.schema(), async move |batches| drop(batches.send(Ok(batch)).await))) }
        };
        let windows = if missing.is_empty() { windows() } else { missing };
        filling.fill(journal, windows, fetch).await?;
    }
}

/// What a reader finds who knows nothing of the manifest: every partition's one file, whole.
fn read(dataset: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let Ok(partitions) = fs::read_dir(dataset) else { return found };
    for partition in partitions {
        let partition = partition.unwrap().path();
        let name = partition.file_name().unwrap().to_str().unwrap().to_owned();
        if name == "_insightframe" {
            continue;
        }
        let day = name.strip_prefix("window_start=").expect("nothing else is there");
        for file in fs::read_dir(&partition).unwrap() {
            let path = file.unwrap().path();
            assert_eq!(path.file_name().unwrap(), "part-0.parquet", "a draft among the data");
            let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap().build().unwrap();
            let batches: Vec<_> = reader.map(Result::unwrap).collect();
            assert_eq!(batches.len(), 1);
            let day: jiff::civil::Date = day.parse().unwrap();
            let fetch = batches[0].column(1).as_primitive::<Int64Type>().value(0);
            assert_eq!(batches[0], rows(Window { start: day, end: day }, fetch), "rows of two fetches in one file");
            assert!(found.insert(day.to_string()));
        }
    }
    found
}

#[test]
fn a_dataset_goes_on_with_what_is_done() {
    if let Some(room) = std::env::var_os(ROOM) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(fill(room.into())).unwrap();
    }
    let mut random = fastrand::Rng::with_seed(20);
    let (mut done, mut lost, mut datasets) = (0, 0, 0);
    let mut room = tempfile::tempdir().unwrap();
    let mut before = BTreeSet::new();
    let mut kills_when_full = 0;
    for _ in 0..KILLS {
        kill("p20_absent_or_complete::a_dataset_goes_on_with_what_is_done", room.path(), &mut random);
        let fetched = fs::read_to_string(room.path().join("fetched")).unwrap_or_default();
        let _ = fs::remove_file(room.path().join("fetched"));
        let again: BTreeSet<&str> = fetched.lines().collect();
        lost += again.iter().filter(|day| before.contains(**day)).count();
        let now = read(&room.path().join("dataset"));
        assert!(before.is_subset(&now), "a window that was done is gone");
        done += now.len() - before.len();
        before = now;
        // A full dataset is restated for a while; then another one begins.
        kills_when_full += usize::from(before.len() == DAYS);
        if kills_when_full == 8 {
            datasets += 1;
            (room, before, kills_when_full) = (tempfile::tempdir().unwrap(), BTreeSet::new(), 0);
        }
    }
    println!("{KILLS} kills, {datasets} datasets full, {done} windows done, {lost} of them fetched again");
    assert!(datasets >= 3, "only {datasets} datasets were filled: the child did hardly anything");
    assert!(lost * 100 <= done, "{lost} of {done} windows were fetched again");
}
