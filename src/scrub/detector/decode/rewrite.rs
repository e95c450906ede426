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
        bytes.iter().flat_map(written).collect()
    }
}
