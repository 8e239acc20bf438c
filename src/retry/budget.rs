//! A bound on retries over all calls of a client, so that a service in trouble isn't hammered.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

/// The size of the bucket: with 14 a fault, a dead service gets 35 retries from a client, however many calls it makes.
const FULL: u32 = 500;

/// A bucket of tokens: each retry takes some out, each success puts one back (or, after a retry, what that cost).
#[derive(Clone, Debug)]
pub struct Budget(Arc<AtomicU32>);

impl Default for Budget {
    fn default() -> Self {
        Self(Arc::new(AtomicU32::new(FULL)))
    }
}

impl Budget {
    /// Takes `cost` out; false, and nothing taken, when there isn't as much.
    pub fn spend(&self, cost: u32) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(cost)).is_ok()
    }

    /// Puts back what a success after so many attempts is worth.
    pub fn refund(&self, attempts: u32) {
        let worth = if attempts > 1 { 14 } else { 1 };
        let refilled = |left: u32| Some(left.saturating_add(worth).min(FULL));
        // An update that always has a new value can't fail.
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, refilled);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_service_gets_35_retries_and_a_recovered_one_refills_the_bucket() {
        let budget = Budget::default();
        let spent = (0..1000).filter(|_| budget.spend(14)).count();
        assert_eq!(spent, 35);
        budget.refund(1);
        assert!(!budget.spend(14), "one success doesn't pay a retry");
        budget.refund(2);
        assert!(budget.spend(14));
        (0..1000).for_each(|_| budget.refund(1));
        assert_eq!((0..1000).filter(|_| budget.spend(14)).count(), 35, "the bucket doesn't overflow");
    }
}
