//! Settings of the receivers and exporters, seen from outside.

use std::time::Duration;

use tokio::net::TcpListener;

use crate::sender;
use crate::sender::LOGS;
use crate::sender::TRACES;
use crate::started;
use crate::started::gateway;
use crate::started::to_grpc;
use crate::started::to_http;
use crate::telemetry::log_bytes;
use crate::telemetry::trace_bytes;
use crate::upstream::Reply;
use crate::upstream::Upstream;

fn with_http(settings: &str) -> String {
    started::yaml("nop:").replace(
        "http: {endpoint: '127.0.0.1:0'}",
        &format!("http: {{endpoint: '127.0.0.1:0', {settings}}}"),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn web_pages_of_allowed_origins_may_send() {
    let cors =
        "cors: {allowed_origins: ['https://*.example.com'], allowed_headers: [x-key], max_age: 60}";
    let gateway = gateway(&with_http(cors)).await;
    let origin = ("origin", "https://shop.example.com");
    let asks = [
        origin,
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type, x-key"),
    ];
    let answer = sender::http(gateway.http(), "OPTIONS", "/v1/traces", &asks, "").await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://shop.example.com"));
    assert_eq!(answer.header("access-control-allow-headers"), Some("content-type, x-key"));
    assert_eq!(answer.header("access-control-max-age"), Some("60"));
    let sends = [origin, ("content-type", "application/x-protobuf")];
    let answer = sender::http(gateway.http(), "POST", "/v1/traces", &sends, trace_bytes(1)).await;
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://shop.example.com"));
    let other = [("origin", "https://evil.test"), ("content-type", "application/x-protobuf")];
    let answer = sender::http(gateway.http(), "POST", "/v1/traces", &other, trace_bytes(1)).await;
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_headers_and_compressions_can_be_set() {
    let settings = "traces_url_path: in/traces, response_headers: {x-gateway: mine}, compression_algorithms: [gzip]";
    let gateway = gateway(&with_http(settings)).await;
    let answer = sender::post(gateway.http(), "/in/traces", trace_bytes(1)).await;
    assert_eq!((answer.status, answer.header("x-gateway")), (400, Some("mine")), "not compressed");
    assert_eq!(sender::post(gateway.http(), "/v1/traces", trace_bytes(1)).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_of_exporters_are_sent() {
    let upstream = Upstream::always(Reply::Accept).await;
    for exporter in [to_grpc(upstream.address), to_http(upstream.address)] {
        let exporter = exporter + "  headers: {authorization: Bearer abc, X-Tenant: '7'}\n";
        let gateway = gateway(&started::yaml(&exporter)).await;
        assert_eq!(sender::call(gateway.grpc(), TRACES, &trace_bytes(1)).await.code, 0);
        let headers = upstream.seen().pop().unwrap().headers;
        assert_eq!(headers["authorization"], "Bearer abc");
        assert_eq!(headers["x-tenant"], "7");
        let agent = headers["user-agent"].to_str().unwrap();
        assert!(agent.starts_with(concat!("otel-redact/", env!("CARGO_PKG_VERSION"), " (")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_authority_may_be_another_than_the_endpoint() {
    let upstream = Upstream::always(Reply::Accept).await;
    let exporter = to_grpc(upstream.address) + "  authority: backend.test\n";
    let gateway = gateway(&started::yaml(&exporter)).await;
    assert_eq!(sender::call(gateway.grpc(), TRACES, &trace_bytes(1)).await.code, 0);
    assert_eq!(upstream.seen()[0].authority.as_deref(), Some("backend.test"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_connection_is_closed_in_an_orderly_way() {
    let upstream = Upstream::always(Reply::Accept).await;
    let yaml = started::yaml(&to_grpc(upstream.address)).replace(
        "grpc: {endpoint: '127.0.0.1:0'}",
        "grpc: {endpoint: '127.0.0.1:0', keepalive: {server_parameters: {max_connection_age: 50ms}}}",
    );
    let gateway = gateway(&yaml).await;
    for _ in 0..10 {
        assert_eq!(sender::call(gateway.grpc(), LOGS, &log_bytes("x")).await.code, 0);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_counted_is_what_happened() {
    let upstream =
        Upstream::start([Reply::Grpc { code: 3, message: "no", retry_after: None }]).await;
    let gateway = gateway(&started::yaml(&to_grpc(upstream.address))).await;
    assert_eq!(sender::call(gateway.grpc(), TRACES, &trace_bytes(5)).await.code, 3);
    assert_eq!(sender::call(gateway.grpc(), TRACES, &trace_bytes(7)).await.code, 0);
    let text = gateway.metrics.render();
    let line = |name: &str| {
        let lines = text.lines().filter(|line| line.starts_with(name) && line.contains("otlp"));
        let values = lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap());
        values.sum::<f64>()
    };
    assert_eq!(line("otelcol_receiver_accepted_spans"), 7.0, "{text}");
    assert_eq!(line("otelcol_receiver_refused_spans"), 5.0, "{text}");
    assert_eq!(line("otelcol_exporter_sent_spans"), 7.0, "{text}");
    assert_eq!(line("otelcol_exporter_send_failed_spans"), 5.0, "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_run_does_not_start_and_says_where() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let taken = taken.local_addr().unwrap();
    let listens = started::yaml("nop:").replacen("'127.0.0.1:0'", &format!("'{taken}'"), 1);
    let nobody = "127.0.0.1:1".parse().unwrap();
    let grpc = |more: &str| started::yaml(&(to_grpc(nobody) + more));
    let http = |more: &str| started::yaml(&(to_http(nobody) + more));
    for (yaml, fault) in [
        (listens, format!("receivers.otlp.protocols.grpc.endpoint: cannot listen at {taken}: Address already in use (os error 98)")),
        (started::yaml("otlp_grpc: {}"), "exporters.otlp_grpc.endpoint: expected host:port, such as backend.example.com:4317".to_owned()),
        (started::yaml("otlp_http: {}"), "exporters.otlp_http.endpoint: expected a URL such as https://backend.example.com:4318".to_owned()),
        (started::yaml("file: {}"), "exporters.file.path: expected the path of a file".to_owned()),
        (grpc("  headers: {'b d': x}\n"), "exporters.otlp_grpc.headers.…: expected the name of a header: letters, digits and hyphens".to_owned()),
        (http("  proxy_url: http://x\n"), "exporters.otlp_http.proxy_url: expected nothing: this version goes through no proxy at line 10, column 16".to_owned()),
        (grpc("  sending_queue: {storage: file_storage}\n"), "exporters.otlp_grpc.sending_queue.storage: `file_storage` is not defined under `extensions`".to_owned()),
    ] {
        let said = started::fault(&yaml).await;
        let without_place = |text: &str| text.split(" at line").next().unwrap().to_owned();
        assert_eq!(without_place(&said), without_place(&fault));
    }
}
