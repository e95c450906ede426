//! Several requests sent as one, and taken apart where the upstream refuses them.

use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::gateway::answer::Accepted;
use crate::gateway::answer::Outcome;
use crate::gateway::answer::PartialSuccess;
use crate::gateway::answer::Refusal;
use crate::gateway::exporter::delivery::Delivery;
use crate::scrub::Report;
use crate::scrub::Scrubbed;

/// Sends one request.
pub trait Send1: Sync {
    /// Sends it, until it is accepted or refused.
    fn send1<'a>(
        &'a self,
        delivery: &'a Delivery,
    ) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;
}

/// Sends `parts` as one; where that is refused for good and the fault may lie in one of
/// them, in halves. Gives what comes of each.
pub async fn bisect<S: Send1>(sender: &S, parts: &[Delivery]) -> Vec<Outcome> {
    let (ended, mut outcomes) = mpsc::unbounded_channel();
    bisect_into(sender, parts, &ended).await;
    std::iter::from_fn(|| outcomes.try_recv().ok()).collect()
}

/// The same; `ended` hears of each in order, as soon as it is known.
pub fn bisect_into<'a, S: Send1>(
    sender: &'a S,
    parts: &'a [Delivery],
    ended: &'a mpsc::UnboundedSender<Outcome>,
) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
    // Whoever does not listen any more has no use for them.
    let end = |outcome| drop(ended.send(outcome));
    Box::pin(async move {
        let outcome = match parts {
            [] => return,
            [part] => return end(sender.send1(part).await),
            parts => match join(parts) {
                Ok(joined) => sender.send1(&joined).await,
                Err(refusal) => Err(refusal),
            },
        };
        match outcome {
            Err(refusal) if refusal.may_be_poison() => {
                let (first, second) = parts.split_at(parts.len() / 2);
                bisect_into(sender, first, ended).await;
                bisect_into(sender, second, ended).await;
            }
            Err(refusal) => parts.iter().for_each(|_| end(Err(refusal.clone()))),
            Ok(accepted) => parts.iter().for_each(|part| end(Ok(share(&accepted, part)))),
        }
    })
}

/// The requests as one.
///
/// # Errors
///
/// When they cannot be joined.
pub fn join(parts: &[Delivery]) -> Result<Delivery, Refusal> {
    let scrubbed: Vec<_> = parts.iter().map(|part| part.scrubbed().clone()).collect();
    let scrubbed =
        Scrubbed::join(&scrubbed).ok_or(Refusal::Internal { what: "requests cannot be joined" })?;
    let mut report = Report::default();
    for part in parts {
        report.redactions.extend(part.report().redactions.iter().cloned());
        report.noted.extend(part.report().noted.iter().cloned());
        report.dropped_records += part.report().dropped_records;
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
