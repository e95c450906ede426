//! Pipelines, from their settings.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::gateway::config::Config;
use crate::gateway::config::PipelineConfig;
use crate::gateway::config::ProcessorConfig;
use crate::gateway::config::component::ComponentId;
use crate::gateway::config::component::PipelineId;
use crate::gateway::exporter::Exporter;
use crate::gateway::pipeline::Apart;
use crate::gateway::pipeline::Aparts;
use crate::gateway::pipeline::Pipeline;
use crate::gateway::pipeline::Step;
use crate::gateway::pipeline::batch;
use crate::gateway::processors::Built;
use crate::gateway::telemetry::metrics::Metrics;
use crate::scrub::Signal;
use crate::scrub::yaml::YamlError;

/// What pipelines are put together from.
pub(in crate::gateway::run) struct Parts<'p> {
    pub(in crate::gateway::run) config: &'p Config,
    pub(in crate::gateway::run) processors: &'p Built,
    pub(in crate::gateway::run) exporters: &'p BTreeMap<ComponentId, Arc<Exporter>>,
    pub(in crate::gateway::run) metrics: &'p Metrics,
}

impl<'p> Parts<'p> {
    /// The pipelines that take what rules of others send away.
    pub(in crate::gateway::run) fn aparts(
        &self,
    ) -> Result<Vec<(PipelineId, Arc<Apart>)>, YamlError> {
        let own = self.config.service.pipelines.iter();
        own.filter(|(_, settings)| self.connectors(settings).next().is_some())
            .map(|(id, settings)| {
                let steps = steps(id, self.config, self.processors)?;
                let (batch, exporters) = (self.batch(settings), self.exporters(id, settings)?);
                let apart = Apart::new(id, steps, batch, exporters, self.metrics.clone());
                Ok((id.clone(), Arc::new(apart)))
            })
            .collect()
    }

    /// The pipelines that receivers feed.
    pub(in crate::gateway::run) fn pipelines(
        &self,
        aparts: &[(PipelineId, Arc<Apart>)],
    ) -> Result<Vec<(PipelineId, Arc<Pipeline>)>, YamlError> {
        let own = self.config.service.pipelines.iter();
        own.filter(|(_, settings)| self.connectors(settings).next().is_none())
            .map(|(id, settings)| {
                let pipeline = self.pipeline(id, settings)?;
                let pipeline = pipeline.with_aparts(self.behind(id.signal, aparts));
                let pipeline = pipeline.with_limiter(self.limiter(settings));
                let steps = pipeline.admits_own();
                steps.map_err(|unknown| no_apart(id, &unknown))?;
                Ok((id.clone(), Arc::new(pipeline)))
            })
            .collect()
    }

    fn pipeline(&self, id: &PipelineId, settings: &PipelineConfig) -> Result<Pipeline, YamlError> {
        let steps = steps(id, self.config, self.processors)?;
        let (batch, exporters) = (self.batch(settings), self.exporters(id, settings)?);
        Pipeline::new(id, steps, batch, exporters, self.metrics.clone())
            .map_err(|err| fault(id, "processors", err.to_string()))
    }

    /// The connectors that a pipeline begins with; those that pipelines end with are part of
    /// them already.
    fn connectors(&self, settings: &'p PipelineConfig) -> impl Iterator<Item = &'p ComponentId> {
        let is_connector = |id: &&ComponentId| self.config.connectors.contains_key(id);
        settings.receivers.iter().filter(is_connector)
    }

    fn behind(&self, signal: Signal, aparts: &[(PipelineId, Arc<Apart>)]) -> Aparts {
        let own = aparts.iter().filter(|(id, _)| id.signal == signal);
        Aparts::new(own.flat_map(|(id, apart)| {
            let settings = self.config.service.pipelines.get(id);
            let connectors = settings.into_iter().flat_map(|settings| self.connectors(settings));
            connectors.map(|connector| (connector.to_string().into(), Arc::clone(apart)))
        }))
    }

    fn batch(&self, settings: &PipelineConfig) -> Option<batch::Named<'p>> {
        settings.processors.iter().find_map(|id| match self.config.processors.get(id) {
            Some(ProcessorConfig::Batch(batch)) => Some((id.to_string().into(), batch)),
            _ => None,
        })
    }

    fn limiter(&self, settings: &PipelineConfig) -> Option<Arc<str>> {
        let is_limiter = |id: &&ComponentId| {
            matches!(self.config.processors.get(id), Some(ProcessorConfig::MemoryLimiter(_)))
        };
        settings.processors.iter().find(is_limiter).map(|id| id.to_string().into())
    }

    fn exporters(
        &self,
        id: &PipelineId,
        settings: &PipelineConfig,
    ) -> Result<Vec<Arc<Exporter>>, YamlError> {
        let mut targets = Vec::new();
        for exporter in &settings.exporters {
            let target = self.exporters.get(exporter).map(Arc::clone);
            let unknown = || fault(id, "exporters", format!("{exporter} is not defined"));
            targets.push(target.ok_or_else(unknown)?);
        }
        match targets.is_empty() {
            true => Err(fault(id, "exporters", "expected at least one exporter".to_owned())),
            false => Ok(targets),
        }
    }
}

fn fault(id: &PipelineId, name: &str, expected: String) -> YamlError {
    YamlError::new(format!("service.pipelines.{id}.{name}"), expected)
}

/// Records are to leave for a connector behind which nothing runs.
pub(in crate::gateway) fn no_apart(id: &PipelineId, connector: &str) -> YamlError {
    let expected = format!(
        "no pipeline of {} that runs has `{connector}` as a receiver: a restart adds one",
        id.signal.name()
    );
    fault(id, "processors", expected)
}

/// What a pipeline does with requests, in order.
pub(in crate::gateway) fn steps(
    id: &PipelineId,
    config: &Config,
    built: &Built,
) -> Result<Vec<Step>, YamlError> {
    let fault = |expected: String| YamlError::new(format!("service.pipelines.{id}"), expected);
    let Some(settings) = config.service.pipelines.get(id) else {
        let expected = "expected the pipelines that run: a restart takes one away, or adds one";
        return Err(fault(expected.to_owned()));
    };
    let mut steps = Vec::new();
    for processor in &settings.processors {
        let route = match config.processors.get(processor) {
            None => return Err(fault(format!("{processor} is not defined"))),
            // Joins what is scrubbed, wherever it stands.
            Some(ProcessorConfig::Batch(_)) => continue,
            // Counted for all pipelines together, before requests are read.
            Some(ProcessorConfig::MemoryLimiter(_)) => continue,
            Some(ProcessorConfig::Scrubber(settings)) => settings.route.as_deref().map(Into::into),
            Some(_) => None,
        };
        let shadow = built.shadows.get(processor).cloned();
        let id = processor.to_string().into();
        let processor = built.processors.get(processor).cloned();
        steps.extend(processor.map(|processor| Step { id, processor, shadow, route }));
    }
    Ok(steps)
}
