//! Bytes that are written as pairs of hexadecimal digits with something between: lists
//! (`70 61 73`, `70:61:73`, `70-61-73`, `0x70, 0x61`, `<Buffer 70 61>`), and dumps in lines, with
//! where each line begins and what its bytes say (`hexdump -C`, `xxd`, `od -t x1`, `tcpdump -X`).
//!
//! A list is written again with the mask in it. Of a dump, the lines in which something stands
//! that is masked give way as a whole: whoever reads it reads what its bytes say beside them.

use std::ops::Range;

use crate::scrub::detector::decode::binary::line_end_len;

/// Fewer bytes hide nothing that is worth it.
const BYTES_MIN: usize = 8;

/// How many bytes a line of a dump has, mostly: what stands behind them is no byte.
const LINE_BYTES: usize = 16;

/// How many lines before the first telling one are read.
const LINES_BEFORE: usize = 4;

/// How long a line of a dump is at most: 16 bytes in decimal and hexadecimal, with what they
/// say, are less.
const LINE_LEN_MAX: usize = 160;

/// How far before the first telling byte of a list its first one is looked for, in bytes.
const BEFORE_MAX: usize = 4096;

/// A list or a dump.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::scrub) struct Dump {
    /// What it says.
    pub(in crate::scrub) bytes: Vec<u8>,
    lines: Vec<Line>,
    /// What stands between two bytes, and before the first one.
    between: Vec<u8>,
    upper: bool,
}

/// The bytes that stand in one line.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    /// Which they are.
    bytes: Range<usize>,
    /// Where they stand, with what they say beside them.
    place: Range<usize>,
    /// Whether that stands there.
    says: bool,
}

impl Dump {
    /// What is written around an announcement, behind `from`: a byte between two signs, or
    /// where a line of a dump begins; `None` where it says nothing. And up to where it was read,
    /// so that a long list is not read again from each of its bytes.
    pub(in crate::scrub) fn around(
        text: &[u8],
        announced: Range<usize>,
        from: usize,
    ) -> (Option<Self>, usize) {
        let mut dump = Self::default();
        let mut next = match LINE_HEAD_MIN <= announced.len() {
            true => announced.end,
            false => {
                let first = first_of(text, pair_near(text, announced.start), from);
                Self::above(text, first, from)
            }
        };
        while dump.line(text, next) {
            let Some(line) = dump.lines.last() else { break };
            let Some(below) = begin_below(text, line.place.end) else { break };
            next = below;
        }
        let end = from.max(dump.range().end);
        let says = BYTES_MIN <= dump.bytes.len() && has_text(&dump.bytes);
        (says.then_some(dump), end)
    }

    /// Where the first byte stands of the lines above the one whose first byte stands at `at`,
    /// behind `from`.
    fn above(text: &[u8], mut at: usize, from: usize) -> usize {
        for _ in 0..LINES_BEFORE {
            let reach = from.max(at.saturating_sub(2 * LINE_LEN_MAX));
            let before = text.get(reach..at).unwrap_or_default();
            let starts = (0..before.len())
                .filter(|start| before.get(*start..).and_then(line_end_len).is_some());
            // The end of the line above the one above, or the beginning of the text.
            let base = at - before.len();
            let mut ends: Vec<usize> = starts.map(|start| base + start).collect();
            ends.dedup_by(|next, before| *next == *before + 1);
            let above = match ends.as_slice() {
                [.., end, _] => begin_below(text, *end),
                [_] if base == 0 => begin(text, 0),
                _ => None,
            };
            let mut line = Self::default();
            match above {
                Some(above) if above < at && line.line(text, above) => {
                    let end = line.lines.first().map_or(0, |line| line.place.end);
                    if begin_below(text, end) != Some(at) {
                        return at;
                    }
                    at = above;
                }
                _ => return at,
            }
        }
        at
    }

    /// Reads a line whose first byte stands at `at`; whether there are any.
    fn line(&mut self, text: &[u8], at: usize) -> bool {
        let (first, mut end, mut next) = (self.bytes.len(), at, at);
        while let Some((digits, len)) = digits_at(text, next) {
            for pair in digits.chunks(2) {
                let byte = std::str::from_utf8(pair).ok();
                let byte = byte.and_then(|pair| u8::from_str_radix(pair, 16).ok());
                self.bytes.extend(byte);
            }
            self.upper |= digits.iter().any(u8::is_ascii_uppercase);
            end = next + len;
            let gap = gap_len(text.get(end..).unwrap_or_default());
            let is_column = LINE_BYTES <= self.bytes.len() - first && 1 < gap;
            if gap == 0 || is_column && text.get(end..end + gap).is_some_and(is_blank) {
                break;
            }
            if self.between.is_empty() {
                self.between = text.get(end..end + gap).unwrap_or_default().to_vec();
            }
            next = end + gap;
        }
        let bytes = first..self.bytes.len();
        let said = self.bytes.get(bytes.clone()).unwrap_or_default();
        let says = said_len(text.get(end..).unwrap_or_default(), said);
        let is_any = !bytes.is_empty();
        if is_any {
            let place = at..end + says.unwrap_or_default();
            self.lines.push(Line { bytes, place, says: says.is_some() });
        }
        is_any
    }

    /// Where it stands.
    pub(in crate::scrub) fn range(&self) -> Range<usize> {
        let start = self.lines.first().map_or(0, |line| line.place.start);
        start..self.lines.last().map_or(start, |line| line.place.end)
    }

    /// Whether it is a list, which can be written again.
    pub(in crate::scrub) fn is_list(&self) -> bool {
        matches!(self.lines.as_slice(), [line] if !line.says)
    }

    /// Where the lines stand that hold these bytes.
    pub(in crate::scrub) fn place(&self, bytes: &Range<usize>) -> Range<usize> {
        let first = self.lines.partition_point(|line| line.bytes.end <= bytes.start);
        let last = self.lines.partition_point(|line| line.bytes.start < bytes.end);
        let lines = self.lines.get(first..last.max(first + 1)).unwrap_or_default();
        let range = self.range();
        let start = lines.first().map_or(range.start, |line| line.place.start);
        start..lines.last().map_or(range.end, |line| line.place.end)
    }

    /// Writes bytes as the list was written.
    pub(in crate::scrub) fn encode(&self, bytes: &[u8]) -> Vec<u8> {
        let written = bytes.iter().map(|byte| match self.upper {
            true => format!("{byte:02X}").into_bytes(),
            false => format!("{byte:02x}").into_bytes(),
        });
        written.collect::<Vec<_>>().join(self.between.as_slice())
    }
}

/// Announcements that are longer say where a line of a dump begins.
const LINE_HEAD_MIN: usize = 8;

/// Where the digits of the byte stand that is announced at `at`.
fn pair_near(text: &[u8], at: usize) -> usize {
    let is_prefixed = text.get(at..).is_some_and(|rest| rest.starts_with(b"0x"));
    at + if is_prefixed { 2 } else { 1 }
}

/// Where the digits of the first byte of a line stand, behind `from`, given where those of one
/// of them do.
fn first_of(text: &[u8], pair: usize, from: usize) -> usize {
    let mut first = pair;
    while pair - first < BEFORE_MAX {
        let before = text.get(from..first).unwrap_or_default();
        let before = before.strip_suffix(b"0x").unwrap_or(before);
        let blanks = before.iter().rev().take(2).take_while(|byte| **byte == b' ').count();
        let before = before.get(..before.len() - blanks).unwrap_or_default();
        let sign = before.iter().rev().take(1).filter(|byte| is_sign(**byte)).count();
        let before = before.get(..before.len() - sign).unwrap_or_default();
        let digits = before.iter().rev().take(3).take_while(|byte| byte.is_ascii_hexdigit());
        if blanks + sign == 0 || digits.count() != 2 {
            break;
        }
        first = from + before.len() - 2;
    }
    first
}

/// Whether half of what stands in some line, or as many bytes of a list, is text: what is
/// around it in a dump of memory is not.
fn has_text(bytes: &[u8]) -> bool {
    let is_readable = |byte: u8| matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t' | 0x80..);
    let is_text =
        |bytes: &[u8]| bytes.len() <= 2 * bytes.iter().filter(|byte| is_readable(**byte)).count();
    bytes.windows(LINE_BYTES.min(bytes.len()).max(1)).any(is_text)
}

fn is_sign(byte: u8) -> bool {
    matches!(byte, b':' | b'-' | b',')
}

fn is_blank(gap: &[u8]) -> bool {
    gap.iter().all(|byte| *byte == b' ')
}

/// The digits of one byte, or of a few without a gap, and how long they are.
fn digits_at(text: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let rest = text.get(at..)?;
    let len = rest.iter().take(9).take_while(|byte| byte.is_ascii_hexdigit()).count();
    let ends = rest.get(len).is_none_or(|byte| !byte.is_ascii_alphanumeric());
    (matches!(len, 2 | 4 | 8) && ends).then(|| (rest.get(..len).unwrap_or_default(), len))
}

/// How long the gap between two bytes is: blanks, a sign, what says that digits follow.
fn gap_len(rest: &[u8]) -> usize {
    let sign = rest.iter().take(1).filter(|byte| is_sign(**byte)).count();
    let rest = rest.get(sign..).unwrap_or_default();
    let blanks = rest.iter().take(3).take_while(|byte| **byte == b' ').count();
    let rest = rest.get(blanks..).unwrap_or_default();
    let prefix = if rest.starts_with(b"0x") { 2 } else { 0 };
    let is_gap = 0 < sign + blanks && blanks < 3;
    let goes_on = rest.get(prefix..).and_then(|rest| digits_at(rest, 0)).is_some();
    if is_gap && goes_on { sign + blanks + prefix } else { 0 }
}

/// How long what the bytes of a line say is, where it stands behind them.
fn said_len(rest: &[u8], bytes: &[u8]) -> Option<usize> {
    let line = rest.get(..LINE_LEN_MAX).unwrap_or(rest);
    let lead = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let opens = line.get(lead).copied().filter(|byte| matches!(byte, b'|' | b'*' | b'>' | b'"'));
    let start = lead + usize::from(opens.is_some());
    let said = line.get(start..start + bytes.len())?;
    let is_said = said.iter().zip(bytes).all(|(said, byte)| match byte {
        b'!'..=b'~' => said == byte,
        _ => matches!(said, b'.' | b' ' | b'_'),
    });
    let end = start + bytes.len();
    let closes = opens.is_some() && line.get(end) == opens.as_ref();
    (0 < lead && is_said).then_some(end + usize::from(closes))
}

/// Where the first byte of the line stands that follows the one that ends at `at`.
fn begin_below(text: &[u8], at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    let blanks = rest.iter().take(64).take_while(|byte| b" |,:".contains(byte)).count();
    let end = line_end_len(rest.get(blanks..)?)?;
    begin(text, at + blanks + end)
}

/// Where the first byte of a line of a dump stands that begins at `at`: behind its offset.
fn begin(text: &[u8], at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    let blanks = |rest: &[u8]| {
        rest.iter().take(64).take_while(|byte| matches!(byte, b' ' | b'\t' | b'|')).count()
    };
    let mut next = blanks(rest);
    let digits = rest.get(next..)?;
    let prefix = if digits.starts_with(b"0x") { 2 } else { 0 };
    let digits = digits.get(prefix..)?;
    let len = digits.iter().take(17).take_while(|byte| byte.is_ascii_hexdigit()).count();
    if (4..=16).contains(&len) {
        let behind = digits.get(len..)?;
        let signs = behind.iter().take(4).take_while(|byte| b": -|".contains(byte)).count();
        if signs == 0 {
            return None;
        }
        next += prefix + len + signs;
    }
    let (_, len) = digits_at(rest, next)?;
    let behind = rest.get(next + len..)?;
    // A word of two letters, a number: not the only byte of a line of prose.
    let ends = line_end_len(behind).is_some() || behind.is_empty() || behind.starts_with(b"   ");
    (ends || 0 < gap_len(behind)).then_some(at + next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(text: &str, announced: &str) -> Option<Dump> {
        let at = text.find(announced).expect("what announces it");
        Dump::around(text.as_bytes(), at..at + announced.len(), 0).0
    }

    #[test]
    fn a_list_is_read_and_written_again() {
        for (text, announced, range) in [
            ("got 67 68 70 5f 61 32 33 34 35 from", " 61 ", 4..30),
            ("67:68:70:5f:61:32:33:34:35", ":61:", 0..26),
            ("[67-68-70-5F-61-32-33-34-35]", "-61-", 1..27),
            ("<Buffer 67 68 70 5f 61 32 33 34 35>", "<Buffer ", 8..34),
            ("{0x67, 0x68, 0x70, 0x5f, 0x61, 0x32, 0x33, 0x34, 0x35}", "0x61,", 3..53),
        ] {
            let dump = around(text, announced).expect("a list");
            assert_eq!(String::from_utf8_lossy(&dump.bytes), "ghp_a2345", "{text}");
            assert_eq!(dump.range(), range, "{text}");
            assert!(dump.is_list(), "{text}");
            assert_eq!(dump.encode(&dump.bytes), &text.as_bytes()[range], "{text}");
        }
    }

    #[test]
    fn a_dump_is_read_line_by_line() {
        for (text, announced) in [
            (
                "x\n00000000  70 61 73 73 77 6f 72 64  3d 68 75 6e 74 65 72 32  |password=hunter2|\n\
                 00000010  26 61 3d 62                                       |&a=b|\n00000014\n",
                " 61 ",
            ),
            (
                "00000000: 7061 7373 776f 7264 3d68 756e 7465 7232  password=hunter2\n\
                 00000010: 2661 3d62                                &a=b\n",
                "00000000: ",
            ),
            (
                "0000 - 70 61 73 73 77 6f 72 64-3d 68 75 6e 74 65 72 32   password=hunter2\n\
                 0010 - 26 61 3d 62                                       &a=b\n",
                " 65 ",
            ),
            (
                "|00000000| 70 61 73 73 77 6f 72 64 3d 68 75 6e 74 65 72 32 |password=hunter2|\n\
                 |00000010| 26 61 3d 62                                     |&a=b            |\n",
                " 61 ",
            ),
            ("    70:61:73:73:77:6f:72:64:3d:68:75:6e:74:65:72:32:\n    26:61:3d:62\n", ":65:"),
            (
                r"0000000 70 61 73 73 77 6f 72 64 3d 68 75 6e 74 65 72 32\n0000020 26 61 3d 62\n",
                " 65 ",
            ),
        ] {
            let dump = around(text, announced).expect("a dump");
            assert_eq!(String::from_utf8_lossy(&dump.bytes), "password=hunter2&a=b", "{text}");
            let [first, second] = dump.lines.as_slice() else { panic!("two lines: {text}") };
            assert_eq!(dump.place(&(9..16)), first.place, "{text}");
            assert_eq!(dump.place(&(9..17)), first.place.start..second.place.end, "{text}");
            assert!(!dump.is_list());
        }
    }

    #[test]
    fn a_line_of_text_is_read_among_others_and_a_list_is_read_once() {
        let zeros = "00 ".repeat(64);
        let text = format!("{zeros}70 61 73 73 77 6f 72 64 3d 68 75 6e 74 65 72 32 {zeros}end");
        let dump = around(&text, " 61 ").expect("a list");
        assert_eq!(dump.bytes.len(), 64 + 16 + 64);
        let text = format!("{zeros}61 {zeros}61 {zeros}end");
        let at = text.find(" 61 ").expect("what announces it");
        let end = text.len() - " end".len();
        assert_eq!(Dump::around(text.as_bytes(), at..at + 4, 0), (None, end));
        let text = "67 68 70 5f 61 32 33 34 ".repeat(2);
        let at = text.rfind(" 61 ").expect("what announces it");
        let (dump, _) = Dump::around(text.as_bytes(), at..at + 4, text.len() / 2);
        assert_eq!(dump.expect("the rest of a list").bytes, b"ghp_a234");
    }

    #[test]
    fn numbers_and_what_is_no_text_are_no_dump() {
        for (text, announced) in [
            ("took 12 61 10 99", " 61 "),
            ("00:1b:61:3a:b7:9c:01:02:03:04", ":61:"),
            ("10 61 items", " 61 "),
        ] {
            assert_eq!(around(text, announced), None, "{text}");
        }
    }
}
