//! Values in a record of their own: before their key, `{"value": "x", "name": "key"}`, as
//! JSON, XML, SQL or YAML, or in the object under it, `{"key": {"value": "x"}}`.

use std::ops::Range;

use crate::scrub::detector::assign::cursor::Cursor;
use crate::scrub::detector::assign::cursor::closing_quote;
use crate::scrub::detector::bytes::is_word;
use crate::scrub::detector::decode::break_len;

/// How long the name of a member may be, and how many attributes are read.
const NAME_MAX: usize = 40;
const ATTRIBUTES_MAX: usize = 4;

/// How far before its key a value may begin, in bytes.
const BEFORE_MAX: usize = 4096;

/// The value that stands before the key at `key` in its record, and the backslashes before
/// the quotes around it; `quote` is what stands behind the key.
pub(super) fn before(
    text: &[u8],
    key: &Range<usize>,
    quote: Option<(usize, u8)>,
) -> Option<(Range<usize>, usize)> {
    let Some((depth, quote)) = quote else {
        return line_before(text, key, 0).map(|value| (value, 0));
    };
    let value = value_before(text, key, depth, quote);
    let value = value.or_else(|| attribute_before(text, key, depth, quote));
    let value = value.or_else(|| line_before(text, key, depth + 1));
    value.map(|value| (value, depth))
}

/// Whether a member or an attribute of this name holds the value of its neighbour, or of
/// the key of its object.
pub(in crate::scrub) fn is_value_name(name: &[u8]) -> bool {
    const NAMES: [&[u8]; 13] = [
        // A string of DynamoDB.
        b"S",
        b"v",
        b"value",
        b"val",
        b"content",
        b"default",
        b"current",
        b"plain",
        b"plaintext",
        b"cleartext",
        b"ParameterValue",
        b"OutputValue",
        b"secretValue",
    ];
    NAMES.iter().any(|value| name.eq_ignore_ascii_case(value))
}

/// Whether a text begins with the name of an attribute, its sign and a quote: `placeholder="`.
pub(super) fn is_attribute(text: &[u8]) -> bool {
    let of_name = |byte: &&u8| byte.is_ascii_lowercase() || matches!(byte, b'-' | b'.');
    let len = text.iter().take(ATTRIBUTE_LEN_MAX).take_while(of_name).count();
    let sign = text.get(len..).unwrap_or_default();
    let sign = sign.strip_prefix(b"=").unwrap_or_default();
    let quote = sign.iter().find(|byte| **byte != b'\\');
    0 < len && matches!(quote, Some(b'"' | b'\''))
}

/// How long the name of an attribute is at most.
const ATTRIBUTE_LEN_MAX: usize = 32;

/// How long the tag is that begins the value of an element, with the prefix of its namespace:
/// `<value>`, `<sv:value>`.
pub(super) fn value_tag(rest: &[u8]) -> Option<usize> {
    let inner = rest.strip_prefix(b"<")?;
    let len = memchr::memchr(b'>', inner.get(..NAME_MAX).unwrap_or(inner))?;
    let name = inner.get(..len)?.rsplit(|byte| *byte == b':').next()?;
    matches!(name, b"Value" | b"value" | b"string").then_some(len + 2)
}

/// Whether a member or an attribute of this name holds the name of a setting.
pub(super) fn is_name_name(name: &[u8]) -> bool {
    [&b"name"[..], b"key", b"header", b"field", b"param", b"variable", b"label"]
        .iter()
        .any(|word| ends_with(name, word))
        || matches!(name, b"id" | b"k")
}

fn ends_with(name: &[u8], word: &[u8]) -> bool {
    name.len()
        .checked_sub(word.len())
        .and_then(|at| name.get(at..))
        .is_some_and(|end| end.eq_ignore_ascii_case(word))
}

/// The name at the end of `before`, and what stands before it.
pub(super) fn last_name(before: &[u8]) -> (&[u8], &[u8]) {
    let len = before.iter().rev().take(NAME_MAX).take_while(|byte| is_word(**byte)).count();
    let (before, name) = before.split_at(before.len() - len);
    (name, before)
}

/// The string in the member named `value` right before the one that names the key at
/// `key`, which stands behind a quote with `depth` backslashes.
fn value_before(text: &[u8], key: &Range<usize>, depth: usize, quote: u8) -> Option<Range<usize>> {
    let from = key.start.saturating_sub(BEFORE_MAX);
    // Most names in quotes are no values themselves.
    let outside = text.get(from..key.start.checked_sub(depth + 1)?)?;
    if !outside.trim_ascii_end().ends_with(b":") {
        return None;
    }
    let quote = [vec![b'\\'; depth], vec![quote]].concat();
    let before = text.get(from..key.start)?.strip_suffix(quote.as_slice())?;
    let before = before.trim_ascii_end().strip_suffix(b":")?.trim_ascii_end();
    let before = before.strip_suffix(quote.as_slice())?;
    let (name, before) = last_name(before);
    let before = before.strip_suffix(quote.as_slice()).filter(|_| is_name_name(name))?;
    let end = from + before.trim_ascii_end().strip_suffix(b",")?.trim_ascii_end().len();
    let members = text.get(from..end)?;
    // What most names of values end with.
    let at = [&b"alue"[..], b"content"].iter().find_map(|last| {
        let last = [*last, &quote].concat();
        memchr::memmem::rfind(members, &last).map(|at| at + last.len() - quote.len())
    })?;
    let (name, outside) = last_name(members.get(..at)?);
    if !is_value_name(name) || !outside.ends_with(&quote) {
        return None;
    }
    let mut cursor = Cursor { text, at: from + at + quote.len() };
    cursor.blanks();
    if cursor.peek() != Some(b':') {
        return None;
    }
    cursor.at += 1;
    cursor.blanks();
    let (value_depth, sign) = cursor.quote().filter(|found| found.0 == depth)?;
    let start = cursor.at + value_depth + 1;
    let close = closing_quote(text, start, depth, sign);
    (close + depth + 1 == end && start < close).then_some(start..close)
}

/// The value of the attribute named `value` before the one that names the key, in one tag:
/// `<add value="x" key="name"/>`; or in SQL, `SET value = 'x' WHERE key = 'name'`.
fn attribute_before(
    text: &[u8],
    key: &Range<usize>,
    depth: usize,
    quote: u8,
) -> Option<Range<usize>> {
    let quote = [vec![b'\\'; depth], vec![quote]].concat();
    let from = key.start.saturating_sub(BEFORE_MAX);
    let before = text.get(from..key.start)?.strip_suffix(quote.as_slice())?;
    let before = before.trim_ascii_end().strip_suffix(b"=")?.trim_ascii_end();
    let (name, mut before) = last_name(before);
    if !is_name_name(name) {
        return None;
    }
    for _ in 0..ATTRIBUTES_MAX {
        let outer = before.trim_ascii_end();
        let (word, without) = last_name(outer);
        let joins = [&b"where"[..], b"and"].iter().any(|join| word.eq_ignore_ascii_case(join));
        let outer = if joins { without.trim_ascii_end() } else { outer };
        let outer = outer.strip_suffix(quote.as_slice())?;
        let start = memchr::memmem::rfind(outer, &quote)?;
        let value = from + start + quote.len()..from + outer.len();
        let outer = outer.get(..start)?.trim_ascii_end().strip_suffix(b"=")?.trim_ascii_end();
        let (name, outer) = last_name(outer);
        if ends_with(name, b"value") {
            return (!value.is_empty()).then_some(value);
        }
        before = outer;
    }
    None
}

/// The value in the line `value: x` right before the line `name: key` of YAML; `quote_len`
/// is how long the quote is before the key.
fn line_before(text: &[u8], key: &Range<usize>, quote_len: usize) -> Option<Range<usize>> {
    let from = key.start.saturating_sub(BEFORE_MAX);
    let before = text.get(from..key.start.checked_sub(quote_len)?)?;
    let before = before.trim_ascii_end().strip_suffix(b":")?;
    let (name, before) = last_name(before);
    if !is_name_name(name) {
        return None;
    }
    let before = without_blanks(before);
    let line = before.strip_suffix(b"\n").or(before.strip_suffix(b"\\n"))?;
    let start = memchr::memmem::rfind(line, b"value:")?;
    let outside = without_blanks(line.get(..start)?);
    let outside = without_blanks(outside.strip_suffix(b"-").unwrap_or(outside));
    if !(outside.is_empty() || outside.ends_with(b"\n") || outside.ends_with(b"\\n")) {
        return None;
    }
    let value = line.get(start + b"value:".len()..)?;
    let offset = from + line.len() - value.trim_ascii_start().len();
    let value = value.trim_ascii();
    if value.iter().any(|byte| matches!(byte, b'\n' | b'{' | b'[')) || value.is_empty() {
        return None;
    }
    let of_quote = |byte: &u8| matches!(byte, b'"' | b'\'' | b'\\');
    let front = value.iter().take_while(|byte| of_quote(byte)).count();
    let back = value.iter().rev().take_while(|byte| of_quote(byte)).count();
    (front + back < value.len()).then(|| offset + front..offset + value.len() - back)
}

/// `name: KEY` before a line `value: …`, as an environment stands in a manifest.
pub(super) fn is_yaml_name(text: &[u8], key: &Range<usize>, depth: Option<usize>) -> bool {
    let quote = depth.map_or(0, |depth| depth + 1);
    let before = text.get(..key.start.saturating_sub(quote)).unwrap_or_default();
    let before = before.trim_ascii_end();
    before.ends_with(b"name:") || before.ends_with(b"key:")
}

/// The length of the key of a value beside a name, with its sign, that a text begins with; or that
/// stands some lines below, behind other members: `description: x`.
pub(super) fn yaml_value_len(rest: &[u8]) -> Option<usize> {
    const KEYS: [&[u8]; 2] = [b"value:", b"default:"];
    let mut at = 0;
    for _ in 0..=MEMBERS_BETWEEN_MAX {
        let line = rest.get(at..)?;
        if let Some(key) = KEYS.iter().find(|key| line.starts_with(key)) {
            return Some(at + key.len());
        }
        let name = line.iter().take(NAME_MAX).take_while(|byte| is_word(**byte)).count();
        let len =
            line.iter().take(MEMBER_LEN_MAX).take_while(|byte| !matches!(byte, b'\n' | b'\\'));
        let len = len.count();
        if name == 0 || !line.get(name..)?.starts_with(b": ") {
            return None;
        }
        at += len + break_len(line.get(len..)?)?;
        // The next line has an indent, too.
        if rest.get(at - 1) != Some(&b' ') {
            return None;
        }
    }
    None
}

/// How many members stand between a name and its value at most, and how long one is.
const MEMBERS_BETWEEN_MAX: usize = 4;
const MEMBER_LEN_MAX: usize = 200;

impl Cursor<'_> {
    /// Whether a sign here begins a line, and a name stands right behind it.
    pub(super) fn begins_line(&self, name: &[u8]) -> bool {
        let before = self.text.get(..self.at).unwrap_or_default();
        let blanks = before.iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        name.first().is_some_and(u8::is_ascii_lowercase)
            && before.get(..before.len() - blanks).is_some_and(|before| before.ends_with(b"\n"))
    }

    /// The quote behind a selector of an element that the key names, `"input[name=key]"`; leaves
    /// the cursor behind it.
    pub(super) fn selected(&mut self, key: &Range<usize>) -> Option<(usize, u8)> {
        if self.at != key.end + 1 || self.text.get(key.end) != Some(&b']') {
            return None;
        }
        let before = self.text.get(..key.start)?;
        let (depth, quote) = self.quote().filter(|_| before.ends_with(b"="))?;
        let start = before.iter().rev().take(NAME_MAX).position(|byte| *byte == b'[')?;
        let name = before.get(before.len() - start..before.len() - 1)?;
        let of_name = |byte: &u8| byte.is_ascii_lowercase() || matches!(byte, b'-' | b'*' | b'^');
        name.iter().all(of_name).then(|| self.at += depth + 1)?;
        Some((depth, quote))
    }
}

fn without_blanks(text: &[u8]) -> &[u8] {
    let blanks = text.iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    text.get(..text.len() - blanks).unwrap_or_default()
}

/// How many members are read before the one that holds the value.
const MEMBERS_MAX: usize = 8;

/// The string in the member of the object at `at` that holds the value, as Terraform writes
/// its outputs and the defaults of its variables.
pub(in crate::scrub) fn member_value(text: &[u8], at: usize, depth: usize) -> Option<Range<usize>> {
    let mut cursor = Cursor { text, at: at + 1 };
    for _ in 0..MEMBERS_MAX {
        cursor.blanks();
        let name = cursor.member_name(depth)?;
        cursor.blanks();
        match cursor.quote() {
            Some(_) => {
                let value = cursor.string_of(depth)?;
                if is_value_name(name) {
                    return (!value.is_empty()).then_some(value);
                }
                cursor.at = value.end + depth + 1;
            }
            None => {
                let rest = text.get(cursor.at..)?;
                let word = rest.iter().take(16).take_while(|byte| byte.is_ascii_alphanumeric());
                cursor.at += word.count();
            }
        }
        cursor.blanks();
        if cursor.peek() != Some(b',') {
            return None;
        }
        cursor.at += 1;
    }
    None
}
