//! Our own logs, metrics and health: `service.telemetry` and the health check.
//!
//! Nothing here ever sees a request: what is logged and counted are names, sizes
//! and numbers.

pub mod admin;
pub mod health;
mod http;
pub mod instance;
pub mod ledger;
pub mod logs;
pub mod metrics;
pub mod otlp;
mod process;
pub mod scrape;
pub mod spans;
pub mod zpages;

use std::collections::BTreeMap;

pub use http::ListenError;

/// `service.telemetry`
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Our own log.
    pub logs: logs::Config,
    /// Our own metrics.
    pub metrics: scrape::Config,
    /// Attributes of this process, on every metric; null removes an automatic one.
    pub resource: BTreeMap<String, Option<String>>,
    /// Our own traces.
    pub traces: otlp::Traces,
}
