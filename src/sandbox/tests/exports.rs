//! Exports: filters, windows, the awkward reports, and the switches that change the answer.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};

use super::client::{Session, ask, records, start};
use crate::sandbox::{
    Options, Sandbox,
    options::{
        BadFilter, CsvGzip, DuplicateTitles, EmptyReport, HeaderCasing, IntervalBounds, NullCell, Raw202Body,
        RawUriForm, TimeFormat,
    },
};

const MAIN: &str = "3035643";

fn small(options: &mut Options) {
    options.rows_per_day = 20;
    options.data_end = jiff::civil::date(2023, 3, 31);
}

fn filter(sandbox: &Sandbox, form: u32, constraint: &Value) -> Value {
    json!({"uri": format!("/gdc/md/{}/obj/{form}", sandbox.workspace()), "constraint": constraint})
}

fn interval(sandbox: &Sandbox, from: &str, to: &str) -> Value {
    json!([filter(sandbox, 1001, &json!({"type": "interval", "from": from, "to": to}))])
}

#[test]
fn windows_are_the_whole_cut_into_days() {
    let sandbox = start(small);
    let session = Session::open(&sandbox);
    for (report, _) in sandbox.reports().iter().filter(|(id, _)| !["3035673", "3035683"].contains(&id.as_str())) {
        let whole = session.export(report, &json!([]));
        let header = whole.lines().next().unwrap();
        let mut joined = format!("{header}\r\n");
        for (from, to) in [("2023-01-01", "2023-01-31"), ("2023-02-01", "2023-02-01"), ("2023-02-02", "2023-03-31")] {
            let window = session.export(report, &interval(&sandbox, from, to));
            joined += window.strip_prefix(&format!("{header}\r\n")).unwrap();
        }
        assert!(joined == whole, "report {report}");
    }
    let number = |filters: &Value| -> f64 { records(&session.export("3035673", filters))[1][0].parse().unwrap() };
    let parts = number(&interval(&sandbox, "2023-01-01", "2023-01-31"))
        + number(&interval(&sandbox, "2023-02-01", "2023-03-31"));
    assert!((parts - number(&json!([]))).abs() < 0.01);
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_one_others() {
    let export = |seed| {
        let sandbox = start(|options| {
            small(options);
            options.seed = seed;
        });
        Session::open(&sandbox).export("3035653", &interval(&sandbox, "2023-01-05", "2023-01-06"))
    };
    assert_eq!(export(7), export(7));
    assert_ne!(export(7), export(8));
}

#[test]
fn rows_are_exact() {
    for rows in [0_u64, 1, 100, 5003] {
        let sandbox = start(|options| options.rows = Some(rows));
        let session = Session::open(&sandbox);
        for report in [MAIN, "3035653", "3035663", "3035693"] {
            let csv = session.export(report, &json!([]));
            assert_eq!(records(&csv).len().saturating_sub(1) as u64, rows, "{report}");
        }
    }
}

#[test]
fn rows_of_the_main_report_are_unique_whatever_their_number() {
    for rows_per_day in [7, 3360, 6000] {
        let sandbox = start(|options| options.rows_per_day = rows_per_day);
        let csv = Session::open(&sandbox).export(MAIN, &interval(&sandbox, "2024-02-29", "2024-02-29"));
        let rows = records(&csv);
        let keys: BTreeSet<_> = rows[1..].iter().map(|row| row[..5].to_vec()).collect();
        assert_eq!(keys.len(), rows_per_day as usize);
        assert!(rows[1..].iter().all(|row| row[1] == "02/29/2024"));
    }
}

#[test]
fn the_main_report_has_counts_decimals_and_empty_cells() {
    let sandbox = start(|_| ());
    let csv = Session::open(&sandbox).export(MAIN, &interval(&sandbox, "2023-12-01", "2023-12-01"));
    let rows = records(&csv);
    let mut empty = 0;
    for row in &rows[1..] {
        let count = |column: usize| row[column].parse::<u64>().unwrap();
        assert_eq!(count(5), count(7) + count(10), "offered = abandons + handled");
        assert_eq!(row[6].is_empty(), count(10) == 0);
        assert_eq!(row[8].is_empty(), count(5) == 0);
        empty += usize::from(row[6].is_empty());
        if !row[6].is_empty() {
            assert_eq!(row[6].split_once('.').unwrap().1.len(), 2, "{row:?}");
            assert_eq!(row[8].split_once('.').unwrap().1.len(), 4, "{row:?}");
        }
    }
    assert!(empty > 100, "{empty}");
}

#[test]
fn list_filters_keep_the_rows_of_their_elements() {
    let sandbox = start(small);
    let session = Session::open(&sandbox);
    let base = format!("/gdc/md/{}/obj", sandbox.workspace());
    let whole = records(&session.export(MAIN, &json!([])));
    let queues = json!({"type": "list", "elements": [format!("{base}/1140/elements?id=4"), format!("{base}/1140/elements?id=7")]});
    let calls = json!({"type": "list", "elements": [format!("{base}/1150/elements?id=1")]});
    let filters = json!([filter(&sandbox, 1141, &queues), filter(&sandbox, 1151, &calls)]);
    let kept = records(&session.export(MAIN, &filters));
    let expected: Vec<_> = whole
        .iter()
        .enumerate()
        .filter(|(at, row)| *at == 0 || (["Billing", "Callback"].contains(&row[0].as_str()) && row[3] == "Call"))
        .map(|(_, row)| row.clone())
        .collect();
    assert!(expected.len() > 10);
    assert_eq!(kept, expected);

    // By an attribute that the report doesn't show: every row belongs to exactly one of its elements.
    let directions = |report: &str, ids: &[u8]| {
        let elements: Vec<_> = ids.iter().map(|id| format!("{base}/1160/elements?id={id}")).collect();
        let list = json!({"type": "list", "elements": elements});
        records(&session.export(report, &json!([filter(&sandbox, 1161, &list)]))).len() - 1
    };
    let agents = "3035663";
    assert_eq!(directions(agents, &[1]) + directions(agents, &[2]), directions(agents, &[1, 2]));

    // By days.
    let days = json!({"type": "list", "elements": [format!("{base}/1000/elements?id=2"), format!("{base}/1000/elements?id=40")]});
    let rows = records(&session.export(MAIN, &json!([filter(&sandbox, 1002, &days)])));
    assert_eq!(
        rows[1..].iter().map(|row| row[1].as_str()).collect::<BTreeSet<_>>(),
        ["01/02/2023", "02/09/2023"].into()
    );
}

#[test]
fn floating_filters_count_from_today_in_the_steps_of_their_label() {
    // The data ends long before today, so its last day, a Tuesday, stands in for today.
    let sandbox = start(|options| options.rows_per_day = 1);
    let session = Session::open(&sandbox);
    for (form, from, to, first, last) in [
        (1001, json!(0), json!(0), "2024-12-31", "2024-12-31"),
        (1005, json!("-55"), json!("-54"), "2024-11-06", "2024-11-07"),
        (1041, json!(-1), json!(-1), "2024-12-22", "2024-12-28"),
        (1051, json!(0), json!(0), "2024-12-30", "2024-12-31"),
        (1031, json!(-1), json!(0), "2024-11-01", "2024-12-31"),
        (1021, json!(-1), json!(-1), "2024-07-01", "2024-09-30"),
        (1011, json!(-1), json!(-1), "2023-01-01", "2023-12-31"),
    ] {
        let floating = json!([filter(&sandbox, form, &json!({"type": "floating", "from": from, "to": to}))]);
        let expected = session.export("3035703", &interval(&sandbox, first, last));
        assert!(!expected.is_empty());
        assert_eq!(session.export("3035703", &floating), expected, "{form} {from} {to}");
    }
}

#[test]
fn a_filter_that_makes_no_sense_is_refused_or_ignored() {
    let bad = |sandbox: &Sandbox| {
        let base = format!("/gdc/md/{}/obj", sandbox.workspace());
        [
            json!({"uri": "/gdc/md/elsewhere/obj/1001"}),
            json!({}),
            json!({"uri": format!("{base}/1000")}),
            filter(sandbox, 1001, &json!({"type": "relative", "from": 0, "to": 0})),
            filter(sandbox, 1001, &json!({"type": "interval", "from": "12/01/2023", "to": "2023-12-30"})),
            filter(sandbox, 1141, &json!({"type": "interval", "from": "2023-12-01", "to": "2023-12-30"})),
            filter(sandbox, 1001, &json!({"type": "floating", "from": "x", "to": 0})),
            filter(sandbox, 1141, &json!({"type": "list", "elements": [format!("{base}/1150/elements?id=1")]})),
            filter(sandbox, 1141, &json!({"type": "list"})),
        ]
    };
    for (switch, status) in [(BadFilter::Refuse, 400), (BadFilter::Ignore, 201)] {
        let sandbox = start(|options| {
            small(options);
            options.bad_filter = switch;
        });
        let session = Session::open(&sandbox);
        let ws = sandbox.workspace();
        for one in bad(&sandbox) {
            let request =
                json!({"report_req": {"report": format!("/gdc/md/{ws}/obj/{MAIN}"), "context": {"filters": [one]}}});
            let answer = session.post(&format!("/gdc/app/projects/{ws}/execute/raw"), &request);
            assert_eq!(answer.status, status, "{one}");
            if status == 400 {
                assert_eq!(answer.json()["error"]["message"], "Checking '%s', result %s");
            }
        }
        // Without a constraint all values pass.
        let all = json!([{"uri": format!("/gdc/md/{ws}/obj/1141")}]);
        assert_eq!(session.export(MAIN, &all), session.export(MAIN, &json!([])));
    }
}

#[test]
fn date_labels_write_one_day_in_every_way() {
    let sandbox = start(|_| ());
    let csv = Session::open(&sandbox).export("3035703", &interval(&sandbox, "2023-12-01", "2023-12-01"));
    let rows = records(&csv);
    assert_eq!(
        rows[1][..16],
        [
            "12/01/2023",
            "2023-12-01",
            "12/1/23",
            "Fri, Dec 1, 2023",
            "01/12/2023",
            "01-12-2023",
            "W48/2023",
            "11/26/2023",
            "11/26/2023 - 12/02/2023",
            "W48/2023",
            "Dec 2023",
            "December 2023",
            "Q4/2023",
            "2023",
            "Fri",
            "6",
        ]
    );
}

#[test]
fn conversations_are_wide_and_full_of_awkward_text() {
    let sandbox = start(|options| options.rows_per_day = 500);
    let csv = Session::open(&sandbox).export("3035653", &interval(&sandbox, "2024-01-01", "2024-01-02"));
    let rows = records(&csv);
    assert!(rows.len() == 1001 && rows.iter().all(|row| row.len() == 40));
    let width = csv.len() / rows.len();
    assert!((500..620).contains(&width), "{width}");
    for awkward in ["\"\"", "\r\nline two", "feed\nin", "🎉", "▸", "\"+4477", "\"+1555", "\"0000"] {
        assert!(csv.contains(awkward), "{awkward}");
    }
    assert!(rows[1..].iter().all(|row| row[2].len() == 20 && row[2].bytes().all(|b| b.is_ascii_digit())));
    assert!(rows[1..].iter().filter(|row| row[17].is_empty()).count() > 600);
    let ids: BTreeSet<_> = rows[1..].iter().map(|row| &row[1]).collect();
    assert_eq!(ids.len(), 1000);
}

#[test]
fn an_export_without_rows_has_no_content_or_a_header() {
    let far = |sandbox: &Sandbox| interval(sandbox, "2030-01-01", "2030-01-31");
    let sandbox = start(small);
    let session = Session::open(&sandbox);
    for uri in [
        session.execute("3035683", &json!([])),
        session.execute(MAIN, &far(&sandbox)),
        session.execute("3035673", &far(&sandbox)),
    ] {
        let answer = session.get(&uri);
        assert_eq!((answer.status, answer.header("Content-Type"), answer.header("Transfer-Encoding")), (204, "", ""));
    }
    let sandbox = start(|options| options.empty_report = EmptyReport::HeaderOnly);
    let session = Session::open(&sandbox);
    assert_eq!(session.export("3035683", &json!([])), "\"Queue\",\"Date\",\"Offered Contacts\"\r\n");
}

#[test]
fn results_take_their_time_and_go() {
    let sandbox = start(|options| {
        small(options);
        options.raw_202_count = 1;
        options.compute_seconds = 30.0;
        options.tt_lifetime = 1_000_000;
        options.raw_202_body = Raw202Body::Empty;
    });
    let session = Session::open(&sandbox);
    let uri = session.execute(MAIN, &json!([]));
    for _ in 0..3 {
        let answer = session.get(&uri);
        assert_eq!((answer.status, answer.text().as_str()), (202, ""));
    }
    sandbox.advance(Duration::from_secs(30));
    assert_eq!(session.get(&uri).text(), session.get(&uri).text());
    sandbox.advance(Duration::from_secs(86_400));
    assert_eq!(session.get(&uri).status, 410);
}

#[test]
fn switches_change_what_they_name() {
    let day = |sandbox: &Sandbox| interval(sandbox, "2023-01-02", "2023-01-02");
    let export = |report: &str, change: fn(&mut Options)| {
        let sandbox = start(|options| {
            options.rows_per_day = 20;
            change(options);
        });
        Session::open(&sandbox).export(report, &day(&sandbox))
    };
    assert!(export("3035653", |options| options.null_cell = NullCell::Bare).contains(",,"));
    let header = |csv: String| csv.lines().next().unwrap().to_owned();
    assert!(header(export("3035693", |_| ())).ends_with("\"Contacts\",\"Contacts\""));
    let suffixed = header(export("3035693", |options| options.duplicate_titles = DuplicateTitles::Suffix));
    assert!(suffixed.ends_with("\"Contacts\",\"Contacts (2)\""), "{suffixed}");
    assert_eq!(export(MAIN, |options| options.interval_bounds = IntervalBounds::HalfOpen), "");

    let twelve = export("3035653", |options| options.time_attribute_format = TimeFormat::TwelveHours);
    assert_eq!(records(&twelve)[11][4], "12:00:00 PM");

    let rows = records(&export(MAIN, |options| options.raw_totals = true));
    let (last, body) = rows[1..].split_last().unwrap();
    let sum: u64 = body.iter().map(|row| row[5].parse::<u64>().unwrap()).sum();
    assert_eq!((last[0].as_str(), last[5].parse::<u64>().unwrap(), last[6].as_str()), ("Total", sum, ""));
    assert_eq!(body.len(), 20);
}

#[test]
fn switches_change_the_answer_around_a_result() {
    let status = |change: fn(&mut Options), report: &str| {
        let sandbox = start(|options| {
            small(options);
            change(options);
        });
        let session = Session::open(&sandbox);
        session.get(&session.execute(report, &json!([]))).status
    };
    assert_eq!(status(|options| options.oversize_export = Some(1799), MAIN), 413);
    assert_eq!(status(|options| options.oversize_export = Some(1800), MAIN), 200);

    let sandbox = start(|options| options.raw_uri_form = RawUriForm::Short);
    let session = Session::open(&sandbox);
    let uri = session.execute("3035673", &json!([]));
    assert!(!uri.contains('?') && session.get(&uri).status == 200);

    let sandbox = start(|options| {
        options.unknown_report = 400;
        options.foreign_workspace = 410;
        options.raw_gone_status = 404;
        options.header_casing = HeaderCasing::Lower;
    });
    let ask_for = |tt: &str, line: &str, body: &str| ask(&sandbox, line, &[("x-gdc-authtt", tt)], body);
    let login = ask(&sandbox, "POST /gdc/account/login", &[], &super::client::login_body(&sandbox, 2));
    let tt = login.header("x-gdc-authtt").to_owned();
    assert!(!tt.is_empty() && login.names().iter().all(|name| *name == name.to_lowercase()));
    let ws = sandbox.workspace();
    let body = json!({"report_req": {"report": format!("/gdc/md/{ws}/obj/99")}}).to_string();
    assert_eq!(ask_for(&tt, &format!("POST /gdc/app/projects/{ws}/execute/raw"), &body).status, 400);
    assert_eq!(ask_for(&tt, "GET /gdc/projects/zzz", "").status, 410);
    assert_eq!(ask_for(&tt, &format!("GET /gdc/projects/{ws}/execute/raw/1"), "").status, 404);
}

#[test]
fn a_result_is_compressed_when_asked_and_allowed() {
    use std::io::Read as _;
    let sandbox = start(|options| {
        small(options);
        options.csv_gzip = CsvGzip::WhenAccepted;
    });
    let session = Session::open(&sandbox);
    let uri = session.execute("3035653", &json!([]));
    let plain = session.get(&uri);
    let headers = [("X-GDC-AuthTT", session.tt.as_str()), ("Accept-Encoding", "gzip, br")];
    let packed = ask(&sandbox, &format!("GET {uri}"), &headers, "");
    assert_eq!((plain.header("Content-Encoding"), packed.header("Content-Encoding")), ("", "gzip"));
    let mut text = String::new();
    flate2::read::GzDecoder::new(&packed.body[..]).read_to_string(&mut text).unwrap();
    assert!(text == plain.text() && packed.body.len() < plain.body.len() / 2);
}
