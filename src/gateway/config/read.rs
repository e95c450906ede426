//! The tree of a configuration to its types: top-level sections, component ids,
//! and each component's own settings.
//!
//! The only place, with `inventory`, that knows which types of components there are.

use std::collections::BTreeMap;

use crate::gateway::config::Config;
use crate::gateway::config::ConnectorConfig;
use crate::gateway::config::ExtensionConfig;
use crate::gateway::config::PipelineConfig;
use crate::gateway::config::ProcessorConfig;
use crate::gateway::config::ServiceConfig;
use crate::gateway::config::component::ComponentId;
use crate::gateway::config::component::PipelineId;
use crate::gateway::config::elsewhere::Absent;
use crate::gateway::config::elsewhere::Elsewhere;
use crate::gateway::config::environment::Environment;
use crate::gateway::config::environment::reason;
use crate::gateway::config::inventory;
use crate::gateway::config::routing::RoutingConfig;
use crate::gateway::config::spelling;
use crate::gateway::exporter;
use crate::gateway::receiver;
use crate::scrub::Settings;
use crate::scrub::actions::AttributesSettings;
use crate::scrub::actions::ResourceSettings;
use crate::scrub::ottl::FilterSettings;
use crate::scrub::ottl::TransformSettings;
use crate::scrub::redaction;
use crate::scrub::rule::RuleFile;
use crate::scrub::yaml;
use crate::scrub::yaml::Entry;
use crate::scrub::yaml::Node;
use crate::scrub::yaml::Origin;
use crate::scrub::yaml::Value;
use crate::scrub::yaml::YamlError;
use crate::scrub::yaml::closest;
use crate::scrub::yaml::shown;

/// The sections of a configuration.
const SECTIONS: &[&str] =
    &["receivers", "processors", "exporters", "connectors", "extensions", "service"];

/// Reads a whole configuration.
///
/// # Errors
///
/// The first fault.
pub(in crate::gateway::config) fn read(
    root: &Node,
    environment: &dyn Environment,
    warnings: &mut Vec<String>,
) -> Result<Config, YamlError> {
    for entry in entries(root, "")? {
        if !SECTIONS.contains(&entry.key.as_str()) {
            return Err(unknown(entry, &entry.key, "unknown key", SECTIONS));
        }
    }
    let mut reader = Reader { root, elsewhere: Elsewhere::new()?, warnings };
    Ok(Config {
        connectors: reader.components("connectors", |one, _| read_connector(one))?,
        receivers: reader.components("receivers", |one, _| read_receiver(one))?,
        processors: reader
            .components("processors", |one, warnings| read_processor(one, environment, warnings))?,
        exporters: reader.components("exporters", read_exporter)?,
        extensions: reader.components("extensions", read_extension)?,
        service: reader.service()?,
        origin: Origin::default(),
    })
}

/// What reads the sections of one configuration.
struct Reader<'a> {
    root: &'a Node,
    elsewhere: Elsewhere,
    warnings: &'a mut Vec<String>,
}

/// One component on its way to its type.
struct Component<'a> {
    section: &'a str,
    id: &'a ComponentId,
    entry: &'a Entry,
    path: &'a str,
    /// What is known of its type, where it is one that only the Collector has.
    absent: Option<Absent<'a>>,
}

impl Component<'_> {
    fn settings<T: serde::de::DeserializeOwned>(&self) -> Result<T, YamlError> {
        self.entry.node.read(self.path)
    }

    fn unknown(&self) -> YamlError {
        let kind = self.id.kind();
        let place = &self.entry.key_place;
        match self.absent {
            Some(Absent { does, instead, .. }) => {
                let expected = format!("the Collector's `{kind}` is not here: it {does}");
                YamlError::at(self.path, &expected, place, instead)
            }
            None => {
                let names = inventory::names(self.section);
                let expected = format!("unknown type `{}`", shown::unknown(kind, &names));
                let advice = closest::advice(kind, &names);
                let fault = YamlError::at(self.path, &expected, place, &advice);
                fault.of_unknown(&self.entry.key, &names)
            }
        }
    }
}

fn read_receiver(one: &Component<'_>) -> Result<receiver::Config, YamlError> {
    match one.id.kind() {
        "otlp" => one.settings().map(receiver::Config::Otlp),
        _ => Err(one.unknown()),
    }
}

fn read_processor(
    one: &Component<'_>,
    environment: &dyn Environment,
    warnings: &mut Vec<String>,
) -> Result<ProcessorConfig, YamlError> {
    match one.id.kind() {
        "scrubber" => {
            read_scrubber(one, environment, warnings).map(Box::new).map(ProcessorConfig::Scrubber)
        }
        "redaction" => {
            let settings: redaction::Settings = one.settings()?;
            let origin = Origin::new(one.path.to_owned(), Some(&one.entry.node));
            for redaction::Warning { setting, what } in settings.warnings() {
                warnings.push(match setting.is_empty() {
                    true => format!("{}: {what}{}", shown::path(one.path), one.entry.key_place),
                    false => origin.fault(&setting, &what, "").to_string(),
                });
            }
            Ok(ProcessorConfig::Redaction(Box::new(settings)))
        }
        "attributes" => {
            let mut settings: AttributesSettings = one.settings()?;
            settings.origin = Origin::new(String::new(), Some(&one.entry.node));
            Ok(ProcessorConfig::Attributes(Box::new(settings)))
        }
        "resource" => {
            let mut settings: ResourceSettings = one.settings()?;
            settings.origin = Origin::new(String::new(), Some(&one.entry.node));
            Ok(ProcessorConfig::Resource(settings))
        }
        "transform" => {
            let mut settings: TransformSettings = one.settings()?;
            settings.read_from(&one.entry.node);
            Ok(ProcessorConfig::Transform(Box::new(settings)))
        }
        "filter" => {
            let mut settings: FilterSettings = one.settings()?;
            settings.read_from(&one.entry.node);
            Ok(ProcessorConfig::Filter(Box::new(settings)))
        }
        "batch" => one.settings().map(ProcessorConfig::Batch),
        "memory_limiter" => one.settings().map(ProcessorConfig::MemoryLimiter),
        _ => Err(one.unknown()),
    }
}

/// The settings of a scrubber, with the rules of its `rule_files` behind its own: the
/// scrubber itself reads no files.
fn read_scrubber(
    one: &Component<'_>,
    environment: &dyn Environment,
    warnings: &mut Vec<String>,
) -> Result<Settings, YamlError> {
    let mut settings: Settings = one.settings()?;
    settings.today = environment.today();
    settings.read_from(&one.entry.node);
    for (file, setting, node) in rule_files(one, &settings, "", environment)? {
        settings.add(file, &setting, &node);
    }
    let files = rule_files(one, &settings, "shadow.", environment)?;
    settings.candidate = settings.candidate(files).map(Box::new);
    let own = settings.warnings();
    let path = shown::path(one.path);
    warnings.extend(own.into_iter().map(|warning| format!("{path}.{warning}")));
    Ok(settings)
}

/// The rule files that the settings of a scrubber name, or its shadow: each with its path
/// and what it was read from.
fn rule_files(
    one: &Component<'_>,
    settings: &Settings,
    prefix: &str,
    environment: &dyn Environment,
) -> Result<Vec<(RuleFile, String, Node)>, YamlError> {
    let paths = match (prefix, &settings.shadow) {
        ("", _) => settings.rule_files.as_slice(),
        (_, Some(shadow)) => shadow.rule_files.as_slice(),
        (_, None) => &[],
    };
    let mut files = Vec::new();
    for (at, path) in paths.iter().enumerate() {
        let setting = format!("{prefix}rule_files[{at}]");
        let outer = format!("{}.{setting}", one.path);
        let origin = settings.origin.clone();
        let unreadable = |what: &str, error: std::io::Error| {
            let expected = format!("cannot read {what}: {}", reason(&error));
            let advice = match path.rsplit_once('/') {
                Some((folder, _)) if folder.contains('*') => {
                    "a `*` may stand in the last part of a path only"
                }
                _ => "",
            };
            origin.fault(&setting, &expected, advice).within(one.path)
        };
        let names = environment.files(path).map_err(|error| unreadable("the rule file", error))?;
        for name in names {
            // Of many that a glob stands for, which one is said.
            let what = match name == *path {
                true => "the rule file".to_owned(),
                false => format!("the rule file {}", shown::file(&name)),
            };
            let text = environment.file(&name).map_err(|error| unreadable(&what, error))?;
            let node =
                yaml::parse(&text, Some(name.into())).map_err(|fault| fault.within(&outer))?;
            let file: RuleFile = node.read("").map_err(|fault| fault.within(&outer))?;
            files.push((file, setting.clone(), node));
        }
    }
    Ok(files)
}

fn read_exporter(
    one: &Component<'_>,
    warnings: &mut Vec<String>,
) -> Result<exporter::Config, YamlError> {
    let kind = inventory::name(one.section, one.id.kind());
    if kind != one.id.kind() {
        let place = &one.entry.key_place;
        let path = shown::path(one.path);
        warnings.push(format!("{path}: this name is old, write `{kind}`{place}"));
    }
    let config = match kind {
        "otlp_grpc" => one.settings().map(exporter::Config::OtlpGrpc),
        "otlp_http" => one.settings().map(exporter::Config::OtlpHttp),
        "debug" => one.settings().map(exporter::Config::Debug),
        "file" => one.settings().map(exporter::Config::File),
        "nop" => one.settings().map(exporter::Config::Nop),
        _ => Err(one.unknown()),
    }?;
    match config.missing() {
        None => Ok(config),
        Some((key, expected)) => {
            let path = format!("{}.{key}", one.path);
            // `endpoint` may be had as `logs_endpoint`, too; what is there was left empty.
            let entries = entries(&one.entry.node, one.path)?.iter();
            let mut empty = entries.filter(|entry| entry.key.ends_with(key));
            let place = empty.next().map_or(&one.entry.key_place, |entry| &entry.node.place);
            Err(YamlError::at(&path, expected, place, ""))
        }
    }
}

fn read_connector(one: &Component<'_>) -> Result<ConnectorConfig, YamlError> {
    match one.id.kind() {
        "forward" => one.settings().map(|NoSettings {}| ConnectorConfig::Forward),
        "routing" => {
            let mut settings: RoutingConfig = one.settings()?;
            settings.read_from(one.path, &one.entry.node);
            Ok(ConnectorConfig::Routing(settings))
        }
        _ => Err(one.unknown()),
    }
}

/// Of a component that has no settings.
#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct NoSettings {}

fn read_extension(
    one: &Component<'_>,
    warnings: &mut Vec<String>,
) -> Result<ExtensionConfig, YamlError> {
    match one.id.kind() {
        "health_check" => one.settings().map(ExtensionConfig::HealthCheck),
        "admin" => one.settings().map(ExtensionConfig::Admin),
        "zpages" => one.settings().map(ExtensionConfig::Zpages),
        "file_storage" => one.settings().map(ExtensionConfig::FileStorage),
        "bearertokenauth" => one.settings().map(ExtensionConfig::BearerToken),
        "basicauth" => one.settings().map(ExtensionConfig::Basic),
        "oidc" => one.settings().map(ExtensionConfig::Oidc),
        "oauth2client" => one.settings().map(ExtensionConfig::OAuth2),
        kind => match one.absent.filter(|absent| absent.accepted) {
            Some(Absent { does, instead, .. }) => {
                let place = &one.entry.key_place;
                warnings.push(format!(
                    "{}: `{kind}` does nothing here: it {does}{place}; {instead}",
                    shown::path(one.path)
                ));
                Ok(ExtensionConfig::Accepted)
            }
            None => Err(one.unknown()),
        },
    }
}

impl Reader<'_> {
    fn components<T>(
        &mut self,
        section: &str,
        mut read: impl FnMut(&Component<'_>, &mut Vec<String>) -> Result<T, YamlError>,
    ) -> Result<BTreeMap<ComponentId, T>, YamlError> {
        let mut components = BTreeMap::new();
        let Some(node) = self.root.get(section) else {
            return Ok(components);
        };
        for entry in entries(node, section)? {
            let path = format!("{section}.{}", entry.key);
            let id = ComponentId::try_from(entry.key.clone())
                .map_err(|expected| YamlError::at(&path, expected, &entry.key_place, ""))
                .map_err(|fault| fault.of_unknown(&entry.key, &inventory::names(section)))?;
            let kind = inventory::name(section, id.kind());
            let absent = self.elsewhere.component(section, kind);
            if let Some(Absent { does, instead, accepted: false }) = absent
                && !self.is_used(&id)
            {
                let place = &entry.key_place;
                self.warnings.push(format!(
                    "{}: no pipeline uses it, so it is passed over: the Collector's `{kind}` \
                     {does}{place}; to use it, {instead}",
                    shown::path(&path)
                ));
                continue;
            }
            let mut entry = entry.clone();
            spelling::component(section, &mut entry.node);
            let of = format!("{section}.{kind}");
            let settled = self.elsewhere.settle(&of, &path, &mut entry.node, self.warnings);
            if let Err(fault) = settled {
                if self.is_used(&id) {
                    return Err(fault);
                }
                let (path, what) = (fault.shown(), fault.what());
                self.warnings
                    .push(format!("{path}: no pipeline uses it, so it is passed over: {what}"));
                continue;
            }
            let one = Component { section, id: &id, entry: &entry, path: &path, absent };
            let component = read(&one, self.warnings)?;
            if components.insert(id, component).is_some() {
                return Err(YamlError::at(&path, "duplicate name", &entry.key_place, ""));
            }
        }
        Ok(components)
    }

    /// Whether a pipeline or the list of extensions names a component, whatever it is.
    fn is_used(&self, id: &ComponentId) -> bool {
        fn names(node: &Node, id: &ComponentId) -> bool {
            match &node.value {
                Value::Null => false,
                Value::Scalar(name) => ComponentId::try_from(name.text.clone()).as_ref() == Ok(id),
                Value::List(nodes) => nodes.iter().any(|node| names(node, id)),
                Value::Map(entries) => entries.iter().any(|entry| names(&entry.node, id)),
            }
        }
        let service = self.root.get("service");
        let parts = ["extensions", "pipelines"].into_iter();
        let mut parts = parts.filter_map(|part| service.and_then(|service| service.get(part)));
        parts.any(|node| names(node, id))
    }

    fn service(&mut self) -> Result<ServiceConfig, YamlError> {
        const KEYS: &[&str] = &["extensions", "telemetry", "pipelines"];
        let mut service = ServiceConfig::default();
        let Some(node) = self.root.get("service") else {
            return Ok(service);
        };
        for entry in entries(node, "service")? {
            let path = format!("service.{}", entry.key);
            match entry.key.as_str() {
                "extensions" => service.extensions = entry.node.read(&path)?,
                "telemetry" => {
                    let mut node = entry.node.clone();
                    spelling::telemetry(&mut node, self.warnings);
                    self.elsewhere.settle(&path, &path, &mut node, self.warnings)?;
                    service.telemetry = node.read(&path)?;
                }
                "pipelines" => service.pipelines = read_pipelines(&entry.node)?,
                _ => return Err(unknown(entry, &path, "unknown key", KEYS)),
            }
        }
        Ok(service)
    }
}

fn read_pipelines(node: &Node) -> Result<BTreeMap<PipelineId, PipelineConfig>, YamlError> {
    const SIGNALS: &[&str] = &["traces", "metrics", "logs", "profiles"];
    let mut pipelines = BTreeMap::new();
    for entry in entries(node, "service.pipelines")? {
        let path = format!("service.pipelines.{}", entry.key);
        let id = PipelineId::try_from(entry.key.clone())
            .map_err(|expected| unknown(entry, &path, expected, SIGNALS))?;
        let pipeline = entry.node.read(&path)?;
        if pipelines.insert(id, pipeline).is_some() {
            return Err(YamlError::at(&path, "duplicate name", &entry.key_place, ""));
        }
    }
    Ok(pipelines)
}

fn entries<'a>(node: &'a Node, path: &str) -> Result<&'a [Entry], YamlError> {
    match &node.value {
        Value::Map(entries) => Ok(entries),
        Value::Null => Ok(&[]),
        _ => Err(YamlError::at(path, "expected a map", &node.place, "")),
    }
}

fn unknown(entry: &Entry, path: &str, expected: &str, accepted: &[&str]) -> YamlError {
    let advice = closest::advice(&entry.key, accepted);
    YamlError::at(path, expected, &entry.key_place, &advice).of_unknown(&entry.key, accepted)
}
