//! `profiles/v1development/profiles.proto` and its collector service.
//!
//! A profile holds no text of its own: everything is an index into the string
//! table of the dictionary, which is scanned. `original_payload` is dropped: it
//! is a second copy of the profile in some other format (a gzipped pprof, say)
//! with its own strings, which cannot be rewritten here.

use crate::scrub::otlp::schema::A_NUMBER;
use crate::scrub::otlp::schema::AN_INDEX;
use crate::scrub::otlp::schema::Decision;
use crate::scrub::otlp::schema::Kind;
use crate::scrub::otlp::schema::Message;
use crate::scrub::otlp::schema::Trace;
use crate::scrub::otlp::schema::common::ANY_VALUE;
use crate::scrub::otlp::schema::common::RESOURCE;
use crate::scrub::otlp::schema::common::SCOPE;
use crate::scrub::otlp::schema::field;
use crate::scrub::otlp::schema::id;
use crate::scrub::otlp::schema::keep;
use crate::scrub::otlp::schema::message;
use crate::scrub::otlp::schema::text;

/// The reason why the original payload is dropped, and its format with it.
const A_SECOND_COPY: &str = "a second copy of the profile, in a format that cannot be rewritten";

pub(in crate::scrub::otlp::schema) static REQUEST: Message = Message::new(
    "opentelemetry.proto.collector.profiles.v1development.ExportProfilesServiceRequest",
    &[
        message(1, "resource_profiles", "resourceProfiles", &RESOURCE_PROFILES).repeated(),
        message(2, "dictionary", "dictionary", &DICTIONARY),
    ],
);

static DICTIONARY: Message = Message::new(
    "opentelemetry.proto.profiles.v1development.ProfilesDictionary",
    &[
        message(1, "mapping_table", "mappingTable", &MAPPING).repeated(),
        message(2, "location_table", "locationTable", &LOCATION).repeated(),
        message(3, "function_table", "functionTable", &FUNCTION).repeated(),
        message(4, "link_table", "linkTable", &LINK).repeated(),
        field(5, "string_table", "stringTable", Kind::String, Decision::Table).repeated(),
        message(6, "attribute_table", "attributeTable", &KEY_VALUE_AND_UNIT)
            .repeated()
            .place("attributes"),
        message(7, "stack_table", "stackTable", &STACK).repeated(),
    ],
);

static RESOURCE_PROFILES: Message = Message::new(
    "opentelemetry.proto.profiles.v1development.ResourceProfiles",
    &[
        message(1, "resource", "resource", &RESOURCE),
        message(2, "scope_profiles", "scopeProfiles", &SCOPE_PROFILES).repeated(),
        text(3, "schema_url", "schemaUrl"),
    ],
);

static SCOPE_PROFILES: Message = Message::new(
    "opentelemetry.proto.profiles.v1development.ScopeProfiles",
    &[
        message(1, "scope", "scope", &SCOPE),
        message(2, "profiles", "profiles", &PROFILE).repeated(),
        text(3, "schema_url", "schemaUrl"),
    ],
);

static PROFILE: Message = Message::item(
    "opentelemetry.proto.profiles.v1development.Profile",
    &[
        message(1, "sample_type", "sampleType", &VALUE_TYPE),
        message(2, "samples", "samples", &SAMPLE).repeated(),
        keep(3, "time_unix_nano", "timeUnixNano", Kind::Fixed64, A_NUMBER),
        keep(4, "duration_nano", "durationNano", Kind::Uint64, A_NUMBER),
        message(5, "period_type", "periodType", &VALUE_TYPE),
        keep(6, "period", "period", Kind::Int64, A_NUMBER),
        id(7, "profile_id", "profileId", 16),
        keep(8, "dropped_attributes_count", "droppedAttributesCount", Kind::Uint32, A_NUMBER),
        field(
            9,
            "original_payload_format",
            "originalPayloadFormat",
            Kind::String,
            Decision::Drop(A_SECOND_COPY),
        ),
        field(
            10,
            "original_payload",
            "originalPayload",
            Kind::Bytes,
            Decision::Drop(A_SECOND_COPY),
        ),
        keep(11, "attribute_indices", "attributeIndices", Kind::Int32, AN_INDEX).repeated(),
    ],
);

static LINK: Message = Message::new(
    "opentelemetry.proto.profiles.v1development.Link",
    &[id(1, "trace_id", "traceId", 16), id(2, "span_id", "spanId", 8)],
);

static VALUE_TYPE: Message = Message::new(
    "opentelemetry.proto.profiles.v1development.ValueType",
    &[
        keep(1, "type_strindex", "typeStrindex", Kind::Int32, AN_INDEX),
        keep(2, "unit_strindex", "unitStrindex", Kind::Int32, AN_INDEX),
    ],
);

static SAMPLE: Message = Message::new(
    "opentelemetry.proto.profiles.v1development.Sample",
    &[
        keep(1, "stack_index", "stackIndex", Kind::Int32, AN_INDEX),
        keep(2, "attribute_indices", "attributeIndices", Kind::Int32, AN_INDEX).repeated(),
        keep(3, "link_index", "linkIndex", Kind::Int32, AN_INDEX),
        keep(4, "values", "values", Kind::Int64, A_NUMBER).repeated(),
        keep(5, "timestamps_unix_nano", "timestampsUnixNano", Kind::Fixed64, A_NUMBER).repeated(),
    ],
);

static MAPPING: Message = Message::new(
    "opentelemetry.proto.profiles.v1development.Mapping",
    &[
        keep(1, "memory_start", "memoryStart", Kind::Uint64, A_NUMBER),
        keep(2, "memory_limit", "memoryLimit", Kind::Uint64, A_NUMBER),
        keep(3, "file_offset", "fileOffset", Kind::Uint64, A_NUMBER),
        keep(4, "filename_strindex", "filenameStrindex", Kind::Int32, AN_INDEX),
        keep(5, "attribute_indices", "attributeIndices", Kind::Int32, AN_INDEX).repeated(),
    ],
);

static STACK: Message = Message::new(
    "opentelemetry.proto.profiles.v1development.Stack",
    &[keep(1, "location_indices", "locationIndices", Kind::Int32, AN_INDEX).repeated()],
);

static LOCATION: Message = Message::new(
    "opentelemetry.proto.profiles.v1development.Location",
    &[
        keep(1, "mapping_index", "mappingIndex", Kind::Int32, AN_INDEX),
        keep(2, "address", "address", Kind::Uint64, A_NUMBER),
        message(3, "lines", "lines", &LINE).repeated(),
        keep(4, "attribute_indices", "attributeIndices", Kind::Int32, AN_INDEX).repeated(),
    ],
);

static LINE: Message = Message::new(
    "opentelemetry.proto.profiles.v1development.Line",
    &[
        keep(1, "function_index", "functionIndex", Kind::Int32, AN_INDEX),
        keep(2, "line", "line", Kind::Int64, A_NUMBER),
        keep(3, "column", "column", Kind::Int64, A_NUMBER),
    ],
);

static FUNCTION: Message = Message::new(
    "opentelemetry.proto.profiles.v1development.Function",
    &[
        keep(1, "name_strindex", "nameStrindex", Kind::Int32, AN_INDEX),
        keep(2, "system_name_strindex", "systemNameStrindex", Kind::Int32, AN_INDEX),
        keep(3, "filename_strindex", "filenameStrindex", Kind::Int32, AN_INDEX),
        keep(4, "start_line", "startLine", Kind::Int64, A_NUMBER),
    ],
);

/// An attribute whose key stands in the string table.
static KEY_VALUE_AND_UNIT: Message = Message::attribute(
    "opentelemetry.proto.profiles.v1development.KeyValueAndUnit",
    &[
        field(1, "key_strindex", "keyStrindex", Kind::Int32, Decision::KeyIndex),
        message(2, "value", "value", &ANY_VALUE).trace(Trace::Nothing),
        keep(3, "unit_strindex", "unitStrindex", Kind::Int32, AN_INDEX),
    ],
);
