//! A credential in two halves that stand in two texts of one record.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use otel_redact::scrub::Signal;
use otel_redact::scrub::rule::template;
use serde_json::Value;
use serde_json::json;

use crate::pieces::attribute;
use crate::pieces::scrubbed;
use crate::pieces::text;

/// Identifiers, each with its secret.
const PAIRS: [(&str, &str); 3] = [
    ("{lit:AK|IA}{base32-upper:16}", "{base64:40}"),
    ("{lit:AS|IA}{base32-upper:16}", "{base64:40}"),
    ("{lit:LT|AI5t}{base62:18}", "{base62:30}"),
];

fn pairs() -> impl Iterator<Item = (String, String)> {
    let make = |shape, seed| template::expand(shape, seed).expect("a sound template");
    (0..8)
        .flat_map(move |seed| PAIRS.map(|(id, secret)| (make(id, seed), make(secret, seed + 100))))
}

fn logs(records: &[Value]) -> Value {
    json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": records }] }] })
}

#[test]
fn a_secret_goes_whose_identifier_stands_in_another_attribute() {
    for (id, secret) in pairs() {
        let beside = json!([attribute("arg.0", &secret), attribute("arg.1", &id)]);
        let span = json!({ "name": "configure", "attributes": beside });
        let request = json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": [span] }] }] });
        for scrubbed in scrubbed::<ExportTraceServiceRequest>(Signal::Traces, &request) {
            let left = scrubbed.to_string();
            assert!(!left.contains(&secret) && !left.contains(&id), "{left}");
        }
        let record = json!({ "body": text(&id), "attributes": [attribute("next", &secret)] });
        for scrubbed in scrubbed::<ExportLogsServiceRequest>(Signal::Logs, &logs(&[record])) {
            let left = scrubbed.to_string();
            assert!(!left.contains(&secret) && !left.contains(&id), "{left}");
        }
    }
}

#[test]
fn what_looks_like_its_secret_stays_in_another_record_and_under_a_key_that_says_no_secret() {
    for (id, other) in pairs() {
        let same = json!({ "body": text(&id), "attributes": [attribute("page_token", &other)] });
        let next = json!({ "body": text(&other) });
        for scrubbed in scrubbed::<ExportLogsServiceRequest>(Signal::Logs, &logs(&[same, next])) {
            let left = scrubbed.to_string();
            assert_eq!(left.matches(&other).count(), 2, "{left}");
            assert!(!left.contains(&id), "{left}");
        }
    }
}
