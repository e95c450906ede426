//! A segment whose file was removed or moved while it is appended to.
//!
//! What it holds can be read through the open file, and through nothing else. So it is
//! written anew under its name: where a record is stays true, and what was acknowledged is
//! delivered. Of segments that are not appended to no file is open: their records are gone.
//!
//! Invariants:
//! - Nobody is told OK for a record whose file did not stand behind the sync.
//! - As long as the file cannot be written anew, the old one is kept open.

use std::io;

use crate::gateway::queue::files::Files;
use crate::gateway::queue::log::Log;
use crate::gateway::queue::record;

/// What whoever wrote to such a file hears.
pub(in crate::gateway::queue::log) fn error() -> io::Error {
    let what = "the file was removed or moved away; what it held is written anew";
    io::Error::new(io::ErrorKind::NotFound, what)
}

impl<F: Files> Log<F> {
    /// Writes the file of the segment anew, if it is the one that is appended to and does
    /// not stand any more.
    ///
    /// # Errors
    ///
    /// When it cannot be written now, or just is being written to.
    pub fn mend_segment(&mut self, number: u64) -> io::Result<()> {
        if self.unsettled == Some(number) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.mend()
    }

    /// Writes the file that is appended to anew, if it does not stand any more.
    ///
    /// # Errors
    ///
    /// When it cannot be written now.
    pub(in crate::gateway::queue::log) fn mend(&mut self) -> io::Result<()> {
        let standing = |(number, handle): &(u64, F::Handle)| {
            self.files.stands(&record::segment_name(*number), handle)
        };
        if self.active.as_ref().is_none_or(standing) {
            return Ok(());
        }
        // It was in the same folder: where it is there still, nothing is lost by another.
        self.answered = None;
        self.files.make_folder()?;
        let Some((number, handle)) = &self.active else { return Ok(()) };
        let number = *number;
        let Some(segment) = self.segments.get_mut(&number) else { return Ok(()) };
        if segment.pending == 0 {
            self.segments.remove(&number);
            self.active = None;
            return Ok(());
        }
        let renewed = self.files.renew(&record::segment_name(number), handle, segment.len)?;
        // Without its marks what was delivered of it would come again after a kill.
        let marks = &mut segment.marks;
        let name = record::marks_name(number);
        let copied = marks.handle.take().map(|old| self.files.renew(&name, &old, marks.len));
        match copied {
            Some(Ok(new)) => marks.handle = Some(new),
            Some(Err(_)) | None => marks.len = 0,
        }
        self.active = Some((number, renewed));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::gateway::queue::files::Disk;
    use crate::gateway::queue::log::Entry;
    use crate::gateway::queue::log::Found;
    use crate::gateway::queue::log::Record;

    fn open(folder: &Path) -> (Log<Disk>, Found) {
        Log::open(Arc::new(Disk::new(folder)), 1 << 20, 0, None).unwrap()
    }

    fn append(log: &mut Log<Disk>, text: &[u8]) -> io::Result<Entry> {
        let pieces = [text];
        let record = Record { pieces: &pieces, items: 1, time_ms: 1, encrypted: false };
        Ok(log.append(&[record])?.remove(0))
    }

    fn texts(folder: &Path) -> Vec<Vec<u8>> {
        let (log, found) = open(folder);
        found.entries.iter().map(|entry| Log::read(&log.files, entry).unwrap().0).collect()
    }

    /// A folder, in one that can be written to.
    fn place() -> (tempfile::TempDir, std::path::PathBuf) {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("queue/logs");
        std::fs::create_dir_all(&folder).unwrap();
        (place, folder)
    }

    #[test]
    fn what_a_removed_file_held_is_written_anew_and_what_was_just_written_is_refused() {
        let (place, folder) = place();
        let (mut log, _) = open(&folder);
        let one = append(&mut log, b"one").unwrap();
        append(&mut log, b"two").unwrap();
        log.done(&[one]);
        std::fs::remove_dir_all(place.path().join("queue")).unwrap();
        append(&mut log, b"three").unwrap_err();
        append(&mut log, b"four").unwrap();
        drop(log);
        assert_eq!(texts(&folder), [b"two".to_vec(), b"four".to_vec()]);
    }

    #[test]
    fn a_file_that_was_moved_is_written_anew_and_one_that_was_put_back_is_written_over() {
        let (place, folder) = place();
        let (mut log, _) = open(&folder);
        append(&mut log, b"one").unwrap();
        std::fs::rename(&folder, place.path().join("queue/away")).unwrap();
        append(&mut log, b"two").unwrap_err();
        append(&mut log, b"three").unwrap();
        // A copy, as out of a backup.
        let file = folder.join(record::segment_name(1));
        let bytes = std::fs::read(&file).unwrap();
        std::fs::remove_file(&file).unwrap();
        std::fs::write(&file, &bytes[..bytes.len() - 1]).unwrap();
        append(&mut log, b"four").unwrap_err();
        append(&mut log, b"five").unwrap();
        drop(log);
        assert_eq!(texts(&folder), [b"one".to_vec(), b"three".to_vec(), b"five".to_vec()]);
    }

    #[test]
    fn while_it_cannot_be_written_anew_nobody_is_told_ok_and_nothing_is_forgotten() {
        let (place, folder) = place();
        let (mut log, _) = open(&folder);
        append(&mut log, b"one").unwrap();
        std::fs::remove_dir_all(place.path().join("queue")).unwrap();
        std::fs::write(place.path().join("queue"), "in the way").unwrap();
        append(&mut log, b"two").unwrap_err();
        append(&mut log, b"three").unwrap_err();
        std::fs::remove_file(place.path().join("queue")).unwrap();
        append(&mut log, b"four").unwrap_err();
        append(&mut log, b"five").unwrap();
        drop(log);
        assert_eq!(texts(&folder), [b"one".to_vec(), b"five".to_vec()]);
    }

    #[test]
    fn of_a_file_of_which_all_is_done_another_one_is_begun() {
        let (place, folder) = place();
        let (mut log, _) = open(&folder);
        let one = append(&mut log, b"one").unwrap();
        log.done(&[one]);
        std::fs::remove_dir_all(place.path().join("queue")).unwrap();
        append(&mut log, b"two").unwrap_err();
        append(&mut log, b"three").unwrap();
        drop(log);
        assert_eq!(texts(&folder), [b"three".to_vec()]);
    }
}
