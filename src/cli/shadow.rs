//! `shadow`: what a candidate rule file would change, on telemetry that was captured.

use std::collections::BTreeMap;
use std::io;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use serde_json::Value;
use serde_json::json;

use crate::cli::ConfigArgs;
use crate::cli::closed_pipe;
use crate::cli::scrub::settings;
use crate::cli::scrub::signal;
use crate::gateway::config::ConfigError;
use crate::scrub::Encoding;
use crate::scrub::Redaction;
use crate::scrub::Request;
use crate::scrub::ScrubError;
use crate::scrub::Scrubber;
use crate::scrub::rule::RuleFile;
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

/// A kind of change: what it is, the rule, the rule before or after, the kind of place,
/// the service.
type Change = (&'static str, String, String, &'static str, String);

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
    candidate.rules.retain(|old| !file.rules.iter().any(|rule| rule.id == old.id));
    candidate.add(file, "", &node);
    let live = Scrubber::new(&live).map_err(|fault| ConfigError::Fault(fault.within(&path)))?;
    let candidate = Scrubber::new(&candidate).map_err(ConfigError::Fault)?;

    let file = args.against.display().to_string();
    let (mut changes, mut same) = (BTreeMap::<Change, usize>::new(), 0);
    for (number, line) in read(&file)?.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
        let place = |reason| ShadowError::Scrub { file: file.clone(), line: number + 1, reason };
        let Some(signal) = signal(line.as_bytes()) else {
            return Err(ShadowError::NoRequest { file: file.clone(), line: number + 1 });
        };
        let bytes = line.trim().as_bytes().to_vec().into();
        let request = Request { signal, encoding: Encoding::Json, bytes };
        let (_, before) = live.scrub(&request).map_err(place)?;
        let (_, after) = candidate.scrub(&request).map_err(place)?;
        let services = services(line);
        same += compare(&before.redactions, &after.redactions, &services, &mut changes);
    }
    print(&changes, same, args.json)
}

/// Adds the changes between two lists of one request. Gives how many are the same.
fn compare(
    before: &[Redaction],
    after: &[Redaction],
    services: &[String],
    changes: &mut BTreeMap<Change, usize>,
) -> usize {
    let service = |path: &str| {
        let resource = path.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
        let index = resource.and_then(|(index, _)| index.parse::<usize>().ok());
        index.and_then(|index| services.get(index)).cloned().unwrap_or_default()
    };
    // A text may hold several: what both lists have of it is the same, what is left on
    // both sides is another name for it.
    let mut places: BTreeMap<&str, [Vec<&Redaction>; 2]> = BTreeMap::new();
    for (side, list) in [before, after].into_iter().enumerate() {
        for redaction in list {
            let sides = places.entry(&redaction.path).or_default();
            sides.get_mut(side).into_iter().for_each(|side| side.push(redaction));
        }
    }
    let mut same = 0;
    for (path, [mut before, mut after]) in places {
        before.retain(|old| match after.iter().position(|new| new.rule == old.rule) {
            Some(at) => {
                after.swap_remove(at);
                same += 1;
                false
            }
            None => true,
        });
        let (mut before, mut after) = (before.into_iter(), after.into_iter());
        loop {
            let change = match (before.next(), after.next()) {
                (None, None) => break,
                (Some(old), Some(new)) => ("changed", new, old.rule.to_string()),
                (Some(old), None) => ("lost", old, String::new()),
                (None, Some(new)) => ("added", new, String::new()),
            };
            let (what, redaction, was) = change;
            let Redaction { rule, place, .. } = redaction;
            let change = (what, rule.to_string(), was, *place, service(path));
            *changes.entry(change).or_default() += 1;
        }
    }
    same
}

/// The names of the services of a request, in the order of its resources.
fn services(line: &str) -> Vec<String> {
    let request: Value = serde_json::from_str(line).unwrap_or_default();
    let lists = request.as_object().into_iter().flat_map(|members| members.values());
    let resources = lists.filter_map(Value::as_array).flatten();
    resources
        .map(|resource| {
            let attributes = resource.pointer("/resource/attributes").and_then(Value::as_array);
            let is_name = |one: &&Value| one.get("key").is_some_and(|key| key == "service.name");
            let name = attributes.into_iter().flatten().find(is_name);
            let value = name.and_then(|one| one.pointer("/value/stringValue"));
            let value = value.and_then(Value::as_str);
            value.unwrap_or_default().to_owned()
        })
        .collect()
}

fn read(file: &str) -> Result<String, ShadowError> {
    std::fs::read_to_string(file)
        .map_err(|reason| ShadowError::Io { file: file.to_owned(), reason })
}

fn print(changes: &BTreeMap<Change, usize>, same: usize, json: bool) -> Result<(), ShadowError> {
    let mut out = String::new();
    for ((what, rule, was, place, service), count) in changes {
        if json {
            let change = json!({"change": what, "rule": rule, "was": was, "place": place,
                "service": service, "count": count});
            out.push_str(&format!("{change}\n"));
            continue;
        }
        let was = if was.is_empty() { String::new() } else { format!(" (was {was})") };
        out.push_str(&format!("{what:<8} {count:>6}  {rule}{was}  {place}  {service}\n"));
    }
    if !json {
        let changed: usize = changes.values().sum();
        out.push_str(&format!("{same} the same, {changed} added, lost or changed\n"));
    }
    io::stdout()
        .write_all(out.as_bytes())
        .or_else(closed_pipe)
        .map_err(|reason| ShadowError::Io { file: "stdout".to_owned(), reason })
}
