//! SQL: literals become `?`, and so does each run of digits in a name.
//!
//! As Datadog's lexer in the mode `obfuscate_only`: keywords, names, aliases, comments
//! and blanks stay, booleans and `NULL` go. Not as there: the dialects are one here
//! (backslashes escape a quote, and a comment begins at `--`, `#` followed by a blank,
//! or `/*`), the text between dollar quotes is one literal, and where a quote has no
//! end, all that follows is a literal.

use crate::scrub::redaction::database::trimmed;

/// The statement with `?` for each literal.
pub(in crate::scrub::redaction::database) fn sanitize(text: &[u8]) -> Vec<u8> {
    let mut lexer = Lexer { text, at: 0, out: Vec::with_capacity(text.len()) };
    while let Some(&byte) = text.get(lexer.at) {
        match byte {
            b'\'' => lexer.quoted(),
            b'"' | b'`' => lexer.identifier(byte),
            b'$' => lexer.dollar(),
            b'-' if lexer.starts_with(b"--") => lexer.copy_to(b"\n"),
            b'#' if lexer.starts_with(b"# ") => lexer.copy_to(b"\n"),
            b'/' if lexer.starts_with(b"/*") => lexer.copy_to(b"*/"),
            b'0'..=b'9' => lexer.number(),
            b'.' if lexer.is_digit(1) => lexer.number(),
            b'-' | b'+' if lexer.is_digit(1) && lexer.after_operator() => lexer.number(),
            b':' if lexer.is_digit(1) => lexer.parameter(),
            _ if is_word(byte) => lexer.word(),
            _ => lexer.copy(1),
        }
    }
    trimmed(&lexer.out).to_vec()
}

struct Lexer<'t> {
    text: &'t [u8],
    at: usize,
    out: Vec<u8>,
}

impl Lexer<'_> {
    fn rest(&self) -> &[u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn starts_with(&self, start: &[u8]) -> bool {
        self.rest().starts_with(start)
    }

    fn is_digit(&self, ahead: usize) -> bool {
        self.text.get(self.at + ahead).is_some_and(u8::is_ascii_digit)
    }

    /// Whether what stands before is no value, so that a sign belongs to the number.
    fn after_operator(&self) -> bool {
        let before = self.out.trim_ascii_end().last();
        before.is_none_or(|byte| !is_word(*byte) && !matches!(byte, b'?' | b')' | b'"' | b'`'))
    }

    fn copy(&mut self, len: usize) {
        let end = self.text.len().min(self.at + len);
        self.out.extend_from_slice(self.text.get(self.at..end).unwrap_or_default());
        self.at = end;
    }

    /// Copies what there is up to `end` and it.
    fn copy_to(&mut self, end: &[u8]) {
        let len = memchr::memmem::find(self.rest(), end).map(|at| at + end.len());
        self.copy(len.unwrap_or(usize::MAX - self.at));
    }

    /// A text in single quotes; two in a row are two literals.
    fn quoted(&mut self) {
        let mut at = self.at + 1;
        loop {
            match self.text.get(at) {
                None => break,
                Some(b'\\') => at += 1,
                Some(b'\'') => break,
                Some(_) => {}
            }
            at += 1;
        }
        self.at = self.text.len().min(at + 1);
        self.out.push(b'?');
    }

    /// A quoted name.
    fn identifier(&mut self, quote: u8) {
        match memchr::memchr(quote, self.text.get(self.at + 1..).unwrap_or_default()) {
            Some(len) => {
                let name = self.text.get(self.at..self.at + len + 2).unwrap_or_default();
                self.at += name.len();
                self.without_digits(name.to_vec());
            }
            None => {
                self.at = self.text.len();
                self.out.push(b'?');
            }
        }
    }

    /// `$1`, or a text between dollar quotes.
    fn dollar(&mut self) {
        if self.is_digit(1) {
            self.at += 1;
            return self.number();
        }
        let tag = memchr::memchr(b'$', self.text.get(self.at + 1..).unwrap_or_default());
        let tag = tag.and_then(|len| self.text.get(self.at..self.at + len + 2));
        let is_tag = |tag: &&[u8]| {
            let name = tag.get(1..tag.len() - 1).unwrap_or_default();
            name.iter().all(|byte| is_word(*byte))
        };
        let Some(tag) = tag.filter(is_tag) else { return self.copy(1) };
        let body = self.text.get(self.at + tag.len()..).unwrap_or_default();
        let len = memchr::memmem::find(body, tag).map_or(body.len(), |len| len + tag.len());
        self.at += tag.len() + len;
        self.out.push(b'?');
    }

    /// `:1`: the number of a parameter says nothing.
    fn parameter(&mut self) {
        let digits = self.rest().iter().skip(1).take_while(|byte| byte.is_ascii_digit()).count();
        self.copy(digits + 1);
    }

    fn number(&mut self) {
        let mut end = self.at + 1;
        while let Some(&byte) = self.text.get(end) {
            let before = self.text.get(end.wrapping_sub(1)).copied();
            let signed = matches!(byte, b'+' | b'-')
                && self.at < end
                && matches!(before, Some(b'e' | b'E'))
                && !self.starts_with(b"0x");
            if !(signed || byte == b'.' || byte.is_ascii_alphanumeric()) {
                break;
            }
            end += 1;
        }
        self.at = end;
        self.out.push(b'?');
    }

    /// A name or a keyword: each run of digits becomes one `?`.
    fn word(&mut self) {
        let word: Vec<u8> = self.rest().iter().copied().take_while(|byte| is_word(*byte)).collect();
        self.at += word.len();
        // The prefix of a literal: N'…', E'…', X'…'.
        if let [b'N' | b'n' | b'E' | b'e' | b'X' | b'x' | b'B' | b'b'] = word.as_slice()
            && self.starts_with(b"'")
        {
            return self.quoted();
        }
        if [&b"true"[..], b"false", b"null"].iter().any(|one| word.eq_ignore_ascii_case(one)) {
            return self.out.push(b'?');
        }
        self.without_digits(word);
    }

    fn without_digits(&mut self, word: Vec<u8>) {
        let mut digits = false;
        for byte in word {
            if !byte.is_ascii_digit() {
                self.out.push(byte);
            } else if !digits {
                self.out.push(b'?');
            }
            digits = byte.is_ascii_digit();
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || 0x80 <= byte
}

#[cfg(test)]
mod tests {
    use super::sanitize;

    #[test]
    fn literals_go_and_names_stay() {
        let cases = [
            ("SELECT * FROM users WHERE id = 42", "SELECT * FROM users WHERE id = ?"),
            ("SELECT a AS b FROM t1 -- why", "SELECT a AS b FROM t? -- why"),
            ("INSERT INTO t VALUES ('a', 'it''s', 1.5e-3)", "INSERT INTO t VALUES (?, ??, ?)"),
            ("UPDATE \"T1\" SET p = N'x\\'y' WHERE q = :1", "UPDATE \"T?\" SET p = ? WHERE q = :1"),
            ("SELECT $1, $tag$ a 'b' $tag$, 0xff", "SELECT ?, ?, ?"),
            ("SELECT 'no end", "SELECT ?"),
            ("SELECT /* 1 */ `a`", "SELECT /* 1 */ `a`"),
            ("", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(String::from_utf8_lossy(&sanitize(text.as_bytes())), expected, "{text}");
        }
    }
}
