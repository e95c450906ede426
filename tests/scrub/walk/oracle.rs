//! The slow obvious version: decode the request into objects, scrub every string
//! of every object, and compare.
//!
//! It knows the messages from `proto/` by reflection, not from the table that the
//! walk uses.

use std::sync::LazyLock;

use otel_redact::scrub::Signal;
use otel_redact::scrub::otlp::Context;
use prost_reflect::DescriptorPool;
use prost_reflect::DynamicMessage;
use prost_reflect::MessageDescriptor;
use prost_reflect::ReflectMessage;
use prost_reflect::Value;

use crate::walk::judge::MASK;
use crate::walk::judge::UNDER_SECRET;
use crate::walk::judge::masked;
use crate::walk::judge::says;

static PROTO: LazyLock<DescriptorPool> = LazyLock::new(|| {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/proto");
    let services = [
        "opentelemetry/proto/collector/trace/v1/trace_service.proto",
        "opentelemetry/proto/collector/metrics/v1/metrics_service.proto",
        "opentelemetry/proto/collector/logs/v1/logs_service.proto",
        "opentelemetry/proto/collector/profiles/v1development/profiles_service.proto",
    ];
    let files = protox::compile(services, [dir]).expect("proto/ parses");
    DescriptorPool::from_file_descriptor_set(files).expect("proto/ is complete")
});

/// The request message of a signal.
pub(crate) fn request(signal: Signal) -> MessageDescriptor {
    let name = match signal {
        Signal::Traces => "trace.v1.ExportTraceServiceRequest",
        Signal::Metrics => "metrics.v1.ExportMetricsServiceRequest",
        Signal::Logs => "logs.v1.ExportLogsServiceRequest",
        Signal::Profiles => "profiles.v1development.ExportProfilesServiceRequest",
    };
    PROTO
        .get_message_by_name(&format!("opentelemetry.proto.collector.{name}"))
        .expect("a request message")
}

/// Decodes a request; `None` where prost refuses it.
pub(crate) fn decode(signal: Signal, bytes: &[u8]) -> Option<DynamicMessage> {
    DynamicMessage::decode(request(signal), bytes).ok()
}

/// Scrubs a decoded request as the toy judge would.
pub(crate) fn scrub(message: &mut DynamicMessage) {
    let table = string_table(message);
    let mut marked = vec![false; table.len()];
    message_in(message, Context::default(), &table, &mut marked);
    let Some(Value::Message(dictionary)) = dictionary(message) else { return };
    let mut dictionary = dictionary.clone();
    let field = dictionary.descriptor().get_field_by_name("string_table").expect("a table");
    let entries = table
        .iter()
        .zip(&marked)
        .map(|(entry, marked)| {
            let context = if *marked { UNDER_SECRET } else { Context::default() };
            Value::String(string(entry, context))
        })
        .collect();
    dictionary.set_field(&field, Value::List(entries));
    message.set_field_by_name("dictionary", Value::Message(dictionary));
}

fn dictionary(message: &DynamicMessage) -> Option<Value> {
    message.has_field_by_name("dictionary").then_some(())?;
    message.get_field_by_name("dictionary").map(std::borrow::Cow::into_owned)
}

fn string_table(message: &DynamicMessage) -> Vec<String> {
    let Some(Value::Message(dictionary)) = dictionary(message) else { return Vec::new() };
    let table = dictionary.get_field_by_name("string_table").expect("a table");
    table
        .as_list()
        .expect("a list")
        .iter()
        .map(|entry| entry.as_str().expect("strings").to_owned())
        .collect()
}

fn string(text: &str, context: Context) -> String {
    String::from_utf8(masked(text.as_bytes(), context)).expect("UTF-8 stays UTF-8")
}

fn message_in(message: &mut DynamicMessage, outer: Context, table: &[String], marked: &mut [bool]) {
    let name = message.descriptor().name().to_owned();
    let context = context_in(message, outer, table);
    let fields: Vec<_> = message.fields().map(|(field, _)| field).collect();
    for field in fields {
        if field.name().starts_with("original_payload") {
            message.clear_field(&field);
            continue;
        }
        if field.name() == "string_table" {
            continue;
        }
        let value = message.get_field(&field).into_owned();
        let is_key = name == "KeyValue" && field.name() == "key";
        let shown = if is_key { Context::default() } else { context };
        match value {
            Value::I32(index) if field.name() == "string_value_strindex" => {
                if shown == UNDER_SECRET
                    && let Some(mark) = usize::try_from(index).ok().and_then(|i| marked.get_mut(i))
                {
                    *mark = true;
                }
            }
            Value::Bool(_) | Value::I64(_) | Value::F64(_)
                if name == "AnyValue" && shown == UNDER_SECRET =>
            {
                message.clear_field(&field);
                message.set_field_by_name("string_value", Value::String(MASK.to_owned()));
            }
            value => {
                let value = value_in(value, shown, table, marked);
                message.set_field(&field, value);
            }
        }
    }
}

/// What the keys of an attribute say.
fn context_in(message: &DynamicMessage, outer: Context, table: &[String]) -> Context {
    let mut context = outer;
    let descriptor = message.descriptor();
    if !descriptor.name().starts_with("KeyValue") || descriptor.name() == "KeyValueList" {
        return context;
    }
    if let Some(key) = message.get_field_by_name("key") {
        context = says(key.as_str().expect("a string").as_bytes(), context);
    }
    let index = message.get_field_by_name("key_strindex").expect("a field").as_i32();
    if message.has_field_by_name("key_strindex")
        && let Some(key) = index.and_then(|i| table.get(usize::try_from(i).ok()?))
    {
        context = says(key.as_bytes(), context);
    }
    context
}

fn value_in(value: Value, context: Context, table: &[String], marked: &mut [bool]) -> Value {
    match value {
        Value::String(text) => Value::String(string(&text, context)),
        // Ids are bytes too, but cannot hold what the judge looks for.
        Value::Bytes(bytes) => match bytes.len() {
            8 | 16 if context == Context::default() => Value::Bytes(bytes),
            _ => Value::Bytes(masked(&bytes, context).into()),
        },
        Value::List(values) => Value::List(
            values.into_iter().map(|value| value_in(value, context, table, marked)).collect(),
        ),
        Value::Message(mut message) => {
            message_in(&mut message, context, table, marked);
            Value::Message(message)
        }
        other => other,
    }
}
