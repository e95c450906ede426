//! The demo's application: the OpenTelemetry SDK as it comes.

use opentelemetry::Array;
use opentelemetry::KeyValue;
use opentelemetry::StringValue;
use opentelemetry::Value;
use opentelemetry::logs::AnyValue;
use opentelemetry::logs::LogRecord;
use opentelemetry::logs::Logger;
use opentelemetry::logs::LoggerProvider;
use opentelemetry::logs::Severity;
use opentelemetry::trace::Span;
use opentelemetry::trace::Status;
use opentelemetry::trace::Tracer;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::LogExporter;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;

use crate::cli::demo::DemoError;
use crate::cli::demo::secrets::Field;
use crate::cli::demo::secrets::Story;
use crate::cli::demo::secrets::Text;

/// Sends the story to `endpoint` and waits until it is taken.
///
/// # Errors
///
/// When the SDK could not deliver.
pub(in crate::cli::demo) async fn send(story: &Story, endpoint: &str) -> Result<(), DemoError> {
    let sdk = |error: &dyn std::fmt::Display| DemoError::Sdk(error.to_string());
    let resource = Resource::builder().with_service_name("demo-agent").build();
    let spans = SpanExporter::builder().with_tonic().with_endpoint(endpoint).build();
    let logs = LogExporter::builder().with_tonic().with_endpoint(endpoint).build();
    let tracers = SdkTracerProvider::builder()
        .with_resource(resource.clone())
        .with_batch_exporter(spans.map_err(|error| sdk(&error))?)
        .build();
    let loggers = SdkLoggerProvider::builder()
        .with_resource(resource)
        .with_batch_exporter(logs.map_err(|error| sdk(&error))?)
        .build();
    make_span(story, &tracers);
    make_log_record(story, &loggers);
    // Shutting down blocks until everything is delivered.
    let delivered = tokio::task::spawn_blocking(move || {
        let (spans, logs) = (tracers.shutdown(), loggers.shutdown());
        spans.and(logs)
    });
    delivered.await.map_err(|error| sdk(&error))?.map_err(|error| sdk(&error))
}

fn make_span(story: &Story, tracers: &SdkTracerProvider) {
    let tracer = tracers.tracer("demo");
    let attributes: Vec<KeyValue> = story.of(Field::Span).map(attribute).collect();
    let mut span =
        tracer.span_builder("chat example-large-2").with_attributes(attributes).start(&tracer);
    span.add_event("tool result", story.of(Field::Event).map(attribute).collect());
    for text in story.of(Field::Status) {
        span.set_status(Status::error(text.values.concat()));
    }
    span.end();
}

fn make_log_record(story: &Story, loggers: &SdkLoggerProvider) {
    let logger = loggers.logger("demo");
    let mut record = logger.create_log_record();
    record.set_severity_number(Severity::Error);
    for text in story.of(Field::Body) {
        record.set_body(AnyValue::from(text.values.concat()));
    }
    for text in story.of(Field::Log) {
        record.add_attribute(text.key, text.values.concat());
    }
    logger.emit(record);
}

fn attribute(text: &Text) -> KeyValue {
    match text.values.as_slice() {
        [value] => KeyValue::new(text.key, value.clone()),
        values => {
            let values = values.iter().map(|value| StringValue::from(value.clone())).collect();
            KeyValue::new(text.key, Value::Array(Array::String(values)))
        }
    }
}
