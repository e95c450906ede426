//! What the Collector has and this program does not: for each component and setting,
//! what it does and what to write instead.
//!
//! The table is `elsewhere.yaml`. It is read once for each configuration.

use serde::Deserialize;

use crate::scrub::yaml;
use crate::scrub::yaml::Node;
use crate::scrub::yaml::Place;
use crate::scrub::yaml::Value;
use crate::scrub::yaml::YamlError;
use crate::scrub::yaml::shown;

const TABLE: &str = include_str!("elsewhere.yaml");

/// The whole table.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Elsewhere {
    receivers: Section,
    processors: Section,
    exporters: Section,
    connectors: Section,
    extensions: Section,
    settings: Vec<Setting>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    instead: String,
    groups: Vec<Group>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    does: String,
    types: Vec<String>,
    #[serde(default)]
    instead: String,
    #[serde(default)]
    accepted: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Setting {
    of: Vec<String>,
    keys: Vec<String>,
    /// The one value that is meant, where others do the same here.
    #[serde(default)]
    only: String,
    #[serde(default)]
    effect: String,
    #[serde(default)]
    instead: String,
}

/// A component that is not here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Absent<'t> {
    /// What it does: goes on after "it".
    pub does: &'t str,
    /// What to write instead.
    pub instead: &'t str,
    /// Whether it may be written, and then does nothing.
    pub accepted: bool,
}

impl Elsewhere {
    /// Reads the table.
    ///
    /// # Errors
    ///
    /// None: the table is tested.
    pub fn new() -> Result<Self, YamlError> {
        yaml::read(TABLE)
    }

    fn section(&self, section: &str) -> Option<&Section> {
        match section {
            "receivers" => Some(&self.receivers),
            "processors" => Some(&self.processors),
            "exporters" => Some(&self.exporters),
            "connectors" => Some(&self.connectors),
            "extensions" => Some(&self.extensions),
            _ => None,
        }
    }

    /// What is known of a component of this type.
    pub fn component(&self, section: &str, kind: &str) -> Option<Absent<'_>> {
        let section = self.section(section)?;
        let group =
            section.groups.iter().find(|group| group.types.iter().any(|one| one == kind))?;
        let instead = match group.instead.as_str() {
            "" => &section.instead,
            instead => instead,
        };
        Some(Absent { does: &group.does, instead, accepted: group.accepted })
    }

    /// Takes settings that have no effect here out of `node`, with a warning for each.
    /// `of` is the section and the type, `path` the place of `node`.
    ///
    /// # Errors
    ///
    /// The first setting that would have one.
    pub fn settle(
        &self,
        of: &str,
        path: &str,
        node: &mut Node,
        warnings: &mut Vec<String>,
    ) -> Result<(), YamlError> {
        let own = self.settings.iter().filter(|setting| setting.of.iter().any(|one| one == of));
        for setting in own {
            for key in &setting.keys {
                let Some(place) = take(node, key, &setting.only) else { continue };
                let path = format!("{path}.{key}");
                if setting.effect.is_empty() {
                    let expected = "the Collector has this setting, this program has not";
                    return Err(YamlError::at(&path, expected, &place, &setting.instead));
                }
                let path = shown::path(&path);
                warnings.push(format!("{path}: this has no effect: {}{place}", setting.effect));
            }
        }
        Ok(())
    }
}

/// Removes what stands at a path of keys, if it is `only` or that is empty, and is not
/// switched off. Gives where its key stood.
fn take(node: &mut Node, path: &str, only: &str) -> Option<Place> {
    let Value::Map(entries) = &mut node.value else { return None };
    let (key, rest) = match path.split_once('.') {
        Some((key, rest)) => (key, Some(rest)),
        None => (path, None),
    };
    let at = entries.iter().position(|entry| entry.key == key)?;
    match rest {
        Some(rest) => take(&mut entries.get_mut(at)?.node, rest, only),
        None => {
            let node = &entries.get(at)?.node;
            (only.is_empty() || is(node, only)).then_some(())?;
            let entry = entries.remove(at);
            let is_off = entry.node.get("enabled").is_some_and(|enabled| is(enabled, "false"));
            (!is_off).then_some(entry.key_place)
        }
    }
}

fn is(node: &Node, text: &str) -> bool {
    matches!(&node.value, Value::Scalar(scalar) if scalar.text == text)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::gateway::config::inventory;

    #[test]
    fn a_type_stands_once_and_only_where_it_is_not_built() {
        let table = Elsewhere::new().unwrap();
        for section in inventory::SECTIONS {
            let mut seen = BTreeSet::new();
            let groups = &table.section(section).unwrap().groups;
            for kind in groups.iter().flat_map(|group| &group.types) {
                assert!(seen.insert(kind.clone()), "{section}.{kind} twice");
                assert!(!inventory::has(section, kind), "{section}.{kind} is here");
            }
            assert!(!seen.is_empty(), "{section}");
        }
    }

    #[test]
    fn a_setting_is_passed_over_or_refused() {
        let table = Elsewhere::new().unwrap();
        for setting in &table.settings {
            assert_ne!(setting.effect.is_empty(), setting.instead.is_empty(), "{:?}", setting.keys);
        }
    }
}
