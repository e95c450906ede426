//! Receivers: from a socket to a request in memory.

mod activity;
mod bind;
pub mod body;
mod connection;
pub mod cors;
pub mod grpc;
mod heads;
pub mod http;
pub mod limits;
mod line;
pub mod otlp;
pub mod reply;
pub mod route;
pub mod server;
mod spoken;

/// The settings of a receiver.
#[derive(Clone, Debug, PartialEq)]
pub enum Config {
    /// `otlp`
    Otlp(otlp::Config),
}
