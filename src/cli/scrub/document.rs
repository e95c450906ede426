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

/// Whether a line may begin a request, or an array of some.
pub(in crate::cli::scrub) fn may_begin(line: &[u8]) -> bool {
    is_opening(line) || signal(of_array(line).unwrap_or(line)).is_some()
}

/// Reads on where the request that `piece` may begin, which is the line with number `line`,
/// goes on in the lines behind it. Gives how many lines it has; `None`: it is none, and nothing
/// was read.
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
    if of_array(piece).is_some_and(|inner| signal(inner).is_some()) {
        return failed(LineError::Array);
    }
    if signal(piece).is_none() {
        input.give_back(&piece.split_off(first));
        return Ok(None);
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
            return if lines == 1 { Ok(Some(1)) } else { failed(LineError::CutShort) };
        }
        open.read(piece.get(known..).unwrap_or_default());
        lines += 1;
    }
    Ok(Some(lines))
}

/// What stands behind the bracket that opens an array.
fn of_array(document: &[u8]) -> Option<&[u8]> {
    document.trim_ascii_start().strip_prefix(b"[")
}

/// Whether this is nothing but blanks and the brackets that a request, or an array of some,
/// begins with.
fn is_opening(piece: &[u8]) -> bool {
    let inner = of_array(piece).unwrap_or(piece).trim_ascii();
    !piece.trim_ascii().is_empty() && inner.strip_prefix(b"{").unwrap_or(inner).is_empty()
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
        let mut rest = json;
        while let Some((byte, behind)) = rest.split_first() {
            rest = behind;
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' if self.in_string => self.is_escaped = true,
                b'"' => self.in_string = !self.in_string,
                b'{' | b'[' if !self.in_string => self.depth += 1,
                b'}' | b']' if !self.in_string => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
            if self.in_string && !self.is_escaped {
                let len = memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
                rest = rest.get(len..).unwrap_or_default();
            }
        }
    }

    fn is_open(&self) -> bool {
        0 < self.depth
    }
}
