//! Our own metrics: the only place that knows their names.
//!
//! Names, units and labels are the Collector's, without `_total` and unit
//! suffixes unless a reader asks for them (`naming`), so that existing dashboards keep
//! working; a test holds them against a real one's. What the Collector has no
//! name for stands under `otelcol_processor_scrubber_`, `otelcol_receiver_request_`,
//! `otelcol_pipeline_` and `otelcol_exporter_queue_`.
//! Every series has `service_name`, `service_version` and `service_instance_id`.
//!
//! A label holds the name of a component, a rule or a kind of place, never text
//! from a request: the number of series does not depend on senders.

mod batch;
mod exporter;
mod limiter;
mod naming;
mod queue;
mod receiver;
mod rules;
mod series;

use std::sync::Arc;

use prometheus::Encoder;
use prometheus::IntCounterVec;
use prometheus::IntGauge;
use prometheus::Opts;
use prometheus::Registry;
use prometheus::TextEncoder;
use prometheus::proto::MetricFamily;

use crate::gateway::telemetry::instance::Instance;
use crate::gateway::telemetry::ledger::Ledger;
use crate::gateway::telemetry::metrics::exporter::ExporterMetrics;
use crate::gateway::telemetry::metrics::limiter::LimiterMetrics;
use crate::gateway::telemetry::metrics::queue::QueueMetrics;
use crate::gateway::telemetry::metrics::receiver::ReceiverMetrics;
use crate::gateway::telemetry::metrics::rules::RuleMetrics;
use crate::gateway::telemetry::metrics::series::Items;
use crate::gateway::telemetry::metrics::series::at_zero;
use crate::gateway::telemetry::metrics::series::counter;
use crate::gateway::telemetry::metrics::series::gauge;
use crate::gateway::telemetry::metrics::series::histogram;
use crate::gateway::telemetry::metrics::series::target_info;
use crate::gateway::telemetry::process::ProcessMetrics;
use crate::gateway::telemetry::spans::Tracer;
use crate::scrub::Noted;
use crate::scrub::Redaction;
use crate::scrub::Report;
use crate::scrub::Signal;

pub use batch::BatchMetrics;
pub use batch::BatchReason;
pub use exporter::Peer;
pub use naming::Naming;
pub use queue::QueueEvent;
pub(in crate::gateway::telemetry) use series::register;

/// Every metric of the process. Cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    inner: Arc<Inner>,
}

struct Inner {
    registry: Registry,
    tracer: Tracer,
    process: ProcessMetrics,
    receivers: ReceiverMetrics,
    scrub_failures: IntCounterVec,
    limiter: LimiterMetrics,
    incoming: IntCounterVec,
    outgoing: IntCounterVec,
    redactions: IntCounterVec,
    noted: IntCounterVec,
    rules: RuleMetrics,
    ledger: Ledger,
    reloads: IntCounterVec,
    rules_refused: IntGauge,
    dropped: IntCounterVec,
    routed: IntCounterVec,
    batches: BatchMetrics,
    unknown_fields: IntCounterVec,
    invalid_utf8: IntCounterVec,
    filtered: Items,
    exporters: ExporterMetrics,
    queue: QueueMetrics,
    pipeline_incoming: IntCounterVec,
    pipeline_accepted: IntCounterVec,
    pipeline_refused: IntCounterVec,
}

impl Metrics {
    /// A registry with every metric at zero.
    pub fn new() -> Self {
        Self::of(&Instance::new())
    }

    /// A registry whose series carry the name of `instance`.
    pub fn of(instance: &Instance) -> Self {
        let labels = instance.labels().into_iter().map(|(name, value)| (name.to_owned(), value));
        let registry = Registry::new_custom(None, Some(labels.collect()))
            .expect("a registry without a prefix is accepted");
        target_info(&registry);
        let processor = &["processor", "otel_signal"];
        let inner = Inner {
            tracer: Tracer::default(),
            process: ProcessMetrics::new(&registry),
            receivers: ReceiverMetrics::new(&registry),
            scrub_failures: at_zero(counter(
                &registry,
                "processor_scrubber_failures",
                "Requests that the scrubber itself failed on; they were refused.",
                &["otel_signal"],
            )),
            limiter: LimiterMetrics::new(&registry),
            incoming: counter(
                &registry,
                "processor_incoming_items",
                "Number of items passed to the processor. [Alpha]",
                processor,
            ),
            outgoing: counter(
                &registry,
                "processor_outgoing_items",
                "Number of items emitted from the processor. [Alpha]",
                processor,
            ),
            redactions: counter(
                &registry,
                "processor_scrubber_redactions",
                "Credentials replaced, by rule and kind of place.",
                &["processor", "rule", "place", "otel_signal"],
            ),
            noted: counter(
                &registry,
                "processor_scrubber_noted",
                "Credentials found and left (dry_run, allowed, unsure) or acted on, by outcome.",
                &["processor", "rule", "place", "otel_signal", "outcome"],
            ),
            rules: RuleMetrics::new(&registry),
            ledger: Ledger::default(),
            reloads: counter(
                &registry,
                "processor_scrubber_reloads",
                "Reloads of the rules by outcome: success or refused.",
                &["outcome"],
            ),
            rules_refused: rules_refused(&registry),
            dropped: counter(
                &registry,
                "processor_scrubber_dropped_records",
                "Spans, log records and data points that a rule dropped.",
                processor,
            ),
            routed: counter(
                &registry,
                "processor_scrubber_routed_records",
                "Spans, log records and data points that a rule sent to another pipeline.",
                processor,
            ),
            batches: BatchMetrics::new(&registry),
            unknown_fields: counter(
                &registry,
                "processor_scrubber_unknown_fields",
                "Fields outside the OTLP schema that were dropped.",
                processor,
            ),
            invalid_utf8: counter(
                &registry,
                "processor_scrubber_invalid_utf8",
                "Texts whose invalid UTF-8 was replaced.",
                processor,
            ),
            filtered: Items::filtered(&registry),
            exporters: ExporterMetrics::new(&registry),
            queue: QueueMetrics::new(&registry),
            pipeline_incoming: counter(
                &registry,
                "pipeline_incoming_items",
                "Items that came to a pipeline.",
                &["pipeline"],
            ),
            pipeline_accepted: counter(
                &registry,
                "pipeline_accepted_items",
                "Items of a pipeline that were acknowledged.",
                &["pipeline"],
            ),
            pipeline_refused: counter(
                &registry,
                "pipeline_refused_items",
                "Items of a pipeline whose sender was told no.",
                &["pipeline"],
            ),
            registry,
        };
        Self { inner: Arc::new(inner) }
    }

    /// The Prometheus text format of it all.
    pub fn render(&self) -> String {
        self.render_as(&Naming::default())
    }

    /// The same, under names as a reader wants them.
    pub fn render_as(&self, naming: &Naming) -> String {
        let mut out = Vec::new();
        let named = naming.named(self.gather());
        if let Err(error) = TextEncoder::new().encode(&named, &mut out) {
            tracing::error!(%error, "cannot render metrics");
        }
        String::from_utf8(out).unwrap_or_default()
    }

    /// Everything, as it is now.
    pub fn gather(&self) -> Vec<MetricFamily> {
        self.inner.process.update();
        self.inner.registry.gather()
    }

    /// Where spans of our own go.
    pub fn tracer(&self) -> &Tracer {
        &self.inner.tracer
    }

    /// `processor_scrubber_failures`: a fault of our own, which should wake somebody.
    pub fn scrub_failed(&self, signal: Signal) {
        self.inner.scrub_failures.with_label_values(&[signal.name()]).inc();
    }

    /// What the scrubber did: redactions by rule and place, dropped fields, and
    /// so on.
    pub fn scrubbed(&self, processor: &str, signal: Signal, report: &Report) {
        let alike = report.redactions.chunk_by(|a, b| a.rule == b.rule && a.place == b.place);
        for redactions in alike {
            if let Some(first) = redactions.first() {
                self.inner
                    .redactions
                    .with_label_values(&[processor, &first.rule, first.place, signal.name()])
                    .inc_by(redactions.len() as u64);
            }
        }
        self.inner.rules.add(processor, &report.costs);
        self.inner.ledger.costs(processor, &report.costs);
        for Noted { kind, redaction } in &report.noted {
            let Redaction { rule, place, .. } = redaction;
            let labels = [processor, rule, place, signal.name(), kind.name()];
            self.inner.noted.with_label_values(&labels).inc();
        }
        for (counter, by) in [
            (&self.inner.dropped, report.dropped_records),
            (&self.inner.routed, report.routed_records),
            (&self.inner.unknown_fields, report.unknown_fields),
            (&self.inner.invalid_utf8, report.invalid_utf8),
        ] {
            if 0 < by {
                counter.with_label_values(&[processor, signal.name()]).inc_by(by);
            }
        }
    }

    /// `processor_filter_*_filtered`: records that a `filter` left out.
    pub fn filtered(&self, processor: &str, signal: Signal, items: u64) {
        self.inner.filtered.add(signal, &[processor], items);
    }

    /// What `batch` joins.
    pub fn batches(&self) -> &BatchMetrics {
        &self.inner.batches
    }

    /// What single rules cost, and what candidates would change.
    pub fn rules(&self) -> &RuleMetrics {
        &self.inner.rules
    }

    /// What is kept for who looks live.
    pub fn ledger(&self) -> &Ledger {
        &self.inner.ledger
    }

    /// A reload of the rules, and whether they were right.
    pub fn reloaded(&self, right: bool) {
        let outcome = if right { "success" } else { "refused" };
        self.inner.reloads.with_label_values(&[outcome]).inc();
        self.inner.rules_refused.set(i64::from(!right));
    }

    /// `processor_incoming_items` and `processor_outgoing_items`.
    pub fn processed(&self, processor: &str, signal: Signal, incoming: u64, outgoing: u64) {
        let labels = [processor, signal.name()];
        self.inner.incoming.with_label_values(&labels).inc_by(incoming);
        self.inner.outgoing.with_label_values(&labels).inc_by(outgoing);
    }

    /// What became of items that came to a pipeline: each came, and was acknowledged
    /// or not.
    pub fn piped(&self, pipeline: &str, items: u64, is_accepted: bool) {
        let ended =
            if is_accepted { &self.inner.pipeline_accepted } else { &self.inner.pipeline_refused };
        self.inner.pipeline_incoming.with_label_values(&[pipeline]).inc_by(items);
        ended.with_label_values(&[pipeline]).inc_by(items);
    }
}

fn rules_refused(registry: &Registry) -> IntGauge {
    let help = "1 while the newest rules are at fault and those of before go on.";
    let opts = Opts::new("otelcol_processor_scrubber_rules_refused", help);
    let gauge = IntGauge::with_opts(opts).expect("the name is valid");
    register(registry, gauge.clone());
    gauge
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn names_and_labels_are_the_collectors() {
        let metrics = Metrics::new();
        metrics.accepted("otlp", "grpc", Signal::Traces, 3);
        metrics.refused("otlp", "http", Signal::Logs, 2);
        metrics.request("otlp", "grpc", Signal::Traces, 5000, Duration::from_millis(2), "success");
        metrics.processed("scrubber", Signal::Traces, 3, 3);
        metrics.sent("otlp_grpc", &Peer::default(), Signal::Metrics, 7);
        metrics.send_failed("otlp_grpc", &Peer::default(), Signal::Profiles, 1);
        let text = metrics.render();
        for line in [
            "# TYPE otelcol_receiver_accepted_spans counter",
            "otelcol_receiver_accepted_spans{receiver=\"otlp\",",
            "otelcol_receiver_refused_log_records{receiver=\"otlp\",",
            "otelcol_receiver_requests{outcome=\"success\",receiver=\"otlp\",",
            "otelcol_receiver_request_size_bytes_bucket{otel_signal=\"traces\",receiver=\"otlp\",",
            "otelcol_processor_incoming_items{otel_signal=\"traces\",processor=\"scrubber\",",
            "otelcol_processor_outgoing_items{otel_signal=\"traces\",processor=\"scrubber\",",
            "otelcol_exporter_sent_metric_points{exporter=\"otlp_grpc\",",
            "otelcol_exporter_send_failed_profiles{exporter=\"otlp_grpc\",",
            "otelcol_process_uptime{",
            "otelcol_process_cpu_seconds{",
            "otelcol_process_memory_rss{",
            "target_info{",
        ] {
            assert!(text.lines().any(|has| has.starts_with(line)), "{line}\n{text}");
        }
        assert!(!text.contains("_total"), "{text}");
    }

    #[test]
    fn a_failing_scrubber_is_counted_from_zero() {
        let metrics = Metrics::new();
        let value = |signal: &str| {
            let text = metrics.render();
            let start = format!("otelcol_processor_scrubber_failures{{otel_signal=\"{signal}\"");
            let line = text.lines().find(|line| line.starts_with(&start)).expect("is there");
            line.rsplit(' ').next().unwrap().to_owned()
        };
        assert_eq!(value("logs"), "0");
        metrics.scrub_failed(Signal::Logs);
        assert_eq!((value("logs").as_str(), value("traces").as_str()), ("1", "0"));
    }

    #[test]
    fn redactions_are_counted_by_rule_and_place() {
        let metrics = Metrics::new();
        let redaction = |rule: &str, place| Redaction {
            rule: rule.into(),
            place,
            path: "resource_spans[0]".to_owned(),
        };
        let report = Report {
            redactions: vec![
                redaction("github-pat", "attributes"),
                redaction("github-pat", "attributes"),
                redaction("github-pat", "body"),
                redaction("jwt", "attributes"),
            ],
            unknown_fields: 2,
            ..Report::default()
        };
        metrics.scrubbed("scrubber/2", Signal::Logs, &report);
        let text = metrics.render();
        let value = |rule: &str, place: &str| {
            let start = format!(
                "otelcol_processor_scrubber_redactions{{otel_signal=\"logs\",place=\"{place}\",processor=\"scrubber/2\",rule=\"{rule}\""
            );
            let line = text.lines().find(|line| line.starts_with(&start)).expect("is counted");
            line.rsplit(' ').next().unwrap().to_owned()
        };
        assert_eq!(value("github-pat", "attributes"), "2");
        assert_eq!(value("github-pat", "body"), "1");
        assert_eq!(value("jwt", "attributes"), "1");
        assert!(!text.contains("resource_spans"), "{text}");
        assert!(!text.contains("otelcol_processor_scrubber_invalid_utf8{"), "{text}");
    }
}
