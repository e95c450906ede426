//! Values in what a language puts around them, and rare ways to tie one to its key.

use std::ops::Range;

use crate::scrub::detector::assign::Sign;
use crate::scrub::detector::assign::cursor::Cursor;
use crate::scrub::detector::assign::cursor::closing_quote;
use crate::scrub::detector::assign::lines::comment_len;
use crate::scrub::detector::bytes::is_word;

/// How many constructors may stand around a value: `Some(Secret(Text("x")))`.
const WRAPPERS_MAX: usize = 4;

/// How long a tag may be, in bytes.
const TAG_LEN_MAX: usize = 128;

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

    /// Skips an anchor or a tag of YAML before a value, and a backslash at the end of a line
    /// behind which it follows.
    pub(super) fn continued(&mut self) {
        let rest = self.rest();
        if let [b'&', name @ ..] = rest {
            let len = name.iter().take(NAME_MAX).take_while(|byte| is_word(**byte)).count();
            let behind = name.get(len..).unwrap_or_default();
            if 0 < len && matches!(behind, [b' ', next, ..] if next.is_ascii_graphic()) {
                self.at += len + 2;
            }
        } else if let [b'\\', b'\n', ..] | [b'\\', b'\r', b'\n', ..] = rest {
            self.at += 1;
            self.blanks();
        } else if let Some(len) = comment_len(rest) {
            self.at += len;
            self.blanks();
        } else if rest.starts_with(b"!!str ") || rest.starts_with(b"!!binary ") {
            self.at += memchr::memchr(b' ', rest).map_or(0, |at| at + 1);
        }
    }

    /// Skips what PHP prints of a property that is not public: `["secret":protected]=>`.
    pub(super) fn visibility(&mut self) {
        for shown in [&b":protected]"[..], b":private]"] {
            self.at += if self.rest().starts_with(shown) { shown.len() - 1 } else { 0 };
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
        if let Some(sign) = self.assigning_sign(key_quote, blanks) {
            return Some(sign);
        }
        if let Some(sign) = self.second_of_pair(key, key_quote) {
            return Some(sign);
        }
        if let Some(sign) = self.option(key_quote, blanks) {
            return Some(sign);
        }
        if let Some(sign) = self.printed_type(key, key_quote, blanks) {
            return Some(sign);
        }
        // `Password (again): x`
        if let Some(len) = aside_len(rest).filter(|_| 0 < blanks && key_quote.is_none()) {
            return Some(self.skip(len, Sign::Colon));
        }
        if let Some(sign) = self.leader() {
            return Some(sign);
        }
        // Erlang's tuples and PHP's `serialize`.
        let before = self.text.get(..key.start)?;
        let in_tuple = before.ends_with(b"{") || before.ends_with(b"{:");
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
        // A property of C#.
        const ACCESSORS: [&[u8]; 3] =
            [b"{ get; set; } =", b"{ get; init; } =", b"{ get; private set; } ="];
        if let Some(accessors) = ACCESSORS.iter().find(|one| rest.starts_with(one)) {
            return self.before_string(accessors.len(), Sign::SpacedEquals);
        }
        // A type between name and sign: Go's, Java's.
        if key_quote.is_none() && 0 < blanks {
            const TYPES: [&[u8]; 5] =
                [b"string =", b"[]byte =", b"String =", b"&str =", b"As String ="];
            if let Some(of_type) = TYPES.iter().find(|of_type| rest.starts_with(of_type)) {
                return self.before_string(of_type.len(), Sign::SpacedEquals);
            }
        }
        self.element_sign(key, key_quote, blanks)
    }

    /// An arrow; the dots that lead from one column to the next.
    fn leader(&mut self) -> Option<Sign> {
        let rest = self.rest();
        let arrows = ["\u{2192}".as_bytes(), "\u{21d2}".as_bytes(), b"==>", b"-->"];
        if let Some(arrow) = arrows.iter().find(|arrow| rest.starts_with(arrow)) {
            return Some(self.skip(arrow.len(), Sign::Colon));
        }
        if !rest.starts_with(b"...") {
            return None;
        }
        let dots = rest.iter().take(80).take_while(|byte| **byte == b'.').count();
        let colon = usize::from(rest.get(dots) == Some(&b':'));
        let sign = self.skip(dots + colon, Sign::Colon);
        // `reading /db/password ... value: x`
        let said = self.rest().strip_prefix(b" value: ").map_or(0, |_| b" value:".len());
        Some(self.skip(said, sign))
    }

    /// What Rust prints of a type that holds one string: `Password("x")`. The name of the type
    /// stands for itself, or it is a call.
    fn printed_type(
        &mut self,
        key: &Range<usize>,
        key_quote: Option<(usize, u8)>,
        blanks: usize,
    ) -> Option<Sign> {
        let is_title = self.text.get(key.start).is_some_and(u8::is_ascii_uppercase);
        if key_quote.is_some() || 0 < blanks || !is_title || self.peek() != Some(b'(') {
            return None;
        }
        let before = self.text.get(..key.start)?;
        if before.ends_with(b".") || before.ends_with(b"new ") {
            return None;
        }
        let inner = Cursor { text: self.text, at: self.at + 1 };
        let (range, depth) = inner.string()?;
        let is_closed = self.text.get(range.end + depth + 1) == Some(&b')');
        let string = self.text.get(range)?;
        let is_word = 6 <= string.len() && string.iter().all(u8::is_ascii_graphic);
        (is_word && is_closed).then(|| self.skip(1, Sign::Stated))
    }

    /// Signs before a string that few languages have: Scala's and Kotlin's pairs, R's arrow,
    /// Ruby's and JavaScript's defaults, C++'s braces, a shell's here-string, C's arrays; and
    /// LDIF's before base64.
    fn assigning_sign(&mut self, key_quote: Option<(usize, u8)>, blanks: usize) -> Option<Sign> {
        const SIGNS: [(&[u8], bool); 8] = [
            (b"->", true),
            (b"to ", true),
            (b"<-", false),
            (b"<<-", false),
            (b"||=", false),
            (b"??=", false),
            (b"+=", false),
            (b"<<<", false),
        ];
        let rest = self.rest();
        let quoted = key_quote.is_some();
        let sign =
            SIGNS.iter().find(|(sign, of_pair)| rest.starts_with(sign) && *of_pair <= quoted);
        if let Some((sign, of_pair)) = sign {
            let tied = if *of_pair { Sign::Colon } else { Sign::SpacedEquals };
            return self.before_string(sign.len(), tied);
        }
        if quoted {
            return None;
        }
        match rest {
            [b'!', b'=', b'=', ..] => self.compared(3),
            [b'!', b'=', ..] => self.compared(2),
            [b'{', ..] if blanks == 0 => self.braced(),
            [b'[', more @ ..] if blanks == 0 => {
                let digits = more.iter().take(6).take_while(|byte| byte.is_ascii_digit()).count();
                let behind = more.get(digits..)?.strip_prefix(b"]")?.trim_ascii_start();
                let is_set = behind.starts_with(b"=") && !behind.starts_with(b"==");
                let skip = rest.len() - behind.len() + 1;
                is_set.then(|| self.before_string(skip, Sign::SpacedEquals)).flatten()
            }
            [b'?', b'=', ..] => Some(self.skip(2, Sign::SpacedEquals)),
            _ => None,
        }
    }

    /// `!== "value"`: code compares names of types and modes more often, which have no digit.
    fn compared(&mut self, skip: usize) -> Option<Sign> {
        let mut inner = Cursor { text: self.text, at: self.at + skip };
        inner.blanks();
        let (range, _) = inner.string()?;
        let string = self.text.get(range)?;
        let tells = string.iter().all(u8::is_ascii_graphic)
            && string.iter().any(u8::is_ascii_digit)
            && string.iter().any(u8::is_ascii_alphabetic);
        tells.then(|| self.skip(inner.at - self.at, Sign::SpacedEquals))
    }

    /// `{"value"}`
    fn braced(&mut self) -> Option<Sign> {
        let mut inner = Cursor { text: self.text, at: self.at + 1 };
        inner.blanks();
        let (range, depth) = inner.string()?;
        let behind = self.text.get(range.end + depth + 1..)?.trim_ascii_start();
        behind.starts_with(b"}").then(|| {
            self.at = inner.at;
            Sign::SpacedEquals
        })
    }

    /// The element behind the one that names the key: Apple's property lists, Hadoop's
    /// settings.
    pub(super) fn next_element(&mut self) -> Option<Sign> {
        const CLOSING: [&[u8]; 5] = [b"</key>", b"</name>", b"</Name>", b"</Key>", b"</string>"];
        const OPENING: [&[u8]; 4] = [b"<string", b"<value", b"<Value", b"<data"];
        let closing = CLOSING.iter().find(|closing| self.rest().starts_with(closing))?;
        let mut inner = Cursor { text: self.text, at: self.at + closing.len() };
        inner.blanks();
        let mut found = None;
        // XML-RPC has the type in the value: `<value><string>`.
        while let Some(opening) = OPENING.iter().find(|opening| inner.rest().starts_with(opening)) {
            let tag = inner.rest().get(..TAG_LEN_MAX).unwrap_or(inner.rest());
            let end = memchr::memchr(b'>', tag)?;
            // A longer name.
            if tag.get(opening.len()).is_none_or(|byte| is_word(*byte)) {
                break;
            }
            inner.at += end + 1;
            found = Some(inner.at);
            inner.blanks();
        }
        self.at = found?;
        Some(Sign::Element)
    }

    /// The argument of a setter: `.setPassword("x")`, `.password("x")`.
    pub(super) fn argument(
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
    pub(super) fn before_string(&mut self, skip: usize, sign: Sign) -> Option<Sign> {
        let mut inner = Cursor { text: self.text, at: self.at + skip };
        inner.blanks();
        inner.quote()?;
        self.at = inner.at;
        Some(sign)
    }
}

/// Where the bracket of a list stands whose type is written before it: `[]string{`,
/// `new String[] {`, `vec![`; or of one in braces, `{"a", "b"}`.
pub(in crate::scrub) fn list_start(text: &[u8], at: usize) -> Option<usize> {
    const TYPES: [&[u8]; 13] = [
        b"new String[] {",
        b"new string[] {",
        b"new[] {",
        b"[]string{",
        b"[]interface {}{",
        b"[]interface{}{",
        b"[]any{",
        b"[][]byte{",
        b"&[]string{",
        b"new String[]{",
        b"new string[]{",
        b"new[]{",
        b"vec![",
    ];
    let rest = text.get(at..text.len().min(at + NAME_MAX))?;
    if let Some(of_type) = TYPES.iter().find(|of_type| rest.starts_with(of_type)) {
        return Some(at + of_type.len() - 1);
    }
    let mut cursor = Cursor { text, at: at + 1 };
    cursor.blanks();
    let (depth, quote) = cursor.quote().filter(|_| rest.starts_with(b"{"))?;
    let end = closing_quote(text, cursor.at + depth + 1, depth, quote);
    let mut behind = Cursor { text, at: end + depth + 1 };
    behind.blanks();
    matches!(behind.peek(), Some(b',' | b'}')).then_some(at)
}

/// The length of what is said aside of a name, and of the sign behind it: `(again): `.
fn aside_len(rest: &[u8]) -> Option<usize> {
    const ASIDE_MAX: usize = 24;
    let inner = rest.strip_prefix(b"(")?;
    let of_words = |byte: &&u8| byte.is_ascii_alphanumeric() || b" -_./".contains(*byte);
    let len = inner.iter().take(ASIDE_MAX).take_while(of_words).count();
    let behind = inner.get(len..)?;
    (0 < len && (behind.starts_with(b"): ") || behind.starts_with(b") = "))).then_some(len + 4)
}

/// How long what a value is wrapped in is, if `rest` begins with it.
fn wrapper(rest: &[u8]) -> Option<usize> {
    const BEFORE: [&[u8]; 14] = [
        b"$\"",
        b"Just ",
        b"!secret ",
        b"(Just ",
        b"Some ",
        b"<<",
        b"new ",
        b"[]byte(",
        b"[]rune(",
        b"(ConvertTo-SecureString ",
        b"ConvertTo-SecureString ",
        b"-String ",
        b"-AsPlainText ",
        b"-Force ",
    ];
    for before in BEFORE {
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
    // `String.new("x")`, `Secret.of("x")`
    let makes =
        MAKERS.iter().find(|maker| rest.get(len..).is_some_and(|rest| rest.starts_with(maker)));
    if let Some(maker) = makes.filter(|_| is_constructor(name)) {
        return Some(len + maker.len());
    }
    let opens = match rest.get(len) {
        Some(b'[') => name == b"Optional",
        sign => sign == Some(&b'('),
    };
    (opens && is_constructor(name)).then_some(len + 1)
}

/// Methods of a type that make a value of the string that they get.
const MAKERS: [&[u8]; 9] = [
    b".new(",
    b".of(",
    b".from(",
    b".create(",
    b".valueOf(",
    b".wrap(",
    b".fromString(",
    b".From(",
    b".Create(",
];

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
    (is_type && !elsewhere) || FUNCTIONS.iter().any(|one| one.eq_ignore_ascii_case(name))
}

/// Functions of SQL that get a password as it is (MySQL, PostgreSQL's pgcrypto).
const FUNCTIONS: [&[u8]; 9] = [
    b"password",
    b"old_password",
    b"sha",
    b"sha1",
    b"sha2",
    b"md5",
    b"crypt",
    b"encrypt",
    b"aes_encrypt",
];

/// Whether `rest` begins with a typographic quotation mark: U+2018, U+2019, U+201C to
/// U+201E, U+00AB, U+00BB.
fn is_curly(rest: &[u8]) -> bool {
    matches!(rest, [0xe2, 0x80, 0x98 | 0x99 | 0x9c..=0x9e, ..] | [0xc2, 0xab | 0xbb, ..])
}
