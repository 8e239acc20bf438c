//! A client of a few lines that shows the bytes as they came.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use serde_json::Value;

use crate::sandbox::{Options, Sandbox};

/// An answer, taken apart as little as possible.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value)
    }

    pub(super) fn names(&self) -> Vec<&str> {
        self.headers.iter().map(|(name, _)| name.as_str()).collect()
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Sends bytes on a connection of their own, and reads until the peer closes.
pub(super) fn send(sandbox: &Sandbox, bytes: &[u8]) -> Vec<u8> {
    let mut socket = TcpStream::connect(sandbox.url().trim_start_matches("http://")).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    socket.write_all(bytes).unwrap();
    let mut all = Vec::new();
    // A reset shows as an error after what was read.
    let _ = socket.read_to_end(&mut all);
    all
}

/// A request of one line and headers, with a body; the connection is closed afterwards.
pub(super) fn ask(sandbox: &Sandbox, line: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut text = format!("{line} HTTP/1.1\r\nHost: 127.0.0.1:1\r\nConnection: close\r\n");
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    text += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
    parse(&send(sandbox, text.as_bytes())).expect("no answer")
}

/// Reads an answer; none when there is none. A body that ends early is given as far as it came.
pub(super) fn parse(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().unwrap();
    let headers: Vec<_> = lines
        .map(|line| line.split_once(':').unwrap())
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let mut rest = &bytes[end + 4..];
    let mut body = Vec::new();
    if headers.iter().any(|(name, value)| name.eq_ignore_ascii_case("transfer-encoding") && value == "chunked") {
        while let Ok(httparse::Status::Complete((line, size))) = httparse::parse_chunk_size(rest) {
            let size = size as usize;
            let piece = &rest[line..rest.len().min(line + size)];
            body.extend_from_slice(piece);
            rest = rest.get(line + size + 2..).unwrap_or_default();
            if size == 0 {
                break;
            }
        }
    } else {
        body.extend_from_slice(rest);
    }
    Some(Answer { status, headers, body })
}

/// A sandbox that answers at once.
pub(super) fn start(change: impl FnOnce(&mut Options)) -> Sandbox {
    let mut options = Options { raw_202_count: 0, ..Options::default() };
    change(&mut options);
    Sandbox::start(options).unwrap()
}

/// A session of the header flow.
pub(super) struct Session<'a> {
    pub(super) sandbox: &'a Sandbox,
    pub(super) sst: String,
    pub(super) tt: String,
}

/// The body of a login.
pub(super) fn login_body(sandbox: &Sandbox, level: u8) -> String {
    serde_json::json!({"postUserLogin": {
        "login": sandbox.username(), "password": sandbox.password(), "remember": 0, "verify_level": level,
    }})
    .to_string()
}

impl<'a> Session<'a> {
    pub(super) fn open(sandbox: &'a Sandbox) -> Self {
        let answer = ask(sandbox, "POST /gdc/account/login", &[], &login_body(sandbox, 2));
        assert_eq!(answer.status, 200, "{answer:?}");
        Self { sandbox, sst: answer.header("X-GDC-AuthSST").to_owned(), tt: answer.header("X-GDC-AuthTT").to_owned() }
    }

    pub(super) fn get(&self, path: &str) -> Answer {
        ask(self.sandbox, &format!("GET {path}"), &[("X-GDC-AuthTT", &self.tt)], "")
    }

    pub(super) fn post(&self, path: &str, body: &Value) -> Answer {
        ask(self.sandbox, &format!("POST {path}"), &[("X-GDC-AuthTT", &self.tt)], &body.to_string())
    }

    /// The address that an execution of this report, with these filters, is given.
    pub(super) fn execute(&self, report: &str, filters: &Value) -> String {
        let ws = self.sandbox.workspace();
        let answer = self.post(
            &format!("/gdc/app/projects/{ws}/execute/raw"),
            &serde_json::json!({"report_req": {
                "report": format!("/gdc/md/{ws}/obj/{report}"), "context": {"filters": filters},
            }}),
        );
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["uri"].as_str().unwrap().to_owned()
    }

    /// The CSV of a report with these filters.
    pub(super) fn export(&self, report: &str, filters: &Value) -> String {
        let answer = self.get(&self.execute(report, filters));
        match answer.status {
            200 => answer.text(),
            204 => String::new(),
            _ => panic!("{answer:?}"),
        }
    }
}

/// The records of a CSV, header first.
pub(super) fn records(csv: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(csv.as_bytes());
    reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}
