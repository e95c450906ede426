//! `rules bench`: what each rule costs on a sample.
//!
//! What a rule looks at, and what comes of it, is counted while all rules run. Its time is
//! the difference that it makes by itself: the sample is scrubbed with this rule alone and
//! with a rule that never hits, the best of several turns each. Only rules with a hit are
//! measured; the others cost nothing beyond the one pass that looks for all of them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;

use clap::Args;
use serde_json::Value;
use serde_json::json;

use crate::cli::ConfigArgs;
use crate::cli::rules::RulesError;
use crate::cli::rules::read;
use crate::cli::scrub::settings;
use crate::cli::scrub::signal;
use crate::scrub::Cost;
use crate::scrub::Counts;
use crate::scrub::Encoding;
use crate::scrub::KnownTexts;
use crate::scrub::Request;
use crate::scrub::Scrubber;
use crate::scrub::Settings;
use crate::scrub::Signal;
use crate::scrub::rule::template;

/// What `rules bench` is asked.
#[derive(Debug, Args)]
pub(in crate::cli) struct BenchArgs {
    /// Rule files to lay over the rules of the configuration
    #[arg(long, value_name = "FILE")]
    rules: Vec<PathBuf>,
    /// OTLP/JSON, one request a line, or text; a sample of logs where left out
    files: Vec<PathBuf>,
    /// How often the sample is scrubbed for each figure; the best time counts
    #[arg(long, value_name = "N", default_value_t = 5)]
    turns: u32,
    /// One JSON object for each rule
    #[arg(long)]
    json: bool,
}

/// Lines as templates: most clean, some with a secret.
const SAMPLE: &str = include_str!("bench/sample.txt");

/// How often the sample is expanded: about 150 kB.
const EXPANSIONS: u64 = 60;

/// How many lines of a text make one request.
const LINES_PER_REQUEST: usize = 100;

/// A rule that no text hits.
const IDLE: &str = "rules: [{id: idle, pattern: 'idle\\x01\\x02\\x03\\x04rule'}]";

/// What a rule cost.
struct Row {
    cost: Cost,
    time: Duration,
}

/// Runs the bench, and gives what to print.
///
/// # Errors
///
/// Rules or a sample that cannot be read or used.
pub(in crate::cli::rules) fn bench(
    config: &ConfigArgs,
    args: &BenchArgs,
) -> Result<String, RulesError> {
    let settings = with_files(config, &args.rules)?;
    let requests = sample(&args.files)?;
    let all = scrubber(&settings, Scrubber::new)?;
    let idle = Settings { rules: read("idle", IDLE)?.rules, ..Settings::default() };
    let idle = time(&scrubber(&idle, Scrubber::without_packs)?, &requests, args.turns)?;
    let whole = time(&all, &requests, args.turns)?;
    let mut rows = Vec::new();
    for cost in costs(&all, &requests)? {
        let Some(rule) = all.rules().iter().find(|rule| *rule.id == *cost.rule) else { continue };
        // As it stands, for `extend` has been applied.
        let (rules, extend) = (vec![rule.clone()], Vec::new());
        let alone = Settings { rules, extend, ..settings.clone() };
        let alone = scrubber(&alone, Scrubber::without_packs)?;
        let time = time(&alone, &requests, args.turns)?.saturating_sub(idle);
        rows.push(Row { cost, time });
    }
    rows.sort_by_key(|row| std::cmp::Reverse((row.time, row.cost.counts.hits)));
    let bytes = requests.iter().map(|request| request.bytes.len()).sum();
    Ok(match args.json {
        true => rows.iter().map(|row| format!("{}\n", as_json(row))).collect(),
        false => table(&rows, whole, idle, bytes),
    })
}

/// The settings of the configuration with rule files over them.
fn with_files(config: &ConfigArgs, files: &[PathBuf]) -> Result<Settings, RulesError> {
    let (_, mut settings) = settings(config)?;
    for path in files {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|reason| RulesError::Io { file: name.clone(), reason })?;
        let faulty = |fault| RulesError::Rules { file: name.clone(), fault };
        let node = crate::scrub::yaml::parse(&text, None).map_err(faulty)?;
        let file = node.read("").map_err(faulty)?;
        settings.lay_over(file, "", &node);
    }
    Ok(*settings)
}

fn scrubber(
    settings: &Settings,
    build: impl Fn(&Settings) -> Result<Scrubber, crate::scrub::yaml::YamlError>,
) -> Result<Scrubber, RulesError> {
    let faulty = |fault| RulesError::Rules { file: "rules".to_owned(), fault };
    // The sample comes again in every turn, and must be searched each time.
    let settings = Settings { known_texts_mib: KnownTexts(0), ..settings.clone() };
    let scrubber = build(&settings).map_err(faulty)?;
    // A pattern that is compiled at its first hit must not be measured doing so.
    scrubber.compile_all().map_err(faulty)?;
    Ok(scrubber)
}

fn sample(files: &[PathBuf]) -> Result<Vec<Request>, RulesError> {
    if files.is_empty() {
        let texts = (0..EXPANSIONS).map(|seed| {
            let lines = SAMPLE.lines().map(|line| template::expand(line, seed));
            lines.map(|line| line.expect("a test expands the sample")).collect()
        });
        return Ok(texts.map(|lines: Vec<String>| logs(&lines)).collect());
    }
    let mut requests = Vec::new();
    for path in files {
        let file = path.display().to_string();
        let text =
            std::fs::read_to_string(path).map_err(|reason| RulesError::Io { file, reason })?;
        let mut lines = Vec::new();
        for line in text.lines() {
            match signal(line.as_bytes()) {
                Some(signal) => {
                    let bytes = line.trim().as_bytes().to_vec().into();
                    requests.push(Request { signal, encoding: Encoding::Json, bytes });
                }
                None => lines.push(line.to_owned()),
            }
        }
        requests.extend(lines.chunks(LINES_PER_REQUEST).map(logs));
    }
    Ok(requests)
}

/// A request with a log record for each line.
fn logs(lines: &[String]) -> Request {
    let records: Vec<Value> =
        lines.iter().map(|line| json!({"body": {"stringValue": line}})).collect();
    let request = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]});
    let bytes = request.to_string().into_bytes().into();
    Request { signal: Signal::Logs, encoding: Encoding::Json, bytes }
}

/// The best time of several turns.
fn time(scrubber: &Scrubber, requests: &[Request], turns: u32) -> Result<Duration, RulesError> {
    let mut best = Duration::MAX;
    for _ in 0..turns.max(1) {
        let begun = Instant::now();
        for request in requests {
            scrubber.scrub(request)?;
        }
        best = best.min(begun.elapsed());
    }
    Ok(best)
}

/// The counts of all requests together, by rule.
fn costs(scrubber: &Scrubber, requests: &[Request]) -> Result<Vec<Cost>, RulesError> {
    let mut by_rule: BTreeMap<_, Counts> = BTreeMap::new();
    for request in requests {
        for Cost { rule, counts } in scrubber.scrub(request)?.1.costs {
            by_rule.entry(rule).or_default().add(&counts);
        }
    }
    Ok(by_rule.into_iter().map(|(rule, counts)| Cost { rule, counts }).collect())
}

fn as_json(row: &Row) -> Value {
    let Row { cost, time } = row;
    json!({
        "rule": *cost.rule,
        "hits": cost.counts.hits,
        "near_misses": cost.counts.near_misses,
        "matches": cost.counts.matches,
        "suppressed": cost.counts.suppressed,
        "confirmed_bytes": cost.counts.bytes,
        "nanoseconds": u64::try_from(time.as_nanos()).unwrap_or(u64::MAX),
    })
}

fn table(rows: &[Row], whole: Duration, idle: Duration, bytes: usize) -> String {
    let all: f64 = rows.iter().map(|row| row.time.as_secs_f64()).sum();
    let mut out = format!(
        "{:<44} {:>8} {:>8} {:>8} {:>10} {:>10} {:>10} {:>6}\n",
        "rule", "hits", "near", "matches", "suppressed", "bytes", "time", "share"
    );
    for Row { cost, time } in rows {
        let share = if 0.0 < all { 100.0 * time.as_secs_f64() / all } else { 0.0 };
        out.push_str(&format!(
            "{:<44} {:>8} {:>8} {:>8} {:>10} {:>10} {:>7.0} µs {share:>5.1}%\n",
            cost.rule,
            cost.counts.hits,
            cost.counts.near_misses,
            cost.counts.matches,
            cost.counts.suppressed,
            cost.counts.bytes,
            time.as_secs_f64() * 1e6,
        ));
    }
    let megabytes = bytes as f64 / 1e6;
    let speed = |time: Duration| megabytes / time.as_secs_f64().max(1e-9);
    out.push_str(&format!(
        "{megabytes:.2} MB in {:.2} ms with all rules ({:.0} MB/s), {:.2} ms with one that never \
         hits ({:.0} MB/s)\n",
        whole.as_secs_f64() * 1e3,
        speed(whole),
        idle.as_secs_f64() * 1e3,
        speed(idle),
    ));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_expands_and_holds_what_it_says() {
        let requests = sample(&[]).expect("it is built in");
        let scrubber = Scrubber::new(&Settings::default()).expect("the packed rules compile");
        let costs = costs(&scrubber, requests.get(..2).expect("several")).expect("it is OTLP");
        assert!(costs.iter().any(|cost| 0 < cost.counts.matches));
        assert!(
            costs.iter().all(|cost| 0 < cost.counts.hits && 0 < cost.counts.bytes),
            "{costs:?}"
        );
    }
}
