//! `selftest`: does anything slip through this gateway?
//!
//! Canaries for every rule are made, planted in every place and every encoding, sent
//! over every protocol, and looked for behind the gateway: a built-in one with the
//! rules of the configuration, or a running one whose upstream is this command.

mod canary;
mod disguise;
mod judge;
mod message;
mod place;
mod plan;
mod reading;
mod report;
mod run;
mod send;
mod sink;
mod target;

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io;
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;

use crate::cli::ConfigArgs;
use crate::cli::complain;
use crate::cli::selftest::canary::Canary;
use crate::cli::selftest::report::Report;
use crate::gateway::config::Config;
use crate::gateway::config::ConfigError;
use crate::gateway::config::ProcessorConfig;
use crate::gateway::run::StartError;
use crate::scrub::Settings;
use crate::scrub::rule::Rule;
use crate::scrub::rule::RuleFile;
use crate::scrub::rule::Sensitivity;
use crate::scrub::rule::glob;
use crate::scrub::rule::pack;
use crate::scrub::yaml;
use crate::scrub::yaml::YamlError;

/// What is tested, and how much of it.
#[derive(Debug, Args)]
pub(in crate::cli) struct SelftestArgs {
    /// A running gateway: `http://HOST:PORT` for OTLP/HTTP, `grpc://HOST:PORT` for
    /// OTLP/gRPC; give both to test both. Without it, one is started
    #[arg(long, value_name = "URL", requires = "sink")]
    endpoint: Vec<String>,
    /// Where to listen as the upstream of the running gateway, as HOST:PORT: its
    /// exporter has to send there, over gRPC or HTTP, without TLS
    #[arg(long, value_name = "ADDRESS", requires = "endpoint")]
    sink: Option<String>,
    /// Only the canaries of these rules; `*` stands for any characters
    #[arg(long, value_name = "GLOB")]
    rules: Vec<String>,
    /// Only canaries that are written so, as the table names it: `JSON*`, `base64`
    #[arg(long, value_name = "GLOB")]
    written: Vec<String>,
    /// Every canary in a few writings and places instead of in all
    #[arg(long)]
    quick: bool,
    /// Repeats the run that had this number
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Prints this many of the cases that failed, with what was sent and what arrived
    #[arg(long, value_name = "N", default_value_t = 0)]
    show: usize,
    /// Writes every case with its outcome as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Writes every case with its outcome as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

pub(in crate::cli) const EXAMPLES: &str = "\
Examples:
  otel-redact selftest --quick                 the shipped rules, in seconds
  otel-redact selftest --config gateway.yaml   your rules, in every place and encoding
  otel-redact selftest --rules 'github-*' --show 3
                                               see what slipped through, if anything
  otel-redact selftest --endpoint http://localhost:4318 --endpoint grpc://localhost:4317 \\
      --sink localhost:14317                   a running gateway that exports to 14317

All credentials are made up, in each run anew. The exit code is 1 if any arrived.";

/// Why there is no clean result.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum SelftestError {
    /// The configuration is at fault.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A rule is at fault.
    #[error(transparent)]
    Rule(#[from] YamlError),
    /// The built-in gateway does not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A socket, a thread or a file cannot be had.
    #[error("{what}: {reason}")]
    System {
        /// What.
        what: String,
        /// Why.
        reason: io::Error,
    },
    /// An address is not one.
    #[error("--endpoint {url}: expected http://HOST:PORT or grpc://HOST:PORT")]
    Endpoint {
        /// What was given.
        url: String,
    },
    /// No rule is named so.
    #[error("--rules: no rule with an example is named so; `otel-redact rules list` shows them")]
    NoRules,
    /// There is no such writing.
    #[error("--written: no writing is named so; the first column of the table shows them")]
    NoWriting,
    /// The configuration has no pipeline that is scrubbed.
    #[error("service.pipelines: expected at least one with a scrubber")]
    NoPipeline,
    /// The gateway did not accept a request.
    #[error("the gateway refused {signal} over {protocol}: {why}")]
    Refused {
        /// The protocol.
        protocol: &'static str,
        /// The signal.
        signal: &'static str,
        /// What it said: a status, no text.
        why: String,
    },
    /// A request cannot be made. A bug.
    #[error("a request of {signal} cannot be made: {reason}")]
    Request {
        /// The signal.
        signal: &'static str,
        /// Why.
        reason: serde_json::Error,
    },
    /// Something arrived, or did not.
    #[error("{leaked} of {cases} canaries leaked, {damaged} did damage, {lost} never arrived")]
    Failed {
        /// How many could be read.
        leaked: usize,
        /// How many changed what is no secret.
        damaged: usize,
        /// How many are missing.
        lost: usize,
        /// How many there were.
        cases: usize,
    },
}

/// Runs the command.
///
/// # Errors
///
/// When it cannot run, or anything leaked or was lost.
pub(in crate::cli) fn selftest(
    config: &ConfigArgs,
    args: &SelftestArgs,
) -> Result<(), SelftestError> {
    let started = Instant::now();
    let loaded = config.load()?;
    let seed = args.seed.unwrap_or_else(|| RandomState::new().hash_one(0) % 1_000_000);
    let canaries = canaries(&loaded.config, &args.rules, seed)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime =
        runtime.map_err(|reason| SelftestError::System { what: "threads".to_owned(), reason })?;
    let run = run::run(&loaded.config, args, &canaries, seed);
    let outcomes = runtime.block_on(run);
    runtime.shutdown_background();
    let report = Report { outcomes: outcomes?, seed, took: started.elapsed() };
    report.print(args.show)?;
    if let Some(file) = &args.json {
        report.write(file, &report.json())?;
    }
    if let Some(file) = &args.junit {
        report.write(file, &report.junit())?;
    }
    match (report.leaked(), report.damaged(), report.lost()) {
        (0, 0, 0) => Ok(()),
        (0, damaged, 0) => {
            complain(&format!("Warning: {damaged} canaries did damage around them"));
            Ok(())
        }
        (leaked, damaged, lost) => {
            Err(SelftestError::Failed { leaked, damaged, lost, cases: report.outcomes.len() })
        }
    }
}

/// The canaries of the packed rules, whether they run or not, and of the rules of the
/// configuration. Those that find what is meant to be seen only if they are enabled.
fn canaries(config: &Config, globs: &[String], seed: u64) -> Result<Vec<Canary>, SelftestError> {
    let settings: Vec<&Settings> = config
        .processors
        .values()
        .filter_map(|processor| match processor {
            ProcessorConfig::Scrubber(settings) => Some(&**settings),
            _ => None,
        })
        .collect();
    let mut rules: Vec<Rule> = Vec::new();
    for (_, text) in pack::packs() {
        rules.extend(yaml::read::<RuleFile>(text)?.rules);
    }
    let is_enabled = |rule: &Rule| {
        let enabled = settings.iter().flat_map(|settings| &settings.enable);
        enabled.into_iter().any(|glob| glob.matches(rule.id.as_bytes()))
    };
    rules.retain(|rule| rule.sensitivity != Sensitivity::Publishable || is_enabled(rule));
    let known: Vec<String> = rules.iter().map(|rule| rule.id.clone()).collect();
    let own = settings.iter().flat_map(|settings| &settings.rules);
    // One that replaces a packed rule must find at least what that one finds.
    rules.extend(own.filter(|rule| !known.contains(&rule.id)).cloned());
    let mut canaries = Vec::new();
    for rule in &rules {
        if globs.is_empty()
            || globs.iter().any(|glob| glob::matches(glob.as_bytes(), rule.id.as_bytes()))
        {
            canaries.extend(canary::of(rule, seed)?);
        }
    }
    match canaries.is_empty() {
        true => Err(SelftestError::NoRules),
        false => Ok(canaries),
    }
}
