//! Masks log records that are lines of a private key.

use std::ops::Range;

use crate::scrub::detector::find::Known;
use crate::scrub::detector::finder::Finder;
use crate::scrub::detector::overlap::Match;
use crate::scrub::otlp::Place;
use crate::scrub::otlp::Replacement;

impl Finder<'_> {
    /// Masks the line of a private key in a log record, and what else is found in it.
    pub(in crate::scrub) fn mask_key_line(
        &mut self,
        text: &[u8],
        line: Range<usize>,
        place: &Place<'_>,
        found: &mut Vec<Replacement>,
    ) {
        let Some(rule) = self.detector.private_key else { return };
        let mut search = self.search(place, text.len());
        let whole = Match::whole(text.len(), rule);
        let matches = match search.admits(rule, text, &line) {
            true => vec![Match { range: line.clone(), ..whole }],
            false => Vec::new(),
        };
        if !search.notes.is_empty() {
            self.note(&search.notes, place);
        }
        let before = found.len();
        self.replace(&search, text, &matches, place, found);
        if line.len() < text.len() {
            let masked = search.apply(text, &matches);
            self.settle(text, masked, Known::Nothing, place, found, before);
        }
    }
}
