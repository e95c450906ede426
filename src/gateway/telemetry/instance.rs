//! Who we are, for metrics and logs.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::hash::Hasher;

/// `service.name`.
pub const NAME: &str = env!("CARGO_PKG_NAME");

/// `service.version`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// This process, among others that run the same program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    attributes: BTreeMap<String, Option<String>>,
}

impl Instance {
    /// The automatic attributes: name, version and a random id.
    pub fn new() -> Self {
        Self::with(&BTreeMap::new())
    }

    /// The automatic attributes, changed by `service.telemetry.resource`: null
    /// removes one.
    pub fn with(changes: &BTreeMap<String, Option<String>>) -> Self {
        let mut attributes: BTreeMap<String, Option<String>> = [
            ("service.name", NAME.to_owned()),
            ("service.version", VERSION.to_owned()),
            ("service.instance.id", random_id()),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), Some(value)))
        .collect();
        attributes.extend(changes.iter().map(|(key, value)| (key.clone(), value.clone())));
        Self { attributes }
    }

    /// The attributes.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.attributes.iter().filter_map(|(key, value)| Some((key.as_str(), value.as_deref()?)))
    }

    /// The attributes as Prometheus labels: what is no letter, digit or underscore
    /// becomes an underscore.
    pub fn labels(&self) -> BTreeMap<String, String> {
        let label = |key: &str| -> String {
            let starts = key.starts_with(|c: char| c.is_ascii_digit());
            let word = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
            starts.then_some('_').into_iter().chain(key.chars().map(word)).collect()
        };
        self.attributes
            .iter()
            .filter_map(|(key, value)| Some((label(key), value.clone()?)))
            .collect()
    }
}

impl Default for Instance {
    fn default() -> Self {
        Self::new()
    }
}

/// A random UUID (version 4). It tells processes apart, nothing more, so the
/// randomness that the standard library seeds its hash maps with is enough.
fn random_id() -> String {
    let word = || RandomState::new().build_hasher().finish();
    let (high, low) = (word(), word());
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        0x8000 | ((low >> 48) & 0x3fff),
        low & 0xffff_ffff_ffff
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_a_uuid_and_differs() {
        let (one, other) = (random_id(), random_id());
        assert_ne!(one, other);
        assert_eq!(one.len(), 36, "{one}");
        assert_eq!(one.chars().nth(14), Some('4'), "{one}");
    }

    #[test]
    fn the_configuration_adds_and_removes_attributes() {
        let changes = BTreeMap::from([
            ("service.instance.id".to_owned(), None),
            ("deployment.environment.name".to_owned(), Some("prod".to_owned())),
        ]);
        let labels = Instance::with(&changes).labels();
        let names: Vec<&str> = labels.keys().map(String::as_str).collect();
        assert_eq!(names, ["deployment_environment_name", "service_name", "service_version"]);
    }
}
