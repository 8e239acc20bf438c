//! What a call is doing, counted as it goes: for progress bars, receipts and the words of a deadline.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::clock::{Clock, Moment};

/// A step of an export, in the order of the flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Nothing has begun.
    Waiting,
    /// Getting tokens, by login or refresh.
    LoggingIn,
    /// Looking up identifiers and definitions.
    Resolving,
    /// Asking the service to compute the report.
    Executing,
    /// Waiting for the result.
    Polling,
    /// Receiving (and decoding) the result.
    Downloading,
    /// Writing or handing over.
    HandingOff,
}

impl Phase {
    /// The phase in the words of a progress line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::LoggingIn => "logging in",
            Self::Resolving => "resolving",
            Self::Executing => "executing",
            Self::Polling => "polling",
            Self::Downloading => "downloading",
            Self::HandingOff => "handing off",
        }
    }
}

/// Something worth telling, while it happens.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// What is going on now.
    pub phase: Phase,
    /// Time since the call began.
    pub elapsed: Duration,
    /// Looks that found the result not ready, so far.
    pub polls: u64,
    /// Bytes of the result so far, inflated.
    pub bytes: u64,
    /// Records decoded so far.
    pub rows: u64,
}

/// A listener to [`Event`]s. It runs on the call's own task and must not block.
pub type Listener = Arc<dyn Fn(Event) + Send + Sync>;

/// The counters of one call. Clones share them.
#[derive(Clone)]
pub struct Progress(Arc<Shared>);

struct Shared {
    clock: Arc<dyn Clock>,
    started: Moment,
    steps: Mutex<Steps>,
    counters: [AtomicU64; 5],
    /// The newest generation of tokens that was waited for.
    tokens: AtomicU64,
    handle: Mutex<Option<Resumable>>,
    listener: Option<Listener>,
}

/// Tells how what is under way could be gone on with elsewhere, if it could.
type Resumable = Arc<dyn Fn() -> Option<String> + Send + Sync>;

struct Steps {
    phase: Phase,
    since: Moment,
    spent: Vec<(Phase, Duration)>,
    warnings: Vec<String>,
}

/// What is counted.
#[derive(Clone, Copy, Debug)]
pub enum Count {
    /// Looks that found the result not ready.
    Polls,
    /// Sends after the first of the same request.
    Retries,
    /// Tokens fetched (by refresh or login) for this call.
    TokenRefreshes,
    /// Bytes of the result, inflated.
    Bytes,
    /// Records decoded.
    Rows,
}

impl Progress {
    /// Counters at zero, the time running from now.
    pub fn new(clock: Arc<dyn Clock>, listener: Option<Listener>) -> Self {
        let now = clock.now();
        let steps = Steps { phase: Phase::Waiting, since: now, spent: Vec::new(), warnings: Vec::new() };
        Self(Arc::new(Shared {
            clock,
            started: now,
            steps: Mutex::new(steps),
            counters: Default::default(),
            tokens: AtomicU64::new(0),
            handle: Mutex::default(),
            listener,
        }))
    }

    /// Enters a phase; gives the one before, so that a detour can return to it.
    pub fn enter(&self, phase: Phase) -> Phase {
        let before = {
            let mut steps = self.0.steps.lock().unwrap_or_else(PoisonError::into_inner);
            let before = steps.phase;
            if before == phase {
                return before;
            }
            let now = self.0.clock.now();
            steps.close(now);
            (steps.phase, steps.since) = (phase, now);
            before
        };
        tracing::debug!(phase = phase.as_str(), "phase");
        self.tell();
        before
    }

    /// Adds to a counter and, where somebody listens, tells.
    pub fn add(&self, count: Count, amount: u64) {
        self.0.counters[count as usize].fetch_add(amount, Ordering::Relaxed);
        self.tell();
    }

    /// Counts a token that was waited for, once for each generation: windows that wait for the same one get one.
    pub fn count_token(&self, generation: u64) {
        if self.0.tokens.fetch_max(generation, Ordering::Relaxed) < generation {
            self.add(Count::TokenRefreshes, 1);
        }
    }

    /// Says how to go on with what is under way, should the caller be interrupted.
    pub fn is_resumable(&self, handle: impl Fn() -> Option<String> + Send + Sync + 'static) {
        *self.0.handle.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(handle));
    }

    /// The handle that goes on with what is, or was, under way, when there is one.
    pub fn handle(&self) -> Option<String> {
        let handle = self.0.handle.lock().unwrap_or_else(PoisonError::into_inner).clone();
        handle.and_then(|handle| handle())
    }

    /// A counter's value.
    pub fn get(&self, count: Count) -> u64 {
        self.0.counters[count as usize].load(Ordering::Relaxed)
    }

    /// Remembers a warning for the receipt, once.
    pub fn warn(&self, message: impl Into<String>) {
        let message = message.into();
        let mut steps = self.0.steps.lock().unwrap_or_else(PoisonError::into_inner);
        if !steps.warnings.contains(&message) {
            tracing::warn!("{message}");
            steps.warnings.push(message);
        }
    }

    /// The phase that is going on.
    pub fn phase(&self) -> Phase {
        self.0.steps.lock().unwrap_or_else(PoisonError::into_inner).phase
    }

    /// Time since the call began.
    pub fn elapsed(&self) -> Duration {
        self.0.clock.now().since(self.0.started)
    }

    /// Time spent in each phase so far, in order of first entry, and the warnings.
    pub fn summary(&self) -> (Vec<(Phase, Duration)>, Vec<String>) {
        let mut steps = self.0.steps.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.0.clock.now();
        steps.close(now);
        steps.since = now;
        (steps.spent.clone(), steps.warnings.clone())
    }

    fn tell(&self) {
        if let Some(listener) = &self.0.listener {
            listener(Event {
                phase: self.phase(),
                elapsed: self.elapsed(),
                polls: self.get(Count::Polls),
                bytes: self.get(Count::Bytes),
                rows: self.get(Count::Rows),
            });
        }
    }
}

impl Steps {
    /// Books the time of the current phase.
    fn close(&mut self, now: Moment) {
        let spent = now.since(self.since);
        match self.spent.iter_mut().find(|(phase, _)| *phase == self.phase) {
            Some((_, total)) => *total += spent,
            None if self.phase == Phase::Waiting => {}
            None => self.spent.push((self.phase, spent)),
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Progress({}, {:?})", self.phase().as_str(), self.elapsed())
    }
}

/// What one call of the API carries through all layers: its clock, its counters and when it must be over.
#[derive(Clone, Debug)]
pub struct Call {
    /// The clock of the client.
    pub clock: Arc<dyn Clock>,
    /// The counters.
    pub progress: Progress,
    /// When the call must be over, if ever.
    pub deadline: Option<Moment>,
    /// The time that it was given, for the words of `DeadlineExceeded`.
    allowed: Duration,
}

impl Call {
    /// A call that begins now and may take `timeout`.
    pub fn new(clock: Arc<dyn Clock>, timeout: Option<Duration>, listener: Option<Listener>) -> Self {
        let deadline = timeout.map(|timeout| clock.now().plus(timeout));
        let allowed = timeout.unwrap_or_default();
        Self { progress: Progress::new(Arc::clone(&clock), listener), clock, deadline, allowed }
    }

    /// The same call with another time to be over, from now: a bounded part of it, or an unbounded one.
    #[must_use]
    pub fn given(&self, timeout: Option<Duration>) -> Self {
        let deadline = timeout.map(|timeout| self.clock.now().plus(timeout));
        Self { deadline, allowed: timeout.unwrap_or_default(), ..self.clone() }
    }

    /// The time that it was given, if it has a deadline.
    pub fn allowance(&self) -> Option<Duration> {
        self.deadline.map(|_| self.allowed)
    }

    /// Whether a pause of this length would end after the deadline.
    pub fn has_no_time_for(&self, pause: Duration) -> bool {
        self.deadline.is_some_and(|deadline| self.clock.now().plus(pause) >= deadline)
    }

    /// The error of a call that ran out of time in its present phase.
    pub fn expired(&self) -> crate::error::Error {
        let kind = crate::error::Kind::DeadlineExceeded {
            phase: self.progress.phase().as_str(),
            allowed: self.allowed,
            handle: None,
        };
        crate::error::Error::new(kind).after(1, self.progress.elapsed())
    }

    /// Runs `work` until it is done or the deadline passes, whatever it happens to be waiting for.
    ///
    /// # Errors
    /// The error of `work`, or `DeadlineExceeded`.
    pub async fn within<T>(&self, work: impl Future<Output = crate::error::Result<T>>) -> crate::error::Result<T> {
        let Some(deadline) = self.deadline else { return work.await };
        tokio::select! {
            biased;
            done = work => done,
            () = self.clock.reach(deadline) => Err(self.expired()),
        }
    }
}
