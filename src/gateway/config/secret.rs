//! Settings that must not be seen.

use zeroize::Zeroize;

/// A secret setting. Prints as `[REDACTED]`, as in the Collector, and its memory is
/// wiped when it is dropped.
#[derive(Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// A secret that was read from a file, or that someone gave us.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The secret itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[REDACTED]")
    }
}

impl std::fmt::Display for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[REDACTED]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_prints_itself() {
        let secret: Secret = crate::scrub::yaml::read("hunter2").unwrap();
        assert_eq!(format!("{secret} {secret:?} {secret:#?}"), "[REDACTED] [REDACTED] [REDACTED]");
        assert_eq!(secret.expose(), "hunter2");
    }
}
