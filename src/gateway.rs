//! The half that waits: sockets, files, clocks.
//!
//! A receiver has a request as bytes; the pipeline admits, scrubs and exports
//! it; only then is the sender told OK.

pub mod admission;
pub mod answer;
pub mod auth;
pub mod compression;
pub mod compute;
pub mod config;
pub mod connect;
pub mod current;
pub mod exporter;
pub mod memory;
pub mod method;
pub mod own;
pub mod pipeline;
pub mod processors;
pub mod queue;
pub mod receiver;
pub mod reload;
pub mod run;
mod section;
pub mod telemetry;
pub mod tls;
pub mod watched;
pub mod workers;

pub use run::Running;
pub use run::StartError;
pub use run::run;
pub use run::start;
