//! How series are made and registered.

use prometheus::HistogramOpts;
use prometheus::HistogramVec;
use prometheus::IntCounterVec;
use prometheus::IntGaugeVec;
use prometheus::Opts;
use prometheus::Registry;

use crate::scrub::Signal;

/// One counter for each signal, as the Collector has them: `…_spans`,
/// `…_metric_points`, `…_log_records`, `…_profiles`.
pub(in crate::gateway::telemetry::metrics) struct Items([IntCounterVec; 4]);

impl Items {
    pub(in crate::gateway::telemetry::metrics) fn new(
        registry: &Registry,
        name: &str,
        what: &str,
        labels: &[&str],
    ) -> Self {
        Self(Signal::ALL.map(|signal| {
            let help = format!("Number of {} {what}", signal.items().replace('_', " "));
            counter(registry, &format!("{name}_{}", signal.items()), &help, labels)
        }))
    }

    /// What each `filter` left out, by signal: the Collector spells these in their own way.
    pub(in crate::gateway::telemetry::metrics) fn filtered(registry: &Registry) -> Self {
        Self(Signal::ALL.map(|signal| {
            let items = match signal {
                Signal::Traces => "spans",
                Signal::Metrics => "datapoints",
                Signal::Logs => "logs",
                Signal::Profiles => "profiles",
            };
            let help = format!("Number of {items} dropped by the filter processor.");
            counter(registry, &format!("processor_filter_{items}_filtered"), &help, &["filter"])
        }))
    }

    pub(in crate::gateway::telemetry::metrics) fn add(
        &self,
        signal: Signal,
        labels: &[&str],
        items: u64,
    ) {
        let Self([traces, metrics, logs, profiles]) = self;
        let counter = match signal {
            Signal::Traces => traces,
            Signal::Metrics => metrics,
            Signal::Logs => logs,
            Signal::Profiles => profiles,
        };
        counter.with_label_values(labels).inc_by(items);
    }
}

pub(in crate::gateway::telemetry::metrics) fn target_info(registry: &Registry) {
    let opts = Opts::new("target_info", "What these metrics are of.");
    let info = IntGaugeVec::new(opts, &[]).expect("target_info is a valid name");
    info.with_label_values::<&str>(&[]).set(1);
    register(registry, info);
}

pub(in crate::gateway::telemetry::metrics) fn counter(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> IntCounterVec {
    let opts = Opts::new(format!("otelcol_{name}"), help);
    let counter = IntCounterVec::new(opts, labels).expect("names and labels here are valid");
    register(registry, counter.clone());
    counter
}

/// The same counter, at zero for each signal: an alarm must not miss the first one.
pub(in crate::gateway::telemetry::metrics) fn at_zero(counter: IntCounterVec) -> IntCounterVec {
    for signal in Signal::ALL {
        counter.with_label_values(&[signal.name()]);
    }
    counter
}

pub(in crate::gateway::telemetry::metrics) fn gauge(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> IntGaugeVec {
    let opts = Opts::new(format!("otelcol_{name}"), help);
    let gauge = IntGaugeVec::new(opts, labels).expect("names and labels here are valid");
    register(registry, gauge.clone());
    gauge
}

pub(in crate::gateway::telemetry::metrics) fn histogram(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
    buckets: &[f64],
) -> HistogramVec {
    let opts = HistogramOpts::new(format!("otelcol_{name}"), help).buckets(buckets.to_vec());
    let histogram =
        HistogramVec::new(opts, labels).expect("names, labels and buckets here are valid");
    register(registry, histogram.clone());
    histogram
}

pub(in crate::gateway::telemetry) fn register(
    registry: &Registry,
    metric: impl prometheus::core::Collector + 'static,
) {
    registry.register(Box::new(metric)).expect("every metric here has its own name");
}
