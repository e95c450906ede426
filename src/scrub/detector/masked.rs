//! Tells what our masks have left in a text, so that it is not masked again.

use std::ops::Range;

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

/// Whether a value is one of our masks and nothing else, or the beginning of one, as the end of
/// a line of base64 leaves it.
pub(super) fn is_mask_alone(value: &[u8]) -> bool {
    is_begin(value)
        || (memchr::memchr(b']', value).is_some_and(|end| end + 1 == value.len()) && is_mask(value))
}

/// Whether what is taken for the first value of a list begins one of our masks, with the
/// bracket before it.
pub(super) fn is_mask_cut(text: &[u8], value: &Range<usize>) -> bool {
    let start = value.start.saturating_sub(1);
    value.end == text.len() && text.get(start..).is_some_and(is_begin)
}

/// Whether a value begins one of our masks and ends in it.
fn is_begin(value: &[u8]) -> bool {
    const MIN: usize = b"[r".len();
    let Some(rest) = value.strip_prefix(b"[").filter(|_| MIN <= value.len()) else { return false };
    match rest.strip_prefix(WORD) {
        Some(id) => id.len() <= MASK_MAX && id.iter().all(of_id),
        None => WORD.starts_with(rest),
    }
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
            ("[redacted:password-field]", true),
            ("[redacted:pass", true),
            ("[re", true),
            ("[", false),
            ("[red1", false),
            ("[redacted:Pass", false),
        ] {
            assert_eq!(is_mask_alone(value.as_bytes()), expected, "{value}");
        }
    }
}
