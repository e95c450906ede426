//! Long texts that stand in a request twice, or begin as one before them does.
//!
//! The spans of an agent hold the conversation so far, each of them, some in two attributes.
//! Where the same bytes were scanned for one text, the hits are the same in the other. And
//! what was found clean by its bytes alone is clean where it stands again.

use std::collections::HashMap;
use std::collections::HashSet;
use std::collections::hash_map::Entry;
use std::ops::Range;

use crate::scrub::detector::bytes::are_same;
use crate::scrub::detector::bytes::is_base64;
use crate::scrub::detector::bytes::same_len;
use crate::scrub::detector::prefilter::CHECK_REACH;
use crate::scrub::detector::prefilter::Hit;
use crate::scrub::detector::prefilter::shift;

/// How many bytes at its beginning tell which texts may begin alike.
const HEAD: usize = 64;

/// How much must be left out of the scan so that it pays.
const LEFT_OUT_MIN: usize = 1024;

/// How far before the place up to which hits are taken over a byte is looked for that parts
/// runs of base64 from each other.
const PARTED_WITHIN: usize = 256;

/// The texts of a request that are alike.
#[derive(Default)]
pub(super) struct Twins {
    /// The last text that begins so, by its head.
    heads: HashMap<[u8; HEAD], Range<usize>>,
    twins: Vec<Twin>,
    /// Where texts begin in which nothing was found.
    clean: HashSet<usize>,
}

/// A text, and one before it.
struct Twin {
    /// Where its hits are those of the other.
    range: Range<usize>,
    /// Where the other begins.
    first: usize,
    /// Whether they are the same.
    is_whole: bool,
}

impl Twins {
    /// What need not be scanned of a long text, since it stands in one before it. `reach` is how
    /// far from where a needle begins it is seen whether it is there.
    pub(super) fn see(
        &mut self,
        request: &[u8],
        range: &Range<usize>,
        reach: usize,
    ) -> Option<Range<usize>> {
        let text = request.get(range.clone())?;
        let head = text.first_chunk::<HEAD>()?;
        let place = match self.heads.entry(*head) {
            Entry::Vacant(place) => {
                place.insert(range.clone());
                return None;
            }
            Entry::Occupied(place) => place.into_mut(),
        };
        let (first, other) = (place.start, request.get(place.clone())?);
        if are_same(text, other) {
            self.twins.push(Twin { range: range.clone(), first, is_whole: true });
            return Some(range.clone());
        }
        *place = range.clone();
        let until = parted_before(text, same_len(text, other).checked_sub(reach)?)?;
        let left_out = until.checked_sub(CHECK_REACH).filter(|len| LEFT_OUT_MIN <= *len)?;
        let start = range.start;
        self.twins.push(Twin { range: start..start + until, first, is_whole: false });
        Some(start..start + left_out)
    }

    /// Gives each text that was left out the hits of the one before it.
    pub(super) fn copy(&self, hits: &mut Vec<Hit>) {
        if self.twins.is_empty() {
            return;
        }
        let scanned = std::mem::take(hits);
        let mut next = 0;
        for Twin { range, first, .. } in &self.twins {
            let before = scanned.get(next..).unwrap_or_default();
            let before = before.partition_point(|hit| (hit.at as usize) < range.start);
            hits.extend_from_slice(scanned.get(next..next + before).unwrap_or_default());
            let within = scanned.get(next + before..).unwrap_or_default();
            next += before + within.partition_point(|hit| (hit.at as usize) < range.end);
            let place = |at: usize| hits.partition_point(|hit| (hit.at as usize) < at);
            let (from, until, len) = (place(*first), place(first + range.len()), hits.len());
            hits.extend_from_within(from..until);
            shift(hits, len, range.start - first);
        }
        hits.extend_from_slice(scanned.get(next..).unwrap_or_default());
    }

    /// Takes note that nothing was found in the text at `at`, whatever stands around it.
    pub(super) fn nothing_found(&mut self, at: usize) {
        if !self.twins.is_empty() {
            self.clean.insert(at);
        }
    }

    /// Whether the text at `at` is the same as one in which nothing was found.
    pub(super) fn is_clean(&self, at: usize) -> bool {
        let number = self.twins.binary_search_by_key(&at, |twin| twin.range.start);
        let twin = number.ok().and_then(|number| self.twins.get(number));
        twin.is_some_and(|twin| twin.is_whole && self.clean.contains(&twin.first))
    }
}

/// The last place before `end` at which no run of base64 goes on, nor a character outside ASCII.
fn parted_before(text: &[u8], end: usize) -> Option<usize> {
    let near = text.get(end.saturating_sub(PARTED_WITHIN)..end)?;
    let parts = |byte: &u8| byte.is_ascii() && !is_base64(*byte);
    near.iter().rposition(parts).map(|at| end - near.len() + at)
}
