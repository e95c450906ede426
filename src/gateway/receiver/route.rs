//! From a signal to the pipelines that take it.

use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use crate::gateway::admission::Budget;
use crate::gateway::answer;
use crate::gateway::answer::Outcome;
use crate::gateway::answer::Refusal;
use crate::gateway::pipeline::Handled;
use crate::gateway::pipeline::Inbound;
use crate::gateway::pipeline::Pipeline;
use crate::gateway::pipeline::join_all;
use crate::gateway::pipeline::partly::Partly;
use crate::gateway::telemetry::metrics::Metrics;
use crate::gateway::telemetry::spans::Attribute;
use crate::gateway::workers::Workers;
use crate::scrub::Signal;

/// What a receiver knows of the rest of the gateway.
#[derive(Clone)]
pub struct Routes {
    receiver: Arc<str>,
    pipelines: [Vec<Arc<Pipeline>>; 4],
    budget: Arc<Budget>,
    partly: Arc<Partly>,
    workers: Arc<Workers>,
    metrics: Metrics,
}

impl Routes {
    /// Routes of the receiver with the id `receiver` to all `pipelines` that it is
    /// listed in.
    pub fn new(
        receiver: &str,
        pipelines: &[Arc<Pipeline>],
        budget: Arc<Budget>,
        workers: Arc<Workers>,
        metrics: Metrics,
    ) -> Self {
        let of = |signal| {
            let takes = |pipeline: &&Arc<Pipeline>| pipeline.signal() == signal;
            pipelines.iter().filter(takes).cloned().collect()
        };
        let partly = Arc::default();
        let (receiver, pipelines) = (receiver.into(), Signal::ALL.map(of));
        Self { receiver, pipelines, budget, partly, workers, metrics }
    }

    /// The pipelines of `signal`.
    fn pipelines(&self, signal: Signal) -> &[Arc<Pipeline>] {
        signal.of(&self.pipelines).map_or(&[], Vec::as_slice)
    }

    /// Whether a pipeline takes requests of `signal`.
    pub fn takes(&self, signal: Signal) -> bool {
        !self.pipelines(signal).is_empty()
    }

    /// The room that requests are admitted to.
    pub fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }

    /// Hands a request to every pipeline of its signal; all must accept it.
    pub async fn handle(self: &Arc<Self>, transport: &'static str, inbound: Inbound) -> Outcome {
        match self.workers.another(inbound.request.bytes.len()).await {
            None => self.handle_here(transport, inbound).await,
            Some(worker) => {
                let own = Arc::clone(self);
                worker.run(async move { own.handle_here(transport, inbound).await }).await.flatten()
            }
        }
    }

    async fn handle_here(&self, transport: &'static str, inbound: Inbound) -> Outcome {
        let started = Instant::now();
        let signal = inbound.request.signal;
        let bytes = inbound.request.bytes.len();
        let span = self.metrics.tracer().received(&self.receiver, signal);
        // Pinned, so that there is room for it once, whichever way it is waited for.
        let handled = pin!(async {
            match self.pipelines(signal) {
                [pipeline] => pipeline.handle(inbound).await,
                pipelines => Box::pin(self.handle_in_all(pipelines, inbound)).await,
            }
        });
        let handled = match &span {
            None => handled.await,
            Some(span) => span.around(handled).await,
        };
        let items = handled.items;
        let ended = match &handled.outcome {
            Ok(_) => {
                self.metrics.accepted(&self.receiver, transport, signal, items);
                "success"
            }
            Err(Refusal::Internal { .. }) => {
                self.metrics.failed(&self.receiver, transport, signal, items);
                "failure"
            }
            Err(_) => {
                self.metrics.refused(&self.receiver, transport, signal, items);
                "refused"
            }
        };
        if let Some(span) = span {
            let counted = if handled.outcome.is_ok() { "accepted_items" } else { "refused_items" };
            let attributes = vec![
                ("transport", Attribute::Text(transport.to_owned())),
                (counted, Attribute::Count(items)),
            ];
            span.end(attributes, handled.outcome.is_err());
        }
        self.metrics.request(&self.receiver, transport, signal, bytes, started.elapsed(), ended);
        handled.outcome
    }

    /// Counts a connection that was closed by a limit.
    pub fn closed(&self, transport: &'static str, limit: &'static str) {
        self.metrics.closed(&self.receiver, transport, limit);
    }

    /// Counts a request whose sender is not known.
    pub fn unauthenticated(&self, transport: &'static str) {
        self.metrics.unauthenticated(&self.receiver, transport);
    }

    /// Hands a request to several pipelines. One that has it, while another could not
    /// take it, is passed over when the sender tries again.
    async fn handle_in_all(&self, pipelines: &[Arc<Pipeline>], inbound: Inbound) -> Handled {
        let bytes = inbound.request.bytes.clone();
        let had = self.partly.recall(&bytes, pipelines.len());
        let calls = pipelines.iter().zip(had).map(|(pipeline, had)| {
            let inbound = inbound.clone();
            async move {
                match had {
                    true => Handled { items: 0, outcome: Ok(Default::default()) },
                    false => pipeline.handle(inbound).await,
                }
            }
        });
        let handled = join_all(calls).await;
        let items = handled.iter().map(|handled| handled.items).max().unwrap_or_default();
        let have: Vec<bool> = handled.iter().map(|handled| handled.outcome.is_ok()).collect();
        let outcome = answer::all(handled.into_iter().map(|handled| handled.outcome));
        if outcome.as_ref().is_err_and(Refusal::is_retryable) {
            self.partly.remember(&bytes, &have);
        }
        Handled { items, outcome }
    }

    /// Counts a request that did not get as far as a pipeline. One for which there was no
    /// room was not read: of its items nobody knows, so it counts as one.
    pub fn refused_early(&self, transport: &'static str, signal: Signal, refusal: &Refusal) {
        let zero = std::time::Duration::ZERO;
        self.metrics.request(&self.receiver, transport, signal, 0, zero, "refused");
        if matches!(refusal, Refusal::Busy { .. }) {
            self.metrics.refused(&self.receiver, transport, signal, 1);
            self.pipelines(signal).iter().for_each(|pipeline| pipeline.over_limit());
        }
    }
}
