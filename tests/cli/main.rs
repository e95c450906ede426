//! The program as a user has it: spawned, with arguments, pipes and signals.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod actions;
#[path = "../gateway/certificates.rs"]
mod certificates;
mod commands;
mod configs;
mod explain;
mod files;
mod live;
mod migrate;
mod program;
mod reload;
mod rules;
mod running;
mod selftest;
mod shadow;
mod telemetry;
mod unrepeated;
