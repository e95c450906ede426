//! How the gateway stops, and how senders leave it.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::frames::preface;
use crate::sender;
use crate::sender::TRACES;
use crate::started;
use crate::started::gateway;
use crate::started::to_grpc;
use crate::telemetry::trace_bytes;
use crate::upstream::Reply;
use crate::upstream::Upstream;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_under_way_is_answered_and_nothing_else_accepted() {
    let upstream = Upstream::always(Reply::Hold).await;
    let gateway = gateway(&started::yaml(&to_grpc(upstream.address))).await;
    let (grpc, http) = (gateway.grpc(), gateway.http());
    let by_grpc = tokio::spawn(async move { sender::call(grpc, TRACES, &trace_bytes(1)).await });
    let by_http =
        tokio::spawn(async move { sender::post(http, "/v1/traces", trace_bytes(1)).await });
    upstream.wait_for(2).await;
    let drained = tokio::spawn(gateway.running.drain(Duration::from_secs(10)));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(TcpStream::connect(grpc).await.is_err(), "still accepts");
    assert!(TcpStream::connect(http).await.is_err(), "still accepts");
    assert!(!drained.is_finished());
    upstream.release();
    upstream.release();
    assert_eq!(by_grpc.await.unwrap().code, 0);
    let answer = by_http.await.unwrap();
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    assert!(drained.await.unwrap(), "everything ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_grace_period_bounds_the_end() {
    let upstream = Upstream::always(Reply::Hold).await;
    let gateway = gateway(&started::yaml(&to_grpc(upstream.address))).await;
    let to = gateway.grpc();
    let call = tokio::spawn(async move { sender::call(to, TRACES, &trace_bytes(1)).await });
    upstream.wait_for(1).await;
    assert!(!gateway.running.drain(Duration::from_millis(100)).await);
    call.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_do_not_hold_the_end_up() {
    let upstream = Upstream::always(Reply::Accept).await;
    let gateway = gateway(&started::yaml(&to_grpc(upstream.address))).await;
    let _silent = TcpStream::connect(gateway.grpc()).await.unwrap();
    let _also = TcpStream::connect(gateway.http()).await.unwrap();
    // These are told to leave, and do not hear.
    let mut deaf = TcpStream::connect(gateway.grpc()).await.unwrap();
    deaf.write_all(&preface()).await.unwrap();
    let mut halting = TcpStream::connect(gateway.http()).await.unwrap();
    halting.write_all(b"POST /v1/traces HTTP/1.1\r\nho").await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(gateway.running.drain(Duration::from_secs(5)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn retries_stop_when_the_sender_has_gone() {
    let refused = Reply::Grpc { code: 14, message: "not now", retry_after: None };
    let upstream = Upstream::always(refused).await;
    let exporters = to_grpc(upstream.address).replace(
        "{enabled: false}",
        "{initial_interval: 20ms, max_interval: 20ms, max_elapsed_time: 0s}",
    );
    for processors in ["", "batch: {timeout: 10ms}"] {
        let gateway = gateway(&started::yaml_with(processors, &exporters)).await;
        let to = gateway.grpc();
        let call = tokio::spawn(async move { sender::call(to, TRACES, &trace_bytes(1)).await });
        let before = upstream.seen().len();
        upstream.wait_for(before + 3).await;
        call.abort();
        tokio::time::sleep(Duration::from_millis(300)).await;
        let then = upstream.seen().len();
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(upstream.seen().len(), then, "still retrying [{processors}]");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_retry_is_answered_when_the_gateway_stops() {
    let refused = Reply::Grpc { code: 14, message: "not now", retry_after: None };
    let upstream = Upstream::always(refused).await;
    let exporters =
        to_grpc(upstream.address).replace("{enabled: false}", "{initial_interval: 60s}");
    let gateway = gateway(&started::yaml(&exporters)).await;
    let to = gateway.grpc();
    let call = tokio::spawn(async move { sender::call(to, TRACES, &trace_bytes(1)).await });
    upstream.wait_for(1).await;
    assert!(gateway.running.drain(Duration::from_secs(5)).await);
    assert_eq!(call.await.unwrap().code, 14);
}
