//! A session over hours: tokens die and are replaced while one report is computed.

use std::time::Duration;

use insightframe::insights::AuthMode;

use crate::stage::{EXECUTE, MAIN, RESULT, Stage, whole};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test]
async fn an_export_of_three_hours_outlives_18_temporary_tokens_and_a_session_with_one_execution() {
    for mode in [AuthMode::Header, AuthMode::Cookie] {
        let stage = Stage::with(|served| served.compute_seconds = 3.0 * 3600.0, |asked| asked.auth = mode);
        stage.client.login(&stage.call()).await.unwrap();
        // The session ends in the middle of the three hours.
        stage.sandbox.advance(14 * DAY - 90 * MINUTE);
        stage.sandbox.clear_ledger();
        let before = stage.clock.now();
        let table = stage.table(&whole(MAIN)).await.unwrap();
        let took = stage.clock.now().since(before);
        assert!(took >= 180 * MINUTE && took < 182 * MINUTE, "{took:?}");
        assert_eq!((table.num_rows(), stage.sent("POST", EXECUTE)), (620, 1), "{mode:?}");
        assert_eq!(stage.sandbox.executions(), 1);
        // A temporary token lives ten minutes, and is replaced ahead of its end by about two.
        let (logins, refreshes, logouts) = stage.account();
        assert_eq!((logins, logouts), (1, 0), "{mode:?}");
        assert!((18..=24).contains(&refreshes), "{mode:?}: {refreshes}");
        let receipt = table.receipt().unwrap();
        assert!(receipt.polls > 700, "{}", receipt.polls);
        // Nobody looked with a dead token more than once.
        let challenged = stage.requests("GET", RESULT).iter().filter(|entry| entry.status == Some(401)).count();
        assert!(challenged <= 1, "{mode:?}: {challenged}");
    }
}
