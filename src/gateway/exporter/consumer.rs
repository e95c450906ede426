//! Delivers what is in a queue on disk.
//!
//! Nobody waits for these requests any more: they leave the queue when the upstream
//! has accepted them, or when the dead letter has them. A gateway that stops leaves
//! them where they are.

use std::sync::Arc;
use std::sync::LazyLock;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::sync::mpsc;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::gateway::answer::Accepted;
use crate::gateway::answer::Outcome;
use crate::gateway::answer::PartialSuccess;
use crate::gateway::answer::Refusal;
use crate::gateway::exporter::Sender;
use crate::gateway::exporter::delivery::Delivery;
use crate::gateway::exporter::joined;
use crate::gateway::exporter::joined::Send1;
use crate::gateway::exporter::outgoing;
use crate::gateway::exporter::queue;
use crate::gateway::exporter::queue::BatchSizer;
use crate::gateway::queue::Backlog;
use crate::gateway::queue::backlog::Taken;
use crate::gateway::queue::log::ReadError;
use crate::gateway::telemetry::metrics::QueueEvent;
use crate::scrub::Report;

/// The bytes of queued requests that all consumers hold at once: a queue costs disk,
/// not memory. What is larger passes alone.
const HELD_KIB_MAX: u32 = 24 << 10;

static HELD_KIB: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(HELD_KIB_MAX as usize));

/// How long to wait before a disk that failed is asked again.
const DISK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// How long that wait grows, as it doubles: as `retry_on_failure.max_interval`.
const DISK_AGAIN_AFTER_MAX: Duration = Duration::from_secs(30);

/// How long a gateway that stops goes on to deliver what is queued, as long as the
/// upstream takes it.
const AFTER_STOP_MAX: Duration = Duration::from_millis(400);

/// A batch is not joined beyond this, in bytes: gRPC receivers refuse more than 4 MiB
/// unless told otherwise.
const BATCH_BYTES_MAX: usize = 3 << 20;

/// Delivers what is in `backlog`, one request (or batch) after the other, until the
/// gateway stops.
pub(super) async fn consume(
    sender: Arc<Sender>,
    backlog: Arc<Backlog>,
    batch: Option<queue::Batch>,
    stop: watch::Receiver<bool>,
) {
    let consumer = Consumer { sender, backlog, batch, stop };
    let mut over = std::pin::pin!(over(consumer.stop.clone()));
    loop {
        let taken = tokio::select! {
            // First: a queue that is long always has something to take.
            biased;
            () = &mut over => return,
            taken = consumer.backlog.take() => taken,
        };
        let Some(taken) = taken else { return };
        if !consumer.deliver(taken).await {
            return;
        }
        if *consumer.stop.borrow() && consumer.backlog.is_drained() {
            return;
        }
    }
}

/// Waits until the gateway has been stopping for so long that no delivery is begun.
async fn over(mut stop: watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
    tokio::time::sleep(AFTER_STOP_MAX).await;
}

struct Consumer {
    sender: Arc<Sender>,
    backlog: Arc<Backlog>,
    batch: Option<queue::Batch>,
    stop: watch::Receiver<bool>,
}

impl Consumer {
    /// Delivers a record, with others where they are joined. `false`: the gateway
    /// stops, and nothing more is to be taken.
    async fn deliver(&self, first: Taken) -> bool {
        let kib = u32::try_from(first.len() / 1024).unwrap_or(u32::MAX).clamp(1, HELD_KIB_MAX);
        let Ok(_held) = HELD_KIB.acquire_many(kib).await else { return false };
        let Some(delivery) = self.read(first).await else { return true };
        let mut batch = vec![(first, delivery)];
        if let Some(settings) = &self.batch {
            self.fill(settings, &mut batch).await;
        }
        // A record that was joined before it was queued is taken apart again, should
        // the upstream refuse it.
        let mut parts = Vec::with_capacity(batch.len());
        let mut counts = Vec::with_capacity(batch.len());
        for (_, delivery) in &batch {
            let unjoined = delivery.scrubbed().unjoin();
            counts.push(unjoined.len());
            parts.extend(unjoined.into_iter().map(fresh));
        }
        let (ended, mut outcomes) = mpsc::unbounded_channel();
        let sent = async {
            joined::bisect_into(self, &parts, &ended).await;
            drop(ended);
        };
        // Each record leaves the queue when it has ended, however long the others take: what
        // is in the queue when the process is killed comes again.
        let marked = async {
            let mut goes_on = true;
            let mut parts = parts.iter();
            for ((taken, _), count) in batch.into_iter().zip(counts) {
                let mut own = Vec::with_capacity(count);
                for part in parts.by_ref().take(count) {
                    let Some(outcome) = outcomes.recv().await else { return false };
                    own.push((part, outcome));
                }
                goes_on &= self.end(taken, own).await;
            }
            goes_on
        };
        tokio::join!(sent, marked).1
    }

    /// Takes more until the batch is full or `flush_timeout` is over.
    async fn fill(&self, settings: &queue::Batch, batch: &mut Vec<(Taken, Delivery)>) {
        let size = |delivery: &Delivery| match settings.sizer.unwrap_or(BatchSizer::Items) {
            BatchSizer::Items => delivery.scrubbed().items(),
            BatchSizer::Bytes => delivery.scrubbed().bytes().len() as u64,
        };
        let size_max = if settings.max_size == 0 { u64::MAX } else { settings.max_size };
        let flush_at = Instant::now() + settings.flush_timeout.0;
        let mut total: u64 = batch.iter().map(|(_, delivery)| size(delivery)).sum();
        let mut bytes: usize = batch.iter().map(|(taken, _)| taken.len()).sum();
        while total < settings.min_size && bytes < BATCH_BYTES_MAX {
            let left = flush_at.saturating_duration_since(Instant::now());
            let Some(taken) = self.backlog.take_within(left).await else { return };
            if BATCH_BYTES_MAX < bytes + taken.len() {
                self.backlog.put_back(taken);
                return;
            }
            let Some(delivery) = self.read(taken).await else { continue };
            if size_max < total.saturating_add(size(&delivery)) {
                self.backlog.put_back(taken);
                return;
            }
            total += size(&delivery);
            bytes += taken.len();
            batch.push((taken, delivery));
        }
    }

    /// What a record holds. `None`: it was dealt with.
    async fn read(&self, taken: Taken) -> Option<Delivery> {
        let mut stop = self.stop.clone();
        let scrubbed = loop {
            match self.backlog.read(taken).await {
                Err(ReadError::Away(error)) => {
                    tracing::debug!(exporter = %self.sender.id, %error, "cannot read yet");
                    tokio::select! {
                        () = tokio::time::sleep(DISK_AGAIN_AFTER) => {}
                        _ = stop.wait_for(|stop| *stop) => return None,
                    }
                }
                read => break read,
            }
        };
        let scrubbed = match scrubbed {
            Ok(scrubbed) => scrubbed,
            Err(ReadError::Gone) => {
                self.backlog.gone(taken);
                return None;
            }
            Err(ReadError::Damaged) => {
                self.backlog.set_aside(taken).await;
                return None;
            }
            Err(error) => {
                // It stays on disk, and the next start tries again.
                tracing::error!(exporter = %self.sender.id, %error, "cannot read a queued request");
                return None;
            }
        };
        let delivery = fresh(scrubbed);
        if self.batch.is_none() {
            return Some(delivery);
        }
        // Only protobuf can be joined; what cannot be said in it is refused later.
        Some(outgoing::as_protobuf(delivery.clone()).await.unwrap_or(delivery))
    }

    /// Ends a record as its parts have ended. `false`: the gateway stops and the record
    /// stays.
    async fn end(&self, taken: Taken, parts: Vec<(&Delivery, Outcome)>) -> bool {
        let stays = |outcome: &Outcome| outcome.as_ref().is_err_and(|refusal| self.stays(refusal));
        if parts.iter().any(|(_, outcome)| stays(outcome)) {
            return false;
        }
        for (part, outcome) in parts {
            if !self.end_part(part, outcome).await {
                return false;
            }
        }
        self.backlog.done(taken);
        true
    }

    /// Ends a part: the upstream has it, or the dead letter. Where that cannot be written,
    /// the upstream is asked again: it may have changed its mind, and then the queue gets
    /// smaller and the disk less full. `false`: the gateway stops.
    async fn end_part(&self, part: &Delivery, mut outcome: Outcome) -> bool {
        let items = part.scrubbed().items();
        let mut pause = DISK_AGAIN_AFTER;
        loop {
            if outcome.as_ref().is_err_and(|refusal| self.stays(refusal)) {
                return false;
            }
            let Some((refused, reason)) = refused(&outcome, items) else {
                self.backlog.count(QueueEvent::Sent, items);
                return true;
            };
            let Err(error) = self.backlog.bury(part.scrubbed(), &reason).await else {
                self.backlog.count(QueueEvent::DeadLetter, refused);
                self.backlog.count(QueueEvent::Sent, items - refused);
                let signal = part.scrubbed().signal().name();
                tracing::error!(exporter = %self.sender.id, signal, items = refused, reason,
                    "acknowledged items refused for good; they are in the dead letter: see `otel-redact replay`");
                return true;
            };
            tracing::error!(exporter = %self.sender.id, %error, reason, again_after = ?pause,
                "cannot write a dead letter; the request stays in the queue");
            let mut stop = self.stop.clone();
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = stop.wait_for(|stop| *stop) => return false,
            }
            pause = (pause * 2).min(DISK_AGAIN_AFTER_MAX);
            // Of a partial success the upstream has the rest already.
            if outcome.is_err() {
                outcome = self.sender.send(part, None).await;
            }
        }
    }

    /// Whether a request that was refused in this way is for the next start.
    fn stays(&self, refusal: &Refusal) -> bool {
        matches!(refusal, Refusal::Stopping) || (refusal.is_retryable() && *self.stop.borrow())
    }
}

/// How many of `items` the upstream does not want, and why; `None`: it has all.
///
/// Which ones a partial success rejects, no upstream says: the dead letter gets the
/// whole request, and a replay sends the others again.
fn refused(outcome: &Outcome, items: u64) -> Option<(u64, String)> {
    match outcome {
        Err(refusal) => Some((items, refusal.to_string())),
        Ok(Accepted { partial: Some(PartialSuccess { rejected, message }) }) if 0 < *rejected => {
            let refused = u64::try_from(*rejected).unwrap_or(0).min(items);
            Some((refused, format!("upstream rejected {refused} of {items} items: {message}")))
        }
        Ok(_) => None,
    }
}

impl Send1 for Consumer {
    fn send1<'a>(
        &'a self,
        delivery: &'a Delivery,
    ) -> std::pin::Pin<Box<dyn Future<Output = Outcome> + Send + 'a>> {
        Box::pin(self.sender.send(delivery, None))
    }
}

/// A request of which nothing is known but what it is.
fn fresh(scrubbed: crate::scrub::Scrubbed) -> Delivery {
    Delivery::new(scrubbed, Arc::new(Report::default()), None)
}
