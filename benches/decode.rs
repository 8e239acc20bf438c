//! The decoder beside arrow-csv, in one run: interleaved rounds, medians, ratios.
//!
//! `cargo bench --bench decode [-- MEGABYTES [ROUNDS]]`; default 64 MB, 7 rounds. Only ratios within one run mean
//! anything: machines change their pace.
//!
//! Shapes, all invented: `report` is a queue report of 11 columns, every cell quoted; `minimal` the same with quotes only
//! where they are needed; `hard` the same with averages of 15 to 17 digits and days in random order; `conversations` has
//! 40 columns with ids, timestamps, free text and many empty cells.

use std::{fmt::Write, hint::black_box, io::Cursor, sync::Arc, time::Instant};

use bytes::Bytes;
use insightframe::csv::{ColumnType, DateFormat, Options, Reader, Schema, TimestampFormat, decode};

fn main() {
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let megabytes = numbers.first().copied().unwrap_or(64);
    let rounds = numbers.get(1).copied().unwrap_or(7);
    println!("{megabytes} MB, {rounds} rounds, median MB/s (times arrow-csv)\n");
    println!(
        "{:14}{:>12}{:>20}{:>20}{:>20}{:>20}",
        "", "arrow-csv", "stream, given", "table, given", "table, inferred", "2 threads, inferred"
    );
    for (name, csv) in shapes(megabytes << 20) {
        let given = types(&csv);
        let inferred = Options { schema: Schema::Infer, ..Options::default() };
        let parallel = Options { threads: 2, ..inferred.clone() };
        let mut contenders: [Contender<'_>; 5] = [
            (Box::new(|| arrow_csv(&csv)), Vec::new()),
            (Box::new(|| stream(&csv, &given)), Vec::new()),
            (Box::new(|| table(&csv, &given)), Vec::new()),
            (Box::new(|| table(&csv, &inferred)), Vec::new()),
            (Box::new(|| table(&csv, &parallel)), Vec::new()),
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

/// What is run, and how many seconds it took each time.
type Contender<'a> = (Box<dyn FnMut() -> u64 + 'a>, Vec<f64>);

/// The data by name.
fn shapes(bytes: usize) -> [(&'static str, Bytes); 4] {
    [
        ("report", report(bytes, Style::Report)),
        ("conversations", conversations(bytes)),
        ("minimal", report(bytes, Style::Minimal)),
        ("hard", report(bytes, Style::Hard)),
    ]
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Its types from the first hundred rows, as its documentation does it; batches are dropped.
fn arrow_csv(csv: &Bytes) -> u64 {
    let format = arrow_csv::reader::Format::default().with_header(true);
    let (schema, _) = format.infer_schema(Cursor::new(csv), Some(100)).expect("a schema");
    let reader =
        arrow_csv::ReaderBuilder::new(Arc::new(schema)).with_header(true).build(Cursor::new(csv)).expect("a reader");
    reader.map(|batch| batch.expect("a batch").num_rows() as u64).sum()
}

/// Pieces of a socket's size; batches are dropped.
fn stream(csv: &Bytes, options: &Options) -> u64 {
    let mut reader = Reader::new(options.clone());
    let mut rows = 0;
    for at in (0..csv.len()).step_by(256 << 10) {
        reader.push(csv.slice(at..csv.len().min(at + (256 << 10)))).expect("clean bytes");
        while let Some(batch) = reader.take() {
            rows += batch.num_rows() as u64;
        }
    }
    reader.finish().expect("a clean end");
    rows + std::iter::from_fn(|| reader.take()).map(|batch| batch.num_rows() as u64).sum::<u64>()
}

/// Everything at once, everything kept.
fn table(csv: &Bytes, options: &Options) -> u64 {
    let decoded = decode(csv.clone(), options.clone()).expect("clean bytes");
    decoded.batches.iter().map(|batch| batch.num_rows() as u64).sum()
}

/// The types that the report's definition would tell.
fn types(csv: &Bytes) -> Options {
    let header = csv.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let header = String::from_utf8_lossy(header).replace('"', "");
    let columns = header.split(',').filter_map(|name| {
        let kind = match name {
            "Date" => ColumnType::Date(DateFormat::MmDdYyyy),
            _ if name.starts_with("Average") || name.starts_with("Service") || name.ends_with("Rate") => {
                ColumnType::Float64
            }
            _ if name.ends_with("Contacts")
                || name.ends_with("Handled")
                || name == "Abandons"
                || name.ends_with("Seconds") =>
            {
                ColumnType::Int64
            }
            _ if name.ends_with("At") => ColumnType::Timestamp(TimestampFormat::Civil),
            _ => return None,
        };
        Some((name.to_owned(), kind))
    });
    Options { schema: Schema::Given(columns.collect(), Schema::Text.into()), ..Options::default() }
}

#[derive(Clone, Copy, PartialEq)]
enum Style {
    Report,
    Minimal,
    Hard,
}

fn report(bytes: usize, style: Style) -> Bytes {
    const QUEUES: [&str; 8] =
        ["Billing", "Sales", "Support EN", "Support DE", "Retention", "Technical", "VIP", "Back Office"];
    const CHANNELS: [&str; 4] = ["Call", "Chat", "SMS", "Email"];
    let mut random = fastrand::Rng::with_seed(7);
    let quote = if style == Style::Minimal { "" } else { "\"" };
    let mut csv = String::with_capacity(bytes + 1024);
    let names = [
        "Queue",
        "Date",
        "Interval 15 Minutes",
        "Channel",
        "Direction",
        "Offered Contacts",
        "Average Handle Time",
        "Abandons",
        "Service Level",
        "Average Speed of Answer",
        "Volume Handled",
    ];
    line(&mut csv, quote, &names);
    let mut row = 0;
    while csv.len() < bytes {
        let day = if style == Style::Hard { random.usize(0..3650) } else { row / 800 % 365 };
        let date = format!("{:02}/{:02}/{}", day / 28 % 12 + 1, day % 28 + 1, 2015 + day / 336);
        let interval = format!("{:02}:{:02}", row / 4 % 24, row % 4 * 15);
        let offered = random.u32(0..400);
        let average = |random: &mut fastrand::Rng| match style {
            Style::Hard => format!("{}", random.f64() * 600.0),
            _ if random.u8(0..20) == 0 => String::new(),
            _ => format!("{:.2}", random.f64() * 600.0),
        };
        let (handle, level, speed) = (average(&mut random), average(&mut random), average(&mut random));
        let (abandons, handled) = (random.u32(0..30).to_string(), random.u32(0..400).to_string());
        let direction = if random.bool() { "Inbound" } else { "Outbound" };
        let cells = [
            QUEUES[random.usize(0..8)],
            &date,
            &interval,
            CHANNELS[random.usize(0..4)],
            direction,
            &offered.to_string(),
            &handle,
            &abandons,
            &level,
            &speed,
            &handled,
        ];
        line(&mut csv, quote, &cells);
        row += 1;
    }
    Bytes::from(csv)
}

fn conversations(bytes: usize) -> Bytes {
    const TEXTS: [&str; 6] = [
        "Customer asked about the invoice of last month, resolved",
        "He said \"\"call me back\"\" and hung up",
        "first line\r\nsecond line, with a comma",
        "Rückfrage zur Lieferung 😀",
        "ok",
        "",
    ];
    let mut random = fastrand::Rng::with_seed(11);
    let mut names: Vec<String> = [
        "Conversation ID",
        "Segment",
        "Date",
        "Started At",
        "Ended At",
        "Agent",
        "Agent Email",
        "Team",
        "Queue",
        "Channel",
        "Direction",
        "Customer Phone",
        "Customer",
        "Kind",
        "Abandoned",
        "Talk Seconds",
        "Hold Seconds",
        "Wrap Up Seconds",
        "Queue Seconds",
        "Notes",
        "External ID",
        "Average Sentiment",
    ]
    .map(str::to_owned)
    .into();
    names.extend((1..=18).map(|index| format!("Conversation Attribute {index}")));
    let mut csv = String::with_capacity(bytes + 4096);
    line(&mut csv, "\"", &names.iter().map(String::as_str).collect::<Vec<_>>());
    let mut row = 0u32;
    while csv.len() < bytes {
        let mut cells: Vec<String> = Vec::with_capacity(40);
        let (hour, minute, second) = (random.u8(0..23), random.u8(0..60), random.u8(0..60));
        let agent = random.usize(0..300);
        cells.push(format!("WT{:016x}{:016x}", random.u64(..), random.u64(..)));
        cells.push(format!("{}", random.u8(1..4)));
        cells.push(format!("{:02}/{:02}/2024", row / 3000 % 12 + 1, row / 100 % 28 + 1));
        cells.push(format!(
            "2024-{:02}-{:02} {hour:02}:{minute:02}:{second:02}",
            row / 3000 % 12 + 1,
            row / 100 % 28 + 1
        ));
        cells.push(format!(
            "2024-{:02}-{:02} {hour:02}:{minute:02}:{second:02}",
            row / 3000 % 12 + 1,
            row / 100 % 28 + 1
        ));
        cells.push(format!("Agent Number {agent}"));
        cells.push(format!("agent.{agent}@example.com"));
        cells.push(["North", "South ▸ Billing", "East"][random.usize(0..3)].to_owned());
        cells.push(["Billing", "Sales", "Support"][random.usize(0..3)].to_owned());
        cells.push(["Call", "Chat"][random.usize(0..2)].to_owned());
        cells.push(["Inbound", "Outbound"][random.usize(0..2)].to_owned());
        cells.push(format!("+1555{:07}", random.u32(0..10_000_000)));
        cells.push(format!("{:05}", random.u32(0..100_000)));
        cells.push("Conversation".to_owned());
        cells.push(["Yes", "No"][random.usize(0..2)].to_owned());
        for _ in 0..4 {
            cells.push(if random.u8(0..4) == 0 { String::new() } else { random.u32(0..2000).to_string() });
        }
        cells.push(TEXTS[random.usize(0..TEXTS.len())].to_owned());
        cells.push(format!("{:08}-{:04x}", random.u32(0..100_000_000), random.u16(..)));
        cells.push(format!("{:.3}", random.f64()));
        for index in 0..18 {
            cells.push(match random.u8(0..(3 + index)) {
                0 => "a value of some length".to_owned(),
                1 => "short".to_owned(),
                _ => String::new(),
            });
        }
        line(&mut csv, "\"", &cells.iter().map(String::as_str).collect::<Vec<_>>());
        row += 1;
    }
    Bytes::from(csv)
}

fn line(csv: &mut String, quote: &str, cells: &[&str]) {
    for (index, cell) in cells.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        write!(csv, "{comma}{quote}{cell}{quote}").expect("memory");
    }
    csv.push_str("\r\n");
}
