//! The ledger: every request that arrived, in order, with what became of it.

use std::{
    collections::VecDeque,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use jiff::Timestamp;

use super::{request::Head, state::locked};

/// One request and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number, counted from 1 over the life of the sandbox.
    pub number: u64,
    /// HTTP method.
    pub method: String,
    /// Path as it was sent, without the query.
    pub path: String,
    /// Query as it was sent, without the question mark; empty when there is none.
    pub query: String,
    /// Status of the reply; none when it was never answered.
    pub status: Option<u16>,
    /// When it arrived, on the virtual clock.
    pub received: Timestamp,
    /// Bytes of the request, head and body.
    pub request_bytes: u64,
    /// Bytes of the reply handed to the connection, head and framing included.
    pub response_bytes: u64,
    /// Headers in order, names in lower case; secrets read `<sst>`, `<tt>` and `<password>`.
    pub headers: Vec<(String, String)>,
    /// Names of the faults that happened to it.
    pub fault: Option<String>,
    /// Number of the connection, counted from 1.
    pub connection: u64,
    /// Whether the reply did not reach its end: broken by a fault, or given up by the client.
    pub aborted: bool,
}

/// How many entries are kept: a sandbox that runs for weeks forgets the oldest ones.
const KEPT: usize = 100_000;

/// The newest entries.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    entries: Mutex<VecDeque<Entry>>,
    count: AtomicU64,
}

impl Ledger {
    /// Enters a request; gives its number.
    pub(super) fn enter(&self, head: &Head, connection: u64, received: Timestamp, fault: Option<String>) -> u64 {
        let mut entries = locked(&self.entries);
        let number = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        if entries.len() == KEPT {
            entries.pop_front();
        }
        entries.push_back(Entry {
            number,
            method: head.method.clone(),
            path: head.path.clone(),
            query: head.query.clone(),
            status: None,
            received,
            request_bytes: head.bytes as u64,
            response_bytes: 0,
            headers: head.headers.iter().map(|(name, value)| (name.clone(), masked(name, value))).collect(),
            fault,
            connection,
            aborted: false,
        });
        number
    }

    /// Changes the entry with this number, if it hasn't been cleared away.
    pub(super) fn amend(&self, number: u64, change: impl FnOnce(&mut Entry)) {
        let mut entries = locked(&self.entries);
        if let Ok(at) = entries.binary_search_by_key(&number, |entry| entry.number) {
            change(&mut entries[at]);
        }
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        locked(&self.entries).iter().cloned().collect()
    }

    pub(super) fn clear(&self) {
        locked(&self.entries).clear();
    }
}

/// A header's value without its secret.
fn masked(name: &str, value: &str) -> String {
    match name {
        _ if value.is_empty() => String::new(),
        "x-gdc-authsst" => "<sst>".to_owned(),
        "x-gdc-authtt" => "<tt>".to_owned(),
        "authorization" | "proxy-authorization" => "<password>".to_owned(),
        "cookie" => value.split(';').map(masked_cookie).collect::<Vec<_>>().join(";"),
        _ => value.to_owned(),
    }
}

fn masked_cookie(part: &str) -> String {
    const HARMLESS: [&str; 3] = ["path", "secure", "httponly"];
    let blank = &part[..part.len() - part.trim_start().len()];
    match part.trim().split_once('=') {
        Some((name, "")) => format!("{blank}{name}="),
        Some((name, _)) if name.ends_with("GDCAuthSST") => format!("{blank}{name}=<sst>"),
        Some((name, _)) if name.ends_with("GDCAuthTT") => format!("{blank}{name}=<tt>"),
        Some(_) => part.to_owned(),
        None if HARMLESS.contains(&part.trim().to_ascii_lowercase().as_str()) => part.to_owned(),
        // A bare token, as one published sample sends it.
        None => format!("{blank}<tt>"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_entries_are_forgotten() {
        let ledger = Ledger::default();
        let head = Head { method: "GET".into(), path: "/gdc".into(), ..Head::default() };
        for _ in 0..KEPT + 2 {
            ledger.enter(&head, 1, Timestamp::UNIX_EPOCH, None);
        }
        ledger.amend(1, |_| panic!("it is gone"));
        ledger.amend(KEPT as u64 + 1, |entry| entry.status = Some(200));
        let entries = ledger.entries();
        assert_eq!((entries.len(), entries[0].number), (KEPT, 3));
        assert_eq!(entries[KEPT - 2].status, Some(200));
    }

    #[test]
    fn secrets_are_masked_and_nothing_else() {
        for (name, value, expected) in [
            ("x-gdc-authsst", "abc", "<sst>"),
            ("x-gdc-authtt", "abc", "<tt>"),
            ("x-gdc-authtt", "", ""),
            ("authorization", "Basic abc", "<password>"),
            ("cookie", "GDCAuthTT=abc; GDCAuthSST=def", "GDCAuthTT=<tt>; GDCAuthSST=<sst>"),
            ("cookie", "GDCAuthTT=; a=b", "GDCAuthTT=; a=b"),
            ("cookie", "{abc}}; path=/gdc; secure; HttpOnly", "<tt>; path=/gdc; secure; HttpOnly"),
            ("accept", "application/json", "application/json"),
        ] {
            assert_eq!(masked(name, value), expected);
        }
    }
}
