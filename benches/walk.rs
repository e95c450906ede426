//! Time to walk a request with a judge that does nothing, by what the request
//! holds: the floor of what a scrub costs.
//!
//! Each bench first checks how many texts and items the walk visits, so that a
//! walk that got fast by skipping some fails here instead of winning.

use bytes::Bytes;
use divan::Bencher;
use divan::black_box;
use divan::counter::BytesCount;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::AnyValue;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::logs::v1::ResourceLogs;
use opentelemetry_proto::tonic::logs::v1::ScopeLogs;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::ResourceSpans;
use opentelemetry_proto::tonic::trace::v1::ScopeSpans;
use opentelemetry_proto::tonic::trace::v1::Span;
use otel_redact::scrub::Encoding;
use otel_redact::scrub::Signal;
use otel_redact::scrub::otlp;
use otel_redact::scrub::otlp::Context;
use otel_redact::scrub::otlp::Judge;
use otel_redact::scrub::otlp::Outline;
use otel_redact::scrub::otlp::Place;
use otel_redact::scrub::otlp::Replacement;
use otel_redact::scrub::otlp::Scalar;
use otel_redact::scrub::otlp::Shown;
use otel_redact::scrub::otlp::WalkOptions;
use prost::Message;

fn main() {
    divan::main();
}

/// 200 spans of a web service: twelve attributes of about 21 bytes each.
#[divan::bench]
fn web_spans(bencher: Bencher<'_, '_>) {
    let spans = (0..200).map(web_span).collect();
    // A name and the trace state; twelve keys, eleven texts and one number.
    let texts = 200 * (2 + 12 + 11) + RESOURCE_TEXTS;
    bench(bencher, Signal::Traces, Encoding::Protobuf, traces(spans), 200, texts);
}

/// 200 log records with a sentence and four attributes.
#[divan::bench]
fn logs(bencher: Bencher<'_, '_>) {
    let records = (0..200).map(log_record).collect();
    // The severity text, the event name and the body; four keys and four texts.
    let texts = 200 * (3 + 8) + RESOURCE_TEXTS;
    bench(bencher, Signal::Logs, Encoding::Protobuf, log_request(records), 200, texts);
}

/// Twelve spans of an agent, each with 2, 6 and 16 kB of JSON.
#[divan::bench]
fn agent_spans(bencher: Bencher<'_, '_>) {
    let spans = (0..12).map(agent_span).collect();
    let texts = 12 * (2 + 6) + RESOURCE_TEXTS;
    bench(bencher, Signal::Traces, Encoding::Protobuf, traces(spans), 12, texts);
}

fn bench(
    bencher: Bencher<'_, '_>,
    signal: Signal,
    encoding: Encoding,
    request: Bytes,
    items: u64,
    texts: usize,
) {
    let options = WalkOptions::default();
    let mut counter = Counter::default();
    let walked = otlp::walk(signal, encoding, &request, &options, &mut counter).expect("walks");
    assert_eq!((walked.items, counter.0), (items, texts));
    assert!(walked.edits.is_empty());
    bencher
        .counter(BytesCount::of_slice(&request))
        .bench_local(|| otlp::walk(signal, encoding, black_box(&request), &options, &mut Nothing));
}

/// Counts texts.
#[derive(Default)]
struct Counter(usize);

impl Judge for Counter {
    fn begin(&mut self, _: &[u8], _: Option<Outline<'_>>) {}

    fn key(&mut self, _key: Shown<'_>, outer: Context) -> Context {
        outer
    }

    fn text(&mut self, _text: Shown<'_>, _place: &Place<'_>, _found: &mut Vec<Replacement>) {
        self.0 += 1;
    }

    fn scalar(&mut self, _value: Scalar, _place: &Place<'_>) -> Option<Vec<u8>> {
        None
    }
}

/// Looks at nothing, but takes what it is shown, so that showing is not optimised
/// away.
struct Nothing;

impl Judge for Nothing {
    fn begin(&mut self, _: &[u8], _: Option<Outline<'_>>) {}

    fn key(&mut self, key: Shown<'_>, outer: Context) -> Context {
        black_box(key.at);
        outer
    }

    fn text(&mut self, text: Shown<'_>, place: &Place<'_>, _found: &mut Vec<Replacement>) {
        black_box((text.at, place.context));
    }

    fn scalar(&mut self, _value: Scalar, _place: &Place<'_>) -> Option<Vec<u8>> {
        None
    }
}

/// Texts of [`resource`], [`scope`] and the two schema URLs.
const RESOURCE_TEXTS: usize = 6 + 2 + 2;

fn resource() -> Resource {
    Resource {
        attributes: vec![
            attribute("service.name", text("checkout-frontend")),
            attribute("service.version", text("2026.11.3-4f9c1e")),
            attribute("host.name", text("ip-10-2-33-17.internal")),
        ],
        ..Resource::default()
    }
}

fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: "opentelemetry.instrumentation.flask".to_owned(),
        version: "0.66b1".to_owned(),
        ..InstrumentationScope::default()
    }
}

fn traces(spans: Vec<Span>) -> Bytes {
    let scope_spans =
        vec![ScopeSpans { scope: Some(scope()), spans, schema_url: SCHEMA_URL.to_owned() }];
    let resource = Some(resource());
    let schema_url = SCHEMA_URL.to_owned();
    let resource_spans = vec![ResourceSpans { resource, scope_spans, schema_url }];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec().into()
}

fn log_request(log_records: Vec<LogRecord>) -> Bytes {
    let scope_logs =
        vec![ScopeLogs { scope: Some(scope()), log_records, schema_url: SCHEMA_URL.to_owned() }];
    let resource = Some(resource());
    let schema_url = SCHEMA_URL.to_owned();
    let resource_logs = vec![ResourceLogs { resource, scope_logs, schema_url }];
    ExportLogsServiceRequest { resource_logs }.encode_to_vec().into()
}

const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.38.0";

fn text(text: &str) -> Value {
    Value::StringValue(text.to_owned())
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn web_span(number: u64) -> Span {
    Span {
        trace_id: (u128::from(number) << 64 | 0x5bd6_0001).pad(16),
        span_id: number.pad(8),
        parent_span_id: (number + 1).pad(8),
        trace_state: "rojo=00f067aa0ba902b7".to_owned(),
        name: "GET /api/v1/orders/{id}".to_owned(),
        kind: 2,
        start_time_unix_nano: 1_795_000_000_000_000_000 + number,
        end_time_unix_nano: 1_795_000_000_100_000_000 + number,
        flags: 257,
        attributes: vec![
            attribute("http.request.method", text("GET")),
            attribute("url.path", text("/api/v1/orders/12345678")),
            attribute("url.scheme", text("https")),
            attribute("url.query", text("page=3&size=50&sort=created")),
            attribute("server.address", text("orders.internal.example")),
            attribute("client.address", text("203.0.113.42")),
            attribute("network.peer.address", text("10.24.17.101")),
            attribute("network.protocol.version", text("1.1")),
            attribute("user_agent.original", text("Mozilla/5.0 (X11; Linux x86_64) Gecko/2010")),
            attribute("http.route", text("/api/v1/orders/{id}")),
            attribute("thread.name", text("worker-17")),
            attribute("http.response.status_code", Value::IntValue(200)),
        ],
        ..Span::default()
    }
}

fn agent_span(number: u64) -> Span {
    let json = |bytes: usize| {
        let record = r#"{"role": "tool", "content": "{\"rows\": 17, \"status\": \"ok\"}"}, "#;
        text(&record.repeat(bytes / record.len()))
    };
    Span {
        trace_id: number.pad(16),
        span_id: number.pad(8),
        trace_state: "a=1".to_owned(),
        name: "chat gpt-large".to_owned(),
        attributes: vec![
            attribute("input.value", json(16_000)),
            attribute("output.value", json(6_000)),
            attribute("llm.invocation_parameters", json(2_000)),
        ],
        ..Span::default()
    }
}

fn log_record(number: u64) -> LogRecord {
    LogRecord {
        time_unix_nano: 1_795_000_000_000_000_000 + number,
        observed_time_unix_nano: 1_795_000_000_000_000_100 + number,
        severity_number: 9,
        severity_text: "INFO".to_owned(),
        event_name: "request.done".to_owned(),
        body: Some(AnyValue {
            value: Some(text("order 12345678 was shipped to the customer after 17 attempts")),
        }),
        attributes: vec![
            attribute("code.file.path", text("/srv/app/orders/shipping.py")),
            attribute("code.function.name", text("ship")),
            attribute("log.logger.name", text("orders.shipping")),
            attribute("thread.name", text("worker-17")),
        ],
        trace_id: number.pad(16),
        span_id: number.pad(8),
        ..LogRecord::default()
    }
}

/// A number as an id.
trait Pad {
    fn pad(self, len: usize) -> Vec<u8>;
}

impl<N: Into<u128>> Pad for N {
    fn pad(self, len: usize) -> Vec<u8> {
        let bytes = self.into().to_be_bytes();
        bytes.iter().copied().skip(bytes.len() - len).collect()
    }
}
