//! The walk over OTLP requests: every text is shown once, and what is edited is
//! still the same request.

pub(crate) mod arbitrary;
mod json;
mod judge;
mod oracle;
mod protobuf;
mod split;
mod traffic;
mod wire;
