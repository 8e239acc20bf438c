//! Who is let in: the sessions under way, the credentials that the service has refused, and the ones that are still to
//! be proved. A state machine without time, threads or network of its own.
//!
//! Advice to the next editor: the service locks an account after a few wrong passwords, for everybody who uses it, and
//! anybody can send wrong passwords here. So a credential goes to the service only after this book has said so, and
//! what isn't proved counts like what is wrong until it is.

use std::{collections::HashMap, sync::Arc, time::Duration};

use super::tag::Tag;
use crate::clock::Moment;

/// Refused credentials, and names with unproved ones, that are remembered at most.
const MOST: usize = 10_000;

/// The numbers that the book goes by.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    /// Sessions at once.
    pub(super) sessions: usize,
    /// How long an unused session is kept.
    pub(super) idle: Duration,
    /// How long a session is kept at all: a password that was changed meanwhile is noticed then.
    pub(super) age: Duration,
    /// How long a refused credential is remembered.
    pub(super) refused: Duration,
    /// Credentials of one name that may be wrong within that time.
    pub(super) tries: usize,
}

/// Why somebody isn't let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum No {
    /// The service has refused this credential, and won't be asked again for so long.
    Wrong(Duration),
    /// Too many credentials of this name were wrong; another one won't be tried for so long.
    TooManyTries(Duration),
    /// Every session is in use.
    Full,
}

/// The book; `T` is a session. A session is in use while somebody else holds it.
pub(super) struct Book<T> {
    rules: Rules,
    open: HashMap<Tag, Held<T>>,
    refused: HashMap<Tag, Moment>,
    tries: HashMap<Tag, Vec<(Tag, Moment)>>,
}

struct Held<T> {
    session: Arc<T>,
    opened: Moment,
    used: Moment,
    is_proved: bool,
}

impl<T> Held<T> {
    fn is_busy(&self) -> bool {
        Arc::strong_count(&self.session) > 1
    }
}

impl<T> Book<T> {
    pub(super) fn new(rules: Rules) -> Self {
        Self { rules, open: HashMap::new(), refused: HashMap::new(), tries: HashMap::new() }
    }

    /// The session of a credential, opened if need be; what had to give way for it is dropped.
    ///
    /// # Errors
    /// Why it is not to be had.
    pub(super) fn enter(
        &mut self,
        now: Moment,
        credential: Tag,
        name: Tag,
        open: impl FnOnce() -> T,
    ) -> Result<Arc<T>, No> {
        if let Some(until) = self.refused.get(&credential).filter(|until| now < **until) {
            return Err(No::Wrong(until.since(now)));
        }
        if let Some(held) = self.open.get_mut(&credential) {
            if now.since(held.opened) < self.rules.age {
                held.used = now;
                return Ok(Arc::clone(&held.session));
            }
            self.open.remove(&credential);
        }
        self.try_out(now, credential, name)?;
        if self.open.len() >= self.rules.sessions {
            let idle = self.open.iter().filter(|(_, held)| !held.is_busy());
            // What isn't proved first, so that nobody's session gives way to one wrong password after another.
            let first = idle.min_by_key(|(_, held)| (held.is_proved, held.used)).map(|(tag, _)| *tag);
            self.open.remove(&first.ok_or(No::Full)?);
        }
        let session = Arc::new(open());
        self.open.insert(credential, Held { session: Arc::clone(&session), opened: now, used: now, is_proved: false });
        Ok(session)
    }

    /// Notes that a credential is on trial, if its name may have one more.
    fn try_out(&mut self, now: Moment, credential: Tag, name: Tag) -> Result<(), No> {
        let life = self.rules.refused;
        let tries = self.tries.entry(name).or_default();
        tries.retain(|(_, at)| now.since(*at) < life);
        if tries.iter().all(|(tried, _)| *tried != credential) {
            if tries.len() >= self.rules.tries {
                let first = tries.iter().map(|(_, at)| *at).min().unwrap_or(now);
                return Err(No::TooManyTries(first.plus(life).since(now)));
            }
            tries.push((credential, now));
        }
        if self.tries.len() > MOST {
            self.forget_tries(now);
        }
        Ok(())
    }

    /// The service has accepted the credential.
    pub(super) fn prove(&mut self, credential: Tag, name: Tag) {
        if let Some(held) = self.open.get_mut(&credential) {
            held.is_proved = true;
        }
        if let Some(tries) = self.tries.get_mut(&name) {
            tries.retain(|(tried, _)| *tried != credential);
            if tries.is_empty() {
                self.tries.remove(&name);
            }
        }
    }

    /// The service has refused the credential of this session: it is remembered and the session closed. True the first
    /// time, since all who waited for the same login say so.
    pub(super) fn refuse(&mut self, now: Moment, credential: Tag, session: &Arc<T>) -> bool {
        if !self.open.get(&credential).is_some_and(|held| Arc::ptr_eq(&held.session, session)) {
            return false;
        }
        self.open.remove(&credential);
        if self.refused.len() >= MOST {
            self.refused.retain(|_, until| now < *until);
            if let (true, Some(first)) =
                (self.refused.len() >= MOST, self.refused.iter().min_by_key(|(_, until)| **until).map(|(tag, _)| *tag))
            {
                self.refused.remove(&first);
            }
        }
        self.refused.insert(credential, now.plus(self.rules.refused));
        true
    }

    /// Closes what was unused for too long or is too old, and forgets what no longer counts.
    pub(super) fn sweep(&mut self, now: Moment) {
        let Rules { idle, age, .. } = self.rules;
        let is_stale = |held: &Held<T>| now.since(held.used) >= idle || now.since(held.opened) >= age;
        self.open.retain(|_, held| held.is_busy() || !is_stale(held));
        self.refused.retain(|_, until| now < *until);
        self.forget_tries(now);
    }

    fn forget_tries(&mut self, now: Moment) {
        let life = self.rules.refused;
        self.tries.retain(|_, tries| tries.iter().any(|(_, at)| now.since(*at) < life));
        while self.tries.len() > MOST {
            let last = |tries: &Vec<(Tag, Moment)>| tries.iter().map(|(_, at)| *at).max();
            let Some(first) = self.tries.iter().min_by_key(|(_, tries)| last(tries)).map(|(name, _)| *name) else {
                return;
            };
            self.tries.remove(&first);
        }
    }

    /// Closes all sessions; those in use end with their users.
    pub(super) fn close(&mut self) {
        self.open.clear();
    }

    /// How many sessions there are.
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::{Clock, VirtualClock},
        gateway::tag::Sealer,
        secret::{Credentials, Secret},
    };

    /// A book with a sealer and a time of its own; sessions are the words they were opened with.
    struct Desk {
        book: Book<String>,
        sealer: Sealer,
        clock: VirtualClock,
    }

    impl Desk {
        fn new() -> Self {
            let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
            let rules = Rules { sessions: 3, idle: minutes(15), age: minutes(480), refused: minutes(10), tries: 2 };
            Self { book: Book::new(rules), sealer: Sealer::new().unwrap(), clock: VirtualClock::new() }
        }

        fn tags(&self, name: &str, password: &str) -> (Tag, Tag) {
            let credentials = Credentials { username: name.into(), password: Secret::new(password) };
            (self.sealer.credential(&credentials), self.sealer.name(name))
        }

        fn enter(&mut self, name: &str, password: &str) -> Result<Arc<String>, No> {
            let (credential, of) = self.tags(name, password);
            self.book.enter(self.clock.now(), credential, of, || format!("{name}/{password}"))
        }

        fn prove(&mut self, name: &str, password: &str) {
            let (credential, of) = self.tags(name, password);
            self.book.prove(credential, of);
        }

        fn refuse(&mut self, name: &str, password: &str, session: &Arc<String>) -> bool {
            let (credential, _) = self.tags(name, password);
            self.book.refuse(self.clock.now(), credential, session)
        }

        fn wait(&mut self, minutes: u64) {
            self.clock.advance(Duration::from_secs(60 * minutes));
        }
    }

    #[test]
    fn a_credential_has_one_session_until_it_is_idle_or_old() {
        let mut desk = Desk::new();
        let first = desk.enter("a", "1").unwrap();
        desk.prove("a", "1");
        assert!(Arc::ptr_eq(&first, &desk.enter("a", "1").unwrap()));
        desk.wait(20);
        desk.book.sweep(desk.clock.now());
        assert!(Arc::ptr_eq(&first, &desk.enter("a", "1").unwrap()), "in use, so not idle");
        drop(first);
        desk.wait(20);
        desk.book.sweep(desk.clock.now());
        assert_eq!(desk.book.len(), 0);
        let second = desk.enter("a", "1").unwrap();
        desk.wait(480);
        assert!(!Arc::ptr_eq(&second, &desk.enter("a", "1").unwrap()), "too old, used or not");
    }

    #[test]
    fn a_refused_credential_is_not_tried_again_for_its_life() {
        let mut desk = Desk::new();
        let (session, same) = (desk.enter("a", "wrong").unwrap(), desk.enter("a", "wrong").unwrap());
        assert!(desk.refuse("a", "wrong", &session));
        assert!(!desk.refuse("a", "wrong", &same), "said once");
        desk.wait(9);
        assert!(matches!(desk.enter("a", "wrong"), Err(No::Wrong(left)) if left <= Duration::from_secs(60)));
        desk.wait(1);
        let again = desk.enter("a", "wrong").unwrap();
        assert!(!desk.refuse("a", "wrong", &session), "an old flight says nothing about the new one");
        assert!(desk.refuse("a", "wrong", &again));
    }

    #[test]
    fn a_name_has_few_tries_and_no_other_name_pays_for_it() {
        let mut desk = Desk::new();
        desk.enter("a", "right").unwrap();
        desk.prove("a", "right");
        // Unproved ones count at once: a thousand at the same time are no more than a thousand in a row.
        desk.enter("a", "1").unwrap();
        desk.enter("A ", "2").unwrap();
        assert!(matches!(desk.enter("a", "3"), Err(No::TooManyTries(_))));
        assert!(desk.enter("a", "1").is_ok() && desk.enter("a", "right").is_ok() && desk.enter("b", "1").is_ok());
        desk.wait(10);
        assert!(desk.enter("a", "3").is_ok());
    }

    #[test]
    fn the_longest_unused_session_gives_way_and_one_in_use_never() {
        let mut desk = Desk::new();
        let held: Vec<_> = ["a", "b", "c"].map(|name| desk.enter(name, "1").unwrap()).into();
        assert_eq!(desk.enter("d", "1"), Err(No::Full));
        drop(held);
        desk.prove("b", "1");
        desk.prove("c", "1");
        desk.wait(1);
        desk.enter("a", "1").unwrap();
        // `a` was used last, but never proved; of the others `b` has been unused for longer.
        for (new, given_up) in [("d", "a"), ("e", "d")] {
            desk.enter(new, "1").unwrap();
            assert!(!desk.book.open.contains_key(&desk.tags(given_up, "1").0) && desk.book.len() == 3);
        }
        desk.prove("e", "1");
        desk.enter("f", "1").unwrap();
        let left = |desk: &Desk, name| desk.book.open.contains_key(&desk.tags(name, "1").0);
        assert_eq!(["b", "c"].map(|name| left(&desk, name)).iter().filter(|left| **left).count(), 1);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut desk = Desk::new();
        for number in 0..MOST + 50 {
            let name = number.to_string();
            let session = desk.enter(&name, "1").unwrap();
            assert!(desk.refuse(&name, "1", &session));
        }
        assert!(desk.book.refused.len() <= MOST && desk.book.tries.len() <= MOST + 1);
        assert!(matches!(desk.enter(&(MOST + 49).to_string(), "1"), Err(No::Wrong(_))), "the newest is remembered");
        desk.wait(10);
        desk.book.sweep(desk.clock.now());
        assert_eq!((desk.book.refused.len(), desk.book.tries.len()), (0, 0));
    }
}
