//! `batch`: joins small requests before they are exported.
//!
//! Joining is a copy: protobuf messages are merged by standing behind each other.
//! Unlike in the Collector nothing is acknowledged early: each sender hears what
//! the upstream said to the batch that its request went into.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::gateway::admission::Grant;
use crate::gateway::answer;
use crate::gateway::answer::Outcome;
use crate::gateway::answer::Refusal;
use crate::gateway::answer::code;
use crate::gateway::config::duration::GoDuration;
use crate::gateway::exporter::delivery::Delivery;
use crate::gateway::exporter::outgoing;
use crate::gateway::pipeline::fanout::Fanout;
use crate::gateway::pipeline::join_all;
use crate::gateway::telemetry::metrics::BatchReason as Why;
use crate::gateway::telemetry::metrics::Metrics;
use crate::scrub::yaml::YamlError;

/// `processors.batch`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How long a request waits for others. Default 200ms; 0: not at all.
    pub timeout: GoDuration,
    /// From how many spans, data points or log records a batch is sent at once.
    /// Default 8192.
    pub send_batch_size: u32,
    /// How many a batch holds at most; a larger request is split. Default 0: as many
    /// as come.
    pub send_batch_max_size: u32,
    /// Must be empty: headers of requests do not divide batches.
    pub metadata_keys: NoKeys,
    /// Accepted: it bounds `metadata_keys`.
    pub metadata_cardinality_limit: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            timeout: GoDuration(Duration::from_millis(200)),
            send_batch_size: 8192,
            send_batch_max_size: 0,
            metadata_keys: NoKeys,
            metadata_cardinality_limit: 1000,
        }
    }
}

impl Config {
    /// What two settings must agree on.
    ///
    /// # Errors
    ///
    /// When a batch would be sent at a size that none may have.
    pub fn check(&self) -> Result<(), YamlError> {
        let max = self.send_batch_max_size;
        if 0 < max && max < self.send_batch_size {
            let expected = "expected 0, or `send_batch_size` (8192 if unset) and more";
            return Err(YamlError::new("send_batch_max_size", expected));
        }
        Ok(())
    }
}

/// A list that is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Option<Vec<String>>")]
pub struct NoKeys;

impl TryFrom<Option<Vec<String>>> for NoKeys {
    type Error = &'static str;

    fn try_from(keys: Option<Vec<String>>) -> Result<Self, Self::Error> {
        if keys.is_some_and(|keys| !keys.is_empty()) {
            return Err(
                "expected an empty list: headers of requests do not divide batches here; leave it out",
            );
        }
        Ok(Self)
    }
}

/// The settings of a `batch`, and its id.
pub type Named<'c> = (Arc<str>, &'c Config);

/// A batch of this size, in bytes, is sent at once: the next request might carry it
/// over 4 MiB, which gRPC receivers refuse unless told otherwise.
const BATCH_BYTES_MAX: usize = 3 << 20;

/// Requests that wait to be put into a batch.
const WAITING_MAX: usize = 1024;

/// Joins the requests of one pipeline. Ends, after what it holds is delivered, when
/// it is dropped.
pub struct Batcher {
    entries: mpsc::Sender<Entry>,
}

/// A request in a batch.
struct Entry {
    delivery: Delivery,
    deadline: Option<Instant>,
    answer: oneshot::Sender<Outcome>,
    /// The room is taken as long as the request is held.
    _grant: Arc<Grant>,
}

impl Batcher {
    /// Starts joining. Must be called within a tokio runtime.
    pub fn start((id, config): Named<'_>, fanout: Fanout, metrics: Metrics) -> Self {
        metrics.batches().begin(&id);
        let (entries, received) = mpsc::channel(WAITING_MAX);
        let joiner = Joiner {
            timeout: config.timeout.0,
            items_min: u64::from(config.send_batch_size),
            items_max: u64::from(config.send_batch_max_size),
            fanout,
            id,
            metrics,
            batch: Vec::new(),
            items: 0,
            bytes: 0,
            flush_at: Instant::now(),
        };
        tokio::spawn(joiner.run(received));
        Self { entries }
    }

    /// Delivers a request as part of a batch, and waits for the batch's end.
    pub async fn deliver(
        &self,
        delivery: Delivery,
        deadline: Option<Instant>,
        grant: Arc<Grant>,
    ) -> Outcome {
        let delivery = outgoing::as_protobuf(delivery).await?;
        let (answer, answered) = oneshot::channel();
        let entry = Entry { delivery, deadline, answer, _grant: grant };
        self.entries.send(entry).await.map_err(|_| Refusal::Stopping)?;
        // Without an answer nothing is known to have arrived, so the sender tries again.
        answered.await.map_err(|_| Refusal::Unavailable {
            code: code::UNAVAILABLE,
            retry_after: None,
            message: "batch was given up".to_owned(),
        })?
    }
}

/// Collects a batch and sends it off.
struct Joiner {
    timeout: Duration,
    items_min: u64,
    /// 0: no limit.
    items_max: u64,
    fanout: Fanout,
    /// The id of the processor.
    id: Arc<str>,
    metrics: Metrics,
    batch: Vec<Entry>,
    items: u64,
    bytes: usize,
    /// When the batch is sent at the latest, if it is not empty.
    flush_at: Instant,
}

impl Joiner {
    async fn run(mut self, mut received: mpsc::Receiver<Entry>) {
        loop {
            let is_waiting = !self.batch.is_empty();
            tokio::select! {
                entry = received.recv() => match entry {
                    Some(entry) => self.add(entry),
                    None => break,
                },
                () = tokio::time::sleep_until(self.flush_at), if is_waiting => self.flush(Why::Timeout),
            }
        }
        self.flush(Why::Timeout);
    }

    fn add(&mut self, entry: Entry) {
        let items = entry.delivery.scrubbed().items();
        let bytes = entry.delivery.scrubbed().bytes().len();
        let too_many = self.items_max != 0 && self.items_max < self.items + items;
        if too_many || BATCH_BYTES_MAX < self.bytes + bytes {
            self.flush(Why::Size);
        }
        if self.batch.is_empty() {
            self.flush_at = Instant::now() + self.timeout;
        }
        self.batch.push(entry);
        self.items += items;
        self.bytes += bytes;
        let is_full = self.items_min <= self.items || BATCH_BYTES_MAX <= self.bytes;
        if is_full || self.timeout.is_zero() {
            self.flush(Why::Size);
        }
    }

    /// Sends the batch off; the next one fills meanwhile.
    fn flush(&mut self, why: Why) {
        let (items, bytes) = (std::mem::take(&mut self.items), std::mem::take(&mut self.bytes));
        let mut batch = std::mem::take(&mut self.batch);
        if !batch.is_empty() {
            self.metrics.batches().sent(&self.id, why, items, bytes);
        }
        batch.retain(|entry| !entry.answer.is_closed());
        if !batch.is_empty() {
            tokio::spawn(deliver(self.fanout.clone(), batch, self.items_max));
        }
    }
}

/// Delivers a batch and answers its senders. Stops when none of them waits any more.
async fn deliver(fanout: Fanout, batch: Vec<Entry>, items_max: u64) {
    // As long as one sender waits, the batch is worth another attempt.
    let deadline = batch
        .iter()
        .map(|entry| entry.deadline)
        .try_fold(Instant::now(), |max, at| Some(max.max(at?)));
    let parts: Vec<_> = batch.iter().map(|entry| entry.delivery.clone()).collect();
    let mut entries: Vec<_> = batch.into_iter().map(|entry| (entry.answer, entry._grant)).collect();
    let outcomes = {
        let delivered = async {
            match parts.as_slice() {
                [part] => vec![deliver_split(&fanout, part, items_max, deadline).await],
                parts => fanout.deliver_joined(parts, deadline).await,
            }
        };
        let abandoned = join_all(entries.iter_mut().map(|(answer, _)| answer.closed()));
        tokio::select! {
            outcomes = delivered => outcomes,
            _ = abandoned => return,
        }
    };
    for ((answer, _grant), outcome) in entries.into_iter().zip(outcomes) {
        // A sender that has gone away hears nothing, and sends again.
        let _ = answer.send(outcome);
    }
}

/// Delivers one request, in pieces where it holds more than `items_max`.
async fn deliver_split(
    fanout: &Fanout,
    part: &Delivery,
    items_max: u64,
    deadline: Option<Instant>,
) -> Outcome {
    let Some(pieces) = part.scrubbed().split(items_max) else {
        return fanout.deliver(part, deadline).await;
    };
    let mut outcomes = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let piece = Delivery::new(piece, Arc::clone(part.report()), None);
        let outcome = fanout.deliver(&piece, deadline).await;
        let give_up = outcome.as_ref().is_err_and(Refusal::is_retryable);
        outcomes.push(outcome);
        if give_up {
            break;
        }
    }
    answer::all(outcomes)
}
