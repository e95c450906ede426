//! Requests whose records differ in whatever conditions ask for.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::ResourceLogs;
use opentelemetry_proto::tonic::logs::v1::ScopeLogs;
use opentelemetry_proto::tonic::metrics::v1::Gauge;
use opentelemetry_proto::tonic::metrics::v1::Histogram;
use opentelemetry_proto::tonic::metrics::v1::HistogramDataPoint;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::metrics::v1::NumberDataPoint;
use opentelemetry_proto::tonic::metrics::v1::ResourceMetrics;
use opentelemetry_proto::tonic::metrics::v1::ScopeMetrics;
use opentelemetry_proto::tonic::metrics::v1::Sum;
use opentelemetry_proto::tonic::metrics::v1::Summary;
use opentelemetry_proto::tonic::metrics::v1::SummaryDataPoint;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::ResourceSpans;
use opentelemetry_proto::tonic::trace::v1::ScopeSpans;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::Status;
use opentelemetry_proto::tonic::trace::v1::span::Event;
use otel_redact::scrub::Signal;
use prost::Message;

use crate::requests::array;
use crate::requests::log;
use crate::requests::map;
use crate::requests::pair;
use crate::requests::span;
use crate::requests::text;

/// Records that differ in whatever conditions ask for.
pub(crate) fn apart() -> Vec<(String, Signal, Vec<u8>)> {
    vec![
        ("spans apart".to_owned(), Signal::Traces, spans_apart().encode_to_vec()),
        ("log records apart".to_owned(), Signal::Logs, logs_apart().encode_to_vec()),
        ("metrics apart".to_owned(), Signal::Metrics, metrics_apart().encode_to_vec()),
    ]
}

fn of_service(name: Option<&str>) -> Resource {
    let mut attributes =
        vec![pair("host.name", text("h1.example.com")), pair("n", Value::IntValue(7))];
    attributes.extend(name.map(|name| pair("service.name", text(name))));
    Resource { attributes, ..Resource::default() }
}

fn library(name: &str, version: &str) -> InstrumentationScope {
    InstrumentationScope {
        name: name.to_owned(),
        version: version.to_owned(),
        attributes: vec![pair("lib", text("a b"))],
        ..InstrumentationScope::default()
    }
}

fn request_attributes(at: i64) -> Vec<KeyValue> {
    let mut attributes = vec![
        pair("http.method", text(["GET", "POST", "PUT"][usize::try_from(at % 3).expect("small")])),
        pair("http.status_code", Value::IntValue(200 + 100 * at)),
        pair("user.email", text(&format!("user{at}@example.com, ops@example.com"))),
        pair("password", text("hunter2 hunter3")),
        pair("ratio", Value::DoubleValue(0.5 * f64::from(i32::try_from(at).expect("small")))),
        pair("ok", Value::BoolValue(at % 2 == 0)),
        pair("body", text("Grüße, 世界 and more text than one would want")),
        pair("raw", Value::BytesValue(b"bytes hunter2".to_vec())),
        pair("list", array(vec![text("hunter2"), Value::IntValue(at), text("b")])),
        pair("map", map(vec![pair("password", text("hunter2")), pair("n", Value::IntValue(at))])),
    ];
    if at == 2 {
        attributes.push(pair("only.here", text("")));
        attributes.push(KeyValue { key: "nothing".to_owned(), ..KeyValue::default() });
    }
    attributes
}

fn spans_apart() -> ExportTraceServiceRequest {
    let names = ["GET /users/1", "POST /orders", "healthz", "SELECT users"];
    let spans = |service: &str| -> Vec<Span> {
        let each = (0_i32..4).map(|at| {
            let name = format!("{} {service}", names[usize::try_from(at).expect("small")]);
            let mut span = span(name.trim_end(), at, request_attributes(i64::from(at)));
            span.parent_span_id = if at == 1 { vec![5; 8] } else { Vec::new() };
            span.events = (0..at)
                .map(|event| Event {
                    name: format!("event {event}"),
                    time_unix_nano: 5,
                    attributes: request_attributes(i64::from(event)),
                    ..Event::default()
                })
                .collect();
            let message = format!("failed for user{at}@example.com");
            span.status = (0 < at).then(|| Status { message, code: at - 1 });
            span
        });
        each.collect()
    };
    let resource_spans = [Some("shop"), Some("shop-eu"), None].map(|service| ResourceSpans {
        resource: Some(of_service(service)),
        scope_spans: vec![
            ScopeSpans {
                scope: Some(library("io.web", "1.2.0")),
                spans: spans(""),
                ..ScopeSpans::default()
            },
            ScopeSpans {
                scope: Some(library("io.db", "")),
                spans: spans("db"),
                schema_url: "https://example.com/1".to_owned(),
            },
        ],
        ..ResourceSpans::default()
    });
    ExportTraceServiceRequest { resource_spans: resource_spans.into() }
}

fn logs_apart() -> ExportLogsServiceRequest {
    let severities = [(0, ""), (1, "TRACE"), (9, "INFO"), (13, "WARN"), (17, "ERROR")];
    let bodies = [
        Some(text("login of user1@example.com failed, password hunter2")),
        Some(map(vec![pair("password", text("hunter2")), pair("n", Value::IntValue(1))])),
        Some(Value::IntValue(42)),
        None,
        Some(array(vec![text("hunter2"), Value::BoolValue(true)])),
    ];
    let records = || {
        severities.iter().zip(&bodies).zip(0..).map(|(((number, name), body), at)| {
            let mut record = log(body.clone(), request_attributes(at % 3));
            record.severity_number = *number;
            record.severity_text = (*name).to_owned();
            record.event_name = if at == 2 { "user.login".to_owned() } else { String::new() };
            record
        })
    };
    let resource_logs = [Some("shop"), None].map(|service| ResourceLogs {
        resource: Some(of_service(service)),
        scope_logs: vec![ScopeLogs {
            scope: Some(library("io.web", "1.2.0")),
            log_records: records().collect(),
            ..ScopeLogs::default()
        }],
        ..ResourceLogs::default()
    });
    ExportLogsServiceRequest { resource_logs: resource_logs.into() }
}

fn metrics_apart() -> ExportMetricsServiceRequest {
    let number = |at: i64| NumberDataPoint {
        attributes: request_attributes(at),
        value: Some(match at {
            0 => number_data_point::Value::AsInt(5),
            _ => number_data_point::Value::AsDouble(2.5),
        }),
        ..NumberDataPoint::default()
    };
    let numbers = || (0..3).map(number).collect();
    let histogram = HistogramDataPoint {
        attributes: request_attributes(1),
        count: 3,
        sum: Some(4.5),
        ..HistogramDataPoint::default()
    };
    let summary =
        SummaryDataPoint { attributes: request_attributes(2), count: 4, ..Default::default() };
    let data = [
        ("http.requests", Some(Data::Gauge(Gauge { data_points: numbers() }))),
        (
            "http.duration",
            Some(Data::Sum(Sum {
                data_points: numbers(),
                aggregation_temporality: 2,
                is_monotonic: true,
            })),
        ),
        (
            "db.latency",
            Some(Data::Histogram(Histogram {
                data_points: vec![histogram],
                aggregation_temporality: 1,
            })),
        ),
        ("db.sizes", Some(Data::Summary(Summary { data_points: vec![summary] }))),
        ("empty", None),
    ];
    let metrics = || {
        data.iter().map(|(name, data)| Metric {
            name: (*name).to_owned(),
            description: format!("{name} of user1@example.com"),
            unit: "1".to_owned(),
            metadata: vec![pair("password", text("hunter2"))],
            data: data.clone(),
        })
    };
    let resource_metrics = [Some("shop"), None].map(|service| ResourceMetrics {
        resource: Some(of_service(service)),
        scope_metrics: vec![ScopeMetrics {
            scope: Some(library("io.web", "1.2.0")),
            metrics: metrics().collect(),
            ..ScopeMetrics::default()
        }],
        ..ResourceMetrics::default()
    });
    ExportMetricsServiceRequest { resource_metrics: resource_metrics.into() }
}
