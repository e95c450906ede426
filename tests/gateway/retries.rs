//! What is tried again, by whom, and when.

use std::time::Duration;
use std::time::Instant;

use crate::sender;
use crate::sender::TRACES;
use crate::started;
use crate::started::gateway;
use crate::started::to_grpc;
use crate::started::to_http;
use crate::telemetry::trace_bytes;
use crate::upstream::Reply;
use crate::upstream::Upstream;

fn unavailable() -> Reply {
    Reply::Grpc { code: 14, message: "not now", retry_after: None }
}

fn with_retries(exporter: &str, max_elapsed: &str) -> String {
    exporter.replace(
        "{enabled: false}",
        &format!("{{initial_interval: 10ms, max_elapsed_time: {max_elapsed}}}"),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retryable_refusal_is_tried_again_until_it_is_accepted() {
    let upstream = Upstream::start([unavailable(), unavailable()]).await;
    let exporters = with_retries(&to_grpc(upstream.address), "10s");
    let gateway = gateway(&started::yaml(&exporters)).await;
    let answer = sender::call(gateway.grpc(), TRACES, &trace_bytes(1)).await;
    assert_eq!(answer.code, 0, "{answer:?}");
    assert_eq!(upstream.seen().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_last_retry_the_sender_is_told_to_try_again() {
    let upstream = Upstream::always(unavailable()).await;
    let exporters = with_retries(&to_grpc(upstream.address), "100ms");
    let gateway = gateway(&started::yaml(&exporters)).await;
    let answer = sender::call(gateway.grpc(), TRACES, &trace_bytes(1)).await;
    assert_eq!(answer.code, 14, "{answer:?}");
    assert!(1 < upstream.seen().len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_final_refusal_is_not_tried_again() {
    let refused = Reply::Grpc { code: 3, message: "bad", retry_after: None };
    let upstream = Upstream::always(refused).await;
    let exporters = with_retries(&to_grpc(upstream.address), "10s");
    let gateway = gateway(&started::yaml(&exporters)).await;
    let answer = sender::call(gateway.grpc(), TRACES, &trace_bytes(1)).await;
    assert_eq!((answer.code, answer.message.as_str()), (3, "upstream refused: bad"));
    assert_eq!(upstream.seen().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_attempt_is_begun_after_the_senders_deadline() {
    let upstream = Upstream::always(unavailable()).await;
    let exporters = to_grpc(upstream.address)
        .replace("{enabled: false}", "{initial_interval: 60s, max_elapsed_time: 5m}");
    let gateway = gateway(&started::yaml(&exporters)).await;
    let began = Instant::now();
    let body = sender::framed(0, &trace_bytes(1));
    let headers = [("grpc-timeout", "5S")];
    let answer = sender::call_raw(gateway.grpc(), TRACES, &headers, body).await;
    assert_eq!(answer.code, 14, "{answer:?}");
    assert!(began.elapsed() < Duration::from_secs(4), "waited for nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_says_nothing_is_given_up_after_the_timeout() {
    let upstream = Upstream::always(Reply::Silence).await;
    let exporters = to_grpc(upstream.address) + "  timeout: 200ms\n";
    let gateway = gateway(&started::yaml(&exporters)).await;
    let answer = sender::call(gateway.grpc(), TRACES, &trace_bytes(1)).await;
    assert_eq!(answer.code, 14, "{answer:?}");
    assert_eq!(answer.message, "upstream unavailable: no answer within 200ms");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_is_not_there_is_retryable() {
    // A port that was free a moment ago.
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for exporters in [to_grpc(nobody), to_http(nobody)] {
        let gateway = gateway(&started::yaml(&exporters)).await;
        let answer = sender::call(gateway.grpc(), TRACES, &trace_bytes(1)).await;
        assert_eq!(answer.code, 14, "{answer:?}");
        let answer = sender::post(gateway.http(), "/v1/traces", trace_bytes(1)).await;
        assert_eq!(answer.status, 503, "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_upstreams_verdict_reaches_senders_of_both_protocols() {
    let grpc = |code, retry_after| Reply::Grpc { code, message: "said", retry_after };
    let http = |status, headers| Reply::Http { status, headers, body: "said" };
    let seven = Some(Duration::from_secs(7));
    let retry = vec![("retry-after", "7")];
    let throttled = Some(Duration::from_secs(5));
    // What the upstream says; what a gRPC and an HTTP sender hear, and when to retry.
    let cases = [
        (grpc(1, None), 1, 503, None),
        (grpc(3, None), 3, 400, None),
        (grpc(7, None), 7, 403, None),
        (grpc(8, None), 8, 413, None),
        (grpc(8, seven), 8, 429, seven),
        (grpc(12, None), 12, 404, None),
        (grpc(13, None), 13, 500, None),
        (grpc(14, None), 14, 503, None),
        (grpc(14, seven), 14, 503, seven),
        (grpc(16, None), 16, 401, None),
        (http(400, vec![]), 3, 400, None),
        (http(401, vec![]), 16, 401, None),
        (http(403, vec![]), 7, 403, None),
        (http(404, vec![]), 12, 404, None),
        (http(413, vec![]), 8, 413, None),
        (http(429, vec![]), 8, 429, throttled),
        (http(429, retry.clone()), 8, 429, seven),
        (http(500, vec![]), 2, 500, None),
        (http(502, vec![]), 14, 503, None),
        (http(503, retry), 14, 503, seven),
        (http(504, vec![]), 14, 503, None),
    ];
    for (reply, code, status, retry_after) in cases {
        let upstream = Upstream::always(reply.clone()).await;
        let exporter = match reply {
            Reply::Grpc { .. } => to_grpc(upstream.address),
            _ => to_http(upstream.address),
        };
        let gateway = gateway(&started::yaml(&exporter)).await;
        let answer = sender::call(gateway.grpc(), TRACES, &trace_bytes(1)).await;
        assert_eq!((answer.code, answer.retry_after), (code, retry_after), "{reply:?}");
        assert!(answer.message.ends_with("said"), "{answer:?}");
        let answer = sender::post(gateway.http(), "/v1/traces", trace_bytes(1)).await;
        let seconds = retry_after.map(|delay| delay.as_secs().to_string());
        assert_eq!((answer.status, answer.header("retry-after")), (status, seconds.as_deref()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_success_that_no_receiver_of_otlp_answers_is_none() {
    const HTML: &str = "<html><form action='/login'>Sign in</form></html>";
    let http = |status, content_type, body| Reply::Http {
        status,
        headers: match content_type {
            "" => vec![],
            named => vec![("content-type", named)],
        },
        body,
    };
    // What the upstream says, and what of it the sender hears; nothing: it is accepted.
    let cases = [
        (http(200, "text/html", HTML), "HTTP status 200 with a page (text/html)"),
        (http(202, "Text/HTML; charset=utf-8", HTML), "HTTP status 202 with a page (text/html)"),
        (http(200, "application/x-protobuf", HTML), "application/x-protobuf that cannot be read"),
        (http(200, "application/json", HTML), "application/json that cannot be read"),
        (http(200, "application/json; charset=utf-8", "{\"partial"), "that cannot be read"),
        (Reply::Garbled(b"\0\0\0\0\x03<p>"), "gRPC status OK (0) with a message that cannot"),
        (Reply::Garbled(b"\0\0\0\0\x09\x0a\0"), "gRPC status OK (0) with a message that cannot"),
        (Reply::Garbled(b"<html>"), "gRPC status OK (0) with a message that cannot"),
        (http(200, "text/html", ""), ""),
        (http(200, "text/html; charset=utf-8", "ok"), ""),
        (http(200, "application/x-protobuf", ""), ""),
        (http(200, "application/x-protobuf", "\n\0"), ""),
        (http(200, "application/json", ""), ""),
        (http(200, "application/json", "{}"), ""),
        (http(200, "text/plain", "ok"), ""),
        (http(202, "", "ok"), ""),
        (http(204, "", ""), ""),
        (Reply::Garbled(b""), ""),
        (Reply::Garbled(b"\0\0\0\0\0"), ""),
    ];
    for (reply, said) in cases {
        let upstream = Upstream::always(reply.clone()).await;
        let exporter = match reply {
            Reply::Garbled(_) => to_grpc(upstream.address),
            _ => to_http(upstream.address),
        };
        let gateway = gateway(&started::yaml(&exporter)).await;
        let answer = sender::call(gateway.grpc(), TRACES, &trace_bytes(1)).await;
        assert_eq!(answer.code, if said.is_empty() { 0 } else { 14 }, "{reply:?}: {answer:?}");
        assert!(answer.message.contains(said), "{reply:?}: {answer:?}");
        assert!(!answer.message.contains("<"), "{answer:?}");
        let text = gateway.metrics.render();
        let counts = text.lines().any(|line| {
            line.starts_with("otelcol_exporter_unanswered_spans{") && line.ends_with(" 1")
        });
        assert_eq!(counts, !said.is_empty(), "{reply:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_without_a_message_names_its_status() {
    for (code, said) in [
        (13, "upstream refused: gRPC status INTERNAL (13), without a message"),
        (14, "upstream unavailable: gRPC status UNAVAILABLE (14), without a message"),
        (99, "upstream refused: gRPC status 99, without a message"),
    ] {
        let upstream = Upstream::always(Reply::Grpc { code, message: "", retry_after: None }).await;
        let gateway = gateway(&started::yaml(&to_grpc(upstream.address))).await;
        let answer = sender::call(gateway.grpc(), TRACES, &trace_bytes(1)).await;
        assert_eq!(answer.message, said);
    }
}
