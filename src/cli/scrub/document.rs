//! Reads a request that is written over many lines, as tools print JSON for people.

use std::io;
use std::io::BufRead;
use std::io::Read;

use crate::cli::scrub::Failure;
use crate::cli::scrub::LineError;
use crate::cli::scrub::REQUEST_BYTES_MAX;
use crate::cli::scrub::signal;

/// How many bytes there are at most before the first key of a request: brackets and blanks.
const OPENING_BYTES_MAX: usize = 4096;

/// An input whose last bytes can be given back.
pub(in crate::cli::scrub) struct Unread<R> {
    given_back: Vec<u8>,
    /// How much of that was read again.
    at: usize,
    input: R,
}

impl<R: BufRead> Unread<R> {
    pub(in crate::cli::scrub) fn new(input: R) -> Self {
        Self { given_back: Vec::new(), at: 0, input }
    }

    fn give_back(&mut self, bytes: &[u8]) {
        self.given_back.splice(..self.at, bytes.iter().copied());
        self.at = 0;
    }
}

impl<R: BufRead> Read for Unread<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buf)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Unread<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self.given_back.get(self.at..) {
            Some(rest) if !rest.is_empty() => Ok(rest),
            _ => self.input.fill_buf(),
        }
    }

    fn consume(&mut self, len: usize) {
        if self.at < self.given_back.len() {
            self.at += len;
        } else {
            self.input.consume(len);
        }
    }
}

/// Reads on where `piece`, the line with number `line`, begins a request that goes on in the
/// lines behind it. Gives how many lines it has; `None`: it is no such line, and nothing was
/// read.
pub(in crate::cli::scrub) fn read(
    input: &mut Unread<impl BufRead>,
    piece: &mut Vec<u8>,
    line: u64,
) -> Result<Option<u64>, Failure> {
    let first = piece.len();
    let mut lines = 1;
    let failed = |reason| Err(Failure::Line(line, reason));
    while is_opening(piece) && piece.len() < OPENING_BYTES_MAX && goes_on(input, piece)? {
        lines += 1;
    }
    let document = piece.trim_ascii_start();
    let inner = document.strip_prefix(b"[").unwrap_or(document);
    if signal(inner).is_none() {
        input.give_back(&piece.split_off(first));
        return Ok(None);
    }
    if inner.len() < document.len() {
        return failed(LineError::Array);
    }
    let mut open = Open::default();
    open.read(piece);
    while open.is_open() {
        if REQUEST_BYTES_MAX < piece.len() {
            return failed(LineError::TooLong);
        }
        let known = piece.len();
        if !goes_on(input, piece)? {
            // A line that was cut, most likely, among others.
            return if lines == 1 { Ok(None) } else { failed(LineError::CutShort) };
        }
        open.read(piece.get(known..).unwrap_or_default());
        lines += 1;
    }
    Ok((1 < lines).then_some(lines))
}

/// Whether this is nothing but blanks and the brackets that a request, or an array of some,
/// begins with.
fn is_opening(piece: &[u8]) -> bool {
    let document = piece.trim_ascii();
    let inner = document.strip_prefix(b"[").unwrap_or(document).trim_ascii_start();
    !document.is_empty() && inner.strip_prefix(b"{").unwrap_or(inner).is_empty()
}

/// Adds the next line, if JSON may go on in it: it is broken behind brackets and commas, and
/// before what begins a value or ends one.
fn goes_on(input: &mut Unread<impl BufRead>, piece: &mut Vec<u8>) -> io::Result<bool> {
    let is_broken = matches!(
        piece.trim_ascii_end().last(),
        Some(b'{' | b'[' | b',' | b'}' | b']' | b'"' | b':' | b'0'..=b'9' | b'e' | b'l')
    );
    let known = piece.len();
    if !is_broken || input.read_until(b'\n', piece)? == 0 {
        return Ok(false);
    }
    let next = piece.get(known..).unwrap_or_default().trim_ascii_start();
    let may_follow = match next.first() {
        None => true,
        Some(byte) => b"{}[]\",:-tfn".contains(byte) || byte.is_ascii_digit(),
    };
    if !may_follow {
        input.give_back(&piece.split_off(known));
    }
    Ok(may_follow)
}

/// How many brackets are open, outside of strings.
#[derive(Default)]
struct Open {
    depth: usize,
    in_string: bool,
    is_escaped: bool,
}

impl Open {
    fn read(&mut self, json: &[u8]) {
        for byte in json {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' if self.in_string => self.is_escaped = true,
                b'"' => self.in_string = !self.in_string,
                b'{' | b'[' if !self.in_string => self.depth += 1,
                b'}' | b']' if !self.in_string => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
    }

    fn is_open(&self) -> bool {
        0 < self.depth
    }
}
