//! Who said OK to what, and what arrived.

use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

/// What senders know.
#[derive(Default)]
pub(crate) struct Ledger {
    next: AtomicU64,
    acknowledged: Mutex<HashSet<u64>>,
    /// Answers that told a sender not to try again.
    pub(crate) refused: AtomicU64,
    /// Attempts that ended in anything but OK.
    pub(crate) failed: AtomicU64,
}

impl Ledger {
    /// Ids that nobody had before.
    pub(crate) fn ids(&self, count: u64) -> Vec<u64> {
        let first = self.next.fetch_add(count, Ordering::Relaxed) + 1;
        (first..first + count).collect()
    }

    pub(crate) fn acknowledge(&self, ids: &[u64]) {
        self.acknowledged.lock().unwrap().extend(ids);
    }

    pub(crate) fn acknowledged(&self) -> usize {
        self.acknowledged.lock().unwrap().len()
    }
}

/// What an upstream has: each item, and how often.
#[derive(Default)]
pub(crate) struct Received(Mutex<HashMap<u64, u32>>);

impl Received {
    pub(crate) fn add(&self, ids: &[u64]) {
        let mut received = self.0.lock().unwrap();
        for id in ids {
            *received.entry(*id).or_insert(0) += 1;
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Balance {
    pub(crate) acknowledged: usize,
    pub(crate) delivered: usize,
    pub(crate) lost: usize,
    pub(crate) duplicated: usize,
}

impl Balance {
    pub(crate) fn of(ledger: &Ledger, received: &Received) -> Self {
        let acknowledged = ledger.acknowledged.lock().unwrap();
        let received = received.0.lock().unwrap();
        let delivered = acknowledged.iter().filter(|id| received.contains_key(id)).count();
        let duplicated = received.values().map(|count| *count as usize - 1).sum();
        let lost = acknowledged.len() - delivered;
        Self { acknowledged: acknowledged.len(), delivered, lost, duplicated }
    }

    pub(crate) fn show(self, name: &str) -> Self {
        let Self { acknowledged, delivered, lost, duplicated } = self;
        println!(
            "{name}: acknowledged {acknowledged}, delivered {delivered}, lost {lost}, \
             duplicated {duplicated}"
        );
        self
    }

    /// Nothing is lost, and less than 1 % came twice. In a short run, in which a kill
    /// weighs more and the machine is busy, what was under way may be a quarter.
    pub(crate) fn assert_good(self) {
        assert!(0 < self.acknowledged, "nothing was acknowledged");
        assert_eq!(self.lost, 0, "{self:?}");
        let twice_max = crate::short_or_full(25, 1) * self.acknowledged.max(100) / 100;
        assert!(self.duplicated < twice_max, "{self:?}");
    }
}

/// Waits until everything that was acknowledged has arrived. Gives how long it took, or
/// how long was waited in vain.
pub(crate) async fn caught_up(ledger: &Ledger, received: &Received, limit: Duration) -> Duration {
    let begun = Instant::now();
    while 0 < Balance::of(ledger, received).lost && begun.elapsed() < limit {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    begun.elapsed()
}
