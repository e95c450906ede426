//! Peers that take more than their share: each is stopped by a limit that has a name,
//! and good senders go on meanwhile.

use std::net::SocketAddr;
use std::time::Duration;

use otel_redact::gateway::receiver::otlp::REQUESTS_PER_CONNECTION_DEFAULT;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::frames::CONTINUATION;
use crate::frames::END_HEADERS;
use crate::frames::HEADERS;
use crate::frames::REQUEST;
use crate::frames::RST_STREAM;
use crate::frames::frame;
use crate::frames::preface;
use crate::sender;
use crate::sender::TRACES;
use crate::sender::framed;
use crate::started;
use crate::started::Gateway;
use crate::started::gateway;
use crate::started::to_grpc;
use crate::telemetry::trace_bytes;
use crate::upstream::Reply;
use crate::upstream::Upstream;

const END_STREAM: u8 = 1;

/// A gateway with these limits on both protocols.
async fn limited(limits: &str) -> Gateway {
    limited_with(limits, "").await
}

async fn limited_with(limits: &str, processors: &str) -> Gateway {
    let endpoint = format!("'127.0.0.1:0', limits: {{{limits}}}}}");
    let yaml = started::yaml_with(processors, "nop:").replace("'127.0.0.1:0'}", &endpoint);
    gateway(&yaml).await
}

/// Both protocols still take what a good sender has.
async fn serves(gateway: &Gateway) {
    assert_eq!(sender::call(gateway.grpc(), TRACES, &trace_bytes(1)).await.code, 0);
    assert_eq!(sender::post(gateway.http(), "/v1/traces", trace_bytes(1)).await.status, 200);
}

/// A peer that says `bytes` and then nothing.
async fn says(to: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(to).await.unwrap();
    // It may have been told to leave before it has said everything.
    let _ = stream.write_all(bytes).await;
    stream
}

/// What it hears until it is told to leave.
async fn hears(mut stream: TcpStream) -> Vec<u8> {
    let mut heard = Vec::new();
    let all = tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut heard));
    // A reset is an end, too.
    let _ = all.await.expect("it is told to leave");
    heard
}

const DATA: u8 = 0;
const GOAWAY: u8 = 7;
const ENHANCE_YOUR_CALM: u32 = 11;

/// Whole frames: their kind, stream and payload.
fn frames(mut bytes: &[u8]) -> Vec<(u8, u32, &[u8])> {
    let mut frames = Vec::new();
    while let Some((head, rest)) = bytes.split_at_checked(9) {
        let (Ok([a, b, c, kind, _, stream @ ..]), rest) = (<[u8; 9]>::try_from(head), rest) else {
            break;
        };
        let len = u32::from_be_bytes([0, a, b, c]) as usize;
        let Some((payload, rest)) = rest.split_at_checked(len) else { break };
        frames.push((kind, u32::from_be_bytes(stream), payload));
        bytes = rest;
    }
    frames
}

/// The error code of the last GOAWAY.
fn goaway(heard: &[u8]) -> Option<u32> {
    let frames = frames(heard);
    let (_, _, payload) = frames.iter().rfind(|(kind, ..)| *kind == GOAWAY)?;
    Some(u32::from_be_bytes(payload.get(4..8)?.try_into().unwrap()))
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_say_what_it_speaks_is_told_to_leave() {
    let gateway = limited("handshake_timeout: 100ms").await;
    for first in [&b""[..], b"P", b"PRI"] {
        let [grpc, http] = [gateway.grpc(), gateway.http()];
        let (grpc, http) = (says(grpc, first).await, says(http, first).await);
        serves(&gateway).await;
        assert!(hears(grpc).await.is_empty());
        let _ = http;
    }
    let metrics = gateway.metrics.render();
    let closed = "otelcol_receiver_closed_connections{limit=\"handshake\"";
    assert!(metrics.contains(closed), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_comes_too_slowly_is_refused() {
    let gateway = limited("body_grace: 100ms, body_bytes_per_second_min: 1000000").await;
    let head = "POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\n\
                content-length: 100000\r\nconnection: close\r\n\r\nabc";
    let slow = says(gateway.http(), head.as_bytes()).await;
    serves(&gateway).await;
    let answer = String::from_utf8_lossy(&hears(slow).await).into_owned();
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains("request slower than 1000000 bytes a second"), "{answer}");
    let path = [&[0x44, u8::try_from(TRACES.len()).unwrap()], TRACES.as_bytes()].concat();
    let kind = [&[0x5f, 16], &b"application/grpc"[..]].concat();
    let headers = [&[0x83, 0x86, 0x41, 1, b'x'], &path[..], &kind].concat();
    let body = &framed(0, &[0; 1000])[..7];
    let call = [preface(), frame(HEADERS, END_HEADERS, 1, &headers), frame(DATA, 0, 1, body)];
    let mut slow = says(gateway.grpc(), &call.concat()).await;
    let mut heard = Vec::new();
    while !frames(&heard).iter().any(|(kind, stream, _)| (*kind, *stream) == (HEADERS, 1)) {
        assert_ne!(slow.read_buf(&mut heard).await.unwrap(), 0, "it is answered");
    }
    let metrics = gateway.metrics.render();
    let refused = "otelcol_receiver_requests{outcome=\"refused\",receiver=\"otlp\"";
    let of_grpc = |line: &&str| line.starts_with(refused) && line.contains("transport=\"grpc\"");
    assert!(metrics.lines().find(of_grpc).is_some_and(|line| line.ends_with(" 1")), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_told_how_many_requests_it_may_have_under_way() {
    const SETTINGS: u8 = 4;
    let gateway = limited("connections: 8").await;
    let mut stream = says(gateway.grpc(), &preface()).await;
    let mut heard = Vec::new();
    let settings = loop {
        assert_ne!(stream.read_buf(&mut heard).await.unwrap(), 0, "it is answered");
        let first = frames(&heard)
            .into_iter()
            .find(|(kind, _, said)| *kind == SETTINGS && !said.is_empty());
        if let Some((_, _, said)) = first {
            break said.to_vec();
        }
    };
    // SETTINGS_MAX_CONCURRENT_STREAMS (RFC 9113, 6.5.2).
    let streams = settings.chunks(6).find(|setting| setting[..2] == [0, 3]).unwrap();
    assert_eq!(streams[2..], REQUESTS_PER_CONNECTION_DEFAULT.to_be_bytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_only_announced_takes_no_room() {
    let limiter = "memory_limiter: {check_interval: 1s, limit_mib: 16}\n";
    let gateway = limited_with("connections: 200", limiter).await;
    let head = "POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\n\
                content-length: 4000000\r\n\r\nabc";
    let mut slow = Vec::new();
    for _ in 0..50 {
        slow.push(says(gateway.http(), head.as_bytes()).await);
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    serves(&gateway).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_make_room_for_those_who_send() {
    let gateway = limited("connections: 8").await;
    let mut idle = Vec::new();
    for _ in 0..8 {
        idle.push(says(gateway.grpc(), &preface()).await);
        let request = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";
        idle.push(says(gateway.http(), request.as_bytes()).await);
    }
    serves(&gateway).await;
    let metrics = gateway.metrics.render();
    assert!(metrics.contains("otelcol_receiver_closed_connections{limit=\"idle\""), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_ends_in_time() {
    let yaml = started::yaml("nop:").replace(
        "grpc: {",
        "grpc: {keepalive: {server_parameters: {max_connection_idle: 100ms}}, ",
    );
    let gateway = gateway(&yaml).await;
    let heard = hears(says(gateway.grpc(), &preface()).await).await;
    assert_eq!(goaway(&heard), Some(0), "in an orderly way");
    serves(&gateway).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_taken_back_at_once_end_the_connection() {
    let gateway = limited("reset_streams: 5").await;
    let mut flood = preface();
    for stream in (1..4001).step_by(2) {
        flood.extend(frame(HEADERS, END_HEADERS, stream, REQUEST));
        flood.extend(frame(RST_STREAM, 0, stream, &8u32.to_be_bytes()));
    }
    for address in [gateway.grpc(), gateway.http()] {
        let heard = hears(says(address, &flood).await).await;
        assert_eq!(goaway(&heard), Some(ENHANCE_YOUR_CALM));
        serves(&gateway).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_without_an_end_end_the_connection() {
    let gateway = limited("header_bytes: 8192").await;
    let mut flood = [preface(), frame(HEADERS, 0, 1, REQUEST)].concat();
    // A literal field of 100 bytes, again and again.
    let field = [&[0x40, 1, b'a', 100][..], &[b'a'; 100]].concat();
    for _ in 0..1000 {
        flood.extend(frame(CONTINUATION, 0, 1, &field.repeat(100)));
    }
    // Told by the length alone: none of it is waited for, and none held.
    let announced = |kind, len: usize| frame(kind, 0, 1, &vec![0; len])[..9].to_vec();
    let long = [preface(), announced(HEADERS, 300_000)].concat();
    let on = [preface(), frame(HEADERS, 0, 1, REQUEST), announced(CONTINUATION, 8190)].concat();
    for address in [gateway.grpc(), gateway.http()] {
        for said in [&flood, &long, &on] {
            hears(says(address, said).await).await;
        }
        serves(&gateway).await;
    }
    let metrics = gateway.metrics.render();
    for transport in ["grpc", "http"] {
        let limit = "otelcol_receiver_closed_connections{limit=\"headers\"";
        let own = format!("transport=\"{transport}\"");
        let line = metrics.lines().find(|line| line.starts_with(limit) && line.contains(&own));
        assert!(line.is_some_and(|line| line.ends_with(" 3")), "{metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_end_are_answered_although_they_are_too_many() {
    let gateway = limited("header_bytes: 8192").await;
    let field = [&[0x40, 1, b'a', 100][..], &[b'a'; 100]].concat();
    let head = [REQUEST, &field.repeat(100)].concat();
    let call = [preface(), frame(HEADERS, END_HEADERS | END_STREAM, 1, &head)].concat();
    for address in [gateway.grpc(), gateway.http()] {
        let mut peer = says(address, &call).await;
        let mut heard = Vec::new();
        while !frames(&heard).iter().any(|(kind, stream, _)| (*kind, *stream) == (HEADERS, 1)) {
            assert_ne!(peer.read_buf(&mut heard).await.unwrap(), 0, "it is answered");
        }
    }
    serves(&gateway).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_or_too_large_headers_are_refused() {
    let gateway = limited("header_bytes: 8192, header_count: 10").await;
    let large = format!("x: {}\r\n", "a".repeat(9000));
    let many = (0..11).map(|at| format!("x{at}: y\r\n")).collect::<String>();
    for headers in [large, many] {
        let request = format!("POST /v1/traces HTTP/1.1\r\nhost: x\r\n{headers}\r\n");
        let heard = hears(says(gateway.http(), request.as_bytes()).await).await;
        let answer = String::from_utf8_lossy(&heard).into_owned();
        // Who still sends when the connection is closed may not see the answer.
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
    serves(&gateway).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_unpacks_to_too_much_is_refused() {
    let upstream = Upstream::always(Reply::Accept).await;
    let yaml = started::yaml(&to_grpc(upstream.address))
        .replace("'127.0.0.1:0'}", "'127.0.0.1:0', limits: {decompression_ratio: 20}}");
    let gateway = gateway(&yaml).await;
    let bomb = zstd::encode_all(&crate::telemetry::log_bytes(&" ".repeat(3 << 20))[..], 3).unwrap();
    let headers = [("content-type", "application/x-protobuf"), ("content-encoding", "zstd")];
    let answer = sender::http(gateway.http(), "POST", "/v1/logs", &headers, bomb).await;
    assert_eq!(answer.status, 413);
    assert_eq!(upstream.seen().len(), 0);
}
