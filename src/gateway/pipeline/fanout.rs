//! Delivers to several exporters, all of which must accept.
//!
//! They run beside each other and share the bytes. A joined request that one of
//! them refuses for good is taken apart for that one alone, until the requests
//! that it does not want stand by themselves. An exporter that has a request which
//! another one could not take is passed over when the sender tries again.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use tokio::time::Instant;

use crate::gateway::answer;
use crate::gateway::answer::Accepted;
use crate::gateway::answer::Outcome;
use crate::gateway::answer::Refusal;
use crate::gateway::exporter::Exporter;
use crate::gateway::exporter::delivery::Delivery;
use crate::gateway::pipeline::join_all;
use crate::gateway::pipeline::partly::Partly;
use crate::scrub::Encoding;

/// The exporters of a pipeline.
#[derive(Clone)]
pub struct Fanout {
    exporters: Arc<[Arc<Exporter>]>,
    partly: Arc<Partly>,
}

impl Fanout {
    /// A fan-out to `exporters`.
    pub fn new(exporters: Vec<Arc<Exporter>>) -> Self {
        Self { exporters: exporters.into(), partly: Arc::default() }
    }

    /// Whether protobuf is wanted, and nothing else.
    pub fn wants_protobuf(&self) -> bool {
        let wanted = self.exporters.iter().filter_map(|exporter| exporter.encoding());
        let mut wanted = wanted.peekable();
        wanted.peek().is_some() && wanted.all(|encoding| encoding == Encoding::Protobuf)
    }

    /// Delivers one request.
    pub async fn deliver(&self, delivery: &Delivery, deadline: Option<Instant>) -> Outcome {
        if let [exporter] = &*self.exporters {
            return exporter.export(delivery, deadline).await;
        }
        let progress = Progress::begin(&self.partly, delivery, self.exporters.len());
        let calls = self.exporters.iter().enumerate().map(|(at, exporter)| {
            let progress = &progress;
            async move {
                if progress.has(at) {
                    return Ok(Accepted::default());
                }
                let outcome = exporter.export(delivery, deadline).await;
                progress.ended(at, &outcome);
                outcome
            }
        });
        let outcomes = join_all(calls).await;
        progress.settle(answer::all(outcomes))
    }

    /// Delivers several requests as one and says how each of them ended.
    pub async fn deliver_joined(
        &self,
        parts: &[Delivery],
        deadline: Option<Instant>,
    ) -> Vec<Outcome> {
        if let [exporter] = &*self.exporters {
            return exporter.export_joined(parts, deadline).await;
        }
        let begin = |part| Progress::begin(&self.partly, part, self.exporters.len());
        let progress: Vec<Progress<'_>> = parts.iter().map(begin).collect();
        let calls = self
            .exporters
            .iter()
            .enumerate()
            .map(|(at, exporter)| export_missing(exporter, at, parts, &progress, deadline));
        let mut by_exporter: Vec<_> =
            join_all(calls).await.into_iter().map(Vec::into_iter).collect();
        progress
            .into_iter()
            .map(|progress| {
                let outcomes = by_exporter.iter_mut().filter_map(Iterator::next);
                progress.settle(answer::all(outcomes))
            })
            .collect()
    }
}

/// Delivers those of `parts` that the exporter, which is the one at `at`, has not got.
async fn export_missing(
    exporter: &Exporter,
    at: usize,
    parts: &[Delivery],
    progress: &[Progress<'_>],
    deadline: Option<Instant>,
) -> Vec<Outcome> {
    let missing = parts.iter().zip(progress).filter(|(_, progress)| !progress.has(at));
    let missing: Vec<Delivery> = missing.map(|(part, _)| part.clone()).collect();
    let mut outcomes = exporter.export_joined(&missing, deadline).await.into_iter();
    let next = |progress: &Progress<'_>| {
        if progress.has(at) {
            return Ok(Accepted::default());
        }
        let lost = Err(Refusal::Internal { what: "lost an outcome" });
        let outcome = outcomes.next().unwrap_or(lost);
        progress.ended(at, &outcome);
        outcome
    };
    progress.iter().map(next).collect()
}

/// Which exporters have a request that is being delivered. Where that ends before its
/// time, or the sender is told to try again, it is remembered.
struct Progress<'a> {
    partly: &'a Partly,
    request: Bytes,
    have: Vec<AtomicBool>,
    is_settled: bool,
}

impl<'a> Progress<'a> {
    fn begin(partly: &'a Partly, delivery: &Delivery, exporters: usize) -> Self {
        let request = delivery.scrubbed().bytes().clone();
        let have = partly.recall(&request, exporters).into_iter().map(AtomicBool::new).collect();
        Self { partly, request, have, is_settled: false }
    }

    fn has(&self, exporter: usize) -> bool {
        self.have.get(exporter).is_some_and(|has| has.load(Ordering::Relaxed))
    }

    fn ended(&self, exporter: usize, outcome: &Outcome) {
        if let (Some(has), Ok(_)) = (self.have.get(exporter), outcome) {
            has.store(true, Ordering::Relaxed);
        }
    }

    fn settle(mut self, outcome: Outcome) -> Outcome {
        self.is_settled = !outcome.as_ref().is_err_and(Refusal::is_retryable);
        outcome
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if !self.is_settled {
            let have: Vec<bool> = self.have.iter().map(|has| has.load(Ordering::Relaxed)).collect();
            self.partly.remember(&self.request, &have);
        }
    }
}
