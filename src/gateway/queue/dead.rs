//! The dead letter: what was acknowledged and the upstream does not want.
//!
//! It is a log like the queue's, in the folder `dead` below it. A record is the reason
//! and the request. The gateway has the folder only while it writes, and lets go of it
//! every two seconds even then, so that `otel-redact replay` can work beside it.

use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Buf;
use bytes::BufMut;
use bytes::Bytes;
use bytes::BytesMut;
use tokio::sync::Mutex;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::gateway::queue::LOCK_AGAIN_AFTER;
use crate::gateway::queue::Lock;
use crate::gateway::queue::crypt::Key;
use crate::gateway::queue::files::Disk;
use crate::gateway::queue::files::Files;
use crate::gateway::queue::log::Entry;
use crate::gateway::queue::log::ReadError;
use crate::gateway::queue::store::Store;
use crate::scrub::Scrubbed;

/// After which silence the folder is let go of.
const IDLE_MAX: Duration = Duration::from_secs(1);

/// How long the folder is kept from a replay, however much there is to write.
const HELD_MAX: Duration = Duration::from_secs(2);

/// How long it is let go of then: whoever waits for it looks several times.
const LET_GO_FOR: Duration = LOCK_AGAIN_AFTER.saturating_mul(5);

/// How long to wait for a replay that has the folder, before the request is put back.
const LOCK_WITHIN: Duration = Duration::from_secs(5);

/// How long a replay waits for a gateway that has the folder: several times the most that
/// one keeps it.
const REPLAY_LOCK_WITHIN: Duration = Duration::from_secs(15);

/// Where a gateway puts dead letters. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct DeadLetters {
    folder: Arc<PathBuf>,
    open: Arc<Mutex<Option<Open>>>,
}

struct Open {
    store: Arc<Store>,
    since: Instant,
    last: Instant,
}

impl DeadLetters {
    /// Dead letters in `folder`, which is there.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder: Arc::new(folder), open: Arc::default() }
    }

    /// Keeps a request, and why it was refused. It is synced when this returns.
    ///
    /// # Errors
    ///
    /// When the disk is full or fails, or a replay has the folder for too long.
    pub async fn bury(
        &self,
        scrubbed: &Scrubbed,
        reason: &str,
        key: Option<&Arc<Key>>,
    ) -> io::Result<()> {
        let store = self.store(key).await?;
        let (answer, answered) = oneshot::channel();
        let keep = Box::new(move |appended: io::Result<Entry>| {
            // Nobody who waits here goes away before it is over.
            answer.send(appended.map(|_| ())).is_ok()
        });
        let mut head = BytesMut::new();
        head.put_u32_le(u32::try_from(reason.len()).unwrap_or(0));
        head.put_slice(reason.as_bytes());
        head.put_slice(&scrubbed.seal());
        store.append([head.freeze(), scrubbed.bytes().clone()], scrubbed.items(), keep).await;
        answered.await.map_err(io::Error::other)?
    }

    async fn store(&self, key: Option<&Arc<Key>>) -> io::Result<Arc<Store>> {
        let mut open = self.open.lock().await;
        if let Some(open) = open.as_mut().filter(|open| open.since.elapsed() < HELD_MAX) {
            open.last = Instant::now();
            return Ok(Arc::clone(&open.store));
        }
        if let Some(open) = open.take() {
            // Nobody gets it any more; those who have it wait for the disk.
            while 1 < Arc::strong_count(&open.store) {
                tokio::time::sleep(LOCK_AGAIN_AFTER).await;
            }
            drop(open);
            tokio::time::sleep(LET_GO_FOR).await;
        }
        let (folder, key) = (Arc::clone(&self.folder), key.cloned());
        let opened = tokio::task::spawn_blocking(move || {
            Disk::new(&folder).make_folder()?;
            let lock = Lock::take(&folder, LOCK_WITHIN)?;
            Store::open_to_append(&folder, lock, key)
        });
        let store = opened.await.map_err(io::Error::other)??;
        let store = Arc::new(store);
        let since = Instant::now();
        *open = Some(Open { store: Arc::clone(&store), since, last: since });
        tokio::spawn(Self::close_when_idle(self.clone(), since));
        Ok(store)
    }

    /// Closes what was opened at `since`, unless another one is open by then.
    async fn close_when_idle(self, since: Instant) {
        loop {
            tokio::time::sleep(IDLE_MAX).await;
            let mut open = self.open.lock().await;
            if open.as_ref().is_some_and(|open| open.since != since) {
                return;
            }
            let is_idle = open.as_ref().is_none_or(|open| {
                IDLE_MAX <= open.last.elapsed() && Arc::strong_count(&open.store) == 1
            });
            if is_idle {
                *open = None;
                return;
            }
        }
    }
}

/// A request in the dead letter.
#[derive(Debug)]
pub struct DeadLetter {
    /// The request.
    pub scrubbed: Scrubbed,
    /// Why it was refused.
    pub reason: String,
}

/// The dead letter as a replay has it.
pub struct Replay {
    store: Store,
}

impl Replay {
    /// Opens the dead letter in `folder`, and says what is there, oldest first.
    ///
    /// # Errors
    ///
    /// When another replay has it for too long, or it cannot be read.
    pub fn open(folder: &Path, key: Option<Arc<Key>>) -> io::Result<(Self, Vec<Entry>)> {
        let lock = Lock::take(folder, REPLAY_LOCK_WITHIN)?;
        let (store, found) = Store::open(folder, lock, 0, key, None)?;
        Ok((Self { store }, found.entries))
    }

    /// A request.
    ///
    /// # Errors
    ///
    /// When it is damaged, encrypted under another key, or cannot be read.
    pub async fn read(&self, entry: Entry) -> Result<DeadLetter, ReadError> {
        let mut bytes = self.store.read(entry).await?;
        if bytes.len() < 4 {
            return Err(ReadError::Damaged);
        }
        let len = bytes.get_u32_le() as usize;
        if bytes.len() < len {
            return Err(ReadError::Damaged);
        }
        let reason: Bytes = bytes.split_to(len);
        let reason = String::from_utf8_lossy(&reason).into_owned();
        let scrubbed = Scrubbed::unseal(bytes).map_err(|_| ReadError::Damaged)?;
        Ok(DeadLetter { scrubbed, reason })
    }

    /// A request was accepted: it is removed.
    pub fn done(&self, entry: Entry) {
        self.store.done(entry);
    }
}
