//! The data of the benchmarks, all invented, the same every time.
//!
//! `report` is a queue report of 11 columns, every cell quoted; `minimal` the same with quotes only where they are needed;
//! `hard` the same with averages of 15 to 17 digits and days in random order; `conversations` has 40 columns with ids,
//! timestamps, free text and many empty cells.

use std::fmt::Write;

use bytes::Bytes;
use insightframe::csv::{ColumnType, DateFormat, Options, Schema, TimestampFormat};

/// Their names.
pub const NAMES: [&str; 4] = ["report", "conversations", "minimal", "hard"];

/// At least so many bytes of the shape.
pub fn make(name: &str, bytes: usize) -> Bytes {
    match name {
        "report" => report(bytes, Style::Report),
        "minimal" => report(bytes, Style::Minimal),
        "hard" => report(bytes, Style::Hard),
        _ => conversations(bytes),
    }
}

/// The types that the report's definition would tell.
pub fn types(csv: &[u8]) -> Options {
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
                || name == "Segment"
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
