//! The windows of an export, side by side, as one CSV: the header once, then the rows of each window in order.
//!
//! Joined as bytes, before anything is decoded, they go through the one decoder that a single export goes through: types
//! that are inferred come from all of the data, and every window has the same columns.

use std::{collections::VecDeque, sync::Arc};

use bytes::{Buf, Bytes};
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc},
    task::{JoinError, JoinSet},
};

use super::run::{Run, place};
use crate::{
    error::{Error, ExportFault, Kind, Result, TransportFault},
    insights::{TOO_LARGE, window::Window},
    progress::Call,
};

/// Pieces that wait to be read where memory is bounded. A piece is what the transport or the inflater gives at a time,
/// tens of KiB, so that all windows of a client together hold some MiB.
const PIECES: usize = 32;

/// How the windows keep pace with whoever reads them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// Everything is wanted in memory, and by one deadline: no window waits for its turn, and the first error ends all.
    Whole,
    /// Everything is wanted by one deadline, but not in memory: a window that is ahead waits for its turn.
    Bounded,
    /// The reader takes his time: a window that is ahead waits for its turn, the deadline is each window's own, and an
    /// error comes after the rows of the windows before.
    Stream,
}

/// The results of all windows, joined.
pub(super) struct Joined {
    run: Arc<Run>,
    call: Call,
    pace: Pace,
    /// The windows that aren't read to their end, in order.
    turns: VecDeque<Turn>,
    /// Windows that were begun and count against what may be under way.
    under_way: usize,
    /// Ended with the last of us, and their connections with them.
    tasks: JoinSet<(Window, Outcome)>,
    /// The place that the look-ups before had; the first window goes on in it.
    place: Option<OwnedSemaphorePermit>,
    header: Header,
}

/// What came next.
pub(super) enum Arrived {
    /// A piece of the CSV.
    Bytes(Bytes),
    /// The end of a window.
    End,
}

struct Turn {
    window: Window,
    state: State,
}

enum State {
    Waiting,
    Begun(mpsc::Receiver<Bytes>),
    /// What is left of it may be read; then comes the error, if there is one.
    Ended(mpsc::Receiver<Bytes>, Option<Error>),
}

/// How fetching a window ended.
enum Outcome {
    Done,
    /// Before its first byte.
    TooLarge(Error),
    Failed(Error),
}

impl Joined {
    pub(super) fn new(run: &Arc<Run>, call: &Call, pace: Pace, place: OwnedSemaphorePermit) -> Self {
        let turns = run.windows().into_iter().map(|window| Turn { window, state: State::Waiting }).collect();
        Self {
            run: Arc::clone(run),
            call: call.clone(),
            pace,
            turns,
            under_way: 0,
            tasks: JoinSet::new(),
            place: Some(place),
            header: Header::default(),
        }
    }

    /// The next bytes, or the end of a window that had rows; `None` when every window has come to its proven end.
    ///
    /// # Errors
    /// That of a window, which it names; `ResultTooLarge` for a single day; `ResultChanged` when windows have different
    /// columns.
    pub(super) async fn next(&mut self) -> Result<Option<Arrived>> {
        loop {
            self.begin();
            let Some(Turn { window, state }) = self.turns.front_mut() else { return Ok(None) };
            let piece = match state {
                State::Ended(pieces, error) => match pieces.try_recv() {
                    Ok(piece) => Some(piece),
                    Err(_) => {
                        if let Some(error) = error.take() {
                            return Err(error);
                        }
                        let had_rows = self.header.end(*window)?;
                        self.turns.pop_front();
                        self.under_way -= usize::from(self.pace != Pace::Whole);
                        if had_rows {
                            return Ok(Some(Arrived::End));
                        }
                        continue;
                    }
                },
                State::Begun(pieces) => tokio::select! {
                    biased;
                    Some(ended) = self.tasks.join_next() => {
                        self.settle(ended)?;
                        None
                    }
                    // Without one the window has just ended, and its outcome comes next.
                    Some(piece) = pieces.recv() => Some(piece),
                },
                // `begin` begins at the front.
                State::Waiting => None,
            };
            if let Some(piece) = piece {
                let rows = self.header.rows(piece, self.turns.front().map(|turn| turn.window))?;
                if !rows.is_empty() {
                    return Ok(Some(Arrived::Bytes(rows)));
                }
            }
        }
    }

    /// Begins as many windows as may be under way, the earliest first.
    fn begin(&mut self) {
        while self.under_way < self.run.client.max_concurrency
            && let Some(turn) = self.turns.iter_mut().find(|turn| matches!(turn.state, State::Waiting))
        {
            let room = if self.pace == Pace::Whole { tokio::sync::Semaphore::MAX_PERMITS } else { PIECES };
            let (sender, pieces) = mpsc::channel(room);
            turn.state = State::Begun(pieces);
            let (run, call, window, place) = (Arc::clone(&self.run), self.call.clone(), turn.window, self.place.take());
            let is_patient = self.pace == Pace::Stream;
            self.tasks.spawn(async move { (window, fetch(&run, call, window, place, is_patient, sender).await) });
            self.under_way += 1;
        }
    }

    /// Books the outcome of a window: done, or two halves in its place, or an error.
    fn settle(&mut self, ended: std::result::Result<(Window, Outcome), JoinError>) -> Result<()> {
        let (window, outcome) = match ended {
            Ok(ended) => ended,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => return Err(Error::transport(TransportFault::Interrupted, "the runtime is ending")),
        };
        let Some(at) = self.turns.iter().position(|turn| turn.window == window) else { return Ok(()) };
        self.under_way -= usize::from(self.pace == Pace::Whole);
        let error = match outcome {
            Outcome::Done => None,
            Outcome::TooLarge(error) => match window.halves() {
                Some((first, second)) => {
                    self.under_way -= usize::from(self.pace != Pace::Whole);
                    self.call
                        .progress
                        .warn(format!("the result of {window} was too large for the service and was halved"));
                    self.run.halve(window, (first, second));
                    self.turns.remove(at);
                    for half in [second, first] {
                        self.turns.insert(at, Turn { window: half, state: State::Waiting });
                    }
                    return Ok(());
                }
                None => Some(one_day(window, &error)),
            },
            Outcome::Failed(error) => Some(error.of_part(format!("in the window {window}"))),
        };
        match error {
            Some(error) if self.pace != Pace::Stream => Err(error),
            error => {
                let state = &mut self.turns[at].state;
                if let State::Begun(pieces) = std::mem::replace(state, State::Waiting) {
                    *state = State::Ended(pieces, error);
                }
                Ok(())
            }
        }
    }
}

/// Fetches one window, as far ahead of its turn as `pieces` has room.
async fn fetch(
    run: &Run,
    mut call: Call,
    window: Window,
    held: Option<OwnedSemaphorePermit>,
    is_patient: bool,
    pieces: mpsc::Sender<Bytes>,
) -> Outcome {
    let held = match held {
        Some(held) => Ok(held),
        None => place(&run.client).await,
    };
    let mut held = match held {
        Ok(held) => Some(held),
        Err(error) => return Outcome::Failed(error),
    };
    if is_patient {
        // From now on, not from when it began to wait for its place.
        call = call.given(call.allowance());
    }
    let mut download = match call.within(run.fetch(&call, Some(window))).await {
        Ok(Some(download)) => download,
        Ok(None) => return Outcome::Done,
        Err(error) if matches!(error.kind(), Kind::Export { fault: ExportFault::TooLarge, .. }) => {
            return Outcome::TooLarge(error);
        }
        Err(error) => return Outcome::Failed(error),
    };
    if is_patient {
        download = download.unhurried();
    }
    loop {
        let piece = match download.chunk().await {
            Ok(Some(piece)) => piece,
            Ok(None) => return Outcome::Done,
            Err(error) => return Outcome::Failed(error),
        };
        if let Err(mpsc::error::TrySendError::Full(piece)) = pieces.try_send(piece) {
            // What waits for its turn has its result and costs the service nothing more: others, perhaps those that the
            // reader asks for in between, may have its place.
            drop(held.take());
            if pieces.send(piece).await.is_err() {
                return Outcome::Done;
            }
        }
    }
}

fn one_day(window: Window, error: &Error) -> Error {
    let said = error.kind().to_string();
    let said = said.strip_prefix(TOO_LARGE).unwrap_or(&said);
    let message = format!("the result of the single day {} is too large for the service: {said}", window.start);
    Error::new(Kind::Export { fault: ExportFault::TooLarge, message, handle: None })
        .hint("filter it further: `where={\"label\": [\"value\", …]}`")
}

/// The header of the first window that has one; the others must begin with the same.
#[derive(Debug, Default)]
struct Header {
    text: Vec<u8>,
    is_known: bool,
    /// Whether a quote is open, while it is read for the first time.
    is_quoted: bool,
    /// How much of it the present window has shown; none of a window without rows.
    shown: usize,
}

impl Header {
    /// What of a piece goes on: all of it in the first window, what is behind the header in the others.
    fn rows(&mut self, mut piece: Bytes, window: Option<Window>) -> Result<Bytes> {
        if self.shown == self.text.len() && self.is_known && self.shown > 0 {
            return Ok(piece);
        }
        if self.is_known {
            let length = piece.len().min(self.text.len() - self.shown);
            if piece[..length] != self.text[self.shown..self.shown + length] {
                return Err(changed(window));
            }
            self.shown += length;
            piece.advance(length);
            return Ok(piece);
        }
        for (at, byte) in piece.iter().enumerate() {
            match byte {
                b'"' => self.is_quoted = !self.is_quoted,
                b'\n' if !self.is_quoted => {
                    self.text.extend_from_slice(&piece[..=at]);
                    (self.is_known, self.shown) = (true, self.text.len());
                    return Ok(piece);
                }
                _ => {}
            }
        }
        self.text.extend_from_slice(&piece);
        self.shown = self.text.len();
        Ok(piece)
    }

    /// Ends a window, which has shown all of the header or nothing at all; tells which.
    fn end(&mut self, window: Window) -> Result<bool> {
        let shown = std::mem::take(&mut self.shown);
        self.is_known |= shown > 0;
        if shown == 0 || shown == self.text.len() { Ok(shown > 0) } else { Err(changed(Some(window))) }
    }
}

fn changed(window: Option<Window>) -> Error {
    let of = window.map(|window| format!(" of {window}")).unwrap_or_default();
    let message = format!("the columns{of} are not those of the windows before: the report was changed meanwhile");
    Error::new(Kind::Export { fault: ExportFault::Changed, message, handle: None }).hint("export the report again")
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Window = Window { start: jiff::civil::date(2024, 2, 28), end: jiff::civil::date(2024, 2, 29) };

    /// Joins windows that arrive in pieces of `size` bytes.
    fn joined(windows: &[&str], size: usize) -> Result<String> {
        let mut header = Header::default();
        let mut joined = Vec::new();
        for window in windows {
            for piece in window.as_bytes().chunks(size) {
                joined.extend_from_slice(&header.rows(Bytes::copy_from_slice(piece), Some(WINDOW))?);
            }
            header.end(WINDOW)?;
        }
        Ok(String::from_utf8(joined).unwrap())
    }

    #[test]
    fn the_header_stands_once_however_the_pieces_are_cut() {
        let odd = "\"a \"\"b\"\"\r\nc\",\"d\"\r\n";
        let rows = |text: &str| format!("{odd}{text}");
        for size in 1..40 {
            let windows = [String::new(), rows("\"1\",\"2\"\r\n"), rows(""), String::new(), rows("\"3\",\"\"\r\n")];
            let windows: Vec<&str> = windows.iter().map(String::as_str).collect();
            assert_eq!(joined(&windows, size).unwrap(), rows("\"1\",\"2\"\r\n\"3\",\"\"\r\n"), "{size}");
            assert_eq!(joined(&["", ""], size).unwrap(), "");
        }
    }

    #[test]
    fn a_window_with_other_columns_is_an_error() {
        for size in 1..20 {
            for other in ["\"b\"\r\n\"1\"\r\n", "\"a\",\"b\"\r\n", "\"a\"\n", "\"a\"", "\"a"] {
                let error = joined(&["\"a\"\r\n\"1\"\r\n", other], size).unwrap_err();
                assert_eq!(error.code(), "ResultChanged", "{other} {size}");
            }
        }
        insta::assert_snapshot!(changed(Some(WINDOW)), @r"
        the columns of 2024-02-28..2024-02-29 are not those of the windows before: the report was changed meanwhile
        hint: export the report again
        ");
    }

    #[test]
    fn a_day_that_is_too_large_is_named() {
        let error = Error::config(format!("{TOO_LARGE}GET /x answered 413: too large"));
        let day = Window { start: WINDOW.end, end: WINDOW.end };
        insta::assert_snapshot!(one_day(day, &error), @r#"
        the result of the single day 2024-02-29 is too large for the service: GET /x answered 413: too large
        hint: filter it further: `where={"label": ["value", …]}`
        "#);
    }
}
