//! A tree to a typed value, through serde.

use serde::de;
use serde::de::Deserialize;
use serde::de::DeserializeOwned;
use serde::de::IntoDeserializer;
use serde::de::Visitor;
use serde::de::value::StrDeserializer;
use serde::forward_to_deserialize_any;

use crate::scrub::yaml::YamlError;
use crate::scrub::yaml::fault::Fault;
use crate::scrub::yaml::fault::Step;
use crate::scrub::yaml::node::Entry;
use crate::scrub::yaml::node::Meaning;
use crate::scrub::yaml::node::Node;
use crate::scrub::yaml::node::Value;
use crate::scrub::yaml::placed::PLACED;
use crate::scrub::yaml::placed::Parts;

/// Reads a `T` from `node`, which stands at `path`.
///
/// A null where a `T` wants a scalar means the default, but only `T` knows its
/// defaults, and it takes them where a key is absent. So such an entry is taken
/// out and the tree is read again.
pub(in crate::scrub::yaml) fn read<T: DeserializeOwned>(
    node: &Node,
    path: &str,
) -> Result<T, YamlError> {
    let mut without_nulls: Option<Node> = None;
    loop {
        let tree = without_nulls.as_ref().unwrap_or(node);
        let fault = match T::deserialize(Reader { node: tree }) {
            Ok(value) => return Ok(value),
            Err(fault) => fault.or_place(&tree.place),
        };
        let removed = fault
            .null_at()
            .is_some_and(|steps| remove(without_nulls.get_or_insert_with(|| node.clone()), &steps));
        if !removed {
            // What is missing may be there, and a variable left it empty.
            let empty = fault.missing_at().and_then(|steps| at(node, &steps));
            let fault = match empty.filter(|empty| empty.place.unset.is_some()) {
                Some(empty) => fault.moved(&empty.place),
                None => fault,
            };
            return Err(fault.into_error(path));
        }
    }
}

/// The value at `steps`.
fn at<'n>(node: &'n Node, steps: &[Step]) -> Option<&'n Node> {
    steps.iter().try_fold(node, |node, step| match step {
        Step::Key(key) => node.get(key),
        Step::Element(at) => node.element(*at),
    })
}

/// Takes the map entry at `steps` out. `false` where it is no map entry.
fn remove(node: &mut Node, steps: &[Step]) -> bool {
    match (&mut node.value, steps) {
        (Value::Map(entries), [Step::Key(key)]) => {
            let before = entries.len();
            entries.retain(|entry| entry.key != *key);
            entries.len() < before
        }
        (Value::Map(entries), [Step::Key(key), inner @ ..]) => entries
            .iter_mut()
            .find(|entry| entry.key == *key)
            .is_some_and(|entry| remove(&mut entry.node, inner)),
        (Value::List(nodes), [Step::Element(at), inner @ ..]) => {
            nodes.get_mut(*at).is_some_and(|node| remove(node, inner))
        }
        _ => false,
    }
}

#[derive(Clone, Copy)]
struct Reader<'a> {
    node: &'a Node,
}

impl<'a> Reader<'a> {
    fn meaning(self) -> Option<Meaning<'a>> {
        match &self.node.value {
            Value::Null => Some(Meaning::Null),
            Value::Scalar(scalar) => Some(scalar.resolve()),
            Value::List(_) | Value::Map(_) => None,
        }
    }

    fn visit<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match (&self.node.value, self.meaning()) {
            (_, Some(Meaning::Null)) => visitor.visit_unit(),
            (_, Some(Meaning::Bool(value))) => visitor.visit_bool(value),
            (_, Some(Meaning::Int(value))) => visit_int(value, visitor),
            (_, Some(Meaning::Float(value))) => visitor.visit_f64(value),
            (_, Some(Meaning::Text(text))) => visitor.visit_str(text),
            (Value::List(nodes), _) => visitor.visit_seq(Elements { nodes, at: 0 }),
            (Value::Map(entries), _) => visitor.visit_map(Entries { entries, at: 0 }),
            (Value::Null | Value::Scalar(_), None) => visitor.visit_unit(),
        }
    }
}

fn visit_int<'de, V: Visitor<'de>>(value: i128, visitor: V) -> Result<V::Value, Fault> {
    if let Ok(value) = u64::try_from(value) {
        visitor.visit_u64(value)
    } else if let Ok(value) = i64::try_from(value) {
        visitor.visit_i64(value)
    } else {
        Err(de::Error::invalid_value(de::Unexpected::Other("integer"), &visitor))
    }
}

impl<'de> de::Deserializer<'de> for Reader<'_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.visit(visitor).map_err(|fault| fault.or_place(&self.node.place))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.node.text {
            Some(text) => {
                visitor.visit_str(text).map_err(|fault: Fault| fault.or_place(&self.node.place))
            }
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match (&self.node.value, &self.node.text) {
            (Value::Null, None) => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        if name == PLACED {
            let place = self.node.place.clone();
            return visitor.visit_seq(Parts { value: Some(self), place, at: 0 });
        }
        visitor.visit_newtype_struct(self).map_err(|fault: Fault| fault.or_place(&self.node.place))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let nodes = match &self.node.value {
            Value::List(nodes) => nodes.as_slice(),
            Value::Scalar(_) => std::slice::from_ref(self.node),
            Value::Null => &[],
            Value::Map(_) => return self.deserialize_any(visitor),
        };
        visitor
            .visit_seq(Elements { nodes, at: 0 })
            .map_err(|fault| fault.or_place(&self.node.place))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let result = match (&self.node.value, self.meaning()) {
            (_, Some(Meaning::Null)) => visitor.visit_map(Entries { entries: &[], at: 0 }),
            // Serde would fill a struct from a list, field by field.
            (Value::List(_), _) => Err(de::Error::invalid_type(de::Unexpected::Seq, &visitor)),
            _ => self.visit(visitor),
        };
        result.map_err(|fault| fault.or_place(&self.node.place))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let result = match &self.node.value {
            Value::Scalar(scalar) => {
                let name: StrDeserializer<'_, Fault> = scalar.text.as_str().into_deserializer();
                visitor.visit_enum(name)
            }
            Value::Map(entries) => match entries.as_slice() {
                [entry] => visitor.visit_enum(Variant { entry }),
                _ => Err(de::Error::custom("expected one key")),
            },
            Value::Null => Err(Fault::null(&visitor)),
            Value::List(_) => Err(de::Error::invalid_type(de::Unexpected::Seq, &visitor)),
        };
        result.map_err(|fault| fault.or_place(&self.node.place))
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit
        unit_struct tuple tuple_struct
    }
}

struct Elements<'a> {
    nodes: &'a [Node],
    at: usize,
}

impl<'de> de::SeqAccess<'de> for Elements<'_> {
    type Error = Fault;

    fn next_element_seed<T: de::DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Fault> {
        let Some(node) = self.nodes.get(self.at) else {
            return Ok(None);
        };
        let at = self.at;
        self.at += 1;
        seed.deserialize(Reader { node })
            .map(Some)
            .map_err(|fault| fault.or_place(&node.place).within(Step::Element(at)))
    }
}

struct Entries<'a> {
    entries: &'a [Entry],
    at: usize,
}

impl<'de> de::MapAccess<'de> for Entries<'_> {
    type Error = Fault;

    fn next_key_seed<K: de::DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        let Some(entry) = self.entries.get(self.at) else {
            return Ok(None);
        };
        let key: StrDeserializer<'_, Fault> = entry.key.as_str().into_deserializer();
        seed.deserialize(key).map(Some).map_err(|fault| within(fault, entry, true))
    }

    fn next_value_seed<V: de::DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let Some(entry) = self.entries.get(self.at) else {
            return Err(de::Error::custom("expected a value"));
        };
        self.at += 1;
        seed.deserialize(Reader { node: &entry.node }).map_err(|fault| within(fault, entry, false))
    }
}

struct Variant<'a> {
    entry: &'a Entry,
}

impl<'a, 'de> de::EnumAccess<'de> for Variant<'a> {
    type Error = Fault;
    type Variant = Content<'a>;

    fn variant_seed<V: de::DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Content<'a>), Fault> {
        let key: StrDeserializer<'_, Fault> = self.entry.key.as_str().into_deserializer();
        seed.deserialize(key)
            .map(|name| (name, Content { entry: self.entry }))
            .map_err(|fault| within(fault.for_key(), self.entry, true))
    }
}

struct Content<'a> {
    entry: &'a Entry,
}

impl<'de> de::VariantAccess<'de> for Content<'_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        <()>::deserialize(Reader { node: &self.entry.node })
            .map_err(|_| within(de::Error::custom("expected nothing"), self.entry, false))
    }

    fn newtype_variant_seed<T: de::DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        seed.deserialize(Reader { node: &self.entry.node })
            .map_err(|fault| within(fault, self.entry, false))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        de::Deserializer::deserialize_seq(Reader { node: &self.entry.node }, visitor)
            .map_err(|fault| within(fault, self.entry, false))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        de::Deserializer::deserialize_map(Reader { node: &self.entry.node }, visitor)
            .map_err(|fault| within(fault, self.entry, false))
    }
}

/// The fault, one level further out.
fn within(fault: Fault, entry: &Entry, of_key: bool) -> Fault {
    let place = if of_key { &entry.key_place } else { &entry.node.place };
    fault.or_place(place).within(Step::Key(entry.key.clone()))
}
