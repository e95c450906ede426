//! `common/v1/common.proto` and `resource/v1/resource.proto`.

use crate::scrub::otlp::schema::A_NUMBER;
use crate::scrub::otlp::schema::Decision;
use crate::scrub::otlp::schema::Kind;
use crate::scrub::otlp::schema::Message;
use crate::scrub::otlp::schema::Trace;
use crate::scrub::otlp::schema::attributes;
use crate::scrub::otlp::schema::field;
use crate::scrub::otlp::schema::keep;
use crate::scrub::otlp::schema::message;
use crate::scrub::otlp::schema::text;

/// A value of any type. Its fields do not show in paths: `body`, not
/// `body.string_value`.
pub(in crate::scrub::otlp) static ANY_VALUE: Message = Message::value(
    "opentelemetry.proto.common.v1.AnyValue",
    &[
        text(1, "string_value", "stringValue").oneof("value").trace(Trace::Nothing),
        field(2, "bool_value", "boolValue", Kind::Bool, Decision::Scalar)
            .oneof("value")
            .trace(Trace::Nothing),
        field(3, "int_value", "intValue", Kind::Int64, Decision::Scalar)
            .oneof("value")
            .trace(Trace::Nothing),
        field(4, "double_value", "doubleValue", Kind::Double, Decision::Scalar)
            .oneof("value")
            .trace(Trace::Nothing),
        message(5, "array_value", "arrayValue", &ARRAY_VALUE).oneof("value").trace(Trace::Nothing),
        message(6, "kvlist_value", "kvlistValue", &KEY_VALUE_LIST)
            .oneof("value")
            .trace(Trace::Nothing),
        field(7, "bytes_value", "bytesValue", Kind::Bytes, Decision::Scan)
            .oneof("value")
            .trace(Trace::Nothing),
        // Profiles only: the entry of the string table is judged under the keys
        // around this.
        field(8, "string_value_strindex", "stringValueStrindex", Kind::Int32, Decision::Scalar)
            .oneof("value")
            .trace(Trace::Nothing),
    ],
);

static ARRAY_VALUE: Message = Message::value(
    "opentelemetry.proto.common.v1.ArrayValue",
    &[message(1, "values", "values", &ANY_VALUE).repeated().trace(Trace::Index)],
);

static KEY_VALUE_LIST: Message = Message::value(
    "opentelemetry.proto.common.v1.KeyValueList",
    &[message(1, "values", "values", &KEY_VALUE).repeated().trace(Trace::Key)],
);

/// An attribute. A key can hold a token, too, so it is a text as well.
pub(in crate::scrub::otlp) static KEY_VALUE: Message = Message::attribute(
    "opentelemetry.proto.common.v1.KeyValue",
    &[
        field(1, "key", "key", Kind::String, Decision::Key),
        message(2, "value", "value", &ANY_VALUE).trace(Trace::Nothing),
        field(3, "key_strindex", "keyStrindex", Kind::Int32, Decision::KeyIndex),
    ],
);

pub(in crate::scrub::otlp::schema) static SCOPE: Message = Message::new(
    "opentelemetry.proto.common.v1.InstrumentationScope",
    &[
        text(1, "name", "name"),
        text(2, "version", "version"),
        attributes(3, "attributes", "attributes"),
        keep(4, "dropped_attributes_count", "droppedAttributesCount", Kind::Uint32, A_NUMBER),
    ],
);

static ENTITY_REF: Message = Message::new(
    "opentelemetry.proto.common.v1.EntityRef",
    &[
        text(1, "schema_url", "schemaUrl"),
        text(2, "type", "type"),
        text(3, "id_keys", "idKeys").repeated(),
        text(4, "description_keys", "descriptionKeys").repeated(),
    ],
);

pub(in crate::scrub::otlp::schema) static RESOURCE: Message = Message::new(
    "opentelemetry.proto.resource.v1.Resource",
    &[
        attributes(1, "attributes", "attributes"),
        keep(2, "dropped_attributes_count", "droppedAttributesCount", Kind::Uint32, A_NUMBER),
        message(3, "entity_refs", "entityRefs", &ENTITY_REF).repeated(),
    ],
);
