//! A gateway that a test starts from YAML.

use std::io;
use std::net::SocketAddr;

use otel_redact::gateway;
use otel_redact::gateway::Running;
use otel_redact::gateway::config::Config;
use otel_redact::gateway::config::environment::Environment;
use otel_redact::gateway::telemetry::metrics::Metrics;

/// A running gateway.
pub(crate) struct Gateway {
    pub(crate) running: Running,
    pub(crate) metrics: Metrics,
}

impl Gateway {
    pub(crate) fn grpc(&self) -> SocketAddr {
        self.running.address("otlp", "grpc").unwrap()
    }

    pub(crate) fn http(&self) -> SocketAddr {
        self.running.address("otlp", "http").unwrap()
    }
}

/// Starts a gateway.
pub(crate) async fn gateway(yaml: &str) -> Gateway {
    let metrics = Metrics::new();
    let running = gateway::start(&config(yaml), &metrics).await.unwrap();
    Gateway { running, metrics }
}

/// Reads a configuration.
pub(crate) fn config(yaml: &str) -> Config {
    let loaded = Config::load(&["env:YAML".to_owned()], &[], &Only(yaml));
    loaded.map(|loaded| loaded.config).unwrap_or_else(|err| panic!("{err}\n{yaml}"))
}

/// What is said about a configuration before it starts.
pub(crate) fn warnings(yaml: &str) -> Vec<String> {
    let loaded = Config::load(&["env:YAML".to_owned()], &[], &Only(yaml));
    loaded.map(|loaded| loaded.warnings).unwrap_or_else(|err| panic!("{err}\n{yaml}"))
}

/// What is said of processors that stand behind a scrubber.
pub(crate) fn told(yaml: &str) -> Vec<String> {
    let config = config(yaml);
    let built = gateway::processors::build(&config).unwrap();
    gateway::processors::behind::warnings(&config, &built)
}

/// Both protocols, at any port, to the exporters of `exporters`, for traces and logs.
pub(crate) fn yaml(exporters: &str) -> String {
    yaml_with("", exporters)
}

/// The same with more processors, each with its settings.
pub(crate) fn yaml_with(processors: &str, exporters: &str) -> String {
    let ids = |section: &str| {
        let top = |line: &&str| !line.starts_with(' ') && line.contains(':');
        let id = |line: &str| line.split(':').next().unwrap().to_owned();
        section.lines().filter(top).map(id).collect::<Vec<_>>().join(", ")
    };
    let indented =
        |section: &str| section.lines().map(|line| format!("  {line}\n")).collect::<String>();
    let separator = if processors.is_empty() { "" } else { ", " };
    format!(
        "receivers:
  otlp:
    protocols:
      grpc: {{endpoint: '127.0.0.1:0'}}
      http: {{endpoint: '127.0.0.1:0'}}
processors:
  scrubber: {{disable: ['*']}}
{}exporters:
{}service:
  pipelines:
    traces: {{receivers: [otlp], processors: [scrubber{separator}{ids}], exporters: [{to}]}}
    logs: {{receivers: [otlp], processors: [scrubber{separator}{ids}], exporters: [{to}]}}
",
        indented(processors),
        indented(exporters),
        ids = ids(processors),
        to = ids(exporters),
    )
}

/// The same configuration with every packed rule: compiling them takes a while, and
/// most tests look for something else.
pub(crate) fn with_rules(yaml: &str) -> String {
    yaml.replace("scrubber: {disable: ['*']}", "scrubber:")
}

/// An `otlp_grpc` exporter, plain and without retries.
pub(crate) fn to_grpc(upstream: SocketAddr) -> String {
    format!(
        "otlp_grpc:
  endpoint: {upstream}
  tls: {{insecure: true}}
  compression: none
  retry_on_failure: {{enabled: false}}
"
    )
}

/// An `otlp_http` exporter, plain and without retries.
pub(crate) fn to_http(upstream: SocketAddr) -> String {
    format!(
        "otlp_http:
  endpoint: http://{upstream}
  compression: none
  retry_on_failure: {{enabled: false}}
"
    )
}

/// An environment with one variable.
struct Only<'a>(&'a str);

impl Environment for Only<'_> {
    fn variable(&self, name: &str) -> Option<String> {
        (name == "YAML").then(|| self.0.to_owned())
    }

    fn file(&self, _path: &str) -> io::Result<String> {
        Err(io::ErrorKind::NotFound.into())
    }
}

/// Why a gateway does not start.
pub(crate) async fn fault(yaml: &str) -> String {
    let loaded = Config::load(&["env:YAML".to_owned()], &[], &Only(yaml));
    match loaded {
        Err(err) => err.to_string(),
        Ok(loaded) => match gateway::start(&loaded.config, &Metrics::new()).await {
            Err(err) => err.to_string(),
            Ok(_) => panic!("started\n{yaml}"),
        },
    }
}
