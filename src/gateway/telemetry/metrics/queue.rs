//! What queues on disk hold, and where it went.
//!
//! For each exporter and signal, at any moment:
//!
//! ```text
//! restored + in = sent + dead_letter + set_aside + gone + items
//! ```
//!
//! What is recalled was acknowledged and is not in that: it is among what was restored.

use prometheus::IntCounterVec;
use prometheus::IntGaugeVec;
use prometheus::Registry;

use crate::gateway::telemetry::metrics::Items;
use crate::gateway::telemetry::metrics::Metrics;
use crate::gateway::telemetry::metrics::counter;
use crate::gateway::telemetry::metrics::gauge;
use crate::scrub::Signal;

/// A way into the queue or out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueEvent {
    /// A start found them.
    Restored,
    /// A sender was told OK.
    In,
    /// The upstream has them.
    Sent,
    /// The upstream refused them for good; the dead letter has them.
    DeadLetter,
    /// Their checksum was wrong; a file of its own has them.
    SetAside,
    /// Their files were removed or moved away while the gateway ran.
    Gone,
    /// A sender that a killed process had not answered came again, and was told OK:
    /// they were restored.
    Recalled,
}

impl QueueEvent {
    const ALL: [(Self, &'static str, &'static str); 7] = [
        (Self::Restored, "restored", "Items that a start found in the queue."),
        (Self::In, "in", "Items that were put into the queue and acknowledged."),
        (Self::Sent, "sent", "Items of the queue that the upstream accepted."),
        (Self::DeadLetter, "dead_letter", "Items of the queue that went to the dead letter."),
        (Self::SetAside, "set_aside", "Items of damaged records of the queue."),
        (Self::Gone, "gone", "Items of the queue whose files were removed or moved away."),
        (
            Self::Recalled,
            "recalled",
            "Items that came again after a kill, were in the queue, and were acknowledged.",
        ),
    ];
}

/// The metrics of queues.
pub(super) struct QueueMetrics {
    pub(super) size: IntGaugeVec,
    pub(super) capacity: IntGaugeVec,
    pub(super) items: IntGaugeVec,
    pub(super) damaged: IntCounterVec,
    pub(super) enqueue_failed: Items,
    events: [(QueueEvent, IntCounterVec); 7],
}

impl QueueMetrics {
    pub(super) fn new(registry: &Registry) -> Self {
        let labels = &["exporter", "data_type"];
        Self {
            size: gauge(
                registry,
                "exporter_queue_size",
                "Current size of the retry queue (in batches). [Alpha]",
                labels,
            ),
            capacity: gauge(
                registry,
                "exporter_queue_capacity",
                "Fixed capacity of the retry queue (in batches). [Alpha]",
                labels,
            ),
            items: gauge(registry, "exporter_queue_items", "Items in the queue.", labels),
            damaged: counter(
                registry,
                "exporter_queue_damaged",
                "Damaged parts of the queue's files that were set aside.",
                labels,
            ),
            enqueue_failed: Items::new(
                registry,
                "exporter_enqueue_failed",
                "failed to be added to the sending queue. [Alpha]",
                &["exporter"],
            ),
            events: QueueEvent::ALL.map(|(event, name, help)| {
                let name = format!("exporter_queue_{name}_items");
                (event, counter(registry, &name, help, labels))
            }),
        }
    }

    pub(super) fn add(&self, event: QueueEvent, labels: &[&str; 2], items: u64) {
        for (_, counter) in self.events.iter().filter(|(own, _)| *own == event) {
            counter.with_label_values(labels).inc_by(items);
        }
    }
}

impl Metrics {
    /// `exporter_enqueue_failed_*`
    pub fn enqueue_failed(&self, exporter: &str, signal: Signal, items: u64) {
        self.inner.queue.enqueue_failed.add(signal, &[exporter], items);
    }

    /// `exporter_queue_capacity`, in units of the sizer.
    pub fn queue_capacity(&self, exporter: &str, signal: Signal, capacity: u64) {
        let labels = [exporter, signal.name()];
        self.inner.queue.capacity.with_label_values(&labels).set(level(capacity));
    }

    /// `exporter_queue_size`, in units of the sizer, and `exporter_queue_items`.
    pub fn queue_size(&self, exporter: &str, signal: Signal, size: u64, items: u64) {
        let labels = [exporter, signal.name()];
        self.inner.queue.size.with_label_values(&labels).set(level(size));
        self.inner.queue.items.with_label_values(&labels).set(level(items));
    }

    /// Items that went into a queue or out of it. With zero items, the series begins
    /// at zero.
    pub fn queue_event(&self, exporter: &str, signal: Signal, event: QueueEvent, items: u64) {
        self.inner.queue.add(event, &[exporter, signal.name()], items);
    }

    /// Damaged parts of the files of a queue.
    pub fn queue_damaged(&self, exporter: &str, signal: Signal, pieces: u64) {
        self.inner.queue.damaged.with_label_values(&[exporter, signal.name()]).inc_by(pieces);
    }
}

/// The value of a gauge.
fn level(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
