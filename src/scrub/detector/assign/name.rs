//! The name of a key around a telling word.

use std::ops::Range;

use crate::scrub::detector::assign::cursor::is_element;
use crate::scrub::detector::bytes::is_key_byte;

/// Longer names are cut at the front.
const NAME_MAX: usize = 128;

/// The name around a telling word at `word`, without hyphens in front and without
/// an escape that only seems to be part of it.
pub(in crate::scrub) fn name_around(text: &[u8], word: Range<usize>) -> Range<usize> {
    let at = |i: usize| text.get(i).copied();
    let mut start = word.start;
    while word.start - start < NAME_MAX
        && start.checked_sub(1).and_then(at).is_some_and(is_key_byte)
    {
        start -= 1;
    }
    start = behind_escape(text, start, word.start);
    start += other_end(text.get(start..word.start).unwrap_or_default());
    while start < word.start && matches!(at(start), Some(b'-' | b'.')) {
        start += 1;
    }
    let mut end = word.end;
    while end - word.end < NAME_MAX && at(end).is_some_and(is_key_byte) {
        end += 1;
    }
    end = word.end + other_start(text.get(word.end..end).unwrap_or_default());
    while word.end < end && matches!(at(end - 1), Some(b'-' | b'.')) {
        end -= 1;
    }
    start..end
}

/// Behind the last character that is of no name, in what stands before a telling word: 0
/// where there is none. What is no UTF-8 is of none.
fn other_end(before: &[u8]) -> usize {
    if before.is_ascii() {
        return 0;
    }
    let (mut end, mut at) = (0, 0);
    for chunk in before.utf8_chunks() {
        let mut others =
            chunk.valid().char_indices().filter(|(_, character)| !is_of_name(*character));
        end = others.next_back().map_or(end, |(i, character)| at + i + character.len_utf8());
        at += chunk.valid().len() + chunk.invalid().len();
        if !chunk.invalid().is_empty() {
            end = at;
        }
    }
    end
}

/// Where the first such character begins in what stands behind a telling word.
fn other_start(behind: &[u8]) -> usize {
    if behind.is_ascii() {
        return behind.len();
    }
    let Some(chunk) = behind.utf8_chunks().next() else { return 0 };
    let other = chunk.valid().char_indices().find(|(_, character)| !is_of_name(*character));
    other.map_or(chunk.valid().len(), |(i, _)| i)
}

/// Whether a character can be of one name with the words that rules know: the letters of
/// Latin scripts. A sign, a picture or a word of another script stands beside the name.
fn is_of_name(character: char) -> bool {
    /// Where the Latin letters end that languages of today write (Unicode, IPA Extensions).
    const LATIN_END: char = '\u{250}';
    character.is_ascii() || (character < LATIN_END && character.is_alphabetic())
}

/// Words that no name has.
const VERBS: [&[u8]; 7] = [b"is", b"was", b"are", b"now", b"to", b"ist", b"est"];

/// A name of several words in running text, `Secret access key:`, of which `name` is the
/// first.
pub(in crate::scrub) fn longer_name(text: &[u8], name: &Range<usize>) -> Option<Range<usize>> {
    // The attribute of a tag: `<password xsi:type="x">`.
    // Or a value itself, behind which the next pair stands: `secret=db-secret zone=eu1`.
    if is_element(text, name) || text.get(..name.start).is_some_and(|b| b.ends_with(b"=")) {
        return None;
    }
    let mut end = name.end;
    for _ in 0..2 {
        let rest = text.get(end..)?.strip_prefix(b" ")?;
        let len = rest.iter().take(13).take_while(|byte| byte.is_ascii_alphabetic()).count();
        end += 1 + len;
        let (word, behind) = rest.split_at_checked(len)?;
        // `the password is: x`
        if VERBS.iter().any(|verb| word.eq_ignore_ascii_case(verb)) {
            return None;
        }
        let behind = behind.strip_prefix(b"**").unwrap_or(behind);
        match behind.trim_ascii_start().first() {
            _ if !(2..=12).contains(&len) => return None,
            _ if behind.starts_with(b" is ") || behind.starts_with(b" was ") => {
                return Some(name.start..end);
            }
            Some(b':' | b'=' | b'|') => return Some(name.start..end),
            _ => {}
        }
    }
    None
}

/// How long the word before a name may be.
const WORD_BEFORE_MAX: usize = 16;

/// A name with the word before it, of which a blank parts it, where a sign follows it.
pub(in crate::scrub) fn word_before(text: &[u8], name: &Range<usize>) -> Option<Range<usize>> {
    let behind = text.get(name.end..)?;
    if !matches!(behind.trim_ascii_start().first(), Some(b':' | b'=')) {
        return None;
    }
    let before = text.get(name.start.saturating_sub(WORD_BEFORE_MAX)..name.start)?;
    let before = before.strip_suffix(b" ")?;
    let of_word = |byte: &&u8| byte.is_ascii_alphabetic() || !byte.is_ascii();
    let len = before.iter().rev().take_while(of_word).count();
    (1 < len && len < before.len().max(2) + 1).then(|| name.start - 1 - len..name.end)
}

/// Where a name begins that was read back to `start`, if what is before `start`
/// makes its first characters part of an escape: `\npassword`, `%26password`,
/// `\u0026password`, `ESC[31mpassword`. Never beyond `limit`.
fn behind_escape(text: &[u8], start: usize, limit: usize) -> usize {
    let name = text.get(start..limit).unwrap_or_default();
    let hex = |from: usize, len: usize| {
        name.get(from..from + len).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    let skip = match start.checked_sub(1).and_then(|i| text.get(i)) {
        Some(b'\\') => match name.first() {
            Some(b'u') if hex(1, 4) => 5,
            Some(b'x') if hex(1, 2) => 3,
            Some(b'n' | b't' | b'r' | b'b' | b'f' | b'v' | b'a' | b'e') => 1,
            _ => 0,
        },
        Some(b'%') if hex(0, 2) => 2,
        Some(b'[' | b';') => {
            let digits = name.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if name.get(digits) == Some(&b'm') { digits + 1 } else { 0 }
        }
        _ => 0,
    };
    (start + skip).min(limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_is_no_part_of_a_name() {
        for (text, name) in [
            ("x\\npassword=1", "password"),
            ("x%26password=1", "password"),
            ("x\\u0026password=1", "password"),
            ("\u{1b}[31mpassword=1", "password"),
            ("--db-password 1", "db-password"),
            ("\u{2022}password: 1", "password"),
            ("\u{1f511}password=1", "password"),
            ("\u{201c}password\u{201d}: 1", "password"),
            ("password\u{a0}= 1", "password"),
            ("数据库password=1", "password"),
            ("clé_password=1", "clé_password"),
        ] {
            let at = text.find("password").expect("the word stands in the text");
            assert_eq!(&text[name_around(text.as_bytes(), at..at + 8)], name, "{text}");
        }
    }

    #[test]
    fn what_is_no_utf8_is_no_part_of_a_name() {
        for text in [&b"\xffpassword=1"[..], b"\xe2\x82password=1", b"a\xffpassword\xff=1"] {
            let at = memchr::memmem::find(text, b"password").expect("the word stands in the text");
            assert_eq!(&text[name_around(text, at..at + 8)], b"password");
        }
    }
}
