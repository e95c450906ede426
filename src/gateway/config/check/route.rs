//! Where rules with `action: route` send records: `processors.scrubber.route`.

use crate::gateway::config::Config;
use crate::gateway::config::ProcessorConfig;
use crate::gateway::config::check::At;
use crate::gateway::config::component::ComponentId;
use crate::gateway::config::flow::Way;
use crate::scrub::Signal;
use crate::scrub::yaml::Node;
use crate::scrub::yaml::YamlError;
use crate::scrub::yaml::closest;
use crate::scrub::yaml::shown;

/// Every `route` names a connector, and a pipeline of each signal begins with it.
///
/// # Errors
///
/// The first that does not.
pub(in crate::gateway::config::check) fn check(
    config: &Config,
    root: &Node,
) -> Result<(), YamlError> {
    let at = At { path: "processors".to_owned(), node: root.get("processors") };
    for (id, processor) in &config.processors {
        let ProcessorConfig::Scrubber(settings) = processor else { continue };
        let Some(route) = &settings.route else { continue };
        let at = at.under(&id.to_string()).under("route");
        let connector = ComponentId::try_from(route.clone());
        let connector = connector.ok().filter(|id| config.connectors.contains_key(id));
        let Some(connector) = connector else {
            let names: Vec<String> = config.connectors.keys().map(ToString::to_string).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let shown = shown::unknown(route, &names);
            let advice = match names.is_empty() {
                true => format!("add `{shown}:` under `connectors:`, where it is `forward/NAME`"),
                false => closest::advice(route, &names).replace("accepted:", "defined:"),
            };
            let expected = format!("`{shown}` is not defined under `connectors`");
            return Err(at.fault(&expected, &advice));
        };
        let uses = config.service.pipelines.iter().filter(|(_, used)| used.processors.contains(id));
        for (pipeline, _) in uses.filter(|(pipeline, _)| pipeline.signal != Signal::Profiles) {
            let mut others = config.service.pipelines.iter();
            let takes = others.any(|(other, settings)| {
                other.signal == pipeline.signal && settings.receivers.contains(&connector)
            });
            if !takes {
                let name = pipeline.signal.name();
                let expected = format!("no pipeline of {name} has `{connector}` as a receiver");
                let advice = format!(
                    "add a pipeline `{name}/quarantine: {{receivers: [{connector}], exporters: […]}}`"
                );
                return Err(at.fault(&expected, &advice));
            }
        }
    }
    Ok(())
}

/// What was sent away is not sent away again.
///
/// # Errors
///
/// When a scrubber on such a way has a `route`.
pub(in crate::gateway::config::check) fn check_apart(
    config: &Config,
    way: &Way,
    processors: &At<'_>,
) -> Result<(), YamlError> {
    let again = way.pipeline.processors.iter().find(|id| match config.processors.get(id) {
        Some(ProcessorConfig::Scrubber(settings)) => settings.route.is_some(),
        _ => false,
    });
    let Some(again) = again else { return Ok(()) };
    let expected = format!("`{again}` has a `route`, and what comes here was sent by one");
    Err(processors.fault(&expected, "take it out: what comes here is scrubbed"))
}
