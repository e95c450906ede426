//! What stands behind the last scrubber of a pipeline, and may bring to light what it
//! could not see.

use std::collections::BTreeSet;

use crate::gateway::config::Config;
use crate::gateway::config::PipelineConfig;
use crate::gateway::config::ProcessorConfig;
use crate::gateway::config::component::ComponentId;
use crate::gateway::processors::Built;
use crate::scrub::Signal;
use crate::scrub::chain::Processor;
use crate::scrub::ottl;
use crate::scrub::yaml::Origin;

/// A warning for each statement and action that can. Those that only remove, cut or put in
/// what the configuration says are passed over.
pub fn warnings(config: &Config, built: &Built) -> Vec<String> {
    let mut warnings = BTreeSet::new();
    for (pipeline, settings) in &config.service.pipelines {
        let scrubs = |id: &ComponentId| {
            matches!(config.processors.get(id), Some(ProcessorConfig::Scrubber(_)))
        };
        let last = settings.processors.iter().rposition(scrubs);
        let scrubbers: Vec<&ComponentId> = match last {
            Some(last) => settings.processors.get(last).into_iter().collect(),
            None => before(config, settings),
        };
        for id in settings.processors.iter().skip(last.map_or(0, |last| last + 1)) {
            for scrubber in &scrubbers {
                let Some((origin, found)) = found(config, built, pipeline.signal, id, scrubber)
                else {
                    continue;
                };
                for (setting, what) in found {
                    let what = format!("behind `{scrubber}` in {pipeline}, {what}");
                    let advice = format!("put `{id}` in front of `{scrubber}`");
                    let fault = origin.fault(&setting, &what, &advice);
                    warnings.insert(fault.within(&format!("processors.{id}")).to_string());
                }
            }
        }
    }
    warnings.into_iter().collect()
}

/// The scrubbers whose routed records a pipeline takes.
fn before<'c>(config: &'c Config, pipeline: &PipelineConfig) -> Vec<&'c ComponentId> {
    let sends = |settings: &ProcessorConfig| match settings {
        ProcessorConfig::Scrubber(settings) => settings.route.as_ref().is_some_and(|route| {
            pipeline.receivers.iter().any(|receiver| receiver.to_string() == *route)
        }),
        _ => false,
    };
    let sends = config.processors.iter().filter(|(_, settings)| sends(settings));
    sends.map(|(id, _)| id).collect()
}

/// Settings of a processor, and what each does.
type Found<'c> = (&'c Origin, Vec<(String, String)>);

fn found<'c>(
    config: &'c Config,
    built: &Built,
    signal: Signal,
    id: &ComponentId,
    scrubber: &ComponentId,
) -> Option<Found<'c>> {
    let scrubber = built.processors.get(scrubber)?.scrubber()?;
    let tells = |key: &[u8]| scrubber.tells(key);
    let (origin, list) = match config.processors.get(id)? {
        ProcessorConfig::Transform(settings) => (&settings.origin, ""),
        ProcessorConfig::Attributes(settings) => (&settings.origin, "actions"),
        ProcessorConfig::Resource(settings) => (&settings.origin, "attributes"),
        _ => return None,
    };
    let found = match built.processors.get(id)? {
        Processor::Transform(transform) => transform.reopens(signal, &tells),
        Processor::Actions(actions) => {
            let found = actions.reopens(&tells).into_iter();
            found.map(|(at, key)| (format!("{list}[{at}]"), ottl::under(key.as_bytes()))).collect()
        }
        _ => return None,
    };
    Some((origin, found))
}
