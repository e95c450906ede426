//! Pipelines that connectors join.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::AnyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use prost::Message;

use crate::sender;
use crate::sender::TRACES;
use crate::started::fault;
use crate::started::gateway;
use crate::started::warnings;
use crate::telemetry::trace_bytes;
use crate::telemetry::traces;
use crate::upstream::Reply;
use crate::upstream::Upstream;

fn exporter(name: &str, upstream: &Upstream) -> String {
    format!(
        "  otlp_grpc/{name}: {{endpoint: '{}', tls: {{insecure: true}}, compression: none, \
         sending_queue: {{enabled: false}}, retry_on_failure: {{enabled: false}}}}\n",
        upstream.address
    )
}

fn yaml(connectors: &str, exporters: &str, pipelines: &str) -> String {
    format!(
        "receivers: {{otlp: {{protocols: {{grpc: {{endpoint: '127.0.0.1:0'}}}}}}}}\n\
         processors: {{scrubber: {{disable: ['*']}}, filter: {{traces: {{span: ['name == \"b\"']}}}}}}\n\
         connectors:\n{connectors}exporters:\n{exporters}service:\n  pipelines:\n{pipelines}"
    )
}

/// One span for each service.
fn of_services(services: &[&str]) -> Vec<u8> {
    let mut all = ExportTraceServiceRequest::default();
    for service in services {
        let mut one = traces(1);
        let resources = one.resource_spans.iter_mut().filter_map(|spans| spans.resource.as_mut());
        for attribute in resources.flat_map(|resource| &mut resource.attributes) {
            let value = Some(Value::StringValue((*service).to_owned()));
            attribute.value = Some(AnyValue { value });
        }
        all.resource_spans.extend(one.resource_spans);
    }
    all.encode_to_vec()
}

fn services(upstream: &Upstream) -> Vec<String> {
    let mut services = Vec::new();
    for seen in upstream.seen() {
        let request = ExportTraceServiceRequest::decode(&*seen.body).unwrap();
        for resource in request.resource_spans {
            match resource.resource.unwrap().attributes.remove(0).value.unwrap().value {
                Some(Value::StringValue(service)) => services.push(service),
                other => panic!("{other:?}"),
            }
        }
    }
    services
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_is_told_ok_when_all_that_it_is_forwarded_to_have_it() {
    let (one, two) = (Upstream::always(Reply::Accept).await, Upstream::always(Reply::Accept).await);
    let down = Reply::Grpc { code: 14, message: "not now", retry_after: None };
    let third = Upstream::always(down).await;
    let exporters = exporter("one", &one) + &exporter("two", &two) + &exporter("third", &third);
    let pipelines = |last: &str| {
        format!(
            "    traces/in: {{receivers: [otlp], processors: [scrubber], exporters: [forward, otlp_grpc/one]}}\n    \
             traces/out: {{receivers: [forward], exporters: [otlp_grpc/{last}]}}\n"
        )
    };
    let good = gateway(&yaml("  forward:\n", &exporters, &pipelines("two"))).await;
    assert_eq!(sender::call(good.grpc(), TRACES, &trace_bytes(3)).await.code, 0);
    assert_eq!((one.seen().len(), two.seen().len()), (1, 1));
    let bad = gateway(&yaml("  forward:\n", &exporters, &pipelines("third"))).await;
    assert_eq!(sender::call(bad.grpc(), TRACES, &trace_bytes(3)).await.code, 14);
    assert_eq!(third.seen().len(), 1);
}

const ROUTING: &str = "  routing:
    default_pipelines: [traces/rest]
    table:
      - statement: route() where attributes[\"service.name\"] == \"a\"
        pipelines: [traces/a]
      - condition: IsMatch(attributes[\"service.name\"], \"^(a|b)$\")
        action: copy
        pipelines: [traces/b]
";

#[tokio::test(flavor = "multi_thread")]
async fn resources_go_where_their_attributes_say_and_none_is_lost() {
    let accepting = || Upstream::always(Reply::Accept);
    let (a, b, rest) = (accepting().await, accepting().await, accepting().await);
    let exporters = exporter("a", &a) + &exporter("b", &b) + &exporter("rest", &rest);
    let pipelines = "    traces/in: {receivers: [otlp], exporters: [routing]}\n    \
                     traces/a: {receivers: [routing], processors: [scrubber], exporters: [otlp_grpc/a]}\n    \
                     traces/b: {receivers: [routing], processors: [scrubber], exporters: [otlp_grpc/b]}\n    \
                     traces/rest: {receivers: [routing], processors: [scrubber], exporters: [otlp_grpc/rest]}\n";
    let gateway = gateway(&yaml(ROUTING, &exporters, pipelines)).await;
    let request = of_services(&["a", "c", "b", "a"]);
    assert_eq!(sender::call(gateway.grpc(), TRACES, &request).await.code, 0);
    assert_eq!(services(&a), ["a", "a"]);
    assert_eq!(services(&b), ["b"]);
    assert_eq!(services(&rest), ["c", "b"]);
    let metrics = gateway.metrics.render();
    let accepted = "otelcol_receiver_accepted_spans{receiver=\"otlp\"";
    let line = metrics.lines().find(|line| line.starts_with(accepted)).unwrap();
    assert!(line.ends_with(" 4"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_filter_leaves_out_is_counted() {
    let upstream = Upstream::always(Reply::Accept).await;
    let exporters = exporter("one", &upstream);
    let pipelines = "    traces: {receivers: [otlp], processors: [filter, scrubber], exporters: [otlp_grpc/one]}\n";
    let gateway = gateway(&yaml("  forward:\n", &exporters, pipelines)).await;
    let mut request = traces(3);
    request.resource_spans[0].scope_spans[0].spans[1].name = "b".to_owned();
    assert_eq!(sender::call(gateway.grpc(), TRACES, &request.encode_to_vec()).await.code, 0);
    let metrics = gateway.metrics.render();
    assert!(
        metrics.contains("otelcol_processor_filter_spans_filtered{filter=\"filter\""),
        "{metrics}"
    );
    for line in metrics.lines().filter(|line| line.starts_with("otelcol_receiver_accepted_spans{"))
    {
        assert!(line.ends_with(" 3"), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connectors_that_lead_nowhere_or_in_circles_are_refused() {
    let upstream = "  nop:\n";
    let faults = [
        (
            "  forward:\n",
            "    traces: {receivers: [otlp], processors: [scrubber], exporters: [forward]}\n",
            "connectors.forward: no pipeline of traces has it as a receiver",
        ),
        (
            "  forward:\n",
            "    traces: {receivers: [otlp, forward], processors: [scrubber], exporters: [forward, nop]}\n",
            "service.pipelines.traces: this pipeline leads to itself through connectors",
        ),
        (
            "  forward:\n",
            "    traces: {receivers: [otlp], exporters: [forward]}\n    traces/2: {receivers: [forward], exporters: [nop]}\n",
            "service.pipelines.traces/2.processors: no processor removes credentials from traces",
        ),
        (
            "  routing: {table: [{statement: 'route() where attributes[\"a\"] = 1', pipelines: [traces/2]}]}\n",
            "    traces: {receivers: [otlp], processors: [scrubber], exporters: [routing]}\n    traces/2: {receivers: [routing], exporters: [nop]}\n",
            "connectors.routing.table[0].statement: expected a condition at character 15",
        ),
        (
            "  routing: {table: [{context: request, condition: 'request[\"X-Tenant\"] == \"a\"', pipelines: [traces/2]}]}\n",
            "    traces: {receivers: [otlp], processors: [scrubber], exporters: [routing]}\n    traces/2: {receivers: [routing], exporters: [nop]}\n",
            "connectors.routing.table[0].context: the headers of a request are not passed to connectors here",
        ),
    ];
    for (connectors, pipelines, expected) in faults {
        let said = fault(&yaml(connectors, upstream, pipelines)).await;
        assert!(said.starts_with(expected), "{said}");
    }
    let pipelines = "    traces: {receivers: [otlp], processors: [scrubber], exporters: [routing]}\n    traces/2: {receivers: [routing], exporters: [nop]}\n";
    let table = "  routing: {table: [{statement: route(), pipelines: [traces/2]}]}\n";
    let said = warnings(&yaml(table, upstream, pipelines));
    let is_told = |said: &String| said.contains("resources that no entry takes are dropped");
    assert!(said.iter().any(is_told), "{said:?}");
}
