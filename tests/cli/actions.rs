//! What rules do about a credential, by a gateway that runs.

use crate::program::Gateway;
use crate::program::get;
use crate::program::post_json;
use crate::program::stderr;

const CONFIG: &str = "receivers: {otlp: {protocols: {grpc: , http: }}}
processors:
  scrubber:
    packs: []
    route: forward/quarantine
    fingerprint_key: an example, and no key
    rules:
      - {id: ma, pattern: 'ma_tok_[0-9a-f]{8}'}
      - {id: fi, pattern: 'fi_tok_[0-9a-f]{8}', action: fingerprint}
      - {id: pa, pattern: 'pa_tok_[0-9a-f]{16}', action: partial}
      - {id: rm, pattern: 'rm_tok_[0-9a-f]{8}', action: remove-attribute}
      - {id: dr, pattern: 'dr_tok_[0-9a-f]{8}', action: drop-record}
      - {id: rf, pattern: 'rf_tok_[0-9a-f]{8}', action: refuse-request}
      - {id: tg, pattern: 'tg_tok_[0-9a-f]{8}', action: tag}
      - {id: ro, pattern: 'ro_tok_[0-9a-f]{8}', action: route}
      - {id: dy, pattern: 'dy_tok_[0-9a-f]{8}', dry_run: true}
connectors: {forward/quarantine: }
exporters: {file: {path: FOLDER/out.jsonl}, file/quarantine: {path: FOLDER/quarantine.jsonl}}
extensions: {health_check: }
service:
  pipelines:
    logs: {receivers: [otlp], processors: [scrubber], exporters: [file]}
    logs/quarantine: {receivers: [forward/quarantine], exporters: [file/quarantine]}
";

/// The token of a rule, what arrives of a record with it, and what is counted for it:
/// masks, and what else, by outcome.
const CASES: &[(&str, &str, &str, Option<&str>)] = &[
    ("ma_tok_01234567", "[redacted:ma]", "1", None),
    ("fi_tok_01234567", "[redacted:fi:", "1", None),
    ("pa_tok_0123456789abcdef", "pa****ef", "1", None),
    ("rm_tok_01234567", r#"{"body":{"stringValue":"for rm"}}"#, "1", Some("remove_attribute")),
    ("dr_tok_01234567", "", "1", Some("drop_record")),
    ("rf_tok_01234567", "", "", Some("refuse_request")),
    ("tg_tok_01234567", r#""values":[{"stringValue":"tg"}]"#, "", Some("tag")),
    ("ro_tok_01234567", "[redacted:ro]", "1", Some("route")),
    ("dy_tok_01234567", "dy_tok_01234567", "", Some("dry_run")),
];

#[test]
fn each_action_is_done_by_a_running_gateway_told_to_the_sender_and_counted_by_rule() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let yaml = CONFIG.replace("FOLDER", &folder.path().display().to_string());
    std::fs::write(path("gateway.yaml"), yaml).unwrap();
    let gateway = Gateway::start(Some(&path("gateway.yaml")), &[]);
    for (token, ..) in CASES {
        let rule = &token[..2];
        let request = format!(
            r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"body":{{"stringValue":"for {rule}"}},"attributes":[{{"key":"k","value":{{"stringValue":"{token}"}}}}]}}]}}]}}]}}"#
        );
        let answer = post_json(gateway.http, "/v1/logs", &request).unwrap();
        let status = if rule == "rf" { "HTTP/1.1 400" } else { "HTTP/1.1 200" };
        assert!(answer.starts_with(status), "{token}: {answer}");
        let said = answer.contains("request refused: rule rf found a credential in it");
        assert_eq!(said, rule == "rf", "{answer}");
    }
    let metrics = get(gateway.metrics, "/metrics").unwrap();
    for (token, _, masks, outcome) in CASES {
        let rule = format!("rule=\"{}\"", &token[..2]);
        let count = |name: &str, label: &str| {
            let mut lines = metrics.lines().filter(|line| line.starts_with(name));
            let line = lines.find(|line| line.contains(&rule) && line.contains(label));
            line.and_then(|line| line.rsplit(' ').next()).unwrap_or_default().to_owned()
        };
        assert_eq!(count("otelcol_processor_scrubber_redactions{", ""), *masks, "{token}");
        let noted = count("otelcol_processor_scrubber_noted{", outcome.unwrap_or_default());
        assert_eq!(noted == "1", outcome.is_some(), "{token}: {noted}\n{metrics}");
        assert_eq!(count("otelcol_processor_scrubber_rule_hits{", ""), "1", "{token}");
    }
    gateway.signal("TERM");
    let output = gateway.end();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let read = |name: &str| std::fs::read_to_string(path(name)).unwrap();
    let (out, quarantine) = (read("out.jsonl"), read("quarantine.jsonl"));
    for (token, arrives, ..) in CASES {
        let rule = format!("for {}\"", &token[..2]);
        let (there, elsewhere) = match token.starts_with("ro") {
            true => (&quarantine, &out),
            false => (&out, &quarantine),
        };
        let line = there.lines().find(|line| line.contains(&rule)).unwrap_or_default();
        let line = line.replace(": ", ":");
        assert_eq!(line.is_empty(), arrives.is_empty(), "{token}: {line}");
        assert!(line.contains(arrives), "{token}: {line}");
        assert!(!elsewhere.contains(&rule), "{token}");
        let is_left = ["tg", "dy"].contains(&&token[..2]);
        assert_eq!(line.contains(token), is_left, "{token}: {line}");
    }
}
