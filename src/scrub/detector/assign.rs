//! From a telling word in a text to the value that is assigned to it.
//!
//! The text is not parsed as a whole: a log line holds a piece of JSON, JSON holds
//! a command line, and any of it may be cut. What stands around the word is read
//! instead. JSON in JSON needs no special case: the quote behind a key tells by
//! its backslashes how deep the string is nested, and its value ends at a quote of
//! the same depth.

mod aligned;
mod around;
mod beside;
mod between;
mod block;
mod bound;
mod cell;
mod colon;
mod columns;
mod cursor;
mod fallback;
mod grid;
mod help;
mod lines;
mod manifest;
mod members;
mod name;
mod other;
mod pair;
mod record;
mod section;
mod source;
mod spoken;
mod wrapped;

pub(in crate::scrub) use aligned::aligned;
pub(in crate::scrub) use around::ends_blob;
pub(in crate::scrub) use around::glued_name;
pub(in crate::scrub) use around::is_in_resource_name;
pub(in crate::scrub) use around::is_member;
pub(in crate::scrub) use around::is_part_of_name;
pub(in crate::scrub) use around::is_reference;
pub(in crate::scrub) use around::is_user_of_url;
pub(in crate::scrub) use around::parameters_end;
pub(in crate::scrub) use beside::below;
pub(in crate::scrub) use beside::ends_line;
pub(in crate::scrub) use beside::is_joint;
pub(in crate::scrub) use beside::value_before;
pub(in crate::scrub) use between::Between;
pub(in crate::scrub) use block::Entry;
pub(in crate::scrub) use block::block;
pub(in crate::scrub) use bound::bound;
pub(in crate::scrub) use bound::is_inserted;
pub(in crate::scrub) use columns::ReadColumns;
pub(in crate::scrub) use columns::column;
pub(in crate::scrub) use columns::is_quoted_name;
pub(in crate::scrub) use fallback::fallback;
pub(in crate::scrub) use manifest::manifest_around;
pub(in crate::scrub) use manifest::secret_data;
pub(in crate::scrub) use members::Members;
pub(in crate::scrub) use members::objects;
pub(in crate::scrub) use name::longer_name;
pub(in crate::scrub) use name::name_around;
pub(in crate::scrub) use name::word_before;
pub(in crate::scrub) use other::is_cmdlet;
pub(in crate::scrub) use other::is_next_entry;
pub(in crate::scrub) use other::is_renamed;
pub(in crate::scrub) use pair::changes;
pub(in crate::scrub) use record::member_value;
pub(in crate::scrub) use section::in_section;
pub(in crate::scrub) use section::is_of_user;
pub(in crate::scrub) use source::is_other_name;
pub(in crate::scrub) use source::is_source;
pub(in crate::scrub) use spoken::REACH as SPOKEN_REACH;
pub(in crate::scrub) use spoken::may_be_spoken;
pub(in crate::scrub) use spoken::spoken;
pub(in crate::scrub) use wrapped::list_start;

use std::ops::Range;

use crate::scrub::detector::bytes::is_key_byte;

use around::is_closed;
use cursor::Cursor;

pub(in crate::scrub) use cursor::closing_quote;

/// How a value is tied to its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scrub) enum Sign {
    /// `key=value`
    Equals,
    /// `key = value`
    SpacedEquals,
    /// `key: value`, `key => value`, `("key", "value")`, `"name": "key", "value": "value"`
    Colon,
    /// `?key=value&…`
    Query,
    /// `--key value`
    Flag,
    /// `<key>value</key>`
    Element,
    /// `"key", "value"`, which may be a list of names
    Pair,
    /// `key value`
    Prose,
    /// `key is value`
    Stated,
}

/// How a value is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scrub) enum Delimiter {
    /// By quotes with this many backslashes before each.
    Quote(usize),
    /// By what comes after.
    None,
}

/// A key in a text and the value under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::scrub) struct Assignment {
    /// The name of the key, without hyphens in front.
    pub(in crate::scrub) key: Range<usize>,
    /// How they are tied.
    pub(in crate::scrub) sign: Sign,
    /// The value, without quotes. To the end of the text, where it is not delimited:
    /// how much of it is the value depends on the key.
    pub(in crate::scrub) value: Range<usize>,
    /// How it is delimited.
    pub(in crate::scrub) delimiter: Delimiter,
    /// Backslashes before the quotes around the key, where there are quotes.
    pub(in crate::scrub) key_quote: Option<usize>,
}

/// The value that is assigned to the name at `key`, if any is.
pub(in crate::scrub) fn assignment(text: &[u8], key: Range<usize>) -> Option<Assignment> {
    let cursor = Cursor { text, at: key.end };
    let quote = cursor.quote();
    let before = |key: Range<usize>| {
        let (value, depth) = record::before(text, &key, quote)?;
        let (sign, delimiter) = (Sign::Colon, Delimiter::Quote(depth));
        Some(Assignment { key, sign, value, delimiter, key_quote: Some(depth) })
    };
    let Some((sign, mut cursor, key_quote)) = cursor.sign(&key) else { return before(key) };
    cursor.emphasis();
    cursor.star(&key);
    cursor.blanks();
    cursor.tags(sign);
    cursor.opening(sign);
    cursor.continued();
    if let Some(value) = cursor.lines(sign) {
        let delimiter = Delimiter::Quote(0);
        return Some(Assignment { key, sign, value, delimiter, key_quote });
    }
    cursor.wrappers();
    cursor.string_prefix();
    let (value, delimiter) = match cursor.quote() {
        Some((_, quote)) if around::is_end(text, &key, cursor.at, quote) => return None,
        Some((0, quote)) if key_quote.is_none() && is_closed(text, &key, cursor.at, quote) => {
            return None;
        }
        Some((depth, quote)) => {
            let start = cursor.at + depth + 1;
            (start..closing_quote(text, start, depth, quote), Delimiter::Quote(depth))
        }
        None if sign == Sign::Pair || matches!(cursor.peek(), Some(b',' | b';')) => return None,
        None => (cursor.at..text.len(), Delimiter::None),
    };
    let is_query = sign == Sign::Equals && is_query(text, &key);
    let sign = if is_query { Sign::Query } else { sign };
    // `<input value="x" id="password">`
    if value.is_empty() && sign == Sign::Element {
        return before(key);
    }
    (!value.is_empty()).then_some(Assignment { key, sign, value, delimiter, key_quote })
}

/// The next quoted string of a list: `["a", "b"]`. `after` is behind the quote of
/// the one before (or at the bracket).
pub(in crate::scrub) fn next_element(text: &[u8], after: usize) -> Option<(Range<usize>, usize)> {
    let mut cursor = Cursor { text, at: after };
    cursor.blanks();
    if !matches!(cursor.peek(), Some(b',' | b'[' | b'(' | b'{')) {
        return None;
    }
    cursor.at += 1;
    cursor.blanks();
    cursor.string_prefix();
    cursor.string()
}

/// Where an undelimited value ends that takes the rest of its line: at a line feed,
/// written as such or as an escape, or at a quote of what is around it.
pub(in crate::scrub) fn line_end(text: &[u8], line: Range<usize>) -> usize {
    let value = text.get(line.clone()).unwrap_or_default();
    let end = value.iter().enumerate().position(|(i, &byte)| match byte {
        b'\n' | b'\r' | b'"' | b'`' => true,
        b'\\' => matches!(value.get(i + 1), Some(b'"' | b'\\' | b'n' | b'r' | b'u')),
        b'\'' => !value.get(i + 1).is_some_and(u8::is_ascii_alphanumeric),
        b'[' => around::is_shown_break(value, i),
        _ => false,
    });
    line.start + end.unwrap_or(value.len())
}

/// Whether the word behind a key is no value but the beginning of a command: an option
/// follows it, or it is one itself behind a flag; or a call in brackets that goes on.
pub(in crate::scrub) fn is_command(text: &[u8], value: Range<usize>, sign: Sign) -> bool {
    let word = text.get(value.clone()).unwrap_or_default();
    let behind = text.get(value.end..).unwrap_or_default();
    let is_word = |word: &[u8]| {
        word.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
            && word.first().is_some_and(u8::is_ascii_alphabetic)
    };
    match word {
        [b'-', letter] => sign == Sign::Flag && letter.is_ascii_alphabetic(),
        [b'-', b'-', name @ ..] => sign == Sign::Flag && around::is_long_option(name),
        [b'(', name @ ..] | [b'$', b'(', name @ ..] => {
            is_word(name) && behind.starts_with(b" ") && line_has(behind, b')')
        }
        word => {
            sign == Sign::Colon
                && word.len() <= 10
                && word.iter().all(u8::is_ascii_lowercase)
                && matches!(behind, [b' ', b'-', b'a'..=b'z' | b'A'..=b'Z', b' ', ..])
        }
    }
}

fn line_has(text: &[u8], byte: u8) -> bool {
    let text = text.get(..LINE_MAX).unwrap_or(text);
    memchr::memchr2(byte, b'\n', text).and_then(|at| text.get(at)) == Some(&byte)
}

/// The string that is assigned to a name among several: `user, password = "bob", "x"`. `first`
/// is the first of them, behind a quote with `depth` backslashes.
pub(in crate::scrub) fn same_place(
    text: &[u8],
    key: &Range<usize>,
    first: Range<usize>,
    depth: usize,
) -> Range<usize> {
    let from = key.start.saturating_sub(LINE_MAX / 8);
    let before = text.get(from..key.start).unwrap_or_default();
    let line = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let of_names = |byte: &u8| is_key_byte(*byte) || matches!(byte, b' ' | b'\t' | b',');
    if !line.trim_ascii_end().ends_with(b",") || !line.iter().all(of_names) {
        return first;
    }
    let mut found = first.clone();
    for _ in memchr::memchr_iter(b',', line) {
        match next_element(text, found.end + depth + 1) {
            Some((next, next_depth)) if next_depth == depth => found = next,
            _ => return first,
        }
    }
    found
}

/// How far the next quote of a line of parameters may stand, in bytes.
const LINE_MAX: usize = 2048;

/// What the string that ends at `end` is changed to, behind a quote with `depth`
/// backslashes: `"old" -> "new"`.
pub(in crate::scrub) fn changed_to(text: &[u8], end: usize, depth: usize) -> Option<Range<usize>> {
    let mut cursor = Cursor { text, at: end + depth + 1 };
    cursor.blanks();
    let arrows: [&[u8]; 3] = [b"->", b"=>", "\u{2192}".as_bytes()];
    let arrow = arrows.iter().find(|arrow| cursor.rest().starts_with(arrow))?;
    cursor.at += arrow.len();
    cursor.blanks();
    cursor.string_of(depth)
}

/// `?key=` or `&key=`; also `key=` at the start of a form body, `key=x&…`.
fn is_query(text: &[u8], key: &Range<usize>) -> bool {
    match key.start.checked_sub(1).and_then(|i| text.get(i)) {
        Some(b'?' | b'&') => true,
        // `&amp;key=`, `\u0026key=`, `%26key=`
        Some(b';') => text.get(..key.start).is_some_and(|before| before.ends_with(b"&amp;")),
        _ => text.get(..key.start).is_some_and(|before| {
            before.ends_with(b"u0026") || before.ends_with(b"%26") || before.ends_with(b"%3F")
        }),
    }
}

/// Where an undelimited value ends that is one word: `line` is up to where it may
/// reach.
pub(in crate::scrub) fn word_end(text: &[u8], line: Range<usize>, sign: Sign) -> usize {
    let value = text.get(line.clone()).unwrap_or_default();
    if sign == Sign::Element {
        let cdata = text.get(..line.start).is_some_and(|before| before.ends_with(b"[CDATA["));
        let end =
            if cdata { memchr::memmem::find(value, b"]]>") } else { memchr::memchr(b'<', value) };
        return line.start + end.unwrap_or(value.len());
    }
    let mut open = 0_usize;
    for (i, &byte) in value.iter().enumerate() {
        let next = value.get(i + 1).copied();
        // `<password>`
        if byte == b'>' && value.starts_with(b"<") && next.is_none_or(|next| next <= b' ') {
            return line.start + i + 1;
        }
        let ends = match byte {
            b' ' | b'\t' | b'"' | b'`' | 0..0x20 => true,
            b'<' => opens_tag(next) && (0 < i || !matches!(next, Some(b'a'..=b'z'))),
            b'\'' => !next.is_some_and(|next| next.is_ascii_alphanumeric()),
            // A typographic quotation mark closes (U+201D, U+00BB).
            0xe2 => value.get(i..).is_some_and(|rest| rest.starts_with("\u{201d}".as_bytes())),
            0xc2 => next == Some(0xbb),
            b'\\' => matches!(next, Some(b'"' | b'\'' | b'n' | b'r' | b't' | b'u' | b'\\') | None),
            b'[' | b'|' | b'^' | b'~' | b'#' if around::ends_value(text, line.start, i) => true,
            b'&' | b'#' => sign == Sign::Query || (byte == b'&' && is_next_pair(value, i + 1)),
            b';' | b',' => {
                sign == Sign::Query
                    || next.is_none_or(|next| next <= b' ' || matches!(next, b'"' | b'\'' | b'\\'))
                    || around::is_date(value.get(i + 1..).unwrap_or_default())
                    || is_next_pair(value, i + 1)
            }
            b'(' | b'[' | b'{' => {
                open += 1;
                false
            }
            b')' | b']' | b'}' => {
                let closes_outer = open == 0;
                open = open.saturating_sub(1);
                closes_outer
                    && !goes_on(next)
                    && (next.is_none_or(|next| next <= b' ') || is_enclosed(text, line.start))
            }
            b'|' | b'>' => {
                !goes_on(next) || !matches!(sign, Sign::Equals | Sign::Colon | Sign::Flag)
            }
            _ => false,
        };
        if ends {
            return line.start + without_stop(value, i);
        }
    }
    line.start + without_stop(value, value.len())
}

/// Where a value ends that is a key or a token, in which no comma stands: before the next
/// column.
pub(in crate::scrub) fn first_column(text: &[u8], value: Range<usize>) -> usize {
    let bytes = text.get(value.clone()).unwrap_or_default();
    memchr::memchr2(b',', b';', bytes).filter(|at| 0 < *at).map_or(value.end, |at| value.start + at)
}

/// Whether a value goes on behind a bracket that none opened in it: with what stands in
/// passwords, not with what follows a value.
fn goes_on(next: Option<u8>) -> bool {
    next.is_some_and(|next| next.is_ascii_alphanumeric() || b"=+/^~$#@%*!_-".contains(&next))
}

/// Whether a tag opens or closes at a `<` that this follows.
fn opens_tag(next: Option<u8>) -> bool {
    next.is_none_or(|next| next.is_ascii_alphabetic() || matches!(next, b'/' | b'!' | b' '))
}

/// How far before a value a bracket is looked for that is open there.
const ENCLOSED_MAX: usize = 512;

/// Whether the value at `start` stands between brackets that were opened before it on its
/// line, so that one that is closed behind it ends it.
fn is_enclosed(text: &[u8], start: usize) -> bool {
    let before = text.get(start.saturating_sub(ENCLOSED_MAX)..start).unwrap_or_default();
    let mut closed = 0_usize;
    for byte in before.iter().rev() {
        match byte {
            b'\n' | b'\r' => return false,
            b')' | b']' | b'}' => closed += 1,
            b'(' | b'[' | b'{' if closed == 0 => return true,
            b'(' | b'[' | b'{' => closed -= 1,
            _ => {}
        }
    }
    before.len() == ENCLOSED_MAX
}

/// The end of a value that was read up to `end`, without the full stop of the sentence.
fn without_stop(value: &[u8], end: usize) -> usize {
    let behind = value.get(end);
    match value.get(..end).unwrap_or_default() {
        [.., before, b'.'] if *before != b'.' && behind.is_none_or(u8::is_ascii_whitespace) => {
            end - 1
        }
        _ => end,
    }
}

/// Whether `name=` or `name:` follows, as it does between two values.
fn is_next_pair(value: &[u8], from: usize) -> bool {
    let rest = value.get(from..).unwrap_or_default();
    // `&user[name]=`, `&user%5Bname%5D=`
    let of_name = |byte: &&u8| is_key_byte(**byte) || matches!(byte, b' ' | b'[' | b']' | b'%');
    let name = rest.iter().take(64).take_while(of_name).count();
    0 < name && matches!(rest.get(name), Some(b'=' | b':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value that is read for `word` in `text`.
    fn value(text: &str, word: &str) -> Option<(String, Sign)> {
        let at = text.find(word).expect("the word stands in the text");
        let key = name_around(text.as_bytes(), at..at + word.len());
        let found = assignment(text.as_bytes(), key)?;
        let end = match found.delimiter {
            Delimiter::Quote(_) => found.value.end,
            Delimiter::None => word_end(text.as_bytes(), found.value.clone(), found.sign),
        };
        Some((text[found.value.start..end].to_owned(), found.sign))
    }

    #[test]
    fn a_value_is_read_from_each_way_to_write_an_assignment() {
        let cases: &[(&str, &str, &str, Sign)] = &[
            ("password=hunter2", "password", "hunter2", Sign::Equals),
            ("password = hunter2 # comment", "password", "hunter2", Sign::SpacedEquals),
            ("db.password: hunter2, user: x", "password", "hunter2", Sign::Colon),
            (r#"{"password":"hun\"ter2"}"#, "password", r#"hun\"ter2"#, Sign::Colon),
            (r#"{"password" : "hunter2\\"}"#, "password", r#"hunter2\\"#, Sign::Colon),
            (r#"{\"password\":\"hunter2\"}"#, "password", "hunter2", Sign::Colon),
            (
                r#"{\"a\":\"{\\\"password\\\":\\\"hunter2\\\"}\"}"#,
                "password",
                "hunter2",
                Sign::Colon,
            ),
            (r#"{\"password\":\"hunt"#, "password", "hunt", Sign::Colon),
            ("{'password': 'hunter2'}", "password", "hunter2", Sign::Colon),
            ("{'password': b'hunter2'}", "password", "hunter2", Sign::Colon),
            ("password => \"hunter2\"", "password", "hunter2", Sign::Colon),
            ("os.environ[\"PASSWORD\"] = \"x y\"", "PASSWORD", "x y", Sign::SpacedEquals),
            ("https://h/?a=b&password=hunter2&c=d", "password", "hunter2", Sign::Query),
            ("user[password]=hunter2&x=y", "password", "hunter2", Sign::Equals),
            ("user[password]=hunter2&user[x]=y", "password", "hunter2", Sign::Equals),
            ("password = \"\"\"hunter2\"\"\"", "password", "hunter2", Sign::SpacedEquals),
            ("password = \"\"\"\nhunter2\n\"\"\"", "password", "hunter2", Sign::SpacedEquals),
            ("password = /* old */ \"hunter2\"", "password", "hunter2", Sign::SpacedEquals),
            ("\"password\": // old\n  \"hunter2\"", "password", "hunter2", Sign::Colon),
            ("cmd --password hunter2 --x", "password", "hunter2", Sign::Flag),
            ("cmd --password=hunter2 --x", "password", "hunter2", Sign::Equals),
            ("<password>hunter2</password>", "password", "hunter2", Sign::Element),
            (r#"["password","hunter2"]"#, "password", "hunter2", Sign::Pair),
            ("('password', 'hunter2')", "password", "hunter2", Sign::Colon),
            (r#"{"name":"PASSWORD","value":"hunter2"}"#, "PASSWORD", "hunter2", Sign::Colon),
            ("Server=h;Password=hun,ter2;Database=d", "Password", "hun,ter2", Sign::Equals),
            ("map[password:hunter2 user:x]", "password", "hunter2", Sign::Colon),
            ("{password=hunter2, user=x}", "password", "hunter2", Sign::Equals),
            ("password is hunter2", "password", "hunter2", Sign::Stated),
            ("password for root is hunter2", "password", "hunter2", Sign::Stated),
            ("password was set to hunter2", "password", "hunter2", Sign::Stated),
            (r#"{"value":"hunter2","name":"password"}"#, "password", "hunter2", Sign::Colon),
            ("**password:** `hunter2`", "password", "hunter2", Sign::Colon),
            ("- **password**: hunter2", "password", "hunter2", Sign::Colon),
            ("password: |-\n  hunter2\nx: y", "password", "hunter2", Sign::Colon),
            ("[\"password\"]=>\n  string(7) \"hunter2\"", "password", "hunter2", Sign::Colon),
            ("<password><![CDATA[<hunter2]]></password>", "password", "<hunter2", Sign::Element),
            ("<key>password</key>\n<string>hunter2</string>", "password", "hunter2", Sign::Element),
            (
                r#"{"selector":"input[name=password]","value":"hunter2"}"#,
                "password",
                "hunter2",
                Sign::Colon,
            ),
            ("- name: PASSWORD\n  a: x\n  value: hunter2", "PASSWORD", "hunter2", Sign::Colon),
            (r#"{"a":{"name":"password"},"value":"hunter2"}"#, "password", "hunter2", Sign::Colon),
            ("password:\\thunter2", "password", "hunter2", Sign::Colon),
            ("password (again): hunter2", "password", "hunter2", Sign::Colon),
            ("password = Secret.of(\"hunter2\")", "password", "hunter2", Sign::SpacedEquals),
            ("{:password, \"hunter2\"}", "password", "hunter2", Sign::Colon),
            ("config.set(\"password\", \"letmein\")", "password", "letmein", Sign::Colon),
            ("a\\npassword=hunter2\\nb", "password", "hunter2", Sign::Equals),
            ("password=hun(te)r2)", "password", "hun(te)r2", Sign::Equals),
            ("IDENTIFIED BY password 'it''s'", "password", "it''s", Sign::Prose),
        ];
        for (text, word, expected, sign) in cases {
            assert_eq!(value(text, word), Some(((*expected).to_owned(), *sign)), "{text}");
        }
    }

    #[test]
    fn a_word_to_which_nothing_is_assigned_has_no_value() {
        for (text, word) in [
            ("token::Kind", "token"),
            (r#"["password", 5]"#, "password"),
            (r#"{"password": ""}"#, "password"),
            (r#"{"a":"input[name=password]","b":"x"}"#, "password"),
            ("type=\"password\" :placeholder=\"x\"", "password"),
            (r#"{"type":"token","count":5}"#, "token"),
        ] {
            assert_eq!(value(text, word), None, "{text}");
        }
    }
}
