//! A map or an array, spelled as the JSON text that says the same.
//!
//! In JSON text, an entry that names a key tells of the one that holds its value, and a
//! list of arguments is read as one. So that the same holds for values of OTLP, a judge can
//! be shown what they would be as JSON, and where each of their strings stands in it.
//!
//! Invariant: each string takes as many bytes as the judge is shown of it, so that ranges
//! are easily mapped. What would need an escape is spelled as something similar.

use std::ops::Range;

/// How deep in values a value is spelled. What stands deeper is left out.
pub(in crate::scrub::otlp) const DEPTH_MAX: usize = 12;

/// How long a request's value may be that is spelled, in bytes.
pub(in crate::scrub::otlp) const VALUE_BYTES_MAX: usize = 64 * 1024;

/// A longer string is left out: it is neither an argument nor a name.
const STRING_BYTES_MAX: usize = 1024;

/// A value as JSON text.
#[derive(Debug, Default)]
pub struct Spelled {
    /// The text.
    pub text: Vec<u8>,
    /// For each string, where it stands in the request, and where in the text; in order.
    pub strings: Vec<(usize, Range<usize>)>,
}

impl Spelled {
    /// Opens a map or an array, or closes it.
    pub(in crate::scrub::otlp) fn bracket(&mut self, bracket: u8) {
        if matches!(bracket, b'[' | b'{') {
            self.comma();
        }
        self.text.push(bracket);
    }

    /// Adds the name of an entry.
    pub(in crate::scrub::otlp) fn key(&mut self, key: &[u8]) {
        self.comma();
        self.quoted(key);
        self.text.push(b':');
    }

    /// Adds a string that stands at `at` in the request.
    pub(in crate::scrub::otlp) fn string(&mut self, at: usize, string: &[u8]) {
        self.comma();
        let start = self.text.len() + 1;
        self.quoted(string);
        let range = start..self.text.len() - 1;
        if range.len() == string.len() {
            self.strings.push((at, range));
        }
    }

    /// Adds a value that is no string, and no secret by what is beside it.
    pub(in crate::scrub::otlp) fn other(&mut self) {
        self.comma();
        self.text.extend_from_slice(b"null");
    }

    fn comma(&mut self) {
        if !matches!(self.text.last(), None | Some(b'[' | b'{' | b':')) {
            self.text.push(b',');
        }
    }

    fn quoted(&mut self, string: &[u8]) {
        self.text.push(b'"');
        if string.len() <= STRING_BYTES_MAX {
            self.text.extend(string.iter().map(|byte| match byte {
                b'"' => b'\'',
                b'\\' => b'/',
                0..0x20 => b' ',
                other => *other,
            }));
        }
        self.text.push(b'"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_spelled_byte_for_byte() {
        let mut spelled = Spelled::default();
        spelled.bracket(b'{');
        spelled.key(b"a");
        spelled.string(7, b"b\"\\\n");
        spelled.key(b"c");
        spelled.bracket(b'[');
        spelled.other();
        spelled.string(20, b"d");
        spelled.bracket(b']');
        spelled.bracket(b'}');
        assert_eq!(String::from_utf8_lossy(&spelled.text), r#"{"a":"b'/ ","c":[null,"d"]}"#);
        assert_eq!(spelled.strings, [(7, 6..10), (20, 23..24)]);
    }
}
