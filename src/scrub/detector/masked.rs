//! Tells what our masks have left in a text, so that it is not masked again.

/// How a mask begins and ends, in a text and in a URL.
const MASKS: [(&[u8], &[u8]); 2] = [(b"[redacted:", b"]"), (b"%5Bredacted:", b"%5D")];

/// Whether a value is one of our masks.
pub(super) fn is_mask(value: &[u8]) -> bool {
    MASKS.iter().any(|(open, _)| value.starts_with(open) && is_in_mask(value, open.len()))
}

/// How long the id of a rule in a mask may be.
const MASK_MAX: usize = 96;

/// Whether the text at `at` stands inside of one of our masks: between its brackets is
/// nothing but the id of a rule, so that the word alone hides no secret behind it.
pub(super) fn is_in_mask(text: &[u8], at: usize) -> bool {
    let before = text.get(at.saturating_sub(MASK_MAX)..at).unwrap_or_default();
    let of_id =
        |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-:".contains(byte);
    MASKS.iter().any(|(open, close)| {
        let Some(start) = memchr::memmem::rfind(before, open).map(|at| at + open.len()) else {
            return false;
        };
        let front = before.get(start..).unwrap_or_default();
        let rest = text.get(at..text.len().min(at + MASK_MAX)).unwrap_or_default();
        let back = rest.iter().take_while(|byte| of_id(byte)).count();
        front.iter().all(of_id) && rest.get(back..).is_some_and(|rest| rest.starts_with(close))
    })
}
