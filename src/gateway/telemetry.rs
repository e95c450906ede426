//! Our own logs, metrics and health.

pub mod health;
pub mod metrics;

/// `service.telemetry`
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {}
