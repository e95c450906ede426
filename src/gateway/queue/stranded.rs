//! Queues in a storage that no exporter of the configuration has: an exporter was given
//! another name, or left out, while something was queued. Nobody sends what they hold.
//!
//! They are looked at and left as they are. Only heads are read, as by a start.

use std::collections::HashSet;
use std::fs::File;
use std::fs::TryLockError;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use crate::gateway::queue::LOCK_NAME;
use crate::gateway::queue::files::Disk;
use crate::gateway::queue::files::Files;
use crate::gateway::queue::record;
use crate::gateway::queue::scan;
use crate::gateway::queue::storage::DEAD;
use crate::gateway::queue::storage::Storage;
use crate::scrub::Signal;

/// A queue, or a dead letter, that nobody has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stranded {
    /// Where.
    pub folder: PathBuf,
    /// How many requests it holds.
    pub requests: u64,
    /// Spans, data points, log records or profiles in them.
    pub items: u64,
}

/// What is in `storage` and in none of the folders of `owned`.
pub fn stranded(storage: &Storage, owned: &HashSet<PathBuf>) -> Vec<Stranded> {
    let mut found = Vec::new();
    for exporter in folders(storage.directory()) {
        for signal in Signal::ALL {
            let folder = exporter.join(signal.name());
            if owned.contains(&folder) {
                continue;
            }
            let dead = folder.join(DEAD);
            found.extend([folder, dead].iter().filter_map(|folder| count(folder).ok().flatten()));
        }
    }
    found.sort_by(|one, other| one.folder.cmp(&other.folder));
    found
}

fn folders(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir())
}

/// What a folder holds, unless that is nothing, or another process has it.
fn count(folder: &Path) -> io::Result<Option<Stranded>> {
    // Released at the end.
    let lock = File::open(folder.join(LOCK_NAME))?;
    match lock.try_lock() {
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(error),
        Ok(()) => {}
    }
    let files = Arc::new(Disk::new(folder));
    let (mut requests, mut items) = (0, 0);
    for (name, len) in files.list()? {
        let Some((number, true)) = record::parse_name(&name) else { continue };
        let scanned = scan::scan(&files, &name, len, false)?;
        let marks = std::fs::read(folder.join(record::marks_name(number))).unwrap_or_default();
        let done = record::read_marks(scanned.id.unwrap_or_default(), &marks);
        let done: HashSet<u32> = done.collect();
        for (_, head) in scanned.records.iter().filter(|(_, head)| !done.contains(&head.number)) {
            requests += 1;
            items += u64::from(head.items);
        }
    }
    Ok((requests != 0).then(|| Stranded { folder: folder.to_owned(), requests, items }))
}
