//! Values in the markup of a page: in the element behind the one that names them, or in one
//! that begins behind the colon.
//!
//! `<td>Password</td><td>X</td>`, `<dt>API key</dt><dd><code>X</code></dd>`,
//! `<b>Password:</b> X`. What the elements are called says nothing but that they are markup of
//! text; so the value must show by itself that it is one, where no colon ties it.

use std::ops::Range;

use crate::scrub::detector::assign::Sign;
use crate::scrub::detector::assign::cursor::Cursor;
use crate::scrub::detector::assign::record::value_tag;
use crate::scrub::detector::value::is_shaped;
use crate::scrub::rule::validator;

/// How many tags may stand between a name and its value.
const TAGS_MAX: usize = 4;

/// How long a tag may be, in bytes.
const TAG_LEN_MAX: usize = 160;

/// How much of a value is looked at, and how long one is that no word is, in bytes.
const VALUE_LEN_MAX: usize = 512;
const DRAWN_LEN_MIN: usize = 20;

/// Elements that show a name or a value.
const ELEMENTS: [&[u8]; 21] = [
    b"td", b"th", b"dt", b"dd", b"b", b"i", b"u", b"em", b"strong", b"span", b"code", b"kbd",
    b"samp", b"pre", b"tt", b"font", b"mark", b"label", b"p", b"div", b"small",
];

/// How long a tag is, with its brackets; and whether it closes. `None`: there is none of
/// these elements.
fn tag(rest: &[u8]) -> Option<(usize, bool)> {
    let inner = rest.strip_prefix(b"<")?;
    let closes = inner.starts_with(b"/");
    let inner = if closes { inner.get(1..)? } else { inner };
    let len = inner.iter().take(8).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let name = inner.get(..len)?;
    if !ELEMENTS.iter().any(|element| name.eq_ignore_ascii_case(element)) {
        return None;
    }
    let attributes = inner.get(len..)?;
    let attributes = attributes.get(..TAG_LEN_MAX).unwrap_or(attributes);
    let end = memchr::memchr2(b'>', b'<', attributes)?;
    let is_tag = attributes.get(end) == Some(&b'>') && (end == 0 || attributes.starts_with(b" "));
    is_tag.then(|| (rest.len() - inner.len() + len + end + 1, closes))
}

impl Cursor<'_> {
    /// What ties the text of an element, or of the next cell of a table, to the key.
    pub(super) fn element_sign(
        &mut self,
        key: &Range<usize>,
        key_quote: Option<(usize, u8)>,
        blanks: usize,
    ) -> Option<Sign> {
        // `$_SERVER['KEY']`, as the pages of PHP and their text show it.
        let before = self.text.get(..self.at - blanks.min(self.at)).unwrap_or_default();
        let is_indexed = key_quote.is_some() && before.ends_with(b"]");
        if blanks == 0 && (key_quote.is_none() || is_indexed) && self.rest().starts_with(b"</") {
            return self.next_element().or_else(|| self.next_cell());
        }
        if is_indexed && self.text.get(before.len()) == Some(&b'\t') {
            return Some(Sign::Stated);
        }
        self.next_element().or_else(|| self.argument(key, key_quote, blanks))
    }

    /// Skips the tags that stand between a colon and a value.
    pub(super) fn tags(&mut self, sign: Sign) {
        let tags_max = if sign == Sign::Colon { TAGS_MAX } else { 0 };
        for _ in 0..tags_max {
            let Some((len, _)) = tag(self.rest()) else { break };
            self.at += len;
            self.blanks();
        }
    }

    /// At the end of the tag that names a value: the value has an element of its own inside.
    pub(super) fn value_element(&mut self) -> Option<Sign> {
        let mut inner = Cursor { text: self.text, at: self.at + 1 };
        inner.blanks();
        let len = value_tag(inner.rest())?;
        self.at = inner.at + len;
        Some(Sign::Element)
    }

    /// Behind a name that ends its element: the content of the next one.
    fn next_cell(&mut self) -> Option<Sign> {
        let mut inner = Cursor { text: self.text, at: self.at };
        let (mut opened, mut closed) = (0, 0);
        for _ in 0..TAGS_MAX {
            inner.blanks();
            if inner.peek() == Some(b':') && opened == 0 {
                inner.at += 1;
                inner.blanks();
            }
            let Some((len, closes)) = tag(inner.rest()) else { break };
            if closes && 0 < opened {
                return None;
            }
            inner.at += len;
            if closes { closed += 1 } else { opened += 1 }
        }
        inner.blanks();
        let ends = |byte: &u8| *byte == b'<' || byte.is_ascii_whitespace();
        let value = inner.rest().split(ends).next().unwrap_or_default();
        let value = value.get(..VALUE_LEN_MAX).unwrap_or(value);
        let is_value = is_shaped(value) || is_token(value);
        (0 < closed && 0 < opened && is_value).then(|| {
            self.at = inner.at;
            Sign::Stated
        })
    }
}

/// A key or a token: too long for a word, and none.
fn is_token(value: &[u8]) -> bool {
    DRAWN_LEN_MIN <= value.len() && validator::looks_random(value)
}

#[cfg(test)]
mod tests {
    use super::Cursor;

    #[test]
    fn the_content_of_the_next_element_is_found() {
        for (text, expected) in [
            ("</td><td>Xk9vLq2m</td>", Some("Xk9vLq2m</td>")),
            ("</dt>\n  <dd class=\"a\"><code>Xk9vLq2m</code>", Some("Xk9vLq2m</code>")),
            ("</span>: <span>Xk9vLq2m", Some("Xk9vLq2m")),
            ("</td></tr><tr><td>Xk9vLq2m", None),
            ("</td> Xk9vLq2m", None),
            ("</td><td>SHA-256</td>", None),
            ("</td><td></td>", None),
            ("</password><td>Xk9vLq2m", None),
        ] {
            let mut cursor = Cursor { text: text.as_bytes(), at: 0 };
            let found = cursor.next_cell().map(|_| &text[cursor.at..]);
            assert_eq!(found, expected, "{text}");
        }
    }
}
