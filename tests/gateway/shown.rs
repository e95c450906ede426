//! Requests as the `debug` exporter shows them.

use std::sync::Arc;

use otel_redact::gateway::exporter::debug::Verbosity;
use otel_redact::gateway::exporter::debug::render::render;
use otel_redact::gateway::exporter::delivery::Delivery;
use otel_redact::scrub::Encoding;
use otel_redact::scrub::Redaction;
use otel_redact::scrub::Report;
use otel_redact::scrub::Request;
use otel_redact::scrub::Scrubber;
use otel_redact::scrub::Signal;

const TRACES: &str = r#"{"resourceSpans":[{
  "resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},
  "scopeSpans":[{
    "scope":{"name":"http","version":"1.2"},
    "spans":[{
      "traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708",
      "name":"GET /orders","kind":2,
      "startTimeUnixNano":"1700000000000000000","endTimeUnixNano":"1700000000100000000",
      "attributes":[
        {"key":"http.request.header.authorization","value":{"arrayValue":{"values":[{"stringValue":"Bearer [redacted:jwt]"}]}}},
        {"key":"retries","value":{"intValue":"3"}}
      ],
      "events":[{"timeUnixNano":"1700000000050000000","name":"exception","attributes":[
        {"key":"exception.message","value":{"stringValue":"two\nlines \u001b[2J"}}]}],
      "status":{"code":2,"message":"failed"}
    }]
  }]
}]}"#;

fn delivery() -> Delivery {
    let request =
        Request { signal: Signal::Traces, encoding: Encoding::Json, bytes: TRACES.into() };
    let (scrubbed, _) = Scrubber::without_rules().unwrap().scrub(&request).unwrap();
    let attribute = "attributes[\"http.request.header.authorization\"]";
    let redaction = Redaction {
        rule: "jwt".into(),
        place: "attributes",
        path: format!("resource_spans[0].scope_spans[0].spans[0].{attribute}"),
    };
    let report = Report { redactions: vec![redaction], ..Report::default() };
    Delivery::new(scrubbed, Arc::new(report), None)
}

#[test]
fn everything_is_shown_in_lines_that_align() {
    let expected = r#"traces: 1 spans, 1 redaction
  resource
    attributes
      service.name  shop
    scope
      name     http
      version  1.2
      span
        name        GET /orders
        trace id    0102030405060708090a0b0c0d0e0f10
        span id     0102030405060708
        end time    2023-11-14T22:13:20.1Z
        kind        server
        start time  2023-11-14T22:13:20Z
        attributes
          http.request.header.authorization  [Bearer [redacted:jwt]]
          retries                            3
        event
          name  exception
          time  2023-11-14T22:13:20.05Z
          attributes
            exception.message  two
                               lines \u{1b}[2J
        status
          code     error
          message  failed
  redacted
    jwt  resource_spans[0].scope_spans[0].spans[0].attributes["http.request.header.authorization"]
"#;
    assert_eq!(render(&delivery(), Verbosity::Detailed, false), expected);
}

#[test]
fn less_is_shown_where_less_is_asked_for() {
    assert_eq!(render(&delivery(), Verbosity::Basic, false), "traces: 1 spans, 1 redaction\n");
    let expected = "traces: 1 spans, 1 redaction\n  GET /orders \
                    http.request.header.authorization=[Bearer [redacted:jwt]] retries=3\n";
    assert_eq!(render(&delivery(), Verbosity::Normal, false), expected);
}

/// What is shown of a clean request, a line a record, behind the heading.
fn lines(signal: Signal, json: &str) -> String {
    let request = Request { signal, encoding: Encoding::Json, bytes: json.to_owned().into() };
    let (scrubbed, _) = Scrubber::without_rules().unwrap().scrub(&request).unwrap();
    let delivery = Delivery::new(scrubbed, Arc::new(Report::default()), None);
    let text = render(&delivery, Verbosity::Normal, false);
    text.split_once('\n').expect("a heading").1.to_owned()
}

#[test]
fn a_data_point_is_shown_with_its_metric_and_its_numbers() {
    let attributes = r#""attributes":[{"key":"k","value":{"stringValue":"v"}}]"#;
    let json = format!(
        r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"scope":{{"name":"io"}},"metrics":[
          {{"name":"requests","sum":{{"dataPoints":[{{{attributes},"asInt":"5"}}]}}}},
          {{"name":"took","histogram":{{"dataPoints":[{{{attributes},"count":"4","sum":1.5}}]}}}}]}}]}}]}}"#
    );
    assert_eq!(lines(Signal::Metrics, &json), "  requests k=v 5\n  took k=v count=4 sum=1.5\n");
}

#[test]
fn a_profile_is_shown_by_its_id_and_its_samples() {
    let id = "0102030405060708090a0b0c0d0e0f10";
    let json = format!(
        r#"{{"resourceProfiles":[{{"scopeProfiles":[{{"profiles":[{{"profileId":"{id}","samples":[{{}},{{}}]}}]}}]}}]}}"#
    );
    assert_eq!(lines(Signal::Profiles, &json), format!("  {id} samples=2\n"));
}

#[test]
fn what_is_nested_as_deep_as_may_be_is_shown() {
    let (open, close) = (r#"{"arrayValue":{"values":["#.repeat(40), "]}}".repeat(40));
    let json = format!(
        r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"body":{open}{{"stringValue":"deep"}}{close}}}]}}]}}]}}"#
    );
    assert!(lines(Signal::Logs, &json).contains("deep"), "{}", lines(Signal::Logs, &json));
}

#[test]
fn masks_are_red_on_a_terminal() {
    let text = render(&delivery(), Verbosity::Detailed, true);
    assert!(text.contains("[Bearer \u{1b}[1;31m[redacted:jwt]\u{1b}[0m]"), "{text}");
}
