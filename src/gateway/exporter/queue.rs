//! `sending_queue`: how much an exporter has under way at once.
//!
//! There is no queue in memory that a crash would lose: every request in it has a
//! sender who waits for the answer. What is bounded is how many wait.

use std::num::NonZeroU32;
use std::sync::Arc;

use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;

use crate::gateway::answer::Outcome;
use crate::gateway::answer::RETRY_AFTER_DEFAULT;
use crate::gateway::answer::Refusal;
use crate::scrub::Scrubbed;

/// `sending_queue` (Collector, `exporterhelper`).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Whether there is a bound.
    pub enabled: bool,
    /// Requests that are sent at the same time. No bound but `queue_size` where left
    /// out: the Collector's 10 serve senders who were answered long ago, here they
    /// would have to wait for each other.
    pub num_consumers: Option<NonZeroU32>,
    /// What may wait or be under way, in units of `sizer`. Default 1000.
    pub queue_size: NonZeroU32,
    /// What `queue_size` counts.
    pub sizer: Sizer,
    /// Over `queue_size`, whether a request waits or is told to come again.
    pub block_on_overflow: bool,
    /// Accepted: the sender always waits for the result where there is no storage.
    pub wait_for_result: bool,
    /// Must be left out: this version has no queue on disk.
    pub storage: NoStorage,
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
            storage: NoStorage,
        }
    }
}

impl Config {
    /// No bound.
    pub fn off() -> Self {
        Self { enabled: false, ..Self::default() }
    }
}

/// What a queue counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
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

/// A storage that is not there. Null or left out, else a fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Option<String>")]
pub struct NoStorage;

impl TryFrom<Option<String>> for NoStorage {
    type Error = &'static str;

    fn try_from(storage: Option<String>) -> Result<Self, Self::Error> {
        match storage {
            None => Ok(Self),
            Some(_) => Err("expected nothing: this version has no queue on disk; \
                            without it the sender waits for the upstream's answer"),
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
        let consumers = config.num_consumers.filter(|_| config.enabled);
        Self {
            room: config.enabled.then(|| Arc::new(Semaphore::new(size as usize))),
            consumers: consumers.map(|consumers| Semaphore::new(consumers.get() as usize)),
            size,
            sizer: config.sizer,
            block_on_overflow: config.block_on_overflow,
        }
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
        let weight = match self.sizer {
            Sizer::Requests => 1,
            Sizer::Items => u32::try_from(scrubbed.items()).unwrap_or(u32::MAX),
            Sizer::Bytes => u32::try_from(scrubbed.bytes().len()).unwrap_or(u32::MAX),
        };
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
