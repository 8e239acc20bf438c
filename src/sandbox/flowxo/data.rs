//! What happens in a chatbot, a quarter of an hour at a time, drawn from the seed.
//!
//! A quarter of an hour because the offsets of all time zones are multiples of it: a local day is always a whole number
//! of slots. All of a slot happens at its beginning.

use jiff::{Timestamp, civil::Date, tz::Offset};

use crate::sandbox::random::{Draws, mix};

/// Milliseconds of a slot.
pub(super) const SLOT: i64 = 15 * 60 * 1000;

/// Slots of thirty days, over which users count as active.
const MONTH: usize = 30 * 96;

/// The events of one slot, or of several added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Events {
    pub(super) new_users: i64,
    pub(super) triggers: i64,
    pub(super) received: i64,
    pub(super) sent: i64,
}

impl Events {
    pub(super) fn add(&mut self, other: Self) {
        self.new_users += other.new_users;
        self.triggers += other.triggers;
        self.received += other.received;
        self.sent += other.sent;
    }

    pub(super) fn is_nothing(self) -> bool {
        self == Self::default()
    }
}

/// The events of one account.
#[derive(Debug)]
pub(super) struct Data {
    /// Milliseconds since 1970 at which the first slot begins.
    begin: i64,
    slots: Vec<Events>,
    /// Users that there are after so many slots.
    users: Vec<i64>,
}

impl Data {
    pub(super) fn new(seed: u64, first: Date, last: Date) -> Self {
        let midnight = |day: Date| Offset::UTC.to_timestamp(day.at(0, 0, 0, 0)).map_or(0, Timestamp::as_millisecond);
        let begin = midnight(first);
        let end = midnight(last.tomorrow().unwrap_or(last));
        let count = ((end - begin) / SLOT).max(0);
        let slots: Vec<_> = (0..count).map(|slot| events(seed, slot)).collect();
        let mut users = vec![0];
        users.extend(slots.iter().scan(0, |total, slot| {
            *total += slot.new_users;
            Some(*total)
        }));
        Self { begin, slots, users }
    }

    /// When the data begins, in milliseconds since 1970.
    pub(super) fn begin(&self) -> i64 {
        self.begin
    }

    /// When it ends.
    pub(super) fn end(&self) -> i64 {
        self.begin + self.slots.len() as i64 * SLOT
    }

    /// The slots that begin from `start` on and before `end`, with their beginnings.
    pub(super) fn slots(&self, start: i64, end: i64) -> impl Iterator<Item = (i64, Events)> {
        let (first, last) = (self.count(start), self.count(end));
        let slots = self.slots[first..last.max(first)].iter().enumerate();
        slots.map(move |(n, events)| (self.begin + (first + n) as i64 * SLOT, *events))
    }

    /// Users that interacted before `at`.
    pub(super) fn total_users(&self, at: i64) -> i64 {
        self.users[self.count(at)]
    }

    /// Of these, the ones that did so within thirty days: all new ones, and a third of the others.
    pub(super) fn active_users(&self, at: i64) -> i64 {
        let now = self.count(at);
        let before = self.users[now.saturating_sub(MONTH)];
        self.users[now] - before + before / 3
    }

    /// Slots that begin before `at`.
    fn count(&self, at: i64) -> usize {
        let count = (at - self.begin + SLOT - 1).div_euclid(SLOT);
        usize::try_from(count.max(0)).unwrap_or_default().min(self.slots.len())
    }
}

/// A slot: nothing at night, most at noon, less on some days.
fn events(seed: u64, slot: i64) -> Events {
    let hour = slot.rem_euclid(96) / 4;
    let busy = match hour {
        0..=5 => 0,
        6..=8 | 18..=23 => 2,
        _ => 6,
    };
    let mut draws = Draws(mix(seed, slot as u64));
    // Now and then even the night is not quiet.
    if busy == 0 && draws.below(16) > 0 {
        return Events::default();
    }
    let received = draws.below(busy + 2) as i64;
    Events {
        new_users: draws.below(3).min(received as u64) as i64 / 2,
        triggers: received - draws.below(received as u64 + 1) as i64 / 4,
        received,
        sent: received + draws.below(received as u64 + 1) as i64,
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn slots_are_counted_by_their_beginnings() {
        let data = Data::new(1, date(2023, 1, 1), date(2023, 1, 2));
        let begin = data.begin();
        assert_eq!((data.end() - begin) / SLOT, 192);
        assert_eq!(data.slots(begin, begin + SLOT).count(), 1);
        assert_eq!(data.slots(begin, begin + SLOT + 1).count(), 2);
        assert_eq!(data.slots(begin + 1, begin + SLOT).count(), 0);
        assert_eq!(data.slots(i64::MIN / 2, i64::MAX / 2).count(), 192);
        assert_eq!(data.slots(begin + SLOT, begin).count(), 0);
        let new: i64 = data.slots(begin, data.end()).map(|(_, events)| events.new_users).sum();
        assert_eq!(new, data.total_users(data.end()));
        assert!(new > 0 && data.active_users(data.end()) == new);
    }
}
