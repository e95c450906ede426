//! What stands between a telling name and a value that no known sign ties to it: signs, and
//! the words of a sentence.

use crate::scrub::detector::bytes::ByteSet;
use crate::scrub::detector::decode::break_len;

/// How many plain words may stand between.
const WORDS_MAX: usize = 9;

/// How long a plain word is at most, in bytes.
const WORD_LEN_MAX: usize = 16;

/// Signs that tie a value to its name.
const SIGNS: ByteSet = ByteSet::of(b"=:|~+!?<>-");

/// What opens something around a value.
const OPENING: ByteSet = ByteSet::of(b"\"'`([{<*_|$");

/// What CDATA opens with (XML 1.0 §2.7).
const CDATA: &[u8] = b"<![CDATA[";

/// Words that tie what follows to what was said before.
const TIES: [&[u8]; 15] = [
    b"is", b"was", b"are", b"be", b"equals", b"eq", b"to", b"value", b"val", b"default", b"got",
    b"literal", b"as", b"est", b"es",
];

/// Words that claim what stands right behind them.
const CLAIMS: [&[u8]; 56] = [
    b"id",
    b"ids",
    b"uid",
    b"uuid",
    b"guid",
    b"sha",
    b"digest",
    b"hash",
    b"checksum",
    b"etag",
    b"commit",
    b"revision",
    b"rev",
    b"ref",
    b"request",
    b"trace",
    b"span",
    b"correlation",
    b"fingerprint",
    b"thumbprint",
    b"serial",
    b"kid",
    b"pod",
    b"container",
    b"image",
    b"host",
    b"file",
    b"path",
    b"version",
    b"build",
    b"job",
    b"bucket",
    b"object",
    b"integrity",
    b"nonce",
    b"public",
    b"user",
    b"username",
    b"login",
    b"name",
    b"email",
    b"port",
    b"url",
    b"database",
    b"db",
    b"client",
    b"role",
    b"hashed",
    b"hashes",
    b"scheme",
    b"algorithm",
    b"policy",
    b"accessor",
    b"field",
    b"not",
    b"must",
];

/// Words behind which stands something else, but for a colon right behind them.
const PREPOSITIONS: [&[u8]; 9] =
    [b"using", b"with", b"via", b"by", b"at", b"in", b"on", b"from", b"for"];

/// A place behind a name, and what was read up to there.
pub(in crate::scrub) struct Between<'t> {
    text: &'t [u8],
    /// Where it is looked at.
    pub(in crate::scrub) at: usize,
    start: usize,
    end: usize,
    /// Whether a sign or a word says that a value follows.
    pub(in crate::scrub) tied: bool,
    /// Whether it stands right before the place.
    pub(in crate::scrub) tied_last: bool,
    /// Whether a line ends between.
    pub(in crate::scrub) breaks: bool,
    /// How many plain words stand between.
    pub(in crate::scrub) words: usize,
    is_claimed: bool,
    by_preposition: bool,
    /// Whether the word that was read last is `from`.
    from: bool,
}

impl<'t> Between<'t> {
    /// Behind a name that ends at `start`; its value begins within `reach` bytes.
    pub(in crate::scrub) fn new(text: &'t [u8], start: usize, reach: usize) -> Self {
        let end = text.len().min(start + reach);
        Self {
            text,
            at: start,
            start,
            end,
            tied: false,
            tied_last: false,
            breaks: false,
            words: 0,
            is_claimed: false,
            by_preposition: false,
            from: false,
        }
    }

    fn rest(&self) -> &'t [u8] {
        self.text.get(self.at..self.end).unwrap_or_default()
    }

    /// Goes on to the first word that is not plain.
    pub(in crate::scrub) fn value(mut self) -> Option<Self> {
        self.begin()?;
        loop {
            let rest = self.rest();
            let (byte, next) = (*rest.first()?, rest.get(1).copied());
            if self.line_end(rest)? {
                continue;
            }
            match byte {
                b' ' | b'\t' | b')' | b']' | b'}' => self.at += 1,
                b'$' if !matches!(next, Some(b'"' | b'\'')) => break,
                b'<' if rest.starts_with(CDATA) => self.tie(CDATA.len()),
                b'-' if is_operator(rest) => self.tie(memchr::memchr(b' ', rest)?),
                b'.' if next == Some(b' ') && self.at <= self.start + 2 => self.tie(1),
                b'.' if self.at <= self.start + 2 => self.tie(compared_len(rest)?),
                b'/' if next == Some(b' ') && 0 < self.words => self.tie(1),
                // What is secret in a URL has rules of its own.
                b':' if rest.starts_with(b"://") => return None,
                // `expected number, received x`
                b',' if received_len(rest).is_some() => self.tie(received_len(rest)?),
                byte if is_sign(byte, next) => {
                    // `the password you asked for: x`
                    self.is_claimed &= byte != b':' || !self.by_preposition;
                    self.tie(1);
                }
                b'\\' if matches!(next, Some(b'"' | b'\'' | b'\\')) => self.at += 1,
                byte if OPENING.has(byte) => self.at += 1,
                _ => {
                    if let Some(len) = sign_len(rest) {
                        self.tie(len);
                    } else if !self.word(rest)? && !self.old_value(rest) {
                        break;
                    }
                }
            }
        }
        (!self.is_claimed).then_some(self)
    }

    /// Looks at what stands right behind the name: parts of longer names and of URLs, types
    /// and lists have none of these values.
    fn begin(&mut self) -> Option<()> {
        match self.rest() {
            [b':', b':', ..] => None,
            [b'.', ..] => compared_len(self.rest()).map(|_| ()),
            [b'#' | b'@' | b'/' | b'+' | b'%' | b'&' | b'[' | b'$', ..] => None,
            [b'-', b'>', next, ..] if *next != b' ' => None,
            [b'-' | b'?' | b'!' | b'~', next, ..] if !matches!(next, b' ' | b'=' | b'>') => None,
            [b'(', next, ..] if !matches!(next, b'"' | b'\'' | b'\\') => None,
            [b',' | b';' | b'\n' | b'\r', more @ ..] => self.named_value(more),
            [b'"' | b'\'', b',' | b';', more @ ..] => self.named_value(more),
            [b'\\', b'n', more @ ..] => self.named_value(more),
            [] => None,
            _ => Some(()),
        }
    }

    /// `, value: x`, `, default=x` behind the name.
    fn named_value(&mut self, more: &[u8]) -> Option<()> {
        const NAMES: [&[u8]; 3] = [b"value", b"val", b"default"];
        let inner = more.trim_ascii_start();
        let is_named = |name: &&[u8]| {
            inner.get(..name.len()).is_some_and(|word| word.eq_ignore_ascii_case(name))
                && matches!(inner.get(name.len()), Some(b':' | b'='))
        };
        NAMES.iter().any(is_named).then(|| self.at = self.end - inner.len())
    }

    fn tie(&mut self, len: usize) {
        self.at += len;
        self.tied = true;
        self.tied_last = true;
    }

    /// Goes behind the end of a line, and behind a line of strokes; `false`: none ends here.
    fn line_end(&mut self, rest: &[u8]) -> Option<bool> {
        let Some(len) = break_len(rest) else { return Some(false) };
        self.at += len;
        let line = self.rest();
        let strokes = line.iter().take_while(|byte| matches!(byte, b'-' | b'=')).count();
        if 3 <= strokes {
            self.at += strokes;
            self.at += break_len(self.rest())?;
        } else if !self.tied_last {
            return None;
        }
        self.breaks = true;
        Some(true)
    }

    /// Takes the old value behind `from`: the new one follows.
    fn old_value(&mut self, rest: &[u8]) -> bool {
        let len = rest.iter().take_while(|byte| byte.is_ascii_graphic()).count();
        let is_changed = self.from && rest.get(len..).is_some_and(|more| more.starts_with(b" to "));
        self.at += if is_changed { len } else { 0 };
        self.from = false;
        is_changed
    }

    /// Takes a plain word. `false`: it is none; `None`: the sentence says something else.
    fn word(&mut self, rest: &[u8]) -> Option<bool> {
        let of_word =
            |byte: &&u8| byte.is_ascii_alphabetic() || b"'_".contains(*byte) || !byte.is_ascii();
        let len = rest.iter().take_while(of_word).count();
        let ends = match rest.get(len) {
            None => true,
            // `Some(x)`, `q(x)`; `{plain}x`
            Some(b'(') => is_wrapper(rest.get(..len).unwrap_or_default()),
            Some(b',') => received_len(rest.get(len..).unwrap_or_default()).is_some(),
            Some(byte) => b" :=>\"')}/".contains(byte),
        };
        if let Some(file) = file_len(rest) {
            self.words += 1;
            self.is_claimed = false;
            (self.by_preposition, self.tied_last) = (true, false);
            self.at += file;
            return Some(true);
        }
        let hyphen =
            matches!(rest.get(len..), Some([b'-', next, ..]) if next.is_ascii_alphabetic());
        if len == 0 || WORD_LEN_MAX < len || self.breaks || !(ends || hyphen) {
            return Some(false);
        }
        let word = rest.get(..len).unwrap_or_default().to_ascii_lowercase();
        // `from json_credentials import isP12Credentials`
        if word == b"import" {
            return None;
        }
        self.words += 1;
        if WORDS_MAX < self.words {
            return None;
        }
        self.by_preposition = PREPOSITIONS.contains(&word.as_slice());
        self.is_claimed =
            self.by_preposition || CLAIMS.contains(&word.as_slice()) || word.ends_with(b"id");
        self.tied_last = TIES.contains(&word.as_slice());
        self.tied |= self.tied_last;
        self.from = word == b"from";
        self.at += len + usize::from(hyphen);
        Some(true)
    }
}

/// The length of the words behind what was expected: `, received `.
fn received_len(rest: &[u8]) -> Option<usize> {
    const WORDS: [&[u8]; 5] = [b", received ", b", got ", b", but got ", b", found ", b", was "];
    WORDS.iter().find(|words| rest.starts_with(words)).map(|words| words.len())
}

/// The length of the name of a file in which something was found: `config.yml: `.
fn file_len(rest: &[u8]) -> Option<usize> {
    let of_file = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_-./".contains(*byte);
    let len = rest.iter().take(48).take_while(of_file).count();
    let name = rest.get(..len)?;
    let dot = name.iter().rposition(|byte| *byte == b'.')?;
    let extension = name.get(dot + 1..)?;
    let ends = matches!(rest.get(len..), Some([b':' | b' ', ..]));
    ((2..=5).contains(&extension.len()) && extension.iter().all(u8::is_ascii_lowercase) && ends)
        .then_some(len)
}

/// Whether a sign that stands in words, too, stands by itself.
fn is_sign(byte: u8, next: Option<u8>) -> bool {
    let by_itself = matches!(next, Some(b' ' | b'=' | b'>' | b'-' | b'"' | b'\''));
    SIGNS.has(byte) && (by_itself || !matches!(byte, b'-' | b'!' | b'~' | b'+'))
}

/// Whether what stands before a bracket makes a value of what is in it, as types do: it is
/// written as one, or as Perl and Ruby quote.
fn is_wrapper(name: &[u8]) -> bool {
    let is_type =
        matches!(name, [b'A'..=b'Z', rest @ ..] if rest.iter().any(u8::is_ascii_lowercase));
    is_type || matches!(name, b"q" | b"qq" | b"qw")
}

/// The length of a call that compares a value with a string: `.equals("`, `).toBe('`.
fn compared_len(rest: &[u8]) -> Option<usize> {
    const CALLS: [&[u8]; 12] = [
        b".equals(",
        b".toBe(",
        b".toEqual(",
        b".toStrictEqual(",
        b".isEqualTo(",
        b".eq(",
        b".eql(",
        b".equal(",
        b".to.equal(",
        b".to.eq(",
        b".Equals(",
        b".equalsIgnoreCase(",
    ];
    let call = CALLS.iter().find(|call| rest.starts_with(call))?;
    matches!(rest.get(call.len()), Some(b'"' | b'\'' | b'`' | b'\\')).then_some(call.len())
}

/// `-eq `, `-ne `, `-ceq `: operators of shells.
fn is_operator(rest: &[u8]) -> bool {
    const OPERATORS: [&[u8]; 6] = [b"-eq ", b"-ne ", b"-ceq ", b"-ieq ", b"-like ", b"-cne "];
    OPERATORS.iter().any(|operator| rest.starts_with(operator))
}

/// The length of a sign outside ASCII: an arrow, a dash, a colon of other scripts.
fn sign_len(rest: &[u8]) -> Option<usize> {
    const SIGNS: [&str; 14] =
        ["→", "⇒", "»", "«", "–", "—", "：", "＝", "│", "“", "”", "„", "‘", "\u{a0}"];
    SIGNS.iter().find(|sign| rest.starts_with(sign.as_bytes())).map(|sign| sign.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_read_behind_signs_and_plain_words() {
        for (text, value, tied) in [
            ("password was: x1", Some("x1"), true),
            ("password ~ x1", Some("x1"), true),
            ("password of the old box is x1", Some("x1"), true),
            ("password you asked for: x1", Some("x1"), true),
            ("password: Some(\"x1\")", Some("x1\")"), true),
            ("password <![CDATA[x1]]>", Some("x1]]>"), true),
            ("password)).toBe('x1')", Some("x1')"), true),
            ("password).toBe('x1')", Some("x1')"), true),
            ("password, value: x1", Some("x1"), true),
            ("password\n---\nx1", None, false),
            ("password from old1 to x1", Some("x1"), true),
            ("password x1", Some("x1"), false),
            ("password for x1", None, false),
            ("password import x1", None, false),
            ("password digest: x1", None, false),
            ("password::x1", None, false),
            ("password/x1", None, false),
            ("password one two three four five six seven eight nine ten x1", None, false),
            ("password\nnext x1", None, false),
        ] {
            let found = Between::new(text.as_bytes(), "password".len(), 96).value();
            let rest = found.as_ref().map(|found| &text[found.at..]);
            assert_eq!(rest, value, "{text}");
            assert_eq!(found.is_some_and(|found| found.tied), tied, "{text}");
        }
    }
}
