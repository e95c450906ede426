//! A value of any type in settings.

use std::fmt;

use serde::Deserialize;
use serde::Deserializer;
use serde::de;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;

use crate::scrub::otlp::alter::Pair;
use crate::scrub::otlp::alter::Value;

/// A value of any type, as YAML has it.
#[derive(Clone, Debug, PartialEq)]
pub struct AnyYaml(pub(in crate::scrub) Value<'static>);

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
