//! A request as lines that are equal where requests say the same.
//!
//! Read by reflection over `proto/`, with every text as bytes, since texts need not be
//! UTF-8. Attributes are sorted; what is empty is left out.

use std::sync::LazyLock;

use otel_redact::scrub::Signal;
use prost_reflect::DescriptorPool;
use prost_reflect::DynamicMessage;
use prost_reflect::ReflectMessage;
use prost_reflect::Value;
use prost_reflect::prost_types::field_descriptor_proto::Type;

static PROTO: LazyLock<DescriptorPool> = LazyLock::new(|| {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/proto");
    let services = [
        "opentelemetry/proto/collector/trace/v1/trace_service.proto",
        "opentelemetry/proto/collector/metrics/v1/metrics_service.proto",
        "opentelemetry/proto/collector/logs/v1/logs_service.proto",
    ];
    let mut files = protox::compile(services, [dir]).expect("proto/ parses");
    for message in files.file.iter_mut().flat_map(|file| &mut file.message_type) {
        let nested = message.nested_type.iter_mut().flat_map(|nested| &mut nested.field);
        for field in message.field.iter_mut().chain(nested) {
            if field.r#type == Some(Type::String.into()) {
                field.r#type = Some(Type::Bytes.into());
            }
        }
    }
    DescriptorPool::from_file_descriptor_set(files).expect("proto/ is complete")
});

/// The lines of a request.
pub(crate) fn canonical(signal: Signal, bytes: &[u8]) -> Vec<String> {
    let name = match signal {
        Signal::Traces => "trace.v1.ExportTraceServiceRequest",
        Signal::Metrics => "metrics.v1.ExportMetricsServiceRequest",
        Signal::Logs => "logs.v1.ExportLogsServiceRequest",
        Signal::Profiles => panic!("the Collector's processors take no profiles"),
    };
    let name = format!("opentelemetry.proto.collector.{name}");
    let descriptor = PROTO.get_message_by_name(&name).expect("a request message");
    let message = DynamicMessage::decode(descriptor, bytes).expect("a request");
    lines(&message)
}

fn lines(message: &DynamicMessage) -> Vec<String> {
    let mut lines = Vec::new();
    for (field, value) in message.fields() {
        let name = field.name();
        match value {
            Value::List(values) if name == "attributes" || is_map(message) => {
                let mut blocks: Vec<String> =
                    values.iter().map(|value| text(value).join("\n")).collect();
                blocks.sort();
                for block in blocks {
                    lines.push(format!("{name}:"));
                    lines.extend(block.lines().map(|line| format!("  {line}")));
                }
            }
            Value::List(values) => {
                for (at, value) in values.iter().enumerate() {
                    lines.push(format!("{name}[{at}]:"));
                    lines.extend(text(value).iter().map(|line| format!("  {line}")));
                }
            }
            value => {
                let inner = text(value);
                // An empty value and none say the same, but for values of any type.
                let any = message.descriptor().name() == "AnyValue";
                if !inner.is_empty() || any {
                    lines.push(format!("{name}:"));
                    lines.extend(inner.iter().map(|line| format!("  {line}")));
                }
            }
        }
    }
    lines
}

fn is_map(message: &DynamicMessage) -> bool {
    message.descriptor().name() == "KeyValueList"
}

fn text(value: &Value) -> Vec<String> {
    match value {
        Value::Message(message) => lines(message),
        Value::Bytes(bytes) => vec![format!("\"{}\"", bytes.escape_ascii())],
        // NaN is equal to itself here, and -0.0 is not 0.0.
        Value::F64(value) => vec![format!("{value:?} {:x}", value.to_bits())],
        value => vec![format!("{value:?}")],
    }
}

/// Where two requests first differ.
pub(crate) fn difference(expected: &[String], got: &[String]) -> String {
    let at = expected.iter().zip(got).take_while(|(a, b)| a == b).count();
    let around = |lines: &[String]| {
        let from = at.saturating_sub(6);
        lines[from.min(lines.len())..lines.len().min(at + 6)].join("\n    ")
    };
    format!("  expected\n    {}\n  got\n    {}", around(expected), around(got))
}
