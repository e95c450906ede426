//! Scrubs a text that comes line by line, in constant memory.
//!
//! A line is scrubbed as soon as it is there, with one exception: a private key
//! spans lines, and only all of them together show where it ends. From its first
//! line on, lines are held until the key is complete.
//!
//! Where something stands before each line, as a logger puts it there, the key is masked
//! line by line.
//!
//! What is held depends on the text alone, never on how it was cut into pieces.

use crate::scrub::Scrubber;
use crate::scrub::detector::KeyLines;

/// How much of a key is held, in bytes. The longest key that is in use, RSA with
/// 16,384 bits, takes 13 kB of PEM.
const HELD_BYTES_MAX: usize = 64 * 1024;

/// The first words of a PEM boundary (RFC 7468 §2).
const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";

/// A text under way.
pub struct TextStream<'s> {
    scrubber: &'s Scrubber,
    held: Vec<u8>,
    /// A private key whose lines are not held.
    key_lines: KeyLines,
    /// How many bytes came before.
    at: usize,
}

impl<'s> TextStream<'s> {
    /// The beginning of a text.
    pub fn new(scrubber: &'s Scrubber) -> Self {
        Self { scrubber, held: Vec::new(), key_lines: KeyLines::default(), at: 0 }
    }

    /// Takes a line with its end, or a part of one, and adds to `out` what can be said
    /// of the text so far.
    pub fn push(&mut self, line: &[u8], out: &mut Vec<u8>) {
        if !self.held.is_empty() && !is_key_line(line) {
            self.finish(out);
        }
        if self.held.is_empty() && !opens_key(line) {
            self.alone(line, out);
            return;
        }
        self.held.extend_from_slice(line);
        if HELD_BYTES_MAX <= self.held.len() || !opens_key(&self.held) {
            self.finish(out);
        }
    }

    /// Scrubs a line that may be one of a key whose lines are not held.
    fn alone(&mut self, line: &[u8], out: &mut Vec<u8>) {
        self.at += line.len();
        let of_key = match self.key_lines.are_open() {
            true => self.key_lines.line(line),
            false => self.key_lines.bare_line(line, self.at),
        };
        match of_key {
            Some(of_key) => out.extend_from_slice(&self.scrubber.scrub_key_line(line, of_key)),
            // How a line ends is no part of its text: `$` in a pattern stands before it.
            None => {
                let text = line.strip_suffix(b"\n").unwrap_or(line);
                let text =
                    text.strip_suffix(b"\r").filter(|_| text.len() < line.len()).unwrap_or(text);
                out.extend_from_slice(&self.scrubber.scrub_bytes(text, None).0);
                out.extend_from_slice(line.get(text.len()..).unwrap_or_default());
            }
        }
    }

    /// Adds to `out` what was held back: the text ends here.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        let held = std::mem::take(&mut self.held);
        let scrubbed = self.scrubber.scrub_bytes(&held, None).0;
        let is_masked = memchr::memmem::find(&scrubbed, BEGIN).is_none();
        // What was held may be no key as a whole, or more than one: each of its lines may
        // be one of a key by itself, and so may be lines that come later.
        let lines = if is_masked || !opens_key(&held) {
            self.key_lines.open(&held);
            scrubbed
        } else {
            held
        };
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            self.alone(line, out);
            if opens_key(line) {
                self.key_lines.open(line);
            }
        }
    }
}

/// Whether a private key begins in a text and does not end in it.
fn opens_key(text: &[u8]) -> bool {
    let Some(begin) = memchr::memmem::rfind(text, BEGIN) else { return false };
    let key = text.get(begin..).unwrap_or_default();
    let label = key.get(..key.len().min(64)).unwrap_or_default();
    memchr::memmem::find(label, b"PRIVATE KEY").is_some()
        && memchr::memmem::find(key, END).is_none()
}

/// Whether a line may stand in a key: base64, a header (RFC 1421 §4.6), a boundary, or
/// nothing; quoted or not.
fn is_key_line(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    let of_body = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=\\\"',".contains(byte);
    line.iter().all(of_body)
        || line.starts_with(b"-----")
        || [&b"Proc-Type:"[..], b"DEK-Info:"].iter().any(|header| line.starts_with(header))
}

impl std::fmt::Debug for TextStream<'_> {
    /// Sizes only.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TextStream").field("held", &self.held.len()).finish_non_exhaustive()
    }
}
