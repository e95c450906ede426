//! Numbers under keys that name a secret.
//!
//! Numbers are guessable, so that only a key that means a password or a code makes a
//! secret of one; counts, limits and lifetimes stand under many others.

use crate::scrub::detector::filter::Candidate;
use crate::scrub::detector::filter::Ruling;
use crate::scrub::detector::find::Note;
use crate::scrub::detector::finder::Finder;
use crate::scrub::detector::key::Rules;
use crate::scrub::detector::overlap::Match;
use crate::scrub::otlp::Place;
use crate::scrub::rule::ValueForm;

/// How many digits a number has that is a password.
const DIGITS_MIN: usize = 4;

impl<'d> Finder<'d> {
    /// What takes the place of a number under a key that these rules name.
    pub(super) fn number(
        &mut self,
        number: i64,
        rules: Rules<'d>,
        place: &Place<'_>,
    ) -> Option<Vec<u8>> {
        let text = number.to_string();
        let rule = rules.iter().find(|&rule| self.hides(rule, &text, place))?;
        self.report(rule, place);
        let whole = Match::whole(text.len(), rule);
        let search = self.search(place, 0);
        let mask = search.mask(text.as_bytes(), &whole);
        let shown = vec![search.shown(text.as_bytes(), &whole)];
        self.explain(Vec::new(), std::slice::from_ref(&whole), shown, place);
        Some(mask)
    }

    /// Whether a rule that names the key of a number makes a secret of it.
    fn hides(&mut self, number: u32, text: &str, place: &Place<'_>) -> bool {
        let Some(rule) = self.detector.rules.get(number as usize) else { return false };
        let is_hidden = match &rule.pattern {
            Some(pattern) => {
                rule.keyed
                    && pattern.matches_whole(text.as_bytes()).is_some()
                    && rule.accepts(text.as_bytes())
            }
            None => rule.form == ValueForm::Password && DIGITS_MIN <= text.trim_matches('-').len(),
        };
        if !is_hidden {
            return false;
        }
        let Some(filter) = &rule.filter else { return true };
        let ruling = filter.ruling(&Candidate {
            text: text.as_bytes(),
            secret: 0..text.len(),
            nested: false,
            place,
            surroundings: self.surroundings,
            confidence: rule.confidence(text.as_bytes()),
        });
        if ruling != Ruling::Match {
            self.note(&[Note { rule: number, ruling }], place);
        }
        matches!(ruling, Ruling::Match | Ruling::Act(_))
    }
}
