//! Searches what was masked once more.

use crate::scrub::detector::Finder;
use crate::scrub::detector::find::Known;
use crate::scrub::detector::hidden::Layer;
use crate::scrub::detector::overlap::Match;
use crate::scrub::detector::prefilter::RUN;
use crate::scrub::otlp::Place;
use crate::scrub::otlp::Replacement;

/// How often a masked text is searched again before it is masked whole.
const ROUNDS_MAX: usize = 4;

impl<'d> Finder<'d> {
    /// Searches a masked text again until nothing more is found, so that scrubbing twice
    /// is scrubbing once: what is around a secret can read otherwise once the secret is
    /// gone. Hardly ever more than one look; a text that does not settle is masked whole.
    pub(super) fn settle(
        &mut self,
        text: &[u8],
        mut masked: Vec<u8>,
        known: Known<'d>,
        place: &Place<'_>,
        found: &mut Vec<Replacement>,
        before: usize,
    ) {
        let mut more = Vec::new();
        for round in 0..=ROUNDS_MAX {
            let mut hits = Vec::new();
            self.detector.prefilter.scan(&masked, &mut hits);
            let mut search = self.search(place, masked.len());
            let mut matches = search.matches(&masked, &hits, 0, known, Layer::default());
            if search.exhausted || (round == ROUNDS_MAX && !matches.is_empty()) {
                matches = vec![Match::whole(masked.len(), RUN)];
            }
            if matches.is_empty() {
                break;
            }
            self.replace(&search, &masked, &matches, place, &mut more);
            masked = search.apply(&masked, &matches);
            if search.exhausted || round == ROUNDS_MAX {
                break;
            }
        }
        if !more.is_empty() {
            // Ranges of a masked text are not those of the text: it is replaced whole.
            found.truncate(before);
            found.push(Replacement { range: 0..text.len(), bytes: masked });
        }
    }
}
