//! Time to scrub a request with all packed rules, by what it holds.
//!
//! The requests are those of [`workload`]. Clean ones must leave as they came; in the
//! others, one record in a hundred holds a secret made at run
//! time, and each must be gone. That is checked before anything is timed, so that a
//! scrubber that got fast by finding nothing fails here instead of winning.

use bytes::Bytes;
use divan::Bencher;
use divan::black_box;
use divan::counter::BytesCount;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::AnyValue;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use otel_redact::scrub::Encoding;
use otel_redact::scrub::Request;
use otel_redact::scrub::Scrubber;
use otel_redact::scrub::Settings;
use otel_redact::scrub::Signal;
use otel_redact::scrub::rule::template;
use prost::Message;

use crate::workload::WORKLOADS;

mod workload;

fn main() {
    divan::main();
}

/// Nothing to find: the usual case.
#[divan::bench(args = WORKLOADS)]
fn clean(bencher: Bencher<'_, '_>, workload: &str) {
    bench(bencher, &scrubber(), workload, 0);
}

/// A secret in one record of a hundred.
#[divan::bench(args = WORKLOADS)]
fn dirty(bencher: Bencher<'_, '_>, workload: &str) {
    bench(bencher, &scrubber(), workload, 100);
}

/// No rules: what it costs to check the structure.
#[divan::bench(args = WORKLOADS)]
fn without_rules(bencher: Bencher<'_, '_>, workload: &str) {
    bench(bencher, &Scrubber::without_rules().expect("no rules"), workload, 0);
}

/// All rules compiled, from YAML.
#[divan::bench]
fn start() -> Scrubber {
    scrubber()
}

fn scrubber() -> Scrubber {
    Scrubber::new(&Settings::default()).expect("the packed rules compile")
}

fn bench(bencher: Bencher<'_, '_>, scrubber: &Scrubber, workload: &str, secret_every: usize) {
    let (signal, bytes, secrets) = request(workload, secret_every);
    let request = Request { signal, encoding: Encoding::Protobuf, bytes };
    let (scrubbed, _) = scrubber.scrub(&request).expect("a well-formed request");
    match secrets.as_slice() {
        [] => assert_eq!(scrubbed.bytes(), &request.bytes, "clean requests leave as they came"),
        secrets => {
            for secret in secrets {
                let found = memchr::memmem::find(scrubbed.bytes(), secret.as_bytes());
                assert_eq!(found, None, "every secret is gone");
            }
        }
    }
    bencher
        .counter(BytesCount::new(request.bytes.len()))
        .bench_local(|| scrubber.scrub(black_box(&request)));
}

/// A captured workload of about 100 KB, a secret in one record of
/// `secret_every` (0: none), and those secrets.
fn request(workload: &str, secret_every: usize) -> (Signal, Bytes, Vec<String>) {
    let (signal, joined) = workload::request(workload);
    if secret_every == 0 {
        return (signal, joined.into(), Vec::new());
    }
    let mut secrets = Vec::new();
    let mut plant = |record: usize, attributes: &mut Vec<KeyValue>| {
        if record % secret_every == secret_every / 2 {
            let token = template::expand("ghp_{base62:36}", record as u64).expect("a template");
            let text = format!("push with {token} failed");
            let value = Some(AnyValue { value: Some(Value::StringValue(text)) });
            attributes.push(KeyValue { key: "detail".into(), value, ..KeyValue::default() });
            secrets.push(token);
        }
    };
    let planted = match signal {
        Signal::Logs => {
            let mut request = ExportLogsServiceRequest::decode(&*joined).expect("protobuf");
            let scopes = request.resource_logs.iter_mut().flat_map(|r| &mut r.scope_logs);
            let records = scopes.flat_map(|scope| &mut scope.log_records);
            records.enumerate().for_each(|(i, record)| plant(i, &mut record.attributes));
            request.encode_to_vec()
        }
        _ => {
            let mut request = ExportTraceServiceRequest::decode(&*joined).expect("protobuf");
            let scopes = request.resource_spans.iter_mut().flat_map(|r| &mut r.scope_spans);
            let spans = scopes.flat_map(|scope| &mut scope.spans);
            spans.enumerate().for_each(|(i, span)| plant(i, &mut span.attributes));
            request.encode_to_vec()
        }
    };
    if secrets.is_empty() {
        // An agent's request has few records: one of them holds a secret.
        return request(workload, 2);
    }
    (signal, planted.into(), secrets)
}
