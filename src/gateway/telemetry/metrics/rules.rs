//! What each rule costs.

use prometheus::IntCounterVec;
use prometheus::Registry;

use crate::gateway::telemetry::metrics::counter;
use crate::scrub::Cost;

/// Counters by processor and rule.
pub(super) struct RuleMetrics {
    hits: IntCounterVec,
    near_misses: IntCounterVec,
    matches: IntCounterVec,
    suppressed: IntCounterVec,
    bytes: IntCounterVec,
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
        }
    }

    /// Adds what one request cost.
    pub(super) fn add(&self, processor: &str, costs: &[Cost]) {
        for Cost { rule, hits, near_misses, matches, suppressed, bytes } in costs {
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
}
