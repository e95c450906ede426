//! What is wrong with a request, and what its sender hears: one row for each.
//!
//! Nothing of what is refused reaches the upstream, and no answer repeats what was
//! sent.

use std::io::Write;
use std::time::Duration;

use prost::Message;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;

use crate::sender;
use crate::sender::LOGS;
use crate::sender::Status;
use crate::sender::TRACES;
use crate::sender::framed;
use crate::started;
use crate::started::Gateway;
use crate::started::gateway;
use crate::started::to_grpc;
use crate::telemetry::log_bytes;
use crate::telemetry::nested_log_bytes;
use crate::telemetry::trace_bytes;
use crate::upstream::Reply;
use crate::upstream::Upstream;

const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
const JSON: (&str, &str) = ("content-type", "application/json");

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Limits of 1 MiB on both protocols, and only logs and traces have a pipeline.
async fn limited() -> (Gateway, Upstream) {
    let upstream = Upstream::always(Reply::Accept).await;
    let yaml = started::yaml(&to_grpc(upstream.address))
        .replace(
            "grpc: {endpoint: '127.0.0.1:0'}",
            "grpc: {endpoint: '127.0.0.1:0', max_recv_msg_size_mib: 1}",
        )
        .replace(
            "http: {endpoint: '127.0.0.1:0'}",
            "http: {endpoint: '127.0.0.1:0', max_request_body_size: 1048576}",
        );
    (gateway(&yaml).await, upstream)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_grpc_request_hears_why_and_goes_nowhere() {
    let (gateway, upstream) = limited().await;
    let clean = trace_bytes(1);
    let large = log_bytes(&"x".repeat(2 << 20));
    let bomb = gzip(&log_bytes(&"\0".repeat(4 << 20)));
    assert!(bomb.len() < 64 * 1024);
    let broken = framed(1, b"\x1f\x8b\x08 no gzip");
    let cut = gzip(&clean);
    let cut = framed(1, &cut[..cut.len() - 9]);
    let two = [framed(0, &clean), framed(0, &clean)].concat();
    let gzipped: &[_] = &[("grpc-encoding", "gzip")];
    let metrics = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
    // What it is, the method, headers, the body; the code and a part of the message.
    type Row<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], Vec<u8>, u32, &'a str);
    let rows: Vec<Row<'_>> = vec![
        ("unknown service", "/grpc.health.v1.Health/Check", &[], framed(0, b""), 12, "no pipeline"),
        ("unknown method", "/x", &[], framed(0, b""), 12, "no pipeline"),
        ("no pipeline", metrics, &[], framed(0, &clean), 12, "no pipeline"),
        ("no prefix", TRACES, &[], vec![], 3, "ends too early"),
        ("half a prefix", TRACES, &[], vec![0, 0], 3, "ends too early"),
        ("half a message", TRACES, &[], framed(0, &clean)[..9].to_vec(), 3, "ends too early"),
        ("two messages", TRACES, &[], two, 3, "more than one message"),
        ("bad flag", TRACES, &[], framed(7, &clean), 3, "flag neither 0 nor 1"),
        ("compressed how", TRACES, &[], framed(1, &clean), 3, "without grpc-encoding"),
        (
            "coding",
            TRACES,
            &[("grpc-encoding", "br")],
            framed(1, &clean),
            12,
            "supported: identity,gzip,zstd",
        ),
        ("broken gzip", TRACES, gzipped, broken, 3, "broken compressed body"),
        ("cut gzip", TRACES, gzipped, cut, 3, "broken compressed body"),
        ("too large", LOGS, &[], framed(0, &large), 8, "larger than 1048576 bytes"),
        ("bomb", LOGS, gzipped, framed(1, &bomb), 8, "larger than 1048576 bytes"),
        ("no protobuf", TRACES, &[], framed(0, b"\xff\xff\xff\xff"), 3, "malformed request"),
        ("cut protobuf", TRACES, &[], framed(0, &clean[..clean.len() - 1]), 3, "malformed request"),
        ("too deep", LOGS, &[], framed(0, &nested_log_bytes(80)), 3, "malformed request"),
    ];
    for (what, method, headers, body, code, message) in rows {
        let answer = sender::call_raw(gateway.grpc(), method, headers, body).await;
        assert_eq!(answer.code, code, "{what}: {answer:?}");
        assert!(answer.message.contains(message), "{what}: {answer:?}");
        assert_eq!(answer.retry_after, None, "{what}");
    }
    assert_eq!(upstream.seen().len(), 0);
    assert_eq!(sender::call(gateway.grpc(), TRACES, &clean).await.code, 0, "and still serves");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_http_request_hears_why_and_goes_nowhere() {
    let (gateway, upstream) = limited().await;
    let clean = trace_bytes(1);
    let large = log_bytes(&"x".repeat(2 << 20));
    let bomb = log_bytes(&"\0".repeat(4 << 20));
    let with = |coding| [PROTOBUF, ("content-encoding", coding)];
    let stacked = [PROTOBUF, ("content-encoding", "gzip"), ("content-encoding", "gzip")];
    // What it is, the path, headers, the body; the status and a part of the message.
    type Row<'a> = (&'a str, &'a str, Vec<(&'a str, &'a str)>, Vec<u8>, u16, &'a str);
    let rows: Vec<Row<'_>> = vec![
        ("unknown path", "/v1/trace", vec![PROTOBUF], clean.clone(), 404, "404 page not found"),
        (
            "slash at the end",
            "/v1/traces/",
            vec![PROTOBUF],
            clean.clone(),
            404,
            "404 page not found",
        ),
        ("other case", "/v1/Traces", vec![PROTOBUF], clean.clone(), 404, "404 page not found"),
        ("no pipeline", "/v1/metrics", vec![PROTOBUF], clean.clone(), 404, "404 page not found"),
        ("unclean path", "//v1/traces", vec![PROTOBUF], clean.clone(), 307, ""),
        (
            "no content type",
            "/v1/traces",
            vec![],
            clean.clone(),
            415,
            "415 unsupported media type, supported: [application/json, application/x-protobuf]",
        ),
        (
            "other content type",
            "/v1/traces",
            vec![("content-type", "application/protobuf")],
            clean.clone(),
            415,
            "415 unsupported",
        ),
        (
            "unknown encoding",
            "/v1/traces",
            with("br").to_vec(),
            clean.clone(),
            400,
            "supported: gzip, zstd, zlib, deflate, identity",
        ),
        (
            "upper case encoding",
            "/v1/traces",
            with("GZIP").to_vec(),
            gzip(&clean),
            400,
            "unsupported compression",
        ),
        (
            "stacked encodings",
            "/v1/traces",
            stacked.to_vec(),
            gzip(&gzip(&clean)),
            400,
            "unsupported compression",
        ),
        (
            "stacked in one",
            "/v1/traces",
            with("gzip, gzip").to_vec(),
            gzip(&gzip(&clean)),
            400,
            "unsupported compression",
        ),
        (
            "broken gzip",
            "/v1/traces",
            with("gzip").to_vec(),
            b"no gzip".to_vec(),
            400,
            "broken compressed body",
        ),
        ("empty gzip", "/v1/traces", with("gzip").to_vec(), vec![], 400, "broken compressed body"),
        (
            "broken zlib",
            "/v1/traces",
            with("deflate").to_vec(),
            clean.clone(),
            400,
            "broken compressed body",
        ),
        (
            "broken zstd",
            "/v1/traces",
            with("zstd").to_vec(),
            clean.clone(),
            400,
            "broken compressed body",
        ),
        ("too large", "/v1/logs", vec![PROTOBUF], large, 413, "larger than 1048576 bytes"),
        (
            "gzip bomb",
            "/v1/logs",
            with("gzip").to_vec(),
            gzip(&bomb),
            413,
            "larger than 1048576 bytes",
        ),
        (
            "zlib bomb",
            "/v1/logs",
            with("deflate").to_vec(),
            zlib(&bomb),
            413,
            "larger than 1048576 bytes",
        ),
        (
            "zstd bomb",
            "/v1/logs",
            with("zstd").to_vec(),
            zstd::encode_all(&bomb[..], 3).unwrap(),
            413,
            "larger than 1048576 bytes",
        ),
        (
            "no protobuf",
            "/v1/traces",
            vec![PROTOBUF],
            b"\xff\xff\xff\xff".to_vec(),
            400,
            "malformed request",
        ),
        (
            "cut protobuf",
            "/v1/traces",
            vec![PROTOBUF],
            clean[..clean.len() - 1].to_vec(),
            400,
            "malformed request",
        ),
        ("too deep", "/v1/logs", vec![PROTOBUF], nested_log_bytes(80), 400, "malformed request"),
        (
            "no JSON",
            "/v1/traces",
            vec![JSON],
            b"{\"resourceSpans\": [s3cr3t".to_vec(),
            400,
            "malformed request",
        ),
        ("empty JSON", "/v1/traces", vec![JSON], vec![], 400, "malformed request"),
        ("a list", "/v1/traces", vec![JSON], b"[]".to_vec(), 400, "malformed request"),
        (
            "no JSON, no UTF-8",
            "/v1/traces",
            vec![JSON],
            b"\xff\xfe\xfd".to_vec(),
            400,
            "malformed request",
        ),
    ];
    for (what, path, headers, body, status, message) in rows {
        let answer = sender::http(gateway.http(), "POST", path, &headers, body).await;
        assert_eq!(answer.status, status, "{what}: {answer:?}");
        assert!(!answer.text().contains("s3cr3t"), "{what}: {answer:?}");
        let json = headers.contains(&JSON);
        let text = if matches!(status, 400 | 413) && !json {
            assert_eq!(answer.header("content-type"), Some("application/x-protobuf"), "{what}");
            let status = Status::decode(&answer.body[..]).unwrap();
            assert!([3, 8, 12].contains(&status.code), "{what}: {status:?}");
            status.message
        } else {
            answer.text()
        };
        assert!(text.contains(message), "{what}: {text}");
    }
    assert_eq!(upstream.seen().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn methods_other_than_post_are_refused_in_words() {
    let (gateway, _) = limited().await;
    for method in ["GET", "PUT", "OPTIONS"] {
        let answer = sender::http(gateway.http(), method, "/v1/traces", &[PROTOBUF], "").await;
        assert_eq!(answer.status, 405);
        assert_eq!(answer.text(), "405 method not allowed, supported: [POST]");
        assert_eq!(answer.header("allow"), Some("POST"));
        assert_eq!(answer.header("content-type"), Some("text/plain"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_collector_accepts_is_accepted() {
    let (gateway, upstream) = limited().await;
    let clean = trace_bytes(1);
    let charset = ("content-type", "application/x-protobuf; charset=utf-8");
    let upper = ("content-type", "Application/X-Protobuf");
    type Row<'a> = (&'a str, &'a str, Vec<(&'a str, &'a str)>, Vec<u8>);
    let rows: Vec<Row<'_>> = vec![
        ("a parameter", "/v1/traces", vec![charset], clean.clone()),
        ("upper case", "/v1/traces", vec![upper], clean.clone()),
        ("a query", "/v1/traces?x=y", vec![PROTOBUF], clean.clone()),
        ("identity", "/v1/traces", vec![PROTOBUF, ("content-encoding", "identity")], clean.clone()),
        ("gzip", "/v1/traces", vec![PROTOBUF, ("content-encoding", "gzip")], gzip(&clean)),
        ("zlib", "/v1/traces", vec![PROTOBUF, ("content-encoding", "zlib")], zlib(&clean)),
        ("deflate", "/v1/traces", vec![PROTOBUF, ("content-encoding", "deflate")], zlib(&clean)),
        (
            "zstd",
            "/v1/traces",
            vec![PROTOBUF, ("content-encoding", "zstd")],
            zstd::encode_all(&clean[..], 3).unwrap(),
        ),
    ];
    for (at, (what, path, headers, body)) in rows.into_iter().enumerate() {
        let answer = sender::http(gateway.http(), "POST", path, &headers, body).await;
        assert_eq!(answer.status, 200, "{what}: {answer:?}");
        let seen = upstream.seen();
        assert_eq!(seen.len(), at + 1, "{what}");
        assert!(seen[at].body == clean, "{what}: changed on its way");
    }
    let empty = sender::post(gateway.http(), "/v1/traces", "").await;
    assert_eq!((empty.status, &empty.body[..]), (200, &[0x0a, 0x00][..]));
    assert_eq!(sender::call(gateway.grpc(), TRACES, b"").await.code, 0);
    assert_eq!(upstream.seen().len(), 8, "what is empty goes nowhere");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_finds_no_room_is_told_to_come_again_before_it_is_read() {
    let upstream = Upstream::always(Reply::Hold).await;
    let limiter = "memory_limiter: {check_interval: 1s, limit_mib: 2, spike_limit_mib: 1}";
    let yaml = started::yaml_with(limiter, &to_grpc(upstream.address));
    let gateway = gateway(&yaml).await;
    let body = log_bytes(&"x".repeat(700_000));
    let (to, first) = (gateway.grpc(), body.clone());
    let held = tokio::spawn(async move { sender::call(to, LOGS, &first).await });
    upstream.wait_for(1).await;
    let answer = sender::call(gateway.grpc(), LOGS, &body).await;
    assert_eq!((answer.code, answer.retry_after), (14, Some(Duration::from_secs(1))));

    // Over HTTP the announced length is enough.
    let mut stream = tokio::net::TcpStream::connect(gateway.http()).await.unwrap();
    let head = "POST /v1/logs HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\n\
                expect: 100-continue\r\ncontent-length: 700000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 4096];
    let len = stream.read(&mut answer).await.unwrap();
    let text = String::from_utf8_lossy(&answer[..len]).into_owned();
    assert!(text.starts_with("HTTP/1.1 503"), "{text}");
    assert!(text.contains("retry-after: 1\r\n"), "{text}");

    upstream.release();
    assert_eq!(held.await.unwrap().code, 0);
    upstream.release();
    assert_eq!(sender::call(gateway.grpc(), LOGS, &body).await.code, 0, "and there is room again");
}

#[tokio::test(flavor = "multi_thread")]
async fn over_the_queue_size_a_request_is_told_to_come_again() {
    let upstream = Upstream::always(Reply::Hold).await;
    let exporters = to_grpc(upstream.address) + "  sending_queue: {queue_size: 1}\n";
    let gateway = gateway(&started::yaml(&exporters)).await;
    let to = gateway.grpc();
    let held = tokio::spawn(async move { sender::call(to, TRACES, &trace_bytes(1)).await });
    upstream.wait_for(1).await;
    let answer = sender::call(gateway.grpc(), TRACES, &trace_bytes(1)).await;
    assert_eq!((answer.code, answer.retry_after), (14, Some(Duration::from_secs(5))));
    upstream.release();
    assert_eq!(held.await.unwrap().code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_utf8_is_repaired_and_not_refused() {
    let (gateway, upstream) = limited().await;
    let mut bytes = log_bytes("a?b");
    let at = bytes.windows(3).position(|window| window == b"a?b").unwrap();
    bytes[at + 1] = 0xff;
    assert_eq!(sender::call(gateway.grpc(), LOGS, &bytes).await.code, 0);
    let seen = upstream.seen();
    assert_eq!(seen[0].body, log_bytes("a\u{fffd}b"));
}

#[tokio::test(flavor = "multi_thread")]
async fn http1_is_refused_at_the_grpc_port_and_junk_at_both() {
    let (gateway, _) = limited().await;
    for to in [gateway.grpc(), gateway.http()] {
        let mut stream = tokio::net::TcpStream::connect(to).await.unwrap();
        stream.write_all(b"\x16\x03\x01\x02\x00\x01\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut answer));
        let _ = ended.await.expect("the connection is closed");
    }
}
