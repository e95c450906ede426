//! Values in a record of their own: before their key, `{"value": "x", "name": "key"}`, or
//! in the object under it, `{"key": {"value": "x"}}`.

use std::ops::Range;

use crate::scrub::detector::assign::cursor::Cursor;
use crate::scrub::detector::assign::cursor::closing_quote;

/// How far before its key a value may begin, in bytes.
const BEFORE_MAX: usize = 4096;

/// The string in the member named `value` right before the one that names the key at
/// `key`, which stands behind a quote with `depth` backslashes.
pub(super) fn value_before(text: &[u8], key: &Range<usize>, depth: usize) -> Option<Range<usize>> {
    const NAMES: [&[u8]; 5] = [b"name", b"key", b"Name", b"Key", b"header"];
    const VALUES: [&[u8]; 3] = [b"value", b"Value", b"content"];
    let quote = [vec![b'\\'; depth], vec![b'"']].concat();
    let from = key.start.saturating_sub(BEFORE_MAX);
    let before = text.get(from..key.start)?.strip_suffix(quote.as_slice())?;
    let before = before.trim_ascii_end().strip_suffix(b":")?.trim_ascii_end();
    let before = before.strip_suffix(quote.as_slice())?;
    let before = NAMES.iter().find_map(|name| before.strip_suffix(*name))?;
    let before = before.strip_suffix(quote.as_slice())?.trim_ascii_end();
    let end = from + before.strip_suffix(b",")?.trim_ascii_end().len();
    let behind_member = VALUES.iter().filter_map(|value| {
        let member = [quote.as_slice(), *value, &quote].concat();
        let at = memchr::memmem::rfind(text.get(from..end)?, &member)?;
        Some(from + at + member.len())
    });
    let mut cursor = Cursor { text, at: behind_member.max()? };
    cursor.blanks();
    if cursor.peek() != Some(b':') {
        return None;
    }
    cursor.at += 1;
    cursor.blanks();
    let (value_depth, sign) = cursor.quote().filter(|found| found.0 == depth)?;
    let start = cursor.at + value_depth + 1;
    let close = closing_quote(text, start, depth, sign);
    (close + depth + 1 == end && start < close).then_some(start..close)
}

/// How many members are read before the one that holds the value.
const MEMBERS_MAX: usize = 8;

/// The string in the member of the object at `at` that holds the value, as Terraform writes
/// its outputs and the defaults of its variables.
pub(in crate::scrub) fn member_value(text: &[u8], at: usize, depth: usize) -> Option<Range<usize>> {
    const NAMES: [&[u8]; 4] = [b"value", b"default", b"Value", b"plaintext"];
    let mut cursor = Cursor { text, at: at + 1 };
    for _ in 0..MEMBERS_MAX {
        cursor.blanks();
        let name = cursor.member_name(depth)?;
        cursor.blanks();
        match cursor.quote() {
            Some((value_depth, quote)) if value_depth == depth => {
                let start = cursor.at + depth + 1;
                let end = closing_quote(text, start, depth, quote);
                if NAMES.contains(&name) {
                    return (start < end).then_some(start..end);
                }
                cursor.at = end + depth + 1;
            }
            Some(_) => return None,
            None => {
                let rest = text.get(cursor.at..)?;
                let word = rest.iter().take(16).take_while(|byte| byte.is_ascii_alphanumeric());
                cursor.at += word.count();
            }
        }
        cursor.blanks();
        if cursor.peek() != Some(b',') {
            return None;
        }
        cursor.at += 1;
    }
    None
}
