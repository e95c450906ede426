//! The values of a Kubernetes Secret: under `data` and `stringData` every value is secret,
//! whatever its key is called.
//!
//! A manifest is YAML or JSON, perhaps JSON in a string (`last-applied-configuration`), its
//! members in any order. It is not parsed: from `kind` on, lines and brackets lead to the
//! member that holds the data. What is cut or oddly indented is read as far as it goes.

use std::ops::Range;

use crate::scrub::detector::assign::cursor::Cursor;

/// How far from `kind` the data may stand, in bytes.
const WITHIN: usize = 1 << 15;

/// How many values are read.
const VALUES_MAX: usize = 256;

const DATA: [&[u8]; 2] = [b"data", b"stringData"];

/// Where the manifest stands whose `kind` begins at `at`, at most.
pub(in crate::scrub) fn manifest_around(at: usize) -> Range<usize> {
    at.saturating_sub(WITHIN)..at.saturating_add(WITHIN)
}

/// The values of the Secret whose `kind` begins at `at`.
pub(in crate::scrub) fn secret_data(text: &[u8], at: usize) -> Vec<Range<usize>> {
    let cursor = Cursor { text, at: at + b"kind".len() };
    match cursor.quote() {
        Some((depth, b'"')) => in_json(text, at, depth),
        Some(_) => Vec::new(),
        None => in_yaml(text, at),
    }
}

fn in_yaml(text: &[u8], at: usize) -> Vec<Range<usize>> {
    let window = at.saturating_sub(WITHIN)..text.len().min(at.saturating_add(WITHIN));
    let before = text.get(window.start..at).unwrap_or_default();
    let line_start = memchr::memrchr(b'\n', before).map_or(window.start, |i| window.start + i + 1);
    let indent = at - line_start;
    let is_inside = |line: &[u8]| line.trim_ascii().is_empty() || indent <= indent_of(line);
    // From the first line of the manifest to its last.
    let mut first = line_start;
    while window.start < first {
        let end = first - 1;
        let above = text.get(window.start..end).unwrap_or_default();
        let start = memchr::memrchr(b'\n', above).map_or(window.start, |i| window.start + i + 1);
        let line = text.get(start..end).unwrap_or_default();
        if !is_inside(line) || line.starts_with(b"---") || is_kind(line, indent) {
            break;
        }
        first = start;
    }
    let mut found = Vec::new();
    let mut child = None;
    let mut lines = Lines { text, at: first, end: window.end };
    while let Some(range) = lines.next() {
        let line = text.get(range.clone()).unwrap_or_default();
        let another = at < range.start && is_kind(line, indent);
        if !is_inside(line) || line.starts_with(b"---") || another || VALUES_MAX <= found.len() {
            break;
        }
        let own = indent_of(line);
        let name = line.get(own..).unwrap_or_default().trim_ascii_end();
        let opens = name.strip_suffix(b":").is_some_and(|name| DATA.contains(&name));
        match child {
            _ if name.is_empty() => {}
            _ if own <= indent => child = opens.then_some(None),
            Some(None) => {
                child = Some(Some(own));
                found.extend(lines.value(&range, own));
            }
            Some(Some(level)) if level == own => found.extend(lines.value(&range, own)),
            Some(Some(_)) | None => {}
        }
    }
    found
}

/// Whether another manifest says its kind here: one has one.
fn is_kind(line: &[u8], indent: usize) -> bool {
    line.get(indent..).is_some_and(|line| line.starts_with(b"kind:"))
}

fn indent_of(line: &[u8]) -> usize {
    line.iter().take_while(|byte| **byte == b' ').count()
}

/// The lines of a text up to `end`.
struct Lines<'t> {
    text: &'t [u8],
    at: usize,
    end: usize,
}

impl Lines<'_> {
    fn next(&mut self) -> Option<Range<usize>> {
        let rest = self.text.get(self.at..self.end).filter(|rest| !rest.is_empty())?;
        let len = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = self.at..self.at + len;
        self.at = (line.end + 1).min(self.end);
        Some(line)
    }

    /// The value in the line `name: value`, or in the block of deeper lines under it.
    fn value(&mut self, line: &Range<usize>, level: usize) -> Option<Range<usize>> {
        let bytes = self.text.get(line.clone())?;
        let sign = memchr::memmem::find(bytes, b": ").map(|at| at + 2).or_else(|| {
            bytes.trim_ascii_end().ends_with(b":").then_some(bytes.trim_ascii_end().len())
        })?;
        let value = trimmed(self.text, line.start + sign..line.end);
        let bytes = self.text.get(value.clone())?;
        if !matches!(bytes, [] | [b'|' | b'>', ..]) {
            return Some(unquoted(self.text, value));
        }
        let start = self.at;
        let mut end = start;
        while let Some(next) = self.next() {
            let line = self.text.get(next.clone())?;
            if !line.trim_ascii().is_empty() && indent_of(line) <= level {
                self.at = next.start;
                break;
            }
            end = next.end;
        }
        Some(trimmed(self.text, start..end))
    }
}

fn trimmed(text: &[u8], range: Range<usize>) -> Range<usize> {
    let bytes = text.get(range.clone()).unwrap_or_default();
    let start = range.start + (bytes.len() - bytes.trim_ascii_start().len());
    start..start + bytes.trim_ascii().len()
}

fn unquoted(text: &[u8], range: Range<usize>) -> Range<usize> {
    match text.get(range.clone()) {
        Some([b'"', .., b'"'] | [b'\'', .., b'\'']) => range.start + 1..range.end - 1,
        _ => range,
    }
}

fn in_json(text: &[u8], at: usize, depth: usize) -> Vec<Range<usize>> {
    let window = at.saturating_sub(WITHIN)..text.len().min(at.saturating_add(WITHIN));
    let mut found = Vec::new();
    for name in DATA {
        let quote = [vec![b'\\'; depth], vec![b'"']].concat();
        let member = [quote.as_slice(), name, &quote].concat();
        let bytes = text.get(window.clone()).unwrap_or_default();
        for start in memchr::memmem::find_iter(bytes, &member) {
            let start = window.start + start;
            if is_one_object(text, start.min(at)..start.max(at)) {
                members(text, start + member.len(), depth, &mut found);
            }
        }
    }
    found
}

/// Whether both ends of a range lie in one object: what opens between them is closed, and
/// nothing else is.
fn is_one_object(text: &[u8], range: Range<usize>) -> bool {
    let mut open = 0_usize;
    let bytes = text.get(range).unwrap_or_default();
    let closes_outer = memchr::memchr2_iter(b'{', b'}', bytes).any(|at| {
        match (bytes.get(at), open.checked_sub(1)) {
            (Some(b'{'), _) => open += 1,
            (_, Some(less)) => open = less,
            (_, None) => return true,
        }
        false
    });
    !closes_outer && open == 0
}

/// The strings in the object behind the name of a member.
fn members(text: &[u8], behind: usize, depth: usize, found: &mut Vec<Range<usize>>) {
    let mut cursor = Cursor { text, at: behind };
    for sign in [b':', b'{'] {
        cursor.blanks();
        if cursor.peek() != Some(sign) {
            return;
        }
        cursor.at += 1;
    }
    while found.len() < VALUES_MAX {
        cursor.blanks();
        if cursor.member_name(depth).is_none() {
            return;
        }
        cursor.blanks();
        let Some(string) = cursor.string_of(depth) else { return };
        cursor.at = string.end + depth + 1;
        found.push(string);
        cursor.blanks();
        if cursor.peek() != Some(b',') {
            return;
        }
        cursor.at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::secret_data;

    fn values(text: &str) -> Vec<&str> {
        let at = text.find("kind").expect("a kind");
        secret_data(text.as_bytes(), at).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn every_value_of_the_data_is_found_and_nothing_else() {
        let cases: &[(&str, &[&str])] = &[
            (
                "apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\ndata:\n  foo: YQ==\n  bar: \"Yg==\"\ntype: Opaque",
                &["YQ==", "Yg=="],
            ),
            ("data:\n  foo: YQ==\nkind: Secret\nmetadata:\n  name: x\n", &["YQ=="]),
            (
                "kind: Secret\nstringData:\n  a: |\n    one\n    two\n  b: three\n",
                &["one\n    two", "three"],
            ),
            ("kind: Secret\n---\nkind: ConfigMap\ndata:\n  foo: bar\n", &[]),
            ("data:\n  foo: bar\nkind: ConfigMap\n---\n", &["bar"]),
            ("items:\n- apiVersion: v1\n  data:\n    foo: YQ==\n  kind: Secret\n", &["YQ=="]),
            (
                r#"{"kind":"Secret","metadata":{"name":"x"},"data":{"foo":"YQ==","b":"Yg=="}}"#,
                &["YQ==", "Yg=="],
            ),
            (r#"{"data":{"foo":"YQ=="},"kind":"Secret"}"#, &["YQ=="]),
            (r#"{\"kind\":\"Secret\",\"stringData\":{\"foo\":\"bar\"}}"#, &["bar"]),
            (r#"[{"kind":"Secret"},{"data":{"foo":"bar"}}]"#, &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(values(text), *expected, "{text}");
        }
    }
}
