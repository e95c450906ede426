//! What a map or an array tells of its strings, seen as a whole.
//!
//! An entry that names a key tells of the one that holds its value, and an argument tells
//! of the next. A value in which a hit lies is searched once more as the JSON text that
//! says the same; what is found within one of its strings is kept until that string is
//! shown. What spreads over several strings is dropped: each is searched alone as well.
//! Rules that do more than to mask what they find do so only where a string is searched
//! alone.

use std::ops::Range;

use crate::scrub::detector::find::Known;
use crate::scrub::detector::find::Search;
use crate::scrub::detector::hidden::Layer;
use crate::scrub::detector::overlap;
use crate::scrub::detector::overlap::How;
use crate::scrub::detector::overlap::Match;
use crate::scrub::otlp::Spelled;

/// What is known of strings that are not shown yet.
#[derive(Default)]
pub(super) struct Told {
    /// Where a string stands in the request, and a match in it; in order.
    matches: Vec<(usize, Match)>,
    /// Up to where the value reaches in the request.
    end: usize,
}

impl Told {
    /// Searches a value that reaches up to `end` in the request.
    pub(super) fn of(search: &mut Search<'_, '_>, spelled: &Spelled, end: usize) -> Self {
        let mut hits = Vec::new();
        search.detector.prefilter.scan(&spelled.text, &mut hits);
        let found = search.matches(&spelled.text, &hits, 0, Known::Nothing, Layer::default());
        let mut matches = Vec::new();
        if !search.exhausted {
            matches.extend(found.into_iter().filter_map(|found| within(found, &spelled.strings)));
        }
        Self { matches, end }
    }

    /// Whether there is nothing to tell.
    pub(super) fn is_empty(&self) -> bool {
        self.matches.is_empty()
    }

    /// Forgets the value, if a text that stands at `at` is not in it.
    pub(super) fn forget(&mut self, at: usize) {
        if self.end <= at {
            self.matches.clear();
        }
    }

    /// Adds what was told of the string at `at` to what is found in it alone, where that
    /// finds nothing: it sees the string as it is.
    pub(super) fn add(&self, at: usize, found: Vec<Match>) -> Vec<Match> {
        let apart = |told: &Match| {
            let ends_before = |a: &Range<usize>, b: &Range<usize>| a.end <= b.start;
            let overlaps = |own: &Match| {
                !ends_before(&own.range, &told.range) && !ends_before(&told.range, &own.range)
            };
            !found.iter().any(overlaps)
        };
        let of_string = self.matches.iter().filter(|(string, _)| *string == at);
        let told: Vec<Match> =
            of_string.map(|(_, told)| told).filter(|told| apart(told)).cloned().collect();
        if told.is_empty() {
            return found;
        }
        overlap::merge(found.into_iter().chain(told).collect())
    }
}

/// A match as one of the string that it stands in.
fn within(found: Match, strings: &[(usize, Range<usize>)]) -> Option<(usize, Match)> {
    // What is encoded is found in the string alone, too.
    if matches!(found.how, How::Encoded(_) | How::Quoted(_)) {
        return None;
    }
    let behind = strings.partition_point(|(_, string)| string.start <= found.range.start);
    let (at, string) = strings.get(behind.checked_sub(1)?)?;
    let range = found.range.start - string.start..found.range.end - string.start;
    (found.range.end <= string.end).then_some((*at, Match { range, ..found }))
}
