//! A candidate rule set that sees a sample of the live requests.
//!
//! It works beside the pipeline, on a request that has been scrubbed already, and what it
//! makes of it is compared and thrown away: what leaves does not depend on it. One request
//! at a time, and what comes meanwhile is not waited for but left out, so that the cost is
//! bounded by one thread; the room that the request was admitted to is kept until then.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use tokio::sync::Semaphore;

use crate::gateway::admission::Grant;
use crate::gateway::compute;
use crate::gateway::telemetry::metrics::Metrics;
use crate::scrub::Chain;
use crate::scrub::Noted;
use crate::scrub::NotedKind;
use crate::scrub::Redaction;
use crate::scrub::Report;
use crate::scrub::Request;
use crate::scrub::Scrubbed;
use crate::scrub::Scrubber;
use crate::scrub::scrubber::Ratio;
use crate::scrub::shadow::Change;
use crate::scrub::shadow::Comparison;
use crate::scrub::shadow::services;

/// How many kinds of changes are told in the log, each once.
const TOLD_MAX: usize = 1000;

/// A candidate and what is known of it.
#[derive(Debug)]
pub struct Shadow {
    /// The id of the scrubber that it is a candidate for.
    processor: Arc<str>,
    candidate: Arc<Scrubber>,
    sample: Ratio,
    /// Whether the scrubber is in a dry run, and the candidate with it.
    dry_run: bool,
    /// Requests that came by.
    offered: AtomicU64,
    lane: Arc<Semaphore>,
    told: Mutex<BTreeSet<Change>>,
}

/// A request, what became of it, and what the candidate is to be held against.
pub(in crate::gateway::pipeline) struct Seen {
    pub(in crate::gateway::pipeline) request: Request,
    pub(in crate::gateway::pipeline) scrubbed: Scrubbed,
    /// The processors of the pipeline, with the candidate in the place of the live one.
    pub(in crate::gateway::pipeline) chain: Chain,
    /// Which place that is.
    pub(in crate::gateway::pipeline) at: usize,
    /// What the live one did.
    pub(in crate::gateway::pipeline) before: Report,
    pub(in crate::gateway::pipeline) grant: Arc<Grant>,
}

impl Shadow {
    /// A candidate for the scrubber of this id.
    pub fn new(processor: &str, candidate: Scrubber, sample: Ratio, dry_run: bool) -> Self {
        Self {
            processor: processor.into(),
            candidate: Arc::new(candidate),
            sample,
            dry_run,
            offered: AtomicU64::new(0),
            lane: Arc::new(Semaphore::new(1)),
            told: Mutex::default(),
        }
    }

    /// The candidate.
    pub(in crate::gateway::pipeline) fn candidate(&self) -> Arc<Scrubber> {
        Arc::clone(&self.candidate)
    }

    /// Whether the next request is in the sample.
    pub(in crate::gateway::pipeline) fn takes(&self) -> bool {
        self.sample.takes(self.offered.fetch_add(1, Ordering::Relaxed))
    }

    /// Has the candidate see a request, unless it is busy.
    pub(in crate::gateway::pipeline) fn look(self: &Arc<Self>, seen: Seen, metrics: &Metrics) {
        let Ok(lane) = Arc::clone(&self.lane).try_acquire_owned() else {
            metrics.rules().shadowed(&self.processor, "skipped");
            return;
        };
        let (this, metrics) = (Arc::clone(self), metrics.clone());
        tokio::spawn(async move {
            let (dry_run, candidate) = (this.dry_run, this.candidate());
            let Seen { request, scrubbed, chain, at, before, grant } = seen;
            let compared = compute::aside(move || {
                let after = chain.run(request).ok()?;
                let after = after.stages.into_iter().nth(at)?.report;
                // Names come from what is scrubbed; in a dry run that is what came.
                let names = services(scrubbed.signal(), scrubbed.encoding(), scrubbed.bytes());
                let names: Vec<String> =
                    names.iter().map(|name| candidate.scrub_text(name)).collect();
                let mut comparison = Comparison::default();
                let (before, after) = (masked(before, dry_run), masked(after, dry_run));
                comparison.add(&before, &after, &names);
                Some(comparison)
            });
            match compared.await {
                Ok(Some(comparison)) => this.tell(&comparison, &metrics),
                // The candidate refuses the request, or failed.
                Ok(None) | Err(_) => metrics.rules().shadowed(&this.processor, "failed"),
            }
            drop((lane, grant));
        });
    }

    fn tell(&self, comparison: &Comparison, metrics: &Metrics) {
        metrics.rules().shadowed(&self.processor, "compared");
        metrics.rules().compared(&self.processor, comparison);
        metrics.ledger().compared(&self.processor, comparison);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        for change in comparison.changes.keys() {
            if TOLD_MAX <= told.len() || !told.insert(change.clone()) {
                continue;
            }
            let Change { kind, rule, was, place, service } = change;
            tracing::info!(
                processor = %self.processor,
                change = kind.name(),
                rule = %rule,
                was = was.as_deref().unwrap_or_default(),
                place,
                service,
                "shadow: the candidate differs from the live rules; told once for each kind"
            );
        }
    }
}

/// What a scrubber masked; of one in a dry run, what it would have.
fn masked(report: Report, dry_run: bool) -> Vec<Redaction> {
    let would = |noted: Noted| (noted.kind == NotedKind::DryRun).then_some(noted.redaction);
    match dry_run {
        false => report.redactions,
        true => report.noted.into_iter().filter_map(would).collect(),
    }
}
