//! The members of an object: `{"prod": "x", "test": "y"}`.

use std::ops::Range;

use crate::scrub::detector::assign::cursor::Cursor;
use crate::scrub::detector::assign::cursor::closing_quote;

/// Reads the members that are strings, up to the first that is none.
pub(in crate::scrub) struct Members<'t> {
    cursor: Cursor<'t>,
}

/// A member.
pub(in crate::scrub) struct Member<'t> {
    pub(in crate::scrub) name: &'t [u8],
    pub(in crate::scrub) value: Range<usize>,
}

impl<'t> Members<'t> {
    /// Those of the object whose bracket stands at `at`.
    pub(in crate::scrub) fn new(text: &'t [u8], at: usize) -> Self {
        Self { cursor: Cursor { text, at } }
    }
}

impl<'t> Iterator for Members<'t> {
    type Item = Member<'t>;

    fn next(&mut self) -> Option<Member<'t>> {
        self.cursor.blanks();
        if !matches!(self.cursor.peek(), Some(b'{' | b',')) {
            return None;
        }
        self.cursor.at += 1;
        self.cursor.blanks();
        let (depth, _) = self.cursor.quote()?;
        let name = self.cursor.member_name(depth)?;
        self.cursor.blanks();
        let (depth, quote) = self.cursor.quote()?;
        let start = self.cursor.at + depth + 1;
        let end = closing_quote(self.cursor.text, start, depth, quote);
        self.cursor.at = end + depth + 1;
        Some(Member { name, value: start..end })
    }
}
