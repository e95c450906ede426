//! One letter over and over, as some tokens begin, and far more of it than any has.
//!
//! A pattern that takes any number of letters reads all of them. What is looked for is a token
//! at their end; of a run that is filler throughout, its last letters tell as much.

/// No token has so many bytes of one letter, one behind the other.
const FILLER_LEN: usize = 1024;

/// Where a match is looked for that begins at `start` and has an anchor up to `anchor_end`:
/// there, but where all of that is one letter over and over and so is far more of the text
/// than any token has, near the end of that.
pub(super) fn behind_filler(text: &[u8], start: usize, anchor_end: usize) -> usize {
    let anchor = text.get(start..anchor_end).unwrap_or_default();
    let Some((first, others)) = anchor.split_first() else { return start };
    if others.iter().any(|other| other != first) {
        return start;
    }
    let (chunks, _) = text.get(anchor_end..).unwrap_or_default().as_chunks::<FILLER_LEN>();
    let is_filler =
        |chunk: &&[u8; FILLER_LEN]| chunk.iter().fold(true, |all, byte| all & (byte == first));
    let fillers = chunks.iter().take_while(is_filler).count();
    start + fillers.saturating_sub(1) * FILLER_LEN
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scrub::detector::confirm::Pattern;

    #[test]
    fn a_token_behind_far_more_of_its_first_letter_is_found() {
        let (pattern, _) =
            Pattern::new("A{5,8}[A-Za-z0-9]{6,}", &["AAAAA".to_owned()], false).expect("compiles");
        for len in [5, 100, 3 * FILLER_LEN, 50 * FILLER_LEN + 7] {
            let text = [&vec![b'A'; len], &b"b7c9d2 end"[..]].concat();
            let found = pattern.confirm(&text, 0, 5).expect("a token");
            assert!(found.secret.start <= len && found.secret.end == len + 6, "{found:?}");
        }
    }

    #[test]
    fn the_end_of_a_long_run_is_looked_at_and_short_ones_whole() {
        for (len, end) in [(4, 0), (4 + FILLER_LEN, 0), (10 * FILLER_LEN, 8 * FILLER_LEN)] {
            let text = [vec![b'A'; len], b"b7c9".to_vec()].concat();
            assert_eq!(behind_filler(&text, 0, 4), end, "{len}");
            assert_eq!(behind_filler(&text, 0, len + 1), 0, "no anchor of one letter");
        }
    }
}
