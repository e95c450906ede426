//! Where a configuration is read from: `--config` and `--set`.

use std::sync::Arc;

use crate::gateway::config::ConfigError;
use crate::gateway::config::environment::Environment;
use crate::gateway::config::environment::reason;
use crate::gateway::config::inventory::PROVIDERS;
use crate::scrub::yaml;
use crate::scrub::yaml::Entry;
use crate::scrub::yaml::Node;
use crate::scrub::yaml::Place;
use crate::scrub::yaml::Value;
use crate::scrub::yaml::YamlError;
use crate::scrub::yaml::shown;

/// Reads what one `--config` names: a path, `file:PATH`, `env:NAME` (the text in a
/// variable) or `yaml:KEY::SUB: VALUE`.
///
/// # Errors
///
/// When there is no such thing, or it is no YAML map.
pub fn read(config: &str, environment: &dyn Environment) -> Result<Node, ConfigError> {
    let (source, text, split) = match scheme(config) {
        Some(("env", name)) => {
            let text = environment.variable(name).ok_or_else(|| ConfigError::Unreadable {
                place: format!("env:{}", shown::name(name)),
                reason: "environment variable is not set".to_owned(),
            })?;
            (config, text, false)
        }
        Some(("yaml", text)) => ("--config yaml:…", text.to_owned(), true),
        Some(("file", path)) => (path, file(path, environment)?, false),
        Some((scheme, _)) => {
            return Err(ConfigError::Unreadable {
                place: "--config".to_owned(),
                reason: format!(
                    "scheme `{}` is not supported; accepted: file, env, yaml",
                    shown::unknown(scheme, PROVIDERS)
                ),
            });
        }
        None => (config, file(config, environment)?, false),
    };
    let mut node = yaml::parse(&text, Some(Arc::from(source)))?;
    if split {
        split_keys(&mut node);
    }
    match node.value {
        Value::Map(_) | Value::Null => Ok(node),
        _ => Err(YamlError::at("", "expected a map", &node.place, "").into()),
    }
}

/// Reads one `--set KEY=VALUE`; the key's parts are joined by `.` or `::`, the
/// value is YAML.
///
/// # Errors
///
/// When there is no `=`, or the value is no YAML.
pub fn set(set: &str) -> Result<Node, ConfigError> {
    let Some((key, value)) = set.split_once('=').filter(|(key, _)| !key.trim().is_empty()) else {
        return Err(ConfigError::Unreadable {
            place: "--set".to_owned(),
            reason: "expected KEY=VALUE".to_owned(),
        });
    };
    let key = key.trim();
    let source: Arc<str> = Arc::from(format!("--set {}", shown::path(key)));
    let mut node = yaml::parse(value, Some(source.clone()))?;
    let place = Place { source: Some(source), ..Place::default() };
    node.place = place.clone();
    let parts = key.split("::").flat_map(|part| part.split('.'));
    Ok(nested(parts.collect(), node, &place))
}

/// What to warn of where a `--set` shows a credential to everyone who can list
/// processes.
pub fn exposed(set: &str) -> Option<String> {
    const SECRET: &[&str] =
        &["token", "tokens", "password", "client_secret", "inline", "fingerprint_key"];
    let (key, value) = set.split_once('=')?;
    let mut parts = key.trim().split(['.', ':']);
    let is_secret = |part: &str| {
        matches!(part, "headers" | "response_headers")
            || SECRET.contains(&part)
            || part.ends_with("_pem")
    };
    let is_reference = value.contains("${") || value.trim().is_empty();
    (parts.any(is_secret) && !is_reference).then(|| {
        format!(
            "--set {}: every user of this machine can read the command line; \
             write ${{file:PATH}} or ${{env:NAME}} in place of a credential",
            shown::path(key.trim())
        )
    })
}

fn nested(parts: Vec<&str>, node: Node, place: &Place) -> Node {
    parts.into_iter().rev().fold(node, |node, key| {
        let entry = Entry { key: key.to_owned(), key_place: place.clone(), node };
        Node::new(Value::Map(vec![entry]), place.clone())
    })
}

/// Turns `a::b: x` into `a: {b: x}`, at any depth.
fn split_keys(node: &mut Node) {
    let Value::Map(entries) = &mut node.value else {
        return;
    };
    let mut whole = Node::new(Value::Map(Vec::new()), node.place.clone());
    for mut entry in std::mem::take(entries) {
        split_keys(&mut entry.node);
        whole.merge(nested(entry.key.split("::").collect(), entry.node, &entry.key_place));
    }
    *node = whole;
}

fn file(path: &str, environment: &dyn Environment) -> Result<String, ConfigError> {
    environment.file(path).map_err(|error| ConfigError::Unreadable {
        place: shown::file(path).into_owned(),
        reason: reason(&error),
    })
}

/// The scheme, as the Collector tells it from a path: two and more characters and
/// a colon.
fn scheme(config: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = config.split_once(':')?;
    let valid = 1 < scheme.len()
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+.-".contains(c));
    valid.then_some((scheme, rest))
}
