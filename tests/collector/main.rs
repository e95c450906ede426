//! Holds our processors against the Collector's own, built from its Go modules.
//!
//! `tests/collector/run` builds the Go program that these tests ask and runs them.
//! What is compared are decoded requests, field by field; attributes as sets, since
//! the Collector moves the last one into the place of one that it removes.
#![expect(clippy::indexing_slicing, reason = "a test may panic")]

mod canonical;
mod oracle;
mod requests;

use otel_redact::scrub::Encoding;
use otel_redact::scrub::Redactor;
use otel_redact::scrub::Request;
use otel_redact::scrub::Signal;
use otel_redact::scrub::otlp;
use otel_redact::scrub::redaction::Settings;
use otel_redact::scrub::yaml;

use crate::canonical::canonical;
use crate::oracle::Case;

/// The settings in a file, each as YAML.
fn settings(text: &str) -> Vec<String> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("- "));
    lines.map(str::to_owned).collect()
}

fn redactor(config: &str) -> Result<Redactor, yaml::YamlError> {
    yaml::read::<Settings>(config).and_then(|settings| Redactor::new(&settings))
}

#[test]
#[ignore = "needs the Collector: tests/collector/run"]
fn redaction_gives_what_the_collector_gives() {
    let mut cases = Vec::new();
    for config in settings(include_str!("redaction.yaml")) {
        for (name, signal, bytes) in requests::all() {
            // Of SQL, only statements are held against Datadog's lexer, not prose.
            if config.contains("sql:") && signal == Signal::Logs {
                continue;
            }
            let config = config.clone();
            cases.push(Case { processor: "redaction", name, config, signal, bytes });
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
        let redactor = redactor(&case.config).expect(&case.config);
        for encoding in [Encoding::Protobuf, Encoding::Json] {
            let bytes = match encoding {
                Encoding::Protobuf => case.bytes.clone(),
                // JSON cannot say bytes that are no UTF-8.
                Encoding::Json if case.name.contains("UTF-8") => continue,
                Encoding::Json => otlp::protobuf_to_json(case.signal, &case.bytes).expect("JSON"),
            };
            let request = Request { signal: case.signal, encoding, bytes: bytes.into() };
            let (redacted, _) = redactor.redact(&request).expect(&case.name);
            if !redacted.edited() {
                assert_eq!(redacted.bytes(), &request.bytes, "{}", case.name);
            }
            let redacted = redacted.to_protobuf().expect("protobuf");
            let got = canonical(case.signal, redacted.bytes());
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
    let shown: Vec<&str> = failures.iter().take(4).map(String::as_str).collect();
    assert!(failures.is_empty(), "{} of them\n{}", failures.len(), shown.join("\n"));
    println!("{} cases agree", cases.len());
}

#[test]
#[ignore = "needs the Collector: tests/collector/run"]
fn what_the_collector_refuses_is_refused() {
    let (name, signal, bytes) = requests::all().remove(0);
    for config in settings(include_str!("faults.yaml")) {
        let (name, bytes) = (name.clone(), bytes.clone());
        let case = Case { processor: "redaction", name, config, signal, bytes };
        let answer = oracle::ask(std::slice::from_ref(&case)).remove(0);
        assert!(answer.is_err(), "the Collector accepts {}", case.config);
        assert!(redactor(&case.config).is_err(), "{} is accepted", case.config);
    }
}
