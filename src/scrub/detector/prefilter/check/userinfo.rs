//! Whether user and password may stand in a URL.

use crate::scrub::detector::prefilter::CHECK_REACH;

/// Whether userinfo may follow: an `@` before the URL ends, or so much without an end that it
/// may be a token. The `@` may stand behind a slash, since people do not encode the ones in
/// their passwords.
pub(super) fn has_userinfo(rest: &[u8]) -> bool {
    let ends = |byte: &u8| matches!(byte, 0..=b' ' | b'"' | b'<' | b'>' | b'\\' | b'`');
    let before = match memchr::memchr(b'@', rest) {
        Some(at) => rest.get(..at).unwrap_or_default(),
        None if rest.len() == CHECK_REACH => return !rest.iter().any(ends),
        None => return false,
    };
    match before.iter().position(ends) {
        None => true,
        Some(end) => is_wrapped(before, end),
    }
}

/// Whether all that ends a URL here is the end of a line, at which it may be wrapped: the user
/// and the colon stand before it.
#[cold]
fn is_wrapped(before: &[u8], end: usize) -> bool {
    let (first, rest) = before.split_at(end);
    let rest = rest.strip_prefix(b"\r").unwrap_or(rest);
    let Some(rest) = rest.strip_prefix(b"\n") else { return false };
    let rest = rest.trim_ascii_start();
    16 <= first.len() && !first.contains(&b'/') && rest.iter().all(u8::is_ascii_graphic)
}
