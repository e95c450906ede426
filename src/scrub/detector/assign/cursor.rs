//! Reads what ties a value to a key: blanks, signs, quotes, tags.

use std::ops::Range;

use crate::scrub::detector::assign::Sign;
use crate::scrub::detector::assign::around::is_set;
use crate::scrub::detector::assign::around::takes_string;
use crate::scrub::detector::assign::lines::is_tab;
use crate::scrub::detector::assign::record::is_value_name;
use crate::scrub::detector::assign::record::is_yaml_name;
use crate::scrub::detector::assign::record::value_tag;
use crate::scrub::detector::assign::record::yaml_value_len;
use crate::scrub::detector::bytes::is_key_byte;
use crate::scrub::detector::decode::break_len;
use crate::scrub::detector::decode::colour_len;

/// Blanks between a key, its sign and its value.
const BLANKS_MAX: usize = 160;

/// A value is looked for this far; a longer one is masked up to there and beyond, to the
/// end of its text.
const VALUE_MAX: usize = 1 << 20;

/// A place in a text, behind a key.
pub(super) struct Cursor<'t> {
    pub(super) text: &'t [u8],
    pub(super) at: usize,
}

impl<'t> Cursor<'t> {
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    pub(super) fn rest(&self) -> &'t [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Skips blanks, line ends too, escaped or not.
    pub(super) fn blanks(&mut self) -> usize {
        let start = self.at;
        while self.at - start < BLANKS_MAX {
            match self.rest() {
                [b' ' | b'\t' | b'\n' | b'\r', ..] => self.at += 1,
                // A blank that does not break (U+00A0).
                [0xc2, 0xa0, ..] => self.at += 2,
                [0x1b | b'\\', ..] if 0 < colour_len(self.rest()) => {
                    self.at += colour_len(self.rest());
                }
                [b'\\', b'n' | b't' | b'r', b' ' | b'\\' | b'"' | b'{' | b'[' | b'<', ..] => {
                    self.at += 2;
                }
                [b'\\', b't', next, ..] if is_tab(self.text, self.at, *next) => self.at += 2,
                _ => break,
            }
        }
        self.at - start
    }

    /// Skips the letters that some languages put before a string: `b'…'`, `f"…"`.
    pub(super) fn string_prefix(&mut self) {
        // The address before a string, as debuggers print it: `0x55d4 "x"`.
        if let Some(number) = self.rest().strip_prefix(b"0x") {
            let digits = number.iter().take(17).take_while(|byte| byte.is_ascii_hexdigit()).count();
            if 1 < digits && number.get(digits..).is_some_and(|rest| rest.starts_with(b" \"")) {
                self.at += digits + 3;
            }
        }
        let letters = self
            .rest()
            .iter()
            .take(2)
            .take_while(|byte| {
                matches!(byte, b'b' | b'r' | b'u' | b'f' | b'B' | b'R' | b'U' | b'N' | b'E' | b'@')
            })
            .count();
        if 0 < letters && matches!(self.rest().get(letters), Some(b'"' | b'\'')) {
            self.at += letters;
        }
    }

    /// Skips what makes letters bold in Markdown: `**key:** value`.
    pub(super) fn emphasis(&mut self) {
        if self.rest().starts_with(b"**") {
            self.at += 2;
        }
    }

    /// Skips the star that ends what one star makes bold in the markup of chats and tickets:
    /// `*key:* value`.
    pub(super) fn star(&mut self, key: &Range<usize>) {
        let opened = key.start.checked_sub(1).and_then(|at| self.text.get(at)) == Some(&b'*');
        if opened && self.rest().starts_with(b"* ") {
            self.at += 1;
        }
    }

    /// Skips what stands before a value and says what it is: the type that PHP prints,
    /// the opening of CDATA, the header of a YAML block.
    pub(super) fn opening(&mut self, sign: Sign) {
        let rest = self.rest();
        if rest.starts_with(b"string(") {
            let digits = rest.iter().skip(7).take(12).take_while(|b| b.is_ascii_digit()).count();
            if rest.get(7 + digits..).is_some_and(|rest| rest.starts_with(b") ")) {
                self.at += digits + 9;
            }
        } else if sign == Sign::Element && rest.starts_with(CDATA) {
            self.at += CDATA.len();
        } else if sign == Sign::Element
            && let Some(len) = value_tag(rest)
        {
            self.at += len;
        } else if let (Sign::Colon, [b'|' | b'>', more @ ..]) = (sign, rest) {
            let marks = more.iter().take(2).take_while(|b| b"+-123456789".contains(b)).count();
            let gap = more.get(marks..).and_then(break_len);
            self.at += gap.map_or(0, |gap| 1 + marks + gap);
        }
    }

    /// The string in quotes that begins here, and how many backslashes its quotes have.
    pub(super) fn string(&self) -> Option<(Range<usize>, usize)> {
        let (depth, _) = self.quote()?;
        Some((self.string_of(depth)?, depth))
    }

    /// The same, if they have `depth` of them.
    pub(super) fn string_of(&self, depth: usize) -> Option<Range<usize>> {
        let (_, quote) = self.quote().filter(|quote| quote.0 == depth)?;
        let start = self.at + depth + 1;
        Some(start..closing_quote(self.text, start, depth, quote))
    }

    /// The backslashes before a quote here, and the quote.
    pub(super) fn quote(&self) -> Option<(usize, u8)> {
        let depth = self.rest().iter().take_while(|&&byte| byte == b'\\').take(64).count();
        match self.rest().get(depth) {
            Some(&quote @ (b'"' | b'\'' | b'`')) => Some((depth, quote)),
            _ => None,
        }
    }

    /// What ties a value to the key that ends here; leaves the cursor behind it.
    pub(super) fn sign(mut self, key: &Range<usize>) -> Option<(Sign, Self, Option<usize>)> {
        let key_quote = self.quote();
        if let Some((depth, _)) = key_quote {
            self.at += depth + 1;
        }
        self.curly_quote();
        self.visibility();
        let closes = self.brackets(key);
        let key_quote = key_quote.or_else(|| self.selected(key));
        let depth = key_quote.map(|quote| quote.0);
        self.emphasis();
        let behind_key = self.at;
        if key_quote.is_some() && self.form_part(key) {
            return Some((Sign::Equals, self, None));
        }
        let blanks = self.blanks();
        let sign = match self.rest() {
            [b'=', b'>', ..] => self.skip(2, Sign::Colon),
            [b'=', b'=', b'=', ..] => self.skip(3, Sign::SpacedEquals),
            [b'=' | b':', b'=', ..] => self.skip(2, Sign::SpacedEquals),
            [b'=', b'(', ..] if self.text.get(..key.start)?.ends_with(b"def ") => return None,
            [b'=', next, ..] => {
                let spaced = 0 < blanks || matches!(next, b' ' | b'\t');
                self.skip(1, if spaced { Sign::SpacedEquals } else { Sign::Equals })
            }
            // CEF writes the sign in a value so.
            [b'\\', b'=', ..] => self.skip(2, Sign::Equals),
            [b':', ..] => self.colon_sign(key, key_quote, blanks)?,
            // Behind a quote or a bracket it is the type of a function.
            [b'-', b'>', ..] if 0 < blanks && behind_key == key.end => self.skip(2, Sign::Colon),
            // Below an argument that is a call stands another argument: a message.
            [b',', b'\n' | b'\r', ..] if key_quote.is_some() && closes => return None,
            [b',', ..] if key_quote.is_some() => {
                self.at += 1;
                self.behind_comma(key, depth)?
            }
            [b'}', b',', ..] if key_quote.is_some() => self.behind_object(key, depth)?,
            // `postgres://<user>:<password>@host`, `use <password> and <token>`
            [b'>', b'@' | b' ' | b'.' | b',', ..] if !self.is_closed_tag() => return None,
            // The end of a type, or of what stands for a value.
            [b'>', b'>' | b']' | b'(' | b')' | b';' | b'"' | b'\'' | b'`', ..]
                if !self.is_closed_by(key) =>
            {
                return None;
            }
            [b'>', ..] if is_element(self.text, key) || is_named(self.text, key, depth) => {
                self.skip(1, Sign::Element)
            }
            rest if is_yaml_name(self.text, key, depth)
                && let Some(len) = yaml_value_len(rest) =>
            {
                self.skip(len, Sign::Colon)
            }
            _ if let Some(sign) = self.rare_sign(key, key_quote, blanks) => sign,
            _ if 0 < blanks && is_element(self.text, key) => self.element()?,
            _ if 0 < blanks && key_quote.is_some() => self.behind_quote(key_quote)?,
            _ if key_quote.is_none() && 0 < blanks && takes_next(self.text, key) => Sign::Flag,
            [b'"', ..] if 0 < blanks && takes_string(self.text, key) => Sign::Colon,
            _ if behind_key == key.end && self.is_same_line(behind_key, blanks) => {
                match self.prose_sign() {
                    true => Sign::Stated,
                    false => Sign::Prose,
                }
            }
            _ => return None,
        };
        Some((sign, self, depth))
    }

    /// Skips brackets that close around the key; whether a round one is among them.
    fn brackets(&mut self, key: &Range<usize>) -> bool {
        let mut closes = false;
        while let Some(byte @ (b']' | b')')) = self.peek() {
            closes |= byte == b')';
            self.at += 1;
        }
        // `$ENV{KEY} = "x"`
        if self.rest().starts_with(b"} =") && is_opened(self.text, key) {
            self.at += 1;
        }
        closes
    }

    /// Whether blanks of a line were skipped, and something follows them that is no
    /// separator.
    fn is_same_line(&self, behind_key: usize, blanks: usize) -> bool {
        let skipped = self.text.get(behind_key..self.at).unwrap_or_default();
        0 < blanks
            && skipped.len() == blanks
            && skipped.iter().all(|byte| matches!(byte, b' ' | b'\t'))
            && !matches!(self.peek(), Some(b'|' | b',' | b')'))
    }

    /// Whether a tag is closed soon behind the one here.
    fn is_closed_tag(&self) -> bool {
        let rest = self.rest();
        memchr::memmem::find(rest.get(..ATTRIBUTES_MAX).unwrap_or(rest), b"</").is_some()
    }

    /// Whether the tag of this name is closed soon.
    fn is_closed_by(&self, key: &Range<usize>) -> bool {
        let rest = self.rest().get(..ATTRIBUTES_MAX).unwrap_or(self.rest());
        let name = self.text.get(key.clone()).unwrap_or_default();
        memchr::memmem::find(rest, name).is_some_and(|at| {
            rest.get(..at).is_some_and(|before| before.ends_with(b"/") || before.ends_with(b":"))
        })
    }

    /// The rest of an opening tag: the value is the element's content.
    fn element(&mut self) -> Option<Sign> {
        let tag = self.rest().iter().take(ATTRIBUTES_MAX);
        let end = tag.take_while(|byte| !matches!(byte, b'<')).position(|&byte| byte == b'>')?;
        self.at += end + 1;
        Some(Sign::Element)
    }

    /// Behind a quoted key and a blank: another attribute of its tag that holds the value,
    /// or prose (`set `password` to `x``).
    fn behind_quote(&mut self, key_quote: Option<(usize, u8)>) -> Option<Sign> {
        let (depth, quote) = key_quote?;
        if quote == b'`' {
            // On the next line begins something else.
            let line = self.text.get(..self.at)?.rsplit(|byte| *byte == b'\n').next()?;
            if line.trim_ascii().is_empty() {
                return None;
            }
            self.prose_sign();
            return self.quote().map(|_| Sign::Colon);
        }
        if let Some(sign) = self.text_format(depth).or_else(|| self.filled_in(depth)) {
            return Some(sign);
        }
        for _ in 0..4 {
            if self.peek() == Some(b'>') {
                return self.value_element();
            }
            let of_name = |byte: &&u8| is_key_byte(**byte) || **byte == b':';
            let name = self.rest().iter().take_while(of_name).count();
            let name_at = self.at..self.at + name;
            self.at = name_at.end;
            self.blanks();
            if name == 0 || self.peek() != Some(b'=') {
                return None;
            }
            self.at += 1;
            self.blanks();
            let name = self.text.get(name_at)?.rsplit(|byte| *byte == b':').next()?;
            if is_value_name(name) {
                return Some(Sign::Colon);
            }
            let (value_depth, quote) = self.quote().filter(|quote| quote.0 == depth)?;
            let start = self.at + value_depth + 1;
            self.at = closing_quote(self.text, start, value_depth, quote) + value_depth + 1;
            self.blanks();
        }
        None
    }

    /// `name="key"` of a part of a form (RFC 7578), the rest of its headers, and the blank
    /// line behind them.
    fn form_part(&mut self, key: &Range<usize>) -> bool {
        let before = self.text.get(..key.start).unwrap_or_default();
        let before = before.strip_suffix(b"\"").unwrap_or(before);
        let before = before.strip_suffix(b"\\").unwrap_or(before);
        if !before.ends_with(b"name=") {
            return false;
        }
        let mut at = self.at;
        for _ in 0..HEADERS_MAX {
            let rest = self.text.get(at..).unwrap_or_default();
            let Some(line) = break_len(rest) else { return false };
            if let Some(blank) = rest.get(line..).and_then(break_len) {
                self.at = at + line + blank;
                return true;
            }
            let header = rest.get(line..).unwrap_or_default();
            let len = header.iter().take(256).take_while(|b| !matches!(b, b'\r' | b'\n' | b'\\'));
            at += line + len.count();
        }
        false
    }

    pub(super) fn skip(&mut self, bytes: usize, sign: Sign) -> Sign {
        self.at += bytes;
        sign
    }

    /// The name of a member of JSON here; leaves the cursor behind its colon.
    pub(super) fn member_name(&mut self, depth: usize) -> Option<&'t [u8]> {
        let Range { start, end } = self.string_of(depth)?;
        let mut cursor = Cursor { text: self.text, at: end + depth + 1 };
        cursor.blanks();
        if cursor.peek() != Some(b':') {
            return None;
        }
        self.at = cursor.at + 1;
        self.text.get(start..end)
    }

    /// Skips `is`, `was`, `for root is`, ….
    fn prose_sign(&mut self) -> bool {
        const WORDS: [&[u8]; 17] = [
            // What MySQL and OpenAI write.
            b"is generated for root@localhost: ",
            b"provided: ",
            // German, Spanish, French.
            b"ist ",
            b"lautet ",
            b"es ",
            b"est ",
            b"is set to ",
            b"is now ",
            b"is: ",
            b"is ",
            b"was set to ",
            b"was changed to ",
            b"was ",
            b"has been set to ",
            b"changed to ",
            b"set to ",
            b"to ",
        ];
        let words_at = |rest: &[u8]| {
            let says = |word: &&&[u8]| {
                rest.get(..word.len()).is_some_and(|rest| rest.eq_ignore_ascii_case(word))
            };
            WORDS.iter().find(says).map(|word| word.len())
        };
        // Whose it is: one or two words.
        let mut whose = 0;
        if self.rest().starts_with(b"for ") {
            let rest = self.rest().get(..48).unwrap_or(self.rest());
            let blanks = memchr::memchr_iter(b' ', rest).skip(1).take(2).map(|at| at + 1);
            let is = |at: &usize| rest.get(*at..).is_some_and(|rest| rest.starts_with(b"is "));
            let Some(at) = blanks.into_iter().find(is) else { return false };
            whose = at;
        }
        match self.rest().get(whose..).and_then(words_at) {
            Some(len) => {
                self.at += whose + len;
                // `le mot de passe est : x`
                self.at += if self.rest().starts_with(b": ") { 2 } else { 0 };
                true
            }
            None => {
                if self.rest().starts_with(b"as ") {
                    self.at += 3;
                }
                false
            }
        }
    }
}

/// What CDATA opens with (XML 1.0 §2.7).
const CDATA: &[u8] = b"<![CDATA[";

/// Headers of a part of a form.
const HEADERS_MAX: usize = 4;

/// How long the attributes of a tag may be.
const ATTRIBUTES_MAX: usize = 512;

/// `<key`, `<ns:key`
pub(super) fn is_element(text: &[u8], key: &Range<usize>) -> bool {
    let before = text.get(key.start.saturating_sub(32)..key.start).unwrap_or_default();
    let name = before.iter().rev().take_while(|&&byte| is_key_byte(byte) || byte == b':').count();
    let outside = before.get(..before.len() - name).unwrap_or_default();
    // A named group of a regular expression is none: `(?<secret>`, `(?P<secret>`.
    matches!(outside, [.., b'<']) && !outside.ends_with(b"(?<") && !outside.ends_with(b"(?P<")
}

/// `name="key"`, in which the key is the value of an attribute.
fn is_named(text: &[u8], key: &Range<usize>, depth: Option<usize>) -> bool {
    let quote = depth.map_or(0, |depth| depth + 1);
    let sign = key.start.checked_sub(quote + 1).and_then(|i| text.get(i));
    0 < quote && sign == Some(&b'=')
}

/// Where the string ends that began at `start` behind a quote with `depth`
/// backslashes: at a quote of the same depth, or of one further out.
///
/// A quote inside it has more backslashes; and as every backslash inside is itself
/// written with `depth + 1` of them, what counts is the remainder.
pub(in crate::scrub) fn closing_quote(text: &[u8], start: usize, depth: usize, quote: u8) -> usize {
    let unit = (depth + 1).saturating_mul(2);
    let limit = text.len().min(start.saturating_add(VALUE_MAX));
    let body = text.get(start..limit).unwrap_or_default();
    let mut doubled = usize::MAX;
    for at in memchr::memchr_iter(quote, body) {
        if at == doubled {
            continue;
        }
        let before = body.get(..at).unwrap_or_default();
        let slashes = before.iter().rev().take_while(|&&byte| byte == b'\\').count();
        if slashes < depth {
            return start + at - slashes;
        }
        // SQL and YAML write a quote inside single quotes twice.
        if quote == b'\'' && slashes == 0 && 0 < at && body.get(at + 1) == Some(&quote) {
            doubled = at + 1;
            continue;
        }
        if slashes % unit == depth {
            return start + at - depth;
        }
    }
    text.len()
}

/// Whether the value is the next word: behind a flag, or behind a command that sets it.
fn takes_next(text: &[u8], key: &Range<usize>) -> bool {
    is_flag(text, key) || is_set(text, key)
}

/// Whether a brace opens right before the name, or before the quote around it.
fn is_opened(text: &[u8], key: &Range<usize>) -> bool {
    let before = text.get(..key.start).unwrap_or_default();
    matches!(before, [.., b'{'] | [.., b'{', b'"' | b'\''])
}

/// Whether hyphens stand before the name.
fn is_flag(text: &[u8], key: &Range<usize>) -> bool {
    let mut before = text.get(..key.start).unwrap_or_default().iter().rev();
    let hyphens = before.by_ref().take_while(|&&byte| byte == b'-').count();
    let outside = text.get(..key.start.saturating_sub(hyphens)).and_then(<[u8]>::last);
    0 < hyphens && !outside.is_some_and(u8::is_ascii_alphanumeric)
}
