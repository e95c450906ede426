//! The half that waits: sockets, files, clocks.
//!
//! A receiver has a request as bytes; the pipeline admits, scrubs and exports
//! it; only then is the sender told OK.

pub mod answer;
pub mod config;
pub mod exporter;
pub mod pipeline;
pub mod receiver;
pub mod telemetry;
