//! The health check, as the Collector's extension answers it.

/// `extensions.health_check`
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {}
