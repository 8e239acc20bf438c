//! P13: polling ends at its deadline with a handle; its mean extra wait is small.

use std::time::Duration;

use insightframe::{error::Kind, export};
use serde_json::json;

use crate::stage::{MAIN, RESULT, Stage, whole};

#[tokio::test]
async fn a_result_that_never_comes_ends_at_the_deadline_with_a_handle() {
    let stage = Stage::with(|served| served.compute_seconds = 1e9, |_| ());
    let (before, allowed) = (stage.clock.now(), Duration::from_secs(600));
    let error = export::table(&stage.client, &stage.call_within(allowed), &whole(MAIN)).await.unwrap_err();
    let took = stage.clock.now().since(before);
    let Kind::DeadlineExceeded { handle: Some(handle), phase, .. } = error.kind() else { panic!("{error:?}") };
    assert!(*phase == "polling" && handle.contains("/execute/raw/"), "{handle}");
    // It gives up before a pause that would end too late, at most the longest one early.
    assert!(took <= allowed && took >= allowed - Duration::from_secs(15), "{took:?}");
    let looks = stage.sent("GET", RESULT);
    assert!((40..60).contains(&looks), "{looks}");
    // The token was replaced on the way, ahead of its end.
    let challenged = stage.sandbox.ledger().iter().filter(|entry| entry.status == Some(401)).count();
    assert_eq!((challenged, stage.account()), (0, (1, 1, 0)));
}

#[tokio::test]
async fn a_result_is_noticed_soon_after_it_is_there() {
    // Reports that take from a second to most of an hour, each about a seventh longer than the one before.
    let mut shares = Vec::new();
    for seconds in (0..56).map(|power| 1.3 * 1.15_f64.powi(power)) {
        let stage = Stage::with(|served| served.compute_seconds = seconds, |_| ());
        let before = stage.clock.now();
        let table = stage.table(&whole(MAIN)).await.unwrap();
        assert_eq!(table.num_rows(), 620);
        let extra = stage.clock.now().since(before).as_secs_f64() - seconds;
        assert!(extra <= 16.0, "{seconds} s: {extra} s more");
        shares.push(extra / seconds);
    }
    let mean = shares.iter().sum::<f64>() / shares.len() as f64;
    assert!(mean <= 0.15, "{mean}");
}

#[tokio::test]
async fn a_service_that_names_a_pause_gets_it() {
    let stage = Stage::with(|served| served.raw_202_count = 3, |_| ());
    stage.fault(json!({"fault": "retry_after", "value": "40", "path": RESULT, "times": 3}));
    let before = stage.clock.now();
    stage.table(&whole(MAIN)).await.unwrap();
    let waited = stage.clock.now().since(before).as_secs();
    assert!((120..123).contains(&waited), "{waited}");
    assert_eq!(stage.sent("GET", RESULT), 4);
}
