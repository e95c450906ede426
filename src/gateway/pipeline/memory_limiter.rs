//! Refuses requests before memory runs out.

/// `processors.memory_limiter`
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {}
