//! How many bytes of requests the gateway holds at once.
//!
//! A request is admitted before its body is read and gives its bytes back when
//! its sender has been answered. There is no waiting list: what finds no room is
//! told to come again, early and cheaply, and the memory that is in use stays
//! under the limit whatever the upstream does.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::gateway::answer::Refusal;

/// The bytes under way where no `memory_limiter` says otherwise.
pub const BYTES_UNDER_WAY_DEFAULT: usize = 256 << 20;

/// What a request costs beside its bytes: connection state, headers, tasks. It
/// bounds the number of small requests under way.
const REQUEST_OVERHEAD_BYTES: usize = 4096;

/// How much of a request is admitted before any of it is there. Most are smaller.
const ANNOUNCED_BYTES: usize = 64 * 1024;

/// When a sender that found no room should come again: about one round trip to an
/// upstream, after which some of the room is free.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The bytes that may be under way, shared by all receivers.
#[derive(Debug)]
pub struct Budget {
    used_bytes: AtomicUsize,
    bytes_max: usize,
}

impl Budget {
    /// A budget of `bytes_max`, none of it used.
    pub fn new(bytes_max: usize) -> Arc<Self> {
        Arc::new(Self { used_bytes: AtomicUsize::new(0), bytes_max })
    }

    /// Admits a request of `bytes`.
    ///
    /// # Errors
    ///
    /// [`Refusal::Busy`] when there is no room now; [`Refusal::TooLarge`] when
    /// there never is.
    pub fn admit(self: &Arc<Self>, bytes: usize) -> Result<Grant, Refusal> {
        let mut grant = Grant { budget: Arc::clone(self), bytes: 0 };
        grant.grow_by(bytes.saturating_add(REQUEST_OVERHEAD_BYTES))?;
        Ok(grant)
    }

    /// Admits a request that says it has `bytes`, for the first of them: the grant is to
    /// grow as they arrive, so that a sender who announces much and sends little takes
    /// little room. Says how many bytes the grant stands for.
    ///
    /// # Errors
    ///
    /// As [`Self::admit`]: where there is no room for the whole now, it is better
    /// refused before it is sent.
    pub fn admit_announced(self: &Arc<Self>, bytes: usize) -> Result<(Grant, usize), Refusal> {
        let whole = bytes.saturating_add(REQUEST_OVERHEAD_BYTES);
        if self.bytes_max < whole {
            return Err(Refusal::TooLarge { max: self.bytes_max });
        }
        if self.bytes_max - whole < self.used_bytes() {
            return Err(Refusal::Busy { retry_after: RETRY_AFTER });
        }
        let first = bytes.min(ANNOUNCED_BYTES);
        Ok((self.admit(first)?, first))
    }

    /// The bytes under way.
    pub fn used_bytes(&self) -> usize {
        self.used_bytes.load(Ordering::Relaxed)
    }
}

/// The right to hold some bytes. They are given back when it is dropped.
#[derive(Debug)]
pub struct Grant {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Grant {
    /// Asks for `bytes` more.
    ///
    /// # Errors
    ///
    /// As [`Budget::admit`].
    pub fn grow_by(&mut self, bytes: usize) -> Result<(), Refusal> {
        let max = self.budget.bytes_max;
        if max < self.bytes.saturating_add(bytes) {
            return Err(Refusal::TooLarge { max });
        }
        self.budget
            .used_bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(bytes).filter(|used| *used <= max)
            })
            .map_err(|_| Refusal::Busy { retry_after: RETRY_AFTER })?;
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Grant {
    fn drop(&mut self) {
        self.budget.used_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_now_is_told_to_come_again() {
        let budget = Budget::new(100_000);
        let first = budget.admit(60_000).expect("there is room");
        assert!(matches!(budget.admit(60_000), Err(Refusal::Busy { .. })));
        drop(first);
        assert_eq!(budget.used_bytes(), 0);
        assert!(budget.admit(60_000).is_ok());
    }

    #[test]
    fn what_is_only_announced_takes_little_room() {
        let budget = Budget::new(1_000_000);
        let held: Vec<_> = (0..10).map(|_| budget.admit_announced(300_000)).collect();
        assert!(held.iter().all(Result::is_ok));
        assert!(matches!(budget.admit_announced(900_000), Err(Refusal::Busy { .. })));
        assert!(matches!(budget.admit_announced(1_000_000), Err(Refusal::TooLarge { .. })));
    }

    #[test]
    fn what_never_fits_is_refused_for_good() {
        let refusal = Budget::new(100_000).admit(200_000).unwrap_err();
        assert_eq!(refusal, Refusal::TooLarge { max: 100_000 });
    }
}
