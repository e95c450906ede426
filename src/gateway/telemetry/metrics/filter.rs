//! Counters of `filter`, whose names the Collector spells in its own way.

use prometheus::IntCounterVec;
use prometheus::Registry;

use crate::gateway::telemetry::metrics::counter;
use crate::scrub::Signal;

/// What each `filter` left out, by signal.
pub(in crate::gateway::telemetry::metrics) struct FilterMetrics([IntCounterVec; 4]);

impl FilterMetrics {
    pub(in crate::gateway::telemetry::metrics) fn new(registry: &Registry) -> Self {
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
        processor: &str,
        signal: Signal,
        items: u64,
    ) {
        let Self([traces, metrics, logs, profiles]) = self;
        let counter = match signal {
            Signal::Traces => traces,
            Signal::Metrics => metrics,
            Signal::Logs => logs,
            Signal::Profiles => profiles,
        };
        counter.with_label_values(&[processor]).inc_by(items);
    }
}
