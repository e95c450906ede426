//! Asks the filter of a rule, where it has one.

use std::ops::Range;

use crate::scrub::detector::filter::Candidate;
use crate::scrub::detector::filter::Ruling;
use crate::scrub::detector::find::Note;
use crate::scrub::detector::find::Search;

impl Search<'_, '_> {
    /// Whether what a rule found becomes a match, once its pattern, key and validators
    /// have had their say.
    #[inline]
    pub(in crate::scrub::detector) fn admits(
        &mut self,
        rule: u32,
        text: &[u8],
        secret: &Range<usize>,
    ) -> bool {
        match self.detector.rules.get(rule as usize) {
            Some(compiled) if compiled.filter.is_some() => self.rule_on(rule, text, secret),
            _ => true,
        }
    }

    #[cold]
    fn rule_on(&mut self, rule: u32, text: &[u8], secret: &Range<usize>) -> bool {
        let Some(compiled) = self.detector.rules.get(rule as usize) else { return true };
        let Some(filter) = &compiled.filter else { return true };
        let ruling = filter.ruling(&Candidate {
            text,
            secret: secret.clone(),
            nested: !self.chain.is_empty(),
            place: self.place,
            surroundings: self.surroundings,
            confidence: compiled.confidence(text.get(secret.clone()).unwrap_or_default()),
        });
        if ruling != Ruling::Match {
            self.notes.push(Note { rule, ruling });
            self.ruled(rule, text, secret.clone(), ruling);
        }
        matches!(ruling, Ruling::Match | Ruling::Act(_))
    }
}
