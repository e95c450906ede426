//! Values of several lines, and what is said before a value: heredocs, strings between three
//! quotes, comments.

use std::ops::Range;

use crate::scrub::detector::assign::Sign;
use crate::scrub::detector::assign::cursor::Cursor;
use crate::scrub::detector::bytes::is_word;
use crate::scrub::detector::decode::break_len;

/// How long a comment between a sign and a value may be, in bytes.
const COMMENT_MAX: usize = 96;

/// The length of the comment that stands before a value: `/* the old one */ "x"`, or the rest of a
/// line behind two slashes, where a quote follows on the next one.
pub(super) fn comment_len(rest: &[u8]) -> Option<usize> {
    let near = rest.get(..COMMENT_MAX).unwrap_or(rest);
    match near {
        [b'/', b'*', inner @ ..] => memchr::memmem::find(inner, b"*/").map(|at| at + 4),
        [b'/', b'/', b' ', inner @ ..] => {
            let len = memchr::memchr(b'\n', inner)?;
            let behind = inner.get(len..)?.trim_ascii_start();
            matches!(behind.first(), Some(b'"' | b'\'')).then_some(3 + len)
        }
        _ => None,
    }
}

/// Whether a tab that is written as an escape at `at` stands between a name, its sign and a value,
/// and no folder does: `key:\tx`, `key\t: x`. `next` is what stands behind it.
pub(super) fn is_tab(text: &[u8], at: usize, next: u8) -> bool {
    let before = text.get(..at).unwrap_or_default();
    matches!(next, b':' | b'=')
        || before.ends_with(b":")
        || before.ends_with(b"=")
        || before.ends_with(b"\\t")
}

/// How long a heredoc may be, in bytes.
const HEREDOC_MAX: usize = 1 << 11;

/// How long the mark of a heredoc may be.
const NAME_MAX: usize = 40;

impl Cursor<'_> {
    /// The value of several lines that begins here, behind a sign.
    pub(super) fn lines(&self, sign: Sign) -> Option<Range<usize>> {
        if !matches!(sign, Sign::Equals | Sign::SpacedEquals | Sign::Colon) {
            return None;
        }
        self.triple_quoted().or_else(|| self.heredoc())
    }

    /// What stands between `<<MARK` and the line of the mark, in shells and HCL.
    fn heredoc(&self) -> Option<Range<usize>> {
        let rest = self.rest().strip_prefix(b"<<")?;
        let rest = rest.strip_prefix(b"-").or(rest.strip_prefix(b"~")).unwrap_or(rest);
        let len = rest.iter().take(NAME_MAX).take_while(|byte| is_word(**byte)).count();
        let (mark, behind) = rest.split_at(len);
        if mark.is_empty() || !mark.iter().any(u8::is_ascii_uppercase) {
            return None;
        }
        let gap = break_len(behind)?;
        let start = self.text.len() - behind.len() + gap;
        let body = self.text.get(start..)?;
        let body = body.get(..HEREDOC_MAX).unwrap_or(body);
        let end = memchr::memmem::find_iter(body, mark).find_map(|at| {
            // A line that is nothing but the mark.
            let before = body.get(..at)?;
            let line =
                before.len() - before.iter().rev().take_while(|b| b" \t".contains(b)).count();
            let begins = matches!(before.get(..line)?, [.., b'\n'] | [.., b'\\', b'n']);
            let behind = body.get(at + mark.len());
            let ends = behind.is_none_or(|byte| !is_word(*byte) && *byte != b' ');
            if !begins || !ends {
                return None;
            }
            let before = before.trim_ascii_end();
            // The line end may be an escape.
            let slashes = |text: &[u8]| text.iter().rev().take_while(|b| **b == b'\\').count();
            let escaped = before.strip_suffix(b"n").filter(|before| 0 < slashes(before));
            let before = escaped.map_or(before, |before| {
                before.get(..before.len() - slashes(before)).unwrap_or(before)
            });
            (before.len() < at).then_some(before.len())
        })?;
        Some(start..start + end)
    }

    /// What stands between three quotes and three more, behind a sign on the same line, as Python,
    /// Java and TOML write it: `"""x"""`. On a line of its own it is documentation.
    fn triple_quoted(&self) -> Option<Range<usize>> {
        let (depth, quote) = self.quote()?;
        let one = self.rest().get(..depth + 1)?;
        let rest = self.rest().strip_prefix(one)?.strip_prefix(one)?.strip_prefix(one)?;
        let before = self.text.get(..self.at)?.trim_ascii_end();
        let gap = self.text.get(before.len()..self.at)?;
        if quote == b'`' || gap.contains(&b'\n') || !matches!(before.last(), Some(b'=' | b':')) {
            return None;
        }
        let body = rest.get(..HEREDOC_MAX).unwrap_or(rest);
        let end = memchr::memmem::find(body, &one.repeat(3))?;
        let start = self.text.len() - rest.len();
        let value = body.get(..end)?;
        let front = value.len() - value.trim_ascii_start().len();
        let len = value.trim_ascii().len();
        (0 < len).then_some(start + front..start + front + len)
    }
}
