//! Our own metrics: the only place that knows their names.
//!
//! Names, units and labels are the Collector's, without `_total` and unit
//! suffixes, so that existing dashboards keep working.

use std::sync::Arc;
use std::time::Duration;

use crate::scrub::Report;
use crate::scrub::Signal;

/// Every metric of the process. Cheap to clone.
#[derive(Clone, Default)]
pub struct Metrics {
    inner: Arc<()>,
}

impl Metrics {
    /// A registry with every metric at zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// The Prometheus text format of it all.
    pub fn render(&self) -> String {
        let _ = &self.inner;
        String::new()
    }

    /// `receiver_accepted_*`: items that were passed on with success.
    pub fn accepted(&self, receiver: &str, transport: &'static str, signal: Signal, items: u64) {
        let _ = (receiver, transport, signal, items);
    }

    /// `receiver_refused_*`: items that could not be passed on.
    pub fn refused(&self, receiver: &str, transport: &'static str, signal: Signal, items: u64) {
        let _ = (receiver, transport, signal, items);
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
        let _ = (receiver, transport, signal, bytes, took, outcome);
    }

    /// What the scrubber did: redactions by rule and place, dropped fields, and
    /// so on.
    pub fn scrubbed(&self, processor: &str, signal: Signal, report: &Report) {
        let _ = (processor, signal, report);
    }

    /// `processor_incoming_items` and `processor_outgoing_items`.
    pub fn processed(&self, processor: &str, signal: Signal, incoming: u64, outgoing: u64) {
        let _ = (processor, signal, incoming, outgoing);
    }

    /// `exporter_sent_*`
    pub fn sent(&self, exporter: &str, signal: Signal, items: u64) {
        let _ = (exporter, signal, items);
    }

    /// `exporter_send_failed_*`
    pub fn send_failed(&self, exporter: &str, signal: Signal, items: u64) {
        let _ = (exporter, signal, items);
    }
}
