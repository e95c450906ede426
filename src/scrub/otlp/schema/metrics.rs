//! `metrics/v1/metrics.proto` and its collector service.

use crate::scrub::otlp::schema::A_NUMBER;
use crate::scrub::otlp::schema::AN_ENUM;
use crate::scrub::otlp::schema::Enum;
use crate::scrub::otlp::schema::Kind;
use crate::scrub::otlp::schema::Message;
use crate::scrub::otlp::schema::attributes;
use crate::scrub::otlp::schema::common::RESOURCE;
use crate::scrub::otlp::schema::common::SCOPE;
use crate::scrub::otlp::schema::id;
use crate::scrub::otlp::schema::keep;
use crate::scrub::otlp::schema::message;
use crate::scrub::otlp::schema::text;

pub(in crate::scrub::otlp::schema) static REQUEST: Message = Message::new(
    "opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest",
    &[message(1, "resource_metrics", "resourceMetrics", &RESOURCE_METRICS).repeated()],
);

static RESOURCE_METRICS: Message = Message::new(
    "opentelemetry.proto.metrics.v1.ResourceMetrics",
    &[
        message(1, "resource", "resource", &RESOURCE),
        message(2, "scope_metrics", "scopeMetrics", &SCOPE_METRICS).repeated(),
        text(3, "schema_url", "schemaUrl"),
    ],
);

static SCOPE_METRICS: Message = Message::new(
    "opentelemetry.proto.metrics.v1.ScopeMetrics",
    &[
        message(1, "scope", "scope", &SCOPE),
        message(2, "metrics", "metrics", &METRIC).repeated(),
        text(3, "schema_url", "schemaUrl"),
    ],
);

static METRIC: Message = Message::new(
    "opentelemetry.proto.metrics.v1.Metric",
    &[
        text(1, "name", "name"),
        text(2, "description", "description"),
        text(3, "unit", "unit"),
        message(5, "gauge", "gauge", &GAUGE).oneof("data"),
        message(7, "sum", "sum", &SUM).oneof("data"),
        message(9, "histogram", "histogram", &HISTOGRAM).oneof("data"),
        message(10, "exponential_histogram", "exponentialHistogram", &EXPONENTIAL_HISTOGRAM)
            .oneof("data"),
        message(11, "summary", "summary", &SUMMARY).oneof("data"),
        attributes(12, "metadata", "metadata"),
    ],
);

static GAUGE: Message = Message::new(
    "opentelemetry.proto.metrics.v1.Gauge",
    &[message(1, "data_points", "dataPoints", &NUMBER_DATA_POINT).repeated()],
);

static SUM: Message = Message::new(
    "opentelemetry.proto.metrics.v1.Sum",
    &[
        message(1, "data_points", "dataPoints", &NUMBER_DATA_POINT).repeated(),
        keep(
            2,
            "aggregation_temporality",
            "aggregationTemporality",
            Kind::Enum(&TEMPORALITY),
            AN_ENUM,
        ),
        keep(3, "is_monotonic", "isMonotonic", Kind::Bool, A_NUMBER),
    ],
);

static HISTOGRAM: Message = Message::new(
    "opentelemetry.proto.metrics.v1.Histogram",
    &[
        message(1, "data_points", "dataPoints", &HISTOGRAM_DATA_POINT).repeated(),
        keep(
            2,
            "aggregation_temporality",
            "aggregationTemporality",
            Kind::Enum(&TEMPORALITY),
            AN_ENUM,
        ),
    ],
);

static EXPONENTIAL_HISTOGRAM: Message = Message::new(
    "opentelemetry.proto.metrics.v1.ExponentialHistogram",
    &[
        message(1, "data_points", "dataPoints", &EXPONENTIAL_HISTOGRAM_DATA_POINT).repeated(),
        keep(
            2,
            "aggregation_temporality",
            "aggregationTemporality",
            Kind::Enum(&TEMPORALITY),
            AN_ENUM,
        ),
    ],
);

static SUMMARY: Message = Message::new(
    "opentelemetry.proto.metrics.v1.Summary",
    &[message(1, "data_points", "dataPoints", &SUMMARY_DATA_POINT).repeated()],
);

static NUMBER_DATA_POINT: Message = Message::item(
    "opentelemetry.proto.metrics.v1.NumberDataPoint",
    &[
        attributes(7, "attributes", "attributes"),
        keep(2, "start_time_unix_nano", "startTimeUnixNano", Kind::Fixed64, A_NUMBER),
        keep(3, "time_unix_nano", "timeUnixNano", Kind::Fixed64, A_NUMBER),
        keep(4, "as_double", "asDouble", Kind::Double, A_NUMBER).oneof("value"),
        keep(6, "as_int", "asInt", Kind::Sfixed64, A_NUMBER).oneof("value"),
        message(5, "exemplars", "exemplars", &EXEMPLAR).repeated(),
        keep(8, "flags", "flags", Kind::Uint32, A_NUMBER),
    ],
);

static HISTOGRAM_DATA_POINT: Message = Message::item(
    "opentelemetry.proto.metrics.v1.HistogramDataPoint",
    &[
        attributes(9, "attributes", "attributes"),
        keep(2, "start_time_unix_nano", "startTimeUnixNano", Kind::Fixed64, A_NUMBER),
        keep(3, "time_unix_nano", "timeUnixNano", Kind::Fixed64, A_NUMBER),
        keep(4, "count", "count", Kind::Fixed64, A_NUMBER),
        keep(5, "sum", "sum", Kind::Double, A_NUMBER).optional(),
        keep(6, "bucket_counts", "bucketCounts", Kind::Fixed64, A_NUMBER).repeated(),
        keep(7, "explicit_bounds", "explicitBounds", Kind::Double, A_NUMBER).repeated(),
        message(8, "exemplars", "exemplars", &EXEMPLAR).repeated(),
        keep(10, "flags", "flags", Kind::Uint32, A_NUMBER),
        keep(11, "min", "min", Kind::Double, A_NUMBER).optional(),
        keep(12, "max", "max", Kind::Double, A_NUMBER).optional(),
    ],
);

static EXPONENTIAL_HISTOGRAM_DATA_POINT: Message = Message::item(
    "opentelemetry.proto.metrics.v1.ExponentialHistogramDataPoint",
    &[
        attributes(1, "attributes", "attributes"),
        keep(2, "start_time_unix_nano", "startTimeUnixNano", Kind::Fixed64, A_NUMBER),
        keep(3, "time_unix_nano", "timeUnixNano", Kind::Fixed64, A_NUMBER),
        keep(4, "count", "count", Kind::Fixed64, A_NUMBER),
        keep(5, "sum", "sum", Kind::Double, A_NUMBER).optional(),
        keep(6, "scale", "scale", Kind::Sint32, A_NUMBER),
        keep(7, "zero_count", "zeroCount", Kind::Fixed64, A_NUMBER),
        message(8, "positive", "positive", &BUCKETS),
        message(9, "negative", "negative", &BUCKETS),
        keep(10, "flags", "flags", Kind::Uint32, A_NUMBER),
        message(11, "exemplars", "exemplars", &EXEMPLAR).repeated(),
        keep(12, "min", "min", Kind::Double, A_NUMBER).optional(),
        keep(13, "max", "max", Kind::Double, A_NUMBER).optional(),
        keep(14, "zero_threshold", "zeroThreshold", Kind::Double, A_NUMBER),
    ],
);

static BUCKETS: Message = Message::new(
    "opentelemetry.proto.metrics.v1.ExponentialHistogramDataPoint.Buckets",
    &[
        keep(1, "offset", "offset", Kind::Sint32, A_NUMBER),
        keep(2, "bucket_counts", "bucketCounts", Kind::Uint64, A_NUMBER).repeated(),
    ],
);

static SUMMARY_DATA_POINT: Message = Message::item(
    "opentelemetry.proto.metrics.v1.SummaryDataPoint",
    &[
        attributes(7, "attributes", "attributes"),
        keep(2, "start_time_unix_nano", "startTimeUnixNano", Kind::Fixed64, A_NUMBER),
        keep(3, "time_unix_nano", "timeUnixNano", Kind::Fixed64, A_NUMBER),
        keep(4, "count", "count", Kind::Fixed64, A_NUMBER),
        keep(5, "sum", "sum", Kind::Double, A_NUMBER),
        message(6, "quantile_values", "quantileValues", &VALUE_AT_QUANTILE).repeated(),
        keep(8, "flags", "flags", Kind::Uint32, A_NUMBER),
    ],
);

static VALUE_AT_QUANTILE: Message = Message::new(
    "opentelemetry.proto.metrics.v1.SummaryDataPoint.ValueAtQuantile",
    &[
        keep(1, "quantile", "quantile", Kind::Double, A_NUMBER),
        keep(2, "value", "value", Kind::Double, A_NUMBER),
    ],
);

static EXEMPLAR: Message = Message::new(
    "opentelemetry.proto.metrics.v1.Exemplar",
    &[
        attributes(7, "filtered_attributes", "filteredAttributes").place("attributes"),
        keep(2, "time_unix_nano", "timeUnixNano", Kind::Fixed64, A_NUMBER),
        keep(3, "as_double", "asDouble", Kind::Double, A_NUMBER).oneof("value"),
        keep(6, "as_int", "asInt", Kind::Sfixed64, A_NUMBER).oneof("value"),
        id(4, "span_id", "spanId", 8),
        id(5, "trace_id", "traceId", 16),
    ],
);

static TEMPORALITY: Enum = Enum {
    name: "opentelemetry.proto.metrics.v1.AggregationTemporality",
    values: &[
        ("AGGREGATION_TEMPORALITY_UNSPECIFIED", 0),
        ("AGGREGATION_TEMPORALITY_DELTA", 1),
        ("AGGREGATION_TEMPORALITY_CUMULATIVE", 2),
    ],
};
