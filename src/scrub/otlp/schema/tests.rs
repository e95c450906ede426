//! Holds the table equal to `proto/`.

use std::collections::BTreeMap;

use prost_reflect::Cardinality;
use prost_reflect::DescriptorPool;
use prost_reflect::FieldDescriptor;
use prost_reflect::MessageDescriptor;

use super::*;

const SERVICES: [&str; 4] = [
    "opentelemetry/proto/collector/trace/v1/trace_service.proto",
    "opentelemetry/proto/collector/metrics/v1/metrics_service.proto",
    "opentelemetry/proto/collector/logs/v1/logs_service.proto",
    "opentelemetry/proto/collector/profiles/v1development/profiles_service.proto",
];

fn proto() -> DescriptorPool {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/proto");
    let files = protox::compile(SERVICES, [dir]).expect("proto/ parses");
    DescriptorPool::from_file_descriptor_set(files).expect("proto/ is complete")
}

/// Every message that a request can hold, by name.
fn messages() -> BTreeMap<&'static str, &'static Message> {
    let mut messages = BTreeMap::new();
    let mut open: Vec<&'static Message> = Signal::ALL.into_iter().map(root).collect();
    while let Some(message) = open.pop() {
        if messages.insert(message.name, message).is_none() {
            for field in message.fields {
                if let Kind::Message(inner) = field.kind {
                    open.push(inner);
                }
            }
        }
    }
    messages
}

/// Every message that a request can hold, as `proto/` says.
fn described(pool: &DescriptorPool) -> BTreeMap<String, MessageDescriptor> {
    let mut messages = BTreeMap::new();
    let mut open: Vec<MessageDescriptor> = Signal::ALL
        .into_iter()
        .map(|signal| pool.get_message_by_name(root(signal).name).expect("a request"))
        .collect();
    while let Some(message) = open.pop() {
        for field in message.fields() {
            if let prost_reflect::Kind::Message(inner) = field.kind()
                && !messages.contains_key(inner.full_name())
            {
                open.push(inner);
            }
        }
        messages.insert(message.full_name().to_owned(), message);
    }
    messages
}

fn kind(field: &Field) -> String {
    match field.kind {
        Kind::Id(_) => "bytes".to_owned(),
        Kind::Enum(inner) => inner.name.to_owned(),
        Kind::Message(inner) => inner.name.to_owned(),
        kind => format!("{kind:?}").to_lowercase(),
    }
}

fn described_kind(field: &FieldDescriptor) -> String {
    match field.kind() {
        prost_reflect::Kind::Message(inner) => inner.full_name().to_owned(),
        prost_reflect::Kind::Enum(inner) => inner.full_name().to_owned(),
        kind => format!("{kind:?}").to_lowercase(),
    }
}

#[test]
fn every_message_of_proto_is_in_the_table_and_no_other() {
    let pool = proto();
    let ours: Vec<&str> = messages().into_keys().collect();
    let theirs: Vec<String> = described(&pool).into_keys().collect();
    assert_eq!(ours, theirs);
}

#[test]
fn every_field_of_proto_has_a_decision_and_the_same_number_type_and_names() {
    let pool = proto();
    for (name, theirs) in described(&pool) {
        let ours = messages()[name.as_str()];
        let mut rows: Vec<String> = ours
            .fields
            .iter()
            .map(|field| {
                format!(
                    "{} {} {} {} repeated={} presence={} oneof={:?}",
                    field.number,
                    field.name,
                    field.json,
                    kind(field),
                    field.repeated,
                    field.presence,
                    field.oneof,
                )
            })
            .collect();
        let mut described: Vec<String> = theirs
            .fields()
            .map(|field| {
                let oneof = field.containing_oneof().filter(|oneof| !oneof.is_synthetic());
                let message = matches!(field.kind(), prost_reflect::Kind::Message(_));
                format!(
                    "{} {} {} {} repeated={} presence={} oneof={:?}",
                    field.number(),
                    field.name(),
                    field.json_name(),
                    described_kind(&field),
                    field.cardinality() == Cardinality::Repeated,
                    field.supports_presence() && (!message || oneof.is_some()),
                    oneof.as_ref().map(|oneof| oneof.name()),
                )
            })
            .collect();
        rows.sort();
        described.sort();
        assert_eq!(rows, described, "{name}");
    }
}

#[test]
fn every_string_is_shown_or_dropped() {
    for message in messages().into_values() {
        for field in message.fields {
            let shown = matches!(
                field.decision,
                Decision::Scan | Decision::Key | Decision::Table | Decision::Drop(_)
            );
            if matches!(field.kind, Kind::String | Kind::Bytes) {
                assert!(shown, "{}.{}", message.name, field.name);
            }
            if let Decision::Keep(reason) | Decision::Drop(reason) = field.decision {
                assert!(!reason.is_empty(), "{}.{}", message.name, field.name);
            }
        }
    }
}

#[test]
fn enums_have_the_values_of_proto() {
    let pool = proto();
    for message in messages().into_values() {
        for field in message.fields {
            let Kind::Enum(ours) = field.kind else { continue };
            let theirs = pool.get_enum_by_name(ours.name).expect(ours.name);
            let values: Vec<(String, i32)> =
                theirs.values().map(|value| (value.name().to_owned(), value.number())).collect();
            let ours: Vec<(String, i32)> =
                ours.values.iter().map(|(name, number)| ((*name).to_owned(), *number)).collect();
            assert_eq!(ours, values);
        }
    }
}

#[test]
fn every_field_has_a_step_of_its_own() {
    for message in messages().into_values() {
        for field in message.fields {
            let tag = field.number << 3 | u32::from(field.kind.wire());
            let step = message.steps[tag as usize];
            assert_ne!(step, Step::Unknown, "{}.{}", message.name, field.name);
            assert_ne!(step, Step::Malformed, "{}.{}", message.name, field.name);
        }
    }
}
