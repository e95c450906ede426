//! `sending_queue`: how much an exporter has under way at once, and where it is kept.
//!
//! There is no queue in memory that a crash would lose: without `storage`, every
//! request in the queue has a sender who waits for the answer, and what is bounded is
//! how many wait. With it, requests are on disk and their senders were told OK.

use std::num::NonZeroU32;
use std::sync::Arc;

use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;

use crate::gateway::answer::Outcome;
use crate::gateway::answer::RETRY_AFTER_DEFAULT;
use crate::gateway::answer::Refusal;
use crate::gateway::config::component::ComponentId;
use crate::gateway::config::duration::GoDuration;
use crate::gateway::queue::backlog::Limits;
use crate::gateway::queue::backlog::Sizer;
use crate::gateway::section::present;
use crate::scrub::Scrubbed;
use crate::scrub::yaml::YamlError;

/// `sending_queue` (Collector, `exporterhelper`).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Whether there is a bound.
    pub enabled: bool,
    /// Requests that are sent at the same time. Where left out, 10 with `storage`;
    /// without, no bound but `queue_size`: the Collector's 10 serve senders who were
    /// answered long ago, here they would have to wait for each other.
    pub num_consumers: Option<NonZeroU32>,
    /// What may wait or be under way, in units of `sizer`: with `storage` for each
    /// signal, without for all. Default 1000.
    pub queue_size: NonZeroU32,
    /// What `queue_size` counts.
    pub sizer: Sizer,
    /// Over `queue_size`, whether a request waits or is told to come again.
    pub block_on_overflow: bool,
    /// Accepted without `storage`, where the sender always waits for the result.
    pub wait_for_result: bool,
    /// The id of the storage extension that keeps the queue on disk.
    pub storage: Option<ComponentId>,
    /// Joins requests of the queue before they are sent. Only with `storage`: without,
    /// the `batch` processor does.
    #[serde(deserialize_with = "present")]
    pub batch: Option<Batch>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            enabled: true,
            num_consumers: None,
            queue_size: NonZeroU32::new(1000).unwrap_or(NonZeroU32::MIN),
            sizer: Sizer::default(),
            block_on_overflow: false,
            wait_for_result: false,
            storage: None,
            batch: None,
        }
    }
}

impl Config {
    /// No bound.
    pub fn off() -> Self {
        Self { enabled: false, ..Self::default() }
    }
}

/// `sending_queue.batch`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Batch {
    /// Whether requests are joined.
    pub enabled: bool,
    /// How long a request waits for others. Default 200ms.
    pub flush_timeout: GoDuration,
    /// What the sizes count: `items` or `bytes`. Default items.
    pub sizer: Option<BatchSizer>,
    /// From which size a batch is sent at once. Default 8192.
    pub min_size: u64,
    /// How large a batch may be; a request that is larger by itself is sent as it is.
    /// Default 0: as `min_size` has it.
    pub max_size: u64,
}

impl Default for Batch {
    fn default() -> Self {
        Self {
            enabled: true,
            flush_timeout: GoDuration::from_millis(200),
            sizer: None,
            min_size: 8192,
            max_size: 0,
        }
    }
}

/// What the size of a batch counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BatchSizer {
    /// Spans, data points, log records or profiles.
    Items,
    /// Bytes of requests.
    Bytes,
}

/// Consumers of a queue on disk, as in the Collector.
const CONSUMERS_DEFAULT: u32 = 10;

impl Config {
    /// What two settings must agree on. `path` is the YAML path of the exporter.
    ///
    /// # Errors
    ///
    /// The first that do not.
    pub fn check(&self, path: &str) -> Result<(), YamlError> {
        let fault = |name: &str, expected: &str| {
            let path = format!("{path}.sending_queue.{name}");
            Err(YamlError::new(path, expected))
        };
        if self.storage.is_some() && self.wait_for_result {
            return fault(
                "wait_for_result",
                "expected false: with `storage` a sender is told OK when its request is on disk",
            );
        }
        let Some(batch) = self.batch() else { return Ok(()) };
        if self.storage.is_none() {
            return fault(
                "batch",
                "expected nothing without `storage`: the `batch` processor joins requests",
            );
        }
        if batch.max_size != 0 && batch.max_size < batch.min_size {
            return fault("batch.max_size", "expected at least min_size");
        }
        Ok(())
    }

    /// How requests are joined, where they are.
    pub fn batch(&self) -> Option<&Batch> {
        self.batch.as_ref().filter(|batch| batch.enabled)
    }

    /// How many requests of a queue on disk are sent at the same time.
    pub fn consumers(&self) -> u32 {
        self.num_consumers.map_or(CONSUMERS_DEFAULT, NonZeroU32::get)
    }

    /// What a queue on disk may hold.
    pub fn limits(&self) -> Limits {
        Limits {
            size_max: u64::from(self.queue_size.get()),
            sizer: self.sizer,
            block_on_overflow: self.block_on_overflow,
        }
    }
}

/// The room of an exporter.
pub struct Queue {
    /// Absent: no bound.
    room: Option<Arc<Semaphore>>,
    consumers: Option<Semaphore>,
    size: u32,
    sizer: Sizer,
    block_on_overflow: bool,
}

impl Queue {
    /// An empty queue.
    pub fn new(config: &Config) -> Self {
        let size = config.queue_size.get();
        // A queue on disk counts for itself.
        let is_bounded = config.enabled && config.storage.is_none();
        let consumers = config.num_consumers.filter(|_| is_bounded);
        Self {
            room: is_bounded.then(|| Arc::new(Semaphore::new(size as usize))),
            consumers: consumers.map(|consumers| Semaphore::new(consumers.get() as usize)),
            size,
            sizer: config.sizer,
            block_on_overflow: config.block_on_overflow,
        }
    }

    /// What it may hold, where it is bounded.
    pub fn capacity(&self) -> Option<u64> {
        self.room.as_ref().map(|_| u64::from(self.size))
    }

    /// A place for a request. It is given back when the place is dropped.
    ///
    /// # Errors
    ///
    /// When the queue is full, and does not block.
    pub async fn enter(
        &self,
        scrubbed: &Scrubbed,
    ) -> Result<Option<OwnedSemaphorePermit>, Refusal> {
        const FULL: Refusal = Refusal::Busy { retry_after: RETRY_AFTER_DEFAULT };
        let Some(room) = &self.room else { return Ok(None) };
        let weight = self.sizer.weight(scrubbed.items(), scrubbed.bytes().len());
        let weight = u32::try_from(weight).unwrap_or(u32::MAX);
        // What is larger than the queue passes alone.
        let weight = weight.min(self.size);
        let room = Arc::clone(room);
        let place = if self.block_on_overflow {
            room.acquire_many_owned(weight).await.map_err(|_| FULL)?
        } else {
            room.try_acquire_many_owned(weight).map_err(|_| FULL)?
        };
        Ok(Some(place))
    }

    /// Runs an attempt, of which `num_consumers` run at a time.
    pub async fn attempt(&self, attempt: impl Future<Output = Outcome>) -> Outcome {
        let _consumer = match &self.consumers {
            Some(consumers) => Some(consumers.acquire().await.map_err(|_| Refusal::Stopping)?),
            None => None,
        };
        attempt.await
    }
}
