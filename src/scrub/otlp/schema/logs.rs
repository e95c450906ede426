//! `logs/v1/logs.proto` and its collector service.

use crate::scrub::otlp::schema::A_NUMBER;
use crate::scrub::otlp::schema::AN_ENUM;
use crate::scrub::otlp::schema::Enum;
use crate::scrub::otlp::schema::Kind;
use crate::scrub::otlp::schema::Message;
use crate::scrub::otlp::schema::attributes;
use crate::scrub::otlp::schema::common::ANY_VALUE;
use crate::scrub::otlp::schema::common::RESOURCE;
use crate::scrub::otlp::schema::common::SCOPE;
use crate::scrub::otlp::schema::id;
use crate::scrub::otlp::schema::keep;
use crate::scrub::otlp::schema::message;
use crate::scrub::otlp::schema::text;

pub(in crate::scrub::otlp::schema) static REQUEST: Message = Message::new(
    "opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest",
    &[message(1, "resource_logs", "resourceLogs", &RESOURCE_LOGS).repeated()],
);

static RESOURCE_LOGS: Message = Message::new(
    "opentelemetry.proto.logs.v1.ResourceLogs",
    &[
        message(1, "resource", "resource", &RESOURCE),
        message(2, "scope_logs", "scopeLogs", &SCOPE_LOGS).repeated(),
        text(3, "schema_url", "schemaUrl"),
    ],
);

static SCOPE_LOGS: Message = Message::new(
    "opentelemetry.proto.logs.v1.ScopeLogs",
    &[
        message(1, "scope", "scope", &SCOPE),
        message(2, "log_records", "logRecords", &LOG_RECORD).repeated(),
        text(3, "schema_url", "schemaUrl"),
    ],
);

static LOG_RECORD: Message = Message::item(
    "opentelemetry.proto.logs.v1.LogRecord",
    &[
        keep(1, "time_unix_nano", "timeUnixNano", Kind::Fixed64, A_NUMBER),
        keep(11, "observed_time_unix_nano", "observedTimeUnixNano", Kind::Fixed64, A_NUMBER),
        keep(2, "severity_number", "severityNumber", Kind::Enum(&SEVERITY_NUMBER), AN_ENUM),
        text(3, "severity_text", "severityText"),
        message(5, "body", "body", &ANY_VALUE),
        attributes(6, "attributes", "attributes"),
        keep(7, "dropped_attributes_count", "droppedAttributesCount", Kind::Uint32, A_NUMBER),
        keep(8, "flags", "flags", Kind::Fixed32, A_NUMBER),
        id(9, "trace_id", "traceId", 16),
        id(10, "span_id", "spanId", 8),
        text(12, "event_name", "eventName"),
    ],
);

static SEVERITY_NUMBER: Enum = Enum {
    name: "opentelemetry.proto.logs.v1.SeverityNumber",
    values: &[
        ("SEVERITY_NUMBER_UNSPECIFIED", 0),
        ("SEVERITY_NUMBER_TRACE", 1),
        ("SEVERITY_NUMBER_TRACE2", 2),
        ("SEVERITY_NUMBER_TRACE3", 3),
        ("SEVERITY_NUMBER_TRACE4", 4),
        ("SEVERITY_NUMBER_DEBUG", 5),
        ("SEVERITY_NUMBER_DEBUG2", 6),
        ("SEVERITY_NUMBER_DEBUG3", 7),
        ("SEVERITY_NUMBER_DEBUG4", 8),
        ("SEVERITY_NUMBER_INFO", 9),
        ("SEVERITY_NUMBER_INFO2", 10),
        ("SEVERITY_NUMBER_INFO3", 11),
        ("SEVERITY_NUMBER_INFO4", 12),
        ("SEVERITY_NUMBER_WARN", 13),
        ("SEVERITY_NUMBER_WARN2", 14),
        ("SEVERITY_NUMBER_WARN3", 15),
        ("SEVERITY_NUMBER_WARN4", 16),
        ("SEVERITY_NUMBER_ERROR", 17),
        ("SEVERITY_NUMBER_ERROR2", 18),
        ("SEVERITY_NUMBER_ERROR3", 19),
        ("SEVERITY_NUMBER_ERROR4", 20),
        ("SEVERITY_NUMBER_FATAL", 21),
        ("SEVERITY_NUMBER_FATAL2", 22),
        ("SEVERITY_NUMBER_FATAL3", 23),
        ("SEVERITY_NUMBER_FATAL4", 24),
    ],
};
