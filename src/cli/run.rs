//! `run`: the whole story of a start and a stop.

use std::io;
use std::sync::Arc;
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
use crate::gateway::config::component::ComponentId;
use crate::gateway::connect;
use crate::gateway::own;
use crate::gateway::reload::LOOK_EVERY;
use crate::gateway::reload::Reloader;
use crate::gateway::reload::State;
use crate::gateway::reload::Watched;
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
use crate::gateway::telemetry::zpages;

/// How `run` is to run.
#[derive(Clone, Debug, Default, Args)]
pub(in crate::cli) struct RunArgs {
    /// Seconds that requests under way have to end after SIGTERM [default: 25]
    #[arg(long, value_name = "SECONDS")]
    grace_seconds: Option<u64>,
    /// Milliseconds after SIGTERM in which new connections are still served, while the
    /// health check says 503: as long as a load balancer needs to notice [default: 300]
    #[arg(long, value_name = "MILLISECONDS")]
    leave_milliseconds: Option<u64>,
}

/// Long enough for a connection that is on its way; a load balancer that asks less often
/// needs a longer time.
const LEAVE_DEFAULT: Duration = Duration::from_millis(300);

/// How long the last of our own telemetry may take, where it is sent anywhere.
const LAST_WORDS: Duration = Duration::from_secs(2);

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
    let watched = Arc::new(Watched::new());
    let loaded = args.load_from(&*watched)?;
    logs::start(&loaded.config.service.telemetry.logs)?;
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    if let Some(warning) = connect::unused_proxy(|name| std::env::var(name).ok()) {
        tracing::warn!("{warning}");
    }
    let grace = run.grace_seconds.map_or(GRACE_DEFAULT, Duration::from_secs);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let leave = run.leave_milliseconds.map_or(LEAVE_DEFAULT, Duration::from_millis);
    let result = runtime.block_on(serve(args, &loaded.config, watched, leave, grace));
    // What hangs in a system call must not keep the process.
    runtime.shutdown_background();
    result
}

async fn serve(
    args: &ConfigArgs,
    config: &Config,
    watched: Arc<Watched>,
    leave: Duration,
    grace: Duration,
) -> Result<(), RunError> {
    let mut signals = Signals::new()?;
    let telemetry = &config.service.telemetry;
    let instance = Instance::with(&telemetry.resource);
    let metrics = Metrics::of(&instance);
    let health = Health::new();
    let mut own = tokio::task::JoinSet::new();
    for (listener, naming) in scrape::listen(&telemetry.metrics).await? {
        tracing::info!("metrics at http://{}/metrics", listener.at());
        own.spawn(scrape::serve(listener, naming, metrics.clone()));
    }
    for id in &config.service.extensions {
        if let Some(ExtensionConfig::HealthCheck(settings)) = config.extensions.get(id) {
            let listener = health::listen(settings, &id.to_string()).await?;
            tracing::info!("health at http://{}{}", listener.at(), settings.path);
            own.spawn(health::serve(listener, settings.clone(), health.clone()));
        }
    }
    for id in &config.service.extensions {
        if let Some(ExtensionConfig::Zpages(settings)) = config.extensions.get(id) {
            let listener = zpages::listen(settings, &id.to_string()).await?;
            tracing::info!("zpages at http://{}/debug/servicez", listener.at());
            own.spawn(zpages::serve(listener, shown(config), metrics.clone()));
        }
    }
    begin_at_zero(config, &metrics);
    let running = crate::gateway::start(config, &metrics).await?;
    let sent = own::start(telemetry, running.scrubbers(), &instance, &metrics)
        .map_err(|fault| ConfigError::from(config.placed(fault)))?;
    health.ready();
    tracing::info!(version = instance::VERSION, rules = running.rules(), "ready");

    let reload = Reload {
        args: args.clone(),
        watched,
        reloader: running.reloader(),
        metrics: metrics.clone(),
        health: health.clone(),
        started_with: fixed(config),
    };
    reload.until_stopped(&mut signals).await;
    health.stopping();
    tracing::info!("stopping: finishing what is under way");
    let drained = async {
        running.leave(leave).await;
        running.drain(grace).await
    };
    tokio::select! {
        all = drained => match all {
            true => tracing::info!("stopped"),
            false => tracing::warn!(?grace, "stopped with requests under way; none of them was acknowledged"),
        },
        () = signals.stop() => {
            tracing::warn!("stopped at once; what was under way was not acknowledged");
        }
    }
    sent.finish(LAST_WORDS).await;
    Ok(())
}

/// What the debug pages show.
fn shown(config: &Config) -> zpages::Shown {
    let list =
        |ids: &[ComponentId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let pipelines = config.service.pipelines.iter();
    let pipelines = pipelines.map(|(id, one)| {
        [id.to_string(), list(&one.receivers), list(&one.processors), list(&one.exporters)]
    });
    let extensions = config.service.extensions.iter().map(ToString::to_string);
    zpages::Shown { pipelines: pipelines.collect(), extensions: extensions.collect() }
}

/// What a receiver accepted is zero from the start, as in the Collector: a series
/// that begins at its first value hides that value from `rate()`.
fn begin_at_zero(config: &Config, metrics: &Metrics) {
    for (id, pipeline) in &config.service.pipelines {
        // A connector is none.
        for receiver in pipeline.receivers.iter().filter(|id| config.receivers.contains_key(id)) {
            for transport in ["grpc", "http"] {
                metrics.accepted(&receiver.to_string(), transport, id.signal, 0);
                metrics.refused(&receiver.to_string(), transport, id.signal, 0);
                metrics.failed(&receiver.to_string(), transport, id.signal, 0);
            }
        }
    }
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
        while self.next().await == Told::Reload {}
    }

    /// Waits for the next thing that the process is told.
    async fn next(&mut self) -> Told {
        tokio::select! {
            // In order: a hangup that came before the end is still heeded.
            biased;
            _ = self.hangup.recv() => Told::Reload,
            _ = self.terminate.recv() => Told::Stop,
            _ = self.interrupt.recv() => Told::Stop,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Reload,
    Stop,
}

/// Reads the configuration again, when told to and when its files change.
struct Reload {
    args: ConfigArgs,
    watched: Arc<Watched>,
    reloader: Reloader,
    metrics: Metrics,
    health: Health,
    started_with: [(&'static str, String); 5],
}

/// What no reload replaces, section by section, without its secrets.
fn fixed(config: &Config) -> [(&'static str, String); 5] {
    [
        ("receivers", format!("{:?}", config.receivers)),
        ("exporters", format!("{:?}", config.exporters)),
        ("connectors", format!("{:?}", config.connectors)),
        ("extensions", format!("{:?}", config.extensions)),
        ("service", format!("{:?}", config.service)),
    ]
}

impl Reload {
    async fn until_stopped(self, signals: &mut Signals) {
        let this = Arc::new(self);
        let mut known = this.watched.state();
        let mut changed: Option<State> = None;
        loop {
            let told = tokio::select! {
                told = signals.next() => Some(told),
                () = tokio::time::sleep(LOOK_EVERY) => None,
            };
            if told == Some(Told::Stop) {
                return;
            }
            let state = this.watched.state();
            let settled = changed.as_ref() == Some(&state);
            changed = (state != known).then(|| state.clone());
            if told == Some(Told::Reload) || (settled && changed.is_some()) {
                let own = Arc::clone(&this);
                // A panic in there was reported, and costs this reload only.
                let _ = tokio::task::spawn_blocking(move || own.reload()).await;
                // What the new configuration names was not looked at before.
                known = this.watched.known(state);
                changed = None;
            }
        }
    }

    fn reload(&self) {
        let loaded = self.args.load_from(&*self.watched);
        let warnings = loaded.and_then(|loaded| {
            self.reloader.reload(&loaded.config)?;
            let now = fixed(&loaded.config);
            let pairs = self.started_with.iter().zip(now);
            let changed = pairs.filter(|(before, now)| before.1 != now.1);
            let names = changed.map(|(_, (name, _))| name);
            let waits = names.map(|name| format!("{name}: changed, which takes a restart"));
            Ok(loaded.warnings.into_iter().chain(waits).collect::<Vec<_>>())
        });
        let is_right = warnings.is_ok();
        match warnings {
            Ok(warnings) => {
                self.health.reloaded(None);
                warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
                tracing::info!("processors reloaded; the other sections are as they were");
            }
            Err(fault) => {
                tracing::error!(%fault, "reload refused; the rules of before go on");
                self.health.reloaded(Some(fault.to_string()));
            }
        }
        self.metrics.reloaded(is_right);
    }
}
