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

use memchr::memchr2;

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
    1 + json.iter().filter(|byte| matches!(byte, b',' | b':' | b'[' | b'{')).count()
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
            let Some(&open) = reader.open.last() else {
                return reader.finish();
            };
            let is_object = reader.is_object(open);
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
    /// The containers that the reader is in, as indices of their tokens.
    open: Vec<u32>,
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
        self.open.push(offset(self.tokens.len()));
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

    fn is_object(&self, open: u32) -> bool {
        self.tokens.get(open as usize).is_some_and(|token| token.kind == TokenKind::Object)
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
            let Some(len) = memchr2(b'"', b'\\', rest) else {
                return Err(self.fault("string without an end"));
            };
            if rest.iter().take(len).any(|byte| *byte < 0x20) {
                return Err(self.fault("control character in a string"));
            }
            at += len;
            if self.json.get(at) == Some(&b'"') {
                break;
            }
            kind = TokenKind::Escaped;
            at = self.escape(at)?;
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

/// An offset into the text or the tape.
#[expect(clippy::cast_possible_truncation, reason = "texts above 4 GiB are refused before")]
fn offset(at: usize) -> u32 {
    at as u32
}

#[cfg(test)]
mod tests {
    use super::Token;
    use super::bytes_max;
    use super::read;
    use super::tokens_max;

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
