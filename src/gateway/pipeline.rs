//! Admit, scrub, export, answer: all control flow is here.
//!
//! A receiver admits a request and hands it over as [`Inbound`]. Every processor of
//! the pipeline sees it in turn; what comes out is a `Delivery`, which goes to
//! every exporter, joined with others where the pipeline has a `batch`. What a rule sends
//! elsewhere goes to the pipelines behind its connector (`apart`). The
//! outcome that the receiver gets is the upstream's: nothing is acknowledged
//! before.
//!
//! A pipeline cannot be built without a processor that scrubs, and an exporter takes nothing
//! that did not pass one.

mod apart;
pub mod batch;
pub mod fanout;
pub mod memory_limiter;
mod output;
pub mod partly;
pub mod shadow;
mod steps;
mod watch;

pub use apart::Apart;
pub use apart::Aparts;
pub use steps::Step;
pub use steps::Steps;

use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

use crate::gateway::admission::Grant;
use crate::gateway::answer::Outcome;
use crate::gateway::answer::Refusal;
use crate::gateway::compression::Packed;
use crate::gateway::compute;
use crate::gateway::compute::Pace;
use crate::gateway::config::component::PipelineId;
use crate::gateway::current::Current;
use crate::gateway::exporter::Exporter;
use crate::gateway::exporter::delivery::Delivery;
use crate::gateway::pipeline::output::Output;
use crate::gateway::pipeline::steps::account;
use crate::gateway::telemetry::metrics::Metrics;
use crate::scrub::Encoding;
use crate::scrub::NoScrubber;
use crate::scrub::Request;
use crate::scrub::ScrubError;
use crate::scrub::Scrubbed;
use crate::scrub::Signal;
use crate::scrub::chain::Processed;

/// A request that was admitted, and what the receiver knows of it.
#[derive(Clone, Debug)]
pub struct Inbound {
    /// The request.
    pub request: Request,
    /// The same, compressed, where it came in that way and may leave that way.
    pub packed: Option<Packed>,
    /// Until when the sender waits, where it said so.
    pub deadline: Option<Instant>,
    /// The room that it was admitted to.
    pub grant: Arc<Grant>,
}

/// How a pipeline ended with a request.
#[derive(Debug)]
pub struct Handled {
    /// Spans, data points, log records or profiles that came in; zero when they could
    /// not be counted.
    pub items: u64,
    /// What the sender is told.
    pub outcome: Outcome,
}

/// A running pipeline.
pub struct Pipeline {
    signal: Signal,
    /// Replaced as a whole: a request has all of them from before or from after.
    steps: Current<Steps>,
    output: Output,
    apart: Aparts,
    /// The id of its `memory_limiter`.
    limiter: Option<Arc<str>>,
    metrics: Metrics,
}

impl Pipeline {
    /// Builds a pipeline. `batch`, wherever it stands among the processors, joins
    /// what is scrubbed: that gives the same requests, and only those can be
    /// joined.
    ///
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// When no step scrubs.
    pub fn new(
        id: &PipelineId,
        steps: Vec<Step>,
        batch: Option<batch::Named<'_>>,
        exporters: Vec<Arc<Exporter>>,
        metrics: Metrics,
    ) -> Result<Self, NoScrubber> {
        let signal = id.signal;
        let steps = Steps::new(signal, steps)?;
        let output = Output::new(id.to_string().into(), signal, batch, exporters, metrics.clone());
        let steps = Current::new(Arc::new(steps));
        Ok(Self { signal, steps, output, apart: Aparts::default(), limiter: None, metrics })
    }

    /// The same, with the id of its `memory_limiter`.
    #[must_use]
    pub fn with_limiter(self, limiter: Option<Arc<str>>) -> Self {
        Self { limiter, ..self }
    }

    /// Counts a request that the `memory_limiter` refused.
    pub fn over_limit(&self) {
        if let Some(limiter) = &self.limiter {
            self.metrics.over_limit(limiter, self.signal);
        }
    }

    /// The same, that knows where records go that leave it.
    #[must_use]
    pub fn with_aparts(self, apart: Aparts) -> Self {
        Self { apart, ..self }
    }

    /// What the pipeline carries.
    pub fn signal(&self) -> Signal {
        self.signal
    }

    /// Whether these steps can take the place of those that run.
    ///
    /// # Errors
    ///
    /// When records are to leave for a connector that no pipeline of those that run has as
    /// a receiver: its name.
    pub fn admits(&self, steps: &Steps) -> Result<(), Arc<str>> {
        let mut routes = steps.marks.iter().filter_map(|mark| mark.route.as_ref());
        let unknown = routes.find(|to| !self.apart.has(to));
        match unknown.filter(|_| self.signal != Signal::Profiles) {
            Some(unknown) => Err(Arc::clone(unknown)),
            None => Ok(()),
        }
    }

    /// The same of the steps that run.
    ///
    /// # Errors
    ///
    /// As for [`Pipeline::admits`].
    pub fn admits_own(&self) -> Result<(), Arc<str>> {
        self.admits(&self.steps.get())
    }

    /// Has requests that begin from now on go through these steps.
    pub fn replace(&self, steps: Steps) {
        self.steps.put(Arc::new(steps));
    }

    /// Scrubs and delivers a request.
    pub async fn handle(&self, inbound: Inbound) -> Handled {
        let Inbound { request, packed, deadline, grant } = inbound;
        let as_it_came = (!self.apart.is_empty()).then(|| request.bytes.clone());
        let Parts { left, leaving, incoming } = match self.scrub(request, packed, &grant).await {
            Ok(parts) => parts,
            Err(refusal) => {
                tracing::debug!(%refusal, signal = self.signal.name(), "request refused");
                return Handled { items: 0, outcome: Err(refusal) };
            }
        };
        let until = answer_by(deadline);
        let outcome = match as_it_came.filter(|_| !leaving.is_empty()) {
            None => self.output.deliver(left, until, grant).await,
            Some(request) => {
                let parts = (left, leaving);
                self.apart.deliver(&request, parts, &self.output, until, grant).await
            }
        };
        Handled { items: incoming, outcome }
    }

    /// The request in protobuf where it leaves as protobuf, and then as it came, too: it is
    /// read once, and what reads protobuf is faster.
    async fn translated(&self, request: Request) -> Result<(Request, Option<Request>), Refusal> {
        if request.encoding == Encoding::Protobuf || !self.output.is_protobuf() {
            return Ok((request, None));
        }
        let bytes = request.bytes.len();
        let translate = move || match request.in_protobuf() {
            Some(translated) => (translated, Some(request)),
            None => (request, None),
        };
        compute::run(Pace::Fast, bytes, translate).await
    }

    /// Runs the processors.
    async fn scrub(
        &self,
        request: Request,
        packed: Option<Packed>,
        grant: &Arc<Grant>,
    ) -> Result<Parts, Refusal> {
        let steps = self.steps.get();
        let own = Arc::clone(&steps);
        let bytes = request.bytes.len();
        let (request, came) = self.translated(request).await?;
        let is_watched = !steps.shadows.is_empty() || self.metrics.ledger().tail().is_watched();
        let as_it_came = is_watched.then(|| request.clone());
        let packed = packed.filter(|_| came.is_none());
        let run = move || match (own.chain.run(request), came) {
            // The bytes that it counts and the names that it tells are those of the sender.
            (Err(ScrubError::Malformed(_)), Some(came)) => own.chain.run(came),
            (processed, _) => processed,
        };
        let processing = compute::run(Pace::Fast, bytes, run).await;
        if matches!(processing, Err(Refusal::Internal { .. })) {
            self.metrics.scrub_failed(self.signal);
        }
        if !matches!(processing, Ok(Ok(_))) {
            self.metrics.ledger().refused();
        }
        let processed = processing?.map_err(|error| {
            steps::refused(&steps.marks, &error, self.signal, &self.metrics);
            Refusal::Malformed(error)
        })?;
        if let Some(request) = as_it_came {
            watch::watched(&steps, request, &processed, grant, &self.metrics);
        }
        let Processed { scrubbed, stages, edited } = processed;
        let incoming = stages.first().map_or(0, |stage| stage.incoming);
        if let Some(limiter) = &self.limiter {
            self.metrics.limited(limiter, self.signal, incoming);
        }
        let (joined, leaving) = account(&steps.marks, stages, self.signal, &self.metrics);
        self.metrics.ledger().passed(bytes, scrubbed.items());
        self.metrics.ledger().leaked(&joined, &scrubbed, steps.scrubber.as_deref());
        let packed = packed.filter(|_| !edited);
        let left = Delivery::new(scrubbed, Arc::new(joined), packed);
        Ok(Parts { left, leaving, incoming })
    }
}

/// What became of a request in a pipeline.
struct Parts {
    left: Delivery,
    /// What leaves for connectors.
    leaving: Vec<(Arc<str>, Scrubbed)>,
    /// How many items came in.
    incoming: u64,
}

/// How long a sender waits that does not say so: the OTLP exporters of OpenTelemetry
/// SDKs give up after 10 s ("OpenTelemetry Protocol Exporter", `OTEL_EXPORTER_OTLP_TIMEOUT`),
/// and what is delivered after that comes twice.
const PATIENCE_DEFAULT: Duration = Duration::from_secs(9);

/// By how much an answer is ahead of the sender's deadline, so that it arrives; at most
/// a tenth of the time that there is.
const AHEAD_MAX: Duration = Duration::from_secs(1);

/// When a sender must be answered at the latest. `deadline` is its own.
fn answer_by(deadline: Option<Instant>) -> Instant {
    let now = Instant::now();
    match deadline {
        None => now + PATIENCE_DEFAULT,
        Some(deadline) => deadline - AHEAD_MAX.min(deadline.saturating_duration_since(now) / 10),
    }
}

/// Runs futures beside each other and waits for all.
pub(in crate::gateway) async fn join_all<F: Future>(
    futures: impl IntoIterator<Item = F>,
) -> Vec<F::Output> {
    enum Slot<F: Future> {
        Running(Pin<Box<F>>),
        Done(Option<F::Output>),
    }
    let mut slots: Vec<Slot<F>> =
        futures.into_iter().map(|future| Slot::Running(Box::pin(future))).collect();
    std::future::poll_fn(|cx| {
        let mut pending = false;
        for slot in &mut slots {
            if let Slot::Running(future) = slot {
                match future.as_mut().poll(cx) {
                    Poll::Ready(output) => *slot = Slot::Done(Some(output)),
                    Poll::Pending => pending = true,
                }
            }
        }
        if pending { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    slots
        .into_iter()
        .filter_map(|slot| match slot {
            Slot::Running(_) => None,
            Slot::Done(output) => output,
        })
        .collect()
}
