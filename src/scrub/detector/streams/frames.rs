//! Frames of a stream that stand in one text: server-sent events, lines of JSON, an array of
//! objects, or objects as a program prints them, each with a few characters of what was
//! streamed.
//!
//! The text is not parsed as a whole: from bracket to bracket, names and strings are read,
//! in one pass, whatever stands in between. Strings under the same names of one frame after
//! the other are pieces of one text, if the frames say of themselves that they are such: by
//! a name on the way (`delta`), by their type (`chat.completion.chunk`), by `data:` before
//! them, by `done: false`. Where a frame counts (`index`), strings are also told apart by
//! that.

use std::ops::Range;

use crate::scrub::detector::bytes::is_key_byte;
use crate::scrub::detector::streams::says_piece;

/// What stands in texts that hold frames. One of them is no more than a hint.
const SIGNS: [&[u8]; 8] =
    [b"delta", b"Delta", b"chunk", b"Chunk", b"stream", b"data:", b"done", b"candidates"];

/// How deep brackets are followed.
const DEPTH_MAX: usize = 64;

/// Members whose value says what kind of thing an object is.
const KINDS: [&[u8]; 6] = [b"type", b"object", b"event", b"event_type", b"kind", b"__class__"];

/// A string of a frame.
pub(super) struct Piece {
    /// Stands for the names that lead to it.
    pub(super) place: u64,
    /// Where it is in the text, without quotes.
    pub(super) range: Range<usize>,
}

/// The strings of the frames in `text`, in order. `says` tells that what is around the text
/// says that there are pieces in it.
pub(super) fn pieces(text: &[u8], says: bool) -> Vec<Piece> {
    let has_sign = || SIGNS.iter().any(|sign| memchr::memmem::find(text, sign).is_some());
    if !says && !has_sign() {
        return Vec::new();
    }
    let mut reader = Reader { text, says, ..Reader::default() };
    reader.read();
    reader.found
}

/// A bracket that is open.
#[derive(Clone, Copy, Debug)]
struct Level {
    place: u64,
    /// The same, with what the frame counts.
    counted: u64,
    /// Whether a name on the way says that there are pieces.
    says: bool,
    is_list: bool,
}

#[derive(Default)]
struct Reader<'t> {
    text: &'t [u8],
    at: usize,
    says: bool,
    levels: Vec<Level>,
    /// The name whose value comes next.
    name: &'t [u8],
    /// Whether the frame at hand says that it is one.
    frame_says: bool,
    /// The strings of the frame at hand: whether their way says it, and where they stand.
    strings: Vec<(bool, Level, Range<usize>)>,
    found: Vec<Piece>,
    /// Up to where no string in `'` ends, and none in `"`: the end of the line.
    open_until: [usize; 2],
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn read(&mut self) {
        self.line();
        while let Some(&byte) = self.text.get(self.at) {
            match byte {
                b'\n' => {
                    self.at += 1;
                    self.line();
                }
                b'{' | b'[' | b'(' => self.open(byte == b'['),
                b'}' | b']' | b')' => self.close(),
                _ if self.levels.is_empty() => self.outside(),
                b'"' | b'\'' => self.string(byte),
                b',' => {
                    self.at += 1;
                    self.name = b"";
                }
                byte if is_key_byte(byte) => self.word(),
                _ => self.at += 1,
            }
        }
        self.end_frame();
    }

    /// The beginning of a line, at which a frame may begin, though the one before was cut.
    fn line(&mut self) {
        let rest = self.rest();
        let is_event = rest.starts_with(b"data:");
        self.frame_says &= !self.levels.is_empty();
        if is_event || matches!(rest.first(), Some(b'{')) {
            self.end_frame();
            self.levels.clear();
            self.frame_says = is_event;
            self.at += if is_event { b"data:".len() } else { 0 };
        }
    }

    /// Between frames: to the next bracket, and what is called before it.
    fn outside(&mut self) {
        let rest = self.rest();
        let ends = |byte: &u8| matches!(byte, b'\n' | b'{' | b'[' | b'(' | b'}' | b']' | b')');
        let len = rest.iter().position(ends).unwrap_or(rest.len()).max(1);
        let before = rest.get(..len).unwrap_or_default();
        let name = before.iter().rev().take_while(|byte| is_key_byte(**byte)).count();
        self.name = before.get(len - name..).unwrap_or_default();
        self.at += len;
    }

    fn open(&mut self, is_list: bool) {
        self.at += 1;
        let outer = self.levels.last().copied();
        let outer = outer.unwrap_or(Level { place: 0, counted: 0, says: false, is_list: false });
        let names_pieces = self.name == b"candidates" || says_piece(self.name);
        let level = Level {
            place: mix(outer.place, self.name),
            counted: mix(outer.counted, self.name),
            says: outer.says || names_pieces,
            is_list,
        };
        self.name = b"";
        if self.levels.len() < DEPTH_MAX {
            self.levels.push(level);
        }
    }

    fn close(&mut self) {
        self.at += 1;
        self.name = b"";
        self.levels.pop();
        let is_frame = match self.levels.as_slice() {
            [] => true,
            [only] => only.is_list,
            _ => false,
        };
        if is_frame {
            self.end_frame();
        }
    }

    fn end_frame(&mut self) {
        let says = self.says || self.frame_says;
        for (own, level, range) in self.strings.drain(..) {
            if !says && !own {
                continue;
            }
            self.found.push(Piece { place: level.place, range: range.clone() });
            if level.counted != level.place {
                self.found.push(Piece { place: level.counted, range });
            }
        }
        // Of an event, what else stands on its line.
        self.frame_says &= self.levels.is_empty();
    }

    /// A string: a name, or a value.
    fn string(&mut self, quote: u8) {
        let start = self.at + 1;
        self.at = start;
        let is_apostrophe = quote == b'\''
            && start
                .checked_sub(2)
                .and_then(|at| self.text.get(at))
                .is_some_and(u8::is_ascii_alphabetic)
            && self.name.is_empty();
        let sign = usize::from(quote == b'"');
        if is_apostrophe || self.open_until.get(sign).is_some_and(|until| start <= *until) {
            return;
        }
        let Some(len) = string_len(self.rest(), quote) else {
            // Nor is there an end for another quote on this line.
            let line = memchr::memchr(b'\n', self.rest());
            if let Some(until) = self.open_until.get_mut(sign) {
                *until = line.map_or(self.text.len(), |line| start + line);
            }
            return;
        };
        let string = self.rest().get(..len).unwrap_or_default();
        self.at = start + len + 1;
        let gap = self.rest().iter().take(8).take_while(|byte| **byte == b' ').count();
        if self.rest().get(gap) == Some(&b':') {
            self.at += gap + 1;
            self.name = string;
            return;
        }
        if KINDS.contains(&self.name) && says_piece(string) {
            self.frame_says = true;
        }
        if let (Some(level), false) = (self.levels.last(), string.is_empty()) {
            let (place, counted) = (mix(level.place, self.name), mix(level.counted, self.name));
            self.strings.push((level.says, Level { place, counted, ..*level }, start..start + len));
        }
        self.name = b"";
    }

    /// A name without quotes, what is called, or a value that is no string.
    fn word(&mut self) {
        let rest = self.rest();
        let len = rest.iter().take_while(|byte| is_key_byte(**byte)).count();
        let word = rest.get(..len).unwrap_or_default();
        self.at += len;
        match (rest.get(len), rest.get(len + 1)) {
            (Some(b'='), next) if next != Some(&b'=') => {
                self.at += 1;
                self.name = word;
            }
            (Some(b':'), Some(b' ')) => {
                self.at += 1;
                self.name = word;
            }
            (Some(b'('), _) => {
                self.frame_says |= says_piece(word);
                if self.name.is_empty() {
                    self.name = word;
                }
            }
            // A letter before a string.
            (Some(b'"' | b'\''), _) => {}
            _ => {
                self.scalar(word);
                self.name = b"";
            }
        }
    }

    fn scalar(&mut self, word: &[u8]) {
        self.frame_says |= self.name == b"done" && word == b"false";
        if self.name.ends_with(b"index")
            && let Some(level) = self.levels.last_mut()
        {
            level.counted = mix(mix(level.counted, self.name), word);
        }
    }
}

/// How long a string is that ends on its line.
fn string_len(text: &[u8], quote: u8) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + memchr::memchr3(quote, b'\\', b'\n', text.get(from..)?)?;
        match text.get(at) {
            Some(b'\\') => from = at + 2,
            Some(b'\n') | None => return None,
            Some(_) => return Some(at),
        }
    }
}

/// The place that a name leads to (FNV-1a, with an end to each name).
pub(super) fn mix(place: u64, name: &[u8]) -> u64 {
    const PRIME: u64 = 0x0100_0000_01b3;
    let start = place ^ 0xcbf2_9ce4_8422_2325;
    let hash = name.iter().fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME));
    (hash ^ 0xff).wrapping_mul(PRIME)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::pieces;

    /// The longest text that pieces in the same place make.
    fn joined(text: &str, says: bool) -> String {
        let mut texts: HashMap<u64, Vec<&str>> = HashMap::new();
        for piece in pieces(text.as_bytes(), says) {
            texts.entry(piece.place).or_default().push(&text[piece.range]);
        }
        let differ = |texts: &Vec<&str>| texts.windows(2).any(|two| two[0] != two[1]);
        let several = texts.into_values().filter(differ).map(|texts| texts.concat());
        several.max_by_key(String::len).unwrap_or_default()
    }

    #[test]
    fn the_pieces_of_each_kind_of_frame_are_put_together() {
        let frames: [fn(&str) -> String; 16] = [
            |p| {
                format!(
                    "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{p}\"}}}}]}}\n\n"
                )
            },
            |p| format!("{{\"choices\": [{{\"delta\": {{\"content\": \"{p}\"}}}}]}}"),
            |p| {
                format!(
                    "{{\"type\":\"content_block_delta\",\"delta\":{{\"partial_json\":\"{p}\"}}}}\n"
                )
            },
            |p| format!("event: x\ndata: {{\"delta\":\"{p}\",\"item_id\":\"m\"}}\n\n"),
            |p| format!("{{\"model\":\"l\",\"message\":{{\"content\":\"{p}\"}},\"done\":false}}\n"),
            |p| format!("{{\"model\":\"l\",\"response\":\"{p}\",\"done\": false}}\n"),
            |p| {
                format!(
                    "{{\"candidates\":[{{\"content\":{{\"parts\":[{{\"text\":\"{p}\"}}]}}}}]}},\n"
                )
            },
            |p| format!("{{\"contentBlockDelta\":{{\"delta\":{{\"text\":\"{p}\"}}}}}}\n"),
            |p| format!("{{\"type\": \"AIMessageChunk\", \"content\": \"{p}\"}}\n"),
            |p| format!("AIMessageChunk(content='{p}', id='run-1')\n"),
            |p| format!("Chunk(choices=[Choice(delta=ChoiceDelta(content='{p}', role=None))])\n"),
            |p| format!("12:01 got {{'type': 'text_delta', 'text': '{p}'}}\n"),
            |p| format!("data:{{\"token\":{{\"id\":5,\"text\":\"{p}\"}}}}\r\n\r\n"),
            |p| format!("{{\"chunk\":{{\"index\":{},\"text\":\"{p}\"}}}}\n", p.len()),
            |p| format!("{{\"type\":\"text-delta\",\"textDelta\":\"{p}\"}}\n"),
            |p| format!("data: {{\"delta\":{{\"text\":\"{p}\"}}}} trailing ' quote\n"),
        ];
        for frame in frames {
            let text: String = ["one ", "\\\"two", "", "three3"].map(frame).concat();
            assert_eq!(joined(&text, false), "one \\\"twothree3", "{text}");
        }
        let array = r#"["one ","two","three3"]"#;
        assert_eq!(joined(array, true), "one twothree3");
        assert_eq!(joined(array, false), "");
    }

    #[test]
    fn what_says_nothing_of_pieces_has_none() {
        for text in [
            r#"{"stream":true,"messages":[{"content":"one"},{"content":"two"}]}"#,
            "{\"log\":\"a\",\"stream\":\"stdout\"}\n{\"log\":\"b\",\"stream\":\"stdout\"}\n",
            "{\"done\":true,\"a\":\"x\"}\n{\"done\":true,\"a\":\"y\"}\n",
            "it's (a stream) of 'x' and {'y'} [z]",
        ] {
            assert_eq!(joined(text, false), "", "{text}");
        }
    }
}
