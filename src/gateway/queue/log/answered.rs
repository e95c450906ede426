//! How far senders were answered: which records a killed process left whose senders come
//! again.
//!
//! Who was not answered sends again, whatever became of the request. After a kill a record
//! may be there whole that nobody was told of: it is delivered, and so is the request that
//! comes again. So the log writes how far senders may be answered, always before they are,
//! into a file of its own, at its beginning.
//!
//! It is not synced. While the machine runs, what was written is there in the order in
//! which it was written; after a loss of power it could be older than the answers. So it
//! counts only in the start of the machine in which it was written, and whoever takes it
//! over syncs the records that lie behind it.
//!
//! Invariants:
//! - A record of which this says that its sender was not told OK, was not. Where it cannot
//!   be written and what was there cannot be removed, nobody is told OK.
//! - The opposite does not hold: a sender may not have had an answer that was due.
//! - It is removed before the first sender is told OK because of it.

use std::io;

use crate::gateway::queue::files::Files;
use crate::gateway::queue::log::Entry;
use crate::gateway::queue::log::Log;
use crate::gateway::queue::record;
use crate::gateway::queue::record::ANSWERED_BYTES;
use crate::gateway::queue::record::ANSWERED_NAME;
use crate::gateway::queue::record::Answered;
use crate::gateway::queue::scan::Scanned;

impl<F: Files> Log<F> {
    /// From now on the senders of all records of a segment may be answered.
    ///
    /// # Errors
    ///
    /// When that could not be written, and what was there could not be removed.
    pub(in crate::gateway::queue::log) fn answer(&mut self, number: u64) -> io::Result<()> {
        let (Some(boot), Some(segment)) = (self.boot, self.segments.get(&number)) else {
            return Ok(());
        };
        let answered = Answered { boot, segment_id: segment.id, number: segment.next };
        self.write_answered(answered).or_else(|error| {
            tracing::debug!(%error, "cannot write how far senders are answered");
            self.forget_answered()
        })
    }

    fn write_answered(&mut self, answered: Answered) -> io::Result<()> {
        let handle = match &mut self.answered {
            Some(handle) => handle,
            none => none.insert(self.files.open(ANSWERED_NAME)?),
        };
        self.files.write(handle, 0, &[&answered.to_bytes()])
    }

    fn forget_answered(&mut self) -> io::Result<()> {
        self.answered = None;
        match self.files.remove(ANSWERED_NAME) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    /// What the process before wrote, where that was in this start of the machine.
    pub(in crate::gateway::queue::log) fn read_answered(&self) -> Option<Answered> {
        let boot = self.boot?;
        let bytes = self.files.read(ANSWERED_NAME, 0, ANSWERED_BYTES).ok()?;
        Answered::read(&bytes).filter(|answered| answered.boot == boot)
    }

    /// Has senders of `unanswered` be told OK from now on, should they come again: the
    /// records are synced, and nobody else will take them for unanswered.
    ///
    /// # Errors
    ///
    /// As the system has it. Then nobody may be told OK.
    pub(in crate::gateway::queue::log) fn take_over(
        &mut self,
        unanswered: &[Entry],
    ) -> io::Result<()> {
        if let Some(entry) = unanswered.first() {
            let handle = self.files.open(&record::segment_name(entry.segment))?;
            self.files.sync(&handle)?;
        }
        self.forget_answered()
    }
}

/// Which of `entries`, the records of a segment that are not done, lie behind `answered`.
///
/// None, where more lies there than a write that nobody was told of: then somebody else
/// wrote the file, or put it back. What one write brings has one time, and is not done.
pub(in crate::gateway::queue::log) fn behind(
    answered: &Answered,
    scanned: &Scanned,
    entries: &[Entry],
) -> Vec<Entry> {
    let behind: Vec<Entry> =
        entries.iter().filter(|entry| answered.number <= entry.number).copied().collect();
    let all = scanned.records.iter().filter(|(_, head)| answered.number <= head.number);
    let is_one_write = behind.windows(2).all(|pair| match pair {
        [one, next] => one.time_ms == next.time_ms,
        _ => true,
    });
    if is_one_write && all.count() == behind.len() { behind } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::gateway::queue::boot::Boot;
    use crate::gateway::queue::files::Disk;
    use crate::gateway::queue::log::Found;
    use crate::gateway::queue::log::Record;

    const BOOT: Boot = Boot(7);

    fn open(folder: &Path, boot: Option<Boot>) -> (Log<Disk>, Found) {
        Log::open(Arc::new(Disk::new(folder)), 1 << 20, 0, boot).unwrap()
    }

    fn record<'a>(pieces: &'a [&'a [u8]], time_ms: u64) -> Record<'a> {
        Record { pieces, items: 1, time_ms, encrypted: false }
    }

    /// A folder of a process that was killed with two records answered, and two written.
    fn killed() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let (mut log, _) = open(folder.path(), Some(BOOT));
        log.append(&[record(&[b"one"], 1), record(&[b"two"], 1)]).unwrap();
        log.write(&[record(&[b"three"], 2), record(&[b"four"], 2)]).unwrap();
        folder
    }

    /// The numbers of what a start finds unanswered. All that was written is there.
    fn unanswered(folder: &Path, boot: Option<Boot>) -> Vec<u32> {
        let (_, found) = open(folder, boot);
        assert_eq!(found.entries.len(), 4);
        found.unanswered.iter().map(|entry| entry.number).collect()
    }

    #[test]
    fn a_killed_process_tells_whom_it_had_not_answered_once() {
        let folder = killed();
        assert_eq!(unanswered(folder.path(), Some(BOOT)), [2, 3]);
        assert!(unanswered(folder.path(), Some(BOOT)).is_empty());
    }

    #[test]
    fn what_was_synced_and_answered_is_not_told() {
        let folder = tempfile::tempdir().unwrap();
        let (mut log, _) = open(folder.path(), Some(BOOT));
        for time_ms in 0..4 {
            log.append(&[record(&[b"one"], time_ms)]).unwrap();
        }
        drop(log);
        assert!(unanswered(folder.path(), Some(BOOT)).is_empty());
    }

    #[test]
    fn in_another_start_of_the_machine_nothing_is_told() {
        for boot in [None, Some(Boot(8))] {
            assert!(unanswered(killed().path(), boot).is_empty());
        }
    }

    #[test]
    fn a_file_that_is_cut_or_gone_tells_nothing() {
        let folder = killed();
        let path = folder.path().join(ANSWERED_NAME);
        let bytes = std::fs::read(&path).unwrap();
        for len in 0..bytes.len() {
            std::fs::write(&path, &bytes[..len]).unwrap();
            assert!(unanswered(folder.path(), Some(BOOT)).is_empty(), "cut at {len}");
        }
        std::fs::remove_file(&path).unwrap();
        assert!(unanswered(folder.path(), Some(BOOT)).is_empty());
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(unanswered(folder.path(), Some(BOOT)), [2, 3]);
    }

    #[test]
    fn a_file_of_another_segment_tells_nothing() {
        let folder = killed();
        let path = folder.path().join(ANSWERED_NAME);
        let answered = Answered::read(&std::fs::read(&path).unwrap()).unwrap();
        let other = Answered { segment_id: answered.segment_id ^ 1, ..answered };
        std::fs::write(&path, other.to_bytes()).unwrap();
        assert!(unanswered(folder.path(), Some(BOOT)).is_empty());
    }

    #[test]
    fn a_file_behind_which_more_lies_than_one_write_tells_nothing() {
        let folder = killed();
        let path = folder.path().join(ANSWERED_NAME);
        let answered = Answered::read(&std::fs::read(&path).unwrap()).unwrap();
        std::fs::write(&path, Answered { number: 1, ..answered }.to_bytes()).unwrap();
        assert!(unanswered(folder.path(), Some(BOOT)).is_empty());
        // Nor where the upstream has one of them already.
        let folder = killed();
        let answered = std::fs::read(folder.path().join(ANSWERED_NAME)).unwrap();
        let (mut log, found) = open(folder.path(), Some(BOOT));
        log.done(&found.unanswered[..1]);
        drop(log);
        std::fs::write(folder.path().join(ANSWERED_NAME), answered).unwrap();
        let (_, found) = open(folder.path(), Some(BOOT));
        assert_eq!((found.entries.len(), found.unanswered.len()), (3, 0));
    }

    #[test]
    fn where_it_cannot_be_kept_right_nobody_is_told_ok() {
        let folder = tempfile::tempdir().unwrap();
        let (mut log, _) = open(folder.path(), Some(BOOT));
        log.append(&[record(&[b"one"], 1)]).unwrap();
        // What cannot be written is removed.
        log.answered = Some(std::fs::File::open(folder.path().join(ANSWERED_NAME)).unwrap());
        log.append(&[record(&[b"two"], 2)]).unwrap();
        assert!(!folder.path().join(ANSWERED_NAME).exists());
        log.append(&[record(&[b"three"], 3)]).unwrap();
        assert!(folder.path().join(ANSWERED_NAME).exists());
        // What can be neither written nor removed is worse than no answer.
        std::fs::remove_file(folder.path().join(ANSWERED_NAME)).unwrap();
        std::fs::create_dir(folder.path().join(ANSWERED_NAME)).unwrap();
        log.answered = None;
        log.append(&[record(&[b"four"], 4)]).unwrap_err();
        std::fs::remove_dir(folder.path().join(ANSWERED_NAME)).unwrap();
        log.append(&[record(&[b"five"], 5)]).unwrap();
        drop(log);
        assert!(unanswered(folder.path(), Some(BOOT)).is_empty());
    }
}
