//! Remembers which of several targets have a request that the others have not.
//!
//! Where one exporter of a pipeline accepts a request and another one cannot take it
//! now, the sender is told to try again, and what it sends then must not go to the
//! first a second time. A request is known again by its bytes: senders try again with
//! the same ones.
//!
//! What is remembered is a count: how often a target has these bytes without the
//! sender knowing. Two senders of the same bytes are two counts, so that every target
//! has as many copies in the end as were acknowledged. A sender that gives up leaves a
//! count behind; it is forgotten after a while, or when there are too many.
//!
//! Without an entry nothing is hashed: where all is well this costs nothing.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use bytes::Bytes;
use ring::digest;
use tokio::time::Instant;

/// How many requests are remembered. An entry takes about 150 bytes.
const ENTRIES_MAX: usize = 50_000;

/// How long one is. OTLP senders commonly give up after a minute, Collectors after
/// five.
const REMEMBERED_FOR: Duration = Duration::from_secs(10 * 60);

/// What is known of a request: a SHA-256 of its bytes, so that nobody can make a
/// request that is taken for somebody else's.
type Digest = [u8; digest::SHA256_OUTPUT_LEN];

/// The memory of one fan-out.
#[derive(Debug, Default)]
pub struct Partly {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// For each request how often each target has it.
    had: HashMap<Digest, Vec<u32>>,
    /// In the order in which they were first remembered.
    order: VecDeque<(Instant, Digest)>,
}

impl Partly {
    /// Which of `targets` have the request already. They are taken out of the memory:
    /// should another target refuse it again, say so again with [`Partly::remember`].
    pub fn recall(&self, request: &Bytes, targets: usize) -> Vec<bool> {
        let nobody = vec![false; targets];
        {
            let mut state = self.lock();
            state.forget(Instant::now());
            if state.had.is_empty() {
                return nobody;
            }
        }
        let digest = digest_of(request);
        let mut state = self.lock();
        let Some(counts) = state.had.get_mut(&digest) else { return nobody };
        let mut had = nobody;
        for (had, count) in had.iter_mut().zip(counts.iter_mut()) {
            *had = 0 < *count;
            *count = count.saturating_sub(1);
        }
        if counts.iter().all(|count| *count == 0) {
            state.had.remove(&digest);
        }
        had
    }

    /// The targets in `have` have the request, and its sender is told to try again.
    pub fn remember(&self, request: &Bytes, have: &[bool]) {
        if !have.contains(&true) {
            return;
        }
        let digest = digest_of(request);
        let mut state = self.lock();
        let now = Instant::now();
        let State { had, order } = &mut *state;
        let counts = had.entry(digest).or_insert_with(|| {
            order.push_back((now, digest));
            vec![0; have.len()]
        });
        for (count, have) in counts.iter_mut().zip(have) {
            *count = count.saturating_add(u32::from(*have));
        }
        state.forget(now);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn forget(&mut self, now: Instant) {
        while let Some((since, digest)) = self.order.front() {
            let is_old = REMEMBERED_FOR < now.saturating_duration_since(*since);
            let is_over = !self.had.contains_key(digest);
            if !is_old && !is_over && self.order.len() <= ENTRIES_MAX {
                return;
            }
            self.had.remove(digest);
            self.order.pop_front();
        }
    }
}

fn digest_of(request: &Bytes) -> Digest {
    let mut out = Digest::default();
    let digest = digest::digest(&digest::SHA256, request);
    out.copy_from_slice(digest.as_ref());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Bytes = Bytes::from_static(b"one");
    const TWO: Bytes = Bytes::from_static(b"two");

    #[test]
    fn a_target_that_has_a_request_is_known_once_for_each_time() {
        let partly = Partly::default();
        assert_eq!(partly.recall(&ONE, 2), [false, false]);
        partly.remember(&ONE, &[true, false]);
        partly.remember(&ONE, &[true, false]);
        assert_eq!(partly.recall(&TWO, 2), [false, false]);
        assert_eq!(partly.recall(&ONE, 2), [true, false]);
        assert_eq!(partly.recall(&ONE, 2), [true, false]);
        assert_eq!(partly.recall(&ONE, 2), [false, false]);
    }

    #[test]
    fn what_nobody_has_is_not_remembered() {
        let partly = Partly::default();
        partly.remember(&ONE, &[false, false]);
        assert!(partly.lock().order.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn it_forgets() {
        let partly = Partly::default();
        partly.remember(&ONE, &[true, false]);
        tokio::time::advance(REMEMBERED_FOR + Duration::from_secs(1)).await;
        assert_eq!(partly.recall(&ONE, 2), [false, false]);
        assert!(partly.lock().order.is_empty());
        for number in 0..ENTRIES_MAX + 10 {
            partly.remember(&number.to_string().into(), &[true]);
        }
        assert_eq!(partly.lock().had.len(), ENTRIES_MAX);
        assert_eq!(partly.recall(&"0".to_owned().into(), 1), [false]);
    }
}
