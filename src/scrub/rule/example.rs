//! Reads an example of a rule: a text, or one that stands under a key.
//!
//! By hand, so that a fault says which key is wrong: what serde makes of either form says
//! of both only that neither fits.

use std::fmt;

use serde::Deserialize;
use serde::Deserializer;
use serde::de::Error;
use serde::de::MapAccess;
use serde::de::Visitor;
use serde::de::value::MapAccessDeserializer;

use crate::scrub::rule::Example;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keyed {
    key: String,
    text: String,
}

struct Form;

impl<'de> Visitor<'de> for Form {
    type Value = Example;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, or a map of `key` and `text`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Example, E> {
        Ok(Example::Text(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Example, A::Error> {
        let Keyed { key, text } = Keyed::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Example::Keyed { key, text })
    }
}

impl<'de> Deserialize<'de> for Example {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Form)
    }
}
