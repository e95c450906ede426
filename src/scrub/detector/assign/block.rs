//! The values in a block under a key: the lines of YAML below it that are deeper indented.
//!
//! What is read is a list or a map, to any depth, each value with the name that it stands
//! under. A block in a string of JSON has its line ends as escapes.

use std::ops::Range;

use crate::scrub::detector::assign::record::is_value_name;
use crate::scrub::detector::bytes::is_key_byte;
use crate::scrub::detector::decode::break_len;

/// How many lines are read.
const LINES_MAX: usize = 256;

/// How long a line may be, in bytes.
const LINE_LEN_MAX: usize = 1 << 14;

/// How far before a key the beginning of its line may be.
const INDENT_MAX: usize = 128;

/// A value in a container.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::scrub) struct Entry<'t> {
    /// Empty in a list.
    pub(in crate::scrub) name: &'t [u8],
    /// Without quotes.
    pub(in crate::scrub) value: Range<usize>,
    pub(in crate::scrub) is_quoted: bool,
}

impl Entry<'_> {
    /// Whether the value is that of the key around: `{"value": "x"}`.
    pub(in crate::scrub) fn holds_value(&self) -> bool {
        is_value_name(self.name)
    }

    /// Whether the name says that the value is about the secret, or says where it is.
    pub(in crate::scrub) fn says_other(&self) -> bool {
        const LAST: [&[u8]; 40] = [
            b"name",
            b"user",
            b"username",
            b"login",
            b"email",
            b"mail",
            b"host",
            b"hostname",
            b"url",
            b"uri",
            b"endpoint",
            b"path",
            b"file",
            b"id",
            b"ids",
            b"type",
            b"kind",
            b"role",
            b"region",
            b"version",
            b"image",
            b"digest",
            b"checksum",
            b"ref",
            b"namespace",
            b"algorithm",
            b"expires",
            b"expiry",
            b"date",
            b"time",
            b"at",
            b"arn",
            b"field",
            b"source",
            b"target",
            b"description",
            b"label",
            b"pattern",
            b"regex",
            b"owner",
        ];
        let mut parts = self.name.split(|byte| !byte.is_ascii_alphanumeric());
        let last = parts.rfind(|part| !part.is_empty()).unwrap_or_default();
        // The last word of `userName`.
        let case = last.iter().rposition(u8::is_ascii_uppercase).filter(|at| {
            at.checked_sub(1).and_then(|at| last.get(at)).is_some_and(u8::is_ascii_lowercase)
        });
        let word = case.and_then(|at| last.get(at..)).unwrap_or(last);
        LAST.iter().any(|name| last.eq_ignore_ascii_case(name) || word.eq_ignore_ascii_case(name))
    }
}

/// The values in the block under the key, and where it ends. `None` if there is no block.
pub(in crate::scrub) fn block<'t>(
    text: &'t [u8],
    key: &Range<usize>,
) -> Option<(Vec<Entry<'t>>, usize)> {
    if let Some(section) = section(text, key) {
        return Some(section);
    }
    let behind = text.get(key.end..)?;
    let behind = match behind {
        [b'"' | b'\'', b':', ..] => behind.get(2..)?,
        [b':', ..] => behind.get(1..)?,
        _ => return None,
    };
    let blanks = behind.iter().take(INDENT_MAX).take_while(|byte| **byte == b' ').count();
    let mut at = text.len() - behind.len() + blanks;
    // Most keys have their value on their line.
    break_len(text.get(at..)?)?;
    let own = indent_of(text, key)?;
    let is_escaped = text.get(at) == Some(&b'\\');
    let mut entries = Vec::new();
    let mut of_users = false;
    for number in 0..LINES_MAX {
        let Some(gap) = text.get(at..).and_then(break_len) else { break };
        let start = at + gap;
        let indent = text.get(at..start)?.iter().rev().take_while(|b| **b == b' ').count();
        let line = start..line_end(text, start, is_escaped);
        let bytes = text.get(line.clone())?;
        if bytes.is_empty() || bytes.starts_with(b"#") {
            at = line.end;
            continue;
        }
        // Lists may stand as deep as their key.
        if indent < own || (indent == own && !bytes.starts_with(b"- ")) {
            break;
        }
        at = line.end;
        // `chpasswd:`, of cloud-init.
        of_users |= matches!(bytes, b"list: |" | b"list: |-" | b"list: >");
        if of_users && let Some(entry) = of_user(bytes, line.clone()) {
            entries.push(entry);
            continue;
        }
        let entry = entry(text, line);
        if number == 0 && entry.is_none() && !bytes.starts_with(b"- ") && !opens(bytes) {
            return None;
        }
        entries.extend(entry);
    }
    (!entries.is_empty()).then_some((entries, at))
}

/// The values of the section of an INI file that is called what the key is, `[tokens]`, and
/// where it ends.
fn section<'t>(text: &'t [u8], key: &Range<usize>) -> Option<(Vec<Entry<'t>>, usize)> {
    let before = text.get(..key.start)?.strip_suffix(b"[")?;
    let rest = text.get(key.end..)?.strip_prefix(b"]")?;
    break_len(rest)?;
    if !matches!(before, [] | [.., b'\n']) {
        return None;
    }
    let mut at = key.end + 1;
    let mut entries = Vec::new();
    for _ in 0..LINES_MAX {
        let Some(gap) = text.get(at..).and_then(break_len) else { break };
        let line = at + gap..line_end(text, at + gap, text.get(at) == Some(&b'\\'));
        let bytes = text.get(line.clone())?;
        if bytes.starts_with(b"[") {
            break;
        }
        at = line.end;
        let Some(sign) = memchr::memchr(b'=', bytes).filter(|_| !bytes.starts_with(b"#")) else {
            continue;
        };
        let name = bytes.get(..sign)?.trim_ascii();
        if !name.iter().all(|byte| is_key_byte(*byte) || *byte == b'@') {
            continue;
        }
        // `admin = x, group`
        let value = bytes.get(sign + 1..)?.split(|byte| *byte == b',').next()?;
        let start = line.start + sign + 1;
        if let Some((value, is_quoted)) = bare(text, start..start + value.len()) {
            entries.push(Entry { name, value, is_quoted });
        }
    }
    (!entries.is_empty()).then_some((entries, at))
}

/// How deep the line is indented that begins with the key. `None` where something stands
/// before it.
fn indent_of(text: &[u8], key: &Range<usize>) -> Option<usize> {
    let before = text.get(key.start.saturating_sub(INDENT_MAX)..key.start)?;
    let is_whole = key.start <= INDENT_MAX;
    let before = match text.get(key.end) {
        Some(quote @ (b'"' | b'\'')) => before.strip_suffix(&[*quote])?,
        _ => before,
    };
    let dashed = before.strip_suffix(b"- ").unwrap_or(before);
    let blanks = dashed.iter().rev().take_while(|byte| **byte == b' ').count();
    let outside = dashed.get(..dashed.len() - blanks)?;
    let begins = match outside {
        [] => is_whole,
        [.., b'\n' | b'"' | b'`'] | [.., b'\\', b'n'] => true,
        _ => false,
    };
    begins.then_some(blanks + before.len() - dashed.len())
}

fn line_end(text: &[u8], start: usize, is_escaped: bool) -> usize {
    let rest = text.get(start..text.len().min(start + LINE_LEN_MAX)).unwrap_or_default();
    if !is_escaped {
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = rest.get(..end).unwrap_or_default();
        return start + line.strip_suffix(b"\r").unwrap_or(line).len();
    }
    let ends = |at: &usize| {
        let rest = rest.get(*at..).unwrap_or_default();
        let is_quote = rest.starts_with(b"\"") && text.get(start + *at - 1) != Some(&b'\\');
        break_len(rest).is_some() || is_quote
    };
    start + memchr::memchr3_iter(b'\n', b'\\', b'"', rest).find(ends).unwrap_or(rest.len())
}

/// `name:`, under which there is more.
fn opens(line: &[u8]) -> bool {
    let name = line.strip_suffix(b":").unwrap_or_default();
    !name.is_empty() && name.iter().all(|byte| is_key_byte(*byte) || b" \"'/".contains(byte))
}

/// `name: value`, `- name: value` or `- value`.
fn entry(text: &[u8], line: Range<usize>) -> Option<Entry<'_>> {
    let mut start = line.start;
    while text.get(start..line.end)?.starts_with(b"- ") {
        start += 2;
    }
    let is_item = line.start < start;
    let bytes = text.get(start..line.end)?;
    let sign = memchr::memmem::find(bytes, b": ").filter(|at| {
        let name = bytes.get(..*at).unwrap_or_default();
        name.iter().all(|byte| is_key_byte(*byte) || b" \"'/\\".contains(byte))
    });
    let (name, value) = match sign {
        Some(sign) => (bytes.get(..sign)?, start + sign + 2..line.end),
        None if is_item && !opens(bytes) => (&b""[..], start..line.end),
        None => return None,
    };
    let name = name.trim_ascii();
    let name = name.strip_prefix(b"\"").and_then(|name| name.strip_suffix(b"\"")).unwrap_or(name);
    let (value, is_quoted) = bare(text, value)?;
    Some(Entry { name, value, is_quoted })
}

/// `user:password`
fn of_user<'t>(bytes: &[u8], line: Range<usize>) -> Option<Entry<'t>> {
    let sign = memchr::memchr(b':', bytes)?;
    let (user, password) = (bytes.get(..sign)?, bytes.get(sign + 1..)?);
    let of_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.-".contains(byte);
    let holds = !user.is_empty()
        && user.iter().all(of_name)
        && !password.is_empty()
        && password.iter().all(u8::is_ascii_graphic);
    holds.then(|| Entry {
        name: b"value",
        value: line.start + sign + 1..line.end,
        is_quoted: false,
    })
}

/// A value without quotes, or without the comment behind it. `None` for what is no string.
fn bare(text: &[u8], value: Range<usize>) -> Option<(Range<usize>, bool)> {
    let bytes = text.get(value.clone())?;
    let start = value.start + (bytes.len() - bytes.trim_ascii_start().len());
    let bytes = bytes.trim_ascii();
    let slashes = bytes.iter().take_while(|byte| **byte == b'\\').count();
    if let Some(quote @ (b'"' | b'\'')) = bytes.get(slashes).copied() {
        let inner = bytes.get(slashes + 1..)?;
        let end = memchr::memrchr(quote, inner)?;
        let end =
            end - inner.get(..end)?.iter().rev().take(slashes).filter(|b| **b == b'\\').count();
        let start = start + slashes + 1;
        return (0 < end).then_some((start..start + end, true));
    }
    let comment = memchr::memmem::find(bytes, b" #").unwrap_or(bytes.len());
    let bytes = bytes.get(..comment)?.trim_ascii_end();
    let is_string = !matches!(bytes, [] | [b'{' | b'[' | b'|' | b'>' | b'&' | b'*' | b'!', ..]);
    is_string.then_some((start..start + bytes.len(), false))
}

#[cfg(test)]
mod tests {
    use super::block;

    #[test]
    fn the_values_of_a_block_are_read_with_their_names() {
        type Case = (&'static str, &'static [(&'static str, &'static str)]);
        let cases: &[Case] = &[
            ("key:\n  a: x\n  b: 'y'\nc: z\n", &[("a", "x"), ("b", "y")]),
            ("key:\n  - x\n  - \"y\" \n", &[("", "x"), ("", "y")]),
            ("  key:\n  - x # why\n  other: y", &[("", "x")]),
            (
                "- key:\n    value: \"x\"\n    description: y z",
                &[("value", "x"), ("description", "y z")],
            ),
            ("key:\n  a:\n    b: x\n\n  # no\n  c: y", &[("b", "x"), ("c", "y")]),
            (r#"{"t":"key:\n  a: x\n  b: \"y\"\nc: z"}"#, &[("a", "x"), ("b", "y")]),
            ("\"key\":\n  - name: a\n    value: x", &[("name", "a"), ("value", "x")]),
            ("key: x\n  a: y", &[]),
            ("key:\nx", &[]),
            ("key:\n  x\n", &[]),
            ("the key:\n  a: x\n", &[]),
        ];
        for (text, expected) in cases {
            let at = text.find("key").expect("the key stands in the text");
            let found = block(text.as_bytes(), &(at..at + 3)).map_or(Vec::new(), |found| found.0);
            let found: Vec<(&str, &str)> = found
                .iter()
                .map(|entry| {
                    (std::str::from_utf8(entry.name).expect("UTF-8"), &text[entry.value.clone()])
                })
                .collect();
            assert_eq!(found, *expected, "{text}");
        }
    }
}
