//! What `batch` joins, under the Collector's names.

use prometheus::HistogramVec;
use prometheus::IntCounterVec;
use prometheus::IntGaugeVec;
use prometheus::Registry;

use crate::gateway::telemetry::metrics::counter;
use crate::gateway::telemetry::metrics::gauge;
use crate::gateway::telemetry::metrics::histogram;

/// Upper bounds of batches in items (Collector, processor/batchprocessor/metadata.yaml).
const ITEMS_BUCKETS: &[f64] = &[
    10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1_000.0, 2_000.0, 3_000.0, 4_000.0,
    5_000.0, 6_000.0, 7_000.0, 8_000.0, 9_000.0, 10_000.0, 20_000.0, 30_000.0, 50_000.0, 100_000.0,
];

/// The same in bytes (same source).
const BYTES_BUCKETS: &[f64] = &[
    10.0,
    25.0,
    50.0,
    75.0,
    100.0,
    250.0,
    500.0,
    750.0,
    1_000.0,
    2_000.0,
    3_000.0,
    4_000.0,
    5_000.0,
    6_000.0,
    7_000.0,
    8_000.0,
    9_000.0,
    10_000.0,
    20_000.0,
    30_000.0,
    50_000.0,
    100_000.0,
    200_000.0,
    300_000.0,
    400_000.0,
    500_000.0,
    600_000.0,
    700_000.0,
    800_000.0,
    900_000.0,
    1_000_000.0,
    2_000_000.0,
    3_000_000.0,
    4_000_000.0,
    5_000_000.0,
    6_000_000.0,
    7_000_000.0,
    8_000_000.0,
    9_000_000.0,
];

/// Why a batch was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchReason {
    /// It was large enough.
    Size,
    /// It had waited long enough.
    Timeout,
}

/// The metrics of `batch`.
pub struct BatchMetrics {
    items: HistogramVec,
    bytes: HistogramVec,
    by_size: IntCounterVec,
    by_timeout: IntCounterVec,
    cardinality: IntGaugeVec,
}

impl BatchMetrics {
    pub(in crate::gateway::telemetry::metrics) fn new(registry: &Registry) -> Self {
        let labels = &["processor"];
        let name = |name: &str| format!("processor_batch_{name}");
        Self {
            items: histogram(
                registry,
                &name("batch_send_size"),
                "Number of units in the batch",
                labels,
                ITEMS_BUCKETS,
            ),
            bytes: histogram(
                registry,
                &name("batch_send_size_bytes"),
                "Number of bytes in batch that was sent",
                labels,
                BYTES_BUCKETS,
            ),
            by_size: counter(
                registry,
                &name("batch_size_trigger_send"),
                "Number of times the batch was sent due to a size trigger",
                labels,
            ),
            by_timeout: counter(
                registry,
                &name("timeout_trigger_send"),
                "Number of times the batch was sent due to a timeout trigger",
                labels,
            ),
            cardinality: gauge(
                registry,
                &name("metadata_cardinality"),
                "Number of distinct metadata value combinations being processed",
                labels,
            ),
        }
    }

    /// There is a `batch` of this id, and headers of requests do not divide what it joins.
    pub fn begin(&self, processor: &str) {
        self.cardinality.with_label_values(&[processor]).set(1);
    }

    /// A batch of this many items and bytes leaves.
    pub fn sent(&self, processor: &str, why: BatchReason, items: u64, bytes: usize) {
        let number = |value: u64| f64::from(u32::try_from(value).unwrap_or(u32::MAX));
        self.items.with_label_values(&[processor]).observe(number(items));
        self.bytes.with_label_values(&[processor]).observe(number(bytes as u64));
        match why {
            BatchReason::Size => self.by_size.with_label_values(&[processor]).inc(),
            BatchReason::Timeout => self.by_timeout.with_label_values(&[processor]).inc(),
        }
    }
}
