//! P16: identity or exactly one layer of gzip; caps count inflated bytes.

use insightframe::error::Kind;
use serde_json::json;

use crate::{
    p15_caps::growth,
    stage::{CONVERSATIONS, EXECUTE, MAIN, RESULT, Stage, whole},
};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

#[test]
fn a_bomb_of_ten_gibibytes_is_an_error_and_no_memory() {
    let stage = Stage::new();
    stage.fault(json!({"fault": "gzip_bomb", "inflated": 10 * GIB, "path": RESULT}));
    stage.fault(json!({"fault": "gzip_bomb", "inflated": 10 * GIB, "path": "/gdc/md/*/obj/*"}));
    let (grown, code) = growth(&stage, "json", MAIN, 4 * GIB);
    assert_eq!(code, "LimitExceeded");
    assert!(grown <= 64 * MIB, "json: {} MiB", grown / MIB);
    stage.sandbox.clear_faults();
    stage.fault(json!({"fault": "gzip_bomb", "inflated": 10 * GIB, "path": RESULT}));
    for way in ["table", "download"] {
        let (grown, code) = growth(&stage, way, MAIN, 10 * MIB);
        assert_eq!(code, "LimitExceeded");
        assert!(grown <= 64 * MIB, "{way}: {} MiB", grown / MIB);
    }
}

#[tokio::test]
async fn the_cap_counts_inflated_bytes() {
    let gzip = |served: &mut insightframe::sandbox::Options| {
        served.csv_gzip = insightframe::sandbox::options::CsvGzip::WhenAccepted;
    };
    let (bytes, _) = Stage::with(gzip, |_| ()).download(&whole(CONVERSATIONS)).await.unwrap();
    let size = bytes.len() as u64;
    for (cap, fits) in [(size, true), (size - 1, false)] {
        let stage = Stage::with(gzip, |asked| asked.limits.csv_bytes = cap);
        match stage.download(&whole(CONVERSATIONS)).await {
            Ok((again, receipt)) => assert!(fits && again == bytes && receipt.bytes == size),
            Err(error) => {
                assert!(!fits && matches!(error.kind(), Kind::LimitExceeded { observed, .. } if *observed > cap));
            }
        }
        // Less than half of it came over the wire.
        let sent = stage.requests("GET", RESULT)[0].response_bytes;
        assert!(sent * 2 < size, "{sent} of {size}");
    }
}

#[tokio::test]
async fn other_encodings_are_errors() {
    for encoding in ["not_gzip", "double_gzip", "unknown"] {
        for path in [EXECUTE, RESULT] {
            let stage = Stage::new();
            stage.fault(json!({"fault": "wrong_encoding", "encoding": encoding, "path": path}));
            let error = stage.table(&whole(MAIN)).await.unwrap_err();
            assert!(["Interrupted", "ResultIncomplete"].contains(&error.code()), "{encoding} {path}: {error:?}");
            assert!(error.to_string().contains("gzip"), "{error}");
        }
    }
}
