//! A value that remembers where it stood, for faults that are found when the YAML is gone.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use serde::de::Deserialize;
use serde::de::DeserializeSeed;
use serde::de::Deserializer;
use serde::de::Error;
use serde::de::IntoDeserializer;
use serde::de::SeqAccess;
use serde::de::Visitor;
use serde::de::value::StrDeserializer;

use crate::scrub::yaml::YamlError;
use crate::scrub::yaml::fault::Fault;
use crate::scrub::yaml::node::Place;

/// By this name the reader of a tree knows that the place is wanted, too.
pub(in crate::scrub::yaml) const PLACED: &str = "$placed";

/// A value and where it stood.
///
/// All places are equal: where a value was read is no part of what it says.
#[derive(Clone, Debug, Default)]
pub struct Placed<T> {
    value: T,
    /// In a box: many settings have one, few need it.
    place: Box<Place>,
}

impl<T> Placed<T> {
    /// The same fault, here; if it is known where this is.
    pub fn fault(&self, fault: YamlError) -> YamlError {
        fault.at_place(&self.place)
    }
}

impl<T> From<T> for Placed<T> {
    /// A value that stood nowhere.
    fn from(value: T) -> Self {
        Self { value, place: Box::default() }
    }
}

impl<T: PartialEq> PartialEq for Placed<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T> Deref for Placed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Placed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(PLACED, Both(PhantomData))
    }
}

struct Both<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Both<T> {
    type Value = Placed<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    /// From a reader that knows no places.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, value: D) -> Result<Placed<T>, D::Error> {
        T::deserialize(value).map(Placed::from)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Placed<T>, A::Error> {
        let missing = || A::Error::missing_field("value");
        let value = parts.next_element()?.ok_or_else(missing)?;
        let line = parts.next_element()?.unwrap_or_default();
        let column = parts.next_element()?.unwrap_or_default();
        let source: String = parts.next_element()?.unwrap_or_default();
        let source = (!source.is_empty()).then(|| source.into());
        let place = Box::new(Place { source, line, column, unset: None });
        Ok(Placed { value, place })
    }
}

/// What a reader of a tree gives: the value, and where it stood.
pub(in crate::scrub::yaml) struct Parts<D> {
    /// Reads the value.
    pub(in crate::scrub::yaml) value: Option<D>,
    /// Where it stood.
    pub(in crate::scrub::yaml) place: Place,
    /// How many parts were given.
    pub(in crate::scrub::yaml) at: usize,
}

impl<'de, D: Deserializer<'de, Error = Fault>> SeqAccess<'de> for Parts<D> {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Fault> {
        self.at += 1;
        let part = match self.at {
            1 => self.value.take().map(|value| seed.deserialize(value)),
            2 => Some(seed.deserialize(self.place.line.into_deserializer())),
            3 => Some(seed.deserialize(self.place.column.into_deserializer())),
            _ => {
                let source = self.place.source.as_deref().unwrap_or_default();
                let source: StrDeserializer<'_, Fault> = source.into_deserializer();
                Some(seed.deserialize(source))
            }
        };
        part.transpose()
    }
}
