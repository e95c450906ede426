//! Our own metrics and spans as OTLP.

use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::AnyValue;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::AggregationTemporality;
use opentelemetry_proto::tonic::metrics::v1::Gauge;
use opentelemetry_proto::tonic::metrics::v1::Histogram;
use opentelemetry_proto::tonic::metrics::v1::HistogramDataPoint;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::metrics::v1::NumberDataPoint;
use opentelemetry_proto::tonic::metrics::v1::ResourceMetrics;
use opentelemetry_proto::tonic::metrics::v1::ScopeMetrics;
use opentelemetry_proto::tonic::metrics::v1::Sum;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1 as trace;
use prometheus::proto;
use prometheus::proto::MetricFamily;
use prometheus::proto::MetricType;
use prost::Message;

use crate::gateway::telemetry::instance::Instance;
use crate::gateway::telemetry::instance::NAME;
use crate::gateway::telemetry::instance::VERSION;
use crate::gateway::telemetry::spans::Attribute;
use crate::gateway::telemetry::spans::Span;

/// Labels whose attributes have dots in their names (semantic conventions).
const DOTTED: &[(&str, &str)] = &[
    ("otel_signal", "otel.signal"),
    ("server_address", "server.address"),
    ("server_port", "server.port"),
    ("url_path", "url.path"),
];

/// A request of metrics that count since `began`.
pub(in crate::gateway::own) fn metrics(
    families: &[MetricFamily],
    instance: &Instance,
    began: SystemTime,
) -> Vec<u8> {
    let time = Time { began: nanos(began), now: nanos(SystemTime::now()) };
    let families = families.iter().filter(|family| family.name() != "target_info");
    let metrics = families.filter_map(|family| {
        let points = family.get_metric();
        let data = match family.get_field_type() {
            MetricType::COUNTER => Data::Sum(Sum {
                data_points: points
                    .iter()
                    .map(|metric| time.number(metric, metric.get_counter().get_value(), instance))
                    .collect(),
                aggregation_temporality: AggregationTemporality::Cumulative.into(),
                is_monotonic: true,
            }),
            MetricType::GAUGE => Data::Gauge(Gauge {
                data_points: points
                    .iter()
                    .map(|metric| time.number(metric, metric.get_gauge().get_value(), instance))
                    .collect(),
            }),
            MetricType::HISTOGRAM => Data::Histogram(Histogram {
                data_points: points.iter().map(|metric| time.histogram(metric, instance)).collect(),
                aggregation_temporality: AggregationTemporality::Cumulative.into(),
            }),
            _ => return None,
        };
        Some(Metric {
            name: family.name().to_owned(),
            description: family.help().to_owned(),
            data: Some(data),
            ..Metric::default()
        })
    });
    let scope = ScopeMetrics {
        scope: Some(scope()),
        metrics: metrics.collect(),
        ..ScopeMetrics::default()
    };
    let resource = ResourceMetrics {
        resource: Some(resource(instance)),
        scope_metrics: vec![scope],
        ..ResourceMetrics::default()
    };
    ExportMetricsServiceRequest { resource_metrics: vec![resource] }.encode_to_vec()
}

/// A request of spans.
pub(in crate::gateway::own) fn spans(spans: &[Span], instance: &Instance) -> Vec<u8> {
    let spans = spans.iter().map(|span| trace::Span {
        trace_id: span.own.trace.to_vec(),
        span_id: span.own.span.to_vec(),
        parent_span_id: span.parent.map(|parent| parent.to_vec()).unwrap_or_default(),
        name: span.name.clone(),
        kind: trace::span::SpanKind::Internal.into(),
        start_time_unix_nano: nanos(span.began),
        end_time_unix_nano: nanos(span.ended),
        attributes: span
            .attributes
            .iter()
            .map(|(key, value)| {
                let value = match value {
                    Attribute::Text(text) => Value::StringValue(text.clone()),
                    Attribute::Count(count) => {
                        Value::IntValue(i64::try_from(*count).unwrap_or(i64::MAX))
                    }
                };
                attribute(key, value)
            })
            .collect(),
        status: span.failed.then(|| trace::Status {
            code: trace::status::StatusCode::Error.into(),
            ..trace::Status::default()
        }),
        ..trace::Span::default()
    });
    let scope = trace::ScopeSpans {
        scope: Some(scope()),
        spans: spans.collect(),
        ..trace::ScopeSpans::default()
    };
    let resource = trace::ResourceSpans {
        resource: Some(resource(instance)),
        scope_spans: vec![scope],
        ..trace::ResourceSpans::default()
    };
    ExportTraceServiceRequest { resource_spans: vec![resource] }.encode_to_vec()
}

/// Nanoseconds since 1970.
struct Time {
    began: u64,
    now: u64,
}

impl Time {
    fn number(&self, metric: &proto::Metric, value: f64, instance: &Instance) -> NumberDataPoint {
        NumberDataPoint {
            attributes: attributes(metric, instance),
            start_time_unix_nano: self.began,
            time_unix_nano: self.now,
            value: Some(number_data_point::Value::AsDouble(value)),
            ..NumberDataPoint::default()
        }
    }

    fn histogram(&self, metric: &proto::Metric, instance: &Instance) -> HistogramDataPoint {
        let histogram = metric.get_histogram();
        let count = histogram.get_sample_count();
        let finite = histogram.get_bucket().iter().filter(|one| one.upper_bound().is_finite());
        let (mut bounds, mut counts, mut before) = (Vec::new(), Vec::new(), 0);
        for bucket in finite {
            bounds.push(bucket.upper_bound());
            counts.push(bucket.cumulative_count().saturating_sub(before));
            before = bucket.cumulative_count();
        }
        counts.push(count.saturating_sub(before));
        HistogramDataPoint {
            attributes: attributes(metric, instance),
            start_time_unix_nano: self.began,
            time_unix_nano: self.now,
            count,
            sum: Some(histogram.get_sample_sum()),
            explicit_bounds: bounds,
            bucket_counts: counts,
            ..HistogramDataPoint::default()
        }
    }
}

/// The labels of a series, but for those of the resource.
fn attributes(metric: &proto::Metric, instance: &Instance) -> Vec<KeyValue> {
    let of_resource = instance.labels();
    let own = metric
        .get_label()
        .iter()
        .filter(|label| !label.value().is_empty() && !of_resource.contains_key(label.name()));
    own.map(|label| {
        let dotted = DOTTED.iter().find(|(name, _)| *name == label.name());
        let key = dotted.map_or(label.name(), |(_, key)| *key);
        attribute(key, Value::StringValue(label.value().to_owned()))
    })
    .collect()
}

fn attribute(key: &str, value: Value) -> KeyValue {
    let value = Some(AnyValue { value: Some(value) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

fn resource(instance: &Instance) -> Resource {
    let attributes = instance.attributes();
    let attributes =
        attributes.map(|(key, value)| attribute(key, Value::StringValue(value.to_owned())));
    Resource { attributes: attributes.collect(), ..Resource::default() }
}

fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: NAME.to_owned(),
        version: VERSION.to_owned(),
        ..InstrumentationScope::default()
    }
}

fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
