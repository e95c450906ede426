//! `explain`: why something was masked, and why something was not.

mod idle;

use std::io;
use std::io::Read;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use crate::cli::ConfigArgs;
use crate::cli::closed_pipe;
use crate::cli::explain::idle::Idle;
use crate::cli::live::AdminArgs;
use crate::cli::live::LiveError;
use crate::cli::scrub::settings;
use crate::cli::scrub::signal;
use crate::cli::tail;
use crate::gateway::config::ConfigError;
use crate::gateway::telemetry::admin::explained;
use crate::scrub::Encoding;
use crate::scrub::Request;
use crate::scrub::ScrubError;
use crate::scrub::Scrubber;
use crate::scrub::explain::Explanation;

/// Examples for `explain --help`.
pub(in crate::cli) const EXAMPLES: &str = "\
Examples:
  echo 'password=hunter2hunter2' | otel-redact explain
  echo hunter2hunter2 | otel-redact explain --key db.password
  otel-redact explain traces.jsonl --record 3 --json
  otel-redact explain --config gateway.yaml < line.log

A secret is never printed: its length, its characters by class and, with
`fingerprint_key` in the configuration, its fingerprint are.";

/// What `explain` is asked.
#[derive(Debug, Args)]
pub(in crate::cli) struct ExplainArgs {
    /// OTLP/JSON, one request a line, or text; stdin where left out
    file: Option<PathBuf>,
    /// Only the span, log record or metric of this number, from 0
    #[arg(long, value_name = "N")]
    record: Option<usize>,
    /// The key that the text stands under
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// The record that `tail` of a running gateway showed under this number
    #[arg(long, value_name = "N", conflicts_with_all = ["file", "record", "key"])]
    tail: Option<u64>,
    #[command(flatten)]
    admin: AdminArgs,
    /// One JSON object for each text
    #[arg(long)]
    json: bool,
}

/// Why there is no explanation.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum ExplainError {
    /// The scrubber cannot be built.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The input cannot be read, or the output not be written.
    #[error("{file}: {reason}")]
    Io {
        /// The file.
        file: String,
        /// Why.
        reason: io::Error,
    },
    /// A running gateway cannot be asked.
    #[error(transparent)]
    Live(#[from] LiveError),
    /// A line of OTLP/JSON is malformed.
    #[error("line {line}: {reason}")]
    Line {
        /// Which, from 1.
        line: usize,
        /// Why.
        reason: ScrubError,
    },
    /// There are fewer records.
    #[error("--record {record}: there are {count}, counted from 0")]
    Record {
        /// The one asked for.
        record: usize,
        /// How many there are.
        count: usize,
    },
}

/// Explains stdin or a file.
///
/// # Errors
///
/// What cannot be read, or is no OTLP.
pub(in crate::cli) fn explain(config: &ConfigArgs, args: &ExplainArgs) -> Result<(), ExplainError> {
    if let Some(number) = args.tail {
        return write(&tail::explain(&args.admin, number, args.json)?);
    }
    let (path, settings) = settings(config)?;
    let scrubber =
        Scrubber::new(&settings).map_err(|fault| ConfigError::from(fault.within(&path)))?;
    let idle = Idle::new(&settings, &scrubber);
    let input = read(args)?;
    let mut explanations = Vec::new();
    let mut records = 0;
    let is_otlp = input.lines().next().is_some_and(|line| signal(line.as_bytes()).is_some());
    if is_otlp {
        for (number, line) in input.lines().enumerate() {
            let Some(signal) = signal(line.as_bytes()) else { continue };
            let bytes = line.trim().as_bytes().to_vec().into();
            let request = Request { signal, encoding: Encoding::Json, bytes };
            let faulty = |reason| ExplainError::Line { line: number + 1, reason };
            let mut all = scrubber.explain(&request).map_err(faulty)?;
            if let Some(idle) = &idle {
                idle.add(&mut all, idle.scrubber.explain(&request).map_err(faulty)?);
            }
            if let Some(wanted) = args.record {
                let paths = record_paths(line);
                let own = wanted.checked_sub(records).and_then(|at| paths.get(at));
                all.retain(|one| own.is_some_and(|own| one.path.starts_with(own.as_str())));
                records += paths.len();
            }
            explanations.append(&mut all);
        }
        if let Some(record) = args.record.filter(|record| records <= *record) {
            return Err(ExplainError::Record { record, count: records });
        }
    } else {
        explanations = text(&scrubber, &input, args.key.as_deref());
        if let Some(idle) = &idle {
            idle.add(&mut explanations, text(&idle.scrubber, &input, args.key.as_deref()));
        }
    }
    print(&explanations, args.json)
}

fn text(scrubber: &Scrubber, text: &str, key: Option<&str>) -> Vec<Explanation> {
    scrubber.explain_text(text.trim_end_matches('\n').as_bytes(), key)
}

fn read(args: &ExplainArgs) -> Result<String, ExplainError> {
    let mut bytes = Vec::new();
    let (file, read) = match &args.file {
        Some(path) => {
            let read = std::fs::File::open(path).and_then(|mut file| file.read_to_end(&mut bytes));
            (path.display().to_string(), read)
        }
        None => ("stdin".to_owned(), io::stdin().lock().read_to_end(&mut bytes)),
    };
    read.map_err(|reason| ExplainError::Io { file, reason })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// How the paths of the records of a request begin, in their order.
fn record_paths(line: &str) -> Vec<String> {
    const LEVELS: [(&str, &str, &str); 3] = [
        ("resourceSpans", "scopeSpans", "spans"),
        ("resourceLogs", "scopeLogs", "logRecords"),
        ("resourceMetrics", "scopeMetrics", "metrics"),
    ];
    let request: Value = serde_json::from_str(line).unwrap_or_default();
    let mut paths = Vec::new();
    let list = |value: &Value, name: &str| -> Vec<Value> {
        let other = snake(name);
        let list = value.get(name).or_else(|| value.get(&other));
        list.and_then(Value::as_array).cloned().unwrap_or_default()
    };
    for (resources, scopes, records) in LEVELS {
        for (r, resource) in list(&request, resources).iter().enumerate() {
            for (s, scope) in list(resource, scopes).iter().enumerate() {
                for n in 0..list(scope, records).len() {
                    let [resources, scopes, records] = [resources, scopes, records].map(snake);
                    paths.push(format!("{resources}[{r}].{scopes}[{s}].{records}[{n}]."));
                }
            }
        }
    }
    paths
}

/// `logRecords` as the schema writes it: `log_records`.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    for character in name.chars() {
        if character.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    snake
}

fn print(explanations: &[Explanation], json: bool) -> Result<(), ExplainError> {
    let mut out = String::new();
    for explanation in explanations {
        match json {
            true => out.push_str(&format!("{}\n", explained::explanation(explanation))),
            false => out.push_str(&explanation.to_string()),
        }
    }
    if explanations.is_empty() && !json {
        out.push_str("nothing found, and no rule came near\n");
    }
    write(&out)
}

fn write(text: &str) -> Result<(), ExplainError> {
    io::stdout()
        .write_all(text.as_bytes())
        .or_else(closed_pipe)
        .map_err(|reason| ExplainError::Io { file: "stdout".to_owned(), reason })
}
