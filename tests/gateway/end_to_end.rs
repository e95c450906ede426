//! What goes in at one end and comes out at the other.

use std::io::Write;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::TraceService;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::TraceServiceServer;
use tonic::codec::CompressionEncoding;

use crate::sender;
use crate::sender::LOGS;
use crate::sender::TRACES;
use crate::started;
use crate::started::gateway;
use crate::started::to_grpc;
use crate::started::to_http;
use crate::telemetry::log_bytes;
use crate::telemetry::trace_bytes;
use crate::telemetry::traces;
use crate::upstream::Reply;
use crate::upstream::Upstream;

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_request_arrives_as_the_very_bytes_that_came_in() {
    let upstream = Upstream::always(Reply::Accept).await;
    for (exporters, traces_path) in
        [(to_grpc(upstream.address), TRACES), (to_http(upstream.address), "/v1/traces")]
    {
        let gateway = gateway(&started::yaml(&exporters)).await;
        let bytes = trace_bytes(1000);
        let before = upstream.seen().len();
        let answer = sender::call(gateway.grpc(), TRACES, &bytes).await;
        assert_eq!((answer.code, answer.body.as_slice()), (0, &[0x0a, 0x00][..]), "{answer:?}");
        let answer = sender::post(gateway.http(), "/v1/traces", bytes.clone()).await;
        assert_eq!((answer.status, &answer.body[..]), (200, &[0x0a, 0x00][..]), "{answer:?}");
        assert_eq!(answer.header("content-type"), Some("application/x-protobuf"));
        let seen = upstream.seen();
        assert_eq!(seen.len() - before, 2);
        for seen in &seen[before..] {
            assert!(seen.body == bytes, "changed on its way");
            assert_eq!(seen.path, traces_path);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sender_hears_ok_only_when_the_upstream_has_accepted() {
    let upstream = Upstream::always(Reply::Hold).await;
    let gateway = gateway(&started::yaml(&to_grpc(upstream.address))).await;
    let to = gateway.grpc();
    let call = tokio::spawn(async move { sender::call(to, TRACES, &trace_bytes(1)).await });
    upstream.wait_for(1).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!call.is_finished(), "answered before the upstream did");
    upstream.release();
    assert_eq!(call.await.unwrap().code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_exporters_must_accept() {
    let good = Upstream::always(Reply::Accept).await;
    let bad = Upstream::always(Reply::Http { status: 503, headers: vec![], body: "not now" }).await;
    let exporters = to_grpc(good.address) + &to_http(bad.address);
    let gateway = gateway(&started::yaml(&exporters)).await;
    let answer = sender::call(gateway.grpc(), LOGS, &log_bytes("hello")).await;
    assert_eq!(answer.code, 14, "{answer:?}");
    assert_eq!((good.seen().len(), bad.seen().len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn partial_success_is_passed_on() {
    let upstream = Upstream::always(Reply::Partial(3, "too old")).await;
    let gateway = gateway(&started::yaml(&to_grpc(upstream.address))).await;
    let answer = sender::call(gateway.grpc(), TRACES, &trace_bytes(10)).await;
    let expected = [&[0x0a, 11, 0x08, 3, 0x12, 7][..], b"too old"].concat();
    assert_eq!((answer.code, answer.body), (0, expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn tonic_senders_and_upstreams_are_served_compressed_or_not() {
    #[derive(Clone, Default)]
    struct Accepting(std::sync::Arc<std::sync::Mutex<Vec<ExportTraceServiceRequest>>>);

    #[tonic::async_trait]
    impl TraceService for Accepting {
        async fn export(
            &self,
            request: tonic::Request<ExportTraceServiceRequest>,
        ) -> Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status> {
            self.0.lock().unwrap().push(request.into_inner());
            Ok(tonic::Response::new(ExportTraceServiceResponse::default()))
        }
    }

    let accepting = Accepting::default();
    let service = TraceServiceServer::new(accepting.clone())
        .accept_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Zstd);
    let incoming =
        tonic::transport::server::TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = incoming.local_addr().unwrap();
    let server = tonic::transport::Server::builder().add_service(service);
    tokio::spawn(server.serve_with_incoming(incoming));

    for upstream_compression in ["none", "gzip", "zstd"] {
        let exporters = to_grpc(address)
            .replace("compression: none", &format!("compression: {upstream_compression}"));
        let gateway = gateway(&started::yaml(&exporters)).await;
        for sender_compression in
            [None, Some(CompressionEncoding::Gzip), Some(CompressionEncoding::Zstd)]
        {
            let to = format!("http://{}", gateway.grpc());
            let mut client = TraceServiceClient::connect(to).await.unwrap();
            if let Some(compression) = sender_compression {
                client = client.send_compressed(compression);
            }
            client.export(traces(500)).await.unwrap();
            let arrived = accepting.0.lock().unwrap().pop().unwrap();
            assert!(arrived == traces(500), "{sender_compression:?} {upstream_compression}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_clean_leaves_compressed_as_it_came_but_for_hidden_text() {
    let upstream = Upstream::always(Reply::Accept).await;
    let exporters = to_grpc(upstream.address).replace("compression: none", "compression: gzip");
    let gateway = gateway(&started::yaml(&exporters)).await;
    let bytes = trace_bytes(100);
    let pack = |name: &str| {
        let mut encoder = flate2::GzBuilder::new();
        if !name.is_empty() {
            encoder = encoder.filename(name);
        }
        let mut encoder = encoder.write(Vec::new(), flate2::Compression::new(9));
        encoder.write_all(&bytes).unwrap();
        encoder.finish().unwrap()
    };
    for (name, same) in [("", true), ("s3cr3t", false)] {
        let packed = pack(name);
        let headers = [("grpc-encoding", "gzip")];
        let body = sender::framed(1, &packed);
        let answer = sender::call_raw(gateway.grpc(), TRACES, &headers, body).await;
        assert_eq!(answer.code, 0, "{answer:?}");
        let seen = upstream.seen().pop().unwrap();
        assert_eq!(seen.headers["grpc-encoding"], "gzip");
        assert_eq!(seen.body == packed, same);
        assert!(!seen.body.windows(6).any(|window| window == b"s3cr3t"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn json_is_answered_in_json() {
    let upstream = Upstream::always(Reply::Accept).await;
    let exporters = to_http(upstream.address) + "  encoding: json\n";
    let gateway = gateway(&started::yaml(&exporters)).await;
    let json = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"GET /"}]}]}]}"#;
    let answer = sender::post_json(gateway.http(), "/v1/traces", json).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"partialSuccess":{}}"#));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(upstream.seen()[0].body, json, "changed on its way");
    for void in ["{}", "null"] {
        let answer = sender::post_json(gateway.http(), "/v1/traces", void).await;
        assert_eq!(answer.status, 200, "{void}: {answer:?}");
    }
    assert_eq!(upstream.seen().len(), 1, "what is void goes nowhere");
}

/// A token of GitHub's form, made up; written in two parts so that no scanner of
/// sources takes it for one.
fn token() -> String {
    ["ghp_", "9fK2mQ7xLw4Zr8Tb1Vn6Yc3Hd5Js0Pa2RtGe"].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_goes_in_and_does_not_come_out() {
    let upstream = Upstream::always(Reply::Accept).await;
    for exporter in [to_grpc(upstream.address), to_http(upstream.address) + "  encoding: json\n"] {
        for processors in ["", "batch: {timeout: 10ms}"] {
            let gateway = gateway(&started::yaml_with(processors, &exporter)).await;
            let text = format!("push with {} failed", token());
            let bytes = log_bytes(&text);
            assert_eq!(sender::call(gateway.grpc(), LOGS, &bytes).await.code, 0);
            let json = format!(
                r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"body":{{"stringValue":"{text}"}}}}]}}]}}]}}"#
            );
            let answer = sender::post_json(gateway.http(), "/v1/logs", json).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            for seen in upstream.seen().iter().rev().take(2) {
                let seen = String::from_utf8_lossy(&seen.body);
                assert!(!seen.contains(&token()), "{seen}");
                assert!(seen.contains("push with [redacted:"), "{seen}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_upstream_says_is_scrubbed_before_it_is_passed_on() {
    let said: &'static str = format!("cannot take {}", token()).leak();
    let refused = Reply::Grpc { code: 3, message: said, retry_after: None };
    let by_http = Reply::Http { status: 400, headers: vec![], body: said };
    for reply in [refused, by_http, Reply::Partial(1, said)] {
        let upstream = Upstream::always(reply.clone()).await;
        let exporter = match reply {
            Reply::Http { .. } => to_http(upstream.address),
            _ => to_grpc(upstream.address),
        };
        let gateway = gateway(&started::yaml(&exporter)).await;
        let answer = sender::call(gateway.grpc(), LOGS, &log_bytes("hello")).await;
        let heard = format!("{} {}", answer.message, String::from_utf8_lossy(&answer.body));
        assert!(!heard.contains(&token()), "{heard}");
        assert!(heard.contains("cannot take [redacted:"), "{heard}");
    }
}
