//! Values that a statement of SQL gets beside it: where a value would stand, it has a place, and
//! a list near it, as drivers and mappers log it, holds what goes there.

use std::ops::Range;

use crate::scrub::detector::assign::Cursor;
use crate::scrub::detector::bytes::is_key_byte;
use crate::scrub::detector::bytes::is_word;

/// How far around a place its statement and its list are looked for, in bytes.
const REACH: usize = 2048;

/// How far behind its name a list begins, and how long the name of a place may be.
const NAME_MAX: usize = 48;

/// How many values a list has at most.
const VALUES_MAX: usize = 256;

/// What stands where a value goes.
#[derive(Debug, PartialEq, Eq)]
enum Place<'t> {
    /// The value of this number, from 0: `?`, `%s`, `$2`.
    Number(usize),
    /// The value under this name: `@p1`.
    Name(&'t [u8]),
}

/// The value that is bound to the column at `key`, if the statement there has a place for it;
/// and how many bytes were read.
pub(in crate::scrub) fn bound(text: &[u8], key: &Range<usize>) -> (Option<Range<usize>>, usize) {
    if let Some(value) = named_binder(text, key) {
        return (Some(value), NAME_MAX);
    }
    let Some(at) = compared(text, key.end).or_else(|| inserted(text, key)) else {
        return (None, 0);
    };
    let value = place(text, at).and_then(|place| match place {
        Place::Number(number) => value_of_number(text, at, number),
        Place::Name(name) => value_of_name(text, at, name),
    });
    (value, 2 * REACH)
}

/// `binding parameter [password] as [VARCHAR] - [x]` (Hibernate).
fn named_binder(text: &[u8], key: &Range<usize>) -> Option<Range<usize>> {
    let before = text.get(..key.start)?;
    let is_binder = before.ends_with(b"parameter [") || before.ends_with(b"parameter (");
    is_binder.then(|| binder_value(text, key.end)).flatten()
}

/// What stands in the last brackets behind a type: `:VARCHAR) <- [x]`, `] as [VARCHAR] - [x]`.
fn binder_value(text: &[u8], at: usize) -> Option<Range<usize>> {
    let rest = text.get(at..text.len().min(at + NAME_MAX))?;
    let open = memchr::memmem::find(rest, b"- [")? + b"- [".len();
    let start = at + open;
    let line = text.get(start..text.len().min(start + REACH))?;
    let len = memchr::memchr3(b'\n', b'"', b'\\', line).unwrap_or(line.len());
    let end = memchr::memrchr(b']', line.get(..len)?)?;
    (0 < end).then_some(start..start + end)
}

/// Where the place begins with which a column is compared, or to which it is set.
fn compared(text: &[u8], at: usize) -> Option<usize> {
    const SIGNS: [&[u8]; 6] = [b"=", b"<>", b"!=", b"like ", b"in (", b"in("];
    let mut cursor = Cursor { text, at };
    if let Some((depth, _)) = cursor.quote() {
        cursor.at += depth + 1;
    } else if cursor.peek() == Some(b']') {
        cursor.at += 1;
    }
    cursor.blanks();
    let rest = cursor.rest();
    let is =
        |sign: &&&[u8]| rest.get(..sign.len()).is_some_and(|rest| rest.eq_ignore_ascii_case(sign));
    cursor.at += SIGNS.iter().find(is)?.len();
    cursor.blanks();
    Some(cursor.at)
}

/// Where the place of a column of `INSERT` begins: `(name, password) VALUES (?, ?)`.
fn inserted(text: &[u8], key: &Range<usize>) -> Option<usize> {
    // Most names stand in no list, and what is before them is not read.
    let rest = text.get(key.end..)?;
    let quotes = rest.iter().take(2).take_while(|byte| b"\"`]\\".contains(byte)).count();
    if !matches!(rest.get(quotes), Some(b',' | b')')) {
        return None;
    }
    let of_names = |byte: &u8| is_key_byte(*byte) || b" \t\r\n,`\"[]\\".contains(byte);
    let before = text.get(key.start.saturating_sub(REACH)..key.start)?;
    let names = before.iter().rev().take_while(|byte| of_names(byte)).count();
    let (outside, names) = before.split_at(before.len() - names);
    if outside.last() != Some(&b'(') {
        return None;
    }
    let number = memchr::memchr_iter(b',', names).count();
    let rest = text.get(key.end..text.len().min(key.end + REACH))?;
    let end = rest.iter().take_while(|byte| of_names(byte)).count();
    let behind = rest.get(end..)?.strip_prefix(b")")?.trim_ascii_start();
    let word = behind.get(..b"values".len())?;
    if !word.eq_ignore_ascii_case(b"values") {
        return None;
    }
    let behind = behind.get(word.len()..)?.trim_ascii_start().strip_prefix(b"(")?;
    let start = key.end + rest.len() - behind.len();
    let mut at = start;
    for _ in 0..number {
        at += memchr::memchr2(b',', b')', text.get(at..)?).filter(|len| *len < NAME_MAX)? + 1;
    }
    let blanks = text.get(at..)?.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    Some(at + blanks)
}

/// Whether the key is a column of an `INSERT` with its values behind it, and not the first of a
/// pair: `("session_key", "data") VALUES (…)`.
pub(in crate::scrub) fn is_inserted(text: &[u8], key: &Range<usize>) -> bool {
    inserted(text, key).is_some()
}

/// What stands at `at` in place of a value.
fn place(text: &[u8], at: usize) -> Option<Place<'_>> {
    match text.get(at..)? {
        [b'$', digits @ ..] => ordinal(digits).map(Place::Number),
        [b'?', digits @ ..] if digits.first().is_some_and(u8::is_ascii_digit) => {
            ordinal(digits).map(Place::Number)
        }
        [b'?', ..] => Some(Place::Number(count_before(text, at, b"?"))),
        [b'%', b's', ..] => Some(Place::Number(count_before(text, at, b"%s"))),
        [b'@', name @ ..] => {
            let len = name.iter().take(NAME_MAX).take_while(|byte| is_word(**byte)).count();
            (0 < len).then(|| text.get(at..at + 1 + len).map(Place::Name)).flatten()
        }
        _ => None,
    }
}

/// The number that a text begins with, which counts from 1, as one that counts from 0.
fn ordinal(text: &[u8]) -> Option<usize> {
    let len = text.iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
    let number: usize = std::str::from_utf8(text.get(..len)?).ok()?.parse().ok()?;
    number.checked_sub(1)
}

/// How many places stand before one in its statement.
fn count_before(text: &[u8], at: usize, place: &[u8]) -> usize {
    const VERBS: [&[u8]; 6] = [b"select", b"insert", b"update", b"delete", b"replace", b"merge"];
    let before = text.get(at.saturating_sub(REACH)..at).unwrap_or_default();
    let mut lines = before.rsplit(|byte| *byte == b'\n');
    let (mut count, mut is_read) = (0, false);
    while let Some(line) = lines.next().filter(|_| !is_read) {
        let verb = (0..line.len()).find(|at| {
            let rest = line.get(*at..).unwrap_or_default();
            let is = |verb: &&[u8]| {
                rest.get(..verb.len()).is_some_and(|word| word.eq_ignore_ascii_case(verb))
            };
            VERBS.iter().any(is)
        });
        let statement = line.get(verb.unwrap_or_default()..).unwrap_or_default();
        count += memchr::memmem::find_iter(statement, place).count();
        is_read = verb.is_some();
    }
    count
}

/// The value of a number, in the list behind the statement.
fn value_of_number(text: &[u8], at: usize, number: usize) -> Option<Range<usize>> {
    const NAMES: [&[u8]; 8] = [
        b"param",
        b"args",
        b"bind",
        b"generated in",
        b"cached since",
        b"arguments",
        b"bound",
        b"values:",
    ];
    let window = text.get(at..text.len().min(at + REACH))?;
    let small = window.to_ascii_lowercase();
    let first = NAMES.iter().filter_map(|name| memchr::memmem::find(&small, name)).min();
    // The name of a logger has such a word, too: `org.hibernate.orm.jdbc.bind`.
    if first.is_some()
        && let Some(binder) = memchr::memmem::find(&small, b"binding parameter")
    {
        return bound_below(text, at + binder, number);
    }
    let Some(first) = first else {
        if let Some(value) = listed_before(text, at, number) {
            return Some(value);
        }
        let line = memchr::memchr(b'\n', window).unwrap_or(window.len());
        let open = memchr::memmem::find(window.get(..line)?, b" [")? + 1;
        return element(text, at + open, number);
    };
    let start = at + first;
    // `parameters: $1 = 'x', $2 = 'y'` (PostgreSQL).
    let name = format!("${} = '", number + 1);
    let rest = window.get(first..)?;
    if let Some(found) = memchr::memmem::find(rest, name.as_bytes()) {
        let start = start + found + name.len();
        let len = memchr::memchr(b'\'', text.get(start..)?)?;
        return (0 < len).then_some(start..start + len);
    }
    let near = rest.get(..NAME_MAX).unwrap_or(rest);
    let line = near.split(|byte| *byte == b'\n').next()?;
    if is_typed(rest) {
        return typed(text, start, number);
    }
    let open = line.iter().position(|byte| matches!(byte, b'[' | b'('))?;
    element(text, start + open, number)
}

/// The value of a number in the list that stands before its statement: `bindings: ['x'], sql:
/// 'update t set secret = ?'`.
fn listed_before(text: &[u8], at: usize, number: usize) -> Option<Range<usize>> {
    const NAMES: [&[u8]; 5] =
        [b"bindings: [", b"params: [", b"parameters: [", b"values: [", b"args: ["];
    let from = at.saturating_sub(REACH);
    let before = text.get(from..at)?;
    let ends = NAMES
        .iter()
        .filter_map(|name| memchr::memmem::rfind(before, name).map(|found| found + name.len() - 1));
    element(text, from + ends.max()?, number)
}

/// Whether a list says the type of each value behind it: `bob(String), 7(Integer)` (MyBatis).
fn is_typed(rest: &[u8]) -> bool {
    let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
    line.starts_with(b"Parameters: ") && line.trim_ascii_end().ends_with(b")") && {
        let open = memchr::memrchr(b'(', line).unwrap_or_default();
        line.get(open + 1).is_some_and(u8::is_ascii_uppercase)
    }
}

/// The value of a number in such a list.
fn typed(text: &[u8], start: usize, number: usize) -> Option<Range<usize>> {
    let line = text.get(start..)?.split(|byte| *byte == b'\n').next()?;
    let mut at = memchr::memchr(b' ', line)? + 1;
    for _ in 0..number.min(VALUES_MAX) {
        at += memchr::memmem::find(line.get(at..)?, b"), ")? + b"), ".len();
    }
    let value = line.get(at..)?;
    let end = memchr::memmem::find(value, b"), ").unwrap_or(value.len());
    let len = memchr::memrchr(b'(', value.get(..end)?)?;
    (0 < len).then_some(start + at..start + at + len)
}

/// The value that a line of its own binds to a number: `binding parameter [1] as [VARCHAR] - [x]`.
fn bound_below(text: &[u8], start: usize, number: usize) -> Option<Range<usize>> {
    const WORDS: &[u8] = b"binding parameter ";
    let window = text.get(start..text.len().min(start + REACH))?;
    memchr::memmem::find_iter(window, WORDS).find_map(|found| {
        let own = found + WORDS.len() + 1;
        let is_own = ordinal(window.get(own..)?)? == number;
        is_own.then(|| binder_value(text, start + own)).flatten()
    })
}

/// The element of a number of the list that opens at `open`, without its quotes.
fn element(text: &[u8], open: usize, number: usize) -> Option<Range<usize>> {
    let rest = text.get(open + 1..text.len().min(open + REACH))?;
    let (mut from, mut quote, mut depth, mut seen) = (0, None, 0_usize, 0);
    for (at, &byte) in rest.iter().enumerate() {
        match (quote, byte) {
            (Some(open), _) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'(' | b'[' | b'{') => depth += 1,
            (None, b')' | b']' | b'}') if 0 < depth => depth -= 1,
            (None, b',' | b')' | b']') if depth == 0 => {
                if seen == number {
                    let range = from..at;
                    let value = rest.get(range.clone())?;
                    let of_quote =
                        |byte: &u8| byte.is_ascii_whitespace() || b"'\"\\".contains(byte);
                    let front = value.iter().take_while(|byte| of_quote(byte)).count();
                    let back = value.iter().rev().take_while(|byte| of_quote(byte)).count();
                    let start = open + 1 + from + front;
                    return (front + back < value.len()).then(|| start..open + 1 + at - back);
                }
                (from, seen) = (at + 1, seen + 1);
                if byte != b',' || VALUES_MAX < seen {
                    return None;
                }
            }
            (None, _) => {}
        }
    }
    None
}

/// The value under the name of a place, before the statement or behind it: `@p1='x'`.
fn value_of_name(text: &[u8], at: usize, name: &[u8]) -> Option<Range<usize>> {
    let from = at.saturating_sub(REACH);
    let window = text.get(from..text.len().min(at + REACH))?;
    let sign = [name, b"='"].concat();
    let start = from + memchr::memmem::find(window, &sign)? + sign.len();
    let len = memchr::memchr(b'\'', text.get(start..)?).filter(|len| *len < REACH)?;
    (0 < len).then_some(start..start + len)
}

#[cfg(test)]
mod tests {
    use super::bound;

    #[test]
    fn a_value_is_read_from_the_list_beside_its_statement() {
        for (text, value) in [
            ("WHERE a = $1 AND password = $2\nParams: [\"b\",\"x1\"]", Some("x1")),
            ("SELECT 1 WHERE a = %s AND password = %s; args=('b', 'x1')", Some("x1")),
            ("UPDATE t SET password = ? WHERE id = ? [x1, 7]", Some("x1")),
            (
                "INSERT INTO t (a, password) VALUES (?, ?)\n[generated in 1s] ('b', 'x1')",
                Some("x1"),
            ),
            ("INSERT INTO t (a, password) VALUES (?, ?)\nargs: ('b', 'x1')", Some("x1")),
            (
                "[@p0='b', @p1='x1']\nINSERT INTO t (\"a\", \"password\") VALUES (@p0, @p1)",
                Some("x1"),
            ),
            (
                "select 1 where a=? and password=?\n==> Parameters: b(String), x1(String)",
                Some("x1"),
            ),
            ("password = $1\nDETAIL:  parameters: $1 = 'x1'", Some("x1")),
            ("binding parameter [password] as [VARCHAR] - [x1]", Some("x1")),
            ("where password=?\nbinding parameter (1:VARCHAR) <- [x1]", Some("x1")),
            (
                "a where password=? b\norg.jdbc.bind - binding parameter (1:VARCHAR) <- [x1]",
                Some("x1"),
            ),
            (
                "{ bindings: [ 'x1', 7 ], sql: 'update t set `password` = ? where id = ?' }",
                Some("x1"),
            ),
            ("where password = 'x'\nargs=('y',)", None),
            ("password = ? and nothing", None),
        ] {
            let at = text.find("password").expect("the name stands in the text");
            let (found, _) = bound(text.as_bytes(), &(at..at + 8));
            assert_eq!(found.map(|range| &text[range]), value, "{text}");
        }
    }
}
