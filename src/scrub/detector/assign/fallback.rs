//! Values that stand in for one that is read from elsewhere, where there is none.

use std::ops::Range;

use crate::scrub::detector::assign::cursor::Cursor;
use crate::scrub::detector::bytes::is_word;

/// How far an expression may reach before its fallback, in bytes.
const FALLBACK_REACH: usize = 96;

/// How far from the beginning of an expression its call stands.
const NAME_MAX: usize = 40;

/// The string that takes the place of a value that is read from elsewhere and is not there:
/// `os.getenv("X") or "y"`.
pub(in crate::scrub) fn fallback(text: &[u8], at: usize) -> Option<Range<usize>> {
    const OPERATORS: [&[u8]; 7] =
        [b" or ", b" || ", b" ?? ", b" ?: ", b".unwrap_or(", b".orElse(", b".getOrElse("];
    let rest = text.get(at..text.len().min(at + FALLBACK_REACH))?;
    let line = rest.split(|byte| *byte == b'\n').next()?;
    if let Some(default) = default_of_call(text, at, line) {
        return Some(default);
    }
    // Only calls and members are read from elsewhere.
    let of_path = |byte: &&u8| is_word(**byte) || matches!(**byte, b'.' | b':' | b'$');
    let path = line.iter().take_while(of_path).count();
    if !matches!(line.get(path), Some(b'(' | b'[' | b' ')) || path == 0 {
        return None;
    }
    let (found, operator) = OPERATORS.iter().find_map(|operator| {
        memchr::memmem::find(line, operator).map(|found| (found, operator.len()))
    })?;
    // Not inside of a call.
    let call = line.get(..found)?;
    let count = |byte: u8| memchr::memchr_iter(byte, call).count();
    if count(b'(') != count(b')') {
        return None;
    }
    let mut cursor = Cursor { text, at: at + found + operator };
    cursor.string_prefix();
    cursor.string().map(|(string, _)| string)
}

/// The second string of a call that reads a setting, which it gives where there is none:
/// `os.environ.get("X", "y")`, `#{ENV.fetch('X', 'y')}`; and that of a filter of a template,
/// `{{ x | default('y') }}`.
fn default_of_call(text: &[u8], at: usize, line: &[u8]) -> Option<Range<usize>> {
    const CALLS: [&[u8]; 8] = [
        b"environ.get(",
        b"getenv(",
        b"ENV.fetch(",
        b"env(",
        b"env.get(",
        b"GetEnv(",
        b"config(",
        b"default(",
    ];
    let near = line.get(..NAME_MAX).unwrap_or(line);
    let (call, end) = CALLS.iter().find_map(|call| {
        memchr::memmem::find(near, call).map(|found| (*call, found + call.len()))
    })?;
    let mut cursor = Cursor { text, at: at + end };
    if call != b"default(" {
        let (name, depth) = cursor.string()?;
        cursor.at = name.end + depth + 1;
        cursor.blanks();
        cursor.at += cursor.rest().starts_with(b",").then_some(1)?;
        cursor.blanks();
        cursor.at += if cursor.rest().starts_with(b"default=") { b"default=".len() } else { 0 };
    }
    let (default, _) = cursor.string()?;
    (!default.is_empty() && default.end < text.len()).then_some(default)
}

#[cfg(test)]
mod tests {
    use super::fallback;

    #[test]
    fn what_stands_in_for_a_setting_is_read() {
        for (text, value) in [
            ("os.getenv(\"PW\") or \"x1\"", Some("x1")),
            ("os.environ.get(\"PW\", \"x1\")", Some("x1")),
            ("#{ENV.fetch('PW', 'x1')}", Some("x1")),
            ("config(\"PW\", default=\"x1\")", Some("x1")),
            ("{{ pw | default('x1') }}", Some("x1")),
            ("os.environ.get(\"PW\")", None),
            ("ENV.fetch('PW') # 'x1'", None),
            ("set(\"PW\", \"x1\")", None),
        ] {
            let found = fallback(text.as_bytes(), 0).map(|range| &text[range]);
            assert_eq!(found, value, "{text}");
        }
    }
}
