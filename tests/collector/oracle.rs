//! Asks the Go program in `oracle/`.

use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::process::Command;
use std::process::Stdio;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use otel_redact::scrub::Signal;

/// Settings and a request for a processor of the Collector.
pub(crate) struct Case {
    /// The type of the processor.
    pub(crate) processor: &'static str,
    /// The name of the request.
    pub(crate) name: String,
    /// Its settings, as YAML.
    pub(crate) config: String,
    pub(crate) signal: Signal,
    /// The request in protobuf.
    pub(crate) bytes: Vec<u8>,
}

/// What the Collector makes of each case: a request, or why not.
pub(crate) fn ask(cases: &[Case]) -> Vec<Result<Vec<u8>, String>> {
    let name = match cases.first().map(|case| case.processor) {
        Some("redaction" | "resource") => "COLLECTOR_ORACLE",
        _ => "COLLECTOR_ORACLE_OTTL",
    };
    let program = std::env::var(name).expect("the variable names the program");
    let mut child = Command::new(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut input = child.stdin.take().expect("piped");
    let lines: Vec<String> = cases.iter().map(line).collect();
    let writer = std::thread::spawn(move || {
        for line in lines {
            input.write_all(line.as_bytes()).expect("the program reads");
        }
    });
    let output = BufReader::new(child.stdout.take().expect("piped"));
    let answers: Vec<_> = output.lines().map(|line| answer(&line.expect("a line"))).collect();
    writer.join().expect("all is written");
    assert!(child.wait().expect("the program ends").success());
    assert_eq!(answers.len(), cases.len(), "one answer for each case");
    answers
}

fn line(case: &Case) -> String {
    let line = serde_json::json!({
        "processor": case.processor,
        "config": case.config,
        "signal": case.signal.name(),
        "request": STANDARD.encode(&case.bytes),
    });
    format!("{line}\n")
}

fn answer(line: &str) -> Result<Vec<u8>, String> {
    let answer: serde_json::Value = serde_json::from_str(line).expect("JSON");
    match answer["error"].as_str() {
        Some("") => Ok(STANDARD.decode(answer["request"].as_str().unwrap_or("")).expect("base64")),
        error => Err(error.expect("an error").to_owned()),
    }
}
