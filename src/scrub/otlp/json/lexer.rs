//! The words of JSON text: strings, numbers, what stands between them.
//!
//! Strict: what some other reader might read in another way is a fault.
//!
//! RFC 8259.

use std::ops::Range;

use crate::scrub::otlp::json::tape::TokenKind;
use crate::scrub::otlp::wire::Fault;

/// Reads JSON text from its beginning on.
pub(super) struct Lexer<'j> {
    pub(super) json: &'j [u8],
    pub(super) at: usize,
}

impl Lexer<'_> {
    /// Reads a string, the next byte is its quote. Gives what is between its quotes, and
    /// whether there are escapes.
    #[inline(always)]
    pub(super) fn string(&mut self) -> Result<(TokenKind, Range<usize>), Fault> {
        let start = self.at + 1;
        let mut at = start;
        let mut kind = TokenKind::Plain;
        loop {
            let rest = self.json.get(at..).unwrap_or_default();
            at += plain_len(rest);
            match self.json.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    kind = TokenKind::Escaped;
                    at = self.escape(at)?;
                }
                Some(_) => return Err(self.fault("control character in a string")),
                None => return Err(self.fault("string without an end")),
            }
        }
        self.at = at + 1;
        Ok((kind, start..at))
    }

    /// Checks the escape at `at`. Gives the offset after it.
    fn escape(&self, at: usize) -> Result<usize, Fault> {
        match self.json.get(at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
            Some(b'u') => {
                let digits = self.json.get(at + 2..at + 6).unwrap_or_default();
                if digits.len() == 4 && digits.iter().all(u8::is_ascii_hexdigit) {
                    Ok(at + 6)
                } else {
                    Err(Fault::new("escape without four hex digits", at))
                }
            }
            _ => Err(Fault::new("unknown escape", at)),
        }
    }

    /// Reads a value that is no string, list or object, by its first byte.
    pub(super) fn scalar(&mut self) -> Result<(TokenKind, Range<usize>), Fault> {
        match self.byte() {
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word(b"true", TokenKind::True),
            Some(b'f') => self.word(b"false", TokenKind::False),
            Some(b'n') => self.word(b"null", TokenKind::Null),
            _ => Err(self.fault("expected a JSON value")),
        }
    }

    fn number(&mut self) -> Result<(TokenKind, Range<usize>), Fault> {
        let start = self.at;
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        match self.byte() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.byte(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok((TokenKind::Number, start..self.at))
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let rest = self.json.get(self.at..).unwrap_or_default();
        let len = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if len == 0 {
            return Err(self.fault("expected a digit"));
        }
        self.at += len;
        Ok(())
    }

    fn word(&mut self, word: &[u8], kind: TokenKind) -> Result<(TokenKind, Range<usize>), Fault> {
        let start = self.at;
        let rest = self.json.get(start..).unwrap_or_default();
        if !rest.starts_with(word) {
            return Err(self.fault("expected a JSON value"));
        }
        self.at += word.len();
        Ok((kind, start..self.at))
    }

    #[inline(always)]
    pub(super) fn blanks(&mut self) {
        while matches!(self.byte(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    #[inline(always)]
    pub(super) fn byte(&self) -> Option<u8> {
        self.json.get(self.at).copied()
    }

    pub(super) fn fault(&self, what: &'static str) -> Fault {
        Fault::new(what, self.at)
    }
}

/// How many bytes there are before the first one that a string does not hold as it is: a
/// quote, a backslash, a control character. Most strings are short, so that eight bytes at
/// once are faster than what finds one byte in a long text.
#[inline(always)]
pub(super) fn plain_len(rest: &[u8]) -> usize {
    let (words, tail) = rest.as_chunks::<8>();
    for (number, word) in words.iter().enumerate() {
        let stops = stops(u64::from_le_bytes(*word));
        if stops != 0 {
            return 8 * number + stops.trailing_zeros() as usize / 8;
        }
    }
    let is_stop = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    8 * words.len() + tail.iter().position(is_stop).unwrap_or(tail.len())
}

/// The highest bit of each byte that ends plain text; above the first, others may be set.
#[inline(always)]
fn stops(word: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word & HIGH;
    let is = |byte: u8| below(word ^ (ONES * byte as u64), 1);
    is(b'"') | is(b'\\') | below(word, 0x20)
}

#[cfg(test)]
mod tests {
    use super::plain_len;

    #[test]
    fn a_string_ends_at_the_first_byte_that_it_does_not_hold_as_it_is() {
        for at in 0..20 {
            for byte in 0..=u8::MAX {
                let mut text = [0xc3, 0xa9, b' ', 0x7f, b'!', b'#', b'[', b']'].repeat(3);
                text[at] = byte;
                let ends = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
                let expected = text.iter().position(ends).unwrap_or(text.len());
                assert_eq!(plain_len(&text), expected, "{byte:#x} at {at}");
            }
        }
    }
}
