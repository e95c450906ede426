//! Receivers: from a socket to a request in memory.

/// The settings of a receiver.
#[derive(Clone, Debug)]
pub enum Config {}
