//! Tells what our masks have left in a text, so that it is not masked again.

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

/// How long what stands in a mask may be: the id of a rule, and what `mask: structure` keeps.
const MASK_MAX: usize = 192;

/// Whether the text at `at` stands inside of one of our masks: between its brackets is
/// nothing but the id of a rule and what is kept, in few characters, so that the word alone
/// hides no secret behind it.
pub(super) fn is_in_mask(text: &[u8], at: usize) -> bool {
    let before = text.get(at.saturating_sub(MASK_MAX)..at).unwrap_or_default();
    let of_id =
        |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-:.".contains(byte);
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
