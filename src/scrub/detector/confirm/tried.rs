//! Where in a text the pattern of a rule was tried, so that it is not tried there again for
//! the next anchor.
//!
//! What a pattern matches may begin long before its anchor, and the next anchor may stand
//! right behind this one. What comes of a try depends on where it begins, and on the anchor
//! only in that a match must cover it. So each place is tried once; those where something
//! matched are tried again while it reaches to the anchor at hand.

use std::ops::Range;

use regex_automata::Anchored;
use regex_automata::Input;

use crate::scrub::detector::confirm::Pattern;

/// The places in one text where one pattern was tried.
#[derive(Debug, Default)]
pub(in crate::scrub) struct Tried {
    starts: Range<usize>,
    /// The class of the anchors, see `border_class`.
    class: usize,
    /// Where something matched, and where it ends.
    matched: Vec<Range<usize>>,
}

impl Tried {
    /// The places that are left of `starts`, for an anchor of `anchor_len` bytes that ends at
    /// `end`: those where a match reaches so far, and those where none was tried.
    pub(super) fn left(
        &mut self,
        starts: Range<usize>,
        end: usize,
        anchor_len: usize,
    ) -> (Vec<usize>, Range<usize>) {
        let class = border_class(anchor_len);
        let is_apart = starts.start < self.starts.start || self.starts.end < starts.start;
        if is_apart || class != self.class {
            self.matched.clear();
            (self.starts, self.class) = (starts.start..starts.start, class);
        }
        self.matched.retain(|found| starts.start <= found.start);
        let again =
            self.matched.iter().filter(|found| end <= found.end && found.start < starts.end);
        let again = again.map(|found| found.start).collect();
        (again, self.starts.end.max(starts.start)..starts.end)
    }

    /// Takes note of a try, and of where what matched there ends.
    pub(super) fn add(&mut self, start: usize, end: Option<usize>) {
        if start < self.starts.end {
            return;
        }
        self.starts.end = start + 1;
        self.matched.extend(end.map(|end| start..end));
    }
}

impl Pattern {
    /// Whether anything matches from where a match may cover an anchor, in `text` or in less
    /// of it. `false` is sure.
    pub(in crate::scrub) fn may_match(&self, text: &[u8], anchor: Range<usize>) -> bool {
        let Some(regex) = self.regex().filter(|_| !self.looks_around) else { return true };
        let first = anchor.start.saturating_sub(self.lead_max());
        (first..=anchor.start).any(|start| {
            let may_begin = text.get(start).is_some_and(|byte| self.firsts.has(*byte));
            let input = Input::new(text).range(start..).anchored(Anchored::Yes);
            may_begin && regex.is_match(input.earliest(true))
        })
    }
}

/// Anchors of one class have the same borders before them.
fn border_class(anchor_len: usize) -> usize {
    anchor_len.clamp(3, 5)
}

#[cfg(test)]
mod tests {
    use super::Tried;

    #[test]
    fn a_place_is_tried_again_only_where_a_match_may_cover_the_anchor() {
        let mut tried = Tried::default();
        assert_eq!(tried.left(2..11, 14, 4), (vec![], 2..11));
        for start in 2..11 {
            tried.add(start, (start == 5).then_some(30));
        }
        assert_eq!(tried.left(4..13, 16, 4), (vec![5], 11..13));
        assert_eq!(tried.left(4..13, 31, 4), (vec![], 11..13));
        // Another border, further on, back.
        assert_eq!(tried.left(4..13, 16, 3), (vec![], 4..13));
        assert_eq!(tried.left(40..50, 51, 3), (vec![], 40..50));
        assert_eq!(tried.left(30..40, 41, 3), (vec![], 30..40));
    }
}
