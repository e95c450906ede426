//! What became of a text, for who asks why.

use crate::scrub::detector::LIMIT_RULE;
use crate::scrub::detector::finder::Finder;
use crate::scrub::detector::overlap::Match;
use crate::scrub::detector::trace::Event;
use crate::scrub::explain::Explanation;
use crate::scrub::explain::Mask;
use crate::scrub::otlp::Place;

impl Finder<'_> {
    /// Says what became of a text, if somebody asks.
    #[cold]
    pub(super) fn explain(
        &mut self,
        events: Vec<Event>,
        matches: &[Match],
        shown: Vec<String>,
        place: &Place<'_>,
    ) {
        let Some(explanations) = &mut self.explanations else { return };
        if events.is_empty() && matches.is_empty() {
            return;
        }
        let masks = matches.iter().zip(shown).map(|(found, shown)| Mask {
            rule: match self.detector.rules.get(found.rule as usize) {
                Some(rule) => rule.id.to_string(),
                None => LIMIT_RULE.to_owned(),
            },
            start: found.range.start,
            len: found.range.len(),
            shown,
        });
        let masks: Vec<Mask> = masks.collect();
        explanations.push(Explanation {
            place: place.kind,
            path: place.path.to_string(),
            candidates: Explanation::candidates(self.detector, events, &masks),
            masks,
            dry_run: false,
        });
    }
}
