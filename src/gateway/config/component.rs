//! Names of components and pipelines.

use std::fmt;

use crate::scrub::Signal;

/// `type` or `type/name`.
///
/// Invariant: the type is a letter and up to 62 letters, digits and underscores;
/// the name, if any, is at most 1024 characters with no separators, control or
/// symbol characters (Collector, `component/identifiable.go`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct ComponentId {
    kind: String,
    name: String,
}

impl ComponentId {
    /// The type: `otlp` of `otlp/2`.
    pub fn kind(&self) -> &str {
        &self.kind
    }
}

impl TryFrom<String> for ComponentId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let (kind, name) = match text.split_once('/') {
            Some((kind, name)) if !name.trim().is_empty() => (kind.trim(), name.trim()),
            Some(_) => return Err("expected a name after the slash"),
            None => (text.trim(), ""),
        };
        Ok(Self { kind: kind.to_owned(), name: name.to_owned() })
    }
}

impl fmt::Display for ComponentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        if !self.name.is_empty() {
            write!(f, "/{}", self.name)?;
        }
        Ok(())
    }
}

/// `traces`, `metrics`, `logs` or `profiles`, with `/name` or without.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PipelineId {
    /// What the pipeline carries.
    pub signal: Signal,
    /// The part after the slash, or nothing.
    pub name: String,
}
