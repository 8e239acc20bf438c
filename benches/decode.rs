//! The decoder beside arrow-csv: the part of the benchmarks that needs no Python.
//!
//! - `cargo bench --bench decode [-- MEGABYTES [ROUNDS]]`: interleaved rounds in one process, medians, ratios; default 64
//!   MB, 7 rounds.
//! - `… -- write FOLDER MEGABYTES`: the data of `make bench`; 0 megabytes are a few rows.
//! - `… -- once CONTENDER FILE`: one run in a fresh process, seconds, rows, memory and types as JSON.
//! - `… -- where`: the path of this program.
//!
//! Only ratios within one run mean anything: machines change their pace. Everything uses the allocator that the wheel
//! ships, unless `BENCH_ALLOCATOR=system` says otherwise.

mod shapes;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    collections::BTreeMap,
    hint::black_box,
    io::Cursor,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Instant,
};

use arrow_schema::SchemaRef;
use bytes::Bytes;
use insightframe::{
    csv::{Options, Reader, Schema, decode},
    handoff::decoder::STREAM_BATCH,
};
use mimalloc::MiMalloc;

/// The wheel's allocator, or the system's where the environment says `BENCH_ALLOCATOR=system`.
struct Chosen;

// The wheel's library has its own; lints see the benchmark with it.
#[cfg_attr(not(feature = "python"), global_allocator)]
#[cfg_attr(feature = "python", expect(dead_code, reason = "one of them is in force"))]
static ALLOCATOR: Chosen = Chosen;

unsafe extern "C" {
    safe fn getenv(name: *const std::ffi::c_char) -> *const std::ffi::c_char;
}

fn is_system() -> bool {
    static CHOICE: AtomicU8 = AtomicU8::new(0);
    match CHOICE.load(Ordering::Relaxed) {
        0 => {
            let system = !getenv(c"BENCH_ALLOCATOR".as_ptr()).is_null();
            CHOICE.store(1 + u8::from(system), Ordering::Relaxed);
            system
        }
        choice => choice == 2,
    }
}

// SAFETY: the choice never changes, so that memory goes back to the allocator that it came from.
unsafe impl GlobalAlloc for Chosen {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's.
        unsafe { if is_system() { System.alloc(layout) } else { MiMalloc.alloc(layout) } }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's.
        unsafe { if is_system() { System.dealloc(memory, layout) } else { MiMalloc.dealloc(memory, layout) } }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's.
        unsafe { if is_system() { System.alloc_zeroed(layout) } else { MiMalloc.alloc_zeroed(layout) } }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's.
        unsafe {
            if is_system() { System.realloc(memory, layout, size) } else { MiMalloc.realloc(memory, layout, size) }
        }
    }
}

/// Bytes of a few rows.
const FEW: usize = 16 << 10;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match &*arguments.iter().map(String::as_str).collect::<Vec<_>>() {
        ["write", folder, megabytes] => {
            for name in shapes::NAMES {
                let path = Path::new(folder).join(format!("{name}-{megabytes}.csv"));
                if !path.exists() {
                    let bytes = megabytes.parse::<usize>().expect("a number") << 20;
                    std::fs::write(path, shapes::make(name, bytes.max(FEW))).expect("room on the disk");
                }
            }
        }
        ["once", contender, file] => once(contender, file),
        ["where"] => println!("{}", std::env::current_exe().expect("a path").display()),
        numbers => {
            let number = |index: usize| numbers.get(index).map(|number| number.parse().expect("a number"));
            side_by_side(number(0).unwrap_or(64), number(1).unwrap_or(7));
        }
    }
}

/// What is run, and how many seconds it took each time.
type Contender<'a> = (Box<dyn FnMut() -> u64 + 'a>, Vec<f64>);

fn side_by_side(megabytes: usize, rounds: usize) {
    println!("{megabytes} MB, {rounds} rounds, median MB/s (times arrow-csv)\n");
    println!(
        "{:14}{:>12}{:>20}{:>20}{:>20}{:>20}",
        "", "arrow-csv", "stream, given", "table, given", "table, inferred", "2 threads, inferred"
    );
    for name in shapes::NAMES {
        let csv = shapes::make(name, megabytes << 20);
        let given = shapes::types(&csv);
        let inferred = Options { schema: Schema::Infer, ..Options::default() };
        let parallel = Options { threads: 2, ..inferred.clone() };
        let mut contenders: [Contender<'_>; 5] = [
            (Box::new(|| arrow_csv(&csv).rows), Vec::new()),
            (Box::new(|| stream(&csv, &given).rows), Vec::new()),
            (Box::new(|| table(&csv, &given).rows), Vec::new()),
            (Box::new(|| table(&csv, &inferred).rows), Vec::new()),
            (Box::new(|| table(&csv, &parallel).rows), Vec::new()),
        ];
        let mut rows = None;
        for _ in 0..rounds {
            for (run, seconds) in &mut contenders {
                let start = Instant::now();
                let found = black_box(run());
                seconds.push(start.elapsed().as_secs_f64());
                assert_eq!(*rows.get_or_insert(found), found, "every contender reads every row");
            }
        }
        let medians: Vec<f64> = contenders.iter_mut().map(|(_, seconds)| median(seconds)).collect();
        print!("{name:14}");
        for seconds in &medians {
            let rate = csv.len() as f64 / 1e6 / seconds;
            match seconds == &medians[0] {
                true => print!("{rate:>12.0}"),
                false => print!("{:>20}", format!("{rate:.0} ({:.1}x)", medians[0] / seconds)),
            }
        }
        println!();
    }
}

/// One contender, once.
fn once(contender: &str, file: &str) {
    let csv = Bytes::from(std::fs::read(file).expect("the file"));
    let given = shapes::types(&csv);
    // Forgets the peak of reading the file.
    std::fs::write("/proc/self/clear_refs", "5").expect("Linux");
    let before = resident("VmRSS");
    let start = Instant::now();
    let read = black_box(match contender {
        "arrow-csv" => arrow_csv(&csv),
        "stream" => stream(&csv, &given),
        "table" => table(&csv, &Options { schema: Schema::Infer, ..given }),
        _ => panic!("arrow-csv, stream or table"),
    });
    let seconds = start.elapsed().as_secs_f64();
    let above = resident("VmHWM").saturating_sub(before);
    let types = read.schema.fields().iter().map(|field| (field.name().clone(), field.data_type().to_string()));
    let types: BTreeMap<_, _> = types.collect();
    println!("{}", serde_json::json!({ "seconds": seconds, "rows": read.rows, "peak_kib": above, "types": types }));
}

/// A line of the kernel's account of this process, in KiB.
fn resident(what: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(what)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or_default()
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// What a contender made of the CSV.
struct Read {
    rows: u64,
    schema: SchemaRef,
}

/// Its types from the first hundred rows, as its documentation does it; batches are dropped.
fn arrow_csv(csv: &Bytes) -> Read {
    let format = arrow_csv::reader::Format::default().with_header(true);
    let (schema, _) = format.infer_schema(Cursor::new(csv), Some(100)).expect("a schema");
    let schema = Arc::new(schema);
    let reader = arrow_csv::ReaderBuilder::new(Arc::clone(&schema)).with_header(true);
    let reader = reader.build_buffered(Cursor::new(csv)).expect("a reader");
    Read { rows: reader.map(|batch| batch.expect("a batch").num_rows() as u64).sum(), schema }
}

/// Pieces of a socket's size, batches as large as those of an export's stream; they are dropped.
fn stream(csv: &Bytes, options: &Options) -> Read {
    let mut reader = Reader::new(Options { batch_bytes: STREAM_BATCH, ..options.clone() });
    let mut rows = 0;
    for at in (0..csv.len()).step_by(256 << 10) {
        reader.push(csv.slice(at..csv.len().min(at + (256 << 10)))).expect("clean bytes");
        while let Some(batch) = reader.take() {
            rows += batch.num_rows() as u64;
        }
    }
    reader.finish().expect("a clean end");
    rows += std::iter::from_fn(|| reader.take()).map(|batch| batch.num_rows() as u64).sum::<u64>();
    Read { rows, schema: reader.schema().expect("a header") }
}

/// Everything at once, everything kept.
fn table(csv: &Bytes, options: &Options) -> Read {
    let decoded = decode(csv.clone(), options.clone()).expect("clean bytes");
    Read { rows: decoded.batches.iter().map(|batch| batch.num_rows() as u64).sum(), schema: decoded.schema }
}
