//! What one exporter has to deliver of one signal.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::Semaphore;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::gateway::answer::Accepted;
use crate::gateway::answer::Outcome;
use crate::gateway::answer::RETRY_AFTER_DEFAULT;
use crate::gateway::answer::Refusal;
use crate::gateway::queue::Lock;
use crate::gateway::queue::Storage;
use crate::gateway::queue::boot::Boot;
use crate::gateway::queue::dead::DeadLetters;
use crate::gateway::queue::log::Entry;
use crate::gateway::queue::log::ReadError;
use crate::gateway::queue::storage::DEAD;
use crate::gateway::queue::store::Store;
use crate::gateway::queue::unanswered::Unanswered;
use crate::gateway::telemetry::metrics::Metrics;
use crate::gateway::telemetry::metrics::QueueEvent;
use crate::scrub::Scrubbed;
use crate::scrub::Signal;
use crate::scrub::yaml::YamlError;

/// What a backlog may hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// In units of `sizer`.
    pub size_max: u64,
    /// What `size_max` counts.
    pub sizer: Sizer,
    /// Whether a request waits for room, or is told to come again.
    pub block_on_overflow: bool,
}

/// What a queue counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sizer {
    /// Requests.
    #[default]
    Requests,
    /// Spans, data points, log records or profiles.
    Items,
    /// Bytes of requests.
    Bytes,
}

impl Sizer {
    /// How much a request of `items` items and `bytes` bytes counts.
    pub fn weight(self, items: u64, bytes: usize) -> u64 {
        match self {
            Self::Requests => 1,
            Self::Items => items,
            Self::Bytes => bytes as u64,
        }
    }
}

/// Whose backlog it is: for metrics, logs and the name of the folder.
#[derive(Clone, Debug)]
pub struct Owner {
    /// The id of the exporter, as the YAML spells it.
    pub exporter: Arc<str>,
    /// What the requests carry.
    pub signal: Signal,
}

/// Requests on disk. Closed when it is dropped.
pub struct Backlog {
    store: Arc<Store>,
    dead: DeadLetters,
    shared: Arc<Shared>,
    unanswered: Unanswered,
}

/// What the thread of the store has its hands on, too.
struct Shared {
    owner: Owner,
    limits: Limits,
    state: Mutex<State>,
    /// One permit for each record that waits.
    waiting: Semaphore,
    /// Told when there is room again.
    room: Notify,
    /// Whether the last write failed, so that the log says when that changes.
    failing: AtomicBool,
    /// Items that are gone and that the log does not speak of yet.
    gone: AtomicU64,
    metrics: Metrics,
}

#[derive(Default)]
struct State {
    /// Oldest first.
    waiting: VecDeque<Entry>,
    /// Of all that is not delivered, in units of the sizer.
    size: u64,
    /// Of all that is not delivered and on disk.
    items: u64,
}

/// A record that someone delivers. Stays on disk until [`Backlog::done`].
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    entry: Entry,
}

impl Taken {
    /// The length of the record, in bytes.
    pub fn len(&self) -> usize {
        self.entry.len as usize
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.entry.len == 0
    }
}

impl Backlog {
    /// Opens the backlog of `owner` in `storage`.
    ///
    /// # Errors
    ///
    /// When the folder cannot be used, or another process uses it. Damaged files are
    /// no error.
    pub fn open(
        storage: &Storage,
        owner: Owner,
        limits: Limits,
        metrics: &Metrics,
    ) -> Result<Arc<Self>, YamlError> {
        let signal = owner.signal;
        let folder = storage.folder(&[&owner.exporter, signal.name()])?;
        let unusable = |error| storage.unusable(&error);
        let lock = Lock::take(&folder, storage.timeout).map_err(unusable)?;
        let (bytes_max, key) = (storage.bytes_max, storage.key.clone());
        let opened = Store::open(&folder, lock, bytes_max, key, Boot::current());
        let (store, found) = opened.map_err(unusable)?;
        let unanswered = unanswered(&store, &found.unanswered);
        let dead = DeadLetters::new(storage.folder(&[&owner.exporter, signal.name(), DEAD])?);
        let exporter = Arc::clone(&owner.exporter);
        let state = State {
            size: found.entries.iter().map(|entry| weight(limits.sizer, entry)).sum(),
            items: found.entries.iter().map(|entry| u64::from(entry.items)).sum(),
            waiting: found.entries.into(),
        };
        metrics.queue_event(&exporter, signal, QueueEvent::Restored, state.items);
        metrics.queue_capacity(&exporter, signal, limits.size_max);
        if !state.waiting.is_empty() {
            let requests = state.waiting.len();
            let unanswered = unanswered.requests();
            tracing::info!(%exporter, signal = signal.name(), requests, unanswered,
                "queue has requests from before");
        }
        if 0 < found.set_aside {
            let pieces = found.set_aside;
            tracing::error!(%exporter, signal = signal.name(), pieces, ?folder,
                "damaged parts of the queue are set aside");
            metrics.queue_damaged(&exporter, signal, pieces as u64);
        }
        let waiting = Semaphore::new(state.waiting.len());
        let state = Mutex::new(state);
        let room = Notify::new();
        let (failing, metrics) = (AtomicBool::new(false), metrics.clone());
        let gone = AtomicU64::new(0);
        let shared = Shared { owner, limits, state, waiting, room, failing, gone, metrics };
        shared.show(&shared.lock());
        let shared = Arc::new(shared);
        let store = Arc::new(store);
        Ok(Arc::new(Self { store, dead, shared, unanswered }))
    }

    /// Whether the request is here already, from a process that was killed before its
    /// sender was told so: it is synced, and is not to be kept a second time. Once for
    /// each time that it is here.
    pub fn recall(&self, scrubbed: &Scrubbed) -> bool {
        let is_here = self.unanswered.take(scrubbed);
        if is_here {
            self.count(QueueEvent::Recalled, scrubbed.items());
        }
        is_here
    }

    /// Keeps a request; it is synced when this returns OK.
    ///
    /// # Errors
    ///
    /// When the queue or the disk is full, or the disk fails: try again.
    pub async fn push(&self, scrubbed: &Scrubbed, deadline: Option<Instant>) -> Outcome {
        let pushed = self.try_push(scrubbed, deadline).await;
        if pushed.is_err() {
            let Owner { exporter, signal } = &self.shared.owner;
            self.shared.metrics.enqueue_failed(exporter, *signal, scrubbed.items());
        }
        pushed
    }

    async fn try_push(&self, scrubbed: &Scrubbed, deadline: Option<Instant>) -> Outcome {
        let head = scrubbed.seal();
        let weight = match self.shared.limits.sizer {
            // As it is counted when it is found by a start.
            Sizer::Bytes => (head.len() + scrubbed.bytes().len()) as u64,
            sizer => sizer.weight(scrubbed.items(), 0),
        };
        let room = Room::enter(&self.shared, weight, deadline).await?;
        let (answer, answered) = oneshot::channel();
        let keep = Box::new(move |appended| {
            let (entry, ended) = match appended {
                Ok(entry) => (Some(entry), Ok(())),
                Err(error) => (None, Err(error)),
            };
            // A sender that has gone away sends again; its record is not needed.
            let is_wanted = answer.send(ended).is_ok();
            if let (Some(entry), true) = (entry, is_wanted) {
                room.keep(entry);
            }
            is_wanted
        });
        self.store.append([head, scrubbed.bytes().clone()], scrubbed.items(), keep).await;
        let failed = match answered.await {
            Ok(Ok(())) => {
                if self.shared.failing.swap(false, Ordering::Relaxed) {
                    let exporter = &self.shared.owner.exporter;
                    tracing::info!(%exporter, "the queue can be written to again");
                }
                return Ok(Accepted::default());
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "its thread has ended".to_owned(),
        };
        if !self.shared.failing.swap(true, Ordering::Relaxed) {
            let exporter = &self.shared.owner.exporter;
            tracing::error!(%exporter, error = failed,
                "cannot write to the queue; senders are told to come again");
        }
        Err(Refusal::Busy { retry_after: RETRY_AFTER_DEFAULT })
    }

    /// The oldest record that nobody has taken; waits for one. `None`: closed.
    pub async fn take(&self) -> Option<Taken> {
        self.shared.waiting.acquire().await.ok()?.forget();
        self.shared.lock().waiting.pop_front().map(|entry| Taken { entry })
    }

    /// The same, for at most `time`.
    pub async fn take_within(&self, time: Duration) -> Option<Taken> {
        tokio::time::timeout(time, self.take()).await.ok()?
    }

    /// From now on nothing is taken any more.
    pub fn close(&self) {
        self.shared.waiting.close();
    }

    /// Whether nothing waits to be taken.
    pub fn is_drained(&self) -> bool {
        self.shared.lock().waiting.is_empty()
    }

    /// What a record holds.
    ///
    /// # Errors
    ///
    /// When it is damaged, or cannot be read now.
    pub async fn read(&self, taken: Taken) -> Result<Scrubbed, ReadError> {
        let read = self.store.read(taken.entry).await;
        if !matches!(read, Err(ReadError::Gone)) {
            self.shared.tell_gone();
        }
        let bytes = read?;
        Scrubbed::unseal(bytes).map_err(|_| ReadError::Damaged)
    }

    /// A record is delivered, or in the dead letter: it does not come again.
    pub fn done(&self, taken: Taken) {
        self.store.done(taken.entry);
        self.shared.leave(&taken.entry);
    }

    /// Puts a record back: it is the next to be taken.
    pub fn put_back(&self, taken: Taken) {
        self.shared.lock().waiting.push_front(taken.entry);
        self.shared.waiting.add_permits(1);
    }

    /// Sets a damaged record aside.
    pub async fn set_aside(&self, taken: Taken) {
        let Owner { exporter, signal } = &self.shared.owner;
        let items = u64::from(taken.entry.items);
        tracing::error!(%exporter, signal = signal.name(), items, "damaged record of the queue is set aside");
        self.store.set_aside(taken.entry).await;
        self.shared.metrics.queue_damaged(exporter, *signal, 1);
        self.shared.metrics.queue_event(exporter, *signal, QueueEvent::SetAside, items);
        self.shared.leave(&taken.entry);
    }

    /// The file of a record was removed or moved away.
    pub fn gone(&self, taken: Taken) {
        let items = u64::from(taken.entry.items);
        self.shared.gone.fetch_add(items, Ordering::Relaxed);
        self.count(QueueEvent::Gone, items);
        self.done(taken);
        if self.is_drained() {
            self.shared.tell_gone();
        }
    }

    /// Keeps a request that the upstream refused for good, or a part of it.
    ///
    /// # Errors
    ///
    /// When the disk is full or fails.
    pub async fn bury(&self, scrubbed: &Scrubbed, reason: &str) -> std::io::Result<()> {
        self.dead.bury(scrubbed, reason, self.store.key()).await
    }

    /// Counts items that have left by way of `event`.
    pub fn count(&self, event: QueueEvent, items: u64) {
        let Owner { exporter, signal } = &self.shared.owner;
        self.shared.metrics.queue_event(exporter, *signal, event, items);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self, state: &State) {
        self.metrics.queue_size(&self.owner.exporter, self.owner.signal, state.size, state.items);
    }

    /// Says how many items are gone: once for all that were gone one after the other.
    fn tell_gone(&self) {
        if self.gone.load(Ordering::Relaxed) == 0 {
            return;
        }
        let items = self.gone.swap(0, Ordering::Relaxed);
        let Owner { exporter, signal } = &self.owner;
        tracing::error!(%exporter, signal = signal.name(), items,
            "files of the queue were removed or moved away: acknowledged items are gone");
    }

    fn leave(&self, entry: &Entry) {
        let mut state = self.lock();
        state.size = state.size.saturating_sub(weight(self.limits.sizer, entry));
        state.items = state.items.saturating_sub(u64::from(entry.items));
        self.show(&state);
        drop(state);
        self.room.notify_waiters();
    }
}

/// What a start reads at most of what was not answered: more than shares a sync, but for
/// a record that is larger by itself.
const UNANSWERED_BYTES_MAX: u64 = 32 << 20;

/// The requests in `entries`, which are sound.
fn unanswered(store: &Store, entries: &[Entry]) -> Unanswered {
    let mut left = UNANSWERED_BYTES_MAX;
    let within = entries.iter().filter(|entry| {
        let rest = left.checked_sub(u64::from(entry.len));
        left = rest.unwrap_or(left);
        rest.is_some()
    });
    Unanswered::new(within.filter_map(|entry| {
        // What cannot be read is no sender's loss: it stores its request again.
        Scrubbed::unseal(store.read_now(*entry).ok()?).ok()
    }))
}

fn weight(sizer: Sizer, entry: &Entry) -> u64 {
    sizer.weight(u64::from(entry.items), entry.len as usize)
}

/// Room in the queue for a request that is not in it yet.
struct Room {
    shared: Arc<Shared>,
    weight: u64,
    is_kept: bool,
}

impl Room {
    async fn enter(
        shared: &Arc<Shared>,
        weight: u64,
        deadline: Option<Instant>,
    ) -> Result<Self, Refusal> {
        const FULL: Refusal = Refusal::Busy { retry_after: RETRY_AFTER_DEFAULT };
        loop {
            let more = shared.room.notified();
            {
                let mut state = shared.lock();
                // What is larger than the queue passes alone.
                if state.size == 0 || state.size.saturating_add(weight) <= shared.limits.size_max {
                    state.size = state.size.saturating_add(weight);
                    shared.show(&state);
                    return Ok(Self { shared: Arc::clone(shared), weight, is_kept: false });
                }
            }
            if !shared.limits.block_on_overflow {
                return Err(FULL);
            }
            match deadline {
                None => more.await,
                Some(deadline) => {
                    tokio::time::timeout_at(deadline, more).await.map_err(|_| FULL)?;
                }
            }
        }
    }

    /// The request is on disk.
    fn keep(mut self, entry: Entry) {
        self.is_kept = true;
        let shared = &self.shared;
        let items = u64::from(entry.items);
        let mut state = shared.lock();
        // It may be longer than thought: encryption adds to it.
        state.size = state.size.saturating_sub(self.weight) + weight(shared.limits.sizer, &entry);
        state.items += items;
        state.waiting.push_back(entry);
        shared.show(&state);
        drop(state);
        let Owner { exporter, signal } = &shared.owner;
        shared.metrics.queue_event(exporter, *signal, QueueEvent::In, items);
        shared.waiting.add_permits(1);
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if self.is_kept {
            return;
        }
        let mut state = self.shared.lock();
        state.size = state.size.saturating_sub(self.weight);
        self.shared.show(&state);
        drop(state);
        self.shared.room.notify_waiters();
    }
}
