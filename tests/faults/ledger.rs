//! Who said OK to what, and what arrived.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

/// What senders know.
#[derive(Default)]
pub(crate) struct Ledger {
    next: AtomicU64,
    /// When each item was.
    acknowledged: Mutex<HashMap<u64, Instant>>,
    /// Answers that told a sender not to try again.
    pub(crate) refused: AtomicU64,
    /// Attempts that ended in anything but OK.
    pub(crate) failed: AtomicU64,
    /// Items in attempts of senders that had no answer: what was sent again may be there
    /// twice, whatever the gateway does.
    pub(crate) unanswered: AtomicU64,
    /// How long each request took, from its first attempt on.
    took: Mutex<Vec<Duration>>,
}

impl Ledger {
    /// Ids that nobody had before.
    pub(crate) fn ids(&self, count: u64) -> Vec<u64> {
        let first = self.next.fetch_add(count, Ordering::Relaxed) + 1;
        (first..first + count).collect()
    }

    pub(crate) fn acknowledge(&self, ids: &[u64]) {
        let now = Instant::now();
        self.acknowledged.lock().unwrap().extend(ids.iter().map(|id| (*id, now)));
    }

    pub(crate) fn took(&self, time: Duration) {
        self.took.lock().unwrap().push(time);
    }

    /// Of the requests since the last look, what all but one in a hundred took at most.
    pub(crate) fn p99(&self) -> Duration {
        let mut took = std::mem::take(&mut *self.took.lock().unwrap());
        took.sort();
        took.get(took.len() * 99 / 100).copied().unwrap_or_default()
    }

    pub(crate) fn acknowledged(&self) -> usize {
        self.acknowledged.lock().unwrap().len()
    }
}

/// What an upstream has: when each item came.
#[derive(Default)]
pub(crate) struct Received(Mutex<HashMap<u64, Vec<Instant>>>);

impl Received {
    pub(crate) fn add(&self, ids: &[u64]) {
        let mut received = self.0.lock().unwrap();
        let now = Instant::now();
        for id in ids {
            received.entry(*id).or_default().push(now);
        }
    }

    /// Why items came twice. `kills` is when there was one.
    pub(crate) fn twice(&self, kills: &[Instant], ledger: &Ledger) -> Twice {
        let received = self.0.lock().unwrap();
        let acknowledged = ledger.acknowledged.lock().unwrap();
        let mut twice = Twice::default();
        for (id, times) in received.iter() {
            for pair in times.windows(2) {
                let Some(kill) = kills.iter().find(|kill| pair[0] < **kill && **kill < pair[1])
                else {
                    twice.from_senders += 1;
                    continue;
                };
                twice.ages.push(*kill - pair[0]);
                if acknowledged.get(id).is_none_or(|at| kill < at) {
                    twice.unanswered += 1;
                }
            }
        }
        twice.ages.sort();
        twice
    }

    /// How often an item came.
    pub(crate) fn times(&self, id: u64) -> usize {
        self.0.lock().unwrap().get(&id).map_or(0, Vec::len)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

/// Items that came twice.
#[derive(Default)]
pub(crate) struct Twice {
    /// How long before a kill those came that came again behind it: the upstream's answer
    /// was on its way.
    pub(crate) ages: Vec<Duration>,
    /// How many of those had senders that were not answered before the kill.
    pub(crate) unanswered: usize,
    /// How many came twice without a kill between: their senders had no answer, and their
    /// request was on the disk.
    pub(crate) from_senders: usize,
}

impl std::fmt::Display for Twice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { ages, unanswered, from_senders } = self;
        let (first, last) = (ages.first().copied(), ages.last().copied());
        let (first, last) = (first.unwrap_or_default(), last.unwrap_or_default());
        let count = ages.len();
        write!(f, "{count} items came again that had come {first:?} to {last:?} before a kill, ")?;
        write!(f, "{unanswered} of them without an answer; {from_senders} came from their senders")
    }
}

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Balance {
    pub(crate) acknowledged: usize,
    pub(crate) delivered: usize,
    pub(crate) lost: usize,
    pub(crate) duplicated: usize,
    /// Items whose senders had no answer.
    unanswered: usize,
}

impl Balance {
    pub(crate) fn of(ledger: &Ledger, received: &Received) -> Self {
        let acknowledged = ledger.acknowledged.lock().unwrap();
        let received = received.0.lock().unwrap();
        let delivered = acknowledged.keys().filter(|id| received.contains_key(id)).count();
        let duplicated = received.values().map(|times| times.len() - 1).sum();
        let lost = acknowledged.len() - delivered;
        let unanswered = ledger.unanswered.load(Ordering::Relaxed) as usize;
        Self { acknowledged: acknowledged.len(), delivered, lost, duplicated, unanswered }
    }

    pub(crate) fn show(self, name: &str) -> Self {
        let Self { acknowledged, delivered, lost, duplicated, .. } = self;
        println!(
            "{name}: acknowledged {acknowledged}, delivered {delivered}, lost {lost}, \
             duplicated {duplicated}"
        );
        self
    }

    /// Nothing is lost, and nothing came twice but what had no answer: of the `in_flight`
    /// items that the gateway had none for, and of those whose senders had none. The
    /// protocol has no way to ask what became of them.
    pub(crate) fn assert_good(self, in_flight: u64) {
        assert!(0 < self.acknowledged, "nothing was acknowledged");
        assert_eq!(self.lost, 0, "{self:?}");
        let twice_max = self.unanswered + in_flight as usize;
        assert!(self.duplicated <= twice_max, "{self:?}, {in_flight} in flight");
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
