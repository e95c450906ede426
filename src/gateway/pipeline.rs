//! Admit, scrub, export, answer: all control flow is here.
//!
//! A receiver admits a request and hands it over as [`Inbound`]. Every processor of
//! the pipeline sees it in turn; what comes out is a `Delivery`, which goes to
//! every exporter, joined with others where the pipeline has a `batch`. The
//! outcome that the receiver gets is the upstream's: nothing is acknowledged
//! before.
//!
//! A pipeline cannot be built without a processor that scrubs, and an exporter takes nothing
//! that did not pass one.

pub mod batch;
pub mod fanout;
pub mod memory_limiter;
pub mod partly;
pub mod shadow;
mod watch;

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
use crate::gateway::compute::Pace;
use crate::gateway::config::component::PipelineId;
use crate::gateway::exporter::Exporter;
use crate::gateway::exporter::delivery::Delivery;
use crate::gateway::pipeline::batch::Batcher;
use crate::gateway::pipeline::fanout::Fanout;
use crate::gateway::pipeline::shadow::Shadow;
use crate::gateway::telemetry::metrics::Metrics;
use crate::scrub::Chain;
use crate::scrub::Encoding;
use crate::scrub::NoScrubber;
use crate::scrub::Report;
use crate::scrub::Request;
use crate::scrub::Scrubbed;
use crate::scrub::Scrubber;
use crate::scrub::Signal;
use crate::scrub::chain::Processed;
use crate::scrub::chain::Processor;
use crate::scrub::chain::Stage;

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

/// A processor and its id.
#[derive(Clone)]
pub struct Step {
    /// The id, as the YAML spells it.
    pub id: Arc<str>,
    /// The processor.
    pub processor: Processor,
    /// A candidate for it.
    pub shadow: Option<Arc<Shadow>>,
}

/// The processors of a pipeline, of which one scrubs.
pub struct Steps {
    chain: Chain,
    /// The processors in the chain: their ids, and how what they leave out is counted.
    ids: Vec<(Arc<str>, LeavesOut)>,
    /// Candidates: the place of each in the chain, and the chain with it there.
    shadows: Vec<(usize, Arc<Shadow>, Chain)>,
    /// The first scrubber, which explains.
    scrubber: Option<Arc<Scrubber>>,
}

/// What it means that a processor leaves records out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LeavesOut {
    /// A rule says so.
    ByRule,
    /// That is what it is for.
    AsFilter,
    /// They go another way.
    ElseWhere,
}

impl Steps {
    /// Puts steps behind each other, for requests of `signal`.
    ///
    /// # Errors
    ///
    /// When none of them scrubs.
    pub fn new(signal: Signal, steps: Vec<Step>) -> Result<Self, NoScrubber> {
        let leaves_out = |processor: &Processor| match processor {
            Processor::Filter(_) => LeavesOut::AsFilter,
            Processor::Route(_) => LeavesOut::ElseWhere,
            _ => LeavesOut::ByRule,
        };
        let processors: Vec<_> = steps.iter().map(|step| step.processor.clone()).collect();
        let mut shadows = Vec::new();
        for (at, step) in steps.iter().enumerate() {
            let Some(shadow) = &step.shadow else { continue };
            let mut others = processors.clone();
            if let Some(live) = others.get_mut(at) {
                *live = Processor::Scrubber(shadow.candidate());
            }
            shadows.push((at, Arc::clone(shadow), Chain::new(signal, others)?));
        }
        let scrubber = processors.iter().find_map(Processor::scrubber).cloned();
        let ids = steps.into_iter().map(|step| (step.id, leaves_out(&step.processor))).collect();
        Ok(Self { chain: Chain::new(signal, processors)?, ids, shadows, scrubber })
    }
}

/// A running pipeline.
pub struct Pipeline {
    id: Arc<str>,
    signal: Signal,
    /// Replaced as a whole: a request has all of them from before or from after.
    steps: RwLock<Arc<Steps>>,
    output: Output,
    metrics: Metrics,
}

/// Where scrubbed requests go.
enum Output {
    Direct(Fanout),
    Batched(Batcher),
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
        batch: Option<&batch::Config>,
        exporters: Vec<Arc<Exporter>>,
        metrics: Metrics,
    ) -> Result<Self, NoScrubber> {
        let signal = id.signal;
        let steps = Steps::new(signal, steps)?;
        let fanout = Fanout::new(exporters);
        let output = match batch {
            // Profiles point into a dictionary and cannot be joined.
            Some(config) if signal != Signal::Profiles => {
                Output::Batched(Batcher::start(config, fanout))
            }
            Some(_) | None => Output::Direct(fanout),
        };
        let id = id.to_string().into();
        Ok(Self { id, signal, steps: RwLock::new(Arc::new(steps)), output, metrics })
    }

    /// What the pipeline carries.
    pub fn signal(&self) -> Signal {
        self.signal
    }

    /// Has requests that begin from now on go through these steps.
    pub fn replace(&self, steps: Steps) {
        *self.steps.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(steps);
    }

    fn steps(&self) -> Arc<Steps> {
        Arc::clone(&self.steps.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Scrubs and delivers a request.
    pub async fn handle(&self, inbound: Inbound) -> Handled {
        let Inbound { request, packed, deadline, grant } = inbound;
        let (delivery, incoming) = match self.scrub(request, packed, &grant).await {
            Ok(scrubbed) => scrubbed,
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
        Handled { items: incoming, outcome }
    }

    /// Runs the processors. Gives also how many items came in.
    async fn scrub(
        &self,
        request: Request,
        packed: Option<Packed>,
        grant: &Arc<Grant>,
    ) -> Result<(Delivery, u64), Refusal> {
        let steps = self.steps();
        let own = Arc::clone(&steps);
        let bytes = request.bytes.len();
        let is_watched = !steps.shadows.is_empty() || self.metrics.ledger().tail().is_watched();
        let as_it_came = is_watched.then(|| request.clone());
        let processing = compute::run(Pace::Fast, bytes, move || own.chain.run(request)).await;
        if matches!(processing, Err(Refusal::Internal { .. })) {
            self.metrics.scrub_failed(self.signal);
        }
        if !matches!(processing, Ok(Ok(_))) {
            self.metrics.ledger().refused();
        }
        let processed = processing?.map_err(Refusal::Malformed)?;
        if let Some(request) = as_it_came {
            watch::watched(&steps, request, &processed, grant, &self.metrics);
        }
        let Processed { scrubbed, stages, edited } = processed;
        let mut joined = Report::default();
        let came = stages.first().map_or(0, |stage| stage.incoming);
        for ((id, leaves_out), stage) in steps.ids.iter().zip(stages) {
            let Stage { mut report, incoming, outgoing } = stage;
            if *leaves_out != LeavesOut::ByRule {
                let dropped = std::mem::take(&mut report.dropped_records);
                if *leaves_out == LeavesOut::AsFilter {
                    self.metrics.filtered(id, self.signal, dropped);
                }
            }
            self.metrics.scrubbed(id, self.signal, &report);
            self.metrics.processed(id, self.signal, incoming, outgoing);
            joined.redactions.extend(report.redactions);
            joined.noted.extend(report.noted);
            joined.dropped_records += report.dropped_records;
            joined.unknown_fields += report.unknown_fields;
            joined.invalid_utf8 += report.invalid_utf8;
        }
        self.metrics.ledger().passed(bytes, scrubbed.items());
        self.metrics.ledger().leaked(&joined, &scrubbed, steps.scrubber.as_deref());
        let packed = packed.filter(|_| !edited);
        Ok((Delivery::new(scrubbed, Arc::new(joined), packed), came))
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
