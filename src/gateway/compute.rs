//! Runs work that computes beside work that waits.
//!
//! Small work runs where it stands: handing it over would cost more than it
//! does. Large work would keep the other connections of a runtime thread waiting
//! and goes to a thread of its own, as many at once as there are processors.
//!
//! A panic in the work is caught: it costs the one request that caused it. Its
//! message may quote the request and is never printed; its place is.

use std::cell::Cell;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::sync::LazyLock;
use std::sync::Once;

use tokio::sync::Semaphore;

use crate::gateway::answer::Refusal;
use crate::gateway::workers;

/// How fast work is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Some nanoseconds a byte: scrubbing, decompressing, converting.
    Fast,
    /// Ten times that: compressing, encrypting.
    Slow,
}

impl Pace {
    /// Up to how many bytes work runs where it stands: about a millisecond of it. The way
    /// to another thread and back takes 0.02 ms by itself, and as much again until what
    /// the work reads is in that processor's cache.
    const fn inline_bytes_max(self) -> usize {
        match self {
            Self::Fast => 512 * 1024,
            Self::Slow => 64 * 1024,
        }
    }
}

static LANES: LazyLock<Semaphore> = LazyLock::new(|| {
    Semaphore::new(std::thread::available_parallelism().map_or(1, std::num::NonZero::get))
});

/// Runs `work`, whose cost grows with `bytes` at this pace.
///
/// # Errors
///
/// [`Refusal::Internal`] when it panics.
pub async fn run<T: Send + 'static>(
    pace: Pace,
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Refusal> {
    let caught = move || guarded(work);
    if bytes <= pace.inline_bytes_max() {
        return caught();
    }
    let lane = LANES.acquire().await.expect("the semaphore is never closed");
    let task = tokio::task::spawn_blocking(move || {
        let _lane = lane;
        caught()
    });
    task.await.map_err(|_| Refusal::Stopping)?
}

/// Runs `work` that nobody waits for, beside all else.
///
/// # Errors
///
/// [`Refusal::Internal`] when it panics.
pub async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Refusal> {
    let task = tokio::task::spawn_blocking(move || guarded(work));
    task.await.map_err(|_| Refusal::Stopping)?
}

fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, Refusal> {
    COMPUTING.set(true);
    let result = catch_unwind(AssertUnwindSafe(work)).map_err(|_| PANICKED);
    COMPUTING.set(false);
    result
}

const PANICKED: Refusal = Refusal::Internal { what: "a fault in the gateway itself" };

thread_local! {
    /// Whether this thread runs work.
    static COMPUTING: Cell<bool> = const { Cell::new(false) };
}

/// Has a panic in work, and on a worker, logged by its place alone. Other panics are
/// reported as before.
///
/// The message of a panic can quote what it tripped over (`byte index 5 is not a
/// char boundary; it is inside … of …`), and that is payload.
pub fn keep_panics_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let what = match workers::here() {
                _ if COMPUTING.get() => "panic while a request was processed; it is refused",
                Some(_) => "panic while a connection was served; it is closed",
                None => return before(panic),
            };
            let place = panic.location().map_or_else(String::new, ToString::to_string);
            tracing::error!(place, "{what}");
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_costs_the_request_and_nothing_else() {
        keep_panics_quiet();
        for bytes in [1, 1 << 20] {
            let ended = run(Pace::Fast, bytes, || -> () { panic!("not shown") }).await;
            assert_eq!(ended, Err(PANICKED));
            assert_eq!(run(Pace::Fast, bytes, || 7).await, Ok(7));
        }
    }
}
