//! Values in what a language puts around them, and rare ways to tie one to its key.

use std::ops::Range;

use crate::scrub::detector::assign::Sign;
use crate::scrub::detector::assign::cursor::Cursor;

/// How many constructors may stand around a value: `Some(Secret(Text("x")))`.
const WRAPPERS_MAX: usize = 4;

/// How long the name of a constructor may be.
const NAME_MAX: usize = 40;

impl Cursor<'_> {
    /// Skips constructors before a string: `Some("x")`, `SecretStr('x')`,
    /// `(string) (len=1) "x"`, `<<"x">>`; and a typographic quotation mark. Stays where no
    /// string follows.
    pub(super) fn wrappers(&mut self) {
        let mut inner = Cursor { text: self.text, at: self.at };
        for _ in 0..WRAPPERS_MAX {
            let Some(len) = wrapper(inner.rest()) else { break };
            inner.at += len;
            inner.blanks();
        }
        let is_string = inner.quote().is_some() || is_curly(inner.rest());
        // As Java prints it, without quotes.
        let is_optional = self.rest().starts_with(b"Optional[");
        if is_string || is_optional {
            self.at = inner.at;
            self.curly_quote();
        }
    }

    /// Skips a typographic quotation mark.
    pub(super) fn curly_quote(&mut self) {
        if is_curly(self.rest()) {
            self.at += if self.rest().first() == Some(&0xc2) { 2 } else { 3 };
        }
    }

    /// Signs that few languages have.
    pub(super) fn rare_sign(
        &mut self,
        key: &Range<usize>,
        key_quote: Option<(usize, u8)>,
        blanks: usize,
    ) -> Option<Sign> {
        let rest = self.rest();
        // A fallback: `process.env.PASSWORD || 'x'`.
        if 0 < blanks && (rest.starts_with(b"|| ") || rest.starts_with(b"?? ")) {
            return self.before_string(3, Sign::SpacedEquals);
        }
        // An arrow; the dots that lead from one column to the next.
        if rest.starts_with("\u{2192}".as_bytes()) {
            return Some(self.skip("\u{2192}".len(), Sign::Colon));
        }
        if rest.starts_with(b"...") {
            let dots = rest.iter().take(80).take_while(|byte| **byte == b'.').count();
            let colon = usize::from(rest.get(dots) == Some(&b':'));
            return Some(self.skip(dots + colon, Sign::Colon));
        }
        // Erlang's tuples and PHP's `serialize`.
        let in_tuple = key.start.checked_sub(1).and_then(|at| self.text.get(at)) == Some(&b'{');
        if key_quote.is_none() && in_tuple && rest.first() == Some(&b',') {
            let mut inner = Cursor { text: self.text, at: self.at + 1 };
            inner.blanks();
            inner.wrappers();
            inner.quote()?;
            return Some(self.skip(1, Sign::Colon));
        }
        if key_quote.is_some() && rest.starts_with(b";s:") {
            let digits = rest.iter().skip(3).take(9).take_while(|b| b.is_ascii_digit()).count();
            if rest.get(3 + digits) == Some(&b':') {
                return self.before_string(4 + digits, Sign::Colon);
            }
        }
        // A type between name and sign: Go's, Java's.
        if key_quote.is_none() && 0 < blanks {
            const TYPES: [&[u8]; 4] = [b"string =", b"[]byte =", b"String =", b"&str ="];
            if let Some(of_type) = TYPES.iter().find(|of_type| rest.starts_with(of_type)) {
                return self.before_string(of_type.len(), Sign::SpacedEquals);
            }
        }
        self.next_element().or_else(|| self.argument(key, key_quote, blanks))
    }

    /// The element behind the one that names the key: Apple's property lists, Hadoop's
    /// settings.
    fn next_element(&mut self) -> Option<Sign> {
        const ELEMENTS: [(&[u8], &[u8]); 4] = [
            (b"</key>", b"<string>"),
            (b"</name>", b"<value>"),
            (b"</Name>", b"<Value>"),
            (b"</Key>", b"<Value>"),
        ];
        let (closing, opening) =
            ELEMENTS.iter().find(|(closing, _)| self.rest().starts_with(closing))?;
        let mut inner = Cursor { text: self.text, at: self.at + closing.len() };
        inner.blanks();
        if !inner.rest().starts_with(opening) {
            return None;
        }
        self.at = inner.at + opening.len();
        Some(Sign::Element)
    }

    /// The argument of a setter: `.setPassword("x")`, `.password("x")`.
    fn argument(
        &mut self,
        key: &Range<usize>,
        key_quote: Option<(usize, u8)>,
        blanks: usize,
    ) -> Option<Sign> {
        if key_quote.is_some() || 0 < blanks || self.peek() != Some(b'(') {
            return None;
        }
        let name = self.text.get(key.clone()).unwrap_or_default();
        let last = name.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
        let before = key.start.checked_sub(1).and_then(|at| self.text.get(at));
        let is_method = before == Some(&b'.') || last.len() < name.len();
        match last.starts_with(b"set") || last.starts_with(b"with") {
            true => self.before_string(1, Sign::Colon),
            false if is_method => self.before_string(1, Sign::Pair),
            false => None,
        }
    }

    /// Moves by `skip` bytes and behind blanks, if a string begins there.
    fn before_string(&mut self, skip: usize, sign: Sign) -> Option<Sign> {
        let mut inner = Cursor { text: self.text, at: self.at + skip };
        inner.blanks();
        inner.quote()?;
        self.at = inner.at;
        Some(sign)
    }
}

/// How long what a value is wrapped in is, if `rest` begins with it.
fn wrapper(rest: &[u8]) -> Option<usize> {
    for before in [&b"<<"[..], b"new "] {
        if rest.starts_with(before) {
            return Some(before.len());
        }
    }
    // The type and the length that Go's spew prints.
    if rest.starts_with(b"(string) ") || rest.starts_with(b"(len=") {
        return rest.iter().take(32).position(|&byte| byte == b')').map(|at| at + 1);
    }
    let of_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':');
    let len = rest.iter().take(NAME_MAX).take_while(|byte| of_name(byte)).count();
    let name = rest.get(..len)?;
    let opens = match rest.get(len) {
        Some(b'[') => name == b"Optional",
        sign => sign == Some(&b'('),
    };
    (opens && is_constructor(name)).then_some(len + 1)
}

/// Whether a call makes a value of its argument, as a constructor does: one that gets it
/// from somewhere has a verb or a place in its name.
fn is_constructor(name: &[u8]) -> bool {
    const ELSEWHERE: [&[u8]; 20] = [
        b"env", b"get", b"ref", b"var", b"load", b"read", b"fetch", b"look", b"find", b"param",
        b"arg", b"conf", b"file", b"path", b"name", b"hash", b"vault", b"sub", b"import", b"error",
    ];
    let lower = name.to_ascii_lowercase();
    let elsewhere = ELSEWHERE.iter().any(|word| memchr::memmem::find(&lower, word).is_some());
    let is_type =
        name.first().is_some_and(u8::is_ascii_uppercase) && name.iter().any(u8::is_ascii_lowercase);
    is_type && !elsewhere
}

/// Whether `rest` begins with a typographic quotation mark: U+2018, U+2019, U+201C to
/// U+201E, U+00AB, U+00BB.
fn is_curly(rest: &[u8]) -> bool {
    matches!(rest, [0xe2, 0x80, 0x98 | 0x99 | 0x9c..=0x9e, ..] | [0xc2, 0xab | 0xbb, ..])
}
