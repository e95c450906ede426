//! What two places of a configuration must agree on.

mod route;

use crate::gateway::auth;
use crate::gateway::config::Config;
use crate::gateway::config::ConnectorConfig;
use crate::gateway::config::ExtensionConfig;
use crate::gateway::config::PipelineConfig;
use crate::gateway::config::ProcessorConfig;
use crate::gateway::config::component::ComponentId;
use crate::gateway::config::component::PipelineId;
use crate::gateway::config::flow;
use crate::gateway::config::flow::NoWays;
use crate::gateway::config::flow::Ways;
use crate::gateway::receiver;
use crate::scrub::Signal;
use crate::scrub::redaction::NOT_COVERED;
use crate::scrub::yaml::Node;
use crate::scrub::yaml::Place;
use crate::scrub::yaml::Value;
use crate::scrub::yaml::YamlError;
use crate::scrub::yaml::closest;
use crate::scrub::yaml::shown;

/// Holds the sections against each other. `root` is asked for places only.
///
/// # Errors
///
/// The first pipeline that cannot run, or would forward what was not scrubbed. One
/// that only has a `redaction` runs, with a warning.
pub(in crate::gateway::config) fn check(
    config: &Config,
    root: &Node,
    warnings: &mut Vec<String>,
) -> Result<Ways, YamlError> {
    let nothing = |what: &str| YamlError::at(what, "expected at least one", &Place::default(), "");
    if config.receivers.is_empty() {
        return Err(nothing("receivers"));
    }
    if config.exporters.is_empty() {
        return Err(nothing("exporters"));
    }
    if config.service.pipelines.is_empty() {
        return Err(nothing("service.pipelines"));
    }
    let service = At { path: "service".to_owned(), node: root.get("service") };
    let extensions = service.under("extensions");
    defined(&config.service.extensions, config.extensions.keys(), "extensions", &extensions)?;
    check_protocols(config, root)?;
    check_authenticators(config, root)?;
    check_admin(config, root)?;
    for (id, exporter) in &config.exporters {
        if let Some(queue) = exporter.sending_queue() {
            queue.check(&format!("exporters.{id}")).map_err(|fault| fault.placed(root))?;
        }
        let storage = exporter.sending_queue().and_then(|queue| queue.storage.as_ref());
        if let Some(storage) = storage {
            let exporters = At { path: "exporters".to_owned(), node: root.get("exporters") };
            let queue = exporters.under(&id.to_string()).under("sending_queue");
            check_storage(config, storage, &queue.under("storage"))?;
        }
    }
    for (id, pipeline) in &config.service.pipelines {
        let at = service.under("pipelines").pipeline(id);
        check_pipeline(config, pipeline, &at)?;
        check_matching(config, id.signal, pipeline, root)?;
    }
    route::check(config, root)?;
    for (id, connector) in &config.connectors {
        check_connector(config, id, connector, root, warnings)?;
    }
    let found = flow::ways(config).map_err(|none| match none {
        NoWays::Circle(id) => {
            let at = service.under("pipelines").pipeline(&id);
            at.fault("this pipeline leads to itself through connectors", "")
        }
        NoWays::TooMany => service.under("pipelines").fault("these pipelines lead to too many", ""),
    })?;
    let mut partly: Vec<Partly> = Vec::new();
    for way in &found.0 {
        if let Some(id) = way.ids.last() {
            let at = service.under("pipelines").pipeline(id).under("processors");
            if way.is_apart(config) {
                route::check_apart(config, way, &at)?;
            } else if let Some(one) = check_scrubs(config, id, &way.pipeline, &at)? {
                match partly.iter_mut().find(|other| other.redaction == one.redaction) {
                    Some(other) => other.pipelines.extend(one.pipelines),
                    None => partly.push(one),
                }
            }
        }
    }
    warnings.extend(partly.iter().map(Partly::warning));
    Ok(found)
}

/// Pipelines that have this `redaction` and no scrubber.
struct Partly {
    redaction: ComponentId,
    pipelines: Vec<PipelineId>,
    /// What is to be known of the first.
    fault: YamlError,
}

impl Partly {
    /// One line, however many the pipelines.
    fn warning(&self) -> String {
        let others = self.pipelines.iter().skip(1).map(|id| format!("`{id}`"));
        let others: Vec<String> = others.collect();
        match others.is_empty() {
            true => self.fault.to_string(),
            false => format!("{}; the same in {}", self.fault, others.join(", ")),
        }
    }
}

/// A connector ends one pipeline and begins another, of one signal.
fn check_connector(
    config: &Config,
    id: &ComponentId,
    connector: &ConnectorConfig,
    root: &Node,
    warnings: &mut Vec<String>,
) -> Result<(), YamlError> {
    let at = At { path: "connectors".to_owned(), node: root.get("connectors") };
    let at = at.under(&id.to_string());
    let pipelines = &config.service.pipelines;
    let ends: Vec<_> = pipelines.iter().filter(|(_, one)| one.exporters.contains(id)).collect();
    let begins: Vec<_> = pipelines.iter().filter(|(_, one)| one.receivers.contains(id)).collect();
    if ends.is_empty() && begins.is_empty() {
        return Ok(());
    }
    // Rules of a scrubber may end a pipeline with it, too.
    let is_route = |signal| flow::routes(config).contains(&(id.clone(), signal));
    for (end, _) in &ends {
        if !begins.iter().any(|(begin, _)| begin.signal == end.signal) {
            let expected = format!("no pipeline of {} has it as a receiver", end.signal.name());
            return Err(at.fault(&expected, "add it to the `receivers` of one"));
        }
        if end.signal == Signal::Profiles {
            return Err(at.fault("connectors take no profiles here", ""));
        }
    }
    if let Some((begin, _)) = begins
        .iter()
        .filter(|(begin, _)| !is_route(begin.signal))
        .find(|(begin, _)| !ends.iter().any(|(end, _)| end.signal == begin.signal))
    {
        let expected = format!("no pipeline of {} has it as an exporter", begin.signal.name());
        return Err(at.fault(&expected, "add it to the `exporters` of one"));
    }
    let ConnectorConfig::Routing(routing) = connector else { return Ok(()) };
    if let Some(unknown) = routing.pipelines().find(|to| !begins.iter().any(|(id, _)| id == to)) {
        let unknown = unknown.to_string();
        let unknown = shown::name(&unknown);
        let expected = format!("`{unknown}` is no pipeline that has it as a receiver");
        return Err(at.fault(&expected, &format!("add `{id}` to its `receivers`")));
    }
    if routing.default_pipelines.is_empty() {
        let fault =
            at.fault("resources that no entry takes are dropped", "add `default_pipelines`");
        warnings.push(fault.to_string());
    }
    begins.iter().try_for_each(|(begin, _)| routing.check(begin.signal))
}

/// A receiver listens somewhere.
fn check_protocols(config: &Config, root: &Node) -> Result<(), YamlError> {
    for (id, receiver::Config::Otlp(receiver)) in &config.receivers {
        let protocols = &receiver.protocols;
        if protocols.grpc.is_none() && protocols.http.is_none() {
            let at = At { path: "receivers".to_owned(), node: root.get("receivers") };
            let at = at.under(&id.to_string()).under("protocols");
            return Err(at.fault("expected at least one of grpc and http", ""));
        }
    }
    Ok(())
}

/// Every `auth.authenticator` names an extension that runs and is of a fitting type.
fn check_authenticators(config: &Config, root: &Node) -> Result<(), YamlError> {
    let section = |name: &str, id: &ComponentId| {
        let at = At { path: name.to_owned(), node: root.get(name) };
        at.under(&id.to_string())
    };
    for (id, receiver::Config::Otlp(receiver)) in &config.receivers {
        let at = section("receivers", id).under("protocols");
        let grpc = receiver.protocols.grpc.as_ref().and_then(|grpc| grpc.auth.as_ref());
        check_authenticator(config, grpc, &at.under("grpc"), auth::SERVER_KINDS)?;
        let http = receiver.protocols.http.as_ref().and_then(|http| http.auth.as_ref());
        check_authenticator(config, http, &at.under("http"), auth::SERVER_KINDS)?;
    }
    for (id, exporter) in &config.exporters {
        let at = section("exporters", id);
        check_authenticator(config, exporter.auth(), &at, auth::CLIENT_KINDS)?;
    }
    Ok(())
}

/// Who may ask what the gateway does is known, or on this machine.
fn check_admin(config: &Config, root: &Node) -> Result<(), YamlError> {
    for (id, extension) in &config.extensions {
        let ExtensionConfig::Admin(admin) = extension else { continue };
        let at = At { path: "extensions".to_owned(), node: root.get("extensions") };
        let at = at.under(&id.to_string());
        check_authenticator(config, admin.auth.as_ref(), &at, auth::SERVER_KINDS)?;
        if admin.auth.is_none() && !admin.is_loopback() {
            let expected = "expected a loopback address, such as localhost:13134";
            let advice = "or `auth: {authenticator: ID}`, which says who may ask";
            return Err(at.under("endpoint").fault(expected, advice));
        }
    }
    Ok(())
}

fn check_authenticator(
    config: &Config,
    auth: Option<&auth::Config>,
    at: &At<'_>,
    kinds: &[&str],
) -> Result<(), YamlError> {
    let Some(auth::Config { authenticator }) = auth else { return Ok(()) };
    let at = at.under("auth").under("authenticator");
    let fits = |id: &&ComponentId| kinds.contains(&id.kind());
    let fitting: Vec<String> =
        config.extensions.keys().filter(fits).map(ToString::to_string).collect();
    let fitting: Vec<&str> = fitting.iter().map(String::as_str).collect();
    let name = authenticator.to_string();
    if !fitting.contains(&name.as_str()) {
        let advice = match fitting.is_empty() {
            true => format!("accepted types: {}", kinds.join(", ")),
            false => closest::advice(&name, &fitting).replace("accepted:", "defined:"),
        };
        let shown = match config.extensions.contains_key(authenticator) {
            true => shown::name(&name),
            false => shown::unknown(&name, &fitting),
        };
        let expected = format!("`{shown}` is no extension that can do this");
        return Err(at.fault(&expected, &advice));
    }
    if !config.service.extensions.contains(authenticator) {
        let expected = format!("`{name}` does not run");
        return Err(at.fault(&expected, "add it to `service.extensions`"));
    }
    Ok(())
}

/// A storage is defined, is one, and is started.
fn check_storage(config: &Config, storage: &ComponentId, at: &At<'_>) -> Result<(), YamlError> {
    let storages = config.extensions.iter().filter_map(|(id, extension)| match extension {
        ExtensionConfig::FileStorage(_) => Some(id),
        _ => None,
    });
    if !config.extensions.contains_key(storage) {
        let names: Vec<String> = storages.map(ComponentId::to_string).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let advice = match names.is_empty() {
            true => "add `file_storage:` under `extensions:`".to_owned(),
            false => closest::advice(&storage.to_string(), &names).replace("accepted:", "defined:"),
        };
        let shown = storage.to_string();
        let shown = shown::unknown(&shown, &names);
        let expected = format!("`{shown}` is not defined under `extensions`");
        return Err(at.fault(&expected, &advice));
    }
    if !storages.into_iter().any(|id| id == storage) {
        return Err(at.fault(&format!("`{storage}` is no storage"), "accepted: file_storage"));
    }
    if !config.service.extensions.contains(storage) {
        let advice = format!("add `{storage}` to `service.extensions`");
        return Err(at.fault(&format!("`{storage}` is not started"), &advice));
    }
    Ok(())
}

fn check_pipeline(
    config: &Config,
    pipeline: &PipelineConfig,
    at: &At<'_>,
) -> Result<(), YamlError> {
    if pipeline.receivers.is_empty() {
        return Err(at.under("receivers").fault("expected at least one receiver", ""));
    }
    if pipeline.exporters.is_empty() {
        return Err(at.under("exporters").fault("expected at least one exporter", ""));
    }
    let (receivers, exporters) = (at.under("receivers"), at.under("exporters"));
    let known = config.receivers.keys().chain(config.connectors.keys());
    defined(&pipeline.receivers, known, "receivers", &receivers)?;
    let processors = at.under("processors");
    defined(&pipeline.processors, config.processors.keys(), "processors", &processors)?;
    let known = config.exporters.keys().chain(config.connectors.keys());
    defined(&pipeline.exporters, known, "exporters", &exporters)?;
    for (position, processor) in pipeline.processors.iter().enumerate() {
        if pipeline.processors.iter().take(position).any(|before| before == processor) {
            return Err(processors.element(position).fault("the same processor twice", ""));
        }
    }
    Ok(())
}

fn check_scrubs(
    config: &Config,
    id: &PipelineId,
    pipeline: &PipelineConfig,
    processors: &At<'_>,
) -> Result<Option<Partly>, YamlError> {
    let acts = |processor: &&ComponentId| {
        let settings = config.processors.get(processor);
        matches!(
            settings,
            Some(
                ProcessorConfig::Attributes(_)
                    | ProcessorConfig::Resource(_)
                    | ProcessorConfig::Transform(_)
                    | ProcessorConfig::Filter(_)
            )
        )
    };
    if id.signal == Signal::Profiles
        && let Some(actions) = pipeline.processors.iter().find(acts)
    {
        let expected = format!("`{actions}` does not look at profiles");
        return Err(processors.fault(&expected, "take it out of this pipeline"));
    }
    let scrubs = |processor: &ComponentId| {
        matches!(config.processors.get(processor), Some(ProcessorConfig::Scrubber(_)))
    };
    if pipeline.processors.iter().any(scrubs) {
        return Ok(None);
    }
    let redacts = |processor: &&ComponentId| {
        matches!(config.processors.get(processor), Some(ProcessorConfig::Redaction(_)))
    };
    let advice = match config.processors.keys().find(|id| scrubs(id)) {
        Some(scrubber) => format!("add `{scrubber}` to the processors of the pipeline"),
        None => {
            "add `scrubber:` under `processors:`, and `scrubber` to the processors of the pipeline"
                .to_owned()
        }
    };
    let name = id.signal.name();
    match pipeline.processors.iter().find(redacts) {
        Some(redaction) if id.signal == Signal::Profiles => {
            let expected = format!("`{redaction}` does not look at profiles");
            Err(processors.fault(&expected, &advice))
        }
        Some(redaction) => {
            let fault = processors.fault(
                &format!("as in the Collector, `{redaction}` does not look at {NOT_COVERED}"),
                &format!("to cover them, {advice}, behind it"),
            );
            let redaction = redaction.clone();
            Ok(Some(Partly { redaction, pipelines: vec![id.clone()], fault }))
        }
        None => {
            let expected = format!("no processor removes credentials from {name}");
            Err(processors.fault(&expected, &advice))
        }
    }
}

/// What `include` and `exclude` ask for is of the pipeline's signal.
fn check_matching(
    config: &Config,
    signal: Signal,
    pipeline: &PipelineConfig,
    root: &Node,
) -> Result<(), YamlError> {
    for id in &pipeline.processors {
        if let Some(ProcessorConfig::Attributes(settings)) = config.processors.get(id)
            && let Some((setting, why)) = settings.misfit(signal)
        {
            let mut at = At { path: "processors".to_owned(), node: root.get("processors") };
            at = at.under(&id.to_string());
            at = setting.split('.').fold(at, |at, key| at.under(key));
            return Err(at.fault(&why, ""));
        }
    }
    Ok(())
}

/// Every id that is used is defined.
fn defined<'a>(
    used: &[ComponentId],
    defined: impl Iterator<Item = &'a ComponentId>,
    section: &str,
    at: &At<'_>,
) -> Result<(), YamlError> {
    let names: Vec<String> = defined.map(ComponentId::to_string).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for (position, id) in used.iter().enumerate() {
        let id = id.to_string();
        if !names.contains(&id.as_str()) {
            let advice = closest::advice(&id, &names).replace("accepted:", "defined:");
            let shown = shown::unknown(&id, &names);
            let expected = format!("`{shown}` is not defined under `{section}`");
            return Err(at.element(position).fault(&expected, &advice));
        }
    }
    Ok(())
}

/// A place in the tree, or the innermost that there is on the way to it.
pub(in crate::gateway::config) struct At<'a> {
    path: String,
    node: Option<&'a Node>,
}

impl<'a> At<'a> {
    pub(in crate::gateway::config) fn under(&self, key: &str) -> Self {
        let inner = self.node.and_then(|node| node.get(key));
        Self { path: format!("{}.{key}", self.path), node: inner.or(self.node) }
    }

    /// The key of a pipeline may be written with blanks around it.
    pub(in crate::gateway::config) fn pipeline(&self, id: &PipelineId) -> Self {
        let inner = self.node.and_then(|node| match &node.value {
            Value::Map(entries) => entries
                .iter()
                .find(|entry| PipelineId::try_from(entry.key.clone()).as_ref() == Ok(id)),
            _ => None,
        });
        Self {
            path: format!("{}.{id}", self.path),
            node: inner.map(|entry| &entry.node).or(self.node),
        }
    }

    pub(in crate::gateway::config) fn element(&self, position: usize) -> Self {
        let inner = self.node.and_then(|node| match &node.value {
            Value::List(nodes) => nodes.get(position),
            _ => None,
        });
        Self { path: format!("{}[{position}]", self.path), node: inner.or(self.node) }
    }

    pub(in crate::gateway::config) fn fault(&self, expected: &str, advice: &str) -> YamlError {
        let place = self.node.map(|node| node.place.clone()).unwrap_or_default();
        YamlError::at(&self.path, expected, &place, advice)
    }
}
