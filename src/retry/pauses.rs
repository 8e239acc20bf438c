//! The pauses between two looks at work that the service does by itself.

use std::time::Duration;

use crate::limits::Polling;

/// The longest pause between two looks that the service may ask for and get.
const PATIENCE: Duration = Duration::from_secs(120);

/// The pauses between looks: growing, without jitter, since one client polls one result.
pub struct Pauses<'a> {
    polling: &'a Polling,
    next: Duration,
}

impl<'a> Pauses<'a> {
    /// Pauses from the first one on.
    pub fn new(polling: &'a Polling) -> Self {
        Self { polling, next: polling.initial }
    }

    /// The next pause: ours, or longer when the service asks for it, up to two minutes.
    pub fn next(&mut self, asked: Option<Duration>) -> Duration {
        let own = self.next;
        self.next = own.mul_f64(self.polling.factor).min(self.polling.max);
        match asked {
            Some(asked) => asked.min(PATIENCE).max(own),
            None => own,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_their_maximum_and_respect_the_service() {
        let polling = Polling::default();
        let mut pauses = Pauses::new(&polling);
        let found: Vec<f64> = (0..12).map(|_| pauses.next(None).as_secs_f64()).collect();
        assert_eq!(&found[..4], &[0.5, 0.75, 1.125, 1.6875]);
        assert_eq!(found.last(), Some(&15.0));
        assert_eq!(Pauses::new(&polling).next(Some(Duration::from_secs(1))), Duration::from_secs(1));
        assert_eq!(Pauses::new(&polling).next(Some(Duration::from_secs(9_999))), PATIENCE);
        assert_eq!(pauses.next(Some(Duration::from_secs(1))), Duration::from_secs(15));
    }

    #[test]
    fn the_mean_extra_wait_is_small() {
        // Reports that take from half a second to an hour: how much longer is waited than needed, on average.
        let polling = Polling::default();
        let shares: Vec<f64> = (1..=7_200)
            .map(|half_seconds| {
                let needed = f64::from(half_seconds) * 0.5;
                let mut pauses = Pauses::new(&polling);
                let mut waited = 0.0;
                while waited < needed {
                    waited += pauses.next(None).as_secs_f64();
                }
                (waited - needed) / needed
            })
            .collect();
        let mean = shares.iter().sum::<f64>() / shares.len() as f64;
        assert!(mean <= 0.15, "{mean}");
    }
}
