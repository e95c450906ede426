//! Builds the gateway from its configuration, runs it, and lets it end.
//!
//! Started from the far end: exporters, then pipelines, then receivers, so that
//! nothing is accepted that has nowhere to go. Ended from the near end: receivers
//! stop accepting, what is under way is delivered and answered, and what is not
//! done when the grace period is over was never acknowledged.

mod build;
mod files;

pub(in crate::gateway) use build::no_apart;
pub(in crate::gateway) use build::steps;
pub use files::files;

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::task::JoinSet;
use tokio_util::task::TaskTracker;

use crate::gateway::admission;
use crate::gateway::admission::Budget;
use crate::gateway::auth::Authenticators;
use crate::gateway::compute;
use crate::gateway::config::Config;
use crate::gateway::config::ExtensionConfig;
use crate::gateway::config::ProcessorConfig;
use crate::gateway::config::component::ComponentId;
use crate::gateway::config::component::PipelineId;
use crate::gateway::exporter;
use crate::gateway::exporter::Exporter;
use crate::gateway::exporter::Keeping;
use crate::gateway::exporter::upstream_text::UpstreamText;
use crate::gateway::processors;
use crate::gateway::queue::Storage;
use crate::gateway::queue::stranded;
use crate::gateway::queue::stranded::Stranded;
use crate::gateway::receiver;
use crate::gateway::receiver::route::Routes;
use crate::gateway::receiver::server::Server;
use crate::gateway::receiver::server::ServerError;
use crate::gateway::reload::Reloader;
use crate::gateway::telemetry::ListenError;
use crate::gateway::telemetry::admin;
use crate::gateway::telemetry::metrics::Metrics;
use crate::gateway::workers::Workers;
use crate::scrub::Scrubber;
use crate::scrub::yaml::YamlError;

/// How long requests that are under way have to end when the gateway is told to
/// stop. Orchestrators commonly kill after 30 s; the answer to the last request
/// should be out before.
pub const GRACE_DEFAULT: Duration = Duration::from_secs(25);

/// Why the gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting is at fault.
    #[error(transparent)]
    Fault(#[from] YamlError),
    /// An address cannot be listened at.
    #[error(transparent)]
    Listen(ServerError),
    /// A port of our own cannot be had.
    #[error(transparent)]
    Own(#[from] ListenError),
    /// The system gives no threads.
    #[error("the system refuses threads: {0}")]
    Threads(#[from] io::Error),
}

impl From<ServerError> for StartError {
    fn from(err: ServerError) -> Self {
        match err {
            ServerError::Fault(fault) => Self::Fault(fault),
            ServerError::Listen { .. } => Self::Listen(err),
        }
    }
}

/// A running gateway. Dropping it without [`Running::drain`] cuts it off.
pub struct Running {
    addresses: BTreeMap<String, SocketAddr>,
    leaving: watch::Sender<bool>,
    stop: watch::Sender<bool>,
    tasks: TaskTracker,
    /// Of queues on disk.
    consumers: TaskTracker,
    servers: Vec<JoinHandle<()>>,
    reloader: Reloader,
    rules: usize,
    scrubbers: Vec<Arc<Scrubber>>,
    /// Ends with it.
    _admin: JoinSet<()>,
}

impl Running {
    /// What gives it new rules.
    pub fn reloader(&self) -> Reloader {
        self.reloader.clone()
    }

    /// How many rules the scrubber with the most has.
    pub fn rules(&self) -> usize {
        self.rules
    }

    /// The scrubbers that it began with.
    pub fn scrubbers(&self) -> &[Arc<Scrubber>] {
        &self.scrubbers
    }

    /// Where a protocol of a receiver listens: `otlp` and `grpc`, say.
    pub fn address(&self, receiver: &str, protocol: &str) -> Option<SocketAddr> {
        self.addresses.get(&format!("{receiver}/{protocol}")).copied()
    }

    /// Tells open connections that there will be no further request, and goes on to
    /// serve for `time`: until whoever spreads requests over several gateways has
    /// noticed that this one is not ready any more.
    pub async fn leave(&self, time: Duration) {
        let _ = self.leaving.send(true);
        tokio::time::sleep(time).await;
    }

    /// Accepts nothing any more, lets what is under way end for at most `grace`, and
    /// says whether everything did.
    pub async fn drain(self, grace: Duration) -> bool {
        let Self { stop, tasks, consumers, servers, .. } = self;
        let _ = stop.send(true);
        for server in servers {
            // A server only ends by being told to.
            let _ = server.await;
        }
        tasks.close();
        consumers.close();
        let ended = async {
            tasks.wait().await;
            consumers.wait().await;
        };
        tokio::time::timeout(grace, ended).await.is_ok()
    }
}

/// Starts the gateway: when it returns, every address accepts connections.
///
/// Must be called within a tokio runtime of several threads.
///
/// # Errors
///
/// The first thing that keeps it from starting.
pub async fn start(config: &Config, metrics: &Metrics) -> Result<Running, StartError> {
    begin(config, metrics).await.map_err(|err| match err {
        StartError::Fault(fault) => StartError::Fault(config.placed(fault)),
        err => err,
    })
}

async fn begin(config: &Config, metrics: &Metrics) -> Result<Running, StartError> {
    compute::keep_panics_quiet();
    let authenticators = files(config)?;
    let processors = processors::build(config)?;
    processors.tell(metrics.ledger());
    let scrubbers = processors.scrubbers()?;
    let rules = scrubbers.iter().map(|scrubber| scrubber.rules().len()).max().unwrap_or(0);
    let texts = UpstreamText::new(scrubbers.clone());
    let budget = Budget::new(bytes_max(config)?);
    let (stop, stopped) = watch::channel(false);
    let (leaving, left) = watch::channel(false);
    let consumers = TaskTracker::new();
    let common = exporter::Common {
        texts: &texts,
        authenticators: &authenticators,
        metrics,
        stop: &stopped,
        tasks: &consumers,
    };
    let exporters = exporters(config, &common)?;
    let parts = build::Parts { config, processors: &processors, exporters: &exporters, metrics };
    let aparts = parts.aparts()?;
    let pipelines = parts.pipelines(&aparts)?;
    let reloader = Reloader::new(pipelines.clone(), aparts, texts, metrics.clone());
    for warning in processors::behind::warnings(config, &processors) {
        tracing::warn!("{warning}");
    }
    let workers = Workers::start()?;
    let tasks = TaskTracker::new();
    let mut addresses = BTreeMap::new();
    let mut servers = Vec::new();
    for (id, receiver) in &config.receivers {
        let takes = |pipeline: &PipelineId| {
            let settings = config.service.pipelines.get(pipeline);
            settings.is_some_and(|settings| settings.receivers.contains(id))
        };
        let own = pipelines.iter().filter(|(pipeline, _)| takes(pipeline));
        let own: Vec<_> = own.map(|(_, pipeline)| Arc::clone(pipeline)).collect();
        if own.is_empty() {
            continue;
        }
        let (budget, workers) = (Arc::clone(&budget), Arc::clone(&workers));
        let routes = Routes::new(&id.to_string(), &own, budget, workers, metrics.clone());
        for (protocol, server) in bind(id, receiver, &authenticators).await? {
            if let Ok(address) = server.address() {
                tracing::info!(receiver = %id, protocol, %address, "listening");
                addresses.insert(format!("{id}/{protocol}"), address);
            }
            servers.push((server, Arc::new(routes.clone())));
        }
    }
    let admin = admin(config, &authenticators, metrics, &mut addresses).await?;
    // Only when every address is bound does the first one accept.
    let serve = |(server, routes): (Server, _)| {
        let (_, routes) = watch::channel(routes);
        let (left, stopped) = (left.clone(), stopped.clone());
        tokio::spawn(server.serve(routes, left, stopped, Arc::clone(&workers), tasks.clone()))
    };
    let servers = servers.into_iter().map(serve).collect();
    Ok(Running {
        addresses,
        leaving,
        stop,
        tasks,
        consumers,
        servers,
        reloader,
        rules,
        scrubbers,
        _admin: admin,
    })
}

/// Starts what tells what the gateway does.
async fn admin(
    config: &Config,
    authenticators: &Authenticators,
    metrics: &Metrics,
    addresses: &mut BTreeMap<String, SocketAddr>,
) -> Result<JoinSet<()>, StartError> {
    let mut tasks = JoinSet::new();
    for id in &config.service.extensions {
        let Some(ExtensionConfig::Admin(settings)) = config.extensions.get(id) else { continue };
        let auth = authenticators.server(settings.auth.as_ref(), &format!("extensions.{id}"))?;
        let tls = settings.certificates(&format!("extensions.{id}"))?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let listener = admin::listen(settings, &id.to_string()).await?.with_tls(tls);
        tracing::info!("admin at {scheme}://{}/status", listener.at());
        addresses.insert(format!("{id}/http"), listener.at());
        tasks.spawn(admin::serve(listener, auth, metrics.clone()));
    }
    Ok(tasks)
}

/// Runs the gateway until `stop` is ready, and then until everything under way has
/// ended, `grace` is over, or `abort` is ready.
///
/// # Errors
///
/// As [`start`].
pub async fn run(
    config: &Config,
    metrics: &Metrics,
    grace: Duration,
    stop: impl Future<Output = ()>,
    abort: impl Future<Output = ()>,
) -> Result<(), StartError> {
    let running = start(config, metrics).await?;
    stop.await;
    tracing::info!("stopping: finishing what is under way");
    tokio::select! {
        whole = running.drain(grace) => match whole {
            true => tracing::info!("stopped"),
            false => tracing::warn!(?grace, "stopped with requests under way; \
                                             none of them was acknowledged"),
        },
        () = abort => tracing::warn!("stopped at once; \
                                      what was under way was not acknowledged"),
    }
    Ok(())
}

/// How many bytes of requests may be under way: as the strictest `memory_limiter`
/// that is used has it, for there is one memory.
fn bytes_max(config: &Config) -> Result<usize, YamlError> {
    let mut max = None;
    for (id, processor) in &config.processors {
        let is_used = config.service.pipelines.values().any(|used| used.processors.contains(id));
        if let ProcessorConfig::MemoryLimiter(limiter) = processor {
            let own = limiter.bytes_max(&format!("processors.{id}"))?;
            if is_used {
                max = Some(max.map_or(own, |max: usize| max.min(own)));
            }
        }
    }
    Ok(max.unwrap_or(admission::BYTES_UNDER_WAY_DEFAULT))
}

fn exporters(
    config: &Config,
    common: &exporter::Common<'_>,
) -> Result<BTreeMap<ComponentId, Arc<Exporter>>, YamlError> {
    let storages = storages(config)?;
    let mut exporters = BTreeMap::new();
    for (id, settings) in &config.exporters {
        let signals = config.signals_of(id);
        if signals.is_empty() {
            continue;
        }
        let storage = settings.sending_queue().and_then(|queue| queue.storage.as_ref());
        let storage = storage.and_then(|storage| storages.get(storage));
        let keeping = storage.map(|storage| Keeping { storage, signals: &signals });
        let exporter = Exporter::build(&id.to_string(), settings, keeping, common)?;
        exporter.begin(&signals);
        exporters.insert(id.clone(), Arc::new(exporter));
    }
    for Stranded { folder, requests, items } in stranded(config, &storages) {
        tracing::warn!(
            ?folder,
            requests,
            items,
            "no exporter of the configuration has this queue: what it holds is not sent"
        );
    }
    Ok(exporters)
}

/// What is in the storages and belongs to no exporter.
pub fn stranded(config: &Config, storages: &BTreeMap<ComponentId, Storage>) -> Vec<Stranded> {
    let mut owned = HashSet::new();
    for (id, settings) in &config.exporters {
        let storage = settings.sending_queue().and_then(|queue| queue.storage.as_ref());
        let storage = storage.and_then(|storage| storages.get(storage));
        let queue = |signal| Some(storage?.queue(&id.to_string(), signal));
        owned.extend(config.signals_of(id).into_iter().filter_map(queue));
    }
    storages.values().flat_map(|storage| stranded::stranded(storage, &owned)).collect()
}

/// The storages that are started.
///
/// # Errors
///
/// The first that cannot be used.
pub fn storages(config: &Config) -> Result<BTreeMap<ComponentId, Storage>, YamlError> {
    let mut storages = BTreeMap::new();
    for id in &config.service.extensions {
        if let Some(ExtensionConfig::FileStorage(settings)) = config.extensions.get(id) {
            storages.insert(id.clone(), Storage::open(&id.to_string(), settings)?);
        }
    }
    Ok(storages)
}

/// Binds the addresses of a receiver.
async fn bind(
    id: &ComponentId,
    config: &receiver::Config,
    authenticators: &Authenticators,
) -> Result<Vec<(&'static str, Server)>, ServerError> {
    let receiver::Config::Otlp(config) = config;
    let path = format!("receivers.{id}.protocols");
    let mut servers = Vec::new();
    if let Some(grpc) = &config.protocols.grpc {
        let path = format!("{path}.grpc");
        let auth = authenticators.server(grpc.auth.as_ref(), &path)?;
        servers.push(("grpc", Server::grpc(grpc.clone(), &path, auth).await?));
    }
    if let Some(http) = &config.protocols.http {
        let path = format!("{path}.http");
        let auth = authenticators.server(http.auth.as_ref(), &path)?;
        servers.push(("http", Server::http(http.clone(), &path, auth).await?));
    }
    if servers.is_empty() {
        return Err(YamlError::new(path, "expected grpc or http").into());
    }
    Ok(servers)
}
