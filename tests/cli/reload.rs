//! New rules while requests come in.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use crate::program::Gateway;
use crate::program::get;
use crate::program::post_json;
use crate::program::stderr;

const REQUEST: &str = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"acme_a_0123456789 and acme_b_0123456789"}}]}]}]}"#;

fn config(folder: &Path) -> String {
    let folder = folder.display();
    let yaml = format!(
        "receivers: {{otlp: {{protocols: {{grpc: , http: }}}}}}\n\
         processors: {{scrubber: {{rule_files: ['{folder}/*.rules.yaml']}}}}\n\
         exporters: {{file: {{path: '{folder}/out.jsonl'}}}}\n\
         extensions: {{health_check: }}\n\
         service:\n  telemetry: {{logs: {{encoding: json}}}}\n  pipelines: {{logs: {{receivers: [otlp], processors: [scrubber], exporters: [file]}}}}\n"
    );
    let path = format!("{folder}/gateway.yaml");
    std::fs::write(&path, yaml).unwrap();
    path
}

/// Two rules whose ids tell the set that they are of.
fn rules(folder: &Path, set: &str) {
    let rule = |kind: &str| format!("- {{id: {set}-{kind}, pattern: 'acme_{kind}_[0-9]{{10}}'}}\n");
    let text = format!("rules:\n{}{}", rule("a"), rule("b"));
    std::fs::write(folder.join("team.rules.yaml"), text).unwrap();
}

#[test]
fn no_request_is_lost_or_half_scrubbed_while_rules_are_reloaded() {
    let folder = tempfile::tempdir().unwrap();
    rules(folder.path(), "one");
    let gateway = Gateway::start(Some(&config(folder.path())), &[]);
    let done = AtomicBool::new(false);
    let sent = std::thread::scope(|scope| {
        let senders: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut sent = 0;
                    while !done.load(Ordering::Relaxed) {
                        let answer = post_json(gateway.http, "/v1/logs", REQUEST).unwrap();
                        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
                        sent += 1;
                    }
                    sent
                })
            })
            .collect();
        for number in 1..=12_u32 {
            rules(folder.path(), if number % 2 == 0 { "one" } else { "two" });
            gateway.signal("HUP");
            gateway.metric(
                "otelcol_processor_scrubber_reloads{outcome=\"success\"",
                &number.to_string(),
            );
        }
        done.store(true, Ordering::Relaxed);
        senders.into_iter().map(|sender| sender.join().unwrap()).sum::<usize>()
    });
    gateway.signal("TERM");
    let output = gateway.end();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let written = std::fs::read_to_string(folder.path().join("out.jsonl")).unwrap();
    let whole = |set: &str| {
        let body = format!("[redacted:{set}-a] and [redacted:{set}-b]");
        written.matches(&body).count()
    };
    assert_eq!(whole("one") + whole("two"), sent, "{written}");
    assert!(0 < whole("one") && 0 < whole("two"));
}

#[test]
fn a_changed_file_is_taken_up_and_a_faulty_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    rules(folder.path(), "one");
    let gateway = Gateway::start(Some(&config(folder.path())), &[]);
    rules(folder.path(), "second");
    gateway.metric("otelcol_processor_scrubber_reloads{outcome=\"success\"", "1");
    std::fs::write(folder.path().join("x.rules.yaml"), "rules:\n- {id: x, patern: y}\n").unwrap();
    gateway.metric("otelcol_processor_scrubber_rules_refused", "1");
    let fault =
        "processors.scrubber.rule_files[0].rules[0].patern: unknown key at line 2, column 11";
    let health = get(gateway.health, "/").unwrap();
    assert!(health.starts_with("HTTP/1.1 200") && health.contains(fault), "{health}");
    assert!(post_json(gateway.http, "/v1/logs", REQUEST).unwrap().starts_with("HTTP/1.1 200"));
    let contradicts = "rules:\n- {id: x, pattern: 'abcd[0-9]{4}', examples: [abcd]}\n";
    std::fs::write(folder.path().join("x.rules.yaml"), contradicts).unwrap();
    gateway.metric("otelcol_processor_scrubber_reloads{outcome=\"refused\"", "2");
    let health = get(gateway.health, "/").unwrap();
    assert!(health.contains("rules[0].examples[0]: the rule finds nothing in it"), "{health}");
    std::fs::remove_file(folder.path().join("x.rules.yaml")).unwrap();
    gateway.metric("otelcol_processor_scrubber_rules_refused", "0");
    assert!(!get(gateway.health, "/").unwrap().contains("refused"));
    let yaml = std::fs::read_to_string(folder.path().join("gateway.yaml")).unwrap();
    let elsewhere = yaml.replace("out.jsonl", "elsewhere.jsonl");
    std::fs::write(folder.path().join("gateway.yaml"), elsewhere).unwrap();
    gateway.metric("otelcol_processor_scrubber_reloads{outcome=\"success\"", "3");
    gateway.signal("TERM");
    let log = stderr(&gateway.end());
    assert!(log.contains(fault), "{log}");
    assert!(log.contains("exporters: changed, which takes a restart"), "{log}");
    assert_eq!(log.matches("changed, which takes a restart").count(), 1, "{log}");
    let written = std::fs::read_to_string(folder.path().join("out.jsonl")).unwrap();
    assert!(written.contains("[redacted:second-a] and [redacted:second-b]"), "{written}");
}
