//! P1 to P4 as a model: callers, deaths, failures and cancellations around the state machine, in thousands of schedules.
//!
//! The fetch is shared as in `auth::Session`; the lock and the tasks are those of a scheduler that tries their orders.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::{
    FutureExt,
    future::{Shared, WeakShared},
};
use insightframe::{
    Error, Result,
    auth::{
        Dead, Ticket, Tokens,
        desk::{Answer, Desk},
    },
    clock::{Clock, Moment, VirtualClock},
    error::TransportFault,
    secret::Secret,
};
use shuttle::{
    check_random,
    future::{self, JoinHandle, block_on, yield_now},
    sync::Mutex,
};

const SCHEDULES: usize = 3_000;

type Fetch = Shared<Pin<Box<dyn Future<Output = Result<Ticket>> + Send>>>;

/// The desk, the service behind it, and what was counted.
struct World {
    desk: Mutex<Desk<WeakFetch>>,
    now: Moment,
    /// Fetches that were begun, that landed, and that were dropped on the way.
    begun: AtomicU64,
    landed: AtomicU64,
    /// The generation that the service accepts.
    alive: AtomicU64,
    fails: bool,
}

type WeakFetch = Option<WeakShared<Pin<Box<dyn Future<Output = Result<Ticket>> + Send>>>>;

impl World {
    fn new(fails: bool) -> Arc<Self> {
        let (begun, landed, alive) = Default::default();
        Arc::new(Self { desk: Mutex::default(), now: VirtualClock::new().now(), begun, landed, alive, fails })
    }

    fn begin(self: &Arc<Self>) -> (WeakFetch, Fetch) {
        let (world, number) = (Arc::clone(self), self.begun.fetch_add(1, SeqCst) + 1);
        let fetch: Pin<Box<dyn Future<Output = Result<Ticket>> + Send>> = Box::pin(async move {
            yield_now().await;
            let fetched = if world.fails {
                Err(Error::transport(TransportFault::Connect, number.to_string()))
            } else {
                let (sst, tt) = (Secret::new("sst"), Secret::new(number.to_string()));
                Ok(Tokens { sst, tt, asked: world.now, life: Duration::from_secs(600) })
            };
            yield_now().await;
            let landed = world.desk.lock().unwrap().land(world.now, fetched);
            world.landed.fetch_add(1, SeqCst);
            if let Ok(ticket) = &landed {
                world.alive.fetch_max(ticket.generation, SeqCst);
            }
            landed
        });
        let fetch = fetch.shared();
        (fetch.downgrade(), fetch)
    }

    /// A caller, from its question to its token.
    async fn ticket(self: &Arc<Self>, dead: Option<Dead>) -> Result<Ticket> {
        let answer = self.desk.lock().unwrap().ask(
            self.now,
            dead,
            |known| known.as_ref().and_then(WeakShared::upgrade),
            |_| self.begin(),
        );
        match answer {
            Answer::Use(ticket) => Ok(ticket),
            Answer::UseWhile(..) => panic!("no time passes, so nothing is refreshed ahead"),
            Answer::Wait(fetch) => fetch.await,
            Answer::Refused(error) => Err(error),
        }
    }

    fn counts(&self) -> (u64, u64) {
        (self.begun.load(SeqCst), self.landed.load(SeqCst))
    }
}

fn spawn<T: 'static>(world: &Arc<World>, caller: impl AsyncFnOnce(Arc<World>) -> T + 'static) -> JoinHandle<T> {
    let world = Arc::clone(world);
    future::spawn_local(async move { caller(world).await })
}

#[test]
fn p01_callers_share_one_fetch() {
    check_random(
        || {
            let world = World::new(false);
            let callers: Vec<_> = (0..4).map(|_| spawn(&world, async |world| world.ticket(None).await)).collect();
            for caller in callers {
                assert_eq!(block_on(caller).unwrap().unwrap().generation, 1);
            }
            assert_eq!(world.counts(), (1, 1));
        },
        SCHEDULES,
    );
}

#[test]
fn p02_no_caller_waits_for_a_second_failure() {
    check_random(
        || {
            let world = World::new(true);
            let caller = async |world: Arc<World>| {
                let before = world.begun.load(SeqCst);
                (before, world.ticket(None).await.unwrap_err().to_string().parse::<u64>().unwrap())
            };
            let callers: Vec<_> = (0..4).map(|_| spawn(&world, caller)).collect();
            for caller in callers {
                let (before, failed) = block_on(caller).unwrap();
                // Of what was under way when it came, or begun since; and nothing was begun for it alone after that.
                assert!(before <= failed.max(1), "began {before}, failed with {failed}");
            }
            let (begun, landed) = world.counts();
            assert!(begun == landed && begun <= 4);
        },
        SCHEDULES,
    );
}

#[test]
fn p03_one_death_is_one_fetch_whenever_its_challenges_come() {
    check_random(
        || {
            let world = World::new(false);
            block_on(world.ticket(None)).unwrap();
            // The service lets the first token die; all who carry it are challenged, each in its own time.
            let caller = async |world: Arc<World>| {
                let mut ticket = world.ticket(None).await.unwrap();
                yield_now().await;
                if ticket.generation == 1 {
                    ticket = world.ticket(Some(Dead::Temporary(1))).await.unwrap();
                }
                assert_eq!(ticket.generation, 2);
            };
            let callers: Vec<_> = (0..4).map(|_| spawn(&world, caller)).collect();
            for caller in callers {
                block_on(caller).unwrap();
            }
            assert_eq!((world.counts(), world.alive.load(SeqCst)), ((2, 2), 2));
        },
        SCHEDULES,
    );
}

#[test]
fn p04_a_cancelled_leader_costs_nobody_anything() {
    check_random(
        || {
            let world = World::new(false);
            let leader = spawn(&world, async |world| world.ticket(None).await);
            let followers: Vec<_> = (0..3).map(|_| spawn(&world, async |world| world.ticket(None).await)).collect();
            yield_now().now_or_never();
            leader.abort();
            for follower in followers {
                assert_eq!(block_on(follower).unwrap().unwrap().generation, 1);
            }
            // A second fetch is begun only when the leader was still alone when it left, and only one ever lands.
            let (begun, landed) = world.counts();
            assert!(landed == 1 && begun <= 2, "{begun} begun, {landed} landed");
        },
        SCHEDULES,
    );
}
