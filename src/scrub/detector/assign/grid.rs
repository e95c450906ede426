//! Values in a table that JSON holds as lists: one of names, and rows alike.
//!
//! `[["id","password"],[1,"x"]]`, `{"columns":["id","password"],"rows":[[1,"x"],[2,"y"]]}`,
//! as tools for databases answer.

use std::ops::Range;

use crate::scrub::detector::assign::columns;
use crate::scrub::detector::assign::cursor::Cursor;

/// How far before a key the list of names may begin, in bytes.
const NAMES_LEN_MAX: usize = 1024;

/// How many rows are read.
const ROWS_MAX: usize = 64;

/// How many cells a row may have.
const CELLS_MAX: usize = 64;

/// How long a cell without quotes may be, in bytes.
const SCALAR_LEN_MAX: usize = 40;

/// The strings in the column of the key, and how many bytes were read. `None`: it is no name
/// of a column.
pub(super) fn column(text: &[u8], key: &Range<usize>) -> Option<(Vec<Range<usize>>, usize)> {
    let (depth, _) = Cursor { text, at: key.end }.quote()?;
    let from = key.start.saturating_sub(NAMES_LEN_MAX);
    let before = text.get(from..key.start.checked_sub(depth + 1)?)?;
    if !matches!(before.trim_ascii_end(), [.., b'[' | b',']) {
        return None;
    }
    let start = from + memchr::memrchr(b'[', before)?;
    let mut cursor = Cursor { text, at: start };
    let names = cursor.row(depth)?;
    let is_name = |cell: &Cell| {
        let name = text.get(cell.range.clone()).unwrap_or_default();
        cell.is_string && (1..=64).contains(&name.len()) && columns::is_name(name)
    };
    let number = names.iter().position(|cell| cell.range == *key)?;
    if names.len() < 2 || !names.iter().all(is_name) || !cursor.goes_on(depth) {
        return None;
    }
    let mut found = Vec::new();
    for _ in 0..ROWS_MAX {
        let Some(row) = cursor.row(depth).filter(|row| row.len() == names.len()) else { break };
        let cell = row.get(number).filter(|cell| cell.is_string && !cell.range.is_empty());
        found.extend(cell.map(|cell| cell.range.clone()));
        cursor.blanks();
        if cursor.peek() != Some(b',') {
            break;
        }
        cursor.at += 1;
        cursor.blanks();
    }
    (!found.is_empty()).then_some((found, cursor.at - start))
}

/// What stands in one place of a row.
struct Cell {
    range: Range<usize>,
    is_string: bool,
}

impl Cursor<'_> {
    /// The cells of the list here, whose strings are quoted with `depth` backslashes; leaves
    /// the cursor behind it. `None` where something else stands in it.
    fn row(&mut self, depth: usize) -> Option<Vec<Cell>> {
        if self.peek() != Some(b'[') {
            return None;
        }
        self.at += 1;
        let mut cells = Vec::new();
        while cells.len() < CELLS_MAX {
            self.blanks();
            let range = match self.quote() {
                Some(_) => self.string_of(depth)?,
                None => {
                    let of_scalar =
                        |byte: &&u8| byte.is_ascii_alphanumeric() || b".+-".contains(byte);
                    let scalar = self.rest().iter().take(SCALAR_LEN_MAX).take_while(of_scalar);
                    self.at..self.at + scalar.count()
                }
            };
            let is_string = self.quote().is_some();
            if range.is_empty() && !is_string {
                return None;
            }
            self.at = if is_string { range.end + depth + 1 } else { range.end };
            cells.push(Cell { range, is_string });
            self.blanks();
            let next = self.peek();
            self.at += 1;
            match next {
                Some(b',') => {}
                Some(b']') => return Some(cells),
                _ => return None,
            }
        }
        None
    }

    /// Skips what stands between the list of names and the first row: a comma, or the name of
    /// the member that holds the rows.
    fn goes_on(&mut self, depth: usize) -> bool {
        self.blanks();
        if self.peek() != Some(b',') {
            return false;
        }
        self.at += 1;
        self.blanks();
        if self.peek() == Some(b'[') {
            return true;
        }
        if self.member_name(depth).is_none() {
            return false;
        }
        self.blanks();
        if self.peek() != Some(b'[') {
            return false;
        }
        self.at += 1;
        self.blanks();
        self.peek() == Some(b'[')
    }
}

#[cfg(test)]
mod tests {
    use super::column;

    #[test]
    fn the_column_of_a_name_is_found_in_lists_of_lists() {
        let cases: [(&str, &[&str]); 6] = [
            (r#"[["id","key"],[1,"x"],[2,"y"]]"#, &["x", "y"]),
            (
                r#"{"columns":["id", "key", "n"], "rows": [[1, "x", null], [2, "y", 3]]}"#,
                &["x", "y"],
            ),
            (r#"{\"columns\":[\"id\",\"key\"],\"rows\":[[1,\"x\"]]}"#, &["x"]),
            (r#"{"required":["id","key"],"rows":[1,2]}"#, &[]),
            (r#"["id","key"],["x"]"#, &[]),
            (r#"{"a":["id","key"]}"#, &[]),
        ];
        for (text, expected) in cases {
            let at = text.find("key").expect("the key stands in the text");
            let found = column(text.as_bytes(), &(at..at + 3)).map_or(Vec::new(), |found| found.0);
            let found: Vec<&str> = found.into_iter().map(|range| &text[range]).collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
