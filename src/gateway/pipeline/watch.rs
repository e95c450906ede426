//! Shows what went through a pipeline to those who look on: candidate rule sets, and who
//! watches the tail. What leaves does not depend on them, and nobody waits for them.

use std::sync::Arc;

use crate::gateway::admission::Grant;
use crate::gateway::compute;
use crate::gateway::pipeline::Steps;
use crate::gateway::pipeline::shadow::Seen;
use crate::gateway::telemetry::admin::tail::Passed;
use crate::gateway::telemetry::metrics::Metrics;
use crate::scrub::Request;
use crate::scrub::chain::Processed;

/// Shows a request and what became of it; its room is kept until everybody has looked.
pub(in crate::gateway::pipeline) fn watched(
    steps: &Steps,
    request: Request,
    processed: &Processed,
    grant: &Arc<Grant>,
    metrics: &Metrics,
) {
    let Processed { scrubbed, stages, .. } = processed;
    for (at, shadow, chain) in &steps.shadows {
        let Some(stage) = stages.get(*at).filter(|_| shadow.takes()) else { continue };
        let seen = Seen {
            request: request.clone(),
            scrubbed: scrubbed.clone(),
            chain: chain.clone(),
            at: *at,
            before: stage.report.clone(),
            grant: Arc::clone(grant),
        };
        shadow.look(seen, metrics);
    }
    let tail = metrics.ledger().tail();
    if !tail.is_watched() || !tail.takes() {
        return;
    }
    let passed = Passed {
        request,
        scrubbed: scrubbed.clone(),
        scrubber: steps.scrubber.clone(),
        is_whole: stages.iter().all(|stage| stage.incoming == stage.outgoing),
    };
    let (grant, metrics) = (Arc::clone(grant), metrics.clone());
    tokio::spawn(async move {
        let own = metrics.clone();
        let shown = compute::aside(move || own.ledger().tail().show(&passed).is_ok()).await;
        if !shown.unwrap_or(false) {
            tracing::debug!("a request could not be shown to who watches the tail");
        }
        metrics.ledger().tail().give_back();
        drop(grant);
    });
}
