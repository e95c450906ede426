//! Where a token may begin, by what stands before it.

use crate::scrub::detector::bytes::is_base64;
use crate::scrub::detector::bytes::is_word;
use crate::scrub::rule::validator;

/// Whether a token may begin at `start`: what is before it is no token character, or
/// is the end of an escape.
///
/// A hyphen or an underscore before it is a border, too, unless the anchor is so
/// short that words hold it (`risk-…`, `task_hf_…`).
pub(in crate::scrub) fn is_border_before(text: &[u8], start: usize, anchor_len: usize) -> bool {
    if !text.get(start).is_some_and(|&byte| is_word(byte)) {
        return true;
    }
    let Some(before) = text.get(..start) else { return false };
    match before.last() {
        None => true,
        // Markdown's emphasis.
        Some(b'_') if !before.iter().rev().nth(1).is_some_and(|byte| is_word(*byte)) => true,
        Some(b'-' | b'_') => 4 <= anchor_len,
        Some(b'+' | b'/') if anchor_len <= 4 => !ends_blob(before),
        Some(&byte) if !byte.is_ascii_alphanumeric() => true,
        Some(_) => ends_escape(before),
    }
}

/// Whether `before` ends within base64, in which a short anchor is chance.
fn ends_blob(before: &[u8]) -> bool {
    let blob = before.iter().rev().take(BLOB_LEN).take_while(|&&byte| is_base64(byte)).count();
    let blob = before.get(before.len() - blob..).unwrap_or_default();
    let has = |is: fn(&u8) -> bool| blob.iter().any(is);
    blob.len() == BLOB_LEN
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_uppercase)
        && validator::looks_random(blob)
}

/// How much of base64 tells it from a path.
const BLOB_LEN: usize = 32;

/// Whether `before` ends in an escape of which its last characters are part: `\n`,
/// `\u000a`, `\x0a`, `\012`, `%0A`, `ESC[31m`.
fn ends_escape(before: &[u8]) -> bool {
    let all_hex = |digits: &[u8]| digits.iter().all(u8::is_ascii_hexdigit);
    match before {
        [.., b'\\', b'n' | b'r' | b't' | b'b' | b'f' | b'v' | b'a' | b'e' | b'0'] => true,
        [.., b'\\', b'u', a, b, c, d] if all_hex(&[*a, *b, *c, *d]) => true,
        [.., b'\\', b'x', a, b] if all_hex(&[*a, *b]) => true,
        [.., b'%', a, b] if all_hex(&[*a, *b]) => true,
        [.., b'\\', b'0' | b'1', b'0'..=b'7', b'0'..=b'7'] => true,
        // A line end or a tab, as collectors of syslog write it.
        [.., b'#', b'0', b'1', b'1' | b'2' | b'5'] => true,
        [.., b'm'] => {
            let code = before.len() - 1;
            let digits = before.iter().take(code).rev();
            let len = digits.take_while(|b| b.is_ascii_digit() || **b == b';').count();
            before.get(..code - len).and_then(<[u8]>::last) == Some(&b'[')
        }
        _ => false,
    }
}
