//! The settings, as `processors.attributes` and `processors.resource` spell them.

use std::fmt;

use serde::Deserialize;
use serde::Deserializer;
use serde::de;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;

use crate::scrub::otlp::alter::Pair;
use crate::scrub::otlp::alter::Value;

/// `processors.attributes`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AttributesSettings {
    /// What is done, in order.
    pub actions: Vec<ActionSettings>,
}

/// `processors.resource`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ResourceSettings {
    /// What is done, in order.
    pub attributes: Vec<ActionSettings>,
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

/// A value of any type, as YAML has it.
#[derive(Clone, Debug, PartialEq)]
pub struct AnyYaml(pub(in crate::scrub::actions) Value<'static>);

impl<'de> Deserialize<'de> for AnyYaml {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyVisitor)
    }
}

struct AnyVisitor;

impl<'de> Visitor<'de> for AnyVisitor {
    type Value = AnyYaml;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<AnyYaml, E> {
        Ok(AnyYaml(Value::Empty))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<AnyYaml, E> {
        Ok(AnyYaml(Value::Bool(value)))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<AnyYaml, E> {
        Ok(AnyYaml(Value::Int(value)))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<AnyYaml, E> {
        // Go keeps the bits of what is larger.
        Ok(AnyYaml(Value::Int(value.cast_signed())))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<AnyYaml, E> {
        Ok(AnyYaml(Value::Double(value)))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<AnyYaml, E> {
        Ok(AnyYaml(Value::text(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<AnyYaml, A::Error> {
        let mut values = Vec::new();
        while let Some(AnyYaml(value)) = elements.next_element()? {
            values.push(value);
        }
        Ok(AnyYaml(Value::Array(values)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<AnyYaml, A::Error> {
        let mut pairs = Vec::new();
        while let Some((key, AnyYaml(value))) = entries.next_entry::<String, AnyYaml>()? {
            pairs.push(Pair { key: key.into_bytes().into(), key_index: 0, value });
        }
        Ok(AnyYaml(Value::Map(pairs)))
    }
}
