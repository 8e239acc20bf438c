//! The log: a line of JSON for every answer and every event, by allow-list. What isn't named here isn't logged.

use std::{
    fmt,
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{SyncSender, sync_channel},
    },
};

use serde::Serialize;

/// Lines that wait to be written. When nobody reads them, further ones are counted and dropped, so that a full pipe
/// doesn't hold up an answer.
const QUEUE: usize = 4096;

/// Where the log goes. Clones write to the same place.
#[derive(Clone)]
pub struct Journal {
    lines: SyncSender<Entry>,
    dropped: Arc<AtomicU64>,
}

enum Entry {
    Line(String),
    Flush(SyncSender<()>),
}

/// A line for one answer.
#[derive(Debug, Default, Serialize)]
pub(super) struct Answer {
    /// The id that the answer carries too.
    pub(super) request: String,
    /// The client's address.
    pub(super) client: String,
    /// HTTP method.
    pub(super) method: String,
    /// The route; `other` for what isn't one. Never the path as it was sent, nor a query.
    pub(super) route: &'static str,
    /// The status.
    pub(super) status: u16,
    /// Bytes of the body, as sent.
    pub(super) bytes: u64,
    /// From the request's head to the end of the body.
    pub(super) seconds: f64,
    /// `complete`, `broken` (by the service) or `abandoned` (by the client).
    pub(super) outcome: &'static str,
    /// What was asked for and found out on the way.
    #[serde(flatten)]
    pub(super) found: Found,
}

/// What a handler has found out about a request. Values are the checked ones, never the words of the request.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Found {
    /// A part of the credential's tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) session: Option<String>,
    /// The workspace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) workspace: Option<String>,
    /// The report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) report: Option<String>,
    /// The format.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) format: Option<&'static str>,
    /// The code of what went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<&'static str>,
    /// The step that it went wrong in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) step: Option<&'static str>,
    /// What happened, where that can hold no data of a report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
}

#[derive(Serialize)]
struct Line<'a, T> {
    time: String,
    event: &'static str,
    #[serde(flatten)]
    fields: &'a T,
    #[serde(skip_serializing_if = "Option::is_none")]
    dropped_lines: Option<u64>,
}

impl Journal {
    /// A log on a thread of its own, so that a slow place to write to slows nothing else down. A place that can't be
    /// written to any more loses its lines.
    pub fn to(mut place: impl Write + Send + 'static) -> Self {
        let (lines, queue) = sync_channel(QUEUE);
        std::thread::spawn(move || {
            for entry in queue {
                match entry {
                    Entry::Line(line) => drop(place.write_all(line.as_bytes())),
                    Entry::Flush(done) => {
                        let _ = place.flush();
                        drop(done);
                    }
                }
            }
        });
        Self { lines, dropped: Arc::default() }
    }

    /// Writes an event.
    pub(super) fn event<T: Serialize>(&self, time: jiff::Timestamp, event: &'static str, fields: &T) {
        let dropped = self.dropped.swap(0, Ordering::Relaxed);
        let line = Line { time: time.to_string(), event, fields, dropped_lines: (dropped > 0).then_some(dropped) };
        // Strings and numbers in flat structures: nothing that JSON can't have.
        let mut text = serde_json::to_string(&line).unwrap_or_default();
        text.push('\n');
        if self.lines.try_send(Entry::Line(text)).is_err() {
            self.dropped.fetch_add(dropped + 1, Ordering::Relaxed);
        }
    }

    /// Waits until what was written so far is out.
    pub fn flush(&self) {
        let (done, waiting) = sync_channel(0);
        if self.lines.send(Entry::Flush(done)).is_ok() {
            // The thread drops its end when it is done.
            let _ = waiting.recv();
        }
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Journal")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, mpsc};

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_is_json_and_has_what_was_found_out() {
        let page = Page::default();
        let journal = Journal::to(page.clone());
        let found = Found { report: Some("3035643".into()), format: Some("csv"), ..Found::default() };
        let answer = Answer { request: "1".into(), route: "/getReport", status: 200, found, ..Answer::default() };
        journal.event("2024-05-13T12:00:00Z".parse().unwrap(), "request", &answer);
        journal.flush();
        let text = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
        insta::assert_snapshot!(text, @r#"{"time":"2024-05-13T12:00:00Z","event":"request","request":"1","client":"","method":"","route":"/getReport","status":200,"bytes":0,"seconds":0.0,"outcome":"","report":"3035643","format":"csv"}"#);
    }

    #[test]
    fn a_place_that_takes_nothing_holds_nobody_up() {
        struct Stuck(mpsc::Receiver<()>);
        impl Write for Stuck {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                let _ = self.0.recv();
                Ok(bytes.len())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let (open, closed) = mpsc::channel();
        let journal = Journal::to(Stuck(closed));
        for _ in 0..QUEUE + 100 {
            journal.event(jiff::Timestamp::UNIX_EPOCH, "x", &serde_json::json!({}));
        }
        assert!(journal.dropped.load(Ordering::Relaxed) >= 98);
        drop(open);
        journal.flush();
    }
}
