//! Connections that say nothing for a while rest, and their peers do not notice.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::frames::END_HEADERS;
use crate::frames::HEADERS;
use crate::frames::REQUEST;
use crate::frames::frame;
use crate::frames::preface;
use crate::started;
use crate::started::gateway;

const PING: u8 = 6;
const END_STREAM: u8 = 1;

const POST: &str = "POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
const TRACE: &[u8] = b"{\"resourceSpans\":[]}";

/// Long enough for a connection to rest.
const REST: Duration = Duration::from_millis(300);

async fn connected(to: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(to).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream
}

async fn next(stream: &mut TcpStream) -> u8 {
    let next = tokio::time::timeout(Duration::from_secs(30), stream.read_u8()).await;
    next.expect("it is answered").expect("it is not told to leave")
}

/// What it hears until `last` is the end of it.
async fn hears_to(stream: &mut TcpStream, last: &[u8]) -> Vec<u8> {
    let mut heard = Vec::new();
    while !heard.ends_with(last) {
        heard.push(next(stream).await);
    }
    heard
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_over_http_1_goes_on_after_a_rest() {
    let gateway = gateway(&started::yaml("nop:")).await;
    let (head, body) = (format!("{POST}content-length: {}\r\n\r\n", TRACE.len()), TRACE);
    let mut peer = connected(gateway.http(), b"").await;
    // Before the first request, within its head and within its body; between requests.
    for _ in 0..3 {
        let (first, second) = head.as_bytes().split_at(30);
        let (third, fourth) = second.split_at(1);
        for part in [first, third, fourth, &body[..2], &body[2..]] {
            tokio::time::sleep(REST).await;
            peer.write_all(part).await.unwrap();
        }
        let heard = hears_to(&mut peer, b"{\"partialSuccess\":{}}").await;
        let heard = String::from_utf8(heard).unwrap();
        assert_eq!(heard.matches("HTTP/1.1").count(), 1, "{heard}");
        assert!(heard.starts_with("HTTP/1.1 200"), "{heard}");
    }
    // Several at once, of which the last is whole only after a rest.
    let request = [head.as_bytes(), body].concat();
    let two_and_a_half = [&request[..], &request, &request[..40]].concat();
    peer.write_all(&two_and_a_half).await.unwrap();
    tokio::time::sleep(REST).await;
    peer.write_all(&request[40..]).await.unwrap();
    let mut heard = Vec::new();
    for _ in 0..3 {
        heard.extend(hears_to(&mut peer, b"{\"partialSuccess\":{}}").await);
    }
    let heard = String::from_utf8(heard).unwrap();
    assert_eq!(heard.matches("HTTP/1.1 200").count(), 3, "{heard}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_behind_a_request_keeps_no_answer_back() {
    let gateway = gateway(&started::yaml("nop:")).await;
    let request = format!("{POST}content-length: {}\r\n\r\n", TRACE.len());
    let request = [request.as_bytes(), TRACE].concat();
    // An empty line, as old clients send it (RFC 9112, 2.2); the beginning of the next
    // request; all but the end of it.
    let whole = request.len();
    for next in [&b"\r\n"[..], &request[..1], &request[..40], &request[..whole - 1]] {
        let mut peer = connected(gateway.http(), b"").await;
        let rest = request.strip_prefix(next).unwrap_or(&request);
        for pause in [Duration::ZERO, REST, REST] {
            peer.write_all(&[&request, next].concat()).await.unwrap();
            let heard = hears_to(&mut peer, b"{\"partialSuccess\":{}}").await;
            assert!(heard.starts_with(b"HTTP/1.1 200"));
            tokio::time::sleep(pause).await;
            peer.write_all(rest).await.unwrap();
            let heard = hears_to(&mut peer, b"{\"partialSuccess\":{}}").await;
            assert!(heard.starts_with(b"HTTP/1.1 200"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_is_answered_and_so_is_what_came_before() {
    let gateway = gateway(&started::yaml("nop:")).await;
    let good = format!("{POST}content-length: {}\r\n\r\n", TRACE.len());
    let good = [good.as_bytes(), TRACE].concat();
    for bad in [
        &b"GARBAGE\r\n\r\n"[..],
        b"GET / HTTP/7.7\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\nbeyond",
        b"POST / HTTP/1.1\r\ntransfer-encoding: none\r\n\r\nbeyond",
    ] {
        for before in [&b""[..], &good] {
            let mut peer = connected(gateway.http(), &[before, bad].concat()).await;
            if !before.is_empty() {
                let heard = hears_to(&mut peer, b"{\"partialSuccess\":{}}").await;
                assert!(heard.starts_with(b"HTTP/1.1 200"));
            }
            let heard = String::from_utf8(hears_to(&mut peer, b"\r\n\r\n").await).unwrap();
            assert!(heard.starts_with("HTTP/1.1 400"), "{heard}");
            assert!(heard.contains("connection: close"), "{heard}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_over_http_2_goes_on_after_a_rest_and_says_nothing_twice() {
    let gateway = gateway(&started::yaml("nop:")).await;
    let ping = |number: u8| frame(PING, 0, 0, &[number; 8]);
    for address in [gateway.grpc(), gateway.http()] {
        let mut peer = connected(address, &preface()).await;
        tokio::time::sleep(REST).await;
        let (first, second) = (ping(1)[..5].to_vec(), ping(1)[5..].to_vec());
        for part in [first, second, ping(2)] {
            peer.write_all(&part).await.unwrap();
            tokio::time::sleep(REST).await;
        }
        let heard = hears_to(&mut peer, &frame(PING, 1, 0, &[2; 8])).await;
        let mut kinds = Vec::new();
        let mut rest = &heard[..];
        while let [_, high, low, kind, ..] = *rest {
            kinds.push(kind);
            rest = &rest[9 + usize::from(u16::from_be_bytes([high, low]))..];
        }
        kinds.sort_unstable();
        // Its settings and that it knows ours, two pings, the window of the connection.
        assert_eq!(kinds, [4, 4, 6, 6, 8]);
        // A request, and another after what would have been a rest.
        for stream in [1_u32, 3] {
            let request = frame(HEADERS, END_HEADERS | END_STREAM, stream, REQUEST);
            peer.write_all(&request).await.unwrap();
            let number = stream.to_be_bytes();
            let mut heard = Vec::new();
            while !heard.windows(5).any(|bytes| bytes[0] & END_STREAM != 0 && bytes[1..] == number)
            {
                heard.push(next(&mut peer).await);
            }
            tokio::time::sleep(REST).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_rests_is_told_to_end() {
    let yaml = started::yaml("nop:")
        .replace("grpc: {", "grpc: {keepalive: {server_parameters: {max_connection_idle: 400ms}}, ")
        .replace("http: {", "http: {keepalive: {idle_timeout: 400ms}, ");
    let gateway = gateway(&yaml).await;
    let goaway = [0, 0, 8, 7, 0, 0, 0, 0, 0];
    for (address, hello, is_told) in [
        (gateway.grpc(), preface(), true),
        (gateway.http(), preface(), true),
        (gateway.http(), POST.into(), false),
        (gateway.http(), b"GET / HTTP/1.1\r\nhost: x\r\n\r\n".to_vec(), false),
    ] {
        let mut peer = connected(address, &hello).await;
        let mut heard = Vec::new();
        let all = tokio::time::timeout(Duration::from_secs(30), peer.read_to_end(&mut heard));
        // A reset is an end, too.
        let _ = all.await.expect("it is told to end");
        assert_eq!(heard.windows(goaway.len()).any(|bytes| bytes == goaway), is_told);
    }
    let metrics = gateway.metrics.render();
    assert!(metrics.contains("otelcol_receiver_closed_connections{limit=\"idle\""), "{metrics}");
}
