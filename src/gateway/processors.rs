//! Builds the processors that requests are shown to.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::gateway::config::Config;
use crate::gateway::config::ProcessorConfig;
use crate::gateway::config::component::ComponentId;
use crate::scrub::Redactor;
use crate::scrub::Scrubber;
use crate::scrub::Settings;
use crate::scrub::actions::Actions;
use crate::scrub::chain::Processor;
use crate::scrub::ottl::Filter;
use crate::scrub::ottl::Transform;
use crate::scrub::yaml::YamlError;

/// Builds each processor of the configuration that changes requests, used or not.
///
/// # Errors
///
/// The first fault in their settings.
pub fn build(config: &Config) -> Result<BTreeMap<ComponentId, Processor>, YamlError> {
    let mut processors = BTreeMap::new();
    for (id, settings) in &config.processors {
        let built = match settings {
            ProcessorConfig::Scrubber(settings) => {
                Scrubber::new(settings).map(|built| Processor::Scrubber(Arc::new(built)))
            }
            ProcessorConfig::Redaction(settings) => {
                Redactor::new(settings).map(|built| Processor::Redaction(Arc::new(built)))
            }
            ProcessorConfig::Attributes(settings) => {
                Actions::on_attributes(settings).map(|built| Processor::Actions(Arc::new(built)))
            }
            ProcessorConfig::Resource(settings) => {
                Actions::on_resources(settings).map(|built| Processor::Actions(Arc::new(built)))
            }
            ProcessorConfig::Transform(settings) => {
                Transform::new(settings).map(|built| Processor::Transform(Arc::new(built)))
            }
            ProcessorConfig::Filter(settings) => {
                Filter::new(settings).map(|built| Processor::Filter(Arc::new(built)))
            }
            ProcessorConfig::Route(route) => {
                let signal = config.signal_of(id);
                Filter::route(signal, route).map(|built| Processor::Route(Arc::new(built)))
            }
            ProcessorConfig::Batch(_) | ProcessorConfig::MemoryLimiter(_) => continue,
        };
        let built = built.map_err(|fault| fault.within(&format!("processors.{id}")))?;
        processors.insert(id.clone(), built);
    }
    Ok(processors)
}

/// The scrubbers among `processors`; the default one where there is none, since what
/// an upstream says is scrubbed in any case.
///
/// # Errors
///
/// None: the shipped rules are tested.
pub fn scrubbers<'p>(
    processors: impl Iterator<Item = &'p Processor>,
) -> Result<Vec<Arc<Scrubber>>, YamlError> {
    let mut scrubbers: Vec<_> = processors.filter_map(Processor::scrubber).cloned().collect();
    if scrubbers.is_empty() {
        scrubbers.push(Arc::new(Scrubber::new(&Settings::default())?));
    }
    Ok(scrubbers)
}
