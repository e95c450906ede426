//! Records that a rule sends away from their pipeline: `action: route`.
//!
//! They leave scrubbed, at the scrubber that found something in them, for the pipelines that
//! have its connector as a receiver. The sender hears OK when those have them and the
//! pipeline has the rest; one that has its part is passed over when the sender tries again.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;

use crate::gateway::admission::Grant;
use crate::gateway::answer;
use crate::gateway::answer::Accepted;
use crate::gateway::answer::Outcome;
use crate::gateway::answer::Refusal;
use crate::gateway::compute;
use crate::gateway::compute::Pace;
use crate::gateway::config::component::PipelineId;
use crate::gateway::current::Current;
use crate::gateway::exporter::Exporter;
use crate::gateway::exporter::delivery::Delivery;
use crate::gateway::pipeline::batch;
use crate::gateway::pipeline::join_all;
use crate::gateway::pipeline::output::Output;
use crate::gateway::pipeline::partly::Partly;
use crate::gateway::pipeline::steps::Mark;
use crate::gateway::pipeline::steps::Step;
use crate::gateway::pipeline::steps::account;
use crate::gateway::telemetry::metrics::Metrics;
use crate::scrub::Report;
use crate::scrub::Scrubbed;
use crate::scrub::Signal;
use crate::scrub::chain::Behind;
use crate::scrub::chain::Processed;

/// A pipeline that begins with a connector, and takes what was scrubbed.
pub struct Apart {
    signal: Signal,
    /// Replaced as a whole, as those of the others.
    steps: Current<BehindSteps>,
    output: Output,
    metrics: Metrics,
}

struct BehindSteps {
    chain: Behind,
    marks: Vec<Mark>,
}

impl BehindSteps {
    fn new(steps: Vec<Step>) -> Self {
        let chain = Behind::new(steps.iter().map(|step| step.processor.clone()).collect());
        Self { chain, marks: steps.into_iter().map(Mark::of).collect() }
    }
}

impl Apart {
    /// Must be called within a tokio runtime.
    pub fn new(
        id: &PipelineId,
        steps: Vec<Step>,
        batch: Option<batch::Named<'_>>,
        exporters: Vec<Arc<Exporter>>,
        metrics: Metrics,
    ) -> Self {
        let signal = id.signal;
        let output = Output::new(id.to_string().into(), signal, batch, exporters, metrics.clone());
        let steps = Current::new(Arc::new(BehindSteps::new(steps)));
        Self { signal, steps, output, metrics }
    }

    /// Has requests that begin from now on go through these steps.
    pub fn replace(&self, steps: Vec<Step>) {
        self.steps.put(Arc::new(BehindSteps::new(steps)));
    }

    async fn handle(
        &self,
        scrubbed: Scrubbed,
        report: Arc<Report>,
        until: Instant,
        grant: Arc<Grant>,
    ) -> Outcome {
        let steps = self.steps.get();
        let own = Arc::clone(&steps);
        let bytes = scrubbed.bytes().len();
        let processed = compute::run(Pace::Fast, bytes, move || own.chain.run(scrubbed)).await?;
        let Processed { scrubbed, stages, .. } = processed.map_err(Refusal::Malformed)?;
        account(&steps.marks, stages, self.signal, &self.metrics);
        self.output.deliver(Delivery::new(scrubbed, report, None), until, grant).await
    }
}

/// The pipelines of one signal that take what another one sends away, by their connector.
#[derive(Default)]
pub struct Aparts {
    to: BTreeMap<Arc<str>, Vec<Arc<Apart>>>,
    partly: Partly,
}

impl Aparts {
    /// Pipelines, each with its connector.
    pub fn new(aparts: impl IntoIterator<Item = (Arc<str>, Arc<Apart>)>) -> Self {
        let mut to: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (connector, apart) in aparts {
            to.entry(connector).or_default().push(apart);
        }
        Self { to, partly: Partly::default() }
    }

    /// Whether there is none.
    pub(in crate::gateway::pipeline) fn is_empty(&self) -> bool {
        self.to.is_empty()
    }

    /// Whether there is a pipeline behind this connector.
    pub(in crate::gateway::pipeline) fn has(&self, connector: &str) -> bool {
        self.to.contains_key(connector)
    }

    /// Delivers the two parts of a request: what is `left`, and what leaves for connectors.
    /// `request` is known again by its bytes.
    pub(in crate::gateway::pipeline) async fn deliver(
        &self,
        request: &Bytes,
        (left, leaving): (Delivery, Vec<(Arc<str>, Scrubbed)>),
        own: &Output,
        until: Instant,
        grant: Arc<Grant>,
    ) -> Outcome {
        let mut targets: Vec<(&Apart, Scrubbed)> = Vec::new();
        for (connector, scrubbed) in &leaving {
            let Some(aparts) = self.to.get(connector) else {
                return Err(Refusal::Internal { what: "no pipeline takes what a rule routes" });
            };
            targets.extend(aparts.iter().map(|apart| (&**apart, scrubbed.clone())));
        }
        let report = Arc::clone(left.report());
        let mut had = self.partly.recall(request, 1 + targets.len()).into_iter();
        let has_left = had.next().unwrap_or_default();
        let left = async {
            match has_left {
                true => Ok(Accepted::default()),
                false => own.deliver(left, until, Arc::clone(&grant)).await,
            }
        };
        let routed = targets.into_iter().zip(had).map(|((apart, scrubbed), has)| {
            let (report, grant) = (Arc::clone(&report), Arc::clone(&grant));
            async move {
                match has {
                    true => Ok(Accepted::default()),
                    false => apart.handle(scrubbed, report, until, grant).await,
                }
            }
        });
        let (left, routed) = tokio::join!(left, join_all(routed));
        let outcomes: Vec<Outcome> = std::iter::once(left).chain(routed).collect();
        let have: Vec<bool> = outcomes.iter().map(Outcome::is_ok).collect();
        let outcome = answer::all(outcomes);
        if outcome.as_ref().is_err_and(Refusal::is_retryable) {
            self.partly.remember(request, &have);
        }
        outcome
    }
}
