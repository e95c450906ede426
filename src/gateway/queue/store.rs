//! A log on a thread of its own, which many write to at once.
//!
//! What arrives while a sync runs shares the next one: the disk sets how long a
//! write takes, and not how many there are.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;
use std::time::SystemTime;

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::gateway::compute;
use crate::gateway::compute::Pace;
use crate::gateway::queue::crypt::Key;
use crate::gateway::queue::files::Disk;
use crate::gateway::queue::log::Entry;
use crate::gateway::queue::log::Found;
use crate::gateway::queue::log::Log;
use crate::gateway::queue::log::ReadError;
use crate::gateway::queue::log::Record;
use crate::gateway::queue::log::SEGMENT_BYTES;

/// Records, and bytes, that share one sync.
const COMMIT_RECORDS_MAX: usize = 512;
const COMMIT_BYTES_MAX: usize = 16 << 20;

/// How long it may take until marks are on the disk.
const MARKS_SYNCED_WITHIN: Duration = Duration::from_millis(200);

/// A log and the thread that writes it. The log is closed when this is dropped.
pub struct Store {
    jobs: Option<mpsc::Sender<Job>>,
    writer: Option<std::thread::JoinHandle<()>>,
    files: Arc<Disk>,
    key: Option<Arc<Key>>,
}

enum Job {
    Append { pieces: [Bytes; 2], items: u32, keep: Keep },
    Done { entry: Entry },
    SetAside { entry: Entry, answer: oneshot::Sender<bool> },
}

/// Hears, on the thread of the store, how an append ended, and says whether the record
/// is wanted: one that is not is marked as done.
pub type Keep = Box<dyn FnOnce(io::Result<Entry>) -> bool + Send>;

impl Store {
    /// Opens the log in `folder`, which is there.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or there is no thread.
    pub fn open(folder: &Path, bytes_max: u64, key: Option<Arc<Key>>) -> io::Result<(Self, Found)> {
        let files = Arc::new(Disk::new(folder));
        let (log, found) = Log::open(Arc::clone(&files), SEGMENT_BYTES, bytes_max)?;
        Ok((Self::start(log, files, key)?, found))
    }

    /// The same, to append to it only: what is there is not looked at.
    ///
    /// # Errors
    ///
    /// As [`Store::open`].
    pub fn open_to_append(folder: &Path, key: Option<Arc<Key>>) -> io::Result<Self> {
        let files = Arc::new(Disk::new(folder));
        let log = Log::open_to_append(Arc::clone(&files), SEGMENT_BYTES)?;
        Self::start(log, files, key)
    }

    fn start(log: Log<Disk>, files: Arc<Disk>, key: Option<Arc<Key>>) -> io::Result<Self> {
        let is_encrypted = key.is_some();
        let (jobs, received) = mpsc::channel();
        let writer = std::thread::Builder::new()
            .name("queue".to_owned())
            .spawn(move || run(log, &received, is_encrypted))?;
        Ok(Self { jobs: Some(jobs), writer: Some(writer), files, key })
    }

    /// What records are encrypted under.
    pub fn key(&self) -> Option<&Arc<Key>> {
        self.key.as_ref()
    }

    /// Appends a record of two pieces; `keep` hears when it is on the disk, or that it
    /// is not.
    pub async fn append(&self, pieces: [Bytes; 2], items: u64, keep: Keep) {
        let pieces = match &self.key {
            None => Ok(pieces),
            Some(key) => {
                let key = Arc::clone(key);
                let bytes = pieces.iter().map(Bytes::len).sum();
                let encrypted = compute::run(Pace::Slow, bytes, move || key.encrypt(&pieces)).await;
                encrypted
                    .map_err(io::Error::other)
                    .flatten()
                    .map(|encrypted| [encrypted.into(), Bytes::new()])
            }
        };
        match pieces {
            Err(error) => drop(keep(Err(error))),
            Ok(pieces) => {
                let items = u32::try_from(items).unwrap_or(u32::MAX);
                self.send(Job::Append { pieces, items, keep });
            }
        }
    }

    /// What a record holds.
    ///
    /// # Errors
    ///
    /// When it is damaged, cannot be decrypted, or cannot be read.
    pub async fn read(&self, entry: Entry) -> Result<Bytes, ReadError> {
        let (files, key) = (Arc::clone(&self.files), self.key.clone());
        let read = move || {
            let (bytes, encrypted) = Log::read(&files, &entry)?;
            match (encrypted, key) {
                (false, _) => Ok(bytes.into()),
                (true, Some(key)) => {
                    key.decrypt(bytes).map(Bytes::from).ok_or(ReadError::Undecipherable)
                }
                (true, None) => Err(ReadError::Undecipherable),
            }
        };
        // Mostly memory of the system: that is not worth another thread.
        if entry.len < 64 * 1024 {
            return read();
        }
        tokio::task::spawn_blocking(read).await.map_err(io::Error::other)?
    }

    /// Marks a record as done.
    pub fn done(&self, entry: Entry) {
        self.send(Job::Done { entry });
    }

    /// Copies a damaged record to a file of its own and marks it as done. Gives
    /// whether it was not set aside before.
    pub async fn set_aside(&self, entry: Entry) -> bool {
        let (answer, answered) = oneshot::channel();
        self.send(Job::SetAside { entry, answer });
        answered.await.unwrap_or(false)
    }

    fn send(&self, job: Job) {
        if let Some(jobs) = &self.jobs {
            // Without a thread the answer's channel breaks, and that is noticed.
            let _ = jobs.send(job);
        }
    }
}

impl Drop for Store {
    /// Waits until what was handed over is on the disk.
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

/// Writes until nobody hands over any more.
fn run(mut log: Log<Disk>, received: &mpsc::Receiver<Job>, is_encrypted: bool) {
    let mut has_marks = false;
    loop {
        let first = match has_marks {
            false => received.recv().map_err(mpsc::RecvTimeoutError::from),
            true => received.recv_timeout(MARKS_SYNCED_WITHIN),
        };
        let mut next = match first {
            Ok(first) => Some(first),
            Err(mpsc::RecvTimeoutError::Timeout) => {
                log.sync_marks();
                has_marks = false;
                continue;
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                log.sync_marks();
                return;
            }
        };
        let mut group = Vec::new();
        let mut bytes = 0;
        while let Some(job) = next.take() {
            match job {
                Job::Append { pieces, items, keep } => {
                    bytes += pieces.iter().map(Bytes::len).sum::<usize>();
                    group.push((pieces, items, keep));
                }
                Job::Done { entry } => {
                    log.done(&[entry]);
                    has_marks = true;
                }
                Job::SetAside { entry, answer } => {
                    // Who asked may have gone.
                    let _ = answer.send(log.set_entry_aside(&entry));
                    log.done(&[entry]);
                    has_marks = true;
                }
            }
            if group.len() < COMMIT_RECORDS_MAX && bytes < COMMIT_BYTES_MAX {
                next = received.try_recv().ok();
            }
        }
        if !group.is_empty() {
            commit(&mut log, group, is_encrypted);
        }
    }
}

type Waiting = ([Bytes; 2], u32, Keep);

/// Appends a group with one sync.
fn commit(log: &mut Log<Disk>, group: Vec<Waiting>, encrypted: bool) {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let time_ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
    let pieces: Vec<[&[u8]; 2]> =
        group.iter().map(|([one, two], ..)| [one.as_ref(), two.as_ref()]).collect();
    let records: Vec<Record<'_>> = pieces
        .iter()
        .zip(&group)
        .map(|(pieces, (_, items, _))| Record { pieces, items: *items, time_ms, encrypted })
        .collect();
    match log.append(&records) {
        Ok(entries) => {
            for ((_, _, keep), entry) in group.into_iter().zip(entries) {
                if !keep(Ok(entry)) {
                    log.done(&[entry]);
                }
            }
        }
        Err(error) => {
            for (_, _, keep) in group {
                keep(Err(io::Error::new(error.kind(), error.to_string())));
            }
        }
    }
}
