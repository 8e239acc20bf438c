//! P3: a late 401 never discards a newer token.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use insightframe::{
    auth::{Asked, Dead, Session, Tokens},
    clock::{Clock, VirtualClock},
    secret::Secret,
};
use serde_json::json;
use tokio::task::JoinSet;

use crate::stage::{IDENTIFIERS, LOGIN, Stage, until};

#[tokio::test]
async fn a_challenge_to_an_old_token_costs_no_request() {
    // A fresh token kills the one before, so that requests on their way are challenged although all is well by then.
    let stage = Arc::new(Stage::with(|served| served.old_tt_survives_refresh = false, |_| ()));
    stage.client.login(&stage.call()).await.unwrap();
    stage.fault(json!({"fault": "latency", "ms": 300, "when": "before_read", "path": IDENTIFIERS, "times": 20}));
    let mut late = JoinSet::new();
    for _ in 0..20 {
        let stage = Arc::clone(&stage);
        late.spawn(async move { stage.ask(&stage.call()).await });
    }
    until("they are on their way", || stage.sent("POST", IDENTIFIERS) == 20).await;
    stage.fault(json!({"fault": "expire_tt", "path": IDENTIFIERS, "times": 1}));
    stage.ask(&stage.call()).await.unwrap();
    assert_eq!(stage.account(), (1, 1, 0));
    assert!(late.join_all().await.iter().all(Result::is_ok));
    let challenged = stage.requests("POST", IDENTIFIERS).iter().filter(|entry| entry.status == Some(401)).count();
    assert_eq!((challenged, stage.account()), (21, (1, 1, 0)));
    assert_eq!(stage.sent("POST", LOGIN), 1);
}

#[tokio::test]
async fn a_thousand_shuffles_of_challenges_cost_one_fetch_a_death() {
    for seed in 0..1_000 {
        let mut random = fastrand::Rng::with_seed(seed);
        let (clock, fetches) = (VirtualClock::new(), Arc::new(AtomicU32::new(0)));
        let (counter, time) = (Arc::clone(&fetches), clock.clone());
        let session = Session::new(Arc::new(clock), move |_| {
            let number = counter.fetch_add(1, Ordering::Relaxed);
            let asked = time.now();
            Box::pin(async move {
                let (sst, tt) = (Secret::new("sst"), Secret::new(format!("tt{number}")));
                Ok(Tokens { sst, tt, asked, life: Duration::from_secs(600) })
            })
        });
        let ticket = async |dead| match session.ask(dead).unwrap() {
            Asked::Ready(ticket) => ticket,
            Asked::Wait(flight) => flight.await.unwrap(),
        };
        // Every generation is carried by several requests, whose challenges come in any order, also after the next
        // generations are there. Only the first word about the newest one may fetch.
        let mut newest = ticket(None).await.generation;
        let mut on_the_way: Vec<u64> = vec![newest; 4];
        while !on_the_way.is_empty() {
            let generation = on_the_way.swap_remove(random.usize(..on_the_way.len()));
            let dead = if random.bool() { Dead::Temporary(generation) } else { Dead::SuperSecured(generation) };
            let before = fetches.load(Ordering::Relaxed);
            let fresh = ticket(Some(dead)).await.generation;
            let fetched = fetches.load(Ordering::Relaxed) - before;
            assert_eq!(fetched, u32::from(generation == newest), "seed {seed}: {dead:?} of {newest}");
            if fresh > newest && fresh < 12 {
                on_the_way.extend([fresh; 3]);
            }
            newest = fresh;
        }
        assert_eq!(u64::from(fetches.load(Ordering::Relaxed)), newest, "seed {seed}");
    }
}
