//! What exporters sent.

use prometheus::IntGaugeVec;
use prometheus::Registry;

use crate::gateway::telemetry::metrics::Metrics;
use crate::gateway::telemetry::metrics::series::Items;
use crate::gateway::telemetry::metrics::series::gauge;
use crate::scrub::Signal;

/// Where an exporter sends the requests of a signal, as labels; empty where it sends to no
/// address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// `server_address`
    pub address: String,
    /// `server_port`
    pub port: String,
    /// `url_path`, over HTTP.
    pub path: String,
}

/// The metrics of exporters.
pub(in crate::gateway::telemetry::metrics) struct ExporterMetrics {
    sent: Items,
    send_failed: Items,
    unanswered: Items,
    in_flight: IntGaugeVec,
}

impl ExporterMetrics {
    pub(in crate::gateway::telemetry::metrics) fn new(registry: &Registry) -> Self {
        let to = &["exporter", "server_address", "server_port", "url_path"];
        Self {
            sent: Items::new(
                registry,
                "exporter_sent",
                "successfully sent to destination. [Alpha]",
                to,
            ),
            send_failed: Items::new(
                registry,
                "exporter_send_failed",
                "in failed attempts to send to destination. [Alpha]",
                to,
            ),
            unanswered: Items::new(
                registry,
                "exporter_unanswered",
                "in attempts without an answer: sent again, they may arrive twice.",
                &["exporter"],
            ),
            in_flight: gauge(
                registry,
                "exporter_in_flight_requests",
                "Number of export requests currently in-flight (including retry backoff). \
                 [Development]",
                &["exporter", "data_type"],
            ),
        }
    }
}

/// Requests that are under way; they are not any more when it is dropped.
#[must_use]
pub struct InFlight {
    gauges: Vec<(prometheus::IntGauge, i64)>,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        for (gauge, by) in &self.gauges {
            gauge.sub(*by);
        }
    }
}

impl Metrics {
    /// `exporter_sent_*`
    pub fn sent(&self, exporter: &str, to: &Peer, signal: Signal, items: u64) {
        let labels = [exporter, &to.address, &to.port, &to.path];
        self.inner.exporters.sent.add(signal, &labels, items);
    }

    /// `exporter_send_failed_*`
    pub fn send_failed(&self, exporter: &str, to: &Peer, signal: Signal, items: u64) {
        let labels = [exporter, &to.address, &to.port, &to.path];
        self.inner.exporters.send_failed.add(signal, &labels, items);
        // Both series are there once one is, as in the Collector.
        self.inner.exporters.sent.add(signal, &labels, 0);
    }

    /// `exporter_unanswered_*`
    pub fn unanswered(&self, exporter: &str, signal: Signal, items: u64) {
        self.inner.exporters.unanswered.add(signal, &[exporter], items);
    }

    /// `exporter_in_flight_requests`: one more.
    pub fn in_flight(&self, exporter: &str, signal: Signal) -> InFlight {
        let gauge = self.inner.exporters.in_flight.with_label_values(&[exporter, signal.name()]);
        gauge.inc();
        InFlight { gauges: vec![(gauge, 1)] }
    }

    /// `exporter_queue_size`, in units of the sizer, and `exporter_queue_items`, of a queue
    /// whose senders wait: so much more.
    pub fn queued(&self, exporter: &str, signal: Signal, size: u64, items: u64) -> InFlight {
        let labels = [exporter, signal.name()];
        let gauges = [(&self.inner.queue.size, size), (&self.inner.queue.items, items)];
        let gauges = gauges.map(|(gauge, by)| {
            let (gauge, by) = (gauge.with_label_values(&labels), i64::try_from(by).unwrap_or(0));
            gauge.add(by);
            (gauge, by)
        });
        InFlight { gauges: gauges.into() }
    }
}
