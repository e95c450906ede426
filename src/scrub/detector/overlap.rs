//! Where matches overlap, one mask covers them all.

use std::ops::Range;

/// A candidate that passed, in one text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::scrub) struct Match {
    /// What is masked.
    pub(in crate::scrub) range: Range<usize>,
    /// The rule that names the mask.
    pub(in crate::scrub) rule: u32,
    /// How much the rule knows of what it found.
    pub(in crate::scrub) certainty: Certainty,
    /// How the mask is written.
    pub(in crate::scrub) how: How,
}

impl Match {
    /// A match of all of a text of `len` bytes.
    pub(in crate::scrub) fn whole(len: usize, rule: u32) -> Self {
        Self { range: 0..len, rule, certainty: Certainty::Key, how: How::Plain }
    }
}

/// How much a rule knows of what it found; the most certain names the mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::scrub) enum Certainty {
    /// Only the key told.
    Key,
    /// A pattern matched by what is around the secret (`Bearer …`).
    Around,
    /// A pattern matched the secret itself.
    Pattern,
    /// The key told and a pattern of the same rule matched.
    KeyAndPattern,
}

impl Certainty {
    /// What told, in words.
    pub(in crate::scrub) fn name(self) -> &'static str {
        match self {
            Self::Key => "the key",
            Self::Around => "what stands around it",
            Self::Pattern => "the pattern",
            Self::KeyAndPattern => "the key and the pattern",
        }
    }
}

/// How a mask is written into its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::scrub) enum How {
    /// As it is.
    Plain,
    /// As part of a URL or a form.
    Url,
    /// Between quotes that are written so: it takes the place of a bare JSON value.
    Quoted(Vec<u8>),
    /// Not a mask but the whole run, encoded again with masks inside; the number of
    /// secrets in it.
    Encoded(Vec<u8>),
}

/// Merges overlapping matches; what comes out is in order and does not overlap.
pub(in crate::scrub) fn merge(mut matches: Vec<Match>) -> Vec<Match> {
    if matches.len() < 2 {
        return matches;
    }
    matches.sort_by(|a, b| (a.range.start, b.range.end).cmp(&(b.range.start, a.range.end)));
    let mut merged: Vec<Match> = Vec::with_capacity(matches.len());
    for next in matches {
        match merged.last_mut() {
            Some(last) if next.range.start < last.range.end => {
                let both = last.range.start..last.range.end.max(next.range.end);
                // What a part of an encoding says is found in all of it.
                let is_part = matches!((&last.how, &next.how), (How::Encoded(_), How::Encoded(_)))
                    && last.range == both;
                let winner = if !is_part && rank(&last, &both) < rank(&&mut next.clone(), &both) {
                    next
                } else {
                    last.clone()
                };
                // What was encoded again covers only its own run.
                let how = match winner.how {
                    How::Encoded(_) if winner.range != both => How::Plain,
                    how => how,
                };
                *last = Match { range: both, how, ..winner };
            }
            _ => merged.push(next),
        }
    }
    merged
}

/// The match that ranks highest names the mask. One that covers less than half of
/// what is masked does not tell what it is, however certain it is.
fn rank(found: &&mut Match, both: &Range<usize>) -> (bool, Certainty, bool, usize) {
    let len = found.range.len();
    (both.len() <= 2 * len, found.certainty, !matches!(found.how, How::Encoded(_)), len)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(range: Range<usize>, rule: u32, certainty: Certainty) -> Match {
        Match { range, rule, certainty, how: How::Plain }
    }

    #[test]
    fn one_secret_gets_one_mask() {
        let merged = merge(vec![
            found(10..50, 1, Certainty::Key),
            found(12..50, 2, Certainty::Pattern),
            found(60..70, 3, Certainty::Key),
            found(65..80, 4, Certainty::Key),
        ]);
        let said: Vec<_> = merged.iter().map(|m| (m.range.clone(), m.rule)).collect();
        assert_eq!(said, [(10..50, 2), (60..80, 4)]);
    }

    #[test]
    fn all_of_an_encoding_knows_more_than_a_part_of_it() {
        let encoded = |range: Range<usize>, certainty| Match {
            how: How::Encoded(vec![b'x'; range.len()]),
            ..found(range, 1, certainty)
        };
        let whole = encoded(0..100, Certainty::Key);
        let merged = merge(vec![encoded(0..60, Certainty::KeyAndPattern), whole.clone()]);
        assert_eq!(merged, [whole]);
    }

    #[test]
    fn a_pattern_in_a_small_part_does_not_name_the_mask() {
        let merged =
            merge(vec![found(0..100, 1, Certainty::Key), found(3..20, 2, Certainty::Pattern)]);
        assert_eq!(merged, [found(0..100, 1, Certainty::Key)]);
    }
}
