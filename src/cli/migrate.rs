//! `migrate`: a Collector's configuration as one of ours, with what became of each part.

mod change;
mod plan;

use std::fs::OpenOptions;
use std::io;
use std::io::Write;

use clap::Args;

use crate::cli::closed_pipe;
use crate::cli::complain;
use crate::cli::migrate::plan::Plan;
use crate::gateway::config::ConfigError;
use crate::gateway::config::environment::Environment;
use crate::gateway::config::environment::Process;
use crate::gateway::config::source;
use crate::scrub::yaml::comments;
use crate::scrub::yaml::write;

/// What `migrate` takes.
#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct MigrateArgs {
    /// The Collector's configuration
    #[arg(value_name = "FILE")]
    collector: String,
    /// Where the new one goes, which must not be there yet [default: stdout]
    #[arg(long, short, value_name = "FILE")]
    output: Option<String>,
}

pub(in crate::cli) const EXAMPLES: &str = "\
Examples:
  otel-redact migrate collector.yaml > gateway.yaml
  otel-redact migrate collector.yaml --output gateway.yaml && otel-redact validate --config gateway.yaml

What carries over, changes and is missing goes to stderr, and into the file as comments.";

/// Why there is no new configuration.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum MigrateError {
    /// The old one cannot be read, or something in it cannot be left out.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The new one cannot be written.
    #[error("--output: cannot write the file: {0}")]
    Output(io::Error),
    /// Stdout cannot be written to.
    #[error("cannot write: {0}")]
    Stdout(io::Error),
}

/// Reads the old configuration, says what becomes of it, and writes the new one.
///
/// # Errors
///
/// When it cannot be read, or what is left of it cannot run.
pub(in crate::cli) fn migrate(args: &MigrateArgs) -> Result<(), MigrateError> {
    let old = source::read(&args.collector, &Process)?;
    let mut plan = Plan::new(old, &Process)?;
    // What is in no file has no comments that anybody wrote down.
    let path = args.collector.strip_prefix("file:").unwrap_or(&args.collector);
    if let Ok(text) = Process.file(path) {
        plan.keep(comments::comments(&text, &plan.config));
    }
    for line in plan.report() {
        complain(&line);
    }
    let text = write::write(&plan.config, &plan.comments);
    match &args.output {
        None => io::stdout()
            .write_all(text.as_bytes())
            .or_else(closed_pipe)
            .map_err(MigrateError::Stdout),
        Some(path) => {
            let file = OpenOptions::new().write(true).create_new(true).open(path);
            file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(MigrateError::Output)
        }
    }
}
