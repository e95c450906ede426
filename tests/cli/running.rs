//! The gateway while it runs, and how it ends.

use crate::program::Gateway;
use crate::program::get;
use crate::program::post_json;
use crate::program::post_json_with;
use crate::program::run;
use crate::program::stderr;
use crate::program::stdout;

const REQUEST: &str = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"hello from a test"}}]}]}]}"#;

#[test]
fn it_takes_a_request_counts_it_prints_it_and_drains_on_sigterm() {
    let gateway = Gateway::start(None, &[]);
    let answer = post_json(gateway.http, "/v1/logs", REQUEST).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let metrics = get(gateway.metrics, "/metrics").unwrap();
    for (name, value) in [
        ("otelcol_receiver_accepted_log_records{receiver=\"otlp\"", "1"),
        ("otelcol_exporter_sent_log_records{exporter=\"debug\"", "1"),
        ("otelcol_receiver_accepted_spans{receiver=\"otlp\"", "0"),
    ] {
        let found = metrics
            .lines()
            .any(|line| line.starts_with(name) && line.ends_with(&format!(" {value}")));
        assert!(found, "{name} {value}\n{metrics}");
    }
    assert!(get(gateway.health, "/").unwrap().contains("\"status\":\"Server available\""));
    gateway.signal("TERM");
    let output = gateway.end();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("hello from a test"), "{}", stdout(&output));
    let log = stderr(&output);
    for part in ["listening", "metrics at http://127.0.0.1:", "ready", "\"rules\":", "stopped"] {
        assert!(log.contains(part), "{part}\n{log}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn its_memory_is_written_to_no_core_file_and_it_takes_the_files_that_it_may() {
    let gateway = Gateway::start(None, &[]);
    let limits = gateway.proc("limits");
    let of = |name: &str| {
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(of("Max core file size")[4..6], ["0", "0"], "{limits}");
    let files = of("Max open files");
    assert_eq!(files[3], files[4], "{limits}");
    gateway.signal("TERM");
    gateway.end();
}

#[test]
#[cfg(target_os = "linux")]
fn its_credentials_are_nowhere_that_others_look() {
    use std::hash::BuildHasher;
    let folder = tempfile::tempdir().unwrap();
    let made = ["in", "out", "key"].map(|name| {
        let chance = std::hash::RandomState::new().hash_one(name);
        let secret = format!("{name}Qz{chance:016x}");
        std::fs::write(folder.path().join(name), &secret).unwrap();
        secret
    });
    let at = |name: &str| folder.path().join(name).display().to_string();
    let yaml = format!(
        "extensions:
  health_check: {{}}
  bearertokenauth/in: {{filename: '{}'}}
  bearertokenauth/out: {{filename: '{}'}}
receivers:
  otlp: {{protocols: {{grpc: {{}}, http: {{auth: {{authenticator: bearertokenauth/in}}}}}}}}
processors:
  scrubber: {{}}
exporters:
  otlp_http:
    endpoint: 'http://127.0.0.1:9'
    auth: {{authenticator: bearertokenauth/out}}
    headers: {{x-key: '${{file:{}}}'}}
    retry_on_failure: {{enabled: false}}
service:
  telemetry: {{logs: {{level: debug}}}}
  pipelines:
    logs: {{receivers: [otlp], processors: [scrubber], exporters: [otlp_http]}}
",
        at("in"),
        at("out"),
        at("key")
    );
    std::fs::write(folder.path().join("gateway.yaml"), yaml).unwrap();
    let all = "service.extensions=[health_check, bearertokenauth/in, bearertokenauth/out]";
    let gateway = Gateway::start(Some(&at("gateway.yaml")), &["--set", all]);
    let send = |token: &str| {
        let header = format!("authorization: Bearer {token}\r\n");
        post_json_with(gateway.http, "/v1/logs", &header, REQUEST).unwrap()
    };
    let (known, unknown) = (send(&made[0]), send(&made[1]));
    // There is no upstream.
    assert!(known.starts_with("HTTP/1.1 503"), "{known}");
    assert!(unknown.starts_with("HTTP/1.1 401"), "{unknown}");
    let metrics = get(gateway.metrics, "/metrics").unwrap();
    let health = get(gateway.health, "/").unwrap();
    let command = gateway.proc("cmdline");
    gateway.signal("TERM");
    let output = gateway.end();
    let places = [known, unknown, metrics, health, command, stdout(&output), stderr(&output)];
    for secret in &made {
        assert!(places.iter().all(|text| !text.contains(secret)), "a credential is shown");
    }
}

#[test]
fn sighup_does_not_end_it_and_sigint_does() {
    let gateway = Gateway::start(None, &["--set=service.telemetry.logs.encoding=json"]);
    gateway.signal("HUP");
    gateway.metric("otelcol_processor_scrubber_reloads{outcome=\"success\"", "1");
    assert!(get(gateway.health, "/").unwrap().starts_with("HTTP/1.1 200"));
    gateway.signal("INT");
    let output = gateway.end();
    assert_eq!(output.status.code(), Some(0));
    let log = stderr(&output);
    assert!(log.contains("processors reloaded"), "{log}");
    for line in log.lines() {
        assert!(line.starts_with("{\"") && line.ends_with('}'), "{line}");
    }
}

#[test]
fn a_port_that_is_taken_is_named_by_its_setting() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let metrics = format!(
        "service.telemetry.metrics.readers=[{{pull: {{exporter: {{prometheus: {{host: 127.0.0.1, port: {port}}}}}}}}}]"
    );
    let output = run(&["--set", &metrics], "");
    assert_eq!(output.status.code(), Some(1));
    let log = stderr(&output);
    let expected = format!(
        "Error: service.telemetry.metrics.readers[0].pull.exporter.prometheus: cannot listen at 127.0.0.1:{port}: "
    );
    assert!(log.lines().last().unwrap().starts_with(&expected), "{log}");

    let grpc = format!("receivers.otlp.protocols.grpc.endpoint=127.0.0.1:{port}");
    let output = run(&["--set", &grpc, "--set", "service.telemetry.metrics.level=none"], "");
    assert_eq!(output.status.code(), Some(1));
    let log = stderr(&output);
    let expected = format!(
        "Error: receivers.otlp.protocols.grpc.endpoint: cannot listen at 127.0.0.1:{port}: "
    );
    assert!(log.lines().last().unwrap().starts_with(&expected), "{log}");
}
