//! Texts that cost more than they may: never forwarded as they are.

use base64::Engine;

use crate::sender;
use crate::sender::LOGS;
use crate::started;
use crate::started::gateway;
use crate::started::to_grpc;
use crate::telemetry::log_bytes;
use crate::upstream::Reply;
use crate::upstream::Upstream;

/// What unpacks to more than a text of its length may cost.
fn bomb() -> String {
    use std::io::Write;
    let token = format!("ghp_{}", "0aB1".repeat(9));
    let text = [" ".repeat(10 << 20), token].concat();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(text.as_bytes()).unwrap();
    base64::prelude::BASE64_STANDARD.encode(encoder.finish().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_costs_more_than_it_may_is_masked_whole_and_counted() {
    let upstream = Upstream::always(Reply::Accept).await;
    let yaml = started::with_rules(&started::yaml(&to_grpc(upstream.address)));
    let gateway = gateway(&yaml).await;
    let packed = bomb();
    for text in [packed.clone(), format!("before {packed} after")] {
        let message = log_bytes(&text);
        assert_eq!(sender::call(gateway.grpc(), LOGS, &message).await.code, 0);
        assert_eq!(sender::post(gateway.http(), "/v1/logs", message).await.status, 200);
    }
    let seen = upstream.seen();
    assert_eq!(seen.len(), 4);
    for request in seen {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        assert!(!body.contains(&packed[..40]) && body.len() < 500, "forwarded");
        assert!(body.contains("[redacted:limit]"), "{body}");
    }
    let metrics = gateway.metrics.render();
    let counted = |line: &str| {
        line.starts_with("otelcol_processor_scrubber_redactions{")
            && line.contains("rule=\"limit\"")
    };
    let line = metrics.lines().find(|line| counted(line)).unwrap_or_default();
    assert!(line.ends_with(" 4"), "{metrics}");
}
