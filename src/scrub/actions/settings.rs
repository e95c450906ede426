//! The settings, as `processors.attributes` and `processors.resource` spell them.

use serde::Deserialize;

use crate::scrub::Signal;
use crate::scrub::matching::AnyYaml;
use crate::scrub::matching::Properties;
use crate::scrub::yaml::Origin;

/// `processors.attributes`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AttributesSettings {
    /// On which records; on all, where it is not there.
    pub include: Option<Properties>,
    /// On which records not, of those.
    pub exclude: Option<Properties>,
    /// What is done, in order.
    pub actions: Vec<ActionSettings>,
    /// Where the settings stand.
    #[serde(skip)]
    pub origin: Origin,
}

/// `processors.resource`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ResourceSettings {
    /// What is done, in order.
    pub attributes: Vec<ActionSettings>,
    /// Where the settings stand.
    #[serde(skip)]
    pub origin: Origin,
}

/// One action.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionSettings {
    /// The attribute.
    #[serde(default)]
    pub key: String,
    /// What is done with it.
    pub action: Action,
    /// The value to put there, of the type that YAML gives it.
    #[serde(default)]
    pub value: Option<AnyYaml>,
    /// The attribute to take the value from.
    #[serde(default)]
    pub from_attribute: String,
    /// The header to take the value from; refused.
    #[serde(default)]
    pub from_context: String,
    /// The value where the attribute to take it from is not there.
    #[serde(default)]
    pub default_value: Option<AnyYaml>,
    /// The keys, for `delete` and `hash`; what to find in the value, for `extract`.
    #[serde(default)]
    pub pattern: String,
    /// `string`, `int` or `double`, for `convert`.
    #[serde(default)]
    pub converted_type: String,
}

/// What is done with an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Action {
    /// Puts a value where there is none.
    Insert,
    /// Puts a value where there is one.
    Update,
    /// Puts a value.
    Upsert,
    /// Removes it.
    Delete,
    /// Puts the SHA-256 of the value there.
    Hash,
    /// Puts what the groups of a pattern match under their names.
    Extract,
    /// Changes its type.
    Convert,
}

impl TryFrom<String> for Action {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Ok(match name.to_ascii_lowercase().as_str() {
            "insert" => Self::Insert,
            "update" => Self::Update,
            "upsert" => Self::Upsert,
            "delete" => Self::Delete,
            "hash" => Self::Hash,
            "extract" => Self::Extract,
            "convert" => Self::Convert,
            _ => {
                return Err(
                    "expected one of insert, update, upsert, delete, hash, extract, convert",
                );
            }
        })
    }
}

impl AttributesSettings {
    /// What keeps the processor from being used for a signal, as the Collector finds it
    /// when it builds the pipeline: the path below the processor, and why.
    pub fn misfit(&self, signal: Signal) -> Option<(String, String)> {
        let parts = [("include", &self.include), ("exclude", &self.exclude)];
        parts.into_iter().find_map(|(part, properties)| {
            let (setting, why) = properties.as_ref()?.misfit(signal)?;
            let dot = if setting.is_empty() { "" } else { "." };
            Some((format!("{part}{dot}{setting}"), why))
        })
    }
}
