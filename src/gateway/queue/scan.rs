//! Reads what a segment holds, whatever has happened to it.
//!
//! A record counts where its head is sound. Behind damage the next sound head is
//! looked for; what lies between is damage, too. The checksum of what a record holds
//! is only looked at where `verify` asks for it: it costs reading the whole segment,
//! and is looked at again before the record is used.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use crate::gateway::queue::files::Files;
use crate::gateway::queue::record;
use crate::gateway::queue::record::HEAD_BYTES;
use crate::gateway::queue::record::Head;
use crate::gateway::queue::record::RECORD_BYTES_MAX;
use crate::gateway::queue::record::SEGMENT_HEAD_BYTES;

/// How much is read at once.
const WINDOW_BYTES: usize = 16 * 1024;

/// What a segment holds.
#[derive(Debug, Default)]
pub struct Scanned {
    /// Its random number, if any of its heads is sound.
    pub id: Option<u64>,
    /// Sound records, by the offset of their heads.
    pub records: Vec<(u64, Head)>,
    /// What is not sound.
    pub damage: Vec<Damaged>,
}

/// A part of a segment that is not sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damaged {
    /// In bytes of the segment.
    pub range: Range<u64>,
    /// The record, where its head is sound.
    pub head: Option<Head>,
}

/// Scans the segment in the file `name`, which is `len` bytes long.
///
/// # Errors
///
/// When the file cannot be read at all.
pub fn scan<F: Files>(files: &Arc<F>, name: &str, len: u64, verify: bool) -> io::Result<Scanned> {
    let mut window = Window { files, name, start: 0, bytes: Vec::new() };
    let mut scanned = Scanned { id: None, ..Scanned::default() };
    if len == 0 {
        return Ok(scanned);
    }
    scanned.id = record::read_segment_head(window.get(0, SEGMENT_HEAD_BYTES as usize)?);
    let mut at = SEGMENT_HEAD_BYTES.min(len);
    if scanned.id.is_none() {
        // Whatever of the first record is sound will be found.
        scanned.damage.push(Damaged { range: 0..at, head: None });
    }
    let mut number_min = 0;
    while at < len {
        let fits = |head: &Head| {
            number_min <= head.number && scanned.id.is_none_or(|id| id == head.segment_id)
        };
        let head = Head::read(window.get(at, HEAD_BYTES)?).filter(fits);
        let Some(head) = head else {
            let next = next_head(&mut window, at + 1, len, number_min, scanned.id)?;
            scanned.damage.push(Damaged { range: at..next, head: None });
            at = next;
            continue;
        };
        scanned.id = Some(head.segment_id);
        number_min = head.number.saturating_add(1);
        let end = at + HEAD_BYTES as u64 + u64::from(head.len);
        let is_whole = end <= len && head.len as usize <= RECORD_BYTES_MAX;
        if !is_whole {
            scanned.damage.push(Damaged { range: at..len, head: Some(head) });
            break;
        }
        if verify && !window.holds(at + HEAD_BYTES as u64, &head)? {
            scanned.damage.push(Damaged { range: at..end, head: Some(head) });
        } else {
            scanned.records.push((at, head));
        }
        at = end;
    }
    Ok(scanned)
}

/// Where the next sound head begins; `len`, if there is none.
fn next_head<F: Files>(
    window: &mut Window<'_, F>,
    from: u64,
    len: u64,
    number_min: u32,
    id: Option<u64>,
) -> io::Result<u64> {
    let mut at = from;
    while at < len {
        let bytes = window.files.read(window.name, at, WINDOW_BYTES)?;
        if bytes.is_empty() {
            break;
        }
        for found in memchr::memmem::find_iter(&bytes, record::MAGIC) {
            let candidate = at + found as u64;
            let head = Head::read(window.get(candidate, HEAD_BYTES)?);
            let fits =
                |head: Head| number_min <= head.number && id.is_none_or(|id| id == head.segment_id);
            if head.is_some_and(fits) {
                return Ok(candidate);
            }
        }
        // The magic number may lie across the border.
        let step = bytes.len().saturating_sub(record::MAGIC.len() - 1).max(1);
        at += step as u64;
    }
    Ok(len)
}

/// A part of the file that was read ahead.
struct Window<'a, F: Files> {
    files: &'a Arc<F>,
    name: &'a str,
    start: u64,
    bytes: Vec<u8>,
}

impl<F: Files> Window<'_, F> {
    /// Up to `len` bytes from `at`.
    fn get(&mut self, at: u64, len: usize) -> io::Result<&[u8]> {
        let has = |start: u64, held: usize| {
            let skip = usize::try_from(at.checked_sub(start)?).ok()?;
            (skip.checked_add(len)? <= held).then_some(skip)
        };
        let skip = match has(self.start, self.bytes.len()) {
            Some(skip) => skip,
            None => {
                self.bytes = self.files.read(self.name, at, len.max(WINDOW_BYTES))?;
                self.start = at;
                0
            }
        };
        let end = self.bytes.len().min(skip + len);
        Ok(self.bytes.get(skip..end).unwrap_or_default())
    }

    /// Whether what stands at `at` has the checksum of `head`.
    fn holds(&mut self, at: u64, head: &Head) -> io::Result<bool> {
        let len = head.len as usize;
        if len <= WINDOW_BYTES {
            let bytes = self.get(at, len)?;
            return Ok(bytes.len() == len && crc32fast::hash(bytes) == head.checksum);
        }
        let bytes = self.files.read(self.name, at, len)?;
        Ok(bytes.len() == len && crc32fast::hash(&bytes) == head.checksum)
    }
}
