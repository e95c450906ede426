//! What is in the binary: each type of component, for which signals, and how far it is
//! trusted.

/// The sections that hold components, in the order of the Collector's `components`.
pub const SECTIONS: &[&str] = &["receivers", "processors", "exporters", "connectors", "extensions"];

/// A type of component.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Its type.
    pub name: &'static str,
    /// Another name that it goes by, as in older Collectors.
    pub alias: Option<&'static str>,
    /// What it takes (a connector: from which signal to which), with how stable it is.
    pub stability: &'static [(&'static str, &'static str)],
}

const ALL: &[(&str, &str)] =
    &[("logs", "Beta"), ("metrics", "Beta"), ("profiles", "Alpha"), ("traces", "Beta")];
const THREE: &[(&str, &str)] = &[("logs", "Beta"), ("metrics", "Beta"), ("traces", "Beta")];
const JOINS: &[(&str, &str)] =
    &[("logs-to-logs", "Beta"), ("metrics-to-metrics", "Beta"), ("traces-to-traces", "Beta")];
const EXTENSION: &[(&str, &str)] = &[("extension", "Beta")];

const fn kind(name: &'static str, stability: &'static [(&'static str, &'static str)]) -> Kind {
    Kind { name, alias: None, stability }
}

const RECEIVERS: &[Kind] = &[kind("otlp", ALL)];
const PROCESSORS: &[Kind] = &[
    kind("scrubber", ALL),
    kind("redaction", THREE),
    kind("attributes", THREE),
    kind("resource", THREE),
    kind("transform", THREE),
    kind("filter", THREE),
    kind("batch", ALL),
    kind("memory_limiter", ALL),
];
const EXPORTERS: &[Kind] = &[
    Kind { name: "otlp_grpc", alias: Some("otlp"), stability: ALL },
    Kind { name: "otlp_http", alias: Some("otlphttp"), stability: ALL },
    kind("debug", ALL),
    kind("file", ALL),
    kind("nop", ALL),
];
const CONNECTORS: &[Kind] = &[kind("forward", JOINS), kind("routing", JOINS)];
const EXTENSIONS: &[Kind] = &[
    kind("health_check", EXTENSION),
    kind("admin", EXTENSION),
    kind("zpages", EXTENSION),
    kind("file_storage", EXTENSION),
    kind("bearertokenauth", EXTENSION),
    kind("basicauth", EXTENSION),
    kind("oidc", EXTENSION),
    kind("oauth2client", EXTENSION),
];

/// Where a configuration and its values can come from.
pub const PROVIDERS: &[&str] = &["env", "file", "yaml"];

/// The types of a section.
pub fn kinds(section: &str) -> &'static [Kind] {
    match section {
        "receivers" => RECEIVERS,
        "processors" => PROCESSORS,
        "exporters" => EXPORTERS,
        "connectors" => CONNECTORS,
        "extensions" => EXTENSIONS,
        _ => &[],
    }
}

/// Whether there is a type of this name.
pub fn has(section: &str, name: &str) -> bool {
    kinds(section).iter().any(|kind| kind.name == name || kind.alias == Some(name))
}

/// The type that `name` stands for: its own name, where it is another one for it.
pub fn name<'n>(section: &str, name: &'n str) -> &'n str {
    let kind = kinds(section).iter().find(|kind| kind.alias == Some(name));
    kind.map_or(name, |kind| kind.name)
}

/// The names of the types of a section.
pub(in crate::gateway::config) fn names(section: &str) -> Vec<&'static str> {
    kinds(section).iter().map(|kind| kind.name).collect()
}
