//! Delivers to several exporters, all of which must accept.
//!
//! They run beside each other and share the bytes. A joined request that one of
//! them refuses for good is taken apart for that one alone, until the requests
//! that it does not want stand by themselves.

use std::pin::Pin;
use std::sync::Arc;

use tokio::time::Instant;

use crate::gateway::answer;
use crate::gateway::answer::Accepted;
use crate::gateway::answer::Outcome;
use crate::gateway::answer::PartialSuccess;
use crate::gateway::answer::Refusal;
use crate::gateway::exporter::Exporter;
use crate::gateway::exporter::delivery::Delivery;
use crate::gateway::pipeline::join_all;
use crate::scrub::Report;
use crate::scrub::Scrubbed;

/// The exporters of a pipeline.
#[derive(Clone)]
pub struct Fanout {
    exporters: Arc<[Arc<Exporter>]>,
}

impl Fanout {
    /// A fan-out to `exporters`.
    pub fn new(exporters: Vec<Arc<Exporter>>) -> Self {
        Self { exporters: exporters.into() }
    }

    /// Delivers one request.
    pub async fn deliver(&self, delivery: &Delivery, deadline: Option<Instant>) -> Outcome {
        match &*self.exporters {
            [exporter] => exporter.export(delivery, deadline).await,
            exporters => {
                let calls = exporters.iter().map(|exporter| exporter.export(delivery, deadline));
                answer::all(join_all(calls).await)
            }
        }
    }

    /// Delivers several requests as one and says how each of them ended.
    pub async fn deliver_joined(
        &self,
        parts: &[Delivery],
        deadline: Option<Instant>,
    ) -> Vec<Outcome> {
        let calls = self.exporters.iter().map(|exporter| bisect(exporter, parts, deadline));
        let mut by_exporter: Vec<_> =
            join_all(calls).await.into_iter().map(Vec::into_iter).collect();
        let next = |_| answer::all(by_exporter.iter_mut().filter_map(Iterator::next));
        parts.iter().map(next).collect()
    }
}

type Outcomes<'a> = Pin<Box<dyn Future<Output = Vec<Outcome>> + Send + 'a>>;

/// Delivers `parts` as one; where that is refused for good and the fault may lie in
/// one of them, in halves.
fn bisect<'a>(
    exporter: &'a Exporter,
    parts: &'a [Delivery],
    deadline: Option<Instant>,
) -> Outcomes<'a> {
    Box::pin(async move {
        let outcome = match parts {
            [] => return Vec::new(),
            [part] => return vec![exporter.export(part, deadline).await],
            parts => match join(parts) {
                Ok(joined) => exporter.export(&joined, deadline).await,
                Err(refusal) => Err(refusal),
            },
        };
        match outcome {
            Err(refusal) if refusal.may_be_poison() => {
                let (first, second) = parts.split_at(parts.len() / 2);
                let mut outcomes = bisect(exporter, first, deadline).await;
                outcomes.extend(bisect(exporter, second, deadline).await);
                outcomes
            }
            Err(refusal) => vec![Err(refusal); parts.len()],
            Ok(accepted) => parts.iter().map(|part| Ok(share(&accepted, part))).collect(),
        }
    })
}

fn join(parts: &[Delivery]) -> Result<Delivery, Refusal> {
    let scrubbed: Vec<_> = parts.iter().map(|part| part.scrubbed().clone()).collect();
    let scrubbed =
        Scrubbed::join(&scrubbed).ok_or(Refusal::Internal { what: "requests cannot be joined" })?;
    let mut report = Report::default();
    for part in parts {
        report.redactions.extend(part.report().redactions.iter().cloned());
        report.unknown_fields += part.report().unknown_fields;
        report.invalid_utf8 += part.report().invalid_utf8;
    }
    Ok(Delivery::new(scrubbed, Arc::new(report), None))
}

/// What a partial success of a joined request says to one of its senders: the
/// upstream does not say whose items it rejected, so each hears of as many as can
/// be its own.
fn share(accepted: &Accepted, part: &Delivery) -> Accepted {
    let items = i64::try_from(part.scrubbed().items()).unwrap_or(i64::MAX);
    Accepted {
        partial: accepted.partial.as_ref().map(|partial| PartialSuccess {
            rejected: partial.rejected.min(items),
            message: partial.message.clone(),
        }),
    }
}
