//! Our own metrics and traces, sent over OTLP where `service.telemetry` asks for it.
//!
//! What is sent passes the scrubber like everything else: an id of a component or an
//! attribute of the resource comes from a configuration, and a configuration has secrets.
//! It goes through exporters of its own, which count nothing and have no spans: else each
//! request would bring about the next.

mod encode;
mod settings;

use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use tokio::sync::mpsc;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio::time::MissedTickBehavior;
use tokio_util::task::TaskTracker;

use crate::gateway::auth::Authenticators;
use crate::gateway::compute;
use crate::gateway::compute::Pace;
use crate::gateway::exporter;
use crate::gateway::exporter::Exporter;
use crate::gateway::exporter::delivery::Delivery;
use crate::gateway::exporter::upstream_text::UpstreamText;
use crate::gateway::telemetry;
use crate::gateway::telemetry::instance::Instance;
use crate::gateway::telemetry::metrics::Metrics;
use crate::gateway::telemetry::otlp;
use crate::gateway::telemetry::otlp::TraceLevel;
use crate::gateway::telemetry::scrape;
use crate::gateway::telemetry::scrape::Reader;
use crate::gateway::telemetry::spans::Span;
use crate::scrub::Encoding;
use crate::scrub::Report;
use crate::scrub::Request;
use crate::scrub::Scrubber;
use crate::scrub::Signal;
use crate::scrub::yaml::YamlError;

/// What of ours is sent, and goes on until it is dropped.
#[derive(Debug)]
pub struct Own {
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
}

impl Own {
    /// Sends what is left, for a while.
    pub async fn finish(mut self, within: Duration) {
        let _ = self.stop.send(true);
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(within, ended).await;
    }
}

/// Where one kind of our own telemetry goes.
#[derive(Clone)]
struct Way {
    path: Arc<str>,
    exporter: Arc<Exporter>,
    scrubber: Arc<Scrubber>,
    instance: Arc<Instance>,
    timeout: Duration,
    stopped: watch::Receiver<bool>,
}

/// Checks the settings and reads the certificates, as far as that can be done without a connection.
///
/// # Errors
///
/// The first at fault.
pub fn check(settings: &telemetry::Config) -> Result<(), YamlError> {
    for (at, reader) in settings.metrics.readers.iter().enumerate() {
        if let Reader::Periodic(periodic) = reader {
            let path = format!("service.telemetry.metrics.readers[{at}].periodic.exporter");
            settings::check(&path, &periodic.exporter, Signal::Metrics)?;
        }
    }
    for (at, processor) in settings.traces.processors.iter().enumerate() {
        let path = format!("service.telemetry.traces.processors[{at}].{}", processor.name());
        if 0 < at {
            return Err(YamlError::new(path, "expected one processor: spans go one way"));
        }
        let path = format!("{path}.exporter");
        settings::check(&path, &processor.batch().exporter, Signal::Traces)?;
    }
    Ok(())
}

/// Starts to send what the settings ask for. Must be called within a tokio runtime.
///
/// # Errors
///
/// The first setting at fault, with its path.
pub fn start(
    settings: &telemetry::Config,
    scrubbers: &[Arc<Scrubber>],
    instance: &Instance,
    metrics: &Metrics,
) -> Result<Own, YamlError> {
    check(settings)?;
    let (stop, stopped) = watch::channel(false);
    let mut own = Own { tasks: JoinSet::new(), stop };
    // Without what the settings leave: neither a dry run nor an allow entry is of use here.
    let Some(scrubber) = scrubbers.first().and_then(|scrubber| scrubber.strict()) else {
        return Ok(own);
    };
    let instance = Arc::new(instance.clone());
    let authenticators = Authenticators::default();
    let way = |path: String, otlp: &otlp::Exporter, signal, timeout: Duration| {
        let config = settings::exporter(&path, otlp, signal, timeout)?;
        let texts = UpstreamText::new(scrubbers.to_vec());
        // Of their own, so that nobody counts what is sent here.
        let (unseen, tasks) = (Metrics::new(), TaskTracker::new());
        let common = exporter::Common {
            texts: &texts,
            authenticators: &authenticators,
            metrics: &unseen,
            stop: &stopped,
            tasks: &tasks,
        };
        let exporter = Exporter::build_at(&path, "own", &config, None, &common)?;
        Ok::<_, YamlError>(Way {
            path: path.into(),
            exporter: Arc::new(exporter),
            scrubber: Arc::clone(&scrubber),
            instance: Arc::clone(&instance),
            timeout,
            stopped: stopped.clone(),
        })
    };
    let readers = settings.metrics.readers.iter().enumerate();
    let readers = readers.filter(|_| settings.metrics.level != scrape::Level::None);
    for (at, reader) in readers {
        let Reader::Periodic(periodic) = reader else { continue };
        let path = format!("service.telemetry.metrics.readers[{at}].periodic.exporter");
        let way = way(path, &periodic.exporter, Signal::Metrics, periodic.timeout.into())?;
        own.tasks.spawn(way.send_metrics(periodic.interval.into(), metrics.clone()));
    }
    let share = settings.traces.sampler.as_ref().map_or(1.0, otlp::Sampler::share);
    if settings.traces.level != TraceLevel::None
        && let Some(processor) = settings.traces.processors.first()
    {
        let batch = processor.batch();
        let path = format!("service.telemetry.traces.processors[0].{}.exporter", processor.name());
        let way = way(path, &batch.exporter, Signal::Traces, batch.export_timeout.into())?;
        if let Some(spans) = metrics.tracer().start(share, batch.max_queue_size) {
            own.tasks.spawn(way.send_spans(spans, batch));
        }
    }
    Ok(own)
}

impl Way {
    async fn send_metrics(mut self, interval: Duration, metrics: Metrics) {
        let began = SystemTime::now();
        let mut ticks = tokio::time::interval_at(Instant::now() + interval, interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let is_last = tokio::select! {
                _ = ticks.tick() => false,
                _ = self.stopped.wait_for(|stopped| *stopped) => true,
            };
            let request = encode::metrics(&metrics.gather(), &self.instance, began);
            self.send(Signal::Metrics, request).await;
            if is_last {
                return;
            }
        }
    }

    async fn send_spans(mut self, mut spans: mpsc::Receiver<Span>, batch: otlp::SpanBatch) {
        let max = batch.max_export_batch_size.max(1);
        let delay: Duration = batch.schedule_delay.into();
        loop {
            let mut many = Vec::new();
            let flush_at = Instant::now() + delay;
            let is_last = loop {
                let room = max - many.len();
                if room == 0 {
                    break false;
                }
                tokio::select! {
                    got = spans.recv_many(&mut many, room) => if got == 0 { break true },
                    () = tokio::time::sleep_until(flush_at) => break false,
                    _ = self.stopped.wait_for(|stopped| *stopped) => break true,
                }
            };
            if !many.is_empty() {
                let request = encode::spans(&many, &self.instance);
                self.send(Signal::Traces, request).await;
            }
            if is_last {
                return;
            }
        }
    }

    /// Scrubs a request and sends it. What cannot be sent is told in the log, and gone:
    /// metrics come again.
    async fn send(&self, signal: Signal, bytes: Vec<u8>) {
        let request = Request { signal, encoding: Encoding::Protobuf, bytes: bytes.into() };
        let (scrubber, len) = (Arc::clone(&self.scrubber), request.bytes.len());
        let scrubbed = compute::run(Pace::Fast, len, move || scrubber.scrub(&request)).await;
        let Ok(Ok((scrubbed, _))) = scrubbed else {
            tracing::error!(path = %self.path, "our own telemetry cannot be scrubbed");
            return;
        };
        let delivery = Delivery::new(scrubbed, Arc::new(Report::default()), None);
        let until = Instant::now() + self.timeout;
        let sent = tokio::time::timeout_at(until, self.exporter.export(&delivery, Some(until)));
        if sent.await.is_err() {
            tracing::warn!(path = %self.path, "our own telemetry had no answer in time");
        }
    }
}
