//! Requests as senders make them.

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
use prost::Message;

/// A request of `spans` spans with nothing to find in it.
pub(crate) fn traces(spans: usize) -> ExportTraceServiceRequest {
    let span = |at: usize| Span {
        trace_id: vec![7; 16],
        span_id: (at as u64 + 1).to_be_bytes().to_vec(),
        name: "GET /orders".to_owned(),
        start_time_unix_nano: 1_700_000_000_000_000_000,
        end_time_unix_nano: 1_700_000_000_100_000_000,
        attributes: vec![attribute("http.route", "/orders")],
        ..Span::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource {
                attributes: vec![attribute("service.name", "shop")],
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                scope: Some(InstrumentationScope {
                    name: "test".to_owned(),
                    ..InstrumentationScope::default()
                }),
                spans: (0..spans).map(span).collect(),
                schema_url: String::new(),
            }],
            schema_url: String::new(),
        }],
    }
}

/// The same as bytes.
pub(crate) fn trace_bytes(spans: usize) -> Vec<u8> {
    traces(spans).encode_to_vec()
}

/// A request of one log record with `body`.
pub(crate) fn log_bytes(body: &str) -> Vec<u8> {
    let record = LogRecord {
        time_unix_nano: 1_700_000_000_000_000_000,
        body: Some(AnyValue { value: Some(Value::StringValue(body.to_owned())) }),
        ..LogRecord::default()
    };
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            scope_logs: vec![ScopeLogs { log_records: vec![record], ..ScopeLogs::default() }],
            ..ResourceLogs::default()
        }],
    }
    .encode_to_vec()
}

/// A request of one log record whose body is nested `depth` lists deep.
pub(crate) fn nested_log_bytes(depth: usize) -> Vec<u8> {
    // Written by hand: prost would refuse to build it.
    let wrap = |field: u8, inner: &[u8]| {
        let mut out = vec![field << 3 | 2];
        let mut len = inner.len();
        while 0x80 <= len {
            out.push((len & 0x7f) as u8 | 0x80);
            len >>= 7;
        }
        out.push(len as u8);
        out.extend_from_slice(inner);
        out
    };
    let mut value = wrap(1, b"x");
    for _ in 0..depth {
        // AnyValue.array_value 5, ArrayValue.values 1
        value = wrap(5, &wrap(1, &value));
    }
    // LogRecord.body 5, ScopeLogs.log_records 2, ResourceLogs.scope_logs 2
    wrap(1, &wrap(2, &wrap(2, &wrap(5, &value))))
}

fn attribute(key: &str, value: &str) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(Value::StringValue(value.to_owned())) }),
        ..KeyValue::default()
    }
}
