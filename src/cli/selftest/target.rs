//! The gateway under test: a built-in one, or a running one.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::cli::selftest::SelftestArgs;
use crate::cli::selftest::SelftestError;
use crate::cli::selftest::send::Protocol;
use crate::cli::selftest::send::Sender;
use crate::cli::selftest::sink;
use crate::cli::selftest::sink::Arrived;
use crate::gateway::Running;
use crate::gateway::config::Config;
use crate::gateway::config::ProcessorConfig;
use crate::gateway::config::environment::Process;
use crate::gateway::telemetry::metrics::Metrics;
use crate::scrub::Signal;

/// How long the built-in gateway has to end.
const GRACE: Duration = Duration::from_secs(5);

/// A gateway, the way in and the way out.
pub(in crate::cli::selftest) struct Target {
    /// The way in.
    pub(in crate::cli::selftest) sender: Sender,
    /// The way out.
    pub(in crate::cli::selftest) arrived: mpsc::UnboundedReceiver<Arrived>,
    /// What it takes.
    pub(in crate::cli::selftest) signals: Vec<Signal>,
    built_in: Option<Running>,
}

impl Target {
    /// Starts one, or finds the one that runs.
    ///
    /// # Errors
    ///
    /// When it cannot be had.
    pub(in crate::cli::selftest) async fn new(
        config: &Config,
        args: &SelftestArgs,
    ) -> Result<Self, SelftestError> {
        let sink = args.sink.as_deref().unwrap_or("127.0.0.1:0");
        let (upstream, arrived) = sink::listen(sink)
            .await
            .map_err(|reason| SelftestError::System { what: format!("--sink {sink}"), reason })?;
        if !args.endpoint.is_empty() {
            let sender = Sender::new(addresses(&args.endpoint)?);
            return Ok(Self { sender, arrived, signals: Signal::ALL.to_vec(), built_in: None });
        }
        let (config, signals) = built_in(config, upstream)?;
        let running = crate::gateway::start(&config, &Metrics::new()).await?;
        let at = |receiver, protocol| running.address(receiver, protocol).map(|at| at.to_string());
        let addresses = [
            (Protocol::Grpc, at("otlp/grpc", "grpc")),
            (Protocol::HttpProtobuf, at("otlp/proto", "http")),
            (Protocol::HttpJson, at("otlp/json", "http")),
        ];
        let addresses = addresses.into_iter().filter_map(|(protocol, at)| Some((protocol, at?)));
        let sender = Sender::new(addresses.collect());
        Ok(Self { sender, arrived, signals, built_in: Some(running) })
    }

    /// Ends what was started.
    pub(in crate::cli::selftest) async fn end(self) {
        if let Some(running) = self.built_in {
            running.drain(GRACE).await;
        }
    }
}

/// Where the protocols of the running gateway are.
fn addresses(urls: &[String]) -> Result<Vec<(Protocol, String)>, SelftestError> {
    let mut addresses = Vec::new();
    for url in urls {
        let wrong = || SelftestError::Endpoint { url: url.clone() };
        let (scheme, address) = url.split_once("://").ok_or_else(wrong)?;
        let address = address.trim_end_matches('/').to_owned();
        if address.is_empty() || address.contains(['/', '@', '?']) {
            return Err(wrong());
        }
        match scheme {
            "grpc" => addresses.push((Protocol::Grpc, address)),
            "http" => {
                addresses.push((Protocol::HttpProtobuf, address.clone()));
                addresses.push((Protocol::HttpJson, address));
            }
            _ => return Err(wrong()),
        }
    }
    Ok(addresses)
}

/// A configuration with the scrubbers of `config`, free ports, and `upstream` behind;
/// what came in over a protocol leaves over it, too.
fn built_in(config: &Config, upstream: SocketAddr) -> Result<(Config, Vec<Signal>), SelftestError> {
    let mut signals = Vec::new();
    let mut pipelines = String::new();
    for signal in Signal::ALL {
        let own = config.service.pipelines.iter().find(|(id, _)| id.signal == signal);
        let Some((_, own)) = own else { continue };
        let scrubbers = own
            .processors
            .iter()
            .filter(|id| matches!(config.processors.get(id), Some(ProcessorConfig::Scrubber(_))));
        let scrubbers: Vec<String> = scrubbers.map(ToString::to_string).collect();
        if scrubbers.is_empty() {
            continue;
        }
        let processors = scrubbers.join(", ");
        for (receiver, exporter) in WAYS {
            // The generated types cannot read profiles in JSON.
            let exporter = if signal == Signal::Profiles { "otlp_grpc" } else { exporter };
            pipelines += &format!(
                "    {}/{receiver}: {{receivers: [otlp/{receiver}], processors: [{processors}], \
                 exporters: [{exporter}]}}\n",
                signal.name()
            );
        }
        signals.push(signal);
    }
    if signals.is_empty() {
        return Err(SelftestError::NoPipeline);
    }
    let scrubbers = config
        .processors
        .iter()
        .filter(|(_, processor)| matches!(processor, ProcessorConfig::Scrubber(_)));
    let ids = scrubbers.map(|(id, _)| format!("  {id}:\n"));
    let yaml = format!(
        "
receivers:
  otlp/grpc: {{protocols: {{grpc: {{endpoint: '127.0.0.1:0'}}}}}}
  otlp/proto: {{protocols: {{http: {{endpoint: '127.0.0.1:0'}}}}}}
  otlp/json: {{protocols: {{http: {{endpoint: '127.0.0.1:0'}}}}}}
processors:
{}exporters:
  otlp_grpc: {{endpoint: '{upstream}', tls: {{insecure: true}}}}
  otlp_http/proto: {{endpoint: 'http://{upstream}'}}
  otlp_http/json: {{endpoint: 'http://{upstream}', encoding: json}}
service:
  pipelines:
{pipelines}",
        ids.collect::<String>()
    );
    let mut built_in = Config::load(&[format!("yaml:{yaml}")], &[], &Process)?.config;
    for (id, processor) in &config.processors {
        if built_in.processors.contains_key(id) {
            built_in.processors.insert(id.clone(), processor.clone());
        }
    }
    Ok((built_in, signals))
}

/// The receivers, and the exporters that speak as they do.
const WAYS: [(&str, &str); 3] =
    [("grpc", "otlp_grpc"), ("proto", "otlp_http/proto"), ("json", "otlp_http/json")];
