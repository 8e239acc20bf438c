//! What was read from the service a short while ago.
//!
//! Lists and descriptions are small, change seldom, and are asked for again and again: by every window of a long export,
//! by every cell of a notebook. Each is kept for [`LIFE`] and read once, however many callers want it at the same time.

use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::OnceCell;

use crate::{
    clock::{Clock, Moment},
    error::Result,
};

/// How long an answer is given again before the service is asked again: as long as a temporary token lives, so that a
/// morning's work sees what was changed in the portal, and a hundred windows cost one look.
pub const LIFE: Duration = Duration::from_secs(600);

/// Answers by what was asked.
pub(super) struct Cache<K, V>(Mutex<HashMap<K, Kept<V>>>);

/// An answer, or the place of one that is on its way, and when it was asked for.
struct Kept<V> {
    asked: Moment,
    answer: Arc<OnceCell<V>>,
}

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    /// The answer that is kept, or that of `ask`, which then is kept; `refresh` asks in any case. Callers that come while
    /// it is asked wait for the same answer. A failure is not kept: the next caller asks for itself, and so it does when
    /// the one that was asking is cancelled.
    ///
    /// `login` comes first, for each caller: who waits here is not among those who wait for a login under way, so that it
    /// would begin anew, with the password sent once more, when the only one who waited for it is cancelled.
    ///
    /// # Errors
    /// Those of `login` and `ask`.
    pub(super) async fn get(
        &self,
        clock: &dyn Clock,
        key: K,
        refresh: bool,
        login: impl Future<Output = Result<()>>,
        ask: impl Future<Output = Result<V>>,
    ) -> Result<V> {
        let answer = self.place(clock.now(), key, refresh);
        if let Some(known) = answer.get() {
            return Ok(known.clone());
        }
        login.await?;
        answer.get_or_try_init(|| ask).await.cloned()
    }

    /// Forgets an answer if it is this one. Of many who find the same fault with it, the first one forgets it, and the
    /// others find its successor on the way.
    pub(super) fn forget_if(&self, key: &K, is: impl Fn(&V) -> bool) {
        let mut kept = self.kept();
        if kept.get(key).is_some_and(|kept| kept.answer.get().is_some_and(is)) {
            kept.remove(key);
        }
    }

    /// The place for an answer, with the answer in it if there is one that may still be given.
    fn place(&self, now: Moment, key: K, refresh: bool) -> Arc<OnceCell<V>> {
        let mut kept = self.kept();
        kept.retain(|_, kept| now.since(kept.asked) < LIFE);
        if refresh {
            kept.remove(&key);
        }
        let kept = kept.entry(key).or_insert_with(|| Kept { asked: now, answer: Arc::default() });
        Arc::clone(&kept.answer)
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<K, Kept<V>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V> fmt::Debug for Cache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cache")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::{clock::VirtualClock, error::Error};

    #[tokio::test]
    async fn an_answer_lives_its_time_and_a_refresh_is_a_new_one() {
        let (clock, cache, asked) = (VirtualClock::new(), Cache::default(), AtomicU32::new(0));
        let get = async |refresh| {
            let ask = async { Ok(asked.fetch_add(1, Ordering::SeqCst)) };
            cache.get(&clock, "key", refresh, async { Ok(()) }, ask).await.unwrap()
        };
        assert_eq!((get(false).await, get(false).await), (0, 0));
        clock.advance(LIFE - Duration::from_secs(1));
        assert_eq!(get(false).await, 0);
        clock.advance(Duration::from_secs(1));
        assert_eq!((get(false).await, get(false).await), (1, 1));
        assert_eq!((get(true).await, get(false).await), (2, 2));
        cache.forget_if(&"key", |answer| *answer == 1);
        assert_eq!(get(false).await, 2);
        cache.forget_if(&"key", |answer| *answer == 2);
        assert_eq!(get(false).await, 3);
        // What nobody asks for any more is not kept.
        clock.advance(LIFE);
        cache.get(&clock, "other", false, async { Ok(()) }, async { Ok(0) }).await.unwrap();
        assert_eq!(cache.kept().len(), 1);
    }

    #[tokio::test]
    async fn many_callers_ask_once_and_a_failure_is_nobodys_but_the_callers() {
        let (clock, cache, asked) = (VirtualClock::new(), Cache::default(), AtomicU32::new(0));
        let get = async |fails: bool| {
            let ask = async {
                asked.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                if fails { Err(Error::config("no")) } else { Ok(7) }
            };
            cache.get(&clock, (), false, async { Ok(()) }, ask).await
        };
        assert!(get(true).await.is_err());
        let all = futures_util::future::join_all((0..1_000).map(|_| get(false))).await;
        assert!(all.into_iter().all(|found| found.unwrap() == 7));
        assert_eq!(asked.load(Ordering::SeqCst), 2);
    }
}
