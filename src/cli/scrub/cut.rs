//! Where a line that is too long to be looked at together may be cut.
//!
//! A place is good where cutting changes nothing: the text around it gives the same
//! scrubbed in one as in two. So no credential is cut in two, and none from the key
//! that tells of it.
//!
//! What stands further away than [`AROUND_BYTES`] is not considered.

use crate::scrub::Scrubber;

/// How much of the text before and after a place is considered, in bytes. No
/// credential is longer, save a private key.
const AROUND_BYTES: usize = 64 * 1024;

/// How many places are tried, each further from the one before: the last is 56 KiB
/// before the first.
const PLACES_MAX: usize = 16;
const PLACES_APART_BYTES: usize = 256;

/// Where to cut `piece`, near its end; `None` where no good place is found.
pub(in crate::cli) fn place(piece: &[u8], scrubber: &Scrubber) -> Option<usize> {
    let last = piece.len().checked_sub(AROUND_BYTES)?;
    (0..PLACES_MAX)
        .filter_map(|n| last.checked_sub(n * n * PLACES_APART_BYTES))
        .filter_map(|from| tidy(piece, from))
        .find(|at| is_good(piece, *at, scrubber))
}

/// The place behind the last blank before `from`; else one between two characters.
fn tidy(piece: &[u8], from: usize) -> Option<usize> {
    let near = piece.get(from.saturating_sub(PLACES_APART_BYTES)..from)?;
    let start = from - near.len();
    if let Some(blank) = near.iter().rposition(|byte| b" \t,;".contains(byte)) {
        return Some(start + blank + 1);
    }
    let starts = |at: &usize| piece.get(*at).is_some_and(|byte| byte & 0b1100_0000 != 0b1000_0000);
    let between = (start + 1..=from).rev().take(4).find(starts);
    // Without one this is no UTF-8, and one place is as good as another.
    Some(between.unwrap_or(from)).filter(|at| 0 < *at)
}

fn is_good(piece: &[u8], at: usize, scrubber: &Scrubber) -> bool {
    let start = at.saturating_sub(AROUND_BYTES);
    let end = piece.len().min(at.saturating_add(AROUND_BYTES));
    let scrubbed =
        |start, end| scrubber.scrub_bytes(piece.get(start..end).unwrap_or_default(), None).0;
    let whole = scrubbed(start, end);
    let mut parts = scrubbed(start, at);
    parts.extend(scrubbed(at, end));
    whole == parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scrub::Settings;

    #[test]
    fn a_cut_is_behind_a_blank_or_between_characters() {
        assert_eq!(tidy(b"one two", 6), Some(4));
        assert_eq!(tidy("äää".as_bytes(), 3), Some(2));
        assert_eq!(tidy(b"aaa", 2), Some(2));
        assert_eq!(tidy(b"aaa", 0), None);
    }

    #[test]
    fn no_credential_is_cut_in_two_or_from_its_key() {
        let scrubber = Scrubber::new(&Settings::default()).unwrap();
        for secret in [
            "=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",
            " password = hunter2hunter2XyZ9 ",
            " \"password\": \"hunter2hunter2XyZ9\" ",
        ] {
            for before in (0..secret.len()).step_by(9) {
                let mut text = vec![b'-'; 2 * AROUND_BYTES];
                text.extend_from_slice(secret.as_bytes());
                text.resize(text.len() - before + AROUND_BYTES, b'-');
                let (whole, rules) = scrubber.scrub_bytes(&text, None);
                assert_eq!(rules.len(), 1, "{secret}");
                let at = place(&text, &scrubber).expect("there are good places");
                let (mut parts, _) = scrubber.scrub_bytes(&text[..at], None);
                parts.extend(scrubber.scrub_bytes(&text[at..], None).0);
                assert!(whole == parts, "{secret} cut at {before}");
            }
        }
    }
}
