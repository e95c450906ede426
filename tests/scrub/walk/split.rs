//! Splitting loses nothing and repeats what stands around.

use otel_redact::scrub::Encoding;
use otel_redact::scrub::Signal;
use otel_redact::scrub::otlp;
use otel_redact::scrub::otlp::WalkOptions;
use proptest::prelude::*;
use serde_json::Value;

use crate::walk::arbitrary;
use crate::walk::arbitrary::Sample;
use crate::walk::judge::Nothing;
use crate::walk::traffic::Captured;
use crate::walk::traffic::captured;

/// Each record as JSON, with all that stands around it.
fn records(signal: Signal, protobuf: &[u8]) -> Vec<String> {
    let json = otlp::protobuf_to_json(signal, protobuf).expect("well-formed");
    let json: Value = serde_json::from_slice(&json).expect("JSON");
    let mut records = Vec::new();
    flatten(&json, String::new(), &mut records);
    records
}

const LISTS: [&str; 9] = [
    "resourceSpans",
    "resourceLogs",
    "resourceMetrics",
    "scopeSpans",
    "scopeLogs",
    "scopeMetrics",
    "metrics",
    "spans",
    "logRecords",
];

fn flatten(json: &Value, around: String, records: &mut Vec<String>) {
    let members = json.as_object().expect("an object");
    let mut frame = around;
    let mut inner = Vec::new();
    for (name, value) in members {
        match value {
            Value::Array(values) if LISTS.contains(&&**name) || name == "dataPoints" => {
                inner.extend(values.iter().map(|value| (name.clone(), value)));
            }
            Value::Object(_) if value.get("dataPoints").is_some() => {
                inner.push((name.clone(), value));
            }
            _ => frame.push_str(&format!("{name}={value};")),
        }
    }
    for (name, value) in inner {
        if ["spans", "logRecords", "dataPoints"].contains(&&*name) {
            records.push(format!("{frame} {value}"));
        } else {
            flatten(value, format!("{frame} {name} "), records);
        }
    }
}

fn items(signal: Signal, bytes: &[u8]) -> u64 {
    let options = WalkOptions::default();
    otlp::walk(signal, Encoding::Protobuf, bytes, &options, &mut Nothing)
        .expect("well-formed")
        .items
}

fn check(signal: Signal, bytes: &[u8], items_max: u64) {
    let parts = otlp::split(signal, bytes, items_max).expect("can be split");
    let mut got = Vec::new();
    for (part, count) in &parts {
        assert!(*count <= items_max);
        assert_eq!(items(signal, part), *count);
        got.extend(records(signal, part));
    }
    assert_eq!(got, records(signal, bytes));
    let full = parts.iter().filter(|(_, count)| *count == items_max).count();
    assert!(parts.len() <= full + 1, "every part but the last is full");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_record_is_in_one_part_with_what_stands_around_it(
        Sample { signal, bytes } in arbitrary::request(),
        items_max in 1u64..5,
    ) {
        prop_assume!(signal != Signal::Profiles);
        check(signal, &bytes, items_max);
    }

    #[test]
    fn arbitrary_bytes_split_or_not_without_a_panic(
        signal in arbitrary::signal(),
        bytes in proptest::collection::vec(0u8..64, 0..60),
    ) {
        let _ = otlp::split(signal, &bytes, 1);
    }
}

#[test]
fn captured_requests_split() {
    for Captured { signal, encoding, bytes, .. } in captured() {
        if encoding == Encoding::Protobuf {
            for items_max in [1, 2, 5, 1000] {
                check(signal, &bytes, items_max);
            }
        }
    }
}

#[test]
fn profiles_are_not_split() {
    assert_eq!(otlp::split(Signal::Profiles, b"", 1), None);
}
