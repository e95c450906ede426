//! The Prometheus endpoint, as `service.telemetry.metrics` spells it.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;

use crate::gateway::telemetry::http;
use crate::gateway::telemetry::http::ListenError;
use crate::gateway::telemetry::http::Listener;
use crate::gateway::telemetry::metrics::Metrics;

/// The content type of the Prometheus text format (its specification, "Text-based
/// format").
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// `service.telemetry.metrics`
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `none` switches metrics off; all other levels are one.
    pub level: Level,
    /// Where metrics can be read.
    pub readers: Vec<Reader>,
}

impl Default for Config {
    fn default() -> Self {
        Self { level: Level::default(), readers: vec![Reader::default()] }
    }
}

/// How much is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Nothing.
    None,
    /// Everything.
    Basic,
    /// Everything.
    #[default]
    Normal,
    /// Everything.
    Detailed,
}

/// `readers[]`: a way to get at the metrics. `periodic` is not one of them.
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reader {
    /// Metrics are asked for.
    pub pull: Pull,
}

/// `readers[].pull`
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pull {
    /// How.
    pub exporter: PullExporter,
}

/// `readers[].pull.exporter`
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PullExporter {
    /// In the format of Prometheus.
    pub prometheus: Prometheus,
}

/// `readers[].pull.exporter.prometheus`
///
/// The switches of the Collector's suffixes and scope labels are accepted, and
/// change nothing: there are no suffixes and no scope labels.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Prometheus {
    /// The address to listen at.
    pub host: String,
    /// The port to listen at; 0 is any free one.
    pub port: u16,
    /// Accepted.
    pub without_scope_info: bool,
    /// Accepted.
    pub without_units: bool,
    /// Accepted.
    pub without_type_suffix: bool,
    /// Accepted.
    pub with_resource_constant_labels: Option<Labels>,
}

impl Default for Prometheus {
    fn default() -> Self {
        Self {
            host: "localhost".to_owned(),
            port: 8888,
            without_scope_info: false,
            without_units: false,
            without_type_suffix: false,
            with_resource_constant_labels: None,
        }
    }
}

/// `with_resource_constant_labels`
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Labels {
    /// Accepted.
    pub included: Vec<String>,
    /// Accepted.
    pub excluded: Vec<String>,
}

/// Opens every port that `config` asks for.
///
/// # Errors
///
/// The first port that cannot be had, with its YAML path.
pub async fn listen(config: &Config) -> Result<Vec<Listener>, ListenError> {
    let mut listeners = Vec::new();
    if config.level == Level::None {
        return Ok(listeners);
    }
    for (at, reader) in config.readers.iter().enumerate() {
        let Prometheus { host, port, .. } = &reader.pull.exporter.prometheus;
        let path = format!("service.telemetry.metrics.readers[{at}].pull.exporter.prometheus");
        listeners.push(Listener::open(&http::join(host, *port), &path).await?);
    }
    Ok(listeners)
}

/// Answers `/metrics` until the task is dropped.
pub async fn serve(listener: Listener, metrics: Metrics) {
    let answer = move |path: &str| {
        let (status, kind, body) = match path {
            "/metrics" => (200, TEXT_FORMAT, metrics.render()),
            _ => (404, "text/plain", "metrics are at /metrics\n".to_owned()),
        };
        ::http::Response::builder()
            .status(status)
            .header(::http::header::CONTENT_TYPE, kind)
            .body(Full::new(Bytes::from(body)))
            .expect("the header here is valid")
    };
    http::serve(listener, Arc::new(answer)).await;
}
