//! Gives memory back to the system that connections took when they were many at once.
//!
//! glibc keeps what is freed between things that are still in use, page by page. After a
//! burst that is most of what the burst took, so the pages are given back once it is over.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::sleep;

/// After how many connections that let go of their memory it is looked for: 4 MiB.
const COUNT: usize = 256;

/// How long a burst takes at least, and how often memory is given back at most: looking
/// for it stops whoever allocates for some milliseconds.
const BURST: Duration = Duration::from_secs(1);
const INTERVAL: Duration = Duration::from_secs(30);

/// Counts what was freed. Cheap to clone; all clones are one.
#[derive(Clone, Default)]
pub struct Returned(Arc<State>);

#[derive(Default)]
struct State {
    count: AtomicUsize,
    is_under_way: AtomicBool,
}

impl Returned {
    /// A connection let go of its memory.
    ///
    /// Must be called within a tokio runtime.
    pub fn count(&self) {
        let count = self.0.count.fetch_add(1, Ordering::Relaxed) + 1;
        if count < COUNT || self.0.is_under_way.swap(true, Ordering::Relaxed) {
            return;
        }
        let state = Arc::clone(&self.0);
        tokio::spawn(async move {
            sleep(BURST).await;
            while COUNT <= state.count.swap(0, Ordering::Relaxed) {
                // A panic has been told by then; memory that stays is no reason to end.
                let _ = tokio::task::spawn_blocking(give_back).await;
                sleep(INTERVAL).await;
            }
            state.is_under_way.store(false, Ordering::Relaxed);
        });
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "glibc has no other way to be told")]
fn give_back() {
    // SAFETY: `malloc_trim` takes the allocator's own locks and touches nothing but memory
    // that is free.
    unsafe { libc::malloc_trim(0) };
}

/// Others do so without being told.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn give_back() {}
