//! What `memory_limiter` lets pass, under the Collector's names.

use prometheus::Registry;

use crate::gateway::telemetry::metrics::Metrics;
use crate::gateway::telemetry::metrics::series::Items;
use crate::scrub::Signal;

/// The metrics of `memory_limiter`.
pub(in crate::gateway::telemetry::metrics) struct LimiterMetrics {
    accepted: Items,
    refused: Items,
}

impl LimiterMetrics {
    pub(in crate::gateway::telemetry::metrics) fn new(registry: &Registry) -> Self {
        let labels = &["processor"];
        Self {
            accepted: Items::new(
                registry,
                "processor_memory_limiter_accepted",
                "successfully pushed into the next component in the pipeline. [Alpha]",
                labels,
            ),
            refused: Items::new(
                registry,
                "processor_memory_limiter_refused",
                "that were rejected by the next component in the pipeline; one for each request, \
                 which is refused before it is read.",
                labels,
            ),
        }
    }
}

impl Metrics {
    /// Items that a `memory_limiter` let pass, as `processor_memory_limiter_accepted_*` and
    /// `processor_{incoming,outgoing}_items`.
    pub fn limited(&self, processor: &str, signal: Signal, items: u64) {
        self.inner.limiter.accepted.add(signal, &[processor], items);
        self.processed(processor, signal, items, items);
    }

    /// A request that a `memory_limiter` refused. How many items it has nobody knows: it is
    /// one.
    pub fn over_limit(&self, processor: &str, signal: Signal) {
        self.inner.limiter.refused.add(signal, &[processor], 1);
    }
}
