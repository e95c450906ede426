//! Names of metrics as a reader wants them.
//!
//! The Collector's own names have no suffixes; a reader that says `false` to
//! `without_type_suffix` or `without_units` gets them (OpenTelemetry, "Prometheus and
//! OpenMetrics Compatibility"), and to `without_scope_info` the labels of the scope.

use prometheus::proto::LabelPair;
use prometheus::proto::MetricFamily;
use prometheus::proto::MetricType;

use crate::gateway::telemetry::instance::NAME;
use crate::gateway::telemetry::instance::VERSION;

/// Names that end in no unit, and the unit that they are in.
const UNITS: &[(&str, &str)] =
    &[("otelcol_process_uptime", "_seconds"), ("otelcol_process_memory_rss", "_bytes")];

/// What a name begins with that says what it is of.
const RESOURCE: &str = "service_";

/// How a reader wants names and labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Naming {
    /// Counters end in `_total`.
    pub types: bool,
    /// Names end in their unit.
    pub units: bool,
    /// Series say of which scope they are.
    pub scope: bool,
    /// Which labels of the resource are on every series; all, where nothing is said. `*`
    /// stands for any characters.
    pub resource: Option<(Vec<String>, Vec<String>)>,
}

impl Naming {
    /// The same metrics under their names.
    pub(in crate::gateway::telemetry) fn named(
        &self,
        mut families: Vec<MetricFamily>,
    ) -> Vec<MetricFamily> {
        for family in &mut families {
            let is_target = family.name() == "target_info";
            for metric in family.mut_metric() {
                let mut labels: Vec<LabelPair> = metric.get_label().to_vec();
                // Empty is absent.
                labels.retain(|label| !label.value().is_empty());
                if !is_target {
                    labels.retain(|label| self.keeps(label.name()));
                    if self.scope {
                        labels.push(label("otel_scope_name", NAME));
                        labels.push(label("otel_scope_version", VERSION));
                    }
                }
                metric.set_label(labels);
            }
            let name = self.name(family);
            family.set_name(name);
        }
        families
    }

    fn keeps(&self, label: &str) -> bool {
        let Some((included, excluded)) = &self.resource else { return true };
        // The configuration has the attribute's name.
        let fits = |globs: &[String]| globs.iter().any(|glob| fits(&glob.replace('.', "_"), label));
        !label.starts_with(RESOURCE) || (fits(included) && !fits(excluded))
    }

    fn name(&self, family: &MetricFamily) -> String {
        let mut name = family.name().to_owned();
        if self.units
            && let Some((_, unit)) = UNITS.iter().find(|(own, _)| *own == name)
        {
            name.push_str(unit);
        }
        let is_counter = family.get_field_type() == MetricType::COUNTER;
        if self.types && is_counter && !name.ends_with("_total") {
            name.push_str("_total");
        }
        name
    }
}

fn label(name: &str, value: &str) -> LabelPair {
    let mut label = LabelPair::default();
    label.set_name(name.to_owned());
    label.set_value(value.to_owned());
    label
}

/// Whether a text is as a glob says.
fn fits(glob: &str, text: &str) -> bool {
    match glob.split_once('*') {
        None => glob == text,
        Some((before, behind)) => text.strip_prefix(before).is_some_and(|rest| {
            (0..=rest.len()).filter_map(|at| rest.get(at..)).any(|rest| fits(behind, rest))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::telemetry::metrics::Metrics;
    use crate::scrub::Signal;

    #[test]
    fn a_reader_may_ask_for_suffixes_and_leave_labels_out() {
        let metrics = Metrics::new();
        metrics.accepted("otlp", "grpc", Signal::Logs, 1);
        let naming = Naming {
            types: true,
            units: true,
            scope: true,
            resource: Some((vec!["service.*".to_owned()], vec!["service.instance.id".to_owned()])),
        };
        let text = metrics.render_as(&naming);
        let line = |start: &str| text.lines().any(|line| line.starts_with(start));
        assert!(line("otelcol_receiver_accepted_log_records_total{receiver=\"otlp\""), "{text}");
        assert!(line("otelcol_process_uptime_seconds_total{"), "{text}");
        assert!(line("otelcol_process_memory_rss_bytes{"), "{text}");
        assert!(text.contains("otel_scope_name=\"otel-redact\""), "{text}");
        let with_id = text.lines().filter(|line| line.contains("service_instance_id"));
        assert_eq!(with_id.collect::<Vec<_>>().len(), 1, "target_info alone: {text}");
        assert!(text.contains("service_version"), "{text}");
    }
}
