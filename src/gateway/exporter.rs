//! Exporters: from a scrubbed request to somewhere else.
//!
//! Every exporter is the same machine around a different wire: room for a bounded
//! number of requests, attempts until the upstream has accepted or refused, and a
//! count of how it ended. An exporter takes a [`Delivery`], which only a pipeline
//! with a scrubber can make.
//!
//! With a queue on disk an exporter is two halves: [`Exporter::export`] ends when the
//! request is synced, and consumers deliver what is queued.

pub mod client;
mod consumer;
pub mod debug;
pub mod delivery;
pub mod file;
pub mod grpc;
pub mod http;
pub mod joined;
pub mod outgoing;
pub mod queue;
pub mod retry;
pub mod upstream_text;

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::gateway::answer::Accepted;
use crate::gateway::answer::Outcome;
use crate::gateway::answer::Refusal;
use crate::gateway::auth::Authenticators;
use crate::gateway::exporter::delivery::Delivery;
use crate::gateway::exporter::upstream_text::UpstreamText;
use crate::gateway::queue::Backlog;
use crate::gateway::queue::Storage;
use crate::gateway::queue::backlog::Owner;
use crate::gateway::telemetry::metrics::Metrics;
use crate::gateway::telemetry::metrics::Peer;
use crate::gateway::telemetry::spans::Attribute;
use crate::scrub::Encoding;
use crate::scrub::Signal;
use crate::scrub::yaml::YamlError;

/// The settings of an exporter.
#[expect(clippy::large_enum_variant, reason = "there is one for each exporter")]
#[derive(Clone, Debug, PartialEq)]
pub enum Config {
    /// `otlp_grpc`
    OtlpGrpc(grpc::Config),
    /// `otlp_http`
    OtlpHttp(http::Config),
    /// `debug`
    Debug(debug::Config),
    /// `file`
    File(file::Config),
    /// `nop`
    Nop(NopConfig),
}

impl Config {
    /// `auth`, where the exporter has that.
    pub fn auth(&self) -> Option<&crate::gateway::auth::Config> {
        match self {
            Self::OtlpGrpc(config) => config.auth.as_ref(),
            Self::OtlpHttp(config) => config.auth.as_ref(),
            Self::File(_) | Self::Debug(_) | Self::Nop(_) => None,
        }
    }

    /// Reads its certificates, without a connection. `path` is its YAML path.
    ///
    /// # Errors
    ///
    /// When a file is missing or holds something else.
    pub fn read_certificates(&self, path: &str) -> Result<(), YamlError> {
        let tls = match self {
            Self::OtlpGrpc(config) => config.used_tls(),
            Self::OtlpHttp(config) => Some(&config.tls),
            Self::File(_) | Self::Debug(_) | Self::Nop(_) => None,
        };
        tls.map_or(Ok(()), |tls| tls.build(&format!("{path}.tls"), &[]).map(drop))
    }

    /// The setting that has no default and is not there, and what is expected of it.
    pub fn missing(&self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::OtlpGrpc(config) => config.missing(),
            Self::OtlpHttp(config) => config.missing(),
            Self::File(config) => config.missing(),
            Self::Debug(_) | Self::Nop(_) => None,
        }
    }
}

/// `exporters.nop`: accepts everything and sends it nowhere.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NopConfig {}

/// A running exporter.
pub struct Exporter {
    sender: Arc<Sender>,
    /// By signal, as [`Signal::ALL`] has them; none without storage.
    backlogs: [Option<Arc<Backlog>>; 4],
}

/// Sends requests to one upstream.
struct Sender {
    id: Arc<str>,
    /// Where each signal goes, as [`Signal::ALL`] has them.
    peers: [Peer; 4],
    wire: Wire,
    queue: queue::Queue,
    retry: retry::Config,
    metrics: Metrics,
    /// Whether the gateway stops.
    stop: watch::Receiver<bool>,
    upstream: retry::Upstream,
    /// Whether requests come from a queue on disk, and nobody waits for them.
    is_queued: bool,
    /// Whether the last request failed, so that the log says when that changes and
    /// not how often.
    failing: AtomicBool,
}

/// What all exporters of a gateway have in common.
pub struct Common<'a> {
    /// Scrubs what upstreams say.
    pub texts: &'a UpstreamText,
    /// Gives credentials.
    pub authenticators: &'a Authenticators,
    /// Counts.
    pub metrics: &'a Metrics,
    /// Whether the gateway stops.
    pub stop: &'a watch::Receiver<bool>,
    /// The consumers of queues on disk.
    pub tasks: &'a TaskTracker,
}

/// Where an exporter keeps its queue, and for which signals.
pub struct Keeping<'a> {
    /// The storage.
    pub storage: &'a Storage,
    /// What the pipelines of the exporter carry.
    pub signals: &'a [Signal],
}

/// What differs between exporters.
#[expect(clippy::large_enum_variant, reason = "there is one for each exporter")]
enum Wire {
    Grpc(grpc::Client),
    Http(http::Client),
    Debug(debug::Printer),
    File(file::Writer),
    Nop,
}

impl Exporter {
    /// Builds the exporter with the id `id`. When the gateway stops, nothing is tried
    /// again, and the consumers of a queue end.
    ///
    /// # Errors
    ///
    /// When a setting is at fault: a certificate that is not there, a header that
    /// cannot be sent, a file or a queue that cannot be opened.
    pub fn build(
        id: &str,
        config: &Config,
        keeping: Option<Keeping<'_>>,
        common: &Common<'_>,
    ) -> Result<Self, YamlError> {
        Self::build_at(&format!("exporters.{id}"), id, config, keeping, common)
    }

    /// The same of settings that stand at `path`.
    ///
    /// # Errors
    ///
    /// As for [`Exporter::build`].
    pub fn build_at(
        path: &str,
        id: &str,
        config: &Config,
        keeping: Option<Keeping<'_>>,
        common: &Common<'_>,
    ) -> Result<Self, YamlError> {
        let &Common { texts, authenticators, metrics, stop, tasks } = common;
        let auth = |auth: &Option<_>| authenticators.client(auth.as_ref(), path);
        let none = (queue::Config::off(), retry::Config::off());
        let (wire, (queue, retry)) = match config {
            Config::OtlpGrpc(config) => {
                let client = grpc::Client::build(config, path, texts.clone(), auth(&config.auth)?)?;
                (Wire::Grpc(client), (config.sending_queue.clone(), config.retry_on_failure))
            }
            Config::OtlpHttp(config) => {
                let client = http::Client::build(config, path, texts.clone(), auth(&config.auth)?)?;
                (Wire::Http(client), (config.sending_queue.clone(), config.retry_on_failure))
            }
            Config::Debug(config) => (Wire::Debug(debug::Printer::new(config)), none),
            Config::File(config) => (Wire::File(file::Writer::open(config, path)?), none),
            Config::Nop(_) => (Wire::Nop, none),
        };
        queue.check(path)?;
        let sender = Sender {
            id: id.into(),
            peers: Signal::ALL.map(|signal| config.peer(signal)),
            wire,
            queue: queue::Queue::new(&queue),
            retry,
            metrics: metrics.clone(),
            stop: stop.clone(),
            upstream: retry::Upstream::default(),
            is_queued: keeping.is_some(),
            failing: AtomicBool::new(false),
        };
        let mut exporter = Self { sender: Arc::new(sender), backlogs: [const { None }; 4] };
        if let Some(keeping) = keeping {
            exporter.keep(&keeping, &queue, tasks)?;
        }
        Ok(exporter)
    }

    /// Opens the queue of each signal and starts its consumers.
    fn keep(
        &mut self,
        keeping: &Keeping<'_>,
        queue: &queue::Config,
        tasks: &TaskTracker,
    ) -> Result<(), YamlError> {
        let Sender { id, metrics, stop, .. } = &*self.sender;
        for (signal, slot) in Signal::ALL.into_iter().zip(&mut self.backlogs) {
            if !keeping.signals.contains(&signal) {
                continue;
            }
            let owner = Owner { exporter: Arc::clone(id), signal };
            let backlog = Backlog::open(keeping.storage, owner, queue.limits(), metrics)?;
            // Profiles point into a dictionary and cannot be joined.
            let batch = queue.batch().filter(|_| signal != Signal::Profiles);
            for _ in 0..queue.consumers() {
                let (sender, backlog) = (Arc::clone(&self.sender), Arc::clone(&backlog));
                tasks.spawn(consumer::consume(sender, backlog, batch.cloned(), stop.clone()));
            }
            *slot = Some(backlog);
        }
        Ok(())
    }

    /// The id of the exporter, as the YAML spells it.
    pub fn id(&self) -> &str {
        &self.sender.id
    }

    /// How it wants requests to be written; `None` where that is the same to it.
    pub fn encoding(&self) -> Option<Encoding> {
        match &self.sender.wire {
            Wire::Grpc(_) => Some(Encoding::Protobuf),
            Wire::Http(client) => Some(client.encoding()),
            Wire::Debug(_) => Some(Encoding::Json),
            Wire::File(writer) => Some(writer.encoding()),
            Wire::Nop => None,
        }
    }

    /// Has the metrics of a queue whose senders wait begin, for what pipelines carry.
    pub fn begin(&self, signals: &[Signal]) {
        for signal in signals {
            if let Some(size) = self.sender.queue.capacity() {
                self.sender.metrics.queue_capacity(self.id(), *signal, size);
                drop(self.sender.metrics.queued(self.id(), *signal, 0, 0));
            }
            drop(self.sender.metrics.in_flight(self.id(), *signal));
        }
    }

    fn backlog(&self, signal: Signal) -> Option<&Backlog> {
        signal.of(&self.backlogs)?.as_deref()
    }

    /// Delivers a request. Ends when the upstream has accepted or refused it, the
    /// time for retries is over, or `deadline`, until which the sender waits, would
    /// pass before the next attempt. With a queue on disk it ends when the request is
    /// there.
    pub async fn export(&self, delivery: &Delivery, deadline: Option<Instant>) -> Outcome {
        match self.backlog(delivery.scrubbed().signal()) {
            Some(backlog) if backlog.recall(delivery.scrubbed()) => Ok(Accepted::default()),
            Some(backlog) => backlog.push(delivery.scrubbed(), deadline).await,
            None => self.sender.send(delivery, deadline).await,
        }
    }

    /// Delivers several requests as one, and says how each of them ended.
    pub async fn export_joined(
        &self,
        parts: &[Delivery],
        deadline: Option<Instant>,
    ) -> Vec<Outcome> {
        let signal = parts.first().map(|part| part.scrubbed().signal());
        match signal.and_then(|signal| self.backlog(signal)) {
            None => {
                let sender = Until { sender: &self.sender, deadline };
                joined::bisect(&sender, parts).await
            }
            Some(backlog) => keep_joined(backlog, parts, deadline).await,
        }
    }
}

/// Keeps several requests as one, but for those that are there already.
async fn keep_joined(
    backlog: &Backlog,
    parts: &[Delivery],
    deadline: Option<Instant>,
) -> Vec<Outcome> {
    let here: Vec<bool> = parts.iter().map(|part| backlog.recall(part.scrubbed())).collect();
    let missing: Cow<'_, [Delivery]> = match here.contains(&true) {
        false => parts.into(),
        true => {
            let missing = parts.iter().zip(&here).filter(|(_, is_here)| !**is_here);
            missing.map(|(part, _)| part.clone()).collect()
        }
    };
    let outcome = match joined::join(&missing) {
        _ if missing.is_empty() => Ok(Accepted::default()),
        Ok(joined) => backlog.push(joined.scrubbed(), deadline).await,
        Err(refusal) => Err(refusal),
    };
    let of = |is_here| if is_here { Ok(Accepted::default()) } else { outcome.clone() };
    here.into_iter().map(of).collect()
}

/// A request that was sent and has no answer yet.
struct Sent<'a> {
    sender: &'a Sender,
    delivery: &'a Delivery,
    is_answered: bool,
}

impl Drop for Sent<'_> {
    fn drop(&mut self) {
        if !self.is_answered {
            let (signal, items) =
                (self.delivery.scrubbed().signal(), self.delivery.scrubbed().items());
            self.sender.metrics.unanswered(&self.sender.id, signal, items);
        }
    }
}

/// A sender of requests that someone waits for until a deadline.
struct Until<'a> {
    sender: &'a Sender,
    deadline: Option<Instant>,
}

impl joined::Send1 for Until<'_> {
    fn send1<'a>(
        &'a self,
        delivery: &'a Delivery,
    ) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>> {
        Box::pin(self.sender.send(delivery, self.deadline))
    }
}

impl Sender {
    /// Sends a request until the upstream has accepted or refused it, or it is given
    /// up.
    async fn send(&self, delivery: &Delivery, deadline: Option<Instant>) -> Outcome {
        let (signal, items) = (delivery.scrubbed().signal(), delivery.scrubbed().items());
        let place = match self.queue.enter(delivery.scrubbed()).await {
            Ok(place) => place,
            Err(refusal) => {
                self.metrics.enqueue_failed(&self.id, signal, items);
                return Err(refusal);
            }
        };
        let size = place.as_ref().map(|place| place.num_permits() as u64);
        let _queued = size.map(|size| self.metrics.queued(&self.id, signal, size, items));
        let _in_flight = self.metrics.in_flight(&self.id, signal);
        let span = self.metrics.tracer().exported(&self.id, signal);
        let outcome = self.try_send(delivery, deadline).await;
        if let Some(span) = span {
            let name = if outcome.is_ok() { "items.sent" } else { "items.failed" };
            span.end(vec![(name, Attribute::Count(items))], outcome.is_err());
        }
        let to = self.peer(signal);
        match &outcome {
            Ok(accepted) => {
                self.metrics.sent(&self.id, to, signal, items);
                if self.failing.swap(false, Ordering::Relaxed) {
                    tracing::info!(exporter = %self.id, "upstream accepts again");
                }
                if let Some(partial) = &accepted.partial {
                    let (rejected, message) = (partial.rejected, partial.message.as_str());
                    tracing::warn!(exporter = %self.id, rejected, message, "partial success");
                }
            }
            Err(refusal) => {
                self.metrics.send_failed(&self.id, to, signal, items);
                if !self.failing.swap(true, Ordering::Relaxed) || !refusal.is_retryable() {
                    tracing::warn!(exporter = %self.id, %refusal, items, "request not delivered");
                }
            }
        }
        outcome
    }

    fn peer(&self, signal: Signal) -> &Peer {
        const NONE: &Peer =
            &Peer { address: String::new(), port: String::new(), path: String::new() };
        signal.of(&self.peers).unwrap_or(NONE)
    }

    /// One attempt. It is counted where it ends without an answer, or is given up before
    /// there is one. It comes in a box: each future around it would hold room for it, some
    /// twice.
    async fn attempt(
        &self,
        delivery: &Delivery,
        attempt: Pin<Box<impl Future<Output = Outcome>>>,
    ) -> Outcome {
        let attempt = async {
            let mut sent = Sent { sender: self, delivery, is_answered: false };
            let outcome = attempt.await;
            sent.is_answered = !matches!(outcome, Err(Refusal::Unanswered { .. }));
            outcome
        };
        self.queue.attempt(attempt).await
    }

    async fn try_send(&self, delivery: &Delivery, deadline: Option<Instant>) -> Outcome {
        let waiting = retry::Waiting {
            deadline,
            stop: self.stop.clone(),
            upstream: &self.upstream,
            is_probe: self.is_queued,
        };
        match &self.wire {
            Wire::Grpc(client) => {
                let outgoing = client.prepare(delivery).await?;
                let send = || self.attempt(delivery, Box::pin(client.send(&outgoing)));
                self.retry.run(waiting, send).await
            }
            Wire::Http(client) => {
                let outgoing = client.prepare(delivery).await?;
                let send = || self.attempt(delivery, Box::pin(client.send(&outgoing)));
                self.retry.run(waiting, send).await
            }
            Wire::Debug(printer) => printer.print(delivery).await,
            Wire::File(writer) => writer.write(delivery).await,
            Wire::Nop => Ok(Default::default()),
        }
    }
}

impl Config {
    /// Where the requests of a signal go.
    fn peer(&self, signal: Signal) -> Peer {
        match self {
            Self::OtlpGrpc(config) => config.endpoint.peer(),
            Self::OtlpHttp(config) => config.peer(signal),
            Self::Debug(_) | Self::File(_) | Self::Nop(_) => Peer::default(),
        }
    }

    /// `sending_queue`, where there is one.
    pub fn sending_queue(&self) -> Option<&queue::Config> {
        match self {
            Self::OtlpGrpc(config) => Some(&config.sending_queue),
            Self::OtlpHttp(config) => Some(&config.sending_queue),
            Self::Debug(_) | Self::File(_) | Self::Nop(_) => None,
        }
    }
}
