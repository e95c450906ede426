//! Masks log records that are lines of a private key.

use std::ops::Range;

use crate::scrub::detector::find::Known;
use crate::scrub::detector::find::Search;
use crate::scrub::detector::finder::Finder;
use crate::scrub::detector::hidden::Layer;
use crate::scrub::detector::overlap;
use crate::scrub::detector::overlap::Match;
use crate::scrub::detector::prefilter::RUN;
use crate::scrub::otlp::Place;
use crate::scrub::otlp::Replacement;

impl<'d> Finder<'d> {
    /// Masks lines of a private key in a text, and what else is found in it.
    pub(in crate::scrub) fn mask_key_line(
        &mut self,
        text: &[u8],
        lines: Range<usize>,
        place: &Place<'_>,
        found: &mut Vec<Replacement>,
    ) {
        let mut hits = Vec::new();
        self.detector.prefilter.scan(text, &mut hits);
        let mut search = self.search(place, text.len());
        let matches = search.matches(text, &hits, 0, Known::Nothing, Layer::default());
        let matches = match search.exhausted {
            true => vec![Match::whole(text.len(), RUN)],
            false => self.with_key_line(&mut search, text, lines, matches),
        };
        if !search.notes.is_empty() {
            self.note(&search.notes, place);
        }
        self.mask(search, text, &matches, Known::Nothing, place, found);
    }

    /// Adds the lines of a private key that stand in a log record to what is found in it.
    pub(super) fn with_key_line(
        &self,
        search: &mut Search<'d, '_>,
        text: &[u8],
        lines: Range<usize>,
        mut matches: Vec<Match>,
    ) -> Vec<Match> {
        let Some(rule) = self.detector.private_key else { return matches };
        if !search.admits(rule, text, &lines) {
            return matches;
        }
        matches.push(Match { range: lines, ..Match::whole(text.len(), rule) });
        overlap::merge(matches)
    }
}
