//! `file`.
use crate::gateway::answer::Outcome;
use crate::gateway::exporter::delivery::Delivery;
use crate::scrub::yaml::YamlError;
use serde::Deserialize;
/// `exporters.file`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {}
/// Writes.
pub struct Writer;
impl Writer {
    /// New.
    pub fn open(_: &Config, _: &str) -> Result<Self, YamlError> {
        Ok(Self)
    }
    /// Writes.
    pub async fn write(&self, _: &Delivery) -> Outcome {
        Ok(Default::default())
    }
}
