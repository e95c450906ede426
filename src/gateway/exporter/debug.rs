//! `debug`.
use crate::gateway::answer::Outcome;
use crate::gateway::exporter::delivery::Delivery;
use serde::Deserialize;
/// `exporters.debug`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {}
/// Prints.
pub struct Printer;
impl Printer {
    /// New.
    pub fn new(_: &Config) -> Self {
        Self
    }
    /// Prints.
    pub async fn print(&self, _: &Delivery) -> Outcome {
        Ok(Default::default())
    }
}
