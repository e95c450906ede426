//! Exporters: from a scrubbed request to somewhere else.
//!
//! Every exporter is the same machine around a different wire: room for a bounded
//! number of requests, attempts until the upstream has accepted or refused, and a
//! count of how it ended. An exporter takes a [`Delivery`], which only a pipeline
//! with a scrubber can make.

pub mod client;
mod date;
pub mod debug;
pub mod delivery;
pub mod file;
pub mod grpc;
pub mod http;
pub mod outgoing;
pub mod queue;
pub mod retry;
pub mod upstream_text;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::gateway::answer::Outcome;
use crate::gateway::auth::Authenticators;
use crate::gateway::exporter::delivery::Delivery;
use crate::gateway::exporter::upstream_text::UpstreamText;
use crate::gateway::telemetry::metrics::Metrics;
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

    /// The setting that has no default and is not there, and what is expected of it.
    pub fn missing(&self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::OtlpGrpc(config) => config.missing(),
            Self::OtlpHttp(config) => config.missing(),
            Self::File(_) | Self::Debug(_) | Self::Nop(_) => None,
        }
    }
}

/// `exporters.nop`: accepts everything and sends it nowhere.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NopConfig {}

/// A running exporter.
pub struct Exporter {
    id: Arc<str>,
    wire: Wire,
    queue: queue::Queue,
    retry: retry::Config,
    metrics: Metrics,
    /// Whether the gateway stops.
    stop: watch::Receiver<bool>,
    /// Whether the last request failed, so that the log says when that changes and
    /// not how often.
    failing: AtomicBool,
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
    /// Builds the exporter with the id `id`. `texts` scrubs what upstreams say; when
    /// `stop` is true nothing is tried again.
    ///
    /// # Errors
    ///
    /// When a setting is at fault: a certificate that is not there, a header that
    /// cannot be sent, a file that cannot be opened.
    pub fn build(
        id: &str,
        config: &Config,
        texts: &UpstreamText,
        authenticators: &Authenticators,
        metrics: &Metrics,
        stop: &watch::Receiver<bool>,
    ) -> Result<Self, YamlError> {
        let path = format!("exporters.{id}");
        let auth = |auth: &Option<_>| authenticators.client(auth.as_ref(), &path);
        let none = (queue::Config::off(), retry::Config::off());
        let (wire, (queue, retry)) = match config {
            Config::OtlpGrpc(config) => {
                let client =
                    grpc::Client::build(config, &path, texts.clone(), auth(&config.auth)?)?;
                (Wire::Grpc(client), (config.sending_queue.clone(), config.retry_on_failure))
            }
            Config::OtlpHttp(config) => {
                let client =
                    http::Client::build(config, &path, texts.clone(), auth(&config.auth)?)?;
                (Wire::Http(client), (config.sending_queue.clone(), config.retry_on_failure))
            }
            Config::Debug(config) => (Wire::Debug(debug::Printer::new(config)), none),
            Config::File(config) => (Wire::File(file::Writer::open(config, &path)?), none),
            Config::Nop(_) => (Wire::Nop, none),
        };
        Ok(Self {
            id: id.into(),
            wire,
            queue: queue::Queue::new(&queue),
            retry,
            metrics: metrics.clone(),
            stop: stop.clone(),
            failing: AtomicBool::new(false),
        })
    }

    /// The id of the exporter, as the YAML spells it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Delivers a request. Ends when the upstream has accepted or refused it, the
    /// time for retries is over, or `deadline`, until which the sender waits, would
    /// pass before the next attempt.
    pub async fn export(&self, delivery: &Delivery, deadline: Option<Instant>) -> Outcome {
        let outcome = self.try_export(delivery, deadline).await;
        let (signal, items) = (delivery.scrubbed().signal(), delivery.scrubbed().items());
        match &outcome {
            Ok(accepted) => {
                self.metrics.sent(&self.id, signal, items);
                if self.failing.swap(false, Ordering::Relaxed) {
                    tracing::info!(exporter = %self.id, "upstream accepts again");
                }
                if let Some(partial) = &accepted.partial {
                    let (rejected, message) = (partial.rejected, partial.message.as_str());
                    tracing::warn!(exporter = %self.id, rejected, message, "partial success");
                }
            }
            Err(refusal) => {
                self.metrics.send_failed(&self.id, signal, items);
                if !self.failing.swap(true, Ordering::Relaxed) || !refusal.is_retryable() {
                    tracing::warn!(exporter = %self.id, %refusal, items, "request not delivered");
                }
            }
        }
        outcome
    }

    async fn try_export(&self, delivery: &Delivery, deadline: Option<Instant>) -> Outcome {
        let _place = self.queue.enter(delivery.scrubbed()).await?;
        let stop = self.stop.clone();
        match &self.wire {
            Wire::Grpc(client) => {
                let outgoing = client.prepare(delivery).await?;
                self.retry.run(deadline, stop, || self.queue.attempt(client.send(&outgoing))).await
            }
            Wire::Http(client) => {
                let outgoing = client.prepare(delivery).await?;
                self.retry.run(deadline, stop, || self.queue.attempt(client.send(&outgoing))).await
            }
            Wire::Debug(printer) => printer.print(delivery).await,
            Wire::File(writer) => writer.write(delivery).await,
            Wire::Nop => Ok(Default::default()),
        }
    }
}
