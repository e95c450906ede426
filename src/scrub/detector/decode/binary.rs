//! Runs of base64 or hexadecimal characters, and what they say.
//!
//! A run is as long as its characters go, and that may be too long: in
//! `/v1/session/Zm9v…` the path is of the alphabet, too. So where a run says nothing as
//! a whole, its parts between the separators are asked. It may be too short as well,
//! where it was wrapped: lines that hold nothing but base64 are one run.

use std::ops::Range;

use base64::Engine;
use base64::alphabet;
use base64::alphabet::Alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::GeneralPurpose;
use base64::engine::GeneralPurposeConfig;

use crate::scrub::detector::bytes::base64_len;
use crate::scrub::detector::bytes::is_base64;
use crate::scrub::detector::decode::Packed;
use crate::scrub::detector::decode::escape::hex;

/// How many characters are decoded to see whether a run says something.
const HEAD_LEN: usize = 64;

/// Parts that are shorter hold nothing worth hiding.
const PART_LEN_MIN: usize = 20;

/// How many parts of a run are asked.
const PARTS_MAX: usize = 8;

/// Lines that are this long were likely cut by a width: RFC 1421 §4.3.2.4 has 64
/// characters, RFC 2045 §6.8 at most 76.
pub(in crate::scrub) const WIDE_LINE: usize = 60;

/// How many characters of lines that are joined say whether they are worth it.
const JOINED_LEN: usize = 128;

/// How a run is written, so that what it says can be written again in the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scrub) enum Binary {
    /// RFC 4648 §4 or §5, with padding or without.
    Base64 {
        /// `-` and `_` instead of `+` and `/`.
        url: bool,
        /// Padded with `=`.
        padded: bool,
    },
    /// Two hexadecimal digits a byte.
    Hex {
        /// Digits above nine in upper case.
        upper: bool,
    },
}

/// How a run is wrapped in lines.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Lines {
    /// Characters in the first line, which may begin further right.
    first: usize,
    /// Characters in each of the others.
    width: usize,
    /// What stands between two lines.
    between: Vec<u8>,
}

/// A run that says something.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::scrub) struct Run {
    /// Where it stands, padding included.
    pub(in crate::scrub) range: Range<usize>,
    /// What it says: a text, or something packed.
    pub(in crate::scrub) bytes: Vec<u8>,
    binary: Binary,
    lines: Option<Lines>,
}

impl Run {
    /// What the encoding is called.
    pub(in crate::scrub) fn name(&self) -> &'static str {
        match self.binary {
            Binary::Base64 { .. } => "base64",
            Binary::Hex { .. } => "hexadecimal",
        }
    }
}

/// The runs that say something among the base64 characters around `at`, and where those
/// characters end.
pub(in crate::scrub) fn runs(text: &[u8], at: usize) -> (Vec<Run>, usize) {
    // In a request, a length before the text can look like part of the run.
    let before = text.get(..at).unwrap_or_default();
    let start = before.iter().rposition(|&byte| !is_base64(byte)).map_or(0, |before| before + 1);
    let start = behind_escape(text, start);
    let end = start.max(at) + base64_len(text.get(start.max(at)..).unwrap_or_default());
    if let Some(run) = wrapped(text, start..end) {
        let end = run.range.end;
        return (vec![run], end);
    }
    match part(text, start..end) {
        Some(run) => (vec![run], end),
        None => (parts(text, start..end), end),
    }
}

/// Writes bytes as the run was written.
pub(in crate::scrub) fn encode(run: &Run, bytes: &[u8]) -> Vec<u8> {
    let written = match run.binary {
        Binary::Base64 { url, padded } => engine(url, padded).encode(bytes).into_bytes(),
        Binary::Hex { upper } => bytes
            .iter()
            .flat_map(|byte| match upper {
                true => format!("{byte:02X}").into_bytes(),
                false => format!("{byte:02x}").into_bytes(),
            })
            .collect(),
    };
    let Some(lines) = &run.lines else { return written };
    let (first, rest) = written.split_at(lines.first.min(written.len()));
    let mut out = first.to_vec();
    for line in rest.chunks(lines.width.max(1)) {
        out.extend_from_slice(&lines.between);
        out.extend_from_slice(line);
    }
    out
}

/// Whether decoded bytes are text: UTF-8 (but for a cut at the end), and hardly a
/// control character.
pub(in crate::scrub::detector) fn is_text(bytes: &[u8]) -> bool {
    if is_printable(bytes) {
        return !bytes.is_empty();
    }
    let valid = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(err) if err.error_len().is_none() => {
            std::str::from_utf8(bytes.get(..err.valid_up_to()).unwrap_or_default())
                .unwrap_or_default()
        }
        Err(_) => return false,
    };
    if is_printable(valid.as_bytes()) {
        return !valid.is_empty();
    }
    // Of NUL, SASL makes a separator (RFC 4616 §2).
    let control = |c: char| c.is_control() && !c.is_whitespace() && !matches!(c, '\u{1b}' | '\0');
    let nuls = valid.bytes().filter(|byte| *byte == 0).count();
    nuls <= 2 && !valid.chars().any(control)
}

/// Whether bytes are printable ASCII: many are asked at once.
fn is_printable(bytes: &[u8]) -> bool {
    const AT_ONCE: usize = 64;
    let (chunks, rest) = bytes.as_chunks::<AT_ONCE>();
    let is = |byte: u8| byte.wrapping_sub(b' ') < 0x7f - b' ';
    chunks.iter().all(|chunk| chunk.iter().fold(true, |all, &byte| all & is(byte)))
        && rest.iter().all(|&byte| is(byte))
}

/// What follows an escape whose last characters only seem to be part of a run: `\n`, `\u003d`,
/// `\x3d`.
pub(in crate::scrub) fn behind_escape(text: &[u8], start: usize) -> usize {
    let before = start.checked_sub(1).and_then(|i| text.get(i));
    let all_hex = |digits: &[u8]| digits.iter().all(u8::is_ascii_hexdigit);
    match (before, text.get(start..)) {
        (Some(b'#'), Some([b'0', b'1', b'1' | b'2' | b'5', ..])) => start + 3,
        (Some(b'\\'), Some([b'n' | b'r' | b't', ..])) => start + 1,
        (Some(b'\\'), Some([b'u', a, b, c, d, ..])) if all_hex(&[*a, *b, *c, *d]) => start + 5,
        (Some(b'\\'), Some([b'x', a, b, ..])) if all_hex(&[*a, *b]) => start + 3,
        _ => start,
    }
}

/// What the characters in `range` say as one run.
fn part(text: &[u8], range: Range<usize>) -> Option<Run> {
    let run = text.get(range.clone())?;
    if let Some(found) = hexadecimal(run, range.start) {
        return Some(found);
    }
    let rest = text.get(range.end..).unwrap_or_default();
    let padding = rest.iter().take(2).take_while(|&&byte| byte == b'=').count();
    let (bytes, binary, left) = base64(run, padding)?;
    let end = match binary {
        Binary::Base64 { padded: true, .. } => range.end + padding,
        _ => range.end - left,
    };
    Some(Run { range: range.start..end, bytes, binary, lines: None })
}

/// What a run says that says nothing as a whole: what follows one of its first
/// separators, or what stands between two.
fn parts(text: &[u8], range: Range<usize>) -> Vec<Run> {
    let run = text.get(range.clone()).unwrap_or_default();
    let separators: Vec<usize> = run
        .iter()
        .enumerate()
        .filter(|(_, byte)| matches!(byte, b'/' | b'-' | b'_' | b'+'))
        .map(|(at, _)| range.start + at)
        .take(2 * PARTS_MAX)
        .collect();
    let long = |part: &Range<usize>| PART_LEN_MIN <= part.len();
    let tails = separators.iter().map(|at| at + 1..range.end).take(PARTS_MAX);
    if let Some(run) = tails.filter(long).find_map(|tail| part(text, tail)) {
        return vec![run];
    }
    let starts = std::iter::once(range.start).chain(separators.iter().map(|at| at + 1));
    let ends = separators.iter().copied().chain(std::iter::once(range.end));
    let between = starts.zip(ends).map(|(start, end)| start..end).filter(long);
    between.take(PARTS_MAX).filter_map(|range| part(text, range)).collect()
}

/// Hexadecimal digits, perhaps behind `0x` or `x`.
fn hexadecimal(run: &[u8], at: usize) -> Option<Run> {
    let prefix = match run {
        [b'0', b'x' | b'X', ..] => 2,
        [b'x' | b'X', ..] => 1,
        _ => 0,
    };
    let digits = run.get(prefix..)?;
    let digits = digits.get(..digits.len() & !1)?;
    let decode = |digits: &[u8]| -> Option<Vec<u8>> {
        digits.chunks_exact(2).map(|pair| hex(pair).map(|byte| byte as u8)).collect()
    };
    decode(digits.get(..HEAD_LEN).unwrap_or(digits)).filter(|head| says(head))?;
    let bytes = decode(digits).filter(|bytes| says(bytes))?;
    let start = at + prefix;
    let binary = Binary::Hex { upper: digits.iter().any(u8::is_ascii_uppercase) };
    Some(Run { range: start..start + digits.len(), bytes, binary, lines: None })
}

/// What a run of base64 says, how it is written, and how many of its characters are left
/// over.
fn base64(run: &[u8], padding: usize) -> Option<(Vec<u8>, Binary, usize)> {
    let is_url = |run: &[u8]| memchr::memchr2(b'-', b'_', run).is_some();
    let head = run.get(..HEAD_LEN).unwrap_or_default();
    if !head.is_empty() && !engine(is_url(head), false).decode(head).is_ok_and(|head| says(&head)) {
        return None;
    }
    let url = is_url(run);
    let engine = engine(url, false);
    // Without a sign of the other alphabet, a run that needs no padding is taken for one
    // that would have it.
    let padded = (run.len() + padding).is_multiple_of(4) && (0 < padding || !url);
    // A run that is cut has a character too many.
    let left = usize::from(run.len() % 4 == 1);
    let whole = run.get(..run.len() - left)?;
    let bytes = engine.decode(whole).ok().filter(|bytes| says(bytes))?;
    Some((bytes, Binary::Base64 { url, padded }, left))
}

/// Whether bytes say something: a text, or something packed.
pub(super) fn says(bytes: &[u8]) -> bool {
    is_text(bytes) || Packed::in_run(bytes).is_some()
}

/// Lines of one width that hold nothing but base64, the last as long or shorter.
fn wrapped(text: &[u8], first: Range<usize>) -> Option<Run> {
    let between = text.get(first.end..first.end + break_len(text.get(first.end..)?)?)?;
    let mut joined = text.get(first.clone())?.to_vec();
    let mut end = first.end;
    let mut width = 0;
    let mut last = None;
    let mut before = joined.len()..first.end;
    while text.get(end..).is_some_and(|rest| rest.starts_with(between)) {
        let start = end + between.len();
        let len = base64_len(text.get(start..)?);
        // The boundary of a body of many parts (RFC 2046 §5.1.1).
        if text.get(start..)?.starts_with(b"--") {
            break;
        }
        if len == 0 || (0 < width && width < len) {
            break;
        }
        if is_word(text, start..start + len) {
            let is_end = 0 < width || WIDE_LINE <= joined.len();
            let is_whole = (joined.len() + len).is_multiple_of(4);
            last = (is_end && is_whole).then_some(start..start + len);
            break;
        }
        let is_head = joined.len() < JOINED_LEN;
        before = joined.len()..end;
        joined.extend_from_slice(text.get(start..start + len)?);
        // What begins as no text is none, however many lines follow: lines below lines of
        // an attachment would be joined again from each of them.
        if is_head && let Some(head) = joined.get(..JOINED_LEN) {
            base64(head, 0)?;
        }
        end = start + len;
        width = width.max(len);
        if len < width {
            break;
        }
    }
    // The only other line may be the last one, and short.
    let lines =
        Lines { first: first.len(), width: width.max(first.len()), between: between.to_vec() };
    // What looks like a word may be the end of the base64: then it says something.
    if let Some(last) = last {
        let whole = [&joined, text.get(last.clone())?].concat();
        if let Some((bytes, binary, 0)) = base64(&whole, 0) {
            return Some(Run { range: first.start..last.end, bytes, binary, lines: Some(lines) });
        }
    }
    let rest = text.get(end..)?;
    if width == 0 || (first.len() < width && width < PART_LEN_MIN) || rest.first() == Some(&b':') {
        return None;
    }
    let padding = rest.iter().take(2).take_while(|&&byte| byte == b'=').count();
    // A last line that is shorter may be none of them: the boundary of a body of many parts,
    // the end of one in chunks.
    let last_len = joined.len() - before.start;
    let all = base64(&joined, padding).filter(|(_, _, left)| *left < last_len);
    let (bytes, binary, end) = match all {
        Some((bytes, binary @ Binary::Base64 { padded: true, .. }, _)) => {
            (bytes, binary, end + padding)
        }
        Some((bytes, binary, left)) => (bytes, binary, end - left),
        None if before.end == first.end => return None,
        None => {
            let (bytes, binary, left) = base64(joined.get(..before.start)?, 0)?;
            (bytes, binary, before.end - left)
        }
    };
    Some(Run { range: first.start..end, bytes, binary, lines: Some(lines) })
}

/// Whether a last line is a word with which a text goes on: small letters, and no end of
/// a line behind them.
fn is_word(text: &[u8], piece: Range<usize>) -> bool {
    let letters = text.get(piece.clone()).unwrap_or_default();
    let behind = text.get(piece.end);
    letters.iter().skip(1).all(u8::is_ascii_lowercase)
        && behind.is_some_and(|byte| matches!(byte, b' ' | b'\t' | b',' | b'.' | b';' | b'('))
}

/// How long the line end and the indentation are that a text begins with; the line end
/// may be written as an escape.
pub(in crate::scrub) fn break_len(rest: &[u8]) -> Option<usize> {
    let end = line_end_len(rest)?;
    let blanks = rest.get(end..)?.iter().take(64).take_while(|b| matches!(b, b' ' | b'\t'));
    Some(end + blanks.count())
}

/// How long the line end is that a text begins with; it may be written as an escape, in a
/// string of JSON in another, too.
pub(super) fn line_end_len(rest: &[u8]) -> Option<usize> {
    let slashes = rest.iter().take(16).take_while(|&&byte| byte == b'\\').count();
    let behind = rest.get(slashes..)?;
    let end = match (slashes, behind) {
        (0, [b'\n', ..]) => 1,
        (0, [b'\r', b'\n', ..]) => 2,
        // As collectors of syslog write it.
        (0, [b'#', b'0', b'1', b'2', ..]) => 4,
        // What XML writes as a reference, and JSON as an escape.
        (0, [b'\r', more @ ..]) => {
            let slashes = more.iter().take(16).take_while(|&&byte| byte == b'\\').count();
            (0 < slashes && more.get(slashes) == Some(&b'n')).then_some(slashes + 2)?
        }
        (1.., [b'n', ..]) => slashes + 1,
        (1.., [b'r', more @ ..]) => {
            let again = more.iter().take_while(|&&byte| byte == b'\\').count();
            (again == slashes && more.get(again) == Some(&b'n')).then_some(2 * slashes + 2)?
        }
        _ => return None,
    };
    Some(end)
}

fn engine(url: bool, padded: bool) -> &'static GeneralPurpose {
    const fn new(alphabet: &Alphabet, padded: bool) -> GeneralPurpose {
        let config = GeneralPurposeConfig::new()
            .with_encode_padding(padded)
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true);
        GeneralPurpose::new(alphabet, config)
    }
    static PLAIN: [GeneralPurpose; 2] =
        [new(&alphabet::STANDARD, false), new(&alphabet::STANDARD, true)];
    static URL: [GeneralPurpose; 2] =
        [new(&alphabet::URL_SAFE, false), new(&alphabet::URL_SAFE, true)];
    let [bare, with_padding] = if url { &URL } else { &PLAIN };
    if padded { with_padding } else { bare }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"password=hunter2 and then some more text that goes on, and on and on";

    fn only(text: &[u8]) -> Run {
        let (mut runs, _) = runs(text, text.len() / 2);
        assert_eq!(runs.len(), 1, "{}", String::from_utf8_lossy(text));
        runs.remove(0)
    }

    #[test]
    fn a_boundary_below_is_no_line_of_it_and_one_short_line_sets_no_width() {
        let base64 = engine(false, true).encode(TEXT.repeat(3));
        for (width, behind) in [(76, "\r\n--b1--\r\n"), (76, "\r\n0\r\n\r\n"), (200, "\r\n--b1")] {
            let lines: Vec<_> = base64.as_bytes().chunks(width).collect();
            let lines = lines.join(&b"\r\n"[..]);
            let text = [&lines, behind.as_bytes()].concat();
            let (runs, _) = runs(&text, 30);
            let [run] = runs.as_slice() else { panic!("{runs:?}") };
            assert_eq!((run.range.clone(), run.bytes.clone()), (0..lines.len(), TEXT.repeat(3)));
            assert_eq!(encode(run, &run.bytes), lines);
        }
    }

    #[test]
    fn a_run_begins_behind_what_ends_an_escape() {
        for text in [r"\nabc", r"a\u003dabc", r"a\x3dabc", "a#012abc"] {
            let start = text.find('\\').map_or(2, |at| at + 1);
            assert_eq!(behind_escape(text.as_bytes(), start), text.len() - 3, "{text}");
        }
        assert_eq!(behind_escape(br"a\u00zz", 2), 2);
    }

    #[test]
    fn a_run_is_written_again_as_it_was() {
        let hex: String = TEXT.iter().map(|byte| format!("{byte:02x}")).collect();
        for written in [
            engine(false, true).encode(TEXT),
            engine(true, false).encode(TEXT),
            hex.clone(),
            format!("0x{hex}"),
            format!("/v1/session/{}", engine(true, false).encode(TEXT)),
            format!("{}/next-page", engine(true, false).encode(TEXT)),
        ] {
            let run = only(written.as_bytes());
            assert_eq!(run.bytes, TEXT);
            assert_eq!(encode(&run, TEXT), &written.as_bytes()[run.range.clone()]);
        }
        assert!(runs(b"0af7651916cd43dd8448eb211c80319c", 0).0.is_empty());
    }

    #[test]
    fn wrapped_lines_are_one_run() {
        let written = engine(false, true).encode(TEXT);
        for (first, width, between) in [(40, 40, "\n"), (24, 40, "\\n  "), (32, 32, "\r\n")] {
            let mut lines = vec![&written[..first]];
            let mut rest = &written[first..];
            while width < rest.len() {
                lines.push(&rest[..width]);
                rest = &rest[width..];
            }
            lines.push(rest);
            let wrapped = format!("key: {} end", lines.join(between));
            let (found, _) = runs(wrapped.as_bytes(), 10);
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].bytes, TEXT);
            assert_eq!(encode(&found[0], TEXT), &wrapped.as_bytes()[found[0].range.clone()]);
        }
    }
}
