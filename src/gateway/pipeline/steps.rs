//! The processors of a pipeline, and how what they did is counted.

use std::sync::Arc;

use crate::gateway::pipeline::shadow::Shadow;
use crate::gateway::telemetry::metrics::Metrics;
use crate::scrub::Chain;
use crate::scrub::Cost;
use crate::scrub::Counts;
use crate::scrub::NoScrubber;
use crate::scrub::Noted;
use crate::scrub::NotedKind;
use crate::scrub::Redaction;
use crate::scrub::Report;
use crate::scrub::ScrubError;
use crate::scrub::Scrubbed;
use crate::scrub::Scrubber;
use crate::scrub::Signal;
use crate::scrub::chain::Processor;
use crate::scrub::chain::Stage;
use crate::scrub::rule::Action;

/// A processor and its id.
#[derive(Clone)]
pub struct Step {
    /// The id, as the YAML spells it.
    pub id: Arc<str>,
    /// The processor.
    pub processor: Processor,
    /// A candidate for it.
    pub shadow: Option<Arc<Shadow>>,
    /// The connector that its rules send records to.
    pub route: Option<Arc<str>>,
}

/// The processors of a pipeline, of which one scrubs.
pub struct Steps {
    pub(in crate::gateway::pipeline) chain: Chain,
    pub(in crate::gateway::pipeline) marks: Vec<Mark>,
    /// Candidates: the place of each in the chain, and the chain with it there.
    pub(in crate::gateway::pipeline) shadows: Vec<(usize, Arc<Shadow>, Chain)>,
    /// The first scrubber, which explains.
    pub(in crate::gateway::pipeline) scrubber: Option<Arc<Scrubber>>,
}

/// What is known of a processor in a chain.
pub(in crate::gateway::pipeline) struct Mark {
    id: Arc<str>,
    scrubber: Option<Arc<Scrubber>>,
    leaves_out: LeavesOut,
    pub(in crate::gateway::pipeline) route: Option<Arc<str>>,
}

/// What it means that a processor leaves records out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LeavesOut {
    /// A rule says so.
    ByRule,
    /// That is what it is for.
    AsFilter,
    /// They go another way.
    ElseWhere,
}

impl Steps {
    /// Puts steps behind each other, for requests of `signal`.
    ///
    /// # Errors
    ///
    /// When none of them scrubs.
    pub fn new(signal: Signal, steps: Vec<Step>) -> Result<Self, NoScrubber> {
        let processors: Vec<_> = steps.iter().map(|step| step.processor.clone()).collect();
        let mut shadows = Vec::new();
        for (at, step) in steps.iter().enumerate() {
            let Some(shadow) = &step.shadow else { continue };
            let mut others = processors.clone();
            if let Some(live) = others.get_mut(at) {
                *live = Processor::Scrubber(shadow.candidate());
            }
            shadows.push((at, Arc::clone(shadow), Chain::new(signal, others)?));
        }
        let scrubber = processors.iter().find_map(Processor::scrubber).cloned();
        let marks = steps.into_iter().map(Mark::of).collect();
        Ok(Self { chain: Chain::new(signal, processors)?, marks, shadows, scrubber })
    }
}

impl Mark {
    pub(in crate::gateway::pipeline) fn of(step: Step) -> Self {
        let leaves_out = match &step.processor {
            Processor::Filter(_) => LeavesOut::AsFilter,
            Processor::Route(_) => LeavesOut::ElseWhere,
            _ => LeavesOut::ByRule,
        };
        let scrubber = step.processor.scrubber().cloned();
        Self { id: step.id, scrubber, leaves_out, route: step.route }
    }
}

/// Counts that a rule had a request refused, of which no report is left.
pub(in crate::gateway::pipeline) fn refused(
    marks: &[Mark],
    error: &ScrubError,
    signal: Signal,
    metrics: &Metrics,
) {
    let ScrubError::Refused { rule, place } = error else { return };
    let has_rule = |mark: &&Mark| {
        let scrubber = mark.scrubber.as_ref();
        scrubber.is_some_and(|scrubber| scrubber.rules().iter().any(|other| other.id == *rule))
    };
    let Some(mark) = marks.iter().find(has_rule) else { return };
    let rule: Arc<str> = rule.as_str().into();
    let counts = Counts { hits: 1, matches: 1, ..Counts::default() };
    let redaction = Redaction { rule: Arc::clone(&rule), place, path: String::new() };
    let kind = NotedKind::Acted(Action::RefuseRequest);
    let report = Report {
        noted: vec![Noted { kind, redaction }],
        costs: vec![Cost { rule, counts }],
        ..Report::default()
    };
    metrics.scrubbed(&mark.id, signal, &report);
}

/// Counts what each processor did. Gives a report of all of them, and what leaves for
/// which connector.
pub(in crate::gateway::pipeline) fn account(
    marks: &[Mark],
    stages: Vec<Stage>,
    signal: Signal,
    metrics: &Metrics,
) -> (Report, Vec<(Arc<str>, Scrubbed)>) {
    let (mut joined, mut leaving) = (Report::default(), Vec::new());
    for (mark, stage) in marks.iter().zip(stages) {
        let Stage { mut report, routed, incoming, outgoing } = stage;
        if mark.leaves_out != LeavesOut::ByRule {
            let dropped = std::mem::take(&mut report.dropped_records);
            if mark.leaves_out == LeavesOut::AsFilter {
                metrics.filtered(&mark.id, signal, dropped);
            }
        }
        metrics.scrubbed(&mark.id, signal, &report);
        metrics.processed(&mark.id, signal, incoming, outgoing);
        leaving.extend(mark.route.clone().zip(routed));
        joined.redactions.extend(report.redactions);
        joined.noted.extend(report.noted);
        joined.dropped_records += report.dropped_records;
        joined.routed_records += report.routed_records;
        joined.unknown_fields += report.unknown_fields;
        joined.invalid_utf8 += report.invalid_utf8;
    }
    (joined, leaving)
}
