//! What each rule looked at in one request, and what came of it.
//!
//! Counted around hits only, so that clean texts pay nothing.

use std::sync::Arc;

use crate::scrub::detector::Detector;
use crate::scrub::detector::find::Search;
use crate::scrub::detector::overlap::Match;
use crate::scrub::scrubbed::Cost;
use crate::scrub::scrubbed::Counts;

/// Counts by the numbers of rules. A request has hits of few rules.
#[derive(Clone, Debug, Default)]
pub(in crate::scrub) struct Tally(Vec<(u32, Counts)>);

impl Tally {
    /// A rule looked at a text, and read this many bytes of it.
    pub(super) fn hit(&mut self, rule: u32, bytes: usize) {
        let counts = self.of(rule);
        counts.hits += 1;
        counts.bytes += bytes as u64;
    }

    /// What it looked at had its shape, or stood under its key, and is no secret.
    pub(super) fn near_miss(&mut self, rule: u32) {
        self.of(rule).near_misses += 1;
    }

    /// A mask bears its name.
    pub(super) fn matched(&mut self, rule: u32) {
        self.of(rule).matches += 1;
    }

    /// What it found was left.
    pub(super) fn suppressed(&mut self, rule: u32) {
        self.of(rule).suppressed += 1;
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (rule, more) in &other.0 {
            self.of(*rule).add(more);
        }
    }

    /// The counts with the ids of their rules.
    pub(in crate::scrub) fn costs(self, detector: &Detector) -> Vec<Cost> {
        let with_id = |(rule, counts): (u32, Counts)| {
            let rule = Arc::clone(&detector.rules.get(rule as usize)?.id);
            Some(Cost { rule, counts })
        };
        self.0.into_iter().filter_map(with_id).collect()
    }

    fn of(&mut self, rule: u32) -> &mut Counts {
        // Hits of one rule come together.
        let at = match self.0.iter().rposition(|(other, _)| *other == rule) {
            Some(at) => at,
            None => {
                self.0.push((rule, Counts::default()));
                self.0.len() - 1
            }
        };
        &mut self.0.get_mut(at).expect("it was found or pushed").1
    }
}

impl Search<'_, '_> {
    /// The matches that are not what their mask would be: some masks keep a part of what
    /// they mask, and are found again.
    pub(super) fn unmasked(&self, text: &[u8], mut matches: Vec<Match>) -> Vec<Match> {
        if self.masker.keeps_structure() || self.detector.keeps_structure {
            matches.retain(|found| {
                self.mask(text, found) != text.get(found.range.clone()).unwrap_or_default()
            });
        }
        matches
    }

    /// Notes that a rule read so many bytes around a hit.
    pub(super) fn looked(&mut self, rule: u32, bytes: usize) {
        self.step(bytes);
        self.tally.hit(rule, bytes);
    }
}
