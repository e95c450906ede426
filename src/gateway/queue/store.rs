//! A log on threads of its own, which many write to at once.
//!
//! What arrives while a sync runs shares the next one: the disk sets how long a
//! write takes, and not how many there are. That a record is delivered is written where
//! that is known, at once: what is not written when the process is killed comes twice.
//! Only where the log is just being written to, another thread does it; that one also
//! syncs marks and removes what is done with.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::gateway::compute;
use crate::gateway::compute::Pace;
use crate::gateway::queue::Lock;
use crate::gateway::queue::boot::Boot;
use crate::gateway::queue::crypt::Key;
use crate::gateway::queue::files::Disk;
use crate::gateway::queue::files::Files;
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

/// A log and the threads that write it. The log is closed when this is dropped.
pub struct Store {
    appends: Option<mpsc::Sender<Append>>,
    marks: Option<mpsc::Sender<Mark>>,
    threads: [Option<std::thread::JoinHandle<()>>; 2],
    log: Arc<Mutex<Log<Disk>>>,
    /// Whether the thread of the marks knows that some are to be synced.
    sync_is_due: Arc<AtomicBool>,
    files: Arc<Disk>,
    key: Option<Arc<Key>>,
}

struct Append {
    pieces: [Bytes; 2],
    items: u32,
    keep: Keep,
}

enum Mark {
    /// Done, and not marked yet.
    Done {
        entry: Entry,
    },
    /// Done and marked; `sweep` is a segment that may be done with.
    Marked {
        sweep: Option<u64>,
    },
    SetAside {
        entry: Entry,
        answer: oneshot::Sender<bool>,
    },
}

/// Hears, on the thread of the store, how an append ended, and says whether the record
/// is wanted: one that is not is marked as done.
pub type Keep = Box<dyn FnOnce(io::Result<Entry>) -> bool + Send>;

impl Store {
    /// Opens the log in `folder`, which is there, and keeps its lock.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or there is no thread.
    pub fn open(
        folder: &Path,
        lock: Lock,
        bytes_max: u64,
        key: Option<Arc<Key>>,
        boot: Option<Boot>,
    ) -> io::Result<(Self, Found)> {
        let files = Arc::new(Disk::locked(folder, lock));
        let (log, found) = Log::open(Arc::clone(&files), SEGMENT_BYTES, bytes_max, boot)?;
        Ok((Self::start(log, files, key)?, found))
    }

    /// The same, to append to it only: what is there is not looked at.
    ///
    /// # Errors
    ///
    /// As [`Store::open`].
    pub fn open_to_append(folder: &Path, lock: Lock, key: Option<Arc<Key>>) -> io::Result<Self> {
        let files = Arc::new(Disk::locked(folder, lock));
        let log = Log::open_to_append(Arc::clone(&files), SEGMENT_BYTES)?;
        Self::start(log, files, key)
    }

    fn start(log: Log<Disk>, files: Arc<Disk>, key: Option<Arc<Key>>) -> io::Result<Self> {
        let is_encrypted = key.is_some();
        let log = Arc::new(Mutex::new(log));
        let thread = |name: &str| std::thread::Builder::new().name(name.to_owned());
        let (appends, received) = mpsc::channel();
        let (own, disk) = (Arc::clone(&log), Arc::clone(&files));
        let appender =
            thread("queue").spawn(move || append_all(&own, &disk, &received, is_encrypted))?;
        let (marks, received) = mpsc::channel();
        let sync_is_due = Arc::new(AtomicBool::new(false));
        let marker = Marker {
            log: Arc::clone(&log),
            files: Arc::clone(&files),
            sync_is_due: Arc::clone(&sync_is_due),
        };
        let marker = thread("queue-marks").spawn(move || marker.run(&received))?;
        let threads = [Some(appender), Some(marker)];
        let (appends, marks) = (Some(appends), Some(marks));
        Ok(Self { appends, marks, threads, log, sync_is_due, files, key })
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
                if let Some(appends) = &self.appends {
                    // Without a thread the answer's channel breaks, and that is noticed.
                    let _ = appends.send(Append { pieces, items, keep });
                }
            }
        }
    }

    /// What a record holds.
    ///
    /// # Errors
    ///
    /// When it is damaged, cannot be decrypted, or cannot be read.
    pub async fn read(&self, entry: Entry) -> Result<Bytes, ReadError> {
        match self.read_there(entry).await {
            Err(ReadError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {}
            read => return read,
        }
        let log = Arc::clone(&self.log);
        let mended = tokio::task::spawn_blocking(move || lock(&log).mend_segment(entry.segment));
        mended.await.map_err(io::Error::other).flatten().map_err(ReadError::Away)?;
        match self.read_there(entry).await {
            Err(ReadError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                Err(ReadError::Gone)
            }
            read => read,
        }
    }

    async fn read_there(&self, entry: Entry) -> Result<Bytes, ReadError> {
        // Mostly memory of the system: that is not worth another thread.
        if entry.len < 64 * 1024 {
            return self.read_now(entry);
        }
        let (files, key) = (Arc::clone(&self.files), self.key.clone());
        let read = move || read(&files, key.as_deref(), entry);
        tokio::task::spawn_blocking(read).await.map_err(io::Error::other)?
    }

    /// The same, on this thread.
    ///
    /// # Errors
    ///
    /// As [`Store::read`].
    pub fn read_now(&self, entry: Entry) -> Result<Bytes, ReadError> {
        read(&self.files, self.key.as_deref(), entry)
    }

    /// Marks a record as done.
    pub fn done(&self, entry: Entry) {
        let sweep = match self.log.try_lock() {
            Ok(mut log) => log.mark(&entry).then_some(entry.segment),
            // Whoever has it may be waiting for the disk.
            Err(_) => return self.mark(Mark::Done { entry }),
        };
        if !self.sync_is_due.swap(true, Ordering::Relaxed) || sweep.is_some() {
            self.mark(Mark::Marked { sweep });
        }
    }

    /// Copies a damaged record to a file of its own and marks it as done. Gives
    /// whether it was not set aside before.
    pub async fn set_aside(&self, entry: Entry) -> bool {
        let (answer, answered) = oneshot::channel();
        self.mark(Mark::SetAside { entry, answer });
        answered.await.unwrap_or(false)
    }

    fn mark(&self, mark: Mark) {
        if let Some(marks) = &self.marks {
            // Without a thread the record comes again.
            let _ = marks.send(mark);
        }
    }
}

impl Drop for Store {
    /// Waits until what was handed over is on the disk.
    fn drop(&mut self) {
        self.appends = None;
        self.marks = None;
        for thread in &mut self.threads {
            if let Some(thread) = thread.take() {
                let _ = thread.join();
            }
        }
    }
}

fn read(files: &Arc<Disk>, key: Option<&Key>, entry: Entry) -> Result<Bytes, ReadError> {
    let (bytes, encrypted) = Log::read(files, &entry)?;
    match (encrypted, key) {
        (false, _) => Ok(bytes.into()),
        (true, Some(key)) => key.decrypt(bytes).map(Bytes::from).ok_or(ReadError::Undecipherable),
        (true, None) => Err(ReadError::Undecipherable),
    }
}

fn lock(log: &Mutex<Log<Disk>>) -> MutexGuard<'_, Log<Disk>> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Appends until nobody hands over any more.
fn append_all(
    log: &Mutex<Log<Disk>>,
    files: &Disk,
    received: &mpsc::Receiver<Append>,
    is_encrypted: bool,
) {
    while let Ok(first) = received.recv() {
        let mut bytes = 0;
        let mut group = Vec::new();
        let mut next = Some(first);
        while let Some(append) = next.take() {
            bytes += append.pieces.iter().map(Bytes::len).sum::<usize>();
            group.push(append);
            if group.len() < COMMIT_RECORDS_MAX && bytes < COMMIT_BYTES_MAX {
                next = received.try_recv().ok();
            }
        }
        commit(log, files, group, is_encrypted);
    }
}

/// What the thread of the marks works with.
struct Marker {
    log: Arc<Mutex<Log<Disk>>>,
    files: Arc<Disk>,
    sync_is_due: Arc<AtomicBool>,
}

impl Marker {
    /// Marks, syncs and sweeps until nobody hands over any more.
    fn run(&self, received: &mpsc::Receiver<Mark>) {
        let mut sync_at = None;
        loop {
            let mark = match sync_at {
                None => received.recv().map_err(mpsc::RecvTimeoutError::from),
                Some(at) => {
                    received.recv_timeout(Instant::saturating_duration_since(&at, Instant::now()))
                }
            };
            match mark {
                Ok(Mark::Marked { sweep: None }) => {}
                Ok(Mark::Marked { sweep: Some(segment) }) => lock(&self.log).sweep(segment),
                Ok(Mark::Done { entry }) => lock(&self.log).done(&[entry]),
                Ok(Mark::SetAside { entry, answer }) => {
                    let mut log = lock(&self.log);
                    // Who asked may have gone.
                    let _ = answer.send(log.set_entry_aside(&entry));
                    log.done(&[entry]);
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    self.sync();
                    sync_at = None;
                    continue;
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => return self.sync(),
            }
            sync_at.get_or_insert_with(|| Instant::now() + MARKS_SYNCED_WITHIN);
        }
    }

    /// Syncs marks, while others are written.
    fn sync(&self) {
        // Before the look at what is to be synced: what is marked behind that is told anew.
        self.sync_is_due.store(false, Ordering::Relaxed);
        let marks = lock(&self.log).unsynced_marks();
        for (_, handle) in &marks {
            if let Err(error) = self.files.sync(handle) {
                tracing::debug!(%error, "cannot sync what was delivered");
            }
        }
        lock(&self.log).marks_synced(marks);
    }
}

/// Appends a group with one sync.
fn commit(log: &Mutex<Log<Disk>>, files: &Disk, group: Vec<Append>, encrypted: bool) {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let time_ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
    let pieces: Vec<[&[u8]; 2]> =
        group.iter().map(|append| append.pieces.each_ref().map(Bytes::as_ref)).collect();
    let records: Vec<Record<'_>> = pieces
        .iter()
        .zip(&group)
        .map(|(pieces, append)| Record { pieces, items: append.items, time_ms, encrypted })
        .collect();
    let written = lock(log).write(&records);
    let appended = written.and_then(|written| {
        let synced = files.sync(&written.handle);
        lock(log).settle(written, synced)
    });
    match appended {
        Ok(entries) => {
            for (append, entry) in group.into_iter().zip(entries) {
                if !(append.keep)(Ok(entry)) {
                    lock(log).done(&[entry]);
                }
            }
        }
        Err(error) => {
            for Append { keep, .. } in group {
                keep(Err(io::Error::new(error.kind(), error.to_string())));
            }
        }
    }
}
