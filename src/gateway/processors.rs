//! Builds the processors that requests are shown to.

pub mod behind;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::gateway::config::Config;
use crate::gateway::config::ProcessorConfig;
use crate::gateway::config::component::ComponentId;
use crate::gateway::pipeline::shadow::Shadow;
use crate::gateway::telemetry::ledger::Ledger;
use crate::scrub::Redactor;
use crate::scrub::Scrubber;
use crate::scrub::Settings;
use crate::scrub::actions::Actions;
use crate::scrub::chain::Processor;
use crate::scrub::ottl::Filter;
use crate::scrub::ottl::Transform;
use crate::scrub::prove;
use crate::scrub::yaml::YamlError;

/// The processors of a configuration.
#[derive(Debug, Default)]
pub struct Built {
    /// Each that changes requests.
    pub processors: BTreeMap<ComponentId, Processor>,
    /// The candidates of scrubbers that have one.
    pub shadows: BTreeMap<ComponentId, Arc<Shadow>>,
}

/// Builds each processor of the configuration that changes requests, used or not. Rules
/// of the user are held against their own examples: one that does not do what it says
/// does not run.
///
/// # Errors
///
/// The first fault in their settings.
pub fn build(config: &Config) -> Result<Built, YamlError> {
    build_all(config).map_err(|fault| config.placed(fault))
}

fn build_all(config: &Config) -> Result<Built, YamlError> {
    let mut all = Built::default();
    for (id, settings) in &config.processors {
        let within = |fault: YamlError| fault.within(&format!("processors.{id}"));
        let built = match settings {
            ProcessorConfig::Scrubber(settings) => {
                if let Some(shadow) = shadow(id, settings).map_err(within)? {
                    all.shadows.insert(id.clone(), Arc::new(shadow));
                }
                let built = Scrubber::new(settings).map_err(within)?;
                has_route(settings, &built).map_err(within)?;
                prove::own(settings, &built).map_err(within)?;
                Ok(Processor::Scrubber(Arc::new(built)))
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
            ProcessorConfig::Batch(batch) => {
                batch.check().map_err(within)?;
                continue;
            }
            ProcessorConfig::MemoryLimiter(limiter) => {
                limiter.bytes_max(&format!("processors.{id}"))?;
                continue;
            }
        };
        all.processors.insert(id.clone(), built.map_err(within)?);
    }
    Ok(all)
}

/// Where a rule sends records elsewhere, the settings say where.
fn has_route(settings: &Settings, scrubber: &Scrubber) -> Result<(), YamlError> {
    let Some(rule) = scrubber.routes().filter(|_| settings.route.is_none()) else { return Ok(()) };
    let expected = format!("the rule `{}` has `action: route`, and nothing says where to", rule.id);
    let advice = "write `route: forward`, a connector that a pipeline has as a receiver";
    Err(settings.origin.fault("route", &expected, advice))
}

fn shadow(id: &ComponentId, settings: &Settings) -> Result<Option<Shadow>, YamlError> {
    let (Some(shadow), Some(candidate)) = (&settings.shadow, &settings.candidate) else {
        return Ok(None);
    };
    let scrubber = Scrubber::new(candidate)?;
    prove::own(candidate, &scrubber)?;
    let shadow = Shadow::new(&id.to_string(), scrubber, shadow.sample_ratio, settings.dry_run);
    Ok(Some(shadow))
}

impl Built {
    /// The scrubbers; the default one where there is none, since what an upstream says is
    /// scrubbed in any case.
    ///
    /// # Errors
    ///
    /// None: the shipped rules are tested.
    pub fn scrubbers(&self) -> Result<Vec<Arc<Scrubber>>, YamlError> {
        let scrubbers = self.processors.values().filter_map(Processor::scrubber);
        let mut scrubbers: Vec<_> = scrubbers.cloned().collect();
        if scrubbers.is_empty() {
            scrubbers.push(Arc::new(Scrubber::new(&Settings::default())?));
        }
        Ok(scrubbers)
    }

    /// Says which rules run from now on.
    pub fn tell(&self, ledger: &Ledger) {
        for (id, processor) in &self.processors {
            if let Some(scrubber) = processor.scrubber() {
                ledger.runs(&id.to_string(), scrubber.rules());
            }
        }
    }
}
