//! What receivers got.

use std::time::Duration;

use prometheus::HistogramVec;
use prometheus::IntCounterVec;
use prometheus::Registry;

use crate::gateway::telemetry::metrics::Metrics;
use crate::gateway::telemetry::metrics::series::Items;
use crate::gateway::telemetry::metrics::series::counter;
use crate::gateway::telemetry::metrics::series::histogram;
use crate::scrub::Signal;

/// Upper bounds of request sizes, in bytes: from a single span to the largest
/// request that a receiver takes by default.
const SIZE_BUCKETS_BYTES: &[f64] =
    &[1_024.0, 4_096.0, 16_384.0, 65_536.0, 262_144.0, 1_048_576.0, 4_194_304.0, 20_971_520.0];

/// Upper bounds of request times, in seconds: from a scrub alone to a slow upstream.
const DURATION_BUCKETS_SECONDS: &[f64] =
    &[0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0];

/// The metrics of receivers.
pub(in crate::gateway::telemetry::metrics) struct ReceiverMetrics {
    accepted: Items,
    refused: Items,
    failed: Items,
    requests: IntCounterVec,
    unauthenticated: IntCounterVec,
    closed: IntCounterVec,
    request_bytes: HistogramVec,
    request_seconds: HistogramVec,
}

impl ReceiverMetrics {
    pub(in crate::gateway::telemetry::metrics) fn new(registry: &Registry) -> Self {
        let receiver = &["receiver", "transport"];
        let of_signal = &["receiver", "transport", "otel_signal"];
        let items = |name: &str, what: &str| {
            Items::new(registry, &format!("receiver_{name}"), what, receiver)
        };
        Self {
            accepted: items("accepted", "successfully pushed into the pipeline. [Alpha]"),
            refused: items("refused", "that could not be pushed into the pipeline. [Alpha]"),
            failed: items(
                "failed",
                "that failed to be processed by the receiver due to internal errors. [Alpha]",
            ),
            requests: counter(
                registry,
                "receiver_requests",
                "The number of requests performed. [Development]",
                &["receiver", "transport", "outcome"],
            ),
            unauthenticated: counter(
                registry,
                "receiver_unauthenticated_requests",
                "Requests whose sender was not known, refused unread.",
                receiver,
            ),
            closed: counter(
                registry,
                "receiver_closed_connections",
                "Connections that were closed by a limit: handshake, headers or idle.",
                &["receiver", "transport", "limit"],
            ),
            request_bytes: histogram(
                registry,
                "receiver_request_size_bytes",
                "Size of a request, decompressed.",
                of_signal,
                SIZE_BUCKETS_BYTES,
            ),
            request_seconds: histogram(
                registry,
                "receiver_request_duration_seconds",
                "Time from the whole request to its answer.",
                of_signal,
                DURATION_BUCKETS_SECONDS,
            ),
        }
    }
}

impl Metrics {
    /// `receiver_accepted_*`: items that were passed on with success. With zero
    /// items, the series begins at zero.
    pub fn accepted(&self, receiver: &str, transport: &'static str, signal: Signal, items: u64) {
        self.inner.receivers.accepted.add(signal, &[receiver, transport], items);
    }

    /// `receiver_refused_*`: items that could not be passed on.
    pub fn refused(&self, receiver: &str, transport: &'static str, signal: Signal, items: u64) {
        self.inner.receivers.refused.add(signal, &[receiver, transport], items);
    }

    /// `receiver_failed_*`: items that a fault of our own kept from being passed on.
    pub fn failed(&self, receiver: &str, transport: &'static str, signal: Signal, items: u64) {
        self.inner.receivers.failed.add(signal, &[receiver, transport], items);
    }

    /// `receiver_closed_connections`
    pub fn closed(&self, receiver: &str, transport: &'static str, limit: &'static str) {
        self.inner.receivers.closed.with_label_values(&[receiver, transport, limit]).inc();
    }

    /// `receiver_unauthenticated_requests`
    pub fn unauthenticated(&self, receiver: &str, transport: &'static str) {
        self.inner.receivers.unauthenticated.with_label_values(&[receiver, transport]).inc();
    }

    /// Size (bytes, decompressed) and time of one request, and how it ended
    /// (`success`, `refused`, `failure`).
    pub fn request(
        &self,
        receiver: &str,
        transport: &'static str,
        signal: Signal,
        bytes: usize,
        took: Duration,
        outcome: &'static str,
    ) {
        let own = &self.inner.receivers;
        let labels = [receiver, transport, signal.name()];
        own.requests.with_label_values(&[receiver, transport, outcome]).inc();
        own.request_seconds.with_label_values(&labels).observe(took.as_secs_f64());
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        own.request_bytes.with_label_values(&labels).observe(f64::from(bytes));
    }
}
