//! Tables whose columns only blanks part, as commands print them, and the rows that `COPY`
//! of PostgreSQL reads, which tabs part.
//!
//! A column is told by its number where a row has as many cells as there are names, or by
//! the place where it begins.

use std::ops::Range;

use crate::scrub::detector::assign::columns;

/// How long a row may be, in bytes.
const ROW_LEN_MAX: usize = 1024;

/// How many rows are looked at.
const ROWS_MAX: usize = 128;

/// How many columns a table has at most.
const COLUMNS_MAX: usize = 32;

/// The cells under the key, if it is a name in a row of names that two blanks and more part,
/// and how many bytes were read. `is_cell`: what a cell must be; after a few rows that have
/// none, the table is taken for another.
pub(in crate::scrub) fn aligned(
    text: &[u8],
    key: &Range<usize>,
    is_cell: impl Fn(&[u8]) -> bool,
) -> (Vec<Range<usize>>, usize) {
    const MISSES_MAX: usize = 3;
    let mut found = Vec::new();
    let Some(row) = row_of_names(text, key) else { return (found, 0) };
    let names = cells(text, &row);
    let name = text.get(key.clone()).unwrap_or_default();
    let is_name = |cell: &Range<usize>| text.get(cell.clone()).is_some_and(columns::is_name);
    let are_names = (2..=COLUMNS_MAX).contains(&names.len()) && names.iter().all(is_name);
    let of_key = |cell: &Range<usize>| cell.start <= key.start && cell.end == key.end;
    let Some(number) = names.iter().position(of_key).filter(|_| are_names) else {
        return (found, row.len());
    };
    let place = names.get(number).map_or(key.start, |cell| cell.start) - row.start;
    let (mut end, mut misses) = (row.end, 0);
    for index in 0..ROWS_MAX {
        let Some(row) = next_row(text, end) else { break };
        end = row.end;
        let line = text.get(row.clone()).unwrap_or_default();
        if index == 0 && line.iter().all(|byte| b"-= +".contains(byte)) {
            continue;
        }
        let values = cells(text, &row);
        let same = values.iter().find(|cell| cell.start == row.start + place);
        let cell = match values.len() == names.len() {
            true => values.get(number),
            false => same,
        };
        let value = cell.and_then(|cell| text.get(cell.clone())).unwrap_or_default();
        if values.len() < 2 || value.eq_ignore_ascii_case(name) {
            break;
        }
        match cell.filter(|_| is_cell(value)) {
            Some(cell) => found.push(cell.clone()),
            None if misses < MISSES_MAX => misses += 1,
            None => break,
        }
    }
    (found, end - row.start)
}

/// The row around a key that blanks, two and more, or the ends of a line stand around.
fn row_of_names(text: &[u8], key: &Range<usize>) -> Option<Range<usize>> {
    let rest = text.get(key.end..)?;
    let before = text.get(key.start.saturating_sub(ROW_LEN_MAX)..key.start)?;
    let ends =
        matches!(rest, [b' ', b' ', ..] | [b' ', b'\n', ..] | [b'\n', ..] | [b'\r', b'\n', ..]);
    // `CLIENT SECRET`, `Client Secret`
    let of_word = |byte: &&u8| byte.is_ascii_alphabetic();
    let is_title = |at: usize| text.get(at).is_some_and(u8::is_ascii_uppercase);
    let word = before
        .strip_suffix(b" ")
        .map_or(0, |before| before.iter().rev().take_while(of_word).count() + 1);
    let word = if is_title(key.start - word) == is_title(key.start) { word } else { 0 };
    let outside = before.get(..before.len() - word).unwrap_or_default();
    let is_begin = |before: &[u8]| matches!(before, [] | [.., b'\n'] | [.., b' ', b' ']);
    let begins = is_begin(before) || (1 < word && is_begin(outside));
    if !ends || !begins {
        return None;
    }
    let start = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
    Some(key.start - (before.len() - start)..row_end(text, key.end)?)
}

fn row_end(text: &[u8], from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    let bounded = rest.get(..ROW_LEN_MAX).unwrap_or(rest);
    match memchr::memchr(b'\n', bounded) {
        Some(at) => Some(from + at),
        None => (bounded.len() == rest.len()).then_some(text.len()),
    }
}

fn next_row(text: &[u8], end: usize) -> Option<Range<usize>> {
    let start = end + 1;
    let row = start..row_end(text, start)?;
    (!row.is_empty()).then_some(row)
}

/// What stands between two blanks and more.
fn cells(text: &[u8], row: &Range<usize>) -> Vec<Range<usize>> {
    let line = text.get(row.clone()).unwrap_or_default();
    let line = line.trim_ascii_end();
    let mut cells = Vec::new();
    let mut start = row.start;
    let ends = memchr::memmem::find_iter(line, b"  ").map(|at| row.start + at);
    for end in ends.chain(std::iter::once(row.start + line.len())) {
        let cell = text.get(start..end).unwrap_or_default();
        let blanks = cell.iter().take_while(|byte| **byte == b' ').count();
        if blanks < cell.len() && cells.len() <= COLUMNS_MAX {
            cells.push(start + blanks..end);
        }
        start = end;
    }
    cells
}

/// The cells of one column in the rows behind `COPY t (a, b) FROM stdin`, whose names end
/// at `at`, and how many bytes were read.
pub(super) fn copied(
    text: &[u8],
    at: usize,
    columns: usize,
    number: usize,
) -> Option<(Vec<Range<usize>>, usize)> {
    let rest = text.get(at..)?.trim_ascii_start();
    let words = rest.get(..b"from stdin".len())?;
    if !words.eq_ignore_ascii_case(b"from stdin") {
        return None;
    }
    let mut end = row_end(text, at)?;
    let mut found = Vec::new();
    for _ in 0..ROWS_MAX {
        let Some(row) = next_row(text, end) else { break };
        end = row.end;
        let line = text.get(row.clone()).unwrap_or_default();
        let mut values = line.split(|byte| *byte == b'\t');
        if values.clone().count() != columns {
            break;
        }
        let before: usize = values.by_ref().take(number).map(|value| value.len() + 1).sum();
        let value = values.next().unwrap_or_default().trim_ascii_end();
        if !value.is_empty() && value != br"\N" {
            found.push(row.start + before..row.start + before + value.len());
        }
    }
    Some((found, end - at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_read_from_the_column_of_their_name() {
        let cases: &[(&str, &[&str])] = &[
            ("NAME     USER   PASSWORD\nprimary  rosa   x\nreplica  bob  y\n", &["x", "y"]),
            ("USER   PASSWORD   AGE\nrosa   x          3d\n       y          4d", &["x", "y"]),
            ("User  PASSWORD\n----  --------\nrosa  x\r\nbob   y", &["x", "y"]),
            ("PASSWORD   USER\nx          rosa\n\nz          a", &["x"]),
            ("the PASSWORD  is\nx  y", &[]),
            ("USER   PASSWORD\nof the machine", &[]),
            ("a = 1;  PASSWORD\nx       y", &[]),
            ("PASSWORD   A\nPASSWORD   B\nx   C", &[]),
        ];
        for (text, expected) in cases {
            let at = text.find("PASSWORD").expect("the key stands in the text");
            let (cells, _) = aligned(text.as_bytes(), &(at..at + 8), |_| true);
            let cells: Vec<_> = cells.into_iter().map(|cell| &text[cell]).collect();
            assert_eq!(cells, *expected, "{text}");
        }
    }
}
