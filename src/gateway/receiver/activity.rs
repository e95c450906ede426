//! Whether a connection has requests under way, and since when not.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use tokio::time::Instant;

/// The activity of one connection. Cheap to clone; all clones are one.
#[derive(Clone)]
pub(in crate::gateway::receiver) struct Activity(Arc<Mutex<State>>);

struct State {
    requests: usize,
    is_used: bool,
    since: Instant,
}

/// A request under way, until it is dropped.
pub(in crate::gateway::receiver) struct Busy(Activity);

impl Activity {
    /// Idle from now on.
    pub(in crate::gateway::receiver) fn new() -> Self {
        Self(Arc::new(Mutex::new(State { requests: 0, is_used: false, since: Instant::now() })))
    }

    pub(in crate::gateway::receiver) fn begin(&self) -> Busy {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.requests += 1;
        state.is_used = true;
        drop(state);
        Busy(self.clone())
    }

    /// Whether there was a request.
    pub(in crate::gateway::receiver) fn is_used(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_used
    }

    /// Since when no request is under way, if none is.
    pub(in crate::gateway::receiver) fn idle_since(&self) -> Option<Instant> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (state.requests == 0).then_some(state.since)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut state = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.requests = state.requests.saturating_sub(1);
        state.since = Instant::now();
    }
}
