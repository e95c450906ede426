//! Our own telemetry over OTLP, as `service.telemetry` spells it (the declarative
//! configuration of OpenTelemetry, 0.3, which the Collector has there).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::gateway::config::secret::Secret;
use crate::scrub::yaml::Placed;

/// `readers[].periodic`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Periodic {
    /// How often metrics are sent. Default 60000.
    pub interval: Millis,
    /// How long one attempt may take. Default 30000.
    pub timeout: Millis,
    /// Where to.
    pub exporter: Exporter,
}

impl Default for Periodic {
    fn default() -> Self {
        Self { interval: Millis(60_000), timeout: Millis(30_000), exporter: Exporter::default() }
    }
}

/// `service.telemetry.traces`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Traces {
    /// `none` switches them off; all other levels are one.
    pub level: TraceLevel,
    /// Where spans go; nowhere, where there is none.
    pub processors: Vec<SpanProcessor>,
    /// Which requests have spans. Default all.
    pub sampler: Option<Sampler>,
    /// Accepted: a trace begins here.
    pub propagators: Vec<String>,
}

/// Whether there are spans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TraceLevel {
    /// No.
    None,
    /// Yes.
    Basic,
    /// Yes.
    #[default]
    Normal,
    /// Yes.
    Detailed,
}

/// `traces.processors[]`: `batch` or `simple`, which does the same here.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SpanProcessor {
    /// Spans are sent many at a time.
    Batch(SpanBatch),
    /// As `batch`, with its defaults.
    Simple(Simple),
}

/// `traces.processors[].simple`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Simple {
    /// Where to.
    pub exporter: Exporter,
}

/// `traces.processors[].batch`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SpanBatch {
    /// How long spans wait for others. Default 5000.
    pub schedule_delay: Millis,
    /// How long one attempt may take. Default 30000.
    pub export_timeout: Millis,
    /// How many may wait; what comes beyond is dropped and counted. Default 2048.
    pub max_queue_size: usize,
    /// How many are sent at once. Default 512.
    pub max_export_batch_size: usize,
    /// Where to.
    pub exporter: Exporter,
}

impl Default for SpanBatch {
    fn default() -> Self {
        Self {
            schedule_delay: Millis(5_000),
            export_timeout: Millis(30_000),
            max_queue_size: 2048,
            max_export_batch_size: 512,
            exporter: Exporter::default(),
        }
    }
}

impl SpanProcessor {
    /// As the YAML has it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Batch(_) => "batch",
            Self::Simple(_) => "simple",
        }
    }

    /// As a batch.
    pub fn batch(&self) -> SpanBatch {
        match self {
            Self::Batch(batch) => batch.clone(),
            Self::Simple(Simple { exporter }) => {
                SpanBatch { exporter: exporter.clone(), ..SpanBatch::default() }
            }
        }
    }
}

/// `traces.sampler`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Sampler {
    /// Every request.
    AlwaysOn(Option<Nothing>),
    /// None.
    AlwaysOff(Option<Nothing>),
    /// A share of them.
    TraceIdRatioBased(RatioBased),
    /// As `root` says: a trace begins here.
    ParentBased(ParentBased),
}

/// `parent_based`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ParentBased {
    /// Which of those that begin here.
    pub root: Option<Box<Sampler>>,
}

/// `trace_id_ratio_based`
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RatioBased {
    /// From 0 to 1.
    pub ratio: Share,
}

/// A share from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "f64")]
pub struct Share(pub f64);

impl TryFrom<f64> for Share {
    type Error = &'static str;

    fn try_from(share: f64) -> Result<Self, Self::Error> {
        (0.0..=1.0).contains(&share).then_some(Self(share)).ok_or("expected a share from 0 to 1")
    }
}

/// Of what has no settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Nothing {}

impl Sampler {
    /// The share of requests that have spans.
    pub fn share(&self) -> f64 {
        match self {
            Self::AlwaysOn(_) => 1.0,
            Self::AlwaysOff(_) => 0.0,
            Self::TraceIdRatioBased(RatioBased { ratio }) => ratio.0,
            Self::ParentBased(parent) => parent.root.as_ref().map_or(1.0, |root| root.share()),
        }
    }
}

/// `exporter`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Exporter {
    /// Over OTLP.
    pub otlp: Option<Otlp>,
}

/// `exporter.otlp`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Otlp {
    /// How.
    pub protocol: Protocol,
    /// Where to: `https://host:4318` (`/v1/metrics` and `/v1/traces` are put behind it
    /// where it has no path), and `host:4317` for gRPC. `http://` is plain text.
    pub endpoint: Option<String>,
    /// Headers that are added to every request.
    pub headers: Pairs,
    /// Plain text instead of TLS, for gRPC.
    pub insecure: Option<bool>,
    /// Who may sign the certificate of the upstream, PEM. A path.
    pub certificate: Option<Placed<PathBuf>>,
    /// Our own certificate, PEM. A path.
    pub client_certificate: Option<Placed<PathBuf>>,
    /// Its key, PEM. A path.
    pub client_key: Option<Placed<PathBuf>>,
    /// How requests are compressed.
    pub compression: Packing,
    /// How long one attempt may take. Default 10000.
    pub timeout: Option<Millis>,
    /// Accepted where it is `cumulative`: counters count from the start.
    pub temporality_preference: Temporality,
}

/// How requests go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Protocol {
    /// Over HTTP, in protobuf.
    #[default]
    #[serde(rename = "http/protobuf")]
    Http,
    /// Over gRPC.
    #[serde(rename = "grpc/protobuf", alias = "grpc")]
    Grpc,
}

/// How requests are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Packing {
    /// Not.
    #[default]
    None,
    /// By gzip.
    Gzip,
}

/// What counters count from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Temporality {
    /// The start of the process.
    #[default]
    Cumulative,
}

/// Names and values: a map, or a list of `name` and `value`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Pairs {
    /// By name.
    Map(BTreeMap<String, Secret>),
    /// One after the other.
    List(Vec<Pair>),
}

impl Default for Pairs {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

impl Pairs {
    /// Each name with its value.
    pub fn iter(&self) -> Box<dyn Iterator<Item = (&str, &Secret)> + '_> {
        match self {
            Self::Map(map) => Box::new(map.iter().map(|(name, value)| (name.as_str(), value))),
            Self::List(list) => Box::new(list.iter().map(|pair| (pair.name.as_str(), &pair.value))),
        }
    }
}

/// A name and a value.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// The name.
    pub name: String,
    /// The value.
    pub value: Secret,
}

/// A time in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u64")]
pub struct Millis(u64);

impl TryFrom<u64> for Millis {
    type Error = &'static str;

    fn try_from(millis: u64) -> Result<Self, Self::Error> {
        match millis {
            1..=86_400_000 => Ok(Self(millis)),
            _ => Err("expected 1 to 86400000 milliseconds"),
        }
    }
}

impl From<Millis> for Duration {
    fn from(Millis(millis): Millis) -> Self {
        Self::from_millis(millis)
    }
}
