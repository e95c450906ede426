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

use crate::scrub::otlp::json::lexer::Lexer;
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
    fn new(kind: TokenKind, range: Range<usize>, next: u32) -> Self {
        Self { kind, start: offset(range.start), end: offset(range.end), next }
    }

    /// A value by itself, in no tape. The text is not larger than 4 GiB.
    pub(super) fn alone(kind: TokenKind, range: Range<usize>) -> Self {
        Self::new(kind, range, 0)
    }

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
    let tokens = Vec::with_capacity(tokens_max(json));
    let mut reader = Reader { lexer: Lexer { json, at: 0 }, tokens, open: Vec::new() };
    reader.lexer.blanks();
    loop {
        if reader.value(depth_max)? {
            continue;
        }
        // After a value: close what ends here.
        loop {
            reader.lexer.blanks();
            let Some(&(open, is_object)) = reader.open.last() else {
                return reader.finish();
            };
            match reader.lexer.byte() {
                Some(b',') => {
                    reader.lexer.at += 1;
                    reader.lexer.blanks();
                    if is_object {
                        reader.name()?;
                    }
                    break;
                }
                Some(b'}') if is_object => reader.close(open),
                Some(b']') if !is_object => reader.close(open),
                _ => return Err(reader.lexer.fault("expected a comma or the end of the list")),
            }
        }
    }
}

struct Reader<'j> {
    lexer: Lexer<'j>,
    tokens: Vec<Token>,
    /// The containers that the reader is in, as indices of their tokens, and whether each
    /// is an object.
    open: Vec<(u32, bool)>,
}

impl Reader<'_> {
    /// Reads one value, or enters a container. `true`: another value must follow.
    fn value(&mut self, depth_max: usize) -> Result<bool, Fault> {
        match self.lexer.byte() {
            Some(b'{') => {
                self.enter(TokenKind::Object, depth_max)?;
                if self.lexer.byte() == Some(b'}') {
                    return Ok(false);
                }
                self.name()?;
                Ok(true)
            }
            Some(b'[') => {
                self.enter(TokenKind::Array, depth_max)?;
                Ok(self.lexer.byte() != Some(b']'))
            }
            Some(b'"') => self.string().map(|()| false),
            _ => {
                let (kind, range) = self.lexer.scalar()?;
                self.push(kind, range);
                Ok(false)
            }
        }
    }

    fn enter(&mut self, kind: TokenKind, depth_max: usize) -> Result<(), Fault> {
        if depth_max <= self.open.len() {
            return Err(self.lexer.fault("JSON nested too deep"));
        }
        self.open.push((offset(self.tokens.len()), kind == TokenKind::Object));
        self.push(kind, self.lexer.at..self.lexer.at + 1);
        self.lexer.at += 1;
        self.lexer.blanks();
        Ok(())
    }

    fn close(&mut self, open: u32) {
        self.lexer.at += 1;
        let next = offset(self.tokens.len());
        if let Some(token) = self.tokens.get_mut(open as usize) {
            token.end = offset(self.lexer.at);
            token.next = next;
        }
        self.open.pop();
    }

    /// The name of a member and the colon after it.
    fn name(&mut self) -> Result<(), Fault> {
        if self.lexer.byte() != Some(b'"') {
            return Err(self.lexer.fault("expected the name of a member"));
        }
        self.string()?;
        self.lexer.blanks();
        if self.lexer.byte() != Some(b':') {
            return Err(self.lexer.fault("expected a colon"));
        }
        self.lexer.at += 1;
        self.lexer.blanks();
        Ok(())
    }

    fn string(&mut self) -> Result<(), Fault> {
        let (kind, range) = self.lexer.string()?;
        self.push(kind, range);
        Ok(())
    }

    fn push(&mut self, kind: TokenKind, range: Range<usize>) {
        let next = offset(self.tokens.len() + 1);
        self.tokens.push(Token::new(kind, range, next));
    }

    fn finish(self) -> Result<Vec<Token>, Fault> {
        if self.lexer.at < self.lexer.json.len() {
            return Err(self.lexer.fault("more after the end of the request"));
        }
        Ok(self.tokens)
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
