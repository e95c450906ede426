//! Texts that are one thing over and over: separators, padding, and what is sent to make
//! work.
//!
//! Where a few bytes are repeated for long, hits are repeated with them: whether one is at a
//! position depends on the bytes around it, as far as needles and their checks reach. So
//! only both ends of such a run are scanned, and what is found in the first bytes whose
//! surroundings lie within it is found again in all that follow. The hits are the same as
//! those of a scan of all of it; the cost of a hit is that of writing it down.
//!
//! A run is looked for in steps, at a few bytes each, so that other texts pay nothing.

use std::ops::Range;

use crate::scrub::detector::bytes::same_len;
use crate::scrub::detector::prefilter::Hit;

/// How far apart runs are looked for, in bytes.
const STEP: usize = 16 << 10;

/// How long the inside of one is at least, in bytes.
const INSIDE_MIN: usize = 4 << 10;

/// The longest that is known to be repeated, in bytes: a word or two and a sign. Whole
/// sentences come again one behind the other in benches only.
const PERIOD_MAX: usize = 16;

/// How many bytes must come again for a look at more of them.
const HEAD_LEN: usize = 8;

/// A run in which a few bytes are repeated.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Repeated {
    /// What of it is so far from both ends that no needle and no check reaches beyond.
    pub(super) inside: Range<usize>,
    /// How many bytes are repeated.
    period: usize,
}

impl Repeated {
    /// The runs in these parts of `bytes`. `reach` is how far needles and their checks go.
    #[inline]
    pub(super) fn find(bytes: &[u8], parts: &[Range<usize>], reach: usize) -> Vec<Self> {
        let mut found = Vec::new();
        for part in parts.iter().filter(|part| STEP <= part.len()) {
            let part_bytes = bytes.get(..part.end).unwrap_or_default();
            let mut at = part.start;
            while at + INSIDE_MIN <= part.end {
                let run = part_bytes.get(at..).and_then(|rest| Self::begins(rest, at, reach));
                at = run.as_ref().map_or(at, |run| run.inside.end) + STEP;
                found.extend(run);
            }
        }
        found
    }

    /// The run that `rest`, which stands at `at`, begins with.
    #[inline(never)]
    fn begins(rest: &[u8], at: usize, reach: usize) -> Option<Self> {
        let head = rest.first_chunk::<HEAD_LEN>()?;
        let [first, ..] = head;
        let next = rest.get(1..1 + PERIOD_MAX)?;
        let comes_again =
            |period: &usize| rest.get(*period..).is_some_and(|it| it.starts_with(head));
        let period = memchr::memchr_iter(*first, next).map(|at| at + 1).find(comes_again)?;
        let len = period + same_len(rest, rest.get(period..)?);
        let inside = at + reach..(at + len).saturating_sub(reach);
        (INSIDE_MIN <= inside.len()).then_some(Self { inside, period })
    }

    /// Where the first bytes end of which all others in the inside are a repetition.
    pub(super) fn first_end(&self) -> usize {
        self.inside.start + self.period
    }

    /// Adds to the hits, of which those up to the first bytes stand in order behind the first
    /// `known`, those in all bytes that follow.
    pub(super) fn repeat(&self, hits: &mut Vec<Hit>, known: usize) {
        let new = hits.get(known..).unwrap_or_default();
        let first = new.partition_point(|hit| (hit.at as usize) < self.inside.start);
        let once = new.get(first..).unwrap_or_default().to_vec();
        for by in (self.period..self.inside.len()).step_by(self.period) {
            let again = once.iter().map(|hit| Hit { at: hit.at + by as u32, ..*hit });
            hits.extend(again.take_while(|hit| (hit.at as usize) < self.inside.end));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_found_with_what_is_repeated_in_it() {
        let text = ["x ".repeat(STEP), "password=".repeat(STEP), " y".repeat(STEP)].concat();
        let found = Repeated::find(text.as_bytes(), std::slice::from_ref(&(0..text.len())), 100);
        let periods: Vec<_> = found.iter().map(|it| it.period).collect();
        assert_eq!(periods, [2, 9, 2]);
        for it in found {
            let at = |at: usize| text.as_bytes()[at];
            for place in it.inside.start - 100..it.inside.end + 100 - it.period {
                assert_eq!(at(place), at(place + it.period));
            }
        }
        let short = "a".repeat(STEP - 1);
        assert_eq!(
            Repeated::find(short.as_bytes(), std::slice::from_ref(&(0..short.len())), 100),
            []
        );
        assert_eq!(Repeated::find(text.as_bytes(), &[0..STEP - 1, 2..STEP], 100), []);
    }
}
