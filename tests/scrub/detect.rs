//! Runs each case in `tests/data/cases/` through every way into the scrubber.
//!
//! A case says what text goes in and what comes out. It does not say how the text
//! travels: each route carries it another way, and all must agree. A new way into
//! the scrubber is one more route, and gets all cases for free.

use std::sync::LazyLock;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::AnyValue;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::logs::v1::ResourceLogs;
use opentelemetry_proto::tonic::logs::v1::ScopeLogs;
use opentelemetry_proto::tonic::trace::v1::ResourceSpans;
use opentelemetry_proto::tonic::trace::v1::ScopeSpans;
use opentelemetry_proto::tonic::trace::v1::Span;
use otel_redact::scrub::Encoding;
use otel_redact::scrub::Request;
use otel_redact::scrub::Scrubber;
use otel_redact::scrub::Settings;
use otel_redact::scrub::Signal;
use otel_redact::scrub::rule::glob::Glob;
use otel_redact::scrub::rule::template;
use otel_redact::scrub::yaml;
use prost::Message as _;

pub(crate) static SCRUBBER: LazyLock<Scrubber> =
    LazyLock::new(|| Scrubber::new(&Settings::default()).expect("the packed rules compile"));

#[derive(serde::Deserialize)]
struct Cases {
    cases: Vec<Case>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    /// The key that the text stands under, as an attribute value does.
    #[serde(default)]
    key: Option<String>,
    text: String,
    /// The text with `#` for each mask; left out where nothing is masked.
    #[serde(default)]
    masked: Option<String>,
}

/// Carries a text under a key, if any, through the scrubber.
type Route = fn(Option<&str>, &str) -> String;

const ROUTES: &[(&str, Route)] = &[
    ("text", as_text),
    ("log body or attribute", as_log),
    ("span attribute or name", as_span),
    ("JSON log", as_json_log),
];

fn as_text(key: Option<&str>, text: &str) -> String {
    String::from_utf8(SCRUBBER.scrub_bytes(text.as_bytes(), key).0).expect("UTF-8")
}

fn scrub(signal: Signal, encoding: Encoding, bytes: Vec<u8>) -> Bytes {
    let request = Request { signal, encoding, bytes: bytes.into() };
    SCRUBBER.scrub(&request).expect("a well-formed request").0.bytes().clone()
}

fn any(text: &str) -> Option<AnyValue> {
    Some(AnyValue { value: Some(Value::StringValue(text.to_owned())) })
}

fn attribute(key: &str, text: &str) -> KeyValue {
    KeyValue { key: key.to_owned(), value: any(text), ..KeyValue::default() }
}

fn said(value: Option<AnyValue>) -> String {
    match value.and_then(|value| value.value) {
        Some(Value::StringValue(text)) => text,
        other => format!("not a string: {other:?}"),
    }
}

fn logs(key: Option<&str>, text: &str) -> ExportLogsServiceRequest {
    let mut record = LogRecord { severity_text: "INFO".into(), ..LogRecord::default() };
    match key {
        Some(key) => record.attributes.push(attribute(key, text)),
        None => record.body = any(text),
    }
    let scope_logs = vec![ScopeLogs { log_records: vec![record], ..ScopeLogs::default() }];
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs { scope_logs, ..ResourceLogs::default() }],
    }
}

fn log_text(mut request: ExportLogsServiceRequest) -> String {
    let record = request.resource_logs.remove(0).scope_logs.remove(0).log_records.remove(0);
    said(record.body.or(record.attributes.into_iter().next().and_then(|a| a.value)))
}

fn as_log(key: Option<&str>, text: &str) -> String {
    let bytes = scrub(Signal::Logs, Encoding::Protobuf, logs(key, text).encode_to_vec());
    log_text(ExportLogsServiceRequest::decode(bytes).expect("protobuf"))
}

fn as_json_log(key: Option<&str>, text: &str) -> String {
    let json = serde_json::to_vec(&logs(key, text)).expect("JSON");
    let bytes = scrub(Signal::Logs, Encoding::Json, json);
    log_text(serde_json::from_slice(&bytes).expect("JSON"))
}

fn as_span(key: Option<&str>, text: &str) -> String {
    let mut span = Span::default();
    match key {
        Some(key) => span.attributes.push(attribute(key, text)),
        None => span.name = text.to_owned(),
    }
    let scope_spans = vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }];
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }],
    };
    let bytes = scrub(Signal::Traces, Encoding::Protobuf, request.encode_to_vec());
    let mut request = ExportTraceServiceRequest::decode(bytes).expect("protobuf");
    let mut span = request.resource_spans.remove(0).scope_spans.remove(0).spans.remove(0);
    match key {
        Some(_) => said(span.attributes.remove(0).value),
        None => span.name,
    }
}

#[test]
fn a_key_whose_lines_are_log_records_is_masked_line_by_line() {
    let key = template::expand("{pem:RSA PRIVATE KEY}", 5).expect("a template");
    let mut request = logs(None, "loading the key");
    let records = &mut request.resource_logs[0].scope_logs[0].log_records;
    for line in key.lines().chain(["done", "0123456789abcdef0123456789abcdef01234567"]) {
        let mut record = LogRecord { body: any(line), ..LogRecord::default() };
        record.attributes.push(attribute("thread.name", "main"));
        records.push(record);
    }
    let protobuf = scrub(Signal::Logs, Encoding::Protobuf, request.encode_to_vec());
    let json = serde_json::to_vec(&request).expect("JSON");
    let json = scrub(Signal::Logs, Encoding::Json, json);
    for scrubbed in [
        ExportLogsServiceRequest::decode(protobuf).expect("protobuf"),
        serde_json::from_slice(&json).expect("JSON"),
    ] {
        let records = scrubbed.resource_logs[0].scope_logs[0].log_records.clone();
        let bodies: Vec<String> = records.into_iter().map(|record| said(record.body)).collect();
        let lines = key.lines().count();
        assert_eq!(bodies[0], "loading the key");
        assert!(bodies[1].starts_with("-----BEGIN") && bodies[lines].starts_with("-----END"));
        assert!(bodies[2..lines].iter().all(|body| body == "[redacted:pem-private-key]"));
        assert_eq!(bodies[lines + 1..], ["done", "0123456789abcdef0123456789abcdef01234567"]);
    }
}

/// A log record's attribute `key` with this value of OTLP/JSON, scrubbed on both routes
/// and written as JSON.
fn attribute_on_both_routes(key: &str, value: &serde_json::Value) -> [String; 2] {
    let request = serde_json::json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [
        {"attributes": [{"key": key, "value": value}]}
    ]}]}]});
    let request: ExportLogsServiceRequest = serde_json::from_value(request).expect("OTLP/JSON");
    let protobuf = scrub(Signal::Logs, Encoding::Protobuf, request.encode_to_vec());
    let json = serde_json::to_vec(&request).expect("JSON");
    let json = scrub(Signal::Logs, Encoding::Json, json);
    let protobuf = ExportLogsServiceRequest::decode(protobuf).expect("protobuf");
    let json: ExportLogsServiceRequest = serde_json::from_slice(&json).expect("JSON");
    [protobuf, json].map(|request| {
        let record = &request.resource_logs[0].scope_logs[0].log_records[0];
        serde_json::to_string(&record.attributes[0].value).expect("JSON")
    })
}

/// A value in OTLP/JSON.
fn otlp(value: &serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    use serde_json::json;
    match value {
        Value::Array(values) => {
            let values: Vec<_> = values.iter().map(otlp).collect();
            json!({"arrayValue": {"values": values}})
        }
        Value::Object(entries) => {
            let entry = |(key, value)| json!({"key": key, "value": otlp(value)});
            let values: Vec<_> = entries.iter().map(entry).collect();
            json!({"kvlistValue": {"values": values}})
        }
        Value::Number(number) => json!({"intValue": number.to_string()}),
        other => json!({"stringValue": other}),
    }
}

#[test]
fn maps_and_arrays_are_read_as_the_same_thing_in_json() {
    const SECRET: &str = "Tiger77oM427Qq9";
    for (key, value) in [
        ("env", r#"[{"name": "DB_PASSWORD", "value": "@"}]"#),
        ("h", r#"[{"key": "password", "value": "@"}]"#),
        ("h", r#"{"Name": "X-Api-Key", "Value": "@"}"#),
        ("h", r#"{"header": "Authorization", "content": "@"}"#),
        ("h", r#"[["Authorization", "@"], ["Accept", "x"]]"#),
        ("h", r#"["user", "bob", "password", "@"]"#),
        ("process.command_args", r#"["mysql", "-u", "root", "-p@", "shop"]"#),
        ("process.command_args", r#"["curl", "-u", "bob:@", "https://host.example"]"#),
        ("process.command_args", r#"["curl", "--user", "bob:@"]"#),
        ("process.command_args", r#"["redis-cli", "-a", "@", "ping"]"#),
        ("cookies", r#"{"session": "@", "lang": "de"}"#),
        ("http.request.cookie.sid", r#""@""#),
    ] {
        let with = value.replace('@', SECRET);
        let value: serde_json::Value = serde_json::from_str(&with).expect("JSON");
        let [protobuf, json] = attribute_on_both_routes(key, &otlp(&value));
        assert_eq!(protobuf, json);
        assert!(!json.contains(SECRET), "{key}: {with}");
        assert_eq!(json.matches("redacted:").count(), 1, "{key}: {with}");
    }
    for (key, value) in [
        ("required", r#"["password", "username", "email"]"#),
        ("h", r#"[{"name": "password", "value": "required"}]"#),
        ("process.command_args", r#"["curl", "-s", "https://host.example"]"#),
        ("h", r#"{"name": "DB_PASSWORD", "port": "Tiger77oM427Qq9"}"#),
        ("retries", "8472"),
    ] {
        let value: serde_json::Value = serde_json::from_str(value).expect("JSON");
        let [protobuf, json] = attribute_on_both_routes(key, &otlp(&value));
        assert_eq!(protobuf, json);
        assert!(!json.contains("redacted:"), "{key}: {json}");
    }
    let [protobuf, json] = attribute_on_both_routes("pin", &otlp(&serde_json::json!(8472)));
    assert_eq!(protobuf, json);
    assert!(json.contains("redacted:pin-field"), "{json}");
}

#[test]
fn a_key_whose_lines_stand_behind_prefixes_is_masked_line_by_line() {
    let key = template::expand("{pem:RSA PRIVATE KEY}", 5).expect("a template");
    let lines: Vec<&str> = key.lines().collect();
    for (before, behind) in
        [("2026-11-29T12:00:00Z INFO app: ", ""), ("# ", ""), ("level=info line=\"", "\"")]
    {
        let mut request = logs(None, "loading the key");
        let records = &mut request.resource_logs[0].scope_logs[0].log_records;
        for (number, line) in lines.iter().enumerate() {
            let body = any(&format!("{before}{line}{behind}"));
            records.push(LogRecord { body, ..LogRecord::default() });
            if number % 3 == 1 {
                let body = any("10.0.0.1 GET /x 200");
                records.push(LogRecord { body, ..LogRecord::default() });
            }
        }
        let scrubbed = scrub(Signal::Logs, Encoding::Protobuf, request.encode_to_vec());
        let scrubbed = ExportLogsServiceRequest::decode(scrubbed).expect("protobuf");
        let records = scrubbed.resource_logs[0].scope_logs[0].log_records.clone();
        let bodies: Vec<String> = records.into_iter().map(|record| said(record.body)).collect();
        let masked = format!("{before}[redacted:pem-private-key]{behind}");
        let count = bodies.iter().filter(|body| **body == masked).count();
        assert_eq!(count, lines.len() - 2, "{before}");
        assert!(bodies.iter().any(|body| body == "10.0.0.1 GET /x 200"));
    }
}

#[test]
fn a_record_that_holds_several_lines_of_a_key_loses_all_of_them() {
    let key = template::expand("{pem:RSA PRIVATE KEY}", 5).expect("a template");
    let lines: Vec<&str> = key.lines().collect();
    let [begin, first, body @ ..] = lines.as_slice() else { panic!("a key has lines") };
    let parts = body.split_at(body.len() / 2);
    for first in [
        format!("{begin}\n{first}"),
        // The record goes on with something else.
        format!("{{\n \"msg\":\"{begin}\",\n \"pod\":\"a\"\n}}"),
        format!("{begin}\n{first}\nthe rest follows"),
    ] {
        for (between, behind) in [("\n", "\nand more to come"), ("\\n", "")] {
            let mut request = logs(None, &first);
            let records = &mut request.resource_logs[0].scope_logs[0].log_records;
            for part in [parts.0, parts.1] {
                let body = any(&format!("{}{behind}", part.join(between)));
                records.push(LogRecord { body, ..LogRecord::default() });
            }
            let scrubbed = scrub(Signal::Logs, Encoding::Protobuf, request.encode_to_vec());
            for line in body.iter().filter(|line| 40 <= line.len() && !line.contains("END")) {
                let found = memchr::memmem::find(&scrubbed, line.as_bytes());
                let shown = String::from_utf8_lossy(&scrubbed);
                assert_eq!(found, None, "{between:?} behind {first}: {shown}");
            }
        }
    }
}

/// A text with each mask written as `#`.
fn with_signs(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    loop {
        let plain = rest.find("[redacted:").map(|at| (at, "]"));
        let escaped = rest.find("%5Bredacted:").map(|at| (at, "%5D"));
        let Some((at, end)) = [plain, escaped].into_iter().flatten().min() else { break };
        let Some(len) = rest[at..].find(end) else { break };
        out.push_str(&rest[..at]);
        out.push('#');
        rest = &rest[at + len + end.len()..];
    }
    out + rest
}

#[test]
fn every_case_holds_on_every_route() {
    let mut failures = Vec::new();
    let mut ran = 0;
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/cases");
    for file in std::fs::read_dir(folder).expect("the folder of cases") {
        let path = file.expect("a file").path();
        let cases: Cases = yaml::read(&std::fs::read_to_string(&path).expect("a case file"))
            .unwrap_or_else(|err| panic!("{}: {err}", path.display()));
        for case in &cases.cases {
            let text = template::expand(&case.text, 7).expect(&case.name);
            let expected = match &case.masked {
                Some(masked) => masked.clone(),
                None => with_signs(&text),
            };
            for (route, run) in ROUTES {
                ran += 1;
                let got = run(case.key.as_deref(), &text);
                let again = run(case.key.as_deref(), &got);
                if with_signs(&got) != expected {
                    let name = &case.name;
                    failures
                        .push(format!("{name} [{route}]\n  expected {expected}\n       got {got}"));
                } else if again != got {
                    failures.push(format!("{} [{route}]\n  again {again}", case.name));
                }
            }
        }
    }
    assert!(0 < ran, "no cases found");
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn every_packed_rule_is_proved_by_its_examples() {
    let mut unproven = Vec::new();
    let settings = Settings { enable: vec![Glob::any()], ..Settings::default() };
    let all = Scrubber::new(&settings).expect("the packed rules compile");
    let mut proved = 0;
    for (file, text) in otel_redact::scrub::rule::pack::packs() {
        let rules = yaml::read::<otel_redact::scrub::rule::RuleFile>(text).expect(file);
        proved += rules.rules.len();
        let failures = otel_redact::scrub::prove::prove(&rules.rules, &all).expect(file);
        unproven.extend(failures.into_iter().map(|failure| format!("{file}: {failure}")));
    }
    assert!(0 < proved, "no rules found");
    assert!(unproven.is_empty(), "{} unproven\n{}", unproven.len(), unproven.join("\n"));
}
