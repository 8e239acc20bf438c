//! The open connections, of which there are only so many. When another one comes, the one that has been idle for
//! longest gives way: whoever opens thousands and says nothing keeps nobody out.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

use super::meters::Meters;

/// The connections.
pub(super) struct Connections {
    most: usize,
    meters: Arc<Meters>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Counts up with every change, and so orders the idle ones.
    moves: u64,
    /// Each with the requests under way on it, its place among the idle ones, and what ends it when it is dropped.
    live: HashMap<u64, Live>,
    /// The idle ones, the longest idle first.
    idle: BTreeMap<u64, u64>,
}

struct Live {
    requests: usize,
    idle_since: Option<u64>,
    _end: oneshot::Sender<()>,
}

/// The place of one connection; it is free again when this is dropped.
pub(super) struct Ticket {
    connections: Arc<Connections>,
    id: u64,
}

/// A request under way: the connection doesn't give way as long as there is one.
pub(super) struct Busy(Arc<Ticket>);

impl Connections {
    pub(super) fn new(most: usize, meters: Arc<Meters>) -> Arc<Self> {
        Arc::new(Self { most, meters, inner: Mutex::default() })
    }

    /// A place for a connection, and what tells it to end at once; `None` when every other one is busy.
    pub(super) fn admit(self: &Arc<Self>) -> Option<(Arc<Ticket>, oneshot::Receiver<()>)> {
        let mut inner = self.inner();
        if inner.live.len() >= self.most {
            let (_, longest) = inner.idle.pop_first()?;
            inner.live.remove(&longest);
            self.meters.dropped_connections.inc();
        }
        let (sender, end) = oneshot::channel();
        inner.moves += 1;
        let id = inner.moves;
        inner.idle.insert(id, id);
        inner.live.insert(id, Live { requests: 0, idle_since: Some(id), _end: sender });
        self.meters.connections.set(i64::try_from(inner.live.len()).unwrap_or(i64::MAX));
        Some((Arc::new(Ticket { connections: Arc::clone(self), id }), end))
    }

    /// Ends all of them at once.
    pub(super) fn end(&self) {
        let mut inner = self.inner();
        inner.idle.clear();
        inner.live.clear();
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    /// Notes that a request has begun; it ends when what this gives is dropped.
    pub(super) fn busy(self: &Arc<Self>) -> Busy {
        let mut inner = self.connections.inner();
        if let Some(live) = inner.live.get_mut(&self.id) {
            live.requests += 1;
            if let Some(since) = live.idle_since.take() {
                inner.idle.remove(&since);
            }
        }
        Busy(Arc::clone(self))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut guard = self.0.connections.inner();
        let inner = &mut *guard;
        inner.moves += 1;
        if let Some(live) = inner.live.get_mut(&self.0.id) {
            live.requests -= 1;
            if live.requests == 0 {
                live.idle_since = Some(inner.moves);
                inner.idle.insert(inner.moves, self.0.id);
            }
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut inner = self.connections.inner();
        if let Some(live) = inner.live.remove(&self.id)
            && let Some(since) = live.idle_since
        {
            inner.idle.remove(&since);
        }
        self.connections.meters.connections.set(i64::try_from(inner.live.len()).unwrap_or(i64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_idle_one_gives_way_and_a_busy_one_never() {
        let connections = Connections::new(3, Arc::new(Meters::new()));
        let mut first = connections.admit().unwrap();
        let mut second = connections.admit().unwrap();
        let mut third = connections.admit().unwrap();
        let busy = first.0.busy();
        let fourth = connections.admit().unwrap();
        let ended =
            |end: &mut oneshot::Receiver<()>| matches!(end.try_recv(), Err(oneshot::error::TryRecvError::Closed));
        assert!(!ended(&mut first.1) && ended(&mut second.1) && !ended(&mut third.1));
        // The first one is idle again, but for less long than the third.
        drop(busy);
        let fifth = connections.admit().unwrap();
        assert!(!ended(&mut first.1) && ended(&mut third.1));
        let all = [&first.0, &fourth.0, &fifth.0].map(Ticket::busy);
        assert!(connections.admit().is_none());
        drop(all);
        let counts = || {
            let inner = connections.inner();
            (inner.live.len(), inner.idle.len())
        };
        drop((second, third));
        assert_eq!(counts(), (3, 3));
        drop((first, fourth, fifth));
        assert_eq!(counts(), (0, 0));
    }
}
