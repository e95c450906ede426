//! `shadow`: what a candidate rule file would change, on telemetry that was captured.

use std::io;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::cli::ConfigArgs;
use crate::cli::closed_pipe;
use crate::cli::scrub::settings;
use crate::cli::scrub::signal;
use crate::gateway::config::ConfigError;
use crate::scrub::Encoding;
use crate::scrub::Request;
use crate::scrub::ScrubError;
use crate::scrub::Scrubber;
use crate::scrub::rule::RuleFile;
use crate::scrub::shadow::Change;
use crate::scrub::shadow::Comparison;
use crate::scrub::shadow::services;
use crate::scrub::yaml;

/// Examples for `shadow --help`.
pub(in crate::cli) const EXAMPLES: &str = "\
Examples:
  otel-redact shadow candidate.yaml --against captured.jsonl
  otel-redact shadow candidate.yaml --config gateway.yaml --against captured.jsonl --json

The candidate is a rule file, laid over the rules of the configuration: a rule with the
id of one of those takes its place. Nothing of the telemetry is printed.";

/// What `shadow` is asked.
#[derive(Debug, Args)]
pub(in crate::cli) struct ShadowArgs {
    /// The candidate rule file
    candidate: PathBuf,
    /// Captured telemetry: OTLP/JSON, one request a line
    #[arg(long, value_name = "FILE")]
    against: PathBuf,
    /// One JSON object for each change
    #[arg(long)]
    json: bool,
}

/// Why nothing can be compared.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum ShadowError {
    /// A scrubber cannot be built.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file cannot be read, or the output not be written.
    #[error("{file}: {reason}")]
    Io {
        /// The file.
        file: String,
        /// Why.
        reason: io::Error,
    },
    /// A line of the telemetry is no OTLP/JSON request.
    #[error("{file}: line {line}: expected an OTLP/JSON request")]
    NoRequest {
        /// The file.
        file: String,
        /// Which line, from 1.
        line: usize,
    },
    /// A line cannot be scrubbed.
    #[error("{file}: line {line}: {reason}")]
    Scrub {
        /// The file.
        file: String,
        /// Which line, from 1.
        line: usize,
        /// Why.
        reason: ScrubError,
    },
}

/// Compares the rules of the configuration with the same and a candidate laid over them.
///
/// # Errors
///
/// What cannot be read, compiled or scrubbed.
pub(in crate::cli) fn shadow(config: &ConfigArgs, args: &ShadowArgs) -> Result<(), ShadowError> {
    let (path, live) = settings(config)?;
    let mut candidate = live.clone();
    let name = args.candidate.display().to_string();
    let text = read(&name)?;
    let node = yaml::parse(&text, Some(name.as_str().into())).map_err(ConfigError::Fault)?;
    let file: RuleFile = node.read("").map_err(ConfigError::Fault)?;
    candidate.lay_over(file, "", &node);
    let live = Scrubber::new(&live).map_err(|fault| ConfigError::Fault(fault.within(&path)))?;
    let candidate = Scrubber::new(&candidate).map_err(ConfigError::Fault)?;

    let file = args.against.display().to_string();
    let mut comparison = Comparison::default();
    for (number, line) in read(&file)?.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
        let place = |reason| ShadowError::Scrub { file: file.clone(), line: number + 1, reason };
        let Some(signal) = signal(line.as_bytes()) else {
            return Err(ShadowError::NoRequest { file: file.clone(), line: number + 1 });
        };
        let bytes = line.trim().as_bytes().to_vec().into();
        let request = Request { signal, encoding: Encoding::Json, bytes };
        let (_, before) = live.scrub(&request).map_err(place)?;
        let (_, after) = candidate.scrub(&request).map_err(place)?;
        let services = services(signal, Encoding::Json, line.trim().as_bytes());
        comparison.add(&before.redactions, &after.redactions, &services);
    }
    print(&comparison, args.json)
}

fn read(file: &str) -> Result<String, ShadowError> {
    std::fs::read_to_string(file)
        .map_err(|reason| ShadowError::Io { file: file.to_owned(), reason })
}

fn print(comparison: &Comparison, json: bool) -> Result<(), ShadowError> {
    let mut out = String::new();
    for (change, count) in &comparison.changes {
        let Change { kind, rule, was, place, service } = change;
        let (what, was) = (kind.name(), was.as_deref().unwrap_or_default());
        if json {
            let change = json!({"change": what, "rule": **rule, "was": was, "place": place,
                "service": service, "count": count});
            out.push_str(&format!("{change}\n"));
            continue;
        }
        let was = if was.is_empty() { String::new() } else { format!(" (was {was})") };
        out.push_str(&format!("{what:<8} {count:>6}  {rule}{was}  {place}  {service}\n"));
    }
    if !json {
        let changed: u64 = comparison.changes.values().sum();
        let same = comparison.same;
        out.push_str(&format!("{same} the same, {changed} added, lost or changed\n"));
    }
    io::stdout()
        .write_all(out.as_bytes())
        .or_else(closed_pipe)
        .map_err(|reason| ShadowError::Io { file: "stdout".to_owned(), reason })
}
