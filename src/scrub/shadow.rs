//! What a candidate rule set would change: two lists of redactions of one request,
//! compared.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::scrub::Encoding;
use crate::scrub::Redaction;
use crate::scrub::Signal;
use crate::scrub::otlp::Origins;

/// What a candidate changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    /// It masks what was left.
    Added,
    /// Another rule names the mask.
    Changed,
    /// It leaves what was masked.
    Lost,
}

impl ChangeKind {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Lost => "lost",
        }
    }
}

/// Something that changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// What.
    pub kind: ChangeKind,
    /// The rule; of what is lost, the one of before.
    pub rule: Arc<str>,
    /// The rule of before, where another one has it now.
    pub was: Option<Arc<str>>,
    /// The kind of place.
    pub place: &'static str,
    /// The service that sent it; empty where it is not known.
    pub service: String,
}

/// How often each thing changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Redactions that both have.
    pub same: u64,
    /// The others.
    pub changes: BTreeMap<Change, u64>,
}

impl Comparison {
    /// Adds what changed in one request. `services` are those of its resources, in their
    /// order.
    pub fn add(&mut self, before: &[Redaction], after: &[Redaction], services: &[String]) {
        // A text may hold several: what both lists have of it is the same, what is left
        // on both sides is another name for it.
        let mut places: BTreeMap<&str, [Vec<&Redaction>; 2]> = BTreeMap::new();
        for (side, list) in [before, after].into_iter().enumerate() {
            for redaction in list {
                let sides = places.entry(&redaction.path).or_default();
                sides.get_mut(side).into_iter().for_each(|side| side.push(redaction));
            }
        }
        for (path, [mut before, mut after]) in places {
            before.retain(|old| match after.iter().position(|new| new.rule == old.rule) {
                Some(at) => {
                    after.swap_remove(at);
                    self.same += 1;
                    false
                }
                None => true,
            });
            let service = service_of(path, services);
            let (mut before, mut after) = (before.into_iter(), after.into_iter());
            loop {
                let (kind, redaction, was) = match (before.next(), after.next()) {
                    (None, None) => break,
                    (Some(old), Some(new)) => {
                        (ChangeKind::Changed, new, Some(Arc::clone(&old.rule)))
                    }
                    (Some(old), None) => (ChangeKind::Lost, old, None),
                    (None, Some(new)) => (ChangeKind::Added, new, None),
                };
                let Redaction { rule, place, .. } = redaction;
                let service = service.to_owned();
                let change = Change { kind, rule: Arc::clone(rule), was, place, service };
                *self.changes.entry(change).or_default() += 1;
            }
        }
    }
}

/// The service that sent what stands at a path: `resource_spans[1].…` is of the second
/// resource.
pub fn service_of<'s>(path: &str, services: &'s [String]) -> &'s str {
    let resource = path.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
    let index = resource.and_then(|(index, _)| index.parse::<usize>().ok());
    index.and_then(|index| services.get(index)).map(String::as_str).unwrap_or_default()
}

/// The `service.name` of each resource of a request, in their order.
pub fn services(signal: Signal, encoding: Encoding, request: &[u8]) -> Vec<String> {
    Origins::new(signal, encoding, request).services()
}
