//! Threads that serve connections: one for each processor, with a runtime of its own.
//!
//! A connection stays on its worker, and so do its requests and the connections to
//! upstreams that they leave by. Nothing of theirs is locked by two threads, and none is
//! woken for what another has read: in a runtime whose threads share all tasks that costs
//! more than a small request does.
//!
//! What one connection brings can be more than one processor can do. Where requests wait on
//! a worker while another has nothing to do, those that are worth the way change over.

use std::cell::Cell;
use std::future::Future;
use std::future::poll_fn;
use std::io;
use std::mem;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::thread;
use std::thread::available_parallelism;
use std::time::Duration;

use tokio::runtime;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;
use tokio_util::task::TaskTracker;

use crate::gateway::answer::Refusal;

/// From how many bytes on a request changes over. To wake a thread and to be woken by it
/// takes about 0.02 ms, which is what it takes to scrub and send so many.
const CHANGE_BYTES_MIN: usize = 16 * 1024;

/// How often a worker looks up from its sleep. Whenever a time limit is set that ends before
/// all others, tokio writes to a descriptor so that the thread wakes earlier, even from that
/// thread itself: two system calls for each request, most of whose limits are seconds. Those do
/// not end before the next beat.
const BEAT: Duration = Duration::from_secs(1);

thread_local! {
    /// Which worker this thread is.
    static HERE: Cell<Option<usize>> = const { Cell::new(None) };
    /// How many requests on this thread are whole and wait for their turn.
    static WAITING: Cell<usize> = const { Cell::new(0) };
}

/// How many workers there are in each gateway of this process.
pub fn count() -> usize {
    available_parallelism().map_or(1, NonZero::get)
}

/// Which worker runs the caller, if one does.
pub fn here() -> Option<usize> {
    HERE.get()
}

/// The workers of a gateway. They end, and cut off what they do, when it is dropped.
pub struct Workers {
    workers: Vec<Worker>,
    _stop: watch::Sender<()>,
}

/// One of them.
pub struct Worker {
    handle: Handle,
    /// How many connections it serves.
    connections: AtomicUsize,
    /// Whether it sleeps until something happens.
    is_idle: Arc<AtomicBool>,
}

impl Workers {
    /// Starts as many as there are processors.
    ///
    /// # Errors
    ///
    /// When the system gives no threads.
    pub fn start() -> io::Result<Arc<Self>> {
        let (stop, stopped) = watch::channel(());
        let workers = (0..count()).map(|number| Worker::start(number, stopped.clone()));
        Ok(Arc::new(Self { workers: workers.collect::<io::Result<_>>()?, _stop: stop }))
    }

    /// Has the worker with the fewest connections serve another, in one of `tasks`.
    pub fn serve<F>(self: &Arc<Self>, tasks: &TaskTracker, connection: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let load = |worker: &Worker| worker.connections.load(Ordering::Relaxed);
        let numbered = self.workers.iter().enumerate();
        let Some((number, worker)) = numbered.min_by_key(|(_, worker)| load(worker)) else {
            return;
        };
        worker.connections.fetch_add(1, Ordering::Relaxed);
        let seat = Seat { workers: Arc::clone(self), number };
        let served = async move {
            connection.await;
            drop(seat);
        };
        tasks.spawn_on(served, &worker.handle);
    }

    /// A worker that has nothing to do, where a request of so many bytes is better off there:
    /// others wait here for their turn.
    pub async fn another(&self, bytes: usize) -> Option<&Worker> {
        let here = here()?;
        if bytes < CHANGE_BYTES_MIN || self.workers.len() == 1 {
            return None;
        }
        let others = {
            let _waiting = Waiting::begin();
            stand_back().await;
            WAITING.get() - 1
        };
        if others == 0 {
            return None;
        }
        let other = self.workers.iter().enumerate().filter(|(number, _)| *number != here);
        other.map(|(_, worker)| worker).find(|worker| worker.is_idle() && worker.claim())
    }
}

/// Lets all that is ready run first. Those who stand back go on in the order in which they
/// came; with `yield_now` the last would be the first.
async fn stand_back() {
    let mut had_its_turn = false;
    poll_fn(|cx| {
        if mem::replace(&mut had_its_turn, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl Worker {
    /// Runs `work` on this worker. It ends when nobody waits for it any more.
    ///
    /// # Errors
    ///
    /// When it panics, or the gateway stops.
    pub async fn run<F>(&self, work: F) -> Result<F::Output, Refusal>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let ended = AbortOnDropHandle::new(self.handle.spawn(work)).await;
        ended.map_err(|err| match err.is_panic() {
            true => Refusal::Internal { what: "a fault in the gateway itself" },
            false => Refusal::Stopping,
        })
    }

    fn start(number: usize, mut stopped: watch::Receiver<()>) -> io::Result<Self> {
        let is_idle = Arc::new(AtomicBool::new(false));
        let (parks, unparks) = (Arc::clone(&is_idle), Arc::clone(&is_idle));
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .on_thread_park(move || parks.store(true, Ordering::Relaxed))
            .on_thread_unpark(move || unparks.store(false, Ordering::Relaxed))
            .build()?;
        let handle = runtime.handle().clone();
        thread::Builder::new().name(format!("worker-{number}")).spawn(move || {
            HERE.set(Some(number));
            runtime.block_on(async {
                let beats = async {
                    loop {
                        tokio::time::sleep(BEAT).await;
                    }
                };
                // An error is the end that it waits for.
                tokio::select! { _ = stopped.changed() => {}, () = beats => {} }
            });
            // What hangs in a system call must not keep the process.
            runtime.shutdown_background();
        })?;
        Ok(Self { handle, connections: AtomicUsize::new(0), is_idle })
    }

    fn is_idle(&self) -> bool {
        self.is_idle.load(Ordering::Relaxed)
    }

    /// Whether it was idle, and nobody else gave it something to do.
    fn claim(&self) -> bool {
        self.is_idle.swap(false, Ordering::Relaxed)
    }
}

/// A connection that a worker serves.
struct Seat {
    workers: Arc<Workers>,
    number: usize,
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(worker) = self.workers.workers.get(self.number) {
            worker.connections.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// A request that waits for its turn. It does not leave its thread.
struct Waiting;

impl Waiting {
    fn begin() -> Self {
        WAITING.set(WAITING.get() + 1);
        Self
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        WAITING.set(WAITING.get() - 1);
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    /// Runs `work` as a connection of one of `workers`, and gives what comes of it.
    async fn served<F>(workers: &Arc<Workers>, work: F) -> F::Output
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let (done, result) = oneshot::channel();
        workers.serve(&TaskTracker::new(), async move {
            let _ = done.send(work.await);
        });
        result.await.expect("workers run")
    }

    fn two() -> Arc<Workers> {
        let (stop, stopped) = watch::channel(());
        let start = |number| Worker::start(number, stopped.clone()).expect("threads");
        Arc::new(Workers { workers: vec![start(0), start(1)], _stop: stop })
    }

    async fn until(is_so: impl Fn() -> bool) {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    #[tokio::test]
    async fn connections_go_to_whoever_has_fewest() {
        let workers = two();
        let tasks = TaskTracker::new();
        let load = || workers.workers.iter().map(|one| one.connections.load(Ordering::Relaxed));
        let (stop, stopped) = watch::channel(());
        for _ in 0..6 {
            let mut stopped = stopped.clone();
            workers.serve(&tasks, async move {
                let _ = stopped.changed().await;
            });
        }
        assert_eq!(load().collect::<Vec<_>>(), [3, 3]);
        drop(stop);
        tasks.close();
        tasks.wait().await;
        until(|| load().all(|load| load == 0)).await;
    }

    #[tokio::test]
    async fn a_request_changes_over_where_others_wait_and_somebody_is_idle() {
        let workers = two();
        until(|| workers.workers.iter().all(Worker::is_idle)).await;
        let own = Arc::clone(&workers);
        let there = served(&workers, async move {
            let ask = |bytes| {
                let own = Arc::clone(&own);
                tokio::spawn(async move { own.another(bytes).await.is_some() })
            };
            let mut there = Vec::new();
            for sizes in [[CHANGE_BYTES_MIN; 3], [CHANGE_BYTES_MIN - 1; 3]] {
                let asked = sizes.map(ask);
                for asked in asked {
                    there.push(asked.await.expect("no panic"));
                }
            }
            // Nobody else waits.
            there.push(ask(CHANGE_BYTES_MIN).await.expect("no panic"));
            there
        });
        let one_of_three = [true, false, false];
        let none = [false; 4];
        assert_eq!(there.await, [&one_of_three[..], &none[..]].concat());
    }

    #[tokio::test]
    async fn a_panic_on_another_worker_costs_the_request_alone() {
        let workers = two();
        let worker = &workers.workers[1];
        let refusal: Result<(), _> = worker.run(async { panic!("on purpose") }).await;
        assert!(matches!(refusal, Err(Refusal::Internal { .. })), "{refusal:?}");
        assert_eq!(worker.run(async { here() }).await, Ok(Some(1)));
    }

    #[tokio::test]
    async fn work_ends_when_nobody_waits_for_it() {
        let workers = two();
        let alive = Arc::new(());
        let held = Arc::clone(&alive);
        let work = workers.workers[0].run(async move {
            let _held = held;
            std::future::pending::<()>().await;
        });
        assert!(tokio::time::timeout(Duration::from_millis(5), work).await.is_err());
        until(|| Arc::strong_count(&alive) == 1).await;
    }
}
