//! Where a rule applies: `where` and `near`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::scrub::Signal;
use crate::scrub::rule::glob::Glob;

/// `where`: all that is said must hold; of a list, one entry.
///
/// What cannot be told (the resource of a profile's string table) counts as fulfilled:
/// a rule rather masks too much.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "gateway", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Condition {
    /// `traces`, `metrics`, `logs`, `profiles`.
    pub signals: Vec<Signal>,
    /// Kinds of places, as metrics name them: `attributes`, `body`, `name`, ….
    pub places: Vec<String>,
    /// Attributes by their keys; of nested ones, joined by dots.
    pub attributes: Vec<Glob>,
    /// Attributes of the resource and what they must be: `service.name: 'checkout-*'`.
    pub resource: BTreeMap<String, Vec<Glob>>,
    /// Names of instrumentation scopes.
    pub scope: Vec<Glob>,
}

/// `near`: words of which one must stand close to a candidate, in the same text or
/// in the key of its attribute; compared without regard to case.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "gateway", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Near {
    /// The words.
    pub words: Vec<String>,
    /// How many bytes before or behind the candidate they may stand.
    #[serde(default = "within_default")]
    pub within: usize,
}

/// A line of a log, about.
fn within_default() -> usize {
    100
}
