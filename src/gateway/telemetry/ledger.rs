//! What the gateway did since it started, by rule and by service, for who looks at it live.
//!
//! Beside the metrics: here are names of services, which a sender chooses and a metric
//! must not carry as labels. Their number is bounded, and they are read from what was
//! scrubbed. Kept only while somebody may look (`extensions.admin`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Instant;

use serde_json::Value;
use serde_json::json;

use crate::gateway::telemetry::admin::tail::Tail;
use crate::gateway::telemetry::instance::VERSION;
use crate::scrub::Cost;
use crate::scrub::Counts;
use crate::scrub::Report;
use crate::scrub::Scrubbed;
use crate::scrub::Scrubber;
use crate::scrub::rule::Rule;
use crate::scrub::shadow::Change;
use crate::scrub::shadow::Comparison;
use crate::scrub::shadow::service_of;
use crate::scrub::shadow::services;

/// How many services, and how many kinds of changes, are told apart.
const NAMES_MAX: usize = 1000;

/// The longest name of a service that is kept, in bytes.
const NAME_BYTES_MAX: usize = 200;

/// What services beyond the limit are counted under.
const OTHERS: &str = "(others)";

/// The counts.
#[derive(Debug)]
pub struct Ledger {
    is_open: AtomicBool,
    since: Instant,
    requests: AtomicU64,
    refused: AtomicU64,
    bytes: AtomicU64,
    items: AtomicU64,
    /// By processor and rule; the severity of the rule, too.
    rules: Mutex<BTreeMap<Key, (String, Counts)>>,
    services: Mutex<BTreeMap<String, Leaks>>,
    changes: Mutex<BTreeMap<(Arc<str>, Change), u64>>,
    tail: Tail,
}

/// A processor and a rule.
type Key = (Arc<str>, Arc<str>);

#[derive(Clone, Debug, Default)]
struct Leaks {
    requests: u64,
    matches: u64,
    /// The rule that matched last.
    rule: String,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            is_open: AtomicBool::new(false),
            since: Instant::now(),
            requests: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            items: AtomicU64::new(0),
            rules: Mutex::default(),
            services: Mutex::default(),
            changes: Mutex::default(),
            tail: Tail::default(),
        }
    }
}

impl Ledger {
    /// From now on, somebody may look.
    pub fn open(&self) {
        self.is_open.store(true, Ordering::Relaxed);
    }

    fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Relaxed)
    }

    /// Who watches records live.
    pub fn tail(&self) -> &Tail {
        &self.tail
    }

    /// The rules that a processor runs from now on.
    pub fn runs(&self, processor: &str, rules: &[Rule]) {
        let mut known = lock(&self.rules);
        let mut kept = std::mem::take(&mut *known);
        kept.retain(|(other, _), (_, counts)| **other != *processor || 0 < counts.hits);
        for rule in rules {
            let key = (processor.into(), rule.id.as_str().into());
            let severity = format!("{:?}", rule.severity).to_lowercase();
            kept.entry(key).or_insert_with(|| (severity, Counts::default()));
        }
        *known = kept;
    }

    /// A request that went through.
    pub fn passed(&self, bytes: usize, items: u64) {
        if self.is_open() {
            self.requests.fetch_add(1, Ordering::Relaxed);
            self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
            self.items.fetch_add(items, Ordering::Relaxed);
        }
    }

    /// A request that the processors refused.
    pub fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// What the rules of a processor looked at.
    pub fn costs(&self, processor: &str, costs: &[Cost]) {
        if costs.is_empty() || !self.is_open() {
            return;
        }
        let mut rules = lock(&self.rules);
        for cost in costs {
            let key = (processor.into(), Arc::clone(&cost.rule));
            let (_, counts) = rules.entry(key).or_default();
            counts.add(&cost.counts);
        }
    }

    /// Which services a request leaked from. Nothing is read of one in which nothing was
    /// found. Their names pass the scrubber once more, which may be in a dry run.
    pub fn leaked(&self, report: &Report, scrubbed: &Scrubbed, scrubber: Option<&Scrubber>) {
        if report.redactions.is_empty() || !self.is_open() {
            return;
        }
        let names = services(scrubbed.signal(), scrubbed.encoding(), scrubbed.bytes());
        let clean = |name: String| match scrubber {
            Some(scrubber) => scrubber.scrub_text(&name),
            None => name,
        };
        let names: Vec<String> = names.into_iter().map(clean).collect();
        let mut by_name: BTreeMap<&str, (u64, &str)> = BTreeMap::new();
        for redaction in &report.redactions {
            let one = by_name.entry(service_of(&redaction.path, &names)).or_default();
            *one = (one.0 + 1, &redaction.rule);
        }
        let mut services = lock(&self.services);
        for (name, (matches, rule)) in by_name {
            let mut name = name.to_owned();
            name.truncate(name.floor_char_boundary(NAME_BYTES_MAX));
            if NAMES_MAX <= services.len() && !services.contains_key(&name) {
                name = OTHERS.to_owned();
            }
            let leaks = services.entry(name).or_default();
            leaks.requests += 1;
            leaks.matches += matches;
            leaks.rule = rule.to_owned();
        }
    }

    /// What a candidate changes.
    pub fn compared(&self, processor: &Arc<str>, comparison: &Comparison) {
        if !self.is_open() {
            return;
        }
        let mut changes = lock(&self.changes);
        for (change, count) in &comparison.changes {
            let key = (Arc::clone(processor), change.clone());
            if changes.len() < NAMES_MAX || changes.contains_key(&key) {
                *changes.entry(key).or_default() += count;
            }
        }
    }

    /// Everything, for who looks. Holds no payload.
    pub fn shown(&self) -> Value {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let services: Vec<Value> = lock(&self.services)
            .iter()
            .map(|(name, Leaks { requests, matches, rule })| {
                json!({"service": name, "requests": requests, "matches": matches, "last_rule": rule})
            })
            .collect();
        let changes: Vec<Value> = lock(&self.changes)
            .iter()
            .map(|((processor, change), count)| {
                let Change { kind, rule, was, place, service } = change;
                json!({"processor": **processor, "change": kind.name(), "rule": **rule,
                    "was": was.as_deref(), "place": place, "service": service, "count": count})
            })
            .collect();
        json!({
            "version": VERSION,
            "uptime_seconds": self.since.elapsed().as_secs_f64(),
            "requests": count(&self.requests),
            "refused_requests": count(&self.refused),
            "bytes": count(&self.bytes),
            "items": count(&self.items),
            "rules": self.rules(),
            "services": services,
            "shadow": changes,
        })
    }

    /// The rules that run, and those that ran and hit something.
    pub fn rules(&self) -> Value {
        let rules = lock(&self.rules);
        let rules = rules.iter().map(|((processor, rule), (severity, counts))| {
            json!({
                "processor": **processor,
                "rule": **rule,
                "severity": severity,
                "hits": counts.hits,
                "near_misses": counts.near_misses,
                "matches": counts.matches,
                "suppressed": counts.suppressed,
                "confirmed_bytes": counts.bytes,
            })
        });
        rules.collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scrub::Encoding;
    use crate::scrub::Request;
    use crate::scrub::Settings;
    use crate::scrub::Signal;
    use crate::scrub::yaml;

    #[test]
    fn the_number_of_services_does_not_depend_on_senders() {
        let ledger = Ledger::default();
        ledger.open();
        let rules = yaml::read("[{id: own, keys: {exact: password}}]").unwrap();
        let settings = Settings { rules, ..Settings::default() };
        let scrubber = Scrubber::without_packs(&settings).unwrap();
        for number in 0..NAMES_MAX + 50 {
            let json = format!(
                r#"{{"resourceLogs":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"s{number}"}}}}]}},"scopeLogs":[{{"logRecords":[{{"body":{{"stringValue":"password=hunter2hunter2"}}}}]}}]}}]}}"#
            );
            let bytes = json.into();
            let request = Request { signal: Signal::Logs, encoding: Encoding::Json, bytes };
            let (scrubbed, report) = scrubber.scrub(&request).unwrap();
            ledger.leaked(&report, &scrubbed, Some(&scrubber));
            ledger.costs("scrubber", &report.costs);
        }
        let shown = ledger.shown();
        assert_eq!(shown["services"].as_array().unwrap().len(), NAMES_MAX + 1);
        assert_eq!(shown["services"][0]["service"], OTHERS);
        assert_eq!(shown["rules"][0]["matches"], NAMES_MAX + 50);
        assert!(!shown.to_string().contains("hunter2"));
    }
}
