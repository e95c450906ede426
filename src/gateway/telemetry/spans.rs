//! Our own traces: a span for each request that came, and one for each that was sent.
//!
//! Names are those of the Collector: `receiver/otlp/TraceDataReceived`,
//! `exporter/otlp_grpc/traces`. Spans hold ids of components and counts, never text from a
//! request. They wait in a bounded queue; beyond it they are dropped and counted, and
//! nobody waits. Where neither is asked for, a queue or counts by name (`zpages`), nothing is
//! done.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::hash::Hasher;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::PoisonError;
use std::time::SystemTime;

use tokio::sync::mpsc;

use crate::scrub::Signal;

/// Where spans go.
#[derive(Debug, Default)]
pub struct Tracer {
    queue: OnceLock<Queue>,
    /// By name, where somebody may look.
    seen: OnceLock<Mutex<BTreeMap<String, Seen>>>,
}

/// How long a span took at most, in words and in microseconds.
pub const LATENCIES: &[(&str, u128)] = &[
    ("100us", 100),
    ("1ms", 1_000),
    ("10ms", 10_000),
    ("100ms", 100_000),
    ("1s", 1_000_000),
    ("10s", 10_000_000),
    ("100s", 100_000_000),
];

/// The spans of one name.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// How many stand for what went wrong.
    pub errors: u64,
    /// How many took how long: one for each of [`LATENCIES`], and one for the others.
    pub by_latency: [u64; 8],
}

#[derive(Debug)]
struct Queue {
    spans: mpsc::Sender<Span>,
    /// Of requests.
    share: f64,
}

/// A span that ended.
#[derive(Clone, Debug)]
pub struct Span {
    /// `receiver/otlp/TraceDataReceived`
    pub name: String,
    /// Which trace it is of, and which span it is.
    pub own: Ids,
    /// The span that it is inside of, where it is in one.
    pub parent: Option<[u8; 8]>,
    /// When it began.
    pub began: SystemTime,
    /// When it ended.
    pub ended: SystemTime,
    /// What is known of it.
    pub attributes: Vec<(&'static str, Attribute)>,
    /// Whether what it stands for went wrong.
    pub failed: bool,
}

/// A value of an attribute.
#[derive(Clone, Debug)]
pub enum Attribute {
    /// A text of ours.
    Text(String),
    /// A count.
    Count(u64),
}

/// A trace and a span of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ids {
    /// The trace.
    pub trace: [u8; 16],
    /// The span.
    pub span: [u8; 8],
}

tokio::task_local! {
    /// The span that what runs now is inside of, and whether it goes into the queue.
    static CURRENT: Cell<Option<(Ids, bool)>>;
}

/// A span that goes on.
#[derive(Debug)]
pub struct Open<'t> {
    tracer: &'t Tracer,
    name: String,
    /// Whether it goes into the queue.
    is_sampled: bool,
    own: Ids,
    parent: Option<[u8; 8]>,
    began: SystemTime,
}

impl Tracer {
    /// From now on spans of a share of the requests go into a queue of at most `max`.
    /// `None` where they do already.
    pub fn start(&self, share: f64, max: usize) -> Option<mpsc::Receiver<Span>> {
        let (spans, queue) = mpsc::channel(max.max(1));
        self.queue.set(Queue { spans, share }).ok().map(|()| queue)
    }

    /// From now on spans are counted by name.
    pub fn watch(&self) {
        let _ = self.seen.set(Mutex::default());
    }

    /// What was counted since.
    pub fn seen(&self) -> BTreeMap<String, Seen> {
        let seen = self.seen.get();
        let seen = seen.map(|seen| seen.lock().unwrap_or_else(PoisonError::into_inner).clone());
        seen.unwrap_or_default()
    }

    /// Begins the span of a request that came, if it is to have one.
    pub fn received(&self, receiver: &str, signal: Signal) -> Option<Open<'_>> {
        let share = self.queue.get().map_or(0.0, |queue| queue.share);
        let is_sampled = 1.0 <= share
            || (0.0 < share && f64::from(random() as u32) < share * f64::from(u32::MAX));
        if !is_sampled && self.seen.get().is_none() {
            return None;
        }
        let what = match signal {
            Signal::Traces => "TraceDataReceived",
            Signal::Metrics => "MetricsReceived",
            Signal::Logs => "LogsReceived",
            Signal::Profiles => "ProfilesReceived",
        };
        Some(self.open(format!("receiver/{receiver}/{what}"), is_sampled, None))
    }

    /// Begins the span of a request that is sent, inside of the one that came. What comes
    /// from a queue or a batch is inside of none, and has no span.
    pub fn exported(&self, exporter: &str, signal: Signal) -> Option<Open<'_>> {
        if self.queue.get().is_none() && self.seen.get().is_none() {
            return None;
        }
        let (parent, is_sampled) = CURRENT.try_with(Cell::get).ok().flatten()?;
        let name = format!("exporter/{exporter}/{}", signal.name());
        Some(self.open(name, is_sampled, Some(parent)))
    }

    fn open(&self, name: String, is_sampled: bool, parent: Option<Ids>) -> Open<'_> {
        let halves = [random().to_be_bytes(), random().to_be_bytes()];
        let mut trace = [0; 16];
        for (to, from) in trace.iter_mut().zip(halves.iter().flatten()) {
            *to = *from;
        }
        let trace = parent.map_or(trace, |parent| parent.trace);
        let own = Ids { trace, span: random().to_be_bytes() };
        let parent = parent.map(|parent| parent.span);
        Open { tracer: self, name, is_sampled, own, parent, began: SystemTime::now() }
    }
}

impl Open<'_> {
    /// Runs what is inside of it.
    pub async fn around<T>(&self, inner: impl Future<Output = T>) -> T {
        CURRENT.scope(Cell::new(Some((self.own, self.is_sampled))), inner).await
    }

    /// Ends it.
    pub fn end(self, attributes: Vec<(&'static str, Attribute)>, failed: bool) {
        let Self { tracer, name, is_sampled, own, parent, began } = self;
        let ended = SystemTime::now();
        if let Some(seen) = tracer.seen.get() {
            let took = ended.duration_since(began).unwrap_or_default().as_micros();
            let at = LATENCIES.iter().position(|(_, most)| took <= *most);
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            let seen = seen.entry(name.clone()).or_default();
            seen.errors += u64::from(failed);
            if let Some(count) = seen.by_latency.get_mut(at.unwrap_or(LATENCIES.len())) {
                *count += 1;
            }
        }
        if !is_sampled {
            return;
        }
        let span = Span { name, own, parent, began, ended, attributes, failed };
        let queue = tracer.queue.get();
        if queue.is_some_and(|queue| queue.spans.try_send(span).is_err()) {
            tracing::debug!("a span of our own found no room");
        }
    }
}

/// Not zero: ids of zeros are none. They tell spans apart, nothing more.
fn random() -> u64 {
    RandomState::new().build_hasher().finish().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_sent_is_inside_of_what_came() {
        let tracer = Tracer::default();
        assert!(tracer.received("otlp", Signal::Logs).is_none());
        let mut queue = tracer.start(1.0, 2).unwrap();
        let came = tracer.received("otlp", Signal::Logs).unwrap();
        assert!(tracer.exported("nop", Signal::Logs).is_none(), "it is inside of none");
        let sent = came.around(async { tracer.exported("nop", Signal::Logs) }).await.unwrap();
        sent.end(Vec::new(), true);
        came.end(vec![("accepted", Attribute::Count(1))], false);
        let (sent, came) = (queue.recv().await.unwrap(), queue.recv().await.unwrap());
        assert_eq!(
            (sent.name.as_str(), came.name.as_str()),
            ("exporter/nop/logs", "receiver/otlp/LogsReceived")
        );
        assert_eq!((sent.own.trace, sent.parent), (came.own.trace, Some(came.own.span)));
        assert!(sent.failed && !came.failed && came.began <= sent.began);
    }

    #[test]
    fn a_share_of_nothing_is_nothing() {
        let tracer = Tracer::default();
        let _queue = tracer.start(0.0, 2).unwrap();
        assert!((0..100).all(|_| tracer.received("otlp", Signal::Logs).is_none()));
        assert!(tracer.start(1.0, 2).is_none(), "it has begun");
    }
}
