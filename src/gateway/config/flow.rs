//! Pipelines that connectors join, as pipelines from receivers to exporters.
//!
//! A request that goes through a connector runs through the processors of both
//! pipelines. So each way from a receiver to exporters becomes one pipeline, with the
//! processors of all that it leads through; what a routing connector does not send that
//! way is left out by one more processor. What rules of a scrubber send away
//! (`action: route`) goes ways of its own, which begin with the connector. A sender is thereby told OK only when all that
//! its request reached have accepted it, as without connectors.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::gateway::config::Config;
use crate::gateway::config::ConnectorConfig;
use crate::gateway::config::PipelineConfig;
use crate::gateway::config::ProcessorConfig;
use crate::gateway::config::component::ComponentId;
use crate::gateway::config::component::PipelineId;
use crate::scrub::Signal;

/// How many ways there may be: pipelines that feed each other double them.
const WAYS_MAX: usize = 1_000;

/// One way through the pipelines.
#[derive(Clone, Debug)]
pub(in crate::gateway::config) struct Way {
    /// The pipelines, from the receiver on.
    pub(in crate::gateway::config) ids: Vec<PipelineId>,
    /// As one pipeline.
    pub(in crate::gateway::config) pipeline: PipelineConfig,
}

/// Why there are no ways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::gateway::config) enum NoWays {
    /// A pipeline leads to itself.
    Circle(PipelineId),
    /// There are more than [`WAYS_MAX`].
    TooMany,
}

/// Every way from receivers to exporters, and the processors that leave out what goes
/// another way.
pub(in crate::gateway::config) type Ways = (Vec<Way>, BTreeMap<ComponentId, ProcessorConfig>);

/// Finds every way.
///
/// # Errors
///
/// When a pipeline leads to itself, or there are too many.
pub(in crate::gateway::config) fn ways(config: &Config) -> Result<Ways, NoWays> {
    let mut finder = Finder { config, ways: Vec::new(), routes: BTreeMap::new() };
    for (id, pipeline) in &config.service.pipelines {
        let is_connector = |id: &&ComponentId| config.connectors.contains_key(id);
        let receivers = pipeline.receivers.iter().filter(|id| !is_connector(id)).cloned();
        let receivers: Vec<ComponentId> = receivers.collect();
        if !receivers.is_empty() {
            finder.follow(id, Way::from(receivers))?;
        }
    }
    for (connector, signal) in routes(config) {
        let way = Way::from(vec![connector.clone()]);
        finder.through(&connector, signal, &way)?;
    }
    Ok((finder.ways, finder.routes))
}

impl Way {
    fn from(receivers: Vec<ComponentId>) -> Self {
        let pipeline = PipelineConfig { receivers, ..PipelineConfig::default() };
        Self { ids: Vec::new(), pipeline }
    }

    /// Whether it takes what rules of a scrubber send away, scrubbed, from another way.
    pub(in crate::gateway::config) fn is_apart(&self, config: &Config) -> bool {
        self.pipeline.receivers.iter().all(|id| config.connectors.contains_key(id))
    }
}

/// The connectors that rules send records to, and of which signals.
pub(in crate::gateway::config) fn routes(config: &Config) -> BTreeSet<(ComponentId, Signal)> {
    let mut routes = BTreeSet::new();
    for (id, pipeline) in &config.service.pipelines {
        for processor in &pipeline.processors {
            if let Some(ProcessorConfig::Scrubber(settings)) = config.processors.get(processor)
                && let Some(Ok(route)) = settings.route.clone().map(ComponentId::try_from)
                && id.signal != Signal::Profiles
            {
                routes.insert((route, id.signal));
            }
        }
    }
    routes
}

struct Finder<'c> {
    config: &'c Config,
    ways: Vec<Way>,
    routes: BTreeMap<ComponentId, ProcessorConfig>,
}

impl Finder<'_> {
    /// Goes on from `way` into the pipeline `id`.
    fn follow(&mut self, id: &PipelineId, mut way: Way) -> Result<(), NoWays> {
        if way.ids.contains(id) {
            return Err(NoWays::Circle(id.clone()));
        }
        let Some(pipeline) = self.config.service.pipelines.get(id) else { return Ok(()) };
        way.ids.push(id.clone());
        way.pipeline.processors.extend(pipeline.processors.iter().cloned());
        let is_connector = |id: &&ComponentId| self.config.connectors.contains_key(id);
        let (connectors, exporters): (Vec<_>, Vec<_>) =
            pipeline.exporters.iter().partition(is_connector);
        if !exporters.is_empty() {
            let mut whole = way.clone();
            whole.pipeline.exporters = exporters.into_iter().cloned().collect();
            self.ways.push(whole);
            if WAYS_MAX < self.ways.len() {
                return Err(NoWays::TooMany);
            }
        }
        connectors.into_iter().try_for_each(|connector| self.through(connector, id.signal, &way))
    }

    /// Goes on from `way` into every pipeline that a connector leads to.
    fn through(
        &mut self,
        connector: &ComponentId,
        signal: Signal,
        way: &Way,
    ) -> Result<(), NoWays> {
        let takes = |(next, pipeline): &(&PipelineId, &PipelineConfig)| {
            next.signal == signal && pipeline.receivers.contains(connector)
        };
        let pipelines = self.config.service.pipelines.iter();
        let next: Vec<PipelineId> = pipelines.filter(takes).map(|(id, _)| id.clone()).collect();
        for next in next {
            let mut way = way.clone();
            if let Some(ConnectorConfig::Routing(routing)) = self.config.connectors.get(connector) {
                let Some(route) = routing.to(&next) else { continue };
                let Ok(id) = format!("{connector}/to_{next}").replace("//", "/").try_into() else {
                    continue;
                };
                way.pipeline.processors.push(ComponentId::clone(&id));
                self.routes.insert(id, ProcessorConfig::Route(route));
            }
            self.follow(&next, way)?;
        }
        Ok(())
    }
}

/// The ways as pipelines, by a name for each: of the last pipeline, and of those before
/// it where several ways end there.
pub(in crate::gateway::config) fn named(ways: Vec<Way>) -> BTreeMap<PipelineId, PipelineConfig> {
    let mut named = BTreeMap::new();
    let ends: Vec<PipelineId> = ways.iter().filter_map(|way| way.ids.last().cloned()).collect();
    for Way { mut ids, pipeline } in ways {
        let Some(mut id) = ids.pop() else { continue };
        if 1 < ends.iter().filter(|end| **end == id).count() {
            for before in ids {
                id.name = format!("{}@{}", id.name, before.name);
            }
        }
        while named.contains_key(&id) {
            id.name.push('@');
        }
        named.insert(id, pipeline);
    }
    named
}
