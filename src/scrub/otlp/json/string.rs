//! JSON strings: what they say without their escapes, where each byte of that
//! stands in the request, and back.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr;

use crate::scrub::otlp::json::lexer::plain_len;

/// A string without its escapes.
#[derive(Debug, Default)]
pub(super) struct Decoded {
    /// What it says. Raw bytes that are not UTF-8 are still in it.
    pub(super) bytes: Vec<u8>,
    /// Whether a `\u` escape was half of a surrogate pair; U+FFFD stands for it.
    pub(super) lone_surrogate: bool,
    escapes: Vec<Escape>,
}

/// Where an escape stands in the raw string and in the decoded one.
#[derive(Debug)]
struct Escape {
    raw: Range<usize>,
    decoded: Range<usize>,
}

impl Decoded {
    /// Decodes what is between the quotes. The escapes are well-formed: the tape
    /// checked them.
    pub(super) fn new(raw: &[u8]) -> Self {
        let mut decoded = Self::default();
        let mut at = 0;
        while let Some(len) = raw.get(at..).and_then(|rest| memchr(b'\\', rest)) {
            decoded.bytes.extend_from_slice(raw.get(at..at + len).unwrap_or_default());
            at = decoded.escape(raw, at + len);
        }
        decoded.bytes.extend_from_slice(raw.get(at..).unwrap_or_default());
        decoded
    }

    /// Decodes the escape at `start`. Gives the offset after it.
    fn escape(&mut self, raw: &[u8], start: usize) -> usize {
        let (char, end) = match raw.get(start + 1) {
            Some(b'u') => {
                let (char, end) = unicode(raw, start);
                self.lone_surrogate |= char.is_none();
                (char.unwrap_or(char::REPLACEMENT_CHARACTER), end)
            }
            Some(byte) => (short_escape(*byte), start + 2),
            None => (char::REPLACEMENT_CHARACTER, start + 1),
        };
        let decoded_start = self.bytes.len();
        self.bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
        let decoded = decoded_start..self.bytes.len();
        self.escapes.push(Escape { raw: start..end, decoded });
        end
    }

    /// Where a range of the decoded string stands in the raw one. A range that
    /// cuts through an escape takes all of it.
    pub(super) fn raw(&self, range: &Range<usize>) -> Range<usize> {
        let before = self.escapes.partition_point(|escape| escape.decoded.end <= range.start);
        let start = match self.escapes.get(before) {
            Some(escape) if escape.decoded.start <= range.start => escape.raw.start,
            _ => self.after(before, range.start),
        };
        let before = self.escapes.partition_point(|escape| escape.decoded.end <= range.end);
        let end = match self.escapes.get(before) {
            Some(escape) if escape.decoded.start < range.end => escape.raw.end,
            _ => self.after(before, range.end),
        };
        start..end.max(start)
    }

    /// Where the decoded offset `at` stands, if it is in no escape and comes after
    /// `escapes` of them.
    fn after(&self, escapes: usize, at: usize) -> usize {
        match escapes.checked_sub(1).and_then(|last| self.escapes.get(last)) {
            Some(last) => last.raw.end + (at - last.decoded.end),
            None => at,
        }
    }
}

/// What a string says, decoded only where it has escapes.
pub(super) fn decode(raw: &[u8]) -> Cow<'_, [u8]> {
    match memchr(b'\\', raw) {
        None => Cow::Borrowed(raw),
        Some(_) => Cow::Owned(Decoded::new(raw).bytes),
    }
}

/// Appends `text` as it stands between the quotes of a JSON string. What is not
/// UTF-8 becomes U+FFFD.
pub(in crate::scrub::otlp) fn escape(out: &mut Vec<u8>, text: &[u8]) {
    let text = String::from_utf8_lossy(text);
    let mut rest = text.as_bytes();
    while let Some(len) = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)) {
        out.extend_from_slice(rest.get(..len).unwrap_or_default());
        match rest.get(len) {
            Some(b'\n') => out.extend_from_slice(b"\\n"),
            Some(b'\r') => out.extend_from_slice(b"\\r"),
            Some(b'\t') => out.extend_from_slice(b"\\t"),
            Some(control @ 0..0x20) => {
                out.extend_from_slice(format!("\\u{control:04x}").as_bytes());
            }
            Some(other) => out.extend_from_slice(&[b'\\', *other]),
            None => {}
        }
        rest = rest.get(len + 1..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}

/// Appends what a string says, up to its closing quote. Gives where that stands; `None`
/// where the string is malformed or holds half of a surrogate pair.
pub(super) fn unescaped(raw: &[u8], out: &mut Vec<u8>) -> Option<usize> {
    let mut at = 0;
    loop {
        let rest = raw.get(at..)?;
        let (plain, rest) = rest.split_at_checked(plain_len(rest))?;
        out.extend_from_slice(plain);
        at += plain.len();
        match rest {
            [b'"', ..] => return Some(at),
            [b'\\', b'u', ..] => {
                let (char, end) = unicode(raw, at);
                out.extend_from_slice(char?.encode_utf8(&mut [0; 4]).as_bytes());
                at = end;
            }
            [b'\\', byte @ (b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't'), ..] => {
                // All of them are ASCII.
                out.push(short_escape(*byte) as u8);
                at += 2;
            }
            _ => return None,
        }
    }
}

fn short_escape(byte: u8) -> char {
    match byte {
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        other => char::from(other),
    }
}

/// What the `\u` escape at `start` stands for, with the one behind it where they are a pair,
/// and where it ends. `None`: half of a pair.
fn unicode(raw: &[u8], start: usize) -> (Option<char>, usize) {
    let end = start + 6;
    let Some(high) = hex4(raw, start + 2) else { return (None, end) };
    if let Some(char) = char::from_u32(high) {
        return (Some(char), end);
    }
    let low = raw.get(end..end + 2).filter(|escape| escape == b"\\u");
    let low = low.and_then(|_| hex4(raw, end + 2)).unwrap_or_default();
    if (0xd800..0xdc00).contains(&high) && (0xdc00..0xe000).contains(&low) {
        let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        return (char::from_u32(code), end + 6);
    }
    (None, end)
}

fn hex4(raw: &[u8], at: usize) -> Option<u32> {
    hex(raw.get(at..at + 4)?)
}

/// What a few hexadecimal digits of either case say.
pub(super) fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |code, digit| Some(code << 4 | char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_as_serde_json_does() {
        for raw in [r"a\n\u00e9b", r"\ud83d\ude00x", r#"\"\\\/"#, "plain", r"\b\f\r\t"] {
            let expected: String = serde_json::from_str(&format!("\"{raw}\"")).expect("JSON");
            assert_eq!(Decoded::new(raw.as_bytes()).bytes, expected.as_bytes());
        }
    }

    #[test]
    fn half_a_surrogate_pair_is_a_replacement_character() {
        for raw in [r"a\ud83db", r"a\ude00b", r"a\ud83d\u0041b", r"a\ud83d\ud83db"] {
            let decoded = Decoded::new(raw.as_bytes());
            assert!(decoded.lone_surrogate, "{raw}");
            assert!(String::from_utf8(decoded.bytes).expect("UTF-8").contains('\u{fffd}'));
        }
    }

    #[test]
    fn every_range_maps_to_the_escapes_that_it_touches() {
        let raw = r"a\n\u00e9bc\ud83d\ude00d";
        let decoded = Decoded::new(raw.as_bytes());
        let text = String::from_utf8(decoded.bytes.clone()).expect("UTF-8");
        for start in 0..=text.len() {
            for end in start..=text.len() {
                if !text.is_char_boundary(start) || !text.is_char_boundary(end) {
                    continue;
                }
                let mapped = &raw[decoded.raw(&(start..end))];
                assert_eq!(*decode(mapped.as_bytes()), text.as_bytes()[start..end]);
            }
        }
        // Half of an escape is all of it.
        assert_eq!(&raw[decoded.raw(&(2..3))], r"\u00e9");
        assert_eq!(&raw[decoded.raw(&(3..4))], r"\u00e9");
    }

    #[test]
    fn what_is_escaped_decodes_to_itself() {
        let text = "a\"\\\n\r\t\u{0}\u{1f}é😀";
        let mut raw = Vec::new();
        escape(&mut raw, text.as_bytes());
        assert_eq!(&*decode(&raw), text.as_bytes());
    }
}
