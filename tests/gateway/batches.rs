//! Requests that are joined before they leave, and what each sender hears.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use otel_redact::gateway::answer::Accepted;
use otel_redact::gateway::answer::Outcome;
use otel_redact::gateway::answer::Refusal;
use otel_redact::gateway::exporter::delivery::Delivery;
use otel_redact::gateway::exporter::joined;
use otel_redact::gateway::exporter::joined::Send1;
use otel_redact::scrub::Encoding;
use otel_redact::scrub::Report;
use otel_redact::scrub::Request;
use otel_redact::scrub::Scrubber;
use otel_redact::scrub::Signal;
use prost::Message;

use crate::sender;
use crate::sender::LOGS;
use crate::sender::TRACES;
use crate::started;
use crate::started::gateway;
use crate::started::to_grpc;
use crate::telemetry::log_bytes;
use crate::telemetry::trace_bytes;
use crate::upstream::Reply;
use crate::upstream::Upstream;

/// Sends a log record for each text at the same time, and gives the codes.
async fn send_all(to: std::net::SocketAddr, texts: &[&str]) -> Vec<u32> {
    let send = |text: &&str| {
        let bytes = log_bytes(text);
        tokio::spawn(async move { sender::call(to, LOGS, &bytes).await.code })
    };
    let calls: Vec<_> = texts.iter().map(send).collect();
    let mut codes = Vec::new();
    for call in calls {
        codes.push(call.await.unwrap());
    }
    codes
}

fn records(body: &[u8]) -> usize {
    let request = ExportLogsServiceRequest::decode(body).unwrap();
    let scopes = request.resource_logs.iter().flat_map(|resource| &resource.scope_logs);
    scopes.map(|scope| scope.log_records.len()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn small_requests_are_joined_and_answered_when_the_upstream_has_them() {
    let upstream = Upstream::always(Reply::Hold).await;
    let batch = "batch: {timeout: 10s, send_batch_size: 3}";
    let gateway = gateway(&started::yaml_with(batch, &to_grpc(upstream.address))).await;
    let to = gateway.grpc();
    let sent = tokio::spawn(async move { send_all(to, &["one", "two", "three"]).await });
    upstream.wait_for(1).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!sent.is_finished(), "answered before the upstream did");
    upstream.release();
    assert_eq!(sent.await.unwrap(), [0, 0, 0]);
    let seen = upstream.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(records(&seen[0].body), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_not_full_leaves_after_the_timeout() {
    let upstream = Upstream::always(Reply::Accept).await;
    let batch = "batch: {timeout: 50ms}";
    let gateway = gateway(&started::yaml_with(batch, &to_grpc(upstream.address))).await;
    assert_eq!(send_all(gateway.grpc(), &["one"]).await, [0]);
    assert_eq!(upstream.seen()[0].body, log_bytes("one"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_poison_request_does_not_fail_the_good_ones() {
    let upstream = Upstream::always(Reply::RefuseIfContains("poison")).await;
    let batch = "batch: {timeout: 10s, send_batch_size: 5}";
    let gateway = gateway(&started::yaml_with(batch, &to_grpc(upstream.address))).await;
    let texts = ["one", "two", "poison", "four", "five"];
    assert_eq!(send_all(gateway.grpc(), &texts).await, [0, 0, 3, 0, 0]);
    let accepted = upstream
        .seen()
        .into_iter()
        .filter(|seen| !seen.body.windows(6).any(|window| window == b"poison"));
    assert_eq!(accepted.map(|seen| records(&seen.body)).sum::<usize>(), 4, "each good one once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retryable_refusal_is_heard_by_every_sender_of_the_batch() {
    let refused = Reply::Grpc { code: 14, message: "not now", retry_after: None };
    let upstream = Upstream::always(refused).await;
    let batch = "batch: {timeout: 10s, send_batch_size: 2}";
    let gateway = gateway(&started::yaml_with(batch, &to_grpc(upstream.address))).await;
    assert_eq!(send_all(gateway.grpc(), &["one", "two"]).await, [14, 14]);
    assert_eq!(upstream.seen().len(), 1, "not taken apart");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_does_not_authenticate_is_not_looked_for_by_bisecting() {
    let refused = Reply::Grpc { code: 16, message: "who are you", retry_after: None };
    let upstream = Upstream::always(refused).await;
    let batch = "batch: {timeout: 10s, send_batch_size: 2}";
    let gateway = gateway(&started::yaml_with(batch, &to_grpc(upstream.address))).await;
    assert_eq!(send_all(gateway.grpc(), &["one", "two"]).await, [16, 16]);
    assert_eq!(upstream.seen().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_larger_than_the_largest_batch_is_split() {
    let upstream = Upstream::always(Reply::Accept).await;
    let batch = "batch: {timeout: 0s, send_batch_size: 100, send_batch_max_size: 100}";
    let gateway = gateway(&started::yaml_with(batch, &to_grpc(upstream.address))).await;
    assert_eq!(sender::call(gateway.grpc(), TRACES, &trace_bytes(250)).await.code, 0);
    let sizes: Vec<usize> = upstream
        .seen()
        .iter()
        .map(|seen| {
            use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
            let request = ExportTraceServiceRequest::decode(&seen.body[..]).unwrap();
            request.resource_spans.iter().flat_map(|r| &r.scope_spans).map(|s| s.spans.len()).sum()
        })
        .collect();
    assert_eq!(sizes, [100, 100, 50]);
}

/// Refuses the first request for good, accepts the second, and says nothing to others.
#[derive(Default)]
struct OneHalf(AtomicUsize);

impl Send1 for OneHalf {
    fn send1<'a>(&'a self, _: &'a Delivery) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>> {
        let turn = self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            match turn {
                0 => Err(Refusal::Rejected { code: 3, message: String::new() }),
                1 => Ok(Accepted::default()),
                _ => std::future::pending().await,
            }
        })
    }
}

#[tokio::test]
async fn what_came_of_one_half_is_known_while_the_other_has_no_answer() {
    let delivery = |text| {
        let bytes = log_bytes(text).into();
        let request = Request { signal: Signal::Logs, encoding: Encoding::Protobuf, bytes };
        let (scrubbed, _) = Scrubber::without_rules().unwrap().scrub(&request).unwrap();
        Delivery::new(scrubbed, Arc::new(Report::default()), None)
    };
    let parts = ["a", "b", "c", "d"].map(delivery);
    let upstream = OneHalf::default();
    let (ended, mut outcomes) = tokio::sync::mpsc::unbounded_channel();
    let sent = joined::bisect_into(&upstream, &parts, &ended);
    assert!(tokio::time::timeout(Duration::from_millis(10), sent).await.is_err());
    let known: Vec<_> = std::iter::from_fn(|| outcomes.try_recv().ok()).collect();
    assert_eq!(known, vec![Ok(Accepted::default()); 2]);
}
