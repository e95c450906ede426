//! Sections of the configuration that mean something by being there.
//!
//! In the Collector's configuration `grpc:` with nothing below it is the section
//! with its defaults, and a section that is not there is off.

use serde::Deserialize;
use serde::Deserializer;

/// For `#[serde(deserialize_with)]`: a section that is there, even if null, is
/// `Some`.
pub(in crate::gateway) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Some(Option::deserialize(deserializer)?.unwrap_or_default()))
}

/// For `#[serde(deserialize_with)]`: null is the default.
pub(in crate::gateway) fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
