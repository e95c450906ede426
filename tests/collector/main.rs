//! Holds our processors against the Collector's own, built from its Go modules.
//!
//! `tests/collector/run` builds the Go program that these tests ask and runs them.
//! What is compared are decoded requests, field by field; attributes as sets, since
//! the Collector moves the last one into the place of one that it removes.
#![expect(clippy::indexing_slicing, reason = "a test may panic")]
#![expect(clippy::print_stdout, reason = "says how many cases were compared")]

mod canonical;
mod oracle;
mod requests;

use std::sync::Arc;

use otel_redact::scrub::Chain;
use otel_redact::scrub::Encoding;
use otel_redact::scrub::Redactor;
use otel_redact::scrub::Request;
use otel_redact::scrub::Signal;
use otel_redact::scrub::actions::Actions;
use otel_redact::scrub::actions::AttributesSettings;
use otel_redact::scrub::actions::ResourceSettings;
use otel_redact::scrub::chain::Processor;
use otel_redact::scrub::otlp;
use otel_redact::scrub::ottl::Filter;
use otel_redact::scrub::ottl::FilterSettings;
use otel_redact::scrub::ottl::Transform;
use otel_redact::scrub::ottl::TransformSettings;
use otel_redact::scrub::redaction::Settings;
use otel_redact::scrub::yaml;

use crate::canonical::canonical;
use crate::oracle::Case;

/// The settings in a file, each as YAML.
fn settings(text: &str) -> Vec<String> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("- "));
    lines.map(str::to_owned).collect()
}

/// Runs each of our processors on each request and compares.
fn compare(
    processor: &'static str,
    configs: &str,
    requests: &[(String, Signal, Vec<u8>)],
    is_meant: impl Fn(&str, Signal) -> bool,
    build: impl Fn(&str) -> Result<Processor, yaml::YamlError>,
) {
    let mut cases = Vec::new();
    for config in settings(configs) {
        for (name, signal, bytes) in requests.iter().cloned() {
            if !is_meant(&config, signal) {
                continue;
            }
            let config = config.clone();
            cases.push(Case { processor, name, config, signal, bytes });
        }
    }
    assert!(100 < cases.len(), "{} cases", cases.len());
    let answers = oracle::ask(&cases);
    let mut failures = Vec::new();
    for (case, answer) in cases.iter().zip(answers) {
        let expected = match answer {
            Ok(bytes) => canonical(case.signal, &bytes),
            Err(error) => panic!("{}: the Collector says {error}", case.config),
        };
        let built = build(&case.config).unwrap_or_else(|err| panic!("{}: {err}", case.config));
        let chain = Chain::new(case.signal, vec![built, scrubbing()]).expect("it scrubs");
        for encoding in [Encoding::Protobuf, Encoding::Json] {
            let bytes = match encoding {
                Encoding::Protobuf => case.bytes.clone(),
                // JSON cannot say bytes that are no UTF-8.
                Encoding::Json if case.name.contains("UTF-8") => continue,
                Encoding::Json => otlp::protobuf_to_json(case.signal, &case.bytes).expect("JSON"),
            };
            let request = Request { signal: case.signal, encoding, bytes: bytes.into() };
            let before = request.bytes.clone();
            let processed = chain.run(request).expect(&case.name);
            if !processed.edited {
                assert_eq!(processed.scrubbed.bytes(), &before, "{}", case.name);
            }
            let protobuf = processed.scrubbed.to_protobuf().expect("protobuf");
            let got = canonical(case.signal, protobuf.bytes());
            if got != expected {
                failures.push(format!(
                    "{} [{encoding:?}]\n  {}\n{}",
                    case.name,
                    case.config,
                    canonical::difference(&expected, &got)
                ));
            }
        }
    }
    // One for each of the first settings at fault.
    let mut shown: Vec<&str> = failures.iter().map(String::as_str).collect();
    shown.dedup_by_key(|failure| failure.lines().nth(1).map(str::to_owned));
    shown.truncate(6);
    assert!(failures.is_empty(), "{} of them\n{}", failures.len(), shown.join("\n"));
    println!("{} cases agree", cases.len());
}

/// A processor behind the one under test that changes nothing.
fn scrubbing() -> Processor {
    let settings = yaml::read::<Settings>("allow_all_keys: true").expect("settings");
    Processor::Redaction(Arc::new(Redactor::new(&settings).expect("a processor")))
}

fn redaction(config: &str) -> Result<Processor, yaml::YamlError> {
    let redactor = yaml::read::<Settings>(config).and_then(|settings| Redactor::new(&settings))?;
    Ok(Processor::Redaction(Arc::new(redactor)))
}

fn resource(config: &str) -> Result<Processor, yaml::YamlError> {
    let actions =
        yaml::read::<ResourceSettings>(config).and_then(|own| Actions::on_resources(&own))?;
    Ok(Processor::Actions(Arc::new(actions)))
}

fn attributes(config: &str) -> Result<Processor, yaml::YamlError> {
    let actions =
        yaml::read::<AttributesSettings>(config).and_then(|own| Actions::on_attributes(&own))?;
    Ok(Processor::Actions(Arc::new(actions)))
}

fn transform(config: &str) -> Result<Processor, yaml::YamlError> {
    let transform = yaml::read::<TransformSettings>(config).and_then(|own| Transform::new(&own))?;
    Ok(Processor::Transform(Arc::new(transform)))
}

fn filter(config: &str) -> Result<Processor, yaml::YamlError> {
    let filter = yaml::read::<FilterSettings>(config).and_then(|own| Filter::new(&own))?;
    Ok(Processor::Filter(Arc::new(filter)))
}

/// Whether settings of `transform` or `filter` say anything of a signal.
fn says_of(config: &str, signal: Signal) -> bool {
    let names: &[&str] = match signal {
        Signal::Traces => &["trace_", "traces:", "spans:"],
        Signal::Metrics => &["metric_s", "metric_c", "metrics:"],
        Signal::Logs => &["log_s", "log_c", "logs:"],
        Signal::Profiles => &[],
    };
    names.iter().any(|name| config.contains(name))
}

/// As in a pipeline of traces.
fn attributes_of_spans(config: &str) -> Result<Processor, yaml::YamlError> {
    let settings = yaml::read::<AttributesSettings>(config)?;
    if let Some((path, expected)) = settings.misfit(Signal::Traces) {
        return Err(yaml::YamlError::new(path, expected));
    }
    attributes(config)
}

/// Whether settings of `attributes` can be used for a signal.
fn only_for(config: &str, signal: Signal) -> bool {
    let settings = yaml::read::<AttributesSettings>(config).expect("settings");
    settings.misfit(signal).is_none()
}

#[test]
#[ignore = "needs the Collector: tests/collector/run"]
fn redaction_gives_what_the_collector_gives() {
    // Of SQL, only statements are held against Datadog's lexer, not prose.
    let is_meant = |config: &str, signal| !(config.contains("sql:") && signal == Signal::Logs);
    compare("redaction", include_str!("redaction.yaml"), &requests::all(), is_meant, redaction);
}

#[test]
#[ignore = "needs the Collector: tests/collector/run"]
fn actions_give_what_the_collector_gives() {
    let mut requests = requests::all();
    requests.truncate(5);
    requests.extend(requests::resources());
    compare("resource", include_str!("resource.yaml"), &requests, |_, _| true, resource);
}

#[test]
#[ignore = "needs the Collector: tests/collector/run"]
fn records_are_matched_as_the_collector_matches_them() {
    let mut requests = requests::apart();
    requests.extend(requests::all().into_iter().take(5));
    compare("attributes", include_str!("attributes.yaml"), &requests, only_for, attributes);
}

#[test]
#[ignore = "needs the Collector: tests/collector/run"]
fn statements_do_what_they_do_in_the_collector() {
    let mut requests = requests::apart();
    // The Collector makes a scope where there is none; here, nothing is written to it.
    requests.extend(requests::all().into_iter().filter(|(name, ..)| !name.contains("two parts")));
    compare("transform", include_str!("transform.yaml"), &requests, says_of, transform);
}

#[test]
#[ignore = "needs the Collector: tests/collector/run"]
fn conditions_leave_out_what_they_leave_out_in_the_collector() {
    let mut requests = requests::apart();
    requests.extend(requests::all());
    compare("filter", include_str!("filter.yaml"), &requests, says_of, filter);
}

#[test]
#[ignore = "needs the Collector: tests/collector/run"]
fn what_the_collector_refuses_is_refused() {
    let (name, signal, bytes) = requests::all().remove(0);
    type Build = fn(&str) -> Result<Processor, yaml::YamlError>;
    let all: [(&str, &str, Build); 5] = [
        ("redaction", include_str!("redaction-faults.yaml"), redaction),
        ("resource", include_str!("resource-faults.yaml"), resource),
        ("attributes", include_str!("attributes-faults.yaml"), attributes_of_spans),
        ("transform", include_str!("transform-faults.yaml"), transform),
        ("filter", include_str!("filter-faults.yaml"), filter),
    ];
    for (processor, configs, build) in all {
        for config in settings(configs) {
            let (name, bytes) = (name.clone(), bytes.clone());
            let case = Case { processor, name, config, signal, bytes };
            let answer = oracle::ask(std::slice::from_ref(&case)).remove(0);
            assert!(answer.is_err(), "the Collector accepts {}", case.config);
            assert!(build(&case.config).is_err(), "{} is accepted", case.config);
        }
    }
}
