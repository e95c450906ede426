//! The queue on disk: requests that were acknowledged and are not delivered yet.
//!
//! Each exporter has one [`Backlog`] for each signal that it takes, in a folder of
//! its own: a signal whose upstream refuses does not keep the others waiting. What
//! goes in is a `Scrubbed`, what comes out is one again; a sender hears OK when its
//! request is synced. The order in memory is where records are, never what they
//! hold, so that an outage costs disk and not memory.
//!
//! # Why a log of our own
//!
//! Telemetry is appended, read once in that order, and removed. A store with a tree
//! pays for what this never asks (looking up, ordering, transactions over keys), and a
//! flipped bit in its pages is its own affair: it may refuse to start, or take away
//! more than the record. Here a record stands by itself, with its checksum, and damage
//! costs what it lies in; what the log does with files is little enough to be held
//! against a model of a disk that tears and reorders (`tests/faults/power.rs`).
//!
//! # Damage
//!
//! A start never fails for what a file holds, and reads heads only, so that it takes
//! as long for gigabytes as for nothing. Where a checksum is wrong the record is
//! copied to a file `….damaged` in the same folder, counted, logged, and passed over.
//!
//! # Files that somebody removes
//!
//! After each write, and before senders are answered, the log looks whether its file stands
//! where it stood. Where it does not (the folder was removed or moved), senders are told to
//! come again, the folder is made anew, and what the open file holds is written there again
//! ([`log::gone`]). What was in other files is gone, counted and logged.
//!
//! # Duplicates
//!
//! A request comes twice where it was sent and had no answer: no protocol of OTLP can ask
//! what became of it. `otelcol_exporter_unanswered_*` counts those; a test holds that
//! there are no others.
//!
//! That a record was delivered is written down as soon as its upstream has answered, and
//! synced within a fifth of a second: after a crash of the process those come again
//! whose answer was on its way, after a loss of power also those of that time.
//!
//! A request that a killed process had written, and whose sender was not told so, is
//! delivered by the next process, and the sender comes again: it is told OK, and nothing
//! is stored twice (`log::answered` knows which those are, [`unanswered`] knows them again,
//! for a minute). It comes twice still where the machine was started anew, where the answer
//! was on its way when the process was killed, where an exporter had it and another one
//! of the same pipeline had not, or where the next process is killed as well before the
//! sender comes.

pub mod backlog;
pub mod boot;
pub mod crypt;
pub mod dead;
pub mod files;
pub mod log;
pub mod record;
pub mod scan;
pub mod storage;
pub mod store;
pub mod stranded;
pub mod unanswered;

pub use backlog::Backlog;
pub use storage::Storage;

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;

/// The file in a folder that is locked.
const LOCK_NAME: &str = "lock";

/// How long to wait before asking for a lock again.
const LOCK_AGAIN_AFTER: Duration = Duration::from_millis(20);

/// The right to write to a folder. Ends with the process, however that ends.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// Waits for at most `timeout` until no other process has the folder.
    ///
    /// # Errors
    ///
    /// When another one still has it, or the folder cannot be written to.
    pub fn take(folder: &Path, timeout: Duration) -> io::Result<Self> {
        let mut options = File::options();
        let file = options.create(true).truncate(false).write(true).open(folder.join(LOCK_NAME))?;
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { file }),
                Err(std::fs::TryLockError::Error(error)) => return Err(error),
                Err(std::fs::TryLockError::WouldBlock) => {}
            }
            if timeout <= begun.elapsed() {
                let what = "another process uses it";
                return Err(io::Error::new(io::ErrorKind::WouldBlock, what));
            }
            std::thread::sleep(LOCK_AGAIN_AFTER);
        }
    }

    /// Whether it is the lock of what stands at `folder`, and not of one that was there.
    fn stands(&self, folder: &Path) -> bool {
        files::stands(&folder.join(LOCK_NAME), &self.file)
    }
}
