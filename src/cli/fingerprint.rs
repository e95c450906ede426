//! `fingerprint`: tells whether a value that somebody has is the one behind a mask.

use std::io;
use std::io::Read;
use std::io::Write;

use clap::Args;

use crate::cli::ConfigArgs;
use crate::cli::closed_pipe;
use crate::cli::scrub::scrubber;
use crate::gateway::config::ConfigError;

/// What `fingerprint` is asked.
#[derive(Debug, Args)]
pub(in crate::cli) struct FingerprintArgs {
    /// A fingerprint from a mask; 0 if it is that of the value, under a key of before
    /// too, and 1 if not
    #[arg(long, value_name = "FINGERPRINT")]
    check: Option<String>,
}

/// Why there is no fingerprint.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum FingerprintError {
    /// The scrubber cannot be built.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The value cannot be read, or the output not be written.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// There is no key.
    #[error("no `fingerprint_key` in the scrubber of the configuration; give it with --config")]
    NoKey,
    /// Not the same value.
    #[error("the fingerprint is not that of the value")]
    Other,
}

/// Prints the fingerprints of the value on stdin under every key, the current one first;
/// or checks one.
///
/// # Errors
///
/// What cannot be read, no key, or another value.
pub(in crate::cli) fn fingerprint(
    config: &ConfigArgs,
    args: &FingerprintArgs,
) -> Result<(), FingerprintError> {
    let scrubber = scrubber(config)?;
    let mut value = Vec::new();
    io::stdin().lock().read_to_end(&mut value)?;
    let value = value.strip_suffix(b"\n").unwrap_or(&value);
    let all = scrubber.fingerprints().all(value);
    if all.is_empty() {
        return Err(FingerprintError::NoKey);
    }
    match &args.check {
        Some(wanted) if all.contains(wanted) => Ok(()),
        Some(_) => Err(FingerprintError::Other),
        None => {
            let lines = all.join("\n") + "\n";
            Ok(io::stdout().write_all(lines.as_bytes()).or_else(closed_pipe)?)
        }
    }
}
