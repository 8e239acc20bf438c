//! Trying again, within bounds: one attempt is an async function, everything that decides is a pure one beside it.

pub mod backoff;
mod budget;
pub mod classify;
mod pauses;
pub mod retry_after;

pub use self::{
    budget::Budget,
    classify::{Safety, Verdict, classify},
    pauses::Pauses,
};
use crate::{
    error::Result,
    limits::Retry,
    progress::{Call, Count},
};

/// The policy of one client: its numbers and the budget that all its calls share.
#[derive(Clone, Debug, Default)]
pub struct Retrier {
    policy: Retry,
    budget: Budget,
}

impl Retrier {
    /// A retrier with a full budget.
    pub fn new(policy: Retry) -> Self {
        Self { policy, budget: Budget::default() }
    }

    /// The same policy with a full budget of its own.
    #[must_use]
    pub fn renewed(&self) -> Self {
        Self::new(self.policy.clone())
    }

    /// Runs `attempt` until it succeeds, fails for good, or the attempts, the budget or the time run out. It stops
    /// before a pause that would end after the deadline, with the error that made it pause.
    ///
    /// # Errors
    /// The last error, with the number of attempts and the time they took.
    pub async fn run<T, F>(&self, call: &Call, safety: Safety, mut attempt: impl FnMut() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let began = call.clock.now();
        let mut attempts = 0;
        loop {
            attempts += 1;
            let error = match attempt().await {
                Ok(done) => {
                    self.budget.refund(attempts);
                    return Ok(done);
                }
                Err(error) => error,
            };
            let give_up = |error: crate::error::Error| Err(error.after(attempts, call.clock.now().since(began)));
            let Verdict::Again { cost, asked } = classify(&error, safety) else { return give_up(error) };
            if attempts >= self.policy.attempts || !self.budget.spend(cost) {
                return give_up(error);
            }
            let pause = match asked {
                Some(asked) if asked > self.policy.patience => return give_up(error),
                Some(asked) => asked,
                None => backoff::pause(&self.policy, attempts, fastrand::f64()),
            };
            if call.has_no_time_for(pause) {
                return give_up(error);
            }
            tracing::info!(code = error.code(), attempts, pause_ms = pause.as_millis() as u64, "trying again: {error}");
            call.progress.add(Count::Retries, 1);
            call.clock.pause(pause).await;
        }
    }
}
