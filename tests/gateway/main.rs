//! The gateway over real sockets: senders, upstreams and what goes between.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod auth;
mod batches;
mod budgets;
mod certificates;
mod connectors;
mod end_to_end;
mod endings;
mod files;
mod frames;
mod limits;
mod live;
mod provider;
mod redaction;
mod refusals;
mod replay;
mod rests;
mod retries;
mod routes;
mod sender;
mod settings;
mod shown;
mod started;
mod telemetry;
mod tls;
mod upstream;
