//! `trace/v1/trace.proto` and its collector service.

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
    "opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest",
    &[message(1, "resource_spans", "resourceSpans", &RESOURCE_SPANS).repeated()],
);

static RESOURCE_SPANS: Message = Message::new(
    "opentelemetry.proto.trace.v1.ResourceSpans",
    &[
        message(1, "resource", "resource", &RESOURCE),
        message(2, "scope_spans", "scopeSpans", &SCOPE_SPANS).repeated(),
        text(3, "schema_url", "schemaUrl"),
    ],
);

static SCOPE_SPANS: Message = Message::new(
    "opentelemetry.proto.trace.v1.ScopeSpans",
    &[
        message(1, "scope", "scope", &SCOPE),
        message(2, "spans", "spans", &SPAN).repeated(),
        text(3, "schema_url", "schemaUrl"),
    ],
);

static SPAN: Message = Message::item(
    "opentelemetry.proto.trace.v1.Span",
    &[
        id(1, "trace_id", "traceId", 16),
        id(2, "span_id", "spanId", 8),
        text(3, "trace_state", "traceState"),
        id(4, "parent_span_id", "parentSpanId", 8),
        keep(16, "flags", "flags", Kind::Fixed32, A_NUMBER),
        text(5, "name", "name"),
        keep(6, "kind", "kind", Kind::Enum(&SPAN_KIND), AN_ENUM),
        keep(7, "start_time_unix_nano", "startTimeUnixNano", Kind::Fixed64, A_NUMBER),
        keep(8, "end_time_unix_nano", "endTimeUnixNano", Kind::Fixed64, A_NUMBER),
        attributes(9, "attributes", "attributes"),
        keep(10, "dropped_attributes_count", "droppedAttributesCount", Kind::Uint32, A_NUMBER),
        message(11, "events", "events", &EVENT).repeated(),
        keep(12, "dropped_events_count", "droppedEventsCount", Kind::Uint32, A_NUMBER),
        message(13, "links", "links", &LINK).repeated(),
        keep(14, "dropped_links_count", "droppedLinksCount", Kind::Uint32, A_NUMBER),
        message(15, "status", "status", &STATUS),
    ],
);

static EVENT: Message = Message::new(
    "opentelemetry.proto.trace.v1.Span.Event",
    &[
        keep(1, "time_unix_nano", "timeUnixNano", Kind::Fixed64, A_NUMBER),
        text(2, "name", "name"),
        attributes(3, "attributes", "attributes"),
        keep(4, "dropped_attributes_count", "droppedAttributesCount", Kind::Uint32, A_NUMBER),
    ],
);

static LINK: Message = Message::new(
    "opentelemetry.proto.trace.v1.Span.Link",
    &[
        id(1, "trace_id", "traceId", 16),
        id(2, "span_id", "spanId", 8),
        text(3, "trace_state", "traceState"),
        attributes(4, "attributes", "attributes"),
        keep(5, "dropped_attributes_count", "droppedAttributesCount", Kind::Uint32, A_NUMBER),
        keep(6, "flags", "flags", Kind::Fixed32, A_NUMBER),
    ],
);

static STATUS: Message = Message::new(
    "opentelemetry.proto.trace.v1.Status",
    &[text(2, "message", "message"), keep(3, "code", "code", Kind::Enum(&STATUS_CODE), AN_ENUM)],
);

static SPAN_KIND: Enum = Enum {
    name: "opentelemetry.proto.trace.v1.Span.SpanKind",
    values: &[
        ("SPAN_KIND_UNSPECIFIED", 0),
        ("SPAN_KIND_INTERNAL", 1),
        ("SPAN_KIND_SERVER", 2),
        ("SPAN_KIND_CLIENT", 3),
        ("SPAN_KIND_PRODUCER", 4),
        ("SPAN_KIND_CONSUMER", 5),
    ],
};

static STATUS_CODE: Enum = Enum {
    name: "opentelemetry.proto.trace.v1.Status.StatusCode",
    values: &[("STATUS_CODE_UNSET", 0), ("STATUS_CODE_OK", 1), ("STATUS_CODE_ERROR", 2)],
};
