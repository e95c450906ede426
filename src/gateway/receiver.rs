//! Receivers: from a socket to a request in memory.

mod activity;
mod bind;
pub mod body;
mod connection;
pub mod cors;
pub mod grpc;
pub mod http;
pub mod limits;
mod line;
pub mod otlp;
pub mod reply;
pub mod route;
pub mod server;

/// The settings of a receiver.
#[derive(Clone, Debug, PartialEq)]
pub enum Config {
    /// `otlp`
    Otlp(otlp::Config),
}
