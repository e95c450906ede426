//! What each rule costs, and what a candidate rule set would change.

use prometheus::IntCounterVec;
use prometheus::Registry;

use crate::gateway::telemetry::metrics::series::counter;
use crate::scrub::Cost;
use crate::scrub::Counts;
use crate::scrub::shadow::Change;
use crate::scrub::shadow::Comparison;

/// Counters by processor and rule.
pub struct RuleMetrics {
    hits: IntCounterVec,
    near_misses: IntCounterVec,
    matches: IntCounterVec,
    suppressed: IntCounterVec,
    bytes: IntCounterVec,
    shadow_requests: IntCounterVec,
    shadow_same: IntCounterVec,
    shadow_changes: IntCounterVec,
}

impl RuleMetrics {
    pub(super) fn new(registry: &Registry) -> Self {
        let rule = |name: &str, help: &str| {
            let name = format!("processor_scrubber_rule_{name}");
            counter(registry, &name, help, &["processor", "rule"])
        };
        Self {
            hits: rule("hits", "Anchors and keys that a rule looked at."),
            near_misses: rule(
                "near_misses",
                "Texts of the shape of a rule, or under its key, that are no secret.",
            ),
            matches: rule("matches", "Masks that bear the name of a rule."),
            suppressed: rule(
                "suppressed",
                "Secrets that were left by where, near, allow, min_confidence, dry_run or tag.",
            ),
            bytes: rule("confirmed_bytes", "Bytes that were read around the hits of a rule."),
            shadow_requests: counter(
                registry,
                "processor_scrubber_shadow_requests",
                "Requests for a candidate rule set: compared, skipped (it was busy) or failed.",
                &["processor", "outcome"],
            ),
            shadow_same: counter(
                registry,
                "processor_scrubber_shadow_same",
                "Masks that a candidate rule set leaves as they are.",
                &["processor"],
            ),
            shadow_changes: counter(
                registry,
                "processor_scrubber_shadow_changes",
                "Masks that a candidate rule set would add, lose or change.",
                &["processor", "change", "rule", "was", "place"],
            ),
        }
    }

    /// Adds what one request cost.
    pub(super) fn add(&self, processor: &str, costs: &[Cost]) {
        for Cost { rule, counts } in costs {
            let Counts { hits, near_misses, matches, suppressed, bytes } = counts;
            for (counter, by) in [
                (&self.hits, hits),
                (&self.near_misses, near_misses),
                (&self.matches, matches),
                (&self.suppressed, suppressed),
                (&self.bytes, bytes),
            ] {
                if 0 < *by {
                    counter.with_label_values(&[processor, rule]).inc_by(*by);
                }
            }
        }
    }

    /// What became of a request that a candidate was to see.
    pub fn shadowed(&self, processor: &str, outcome: &'static str) {
        self.shadow_requests.with_label_values(&[processor, outcome]).inc();
    }

    /// What a candidate would change. Names of services are no labels: see the log, and
    /// `extensions.admin`.
    pub fn compared(&self, processor: &str, comparison: &Comparison) {
        self.shadow_same.with_label_values(&[processor]).inc_by(comparison.same);
        for (change, count) in &comparison.changes {
            let Change { kind, rule, was, place, .. } = change;
            let was = was.as_deref().unwrap_or_default();
            let labels = [processor, kind.name(), rule, was, place];
            self.shadow_changes.with_label_values(&labels).inc_by(*count);
        }
    }
}

impl std::fmt::Debug for RuleMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RuleMetrics").finish_non_exhaustive()
    }
}
