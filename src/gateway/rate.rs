//! How often one client may ask.

use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

use governor::{Quota, RateLimiter, clock, middleware::NoOpMiddleware, nanos::Nanos, state::keyed::HashMapStateStore};

use crate::clock::{Clock, Moment};

/// Clients that are remembered before those that have been quiet are forgotten.
const MOST: usize = 10_000;

/// Requests a second, and how many may come at once.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    /// Requests a second in the long run.
    pub per_second: NonZeroU32,
    /// Requests at once after a pause.
    pub burst: NonZeroU32,
}

/// The limit, for each client its own.
pub(super) struct Rate {
    limiter: RateLimiter<IpAddr, HashMapStateStore<IpAddr>, Ticks, NoOpMiddleware<Nanos>>,
    ticks: Ticks,
}

impl Rate {
    pub(super) fn new(allowance: Allowance, clock: Arc<dyn Clock>) -> Self {
        let ticks = Ticks { began: clock.now(), clock };
        let quota = Quota::per_second(allowance.per_second).allow_burst(allowance.burst);
        Self { limiter: RateLimiter::hashmap_with_clock(quota, ticks.clone()), ticks }
    }

    /// Counts a request of this client; `Err` with the wait when it is one too many.
    pub(super) fn count(&self, client: IpAddr) -> Result<(), Duration> {
        if self.limiter.len() >= MOST {
            self.forget();
        }
        let now = || clock::Clock::now(&self.ticks);
        self.limiter.check_key(&network(client)).map_err(|until| until.wait_time_from(now()))
    }

    /// Forgets the clients that could ask as often as a new one.
    pub(super) fn forget(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }
}

/// Who counts as one client: an address, of IPv6 the network that a subscriber gets.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 => v4,
    }
}

/// The injected clock, as the limiter reads it.
#[derive(Clone, Debug)]
struct Ticks {
    began: Moment,
    clock: Arc<dyn Clock>,
}

impl clock::Clock for Ticks {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.clock.now().since(self.began).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::VirtualClock;

    #[test]
    fn each_client_has_its_own_allowance() {
        let clock = VirtualClock::new();
        let number = |number| NonZeroU32::new(number).unwrap();
        let allowance = Allowance { per_second: number(2), burst: number(5) };
        let rate = Rate::new(allowance, Arc::new(clock.clone()));
        let one: IpAddr = "192.0.2.1".parse().unwrap();
        assert_eq!((0..20).filter(|_| rate.count(one).is_ok()).count(), 5);
        assert!(rate.count(one).unwrap_err() <= Duration::from_millis(500));
        assert!(rate.count("192.0.2.2".parse().unwrap()).is_ok());
        assert!(rate.count("::ffff:192.0.2.1".parse().unwrap()).is_err(), "the same client");
        clock.advance(Duration::from_secs(1));
        assert_eq!((0..20).filter(|_| rate.count(one).is_ok()).count(), 2);
        let six = |last: &str| rate.count(format!("2001:db8::{last}").parse().unwrap()).is_ok();
        assert_eq!((0..20).filter(|number| six(&number.to_string())).count(), 5, "one network is one client");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let clock = VirtualClock::new();
        let number = |number| NonZeroU32::new(number).unwrap();
        let rate = Rate::new(Allowance { per_second: number(10), burst: number(1) }, Arc::new(clock.clone()));
        for number in 0..3 * MOST as u32 {
            clock.advance(Duration::from_millis(1));
            rate.count(IpAddr::V4(number.into())).unwrap();
        }
        assert!(rate.limiter.len() <= MOST);
        clock.advance(Duration::from_secs(1));
        rate.forget();
        assert!(rate.limiter.is_empty());
    }
}
