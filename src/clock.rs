//! Time, injected: nothing else in the crate asks the operating system what time it is, or sleeps.

#![expect(clippy::disallowed_methods, reason = "the one place that may ask the operating system")]

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use jiff::Timestamp;

/// A wait that ends by itself.
pub type Wait = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A point on a clock that never goes back; only differences mean anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Duration);

impl Moment {
    /// The moment `duration` later; saturates instead of overflowing.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }

    /// How long from `earlier` to here; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// What time it is, and two ways to wait.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Now, on the clock that never goes back.
    fn now(&self) -> Moment;

    /// Now, as a date and time of day in UTC.
    fn timestamp(&self) -> Timestamp;

    /// A pause of our own choosing (between polls, before a retry). A virtual clock skips it.
    fn pause(&self, duration: Duration) -> Wait;

    /// Ends when `moment` is reached: a guard beside work that is under way. A virtual clock doesn't skip it.
    fn reach(&self, moment: Moment) -> Wait;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// A clock whose moments count from now.
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        Moment(self.start.elapsed())
    }

    fn timestamp(&self) -> Timestamp {
        Timestamp::now()
    }

    fn pause(&self, duration: Duration) -> Wait {
        Box::pin(tokio::time::sleep(duration))
    }

    fn reach(&self, moment: Moment) -> Wait {
        Box::pin(tokio::time::sleep(moment.since(self.now())))
    }
}

/// How often a guard looks at a virtual clock.
const LOOK: Duration = Duration::from_millis(5);

/// Real time that a guard gives work which the clock was put past.
const GRACE: Duration = Duration::from_millis(30);

/// A clock that runs like the machine's, and can be put forward.
///
/// The sandbox lives by one; a client that shares it skips its pauses by putting it forward, so that hours of polling
/// take milliseconds and both sides agree on which tokens have died. Clones share the same time.
#[derive(Clone, Debug)]
pub struct VirtualClock {
    base: SystemClock,
    ahead_ns: Arc<AtomicU64>,
}

impl VirtualClock {
    /// A clock that shows the machine's time until it is put forward.
    pub fn new() -> Self {
        Self { base: SystemClock::new(), ahead_ns: Arc::default() }
    }

    /// Puts the clock forward, for every clone of it.
    pub fn advance(&self, duration: Duration) {
        let ns = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.ahead_ns.fetch_add(ns, Ordering::SeqCst);
    }

    /// How far the clock has been put forward.
    pub fn ahead(&self) -> Duration {
        Duration::from_nanos(self.ahead_ns.load(Ordering::SeqCst))
    }
}

impl Default for VirtualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Moment {
        self.base.now().plus(self.ahead())
    }

    fn timestamp(&self) -> Timestamp {
        self.base.timestamp() + self.ahead()
    }

    fn pause(&self, duration: Duration) -> Wait {
        self.advance(duration);
        Box::pin(tokio::task::yield_now())
    }

    fn reach(&self, moment: Moment) -> Wait {
        let clock = self.clone();
        Box::pin(async move {
            // Looks again often instead of being told: `advance` stays a plain addition that can't be missed.
            let mut left = moment.since(clock.now());
            while !left.is_zero() {
                tokio::time::sleep(left.min(LOOK)).await;
                let before = std::mem::replace(&mut left, moment.since(clock.now()));
                if left.is_zero() && before > 4 * LOOK {
                    // The pauses of others have put the clock past the moment at a stroke. What a peer that is well
                    // would have answered by then may be on its way.
                    tokio::time::sleep(GRACE).await;
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_virtual_clock_is_put_forward_for_all_its_clones() {
        let clock = VirtualClock::new();
        let (before, other) = (clock.now(), clock.clone());
        other.advance(Duration::from_secs(660));
        assert!(clock.now().since(before) >= Duration::from_secs(660));
        assert!(clock.timestamp() > Timestamp::now() + Duration::from_secs(650));
    }

    #[tokio::test]
    async fn a_virtual_pause_takes_no_time_and_a_guard_is_not_skipped() {
        let clock = VirtualClock::new();
        let real = Instant::now();
        clock.pause(Duration::from_secs(3600)).await;
        assert!(real.elapsed() < Duration::from_secs(1));
        let guard = clock.reach(clock.now().plus(Duration::from_secs(60)));
        tokio::select! {
            () = guard => panic!("the guard went off without its time having come"),
            () = tokio::time::sleep(Duration::from_millis(20)) => {}
        }
    }
}
