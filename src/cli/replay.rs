//! `replay`: sends again what the dead letter holds.

use std::io;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use clap::Args;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::cli::ConfigArgs;
use crate::cli::closed_pipe;
use crate::cli::complain;
use crate::gateway::answer::Accepted;
use crate::gateway::answer::PartialSuccess;
use crate::gateway::auth::Authenticators;
use crate::gateway::config::Config;
use crate::gateway::config::ConfigError;
use crate::gateway::config::component::ComponentId;
use crate::gateway::exporter::Common;
use crate::gateway::exporter::Exporter;
use crate::gateway::exporter::delivery::Delivery;
use crate::gateway::exporter::upstream_text::UpstreamText;
use crate::gateway::processors;
use crate::gateway::queue::Storage;
use crate::gateway::queue::dead::Replay;
use crate::gateway::queue::log::Entry;
use crate::gateway::queue::storage::DEAD;
use crate::gateway::queue::stranded::Stranded;
use crate::gateway::run;
use crate::gateway::run::StartError;
use crate::gateway::telemetry::logs;
use crate::gateway::telemetry::logs::LogError;
use crate::gateway::telemetry::metrics::Metrics;
use crate::scrub::Report;
use crate::scrub::Signal;
use crate::scrub::yaml::YamlError;

/// How long a request is tried again, should the upstream not take it at once.
const PATIENCE: Duration = Duration::from_secs(10);

/// What `replay` is asked to do.
#[derive(Debug, Args)]
pub(in crate::cli) struct ReplayArgs {
    /// Show what is there, and send nothing
    #[arg(long)]
    list: bool,
    /// Only of this exporter: `otlp_grpc/eu`
    #[arg(long, value_name = "ID")]
    exporter: Option<String>,
}

/// Why something is still in the dead letter.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum ReplayError {
    /// The configuration is at fault.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// An exporter or a storage cannot be used.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The log cannot be opened.
    #[error(transparent)]
    Log(#[from] LogError),
    /// There are no threads, or the output cannot be written.
    #[error("{0}")]
    System(#[from] io::Error),
    /// A dead letter cannot be opened.
    #[error("the dead letter of {exporter} ({signal}) cannot be opened: {reason}")]
    Unopened {
        /// The exporter.
        exporter: ComponentId,
        /// What it holds.
        signal: &'static str,
        /// Why.
        reason: io::Error,
    },
    /// No exporter of the configuration has a queue on disk, or it is not the one that
    /// was asked for.
    #[error("no exporter with `sending_queue.storage`{0}: there is no dead letter")]
    None(String),
    /// Some requests were refused again.
    #[error("{0} requests are still in the dead letter")]
    Left(usize),
}

impl From<YamlError> for ReplayError {
    fn from(fault: YamlError) -> Self {
        Self::Start(fault.into())
    }
}

/// Sends again what the dead letter holds, and removes what is accepted.
///
/// # Errors
///
/// When something is left.
pub(in crate::cli) fn replay(args: &ConfigArgs, replay: &ReplayArgs) -> Result<(), ReplayError> {
    let loaded = args.load()?;
    logs::start(&loaded.config.service.telemetry.logs)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(replay_all(&loaded.config, replay));
    runtime.shutdown_background();
    result
}

async fn replay_all(config: &Config, args: &ReplayArgs) -> Result<(), ReplayError> {
    let storages = run::storages(config)?;
    let processors = processors::build(config)?;
    let texts = UpstreamText::new(processors.scrubbers()?);
    let authenticators = Authenticators::build(config)?;
    let (_running, stop) = watch::channel(false);
    let common = Common {
        texts: &texts,
        authenticators: &authenticators,
        metrics: &Metrics::new(),
        stop: &stop,
        tasks: &TaskTracker::new(),
    };
    let mut left = 0;
    let mut any = false;
    for (id, settings) in &config.exporters {
        let name = id.to_string();
        let storage = settings.sending_queue().and_then(|queue| queue.storage.as_ref());
        let Some(storage) = storage.and_then(|storage| storages.get(storage)) else { continue };
        if args.exporter.as_ref().is_some_and(|only| *only != name) {
            continue;
        }
        any = true;
        let exporter = Exporter::build(&name, settings, None, &common)?;
        for signal in Signal::ALL {
            let letters = Letters { id, signal, storage };
            left += letters.replay(&exporter, args.list).await?;
        }
    }
    if args.list && args.exporter.is_none() {
        for Stranded { folder, requests, items } in run::stranded(config, &storages) {
            print(&format!(
                "{}: {requests} requests with {items} items, which no exporter of this \
                 configuration has\n",
                folder.display()
            ))?;
        }
    }
    match (any, left) {
        (false, _) => {
            let only = args.exporter.as_ref().map(|only| format!(" named `{only}`"));
            Err(ReplayError::None(only.unwrap_or_default()))
        }
        (true, left) if 0 < left && !args.list => Err(ReplayError::Left(left)),
        (true, _) => Ok(()),
    }
}

/// The dead letter of one exporter and signal.
struct Letters<'a> {
    id: &'a ComponentId,
    signal: Signal,
    storage: &'a Storage,
}

impl Letters<'_> {
    /// Gives how many requests are left.
    async fn replay(&self, exporter: &Exporter, list: bool) -> Result<usize, ReplayError> {
        let signal = self.signal.name();
        let folder = self.storage.folder(&[&self.id.to_string(), signal, DEAD])?;
        let opened = Replay::open(&folder, self.storage.key.clone());
        let (replay, entries) = opened.map_err(|reason| {
            let exporter = self.id.clone();
            ReplayError::Unopened { exporter, signal, reason }
        })?;
        let (mut accepted, mut left, mut items) = (0, 0, 0);
        let mut is_away = false;
        for entry in entries {
            if is_away {
                left += 1;
                continue;
            }
            let letter = match replay.read(entry).await {
                Ok(letter) => letter,
                Err(error) => {
                    left += 1;
                    complain(&format!("{} {signal}: {error}", self.id));
                    continue;
                }
            };
            if list {
                left += 1;
                print(&self.line(&entry, &letter.reason))?;
                continue;
            }
            let delivery = Delivery::new(letter.scrubbed, Arc::new(Report::default()), None);
            let deadline = Instant::now() + PATIENCE;
            match exporter.export(&delivery, Some(deadline)).await {
                Ok(Accepted { partial: Some(partial) }) if 0 < partial.rejected => {
                    left += 1;
                    let PartialSuccess { rejected, message } = partial;
                    complain(&format!(
                        "{} {signal}: {rejected} items rejected: {message}",
                        self.id
                    ));
                }
                Ok(_) => {
                    replay.done(entry);
                    accepted += 1;
                    items += u64::from(entry.items);
                }
                Err(refusal) => {
                    left += 1;
                    // What the upstream cannot take now the others need not try.
                    is_away = refusal.is_retryable();
                    complain(&format!("{} {signal}: {refusal}", self.id));
                }
            }
        }
        if !list && 0 < accepted + left {
            print(&format!(
                "{} {signal}: {accepted} requests with {items} items accepted, {left} left\n",
                self.id
            ))?;
        }
        Ok(left)
    }

    fn line(&self, entry: &Entry, reason: &str) -> String {
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(entry.time_ms);
        let time = httpdate::fmt_http_date(time);
        let Entry { items, len, .. } = entry;
        format!(
            "{time}  {}  {}  {items} items, {len} bytes  {reason}\n",
            self.id,
            self.signal.name()
        )
    }
}

fn print(text: &str) -> Result<(), ReplayError> {
    io::stdout().write_all(text.as_bytes()).or_else(closed_pipe).map_err(ReplayError::System)
}
