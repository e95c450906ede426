//! Values that stand beside the name of their key: in the next member of a record, in the
//! second place of a pair, in an argument or an option that says so.

use std::ops::Range;

use crate::scrub::detector::assign::Sign;
use crate::scrub::detector::assign::cursor::Cursor;
use crate::scrub::detector::assign::record::is_name_name;
use crate::scrub::detector::assign::record::is_value_name;
use crate::scrub::detector::assign::record::last_name;
use crate::scrub::detector::bytes::is_word;

/// How many members of a record may stand between the name of a key and its value.
const MEMBERS_MAX: usize = 5;

/// How long a scalar may be, or the name of a field, in bytes.
const NAME_MAX: usize = 40;

/// How far behind the name of a setting its default may stand, in bytes.
const ARGUMENTS_MAX: usize = 192;

impl<'t> Cursor<'t> {
    /// What ties the string behind `"key",` to the key, if anything.
    pub(super) fn behind_comma(
        &mut self,
        key: &Range<usize>,
        depth: Option<usize>,
    ) -> Option<Sign> {
        if self.default_argument(key) {
            return Some(Sign::Colon);
        }
        let named = self.pair_value(key, depth.unwrap_or_default())?;
        match named || is_pair(self.text, key, depth) {
            true => Some(Sign::Colon),
            false => Some(Sign::Pair),
        }
    }

    /// Behind `"key",`: the value is the next string (`false`), or the one named `value`
    /// (`true`), be it inside of an OTLP value.
    fn pair_value(&mut self, key: &Range<usize>, depth: usize) -> Option<bool> {
        self.blanks();
        self.string_prefix();
        let Some(mut name) = self.member_name(depth) else {
            return self.quote().filter(|quote| quote.0 == depth).map(|_| false);
        };
        let is_record = !is_value_name(name) && is_named_by_member(self.text, key, depth);
        for _ in 0..MEMBERS_MAX {
            if !is_record || is_value_name(name) {
                break;
            }
            name = self.next_member(depth)?;
        }
        if !is_value_name(name) {
            return None;
        }
        self.blanks();
        if self.peek() == Some(b'{') {
            self.at += 1;
            self.blanks();
            let name = self.member_name(depth)?;
            if !matches!(name, b"stringValue" | b"string_value") {
                return None;
            }
        }
        Some(true)
    }

    /// What ties the value beside the object whose member names the key: `{"target": {"name": "key"},
    /// "value": "x"}`.
    pub(super) fn behind_object(
        &mut self,
        key: &Range<usize>,
        depth: Option<usize>,
    ) -> Option<Sign> {
        let depth = depth.filter(|depth| is_named_by_member(self.text, key, *depth))?;
        let mut inner = Cursor { text: self.text, at: self.at + 2 };
        inner.blanks();
        let name = inner.member_name(depth).filter(|name| is_value_name(name))?;
        inner.blanks();
        inner.quote().filter(|quote| quote.0 == depth && !name.is_empty())?;
        self.at = inner.at;
        Some(Sign::Colon)
    }

    /// The strings that a change gives for the key that ends here, the old one and the new
    /// one: `"field": "key", "old": "x", "new": "y"`.
    fn changes(&mut self, key: &Range<usize>, depth: usize) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        self.at += depth + 1;
        self.blanks();
        if self.peek() != Some(b',') || !is_named_by_member(self.text, key, depth) {
            return found;
        }
        self.at += 1;
        self.blanks();
        let mut name = self.member_name(depth);
        for _ in 0..MEMBERS_MAX {
            let Some(known) = name else { break };
            self.blanks();
            if is_change_name(known)
                && let Some(value) = self.string_of(depth)
            {
                found.push(value);
            }
            name = self.next_member(depth);
        }
        found
    }

    /// Skips the value of a member, a string or a scalar; gives the name of the next one.
    fn next_member(&mut self, depth: usize) -> Option<&'t [u8]> {
        self.blanks();
        match self.quote() {
            Some(_) => self.at = self.string_of(depth)?.end + depth + 1,
            None => {
                let of_scalar = |byte: &&u8| is_word(**byte) || matches!(byte, b'.' | b'-');
                self.at += self.rest().iter().take(NAME_MAX).take_while(of_scalar).count();
            }
        }
        self.blanks();
        if self.peek() != Some(b',') {
            return None;
        }
        self.at += 1;
        self.blanks();
        self.member_name(depth)
    }

    /// What a step of a test fills a field with: `I fill in "Password" with "x"`.
    pub(super) fn filled_in(&mut self, depth: usize) -> Option<Sign> {
        const WORDS: [&[u8]; 7] =
            [b"with ", b"as ", b"to ", b"field with ", b"field as ", b"field to ", b"with value "];
        let word = WORDS.iter().find(|word| self.rest().starts_with(word))?;
        let inner = Cursor { text: self.text, at: self.at + word.len() };
        inner.quote().filter(|quote| quote.0 == depth)?;
        Some(self.skip(word.len(), Sign::Prose))
    }

    /// The option of a command that holds the value, behind the one that names the key
    /// (`--name /prod/password --value x`), or the next line of a numbered list, as Redis
    /// replies.
    pub(super) fn option(&mut self, key_quote: Option<(usize, u8)>, blanks: usize) -> Option<Sign> {
        const OPTIONS: [&[u8]; 6] = [
            b"-Value ",
            b"--value ",
            b"--value=",
            b"--secret-string ",
            b"--body ",
            b"-SecretValue ",
        ];
        if blanks == 0 {
            return None;
        }
        if let Some(option) = OPTIONS.iter().find(|option| self.rest().starts_with(option)) {
            return Some(self.skip(option.len(), Sign::Flag));
        }
        key_quote?;
        let digits = self.rest().iter().take(6).take_while(|byte| byte.is_ascii_digit()).count();
        let behind = self.rest().get(digits..)?;
        let numbered = 0 < digits && behind.starts_with(b") ");
        let mut inner = Cursor { text: self.text, at: self.at + digits + 2 };
        inner.blanks();
        let is_string = numbered && inner.quote().is_some();
        is_string.then(|| {
            self.at = inner.at;
            Sign::Colon
        })
    }

    /// The value of a pair without quotes, as Go, Scala and .NET print it:
    /// `{Name:KEY,Value:x}`, `(key,x)`, `[key, x]`.
    pub(super) fn second_of_pair(
        &mut self,
        key: &Range<usize>,
        key_quote: Option<(usize, u8)>,
    ) -> Option<Sign> {
        if key_quote.is_some() {
            return None;
        }
        let before = self.text.get(..key.start)?;
        let rest = self.rest();
        if before.ends_with(b"Name:") || before.ends_with(b"Key:") {
            let value = rest.strip_prefix(b",").unwrap_or(rest).trim_ascii_start();
            let is_value = value.starts_with(b"Value:") && value.get(6) != Some(&b',');
            return is_value.then(|| self.skip(rest.len() - value.len() + 6, Sign::Colon));
        }
        if let Some(len) = named_value_len(before, rest) {
            return Some(self.skip(len, Sign::Equals));
        }
        let open = *before.last()?;
        let close = match open {
            b'(' => b')',
            b'[' => b']',
            _ => return None,
        };
        // The arguments of a call, or an index.
        let outer = before.len().checked_sub(2).and_then(|at| before.get(at));
        if outer.is_some_and(|byte| is_word(*byte) || matches!(byte, b')' | b']')) {
            return None;
        }
        let value = rest.strip_prefix(b",")?;
        let value = value.strip_prefix(b" ").unwrap_or(value);
        let of_value = |byte: &u8| byte.is_ascii_graphic() && !b",()[]{}\"'".contains(byte);
        let len = value.iter().take(256).take_while(|byte| of_value(byte)).count();
        let closed = 0 < len && value.get(len) == Some(&close);
        closed.then(|| self.skip(rest.len() - value.len(), Sign::Prose))
    }

    /// The argument of a call that is what a setting is by default, behind the one that names
    /// the setting: `add_argument("--password", default="x")`, `env("SECRET", default="x")`.
    fn default_argument(&mut self, key: &Range<usize>) -> bool {
        let before = self.text.get(..key.start).unwrap_or_default();
        let is_of_call = |byte: &&u8| !matches!(byte, b'"' | b'\'' | b'-' | b'\\');
        if before.iter().rev().find(is_of_call) != Some(&b'(') {
            return false;
        }
        let rest = self.rest().get(..ARGUMENTS_MAX).unwrap_or(self.rest());
        let end = memchr::memchr3(b')', b'\n', b';', rest).unwrap_or(rest.len());
        let rest = rest.get(..end).unwrap_or_default();
        [&b"default="[..], b"default=> ", b"default_value=", b"default: ", b"fallback="]
            .iter()
            .filter_map(|name| Some(memchr::memmem::find(rest, name)? + name.len()))
            .any(|skip| self.before_string(skip, Sign::Colon).is_some())
    }

    /// The field that holds the value in the text format of Protocol Buffers, behind the name
    /// of the setting: `value { string_value: "x" }`.
    pub(super) fn text_format(&mut self, depth: usize) -> Option<Sign> {
        let mut inner = Cursor { text: self.text, at: self.at };
        inner.at += inner.rest().starts_with(b"value").then_some(b"value".len())?;
        for _ in 0..2 {
            inner.at += usize::from(inner.peek() == Some(b':'));
            inner.blanks();
            if inner.peek() == Some(b'{') {
                inner.at += 1;
                inner.blanks();
                let field = inner.rest().iter().take(NAME_MAX).take_while(|byte| is_word(**byte));
                inner.at += field.count();
            }
        }
        inner.quote().filter(|quote| quote.0 == depth)?;
        self.at = inner.at;
        Some(Sign::Colon)
    }
}

/// The strings that a record of a change gives for the key at `key`.
pub(in crate::scrub) fn changes(text: &[u8], key: &Range<usize>) -> Vec<Range<usize>> {
    let mut cursor = Cursor { text, at: key.end };
    match cursor.quote() {
        Some((depth, b'"' | b'\'')) => cursor.changes(key, depth),
        _ => Vec::new(),
    }
}

/// The length of what leads from the value of a parameter that holds names to the value of the
/// one that holds the value: `name=KEY,value=x`, `Key=KEY; Value=x`.
fn named_value_len(before: &[u8], rest: &[u8]) -> Option<usize> {
    const NAMES: [&[u8]; 4] = [b"name=", b"key=", b"Name=", b"Key="];
    if !NAMES.iter().any(|name| before.ends_with(name)) {
        return None;
    }
    let [b',' | b';', value @ ..] = rest else { return None };
    let value = value.strip_prefix(b" ").unwrap_or(value);
    let is_value = value.starts_with(b"value=") || value.starts_with(b"Value=");
    is_value.then(|| rest.len() - value.len() + b"value=".len())
}

/// Whether a member of this name holds what something was changed from, or to.
fn is_change_name(name: &[u8]) -> bool {
    const NAMES: [&[u8]; 20] = [
        b"old",
        b"new",
        b"from",
        b"to",
        b"before",
        b"after",
        b"oldvalue",
        b"newvalue",
        b"old_value",
        b"new_value",
        b"previous",
        b"current",
        b"previousvalue",
        b"currentvalue",
        b"was",
        b"now",
        b"prev",
        b"input",
        b"received",
        b"rejectedvalue",
    ];
    NAMES.iter().any(|one| name.eq_ignore_ascii_case(one))
}

/// Whether the key is the value of a member that holds names: `"name": "key"`.
fn is_named_by_member(text: &[u8], key: &Range<usize>, depth: usize) -> bool {
    // The last step of a path: `"path": "/spec/password"`.
    let of_path = |byte: &&u8| byte.is_ascii_alphanumeric() || b"/_.-~".contains(*byte);
    let before = text.get(..key.start).unwrap_or_default();
    let steps = match before.last() {
        Some(b'/') => before.iter().rev().take(NAME_MAX * 2).take_while(of_path).count(),
        _ => 0,
    };
    let before = before.get(..before.len().saturating_sub(steps + depth + 1)).unwrap_or_default();
    let Some(before) = before.trim_ascii_end().strip_suffix(b":") else { return false };
    let before = before.trim_ascii_end();
    let quote = before.get(..before.len().saturating_sub(depth + 1)).unwrap_or_default();
    let (name, _) = last_name(quote);
    is_name_name(name)
        || name.eq_ignore_ascii_case(b"id")
        || (0 < steps && name.eq_ignore_ascii_case(b"path"))
}

/// Whether a quoted key in a list is a flag (`"--key"`) or the first of a pair
/// (`('key',`, `[["key",`), not of a call's arguments or of a list of names.
fn is_pair(text: &[u8], key: &Range<usize>, depth: Option<usize>) -> bool {
    let before = text.get(..key.start).unwrap_or_default();
    if before.last() == Some(&b'-') {
        return true;
    }
    let quote = depth.map_or(0, |depth| depth + 1);
    let before = before.get(..before.len().saturating_sub(quote)).unwrap_or_default();
    let before = before.strip_suffix(b"b").unwrap_or(before);
    // `define( 'KEY',`
    let before = match before {
        [inner @ .., b'(', b' '] => before.get(..=inner.len()).unwrap_or(before),
        before => before,
    };
    match before {
        [b'('] | [b'[', b'['] => true,
        [.., outer, b'('] => !is_word(*outer) || sets(before),
        [.., b'[' | b',' | b' ', b'['] => {
            before.ends_with(b"[[") || before.ends_with(b"],[") || before.ends_with(b"], [")
        }
        _ => false,
    }
}

/// Whether a call is one of a setter: its second argument is the value of the first.
fn sets(before: &[u8]) -> bool {
    const SETTERS: [&[u8]; 20] = [
        b"setString(",
        b"setParameter(",
        b"setAttribute(",
        b"set_header(",
        b"add_header(",
        b"withProperty(",
        b"systemProperty(",
        b"setdefault(",
        b"define(",
        b"setProperty(",
        b".put(",
        b"setHeader(",
        b"addHeader(",
        b"setItem(",
        b"setEnv(",
        b"Setenv(",
        b"setenv(",
        b"putenv(",
        b".append(",
        b".header(",
    ];
    let is_set = before
        .strip_suffix(b"set(")
        .is_some_and(|outside| !outside.last().is_some_and(|byte| is_word(*byte)));
    is_set || SETTERS.iter().any(|setter| before.ends_with(setter))
}
