//! otel-redact stands between applications and an observability backend: it
//! receives OTLP, removes the credentials from every place where text can
//! stand, and forwards what is left.
//!
//! # Two halves
//!
//! [`scrub`] computes: request bytes in, scrubbed bytes out. It does no I/O,
//! reads no clock, starts no thread and builds for wasm32. `gateway` waits:
//! sockets, files, clocks. It is behind the feature `gateway` (default).
//!
//! In there a connection, its requests and their connections to upstreams stay on one
//! thread of as many as there are processors (`gateway::workers`). What is not a
//! connection's, such as queues and what tells of the gateway, shares others.
//!
//! # Floors
//!
//! A `use` points down, never up; the test `tidy` reads the `use` lines and
//! fails on one that does not:
//!
//! ```text
//! cli
//! gateway
//! gateway::receiver
//! gateway::pipeline
//! gateway::exporter
//! gateway::queue
//! gateway::config, gateway::telemetry
//! scrub (prove, stream)
//! scrub::chain
//! scrub::scrubber      scrub::redaction      scrub::actions      scrub::ottl
//! scrub::detector     scrub::matching
//! scrub::rule          scrub::otlp
//! scrub::yaml          scrub::re2
//! ```
//!
//! # Invariants
//!
//! - What an exporter sends is a [`scrub::Scrubbed`], and only [`scrub`] makes one.
//! - A request in which nothing is found leaves as the very bytes that came in.
//! - What cannot be scrubbed is refused, never forwarded.
//! - Errors, logs, metrics and `Debug` hold sizes, offsets, rule ids and counts,
//!   never payload; but for names of services, scrubbed, that the log of `shadow` has.

pub mod scrub;

#[cfg(feature = "gateway")]
pub mod cli;
#[cfg(feature = "gateway")]
pub mod gateway;
