//! Requests in the queue whose senders had no answer, and come again.
//!
//! They are known by their bytes: a sender that tries again sends the same ones, and
//! scrubbing them again gives the same. Where it does not, as rules or keys are others than
//! before, the request is stored like any other, and comes twice.
//!
//! What is kept is a digest of each request, once for each time that it is there
//! unanswered, and in memory only. Taken out for a sender that is told OK, it is gone: of
//! each request there are as many in the queue as were acknowledged, whoever sent it.
//!
//! While nothing is kept nothing is hashed, and of requests of another length neither.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ring::digest;
use tokio::time::Instant;

use crate::scrub::Encoding;
use crate::scrub::Scrubbed;

/// How long a sender is waited for. Collectors pause for 30 s at most between two attempts,
/// give or take a half (`retry_on_failure.max_interval`, and `randomization_factor` 0.5);
/// SDKs for less.
const KNOWN_FOR: Duration = Duration::from_secs(60);

/// How many requests are known. One takes about 50 bytes; 512 records, which share a sync
/// at most, of 32 requests each.
const REQUESTS_MAX: usize = 512 * 32;

/// A SHA-256, so that nobody can make a request that is taken for somebody else's.
type Digest = [u8; digest::SHA256_OUTPUT_LEN];

/// The requests of one queue.
#[derive(Debug)]
pub struct Unanswered {
    is_empty: AtomicBool,
    state: Mutex<State>,
    until: Instant,
}

#[derive(Debug, Default)]
struct State {
    /// By length: how often each is there.
    known: HashMap<usize, HashMap<Digest, u32>>,
    requests: usize,
}

impl Unanswered {
    /// What the records hold that a process left.
    pub fn new(records: impl IntoIterator<Item = Scrubbed>) -> Self {
        let mut state = State::default();
        for request in records.into_iter().flat_map(|record| record.unjoin()).take(REQUESTS_MAX) {
            let known = state.known.entry(request.bytes().len()).or_default();
            let count = known.entry(digest_of(&request)).or_default();
            *count = count.saturating_add(1);
            state.requests += 1;
        }
        let is_empty = AtomicBool::new(state.requests == 0);
        Self { is_empty, state: Mutex::new(state), until: Instant::now() + KNOWN_FOR }
    }

    /// How many are known.
    pub fn requests(&self) -> usize {
        self.lock().requests
    }

    /// Takes a request out. `false`: it is not there, and has to be stored.
    pub fn take(&self, request: &Scrubbed) -> bool {
        if self.is_empty.load(Ordering::Relaxed) {
            return false;
        }
        let len = request.bytes().len();
        {
            let mut state = self.lock();
            if self.until < Instant::now() {
                *state = State::default();
                self.is_empty.store(true, Ordering::Relaxed);
            }
            if !state.known.contains_key(&len) {
                return false;
            }
        }
        let digest = digest_of(request);
        let mut state = self.lock();
        let Some(known) = state.known.get_mut(&len) else { return false };
        let Some(count) = known.get_mut(&digest) else { return false };
        *count -= 1;
        if *count == 0 {
            known.remove(&digest);
        }
        if known.is_empty() {
            state.known.remove(&len);
        }
        state.requests -= 1;
        self.is_empty.store(state.requests == 0, Ordering::Relaxed);
        true
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn digest_of(request: &Scrubbed) -> Digest {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(match request.encoding() {
        Encoding::Protobuf => b"p",
        Encoding::Json => b"j",
    });
    context.update(request.bytes());
    let mut out = Digest::default();
    out.copy_from_slice(context.finish().as_ref());
    out
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn request(bytes: &[u8]) -> Scrubbed {
        written(bytes, 0)
    }

    /// As a record of the queue: what is not scrubbed comes from nowhere else.
    fn written(bytes: &[u8], encoding: u8) -> Scrubbed {
        let mut head = vec![1, 3, encoding, 0];
        head.extend(1_u64.to_le_bytes());
        head.extend((bytes.len() as u64).to_le_bytes());
        head.extend([0; 4]);
        head.extend(crc32fast::hash(&head).to_le_bytes());
        Scrubbed::unseal(Bytes::from([&head, bytes].concat())).unwrap()
    }

    #[tokio::test]
    async fn a_request_is_known_once_for_each_time_that_it_is_there() {
        let joined = Scrubbed::join(&[request(b"one"), request(b"two")]).unwrap();
        let unanswered = Unanswered::new([joined.clone(), request(b"one"), request(b"three")]);
        assert_eq!(unanswered.requests(), 4);
        assert!(!unanswered.take(&request(b"six")));
        assert!(!unanswered.take(&joined), "senders send the parts");
        assert!(unanswered.take(&request(b"one")));
        assert!(unanswered.take(&request(b"one")));
        assert!(!unanswered.take(&request(b"one")));
        assert!(unanswered.take(&request(b"three")));
        assert!(unanswered.take(&request(b"two")));
        assert!(!unanswered.take(&request(b"two")));
        assert_eq!(unanswered.requests(), 0);
        assert!(unanswered.is_empty.load(Ordering::Relaxed));
    }

    #[tokio::test]
    async fn the_same_bytes_in_json_are_another_request() {
        let json = written(b"one", 1);
        assert!(!Unanswered::new([request(b"one")]).take(&json));
        assert!(Unanswered::new([json.clone()]).take(&json));
    }

    #[tokio::test(start_paused = true)]
    async fn it_forgets() {
        let unanswered = Unanswered::new([request(b"one"), request(b"two")]);
        tokio::time::advance(KNOWN_FOR).await;
        assert!(unanswered.take(&request(b"one")));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(!unanswered.take(&request(b"two")));
        assert!(unanswered.is_empty.load(Ordering::Relaxed));
    }

    #[tokio::test]
    async fn no_more_are_known_than_it_may() {
        let many = std::iter::repeat_n(request(b"one"), REQUESTS_MAX + 1);
        assert_eq!(Unanswered::new(many).requests(), REQUESTS_MAX);
    }
}
