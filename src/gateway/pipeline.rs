//! Admit, scrub, export, answer: all control flow is here.
//!
//! A receiver admits a request and hands it over as [`Inbound`]. Every scrubber of
//! the pipeline sees it in turn; what comes out is a `Delivery`, which goes to
//! every exporter, joined with others where the pipeline has a `batch`. The
//! outcome that the receiver gets is the upstream's: nothing is acknowledged
//! before.
//!
//! A pipeline cannot be built without a scrubber, and an exporter takes nothing
//! that did not pass one.

pub mod batch;
pub mod fanout;
pub mod memory_limiter;
pub mod partly;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

use crate::gateway::admission::Grant;
use crate::gateway::answer::Accepted;
use crate::gateway::answer::Outcome;
use crate::gateway::answer::Refusal;
use crate::gateway::answer::code;
use crate::gateway::compression::Packed;
use crate::gateway::compute;
use crate::gateway::config::component::PipelineId;
use crate::gateway::exporter::Exporter;
use crate::gateway::exporter::delivery::Delivery;
use crate::gateway::pipeline::batch::Batcher;
use crate::gateway::pipeline::fanout::Fanout;
use crate::gateway::telemetry::metrics::Metrics;
use crate::scrub::Encoding;
use crate::scrub::Report;
use crate::scrub::Request;
use crate::scrub::ScrubError;
use crate::scrub::Scrubbed;
use crate::scrub::Scrubber;
use crate::scrub::Signal;

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
    /// Spans, data points, log records or profiles; zero when they could not be
    /// counted.
    pub items: u64,
    /// What the sender is told.
    pub outcome: Outcome,
}

/// A scrubber and the id of the processor that it is.
#[derive(Clone)]
pub struct Step {
    /// The id, as the YAML spells it.
    pub id: Arc<str>,
    /// The scrubber.
    pub scrubber: Arc<Scrubber>,
}

/// A running pipeline.
pub struct Pipeline {
    id: Arc<str>,
    signal: Signal,
    /// Replaced as a whole: a request has all of them from before or from after.
    /// Invariant: not empty.
    steps: RwLock<Arc<[Step]>>,
    output: Output,
    metrics: Metrics,
}

/// Where scrubbed requests go.
enum Output {
    Direct(Fanout),
    Batched(Batcher),
}

/// A pipeline without a scrubber would forward credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a scrubber among the processors")]
pub struct NoScrubber;

impl Pipeline {
    /// Builds a pipeline. `batch`, wherever it stands among the processors, joins
    /// what is scrubbed: that gives the same requests, and only those can be
    /// joined.
    ///
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// When `steps` is empty.
    pub fn new(
        id: &PipelineId,
        steps: Vec<Step>,
        batch: Option<&batch::Config>,
        exporters: Vec<Arc<Exporter>>,
        metrics: Metrics,
    ) -> Result<Self, NoScrubber> {
        if steps.is_empty() {
            return Err(NoScrubber);
        }
        let signal = id.signal;
        let fanout = Fanout::new(exporters);
        let output = match batch {
            // Profiles point into a dictionary and cannot be joined.
            Some(config) if signal != Signal::Profiles => {
                Output::Batched(Batcher::start(config, fanout))
            }
            Some(_) | None => Output::Direct(fanout),
        };
        let id = id.to_string().into();
        Ok(Self { id, signal, steps: RwLock::new(steps.into()), output, metrics })
    }

    /// What the pipeline carries.
    pub fn signal(&self) -> Signal {
        self.signal
    }

    /// Has requests that begin from now on go through these steps. Without any,
    /// nothing is changed.
    pub fn replace(&self, steps: Vec<Step>) {
        if !steps.is_empty() {
            *self.steps.write().unwrap_or_else(PoisonError::into_inner) = steps.into();
        }
    }

    fn steps(&self) -> Arc<[Step]> {
        Arc::clone(&self.steps.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Scrubs and delivers a request.
    pub async fn handle(&self, inbound: Inbound) -> Handled {
        let Inbound { request, packed, deadline, grant } = inbound;
        let delivery = match self.scrub(request, packed).await {
            Ok(delivery) => delivery,
            Err(refusal) => {
                tracing::debug!(%refusal, signal = self.signal.name(), "request refused");
                return Handled { items: 0, outcome: Err(refusal) };
            }
        };
        let items = delivery.scrubbed().items();
        let outcome = if is_void(delivery.scrubbed()) {
            Ok(Accepted::default())
        } else {
            let until = answer_by(deadline);
            let delivered = async {
                let until = Some(until);
                match &self.output {
                    Output::Direct(fanout) => fanout.deliver(&delivery, until).await,
                    Output::Batched(batcher) => {
                        batcher.deliver(delivery.clone(), until, grant).await
                    }
                }
            };
            tokio::time::timeout_at(until, delivered).await.unwrap_or_else(|_| Err(late()))
        };
        self.metrics.piped(&self.id, items, outcome.is_ok());
        Handled { items, outcome }
    }

    async fn scrub(&self, request: Request, packed: Option<Packed>) -> Result<Delivery, Refusal> {
        let steps = self.steps();
        let own = Arc::clone(&steps);
        let scrubbing = compute::run(request.bytes.len(), move || scrub_all(&own, request)).await;
        if matches!(scrubbing, Err(Refusal::Internal { .. })) {
            self.metrics.scrub_failed(self.signal);
        }
        let Scrubbing { scrubbed, reports, edited } = scrubbing??;
        let items = scrubbed.items();
        let mut joined = Report::default();
        for (step, report) in steps.iter().zip(reports) {
            self.metrics.scrubbed(&step.id, self.signal, &report);
            let incoming = items + report.dropped_records;
            self.metrics.processed(&step.id, self.signal, incoming, items);
            joined.redactions.extend(report.redactions);
            joined.noted.extend(report.noted);
            joined.dropped_records += report.dropped_records;
            joined.unknown_fields += report.unknown_fields;
            joined.invalid_utf8 += report.invalid_utf8;
        }
        let packed = packed.filter(|_| !edited);
        Ok(Delivery::new(scrubbed, Arc::new(joined), packed))
    }
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

/// The upstream has not answered in the sender's time.
fn late() -> Refusal {
    Refusal::Unavailable {
        code: code::DEADLINE_EXCEEDED,
        retry_after: None,
        message: "no answer in the time that the sender has".to_owned(),
    }
}

/// Whether there is nothing to forward: the OTLP specification lets a server answer
/// success ("Empty Telemetry Envelopes").
fn is_void(scrubbed: &Scrubbed) -> bool {
    match scrubbed.encoding() {
        Encoding::Protobuf => scrubbed.bytes().is_empty(),
        Encoding::Json => scrubbed.items() == 0,
    }
}

/// What several scrubbers made of a request.
struct Scrubbing {
    scrubbed: Scrubbed,
    /// One for each scrubber.
    reports: Vec<Report>,
    /// Whether any of them changed anything.
    edited: bool,
}

/// Each scrubber sees what the one before left.
fn scrub_all(steps: &[Step], mut request: Request) -> Result<Scrubbing, Refusal> {
    let mut reports = Vec::with_capacity(steps.len());
    let mut edited = false;
    let mut last = None;
    for step in steps {
        let (scrubbed, report) =
            step.scrubber.scrub(&request).map_err(|err: ScrubError| Refusal::Malformed(err))?;
        edited |= scrubbed.edited();
        reports.push(report);
        request.encoding = scrubbed.encoding();
        request.bytes = scrubbed.bytes().clone();
        last = Some(scrubbed);
    }
    let scrubbed = last.ok_or(Refusal::Internal { what: "pipeline without a scrubber" })?;
    Ok(Scrubbing { scrubbed, reports, edited })
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
