//! The members of an object: `{"prod": "x", "test": "y"}`, as JSON, YAML and most languages
//! write it, or HCL with a line for each.

use std::ops::Range;

use crate::scrub::detector::assign::Entry;
use crate::scrub::detector::assign::cursor::Cursor;
use crate::scrub::detector::assign::cursor::closing_quote;
use crate::scrub::detector::bytes::is_key_byte;

/// How long a value without quotes may be, in bytes.
const BARE_LEN_MAX: usize = 512;

/// How far behind a name its map opens, in bytes.
const MAP_REACH: usize = 24;

/// Reads the members that are one value, up to the first that is none.
pub(in crate::scrub) struct Members<'t> {
    cursor: Cursor<'t>,
    is_first: bool,
}

impl<'t> Members<'t> {
    /// Whether a map stands under a name: `"name": {"`, `name {` and a line for each member, or
    /// lines of YAML that are deeper indented.
    pub(in crate::scrub) fn stand_under(text: &[u8], key: &Range<usize>) -> bool {
        let rest = text.get(key.end..).unwrap_or_default();
        let rest = rest.get(..MAP_REACH).unwrap_or(rest);
        let of_joint = |byte: &&u8| matches!(**byte, b'"' | b'\'' | b'\\' | b':' | b'=' | b' ');
        let joint = rest.iter().take_while(of_joint).count();
        let behind = rest.get(joint..).unwrap_or_default();
        match behind {
            [b'{', ..] => true,
            [b']', b'\n' | b'\r', ..] => text.get(..key.start).is_some_and(|b| b.ends_with(b"[")),
            [b'\n' | b'\r', ..] => {
                rest.get(..joint).is_some_and(|joint| joint.contains(&b':'))
                    && match behind.trim_ascii_start() {
                        [b'-', b' ', ..] => true,
                        [first, ..] => {
                            first.is_ascii_alphabetic()
                                && memchr::memmem::find(behind, b"\n  ").is_some()
                        }
                        [] => false,
                    }
            }
            _ => false,
        }
    }

    /// Those of the object whose bracket stands at `at`.
    pub(in crate::scrub) fn new(text: &'t [u8], at: usize) -> Self {
        Self { cursor: Cursor { text, at }, is_first: true }
    }

    /// Those of the block that is called what stands at `key`, in quotes: `"key" {`.
    pub(in crate::scrub) fn of_block(text: &'t [u8], key: &Range<usize>) -> Option<Self> {
        let mut cursor = Cursor { text, at: key.end };
        let (depth, _) = cursor.quote()?;
        cursor.at += depth + 1;
        let blanks = cursor.blanks();
        (0 < blanks && cursor.peek() == Some(b'{')).then_some(Self { cursor, is_first: true })
    }

    /// The name of a member and its sign.
    fn name(&mut self) -> Option<&'t [u8]> {
        if let Some((depth, quote)) = self.cursor.quote() {
            let start = self.cursor.at + depth + 1;
            let end = closing_quote(self.cursor.text, start, depth, quote);
            self.cursor.at = end + depth + 1;
            self.sign()?;
            return self.cursor.text.get(start..end);
        }
        // A symbol of Ruby.
        self.cursor.at += usize::from(self.cursor.peek() == Some(b':'));
        let rest = self.cursor.rest();
        let of_name = |byte: &&u8| is_key_byte(**byte) && **byte != b':';
        let len = rest.iter().take(BARE_LEN_MAX).take_while(of_name).count();
        self.cursor.at += len;
        self.sign()?;
        rest.get(..len).filter(|name| !name.is_empty())
    }

    fn sign(&mut self) -> Option<()> {
        self.cursor.blanks();
        let len = match self.cursor.rest() {
            [b'=', b'>', ..] => 2,
            [b'=', b'=', ..] | [b':', b':', ..] => return None,
            [b':' | b'=', ..] => 1,
            _ => return None,
        };
        self.cursor.at += len;
        Some(())
    }
}

impl<'t> Iterator for Members<'t> {
    type Item = Entry<'t>;

    fn next(&mut self) -> Option<Entry<'t>> {
        let start = self.cursor.at;
        self.cursor.blanks();
        let gap = self.cursor.text.get(start..self.cursor.at).unwrap_or_default();
        match self.cursor.peek() {
            Some(b'{') if self.is_first => self.cursor.at += 1,
            Some(b',' | b';') if !self.is_first => self.cursor.at += 1,
            Some(_) if !self.is_first && gap.iter().any(|byte| matches!(byte, b'\n' | b'\\')) => {}
            _ => return None,
        }
        self.is_first = false;
        self.cursor.blanks();
        let name = self.name()?;
        self.cursor.blanks();
        self.cursor.string_prefix();
        if let Some((depth, quote)) = self.cursor.quote() {
            let start = self.cursor.at + depth + 1;
            let end = closing_quote(self.cursor.text, start, depth, quote);
            self.cursor.at = end + depth + 1;
            return Some(Entry { name, value: start..end, is_quoted: true });
        }
        let rest = self.cursor.rest();
        let rest = rest.get(..BARE_LEN_MAX).unwrap_or(rest);
        let ends = |byte: &u8| b",;}\n\\{[\"'".contains(byte);
        let len = rest.iter().position(ends).unwrap_or(rest.len());
        let start = self.cursor.at;
        self.cursor.at += len;
        let value = rest.get(..len)?.trim_ascii_end();
        let is_value =
            !value.is_empty() && !matches!(rest.get(len), Some(b'{' | b'[' | b'"' | b'\''));
        is_value.then_some(Entry { name, value: start..start + value.len(), is_quoted: false })
    }
}

/// How much of a list of objects is read, in bytes.
const OBJECTS_LEN_MAX: usize = 1 << 14;

/// Where the objects of the list begin whose bracket stands at `at`, and how many bytes were
/// read. None where the list has something else.
pub(in crate::scrub) fn objects(text: &[u8], at: usize) -> (Vec<usize>, usize) {
    let mut cursor = Cursor { text, at: at + 1 };
    cursor.blanks();
    let mut starts = Vec::new();
    let mut open = 0_usize;
    if cursor.peek() != Some(b'{') {
        return (starts, 0);
    }
    let rest = cursor.rest();
    let rest = rest.get(..OBJECTS_LEN_MAX).unwrap_or(rest);
    for found in memchr::memchr3_iter(b'{', b'}', b']', rest) {
        match rest.get(found) {
            Some(b'{') => {
                if open == 0 {
                    starts.push(cursor.at + found);
                }
                open += 1;
            }
            Some(b'}') => open = open.saturating_sub(1),
            _ if open == 0 => return (starts, found),
            _ => {}
        }
    }
    (starts, rest.len())
}

#[cfg(test)]
mod tests {
    use super::Members;
    use super::objects;

    #[test]
    fn the_objects_of_a_list_are_told_apart() {
        for (text, expected) in [
            (r#"[{"a": {"b": 1}}, {"c": [2]}], {"d": 3}"#, vec![1, 18]),
            ("[\n {a: x},\n {b: y}\n]", vec![3, 12]),
            (r#"["a", {"b": 1}]"#, vec![]),
            ("[]", vec![]),
        ] {
            assert_eq!(objects(text.as_bytes(), 0).0, expected, "{text}");
        }
    }

    #[test]
    fn members_are_read_as_each_language_writes_them() {
        for text in [
            r#"{"a": "x", "b": "y"}"#,
            "{'a': 'x', 'b': u'y'}",
            r#"{\"a\": \"x\", \"b\": \"y\"}"#,
            "{a: x, b: y}",
            "{ a: 'x', b: 'y' }",
            "{\n  a = \"x\"\n  b = \"y\"\n}",
            "{ 'a' => 'x', :b => 'y' }",
            r#"{\n  a = \"x\"\n  b = \"y\"\n}"#,
            "{a: x, b: y, c: {d: z}}",
        ] {
            let found: Vec<_> = Members::new(text.as_bytes(), 0)
                .map(|entry| (entry.name.to_vec(), text[entry.value].to_owned()))
                .collect();
            let expected = [(b"a".to_vec(), "x".to_owned()), (b"b".to_vec(), "y".to_owned())];
            assert_eq!(found, expected, "{text}");
        }
    }
}
