//! `run`: the whole story of a start and a stop.

use std::io;
use std::time::Duration;

use clap::Args;
use tokio::signal::unix::Signal;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;

use crate::cli::ConfigArgs;
use crate::cli::process;
use crate::gateway::config::Config;
use crate::gateway::config::ConfigError;
use crate::gateway::config::ExtensionConfig;
use crate::gateway::config::ProcessorConfig;
use crate::gateway::run::GRACE_DEFAULT;
use crate::gateway::run::StartError;
use crate::gateway::telemetry::ListenError;
use crate::gateway::telemetry::health;
use crate::gateway::telemetry::health::Health;
use crate::gateway::telemetry::instance;
use crate::gateway::telemetry::instance::Instance;
use crate::gateway::telemetry::logs;
use crate::gateway::telemetry::logs::LogError;
use crate::gateway::telemetry::metrics::Metrics;
use crate::gateway::telemetry::scrape;
use crate::scrub::Scrubber;

/// How `run` is to run.
#[derive(Clone, Debug, Default, Args)]
pub(in crate::cli) struct RunArgs {
    /// Seconds that requests under way have to end after SIGTERM [default: 25]
    #[arg(long, value_name = "SECONDS")]
    grace_seconds: Option<u64>,
}

/// Why the gateway does not run.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum RunError {
    /// Its configuration is at fault.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// It does not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A port of its own telemetry cannot be had.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// Its log cannot be opened.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The system gives it no threads or signals.
    #[error("the system refuses threads or signals: {0}")]
    System(#[from] io::Error),
}

/// Runs the gateway until SIGTERM or SIGINT.
///
/// # Errors
///
/// What keeps it from starting.
pub(in crate::cli) fn run(args: &ConfigArgs, run: &RunArgs) -> Result<(), RunError> {
    process::harden();
    let loaded = args.load()?;
    logs::start(&loaded.config.service.telemetry.logs)?;
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    let grace = run.grace_seconds.map_or(GRACE_DEFAULT, Duration::from_secs);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(serve(&loaded.config, grace));
    // What hangs in a system call must not keep the process.
    runtime.shutdown_background();
    result
}

async fn serve(config: &Config, grace: Duration) -> Result<(), RunError> {
    let mut signals = Signals::new()?;
    let telemetry = &config.service.telemetry;
    let metrics = Metrics::of(&Instance::with(&telemetry.resource));
    let health = Health::new();
    let mut own = tokio::task::JoinSet::new();
    for listener in scrape::listen(&telemetry.metrics).await? {
        tracing::info!("metrics at http://{}/metrics", listener.at());
        own.spawn(scrape::serve(listener, metrics.clone()));
    }
    for id in &config.service.extensions {
        if let Some(ExtensionConfig::HealthCheck(settings)) = config.extensions.get(id) {
            let listener = health::listen(settings, &id.to_string()).await?;
            tracing::info!("health at http://{}{}", listener.at(), settings.path);
            own.spawn(health::serve(listener, settings.clone(), health.clone()));
        }
    }
    begin_at_zero(config, &metrics);
    let rules = rules(config);
    let running = crate::gateway::start(config, &metrics).await?;
    health.ready();
    tracing::info!(version = instance::VERSION, rules, "ready");

    signals.stop().await;
    health.stopping();
    tracing::info!("stopping: finishing what is under way");
    tokio::select! {
        all = running.drain(grace) => match all {
            true => tracing::info!("stopped"),
            false => tracing::warn!(?grace, "stopped with requests under way; none of them was acknowledged"),
        },
        () = signals.stop() => {
            tracing::warn!("stopped at once; what was under way was not acknowledged");
        }
    }
    Ok(())
}

/// What a receiver accepted is zero from the start, as in the Collector: a series
/// that begins at its first value hides that value from `rate()`.
fn begin_at_zero(config: &Config, metrics: &Metrics) {
    for (id, pipeline) in &config.service.pipelines {
        for receiver in &pipeline.receivers {
            for transport in ["grpc", "http"] {
                metrics.accepted(&receiver.to_string(), transport, id.signal, 0);
                metrics.refused(&receiver.to_string(), transport, id.signal, 0);
            }
        }
    }
}

/// How many rules the scrubbers have together.
fn rules(config: &Config) -> usize {
    let settings = config.processors.values().filter_map(|processor| match processor {
        ProcessorConfig::Scrubber(settings) => Some(settings),
        _ => None,
    });
    let scrubbers = settings.filter_map(|settings| Scrubber::new(settings).ok());
    scrubbers.map(|scrubber| scrubber.rule_ids().len()).max().unwrap_or(0)
}

/// What the process is told from outside.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits until the process is told to stop.
    async fn stop(&mut self) {
        loop {
            tokio::select! {
                // In order: a hangup that came before the end is still spoken of.
                biased;
                _ = self.hangup.recv() => {
                    tracing::warn!("SIGHUP ignored: restart to change the configuration");
                }
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
            }
        }
    }
}
