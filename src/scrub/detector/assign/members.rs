//! The members of an object: `{"prod": "x", "test": "y"}`.

use std::ops::Range;

use crate::scrub::detector::assign::cursor::Cursor;
use crate::scrub::detector::assign::cursor::closing_quote;

/// Reads the members that are strings, up to the first that is none.
pub(in crate::scrub) struct Members<'t> {
    cursor: Cursor<'t>,
}

/// A member.
pub(in crate::scrub) struct Member {
    pub(in crate::scrub) name: Range<usize>,
    pub(in crate::scrub) value: Range<usize>,
}

impl<'t> Members<'t> {
    /// Those of the object whose bracket stands at `at`.
    pub(in crate::scrub) fn new(text: &'t [u8], at: usize) -> Self {
        Self { cursor: Cursor { text, at } }
    }

    fn string(&mut self) -> Option<Range<usize>> {
        let (depth, quote) = self.cursor.quote()?;
        let start = self.cursor.at + depth + 1;
        let end = closing_quote(self.cursor.text, start, depth, quote);
        self.cursor.at = end + depth + 1;
        Some(start..end)
    }
}

impl Iterator for Members<'_> {
    type Item = Member;

    fn next(&mut self) -> Option<Member> {
        self.cursor.blanks();
        if !matches!(self.cursor.peek(), Some(b'{' | b',')) {
            return None;
        }
        self.cursor.at += 1;
        self.cursor.blanks();
        let name = self.string()?;
        self.cursor.blanks();
        if self.cursor.peek() != Some(b':') {
            return None;
        }
        self.cursor.at += 1;
        self.cursor.blanks();
        let value = self.string()?;
        Some(Member { name, value })
    }
}
