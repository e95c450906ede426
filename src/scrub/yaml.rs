//! YAML text to a typed value, or the first fault with its path and line.

use serde::de::DeserializeOwned;

/// A fault in a YAML text.
///
/// Reads as `receivers.otlp.protocols.grpc.endpoint: expected host:port at line
/// 4, column 17`. Holds names and positions, never a value of the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {expected}")]
pub struct YamlError {
    /// The YAML path of the faulty value. `.` is the whole text.
    pub path: String,
    /// What was expected there and, if the parser knew, at which line.
    pub expected: String,
}

/// Reads a `T`.
///
/// # Errors
///
/// The first fault in `yaml`.
pub fn read<T: DeserializeOwned>(yaml: &str) -> Result<T, YamlError> {
    let mut path = ".".to_owned();
    let value = serde_saphyr::with_deserializer_from_str(yaml, |deserializer| {
        serde_path_to_error::deserialize(deserializer).map_err(|err| {
            path = err.path().to_string();
            err.into_inner()
        })
    });
    value.map_err(|err| YamlError { path, expected: err.without_snippet().to_string() })
}
