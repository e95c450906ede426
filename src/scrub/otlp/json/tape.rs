//! Reads JSON text into a tape: its values in order, each with its range and
//! where the next begins.
//!
//! The tape is what lets the walk look ahead (a key can follow its value) without
//! reading anything twice, and it settles once, before anything is shown, that
//! the text is JSON. Strictly so: what some other reader might read in another
//! way (a trailing comma, a second value, a byte order mark) is a fault.
//!
//! RFC 8259.

use std::ops::Range;

use crate::scrub::otlp::wire::Fault;

/// A value, or the name of a member, which comes before its value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    start: u32,
    end: u32,
    next: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    Null,
    True,
    False,
    Number,
    /// A string without escapes.
    Plain,
    /// A string with escapes.
    Escaped,
    Array,
    Object,
}

impl Token {
    /// Where it stands: all of it, but for a string, what is between its quotes.
    pub(super) fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// Where all of it stands, quotes included.
    pub(super) fn whole(&self) -> Range<usize> {
        match self.kind {
            TokenKind::Plain | TokenKind::Escaped => {
                (self.start as usize).saturating_sub(1)..self.end as usize + 1
            }
            _ => self.range(),
        }
    }

    /// The index of the value after it.
    pub(super) fn next(&self) -> usize {
        self.next as usize
    }

    pub(super) fn is_string(&self) -> bool {
        matches!(self.kind, TokenKind::Plain | TokenKind::Escaped)
    }
}

/// How many tokens there are at most: each comes behind one of these signs, but for the
/// first. Counting them costs a fraction of reading, and what is counted too much,
/// because it stands in a string, is memory that is never touched.
fn tokens_max(json: &[u8]) -> usize {
    // As many as a byte counts, so that a few vector instructions do.
    let count = |part: &[u8]| {
        let is_sign = |byte: &u8| u8::from(matches!(byte, b',' | b':' | b'[' | b'{'));
        usize::from(part.iter().map(is_sign).sum::<u8>())
    };
    1 + json.chunks(usize::from(u8::MAX)).map(count).sum::<usize>()
}

/// How many bytes the tape of `json` takes at most.
pub(in crate::scrub::otlp) fn bytes_max(json: &[u8]) -> usize {
    tokens_max(json).saturating_mul(size_of::<Token>())
}

/// Reads JSON text.
pub(super) fn read(json: &[u8], depth_max: usize) -> Result<Vec<Token>, Fault> {
    if u32::try_from(json.len()).is_err() {
        return Err(Fault::new("request larger than 4 GiB", 0));
    }
    let mut reader =
        Reader { json, at: 0, tokens: Vec::with_capacity(tokens_max(json)), open: Vec::new() };
    reader.blanks();
    loop {
        if reader.value(depth_max)? {
            continue;
        }
        // After a value: close what ends here.
        loop {
            reader.blanks();
            let Some(&(open, is_object)) = reader.open.last() else {
                return reader.finish();
            };
            match reader.byte() {
                Some(b',') => {
                    reader.at += 1;
                    reader.blanks();
                    if is_object {
                        reader.name()?;
                    }
                    break;
                }
                Some(b'}') if is_object => reader.close(open),
                Some(b']') if !is_object => reader.close(open),
                _ => return Err(reader.fault("expected a comma or the end of the list")),
            }
        }
    }
}

struct Reader<'j> {
    json: &'j [u8],
    at: usize,
    tokens: Vec<Token>,
    /// The containers that the reader is in, as indices of their tokens, and whether each
    /// is an object.
    open: Vec<(u32, bool)>,
}

impl Reader<'_> {
    /// Reads one value, or enters a container. `true`: another value must follow.
    fn value(&mut self, depth_max: usize) -> Result<bool, Fault> {
        match self.byte() {
            Some(b'{') => {
                self.enter(TokenKind::Object, depth_max)?;
                if self.byte() == Some(b'}') {
                    return Ok(false);
                }
                self.name()?;
                Ok(true)
            }
            Some(b'[') => {
                self.enter(TokenKind::Array, depth_max)?;
                Ok(self.byte() != Some(b']'))
            }
            Some(b'"') => self.string().map(|()| false),
            Some(b'-' | b'0'..=b'9') => self.number().map(|()| false),
            Some(b't') => self.word(b"true", TokenKind::True).map(|()| false),
            Some(b'f') => self.word(b"false", TokenKind::False).map(|()| false),
            Some(b'n') => self.word(b"null", TokenKind::Null).map(|()| false),
            _ => Err(self.fault("expected a JSON value")),
        }
    }

    fn enter(&mut self, kind: TokenKind, depth_max: usize) -> Result<(), Fault> {
        if depth_max <= self.open.len() {
            return Err(self.fault("JSON nested too deep"));
        }
        self.open.push((offset(self.tokens.len()), kind == TokenKind::Object));
        self.push(kind, self.at, self.at + 1);
        self.at += 1;
        self.blanks();
        Ok(())
    }

    fn close(&mut self, open: u32) {
        self.at += 1;
        let next = offset(self.tokens.len());
        if let Some(token) = self.tokens.get_mut(open as usize) {
            token.end = offset(self.at);
            token.next = next;
        }
        self.open.pop();
    }

    /// The name of a member and the colon after it.
    fn name(&mut self) -> Result<(), Fault> {
        if self.byte() != Some(b'"') {
            return Err(self.fault("expected the name of a member"));
        }
        self.string()?;
        self.blanks();
        if self.byte() != Some(b':') {
            return Err(self.fault("expected a colon"));
        }
        self.at += 1;
        self.blanks();
        Ok(())
    }

    fn string(&mut self) -> Result<(), Fault> {
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
        self.push(kind, start, at);
        self.at = at + 1;
        Ok(())
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

    fn number(&mut self) -> Result<(), Fault> {
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
        self.push(TokenKind::Number, start, self.at);
        Ok(())
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

    fn word(&mut self, word: &[u8], kind: TokenKind) -> Result<(), Fault> {
        let rest = self.json.get(self.at..).unwrap_or_default();
        if !rest.starts_with(word) {
            return Err(self.fault("expected a JSON value"));
        }
        self.push(kind, self.at, self.at + word.len());
        self.at += word.len();
        Ok(())
    }

    fn push(&mut self, kind: TokenKind, start: usize, end: usize) {
        let next = offset(self.tokens.len() + 1);
        self.tokens.push(Token { kind, start: offset(start), end: offset(end), next });
    }

    fn blanks(&mut self) {
        while matches!(self.byte(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn byte(&self) -> Option<u8> {
        self.json.get(self.at).copied()
    }

    fn finish(self) -> Result<Vec<Token>, Fault> {
        if self.at < self.json.len() {
            return Err(self.fault("more after the end of the request"));
        }
        Ok(self.tokens)
    }

    fn fault(&self, what: &'static str) -> Fault {
        Fault::new(what, self.at)
    }
}

/// How many bytes there are before the first one that a string does not hold as it is: a
/// quote, a backslash, a control character. Most strings are short, so that eight bytes at
/// once are faster than what finds one byte in a long text.
#[inline(always)]
fn plain_len(rest: &[u8]) -> usize {
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

/// An offset into the text or the tape.
#[expect(clippy::cast_possible_truncation, reason = "texts above 4 GiB are refused before")]
fn offset(at: usize) -> u32 {
    at as u32
}

#[cfg(test)]
mod tests {
    use super::Token;
    use super::bytes_max;
    use super::plain_len;
    use super::read;
    use super::tokens_max;

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

    #[test]
    fn takes_what_serde_json_takes_and_nothing_else() {
        let samples = [
            "null",
            "true",
            "false",
            "0",
            "-0",
            "01",
            "1.",
            "1.5e-3",
            ".5",
            "1e",
            "-",
            "+1",
            "{}",
            "[]",
            "{\"a\":1}",
            "{\"a\":1,}",
            "[1,]",
            "[,1]",
            "{a:1}",
            "{\"a\" : [1, {} ] } ",
            "[1 2]",
            "\"\\u00e9\"",
            "\"\\u00g9\"",
            "\"\\x\"",
            "\"\t\"",
            "\"a",
            "\"a\\\"",
            "[",
            "]",
            "{\"a\"}",
            "{\"a\":}",
            "nul",
            "truee",
            "[1]]",
            "{} {}",
            "",
            " ",
            "\u{feff}{}",
            "[[[]]]",
            "{\"a\":{\"b\":[]}}",
            "[}",
            "{]",
            "\"\\\\\"",
            "[\"a\",\"b\"]",
            "{\"a\":1 \"b\":2}",
            "{\"a\":1,\"b\"}",
            "NaN",
        ];
        for sample in samples {
            let expected = serde_json::from_str::<serde_json::Value>(sample).is_ok();
            assert_eq!(read(sample.as_bytes(), 100).is_ok(), expected, "{sample}");
        }
    }

    #[test]
    fn the_tape_is_never_longer_than_was_reckoned() {
        for json in ["0", "[0,0,0]", "[[],{}]", r#"{"a":{"b":[1,"x"],"c":null},"d":"a,b:[{"}"#] {
            let tape = read(json.as_bytes(), 100).unwrap();
            assert!(tape.len() <= tokens_max(json.as_bytes()), "{json}");
        }
        assert_eq!(bytes_max(b"[0,0,0,0]"), 5 * size_of::<Token>());
    }

    #[test]
    fn nesting_has_a_limit() {
        let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(read(nested(100).as_bytes(), 100).is_ok());
        assert!(read(nested(101).as_bytes(), 100).is_err());
    }
}
