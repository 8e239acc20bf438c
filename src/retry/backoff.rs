//! How long to pause before the next attempt.

use std::time::Duration;

use crate::limits::Retry;

/// Full jitter: a random share (`random` in 0..1) of a bound that doubles with every attempt made, up to the cap.
/// Callers that failed together thereby don't come back together.
pub fn pause(policy: &Retry, attempts: u32, random: f64) -> Duration {
    let doubled = policy.base.saturating_mul(1_u32.checked_shl(attempts.saturating_sub(1)).unwrap_or(u32::MAX));
    doubled.min(policy.cap).mul_f64(random.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_doubles_up_to_the_cap_and_jitter_takes_a_share() {
        let policy = Retry::default();
        for (attempts, random, milliseconds) in [
            (1, 0.0, 0),
            (1, 1.0, 500),
            (1, 0.5, 250),
            (2, 1.0, 1_000),
            (3, 1.0, 2_000),
            (6, 1.0, 16_000),
            (7, 1.0, 20_000),
            (40, 1.0, 20_000),
            (u32::MAX, 1.0, 20_000),
        ] {
            assert_eq!(pause(&policy, attempts, random), Duration::from_millis(milliseconds), "{attempts} {random}");
        }
    }
}
