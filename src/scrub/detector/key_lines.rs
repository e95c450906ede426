//! A private key in pieces: one log record, or one line of a text, for each of its lines.
//!
//! Whoever logs a key line by line leaves records of which none holds a key. From the
//! record with its first line on, records with a line of it are masked, whatever a logger
//! puts around each: a time, a level, quotes, a colour. Other records may come in between,
//! but not many. Only bodies count: attributes stand between them.
//!
//! Where the first line is missing, several records one behind the other that end in a
//! line of just the width that keys have are taken for the rest of a key; a certificate
//! shows by its own first line.

use std::ops::Range;

use crate::scrub::detector::decode::behind_escape;
use crate::scrub::detector::decode::break_len;
use crate::scrub::detector::decode::colour_len;

/// The first words of a PEM boundary (RFC 7468 §2).
const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";

/// A line of a body has 64 characters (RFC 7468 §2), in practice up to 76; only the last
/// is shorter than this.
const LINE_LEN_MIN: usize = 40;

/// The widths of lines of keys: of PEM, and of what OpenSSH writes.
const WIDTHS: [usize; 2] = [64, 70];

/// How many records in a row may hold something else while a key is open.
const STRAYS_MAX: usize = 8;

/// A text without the line end that it ends in, where that is written as an escape.
fn without_escaped_break(text: &[u8]) -> &[u8] {
    let mut rest = text;
    for letter in [b'n', b'r'] {
        let Some(before) = rest.strip_suffix(&[letter]) else { continue };
        let slashes = before.iter().rev().take_while(|byte| **byte == b'\\').count();
        if 0 < slashes {
            rest = before.get(..before.len() - slashes).unwrap_or_default();
        }
    }
    rest
}

/// How many lines of a key must be seen where its first one was not.
const BARE_MIN: usize = 4;

/// How far apart, in a request, lines of one key stand whose first one was not seen.
const BARE_BYTES_MAX: usize = 2048;

/// How long a record may be that has one line of a key in it.
const RECORD_BYTES_MAX: usize = 2048;

/// Which line of a key is expected next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Next {
    /// None: no key is open.
    #[default]
    None,
    /// The first of the body, or a header before it.
    First,
    /// One more, or the last.
    Line,
}

/// The lines of a key, as records come.
#[derive(Clone, Debug, Default)]
pub(in crate::scrub) struct KeyLines {
    next: Next,
    /// How many bytes stood before and behind the line before.
    around: (usize, usize),
    /// How many records in a row held something else.
    strays: usize,
    /// How many lines of a key were seen without its first one, or `None` where they are
    /// of something public; and where the last of them stood.
    bare: Option<usize>,
    bare_at: usize,
}

impl KeyLines {
    /// Whether a key is open, so that any body may be a line of it.
    #[inline]
    pub(in crate::scrub) fn are_open(&self) -> bool {
        self.next != Next::None
    }

    /// Takes the body of a record; where the lines of the open key stand in it, if it
    /// has any.
    #[inline]
    pub(in crate::scrub) fn line(&mut self, body: &[u8]) -> Option<Range<usize>> {
        if self.next == Next::None { None } else { self.take(body) }
    }

    fn take(&mut self, body: &[u8]) -> Option<Range<usize>> {
        if let Some(end) = memchr::memmem::find(body, END) {
            return self.take_last(without_escaped_break(body.get(..end).unwrap_or_default()));
        }
        if let Some(line) = long_line(body) {
            self.strays = 0;
            self.around = (line.start, body.trim_ascii_end().len().saturating_sub(line.end));
            let lines = with_next_lines(body, line);
            let behind = body.get(lines.end..).unwrap_or_default().trim_ascii_end();
            // Behind other lines, only a full one is of the key.
            self.next = if behind.contains(&b'\n') { Next::First } else { Next::Line };
            return Some(lines);
        }
        if self.next == Next::Line
            && let Some(line) = self.last_line(body)
        {
            // A longer one that follows says that it was not the last.
            (self.next, self.strays) = (Next::First, 1);
            return Some(line);
        }
        if !body.trim_ascii().is_empty() && !is_header(body) {
            self.strays += 1;
        }
        if STRAYS_MAX < self.strays {
            self.next = Next::None;
        }
        None
    }

    /// Takes what stands before the last boundary in its record: the key ends there.
    fn take_last(&mut self, before: &[u8]) -> Option<Range<usize>> {
        let next = std::mem::take(&mut self.next);
        match long_line(before) {
            Some(line) => Some(with_next_lines(before, line)),
            None if next == Next::Line => self.last_line(before),
            None => None,
        }
    }

    /// The last line of a key, which is shorter: it stands as the others did.
    fn last_line(&self, body: &[u8]) -> Option<Range<usize>> {
        let (before, behind) = self.around;
        let end = body.trim_ascii_end().len().checked_sub(behind)?;
        let text = body.get(..end)?;
        let start = end - text.iter().rev().take_while(|byte| of_body(byte)).count();
        // Behind a number, the prefix may have become longer.
        let start = if start.abs_diff(before) <= 1 { start } else { before };
        let line = text.get(start..).filter(|line| !line.is_empty() && line.iter().all(of_body))?;
        let is_sure = line.ends_with(b"=") || line.len().is_multiple_of(4) && is_mixed(line);
        (self.strays == 0 && (before == 0 || is_sure)).then_some(start..end)
    }

    /// Opens a key, if one begins in the body and does not end in it.
    pub(in crate::scrub) fn open(&mut self, body: &[u8]) {
        let Some(begin) = memchr::memmem::rfind(body, BEGIN) else { return };
        let key = body.get(begin..).unwrap_or_default();
        if memchr::memmem::find(key, END).is_some() {
            return;
        }
        // Behind a text that goes on with something else, only a full line is of the key.
        let last = key.trim_ascii_end().rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        let goes_on = is_header(last)
            || memchr::memmem::find(last, BEGIN).is_some()
            || long_line(last).is_some()
            || last.iter().all(|byte| of_body(byte) || b"\"',\\".contains(byte));
        // The body of the key may begin in the same record.
        let line = key.split(|byte| *byte == b'\n').nth(1).unwrap_or_default();
        self.next = if line.is_empty() || !goes_on { Next::First } else { Next::Line };
        self.strays = 0;
        self.around = (0, 0);
    }

    /// Takes the body of a record that stands at `at`, while no key is open; where the line
    /// of a key stands in it whose first one was not seen.
    pub(in crate::scrub) fn bare_line(&mut self, body: &[u8], at: usize) -> Option<Range<usize>> {
        if !ends_in_run(body) && !is_quoted_run(body) {
            return None;
        }
        let line = long_line(body)?;
        let text = body.get(line.clone())?;
        let around = (line.start, body.trim_ascii_end().len() - line.end);
        let follows = 0 < self.bare_at
            && at.saturating_sub(self.bare_at) < BARE_BYTES_MAX
            && around.0.abs_diff(self.around.0) <= 1;
        if !follows {
            self.bare = Some(0);
        }
        (self.bare_at, self.around) = (at, around);
        if begins_key(text) {
            self.bare = Some(BARE_MIN);
        } else if text.starts_with(b"MI") && self.bare == Some(0) {
            self.bare = None;
        }
        let seen = self.bare.filter(|_| WIDTHS.contains(&line.len()))?;
        self.bare = Some(seen + 1);
        if seen < BARE_MIN {
            return None;
        }
        (self.next, self.strays) = (Next::Line, 0);
        Some(with_next_lines(body, line))
    }
}

/// Whether a record holds a header of an encrypted key (RFC 1421 §4.6).
fn is_header(body: &[u8]) -> bool {
    let headers = [&b"Proc-Type:"[..], b"DEK-Info:"];
    headers.iter().any(|header| memchr::memmem::find(body, header).is_some())
}

/// Whether base64 is what a private key begins with: PKCS#1, PKCS#8, SEC 1, OpenSSH.
fn begins_key(line: &[u8]) -> bool {
    let head = line.get(..24).unwrap_or_default();
    let has = |part: &[u8]| memchr::memmem::find(head, part).is_some();
    head.starts_with(b"b3BlbnNzaC1rZXktdjE")
        || (head.starts_with(b"MI") && (has(b"IBAAKC") || has(b"IBADANBgkqhki") || has(b"AgEAMB")))
        || [&b"MHcCAQEE"[..], b"MIGkAgEBBD", b"MIHcAgEBBE"].iter().any(|ec| head.starts_with(ec))
}

fn of_body(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

fn is_mixed(line: &[u8]) -> bool {
    line.iter().any(u8::is_ascii_uppercase) && line.iter().any(u8::is_ascii_lowercase)
}

/// Whether a record may end in a line of a key: a few bytes tell.
#[inline]
fn ends_in_run(body: &[u8]) -> bool {
    let tail = body.len().checked_sub(LINE_LEN_MIN).and_then(|start| body.get(start..));
    tail.and_then(|tail| tail.get(..LINE_LEN_MIN / 2)).is_some_and(|run| run.iter().all(of_body))
}

/// The same, in quotes near the beginning: `{"log":"…`.
#[inline]
fn is_quoted_run(body: &[u8]) -> bool {
    body.starts_with(b"{\"") && body.get(32..48).is_some_and(|run| run.iter().all(of_body))
}

/// Where the full line of a key stands in a record: the longest run of base64.
fn long_line(body: &[u8]) -> Option<Range<usize>> {
    if RECORD_BYTES_MAX < body.len() {
        return None;
    }
    let mut longest = 0..0;
    let mut at = 0_usize;
    for run in body.split(|byte| !of_body(byte)) {
        // Of an escaped line end, the letter is none of the line.
        let start = behind_escape(body, at);
        if longest.len() < at + run.len() - start {
            longest = start..at + run.len();
        }
        at += run.len() + 1;
    }
    // A colour code ends in what only seems to be part of the line.
    let code = longest.start.saturating_sub(2);
    let colour = colour_len(body.get(code..)?);
    if 2 < colour && longest.start < code + colour {
        longest.start = code + colour;
    }
    let line = body.get(longest.clone())?;
    (LINE_LEN_MIN <= line.len() && is_mixed(line)).then_some(longest)
}

/// The line and those that follow it: a record may hold several.
fn with_next_lines(body: &[u8], mut line: Range<usize>) -> Range<usize> {
    while let Some((gap, more)) = body.get(line.end..).and_then(next_line) {
        line.end += gap + more;
    }
    line
}

/// How long the line end is that stands behind a line, and the next line behind it, if that
/// is all of a body.
fn next_line(rest: &[u8]) -> Option<(usize, usize)> {
    let gap = break_len(rest)?;
    let line = rest.get(gap..)?;
    let len = line.iter().take_while(|byte| of_body(byte)).count();
    let ends = |rest: &[u8]| matches!(rest, [] | [b'"' | b'\'', ..]) || break_len(rest).is_some();
    (0 < len && ends(line.get(len..)?)).then_some((gap, len))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: &str = "MIIEowIBAAKCAQEAx8Gq3yTnW0p5v7r1s9JfLkZbQhXcVmDtUeOiPaSd2FgHjK4L";

    #[test]
    fn lines_of_an_open_key_are_told_from_other_records() {
        let long = LONG.as_bytes();
        let mut lines = KeyLines::default();
        assert_eq!(lines.line(long), None, "no key is open");
        lines.open(b"-----BEGIN RSA PRIVATE KEY-----");
        assert_eq!(lines.line(b"Proc-Type: 4,ENCRYPTED"), None);
        assert_eq!(lines.line(long), Some(0..64));
        assert_eq!(lines.line(b"GET /index.html 200"), None);
        assert_eq!(lines.line(long), Some(0..64));
        assert_eq!(lines.line(b"AbCd=="), Some(0..6));
        assert_eq!(lines.line(b"-----END RSA PRIVATE KEY-----"), None);
        assert_eq!(lines.line(long), None, "the key has ended");
        lines.open(b"-----BEGIN PRIVATE KEY-----");
        for _ in 0..=STRAYS_MAX {
            assert_eq!(lines.line(b"done"), None);
        }
        assert_eq!(lines.line(long), None, "too much else came");
    }

    #[test]
    fn what_a_logger_puts_around_a_line_stays() {
        for (before, behind) in [
            ("2026-11-29T12:00:00Z INFO app: ", ""),
            ("app | ", ""),
            ("\u{1b}[32m", "\u{1b}[0m"),
            ("{\"log\":\"", "\\n\",\"stream\":\"stdout\"}"),
            ("level=info line=\"", "\""),
            ("  \"", "\\n\" +"),
            ("", "\\n"),
        ] {
            let mut lines = KeyLines::default();
            lines.open(format!("{before}-----BEGIN PRIVATE KEY-----{behind}").as_bytes());
            for line in [LONG, LONG, "Abc1DefG"] {
                let record = format!("{before}{line}{behind}");
                let found = lines.line(record.as_bytes()).expect("a line of the key");
                assert_eq!(&record[found], line);
            }
        }
    }

    #[test]
    fn a_short_line_before_the_last_boundary_is_of_the_key() {
        for end in ["", "\n", "\r\n", "\\n", "\\r\\n", "\\\\n"] {
            let mut lines = KeyLines::default();
            lines.open(b"-----BEGIN PRIVATE KEY-----");
            assert_eq!(lines.line(LONG.as_bytes()), Some(0..LONG.len()));
            let record = format!("AbC={end}-----END PRIVATE KEY-----");
            assert_eq!(lines.line(record.as_bytes()), Some(0..4), "{record}");
        }
    }

    #[test]
    fn a_key_without_its_first_line_is_known_by_the_next_ones() {
        let mut lines = KeyLines::default();
        assert_eq!(lines.bare_line(LONG.as_bytes(), 1), Some(0..64), "it begins like a key");
        let other = LONG.replace("MII", "xYz");
        let mut lines = KeyLines::default();
        let found = (1..7).map(|at| lines.bare_line(other.as_bytes(), 100 * at));
        assert_eq!(found.filter(Option::is_some).count(), 2);
        let mut lines = KeyLines::default();
        let public = LONG.replace("IBAAKC", "xBAxKx");
        assert_eq!(lines.bare_line(public.as_bytes(), 1), None);
        let found = (1..9).map(|at| lines.bare_line(other.as_bytes(), 100 * at));
        assert_eq!(found.filter(Option::is_some).count(), 0, "a certificate");
    }
}
