//! `demo`: the real thing in a few seconds. An application with the OpenTelemetry SDK
//! sends made-up credentials through a gateway to an upstream, all over sockets, and
//! what the upstream received is shown beside what was sent.
//!
//! Nothing is staged: if a credential arrived, the demo says so and fails.

mod secrets;
mod send;
mod show;
mod upstream;

use std::io;
use std::time::Duration;
use std::time::Instant;

use crate::cli::demo::secrets::Story;
use crate::cli::demo::upstream::Upstream;
use crate::gateway::config::Config;
use crate::gateway::config::ConfigError;
use crate::gateway::config::environment::Process;
use crate::gateway::run::StartError;
use crate::gateway::telemetry::metrics::Metrics;

/// How long the gateway has to end.
const GRACE: Duration = Duration::from_secs(5);

/// Why the demo did not show what it should.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum DemoError {
    /// The configuration that it makes up is at fault.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The gateway does not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The system gives no socket, thread or terminal.
    #[error("{0}")]
    System(#[from] io::Error),
    /// The gateway listens nowhere.
    #[error("the gateway listens nowhere")]
    Nowhere,
    /// The SDK could not deliver.
    #[error("the SDK could not deliver: {0}")]
    Sdk(String),
    /// What the upstream received is not what was sent.
    #[error("{leaked} of the made-up credentials arrived, {lost} of the clean values did not")]
    Leak {
        /// Credentials that arrived.
        leaked: usize,
        /// Clean values that did not arrive as they were.
        lost: usize,
    },
}

/// Sends, and shows what arrives.
///
/// # Errors
///
/// When something does not start, or a credential arrived.
pub(in crate::cli) fn demo() -> Result<(), DemoError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(play());
    runtime.shutdown_background();
    result
}

async fn play() -> Result<(), DemoError> {
    let started = Instant::now();
    let upstream = Upstream::listen().await?;
    let yaml = configuration(upstream.port());
    let loaded = Config::load(&[format!("yaml:{yaml}")], &[], &Process)?;
    let gateway = crate::gateway::start(&loaded.config, &Metrics::new()).await?;
    let endpoint = gateway.address("otlp", "grpc").ok_or(DemoError::Nowhere)?;

    let story = Story::new();
    send::send(&story, &format!("http://{endpoint}")).await?;
    gateway.drain(GRACE).await;
    let arrived = upstream.received();

    let outcome = show::Outcome::of(&story, &arrived);
    show::show(&story, &arrived, &outcome, started.elapsed())?;
    match (outcome.leaked.len(), outcome.lost) {
        (0, 0) => Ok(()),
        (leaked, lost) => Err(DemoError::Leak { leaked, lost }),
    }
}

/// What the gateway of the demo runs: any free port, and the upstream of the demo.
fn configuration(upstream: u16) -> String {
    format!(
        "
receivers:
  otlp:
    protocols:
      grpc:
        endpoint: 127.0.0.1:0
processors:
  scrubber:
exporters:
  otlp_http:
    endpoint: http://127.0.0.1:{upstream}
    compression: none
service:
  pipelines:
    traces: {{receivers: [otlp], processors: [scrubber], exporters: [otlp_http]}}
    logs: {{receivers: [otlp], processors: [scrubber], exporters: [otlp_http]}}
"
    )
}
