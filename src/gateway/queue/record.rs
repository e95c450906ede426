//! How records and their segments are written.
//!
//! A segment is a file: a head of 24 bytes, then records, each behind a head of 48
//! bytes with two checksums: one over itself, so that a length is never believed that
//! a damaged disk made up, one over what follows it. The head names the segment and
//! the place within it, so that stale bytes of an older file are not taken for new
//! ones, and starts with a magic number, so that behind damage the next record can
//! be found.
//!
//! Beside a segment stands a file of marks, eight bytes for each record that is done
//! with. Both names are the segment's number. One file, `answered`, says how far the
//! senders of one segment's records were answered, and in which start of the machine that
//! was written. Numbers are little-endian.

use bytes::Buf;
use bytes::BufMut;

use crate::gateway::queue::boot::Boot;

/// The length of the head of a segment.
pub const SEGMENT_HEAD_BYTES: u64 = 24;

/// The length of the head of a record.
pub const HEAD_BYTES: usize = 48;

/// The length of a mark.
pub const MARK_BYTES: usize = 8;

/// The length of what says how far senders were answered.
pub const ANSWERED_BYTES: usize = 40;

/// The name of the file that says it.
pub const ANSWERED_NAME: &str = "answered";

const ANSWERED_MAGIC: &[u8; 4] = b"ORQA";

const SEGMENT_MAGIC: &[u8; 4] = b"ORQS";

/// How the head of a record starts.
pub const MAGIC: &[u8; 4] = b"ORQR";

/// The version of all this.
const VERSION: u32 = 1;

/// The largest record. What a receiver takes at most, with what sealing adds.
pub const RECORD_BYTES_MAX: usize = 1 << 30;

/// The head of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The random number of the segment that the record stands in.
    pub segment_id: u64,
    /// The how-many-eth record of the segment it is, from 0.
    pub number: u32,
    /// The length of what follows, in bytes.
    pub len: u32,
    /// Spans, data points, log records or profiles in it.
    pub items: u32,
    /// When it was written, in milliseconds since 1970.
    pub time_ms: u64,
    /// The CRC-32 of what follows.
    pub checksum: u32,
    /// Whether what follows is encrypted.
    pub encrypted: bool,
}

impl Head {
    /// The head as it is written.
    pub fn to_bytes(self) -> [u8; HEAD_BYTES] {
        let mut bytes = Vec::with_capacity(HEAD_BYTES);
        bytes.put_slice(MAGIC);
        bytes.put_u32_le(VERSION);
        bytes.put_u64_le(self.segment_id);
        bytes.put_u32_le(self.number);
        bytes.put_u32_le(self.len);
        bytes.put_u32_le(self.items);
        bytes.put_u64_le(self.time_ms);
        bytes.put_u32_le(self.checksum);
        bytes.put_u32_le(u32::from(self.encrypted));
        let own = crc32fast::hash(&bytes);
        bytes.put_u32_le(own);
        bytes.try_into().expect("the fields above are 48 bytes")
    }

    /// The head at the start of `bytes`, if there is an undamaged one.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.get(..HEAD_BYTES)?;
        let (checked, mut own) = bytes.split_at_checked(HEAD_BYTES - 4)?;
        if !checked.starts_with(MAGIC) || own.get_u32_le() != crc32fast::hash(checked) {
            return None;
        }
        let mut fields = checked.get(4..)?;
        if fields.get_u32_le() != VERSION {
            return None;
        }
        Some(Self {
            segment_id: fields.get_u64_le(),
            number: fields.get_u32_le(),
            len: fields.get_u32_le(),
            items: fields.get_u32_le(),
            time_ms: fields.get_u64_le(),
            checksum: fields.get_u32_le(),
            encrypted: fields.get_u32_le() != 0,
        })
    }
}

/// The head of a segment with the random number `id`.
pub fn segment_head(id: u64) -> [u8; SEGMENT_HEAD_BYTES as usize] {
    let mut bytes = Vec::with_capacity(SEGMENT_HEAD_BYTES as usize);
    bytes.put_slice(SEGMENT_MAGIC);
    bytes.put_u32_le(VERSION);
    bytes.put_u64_le(id);
    bytes.put_u32_le(0);
    let own = crc32fast::hash(&bytes);
    bytes.put_u32_le(own);
    bytes.try_into().expect("the fields above are 24 bytes")
}

/// The random number of the segment whose head is at the start of `bytes`.
pub fn read_segment_head(bytes: &[u8]) -> Option<u64> {
    let bytes = bytes.get(..SEGMENT_HEAD_BYTES as usize)?;
    let (checked, mut own) = bytes.split_at_checked(bytes.len() - 4)?;
    let sound = checked.starts_with(SEGMENT_MAGIC) && own.get_u32_le() == crc32fast::hash(checked);
    sound.then(|| checked.get(8..16).map_or(0, |mut id| id.get_u64_le()))
}

/// The mark of a record that is done with.
pub fn mark(segment_id: u64, number: u32) -> [u8; MARK_BYTES] {
    let mut bytes = [0; MARK_BYTES];
    let (first, second) = bytes.split_at_mut(4);
    first.copy_from_slice(&number.to_le_bytes());
    second.copy_from_slice(&mark_checksum(segment_id, number).to_le_bytes());
    bytes
}

/// The records that a file of marks says are done with. A damaged mark says nothing:
/// its record comes again.
pub fn read_marks(segment_id: u64, bytes: &[u8]) -> impl Iterator<Item = u32> {
    bytes.chunks_exact(MARK_BYTES).filter_map(move |mut mark| {
        let number = mark.get_u32_le();
        (mark.get_u32_le() == mark_checksum(segment_id, number)).then_some(number)
    })
}

fn mark_checksum(segment_id: u64, number: u32) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&segment_id.to_le_bytes());
    hasher.update(&number.to_le_bytes());
    hasher.finalize()
}

/// How far senders were answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The start of the machine in which that was written.
    pub boot: Boot,
    /// The random number of a segment. Of records of others nothing is said.
    pub segment_id: u64,
    /// Senders of records from this number on were not told OK.
    pub number: u32,
}

impl Answered {
    /// As it is written.
    pub fn to_bytes(self) -> [u8; ANSWERED_BYTES] {
        let mut bytes = Vec::with_capacity(ANSWERED_BYTES);
        bytes.put_slice(ANSWERED_MAGIC);
        bytes.put_u32_le(VERSION);
        bytes.put_u128_le(self.boot.0);
        bytes.put_u64_le(self.segment_id);
        bytes.put_u32_le(self.number);
        let own = crc32fast::hash(&bytes);
        bytes.put_u32_le(own);
        bytes.try_into().expect("the fields above are 40 bytes")
    }

    /// Reads it. Cut, torn or damaged it says nothing.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (checked, mut own) = bytes.split_at_checked(ANSWERED_BYTES - 4)?;
        let is_whole = own.len() == 4 && own.get_u32_le() == crc32fast::hash(checked);
        let mut fields = checked.strip_prefix(ANSWERED_MAGIC).filter(|_| is_whole)?;
        if fields.get_u32_le() != VERSION {
            return None;
        }
        Some(Self {
            boot: Boot(fields.get_u128_le()),
            segment_id: fields.get_u64_le(),
            number: fields.get_u32_le(),
        })
    }
}

/// The name of the file of a segment.
pub fn segment_name(number: u64) -> String {
    format!("{number:016x}.segment")
}

/// The name of the file of its marks.
pub fn marks_name(number: u64) -> String {
    format!("{number:016x}.done")
}

/// The number of the segment that a file is named after, and whether it holds the
/// records (or the marks).
pub fn parse_name(name: &str) -> Option<(u64, bool)> {
    let (number, kind) = name.split_once('.')?;
    let is_segment = match kind {
        "segment" => true,
        "done" => false,
        _ => return None,
    };
    let number = (number.len() == 16).then(|| u64::from_str_radix(number, 16).ok())??;
    Some((number, is_segment))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_comes_back_and_no_changed_one_does() {
        let head = Head {
            segment_id: 0x0123_4567_89ab_cdef,
            number: 7,
            len: 1000,
            items: 20,
            time_ms: 1_700_000_000_000,
            checksum: 0xdead_beef,
            encrypted: true,
        };
        let bytes = head.to_bytes();
        assert_eq!(Head::read(&bytes), Some(head));
        for bit in 0..8 * HEAD_BYTES {
            let mut changed = bytes;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Head::read(&changed), None, "bit {bit}");
        }
    }

    #[test]
    fn a_damaged_or_foreign_mark_says_nothing() {
        let marks = [mark(9, 1), mark(9, 2), mark(8, 3)].concat();
        assert_eq!(read_marks(9, &marks).collect::<Vec<_>>(), [1, 2]);
        let mut cut = marks[..12].to_vec();
        cut[0] ^= 1;
        assert_eq!(read_marks(9, &cut).count(), 0);
        assert_eq!(read_marks(9, &[0; 16]).count(), 0);
    }

    #[test]
    fn how_far_senders_were_answered_comes_back_whole_or_not_at_all() {
        let answered = Answered { boot: Boot(u128::MAX / 3), segment_id: 9, number: 7 };
        let bytes = answered.to_bytes();
        assert_eq!(Answered::read(&bytes), Some(answered));
        for bit in 0..8 * ANSWERED_BYTES {
            let mut changed = bytes;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Answered::read(&changed), None, "bit {bit}");
        }
        for len in 0..ANSWERED_BYTES {
            assert_eq!(Answered::read(&bytes[..len]), None, "cut at {len}");
        }
        assert_eq!(Answered::read(&[0; ANSWERED_BYTES]), None);
    }

    #[test]
    fn names_come_back() {
        assert_eq!(parse_name(&segment_name(0xabc)), Some((0xabc, true)));
        assert_eq!(parse_name(&marks_name(1)), Some((1, false)));
        for other in [ANSWERED_NAME, "lock", "x.segment", "1.done", "0000000000000001.bad"] {
            assert_eq!(parse_name(other), None);
        }
    }
}
