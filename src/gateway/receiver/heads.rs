//! Bounds the heads of requests over HTTP/2 while they arrive.
//!
//! The HTTP library bounds what a head unpacks to, and how many frames go on with it, but
//! it takes each frame whole before it looks at it, and a frame may be as long as a large
//! piece of a body. So the lengths of frames are read here as they pass: of a head that
//! does not end, no more is given to the library than a request may have, and of the rest
//! nothing is held and nothing unpacked.
//!
//! Frames are only counted here; whether they are in order is the library's affair.

/// The lengths before frames (RFC 9113, 4.1) and before all of them (3.4).
const FRAME_HEAD_BYTES: usize = 9;
const PREFACE_BYTES: u32 = 24;

/// Types and flags of frames (RFC 9113, 6.2 and 6.10).
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;

/// By how much a head that does end may be longer, which is told by an answer: as in h2.
const ENDED_FACTOR: u32 = 4;

/// The heads of one connection.
pub(in crate::gateway::receiver) struct Heads {
    bytes_max: u32,
    /// The head of the next frame, as far as it is there.
    frame: [u8; FRAME_HEAD_BYTES],
    frame_len: usize,
    /// How many bytes are to come of what is not looked at.
    left: u32,
    /// How many bytes the head under way has in frames that have begun.
    head_bytes: u32,
    /// Whether the frame under way ends a head, and whether one has ended.
    is_last: bool,
    has_ended: bool,
}

impl Heads {
    /// The heads of a connection that begins, each of at most `bytes_max` bytes.
    pub(in crate::gateway::receiver) fn new(bytes_max: u32) -> Self {
        let frame = [0; FRAME_HEAD_BYTES];
        let (left, head_bytes) = (PREFACE_BYTES, 0);
        let (is_last, has_ended) = (false, false);
        Self { bytes_max, frame, frame_len: 0, left, head_bytes, is_last, has_ended }
    }

    /// Whether there was a request: the head of one is whole.
    pub(in crate::gateway::receiver) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Whether the peer may go on after it said `bytes`.
    pub(in crate::gateway::receiver) fn admit(&mut self, mut bytes: &[u8]) -> bool {
        loop {
            let skipped = bytes.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
            self.left -= u32::try_from(skipped).unwrap_or(self.left);
            bytes = bytes.get(skipped..).unwrap_or_default();
            self.has_ended |= self.is_last && self.left == 0;
            let Some(room) = self.frame.get_mut(self.frame_len..) else { return false };
            if bytes.is_empty() {
                return true;
            }
            let taken = room.len().min(bytes.len());
            let (first, rest) = bytes.split_at(taken);
            room.iter_mut().zip(first).for_each(|(to, from)| *to = *from);
            self.frame_len += taken;
            bytes = rest;
            if self.frame_len == FRAME_HEAD_BYTES && !self.begin_frame() {
                return false;
            }
        }
    }

    /// Takes note of a frame, whose head is there.
    fn begin_frame(&mut self) -> bool {
        let [high, middle, low, kind, flags, ..] = self.frame;
        self.frame_len = 0;
        self.left = u32::from_be_bytes([0, high, middle, low]);
        let before = match kind {
            HEADERS => 0,
            CONTINUATION => self.head_bytes,
            _ => return true,
        };
        self.is_last = flags & END_HEADERS != 0;
        self.head_bytes = before.saturating_add(self.left);
        match flags & END_HEADERS {
            0 => self.head_bytes <= self.bytes_max,
            _ => self.head_bytes <= self.bytes_max.saturating_mul(ENDED_FACTOR),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, len: usize) -> Vec<u8> {
        let [.., high, middle, low] = len.to_be_bytes();
        [&[high, middle, low, kind, flags, 0, 0, 0, 1], &vec![b'x'; len][..]].concat()
    }

    #[test]
    fn a_head_ends_in_time_or_the_connection_does_however_it_is_cut() {
        let preface = vec![b'p'; PREFACE_BYTES as usize];
        let (first, more) = (|len| frame(HEADERS, 0, len), |len| frame(CONTINUATION, 0, len));
        let last = |len| frame(CONTINUATION, END_HEADERS, len);
        let body = || frame(0, 0, 70_000);
        for (name, frames, is_admitted) in [
            ("a body", vec![frame(HEADERS, END_HEADERS, 50), body(), body()], true),
            ("in pieces", vec![first(60), more(40), last(100), body(), first(100)], true),
            ("one after the other", vec![first(90), last(10), first(90), last(10)], true),
            ("one that ends late", vec![first(100), last(300)], true),
            ("one that ends too late", vec![first(100), last(301)], false),
            ("one frame", vec![frame(HEADERS, END_HEADERS, 401)], false),
            ("without an end", vec![first(60), more(41)], false),
            ("after others", vec![first(60), last(1), body(), first(101)], false),
            ("in nothings", vec![first(60), more(0), more(0)], true),
        ] {
            let bytes = [preface.clone(), frames.concat()].concat();
            for step in [1, 7, 9, 1000, usize::MAX] {
                let mut heads = Heads::new(100);
                let admitted = bytes.chunks(step).all(|bytes| heads.admit(bytes));
                assert_eq!(admitted, is_admitted, "{name} in steps of {step}");
                if admitted {
                    assert_eq!(heads.has_ended(), !name.starts_with("in nothings"), "{name}");
                }
            }
        }
    }
}
