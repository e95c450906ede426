//! Exporters: from a scrubbed request to somewhere else.

/// The settings of an exporter.
#[derive(Clone, Debug)]
pub enum Config {}
