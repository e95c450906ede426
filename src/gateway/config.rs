//! The configuration, in the Collector's shape.
//!
//! The settings of a component stand beside the component, under the names and
//! defaults that the Collector gave them; here they are put together:
//! [`source`] reads the YAML texts and lays them over each other, [`expand`] puts
//! in variables and files, `read` turns each section into its type, `check` holds
//! the sections against each other.

mod check;
pub mod component;
pub mod duration;
pub mod elsewhere;
pub mod environment;
pub mod expand;
mod flow;
pub mod header;
pub mod inventory;
pub mod permissions;
mod read;
pub mod routing;
pub mod secret;
pub mod source;
mod spelling;

use std::collections::BTreeMap;

use crate::gateway::config::component::ComponentId;
use crate::gateway::config::component::PipelineId;
use crate::gateway::config::environment::Environment;
use crate::scrub::yaml;
use crate::scrub::yaml::Node;
use crate::scrub::yaml::Origin;
use crate::scrub::yaml::YamlError;

/// What runs when nothing else is asked for.
pub const DEFAULT_YAML: &str = include_str!("../../config/default.yaml");

/// A whole configuration, read, expanded and checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// `receivers`
    pub receivers: BTreeMap<ComponentId, crate::gateway::receiver::Config>,
    /// `processors`
    pub processors: BTreeMap<ComponentId, ProcessorConfig>,
    /// `exporters`
    pub exporters: BTreeMap<ComponentId, crate::gateway::exporter::Config>,
    /// `connectors`; once [`Config::load`] is through, pipelines lead from receivers to
    /// exporters without them.
    pub connectors: BTreeMap<ComponentId, ConnectorConfig>,
    /// `extensions`
    pub extensions: BTreeMap<ComponentId, ExtensionConfig>,
    /// `service`
    pub service: ServiceConfig,
    /// Where it stands, for what only its parts find out as they are built. Without values:
    /// it stays, and some are secret.
    pub origin: Origin,
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
#[serde(deny_unknown_fields, default)]
pub struct PipelineConfig {
    /// Where requests come from.
    pub receivers: Vec<ComponentId>,
    /// What happens to them, in order.
    pub processors: Vec<ComponentId>,
    /// Where they go; all must accept.
    pub exporters: Vec<ComponentId>,
}

/// The settings of a processor.
#[derive(Clone, Debug)]
pub enum ProcessorConfig {
    /// `scrubber`
    Scrubber(Box<crate::scrub::Settings>),
    /// `redaction`
    Redaction(Box<crate::scrub::redaction::Settings>),
    /// `attributes`
    Attributes(Box<crate::scrub::actions::AttributesSettings>),
    /// `resource`
    Resource(crate::scrub::actions::ResourceSettings),
    /// `transform`
    Transform(Box<crate::scrub::ottl::TransformSettings>),
    /// `filter`
    Filter(Box<crate::scrub::ottl::FilterSettings>),
    /// What leaves out the resources that a `routing` connector sends elsewhere.
    Route(crate::scrub::ottl::RouteSettings),
    /// `batch`
    Batch(crate::gateway::pipeline::batch::Config),
    /// `memory_limiter`
    MemoryLimiter(crate::gateway::pipeline::memory_limiter::Config),
}

/// The settings of a connector.
#[derive(Clone, Debug)]
pub enum ConnectorConfig {
    /// `forward`
    Forward,
    /// `routing`
    Routing(crate::gateway::config::routing::RoutingConfig),
}

/// The settings of an extension.
#[derive(Clone, Debug)]
pub enum ExtensionConfig {
    /// `health_check`
    HealthCheck(crate::gateway::telemetry::health::Config),
    /// `zpages`
    Zpages(crate::gateway::telemetry::zpages::Config),
    /// `admin`
    Admin(crate::gateway::telemetry::admin::Config),
    /// `bearertokenauth`
    BearerToken(crate::gateway::auth::bearer::Config),
    /// `basicauth`
    Basic(crate::gateway::auth::basic::Config),
    /// `oidc`
    Oidc(crate::gateway::auth::oidc::Config),
    /// `oauth2client`
    OAuth2(crate::gateway::auth::oauth2::Config),
    /// `file_storage`
    FileStorage(crate::gateway::queue::storage::Config),
    /// One that the Collector has, and that does nothing here.
    Accepted,
}

/// Why there is no configuration. Names places, never values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A place that the command line names cannot be read.
    #[error("{place}: {reason}")]
    Unreadable {
        /// The place, as the command line has it.
        place: String,
        /// Why.
        reason: String,
    },
    /// Something in the YAML is wrong.
    #[error(transparent)]
    Fault(#[from] YamlError),
}

/// A configuration, and what its author should know about it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Variables that are not set, names that are old: each a line for the log.
    pub warnings: Vec<String>,
}

impl Config {
    /// A fault of a part, with its line.
    pub fn placed(&self, fault: YamlError) -> YamlError {
        match &self.origin.node {
            Some(root) => fault.placed(root),
            None => fault,
        }
    }

    /// What the pipelines of an exporter carry.
    pub fn signals_of(&self, exporter: &ComponentId) -> Vec<crate::scrub::Signal> {
        let used = self.service.pipelines.iter().filter(|(_, p)| p.exporters.contains(exporter));
        let mut signals: Vec<_> = used.map(|(id, _)| id.signal).collect();
        signals.dedup();
        signals
    }

    /// What the first pipeline with a processor carries.
    pub fn signal_of(&self, processor: &ComponentId) -> crate::scrub::Signal {
        let mut used = self.service.pipelines.iter();
        let used = used.find(|(_, pipeline)| pipeline.processors.contains(processor));
        used.map_or(crate::scrub::Signal::Traces, |(id, _)| id.signal)
    }

    /// Reads each `--config` in order, lays each `--set` over it, expands and checks
    /// the whole. Without any `--config`, [`DEFAULT_YAML`] takes its place.
    ///
    /// # Errors
    ///
    /// The first fault.
    pub fn load(
        configs: &[String],
        sets: &[String],
        environment: &dyn Environment,
    ) -> Result<Loaded, ConfigError> {
        let mut whole = Node::null();
        if configs.is_empty() {
            whole = yaml::parse(DEFAULT_YAML, Some("the default configuration".into()))?;
        }
        for config in configs {
            whole.merge(source::read(config, environment)?);
        }
        let mut warnings = Vec::new();
        for set in sets {
            whole.merge(source::set(set)?);
            warnings.extend(source::exposed(set));
        }
        let mut loaded = Self::of(whole, environment)?;
        warnings.append(&mut loaded.warnings);
        Ok(Loaded { warnings, ..loaded })
    }

    /// Expands and checks one tree.
    ///
    /// # Errors
    ///
    /// The first fault.
    pub fn of(mut whole: Node, environment: &dyn Environment) -> Result<Loaded, ConfigError> {
        let mut warnings = Vec::new();
        expand::expand(&mut whole, environment, &mut warnings)?;
        let mut config = read::read(&whole, environment, &mut warnings)?;
        let (ways, routes) = check::check(&config, &whole, &mut warnings)?;
        config.service.pipelines = flow::named(ways);
        config.processors.extend(routes);
        config.origin = Origin::new(String::new(), Some(&whole.outline()));
        warnings.dedup();
        Ok(Loaded { config, warnings })
    }
}
