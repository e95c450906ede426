//! A pipeline that a Collector ran: `redaction` and no scrubber.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use prost::Message;

use crate::sender;
use crate::sender::LOGS;
use crate::sender::TRACES;
use crate::started::fault;
use crate::started::gateway;
use crate::started::to_grpc;
use crate::started::warnings;
use crate::started::yaml;
use crate::telemetry::log_bytes;
use crate::telemetry::trace_bytes;
use crate::upstream::Reply;
use crate::upstream::Upstream;

/// The same pipelines with a `redaction` in place of the scrubber.
fn redacting(exporters: &str, settings: &str) -> String {
    yaml(exporters)
        .replace("scrubber: {disable: ['*']}", &format!("redaction: {settings}"))
        .replace("[scrubber]", "[redaction]")
}

fn body(request: &[u8]) -> Option<Value> {
    let request = ExportLogsServiceRequest::decode(request).unwrap();
    let scopes = request.resource_logs.into_iter().flat_map(|resource| resource.scope_logs);
    let mut records = scopes.flat_map(|scope| scope.log_records);
    records.next().unwrap().body.unwrap().value
}

#[tokio::test(flavor = "multi_thread")]
async fn blocked_values_are_masked_and_counted() {
    let upstream = Upstream::always(Reply::Accept).await;
    let settings = "{allow_all_keys: true, blocked_values: ['4[0-9]{15}']}";
    let gateway = gateway(&redacting(&to_grpc(upstream.address), settings)).await;
    let card = format!("4{}", "1".repeat(15));
    let bytes = log_bytes(&format!("paid with {card}, twice"));
    assert_eq!(sender::call(gateway.grpc(), LOGS, &bytes).await.code, 0);
    let seen = upstream.seen();
    assert_eq!(body(&seen[0].body), Some(Value::StringValue("paid with ****, twice".to_owned())));
    let metrics = gateway.metrics.render();
    let counted = "otelcol_processor_scrubber_redactions{otel_signal=\"logs\",place=\"body\",\
                   processor=\"redaction\",rule=\"blocked\",";
    assert!(metrics.contains(counted), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_does_not_change_leaves_as_it_came() {
    let upstream = Upstream::always(Reply::Accept).await;
    let settings = "{allow_all_keys: true, blocked_values: ['4[0-9]{15}']}";
    let gateway = gateway(&redacting(&to_grpc(upstream.address), settings)).await;
    let bytes = trace_bytes(100);
    assert_eq!(sender::call(gateway.grpc(), TRACES, &bytes).await.code, 0);
    assert!(upstream.seen()[0].body == bytes, "changed on its way");
}

#[test]
fn what_it_does_not_cover_is_said_before_it_starts() {
    let nop = "nop:\n";
    let warnings = warnings(&redacting(nop, "{allow_all_keys: true, summary: Debug}"));
    let expected = [
        "processors.redaction.summary: this is no name of a summary, so none is written; \
         accepted: debug, info, silent",
        "service.pipelines.traces.processors: as in the Collector, `redaction` does not look at \
         span links, status messages, trace states, names of spans, events, scopes and metrics, \
         exemplars, attribute keys",
        "to cover them, add `scrubber:` under `processors:`, and `scrubber` to the processors of \
         the pipeline, behind it",
    ];
    for expected in expected {
        assert!(warnings.iter().any(|line| line.contains(expected)), "{expected}\n{warnings:#?}");
    }
}

#[test]
fn where_it_leaks_as_the_collector_does_is_said_once_at_the_line_of_the_setting() {
    let settings = "{allow_all_keys: true, blocked_values: ['a', 'password=.*'], \
                    allowed_values: ['@mycompany']}";
    let more = "    logs/more: {receivers: [otlp], processors: [redaction], exporters: [nop]}\n";
    let warnings = warnings(&(redacting("nop:\n", settings) + more));
    for expected in [
        "processors.redaction.redact_all_types: as in the Collector, attributes that are numbers, \
         lists, maps or bytes are not looked at; with `true` they are, all but bytes at line ",
        "processors.redaction.allowed_values[0]: as in the Collector, one match anywhere lets the \
         whole value pass, whatever else is in it; put the pattern between `^` and `$` at line ",
        "processors.redaction.blocked_values[1]: as in the Collector, `.` ends where a line does, \
         and further lines stay; begin with `(?s)` to mask them, too at line ",
    ] {
        assert!(warnings.iter().any(|line| line.contains(expected)), "{expected}\n{warnings:#?}");
    }
    let links: Vec<_> = warnings.iter().filter(|line| line.contains("span links")).collect();
    assert_eq!(links.len(), 1, "{warnings:#?}");
    assert!(links[0].contains("; the same in "), "{links:?}");
    assert!(links[0].contains("`logs/more`"), "{links:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn profiles_need_a_scrubber() {
    let yaml = redacting("nop:\n", "{allow_all_keys: true}").replace("traces:", "profiles:");
    let fault = fault(&yaml).await;
    let expected = "service.pipelines.profiles.processors: `redaction` does not look at profiles";
    assert!(fault.starts_with(expected), "{fault}");
}
