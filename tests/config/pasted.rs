//! What is said of configurations that a platform team pastes from its Collector.
//!
//! The cases are `tests/config/pasted.yaml`. Each is read, checked and built as
//! `validate` does it.

use otel_redact::gateway::config::Config;
use otel_redact::gateway::own;
use otel_redact::gateway::processors;
use otel_redact::scrub::yaml;
use serde::Deserialize;

use crate::environment::Made;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    config: String,
    #[serde(default)]
    says: String,
}

/// The lines that `validate` writes, without what all say whose `redaction` is alone.
fn said(config: &str) -> Vec<String> {
    let variables = ["API_KEY", "TOKEN_A", "TOKEN_B", "SECRET", "PASSWORD", "DD_API_KEY"];
    let variables = variables.map(|name| (name, "made up"));
    let environment = Made::new(&variables, &[("collector.yaml", config)]);
    let loaded = match Config::load(&["collector.yaml".to_owned()], &[], &environment) {
        Ok(loaded) => loaded,
        Err(fault) => return vec![format!("Error: {fault}")],
    };
    let warnings = loaded.warnings.iter().filter(|line| !line.contains("span links"));
    let mut lines: Vec<String> = warnings.map(|warning| format!("Warning: {warning}")).collect();
    let config = &loaded.config;
    let built = own::check(&config.service.telemetry)
        .map_err(|fault| config.placed(fault))
        .and_then(|()| processors::build(config));
    lines.extend(built.err().map(|fault| format!("Error: {fault}")));
    lines
}

#[test]
fn a_collectors_configuration_starts_as_it_is_or_says_in_one_line_why_not() {
    let text = include_str!("pasted.yaml");
    let cases: Vec<Case> = yaml::read(text).unwrap();
    assert!(25 < cases.len(), "{} cases", cases.len());
    let mut failures = Vec::new();
    for case in &cases {
        let got = said(&case.config);
        let expected: Vec<&str> = case.says.lines().collect();
        if got != expected {
            failures.push(format!("@@ {}\n{}", case.name, got.join("\n")));
        }
        for line in got.iter().filter(|line| line.starts_with("Error")) {
            assert!(line.contains(" at line "), "{}: no line in {line}", case.name);
        }
    }
    assert!(failures.is_empty(), "said otherwise:\n{}", failures.join("\n"));
}
