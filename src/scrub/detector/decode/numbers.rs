//! Bytes that are written as a list of decimal numbers: `{"type":"Buffer","data":[103,104]}`,
//! `String.fromCharCode(103,104)`, `b[103 104]`.

use std::ops::Range;

use crate::scrub::detector::decode::binary::says;

/// How many bytes a list must have that hides something.
const BYTES_MIN: usize = 8;

/// How many digits a byte has.
const DIGITS_MAX: usize = 3;

/// How far behind what announces a list it begins, in bytes.
const LEAD_MAX: usize = 32;

/// A list of numbers that says something.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::scrub) struct Numbers {
    /// Where it stands, from the first number to the last.
    pub(in crate::scrub) range: Range<usize>,
    /// What it says.
    pub(in crate::scrub) bytes: Vec<u8>,
    /// What stands between two numbers.
    between: Vec<u8>,
}

impl Numbers {
    /// The list that begins soon behind `at`, where something announces one.
    pub(in crate::scrub) fn behind(text: &[u8], at: usize) -> Option<Self> {
        let lead = text.get(at..text.len().min(at + LEAD_MAX))?;
        let open = lead.iter().position(|byte| matches!(byte, b'[' | b'('))?;
        let start = at + open + 1;
        let (mut end, mut next) = (start, start);
        let (mut bytes, mut between) = (Vec::new(), Vec::new());
        loop {
            let rest = text.get(next..)?;
            let digits = rest.iter().take(DIGITS_MAX + 1);
            let len = digits.take_while(|byte| byte.is_ascii_digit()).count();
            let number = rest.get(..len).and_then(|digits| std::str::from_utf8(digits).ok());
            let Some(byte) = number.and_then(|number| number.parse().ok()) else { break };
            bytes.push(byte);
            end = next + len;
            let rest = text.get(end..)?;
            let blank = |byte: &&u8| matches!(byte, b',' | b' ' | b'\n' | b'\r' | b'\t');
            let gap = rest.iter().take(LEAD_MAX).take_while(blank).count();
            if gap == 0 {
                break;
            }
            if between.is_empty() {
                between = rest.get(..gap)?.to_vec();
            }
            next = end + gap;
        }
        let is_list = BYTES_MIN <= bytes.len() && says(&bytes);
        is_list.then_some(Self { range: start..end, bytes, between })
    }

    /// Writes bytes as the list was written.
    pub(in crate::scrub) fn encode(&self, bytes: &[u8]) -> Vec<u8> {
        let numbers: Vec<String> = bytes.iter().map(u8::to_string).collect();
        let numbers: Vec<&[u8]> = numbers.iter().map(String::as_bytes).collect();
        numbers.join(self.between.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_bytes_is_read_and_written_again() {
        for (text, list) in [
            (r#""Buffer","data":[103,104,112,95,49,50,51,52,53]}"#, 17..46),
            ("fromCharCode(103, 104, 112, 95, 49, 50, 51, 52, 53)", 13..50),
        ] {
            let numbers = Numbers::behind(text.as_bytes(), 0).expect("a list");
            assert_eq!(numbers.bytes, b"ghp_12345");
            assert_eq!(numbers.range, list, "{text}");
            assert_eq!(numbers.encode(b"ghp_12345"), &text.as_bytes()[list]);
        }
        assert_eq!(Numbers::behind(b"\"Buffer\",\"data\":[1,2,3]", 0), None);
    }
}
