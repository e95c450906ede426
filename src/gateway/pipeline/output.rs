//! Where scrubbed requests go at the end of a pipeline.

use std::sync::Arc;

use tokio::time::Instant;

use crate::gateway::admission::Grant;
use crate::gateway::answer::Accepted;
use crate::gateway::answer::Outcome;
use crate::gateway::answer::Refusal;
use crate::gateway::answer::code;
use crate::gateway::exporter::Exporter;
use crate::gateway::exporter::delivery::Delivery;
use crate::gateway::pipeline::batch;
use crate::gateway::pipeline::batch::Batcher;
use crate::gateway::pipeline::fanout::Fanout;
use crate::gateway::telemetry::metrics::Metrics;
use crate::scrub::Encoding;
use crate::scrub::Scrubbed;
use crate::scrub::Signal;

/// The exporters of a pipeline, behind its `batch`, if it has one.
pub(in crate::gateway::pipeline) struct Output {
    pipeline: Arc<str>,
    way: Way,
    /// Whether requests leave as protobuf, however they came.
    is_protobuf: bool,
    metrics: Metrics,
}

enum Way {
    Direct(Fanout),
    Batched(Batcher),
}

impl Output {
    /// Must be called within a tokio runtime.
    pub(in crate::gateway::pipeline) fn new(
        pipeline: Arc<str>,
        signal: Signal,
        batch: Option<batch::Named<'_>>,
        exporters: Vec<Arc<Exporter>>,
        metrics: Metrics,
    ) -> Self {
        let fanout = Fanout::new(exporters);
        let wants_protobuf = fanout.wants_protobuf();
        let way = match batch {
            // Profiles point into a dictionary and cannot be joined.
            Some(batch) if signal != Signal::Profiles => {
                Way::Batched(Batcher::start(batch, fanout, metrics.clone()))
            }
            Some(_) | None => Way::Direct(fanout),
        };
        // Only protobuf can be joined.
        let is_protobuf = wants_protobuf || matches!(way, Way::Batched(_));
        Self { pipeline, way, is_protobuf, metrics }
    }

    /// Whether requests leave as protobuf, however they came.
    pub(in crate::gateway::pipeline) fn is_protobuf(&self) -> bool {
        self.is_protobuf
    }

    /// Delivers a request until a moment, and counts what became of it.
    pub(in crate::gateway::pipeline) async fn deliver(
        &self,
        delivery: Delivery,
        until: Instant,
        grant: Arc<Grant>,
    ) -> Outcome {
        let items = delivery.scrubbed().items();
        let outcome = if is_void(delivery.scrubbed()) {
            Ok(Accepted::default())
        } else {
            let delivered = async {
                match &self.way {
                    Way::Direct(fanout) => fanout.deliver(&delivery, Some(until)).await,
                    Way::Batched(batcher) => {
                        batcher.deliver(delivery.clone(), Some(until), grant).await
                    }
                }
            };
            tokio::time::timeout_at(until, delivered).await.unwrap_or_else(|_| Err(late()))
        };
        self.metrics.piped(&self.pipeline, items, outcome.is_ok());
        outcome
    }
}

/// The upstream has not answered in the sender's time.
fn late() -> Refusal {
    Refusal::Unavailable {
        code: code::DEADLINE_EXCEEDED,
        retry_after: None,
        message: "no answer in the time that the sender has".to_owned(),
    }
}

/// Whether there is nothing to forward: the OTLP specification lets a server answer
/// success ("Empty Telemetry Envelopes").
fn is_void(scrubbed: &Scrubbed) -> bool {
    match scrubbed.encoding() {
        Encoding::Protobuf => scrubbed.bytes().is_empty(),
        Encoding::Json => scrubbed.items() == 0,
    }
}
