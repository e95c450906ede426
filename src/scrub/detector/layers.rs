//! What is around an anchor, as what it says once its layers of escapes are undone.
//!
//! A pattern with quotes, blanks or line ends in it does not match where these are escaped:
//! in JSON in JSON, in a URL. No needle tells of such a text, since half of all telemetry
//! has escaped quotes; but the anchor stands in it as it is. So what is around the anchor is
//! undone, one layer after the other, and the pattern tried again. Only texts with an anchor
//! pay for it, and only for what is near.

use std::ops::Range;

use crate::scrub::detector::confirm::Marks;
use crate::scrub::detector::confirm::Pattern;
use crate::scrub::detector::decode::Decoded;
use crate::scrub::detector::find::Search;
use crate::scrub::detector::find::is_filler;
use crate::scrub::detector::hidden::DEPTH_MAX;
use crate::scrub::detector::masked::is_in_mask;
use crate::scrub::detector::overlap::Certainty;
use crate::scrub::detector::overlap::How;
use crate::scrub::detector::overlap::Match;

/// How much of a text is undone before and behind the anchor of a pattern, in bytes.
const BEFORE: usize = 256;
const BEHIND: usize = 384;

/// How far behind the anchor the first escape stands, if it is what keeps the pattern from
/// matching.
const NEAR: usize = 16;

/// A part of a text, some layers of escapes undone.
pub(super) struct Layers {
    start: usize,
    /// What it says now, and where in it the anchor begins.
    pub(super) text: Vec<u8>,
    pub(super) at: usize,
    /// Where it ends.
    anchor_end: usize,
    undone: Vec<Decoded>,
}

impl Layers {
    /// The part of `text` within `range`, in which an anchor stands.
    pub(super) fn new(text: &[u8], range: Range<usize>, anchor: Range<usize>) -> Self {
        let at = anchor.start;
        // No escape is cut in the middle.
        let before = text.get(range.start..at).unwrap_or_default();
        let cut = before.iter().take_while(|byte| **byte == b'\\').count();
        let start = if range.start == 0 { 0 } else { (range.start + cut + 1).min(at) };
        let part = text.get(start..range.end.min(text.len())).unwrap_or_default().to_vec();
        let anchor_end = anchor.end.saturating_sub(start);
        Self { start, text: part, at: at - start, anchor_end, undone: Vec::new() }
    }

    /// Undoes one layer more. Whether there was one.
    pub(super) fn undo(&mut self) -> bool {
        let Some(decoded) = Decoded::layer(&self.text) else { return false };
        self.at = decoded.position(self.at);
        self.anchor_end = decoded.position(self.anchor_end);
        self.text.clone_from(&decoded.text);
        self.undone.push(decoded);
        true
    }

    /// Where a range of what it says now stands in the text.
    pub(super) fn original(&self, range: &Range<usize>) -> Range<usize> {
        let outer = self.undone.iter().rev().fold(range.clone(), |range, decoded| {
            decoded.original(range.start)..decoded.original_end(range.end)
        });
        self.start + outer.start..self.start + outer.end
    }
}

impl Search<'_, '_> {
    /// Tries a pattern again that did not match at its anchor as it stands. Whether it
    /// does.
    pub(super) fn in_layers(
        &mut self,
        text: &[u8],
        anchor: Range<usize>,
        pattern: &Pattern,
        rule: u32,
        found: &mut Vec<Match>,
    ) -> bool {
        let Some(compiled) = self.detector.rules.get(rule as usize) else { return false };
        let before = pattern.lead_max().min(BEFORE);
        let near = anchor.start.saturating_sub(before)..text.len().min(anchor.end + NEAR);
        let near = text.get(near).unwrap_or_default();
        // With the quote that opens the string, more often than not.
        let range = anchor.start.saturating_sub(BEFORE)..anchor.end.saturating_add(BEHIND);
        let is_escaped = match pattern.marks() {
            Marks::None => false,
            Marks::Blanks => memchr::memchr(b'%', near).is_some(),
            Marks::Quotes => has_escape(near),
        };
        if !is_escaped {
            return false;
        }
        let mut layers = Layers::new(text, range, anchor.clone());
        for _ in 0..DEPTH_MAX {
            self.step(layers.text.len());
            if !layers.undo() {
                return false;
            }
            let len = layers.anchor_end.saturating_sub(layers.at);
            let candidate = pattern.confirm(&layers.text, layers.at, len);
            let Some(candidate) = candidate.filter(|candidate| !candidate.glued) else { continue };
            let secret = layers.text.get(candidate.secret.clone()).unwrap_or_default();
            let range = layers.original(&candidate.secret);
            if !compiled.accepts(secret)
                || is_filler(secret, anchor.len())
                || is_in_mask(text, range.start)
                || !self.admits(rule, text, &range)
            {
                return false;
            }
            let certainty = match range.start <= anchor.start {
                true => Certainty::Pattern,
                false => Certainty::Around,
            };
            found.push(Match { range, rule, certainty, how: How::Plain });
            return true;
        }
        false
    }
}

/// Whether one of the layers that can be undone may be in a text.
pub(super) fn has_escape(text: &[u8]) -> bool {
    memchr::memchr3(b'\\', b'%', b'&', text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_mapped_back_through_every_layer() {
        let text = br#"before {\"note\":\"LOGIN \\\"bob\\\" \\\"pw\\\"\"}"#;
        let at = memchr::memmem::find(text, b"LOGIN").expect("an anchor");
        let mut layers = Layers::new(text, 0..text.len(), at..at + 5);
        for said in [&br#"LOGIN \"bob\" \"pw\""#[..], br#"LOGIN "bob" "pw""#] {
            assert!(layers.undo());
            assert!(layers.text[layers.at..].starts_with(said));
        }
        let pw = memchr::memmem::find(&layers.text, b"pw").expect("it is there");
        let range = layers.original(&(pw..pw + 2));
        assert_eq!(&text[range], b"pw");
        assert!(!layers.undo());
    }

    #[test]
    fn no_escape_is_cut_where_a_part_begins() {
        let text = br"x\\\\nkind";
        for start in 0..5 {
            let mut layers = Layers::new(text, start..text.len(), 6..10);
            while layers.undo() {}
            assert!(layers.text[layers.at..].starts_with(b"kind"), "from {start}");
        }
    }
}
