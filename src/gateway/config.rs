//! The configuration, in the Collector's shape.
//!
//! The settings of a component stand beside the component, under the names and
//! defaults that the Collector gave them; here they are put together.

pub mod component;
pub mod duration;
pub mod secret;

use std::collections::BTreeMap;

use component::ComponentId;
use component::PipelineId;

/// A whole configuration, read, expanded and checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// `receivers`
    pub receivers: BTreeMap<ComponentId, crate::gateway::receiver::Config>,
    /// `processors`
    pub processors: BTreeMap<ComponentId, ProcessorConfig>,
    /// `exporters`
    pub exporters: BTreeMap<ComponentId, crate::gateway::exporter::Config>,
    /// `extensions`
    pub extensions: BTreeMap<ComponentId, ExtensionConfig>,
    /// `service`
    pub service: ServiceConfig,
}

/// `service`: what runs.
#[derive(Clone, Debug, Default)]
pub struct ServiceConfig {
    /// Extensions that are started.
    pub extensions: Vec<ComponentId>,
    /// Our own logs and metrics.
    pub telemetry: crate::gateway::telemetry::Config,
    /// Pipelines by id.
    pub pipelines: BTreeMap<PipelineId, PipelineConfig>,
}

/// `service.pipelines.<id>`
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PipelineConfig {
    /// Where requests come from.
    pub receivers: Vec<ComponentId>,
    /// What happens to them, in order.
    #[serde(default)]
    pub processors: Vec<ComponentId>,
    /// Where they go; all must accept.
    pub exporters: Vec<ComponentId>,
}

/// The settings of a processor.
#[derive(Clone, Debug)]
pub enum ProcessorConfig {
    /// `scrubber`
    Scrubber(crate::scrub::Settings),
    /// `batch`
    Batch(crate::gateway::pipeline::batch::Config),
    /// `memory_limiter`
    MemoryLimiter(crate::gateway::pipeline::memory_limiter::Config),
}

/// The settings of an extension.
#[derive(Clone, Debug)]
pub enum ExtensionConfig {
    /// `health_check`
    HealthCheck(crate::gateway::telemetry::health::Config),
}
