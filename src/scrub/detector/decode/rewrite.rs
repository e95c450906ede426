//! What takes the place of a part of a decoded text, written as that part is written.
//!
//! A run of base64 that is encoded again has signs and line ends in it. In a URL, in a string
//! of JSON or in HTML these are escapes, and what is around it must stay valid.

use std::ops::Range;

use crate::scrub::detector::decode::Decoded;
use crate::scrub::detector::decode::Escapes;
use crate::scrub::detector::decode::Kinds;

impl Decoded {
    /// How a byte of the decoded text is written in the original.
    fn written(&self, at: usize) -> Range<usize> {
        self.original(at)..self.original_end(at + 1)
    }

    /// Writes bytes that take the place of a range of the decoded text as what stands in it is
    /// written: base64 in a URL, lines of it in a string of JSON.
    pub(in crate::scrub) fn rewrite(
        &self,
        kinds: Kinds,
        text: &[u8],
        range: &Range<usize>,
        bytes: &[u8],
    ) -> Vec<u8> {
        let mut known: Vec<Option<&[u8]>> = vec![None; 256];
        for (at, byte) in self.text.iter().enumerate().take(range.end).skip(range.start) {
            if let Some(slot @ None) = known.get_mut(usize::from(*byte)) {
                *slot = text.get(self.written(at)).filter(|written| !written.is_empty());
            }
        }
        let original = text.get(self.original(range.start)..).unwrap_or_default();
        let prefix = original.iter().take_while(|byte| **byte == b'\\').count();
        let is_byte = original.get(prefix) == Some(&b'x');
        let slashes = vec![b'\\'; prefix.max(1)];
        let written = |byte: &u8| match known.get(usize::from(*byte)).copied().flatten() {
            Some(written) => written.to_vec(),
            None if byte.is_ascii_alphanumeric() => vec![*byte],
            None if kinds.in_url() => format!("%{byte:02X}").into_bytes(),
            None if byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\') => vec![*byte],
            None if kinds.has(Escapes::Entities) => format!("&#{byte};").into_bytes(),
            None if is_byte => [&slashes[..], format!("x{byte:02x}").as_bytes()].concat(),
            None => [&slashes[..], format!("u{byte:04x}").as_bytes()].concat(),
        };
        let before = std::iter::once(&0).chain(bytes);
        // The letter of an escape that stands between lines.
        let of_escape = |(before, byte): (&u8, &u8)| match before {
            b'\\' if byte.is_ascii_alphabetic() => vec![*byte],
            _ => written(byte),
        };
        before.zip(bytes).flat_map(of_escape).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_as_those_are_that_they_replace() {
        for (kind, text, bytes, expected) in [
            (Escapes::Percent, "a%2Fb%0Ac", "x/y\nz", "x%2Fy%0Az"),
            (Escapes::Percent, "a%2Fbc", "x+y=", "x%2By%3D"),
            (Escapes::Form, "a%2Fbc", "x+y=", "x%2By%3D"),
            (Escapes::Backslash, r"a\u000ab", "x+\ny\"", r"x+\u000ay\u0022"),
            (Escapes::Backslash, r"\\x61\\x0a", "a\n\u{1}", r"\\x61\\x0a\\x01"),
            (Escapes::Entities, "a&#10;b&amp;", "x\n\"&", "x&#10;&#34;&amp;"),
        ] {
            let kinds = Kinds::default().with(kind);
            let decoded = Decoded::new(kinds, text.as_bytes()).expect("escapes");
            let all = 0..decoded.text.len();
            let written = decoded.rewrite(kinds, text.as_bytes(), &all, bytes.as_bytes());
            assert_eq!(String::from_utf8_lossy(&written), expected, "{text}");
        }
    }
}
