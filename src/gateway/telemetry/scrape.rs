//! The Prometheus endpoint, as `service.telemetry.metrics` spells it.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;

use crate::gateway::telemetry::http;
use crate::gateway::telemetry::http::ListenError;
use crate::gateway::telemetry::http::Listener;
use crate::gateway::telemetry::metrics::Metrics;
use crate::gateway::telemetry::metrics::Naming;
use crate::gateway::telemetry::otlp::Periodic;

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

/// `readers[]`: a way to get at the metrics.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Reader {
    /// Metrics are asked for.
    Pull(Pull),
    /// Metrics are sent.
    Periodic(Box<Periodic>),
}

impl Default for Reader {
    fn default() -> Self {
        Self::Pull(Pull::default())
    }
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
/// Names have no suffixes and series no labels of a scope unless `false` is written, as in
/// the Collector.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Prometheus {
    /// The address to listen at.
    pub host: String,
    /// The port to listen at; 0 is any free one.
    pub port: u16,
    /// No labels `otel_scope_*`.
    pub without_scope_info: bool,
    /// No units behind names.
    pub without_units: bool,
    /// No `_total` behind names.
    pub without_type_suffix: bool,
    /// Which labels of the resource are on every series.
    pub with_resource_constant_labels: Option<Labels>,
}

impl Default for Prometheus {
    fn default() -> Self {
        Self {
            host: "localhost".to_owned(),
            port: 8888,
            without_scope_info: true,
            without_units: true,
            without_type_suffix: true,
            with_resource_constant_labels: None,
        }
    }
}

impl Prometheus {
    /// How names and labels are to be.
    pub fn naming(&self) -> Naming {
        let labels = self.with_resource_constant_labels.as_ref();
        Naming {
            types: !self.without_type_suffix,
            units: !self.without_units,
            scope: !self.without_scope_info,
            resource: labels.map(|labels| (labels.included.clone(), labels.excluded.clone())),
        }
    }
}

/// `with_resource_constant_labels`
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Labels {
    /// Names of attributes; `*` stands for any characters.
    pub included: Vec<String>,
    /// Those of them that are left out.
    pub excluded: Vec<String>,
}

/// Opens every port that `config` asks for.
///
/// # Errors
///
/// The first port that cannot be had, with its YAML path.
pub async fn listen(config: &Config) -> Result<Vec<(Listener, Naming)>, ListenError> {
    let mut listeners = Vec::new();
    if config.level == Level::None {
        return Ok(listeners);
    }
    for (at, reader) in config.readers.iter().enumerate() {
        let Reader::Pull(Pull { exporter: PullExporter { prometheus } }) = reader else { continue };
        let Prometheus { host, port, .. } = prometheus;
        let path = format!("service.telemetry.metrics.readers[{at}].pull.exporter.prometheus");
        let listener = Listener::open(&http::join(host, *port), &path).await?;
        listeners.push((listener, prometheus.naming()));
    }
    Ok(listeners)
}

/// Answers `/metrics` until the task is dropped.
pub async fn serve(listener: Listener, naming: Naming, metrics: Metrics) {
    let answer = move |path: &str| {
        let (status, kind, body) = match path {
            "/metrics" => (200, TEXT_FORMAT, metrics.render_as(&naming)),
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
