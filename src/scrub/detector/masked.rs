//! Tells what our masks have left in a text, so that it is not masked again.

use std::ops::Range;

use crate::scrub::detector::Compiled;

/// What stands around a mask, in a text and in a URL.
const BRACKETS: [(&[u8], &[u8]); 2] = [(b"[", b"]"), (b"%5B", b"%5D")];

/// What stands between the bracket and the id of the rule: it is made of what an id is
/// made of.
const WORD: &[u8] = b"redacted:";

/// Whether a value is one of our masks.
pub(super) fn is_mask(value: &[u8]) -> bool {
    BRACKETS.iter().any(|(open, _)| {
        let rest = value.strip_prefix(*open);
        rest.is_some_and(|rest| rest.starts_with(WORD))
            && is_in_mask(value, open.len() + WORD.len())
    })
}

/// Whether a value is one of our masks and nothing else.
pub(super) fn is_mask_alone(value: &[u8]) -> bool {
    memchr::memchr(b']', value).is_some_and(|end| end + 1 == value.len()) && is_mask(value)
}

/// Whether a text ends in a value that is the beginning of one of our masks, as the end of a
/// line of base64 leaves it, perhaps without the bracket before it.
///
/// Of the rules, one must be named: what somebody else writes behind the beginning of a mask is
/// hidden by none.
pub(super) fn is_mask_cut(text: &[u8], value: &Range<usize>, rules: &[Compiled]) -> bool {
    let ids = rules.iter().map(|rule| &*rule.id);
    let begins =
        |start: usize| text.get(start..).is_some_and(|rest| begins_mask(rest, ids.clone()));
    value.end == text.len() && (begins(value.start) || begins(value.start.saturating_sub(1)))
}

/// Whether a value begins a mask of one of these rules, and ends in it.
fn begins_mask<'r>(value: &[u8], mut ids: impl Iterator<Item = &'r str>) -> bool {
    const MIN: usize = b"[r".len();
    let Some(rest) = value.strip_prefix(b"[").filter(|_| MIN <= value.len()) else { return false };
    let Some(inside) = rest.strip_prefix(WORD) else { return WORD.starts_with(rest) };
    // Behind the id, fingerprints and what is safe to know stand behind a colon.
    let names = |id: &str| match inside.strip_prefix(id.as_bytes()) {
        Some(rest) => matches!(rest, [] | [b':', ..]) && rest.iter().all(of_id),
        None => id.as_bytes().starts_with(inside),
    };
    ids.any(names)
}

/// How long what stands in a mask may be: the id of a rule, and what `mask: structure` keeps.
const MASK_MAX: usize = 192;

/// Whether the text at `at` stands inside of one of our masks: between its brackets is
/// nothing but the id of a rule and what is kept, in few characters, so that the word alone
/// hides no secret behind it.
pub(super) fn is_in_mask(text: &[u8], at: usize) -> bool {
    let before = text.get(at.saturating_sub(MASK_MAX)..at).unwrap_or_default();
    let front = before.iter().rev().take_while(|byte| of_id(byte)).count();
    let (before, front) = before.split_at(before.len() - front);
    if !front.starts_with(WORD) {
        return false;
    }
    let rest = text.get(at..text.len().min(at + MASK_MAX)).unwrap_or_default();
    let back = rest.iter().take_while(|byte| of_id(byte)).count();
    let rest = rest.get(back..).unwrap_or_default();
    BRACKETS.iter().any(|(open, close)| before.ends_with(open) && rest.starts_with(close))
}

/// Whether a byte may stand in a mask between its brackets.
fn of_id(byte: &u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-:.".contains(byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_is_known_where_it_is_cut() {
        for (value, expected) in [
            ("[redacted:password-field]", false),
            ("[redacted:password-field", true),
            ("[redacted:password-field:1f2e:3d4c", true),
            ("[redacted:pass", true),
            ("[re", true),
            ("[", false),
            ("[red1", false),
            ("[redacted:Pass", false),
            ("[redacted:password-fields", false),
            ("[redacted:hunter2", false),
            ("[redacted:4f9d1c2b3a4f9d1c", false),
        ] {
            assert_eq!(
                begins_mask(value.as_bytes(), ["password-field"].into_iter()),
                expected,
                "{value}"
            );
        }
        assert!(is_mask_alone(b"[redacted:password-field]"));
    }
}
