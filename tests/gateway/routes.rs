//! Records that a rule sends to another pipeline, and what stands behind a scrubber.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

use crate::sender;
use crate::sender::TRACES;
use crate::started::Gateway;
use crate::started::fault;
use crate::started::gateway;
use crate::started::told;
use crate::started::warnings;
use crate::telemetry::traces;
use crate::upstream::Reply;
use crate::upstream::Upstream;

const TOKEN: &str = "acme_dt_0123456789abcdef";
const RULE: &str = "{id: acme, pattern: 'acme_dt_[0-9a-f]{16}', action: route}";

fn exporter(name: &str, upstream: &Upstream) -> String {
    format!(
        "  otlp_grpc/{name}: {{endpoint: '{}', tls: {{insecure: true}}, compression: none, \
         sending_queue: {{enabled: false}}, retry_on_failure: {{enabled: false}}}}\n",
        upstream.address
    )
}

fn yaml(scrubber: &str, behind: &str, main: &Upstream, other: &Upstream) -> String {
    format!(
        "receivers: {{otlp: {{protocols: {{grpc: {{endpoint: '127.0.0.1:0'}}, http: {{endpoint: '127.0.0.1:0'}}}}}}}}
processors:
  scrubber: {{disable: ['*'], rules: [{RULE}]{scrubber}}}
  attributes: {{actions: [{{key: seen, value: true, action: insert}}]}}
connectors: {{forward/quarantine: }}
exporters:
{}{}service:
  pipelines:
    traces: {{receivers: [otlp], processors: [scrubber], exporters: [otlp_grpc/main]}}
    traces/quarantine: {{receivers: [forward/quarantine], processors: [{behind}], exporters: [otlp_grpc/other]}}
",
        exporter("main", main),
        exporter("other", other)
    )
}

const ROUTE: &str = ", route: forward/quarantine";

/// Three spans, of which the middle one has a token.
fn request() -> Vec<u8> {
    let mut request = traces(3);
    let resource = request.resource_spans.first_mut().expect("a resource");
    let scope = resource.scope_spans.first_mut().expect("a scope");
    scope.spans.get_mut(1).expect("a second span").name = format!("deploy {TOKEN}");
    request.encode_to_vec()
}

/// The names of the spans that arrived, and how many of them have the attribute `seen`.
fn names(upstream: &Upstream) -> (Vec<String>, usize) {
    let (mut names, mut seen) = (Vec::new(), 0);
    for request in upstream.seen() {
        let request = ExportTraceServiceRequest::decode(&*request.body).unwrap();
        let scopes = request.resource_spans.into_iter().flat_map(|spans| spans.scope_spans);
        for span in scopes.flat_map(|spans| spans.spans) {
            seen += span.attributes.iter().filter(|one| one.key == "seen").count();
            names.push(span.name);
        }
    }
    (names, seen)
}

fn value(gateway: &Gateway, series: &str) -> String {
    let metrics = gateway.metrics.render();
    let line = metrics.lines().find(|line| line.starts_with(series)).unwrap_or_default();
    line.rsplit(' ').next().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_in_which_a_rule_finds_something_goes_elsewhere_masked() {
    let (main, other) =
        (Upstream::always(Reply::Accept).await, Upstream::always(Reply::Accept).await);
    let gateway = gateway(&yaml(ROUTE, "attributes", &main, &other)).await;
    assert_eq!(sender::call(gateway.grpc(), TRACES, &request()).await.code, 0);
    assert_eq!(names(&main), (vec!["GET /orders".to_owned(); 2], 0));
    assert_eq!(names(&other), (vec!["deploy [redacted:acme]".to_owned()], 1));
    for (series, expected) in [
        ("otelcol_receiver_accepted_spans{receiver=\"otlp\"", "3"),
        ("otelcol_processor_incoming_items{otel_signal=\"traces\",processor=\"scrubber\"", "3"),
        ("otelcol_processor_outgoing_items{otel_signal=\"traces\",processor=\"scrubber\"", "2"),
        ("otelcol_processor_scrubber_routed_records{otel_signal=\"traces\"", "1"),
        ("otelcol_pipeline_accepted_items{pipeline=\"traces\"", "2"),
        ("otelcol_pipeline_accepted_items{pipeline=\"traces/quarantine\"", "1"),
    ] {
        assert_eq!(value(&gateway, series), expected, "{series}");
    }
    assert!(!gateway.metrics.render().contains("otelcol_processor_scrubber_dropped_records{"));
    // A request without one goes one way only, and one in JSON is divided, too.
    assert_eq!(sender::call(gateway.grpc(), TRACES, &traces(1).encode_to_vec()).await.code, 0);
    assert_eq!(other.seen().len(), 1);
    let decoded = ExportTraceServiceRequest::decode(&*request()).unwrap();
    let json = serde_json::to_vec(&decoded).unwrap();
    assert_eq!(sender::post_json(gateway.http(), "/v1/traces", json).await.status, 200);
    assert_eq!((main.seen().len(), other.seen().len()), (3, 2));
    assert!(names(&other).0.iter().all(|name| name == "deploy [redacted:acme]"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_hears_ok_when_both_parts_arrived_and_none_comes_twice() {
    let down = || Reply::Grpc { code: 14, message: "not now", retry_after: None };
    let (main, other) =
        (Upstream::always(Reply::Accept).await, Upstream::start([down(), down()]).await);
    let gateway = gateway(&yaml(ROUTE, "", &main, &other)).await;
    for expected in [14, 14, 0] {
        assert_eq!(sender::call(gateway.grpc(), TRACES, &request()).await.code, expected);
    }
    assert_eq!((main.seen().len(), other.seen().len()), (1, 3));
    assert_eq!(sender::call(gateway.grpc(), TRACES, &request()).await.code, 0);
    assert_eq!((main.seen().len(), other.seen().len()), (2, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_that_leads_nowhere_is_refused() {
    let upstream = Upstream::always(Reply::Accept).await;
    let yaml = |scrubber| yaml(scrubber, "", &upstream, &upstream);
    for (yaml, expected) in [
        (yaml(""), "connectors.forward/quarantine: no pipeline of traces has it as an exporter"),
        (
            yaml(", route: forward/quarantin"),
            "processors.scrubber.route: `forward/quarantin` is not defined under `connectors`",
        ),
        (
            yaml(ROUTE).replace("receivers: [forward/quarantine]", "receivers: [otlp]"),
            "processors.scrubber.route: no pipeline of traces has `forward/quarantine` as a receiver",
        ),
        (
            yaml(ROUTE).replace("processors: [], exporters", "processors: [scrubber], exporters"),
            "service.pipelines.traces/quarantine.processors: `scrubber` has a `route`, and what comes here was sent by one",
        ),
        (
            yaml("")
                .replace(
                    "traces/quarantine: {receivers: [forward/quarantine]",
                    "traces/quarantine: {receivers: [otlp]",
                )
                .replace("processors: [], ", "processors: [scrubber], "),
            "processors.scrubber.route: the rule `acme` has `action: route`, and nothing says where to",
        ),
    ] {
        let said = fault(&yaml).await;
        assert!(said.starts_with(expected), "{said}");
    }
    assert_eq!(warnings(&yaml(ROUTE)), Vec::<String>::new());
}

#[test]
fn a_processor_behind_the_scrubber_is_warned_of_only_where_it_can_bring_something_to_light() {
    let settings = |processors: &str, ids: &str| {
        format!(
            "receivers: {{otlp: {{protocols: {{grpc: }}}}}}
processors:
  scrubber:
{processors}exporters: {{nop: }}
service: {{pipelines: {{traces: {{receivers: [otlp], processors: [{ids}], exporters: [nop]}}}}}}
"
        )
    };
    let quiet = "  transform:
    trace_statements:
      - set(span.attributes[\"password\"], \"none\")
      - set(span.attributes[\"peer\"], resource.attributes[\"service.name\"])
      - set(span.attributes[\"api_key\"], span.attributes[\"password\"])
      - set(span.attributes[\"token\"], SHA256(span.name))
      - replace_pattern(span.name, \"token=[^&]*\", \"token=***\")
      - replace_all_patterns(span.attributes, \"value\", \"(user=)[^&]*\", \"$1***\")
      - replace_pattern(span.name, \"\\\\?.*\", \"\")
      - delete_key(span.attributes, \"a\")
      - truncate_all(span.attributes, 100)
  attributes:
    actions:
      - {key: password, value: none, action: upsert}
      - {key: peer, from_attribute: net.peer.name, action: insert}
      - {key: user, action: hash}
";
    assert_eq!(told(&settings(quiet, "scrubber, transform, attributes")), Vec::<String>::new());
    let loud = "  transform:
    trace_statements:
      - set(span.attributes[\"auth_token\"], span.attributes[\"x\"])
      - replace_pattern(span.name, \"-\", \"\")
      - replace_all_patterns(span.attributes, \"key\", \"^x$\", \"password\")
  attributes:
    actions:
      - {key: password, from_attribute: note, action: insert}
  resource:
    attributes:
      - {key: note, pattern: '(?P<secret>.*)', action: extract}
";
    assert_eq!(
        told(&settings(loud, "transform, attributes, resource, scrubber")),
        Vec::<String>::new()
    );
    let expected = [
        "processors.attributes.actions[0]: behind `scrubber` in traces, it puts a value under the key `password`, which no rule has seen there at line 11, column 9 of env:YAML; put `attributes` in front of `scrubber`",
        "processors.resource.attributes[0]: behind `scrubber` in traces, it puts a value under the key `secret`, which no rule has seen there at line 14, column 9 of env:YAML; put `resource` in front of `scrubber`",
        "processors.transform.trace_statements[0]: behind `scrubber` in traces, it puts a value under the key `auth_token`, which no rule has seen there at line 6, column 9 of env:YAML; put `transform` in front of `scrubber`",
        "processors.transform.trace_statements[1]: behind `scrubber` in traces, it joins pieces of a text, which may be a credential of which no rule has seen the whole at line 7, column 9 of env:YAML; put `transform` in front of `scrubber`",
        "processors.transform.trace_statements[2]: behind `scrubber` in traces, it gives attributes names that may tell of a secret, and no rule has looked at them under these at line 8, column 9 of env:YAML; put `transform` in front of `scrubber`",
    ];
    assert_eq!(told(&settings(loud, "scrubber, transform, attributes, resource")), expected);
}
