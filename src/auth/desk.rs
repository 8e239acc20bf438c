//! Who gets which token: a state machine without time, threads or network of its own.
//!
//! Advice to the next editor: every question is answered under one lock, and what a fetch brought is stored under the
//! same lock as the flight is cleared. Splitting the two lets a caller slip in between, find neither a fresh token nor
//! a flight, and start a second fetch.

use std::time::Duration;

use crate::{
    clock::Moment,
    error::{Error, Kind},
    secret::Secret,
};

/// A failed refresh of a token that still lives is not repeated sooner.
const QUIET: Duration = Duration::from_secs(5);

/// A login that is throttled without a word on how long is not repeated sooner.
const THROTTLE: Duration = Duration::from_secs(60);

/// What a fetch brings.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// The super-secured token.
    pub sst: Secret,
    /// The temporary token.
    pub tt: Secret,
    /// When the fetch began: the lifetime is counted from then, to be on the safe side.
    pub asked: Moment,
    /// How long the temporary token lives.
    pub life: Duration,
}

/// A temporary token and which one it is.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// The token.
    pub tt: Secret,
    /// Counts up with every fetch.
    pub generation: u64,
}

/// Which token a challenge (401) declared dead, by the generation that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dead {
    /// The temporary token alone.
    Temporary(u64),
    /// The super-secured token, and so both.
    SuperSecured(u64),
}

/// The answer to a caller.
#[derive(Debug)]
pub enum Answer<F> {
    /// Use this one.
    Use(Ticket),
    /// Use this one, and see that `flight` gets done beside it: the token will expire soon.
    UseWhile(Ticket, F),
    /// Wait for this flight.
    Wait(F),
    /// Don't try: the service has refused and nothing has changed since.
    Refused(Error),
}

/// The state. `F` is a handle on a fetch under way that can tell whether it still is.
#[derive(Debug)]
pub struct Desk<F> {
    held: Option<Held>,
    generation: u64,
    flight: Option<F>,
    refused: Option<(Error, Option<Moment>)>,
    quiet_until: Option<Moment>,
}

#[derive(Debug)]
struct Held {
    sst: Secret,
    ticket: Option<(Ticket, Moment, Moment)>,
}

impl<F> Default for Desk<F> {
    fn default() -> Self {
        Self { held: None, generation: 0, flight: None, refused: None, quiet_until: None }
    }
}

impl<F> Desk<F> {
    /// A caller wants a token; `dead` is what a challenge just told it. `join` gives the flight under way a further
    /// passenger, or `None` when there is none any more; `start` begins one, with the SST at hand.
    pub fn ask<J>(
        &mut self,
        now: Moment,
        dead: Option<Dead>,
        join: impl Fn(&F) -> Option<J>,
        start: impl FnOnce(Option<Secret>) -> (F, J),
    ) -> Answer<J> {
        self.bury(dead);
        let refusal = self.refusal(now);
        let ticket = match self.held.as_ref().and_then(|held| held.ticket.as_ref()) {
            Some((ticket, ahead, expires)) if now < *expires => {
                // A token that lives is good, whatever the service said to the one who wanted the next one.
                let quiet = refusal.is_some() || self.quiet_until.is_some_and(|until| now < until);
                if now < *ahead || quiet || self.flight.as_ref().is_some_and(|flight| join(flight).is_some()) {
                    return Answer::Use(ticket.clone());
                }
                Some(ticket.clone())
            }
            _ => None,
        };
        if let Some(error) = refusal {
            return Answer::Refused(error);
        }
        let flight = match self.flight.as_ref().and_then(join) {
            Some(joined) => joined,
            None => {
                let (flight, joined) = start(self.held.as_ref().map(|held| held.sst.clone()));
                self.flight = Some(flight);
                joined
            }
        };
        match ticket {
            Some(ticket) => Answer::UseWhile(ticket, flight),
            None => Answer::Wait(flight),
        }
    }

    /// A fetch has ended: stores what it brought and lets the next caller start another.
    ///
    /// # Errors
    /// The error of the fetch; a refused login is remembered, so that it is sent once.
    pub fn land(&mut self, now: Moment, fetched: Result<Tokens, Error>) -> Result<Ticket, Error> {
        self.flight = None;
        match fetched {
            Ok(tokens) => {
                self.generation += 1;
                self.quiet_until = None;
                let ticket = Ticket { tt: tokens.tt, generation: self.generation };
                let expires = tokens.asked.plus(tokens.life);
                let ahead = tokens.asked.plus(tokens.life.mul_f64(0.8));
                self.held = Some(Held { sst: tokens.sst, ticket: Some((ticket.clone(), ahead, expires)) });
                Ok(ticket)
            }
            Err(error) => {
                match error.kind() {
                    Kind::InvalidCredentials(_) => self.refused = Some((error.clone(), None)),
                    Kind::LoginThrottled { retry_after } => {
                        let until = now.plus(retry_after.unwrap_or(THROTTLE));
                        self.refused = Some((error.clone(), Some(until)));
                    }
                    _ => self.quiet_until = Some(now.plus(QUIET)),
                }
                Err(error)
            }
        }
    }

    /// The fetch under way, if there is one.
    pub fn flight(&self) -> Option<&F> {
        self.flight.as_ref()
    }

    /// Forgets the tokens and gives them out for a last use: to log out.
    pub fn surrender(&mut self) -> Option<(Secret, Option<Secret>)> {
        let held = self.held.take()?;
        Some((held.sst, held.ticket.map(|(ticket, ..)| ticket.tt)))
    }

    /// The super-secured token at hand.
    pub fn super_secured(&self) -> Option<Secret> {
        self.held.as_ref().map(|held| held.sst.clone())
    }

    /// The tokens at hand, to be masked in what is shown.
    pub fn secrets(&self) -> Vec<Secret> {
        let Some(held) = &self.held else { return Vec::new() };
        let tt = held.ticket.as_ref().map(|(ticket, ..)| ticket.tt.clone());
        [held.sst.clone()].into_iter().chain(tt).collect()
    }

    /// Takes a challenge to heart, unless it is about a token that was replaced in the meantime.
    fn bury(&mut self, dead: Option<Dead>) {
        let Some(dead) = dead else { return };
        let (Dead::Temporary(generation) | Dead::SuperSecured(generation)) = dead;
        if generation < self.generation {
            return;
        }
        match dead {
            Dead::Temporary(_) => {
                if let Some(held) = &mut self.held {
                    held.ticket = None;
                }
            }
            Dead::SuperSecured(_) => self.held = None,
        }
    }

    fn refusal(&mut self, now: Moment) -> Option<Error> {
        match &self.refused {
            Some((error, None)) => Some(error.clone()),
            Some((_, Some(until))) if now < *until => {
                Some(Error::new(Kind::LoginThrottled { retry_after: Some(until.since(now)) }))
            }
            Some(_) => {
                self.refused = None;
                None
            }
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, VirtualClock};

    const LIFE: Duration = Duration::from_secs(600);

    fn tokens(asked: Moment, name: &str) -> Tokens {
        Tokens { sst: Secret::new("sst"), tt: Secret::new(name), asked, life: LIFE }
    }

    /// What a caller is told, in a word; a flight is its SST, or "login".
    fn ask(desk: &mut Desk<String>, now: Moment, dead: Option<Dead>) -> String {
        let start = |sst: Option<Secret>| {
            let how = sst.map_or("login".to_owned(), |_| "refresh".to_owned());
            (how.clone(), how)
        };
        match desk.ask(now, dead, |flight| Some(format!("joined {flight}")), start) {
            Answer::Use(ticket) => format!("use {}", ticket.tt.expose()),
            Answer::UseWhile(ticket, flight) => format!("use {} while {flight}", ticket.tt.expose()),
            Answer::Wait(flight) => format!("wait for {flight}"),
            Answer::Refused(error) => error.code().to_owned(),
        }
    }

    #[test]
    fn a_life_of_a_session() {
        let clock = VirtualClock::new();
        let start = clock.now();
        let at = |seconds: u64| start.plus(Duration::from_secs(seconds));
        let mut desk = Desk::default();
        assert_eq!(ask(&mut desk, at(0), None), "wait for login");
        assert_eq!(ask(&mut desk, at(0), None), "wait for joined login");
        desk.land(at(1), Ok(tokens(at(0), "one"))).unwrap();
        assert_eq!(ask(&mut desk, at(479), None), "use one");
        assert_eq!(ask(&mut desk, at(481), None), "use one while refresh");
        assert_eq!(ask(&mut desk, at(482), None), "use one");
        // The refresh ahead fails softly: the old token goes on, and nobody tries again at once.
        desk.land(at(483), Err(Error::transport(crate::error::TransportFault::Connect, "x"))).unwrap_err();
        assert_eq!(ask(&mut desk, at(484), None), "use one");
        assert_eq!(ask(&mut desk, at(490), None), "use one while refresh");
        assert_eq!(ask(&mut desk, at(601), None), "wait for joined refresh");
        desk.land(at(602), Ok(tokens(at(601), "two"))).unwrap();
        // Generation 2 is in use; a late 401 for generation 1 changes nothing, one for generation 2 does.
        assert_eq!(ask(&mut desk, at(603), Some(Dead::Temporary(1))), "use two");
        assert_eq!(ask(&mut desk, at(603), Some(Dead::SuperSecured(1))), "use two");
        assert_eq!(ask(&mut desk, at(603), Some(Dead::Temporary(2))), "wait for refresh");
        desk.land(at(604), Ok(tokens(at(603), "three"))).unwrap();
        assert_eq!(ask(&mut desk, at(605), Some(Dead::SuperSecured(3))), "wait for login");
    }

    #[test]
    fn a_refused_login_is_not_sent_again() {
        let start = VirtualClock::new().now();
        let at = |seconds: u64| start.plus(Duration::from_secs(seconds));
        let mut wrong = Desk::default();
        ask(&mut wrong, at(0), None);
        wrong.land(at(0), Err(Error::new(Kind::InvalidCredentials("no".into())))).unwrap_err();
        assert_eq!(ask(&mut wrong, at(1_000_000), None), "InvalidCredentials");

        let mut throttled = Desk::default();
        ask(&mut throttled, at(0), None);
        let wait = Some(Duration::from_secs(90));
        throttled.land(at(0), Err(Error::new(Kind::LoginThrottled { retry_after: wait }))).unwrap_err();
        assert_eq!(ask(&mut throttled, at(89), None), "LoginThrottled");
        assert_eq!(ask(&mut throttled, at(90), None), "wait for login");
    }

    #[test]
    fn a_refused_login_takes_no_living_token_from_anybody() {
        let start = VirtualClock::new().now();
        let at = |seconds: u64| start.plus(Duration::from_secs(seconds));
        let throttled = || Error::new(Kind::LoginThrottled { retry_after: Some(Duration::from_secs(3600)) });
        for error in [throttled(), Error::new(Kind::InvalidCredentials("no".into()))] {
            let mut desk = Desk::default();
            ask(&mut desk, at(0), None);
            desk.land(at(0), Ok(tokens(at(0), "one"))).unwrap();
            assert_eq!(ask(&mut desk, at(540), None), "use one while refresh");
            let code = desk.land(at(541), Err(error)).unwrap_err().code();
            assert_eq!(ask(&mut desk, at(599), None), "use one");
            assert_eq!(ask(&mut desk, at(600), None), code);
        }
    }
}
