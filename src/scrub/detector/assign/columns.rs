//! Values that stand in a column under their key: tables, CSV, `INSERT` statements.
//!
//! Rows can hold the key again, and each of them can be taken for a row of names. What was
//! read for one of them is not read for the next ([`ReadColumns`]), and each look says how
//! many bytes it took, so that the search can charge them.

use std::ops::Range;

use crate::scrub::detector::assign::aligned;
use crate::scrub::detector::assign::grid;
use crate::scrub::detector::bytes::is_key_byte;
use crate::scrub::detector::decode::break_len;

/// How long a row may be, in bytes.
const ROW_LEN_MAX: usize = 2048;

/// How long a tuple of values may be, in bytes.
const TUPLE_LEN_MAX: usize = 8 * ROW_LEN_MAX;

/// How many blanks the name of a column may have that only commas tell of.
const NAME_BLANKS_MAX: usize = 2;

/// How many rows are looked at.
const ROWS_MAX: usize = 256;

/// Values in the column of a key.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::scrub) struct Column {
    /// Where they stand, without quotes.
    pub(in crate::scrub) cells: Vec<Range<usize>>,
    /// Whether only commas say that this is a table.
    pub(in crate::scrub) loose: bool,
    /// How many bytes were read to find them.
    pub(in crate::scrub) read_bytes: usize,
}

/// Columns of a text that were read, so that none is read twice.
#[derive(Debug, Default)]
pub(in crate::scrub) struct ReadColumns {
    columns: Vec<ReadColumn>,
    /// A row, last seen, that holds more than names.
    no_names: Range<usize>,
}

/// How many columns are remembered, of the tables last seen.
const READ_COLUMNS_MAX: usize = 8;

/// A column, and up to where it was read.
#[derive(Debug, PartialEq, Eq)]
struct ReadColumn {
    separator: u8,
    columns: usize,
    number: usize,
    /// Where its rows begin that were read, and where they end.
    start: usize,
    end: usize,
}

impl ReadColumns {
    /// Where a column goes on whose names end at `end`: behind what was read of it.
    fn end(&self, separator: u8, columns: usize, number: usize, end: usize) -> usize {
        let same = |read: &&ReadColumn| {
            (read.separator, read.columns, read.number) == (separator, columns, number)
        };
        self.columns.iter().find(same).map_or(end, |read| read.end.max(end))
    }

    /// The column in which `at` stands, if its row was read as one of a table: separator,
    /// number of columns, and its own number.
    fn column_of(&self, text: &[u8], row: &Range<usize>, at: usize) -> Option<(u8, usize, usize)> {
        let read = self.columns.iter().find(|read| {
            (read.start..read.end).contains(&at)
                && number_of(text, row, read.separator, at) == read.number
        })?;
        Some((read.separator, read.columns, read.number))
    }

    fn note(&mut self, mut read: ReadColumn) {
        let key = |read: &ReadColumn| (read.separator, read.columns, read.number);
        if let Some(old) = self.columns.iter_mut().find(|old| key(old) == key(&read)) {
            if old.end == read.start {
                read.start = old.start;
            }
            *old = read;
            return;
        }
        if READ_COLUMNS_MAX <= self.columns.len() {
            self.columns.remove(0);
        }
        self.columns.push(read);
    }
}

/// The values in the column under the key, if it stands in a row of names.
pub(in crate::scrub) fn column(text: &[u8], key: &Range<usize>, read: &mut ReadColumns) -> Column {
    if let Some((cells, read_bytes)) = grid::column(text, key) {
        return Column { cells, loose: true, read_bytes };
    }
    if is_quoted_name(text, key) {
        let (cells, read_bytes) = quoted(text, key);
        return Column { cells, loose: true, read_bytes };
    }
    let row = row_around(text, key);
    let mut looks = Looks { text, read, read_bytes: 0 };
    let line = text.get(row.clone()).unwrap_or_default();
    let piped = memchr::memchr(b'|', line).is_some();
    let (cells, loose) = if piped && (line.starts_with(b"|") || line.contains(&b' ')) {
        (looks.table(key, &row), false)
    } else {
        match looks.inserted(key) {
            cells if !cells.is_empty() => (cells, false),
            _ => (looks.csv(key, &row), true),
        }
    };
    Column { cells, loose, read_bytes: looks.read_bytes }
}

/// Whether the key is one string of several and nothing else: `"key",` or `,"key"`.
pub(in crate::scrub) fn is_quoted_name(text: &[u8], key: &Range<usize>) -> bool {
    let behind = text.get(key.end..).unwrap_or_default();
    let before = text.get(..key.start).unwrap_or_default();
    let ends = matches!(behind, [b'"'] | [b'"', b',' | b';' | b'\t' | b'\n' | b'\r', ..]);
    ends && matches!(before, [b'"'] | [.., b',' | b';' | b'\t' | b'\n', b'"'])
}

/// The looks at one key.
struct Looks<'t> {
    text: &'t [u8],
    read: &'t mut ReadColumns,
    read_bytes: usize,
}

/// The quoted cells in the column of a quoted key: `"user","password"`, and rows alike.
fn quoted(text: &[u8], key: &Range<usize>) -> (Vec<Range<usize>>, usize) {
    let start = key.start.saturating_sub(ROW_LEN_MAX);
    let before = text.get(start..key.start).unwrap_or_default();
    let row_start = memchr::memrchr(b'\n', before).map_or(start, |at| start + at + 1);
    let mut found = Vec::new();
    let (mut at, mut number, mut columns) = (row_start, None, 0);
    let mut cells = Vec::new();
    for row in 0..ROWS_MAX {
        cells.clear();
        let end = quoted_row(text, at, &mut cells);
        let Some(end) = end.filter(|_| 2 <= cells.len()) else { break };
        if row == 0 {
            let is_name = |cell: &Range<usize>| {
                let name = text.get(cell.clone()).unwrap_or_default();
                (1..=40).contains(&name.len()) && is_name(name)
            };
            number = cells.iter().position(|cell| cell == key);
            columns = cells.len();
            if number.is_none() || !cells.iter().all(is_name) {
                break;
            }
        } else if cells.len() == columns {
            found.extend(number.and_then(|number| cells.get(number)).cloned());
        } else {
            break;
        }
        at = end;
    }
    (found, at - row_start)
}

/// Whether a cell is a name: words, perhaps with blanks between.
pub(super) fn is_name(cell: &[u8]) -> bool {
    cell.iter().all(|byte| is_key_byte(*byte) || *byte == b' ')
}

/// The cells of a row of quoted strings and numbers that begins at `at`. Gives where the next
/// row begins.
fn quoted_row(text: &[u8], start: usize, cells: &mut Vec<Range<usize>>) -> Option<usize> {
    let mut at = start;
    loop {
        let rest = text.get(at..text.len().min(start + ROW_LEN_MAX))?;
        let (cell, end) = match rest.strip_prefix(b"\"") {
            Some(rest) => {
                let len = memchr::memchr2(b'"', b'\n', rest)?;
                (at + 1..at + 1 + len, at + len + 2)
            }
            None => {
                let len = rest.iter().take_while(|byte| is_key_byte(**byte)).count();
                (at..at + len, at + len)
            }
        };
        cells.push(cell);
        match text.get(end) {
            Some(b',' | b';' | b'\t') => at = end + 1,
            Some(b'\n') => return Some(end + 1),
            Some(b'\r') if text.get(end + 1) == Some(&b'\n') => return Some(end + 2),
            None => return Some(end),
            Some(_) => return None,
        }
    }
}

/// The line around a key, as far as it is not quoted.
fn row_around(text: &[u8], key: &Range<usize>) -> Range<usize> {
    let from = key.start.saturating_sub(ROW_LEN_MAX);
    let before = text.get(from..key.start).unwrap_or_default();
    let mut borders = memchr::memrchr3_iter(b'\n', b'"', b'\\', before);
    let start = borders.find_map(|i| match (before.get(i), before.get(i + 1)) {
        (Some(b'\\'), Some(b'n' | b'r')) => Some(from + i + 2),
        (Some(b'\\'), _) => None,
        _ => Some(from + i + 1),
    });
    start.unwrap_or(from)..row_end(text, key.end)
}

fn row_end(text: &[u8], from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    let rest = rest.get(..ROW_LEN_MAX).unwrap_or(rest);
    let end = memchr::memchr3(b'\n', b'"', b'\\', rest).unwrap_or(rest.len());
    from + rest.get(..end).and_then(|row| memchr::memchr(b'\r', row)).unwrap_or(end)
}

/// The row behind the one that ends at `end`.
fn next_row(text: &[u8], end: usize) -> Option<Range<usize>> {
    let start = end + break_len(text.get(end..)?)?;
    let row = start..row_end(text, start);
    (!row.is_empty()).then_some(row)
}

/// The number of the cell in which `at` stands.
fn number_of(text: &[u8], row: &Range<usize>, separator: u8, at: usize) -> usize {
    text.get(row.start..at).unwrap_or_default().iter().filter(|byte| **byte == separator).count()
}

/// The cells of a row, without blanks and what marks code or emphasis.
fn cells(text: &[u8], row: &Range<usize>, separator: u8) -> Vec<Range<usize>> {
    let bytes = text.get(row.clone()).unwrap_or_default();
    let mut start = row.start;
    let ends = memchr::memchr_iter(separator, bytes).map(|at| row.start + at);
    ends.chain(std::iter::once(row.end))
        .map(|end| {
            let cell = start..end;
            start = end + 1;
            bare(text, cell)
        })
        .collect()
}

/// One cell of the row `line`, which begins at `start`.
fn nth_cell(line: &[u8], start: usize, separator: u8, number: usize) -> Range<usize> {
    let mut ends = memchr::memchr_iter(separator, line).chain(std::iter::once(line.len()));
    let from = match number.checked_sub(1) {
        Some(before) => ends.nth(before).map_or(line.len(), |end| end + 1),
        None => 0,
    };
    start + from..start + ends.next().unwrap_or(line.len()).max(from)
}

fn bare(text: &[u8], cell: Range<usize>) -> Range<usize> {
    let bytes = text.get(cell.clone()).unwrap_or_default();
    let marks = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'`' | b'*' | b'\'');
    let front = bytes.iter().take_while(|byte| marks(byte)).count();
    let back = bytes.iter().rev().take_while(|byte| marks(byte)).count();
    if front + back < bytes.len() {
        cell.start + front..cell.end - back
    } else {
        cell.start..cell.start
    }
}

impl Looks<'_> {
    /// A table of Markdown or of a database's shell: a rule follows the names; or a table of
    /// two columns in which names stand at the left.
    fn table(&mut self, key: &Range<usize>, row: &Range<usize>) -> Vec<Range<usize>> {
        let text = self.text;
        self.read_bytes += row.len() / 8;
        let number = number_of(text, row, b'|', key.start);
        let rule = next_row(text, row.end).filter(|next| {
            let line = text.get(next.clone()).unwrap_or_default();
            line.iter().filter(|byte| **byte == b'-').count() >= 3
                && line.iter().all(|byte| b"|-+: =".contains(byte))
        });
        // Of most rows in which a bar stands, all that need be read.
        if rule.is_none() && 1 < number {
            return Vec::new();
        }
        let names = cells(text, row, b'|');
        if names.get(number).is_none_or(|cell| cell.start != key.start || cell.end != key.end) {
            return Vec::new();
        }
        let Some(rule) = rule else {
            let filled = names.iter().filter(|cell| !cell.is_empty()).count();
            return match names.get(number + 1) {
                Some(value) if filled == 2 => vec![value.clone()],
                _ => Vec::new(),
            };
        };
        self.rows(rule.end, b'|', names.len(), number)
    }

    /// The cells in one column of the rows that follow, as long as they have as many cells.
    fn rows(
        &mut self,
        names_end: usize,
        separator: u8,
        columns: usize,
        number: usize,
    ) -> Vec<Range<usize>> {
        let text = self.text;
        let start = self.read.end(separator, columns, number, names_end);
        let mut end = start;
        let mut found = Vec::new();
        for _ in 0..ROWS_MAX {
            let Some(row) = next_row(text, end) else { break };
            let line = text.get(row.clone()).unwrap_or_default();
            if memchr::memchr_iter(separator, line).count() + 1 != columns {
                break;
            }
            let cell = bare(text, nth_cell(line, row.start, separator, number));
            found.extend(Some(cell).filter(|cell| !cell.is_empty()));
            end = row.end;
        }
        self.read_bytes += end - start;
        self.read.note(ReadColumn { separator, columns, number, start, end });
        found
    }

    /// A first row of names and nothing else, separated by commas, semicolons, tabs or bars.
    fn csv(&mut self, key: &Range<usize>, row: &Range<usize>) -> Vec<Range<usize>> {
        if self.read.no_names.contains(&key.start) {
            return Vec::new();
        }
        let text = self.text;
        if let Some((separator, columns, number)) = self.read.column_of(text, row, key.start) {
            return self.rows(row.end, separator, columns, number);
        }
        let line = text.get(row.clone()).unwrap_or_default();
        let first = memchr::memchr3(b',', b';', b'\t', line);
        let first = first.into_iter().chain(memchr::memchr(b'|', line)).min();
        let Some(&separator) = first.and_then(|at| line.get(at)) else { return Vec::new() };
        let names = cells(text, row, separator);
        let is_name = |cell: &Range<usize>| {
            let name = text.get(cell.clone()).unwrap_or_default();
            !name.is_empty() && name.len() <= 40 && is_name(name)
        };
        // Words of a line of code or of prose, too.
        let blanks = |cell: &Range<usize>| {
            let name = text.get(cell.clone()).unwrap_or_default();
            memchr::memchr_iter(b' ', name).count()
        };
        if !names.iter().all(|cell| is_name(cell) && blanks(cell) <= NAME_BLANKS_MAX) {
            self.read.no_names = row.clone();
            return Vec::new();
        }
        self.read_bytes += 2 * row.len();
        let number = number_of(text, row, separator, key.start);
        let whole = names.get(number).is_some_and(|cell| cell == key);
        if names.len() < 2 || !whole {
            return Vec::new();
        }
        self.rows(row.end, separator, names.len(), number)
    }

    /// `INSERT INTO t (name, password) VALUES ('a', 'b'), ('c', 'd')`, and rows of `COPY`.
    fn inserted(&mut self, key: &Range<usize>) -> Vec<Range<usize>> {
        let text = self.text;
        let of_names = |byte: &u8| is_key_byte(*byte) || b" \t\r\n,`\"[]\\".contains(byte);
        let before = text.get(key.start.saturating_sub(ROW_LEN_MAX)..key.start).unwrap_or_default();
        let Some(open) = memchr::memrchr(b'(', before) else { return Vec::new() };
        let names = before.get(open + 1..).unwrap_or_default();
        if !names.iter().all(of_names) {
            return Vec::new();
        }
        let number = memchr::memchr_iter(b',', names).count();
        self.read_bytes += names.len();
        let rest = text.get(key.end..).unwrap_or_default();
        let end = rest.iter().take(ROW_LEN_MAX).take_while(|byte| of_names(byte)).count();
        self.read_bytes += end;
        let Some(behind) = rest.get(end..).and_then(|rest| rest.strip_prefix(b")")) else {
            return Vec::new();
        };
        let commas = memchr::memchr_iter(b',', rest.get(..end).unwrap_or_default()).count();
        let behind_at = key.end + end + 1;
        if let Some((found, len)) = aligned::copied(text, behind_at, number + commas + 1, number) {
            self.read_bytes += len;
            return found;
        }
        let blanks = |text: &[u8]| text.len() - text.trim_ascii_start().len();
        let values_at = key.end + end + 1 + blanks(behind);
        let word = text.get(values_at..values_at + 6);
        if !word.is_some_and(|word| word.eq_ignore_ascii_case(b"values")) {
            return Vec::new();
        }
        let mut at = values_at + 6;
        let mut found = Vec::new();
        for _ in 0..ROWS_MAX {
            let rest = text.get(at..).unwrap_or_default();
            let open = rest.iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == b',');
            let open = at + open.count();
            self.read_bytes += open - at;
            if text.get(open) != Some(&b'(') {
                break;
            }
            let Some((values, end)) = tuple(text, open + 1) else {
                self.read_bytes += TUPLE_LEN_MAX.min(text.len() - open);
                break;
            };
            self.read_bytes += end - open;
            found.extend(values.into_iter().nth(number));
            at = end;
        }
        found
    }
}

/// The values of a tuple, and where it ends; a quoted one without its quotes.
fn tuple(text: &[u8], start: usize) -> Option<(Vec<Range<usize>>, usize)> {
    let rest = text.get(start..)?;
    let mut values = Vec::new();
    let (mut from, mut quote, mut depth) = (start, None, 0_usize);
    for (i, &byte) in rest.iter().enumerate().take(TUPLE_LEN_MAX) {
        match (quote, byte) {
            (Some(open), _) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'(') => depth += 1,
            (None, b')') if 0 < depth => depth -= 1,
            (None, b',' | b')') if depth == 0 => {
                values.push(unquoted(text, from..start + i));
                from = start + i + 1;
                if byte == b')' {
                    return Some((values, start + i + 1));
                }
            }
            (None, _) => {}
        }
    }
    None
}

fn unquoted(text: &[u8], value: Range<usize>) -> Range<usize> {
    let bytes = text.get(value.clone()).unwrap_or_default();
    let of_quote = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'\'' | b'"' | b'\\');
    let front = bytes.iter().take_while(|byte| of_quote(byte)).count();
    let back = bytes.iter().rev().take_while(|byte| of_quote(byte)).count();
    if front + back < bytes.len() {
        value.start + front..value.end - back
    } else {
        value.start..value.start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn under(text: &str, key: &str) -> Vec<String> {
        let at = text.find(key).expect("the key stands in the text");
        let read = &mut ReadColumns::default();
        let column = column(text.as_bytes(), &(at..at + key.len()), read);
        column.cells.into_iter().map(|cell| text[cell].to_owned()).collect()
    }

    #[test]
    fn values_are_read_from_the_column_of_their_key() {
        let cases: &[(&str, &[&str])] = &[
            ("| user | password |\n|---|---|\n| bob | x |\n| al | `y` |\n\nz", &["x", "y"]),
            (" id | password \n----+----------\n  1 | x\n", &["x"]),
            ("| password | x |\n| user | y |", &["x"]),
            ("| **password** | `x` |", &["x"]),
            ("user,password\nbob,x\nal,y\n", &["x", "y"]),
            (r"| a | password |\n|--|--|\n| b | x |", &["x"]),
            ("INSERT INTO t (a, password) VALUES (f(1, 2), 'it''s'), (2, 'y')", &["it''s", "y"]),
            ("INSERT INTO `t` (`a`,`password`) values (\"b\",\"x\")", &["x"]),
            ("a, password and more\nb, x\n", &[]),
            ("| the password | is |\n", &[]),
            ("| password | user | mail |\n", &[]),
            ("f(a, password) + values(1, 2)", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(under(text, "password"), *expected, "{text}");
        }
    }

    #[test]
    fn rows_that_hold_the_key_again_are_read_once() {
        let text = "a,password,b\n".repeat(1000);
        let mut read = ReadColumns::default();
        let (mut bytes, mut cells) = (0, 0);
        for (at, _) in text.match_indices("password") {
            let column = column(text.as_bytes(), &(at..at + 8), &mut read);
            bytes += column.read_bytes;
            cells += column.cells.len();
        }
        assert_eq!(cells, 999);
        assert!(bytes <= 4 * text.len(), "{bytes}");
    }
}
