//! A log of records in segments: what was appended is there after a crash, until it
//! is marked as done.
//!
//! Records are appended to one segment until it is large, several at a time with one
//! sync. A record is never changed; that it is done with is written into a file of
//! marks beside its segment, and a segment of which all is done is removed, in any
//! order. A start never appends to a segment that it finds, so that a torn end stays
//! where it is.
//!
//! Invariants:
//! - A record is synced, and the name of its segment too, before [`Log::append`]
//!   returns.
//! - A mark is only written for a record that is synced. Marks are synced later: what
//!   a loss of power takes of them comes again.
//! - A segment's marks are removed after the segment, and that is on the disk.
//! - Damage costs the records that it lies in, never the start, and is copied to a
//!   file of its own before its segment goes.
//! - Before [`Log::append`] returns it is written, and not synced, that senders of these
//!   records may be answered: the next process to have the log knows which were not.

mod answered;
pub mod gone;
mod start;

use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::io;
use std::sync::Arc;

use crate::gateway::queue::boot::Boot;
use crate::gateway::queue::files::Files;
use crate::gateway::queue::record;
use crate::gateway::queue::record::HEAD_BYTES;
use crate::gateway::queue::record::Head;
use crate::gateway::queue::record::MARK_BYTES;
use crate::gateway::queue::record::SEGMENT_HEAD_BYTES;
use crate::gateway::queue::scan::Damaged;

pub use start::Found;

/// From which length on a segment is not appended to any more.
pub const SEGMENT_BYTES: u64 = 16 << 20;

/// How many files of marks are held open.
const MARKS_OPEN_MAX: usize = 16;

/// Where a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The number of its segment.
    pub segment: u64,
    /// Its number within it.
    pub number: u32,
    /// The offset of its head.
    pub offset: u64,
    /// The length of what it holds, in bytes.
    pub len: u32,
    /// Spans, data points, log records or profiles in it.
    pub items: u32,
    /// When it was written, in milliseconds since 1970.
    pub time_ms: u64,
}

/// A record to be appended.
pub struct Record<'a> {
    /// What it holds, in pieces.
    pub pieces: &'a [&'a [u8]],
    /// Spans, data points, log records or profiles in it.
    pub items: u32,
    /// When, in milliseconds since 1970.
    pub time_ms: u64,
    /// Whether the pieces are encrypted.
    pub encrypted: bool,
}

/// A record that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// What is there is not what was written.
    #[error("damaged record")]
    Damaged,
    /// It is encrypted under a key that is not ours. Not damage: with the right key it
    /// can be read.
    #[error("record is encrypted under another key")]
    Undecipherable,
    /// Its file was removed or moved away, and nobody has it open.
    #[error("the file of the record is gone")]
    Gone,
    /// Its file was removed or moved away, and cannot be written anew now.
    #[error("the file of the record is gone and cannot be written anew now: {0}")]
    Away(io::Error),
    /// The disk gives nothing.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The log.
pub struct Log<F: Files> {
    files: Arc<F>,
    segments: BTreeMap<u64, Segment<F::Handle>>,
    /// The segment that is appended to.
    active: Option<(u64, F::Handle)>,
    /// The segment of records that were written and are not settled.
    unsettled: Option<u64>,
    next: u64,
    segment_bytes: u64,
    /// 0: no limit.
    bytes_max: u64,
    /// `None`: how far senders were answered is not written.
    boot: Option<Boot>,
    /// The file that says how far.
    answered: Option<F::Handle>,
}

/// Records that were written, and may not be on the disk yet.
pub struct Written<H> {
    segment: u64,
    /// The file to sync.
    pub handle: H,
    end: u64,
    entries: Vec<Entry>,
}

struct Segment<H> {
    id: u64,
    /// Up to where it is sound and synced.
    len: u64,
    /// The number of the next record.
    next: u32,
    /// Records that are not done.
    pending: u32,
    marks: Marks<H>,
    /// Damage could not be copied: the segment must stay.
    keep: bool,
}

struct Marks<H> {
    handle: Option<H>,
    len: u64,
    is_synced: bool,
}

impl<H> Default for Marks<H> {
    fn default() -> Self {
        Self { handle: None, len: 0, is_synced: true }
    }
}

impl<F: Files> Log<F> {
    /// Appends records, all or none, and waits until they are on the disk.
    ///
    /// # Errors
    ///
    /// When there is no room, or the disk fails. Then nothing was appended.
    pub fn append(&mut self, records: &[Record<'_>]) -> io::Result<Vec<Entry>> {
        let written = self.write(records)?;
        let synced = self.files.sync(&written.handle);
        self.settle(written, synced)
    }

    /// The first half of [`Log::append`]: records that are to be synced. Meanwhile marks
    /// may be written, and nothing else be appended.
    ///
    /// # Errors
    ///
    /// As [`Log::append`].
    pub fn write(&mut self, records: &[Record<'_>]) -> io::Result<Written<F::Handle>> {
        let total: usize = records
            .iter()
            .map(|record| HEAD_BYTES + record.pieces.iter().map(|piece| piece.len()).sum::<usize>())
            .sum();
        let total = total as u64;
        self.make_room(total)?;
        let (number, mut handle) = match self.active.take() {
            Some(active) => active,
            None => self.begin()?,
        };
        let Some(segment) = self.segments.get_mut(&number) else {
            return Err(io::Error::other("the active segment is unknown"));
        };
        let mut heads = Vec::with_capacity(records.len());
        let mut entries = Vec::with_capacity(records.len());
        let mut offset = segment.len;
        for (number_within, record) in (segment.next..).zip(records) {
            let mut hasher = crc32fast::Hasher::new();
            record.pieces.iter().for_each(|piece| hasher.update(piece));
            let len: usize = record.pieces.iter().map(|piece| piece.len()).sum();
            let len = u32::try_from(len)
                .ok()
                .filter(|len| *len as usize <= record::RECORD_BYTES_MAX)
                .ok_or(io::ErrorKind::FileTooLarge)?;
            let Record { items, time_ms, encrypted, .. } = *record;
            let head = Head {
                segment_id: segment.id,
                number: number_within,
                len,
                items,
                time_ms,
                checksum: hasher.finalize(),
                encrypted,
            };
            heads.push(head.to_bytes());
            entries.push(Entry {
                segment: number,
                number: number_within,
                offset,
                len,
                items,
                time_ms,
            });
            offset += HEAD_BYTES as u64 + u64::from(len);
        }
        let pieces: Vec<&[u8]> = heads
            .iter()
            .zip(records)
            .flat_map(|(head, record)| {
                std::iter::once(&head[..]).chain(record.pieces.iter().copied())
            })
            .collect();
        if let Err(error) = self.files.write(&mut handle, segment.len, &pieces) {
            // Where even that fails, the rest of the segment is damage or comes twice.
            let _ = self.files.truncate(&mut handle, segment.len);
            // A full disk has no room for another segment either; a limit on the length
            // of files has.
            self.remove_if_done(number);
            return Err(error);
        }
        // Counted from now on, so that the segment stays while it is synced.
        let count = u32::try_from(records.len()).unwrap_or(u32::MAX);
        segment.next += count;
        segment.pending += count;
        self.unsettled = Some(number);
        Ok(Written { segment: number, handle, end: offset, entries })
    }

    /// Sees that as many bytes may be written as the limit leaves.
    fn make_room(&mut self, total: u64) -> io::Result<()> {
        if self.bytes_max == 0 || self.bytes() + total <= self.bytes_max {
            return Ok(());
        }
        // What is delivered takes room as long as its segment is appended to.
        if let Some((number, _)) = self.active.take() {
            self.remove_if_done(number);
        }
        match self.bytes() + total <= self.bytes_max {
            true => Ok(()),
            false => Err(io::ErrorKind::StorageFull.into()),
        }
    }

    /// The second half of [`Log::append`]: `synced` says how that ended.
    ///
    /// # Errors
    ///
    /// As [`Log::append`].
    pub fn settle(
        &mut self,
        written: Written<F::Handle>,
        synced: io::Result<()>,
    ) -> io::Result<Vec<Entry>> {
        let Written { segment: number, mut handle, end, entries } = written;
        self.unsettled = None;
        let stands = self.files.stands(&record::segment_name(number), &handle);
        // Where the sync failed, too: they are told to come again, and are not looked for.
        let answered = if stands { self.answer(number) } else { Ok(()) };
        let Some(segment) = self.segments.get_mut(&number) else {
            return Err(io::Error::other("the segment that was written to is unknown"));
        };
        let ended = synced.and(answered);
        if ended.is_err() || !stands {
            let _ = self.files.truncate(&mut handle, segment.len);
            let count = u32::try_from(entries.len()).unwrap_or(u32::MAX);
            segment.pending = segment.pending.saturating_sub(count);
        }
        if !stands {
            self.active = Some((number, handle));
            return ended.and(self.mend()).and(Err(gone::error()));
        }
        if let Err(error) = ended {
            // What a failed sync has left behind nobody knows: a later one may say
            // that all is well (fsync(2), "EIO"). So this segment ends here.
            self.remove_if_done(number);
            return Err(error);
        }
        segment.len = end;
        if segment.len < self.segment_bytes {
            self.active = Some((number, handle));
        }
        Ok(entries)
    }

    /// Begins a segment.
    fn begin(&mut self) -> io::Result<(u64, F::Handle)> {
        let number = self.next;
        let name = record::segment_name(number);
        let id = random();
        self.files.make_folder()?;
        let mut handle = self.files.create(&name)?;
        let begun = self
            .files
            .write(&mut handle, 0, &[&record::segment_head(id)])
            .and_then(|()| self.files.sync(&handle))
            .and_then(|()| self.files.sync_folder());
        if let Err(error) = begun {
            let _ = self.files.remove(&name);
            return Err(error);
        }
        self.next += 1;
        let len = SEGMENT_HEAD_BYTES;
        let marks = Marks::default();
        self.segments.insert(number, Segment { id, len, next: 0, pending: 0, marks, keep: false });
        // Else what is there is of another segment, and says nothing of this one.
        let _ = self.answer(number);
        Ok((number, handle))
    }

    /// Marks records as done, and removes the segments that are done with. Marked ones do
    /// not come back, unless power is lost before [`Log::sync_marks`].
    pub fn done(&mut self, entries: &[Entry]) {
        for entry in entries {
            if self.mark(entry) {
                self.sweep(entry.segment);
            }
        }
    }

    /// Marks a record as done, which waits for no disk. Gives whether its segment is to be
    /// swept.
    pub fn mark(&mut self, entry: &Entry) -> bool {
        if let Some(segment) = self.segments.get_mut(&entry.segment) {
            segment.pending = segment.pending.saturating_sub(1);
            if let Err(error) = self.write_mark(entry) {
                // A full disk: the record may come again after a restart.
                tracing::debug!(%error, "cannot mark a record as done");
            }
        }
        self.is_swept(entry.segment)
    }

    /// Whether a segment can go: the one that is appended to only where it is not small.
    fn is_swept(&self, number: u64) -> bool {
        let is_active = self.active.as_ref().is_some_and(|(active, _)| *active == number);
        self.segments.get(&number).is_some_and(|segment| {
            segment.pending == 0 && (!is_active || self.segment_bytes / 4 < segment.len)
        })
    }

    /// Removes a segment, if all in it is still done.
    pub fn sweep(&mut self, number: u64) {
        if self.is_swept(number) {
            self.active.take_if(|(active, _)| *active == number);
            self.remove_if_done(number);
        }
    }

    fn write_mark(&mut self, entry: &Entry) -> io::Result<()> {
        let open = self.segments.values().filter(|segment| segment.marks.handle.is_some()).count();
        if MARKS_OPEN_MAX < open {
            for segment in self.segments.values_mut() {
                segment.marks.handle = None;
            }
        }
        let Some(segment) = self.segments.get_mut(&entry.segment) else { return Ok(()) };
        let mark = record::mark(segment.id, entry.number);
        let marks = &mut segment.marks;
        let handle = match &mut marks.handle {
            Some(handle) => handle,
            none => none.insert(self.files.open(&record::marks_name(entry.segment))?),
        };
        self.files.write(handle, marks.len, &[&mark])?;
        marks.len += MARK_BYTES as u64;
        marks.is_synced = false;
        Ok(())
    }

    /// Waits until marks are on the disk. Gives whether there was anything to do.
    pub fn sync_marks(&mut self) -> bool {
        let marks = self.unsynced_marks();
        for (_, handle) in &marks {
            if let Err(error) = self.files.sync(handle) {
                tracing::debug!(%error, "cannot sync what was delivered");
            }
        }
        let any = !marks.is_empty();
        self.marks_synced(marks);
        any
    }

    /// The files of marks that are to be synced, by their segments.
    pub fn unsynced_marks(&mut self) -> Vec<(u64, F::Handle)> {
        let mut unsynced = Vec::new();
        for (number, segment) in &mut self.segments {
            let marks = &mut segment.marks;
            if std::mem::replace(&mut marks.is_synced, true) {
                continue;
            }
            let handle = match marks.handle.take() {
                Some(handle) => Ok(handle),
                None => self.files.open(&record::marks_name(*number)),
            };
            match handle {
                Ok(handle) => unsynced.push((*number, handle)),
                Err(error) => tracing::debug!(%error, "cannot sync what was delivered"),
            }
        }
        unsynced
    }

    /// Takes back what [`Log::unsynced_marks`] gave.
    pub fn marks_synced(&mut self, marks: Vec<(u64, F::Handle)>) {
        for (number, handle) in marks {
            if let Some(segment) = self.segments.get_mut(&number) {
                segment.marks.handle.get_or_insert(handle);
            }
        }
    }

    /// What a record holds.
    ///
    /// # Errors
    ///
    /// When it is damaged or cannot be read.
    pub fn read(files: &Arc<F>, entry: &Entry) -> Result<(Vec<u8>, bool), ReadError> {
        let name = record::segment_name(entry.segment);
        let mut bytes = files.read(&name, entry.offset, HEAD_BYTES + entry.len as usize)?;
        let head = Head::read(&bytes).filter(|head| head.number == entry.number);
        let head = head.ok_or(ReadError::Damaged)?;
        let content = bytes.get(HEAD_BYTES..).ok_or(ReadError::Damaged)?;
        if content.len() != head.len as usize || crc32fast::hash(content) != head.checksum {
            return Err(ReadError::Damaged);
        }
        bytes.drain(..HEAD_BYTES);
        Ok((bytes, head.encrypted))
    }

    /// Copies a record that turned out to be damaged to a file of its own, and gives
    /// whether that was not there before. It is still to be marked as done.
    pub fn set_entry_aside(&mut self, entry: &Entry) -> bool {
        let end = entry.offset + HEAD_BYTES as u64 + u64::from(entry.len);
        self.set_aside(entry.segment, &Damaged { range: entry.offset..end, head: None })
    }

    /// Copies a part of a segment to a file of its own. Gives whether that is new.
    fn set_aside(&mut self, number: u64, damaged: &Damaged) -> bool {
        let name = format!("{number:016x}-{:08x}.damaged", damaged.range.start);
        let len = damaged.range.end.saturating_sub(damaged.range.start);
        let copied = match self.files.create(&name) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return false,
            Err(error) => Err(error),
            Ok(mut handle) => {
                let from = record::segment_name(number);
                let len = usize::try_from(len).unwrap_or(usize::MAX);
                self.files.read(&from, damaged.range.start, len).and_then(|bytes| {
                    self.files.write(&mut handle, 0, &[&bytes])?;
                    self.files.sync(&handle)
                })
            }
        };
        if let Err(error) = copied {
            tracing::warn!(%error, "cannot copy a damaged record; its segment stays");
            if let Some(segment) = self.segments.get_mut(&number) {
                segment.keep = true;
            }
        }
        true
    }

    fn remove_if_done(&mut self, number: u64) {
        let is_done = |segment: &Segment<F::Handle>| segment.pending == 0 && !segment.keep;
        if !self.segments.get(&number).is_some_and(is_done) {
            return;
        }
        self.segments.remove(&number);
        let remove = |name: &str| match self.files.remove(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        };
        let removed = remove(&record::segment_name(number))
            .and_then(|()| self.files.sync_folder())
            .and_then(|()| remove(&record::marks_name(number)));
        if let Err(error) = removed {
            tracing::warn!(%error, "cannot remove a segment that is done with");
        }
    }

    /// The bytes of all segments.
    pub fn bytes(&self) -> u64 {
        self.segments.values().map(|segment| segment.len + segment.marks.len).sum()
    }
}

/// Each `RandomState` has other keys: enough to tell one segment from another.
fn random() -> u64 {
    std::hash::RandomState::new().hash_one(0u8)
}
